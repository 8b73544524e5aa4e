"""Reads the feed of changes: events in order, after the id of the last one that a reader has seen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from graph.database.revisions import PLACES, EventKind
from graph.database.sessions import Unit
from graph.errors import GoneEventError, InvalidError

MOST_EVENTS: Final = 1_000
"""The most events of a page."""

_ID: Final = re.compile(r"([0-9]{1,15})-([0-9]{1,12})-([0-9]{1,6})", re.ASCII)
_NOT_BEGUN: Final = 0
"""The feed in ids of a graph of which nothing has been noted yet."""


@dataclass(frozen=True, slots=True)
class EventId:
    """
    Identifies an event, and with it all events before it.

    Attributes:
        feed: When the graph's feed began, in milliseconds since 1970; another graph has another feed.
        position: The event's position, which rises from each event to the next.
    """

    feed: int
    position: int

    @property
    def revision(self) -> int:
        """The graph's revision after the event."""
        return self.position // PLACES

    @classmethod
    def parse(cls, text: str, *, path: str = "since") -> Self:
        """
        Read an id.

        Raises:
            InvalidError: The text is none.
        """
        found = _ID.fullmatch(text)
        if found is None:
            message = f"expected the id of an event, such as 1764158400123-17-0, got {text[:80]!r}"
            raise InvalidError(message, path=path)
        feed, revision, place = map(int, found.groups())
        return cls(feed, revision * PLACES + place)

    def __str__(self) -> str:
        return f"{self.feed}-{self.revision}-{self.position % PLACES}"


@dataclass(frozen=True, slots=True)
class Event:
    """
    Changes that one transaction has committed, or a part of them.

    Attributes:
        id: Its id.
        kind: Its kind.
        at: When it was written, shortly before it was committed.
        claim_ids: Claims that were created, changed or deleted.
        child_ids: Claims of which an incoming influence was created, changed or removed.
        row_ids: Other rows that were created, changed or deleted: list and id, with a colon between them.
        entry_ids: Rows that were appended to the ledger.
        belief_ids: Claims of which the stored posterior or marginal has moved without a write.
        due_ids: Milestones whose day has come.
        run_id: The propagation run that ended.
        is_partial: Whether the events after it have more of what its transaction changed.
    """

    id: EventId
    kind: EventKind
    at: datetime
    claim_ids: tuple[str, ...] = ()
    child_ids: tuple[str, ...] = ()
    row_ids: tuple[str, ...] = ()
    entry_ids: tuple[str, ...] = ()
    belief_ids: tuple[str, ...] = ()
    due_ids: tuple[str, ...] = ()
    run_id: str | None = None
    is_partial: bool = False

    def touched_ids(self) -> set[str]:
        """Return the claims of which the belief may have changed."""
        return {*self.claim_ids, *self.belief_ids}


_IDS: Final = ("claim_ids", "child_ids", "row_ids", "entry_ids", "belief_ids", "due_ids")
_NOTED: Final = ("claim_ids", "child_ids", "row_ids", "entry_ids")
"""What the first event of a write notes, null where it has no room."""


@dataclass(frozen=True, slots=True)
class Page:
    """
    Events in order.

    Attributes:
        events: The events.
        last_id: The id of the last of them; without any, the id after which they would have come.
        latest_id: The id of the latest event of the feed when the page was read, or of a later one.
    """

    events: tuple[Event, ...]
    last_id: EventId
    latest_id: EventId

    @property
    def has_more(self) -> bool:
        """Whether further events follow."""
        return self.last_id.position < self.latest_id.position


async def read_page(unit: Unit, after: EventId | None, limit: int = MOST_EVENTS, *, path: str = "since") -> Page:
    """
    Read the events after an event.

    Args:
        unit: The transaction to read in.
        after: The last event that is known; None to begin with the earliest one that is kept.
        limit: The most events to read.
        path: The path of the id in the request, for errors.

    Raises:
        GoneEventError: Later events have been removed, or the graph is another one than the id's.
    """
    position = -1 if after is None else after.position
    (row,) = await unit.run("feed/list_events", position=position, limit=limit)
    feed = row["feed"] or _NOT_BEGUN
    latest = EventId(feed, max(row["latest"], *(event["position"] for event in row["events"]), 0))
    if after is not None:
        _check(after, latest, row["floor"], path)
    events = tuple(_read(feed, event) for event in row["events"])
    last = events[-1].id if events else after if after is not None else latest
    return Page(events, EventId(feed, last.position), latest)


@dataclass(frozen=True, slots=True)
class Lag:
    """
    The newest event of the feed, and the first one that a reader has not read.

    Attributes:
        newest_position: The position of the newest event; None without events.
        written_at: The moment at which it was written; None without events.
        unread_at: The moment at which the first event was written that is not read yet; None without one.
    """

    newest_position: int | None
    written_at: datetime | None
    unread_at: datetime | None


async def read_lag(unit: Unit, position: int | None) -> Lag:
    """
    Read how far a reader is behind the feed.

    Args:
        unit: The transaction to read in.
        position: The position of the last event that was read; None for no reader.
    """
    rows = await unit.run("feed/get_lag", position=position)
    return Lag(rows[0]["position"], rows[0]["written_at"], rows[0]["unread_at"]) if rows else Lag(None, None, None)


async def read_latest_id(unit: Unit) -> EventId:
    """Read the id of the latest event."""
    (row,) = await unit.run("feed/get_latest")
    return EventId(row["feed"] or _NOT_BEGUN, row["latest"])


def _check(after: EventId, latest: EventId, floor: int, path: str) -> None:
    """Raise GoneEventError unless all events after an id are kept. `floor`: the position of the last one removed."""
    is_same = after.feed == latest.feed or (after.feed == _NOT_BEGUN and floor < 0)
    if is_same and floor <= after.position <= latest.position:
        return
    reason = (
        "it is of another graph, or of a later state of this one"
        if not is_same or after.position > latest.position
        else "what came after it has been removed by its age"
    )
    message = (
        f"cannot go on from event {str(after)!r}, since {reason}; read what you need anew, and follow the feed from "
        f"its latest event, {str(latest)!r}"
    )
    raise GoneEventError(message, path=path)


def _read(feed: int, found: Mapping[str, Any]) -> Event:
    kind = EventKind(found["kind"])
    is_first = kind is EventKind.WRITE and found["position"] % PLACES == 0
    return Event(
        id=EventId(feed, found["position"]),
        kind=kind,
        at=found["revised_at"],
        **{name: tuple(found.get(name) or ()) for name in _IDS},
        run_id=found.get("run_id"),
        is_partial=is_first and any(found.get(name) is None for name in _NOTED),
    )
