"""
Kinds of columns for formats in which a column has one type: found batch by batch, joined over all of them.

A cell's value is kept as the kind writes it: moments as nanoseconds since 1970 with their text, days likewise, lists as
lists of such values, JSON as text. What two batches do not share becomes JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final
from uuid import UUID

import orjson
from neo4j.time import Date, DateTime, Duration, Time
from neo4j.vector import Vector

from graph.adhoc.values import MOST_EXACT, plain

LEAST_NANOSECONDS, MOST_NANOSECONDS = -(2**63) + 1, 2**63 - 1
"""Moments that 64 bits can hold to the nanosecond: from 1677 to 2262."""

_DAYS_TO_1970: Final = Date(1970, 1, 1).to_ordinal()
_DAY_SECONDS: Final = 86_400
_NANOSECONDS: Final = 10**9


class Form(Enum):
    """Form in which a column's values are written."""

    NULL = "null"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"
    BYTES = "bytes"
    DAY = "day"
    CLOCK = "clock"
    MOMENT = "moment"
    LOCAL_MOMENT = "local moment"
    LIST = "list"
    JSON = "json"


_MOMENTS: Final = frozenset({Form.MOMENT, Form.LOCAL_MOMENT})
_WITH_TEXT: Final = frozenset({Form.DAY, Form.CLOCK, *_MOMENTS})
"""Forms whose values are pairs of a number and a text."""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    Type that a column's values have in common.

    Attributes:
        form: How they are written.
        item: The kind of the items of lists; None for all else.
        is_exact: Of integers, whether all are doubles too.
        has_nanoseconds: Of moments, whether one is finer than a microsecond.
        is_near: Of moments, whether 64 bits hold all of them to the nanosecond.
    """

    form: Form
    item: "Kind | None" = None
    is_exact: bool = True
    has_nanoseconds: bool = False
    is_near: bool = True

    def joined(self, other: "Kind") -> "Kind":
        """The kind of a column that has values of both."""
        if Form.NULL in {self.form, other.form}:
            return other if self.form is Form.NULL else self
        merged = replace(
            self,
            is_exact=self.is_exact and other.is_exact,
            has_nanoseconds=self.has_nanoseconds or other.has_nanoseconds,
            is_near=self.is_near and other.is_near,
        )
        if {self.form, other.form} == {Form.INTEGER, Form.FLOAT}:
            return replace(merged, form=Form.FLOAT) if merged.is_exact else JSON
        if self.form is not other.form:
            return JSON
        if self.item is not None and other.item is not None:
            item = self.item.joined(other.item)
            return JSON if item.form is Form.JSON else replace(merged, item=item)
        return merged


NULL: Final = Kind(Form.NULL)
JSON: Final = Kind(Form.JSON)


@dataclass(frozen=True, slots=True)
class Column:
    """Some values of a column, and their kind."""

    kind: Kind
    values: Sequence[Any]

    def as_kind(self, kind: Kind) -> Sequence[Any]:
        """The values as those of a kind that their own has been joined to."""
        if kind.form is Form.JSON and self.kind.form is not Form.JSON:
            return [None if value is None else _json_of(self.kind, value) for value in self.values]
        return self.values


def read_column(values: Sequence[Any]) -> Column:
    """Find the kind of some of the driver's values, and write them as it does."""
    found = set(map(type, values)) - {type(None)}
    if not found:
        return Column(NULL, values)
    if len(found) == 1:
        read = _READERS.get(next(iter(found)))
        return _read_json(values) if read is None else read(values)
    return _read_numbers(values) if found == {int, float} else _read_json(values)


def _read_numbers(values: Sequence[Any]) -> Column:
    """Read integers and doubles in one column."""
    column = _read_integers([value for value in values if type(value) is int])
    return Column(Kind(Form.FLOAT), values) if column.kind.is_exact else _read_json(values)


def _read_json(values: Sequence[Any]) -> Column:
    return Column(JSON, [None if value is None else orjson.dumps(plain(value)).decode() for value in values])


def _read_integers(values: Sequence[Any]) -> Column:
    numbers = [value for value in values if value is not None]
    is_exact = min(numbers) >= -MOST_EXACT and max(numbers) <= MOST_EXACT
    return Column(Kind(Form.INTEGER, is_exact=is_exact), values)


def _read_texts(values: Sequence[Any]) -> Column:
    """Read values that are texts in their plain form."""
    return Column(Kind(Form.TEXT), [None if value is None else plain(value) for value in values])


def _read_days(values: Sequence[Any]) -> Column:
    days = [None if day is None else (day.to_ordinal() - _DAYS_TO_1970, plain(day)) for day in values]
    return Column(Kind(Form.DAY), days)


def _read_times(values: Sequence[Any]) -> Column:
    """Read times of the day; those with an offset have no type elsewhere, and stay texts."""
    if any(value is not None and value.tzinfo is not None for value in values):
        return _read_texts(values)
    return Column(Kind(Form.CLOCK), [None if time is None else (time.ticks, plain(time)) for time in values])


def _read_moments(values: Sequence[Any]) -> Column:
    is_local = {value.tzinfo is None for value in values if value is not None}
    if len(is_local) > 1:
        return _read_json(values)
    pairs = [None if value is None else (_nanoseconds(value), plain(value)) for value in values]
    numbers = [pair[0] for pair in pairs if pair is not None]
    kind = Kind(
        Form.LOCAL_MOMENT if is_local == {True} else Form.MOMENT,
        has_nanoseconds=any(number % 1000 for number in numbers),
        is_near=min(numbers) >= LEAST_NANOSECONDS and max(numbers) <= MOST_NANOSECONDS,
    )
    return Column(kind, pairs)


def _nanoseconds(moment: DateTime) -> int:
    """Nanoseconds since 1970, in UTC where the moment has an offset."""
    hour, minute, second, nanosecond = moment.hour_minute_second_nanosecond
    days = moment.to_ordinal() - _DAYS_TO_1970
    offset = moment.utc_offset()
    seconds = days * _DAY_SECONDS + hour * 3600 + minute * 60 + second
    return (seconds - (0 if offset is None else round(offset.total_seconds()))) * _NANOSECONDS + nanosecond


def _read_lists(values: Sequence[Any]) -> Column:
    """Read lists whose items are of one kind; all others are JSON."""
    items = read_column([item for value in values if value is not None for item in value])
    if items.kind.form is Form.JSON:
        return _read_json(values)
    remaining = iter(items.values)
    lists = [None if value is None else [next(remaining) for _ in value] for value in values]
    return Column(Kind(Form.LIST, item=items.kind), lists)


def _read_vectors(values: Sequence[Any]) -> Column:
    return _read_lists([None if value is None else value.to_native() for value in values])


_READERS: Final[Mapping[type, Callable[[Sequence[Any]], Column]]] = {
    bool: lambda values: Column(Kind(Form.BOOLEAN), values),
    int: _read_integers,
    float: lambda values: Column(Kind(Form.FLOAT), values),
    str: lambda values: Column(Kind(Form.TEXT), values),
    bytes: lambda values: Column(Kind(Form.BYTES), values),
    Date: _read_days,
    Time: _read_times,
    DateTime: _read_moments,
    Duration: _read_texts,
    UUID: _read_texts,
    list: _read_lists,
    Vector: _read_vectors,
}


def _json_of(kind: Kind, value: Any) -> str:
    """A value of a kind as JSON."""
    return orjson.dumps(_plain_of(kind, value)).decode()


def _plain_of(kind: Kind, value: Any) -> Any:
    """The plain form of a value as a kind writes it."""
    if value is None:
        return None
    if kind.form in _WITH_TEXT:
        return value[1]
    if kind.item is not None:
        return [_plain_of(kind.item, item) for item in value]
    return plain(value)
