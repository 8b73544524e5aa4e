"""Scalars that check their values: moments, days, probabilities and addresses."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from graph.errors import InvalidError
from graph.model.addresses import AN_ADDRESS, check_address
from graph.model.moments import A_DAY, A_MOMENT, is_day, read_bound, read_day

Moment = NewType("Moment", datetime)
Day = NewType("Day", date)
Probability = NewType("Probability", float)
Url = NewType("Url", str)


def show_moment(value: datetime) -> str:
    """A moment in RFC 3339 and UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_moment(value: object) -> datetime:
    return read_bound(_text(value, A_MOMENT))


def bound_argument(value: object) -> datetime | None:
    """A moment from a field's arguments, in which literals are texts and variables are moments already; or a day."""
    return value if value is None or isinstance(value, datetime) else _read_moment(value)


def moment_argument(value: object, *, path: str) -> datetime | None:
    """
    As `bound_argument`, but no day.

    Raises:
        InvalidError: It is a day.
    """
    moment = bound_argument(value)
    if moment is not None and is_day(moment):
        raise InvalidError(f"expected {A_MOMENT}, got {moment.date().isoformat()}, a day", path=path)
    return moment


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
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1.0:
        message = f"expected a probability strictly between 0 and 1, got {value!r:.80}"
        raise ValueError(message)
    return float(value)


def _read_url(value: object) -> str:
    return check_address(_text(value, AN_ADDRESS))


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
            "Where it bounds a range, such as `from` and `to`, it may be a day, which is meant as a whole, in UTC. "
            "Answers are in UTC."
        ),
        serialize=show_moment,
        parse_value=_read_moment,
    ),
    Day: strawberry.scalar(
        name="Date", description="A day in ISO 8601, such as 2026-05-30.", serialize=_show_day, parse_value=_read_day
    ),
    Probability: strawberry.scalar(
        name="Probability",
        description="A probability strictly between 0 and 1.",
        serialize=_show_probability,
        parse_value=_read_probability,
    ),
    Url: strawberry.scalar(name="URL", description="An http or https address.", serialize=str, parse_value=_read_url),
}
