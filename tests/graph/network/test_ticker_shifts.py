"""Expected price changes from shifts of claims."""

import pytest

from graph.network import ticker_shifts
from graph.network.ticker_shifts import list_ticker_shifts
from tests.helpers.snapshots import Rows


def exposures(**impacts: list[tuple[str, float]]) -> Rows:
    """Rows as the statement returns them: a ticker's exposures by claim."""
    return Rows(list_exposures=[[{"symbol": symbol, "impacts": rows} for symbol, rows in impacts.items()]])


async def test_a_ticker_moves_by_the_sum_of_impact_times_shift() -> None:
    """Two exposures to one claim count as one claim."""
    rows = exposures(NVDA=[("P", 0.2), ("P", 0.1), ("Q", -0.5)])
    (found,) = await list_ticker_shifts(rows, {"P": 0.3, "Q": -0.1})

    assert (found.symbol, found.num_claims) == ("NVDA", 2)
    assert found.delta == pytest.approx(0.3 * 0.3 + 0.5 * 0.1)


async def test_the_largest_moves_come_first() -> None:
    """Down or up; ties by symbol."""
    rows = exposures(B=[("P", 0.1)], A=[("P", 0.1)], D=[("P", -0.4)], C=[("P", 0.01)])
    found = await list_ticker_shifts(rows, {"P": 0.5})

    assert [shift.symbol for shift in found] == ["D", "A", "B", "C"]


async def test_the_largest_shifts_are_included(monkeypatch: pytest.MonkeyPatch) -> None:
    """By size, ties by id, so that the answer is the same each time."""
    monkeypatch.setattr(ticker_shifts, "MOST_CLAIMS", 3)
    rows = exposures()
    await list_ticker_shifts(rows, {"P": 0.1, "S": -0.2, "R": 0.2, "Q": -0.9, "T": 0.0})

    assert rows.asked == [("network/list_exposures", {"ids": ["Q", "R", "S"]})]
