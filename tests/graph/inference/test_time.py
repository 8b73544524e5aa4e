"""Windows, and how much of them remains."""

from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.time import time_remaining_fraction, utc_moments, window_of, windows_of, year_window

START, DEADLINE = year_window(2026)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.builds(
    lambda day, time: datetime.combine(day, time, tzinfo=UTC), st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.times()
)


def exact_fraction(start: datetime, deadline: datetime, moment: datetime) -> float:
    """The same share in whole microseconds."""
    left = Fraction((deadline - moment) // MICROSECOND, (deadline - start) // MICROSECOND)
    return float(min(Fraction(1), max(Fraction(0), left)))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 5, 30, 22, 15, 0, 756418, tzinfo=UTC), 0.5881123843731557),
        (datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC), 0.6650500679109432),
    ],
)
def test_the_fractions_of_the_recorded_updates_come_out(moment: datetime, expected: float) -> None:
    """Two rows of a ledger that another system kept, which recorded the fraction with each."""
    assert time_remaining_fraction(START, DEADLINE, moment) == pytest.approx(expected, abs=1e-12, rel=0)


def test_a_year_runs_from_its_first_day_to_its_last() -> None:
    """The last day begins the deadline and is no part of the window."""
    assert year_window(2026) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert [(end - start).days for start, end in map(year_window, (2026, 2028))] == [364, 365]


@given(moments, moments, moments)
def test_the_fraction_is_the_exact_share_limited_to_the_window(a: datetime, b: datetime, moment: datetime) -> None:
    """In whole microseconds and rational numbers, nothing is lost."""
    start, deadline = min(a, b), max(a, b) + MICROSECOND

    share = time_remaining_fraction(start, deadline, moment)
    assert share == pytest.approx(exact_fraction(start, deadline, moment), rel=1e-14, abs=1e-300)
    assert 0.0 <= share <= 1.0


def test_all_of_the_window_is_left_at_its_start_and_none_at_its_deadline() -> None:
    """Also long before and long after."""
    for moment in (START, START - MICROSECOND, datetime(1000, 1, 1, tzinfo=UTC)):
        assert time_remaining_fraction(START, DEADLINE, moment) == 1.0
    for moment in (DEADLINE, DEADLINE + MICROSECOND, datetime(9000, 1, 1, tzinfo=UTC)):
        assert time_remaining_fraction(START, DEADLINE, moment) == 0.0


def test_a_microsecond_counts() -> None:
    """The fraction is to the microsecond."""
    assert 0.0 < time_remaining_fraction(START, DEADLINE, DEADLINE - MICROSECOND) < 1e-13
    assert time_remaining_fraction(START, START + 2 * MICROSECOND, START + MICROSECOND) == 0.5


def test_a_moment_means_the_same_in_every_zone() -> None:
    """What counts is the instant."""
    moment = datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=-7)))

    assert time_remaining_fraction(START, DEADLINE, elsewhere) == time_remaining_fraction(START, DEADLINE, moment)


@pytest.mark.parametrize("deadline", [START, START - MICROSECOND])
def test_a_window_that_ends_before_it_has_begun_is_an_error(deadline: datetime) -> None:
    """There is no share of nothing."""
    with pytest.raises(ValueError, match="expected a deadline after the start, got"):
        time_remaining_fraction(START, deadline, START)


def test_an_explicit_window_goes_before_the_year() -> None:
    """A window is what the claim says of itself; a bare year stands for one."""
    explicit = (datetime(2027, 3, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC))

    assert window_of(2026, *explicit) == explicit
    assert window_of(None, *explicit) == explicit
    assert window_of(2026, None, None) == (START, DEADLINE)
    assert window_of(None, None, None) is None


years = st.none() | st.integers(1, 9998)
microseconds = st.none() | st.integers(-(10**15), 10**15)


@given(st.lists(st.tuples(years, microseconds, microseconds), max_size=6))
def test_windows_of_many_claims_are_those_of_each(claims: list[tuple[int | None, int | None, int | None]]) -> None:
    """Explicit ones, those of years, halves of one, and none."""
    columns = list(zip(*claims, strict=True)) or [(), (), ()]
    starts, deadlines = windows_of(*columns)

    for number, (year, *ends) in enumerate(claims):
        first, last = (None if end is None else EPOCH + timedelta(microseconds=end) for end in ends)
        expected = window_of(year, first, last) or (None, None)
        assert np.array_equal([starts[number], deadlines[number]], utc_moments(expected), equal_nan=True)
