"""
Scheduled jobs, each of whose slots one replica of the service runs.

A slot is the moment at which a job was to run. Whoever notes it on the job's node first has it, for as long as the
lease lasts; a run that fails or is killed leaves it to the next who comes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from graph.database.sessions import Database, Unit

LEASE = timedelta(hours=1)
"""How long a run may take; jobs do no harm when another begins after that."""

MAX_ATTEMPTS = 5
"""A slot that failed this often waits for no more: the next one tries again."""


class Asking(Enum):
    """On what occasion a slot is asked for."""

    ON_TIME = "on time"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One run of a job.

    Attributes:
        job: The job's name.
        at: When it was to run.
        holder: Who asks for it, different for each process.
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
        database: Where the replicas meet.
        slot: Which.
        asking: A slot asked for later is one that a killed run, or a service that was down, has left. A job that the
            graph does not know yet has left none: it begins with its next slot.
        now: For the lease; now when absent.
    """

    def note(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return _taken(job, slot, asking, now or datetime.now(UTC))

    return (await _write(database, slot.job, note)).get("leased_until") is not None


async def finish_slot(database: Database, slot: Slot) -> None:
    """Note that a run has done what it had to."""

    def note(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"finished_at": datetime.now(UTC), "leased_until": None} if _is_held(job, slot) else None

    await _write(database, slot.job, note)


async def release_slot(database: Database, slot: Slot) -> None:
    """Leave a slot to the next who asks."""

    def note(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"leased_until": None} if _is_held(job, slot) else None

    await _write(database, slot.job, note)


def _taken(job: Mapping[str, Any], slot: Slot, asking: Asking, now: datetime) -> Mapping[str, Any] | None:
    """What to note of a job for a slot; None where it is not to be had."""
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
    """Note something of a job under its lock; returns what was noted, nothing where nothing was."""

    async def work(unit: Unit) -> Mapping[str, Any]:
        (found,) = await unit.run("database/open_job", name=name)
        noted = note(found["job"])
        if noted is None:
            return {}
        await unit.run("database/set_job", name=name, job=dict(noted))
        return noted

    return await database.write(work)
