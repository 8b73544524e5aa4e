"""Schedules of saved queries, and deliveries of their rows."""

from datetime import datetime
from typing import Any, Final

import strawberry
from strawberry.scalars import JSON

from graph.saved.hooks import ChangeHook
from graph.saved.schedules import Delivery, Schedule
from graph.saved.sealing import Seals
from resolvers.base.described import object_type
from resolvers.base.enums import ChangeKind, DeliveryFormat, DeliveryStatus
from resolvers.base.fields import prop
from resolvers.base.scalars import Moment

UNSEALED: Final = "null where it was stored under another secret of the operator's"


@object_type
class QuerySchedule:
    """A schedule by which the rows of a saved query are sent to a webhook."""

    name: str = prop("The schedule's own name.")
    query: str = prop("The saved query's name.")
    parameters: JSON = prop("Values of the query's parameters by name.")
    url: str | None = prop(f"The address to which the rows are sent; {UNSEALED}.")
    format: DeliveryFormat = prop("Format in which the rows are sent.")
    interval_minutes: int | None = prop("The interval in minutes, counted from midnight UTC; null for a daily one.")
    utc_hour: int | None = prop("The hour of the day in UTC, 0 to 23; null for an interval.")
    next_at: Moment | None = prop("When it is due next; null while it is paused.")


@object_type
class ChangeWebhook:
    """A webhook to which events of the feed are sent, signed, as `changes` shows them."""

    name: str = prop("The webhook's name.")
    url: str | None = prop(f"The address to which events are sent; {UNSEALED}.")
    kinds: list[ChangeKind] = prop("Kinds of the events; empty for all.")
    claim_keys: list[str] = prop("Keys of claims of which an event has to name one; empty for all events.")
    last_event_id: str = prop("Id of the last event of which a delivery was made, or that was passed over.")


@object_type
class QueryDelivery:
    """Rows of a scheduled query, or changes, that were sent to a webhook, or are to be."""

    id: strawberry.ID = prop("The key of the delivery, which receivers find in the header Foregraph-Delivery.")
    schedule: str = prop("The name of the schedule, or of the webhook of changes.")
    query: str = prop("The saved query's name; `changes` for changes.")
    url: str | None = prop(f"The address to which it is sent; {UNSEALED}.")
    status: DeliveryStatus = prop("How the delivery stands.")
    num_attempts: int = prop("Number of attempts so far.")
    due_at: Moment = prop("When the schedule was due.")
    next_attempt_at: Moment | None = prop("When it is tried next; null if it is not.")
    delivered_at: Moment | None = prop("When the receiver took it; null if it has not.")
    last_error: str | None = prop("Why the last attempt failed; null if none did since the receiver took it.")


def opened(seals: Seals | None, sealed_url: str) -> str | None:
    """Return a sealed address."""
    return None if seals is None else seals.open(sealed_url)


def shown_schedule(schedule: Schedule, seals: Seals | None) -> dict[str, Any]:
    """A schedule in the response's shape."""
    return {
        "name": schedule.name,
        "query": schedule.query,
        "parameters": dict(schedule.parameters),
        "url": opened(seals, schedule.sealed_url),
        "format": schedule.format,
        "interval_minutes": schedule.every_minutes,
        "utc_hour": schedule.daily_at_hour,
        "next_at": schedule.next_at,
    }


def shown_hook(hook: ChangeHook, seals: Seals | None) -> dict[str, Any]:
    """A webhook of changes in the response's shape."""
    return {
        "name": hook.name,
        "url": opened(seals, hook.sealed_url),
        "kinds": list(hook.kinds),
        "claim_keys": list(hook.claim_ids),
        "last_event_id": str(hook.since),
    }


def shown_payload(found: dict[str, Any], parameters: dict[str, Any], url: str) -> dict[str, Any]:
    """A schedule in a payload in the response's shape."""
    next_at = found["next_at"]
    return {
        **{name: found[name] for name in ("name", "query")},
        "url": url,
        "parameters": parameters,
        "format": DeliveryFormat(found["format"]),
        "interval_minutes": found["every_minutes"],
        "utc_hour": found["daily_at_hour"],
        "next_at": None if next_at is None else datetime.fromisoformat(next_at),
    }


def shown_delivery(delivery: Delivery, seals: Seals | None) -> dict[str, Any]:
    """A delivery in the response's shape."""
    names = (
        "id",
        "schedule",
        "query",
        "status",
        "num_attempts",
        "due_at",
        "next_attempt_at",
        "delivered_at",
        "last_error",
    )
    return {**{name: getattr(delivery, name) for name in names}, "url": opened(seals, delivery.sealed_url)}
