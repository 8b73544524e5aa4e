"""Scalars read what their standards say and write what they read."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.model.values import MAX_LINE_CHARACTERS
from resolvers.base.scalars import SCALARS, Day, Int64, Moment, Probability, Url, moment_argument, show_moment


def reader(scalar: object) -> Callable[[object], Any]:
    """The function that reads a scalar's value."""
    found = SCALARS[scalar].parse_value
    assert found is not None
    return found


def writer(scalar: object) -> Callable[[Any], object]:
    """The function that writes a scalar's value."""
    found = SCALARS[scalar].serialize
    assert found is not None
    return found


read_moment, read_day, read_probability, read_url, read_int64 = map(reader, (Moment, Day, Probability, Url, Int64))

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9000, 12, 30), timezones=OFFSETS)  # noqa: DTZ001 - hypothesis adds zones


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The examples of RFC 3339, section 5.8, but those with a leap second.
        ("1985-04-12T23:20:50.52Z", datetime(1985, 4, 12, 23, 20, 50, 520_000, UTC)),
        ("1996-12-19T16:39:57-08:00", datetime(1996, 12, 20, 0, 39, 57, tzinfo=UTC)),
        ("1937-01-01T12:00:27.87+00:20", datetime(1937, 1, 1, 11, 40, 27, 870_000, UTC)),
        # Section 5.6: T and Z may be lower case; 4.3: an unknown local offset.
        ("1985-04-12t23:20:50z", datetime(1985, 4, 12, 23, 20, 50, tzinfo=UTC)),
        ("1985-04-12T23:20:50-00:00", datetime(1985, 4, 12, 23, 20, 50, tzinfo=UTC)),
        ("1985-04-12 23:20:50Z", datetime(1985, 4, 12, 23, 20, 50, tzinfo=UTC)),
        # Any number of decimals, of which six are kept.
        ("1985-04-12T23:20:50.1234567Z", datetime(1985, 4, 12, 23, 20, 50, 123_456, UTC)),
        ("1985-04-12T23:20:50.999999999999999Z", datetime(1985, 4, 12, 23, 20, 50, 999_999, UTC)),
    ],
)
def test_moments_are_read_as_rfc_3339_says(text: str, expected: datetime) -> None:
    """Its own examples."""
    assert read_moment(text) == expected


@given(MOMENTS)
def test_a_moment_is_written_as_it_was_read(moment: datetime) -> None:
    """The instant stays, whatever offset it came with; answers are in UTC."""
    text = show_moment(moment)

    assert text.endswith("Z")
    assert read_moment(text) == moment == read_moment(moment.isoformat(timespec="microseconds"))
    assert read_moment(moment.isoformat(timespec="microseconds")).utcoffset() == timedelta(0)


@given(MOMENTS, OFFSETS)
def test_a_moment_is_the_same_in_every_zone(moment: datetime, zone: timezone) -> None:
    """An offset says where a clock stands and nothing of when."""
    assert show_moment(moment.astimezone(zone)) == show_moment(moment)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-30T22:15:00",  # no offset
        "2026-05-30T22:15Z",
        "2026-05-30",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-05-30T24:00:01Z",
        "2026-05-30T22:15:00+0200",
        "2026-05-30T22:15:00Z\n",
        "2026-05-30T22:15:60Z",  # a leap second, which neither Python nor the database has
        "\u0662026-05-30T22:15:00Z",
        "1780179300",
        1780179300,
        None,
        True,
    ],
)
def test_what_is_no_moment_is_refused(value: object) -> None:
    """Each with what would be one; a moment without an offset could be any of a day's."""
    with pytest.raises(ValueError, match="expected an RFC 3339 moment with its offset"):
        read_moment(value)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0999-12-31T23:59:59Z", "9001-01-01T00:00:00Z"]
)
def test_a_moment_far_away_is_refused(text: str) -> None:
    """Else days added to it would leave the calendar."""
    with pytest.raises(ValueError, match="expected a year from 1000 to 9000, got"):
        read_moment(text)


@given(MOMENTS)
def test_a_moment_in_an_argument_may_have_been_read_before(moment: datetime) -> None:
    """Literals of a document come as texts, variables as moments."""
    assert moment_argument(moment.isoformat(timespec="seconds")) == moment.replace(microsecond=0)
    assert moment_argument(moment) is moment
    assert moment_argument(None) is None


@given(st.dates(date(1000, 1, 1), date(9000, 12, 31)))
def test_a_day_is_written_as_it_was_read(day: date) -> None:
    """Four digits, two and two, with dashes."""
    text = f"{day.year:04}-{day.month:02}-{day.day:02}"

    assert read_day(text) == day
    assert writer(Day)(day) == text


@pytest.mark.parametrize("value", ["", "2026-02-29", "2026-5-1", "30.05.2026", "2026-05-30T00:00:00Z", 20260530, None])
def test_what_is_no_day_is_refused(value: object) -> None:
    """Such as the 29th of a February without one."""
    with pytest.raises(ValueError, match="expected a day such as 2026-05-30, got"):
        read_day(value)


@given(st.floats(0, 1))
def test_a_probability_is_any_number_from_0_to_1(number: float) -> None:
    """Bounds of filters and answers may be certain; nothing is rounded."""
    assert read_probability(number) == writer(Probability)(number) == number


@pytest.mark.parametrize(
    "value",
    [-5e-324, -0.1, math.nextafter(1, 2), 1.1, math.nan, math.inf, -math.inf, True, False, "0.5", None, 2**2000],
)
def test_what_is_no_probability_is_refused(value: object) -> None:
    """Truth values and texts are no numbers."""
    with pytest.raises(ValueError, match="expected a probability from 0 to 1"):
        read_probability(value)


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org",
        "https://example.org/a?b=c#d",
        "https://[::1]:8000/",
        "https://münchen.example/ß",
        "HTTP://x",
    ],
)
def test_an_address_stays_as_it_came(text: str) -> None:
    """Nothing is normalised, so that it can be compared with its source."""
    assert read_url(text) == writer(Url)(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "example.org",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "https://a\n",
        "http://[::1",
        "http://a:port/",
        "http://a:99999/",
        "http:/a",
        "http:a",
        "https://:80/",
        "https://user@/",
        "see https://example.org",
        b"https://example.org",
        None,
    ],
)
def test_what_is_no_address_is_refused(value: object) -> None:
    """Clients follow it, so no scheme but those of the web."""
    with pytest.raises(ValueError, match="expected an http or https address"):
        read_url(value)


def test_an_address_is_at_most_as_long_as_a_line() -> None:
    """The longest is read, one letter more is refused, and the message stays short."""
    longest = "https://".ljust(MAX_LINE_CHARACTERS, "x")

    assert read_url(longest) == longest
    with pytest.raises(ValueError, match=f"at most {MAX_LINE_CHARACTERS} characters") as caught:
        read_url(longest + "x")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_probability_that_is_no_number_is_not_shown(value: float) -> None:
    """JSON has no such numbers, and null in its place would be a wrong answer in silence."""
    with pytest.raises(ValueError, match="expected a finite number"):
        writer(Probability)(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_of_64_bits_is_shown_as_a_text(number: int) -> None:
    """Readers of JSON that have floats alone would round it; a text or a number is read."""
    assert writer(Int64)(number) == str(number)
    assert read_int64(str(number)) == read_int64(number) == number


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "1e3", "", " 1", "٣", "0x1", 1.0, True, None, "9" * 5000])
def test_what_is_no_whole_number_of_64_bits_is_refused(value: object) -> None:
    """However long it is."""
    with pytest.raises(ValueError, match="expected a whole number from"):
        read_int64(value)
