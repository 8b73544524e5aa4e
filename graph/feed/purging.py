"""Removes old events from the feed, a bounded number at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from graph.database.revisions import PLACES
from graph.database.sessions import Database, Unit

PURGED_AT_ONCE: Final = 1_000
"""Events that one transaction removes, some tens of milliseconds."""

MOST_PURGED: Final = 200_000
"""The most events that one run of the job removes, some seconds; more than are written between two runs."""

KEPT_REVISIONS: Final = 1_000
"""The latest revisions, whose events stay whatever their age: networks in memory follow writes by them."""


@dataclass(frozen=True, slots=True)
class Retention:
    """
    Events that are kept.

    Attributes:
        period: The age from which events are removed.
        num_events: The most events that are kept, whatever their age.
    """

    period: timedelta
    num_events: int


async def purge_events(database: Database, retention: Retention, now: datetime) -> int:
    """
    Remove events that are too old or too many, the earliest first; returns how many.

    It is noted up to where they are removed before they are, in a transaction of its own, so that no reader takes a
    feed that lacks some for a whole one.
    """
    num_purged = 0
    while num_purged < MOST_PURGED:
        floor = await database.write(partial(_raise_floor, retention=retention, now=now))
        num_removed = await database.write(partial(_remove, floor=floor))
        num_purged += num_removed
        if num_removed < PURGED_AT_ONCE:
            break
    return num_purged


async def is_purge_due(database: Database, retention: Retention, now: datetime) -> bool:
    """Whether there are events to remove."""
    rows = await database.read(lambda unit: unit.run("feed/is_purge_due", **_bounds(retention, now)))
    return bool(rows and rows[0]["is_due"])


def _bounds(retention: Retention, now: datetime) -> dict[str, Any]:
    return {
        "before": now - retention.period,
        "kept": retention.num_events,
        "num_positions": KEPT_REVISIONS * PLACES,
    }


async def _raise_floor(unit: Unit, retention: Retention, now: datetime) -> int:
    """Note up to which position events are removed; returns it."""
    rows = await unit.run("feed/set_floor", **_bounds(retention, now), limit=PURGED_AT_ONCE)
    return int(rows[0]["floor"]) if rows else -1


async def _remove(unit: Unit, floor: int) -> int:
    (row,) = await unit.run("feed/purge_events", floor=floor, limit=PURGED_AT_ONCE)
    return int(row["num_events"])
