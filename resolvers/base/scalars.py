"""Scalars that check their values: moments, days, probabilities, addresses and whole numbers of 64 bits."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from graph.model.addresses import AN_ADDRESS, check_address
from graph.model.moments import A_DAY, A_MOMENT, read_day, read_moment

Moment = NewType("Moment", datetime)
Day = NewType("Day", date)
Probability = NewType("Probability", float)
Url = NewType("Url", str)
Int64 = NewType("Int64", int)

_LEAST_INT64, _MOST_INT64 = -(2**63), 2**63 - 1
_DECIMAL = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_RFC_3339 = "https://datatracker.ietf.org/doc/html/rfc3339"


def show_moment(value: datetime) -> str:
    """A moment in RFC 3339 and UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_moment(value: object) -> datetime:
    return read_moment(_text(value, A_MOMENT))


def moment_argument(value: object) -> datetime | None:
    """A moment from a field's arguments, in which literals are texts and variables are moments already."""
    return value if value is None or isinstance(value, datetime) else _read_moment(value)


def _show_day(value: date) -> str:
    return value.isoformat()


def _read_day(value: object) -> date:
    return read_day(_text(value, A_DAY))


def _show_probability(value: float) -> float:
    if not math.isfinite(value):
        message = f"expected a finite number, got {value!r}"
        raise ValueError(message)
    return float(value)


def _read_probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        message = f"expected a probability from 0 to 1, got {value!r:.80}"
        raise ValueError(message)
    return float(value) + 0.0  # no negative zero


def _read_url(value: object) -> str:
    return check_address(_text(value, AN_ADDRESS))


def _read_int64(value: object) -> int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _LEAST_INT64 <= value <= _MOST_INT64:
        message = f"expected a whole number from {_LEAST_INT64} to {_MOST_INT64}, got {value!r:.80}"
        raise ValueError(message)
    return value


def _text(value: object, expected: str) -> str:
    if not isinstance(value, str):
        message = f"expected {expected}, got {value!r:.80}"
        raise ValueError(message)
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    Moment: strawberry.scalar(
        name="DateTime",
        description=(
            "A moment in RFC 3339 with its offset, such as 2026-05-30T22:15:00Z. Decimals after the sixth are cut off. "
            "Answers are in UTC."
        ),
        specified_by_url=_RFC_3339,
        serialize=show_moment,
        parse_value=_read_moment,
    ),
    Day: strawberry.scalar(
        name="Date",
        description="A day in ISO 8601, such as 2026-05-30.",
        specified_by_url=f"{_RFC_3339}#section-5.6",
        serialize=_show_day,
        parse_value=_read_day,
    ),
    Probability: strawberry.scalar(
        name="Probability",
        description=(
            "A probability, from 0 to 1. Those that a row states lie strictly between the two; bounds of filters and "
            "answers may be 0 or 1."
        ),
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc8259#section-6",
        serialize=_show_probability,
        parse_value=_read_probability,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="An http or https address.",
        specified_by_url="https://url.spec.whatwg.org/",
        serialize=str,
        parse_value=_read_url,
    ),
    Int64: strawberry.scalar(
        name="Int64",
        description=(
            "A whole number of 64 bits. Answers have it as a decimal string, as many readers of JSON round large "
            "numbers; inputs take a string or a number."
        ),
        specified_by_url="https://protobuf.dev/programming-guides/json/",
        serialize=str,
        parse_value=_read_int64,
    ),
}
