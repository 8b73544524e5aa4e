"""Moments and days as texts: one notion for the API, bundles and the command line."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from graph.model.shown import shown_value

FIRST_YEAR: Final = 1000
LAST_YEAR: Final = 9000  # four digits, and within the calendars of Neo4j and Python whatever is added

A_MOMENT: Final = "an RFC 3339 moment with its offset, such as 2026-05-30T22:15:00Z"
ONE_DAY: Final = timedelta(days=1)
A_DAY: Final = "a day such as 2026-05-30"

FIRST_OFFSET: Final = timedelta(hours=14)
"""The offset of the Line Islands, where each day begins first."""

_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_moment(text: str) -> datetime:
    """
    Read a moment as RFC 3339 writes it, in UTC.

    `T` and `Z` may be lower case, and a space may stand for `T` (section 5.6). Digits after the sixth decimal are cut
    off, since moments are kept to the microsecond; so a moment is never read as a later one.

    Raises:
        ValueError: The text is no such moment, or its year is out of range; the message says which and shows it.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {A_MOMENT}, got {shown_value(text)}")
    day, time, decimals, offset = match.groups()
    try:
        written = datetime.fromisoformat(f"{day}T{time}.{(decimals or '')[:6]:0<6}{offset.upper()}")
    except ValueError as error:
        raise ValueError(f"expected {A_MOMENT}, got {shown_value(text)}: {error}") from error
    check_year(written)
    moment = written.astimezone(UTC)
    check_year(moment)
    return moment


def read_bound(text: str) -> datetime:
    """
    Read a moment, or a day where a moment bounds a range.

    A day is its first moment in UTC, marked by `fold` so that `end_of` can tell it from that moment itself.

    Raises:
        ValueError: The text is neither.
    """
    if not _DAY.fullmatch(text):
        return read_moment(text)
    return datetime.combine(read_day(text), time(fold=1), UTC)


def is_day(moment: datetime) -> bool:
    """Whether a moment was given as a day."""
    return moment.fold == 1


def end_of(moment: datetime) -> datetime:
    """Return the last moment of an upper bound: of the day if it was given as one, else the moment itself."""
    return moment.replace(fold=0) + (ONE_DAY - datetime.resolution if is_day(moment) else timedelta())


def read_day(text: str) -> date:
    """
    Read a day such as 2026-05-30.

    Raises:
        ValueError: The text is no such day, or its year is out of range; the message shows it.
    """
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError as error:
        raise ValueError(f"expected {A_DAY}, got {shown_value(text)}") from error
    check_year(day)
    return day


def check_year(day: date) -> None:
    """Raise ValueError unless a day's or moment's year is from 1000 to 9000."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, got {day.year}"
        raise ValueError(message)


def latest_day(moment: datetime) -> date:
    """Return the latest day that has begun anywhere on earth at a moment."""
    return (moment.astimezone(UTC) + FIRST_OFFSET).date()
