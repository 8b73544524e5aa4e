"""Dates and ranks of milestone chains."""

from datetime import date, timedelta
from math import floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph.inference.milestones import check_in_dates, midpoint, ordinals

days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("start", "event", "expected"),
    [
        # The pages of three predictions: a year's window, and two that begin on the day after their import.
        ("2026-01-01", "2026-10-05", ["2026-03-11", "2026-05-19", "2026-07-27"]),
        ("2026-04-30", "2028-05-14", ["2026-11-02", "2027-05-07", "2027-11-09"]),
        ("2026-04-30", "2036-06-18", ["2028-11-10", "2031-05-25", "2033-12-05"]),
    ],
)
def test_check_ins_fall_on_the_days_that_the_pages_show(start: str, event: str, expected: list[str]) -> None:
    """A quarter, a half and three quarters of the way, rounded down to days."""
    found = check_in_dates(date.fromisoformat(start), date.fromisoformat(event))

    assert [day.isoformat() for day in found] == expected


@given(days, st.integers(4, 40_000))
@example(date(2026, 1, 1), 4)
def test_check_ins_cut_a_window_into_four(start: date, length: int) -> None:
    """No two fall together, none falls on an end, and each is less than a day early."""
    found = check_in_dates(start, start + timedelta(days=length))

    assert [(day - start).days for day in found] == [floor(k * length / 4) for k in (1, 2, 3)]
    assert start < found[0] < found[1] < found[2] < start + timedelta(days=length)


@pytest.mark.parametrize("length", [3, 2, 1, 0, -1, -400])
def test_too_short_a_window_has_no_check_ins(length: int) -> None:
    """In three days they would fall together, and an event before the start leaves no window at all."""
    assert check_in_dates(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=length)) == ()


@given(days, st.integers(0, 20_000))
def test_a_range_is_expected_in_its_middle(start: date, length: int) -> None:
    """An even number of days on either side, or one more behind."""
    middle = midpoint(start, start + timedelta(days=length))

    before, behind = (middle - start).days, (start + timedelta(days=length) - middle).days
    assert behind - before in {0, 1}


def test_known_midpoints() -> None:
    """The pages sort a range of 394 days by its 197th, between check-ins; half of 25 days is twelve."""
    assert midpoint(date(2026, 6, 1), date(2027, 6, 30)) == date(2026, 12, 15)
    assert midpoint(date(2026, 12, 1), date(2028, 5, 14)) == date(2027, 8, 23)
    assert midpoint(date(2026, 2, 1), date(2026, 2, 26)) == date(2026, 2, 13)
    assert midpoint(date(2026, 2, 1), date(2026, 2, 1)) == date(2026, 2, 1)


@given(st.lists(days, min_size=1, max_size=12), st.data())
def test_ordinals_count_from_the_event(expected: list[date], data: st.DataObject) -> None:
    """Counted one by one: what is earlier, or as early and listed before, ranks lower."""
    event = data.draw(st.none() | st.integers(0, len(expected) - 1))

    def rank(position: int) -> int:
        return sum((expected[other], other) < (expected[position], position) for other in range(len(expected)))

    zero = 0 if event is None else rank(event)
    assert ordinals(expected, event) == tuple(rank(position) - zero for position in range(len(expected)))


def test_milestones_of_one_day_rank_as_they_are_listed() -> None:
    """The order handed in breaks ties, so the caller decides what it is."""
    same = [date(2026, 1, 1)] * 3

    assert ordinals(same, 1) == (-1, 0, 1)
    assert ordinals([date(2026, 2, 1), date(2026, 1, 1), date(2026, 3, 1)], 2) == (-1, -2, 0)


def test_a_chain_of_nothing_has_no_ranks() -> None:
    """Absent data is no error."""
    assert ordinals([], None) == ()
