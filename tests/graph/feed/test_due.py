"""Milestones are told once, when their day has come."""

from datetime import UTC, datetime, timedelta

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.feed.due import is_day_untold, tell_due
from graph.model.kinds import ClaimStatus
from graph.outcomes.resolution import Outcome, resolve
from tests.graph.feed.test_events import follow, latest
from tests.helpers.bundles import bundle, event, prediction

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
A_DAY = timedelta(days=1)


async def test_a_milestone_is_told_on_its_day_and_once(database: Database) -> None:
    """The first run tells those of its day; the next one those of all days since; none twice."""
    days = ("2026-05-31", "2026-06-01", "2026-06-02", "2026-06-04", "2026-06-05")
    ids = [f"P_{n}" for n in range(len(days))]
    await import_bundle(
        database,
        bundle(
            predictions=[prediction(claim_id) for claim_id in ids],
            milestones=[event(claim_id, day) for claim_id, day in zip(ids, days, strict=True)],
        ),
    )
    await resolve(database, "P_2", Outcome(status=ClaimStatus.RESOLVED_FALSE, accepts_before_window=True))
    known = await latest(database)

    assert await is_day_untold(database, NOON)
    assert await tell_due(database, NOON) == 1
    assert not await is_day_untold(database, NOON + timedelta(hours=11))
    assert await tell_due(database, NOON) == 0
    assert await is_day_untold(database, NOON + A_DAY)
    assert await tell_due(database, NOON + 3 * A_DAY) == 1

    told = [found.due_ids for found in await follow(database, known)]
    assert told == [("P_1:event",), ("P_3:event",)]
