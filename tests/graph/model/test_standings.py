"""Standings of milestones, against the rule for their statuses said at once."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from graph.inference.evidence import POLICY
from graph.model.kinds import MilestoneStatus
from graph.model.standings import Standing, last_overdue_day, standing_of

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001 - with one
WAITING = st.sampled_from([MilestoneStatus.PENDING, MilestoneStatus.OVERDUE])
DAYS = st.dates(date(2025, 12, 1), date(2026, 3, 1))


@given(DAYS, MOMENTS, st.none() | MOMENTS, WAITING)
def test_a_standing_and_a_day_give_the_status(
    due: date, moment: datetime, closed_at: datetime | None, stored: MilestoneStatus
) -> None:
    """What waits is overdue by the day alone, and anything else says so for good."""
    end = datetime(due.year, due.month, due.day, tzinfo=UTC) + timedelta(days=POLICY.grace_days)
    is_closed = closed_at is not None and closed_at <= moment
    is_overdue = end < (closed_at if is_closed and closed_at is not None else moment)

    standing = standing_of(stored, due, None, closed_at if is_closed else None)

    if standing is Standing.WAITING:
        assert not is_closed
        assert (due <= last_overdue_day(moment)) is is_overdue
    else:
        assert standing is (Standing.OVERDUE if is_overdue else Standing.PENDING)


@given(st.sampled_from(MilestoneStatus), DAYS, MOMENTS, st.none() | MOMENTS)
def test_what_was_observed_or_missed_stands(
    stored: MilestoneStatus, due: date, missed_at: datetime, closed_at: datetime | None
) -> None:
    """Whatever the day is; a miss in the ledger was found when the milestone was overdue."""
    is_observed = stored in {MilestoneStatus.HIT, MilestoneStatus.MISSED}
    expected = Standing(stored.value) if is_observed else Standing.OVERDUE

    assert standing_of(stored, due, missed_at, closed_at) is expected


def test_the_moment_at_which_the_grace_ends_is_not_late() -> None:
    """Midnight, in UTC, and a microsecond later."""
    midnight = datetime(2026, 3, 8, tzinfo=UTC)

    assert last_overdue_day(midnight) == date(2026, 2, 28)
    assert last_overdue_day(midnight + timedelta(microseconds=1)) == date(2026, 3, 1)
