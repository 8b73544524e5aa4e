"""
Runs of composed statements that are shared.

Each run costs the driver and the database as much as some rows do. So while runs of a statement are under way, those
who ask for it wait for each other, and the next run reads for all of them, once for those who ask for the same. Nobody
waits who is alone.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from graph.database.budgets import measure
from graph.database.sessions import FEW_ROWS, Database
from graph.errors import BusyError, TimedOutError, UnavailableError
from graph.reading.anchors import Anchor
from graph.reading.composing import Composed

MOST_RUNS: Final = 2
"""Runs of a statement at a time: the database works for one while this process reads what another has found."""

ENOUGH_ROWS: Final = 4_000
"""Rows that are enough for a run, some 20 ms of work."""

MOST_ROWS: Final = 50_000
"""The most rows that a run could read, were each of its requests as large as it may be."""

MOST_SHARED_ROWS: Final = FEW_ROWS
"""The most rows that a request which shares a run could read."""

RUNS_BETWEEN_COUNTS: Final = 16
"""Of so many runs of a statement one has its rows counted, which takes a tenth of the time that its answers take."""

MOST_SIZES: Final = 500

_PASSING: Final = (BusyError, TimedOutError, UnavailableError)
"""Errors that come of no one's values, so that all who share a run have them."""

_Key = tuple[int, int, str | None]
"""A composed statement, by its identity while it is held; the number of nodes; and the bookmark."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    Data that a run has read from an anchor, shared by the requests that asked for the same; none of them changes it.

    Attributes:
        data: The record's value as the driver gives it, None without a node.
        answers: Answers made of the data so far, by whatever tells them apart; an answer that is the same for all is
            made once.
    """

    data: Any
    answers: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Request:
    """The values of an anchor, and where all who ask for it wait."""

    own: Mapping[str, Any]
    waiters: list[asyncio.Future[Found]] = field(default_factory=list)

    @property
    def is_awaited(self) -> bool:
        """Whether anybody still waits; clients may have left."""
        return not all(waiter.done() for waiter in self.waiters)

    def give(self, data: Any) -> None:
        """Give those who wait what was found."""
        found = Found(data)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(found)

    def fail(self, error: Exception) -> None:
        """Raise an error where anybody waits."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def cancel(self) -> None:
        """Cancel those who still wait."""
        for waiter in self.waiters:
            waiter.cancel()


@dataclass(slots=True)
class _Size:
    """Size of a statement's answers: the rows of a request, those of recent ones; and the number of runs."""

    rows: float
    num_runs: int = 0

    def count(self, found: Sequence[Any]) -> None:
        """Count some answers, if it is their turn."""
        if self.num_runs % RUNS_BETWEEN_COUNTS == 0:
            rows = measure(found).rows / len(found)
            self.rows = rows if self.num_runs == 0 else (self.rows + rows) / 2
        self.num_runs += 1


@dataclass(slots=True)
class _Lane:
    """Requests of one statement for the same number of nodes, from the same state on; by the text of their values."""

    composed: Composed
    num_nodes: int
    bookmark: str | None
    size: _Size
    waiting: OrderedDict[str, _Request] = field(default_factory=OrderedDict)
    num_runs: int = 0
    is_called: bool = False

    @property
    def most(self) -> int:
        """The most requests that share a run."""
        could_read = self.composed.max_rows * self.num_nodes
        return max(1, min(int(ENOUGH_ROWS / self.size.rows), MOST_ROWS // could_read))


class Gathering:
    """
    Runs composed statements for all requests that wait at the same time.

    A run begins after those who share it came, so each sees every write that was acknowledged before. A request that
    is cancelled leaves the run to the others.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lanes: dict[_Key, _Lane] = {}
        self._sizes: OrderedDict[str, _Size] = OrderedDict()
        self._runs: set[asyncio.Task[None]] = set()

    async def fetch(self, composed: Composed, anchor: Anchor, bookmark: str | None) -> Found:
        """
        Read from an anchor.

        Args:
            composed: The statement.
            anchor: The anchor.
            bookmark: The state to read, or a later one.

        Raises:
            InvalidError: A cursor is of another list.
            UnavailableError: The database cannot be reached.
            TimedOutError: The statement took too long.
        """
        own = anchor.parameters()
        key = (id(composed), anchor.num_nodes, bookmark)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(composed, anchor.num_nodes, bookmark, self._size_of(composed, anchor))
        waiter: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        lane.waiting.setdefault(repr(own), _Request(own)).waiters.append(waiter)
        self._call(key, lane)
        return await waiter

    def close(self) -> None:
        """Stop all runs, and let nobody wait."""
        for lane in self._lanes.values():
            while lane.waiting:
                lane.waiting.popitem()[1].cancel()
        for run in self._runs:
            run.cancel()

    def _size_of(self, composed: Composed, anchor: Anchor) -> _Size:
        size = self._sizes.get(composed.text)
        if size is None:
            size = self._sizes[composed.text] = _Size(composed.max_rows * anchor.num_nodes)
            if len(self._sizes) > MOST_SIZES:
                self._sizes.popitem(last=False)
        else:
            self._sizes.move_to_end(composed.text)
        return size

    def _call(self, key: _Key, lane: _Lane) -> None:
        """Have a run begin once all requests that have arrived already are there, if there is room for it."""
        if lane.waiting and lane.num_runs < MOST_RUNS and not lane.is_called:
            lane.is_called = True
            asyncio.get_running_loop().call_soon(self._begin, key, lane)

    def _begin(self, key: _Key, lane: _Lane) -> None:
        lane.is_called = False
        requests: list[_Request] = []
        most = lane.most
        while lane.waiting and len(requests) < most:
            _, request = lane.waiting.popitem(last=False)
            if request.is_awaited:
                requests.append(request)
        if requests:
            lane.num_runs += 1
            run = asyncio.get_running_loop().create_task(self._answer(lane, requests))
            self._runs.add(run)
            run.add_done_callback(partial(self._end, key, lane, requests))
            self._call(key, lane)
        elif not lane.num_runs:
            self._lanes.pop(key, None)  # closing may have ended it already

    def _end(self, key: _Key, lane: _Lane, requests: Sequence[_Request], run: asyncio.Task[None]) -> None:
        """End a run; who has no answer, because the run was cancelled, is cancelled too."""
        self._runs.discard(run)
        for request in requests:
            request.cancel()
        lane.num_runs -= 1
        if lane.waiting:
            self._call(key, lane)
        elif not lane.num_runs:
            self._lanes.pop(key, None)  # closing may have ended it already

    async def _answer(self, lane: _Lane, requests: Sequence[_Request]) -> None:
        """Read for some requests; each alone if the database refuses the values of one of them."""
        try:
            found = await self._read(lane, [request.own for request in requests])
        except Exception as error:  # noqa: BLE001 - it is theirs who asked, whatever it is
            if len(requests) > 1 and not isinstance(error, _PASSING):
                for request in requests:
                    await self._answer(lane, [request])
                return
            for request in requests:
                request.fail(error)
            return
        for place, request in enumerate(requests):
            request.give(found.get(place))

    async def _read(self, lane: _Lane, owns: Sequence[Mapping[str, Any]]) -> dict[int, Any]:
        parameters = lane.composed.parameters_for(owns, lane.num_nodes)
        async with self._database.reading(lane.bookmark) as reading:
            found = await reading.fetch(lane.composed.text, parameters, is_alone=True)
        if found:
            lane.size.count(found)
        return dict(found)
