"""Events of the feed of changes."""

from typing import Any

from graph.feed.events import Event, Page
from resolvers.base.described import object_type
from resolvers.base.enums import ChangeKind
from resolvers.base.fields import prop
from resolvers.base.scalars import Int64, Moment


@object_type
class ChangedRow:
    """A row that was created, changed or deleted."""

    list: str = prop("The list of the row's kind in a bundle, such as tickers.")
    key: str = prop("The row's key; the keys of both ends for a relationship, with `!` between them.")


@object_type
class Change:
    """An event of the feed: what one transaction has changed, or a part of it."""

    event_id: str = prop("The event's id; give it as `since` to go on after it.")
    revision: Int64 = prop("The graph's revision after the event.")
    kind: ChangeKind = prop("What has happened.")
    written_at: Moment = prop("When it was written.")
    claim_keys: list[str] = prop("Keys of claims that were created, changed or deleted.")
    influenced_claim_keys: list[str] = prop(
        "Keys of claims of which an incoming influence was created, changed or removed."
    )
    evidence_keys: list[str] = prop("Keys of rows that were appended to the ledger.")
    rows: list[ChangedRow] = prop("Other rows that were created, changed or deleted.")
    moved_claim_keys: list[str] = prop(
        "Keys of claims of which the stored posterior or marginal has moved without a write, as by a propagation."
    )
    due_milestone_keys: list[str] = prop("Keys of milestones whose day has come.")
    propagation_run_key: str | None = prop("Key of the propagation run that ended.")
    is_partial: bool = prop(
        "Whether the next events, of the same revision, tell more of what its transaction has changed."
    )


@object_type
class ChangePage:
    """Events of the feed, in order."""

    changes: list[Change] = prop("The events, the earliest first.")
    last_event_id: str = prop(
        "Id of the last event of the page; without any, the one after which they would have come."
    )
    latest_event_id: str = prop("Id of the latest event of the feed; whoever gives it as `since` begins from now.")
    has_more_changes: bool = prop("Whether further events follow already.")


def shown_change(event: Event) -> dict[str, Any]:
    """An event in the response's shape."""
    return {
        "event_id": str(event.id),
        "revision": event.id.revision,
        "kind": event.kind,
        "written_at": event.at,
        "claim_keys": list(event.claim_ids),
        "influenced_claim_keys": list(event.child_ids),
        "evidence_keys": list(event.entry_ids),
        "rows": [dict(zip(("list", "key"), note.split(":", 1), strict=True)) for note in event.row_ids],
        "moved_claim_keys": list(event.belief_ids),
        "due_milestone_keys": list(event.due_ids),
        "propagation_run_key": event.run_id,
        "is_partial": event.is_partial,
    }


def shown_page(page: Page) -> dict[str, Any]:
    """A page in the response's shape."""
    return {
        "changes": [shown_change(event) for event in page.events],
        "last_event_id": str(page.last_id),
        "latest_event_id": str(page.latest_id),
        "has_more_changes": page.has_more,
    }
