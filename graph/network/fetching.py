"""
Reads the network of all claims: as a whole, or what writes have changed since a snapshot.

Each revision notes the claims that it changed. A snapshot is brought up to date in a transaction that makes the writers
of revisions wait, so that it sees every revision as a whole and none that is half applied: it holds for exactly the
revision that it names. Where a revision does not tell what it changed, or its note is gone, all is read again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Protocol, TypeVar

from graph.database.paging import pages
from graph.database.revisions import row_note
from graph.database.sessions import Reading, Unit
from graph.errors import BusyError, OversizeError
from graph.families.store import FAMILIES, list_families
from graph.model.rows import ClaimFamily
from graph.network.view import Changed, Snapshot, State, make_snapshot, patch

PAGE_CLAIMS: Final = 5_000
FETCH_TRIES: Final = 5
"""Reads that are discarded because of writes that do not tell what they changed; then the client is to try again."""

MAX_REVISIONS: Final = 1_000
"""Revisions that a snapshot may be behind; the notes of earlier ones are gone."""

MAX_CHANGED: Final = 5_000
"""Changed claims that are read while writers wait, some 50 ms; if there are more, all is read again."""

MAX_CLAIMS: Final = 250_000
MAX_INFLUENCES: Final = 2_000_000
"""Limits of one network in memory: some 500 bytes per claim and 100 per influence while it is read."""

LONG_SECONDS: Final = 5.0
"""Age at which a read transaction is replaced by a new one, long before it expires."""

T = TypeVar("T")


class LockingUnit(Unit, Protocol):
    """A unit of work that can also run a write transaction of its own."""

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run a write transaction beside this one."""
        ...


async def fetch_state(unit: Unit) -> State:
    """Read the graph's state."""
    rows = await unit.run("database/get_revision")
    return State(rows[0]["revision"], rows[0]["revised_at"]) if rows else State(0, None)


async def fetch_snapshot(unit: LockingUnit, *, page_claims: int = PAGE_CLAIMS) -> Snapshot:
    """
    Read all claims and influences, then what writes have changed meanwhile.

    Args:
        unit: Unit of work to read in.
        page_claims: Number of claims that a statement returns.

    Raises:
        BusyError: During each attempt writes came that do not tell what they changed.
        OversizeError: There are more claims or influences than the limits allow.
    """
    for _ in range(FETCH_TRIES):
        state = await unit.write(_lock_state)
        stored = await _fetch(unit, page_claims)
        snapshot = await asyncio.to_thread(make_snapshot, state, stored.rows(), stored.influences, stored.families)
        current = await update_snapshot(unit, snapshot)
        if current is not None:
            return current
    message = f"writes interrupted all {FETCH_TRIES} attempts to read the network; try again"
    raise BusyError(message)


async def update_snapshot(unit: LockingUnit, snapshot: Snapshot) -> Snapshot | None:
    """
    Bring a snapshot up to date with what writes have changed since.

    Args:
        unit: Unit of work beside which to read.
        snapshot: Not changed.

    Returns:
        A snapshot of the current state, equal to one that is read as a whole; None if that has to be done, since a
        revision does not tell what it changed or too much has changed.

    Raises:
        OversizeError: There are more claims or influences than the limits allow.
    """
    changed = await unit.write(lambda within: _fetch_changed(within, snapshot.state))
    if changed is None:
        return None
    if changed.state == snapshot.state:
        return snapshot
    current = await asyncio.to_thread(patch, snapshot, changed)
    _check_size("claims", len(current.ids), MAX_CLAIMS)
    _check_size("influences", current.influences.size, MAX_INFLUENCES)
    return current


async def _lock_state(unit: Unit) -> State:
    """Read the graph's state after the last writer's transaction has been applied; the next one waits for this one."""
    await unit.run("database/lock_revision")
    return await fetch_state(unit)


async def fetch_touched(unit: Unit, known: State) -> Collection[str] | None:
    """Read which claims writes have changed, made anew or removed since a state; None if a revision does not tell."""
    notes = await fetch_notes(unit, known, await fetch_state(unit))
    return None if notes is None else notes.claim_ids


async def _fetch_changed(unit: Unit, known: State) -> Changed | None:
    state = await _lock_state(unit)
    notes = await fetch_notes(unit, known, state)
    if notes is None:
        return None
    if state == known:
        return Changed(state)
    claim_ids, child_ids = notes.claim_ids, notes.child_ids
    ids = {"claim_ids": sorted(claim_ids), "child_ids": sorted(child_ids)}
    (rows,) = await unit.run("network/list_changed", ids=ids)
    families = await list_families(unit) if _concern_families(notes) else None
    return Changed(state, claim_ids, rows["claims"], child_ids, rows["influences"], families)


@dataclass(frozen=True, slots=True)
class Notes:
    """
    Changes that some revisions note.

    Attributes:
        claim_ids: Claims that changed, were made or removed.
        child_ids: Claims of which incoming influences did.
        row_ids: Other rows that did, as `row_note` writes them; None where a revision does not tell.
    """

    claim_ids: Collection[str] = ()
    child_ids: Collection[str] = ()
    row_ids: Collection[str] | None = ()


def _concern_families(notes: Notes) -> bool:
    """Whether families of claims were saved or deleted, as far as is told."""
    return notes.row_ids is None or any(note.startswith(row_note(FAMILIES, "")) for note in notes.row_ids)


async def fetch_notes(unit: Unit, known: State, state: State) -> Notes | None:
    """
    Read what the revisions from one state to another note.

    Args:
        unit: The transaction to read in.
        known: The state before them, whose own note tells that the graph is still the same one.
        state: The state after them.

    Returns:
        None if a note is missing or does not tell the claims, or if they are too many.
    """
    if state == known:
        return Notes()
    if not 0 < known.revision < state.revision:
        return None
    (found,) = await unit.run("network/list_changes", revision=known.revision, limit=MAX_REVISIONS)
    return _merge(known, state, found["changes"])


def _merge(known: State, state: State, notes: Sequence[Sequence[Any]]) -> Notes | None:
    """
    Merge the notes of revisions, of which the first is that of the state before them.

    Args:
        known: The state before them.
        state: The state after them.
        notes: Revision, moment, and ids of the claims of either kind and of other rows, null where they are not known.
    """
    states = [State(revision, revised_at) for revision, revised_at, *_ in notes]
    if [found.revision for found in states] != list(range(known.revision, state.revision + 1)):
        return None
    if (states[0], states[-1]) != (known, state):
        return None
    claim_ids, child_ids, row_ids = set[str](), set[str](), set[str]()
    is_told = True
    for _, _, claims, children, rows in notes[1:]:
        if claims is None or children is None:
            return None
        claim_ids.update(claims)
        child_ids.update(children)
        is_told = is_told and rows is not None
        row_ids.update(rows or ())
    if len(claim_ids) + len(child_ids) > MAX_CHANGED:
        return None
    return Notes(claim_ids, child_ids, row_ids if is_told else None)


@dataclass(slots=True)
class _Stored:
    """Rows as returned by the statements."""

    claims: list[list[Any]] = field(default_factory=list)
    influences: list[tuple[str, str, str, float, float]] = field(default_factory=list)
    base_rates: dict[str, float] = field(default_factory=dict)
    families: Sequence[ClaimFamily] = ()

    def rows(self) -> list[list[Any]]:
        """Return the claims' rows with base rates."""
        return [[*row, self.base_rates.get(row[4])] for row in self.claims]


async def _fetch(unit: Unit, page_claims: int) -> _Stored:
    """Read all rows, in a new transaction long before the old one expires."""
    stored = _Stored(base_rates=await _fetch_base_rates(unit, page_claims), families=await list_families(unit))
    began = time.monotonic()
    while True:
        if isinstance(unit, Reading) and time.monotonic() - began > LONG_SECONDS:
            await unit.read_after(None)
            began = time.monotonic()
        page = {"after": stored.claims[-1][0] if stored.claims else "", "limit": page_claims}
        (claims,) = await unit.run("network/list_claims", **page)
        (influences,) = await unit.run("network/list_influences", **page)
        stored.claims += claims["claims"]
        stored.influences += influences["influences"]
        _check_size("claims", len(stored.claims), MAX_CLAIMS)
        _check_size("influences", len(stored.influences), MAX_INFLUENCES)
        if len(claims["claims"]) < page_claims:
            return stored


async def _fetch_base_rates(unit: Unit, page_size: int) -> dict[str, float]:
    asked = {"subject": "ReferenceClass", "properties": ["id", "base_rate"], "limit": page_size}

    async def read(after: str) -> list[tuple[str, float]]:
        rows = await unit.run("reading/list_nodes", after=after, **asked)
        return [tuple(row["properties"]) for row in rows]

    return {class_id: rate async for page in pages(read, itemgetter(0), page_size) for class_id, rate in page}


def _check_size(what: str, size: int, limit: int) -> None:
    if size > limit:
        message = f"expected at most {limit:,} {what} to compute over, got {size:,} or more"
        raise OversizeError(message, size=size, limit=limit)
