"""Exposures laid out over a network: what counts, what is left out, and what is refused."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from graph.errors import NotFoundError
from graph.exposure.book import Book, Holding, lay_out, refuse_absent
from graph.exposure.positions import Position, Positions
from graph.exposure.tickers import Ticker, TickerEdges, unknown_ticker
from graph.network.view import State, View, make_snapshot, make_view

DAY = datetime(2026, 6, 1, tzinfo=UTC)
NEVER = np.datetime64("NaT", "us")


def view_of(*ids: str) -> View:
    """A network of claims at even odds without influences."""
    rows = [(key, 0.5, None, "OPEN", *(None,) * 9) for key in sorted(ids)]
    return make_view(make_snapshot(State(1, None), rows, []), DAY)


def holding(symbol: str, weight: float, *exposures: tuple[str, float, float, str | None]) -> Holding:
    """A ticker with exposures: prediction, signed relevance, impact, and the day when it is due."""
    claims, relevances, impacts, days = zip(*exposures, strict=True) if exposures else ((), (), (), ())
    edges = TickerEdges(
        claim_ids=tuple(claims),
        relevances=np.array(relevances, np.float64),
        impacts=np.array(impacts, np.float64),
        ranges=np.full((len(claims), 2), np.nan),
        dues=np.array([NEVER if day is None else np.datetime64(day, "us") for day in days], "datetime64[us]"),
        domain_ids=tuple(f"of {claim}" for claim in claims),
    )
    known: Any = {"exchange": None, "sector": None, "country": None, "currency": None, "is_known": True}
    return Holding(Ticker(symbol, **known, edges=edges, num_contradictory=0), weight)


def book(horizon: date | None = None) -> Book:
    """Two tickers, one of which has exposures of all kinds, and a third one that the graph does not have."""
    nan = float("nan")
    first = holding(
        *("A", -3.0),
        ("P_1", 0.5, nan, "2026-06-30T23:00:00"),
        ("P_2", -0.25, -0.1, "2026-07-01T00:00:00"),
        ("P_1", nan, 0.2, None),
        ("P_GONE", 0.5, 0.2, None),
    )
    holdings = (first, holding("B", 1.0, ("P_2", 1.0, nan, None)), Holding(unknown_ticker("C"), 4.0))
    return lay_out(holdings, view_of("P_1", "P_2", "P_3"), horizon)


def test_exposures_without_a_relevance_or_a_claim_are_left_out() -> None:
    """And counted; what is left adds up by claim to weight times relevance."""
    found = book()

    assert (found.num_unstated, found.num_beyond, found.num_contradictory) == (2, 0, 0)
    assert found.is_counted.tolist() == [True, True, False, False, True]
    assert found.edges.coefficients(3).tolist() == [-3.0 * 0.5, -3.0 * -0.25 + 1.0, 0.0]
    assert found.domain_ids == ["of P_1", "of P_2", "of P_2"]


def test_an_effect_counts_until_the_end_of_the_horizon() -> None:
    """One without a day always does."""
    found = book(date(2026, 6, 30))

    assert (found.num_unstated, found.num_beyond) == (2, 1)
    assert found.edges.coefficients(3).tolist() == [-1.5, 1.0, 0.0]
    assert book(date(2026, 7, 1)).num_beyond == 0


def test_shares_are_of_the_weights_sizes() -> None:
    """A short position counts by its size, and a ticker without exposures as well."""
    found = book()

    assert (found.exposed, found.with_impact) == ({0, 1}, {0})
    assert found.share(found.exposed) == pytest.approx(4.0 / 8.0)
    assert found.share(found.with_impact) == pytest.approx(3.0 / 8.0)
    nothing = lay_out((), view_of("P_1"), None)
    assert (nothing.share(nothing.exposed), nothing.edges.coefficients(1).tolist()) == (0.0, [0.0])


def test_symbols_of_a_request_that_are_absent_are_refused() -> None:
    """All of them, at the first one's path."""
    positions = Positions.of(
        [Position("A", 1.0, "positions[0]"), Position("X", 1.0, "positions[1]"), Position("Y", 2.0)]
    )
    with pytest.raises(NotFoundError, match="the graph lacks 2 tickers: X, Y") as refusal:
        refuse_absent(positions, {"A"})
    assert refusal.value.path == "positions[1].ticker"
    refuse_absent(positions, {"A", "X", "Y"})
