"""Tickers that are kept: always those that a fresh read has, and read again only where a write touched them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.budgets import EACH, TOGETHER, Amount, Budget
from graph.database.sessions import Database, Reading
from graph.exposure.tickers import KeptTickers, Ticker, read_courses, read_tickers, read_tickers_at
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.network.engine import Engine
from resolvers.base.relay import global_id
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.mutating import mutate

SYMBOLS = ("AAA", "BBB", "CCC", "ZZZ")
PREDICTIONS = ("P_1", "P_2", "P_3")


def bundle() -> Bundle:
    """Three tickers, two of which one prediction moves; a fourth is named by nobody."""
    exposures = [
        {"sign": "BENEFITS", "prediction_id": "P_1", "symbol": "AAA", "relevance": 0.5, "impact": 0.1},
        {"sign": "HARMS", "prediction_id": "P_1", "symbol": "BBB", "relevance": 0.25},
        {"sign": "BENEFITS", "prediction_id": "P_2", "symbol": "BBB", "impact": 0.2, "lag_days": 30},
        {"sign": "BENEFITS", "prediction_id": "P_3", "symbol": "CCC", "relevance": 1.0},
    ]
    window = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2030-01-01T00:00:00Z"}
    claims = [{"id": key, "title": key, "stated_probability": 0.5, **window} for key in PREDICTIONS]
    tickers = [{"symbol": symbol, "name": symbol, "sector": "Chips"} for symbol in SYMBOLS[:3]]
    rows = {"predictions": claims, "tickers": tickers, "exposures": exposures, "domains": [{"id": "d", "name": "D"}]}
    rows["scenarios"] = [{"id": "S_1", "title": "S", "stated_probability": 0.5}]
    return Bundle.model_validate({"format": BUNDLE_FORMAT, **rows})


@pytest.fixture
async def stored(database: Database) -> Database:
    """The tickers, in the database."""
    await import_once(database, bundle())
    return database


def shown(tickers: Mapping[str, Ticker]) -> dict[str, Any]:
    """All that tickers say, as values that compare."""
    return {
        symbol: (
            *(found.exchange, found.sector, found.country, found.currency, found.is_known, found.num_contradictory),
            found.edges.claim_ids,
            found.edges.domain_ids,
            *(np.asarray(part).tobytes() for part in (found.edges.relevances, found.edges.impacts, found.edges.ranges)),
            found.edges.dues.tobytes(),
        )
        for symbol, found in sorted(tickers.items())
    }


async def change_exposure(database: Database) -> None:
    """Another relevance."""
    exposure = {"sign": "BENEFITS", "prediction": "P_1", "ticker": "AAA", "relevance": 0.75, "impact": 0.1}
    await mutate(database, "upsertExposure", exposure)


async def add_exposure(database: Database) -> None:
    """One more."""
    await mutate(database, "upsertExposure", sign="HARMS", prediction="P_3", ticker="AAA", relevance=0.1)


async def remove_exposure(database: Database) -> None:
    """One less."""
    await mutate(database, "removeExposure", sign="HARMS", prediction="P_1", ticker="BBB")


async def change_ticker(database: Database) -> None:
    """Another sector."""
    await mutate(database, "upsertTicker", symbol="CCC", sector="Energy")


async def put_off(database: Database) -> None:
    """The effects of a prediction are due later."""
    await mutate(database, "upsertPrediction", id="P_2", windowEndsAt="2031-06-01T00:00:00Z")


async def move_domain(database: Database) -> None:
    """A prediction gets a domain."""
    await mutate(database, "upsertPrediction", id="P_1", domain="d")


async def make_ticker(database: Database) -> None:
    """A ticker that was asked for before it was there."""
    await mutate(database, "upsertTicker", {"symbol": "ZZZ", "name": "Z"})


async def remove_prediction(database: Database) -> None:
    """With its exposures."""
    await mutate(database, "deleteSubject", id=global_id("Prediction", "P_3"))


async def import_again(database: Database) -> None:
    """The whole of it, as it was."""
    await import_bundle(database, bundle())


async def begin_anew(database: Database) -> None:
    """Another graph in the same database."""
    await empty(database)
    await import_bundle(database, bundle())


WRITES: list[Callable[[Database], Awaitable[None]]] = [
    change_exposure,
    add_exposure,
    remove_exposure,
    change_ticker,
    put_off,
    move_domain,
    make_ticker,
    remove_prediction,
    import_again,
    begin_anew,
]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
async def test_what_is_kept_is_what_a_fresh_read_has(
    stored: Database, write: Callable[[Database], Awaitable[None]]
) -> None:
    """After a write as before it."""
    kept = KeptTickers()
    async with stored.reading() as unit:
        before = shown(await kept.get(unit, SYMBOLS))
        assert before == shown(await read_tickers(unit, SYMBOLS))
    await write(stored)
    async with stored.reading() as unit:
        after = shown(await kept.get(unit, SYMBOLS))
        assert after == shown(await read_tickers(unit, SYMBOLS))

    assert (after == before) == (write in (import_again, begin_anew))


async def test_only_what_a_write_touched_is_read_again(stored: Database, statements: StatementCounter) -> None:
    """Evidence touches none; an exposure its own ticker; an import of many all of its tickers."""
    kept = KeptTickers()

    async def read() -> list[str]:
        """The symbols that the graph was asked for."""
        statements.reset()
        async with stored.reading() as unit:
            await kept.get(unit, SYMBOLS[:3])
        return statements.names

    assert await read() == ["database/get_revision", "exposure/list_edges"]
    assert await read() == ["database/get_revision"]
    await mutate(stored, "submitEvidence", claim="S_1", direction="FOR", strength="WEAK")
    assert await read() == ["database/get_revision", "network/list_changes"]
    await change_exposure(stored)
    assert await read() == ["database/get_revision", "network/list_changes", "exposure/list_edges"]
    assert statements.num_rows == 3  # the revision, its note, and one ticker
    assert await read() == ["database/get_revision"]


async def test_those_asked_for_longest_ago_go_first(stored: Database, statements: StatementCounter) -> None:
    """Where there are more exposures than are kept."""
    kept = KeptTickers(most_exposures=3)
    async with stored.reading() as unit:
        await kept.get(unit, ["AAA", "BBB"])
        await kept.get(unit, ["AAA"])
        await kept.get(unit, ["CCC"])
        statements.reset()
        await kept.get(unit, ["AAA", "CCC"])
        assert statements.names == ["database/get_revision"]
        await kept.get(unit, ["BBB"])
        assert statements.names == ["database/get_revision"] * 2 + ["exposure/list_edges"]


async def test_predictions_are_placed_in_each_network_that_is_asked_about(stored: Database) -> None:
    """One that is annulled has no place, and the others' places move; of two networks in turn, each has its own."""
    async with stored.reading() as reading:
        edges = (await read_tickers(reading, ["BBB"]))["BBB"].edges
        before = await Engine().view(reading)
    await mutate(stored, "annulClaim", claim="P_1", note="Asked in error")
    async with stored.reading() as reading:
        after = await Engine().view(reading)

    assert edges.claim_ids == ("P_1", "P_2")
    for view, expected in ((before, [0, 1]), (after, [-1, 0]), (before, [0, 1]), (before, [0, 1])):
        assert edges.places(view).tolist() == expected


async def test_exposures_are_no_rows_of_a_requests_budget(database: Database) -> None:
    """They come as columns, so that a request may read as many as its memory holds; now and as of a moment."""
    await empty(database)
    keys = [f"P_{number:02}" for number in range(60)]
    rows = {
        "predictions": [{"id": key, "title": key, "stated_probability": 0.5} for key in keys],
        "tickers": [{"symbol": "AAA"}],
        "exposures": [
            {"sign": "HARMS", "prediction_id": key, "symbol": "AAA", "relevance": 0.5, "impact": -0.1} for key in keys
        ],
    }
    await import_bundle(database, Bundle.model_validate({"format": BUNDLE_FORMAT, **rows}))
    now = datetime.now(UTC)
    meter = Budget(Amount(50, EACH.num_bytes), TOGETHER).open()
    reading = Reading(database, None, meter)
    try:
        found = [await read_tickers(reading, ["AAA"]), await read_tickers_at(reading, ["AAA"], now)]
        courses = await read_courses(reading, ["AAA"], now, now)
        num_bytes = meter.num_bytes
    finally:
        await reading.close()

    assert [len(tickers["AAA"].edges.claim_ids) for tickers in found] == [60, 60]
    assert {effect for course in courses["AAA"].values() for _, effect in course} == {-0.5}
    assert num_bytes > 60 * 2 * 64
