"""Slots of scheduled jobs: one replica has each, and a killed run leaves it to another."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from graph.database.jobs import LEASE, MAX_ATTEMPTS, RunReason, Slot, finish_slot, release_slot, take_slot
from graph.database.sessions import Database
from tests.helpers.stored import read

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

SATURDAY = datetime(2026, 11, 21, 22, tzinfo=UTC)
WEEK = timedelta(days=7)


def slot(holder: str = "one", at: datetime = SATURDAY) -> Slot:
    """A slot of the sweep's."""
    return Slot("sweep", at, holder)


async def test_one_of_many_replicas_has_a_slot(database: Database) -> None:
    """They meet at the job's node."""
    taken = await asyncio.gather(*(take_slot(database, slot(str(n))) for n in range(16)))

    assert sum(taken) == 1


async def test_a_finished_slot_is_done(database: Database) -> None:
    """Nobody gets it again, but the next one is to be had."""
    assert await take_slot(database, slot())
    await finish_slot(database, slot())

    assert not await take_slot(database, slot("two"))
    assert not await take_slot(database, slot("two"), reason=RunReason.CATCH_UP, now=SATURDAY + WEEK)
    assert await take_slot(database, slot("two", SATURDAY + WEEK))
    assert not await take_slot(database, slot("three"))


async def test_a_killed_runs_slot_is_taken_over_after_its_lease(database: Database) -> None:
    """Until then it may still be under way."""
    assert await take_slot(database, slot(), now=SATURDAY)

    end = SATURDAY + LEASE
    assert not await take_slot(database, slot("two"), reason=RunReason.CATCH_UP, now=end - timedelta(microseconds=1))
    assert await take_slot(database, slot("two"), reason=RunReason.CATCH_UP, now=end)


async def test_who_has_lost_a_slot_neither_finishes_nor_releases_it(database: Database) -> None:
    """It belongs to who took it over."""
    await take_slot(database, slot(), now=SATURDAY)
    late = SATURDAY + 2 * LEASE
    await take_slot(database, slot("two"), reason=RunReason.CATCH_UP, now=late)

    await finish_slot(database, slot())
    await release_slot(database, slot())

    assert not await take_slot(database, slot("three"), reason=RunReason.CATCH_UP, now=late)
    (job,) = await read(database, "MATCH (j:Job) RETURN j.holder AS holder, j.finished_at AS finished")
    assert job == {"holder": "two", "finished": None}


async def test_a_failing_slot_is_tried_a_few_times(database: Database) -> None:
    """Then the next slot tries again."""
    taken = []
    for _ in range(MAX_ATTEMPTS + 2):
        taken.append(await take_slot(database, slot()))
        await release_slot(database, slot())

    assert taken == [True] * MAX_ATTEMPTS + [False] * 2
    assert await take_slot(database, slot(at=SATURDAY + WEEK))


async def test_a_job_that_is_new_has_left_nothing(database: Database) -> None:
    """A service that looks at a new graph for what was left runs nothing; the slot that comes next is run."""
    assert not await take_slot(database, slot(), reason=RunReason.CATCH_UP)
    assert not await take_slot(database, slot())
    assert await take_slot(database, slot(at=SATURDAY + WEEK), reason=RunReason.CATCH_UP)


async def test_a_slot_that_a_stopped_service_missed_is_run_when_it_is_back(database: Database) -> None:
    """The job's node tells which was the last."""
    await take_slot(database, slot())
    await finish_slot(database, slot())

    assert await take_slot(database, slot("two", SATURDAY + 3 * WEEK), reason=RunReason.CATCH_UP)


async def test_an_exclusive_slot_waits_for_the_run_before_it(database: Database) -> None:
    """Until that is finished, or its lease has ended; other jobs' slots wait for none."""
    lease, second = timedelta(seconds=30), timedelta(seconds=1)

    def exclusive(holder: str, at: datetime) -> Slot:
        return Slot("watch", at, holder, lease, is_exclusive=True)

    first, following = exclusive("one", SATURDAY), exclusive("two", SATURDAY + second)
    assert await take_slot(database, first, now=SATURDAY)
    assert not await take_slot(database, following, now=SATURDAY + second)
    assert await take_slot(database, exclusive("two", SATURDAY + lease), now=SATURDAY + lease)
    await finish_slot(database, exclusive("two", SATURDAY + lease), now=SATURDAY + lease + second)
    after = SATURDAY + lease + 2 * second
    # It looked for work before the run ended, and does not know what that did.
    assert not await take_slot(database, exclusive("one", SATURDAY + lease + second / 2), now=after)
    assert await take_slot(database, exclusive("one", after), now=after)

    assert await take_slot(database, slot(), now=SATURDAY)
    assert await take_slot(database, slot("two", SATURDAY + second), now=SATURDAY + second)
