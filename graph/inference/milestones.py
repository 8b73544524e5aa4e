"""Dates and ranks of a milestone chain."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

NUM_CHECK_INS = 3


def midpoint(range_from: date, range_to: date) -> date:
    """Return the expected date of a range: its first day plus half its length, rounded down to days."""
    return range_from + timedelta(days=(range_to - range_from).days // 2)


def check_in_dates(start: date, event: date) -> tuple[date, ...]:
    """
    Return the days a quarter, a half and three quarters of the way from a window's start to its event.

    Empty for a window of fewer than four days, in which they would coincide.
    """
    length_days = (event - start).days
    if length_days <= NUM_CHECK_INS:
        return ()
    return tuple(start + timedelta(days=k * length_days // (NUM_CHECK_INS + 1)) for k in range(1, NUM_CHECK_INS + 1))


def ordinals(expected: Sequence[date], event: int | None) -> tuple[int, ...]:
    """
    Rank milestones by expected date, relative to the event.

    Args:
        expected: Expected dates; ties keep their order.
        event: Index of the event; without one, ranks count from the first milestone.
    """
    by_date = sorted(range(len(expected)), key=lambda position: expected[position])
    ranks = {position: rank for rank, position in enumerate(by_date)}
    zero = ranks[event] if event is not None else 0
    return tuple(ranks[position] - zero for position in range(len(expected)))


def is_overdue(due: date, moment: datetime, *, grace_days: int) -> bool:
    """
    Return whether a pending milestone is overdue: `moment` is after the first moment (UTC) of its due day plus grace.

    Args:
        due: End of its range, else its expected date.
        moment: Moment of the check, with a time zone.
        grace_days: Days that it may be late.
    """
    return datetime.combine(due + timedelta(days=grace_days), time(), tzinfo=UTC) < moment
