"""A portfolio's tickers with their exposures, read from the graph and laid out over the network's claims."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, compress
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from graph.database.sessions import Unit
from graph.errors import NotFoundError
from graph.exposure.positions import Positions, list_shortly
from graph.exposure.tickers import KeptTickers, Ticker, read_tickers, read_tickers_at, unknown_ticker
from graph.inference.network.portfolio import Edges
from graph.inference.network.structure import BoolArray, IntArray
from graph.inference.time import MomentArray
from graph.network.view import View

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """
    A position in a ticker.

    Attributes:
        ticker: The ticker with its exposures.
        weight: Weight of the position.
    """

    ticker: Ticker
    weight: float

    @property
    def symbol(self) -> str:
        """The ticker's symbol."""
        return self.ticker.symbol


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """
    A portfolio over a network.

    Attributes:
        holdings: Its tickers.
        edges: The exposures that count.
        dues: When the effect of each is due, NaT without a day, shape (e,).
        is_counted: Mask of these exposures among all of the holdings.
        num_beyond: Exposures that are due after the horizon.
        num_unstated: Exposures without a relevance, or to predictions without a probability or deleted since.
    """

    holdings: tuple[Holding, ...]
    edges: Edges
    dues: MomentArray
    is_counted: BoolArray
    num_beyond: int
    num_unstated: int

    @property
    def num_reconstructed(self) -> int:
        """Exposures that were recorded later than the moment measured at; 0 for the present."""
        return sum(holding.ticker.num_reconstructed for holding in self.holdings)

    @property
    def num_contradictory(self) -> int:
        """Exposures that are left out as contradictory."""
        return sum(holding.ticker.num_contradictory for holding in self.holdings)

    @property
    def domain_ids(self) -> list[str | None]:
        """Id of the domain of each exposure's prediction, None of those that have none."""
        own = chain.from_iterable(holding.ticker.edges.domain_ids for holding in self.holdings)
        return list(compress(own, self.is_counted.tolist()))

    def share(self, tickers: set[int]) -> float:
        """Share of the weights' sizes that some tickers have; 0 where all weights are 0."""
        sizes = [abs(holding.weight) for holding in self.holdings]
        total = sum(sizes)
        return sum(sizes[index] for index in tickers) / total if total else 0.0

    @property
    def exposed(self) -> set[int]:
        """Indices of the tickers with an exposure that counts."""
        return _occurring(self.edges.tickers)

    @property
    def with_impact(self) -> set[int]:
        """Indices of the tickers with a stated impact."""
        return _occurring(self.edges.tickers[~np.isnan(self.edges.impacts)])


async def read_holdings(
    unit: Unit, positions: Positions, kept: KeptTickers | None = None, *, at: datetime | None = None
) -> tuple[Holding, ...]:
    """
    Read the tickers of positions with their exposures, in the positions' order.

    Of a stored portfolio, those that the graph does not have are included as unknown.

    Args:
        unit: The transaction to read in.
        positions: The positions.
        kept: The tickers that the process keeps; all are read from the graph when absent.
        at: A moment in the past, by which the exposures were recorded; those of the present when absent.

    Raises:
        NotFoundError: The graph has no ticker of a symbol that the request has; the message names all of them.
    """
    symbols = list(positions.weights)
    if at is not None:
        found: Mapping[str, Ticker] = await read_tickers_at(unit, symbols, at)
    else:
        found = await (read_tickers(unit, symbols) if kept is None else kept.get(unit, symbols))
    refuse_absent(positions, found)
    return tuple(
        Holding(found[symbol] if symbol in found else unknown_ticker(symbol), weight)
        for symbol, weight in positions.weights.items()
    )


def refuse_absent(positions: Positions, found: Container[str]) -> None:
    """
    Refuse symbols of a request that were not found.

    Raises:
        NotFoundError: There are some; the message names all of them.
    """
    absent = [symbol for symbol in positions.paths if symbol not in found]
    if absent:
        message = f"the graph lacks {list_shortly(absent, 'ticker')}"
        raise NotFoundError(message, path=positions.paths[absent[0]])


def lay_out(holdings: tuple[Holding, ...], view: View, horizon: date | None) -> Book:
    """
    Lay exposures out over a network's claims.

    Args:
        holdings: The tickers, perhaps none.
        view: The network; predictions that it does not include are left out.
        horizon: The last day on which an effect may be due, by UTC; effects without a day are always included.
    """
    # Without a ticker, one without exposures gives the arrays their types.
    parts = [holding.ticker.edges for holding in holdings] or [unknown_ticker("").edges]
    tickers = np.repeat(np.arange(len(parts)), [len(part.claim_ids) for part in parts])
    claims = _joined([part.places(view) for part in parts])
    relevances, dues = _joined([part.relevances for part in parts]), _joined([part.dues for part in parts])
    is_beyond = np.zeros(tickers.size, np.bool_)
    if horizon is not None:
        is_beyond = dues >= np.datetime64(horizon, "us") + np.timedelta64(1, "D")
    is_stated = ~np.isnan(relevances) & (claims >= 0)
    counts = is_stated & ~is_beyond
    edges = Edges(
        claims=claims[counts],
        tickers=tickers[counts],
        relevances=relevances[counts],
        impacts=_joined([part.impacts for part in parts])[counts],
        weights=np.array([holding.weight for holding in holdings], np.float64),
        ranges=_joined([part.ranges for part in parts])[counts],
    )
    return Book(
        holdings=holdings,
        edges=edges,
        dues=dues[counts],
        is_counted=counts,
        num_beyond=int(is_beyond.sum()),
        num_unstated=int((~is_stated & ~is_beyond).sum()),
    )


def _occurring(tickers: IntArray) -> set[int]:
    return set(np.flatnonzero(np.bincount(tickers)).tolist())


def _joined(parts: Sequence[NDArray[_Kind]]) -> NDArray[_Kind]:
    """Join arrays of tickers, of which there is one at least."""
    return np.concatenate(parts)
