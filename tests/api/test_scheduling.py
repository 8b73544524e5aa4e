"""What the service does by itself: once for all replicas, and never to the service's harm."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.schedules import latest_slot, read_schedule
from api.scheduling import LONGEST_PAUSE, Job, Scheduler, list_jobs, scheduling
from api.settings import Settings, load_settings
from graph.bundles.importing import import_bundle
from graph.database.jobs import RunReason
from graph.database.receipts import WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConfigurationError, UnavailableError
from resolvers.base.context import Service
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle, event, prediction
from tests.helpers.copies import import_once
from tests.helpers.mutating import mutate
from tests.helpers.service_fakes import build_app

SUNDAY = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
DAILY = "0 3 * * *"


class Counted:
    """A job that counts its runs."""

    def __init__(self, error: Exception | None = None) -> None:
        self.num_runs = 0
        self.error = error

    async def __call__(self, _: Service) -> Mapping[str, object]:
        """Count, and fail as told."""
        self.num_runs += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {"num_runs": self.num_runs}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 22 * * sat", datetime(2026, 11, 21, 22, tzinfo=UTC)),
        (DAILY, datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("20 3 * * *", SUNDAY),
        ("21 3 * * *", datetime(2026, 11, 21, 3, 21, tzinfo=UTC)),
        ("* * * * *", SUNDAY),
        ("0 0 1 1 *", datetime(2026, 1, 1, tzinfo=UTC)),
        ("0 22 * * mon-fri", datetime(2026, 11, 20, 22, tzinfo=UTC)),
    ],
)
def test_the_latest_slot_is_the_last_that_has_come(schedule: str, expected: datetime) -> None:
    """Found by the calendar: 22 November 2026 is a Sunday."""
    assert latest_slot(read_schedule(schedule), SUNDAY) == expected


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("0 22 * * 6", "by name"),
        ("0 22 * *", "expected 5"),
        ("61 * * * *", "59"),
        ("0 22 * * someday", "weekday"),
        ("0 0 31 2 *", "never"),
        ("", "expected 5"),
    ],
)
def test_a_schedule_that_is_none_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, schedule: str, message: str
) -> None:
    """The operator sees which variable it is and what is wrong with it."""
    monkeypatch.setenv("FOREGRAPH_SWEEP_SCHEDULE", schedule)

    with pytest.raises(ConfigurationError, match=f"FOREGRAPH_SWEEP_SCHEDULE: expected .*{message}"):
        load_settings()


def test_the_schedules_are_the_settings() -> None:
    """Saturday at 22:00 and daily at 3:00, unless the operator says otherwise."""
    jobs = {job.name: job.schedule for job in list_jobs(Settings(refresh_schedule="0 4 * * *"))}

    assert (jobs["sweep"], jobs["refresh_posteriors"]) == ("0 22 * * sat", "0 4 * * *")
    assert all(read_schedule(schedule) for schedule in jobs.values() if isinstance(schedule, str))


async def test_of_three_replicas_one_runs_a_slot(database: Database) -> None:
    """Each asks on time; the graph decides."""
    counted = Counted()
    job = Job("count", DAILY, counted)
    replicas = [Scheduler(service_of(database), [job]) for _ in range(3)]

    ran = await asyncio.gather(*(replica.run(job, RunReason.ON_TIME, now=SUNDAY) for replica in replicas))
    again = await asyncio.gather(*(replica.run(job, RunReason.CATCH_UP, now=SUNDAY) for replica in replicas))
    tomorrow = await replicas[0].run(job, RunReason.ON_TIME, now=SUNDAY + timedelta(days=1))

    assert (sum(ran), sum(again), tomorrow, counted.num_runs) == (1, 0, True, 2)


@pytest.mark.parametrize("error", [RuntimeError("boom"), UnavailableError("gone"), TimeoutError()])
async def test_a_job_that_fails_is_logged_and_tried_again(database: Database, error: Exception) -> None:
    """Its error ends with it, and the slot is left to who comes next."""
    failing = Counted(error)
    job = Job("fail", DAILY, failing)
    scheduler = Scheduler(service_of(database), [job])

    with capture_logs() as logs:
        ran = await scheduler.run(job, RunReason.ON_TIME, now=SUNDAY)
    failing.error = None
    again = await scheduler.run(job, RunReason.CATCH_UP, now=SUNDAY)

    assert (ran, again, failing.num_runs) == (False, True, 2)
    assert [entry["job"] for entry in logs if entry["log_level"] == "error"] == ["fail"]


async def test_a_database_that_is_away_harms_nobody() -> None:
    """The job is tried again later."""

    class Away:
        async def write(self, _: object) -> None:
            raise UnavailableError("gone")

    job = Job("count", DAILY, Counted())

    with capture_logs() as logs:
        ran = await Scheduler(service_of(cast("Database", Away())), [job]).run(job, RunReason.ON_TIME, now=SUNDAY)

    assert not ran
    assert "gone" in {entry.get("reason") for entry in logs}


async def test_a_service_that_stops_leaves_its_job_to_others(database: Database) -> None:
    """What is under way is ended and its slot released, within the time that a stop takes."""
    started = asyncio.Event()

    async def endless(_: Service) -> Mapping[str, object]:
        started.set()
        await asyncio.Event().wait()
        return {}

    # Every minute, so that its slot is always there.
    stuck, counted = Job("job", "* * * * *", endless), Counted()
    async with scheduling(service_of(database), [stuck]) as scheduler:
        await scheduler.begin(stuck, RunReason.ON_TIME)
        await asyncio.wait_for(started.wait(), 60)

    heir = Job("job", "* * * * *", counted)
    assert await Scheduler(service_of(database), [heir]).run(heir, RunReason.CATCH_UP)


async def test_jobs_run_when_their_time_comes(database: Database) -> None:
    """The library wakes them; a second replica finds the slot taken."""
    counted = Counted()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            scheduler = await stack.enter_async_context(
                scheduling(service_of(database), [Job("job", "* * * * *", counted)])
            )
            scheduler.wake("job")
        for _ in range(200):
            if counted.num_runs:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)

    assert counted.num_runs == 1


async def test_the_services_own_jobs_run(database: Database) -> None:
    """A sweep, a refresh, a purge and a propagation, after which beliefs are as propagated, and the feed's."""
    given = bundle(predictions=[prediction()], milestones=[event()])
    await import_bundle(database, given)

    async def nothing(_: Unit) -> dict[str, object]:
        return {}

    await write_once(database, WriteRequest("test", {}), nothing)
    scheduler = Scheduler(service_of(database), list_jobs(Settings()))

    with capture_logs() as logs:
        ran = [await scheduler.run(job, RunReason.ON_TIME) for job in list_jobs(Settings())]

    assert ran == [True, True, True, True, False, False, True]
    told = {entry["job"]: entry for entry in logs if entry["event"] == "a scheduled job is done"}
    assert told["sweep"]["num_missed"] == 3
    assert told["refresh_posteriors"]["num_claims"] == 1
    assert told["purge_receipts"]["num_receipts"] == 0
    assert told["tell_due_milestones"]["num_milestones"] == 0
    assert (told["propagate"]["method"], told["propagate"]["num_stored"]) == ("AUTO", 1)


async def test_a_job_that_has_nothing_to_do_leaves_no_trace(database: Database) -> None:
    """It takes no slot and says nothing; at the next slot it is asked again."""
    is_due, counted = [False, True], Counted()

    async def due(_: Service) -> bool:
        return is_due.pop(0)

    job = Job("count", "* * * * *", counted, is_due=due)
    scheduler = Scheduler(service_of(database), [job])

    with capture_logs() as logs:
        ran = await scheduler.run(job, RunReason.ON_TIME, now=SUNDAY)
    again = await scheduler.run(job, RunReason.ON_TIME, now=SUNDAY + timedelta(minutes=1))

    assert (ran, logs, again, counted.num_runs) == (False, [], True, 1)


async def test_a_job_that_outlasts_its_interval_is_not_begun_again(database: Database) -> None:
    """The next slot finds it under way."""
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(_: Service) -> Mapping[str, object]:
        started.set()
        await release.wait()
        return {}

    job = Job("slow", "* * * * *", slow)
    scheduler = Scheduler(service_of(database), [job])
    first = asyncio.create_task(scheduler.run(job, RunReason.ON_TIME, now=SUNDAY))
    await asyncio.wait_for(started.wait(), 60)

    second = await scheduler.run(job, RunReason.ON_TIME, now=SUNDAY + timedelta(minutes=1))
    release.set()

    assert (await first, second) == (True, False)


def test_deliveries_are_made_where_a_receiver_is_allowed() -> None:
    """And statements of analysts may run; none is by default."""
    allowed = Settings(webhook_hosts=("hooks.example",), webhook_secret=SecretStr("a secret of the tests"))

    for settings, expected in (
        (Settings(), False),
        (allowed, True),
        (allowed.model_copy(update={"adhoc": False}), False),
    ):
        assert ("deliver_queries" in {job.name for job in list_jobs(settings)}) is expected


def test_propagation_after_writes_can_be_switched_off() -> None:
    """The weekly one stays."""
    names = {job.name for job in list_jobs(Settings(propagation_after_writes=False))}

    assert "propagate" in names
    assert "propagate_after_writes" not in names


@pytest.mark.parametrize("on", [True, False])
async def test_the_scheduler_can_be_switched_off(*, on: bool) -> None:
    """A replica without it serves requests only; with it the service starts and stops as before."""
    app = build_app(scheduler=on)

    async with app.router.lifespan_context(app):  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def test_a_job_of_an_interval_rests_longer_after_each_failure(database: Database) -> None:
    """Else it would fail twice a second, or take a processor for good for what cannot be done."""
    failing = Counted(RuntimeError("boom"))
    job = Job("watch", timedelta(milliseconds=500), failing)
    scheduler = Scheduler(service_of(database), [job])
    start = datetime.now(UTC) + timedelta(days=1)  # a slot is later than the end of the run before it

    async def run_at(*seconds: int) -> int:
        before = failing.num_runs
        for second in seconds:
            await scheduler.run(job, RunReason.ON_TIME, now=start + timedelta(seconds=second))
        return failing.num_runs - before

    with capture_logs() as logs:
        assert await run_at(0, 1, 14) == 1
        assert await run_at(15, 16, 44) == 1
        assert await run_at(45, 104) == 1
        failing.error = None
        assert await run_at(105) == 1
        failing.error = RuntimeError("boom")
        assert await run_at(106, 120) == 1
        assert await run_at(121) == 1

    assert sum(entry["log_level"] == "error" for entry in logs) == 5


async def test_the_longest_rest_is_bounded(database: Database) -> None:
    """What was mended is found within a quarter of an hour or so."""
    failing, now = Counted(RuntimeError("boom")), SUNDAY
    job = Job("watch", timedelta(milliseconds=500), failing)
    scheduler = Scheduler(service_of(database), [job])

    with capture_logs():
        for _ in range(12):
            await scheduler.run(job, RunReason.ON_TIME, now=now)
            now += LONGEST_PAUSE

    assert failing.num_runs == 12


async def test_of_two_replicas_one_runs_at_a_time(database: Database) -> None:
    """A later slot of an interval is nobody's while the run of an earlier one goes on."""
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(_: Service) -> Mapping[str, object]:
        started.set()
        await release.wait()
        return {}

    now = datetime.now(UTC)
    job = Job("watch", timedelta(milliseconds=500), slow)
    one, other = (Scheduler(service_of(database), [job]) for _ in range(2))
    first = asyncio.create_task(one.run(job, RunReason.ON_TIME, now=now))
    await asyncio.wait_for(started.wait(), 60)
    meanwhile = await other.run(job, RunReason.ON_TIME, now=now + timedelta(seconds=1))
    release.set()
    ran = await first
    afterwards = await other.run(job, RunReason.ON_TIME, now=now + timedelta(seconds=2))

    assert (ran, meanwhile, afterwards) == (True, False, True)


async def test_a_job_of_an_interval_follows_a_write_at_once(database: Database) -> None:
    """It does not wait for the interval; what is written while it runs makes it run once more."""
    runs: asyncio.Queue[int] = asyncio.Queue()
    release = asyncio.Event()

    async def count(_: Service) -> Mapping[str, object]:
        runs.put_nowait(1)
        await release.wait()
        return {}

    service = service_of(database)
    service.written.clear()
    job = Job("follow", timedelta(hours=1), count, follows_writes=True)
    async with scheduling(service, [job]):
        await mutate(service, "upsertScenario", {"id": "S_1", "title": "One", "statedProbability": 0.3})
        await asyncio.wait_for(runs.get(), 60)
        await mutate(service, "upsertScenario", {"id": "S_2", "title": "Two", "statedProbability": 0.3})
        await mutate(service, "upsertScenario", {"id": "S_3", "title": "Three", "statedProbability": 0.3})
        release.set()
        await asyncio.wait_for(runs.get(), 60)
        await asyncio.sleep(0.2)

    assert runs.empty()


async def test_a_dry_run_wakes_nobody(database: Database) -> None:
    """Nothing is written."""
    service = service_of(database)
    service.written.clear()

    await mutate(service, "upsertScenario", {"id": "S_1", "title": "One", "statedProbability": 0.3}, dryRun=True)

    assert not service.written.is_set()


async def test_marginals_follow_a_write_by_themselves(database: Database) -> None:
    """The service's own job finds it; the figure is the benchmark's."""
    await import_once(database, bundle(predictions=[prediction()]))
    jobs = [job for job in list_jobs(Settings()) if job.name == "propagate_after_writes"]

    async with scheduling(service_of(database), jobs):
        for _ in range(600):
            (row,) = await database.read(lambda unit: unit.run("network/get_due"))
            if not row["is_behind"]:
                break
            await asyncio.sleep(0.05)

    assert not row["is_behind"]
    assert row["cost_seconds"] > 0.0
