"""
Scheduled jobs: of several replicas of the service one runs each slot.

A slot is the moment at which a job was to run. The replica that records it on the job's node first holds it until its
lease ends; after a run that fails or is killed another replica may take it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from graph.database.sessions import Database, Unit

LEASE = timedelta(hours=1)
"""How long a replica holds a slot; a job that runs twice does no harm."""

MAX_ATTEMPTS = 5
"""A slot that has failed this often is given up; the next slot tries again."""


class Asking(Enum):
    """Occasion on which a slot is asked for: on its schedule, or later to catch up."""

    ON_TIME = "on time"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One run of a job.

    Attributes:
        job: The job's name.
        at: The moment at which it was to run.
        holder: Id of the process that asks for it.
    """

    job: str
    at: datetime
    holder: str


async def take_slot(
    database: Database, slot: Slot, *, asking: Asking = Asking.ON_TIME, now: datetime | None = None
) -> bool:
    """
    Ask for a slot; returns whether to run it.

    Args:
        database: The database that the replicas share.
        slot: The slot.
        asking: LATER for a slot missed while a run was killed or the service was down. A job that is new to the graph
            has missed none: it begins with its next slot.
        now: Start of the lease; by default the current moment.
    """

    def note(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return _taken(job, slot, asking, now or datetime.now(UTC))

    return (await _write(database, slot.job, note)).get("leased_until") is not None


async def finish_slot(database: Database, slot: Slot) -> None:
    """Record that a slot's run has succeeded."""

    def note(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"finished_at": datetime.now(UTC), "leased_until": None} if _is_held(job, slot) else None

    await _write(database, slot.job, note)


async def release_slot(database: Database, slot: Slot) -> None:
    """Release a slot, so that it can be taken again."""

    def note(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"leased_until": None} if _is_held(job, slot) else None

    await _write(database, slot.job, note)


def _taken(job: Mapping[str, Any], slot: Slot, asking: Asking, now: datetime) -> Mapping[str, Any] | None:
    """Properties by which a job's node records that a slot is taken; None where the slot cannot be taken."""
    attempts = 1
    if "slot" not in job:
        if asking is Asking.LATER:
            return {"slot": slot.at, "holder": slot.holder, "finished_at": now, "leased_until": None, "attempts": 0}
    elif job["slot"] == slot.at:
        attempts = job["attempts"] + 1
        is_leased = job.get("leased_until") is not None and job["leased_until"] > now
        if job.get("finished_at") is not None or is_leased or attempts > MAX_ATTEMPTS:
            return None
    elif job["slot"] > slot.at:
        return None
    return {
        "slot": slot.at,
        "holder": slot.holder,
        "finished_at": None,
        "leased_until": now + LEASE,
        "attempts": attempts,
    }


def _is_held(job: Mapping[str, Any], slot: Slot) -> bool:
    return bool(job.get("slot") == slot.at and job.get("holder") == slot.holder and job.get("finished_at") is None)


async def _write(
    database: Database, name: str, note: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
) -> Mapping[str, Any]:
    """Update a job's node under its lock; returns the properties set, empty where `note` returned None."""

    async def work(unit: Unit) -> Mapping[str, Any]:
        (found,) = await unit.run("database/open_job", name=name)
        noted = note(found["job"])
        if noted is None:
            return {}
        await unit.run("database/set_job", name=name, job=dict(noted))
        return noted

    return await database.write(work)
