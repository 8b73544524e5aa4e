"""
Webhooks of changes: who is sent events of the feed, and how far.

Events become a delivery in the transaction that notes how far its webhook has come, so that none is left out and none
is sent as another one. Deliveries are those of schedules: tried again with growing pauses, dead at last, and retried by
hand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.revisions import EventKind
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, GoneEventError, InvalidError
from graph.feed.events import Event, EventId, read_latest_id, read_page
from graph.saved.deleting import Deletion
from graph.saved.queries import A_NAME, NAME
from graph.saved.schedules import DeliveryFormat, DeliveryStatus

MOST_HOOKS: Final = 100
MOST_CLAIMS: Final = 1_000
EVENTS_AT_ONCE: Final = 100
"""The most events of a delivery."""
MOST_PAGES: Final = 20
"""The most deliveries that one run makes for a webhook."""

_DELETION: Final = Deletion("unfollowChanges", "saved/lock_hook", "saved/delete_hook", "webhook of changes")

CHANGES: Final = "changes"
"""Stands for the query in deliveries of changes."""

MakeBody = Callable[["ChangeHook", Sequence[Event], EventId, str | None], str]
"""Makes the body of a delivery: of a webhook, its events, the id of the last one, and the error if events are lost."""


@dataclass(frozen=True, slots=True)
class ChangeHook:
    """
    A webhook to which events of the feed are sent.

    Attributes:
        name: Its name.
        sealed_url: The address, sealed.
        kinds: The kinds of events; all if empty.
        claim_ids: Claims of which events have to name one; all events if empty.
        since: The last event that a delivery was made of, or passed over.
    """

    name: str
    sealed_url: str
    kinds: tuple[EventKind, ...] = ()
    claim_ids: tuple[str, ...] = ()
    since: EventId | None = None

    def wants(self, event: Event) -> bool:
        """Whether an event is for it."""
        if self.kinds and event.kind not in self.kinds:
            return False
        named = {*event.claim_ids, *event.child_ids, *event.belief_ids}
        return not self.claim_ids or not named.isdisjoint(self.claim_ids)

    def properties(self) -> dict[str, Any]:
        """Return the properties that a client sets."""
        kinds = [kind.value for kind in self.kinds]
        return {"sealed_url": self.sealed_url, "kinds": kinds, "claim_ids": list(self.claim_ids)}


async def list_hooks(unit: Unit) -> list[ChangeHook]:
    """List all webhooks of changes by name."""
    return [_read(row["hook"]) for row in await unit.run("saved/list_hooks", limit=MOST_HOOKS)]


async def set_hook(
    database: Database, hook: ChangeHook, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Create or replace a webhook of changes; a new one begins with the next event. The caller has checked and sealed
    the address.

    Returns:
        A payload with its `name`, its properties, `since` as text, and whether it was `created`.

    Raises:
        InvalidError: The name is wrong, or there are too many claims.
        ConflictError: There are as many as may be.
        KeyReusedError: The idempotency key belongs to another request.
    """
    if not NAME.fullmatch(hook.name):
        raise InvalidError(f"expected {A_NAME}, got {hook.name[:80]!r}", path="name")
    if len(hook.claim_ids) > MOST_CLAIMS:
        raise InvalidError(f"expected at most {MOST_CLAIMS:,} claims, got {len(hook.claim_ids):,}", path="claims")
    request = WriteRequest("followChanges", {"name": hook.name, **hook.properties()}, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        await unit.run("saved/lock")
        known = {found.name: found for found in await list_hooks(unit)}
        if hook.name not in known and len(known) >= MOST_HOOKS:
            raise ConflictError(f"there are {MOST_HOOKS} webhooks of changes, which is the most", path="name")
        before = known.get(hook.name)
        since = str((before.since if before is not None else None) or await read_latest_id(unit))
        await unit.run("saved/set_hook", name=hook.name, properties={**hook.properties(), "since": since})
        return {"name": hook.name, **hook.properties(), "since": since, "created": before is None}

    return await write_once(database, request, work, raises_revision=False)


async def delete_hook(
    database: Database, name: str, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Delete a webhook of changes, and what waits to be delivered to it.

    Raises:
        NotFoundError: None has the name.
        KeyReusedError: The idempotency key belongs to another request.
    """
    return await _DELETION.run(database, name, idempotency_key=idempotency_key, is_dry_run=is_dry_run)


async def are_changes_due(database: Database) -> bool:
    """Whether a webhook has not come to the latest event."""

    async def work(unit: Unit) -> bool:
        hooks = await list_hooks(unit)
        return bool(hooks) and any(hook.since != latest for latest in [await read_latest_id(unit)] for hook in hooks)

    return await database.read(work)


async def enqueue_changes(database: Database, make_body: MakeBody, now: datetime) -> int:
    """Make deliveries of what has come since for each webhook; returns how many."""
    num_made = 0
    for hook in await database.read(list_hooks):
        for _ in range(MOST_PAGES):
            has_more, is_made = await _enqueue(database, hook.name, make_body, now)
            num_made += is_made
            if not has_more:
                break
    return num_made


async def _enqueue(database: Database, name: str, make_body: MakeBody, now: datetime) -> tuple[bool, bool]:
    """Make a delivery of a webhook's next events; returns whether there are more, and whether one was made."""

    async def work(unit: Unit) -> tuple[bool, bool]:
        rows = await unit.run("saved/lock_hook", name=name)
        if not rows:
            return False, False
        hook, error, has_more = _read(rows[0]["hook"]), None, False
        try:
            page = await read_page(unit, hook.since, EVENTS_AT_ONCE)
            events, last, has_more = [event for event in page.events if hook.wants(event)], page.last_id, page.has_more
        except GoneEventError as gone:
            events, last, error = [], await read_latest_id(unit), gone.message
        if last == hook.since:
            return False, False
        await unit.run("saved/set_hook", name=name, properties={"since": str(last)})
        if not events and error is None:
            return has_more, False
        properties = {
            "schedule": name,
            "query": CHANGES,
            "parameters": "{}",
            "sealed_url": hook.sealed_url,
            "format": DeliveryFormat.JSON.value,
            "due_at": now,
            "status": DeliveryStatus.PENDING.value,
            "num_attempts": 0,
            "next_attempt_at": now,
            "body": make_body(hook, events, last, error),
        }
        await unit.run("saved/add_delivery", id=f"{name}@{last}", properties=properties)
        return has_more, True

    return await database.write(work)


def _read(found: Mapping[str, Any]) -> ChangeHook:
    return ChangeHook(
        name=found["name"],
        sealed_url=found.get("sealed_url") or "",
        kinds=tuple(map(EventKind, found["kinds"])),
        claim_ids=tuple(found["claim_ids"]),
        since=EventId.parse(found["since"]),
    )
