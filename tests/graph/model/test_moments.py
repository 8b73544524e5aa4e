"""Moments and days as texts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.model.moments import end_of, is_day, read_bound, read_day, read_moment

EVENING = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-05-30T22:15:00Z", 0),
        ("2026-05-30t22:15:00z", 0),
        ("2026-05-30 22:15:00Z", 0),
        ("2026-05-30T22:15:00.1Z", 100_000),
        ("2026-05-30T22:15:00.756418Z", 756_418),
        ("2026-05-30T22:15:00.1234567Z", 123_456),
        ("2026-05-30T22:15:00.999999999Z", 999_999),
        ("2026-05-30T22:15:00." + "1" * 40 + "z", 111_111),
        ("2026-05-31T00:15:00+02:00", 0),
        ("2026-05-30T22:15:00-00:00", 0),
    ],
)
def test_a_moment_is_read_as_rfc_3339_writes_it(text: str, microsecond: int) -> None:
    """Decimals after the sixth are cut off, so that no moment is read as a later one."""
    for read in (read_moment, read_bound):
        assert read(text) == EVENING.replace(microsecond=microsecond)
        assert not is_day(read(text))


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-30T22:15:00",
        "2026-05-30T22:15Z",
        "2026-05-30",
        "1780000000",
        "2026-02-30T00:00:00Z",
        "2026-05-30T24:00:00Z",
        "2026-05-30T22:15:60Z",
        "2026-05-30T22:15:00+2",
        "0999-12-31T00:00:00Z",
        "9000-12-31T23:59:59-01:00",
        " 2026-05-30T22:15:00Z",
    ],
)
def test_another_text_is_no_moment(text: str) -> None:
    """An offset above all, since without one it would be anywhere; the message shows what came."""
    with pytest.raises(ValueError, match="expected "):
        read_moment(text)


@given(st.dates(date(1000, 1, 1), date(8999, 12, 31)))
def test_a_day_bounds_a_range_as_a_whole(day: date) -> None:
    """From its first moment to its last, next to which the following day begins."""
    bound = read_bound(day.isoformat())

    assert is_day(bound)
    assert bound == datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert end_of(bound) + timedelta(microseconds=1) == read_bound((day + timedelta(days=1)).isoformat())
    assert not is_day(end_of(bound))
    assert end_of(end_of(bound)) == end_of(bound)
    assert end_of(read_moment(f"{day}T00:00:00Z")) == bound
    assert read_day(day.isoformat()) == day
