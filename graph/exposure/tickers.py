"""
Tickers with their exposures: read from the graph, now or as recorded by a moment, and kept until a write changes one.

An exposure takes the driver and Python as long as some samples take NumPy, so that a large portfolio would wait for its
exposures. Each revision of the graph notes which rows it changed, and those tickers alone are read again.
"""

import asyncio
import math
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import compress, groupby, repeat
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.log_odds import FloatArray
from graph.inference.network.structure import IntArray
from graph.inference.time import EPOCH, MomentArray
from graph.ledger.versions import BATCH_NODES
from graph.model.kinds import ExposureSign, VersionSubject
from graph.model.page_keys import ranges, stamp_text
from graph.model.signs import find_faults
from graph.model.subjects import MARK
from graph.model.versions import version_anchor
from graph.network.contradictions import make_exposure
from graph.network.fetching import Notes, fetch_notes, fetch_state
from graph.network.view import State, View

MOST_KEPT_EXPOSURES: Final = 300_000
"""Exposures that are kept at most, some 30 MB; the tickers that were asked for longest ago go first."""

_COLUMNS: Final = (
    "claim_ids",
    "signs",
    "relevances",
    "impacts",
    "lag_days",
    "deadlines",
    "domain_ids",
    "lows",
    "highs",
)
"""What statements return of a ticker's exposures, a list each."""

_RECORDED_COLUMNS: Final = tuple(name for name in _COLUMNS if name != "deadlines")
"""What versions have of it; deadlines are predictions'."""
_SIGNS: Final = {ExposureSign.BENEFITS.value: 1.0, ExposureSign.HARMS.value: -1.0}
_NEVER: Final = np.datetime64("NaT", "us")


class _Entry(NamedTuple):
    """The values of an exposure by which it contradicts others of its ticker, in the order of statements' columns."""

    claim_id: str
    sign: str
    relevance: float | None
    impact: float | None


_Change = tuple[int, bool, _Entry]
"""A version of an exposure: since when it holds, whether it was deleted, and what it says."""


@dataclass(frozen=True, slots=True, eq=False)
class TickerEdges:
    """
    The e exposures of a ticker that do not contradict each other, by the ids of their predictions.

    Attributes:
        claim_ids: Ids of the predictions.
        relevances: Signed relevance, in [-1, 1], NaN where nobody has stated one, shape (e,).
        impacts: Fractional change of the price if the prediction comes true, NaN where nobody has stated one,
            shape (e,).
        ranges: The least and the most that each impact may be, NaN where nobody has stated them, shape (e, 2).
        dues: When each effect is due, the prediction's deadline and the lag; NaT without a deadline, shape (e,).
        domain_ids: Ids of the predictions' domains, None of those that have none.
    """

    claim_ids: tuple[str, ...]
    relevances: FloatArray
    impacts: FloatArray
    ranges: FloatArray
    dues: MomentArray
    domain_ids: tuple[str | None, ...]
    _placed: list[tuple[Mapping[str, int], IntArray]] = field(default_factory=list, repr=False)  # in the latest network

    def places(self, view: View) -> IntArray:
        """Return the index of each prediction in a network, -1 for one that it does not include, shape (e,)."""
        for indices, places in self._placed:
            if indices is view.indices:
                return places
        places = np.fromiter(map(view.indices.get, self.claim_ids, repeat(-1)), np.int64, len(self.claim_ids))
        self._placed[:] = [(view.indices, places)]
        return places


@dataclass(frozen=True, slots=True, eq=False)
class Ticker:
    """
    A ticker with its exposures.

    Attributes:
        symbol: Its symbol.
        exchange: Its exchange, if known.
        sector: Its sector, if known.
        country: Its country, if known.
        currency: Code of its currency, if known.
        is_known: Whether the graph has it.
        edges: Its exposures.
        num_contradictory: Predictions that are left out, since their exposures contradict themselves.
        num_reconstructed: Exposures that were recorded later than the moment asked for; 0 for the present.
    """

    symbol: str
    exchange: str | None
    sector: str | None
    country: str | None
    currency: str | None
    is_known: bool
    edges: TickerEdges
    num_contradictory: int
    num_reconstructed: int = 0


class KeptTickers:
    """
    The tickers of one process, as they were read last.

    Args:
        most_exposures: The most exposures that are kept.
    """

    def __init__(self, most_exposures: int = MOST_KEPT_EXPOSURES) -> None:
        self._most_exposures = most_exposures
        self._state: State | None = None
        self._tickers: OrderedDict[str, Ticker] = OrderedDict()
        self._symbols: dict[str, set[str]] = defaultdict(set)
        self._num_exposures = 0

    async def get(self, unit: Unit, symbols: Collection[str]) -> Mapping[str, Ticker]:
        """
        Return tickers by symbol, as they are in the current state or a later one; without those that the graph lacks.

        Args:
            unit: The transaction to read in.
            symbols: Which.
        """
        state = await fetch_state(unit)
        await self._follow(unit, state)
        found = {symbol: self._tickers[symbol] for symbol in symbols if symbol in self._tickers}
        for symbol in found:
            self._tickers.move_to_end(symbol)
        absent = [symbol for symbol in symbols if symbol not in found]
        if absent:
            read = await read_tickers(unit, absent)
            if self._state == state:  # who has followed a later write meanwhile cannot tell whether these include it
                self._keep(read.values())
            found |= read
        return found

    async def _follow(self, unit: Unit, state: State) -> None:
        """Forget what writes have changed up to a state."""
        while (known := self._state) != state and not _is_later(known, state):
            notes = None if known is None else await fetch_notes(unit, known, state)
            if self._state is known:  # else another has followed some writes meanwhile
                self._state = state
                self._forget(list(self._tickers) if notes is None else self._find_touched(notes))

    def _find_touched(self, notes: Notes) -> set[str]:
        """Find the symbols of the tickers that writes may have changed, with some that are not kept."""
        if notes.row_ids is None:
            return set(self._tickers)
        touched = {symbol for claim_id in notes.claim_ids for symbol in self._symbols.get(claim_id, ())}
        for note in notes.row_ids:
            name, _, row_id = note.partition(":")
            if name in {"tickers", "exposures"}:
                touched.update(row_id.split(MARK))
        return touched

    def _keep(self, tickers: Iterable[Ticker]) -> None:
        for ticker in tickers:
            self._forget([ticker.symbol])
            self._tickers[ticker.symbol] = ticker
            self._num_exposures += len(ticker.edges.claim_ids)
            for claim_id in ticker.edges.claim_ids:
                self._symbols[claim_id].add(ticker.symbol)
        while self._num_exposures > self._most_exposures:
            self._forget([next(iter(self._tickers))])

    def _forget(self, symbols: Collection[str]) -> None:
        for symbol in symbols:
            ticker = self._tickers.pop(symbol, None)
            if ticker is None:
                continue
            self._num_exposures -= len(ticker.edges.claim_ids)
            for claim_id in set(ticker.edges.claim_ids):
                own = self._symbols[claim_id]
                own.discard(symbol)
                if not own:
                    del self._symbols[claim_id]


def _is_later(known: State | None, state: State) -> bool:
    """Whether a state that is known follows another one of the same graph, which was read before."""
    if known is None or known.revised_at is None or state.revised_at is None:
        return False
    return known.revision > state.revision and known.revised_at >= state.revised_at


async def read_tickers(unit: Unit, symbols: Collection[str]) -> dict[str, Ticker]:
    """Read tickers with their exposures, by symbol; without those that the graph lacks."""
    rows = await unit.run("exposure/list_edges", symbols=list(symbols))
    tickers = await asyncio.to_thread(lambda: [_ticker(row) for row in rows])
    return {ticker.symbol: ticker for ticker in tickers}


async def read_tickers_at(unit: Unit, symbols: Collection[str], moment: datetime) -> dict[str, Ticker]:
    """
    Read tickers with their exposures as recorded by a moment, by symbol.

    Those that the graph lacks are included if they had exposures then. Predictions' deadlines are those of then too;
    other properties of tickers, and predictions' domains, are those of now.
    """
    names = ("is_early", "is_deleted", *_RECORDED_COLUMNS)
    rows = await _list_versions(unit, symbols, moment, moment, names)
    claim_ids = {claim_id for row in rows for claim_id in row["claim_ids"]}
    deadlines = await _read_deadlines(unit, sorted(claim_ids), moment)
    tickers = await asyncio.to_thread(lambda: [_ticker_at(row, deadlines) for row in rows])
    return {ticker.symbol: ticker for ticker in tickers if ticker.is_known or ticker.edges.claim_ids}


Course = tuple[tuple[int, float], ...]
"""
Sign times relevance of a prediction for a ticker: each value with the moment since when it holds, in microseconds since
1970, in order.
"""


async def read_courses(
    unit: Unit, symbols: Collection[str], start: datetime, end: datetime
) -> dict[str, dict[str, Course]]:
    """
    Read what exposures said from one moment to another, by symbol and prediction, as it was recorded by then.

    Exposures without a relevance, and those that contradict each other, are 0. Symbols are left out that the graph
    lacks now and had no exposures of.
    """
    rows = await _list_versions(unit, symbols, start, end, ("since", "is_deleted", *_COLUMNS[: len(_Entry._fields)]))

    def make() -> dict[str, dict[str, Course]]:
        return {row["symbol"]: _courses(row) for row in rows if row["is_known"] or row["claim_ids"]}

    return await asyncio.to_thread(make)


async def count_later(unit: Unit, symbols: Collection[str], moment: datetime) -> int:
    """Count the exposures of tickers at a moment that were first recorded after it."""
    rows = await _list_versions(unit, symbols, moment, moment, ("is_early", "is_deleted"))
    return sum(
        is_early and not is_deleted
        for row in rows
        for is_early, is_deleted in zip(row["is_early"], row["is_deleted"], strict=True)
    )


async def _list_versions(
    unit: Unit, symbols: Collection[str], start: datetime, end: datetime, names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """List the versions of tickers' exposures, with the columns of these names."""
    asked = [
        {"symbol": symbol, **found}
        for symbol, found in zip(
            symbols, ranges(version_anchor(VersionSubject.EXPOSURE, symbol) for symbol in symbols), strict=True
        )
    ]
    rows = await unit.run("exposure/list_edge_versions", tickers=asked, start=start, end=end, names=names)
    return [{**row, **dict(zip(names, row["columns"], strict=True))} for row in rows]


async def _read_deadlines(unit: Unit, claim_ids: Sequence[str], moment: datetime) -> dict[str, int | None]:
    """Read the deadlines of claims as recorded by a moment, in seconds since 1970, by id."""
    deadlines: dict[str, int | None] = {}
    for part in slices(claim_ids, BATCH_NODES):
        (answer,) = await unit.run("exposure/list_deadlines", ids=part, by=stamp_text(max(moment, EPOCH)))
        deadlines.update(zip(answer["ids"], answer["deadlines"], strict=True))
    return deadlines


def unknown_ticker(symbol: str) -> Ticker:
    """Return a ticker that the graph does not have."""
    edges = _edges(dict.fromkeys(_COLUMNS, ()))
    return Ticker(symbol, None, None, None, None, is_known=False, edges=edges, num_contradictory=0)


def _ticker_at(row: Mapping[str, Any], deadlines: Mapping[str, int | None]) -> Ticker:
    """Make a ticker of the latest versions of its exposures, with the deadlines of their predictions."""
    stays = [not is_deleted for is_deleted in row["is_deleted"]]
    own = {name: list(compress(row[name], stays)) for name in _RECORDED_COLUMNS}
    own["deadlines"] = [deadlines.get(claim_id) for claim_id in own["claim_ids"]]
    ticker = _ticker({**row, **own})
    return replace(ticker, is_known=row["is_known"], num_reconstructed=sum(compress(row["is_early"], stays)))


def _courses(row: Mapping[str, Any]) -> dict[str, Course]:
    """Make the courses of a ticker's exposures of all their versions."""
    changes: dict[str, list[_Change]] = defaultdict(list)
    columns = ("since", "is_deleted", *_COLUMNS[: len(_Entry._fields)])
    for since, is_deleted, *entry in zip(*(row[name] for name in columns), strict=True):
        changes[entry[0]].append((since, is_deleted, _Entry._make(entry)))
    return {claim_id: tuple(_course(row["symbol"], own)) for claim_id, own in changes.items()}


def _course(symbol: str, changes: Sequence[_Change]) -> Iterator[tuple[int, float]]:
    """Yield what a prediction's exposures of both signs say together, where it changes."""
    standing: dict[str, _Entry] = {}
    before = 0.0
    for since, own in groupby(sorted(changes, key=itemgetter(0)), itemgetter(0)):
        for _, is_deleted, entry in own:
            standing.pop(entry.sign, None)
            if not is_deleted:
                standing[entry.sign] = entry
        entries = list(standing.values())
        effect = math.fsum(map(_relevance, entries)) if _is_sound(symbol, entries) else 0.0
        if effect != before:
            yield since, effect
        before = effect


def _relevance(entry: _Entry) -> float:
    """Return the signed relevance of an exposure, 0 without one."""
    return _SIGNS[entry.sign] * (entry.relevance or 0.0)


def _ticker(row: Mapping[str, Any]) -> Ticker:
    entries = list(map(_Entry, *(row[name] for name in _COLUMNS[: len(_Entry._fields)])))
    places: dict[str, list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        places[entry.claim_id].append(place)
    sound = [
        place
        for claim_id in sorted(places)
        if _is_sound(row["symbol"], [entries[place] for place in places[claim_id]])
        for place in places[claim_id]
    ]
    edges = _edges({name: [row[name][place] for place in sound] for name in _COLUMNS})
    return Ticker(
        symbol=row["symbol"],
        exchange=row["exchange"],
        sector=row["sector"],
        country=row["country"],
        currency=row["currency"],
        is_known=True,
        edges=edges,
        num_contradictory=len(places) - len(set(edges.claim_ids)),
    )


def _is_sound(symbol: str, entries: Sequence[_Entry]) -> bool:
    if len(entries) == 1:
        ((_, sign, _, impact),) = entries
        if impact is None or (impact >= 0.0) == (sign == ExposureSign.BENEFITS.value):  # rows take long to make
            return True
    return not any(find_faults([make_exposure(own.sign, own.claim_id, symbol, own.impact) for own in entries]))


def _edges(columns: Mapping[str, Sequence[Any]]) -> TickerEdges:
    """Make the arrays of exposures as statements return them."""
    return TickerEdges(
        claim_ids=tuple(columns["claim_ids"]),
        relevances=np.array([_SIGNS[sign] for sign in columns["signs"]]) * _numbers(columns["relevances"]),
        impacts=_numbers(columns["impacts"]),
        ranges=np.stack([_numbers(columns["lows"]), _numbers(columns["highs"])], axis=1),
        dues=np.array(list(map(_due, columns["deadlines"], columns["lag_days"])), "datetime64[us]"),
        domain_ids=tuple(columns["domain_ids"]),
    )


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array(values, np.float64)


def _due(deadline: int | None, lag_days: int | None) -> np.datetime64:
    if deadline is None:
        return _NEVER
    return np.datetime64(deadline * 1_000_000, "us") + np.timedelta64(lag_days or 0, "D")
