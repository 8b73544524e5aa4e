"""Conversion between a bundle's rows and Neo4j's properties; maps and lists of maps are stored as JSON text."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, get_origin

from pydantic import JsonValue

from graph.model.rows import Row

_ANY_JSON: Final[Any] = JsonValue

RowT = TypeVar("RowT", bound=Row)


def to_properties(row: Row) -> dict[str, Any]:
    """Convert a row to Neo4j's properties; an absent one is None, which removes the property."""
    json_names = json_properties(type(row))
    properties = {
        name: value if type(value) in _PLAIN else _to_property(value)
        for name, value in row.__dict__.items()
        if name not in json_names
    }
    return properties | {name: _to_json(getattr(row, name)) for name in json_names}


def with_moments_as_text(properties: Mapping[str, Any]) -> dict[str, Any]:
    """
    Format the moments of properties as text, for a statement that parses them.

    The driver takes some 80 µs to encode a datetime, and a hundredth of that for a text.
    """
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in properties.items()}


def from_properties(kind: type[RowT], properties: Mapping[str, Any]) -> RowT:
    """Convert a node's properties to its row; page keys and derived values are ignored."""
    json_names, names = json_properties(kind), kind.model_fields
    found = {name: value for name, value in properties.items() if name in names}
    values = {name: json.loads(value) if name in json_names else _from_property(value) for name, value in found.items()}
    return kind.model_validate_json(json.dumps(values), strict=True)


@cache
def json_properties(kind: type[Row]) -> frozenset[str]:
    """Return the properties stored as JSON text, since Neo4j has no maps: free JSON, and tuples of rows."""
    return frozenset(
        name
        for name, field in kind.model_fields.items()
        if field.annotation is _ANY_JSON or get_origin(field.annotation) is tuple
    )


def json_value(text: str | None) -> Any:
    """Parse a JSON property."""
    return None if text is None else json.loads(text)


_PLAIN: Final = frozenset({str, int, float, bool, type(None), date, datetime})
"""Types of values that need no conversion; rows consist of them, and a call for each would dominate the cost."""


def _to_property(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _to_json(value: Any) -> str | None:
    if isinstance(value, tuple):
        items = [item.model_dump(mode="json", exclude_none=True) for item in value]
        return json.dumps(items, ensure_ascii=False) if items else None
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _from_property(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value
