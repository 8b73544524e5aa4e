"""Tells the feed of milestones whose day has come."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from graph.database.revisions import EventKind, add_events
from graph.database.sessions import Database, Unit

JOB: Final = "milestones_due"
"""The node that notes the last day whose milestones were told."""

ONE_DAY: Final = timedelta(days=1)


async def is_day_untold(database: Database, now: datetime) -> bool:
    """Whether milestones of a day that has begun are still to be told."""
    rows = await database.read(lambda unit: unit.run("feed/get_told_day", job=JOB))
    return not rows or date.fromisoformat(rows[0]["told_on"]) < _day_of(now)


async def tell_due(database: Database, now: datetime) -> int:
    """
    Add an event for the pending milestones of open predictions whose last day is one that has begun since the last run.

    The first run in a graph tells those of its own day. Returns how many milestones there were.
    """
    today = _day_of(now)

    async def work(unit: Unit) -> int:
        (opened,) = await unit.run("database/open_job", name=JOB)
        first = _first_untold(opened["job"], today)
        if first > today:
            return 0
        days = {"low": first.isoformat(), "high": (today + ONE_DAY).isoformat()}
        (found,) = await unit.run("feed/list_due_milestones", **days)
        await unit.run("database/set_job", name=JOB, job={"told_on": today.isoformat()})
        await add_events(unit, EventKind.DUE, due_ids=found["ids"])
        return len(found["ids"])

    return await database.write(work)


def _first_untold(job: Mapping[str, Any], today: date) -> date:
    return date.fromisoformat(job["told_on"]) + ONE_DAY if "told_on" in job else today


def _day_of(now: datetime) -> date:
    return now.astimezone(UTC).date()
