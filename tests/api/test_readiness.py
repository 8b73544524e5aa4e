"""Readiness: kept by watching the database, with a warming-up at the start and when it was started again."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from api.app import create_app
from api.readiness import WARMING, Readiness
from api.settings import Settings
from api.warming import warm_up
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import UnavailableError
from tests.helpers.processes import Wire
from tests.helpers.service_fakes import open_client

PAUSE = 0.001


class Switch:
    """A database that is there or away, and a warming-up that lasts until it is let go."""

    def __init__(self) -> None:
        self.is_there = True
        self.start: int | None = 1
        self.num_begun = 0
        self.goes_on = asyncio.Event()

    async def ping(self) -> None:
        """Answer, or not."""
        if not self.is_there:
            raise UnavailableError("the database is unavailable now")

    async def find_start(self) -> int | None:
        """The same until it is started again."""
        return self.start

    async def warm_up(self) -> None:
        """Wait."""
        self.num_begun += 1
        await self.goes_on.wait()


@pytest_asyncio.fixture
async def wire(database_address: DatabaseAddress) -> AsyncIterator[Wire]:
    """A wire to the tests' Neo4j."""
    wire = Wire(database_address)
    await wire.mend()
    yield wire
    await wire.cut()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


async def test_the_service_is_ready_once_all_is_warm_and_again_after_the_database_was_away() -> None:
    """Also when nobody asks meanwhile."""
    database, told = Switch(), list[bool]()
    readiness = Readiness(told.append, watch_seconds=PAUSE)
    assert readiness.reason is None

    async with readiness.watching(database, database.warm_up):
        await until(lambda: database.num_begun == 1)
        assert readiness.reason == WARMING
        database.goes_on.set()
        await asyncio.wait_for(readiness.wait(), 60)
        assert readiness.reason is None

        await until(lambda: readiness.warmed_on == 1)
        database.goes_on.clear()
        database.is_there = False
        await until(lambda: readiness.reason == "the database is unavailable now")
        database.start = 2
        database.is_there = True
        await until(lambda: database.num_begun == 2)
        assert readiness.reason == WARMING
        database.goes_on.set()
        await asyncio.wait_for(readiness.wait(), 60)

    assert told == [False, True, False, True]


async def test_the_rest_is_warmed_beside_the_ready_service_and_anew_after_a_restart() -> None:
    """It is stopped with the database that it was begun on, and with the service."""
    database, readiness = Switch(), Readiness(watch_seconds=PAUSE)
    database.goes_on.set()
    begun, ended = list[str | None](), list[int]()

    async def warm_rest() -> None:
        begun.append(readiness.reason)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)

    async with readiness.watching(database, database.warm_up, warm_rest):
        await until(lambda: len(begun) == 1 and readiness.warmed_on == 1)
        assert ended == []
        database.is_there, database.start = False, 2
        await until(lambda: readiness.reason is not None)
        database.is_there = True
        await until(lambda: len(begun) == 2)
        assert len(ended) == 1

    assert begun == [None, None]
    assert len(ended) == 2


async def test_a_database_that_goes_while_the_rest_is_warmed_up_ends_that_alone() -> None:
    database, readiness = Switch(), Readiness(watch_seconds=PAUSE)
    database.goes_on.set()
    num_tries = 0

    async def warm_rest() -> None:
        nonlocal num_tries
        num_tries += 1
        raise UnavailableError("the database is unavailable now")

    async with readiness.watching(database, database.warm_up, warm_rest):
        await until(lambda: num_tries == 1)
        await until(lambda: readiness.warmed_on == 1)
        assert readiness.reason is None


@pytest.mark.parametrize(("start", "num_begun"), [(1, 1), (None, 2)])
async def test_a_database_that_was_only_out_of_reach_is_still_warm(start: int | None, num_begun: int) -> None:
    """One that does not say when it was started is taken to be another."""
    database, readiness = Switch(), Readiness(watch_seconds=PAUSE)
    database.start = start
    database.goes_on.set()

    async with readiness.watching(database, database.warm_up):
        await until(lambda: readiness.reason is None and readiness.warmed_on == start)
        database.is_there = False
        await until(lambda: readiness.reason is not None)
        database.is_there = True
        await asyncio.wait_for(readiness.wait(), 60)

    assert database.num_begun == num_begun


async def test_a_database_that_goes_while_all_is_warmed_up_is_waited_for() -> None:
    """It is no failure of the service."""
    database, readiness = Switch(), Readiness(watch_seconds=PAUSE)
    num_tries = 0

    async def warm_up_at_the_third_try() -> None:
        nonlocal num_tries
        num_tries += 1
        if num_tries < 3:
            raise UnavailableError("the database is unavailable now")

    async with readiness.watching(database, warm_up_at_the_third_try):
        await asyncio.wait_for(readiness.wait(), 60)

    assert num_tries == 3


async def test_warming_up_has_an_end() -> None:
    """On a machine that is too busy the service is as fast as it gets."""
    database, readiness = Switch(), Readiness(watch_seconds=PAUSE, max_seconds=0.01)

    async with readiness.watching(database, database.warm_up):
        await asyncio.wait_for(readiness.wait(), 60)

    assert readiness.reason is None


def test_what_others_wait_for_is_a_reason_too() -> None:
    readiness = Readiness()

    readiness.reason_of_others = "other workers are not ready yet"
    assert readiness.reason == "other workers are not ready yet"
    readiness.reason_of_others = None
    assert readiness.reason is None


async def test_a_neo4j_that_is_out_of_reach_makes_the_service_not_ready(database: Database, wire: Wire) -> None:
    """It is still warm when it is back."""
    async with Database.open(wire.address) as wired:
        readiness = Readiness(watch_seconds=PAUSE)
        app = create_app(Settings(), wired, readiness=readiness)
        begun = list[int]()

        async def warm_up_and_count() -> None:
            begun.append(1)
            await warm_up(app)

        async with readiness.watching(wired, warm_up_and_count), open_client(app) as client:
            await until(lambda: readiness.warmed_on is not None)
            assert (await client.get("/readyz")).status_code == 200
            await wire.cut()
            await until(lambda: readiness.reason is not None)
            assert (await client.get("/readyz")).status_code == 503
            await wire.mend()
            await asyncio.wait_for(readiness.wait(), 120)
            assert (await client.get("/readyz")).status_code == 200

    assert begun == [1]
