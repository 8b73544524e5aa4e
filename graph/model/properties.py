"""Between a bundle's rows and the properties that Neo4j holds: maps and lists of maps are kept as JSON text."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from graph.model.rows import Row

JSON_PROPERTIES = frozenset({"raw_metadata", "contributions", "parameters"})

RowT = TypeVar("RowT", bound=Row)


def to_properties(row: Row) -> dict[str, Any]:
    """A row's fields as Neo4j can hold them; an absent one is None, which removes the property."""
    values = ((name, getattr(row, name)) for name in _names(type(row)))
    return {name: _to_property(name, value) for name, value in values}


def with_moments_as_text(properties: Mapping[str, Any]) -> dict[str, Any]:
    """
    Properties for a statement that makes moments of texts.

    The driver takes some 80 µs to encode a datetime, a text a hundredth of that.
    """
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in properties.items()}


def from_properties(kind: type[RowT], properties: Mapping[str, Any]) -> RowT:
    """The row that stored properties stand for; page keys and other marks of our own are left aside."""
    names = kind.model_fields
    values = {name: _from_property(name, value) for name, value in properties.items() if name in names}
    return kind.model_validate_json(json.dumps(values), strict=True)


def json_value(text: str | None) -> Any:
    """What a JSON property holds."""
    return None if text is None else json.loads(text)


@cache
def _names(kind: type[Row]) -> tuple[str, ...]:
    return tuple(kind.model_fields)


def _to_property(name: str, value: Any) -> Any:
    if name in JSON_PROPERTIES:
        return _to_json(value)
    return value.value if isinstance(value, Enum) else value


def _to_json(value: Any) -> str | None:
    if isinstance(value, tuple):
        items = [item.model_dump(mode="json", exclude_none=True) for item in value]
        return json.dumps(items, ensure_ascii=False) if items else None
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _from_property(name: str, value: Any) -> Any:
    if name in JSON_PROPERTIES:
        return json.loads(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value
