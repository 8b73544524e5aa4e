"""Reads typed JSON back by other means than the service: the driver's parsers, and tuples for parts of a graph."""

import base64
import struct
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytz
from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import CartesianPoint, Point, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time
from neo4j.vector import Vector, VectorDType

VECTORS = {
    "INT8": ("b", VectorDType.I8),
    "INT16": ("h", VectorDType.I16),
    "INT32": ("i", VectorDType.I32),
    "INT64": ("q", VectorDType.I64),
    "FLOAT32": ("f", VectorDType.F32),
    "FLOAT64": ("d", VectorDType.F64),
}


def decode(form: Mapping[str, Any]) -> Any:
    """The value that a typed form stands for; nodes, relationships and paths as `comparable` has them."""
    assert form.keys() == {"$type", "_value"}
    return READERS[form["$type"]](form["_value"])


def comparable(value: Any) -> Any:
    """A value of the driver's with what makes two of it equal: types, zones and offsets included."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    if isinstance(value, Node | Relationship | Path):
        return _comparable_part(value)
    return _comparable_scalar(value)


def _comparable_part(value: Node | Relationship | Path) -> Any:
    if isinstance(value, Node):
        return ("node", value.element_id, frozenset(value.labels), comparable(dict(value)))
    if isinstance(value, Relationship):
        assert value.start_node is not None
        assert value.end_node is not None
        ends = value.start_node.element_id, value.end_node.element_id
        return ("relationship", value.element_id, *ends, value.type, comparable(dict(value)))
    steps: list[Any] = [value.nodes[0]]
    for number, relationship in enumerate(value.relationships, 1):
        steps += (relationship, value.nodes[number])
    return ("path", [comparable(step) for step in steps])


def _comparable_scalar(value: Any) -> Any:
    if isinstance(value, DateTime):
        zone = getattr(value.tzinfo, "zone", None)
        # The driver does not tell the zone UTC from the offset of 0.
        return ("moment", value.replace(tzinfo=None), value.utc_offset(), None if zone == "UTC" else zone)
    if isinstance(value, Time):
        return ("time", value.hour_minute_second_nanosecond, value.utc_offset())
    if isinstance(value, Vector):
        return ("vector", value.dtype, bytes(value.raw()))
    if isinstance(value, float):
        return ("float", "NaN" if value != value else struct.pack(">d", value))  # noqa: PLR0124 - NaN alone does not
    return (type(value).__name__, tuple(value) if isinstance(value, Point) else value)


def _point(text: str) -> Point:
    srid, _, rest = text.removeprefix("SRID=").partition(";")
    numbers = [float(number) for number in rest[rest.index("(") + 1 : -1].split()]
    return (WGS84Point if srid in {"4326", "4979"} else CartesianPoint)(numbers)


def _zoned(text: str) -> DateTime:
    moment, _, zone = text.removesuffix("]").partition("[")
    # The driver's parser knows no offset but from pytz, and no `Z`.
    return _moment(moment).as_timezone(pytz.timezone(zone))


def _moment(text: str) -> DateTime:
    day, _, clock = text.partition("T")
    return DateTime.combine(Date.from_iso_format(day), _time(clock))


def _time(text: str) -> Time:
    return Time.from_iso_format(text.replace("Z", "+00:00"))


def _vector(value: Mapping[str, Any]) -> Vector:
    code, dtype = VECTORS[value["coordinatesType"]]
    numbers = [(float if code in "fd" else int)(text) for text in value["coordinates"]]
    return Vector(struct.pack(f">{len(numbers)}{code}", *numbers), dtype)


def _properties(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: comparable(decode(item)) for name, item in value["_properties"].items()}


def _node(value: Mapping[str, Any]) -> Any:
    return ("node", value["_element_id"], frozenset(value["_labels"]), _properties(value))


def _relationship(value: Mapping[str, Any]) -> Any:
    ends = value["_start_node_element_id"], value["_end_node_element_id"]
    return ("relationship", value["_element_id"], *ends, value["_type"], _properties(value))


def _boolean(value: Any) -> bool:
    assert isinstance(value, bool)
    return value


READERS: Mapping[str, Callable[[Any], Any]] = {
    "Null": lambda value: value,
    "Boolean": _boolean,
    "String": str,
    "Integer": int,
    "Float": float,
    "Base64": base64.b64decode,
    "List": lambda value: [decode(item) for item in value],
    "Map": lambda value: {name: decode(item) for name, item in value.items()},
    "Date": Date.from_iso_format,
    "LocalTime": _time,
    "Time": _time,
    "LocalDateTime": _moment,
    "OffsetDateTime": _moment,
    "ZonedDateTime": _zoned,
    "Duration": Duration.from_iso_format,
    "Point": _point,
    "Vector": _vector,
    "UUID": UUID,
    "Node": _node,
    "Relationship": _relationship,
    "Path": lambda value: ("path", [decode(item) for item in value]),
}
