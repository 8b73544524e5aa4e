"""
Standings of milestones: their statuses, but for those that the day decides.

The status of one that waits changes with the day alone, without a write. A list by status is read from an index of its
standing instead, which no day changes, and by the day on which those that wait are due.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from graph.inference.evidence import POLICY
from graph.inference.milestones import is_overdue
from graph.model.kinds import MilestoneStatus


class Standing(StrEnum):
    """
    A milestone's status, as far as it follows from what is stored.

    WAITING of a milestone of an open prediction: PENDING until its day and the days of grace are over, OVERDUE
    afterwards. Any other is its status for good.
    """

    WAITING = "WAITING"
    PENDING = "PENDING"
    OVERDUE = "OVERDUE"
    HIT = "HIT"
    MISSED = "MISSED"


OBSERVED: Final = frozenset({MilestoneStatus.HIT, MilestoneStatus.MISSED})


def standing_of(
    status: MilestoneStatus, due: date | None, miss_emitted_at: datetime | None, closed_at: datetime | None
) -> Standing:
    """
    Return the standing of a milestone.

    Args:
        status: Its status as stored: as observed, else PENDING or OVERDUE, which say the same.
        due: The last day on which it is expected; None without one.
        miss_emitted_at: When its miss was added to the ledger; None if it was not.
        closed_at: The moment of its prediction's outcome, after which nothing becomes overdue; None for an open one.
    """
    if status in OBSERVED:
        return Standing(status.value)
    if miss_emitted_at is not None:
        return Standing.OVERDUE
    if closed_at is None:
        return Standing.WAITING
    is_late = due is not None and is_overdue(due, closed_at, grace_days=POLICY.grace_days)
    return Standing.OVERDUE if is_late else Standing.PENDING


def last_overdue_day(moment: datetime) -> date:
    """Return the latest day such that what waits and was due on it is overdue at a moment."""
    return (moment.astimezone(UTC) - timedelta(days=POLICY.grace_days, microseconds=1)).date()
