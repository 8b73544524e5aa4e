"""Dates and ranks of a milestone chain."""

from collections.abc import Sequence
from datetime import date, timedelta

NUM_CHECK_INS = 3


def midpoint(range_from: date, range_to: date) -> date:
    """The expected date of a range: its first day plus half its length, rounded down to days."""
    return range_from + timedelta(days=(range_to - range_from).days // 2)


def check_in_dates(start: date, event: date) -> tuple[date, ...]:
    """
    The days a quarter, a half and three quarters of the way from a window's start to its event.

    Returns nothing for a window of fewer than four days, in which they would fall together.
    """
    length_days = (event - start).days
    if length_days <= NUM_CHECK_INS:
        return ()
    return tuple(start + timedelta(days=k * length_days // (NUM_CHECK_INS + 1)) for k in range(1, NUM_CHECK_INS + 1))


def ordinals(expected: Sequence[date], event: int | None) -> tuple[int, ...]:
    """
    Ranks by expected date, counted from the event's.

    Args:
        expected: Expected dates in an order that breaks ties.
        event: Which of them is the event; without one, ranks count from the first milestone.
    """
    by_date = sorted(range(len(expected)), key=lambda position: expected[position])
    ranks = {position: rank for rank, position in enumerate(by_date)}
    zero = ranks[event] if event is not None else 0
    return tuple(ranks[position] - zero for position in range(len(expected)))
