"""A portfolio's tickers with their exposures, read from the graph and laid out over the network's claims."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

from graph.database.sessions import Unit
from graph.errors import NotFoundError
from graph.exposure.positions import Positions, list_shortly
from graph.inference.network.portfolio import Edges
from graph.model.kinds import ExposureSign
from graph.model.signs import find_faults
from graph.network.contradictions import make_exposure
from graph.network.view import View

_NO_RANGE: Final = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Edge:
    """
    An exposure of a ticker.

    Attributes:
        claim_id: Id of the prediction.
        sign: 1 for a benefit, -1 for a harm.
        relevance: From 0 to 1; None where nobody has stated one.
        impact: Fractional change of the price if the prediction comes true; None where nobody has stated one.
        impact_range: The least and the most that it may be; None where nobody has stated them.
        due: When the effect is due: the prediction's deadline and the lag; None without a deadline.
        domain_id: Id of the prediction's domain, if it has one.
    """

    claim_id: str
    sign: int
    relevance: float | None
    impact: float | None
    impact_range: tuple[float, float] | None
    due: datetime | None
    domain_id: str | None


@dataclass(frozen=True, slots=True)
class Holding:
    """
    A ticker of the portfolio.

    Attributes:
        symbol: Its symbol.
        weight: Weight of the position.
        exchange: Its exchange, if known.
        sector: Its sector, if known.
        country: Its country, if known.
        currency: Code of its currency, if known.
        is_known: Whether the graph has the ticker.
        edges: Its exposures that do not contradict each other.
        num_contradictory: Predictions that are left out, since their exposures contradict themselves.
    """

    symbol: str
    weight: float
    exchange: str | None
    sector: str | None
    country: str | None
    currency: str | None
    is_known: bool
    edges: tuple[Edge, ...]
    num_contradictory: int


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """
    A portfolio over a network.

    Attributes:
        holdings: Its tickers.
        rows: The exposures that count, each with the index of its ticker.
        edges: The same as arrays.
        num_beyond: Exposures that are due after the horizon.
        num_unstated: Exposures to predictions without a probability, or without a relevance.
    """

    holdings: tuple[Holding, ...]
    rows: tuple[tuple[int, Edge], ...]
    edges: Edges
    num_beyond: int
    num_unstated: int

    @property
    def num_contradictory(self) -> int:
        """Exposures that are left out as contradictory."""
        return sum(holding.num_contradictory for holding in self.holdings)

    def share(self, tickers: set[int]) -> float:
        """Share of the weights' sizes that some tickers have; 0 where all weights are 0."""
        sizes = [abs(holding.weight) for holding in self.holdings]
        total = sum(sizes)
        return sum(sizes[index] for index in tickers) / total if total else 0.0

    @property
    def exposed(self) -> set[int]:
        """Indices of the tickers with an exposure that counts."""
        return {ticker for ticker, _ in self.rows}

    @property
    def with_impact(self) -> set[int]:
        """Indices of the tickers with a stated impact."""
        return {ticker for ticker, edge in self.rows if edge.impact is not None}


async def read_holdings(unit: Unit, positions: Positions) -> tuple[Holding, ...]:
    """
    Read the tickers of positions with their exposures, in the positions' order.

    Of a stored portfolio, those that the graph does not have are included as unknown.

    Raises:
        NotFoundError: The graph has no ticker of a symbol that the request has; the message names all of them.
    """
    found = {row["symbol"]: row for row in await unit.run("exposure/list_edges", symbols=list(positions.weights))}
    absent = [symbol for symbol in positions.paths if symbol not in found]
    if absent:
        message = f"the graph lacks {list_shortly(absent, 'ticker')}"
        raise NotFoundError(message, path=positions.paths[absent[0]])
    return tuple(
        _holding(found[symbol], weight) if symbol in found else _unknown(symbol, weight)
        for symbol, weight in positions.weights.items()
    )


def lay_out(holdings: tuple[Holding, ...], view: View, horizon: date | None) -> Book:
    """
    Lay exposures out over a network's claims.

    Args:
        holdings: The tickers.
        view: The network; predictions that it does not include are left out.
        horizon: The last day on which an effect may be due, by UTC; effects without a day are always included.
    """
    end = None if horizon is None else datetime(horizon.year, horizon.month, horizon.day, tzinfo=UTC) + timedelta(1)
    rows: list[tuple[int, Edge]] = []
    num_beyond = num_unstated = 0
    for ticker, holding in enumerate(holdings):
        for edge in holding.edges:
            if end is not None and edge.due is not None and edge.due >= end:
                num_beyond += 1
            elif edge.relevance is None or edge.claim_id not in view.indices:
                num_unstated += 1
            else:
                rows.append((ticker, edge))
    edges = Edges(
        claims=np.array([view.indices[edge.claim_id] for _, edge in rows], np.int64),
        tickers=np.array([ticker for ticker, _ in rows], np.int64),
        relevances=np.array([edge.sign * (edge.relevance or 0.0) for _, edge in rows], np.float64),
        impacts=np.array([np.nan if edge.impact is None else edge.impact for _, edge in rows], np.float64),
        weights=np.array([holding.weight for holding in holdings], np.float64),
        ranges=np.array([edge.impact_range or _NO_RANGE for _, edge in rows], np.float64).reshape(-1, 2),
    )
    return Book(holdings, tuple(rows), edges, num_beyond, num_unstated)


def _holding(row: dict[str, Any], weight: float) -> Holding:
    by_claim: dict[str, list[Any]] = {}
    for entry in row["edges"]:
        by_claim.setdefault(entry[0], []).append(entry)
    sound = {claim_id: entries for claim_id, entries in by_claim.items() if _is_sound(row["symbol"], claim_id, entries)}
    return Holding(
        symbol=row["symbol"],
        weight=weight,
        exchange=row["exchange"],
        sector=row["sector"],
        country=row["country"],
        currency=row["currency"],
        is_known=True,
        edges=tuple(sorted(_edges(sound), key=lambda edge: edge.claim_id)),
        num_contradictory=len(by_claim) - len(sound),
    )


def _unknown(symbol: str, weight: float) -> Holding:
    """Return a ticker that the graph does not have."""
    unknown = dict.fromkeys(("exchange", "sector", "country", "currency"))
    return Holding(symbol, weight, **unknown, is_known=False, edges=(), num_contradictory=0)


def _is_sound(symbol: str, claim_id: str, entries: list[Any]) -> bool:
    if len(entries) == 1 and entries[0][3] is None:  # most have no impact, and rows take long to make
        return True
    return not any(find_faults([make_exposure(sign, claim_id, symbol, impact) for _, sign, _, impact, *_ in entries]))


def _edges(by_claim: dict[str, list[Any]]) -> Iterator[Edge]:
    for claim_id, entries in by_claim.items():
        for _, sign, relevance, impact, lag_days, deadline, domain_id, low, high in entries:
            yield Edge(
                claim_id=claim_id,
                sign=1 if sign == ExposureSign.BENEFITS.value else -1,
                relevance=relevance,
                impact=impact,
                impact_range=None if low is None else (low, high),
                due=None if deadline is None else datetime.fromtimestamp(deadline, UTC) + timedelta(lag_days or 0),
                domain_id=domain_id,
            )
