"""
Holds the deliveries of a graph that was restored, until its operator releases them.

A backup is often restored beside the graph that it was made of, to look at it or to try something. Both would then send
to the same receivers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.database.sessions import Database, Unit
from graph.saved.hooks import list_hooks
from graph.saved.schedules import UNDELIVERED, Deliveries, DeliveryStatus, count_deliveries, list_schedules
from graph.saved.sealing import Seals

JOB: Final = "deliveries"
"""The node that notes since when they are held."""


@dataclass(frozen=True, slots=True)
class Held:
    """
    Numbers of what is sent to the outside once deliveries are released.

    Attributes:
        since: When they were held first; None if they go on.
        num_schedules: Schedules that are not paused.
        num_hooks: Webhooks of changes.
        num_pending: Deliveries that wait; None for more than are counted.
        num_dead: Deliveries that were given up, and are tried again on demand; None for more than are counted.
    """

    since: datetime | None
    num_schedules: int
    num_hooks: int
    num_pending: int | None
    num_dead: int | None


async def hold_deliveries(unit: Unit, now: datetime) -> None:
    """Have nothing delivered from now on; without effect while deliveries are held already."""
    (opened,) = await unit.run("database/open_job", name=JOB)
    if "held_since" not in opened["job"]:
        await unit.run("database/set_job", name=JOB, job={"held_since": now})


async def find_hold(unit: Unit) -> datetime | None:
    """Find since when nothing is delivered; None while deliveries go on."""
    rows = await unit.run("database/get_job", name=JOB)
    return rows[0]["job"].get("held_since") if rows else None


async def are_deliveries_held(database: Database) -> bool:
    """Whether nothing is delivered."""
    return await database.read(find_hold) is not None


async def count_held(unit: Unit) -> Held:
    """Count what is sent once deliveries are released."""
    return Held(
        await find_hold(unit),
        sum(schedule.next_at is not None for schedule in await list_schedules(unit)),
        len(await list_hooks(unit)),
        await count_deliveries(unit, Deliveries((DeliveryStatus.PENDING,))),
        await count_deliveries(unit, Deliveries((DeliveryStatus.DEAD,))),
    )


async def release_deliveries(database: Database) -> Held:
    """Have deliveries go on; returns what was held."""

    async def work(unit: Unit) -> Held:
        await unit.run("database/open_job", name=JOB)
        held = await count_held(unit)
        await unit.run("database/set_job", name=JOB, job={"held_since": None})
        return held

    return await database.write(work)


async def count_closed(unit: Unit, seals: Seals | None) -> tuple[int, int]:
    """
    Count the addresses that a secret does not open.

    Args:
        unit: A transaction.
        seals: Opens addresses; None without a secret.

    Returns:
        How many do not open, and how many there are, each counted once.
    """
    rows = await unit.run("saved/list_sealed", statuses=list(UNDELIVERED))
    sealed: Sequence[str] = [row["sealed_url"] for row in rows]
    return sum(seals is None or seals.open(found) is None for found in sealed), len(sealed)
