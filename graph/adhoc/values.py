"""
JSON forms of every value of Neo4j.

| value | plain | typed |
|---|---|---|
| null, boolean, string | itself | `Null`, `Boolean`, `String` |
| integer | number to 2^53 - 1 on either side of 0, beyond that its digits as a string | `Integer`: digits |
| float | number; `"NaN"`, `"Infinity"`, `"-Infinity"` | `Float`: text of the nearest double |
| bytes | base64 | `Base64`: base64 |
| list, map | array, object | `List`, `Map`, of typed values |
| date, local time, local date and time | ISO 8601 | `Date`, `LocalTime`, `LocalDateTime`: the same |
| time, date and time | ISO 8601 with the offset | `Time`, `OffsetDateTime`: the same |
| date and time in a zone | the same | `ZonedDateTime`: ISO 8601 and the zone, `…+01:00[Europe/Berlin]` |
| duration | ISO 8601 | `Duration`: the same |
| point | `{srid, x, y, z}`, as `point()` takes it | `Point`: `SRID=4326;POINT (1.0 2.0)`, or `POINT Z` |
| vector | array of numbers | `Vector`: `{coordinatesType, coordinates}` |
| UUID | text | `UUID`: the same |
| node | `{elementId, labels, properties}` | `Node` |
| relationship | `{elementId, startNodeElementId, endNodeElementId, type, properties}` | `Relationship` |
| path | array of nodes and relationships in turn | `Path` |

Plain is for people and for programs that know their columns; it does not tell a string from a date. Typed is lossless:
each value is `{"$type": …, "_value": …}`. Element ids tell nodes of one answer apart, and may change afterwards.

Source: the typed JSON of Neo4j's Query API, https://neo4j.com/docs/query-api/current/typed-json.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, timedelta, tzinfo
from typing import Any, Final
from uuid import UUID

import pytz  # the driver's own time zones, which are the only ones that its moments convert to
from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import CartesianPoint, Point, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time
from neo4j.types import UnsupportedType
from neo4j.vector import Vector, VectorDType

from graph.errors import InvalidError

MOST_EXACT: Final = 2**53 - 1
"""The largest integer up to which all are doubles, and so numbers in any JSON parser."""

LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**63 - 1
"""Neo4j's integers."""

MOST_DEPTH: Final = 100
"""Lists and maps within each other in a parameter; Python's own stack ends at some hundreds."""

TYPE_FIELD, VALUE_FIELD = "$type", "_value"

Converter = Callable[[Any], Any]


def plain(value: Any) -> Any:
    """
    Convert a value of the driver's to its plain form.

    Raises:
        InvalidError: This version of the driver does not know the value's type.
    """
    return (_PLAIN.get(type(value)) or _plain_other)(value)


def typed(value: Any) -> dict[str, Any]:
    """
    Convert a value of the driver's to its typed form.

    Raises:
        InvalidError: This version of the driver does not know the value's type.
    """
    name, convert = _TYPED.get(type(value)) or _typed_other(value)
    return {TYPE_FIELD: name, VALUE_FIELD: convert(value)}


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read a statement's parameters from JSON.

    A value is plain, or typed where it is an object of `$type` and `_value` alone; so every value that a statement may
    be given can be written.

    Raises:
        InvalidError: A typed value is wrong, an integer has more than 64 bits, or lists and maps are nested too deep.
    """
    return {name: _read(value, f"parameters.{name}", MOST_DEPTH) for name, value in parameters.items()}


def _same(value: Any) -> Any:
    return value


def _plain_integer(value: int) -> int | str:
    return value if -MOST_EXACT <= value <= MOST_EXACT else str(value)


def _plain_float(value: float) -> float | str:
    return value if math.isfinite(value) else float_text(value)


def float_text(value: float) -> str:
    """Write a double with as many digits as tell it from all others; as `NaN`, `Infinity` or `-Infinity` beyond."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _bytes_text(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode()


def _plain_list(values: Sequence[Any]) -> list[Any]:
    return [plain(value) for value in values]


def _plain_map(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items()}


def _date_text(value: Date) -> str:
    return value.iso_format()


def _time_text(value: Time) -> str:
    return f"{_clock_text(value)}{_offset_text(value.utc_offset())}"


def _moment_text(value: DateTime) -> str:
    """ISO 8601 with the offset, if there is one, and without the zone's name."""
    return f"{value.date().iso_format()}T{_clock_text(value.time())}{_offset_text(value.utc_offset())}"


def _clock_text(value: Time) -> str:
    """Seconds with as many decimals as they have."""
    hour, minute, second, nanosecond = value.hour_minute_second_nanosecond
    decimals = f".{nanosecond:09d}".rstrip("0") if nanosecond else ""
    return f"{hour:02d}:{minute:02d}:{second:02d}{decimals}"


def _offset_text(offset: timedelta | None) -> str:
    if not offset:
        return "" if offset is None else "Z"
    seconds = round(abs(offset).total_seconds())
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
    return f"-{text}" if offset < timedelta(0) else f"+{text}"


def _duration_text(value: Duration) -> str:
    return value.iso_format()


def _plain_point(value: Point) -> dict[str, Any]:
    return {"srid": value.srid, **dict(zip("xyz", map(_plain_float, value), strict=False))}


def _plain_vector(value: Vector) -> list[Any]:
    return _plain_list(value.to_native())


def _plain_node(value: Node) -> dict[str, Any]:
    labels, properties = sorted(value.labels), _plain_map(dict(value))
    return {"elementId": value.element_id, "labels": labels, "properties": properties}


def _plain_relationship(value: Relationship) -> dict[str, Any]:
    return {
        "elementId": value.element_id,
        "startNodeElementId": _end_id(value.start_node),
        "endNodeElementId": _end_id(value.end_node),
        "type": value.type,
        "properties": _plain_map(dict(value)),
    }


def _plain_path(value: Path) -> list[Any]:
    return [plain(step) for step in _steps(value)]


def _steps(path: Path) -> list[Node | Relationship]:
    """A path's nodes and relationships in turn."""
    steps: list[Node | Relationship] = [path.nodes[0]]
    for relationship, node in zip(path.relationships, path.nodes[1:], strict=True):
        steps += (relationship, node)
    return steps


def _end_id(node: Node | None) -> str | None:
    return None if node is None else node.element_id


_PLAIN: Final[Mapping[type, Converter]] = {
    type(None): _same,
    bool: _same,
    str: _same,
    int: _plain_integer,
    float: _plain_float,
    bytes: _bytes_text,
    bytearray: _bytes_text,
    list: _plain_list,
    dict: _plain_map,
    Date: _date_text,
    Time: _time_text,
    DateTime: _moment_text,
    Duration: _duration_text,
    CartesianPoint: _plain_point,
    WGS84Point: _plain_point,
    Vector: _plain_vector,
    UUID: str,
    Node: _plain_node,
    Path: _plain_path,
}


def _plain_other(value: Any) -> dict[str, Any]:
    """Convert a value whose type is made while the program runs, as the driver does for each type of relationship."""
    if isinstance(value, Relationship):
        return _plain_relationship(value)
    if isinstance(value, Point):
        return _plain_point(value)
    raise _unknown(value)


def _unknown(value: Any) -> InvalidError:
    name = value.name if isinstance(value, UnsupportedType) else type(value).__name__
    return InvalidError(
        f"values of the type {name} are not known here; convert them in the statement, as by toString()"
    )


def _typed_list(values: Sequence[Any]) -> list[Any]:
    return [typed(value) for value in values]


def _typed_map(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: typed(value) for name, value in values.items()}


def _typed_point(value: Point) -> str:
    kind = "POINT" if len(value) == 2 else "POINT Z"  # noqa: PLR2004 - x and y
    return f"SRID={value.srid};{kind} ({' '.join(map(float_text, value))})"


def _typed_vector(value: Vector) -> dict[str, Any]:
    numbers = value.to_native()
    texts = [float_text(number) if isinstance(number, float) else str(number) for number in numbers]
    return {"coordinatesType": _VECTOR_TYPES[value.dtype], "coordinates": texts}


def _typed_node(value: Node) -> dict[str, Any]:
    properties = _typed_map(dict(value))
    return {"_element_id": value.element_id, "_labels": sorted(value.labels), "_properties": properties}


def _typed_relationship(value: Relationship) -> dict[str, Any]:
    return {
        "_element_id": value.element_id,
        "_start_node_element_id": _end_id(value.start_node),
        "_end_node_element_id": _end_id(value.end_node),
        "_type": value.type,
        "_properties": _typed_map(dict(value)),
    }


def _typed_path(value: Path) -> list[Any]:
    return [typed(step) for step in _steps(value)]


def _zoned_text(value: DateTime) -> str:
    return f"{_moment_text(value)}[{zone_name(value)}]"


def zone_name(value: DateTime) -> str | None:
    """The name of a moment's time zone; None where it has an offset alone, such as `Z`, or neither."""
    name = getattr(value.tzinfo, "zone", None)
    return None if name == "UTC" else name  # by which the driver knows the offset of 0 as well


def _name_moment(value: DateTime) -> tuple[str, Converter]:
    if value.tzinfo is None:
        return "LocalDateTime", _moment_text
    return ("OffsetDateTime", _moment_text) if zone_name(value) is None else ("ZonedDateTime", _zoned_text)


_VECTOR_TYPES: Final[Mapping[VectorDType, str]] = {
    VectorDType.I8: "INT8",
    VectorDType.I16: "INT16",
    VectorDType.I32: "INT32",
    VectorDType.I64: "INT64",
    VectorDType.F32: "FLOAT32",
    VectorDType.F64: "FLOAT64",
}

_TYPED: Final[Mapping[type, tuple[str, Converter]]] = {
    type(None): ("Null", _same),
    bool: ("Boolean", _same),
    str: ("String", _same),
    int: ("Integer", str),
    float: ("Float", float_text),
    bytes: ("Base64", _bytes_text),
    bytearray: ("Base64", _bytes_text),
    list: ("List", _typed_list),
    dict: ("Map", _typed_map),
    Date: ("Date", _date_text),
    Duration: ("Duration", _duration_text),
    CartesianPoint: ("Point", _typed_point),
    WGS84Point: ("Point", _typed_point),
    Vector: ("Vector", _typed_vector),
    UUID: ("UUID", str),
    Node: ("Node", _typed_node),
    Path: ("Path", _typed_path),
}


def _typed_other(value: Any) -> tuple[str, Converter]:
    """The name and the converter of a value for which its class alone does not say them."""
    if isinstance(value, DateTime):
        return _name_moment(value)
    if isinstance(value, Time):
        return ("LocalTime" if value.tzinfo is None else "Time"), _time_text
    if isinstance(value, Relationship):
        return "Relationship", _typed_relationship
    if isinstance(value, Point):
        return "Point", _typed_point
    raise _unknown(value)


def _read(value: Any, path: str, depth: int) -> Any:
    """Read a parameter, or a part of one at a path, which may contain lists and maps to some depth."""
    if depth == 0:
        raise InvalidError(f"expected at most {MOST_DEPTH} lists and maps within each other", path=path)
    if isinstance(value, list):
        return [_read(item, f"{path}[{index}]", depth - 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        if value.keys() == {TYPE_FIELD, VALUE_FIELD}:
            return _read_typed(value[TYPE_FIELD], value[VALUE_FIELD], path, depth)
        return {name: _read(item, f"{path}.{name}", depth - 1) for name, item in value.items()}
    return _read_integer(str(value), path) if type(value) is int else value


def _read_typed(name: object, value: Any, path: str, depth: int) -> Any:
    if name == "List" and isinstance(value, list):
        return _read(value, path, depth)
    if name == "Map" and isinstance(value, dict):
        return {key: _read(item, f"{path}.{key}", depth - 1) for key, item in value.items()}
    reader = _READERS.get(name) if isinstance(name, str) else None
    if reader is None:
        known = ", ".join((*_READERS, "List", "Map"))
        raise InvalidError(f"expected a {TYPE_FIELD} of {known}, got {name!r:.80}", path=path)
    expected, read = reader
    if not isinstance(value, expected):
        raise InvalidError(f"expected {VALUE_FIELD} to be {_EXPECTED[expected]}, got {value!r:.80}", path=path)
    try:
        return read(value)
    except InvalidError as error:
        raise InvalidError(error.message, path=path) from error
    except (ValueError, OverflowError, KeyError, binascii.Error) as error:
        raise InvalidError(f"expected the {VALUE_FIELD} of a {name}, got {value!r:.80}", path=path) from error


def _read_integer(text: str, path: str = "") -> int:
    number = int(text) if _INTEGER.fullmatch(text) else None
    if number is None or not LEAST_INTEGER <= number <= MOST_INTEGER:
        raise InvalidError(f"expected a whole number of 64 bits, got {text:.80}", path=path)
    return number


def _read_float(text: str) -> float:
    if text != text.strip() or "_" in text:
        raise ValueError(text)
    return float(text)


def _read_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _match(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return {name: part for name, part in found.groupdict().items() if part is not None}


def _read_date(text: str) -> Date:
    return _date_of(_match(_DATE, text))


def _date_of(parts: Mapping[str, str]) -> Date:
    return Date(int(parts["year"]), int(parts["month"]), int(parts["day"]))


def _time_of(parts: Mapping[str, str]) -> Time:
    nanosecond = int(f"{parts.get('decimals', ''):0<9}")
    return Time(int(parts["hour"]), int(parts["minute"]), int(parts.get("second", 0)), nanosecond)


def _offset_of(parts: Mapping[str, str]) -> int:
    """An offset in minutes."""
    minutes = int(parts.get("hours", 0)) * 60 + int(parts.get("minutes", 0))
    return -minutes if parts.get("sign") == "-" else minutes


def _read_local_time(text: str) -> Time:
    return _time_of(_match(_LOCAL_TIME, text))


def _read_time(text: str) -> Time:
    parts = _match(_TIME, text)
    return _time_of(parts).replace(tzinfo=pytz.FixedOffset(_offset_of(parts)))


def _read_local_moment(text: str) -> DateTime:
    parts = _match(_LOCAL_MOMENT, text)
    return DateTime.combine(_date_of(parts), _time_of(parts))


def _read_moment(text: str) -> DateTime:
    parts = _match(_MOMENT, text)
    return _moment_of(parts)


def _moment_of(parts: Mapping[str, str]) -> DateTime:
    """A moment with its offset; that of 0 is not pytz's, which the driver takes for a zone of the name UTC."""
    offset = _offset_of(parts)
    zone: tzinfo = pytz.FixedOffset(offset) if offset else UTC
    return DateTime.combine(_date_of(parts), _time_of(parts).replace(tzinfo=zone))


def _read_zoned_moment(text: str) -> DateTime:
    """Read a moment with its offset and its zone; where clocks were set back, the offset tells which hour is meant."""
    parts = _match(_ZONED_MOMENT, text)
    try:
        zone = pytz.timezone(parts["zone"])
    except pytz.UnknownTimeZoneError as error:
        raise InvalidError(f"there is no time zone {parts['zone']!r:.80}") from error
    written = _moment_of(parts)
    moment = written.as_timezone(zone)
    if _moment_text(moment) != _moment_text(written):
        raise InvalidError(f"expected the offset of {parts['zone']} at that moment, got {text!r:.80}")
    return moment


def _read_duration(text: str) -> Duration:
    return Duration.from_iso_format(text)


def _read_point(text: str) -> Point:
    parts = _match(_POINT, text)
    numbers = [_read_float(number) for number in parts["numbers"].split(" ")]
    kind, num_numbers = _POINTS[int(parts["srid"])]
    if len(numbers) != num_numbers or ("z" in parts) != (num_numbers == 3):  # noqa: PLR2004 - x, y and z
        raise ValueError(text)
    return kind(numbers)


def _read_vector(value: Mapping[str, Any]) -> Vector:
    if value.keys() != {"coordinatesType", "coordinates"}:
        raise ValueError("other fields")
    name, texts = value["coordinatesType"], value["coordinates"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("coordinates are a list of strings")
    numbers: list[Any] = [_read_integer(text) if name.startswith("INT") else _read_float(text) for text in texts]
    dtype: Any = _VECTOR_DTYPES[name]  # the driver's types tell whole numbers' from the others'
    found: Vector = Vector.from_native(numbers, dtype)
    return found


_DATE_PART: Final = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
_CLOCK_PART: Final = r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<decimals>\d{1,9}))?)?"
_OFFSET_PART: Final = r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2}))"
_DATE: Final = re.compile(_DATE_PART, re.ASCII)
_LOCAL_TIME: Final = re.compile(_CLOCK_PART, re.ASCII)
_TIME: Final = re.compile(_CLOCK_PART + _OFFSET_PART, re.ASCII)
_LOCAL_MOMENT: Final = re.compile(f"{_DATE_PART}T{_CLOCK_PART}", re.ASCII)
_MOMENT: Final = re.compile(f"{_DATE_PART}T{_CLOCK_PART}{_OFFSET_PART}", re.ASCII)
_ZONED_MOMENT: Final = re.compile(rf"{_DATE_PART}T{_CLOCK_PART}{_OFFSET_PART}\[(?P<zone>[A-Za-z0-9_+/-]+)\]", re.ASCII)
_POINT: Final = re.compile(r"SRID=(?P<srid>\d{1,5});POINT (?P<z>Z )?\((?P<numbers>[^()]{1,100})\)", re.ASCII)
_INTEGER: Final = re.compile(r"-?\d{1,19}", re.ASCII)

_POINTS: Final[Mapping[int, tuple[type[Point], int]]] = {
    7203: (CartesianPoint, 2),
    9157: (CartesianPoint, 3),
    4326: (WGS84Point, 2),
    4979: (WGS84Point, 3),
}
_VECTOR_DTYPES: Final = {name: dtype for dtype, name in _VECTOR_TYPES.items()}

_EXPECTED: Final[Mapping[type, str]] = {str: "a string", bool: "true or false", dict: "an object", type(None): "null"}
_READERS: Final[Mapping[str, tuple[type, Converter]]] = {
    "Null": (type(None), _same),
    "Boolean": (bool, _same),
    "String": (str, _same),
    "Integer": (str, _read_integer),
    "Float": (str, _read_float),
    "Base64": (str, _read_bytes),
    "Date": (str, _read_date),
    "LocalTime": (str, _read_local_time),
    "Time": (str, _read_time),
    "LocalDateTime": (str, _read_local_moment),
    "OffsetDateTime": (str, _read_moment),
    "ZonedDateTime": (str, _read_zoned_moment),
    "Duration": (str, _read_duration),
    "Point": (str, _read_point),
    "Vector": (dict, _read_vector),
    "UUID": (str, UUID),
}
