"""
Conversion between a bundle's rows and Neo4j's properties.

Neo4j has no maps. A list of items whose class has a prefix is stored as parallel lists, one for each of their fields,
so that Cypher can unwind it: the field `llr` of `contributions` as the list `contribution_llr`. Neo4j's lists have no
nulls: an absent number is Infinity there, which equals itself as NaN does not, an absent text or day ''. Days are text.
A list of absent values alone is left out. Everything else that Neo4j cannot hold is stored as JSON text.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin

from pydantic import JsonValue

from graph.model.rows import Row

_ANY_JSON: Final[Any] = JsonValue

RowT = TypeVar("RowT", bound=Row)


def to_properties(row: Row) -> dict[str, Any]:
    """Convert a row to Neo4j's properties; an absent one is None, which removes the property."""
    json_names, listed = json_properties(type(row)), parallel_lists(type(row))
    properties = {
        name: value if type(value) in _PLAIN else _to_property(value)
        for name, value in row.__dict__.items()
        if name not in json_names and name not in listed
    }
    for name, lists in listed.items():
        properties |= to_lists(lists, getattr(row, name))
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
    for name, lists in parallel_lists(kind).items():
        values[name] = items_of(lists, properties)
    return kind.model_validate_json(json.dumps(values), strict=True)


@cache
def json_properties(kind: type[Row]) -> frozenset[str]:
    """Return the properties stored as JSON text: free JSON, and tuples of rows without a prefix."""
    return frozenset(
        name
        for name, field in kind.model_fields.items()
        if field.annotation is _ANY_JSON or (get_origin(field.annotation) is tuple and name not in parallel_lists(kind))
    )


@dataclass(frozen=True, slots=True)
class ParallelList:
    """
    A list of the values that items have for one of their fields.

    Attributes:
        field: The field.
        property: The property that holds the list.
        is_number: Whether the values are numbers; otherwise they are texts.
    """

    field: str
    property: str
    is_number: bool


@cache
def parallel_lists(kind: type[Row]) -> Mapping[str, tuple[ParallelList, ...]]:
    """Return the properties stored as parallel lists, each with those lists."""
    found = {}
    for name, field in kind.model_fields.items():
        item = get_args(field.annotation)[0] if get_origin(field.annotation) is tuple else None
        prefix = getattr(item, "LIST_PREFIX", None)
        if item is not None and prefix is not None:
            found[name] = tuple(_parallel_list(item, prefix, part) for part in item.model_fields)
    return found


def _parallel_list(item: type[Row], prefix: str, field: str) -> ParallelList:
    parts = get_args(item.model_fields[field].annotation) or (item.model_fields[field].annotation,)
    is_number = any(part is float or float in get_args(part) for part in parts)
    return ParallelList(field, f"{prefix}_{field}", is_number)


def to_lists(lists: Sequence[ParallelList], items: Sequence[Row]) -> dict[str, list[Any] | None]:
    """Convert items to parallel lists; a list without a value is None."""
    stored: dict[str, list[Any] | None] = {}
    for found in lists:
        absent: float | str = math.inf if found.is_number else ""
        values = [getattr(item, found.field) for item in items]
        texts = [value.isoformat() if isinstance(value, date) else value for value in values]
        is_bare = all(value is None for value in values)
        stored[found.property] = None if is_bare else [absent if value is None else value for value in texts]
    return stored


def items_of(lists: Sequence[ParallelList], properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    Read items from parallel lists, as JSON without absent values.

    Args:
        lists: The lists.
        properties: Those that are stored; absent ones may be None or missing.
    """
    stored = {found.field: properties.get(found.property) or () for found in lists}
    items: list[dict[str, Any]] = [{} for _ in range(max(map(len, stored.values()), default=0))]
    for field, values in stored.items():
        for item, value in zip(items, values, strict=bool(values)):
            if not _is_absent(value):
                item[field] = value
    return items


def _is_absent(value: float | str) -> bool:
    return math.isinf(value) if isinstance(value, float) else value == ""


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
