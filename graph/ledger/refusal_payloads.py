"""Refusals within a stored answer, as JSON values: a retry under the same key is refused in the same words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from graph.errors import RefusedError, refusal_fields, refusal_kinds

_KINDS: Final = {kind.code: kind for kind in refusal_kinds()}


def write_refusal(refusal: RefusedError) -> dict[str, Any]:
    """Return a refusal as JSON values."""
    fields = {name: getattr(refusal, name) for name in refusal_fields(type(refusal))}
    return {
        "code": refusal.code,
        "message": refusal.message,
        "path": refusal.path,
        **{name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()},
    }


def read_refusal(payload: Mapping[str, Any]) -> RefusedError:
    """Return the refusal that `write_refusal` has written."""
    given = dict(payload)
    kind, message = _KINDS[given.pop("code")], given.pop("message")
    if given.get("resolved_at") is not None:
        given["resolved_at"] = datetime.fromisoformat(given["resolved_at"])
    return kind(message, **given)
