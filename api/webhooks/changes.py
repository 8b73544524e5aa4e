"""The bodies in which webhooks are sent events of the feed: those of the query `changes`, with the webhook's name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from strawberry.utils.str_converters import to_camel_case

from graph.errors import GoneEventError
from graph.feed.events import Event, EventId
from graph.saved.hooks import ChangeHook
from resolvers.base.scalars import show_moment
from resolvers.types.changes import shown_change


def make_change_body(hook: ChangeHook, events: Sequence[Event], last: EventId, error: str | None) -> str:
    """
    Make the body of a delivery, as JSON.

    Args:
        hook: The webhook.
        events: The events.
        last: The id up to which it has been told.
        error: Why events before that are missing; None if none are.
    """
    told: dict[str, Any] = {
        "webhook": hook.name,
        "changes": [_as_json(shown_change(event)) for event in events],
        "lastEventId": str(last),
    }
    if error is not None:
        told["error"] = {"code": GoneEventError.code, "message": error}
    return orjson.dumps(told).decode()


def _as_json(value: Any) -> Any:
    """A value in the form that GraphQL has it in; whole numbers of 64 bits are decimal strings."""
    if isinstance(value, dict):
        return {to_camel_case(name): _as_json(found) for name, found in value.items()}
    if isinstance(value, list):
        return [_as_json(found) for found in value]
    if isinstance(value, datetime):
        return show_moment(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
