"""Readiness: the usual documents are asked until they get no faster, and again when the database was away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import accumulate, chain
from typing import Any

import pytest
import pytest_asyncio
from graphql import parse, print_ast, validate

from api.app import create_app
from api.settings import Settings
from api.usual import SAMPLE, UNKNOWN_ID, choose_variables, list_usual
from api.warming import MAX_ROUNDS, Readiness, ask, find_known, repeat_until_warm, warm_up
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, DatabaseAddress
from graph.errors import UnavailableError
from graph.sample import load_sample
from resolvers.schema import build_schema
from tests.helpers.processes import Wire
from tests.helpers.service_fakes import open_client
from tests.resolvers.test_seed_pages import QUERY

KNOWN = dict.fromkeys(("id", "prediction", "domain", "ticker", "text"), "x")
PAUSE = 0.001
WARMING = "the usual documents are being warmed up"


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


@pytest.mark.parametrize(
    ("seconds", "num_rounds"),
    [
        ([5.0, 5.0], 2),
        ([5.0, 4.1], 2),
        ([5.0, 1.0, 0.9], 3),
        ([5.0, 1.0, 0.5, 0.6], 4),
        ([1.0, 3.0], 2),
        ([0.5**n for n in range(20)], MAX_ROUNDS),
    ],
)
async def test_documents_are_asked_until_they_get_no_faster(seconds: list[float], num_rounds: int) -> None:
    ends = list(accumulate(seconds))
    clock = chain.from_iterable((end - taken, end) for end, taken in zip(ends, seconds, strict=True))
    num_asked = 0

    async def ask_all() -> None:
        nonlocal num_asked
        num_asked += 1

    assert await repeat_until_warm(ask_all, clock=lambda: next(clock)) == num_asked == num_rounds


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


@pytest.mark.parametrize("document", [SAMPLE, *list_usual().values()])
def test_usual_documents_are_valid(document: str) -> None:
    assert validate(build_schema()._schema, parse(document)) == []
    assert set(choose_variables(document, KNOWN)) == {
        definition.variable.name.value
        for operation in parse(document).definitions
        for definition in getattr(operation, "variable_definitions", None) or ()
    }


def test_the_usual_page_is_the_page_that_is_tested() -> None:
    assert print_ast(parse(list_usual()["page"])) == print_ast(parse(QUERY))


async def test_documents_are_asked_of_what_is_there(database: Database) -> None:
    """On an empty graph of ids that no node has; both are answered."""
    app = create_app(Settings(), database)

    async def ask_app(document: str, variables: Mapping[str, str]) -> Any:
        return await ask(app, document, variables)

    assert await find_known(ask_app) == dict.fromkeys(KNOWN, UNKNOWN_ID)
    await _answers_all(app, dict.fromkeys(KNOWN, UNKNOWN_ID))
    await import_bundle(database, load_sample())
    known = await find_known(ask_app)
    sample = load_sample()
    assert known["prediction"] == known["id"] in {prediction.id for prediction in sample.predictions}
    assert {row.symbol for row in sample.exposures if row.prediction_id == known["id"]} >= {known["ticker"]}
    await _answers_all(app, known)


async def _answers_all(app: Any, known: dict[str, str]) -> None:
    for document in list_usual().values():
        answer = await ask(app, document, choose_variables(document, known))
        assert "errors" not in answer, answer
        assert list(answer) == ["data"]


async def test_a_neo4j_that_is_out_of_reach_makes_the_service_not_ready(database: Database, wire: Wire) -> None:
    """It is still warm when it is back."""
    async with Database.open(wire.address) as wired:
        readiness = Readiness(watch_seconds=PAUSE)
        app = create_app(Settings(), wired, readiness=readiness)
        begun = list[int]()

        async def warm_up_and_count() -> None:
            begun.append(1)
            await warm_up(app, wired)

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
