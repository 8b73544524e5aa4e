"""
The graph's revision, and the feed of changes: an event for each write, noted in the write's own transaction.

An event's position is its revision times PLACES, plus its place within the revision: 0 for the write that raises the
revision, from 1 for parts of what it changed that do not fit there, and for what is written without raising it. Whoever
adds an event holds the lock of the graph's node until it commits, so events become visible in the order of their
positions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from graph.database.paging import slices
from graph.database.sessions import Unit

MAX_NOTED: Final = 1_000
"""The most ids of a kind in one event; of a write that changes more claims, the network is read anew."""

PLACES: Final = 1_000_000
"""Places within a revision; the statements that add events have the same number."""


class EventKind(StrEnum):
    """
    Kinds of events.

    Attributes:
        WRITE: A write that raises the revision, or a part of one.
        ROWS: A write of rows that beliefs do not depend on, which does not raise it.
        BELIEFS: Stored posteriors or marginals that have moved without a write.
        PROPAGATION: A propagation run that ended.
        DUE: Milestones whose day has come.
    """

    WRITE = "WRITE"
    ROWS = "ROWS"
    BELIEFS = "BELIEFS"
    PROPAGATION = "PROPAGATION"
    DUE = "DUE"


@dataclass(frozen=True, slots=True)
class Changes:
    """
    Changes of one write.

    Attributes:
        claim_ids: Claims that were created or deleted, or of which a property or the base rate changed; None where
            that is not known.
        child_ids: Claims of which an incoming influence was created, changed or removed; None likewise.
        row_ids: Other rows that were created, changed or deleted, as `row_note` writes them; None likewise. Milestones
            and ledger rows of a claim in `claim_ids` need not be among them.
        entry_ids: Rows that were appended to the ledger.
        is_large: Whether the network is to be read anew, however few claims are named.
    """

    claim_ids: Collection[str] | None = ()
    child_ids: Collection[str] | None = ()
    row_ids: Collection[str] | None = ()
    entry_ids: Collection[str] = ()
    is_large: bool = False

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the statements that raise the revision: its event, and further events as `parts`."""
        noted = self._note()
        return {**noted, "parts": list(self._parts(noted))}

    def _note(self) -> dict[str, list[str] | None]:
        """Return what the write's first event notes; null for more than it may."""
        entry_ids = sorted(self.entry_ids) if len(self.entry_ids) <= MAX_NOTED else None
        if (
            self.is_large
            or self.claim_ids is None
            or self.child_ids is None
            or len(self.claim_ids) + len(self.child_ids) > MAX_NOTED
        ):
            return {"claim_ids": None, "child_ids": None, "row_ids": None, "entry_ids": entry_ids}
        row_ids = None if self.row_ids is None or len(self.row_ids) > MAX_NOTED else sorted(self.row_ids)
        claim_ids, child_ids = sorted(self.claim_ids), sorted(self.child_ids)
        return {"claim_ids": claim_ids, "child_ids": child_ids, "row_ids": row_ids, "entry_ids": entry_ids}

    def _parts(self, noted: Mapping[str, Sequence[str] | None]) -> Iterator[dict[str, list[str]]]:
        """Yield what the first event has no room for."""
        for name, ids in noted.items():
            if ids is None:
                for part in slices(sorted(getattr(self, name) or ()), MAX_NOTED):
                    yield {name: list(part)}


UNKNOWN_CHANGES: Final = Changes(None, None, None)


def row_note(name: str, row_id: str) -> str:
    """Return the note of a row: the name of its list, and its id."""
    return f"{name}:{row_id}"


def changes_of_claims(claim_ids: Iterable[str], entry_ids: Iterable[str] = ()) -> Changes:
    """Return the changes of a write that changes some claims and no influence; unknown ones if it names none."""
    ids = frozenset(claim_ids)
    return Changes(ids, entry_ids=tuple(entry_ids)) if ids else UNKNOWN_CHANGES


async def raise_revision(unit: Unit, changes: Changes) -> None:
    """Count a write that can change a belief or an influence, as the last statement that takes a lock."""
    await unit.run("database/raise_revision", **changes.parameters())


async def add_events(unit: Unit, kind: EventKind, **named: Collection[str] | str) -> None:
    """
    Add to the feed what a transaction writes without raising the revision, as its last statement that takes a lock.

    Args:
        unit: The transaction.
        kind: The kind of the events.
        named: `run_id`, the id of a run; or ids of one kind, `row_ids`, `belief_ids` or `due_ids`, of which there may
            be any number: each event has some of them.
    """
    events = [
        {"kind": kind.value, name: part}
        for name, ids in named.items()
        for part in ([ids] if isinstance(ids, str) else map(list, slices(sorted(ids), MAX_NOTED)))
    ]
    if events:
        await unit.run("database/add_events", events=events)
