"""Types of single values: their ranges and formats, and the form in which errors show a wrong one."""

import json
import re
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
)

MAX_TEXT_CHARACTERS = 100_000
MAX_LINE_CHARACTERS = 2_000
MAX_SHOWN_CHARACTERS = 80  # of a wrong value, in an error
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+-]{0,199}$"
# Longer, since the id of a check-in that an import adds begins with its prediction's.
MILESTONE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+-]{0,219}$"
FIRST_YEAR, LAST_YEAR = 1000, 9000  # four digits, and within the calendars of Neo4j and Python

_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CALENDAR_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CALENDAR_MOMENT = re.compile(_CALENDAR_DAY.pattern + r"[Tt ][0-9]{2}:")


def _without_control_characters(text: str) -> str:
    if found := _CONTROL_CHARACTER.search(text):
        message = f"expected text without control characters, got {found.group()!r} at {found.start()}"
        raise ValueError(message)
    return text


# Pydantic would read a text of digits alone as seconds since 1970.
def _read_day(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            if _CALENDAR_DAY.fullmatch(value):
                return date.fromisoformat(value)
        message = f"expected a day such as 2026-05-30, got {shown_value(value)}"
        raise ValueError(message)
    return value


def _read_moment(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            if _CALENDAR_MOMENT.match(value):
                return datetime.fromisoformat(value)
        message = f"expected a moment such as 2026-05-30T22:15:00Z, got {shown_value(value)}"
        raise ValueError(message)
    return value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _finite_throughout(value: JsonValue) -> JsonValue:
    """Raise ValueError if a number exceeds a float's range, such as 1e999, which could not be written as JSON again."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        message = "expected numbers within the range of a float, got one outside it"
        raise ValueError(message) from error
    return value


def _year_in_range(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, got {day.year}"
        raise ValueError(message)
    return day


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
MilestoneId = Annotated[str, StringConstraints(pattern=MILESTONE_ID_PATTERN)]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LINE_CHARACTERS),
    AfterValidator(_without_control_characters),
]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TEXT_CHARACTERS),
    AfterValidator(_without_control_characters),
]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]+$", max_length=MAX_LINE_CHARACTERS)]
Day = Annotated[date, AfterValidator(_year_in_range), BeforeValidator(_read_day)]
# The year is checked before and after the conversion to UTC, which must not leave the calendar.
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_year_in_range),
    AfterValidator(_in_utc),
    AfterValidator(_year_in_range),
    BeforeValidator(_read_moment),
]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Days = Annotated[int, Field(ge=0, le=36_525)]
Number = float
# Far beyond any evidence, and small enough that sums of many stay within the range of a float.
LogRatio = Annotated[float, Field(ge=-1e6, le=1e6)]
Metadata = Annotated[JsonValue, AfterValidator(_finite_throughout)]


def shown_value(value: Any) -> str:
    """Format a value for an error message: as JSON, shortened if it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"
