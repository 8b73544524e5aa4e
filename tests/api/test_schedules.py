"""Slots of schedules, against a calendar that is walked minute by minute."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.schedules import latest_slot, read_schedule

MINUTE = timedelta(minutes=1)
FEW = 15  # a search for a slot may take milliseconds
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2039, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone

SCHEDULES: dict[str, Callable[[datetime], bool]] = {
    "* * * * *": lambda _: True,
    "*/15 * * * *": lambda at: at.minute % 15 == 0,
    "7,37 * * * *": lambda at: at.minute in {7, 37},
    "10-12 */6 * * *": lambda at: at.minute in {10, 11, 12} and at.hour % 6 == 0,
    "0 3 * * *": lambda at: (at.hour, at.minute) == (3, 0),
    "59 23 * * *": lambda at: (at.hour, at.minute) == (23, 59),
    "30 4 * * mon-fri": lambda at: (at.hour, at.minute) == (4, 30) and at.isoweekday() <= 5,
}


def stepped(holds: Callable[[datetime], bool], now: datetime) -> datetime:
    """The last whole minute, at or before now, of which this holds."""
    at = now.replace(second=0, microsecond=0)
    while not holds(at):
        at -= MINUTE
    return at


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_latest_slot_is_found_by_stepping_back(schedule: str) -> None:
    """Whatever the moment, to the microsecond."""
    trigger = read_schedule(schedule)

    @settings(max_examples=FEW)
    @given(MOMENTS)
    def check(now: datetime) -> None:
        assert latest_slot(trigger, now) == stepped(SCHEDULES[schedule], now)

    check()


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        ("0 22 * * sat", datetime(2026, 2, 28, 22, tzinfo=UTC)),
        ("0 0 1 * *", datetime(2026, 3, 1, tzinfo=UTC)),
        ("0 0 31 * *", datetime(2026, 1, 31, tzinfo=UTC)),
        ("15 6 2 3 *", datetime(2025, 3, 2, 6, 15, tzinfo=UTC)),
        ("59 23 31 12 *", datetime(2025, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_a_rare_slot_is_found_too(schedule: str, last: datetime) -> None:
    """By the calendar: 1 March 2026 is a Sunday."""
    assert latest_slot(read_schedule(schedule), datetime(2026, 3, 1, 12, tzinfo=UTC)) == last


@settings(max_examples=FEW)
@given(MOMENTS)
def test_a_slot_is_its_own_latest(now: datetime) -> None:
    """At the very moment it has come, and a microsecond before that it has not."""
    trigger = read_schedule("0 3 * * *")
    slot = latest_slot(trigger, now)
    assert slot is not None

    assert slot.utcoffset() == timedelta(0)
    assert latest_slot(trigger, slot) == slot
    assert latest_slot(trigger, slot - timedelta(microseconds=1)) == slot - timedelta(days=1)


@pytest.mark.parametrize("hours", [-11, 2, 14])
def test_slots_are_in_utc_wherever_the_clock_stands(hours: int) -> None:
    """A moment is the same in every zone."""
    now = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
    trigger = read_schedule("0 3 * * *")

    assert latest_slot(trigger, now.astimezone(timezone(timedelta(hours=hours)))) == latest_slot(trigger, now)


def test_a_slot_of_more_than_a_year_ago_is_none() -> None:
    """A leap day's schedule runs again in four years, and is then on time."""
    trigger = read_schedule("0 0 29 2 *")

    assert latest_slot(trigger, datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)
    assert latest_slot(trigger, datetime(2029, 1, 1, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)
    assert latest_slot(trigger, datetime(2030, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("day", ["0", "6", "7", "1-5", "mon,3"])
def test_days_of_the_week_by_number_are_refused(day: str) -> None:
    """Cron's 0 is Sunday, the library's is Monday."""
    with pytest.raises(ValueError, match=f"by name, such as sat or mon-fri, not by number as in '{day}'"):
        read_schedule(f"0 22 * * {day}")
