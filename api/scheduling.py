"""Scheduled jobs; of several replicas of the service one runs each slot."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from api.backups import write_backup
from api.logging import get_logger
from api.metrics.instruments import note_job
from api.schedules import latest_slot, read_schedule
from api.settings import Settings
from api.telemetry import note_outcome, phase, tracing
from api.webhooks.delivering import LEASE as DELIVERY_LEASE
from api.webhooks.delivering import deliver_due
from api.webhooks.sending import Receivers
from graph.database.jobs import LEASE, RunReason, Slot, finish_slot, release_slot, take_slot
from graph.database.receipts import purge_receipts
from graph.errors import ForegraphError
from graph.feed.due import is_day_untold, tell_due
from graph.feed.purging import Retention, is_purge_due, purge_events
from graph.inference.network.diagnostics import Method
from graph.ledger.derived import refresh_posteriors
from graph.network.propagation import is_propagation_due, propagate_all
from graph.outcomes.sweep import sweep
from graph.saved.holding import find_hold
from graph.saved.hooks import are_changes_due
from graph.saved.schedules import is_delivery_due
from graph.saved.sealing import Seals, seal_stored
from resolvers.base.context import Service

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry

PURGE_SCHEDULE = "30 3 * * *"
# How often to look whether another process wrote beliefs: one small statement, some 2 ms a second in all. What this
# process writes is followed at once.
WATCH_INTERVAL = timedelta(milliseconds=500)
# The feed's own work: to remove old events, and to tell of milestones once a day has begun.
FEED_INTERVAL = timedelta(minutes=1)
# Schedules name minutes.
DELIVERY_INTERVAL = timedelta(seconds=5)
# A propagation rests for so many times as long as it took: it takes a third of a processor at most.
PROPAGATION_REST = 2.0
# Propagation is harmless where two replicas run it at once, so that one that is killed holds nobody up for long.
PROPAGATION_LEASE = timedelta(minutes=1)
# A job that is asked for many times a minute is left alone after it failed: twice as long after each further failure.
PAUSE_AFTER_FAILURE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=16)
# A slot whose run was killed is taken over within this time after its lease; the first check follows startup soon.
CATCH_UP_INTERVAL = timedelta(minutes=5)
FIRST_CATCH_UP = timedelta(minutes=1)
# A run times out before its lease, so that two never run at once; one with a short lease may, and has more time.
RUN_TIMEOUT = LEASE - timedelta(minutes=1)
MOST_LEASES = 5
STOP_TIMEOUT_SECONDS = 3.0

Told = Mapping[str, object]
"""Result of a run, for the log."""


@dataclass(frozen=True, slots=True)
class Job:
    """
    A scheduled job; must be harmless to run twice.

    Attributes:
        name: The same on all replicas.
        schedule: A cron expression, in UTC; or an interval, after which a replica looks again, one replica at a time.
        run: Does the work, and returns its result for the log.
        is_due: Asked at each slot whether there is anything to do; by default there is.
        lease: The time for which a run holds its slot.
        follows_writes: Whether a write of this process makes it due, if its schedule is an interval.
    """

    name: str
    schedule: str | timedelta
    run: Callable[[Service], Awaitable[Told]]
    is_due: Callable[[Service], Awaitable[bool]] | None = None
    lease: timedelta = LEASE
    follows_writes: bool = False


class _FailedError(Exception):
    """A run failed, and its slot is released."""


@dataclass(frozen=True, slots=True)
class _Pause:
    """
    A time for which a job is left alone.

    Attributes:
        until: Its end.
        length: Its length.
    """

    until: datetime
    length: timedelta

    @classmethod
    def after(cls, pause: "_Pause | None", now: datetime) -> "_Pause":
        """Return the pause after a failure, twice as long as the one before it."""
        length = PAUSE_AFTER_FAILURE if pause is None else min(2 * pause.length, LONGEST_PAUSE)
        return cls(now + length, length)


def list_jobs(settings: Settings) -> tuple[Job, ...]:
    """List the service's scheduled jobs."""
    debounce = timedelta(seconds=settings.propagation_debounce_seconds)
    after_writes = Job(
        "propagate_after_writes",
        WATCH_INTERVAL,
        partial(_propagate, method=Method.AUTO, is_urgent=True),
        is_due=partial(_is_propagation_due, debounce=debounce),
        lease=PROPAGATION_LEASE,
        follows_writes=True,
    )
    return (
        Job("sweep", settings.sweep_schedule, _sweep),
        Job("refresh_posteriors", settings.refresh_schedule, _refresh_posteriors),
        Job("purge_receipts", PURGE_SCHEDULE, _purge_receipts),
        Job("propagate", settings.propagation_schedule, partial(_propagate, method=Method.AUTO)),
        *((after_writes,) if settings.propagation_after_writes else ()),
        *_list_feed_jobs(settings),
        *_list_deliveries(settings),
        *_list_backup_jobs(settings),
    )


def _list_backup_jobs(settings: Settings) -> tuple[Job, ...]:
    """The job that backs the graph up, if a folder is given."""
    if settings.backup_dir is None:
        return ()
    run = partial(_back_up, folder=settings.backup_dir, keep=settings.backup_keep)
    return (Job("backup", settings.backup_schedule, run),)


async def _back_up(service: Service, folder: Path, keep: int) -> Told:
    made = await write_backup(service.database, folder, keep=keep)
    return {"file": str(made.file), "num_rows": made.num_rows, "num_bytes": made.num_bytes}


def _list_feed_jobs(settings: Settings) -> tuple[Job, ...]:
    retention = Retention(timedelta(hours=settings.feed_hours), settings.feed_events)
    purge, is_due = partial(_purge_events, retention=retention), partial(_is_purge_due, retention=retention)
    return (
        Job("purge_events", FEED_INTERVAL, purge, is_due=is_due),
        Job("tell_due_milestones", FEED_INTERVAL, _tell_due, is_due=_is_day_untold),
    )


async def _purge_events(service: Service, retention: Retention) -> Told:
    return {"num_events": await purge_events(service.database, retention, datetime.now(UTC))}


async def _is_purge_due(service: Service, retention: Retention) -> bool:
    return await is_purge_due(service.database, retention, datetime.now(UTC))


async def _tell_due(service: Service) -> Told:
    return {"num_milestones": await tell_due(service.database, datetime.now(UTC))}


async def _is_day_untold(service: Service) -> bool:
    return await is_day_untold(service.database, datetime.now(UTC))


def _list_deliveries(settings: Settings) -> tuple[Job, ...]:
    """The job that delivers rows of scheduled queries, if any receiver is allowed."""
    if not settings.webhook_hosts or settings.webhook_secret is None or not settings.adhoc:
        return ()
    seals = Seals(settings.webhook_secret.get_secret_value().encode())
    receivers = Receivers(frozenset(settings.webhook_hosts), seals)
    run = partial(_deliver, receivers=receivers, sealing=_Sealing())
    is_due = partial(_is_delivery_due, telling=_Telling())
    return (Job("deliver_queries", DELIVERY_INTERVAL, run, is_due=is_due, lease=DELIVERY_LEASE),)


@dataclass(slots=True)
class _Telling:
    """Whether this process has said that deliveries are held."""

    is_done: bool = False

    def tell(self, since: datetime) -> None:
        """Say so once."""
        if not self.is_done:
            advice = "`foregraph webhooks release` has them go on"
            get_logger().warning("deliveries are held since a restore", since=since.isoformat(), advice=advice)
        self.is_done = True


@dataclass(slots=True)
class _Sealing:
    """Whether this process has sealed the addresses that older versions stored as they are."""

    is_done: bool = False


async def _deliver(service: Service, receivers: Receivers, sealing: _Sealing) -> Told:
    if not sealing.is_done:
        await seal_stored(service.database, receivers.seals)
        sealing.is_done = True
    return await deliver_due(service.saved, receivers)


async def _is_delivery_due(service: Service, telling: "_Telling") -> bool:
    if since := await service.database.read(find_hold):
        telling.tell(since)
        return False
    due = await is_delivery_due(service.database, datetime.now(UTC))
    return due or await are_changes_due(service.database)


async def _sweep(service: Service) -> Told:
    report = await sweep(service.database)
    return {"num_overdue": report.num_overdue, "num_missed": report.num_missed, "failures": report.failures}


async def _refresh_posteriors(service: Service) -> Told:
    return {"num_claims": await refresh_posteriors(service.database)}


async def _purge_receipts(service: Service) -> Told:
    return {"num_receipts": await purge_receipts(service.database, datetime.now(UTC))}


async def _propagate(service: Service, method: Method, *, is_urgent: bool = False) -> Told:
    told = await propagate_all(service.database, service.engine, method, is_urgent=is_urgent)
    return {**told, "sample_bytes": service.engine.num_sample_bytes}


async def _is_propagation_due(service: Service, debounce: timedelta) -> bool:
    if service.engine.has_improved:
        return True
    patience = WATCH_INTERVAL.total_seconds()
    return await is_propagation_due(service.database, debounce, rest=PROPAGATION_REST, patience=patience)


@asynccontextmanager
async def scheduling(
    service: Service, jobs: Sequence[Job], telemetry: "Telemetry | None" = None
) -> AsyncIterator["Scheduler"]:
    """Run jobs on their schedules until the block ends; a job that is running then is left to other replicas."""
    scheduler = Scheduler(service, jobs, telemetry)
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.stop()


class Scheduler:
    """
    Runs the jobs of one replica.

    Args:
        service: The service.
        jobs: The jobs.
        telemetry: Makes a span of each run; by default nothing does.
    """

    def __init__(self, service: Service, jobs: Sequence[Job], telemetry: "Telemetry | None" = None) -> None:
        self._service, self._telemetry = service, telemetry
        self._triggers = {job.name: read_schedule(job.schedule) for job in jobs if isinstance(job.schedule, str)}
        self._jobs = tuple(jobs)
        self._holder = uuid.uuid4().hex
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[str] = set()
        self._pauses: dict[str, _Pause] = {}
        self._library = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin to wait for the jobs' slots."""
        for job in self._jobs:
            if isinstance(job.schedule, timedelta):
                self._begin(self._watch(job, job.schedule), f"watch {job.name}")
                continue
            # However late the event loop gets to it, the slot's state decides whether to run.
            self._library.add_job(
                self.begin,
                self._triggers[job.name],
                args=[job, RunReason.ON_TIME],
                id=job.name,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._library.add_job(
            self._catch_up,
            IntervalTrigger(seconds=int(CATCH_UP_INTERVAL.total_seconds()), timezone=UTC),
            next_run_time=datetime.now(UTC) + FIRST_CATCH_UP,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._library.start()

    async def stop(self) -> None:
        """Stop waiting for slots, and cancel running jobs."""
        self._library.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_TIMEOUT_SECONDS)

    async def run(self, job: Job, reason: RunReason, *, now: datetime | None = None) -> bool:
        """
        Run a job's latest slot, if it is free; on an error, log it and release the slot for another attempt.

        Args:
            job: The job.
            reason: On its schedule, or later to catch up.
            now: The clock, for tests.

        Returns:
            Whether the job ran to its end.
        """
        now = now or datetime.now(UTC)
        at = now if isinstance(job.schedule, timedelta) else latest_slot(self._triggers[job.name], now)
        pause = self._pauses.get(job.name)
        if at is None or job.name in self._under_way or (pause is not None and now < pause.until):
            return False
        self._under_way.add(job.name)
        try:
            has_run = await self._run_slot(job, at, reason)
        except _FailedError:
            if isinstance(job.schedule, timedelta):
                self._pauses[job.name] = _Pause.after(pause, now)
            return False
        else:
            if has_run:
                self._pauses.pop(job.name, None)
            return has_run
        finally:
            self._under_way.discard(job.name)

    async def _run_slot(self, job: Job, at: datetime, reason: RunReason) -> bool:
        is_exclusive = isinstance(job.schedule, timedelta)
        slot = Slot(job.name, at, self._holder, job.lease, is_exclusive=is_exclusive)
        logger = get_logger().bind(job=job.name, slot=at.isoformat())
        try:
            if job.is_due is not None and not await job.is_due(self._service):
                return False
            if not await take_slot(self._service.database, slot, reason=reason):
                return False
            logger.info("a scheduled job begins")
            told = await self._run_in_time(job)
            await finish_slot(self._service.database, slot)
        except asyncio.CancelledError:
            await self._release(slot)
            raise
        except ForegraphError as error:
            logger.error("a scheduled job failed", reason=str(error))
            await self._release(slot)
            raise _FailedError from error
        except Exception as error:
            logger.exception("a scheduled job failed")
            await self._release(slot)
            raise _FailedError from error
        else:
            logger.info("a scheduled job is done", **told)
            return True

    async def _run_in_time(self, job: Job) -> Told:
        """Run a job, which is counted and has a span of its own."""
        started = time.perf_counter()
        with tracing(self._telemetry), phase(f"job {job.name}", job=job.name):
            try:
                async with asyncio.timeout(min(RUN_TIMEOUT, MOST_LEASES * job.lease).total_seconds()):
                    told = await job.run(self._service)
            except Exception:
                note_outcome("failed", is_failed=True)
                note_job(job.name, "failed", time.perf_counter() - started)
                raise
            note_outcome("done")
            note_job(job.name, "done", time.perf_counter() - started)
            return told

    def wake(self, name: str) -> None:
        """Make a job due now."""
        self._library.modify_job(name, next_run_time=datetime.now(UTC))

    # The library cancels its own tasks without waiting for them, so the work is a task of ours.
    async def begin(self, job: Job, reason: RunReason) -> None:
        """Run a job's latest slot in the background, if it is free."""
        self._begin(self._run(job, reason), f"job {job.name}")

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, job: Job, reason: RunReason) -> None:
        await self.run(job, reason)

    async def _watch(self, job: Job, interval: timedelta) -> None:
        """Run a job after each interval, and after a write if it follows these; without end."""
        written = self._service.written
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(interval.total_seconds()):
                    await (written.wait() if job.follows_writes else asyncio.Event().wait())
            if job.follows_writes:
                written.clear()  # what is written from here on wakes it again
            await self.run(job, RunReason.ON_TIME)

    async def _catch_up(self) -> None:
        for job in self._jobs:
            await self.begin(job, RunReason.CATCH_UP)

    async def _release(self, slot: Slot) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS / 2):
                await release_slot(self._service.database, slot)
        except (ForegraphError, TimeoutError):  # its lease expires anyway
            get_logger().info("a scheduled job's slot stays taken until its lease ends", job=slot.job)
