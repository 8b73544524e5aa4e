"""
Scheduled jobs, each slot of which is run by one replica of the service.

A slot is the moment at which a job is due. The replica that writes it to the job's node first leases it; a slot whose
run fails or is killed goes to the next replica that asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from graph.database.sessions import Database, Unit

LEASE = timedelta(hours=1)
"""The time for which a run holds its slot; every job is safe to run twice, should one take longer."""

MAX_ATTEMPTS = 5
"""The most runs of one slot; after that the job waits for its next slot."""


class RunReason(Enum):
    """The reason for which a slot is requested: it is due, or an earlier run may have been missed."""

    ON_TIME = "on time"
    CATCH_UP = "catch up"


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One run of a job.

    Attributes:
        job: The job's name.
        at: The moment at which it is due.
        holder: The id of the requesting process; no two processes share one.
        lease: The time for which a run holds it.
        is_exclusive: Whether it is not to be had while the lease of the slot before it lasts, nor if a run has ended
            since its moment, at which the process looked for work.
    """

    job: str
    at: datetime
    holder: str
    lease: timedelta = LEASE
    is_exclusive: bool = False


async def take_slot(
    database: Database, slot: Slot, *, reason: RunReason = RunReason.ON_TIME, now: datetime | None = None
) -> bool:
    """
    Lease a slot; returns whether the caller is to run it.

    Args:
        database: The database that all replicas share.
        slot: The slot to lease.
        reason: CATCH_UP requests a slot that was missed while the service was down, or whose run was killed. A job
            that has no node yet has missed none: it begins with its next slot.
        now: The moment from which the lease runs; the current one when absent.
    """

    def change(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return _leased(job, slot, reason, now or datetime.now(UTC))

    return (await _write(database, slot.job, change)).get("leased_until") is not None


async def finish_slot(database: Database, slot: Slot, *, now: datetime | None = None) -> None:
    """Mark a slot as done now; without effect unless its holder still has it."""

    def change(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"finished_at": now or datetime.now(UTC), "leased_until": None} if _is_held(job, slot) else None

    await _write(database, slot.job, change)


async def release_slot(database: Database, slot: Slot) -> None:
    """Give a slot up, so that another replica may lease it; without effect unless its holder still has it."""

    def change(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"leased_until": None} if _is_held(job, slot) else None

    await _write(database, slot.job, change)


def _leased(job: Mapping[str, Any], slot: Slot, reason: RunReason, now: datetime) -> Mapping[str, Any] | None:
    """Return the job's properties once the slot is leased; None where it cannot be."""
    attempts = 1
    is_leased = job.get("leased_until") is not None and job["leased_until"] > now
    if "slot" not in job:
        if reason is RunReason.CATCH_UP:
            return {"slot": slot.at, "holder": slot.holder, "finished_at": now, "leased_until": None, "attempts": 0}
    elif job["slot"] == slot.at:
        attempts = job["attempts"] + 1
        if job.get("finished_at") is not None or is_leased or attempts > MAX_ATTEMPTS:
            return None
    elif job["slot"] > slot.at or (slot.is_exclusive and (is_leased or _has_ended_since(job, slot))):
        return None
    return {
        "slot": slot.at,
        "holder": slot.holder,
        "finished_at": None,
        "leased_until": now + slot.lease,
        "attempts": attempts,
    }


def _has_ended_since(job: Mapping[str, Any], slot: Slot) -> bool:
    return job.get("finished_at") is not None and job["finished_at"] > slot.at


def _is_held(job: Mapping[str, Any], slot: Slot) -> bool:
    return bool(job.get("slot") == slot.at and job.get("holder") == slot.holder and job.get("finished_at") is None)


async def _write(
    database: Database, name: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
) -> Mapping[str, Any]:
    """Change a job's properties under its lock; returns those that were set, empty where `change` returns None."""

    async def work(unit: Unit) -> Mapping[str, Any]:
        (row,) = await unit.run("database/open_job", name=name)
        properties = change(row["job"])
        if properties is None:
            return {}
        await unit.run("database/set_job", name=name, job=dict(properties))
        return properties

    return await database.write(work)
