"""
Reads one consistent state of the whole graph while others write.

The rule of the cut: it is the state at one revision of the graph. All rows are read page by page first, each as it is
when its page is read. Meanwhile revisions note which rows they changed, and those are read again, until few are left.
Then writers wait while the last ones are read, some milliseconds, and the cut is the revision at that moment: what was
committed before it is in the cut as a whole, and what comes later is not in it at all. A revision that does not note
what it changed, as that of a large import, makes the reading begin anew; at the last try imports and upserts wait until
it has ended, and evidence does not.

Deliveries are noted by no revision. They are read after the cut, and of them those that had been made at the cut: by
how far each schedule and each webhook of changes had come. So none is lost, and none is in the cut that has been taken
by its receiver until it is read.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from graph.bundles.batches import in_batches
from graph.bundles.spool import DELIVERIES, HOOKS, RECEIPTS, SCHEDULES, Changed, Spool
from graph.database.sessions import Database, Unit
from graph.errors import BusyError
from graph.feed.events import EventId
from graph.model.bundle import LISTS
from graph.model.kinds import VersionSubject
from graph.model.page_keys import ranges
from graph.model.subjects import CLAIM_LISTS, EDGE_LISTS, MARK, NODE_LISTS, ROW_LISTS
from graph.model.versions import (
    CLASS_VERSIONS,
    EXPOSURE_VERSIONS,
    PREDICTOR_VERSIONS,
    exposure_anchor,
    version_anchor,
)
from graph.saved.schedules import UNDELIVERED

PAGE_ROWS: Final = 2_000
PAGE_DELIVERIES: Final = 200
"""Deliveries of a page; each may have a body of some 100,000 characters."""

TIMEOUT_SECONDS: Final = 600.0
TRIES: Final = 3
MAX_NOTES: Final = 1_000  # of a statement; the graph keeps as many
FEW_ROWS: Final = 200
"""Changed rows that are read while writers wait: some hundredths of a second."""

MAX_ROUNDS: Final = 20
RECEIPT_MARGIN: Final = timedelta(minutes=10)
"""How long before its receipt is seen a request may have been answered: a transaction's time and clocks that differ."""

_FEW_LISTS: Final = ("saved_queries", "propagation_runs")
"""Lists of so few rows that all of them are read while writers wait; runs are not noted."""

OnProgress = Callable[[int, int], None]
Pause = Callable[[], Awaitable[None]]


async def _go_on() -> None:
    return


@dataclass(frozen=True, slots=True)
class Pauses:
    """
    Hooks that are awaited while a graph is read, for whoever looks at it or writes meanwhile.

    Attributes:
        after_page: Awaited after each page.
        at_cut: Awaited at the moment of the cut, while writers wait.
    """

    after_page: Pause = _go_on
    at_cut: Pause = _go_on


NO_PAUSES: Final = Pauses()


@dataclass(frozen=True, slots=True)
class Cut:
    """
    A state of the graph.

    Attributes:
        revision: The revision; 0 for a graph that was never written.
        at: The moment at which it was the latest one.
    """

    revision: int
    at: datetime


class _UnknownChangesError(Exception):
    """A revision does not note what it changed."""


async def take_cut(
    database: Database,
    spool: Spool,
    on_progress: OnProgress | None = None,
    *,
    page_rows: int = PAGE_ROWS,
    pauses: Pauses = NO_PAUSES,
) -> Cut:
    """
    Read all rows and receipts at one revision of the graph into a spool.

    Args:
        database: The database to read.
        spool: Is emptied first.
        on_progress: Called with the number of rows read and about how many there are.
        page_rows: The rows of a page.
        pauses: What is awaited meanwhile.

    Raises:
        BusyError: The graph was emptied or replaced during each attempt.
        UnavailableError: The database cannot be reached.
    """
    for number in range(TRIES):
        spool.clear()
        async with _holding_imports(database, is_needed=number == TRIES - 1):
            try:
                return await _Reader(database, spool, on_progress or _ignore, page_rows, pauses).read()
            except _UnknownChangesError:
                continue
    raise BusyError(f"the graph was replaced during each of {TRIES} attempts to read it; try again")


@asynccontextmanager
async def _holding_imports(database: Database, *, is_needed: bool) -> AsyncIterator[None]:
    if not is_needed:
        yield
        return
    async with database.holding("database/lock_graph"):
        yield


@dataclass(slots=True)
class _Touched:
    """Rows that revisions note as changed: claims, claims of which incoming influences did, and other rows by list."""

    claim_ids: set[str] = field(default_factory=set)
    child_ids: set[str] = field(default_factory=set)
    keys: dict[str, set[str]] = field(default_factory=dict)

    def size(self) -> int:
        return len(self.claim_ids) + len(self.child_ids) + sum(map(len, self.keys.values()))

    def parameters(self) -> dict[str, list[Any]]:
        """Return the parameters of the statement that reads the rows."""
        claims = sorted(self.claim_ids)
        named = {listed.name: sorted(self.keys.get(listed.name, ())) for listed in NODE_LISTS if len(listed.key) == 1}
        edges = {
            listed.name: [
                dict(zip(listed.key, key.split(MARK), strict=True)) for key in sorted(self.keys.get(listed.name, ()))
            ]
            for listed in EDGE_LISTS
            if listed.name != "influences"
        }
        return {
            "owners": claims,
            "ledgers": ranges(claims),
            "pasts": ranges(self._version_anchors()),
            "children": sorted(self.child_ids),
            **named,
            **edges,
            **dict.fromkeys(CLAIM_LISTS, claims),
        }

    def _version_anchors(self) -> list[str]:
        """Return the anchors of the versions of the rows, but for those of milestones that are named themselves."""
        claims = [
            (subject, key) for subject in (VersionSubject.CLAIM, VersionSubject.MILESTONE) for key in self.claim_ids
        ]
        others = [
            (versioned.subject, key)
            for versioned in (CLASS_VERSIONS, PREDICTOR_VERSIONS)
            for key in self.keys.get(versioned.name, ())
        ]
        exposures = map(exposure_anchor, self.keys.get(EXPOSURE_VERSIONS.name, ()))
        return sorted([*(version_anchor(subject, key) for subject, key in (*claims, *others)), *exposures])

    def parts(self) -> Iterator["_Touched"]:
        """Yield it in parts for one statement each."""
        for claim_ids in in_batches(sorted(self.claim_ids)):
            yield _Touched(claim_ids=set(claim_ids))
        for child_ids in in_batches(sorted(self.child_ids)):
            yield _Touched(child_ids=set(child_ids))
        for name, keys in self.keys.items():
            for part in in_batches(sorted(keys)):
                yield _Touched(keys={name: set(part)})


class _Reader:
    """One attempt to read the graph."""

    def __init__(
        self, database: Database, spool: Spool, on_progress: OnProgress, page_rows: int, pauses: Pauses
    ) -> None:
        self._database = database
        self._spool = spool
        self._on_progress = on_progress
        self._page_rows = page_rows
        self._pauses = pauses
        self._revision = 0
        self._touched = _Touched()

    async def read(self) -> Cut:
        """
        Read all rows.

        Raises:
            _UnknownChangesError: A revision does not note what it changed.
        """
        began = datetime.now(UTC)
        self._revision = await self._database.read(_read_revision)
        await self._read_pages()
        for _ in range(MAX_ROUNDS):
            await self._database.read(self._note, timeout_seconds=TIMEOUT_SECONDS)
            if self._touched.size() <= FEW_ROWS:
                break
            await self._read_again()
        return await self._read_last(began)

    async def _read_pages(self) -> None:
        """Read all lists page by page, and after each page what has changed meanwhile."""
        total = sum(row["num_rows"] for row in await self._database.read(lambda unit: unit.run("bundles/count_rows")))
        num_read = 0
        for name in (*(name for name in LISTS if name not in _FEW_LISTS), RECEIPTS):
            statement = "database/list_receipts" if name == RECEIPTS else f"export/{name}"
            after: str | None = ""
            while after is not None:
                after, num_rows = await self._read_page(name, statement, after)
                num_read += num_rows
                self._on_progress(num_read, max(num_read, total))
                await self._pauses.after_page()

    async def _read_page(self, name: str, statement: str, after: str) -> tuple[str | None, int]:
        """Read a page into the spool; returns its last key, None after the last page, and its number of rows."""

        async def read(unit: Unit) -> dict[str, Any]:
            (page,) = await unit.run(statement, after=after, limit=self._page_rows)
            await self._note(unit)
            return page

        page = await self._database.read(read, timeout_seconds=TIMEOUT_SECONDS)
        await asyncio.to_thread(self._spool.put, name, page["rows"])
        return page["last_key"] if len(page["rows"]) == self._page_rows else None, len(page["rows"])

    async def _note(self, unit: Unit) -> None:
        """Note what the revisions since the last one known changed."""
        while True:
            (found,) = await unit.run("bundles/list_row_changes", revision=self._revision, limit=MAX_NOTES)
            for revision, *changed in found["changes"]:
                if revision != self._revision + 1 or None in changed:
                    raise _UnknownChangesError
                claim_ids, child_ids, row_ids = changed
                self._touched.claim_ids.update(claim_ids)
                self._touched.child_ids.update(child_ids)
                for note in row_ids:
                    name, _, key = note.partition(":")
                    self._touched.keys.setdefault(name, set()).add(key)
                self._revision = revision
            if len(found["changes"]) < MAX_NOTES:
                return

    async def _read_again(self) -> None:
        touched, self._touched = self._touched, _Touched()
        for part in touched.parts():
            changed = await self._database.read(partial(_read_touched, touched=part), timeout_seconds=TIMEOUT_SECONDS)
            await asyncio.to_thread(self._spool.replace, changed)

    async def _read_last(self, began: datetime) -> Cut:
        """Read the last changed rows, and those lists that nothing notes, while writers wait."""

        async def read(unit: Unit) -> tuple[Cut, list[Changed], Mapping[str, list[Mapping[str, Any]]]]:
            await unit.run("database/lock_revision")
            cut = Cut(await _read_revision(unit), datetime.now(UTC))
            await self._note(unit)
            if cut.revision != self._revision:  # the notes are of another graph, or are gone
                raise _UnknownChangesError
            changed = [await _read_touched(unit, part) for part in self._touched.parts()]
            few = {name: await _read_all(unit, name) for name in _FEW_LISTS}
            few |= {found["list"]: found["rows"] for found in await unit.run("saved/list_stored")}
            (recent,) = await unit.run("database/list_recent_receipts", moment=began - RECEIPT_MARGIN)
            await self._pauses.at_cut()
            return cut, changed, {**few, RECEIPTS: recent["rows"]}

        cut, changed, rows = await self._database.write(read)
        for part in changed:
            await asyncio.to_thread(self._spool.replace, part)
        for name, found in rows.items():
            await asyncio.to_thread(self._spool.put, name, found)
        await self._read_deliveries(_Senders.of(rows))
        return cut

    async def _read_deliveries(self, senders: "_Senders") -> None:
        """Read the deliveries page by page that wait or were given up, and had been made at the cut."""
        limit = min(self._page_rows, PAGE_DELIVERIES)
        after: str | None = ""
        while after is not None:
            given = {"statuses": list(UNDELIVERED), "after": after, "limit": limit}
            page = await self._database.read(partial(_read_delivery_page, given=given), timeout_seconds=TIMEOUT_SECONDS)
            made = [found for found in page["rows"] if senders.have_made(found)]
            await asyncio.to_thread(self._spool.put, DELIVERIES, made)
            after = page["last_key"] if len(page["rows"]) == limit else None


@dataclass(frozen=True, slots=True)
class _Senders:
    """
    Those who make deliveries, and how far they had come at the cut.

    Attributes:
        next_at: The next moment of each schedule by name; None for one that was paused.
        since: The last event of each webhook of changes by name.
    """

    next_at: Mapping[str, datetime | None]
    since: Mapping[str, EventId]

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> "_Senders":
        """Those of the rows that were read at the cut."""
        return cls(
            {row["name"]: row.get("next_at") for row in rows.get(SCHEDULES, ())},
            {row["name"]: EventId.parse(row["since"]) for row in rows.get(HOOKS, ())},
        )

    def have_made(self, delivery: Mapping[str, Any]) -> bool:
        """Whether one of them had made a delivery, as stored, by then."""
        name = delivery["schedule"]
        if delivery.get("body") is None:
            next_at = self.next_at.get(name)
            return name in self.next_at and (next_at is None or delivery["due_at"] < next_at)
        last = EventId.parse(delivery["id"].rpartition("@")[2])
        return name in self.since and (last.feed, last.position) <= (self.since[name].feed, self.since[name].position)


def _ignore(_done: int, _total: int) -> None:
    return


async def _read_revision(unit: Unit) -> int:
    rows = await unit.run("database/get_revision")
    return int(rows[0]["revision"]) if rows else 0


async def _read_all(unit: Unit, name: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    after: str | None = ""
    while after is not None:
        (page,) = await unit.run(f"export/{name}", after=after, limit=PAGE_ROWS)
        found += page["rows"]
        is_paged = len(ROW_LISTS[name].key) == 1
        after = page["last_key"] if is_paged and len(page["rows"]) == PAGE_ROWS else None
    return found


async def _read_delivery_page(unit: Unit, given: Mapping[str, Any]) -> Mapping[str, Any]:
    (page,) = await unit.run("saved/page_deliveries", **given)
    return page


async def _read_touched(unit: Unit, touched: _Touched) -> Changed:
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for answer in await unit.run("bundles/list_changed_rows", **touched.parameters()):
        rows.setdefault(answer["list"], []).extend(answer["rows"])
    return Changed(touched.claim_ids, touched.child_ids, touched.keys, rows)


async def list_stored(unit: Unit, name: str, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    """
    List rows of a list as they are stored, for those of some keys that there are, and perhaps some more.

    Args:
        unit: A transaction.
        name: A list of a bundle, of which each row is noted by its own key.
        keys: The keys.
    """
    found: list[Mapping[str, Any]] = []
    for part in in_batches(keys):
        changed = await _read_touched(unit, _Touched(keys={name: set(part)}))
        found += changed.rows.get(name, ())
    return found
