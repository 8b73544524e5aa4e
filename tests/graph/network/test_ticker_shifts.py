"""Expected price changes from shifts of claims."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.network import ticker_shifts
from graph.network.engine import Engine
from graph.network.questions import Observation
from graph.network.ticker_shifts import TickerShift, list_ticker_shifts
from tests.helpers.bundles import bundle, claim, prediction, requiring

NOW = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
IMPACTS = {"D": -0.4, "A": 0.1, "B": 0.1, "C": 0.01}


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine without anything kept."""
    made = Engine()
    yield made
    made.close()


async def shifts(database: Database, engine: Engine) -> list[TickerShift]:
    """The price changes if S_A comes true."""
    async with database.reading() as reading:
        found = await engine.what_if(reading, [Observation("S_A", outcome=True)], method=Method.EXACT, now=NOW)
        return await list_ticker_shifts(reading, engine, found)


async def load(database: Database, exposures: list[dict[str, object]]) -> None:
    """A scenario over two predictions that need it."""
    symbols = sorted({str(row["symbol"]) for row in exposures})
    await import_bundle(
        database,
        bundle(
            scenarios=[claim("S_A", 0.5)],
            predictions=[prediction("P_B"), prediction("P_C", stated_probability=0.3)],
            influences=[requiring("S_A", "P_B", p_if_true=0.9, p_if_false=0.1), requiring("S_A", "P_C")],
            tickers=[{"symbol": symbol} for symbol in symbols],
            exposures=exposures,
        ),
    )


def exposed(prediction_id: str, symbol: str, impact: float | None) -> dict[str, object]:
    """An exposure whose sign is the impact's."""
    sign = "HARMS" if impact is not None and impact < 0.0 else "BENEFITS"
    row: dict[str, object] = {"sign": sign, "prediction_id": prediction_id, "symbol": symbol}
    return row if impact is None else row | {"impact": impact}


async def test_the_largest_moves_come_first(database: Database, engine: Engine) -> None:
    """Down or up; ties by symbol. Of one claim the price is linear: (1 + a .9) / (1 + a .5) - 1."""
    await load(database, [exposed("P_B", symbol, impact) for symbol, impact in IMPACTS.items()])

    found = await shifts(database, engine)

    assert [shift.symbol for shift in found] == ["D", "A", "B", "C"]
    for shift in found:
        impact = IMPACTS[shift.symbol]
        assert shift.delta == pytest.approx((1.0 + 0.9 * impact) / (1.0 + 0.5 * impact) - 1.0, abs=1e-9)
        assert (shift.num_claims, shift.standard_error) == (1, None)


async def test_exposures_without_an_impact_move_nothing(database: Database, engine: Engine) -> None:
    """A ticker of such exposures alone is not listed, and beside others they do not count."""
    await load(database, [exposed("P_B", "A", None), exposed("P_B", "B", 0.2), exposed("P_C", "B", None)])

    (found,) = await shifts(database, engine)

    assert (found.symbol, found.num_claims) == ("B", 1)


async def test_the_largest_shifts_are_included(
    database: Database, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By size, ties by id, so that the answer is the same each time."""
    monkeypatch.setattr(ticker_shifts, "MOST_CLAIMS", 2)
    await load(database, [exposed("P_B", "A", 0.2), exposed("P_C", "A", 0.2)])

    (found,) = await shifts(database, engine)

    assert found.num_claims == 1  # of S_A, P_B and P_C the last shifts least


NUM_LINKS = 20


async def test_a_long_chain_is_sampled_within_its_error(database: Database, engine: Engine) -> None:
    """Its tables agree with what is stated, so that expectations follow link by link, by another route."""
    ids = [f"P_{number:02d}" for number in range(NUM_LINKS)]
    pairs = [("S_A", ids[0]), *pairwise(ids)]
    await import_bundle(
        database,
        bundle(
            scenarios=[claim("S_A", 0.5)],
            predictions=[prediction(key) for key in ids],
            influences=[requiring(parent, child, p_if_true=0.8, p_if_false=0.2) for parent, child in pairs],
            tickers=[{"symbol": "A"}],
            exposures=[exposed(key, "A", 0.1) for key in ids],
        ),
    )

    (found,) = await shifts(database, engine)

    def price(first: float) -> float:
        """E(product over the chain), from the last link to the first, given P(S_A)."""
        if_true = if_false = 1.0
        for _ in ids:
            from_true, from_false = 1.1 * if_true, if_false
            if_true, if_false = 0.8 * from_true + 0.2 * from_false, 0.2 * from_true + 0.8 * from_false
        return first * if_true + (1.0 - first) * if_false

    assert found.standard_error is not None
    expected = price(1.0) / price(0.5) - 1.0
    assert abs(found.delta - expected) < 5.0 * found.standard_error
    assert 0.0 < found.standard_error < 0.1 * expected
