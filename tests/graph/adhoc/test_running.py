"""Statements run within limits, and end with their clients."""

import asyncio

import pytest

from graph.adhoc.limits import AdhocLimits, Wanted
from graph.adhoc.running import Adhoc
from graph.adhoc.watching import Watch
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import (
    BusyError,
    CypherFailedError,
    CypherSyntaxError,
    OversizeError,
    RefusedCypherError,
    StatementTimedOutError,
)
from tests.helpers.adhoc import CALLER, fetch_rows
from tests.helpers.graph_dump import ask

ENDLESS = "UNWIND range(1, 1000000000) AS i UNWIND range(1, 1000000000) AS j RETURN count(i * j) AS number"
OF_OURS = """
SHOW TRANSACTIONS YIELD metaData
WHERE metaData.foregraph_statement IS NOT NULL
RETURN count(*) AS number
"""


async def num_on_server(graph: Database) -> int:
    """Number of analysts' statements that run on the server."""
    number: int = (await ask(graph, OF_OURS))[0][0]
    return number


async def until_ended(adhoc: Adhoc, graph: Database) -> None:
    """Wait until nothing of an analyst's runs, here or on the server."""
    async with asyncio.timeout(20):
        while adhoc.num_running or await num_on_server(graph):  # noqa: ASYNC110 - the server tells of no event
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("wanted", "num_rows", "is_truncated"), [(7, 7, True), (10, 10, False), (2_500, 10, False)])
async def test_rows_end_at_the_limit(adhoc: Adhoc, wanted: int, num_rows: int, is_truncated: bool) -> None:
    """What is cut off is told; what ends by itself at the limit is whole."""
    async with adhoc.run(
        "UNWIND range(1, 10) AS i RETURN i, -i AS j", caller=CALLER, limits=Wanted(max_rows=wanted)
    ) as answer:
        rows = [row async for batch in answer.batches() for row in batch]

    assert answer.columns == ("i", "j")
    assert rows == [[i, -i] for i in range(1, num_rows + 1)]
    assert answer.is_truncated is is_truncated
    assert answer.elapsed_seconds > 0


async def test_answers_tell_the_revision(adhoc: Adhoc, graph: Database) -> None:
    """The revision is the graph's, as its own node has it."""
    async with adhoc.run("RETURN 1", caller=CALLER) as answer:
        assert [[answer.revision]] == await ask(graph, "MATCH (g:Graph {id: 'graph'}) RETURN g.revision")


async def test_time_is_limited(adhoc: Adhoc, graph: Database) -> None:
    """A statement is stopped on the server once its time is up."""
    with pytest.raises(StatementTimedOutError, match="seconds"):
        await fetch_rows(adhoc, ENDLESS, limits=Wanted(timeout_seconds=0.3))

    await until_ended(adhoc, graph)


async def test_a_statement_that_has_ended_holds_no_place(
    graph: Database, database_address: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal, or a failure that the server tells, frees the place without asking the server what still runs."""
    asked = []

    async def note(_: Watch, key: str, __: float) -> None:
        asked.append(key)

    monkeypatch.setattr(Watch, "end", note)
    async with Adhoc(database_address, AdhocLimits(default_seconds=10.0)) as adhoc:
        for statement, error in (
            ("MATCH (n) DELETE n", RefusedCypherError),
            ("MATCH (n) RETRUN n", CypherSyntaxError),
            ("UNWIND [0] AS x RETURN 1 / x", CypherFailedError),
        ):
            with pytest.raises(error):
                await fetch_rows(adhoc, statement)
        await adhoc.explain("RETURN 1", caller=CALLER)
        await until_ended(adhoc, graph)

        assert asked == []


def test_limits_are_clamped() -> None:
    """Callers lower limits, and raise them as far as the operator allows."""
    limits = AdhocLimits(
        default_rows=10, most_rows=100, default_seconds=1, most_seconds=5, default_bytes=1 << 10, most_bytes=1 << 20
    )

    granted = limits.clamp(Wanted(max_rows=1_000, timeout_seconds=0, max_bytes=1 << 30))

    assert (granted.max_rows, granted.max_bytes) == (100, 1 << 20)
    assert 0 < granted.timeout_seconds < 0.1
    assert limits.clamp(Wanted()).max_rows == 10
    assert AdhocLimits(most_seconds=1e9).clamp(Wanted(timeout_seconds=1e9)).timeout_seconds == 60


@pytest.mark.parametrize(
    "statement",
    [
        "UNWIND range(1, 100000) AS i RETURN toString(i) + $text AS text",
        "UNWIND range(1, 20000) AS i RETURN collect(toString(i) + $text) AS texts",
    ],
)
async def test_bytes_are_limited(adhoc: Adhoc, graph: Database, statement: str) -> None:
    """Many rows and one large row are cut off as they arrive, before they fill the memory."""
    with pytest.raises(OversizeError) as caught:
        await fetch_rows(adhoc, statement, {"text": "x" * 1_000}, Wanted(max_rows=100_000, max_bytes=5 << 20))

    assert caught.value.limit == 5 << 20
    await until_ended(adhoc, graph)
    assert await fetch_rows(adhoc, "RETURN 1") == [[1]]


async def test_a_client_that_leaves_ends_its_statement(adhoc: Adhoc, graph: Database) -> None:
    """A cancelled request leaves nothing running on the server."""
    task = asyncio.create_task(fetch_rows(adhoc, ENDLESS, limits=Wanted(timeout_seconds=60)))
    async with asyncio.timeout(20):
        while not await num_on_server(graph):  # noqa: ASYNC110 - the server tells of no event
            await asyncio.sleep(0.05)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until_ended(adhoc, graph)


async def test_leaving_early_ends_the_statement(adhoc: Adhoc, graph: Database) -> None:
    """Who reads some rows and no more leaves nothing running."""
    async with adhoc.run(
        "UNWIND range(1, 1000000000) AS i RETURN i",
        caller=CALLER,
        limits=Wanted(max_rows=1_000_000, timeout_seconds=60),
    ) as answer:
        async for batch in answer.batches():
            assert batch[0] == [1]
            break

    await until_ended(adhoc, graph)


async def test_places_are_limited(graph: Database, database_address: DatabaseAddress) -> None:
    """A caller has so many at once, and all together; each further one is told so, and runs once a place is free."""
    async with Adhoc(database_address, AdhocLimits(at_once=2, at_once_per_caller=1)) as adhoc:
        async with adhoc.run("RETURN 1", caller="a"):
            with pytest.raises(BusyError, match="this caller"):
                async with adhoc.run("RETURN 1", caller="a"):
                    pass
            async with adhoc.run("RETURN 1", caller="b"):
                with pytest.raises(BusyError, match="the most at a time"):
                    async with adhoc.run("RETURN 1", caller="c"):
                        pass
        async with adhoc.run("RETURN 2", caller="a") as answer:
            assert [batch async for batch in answer.batches()] == [[[2]]]


async def test_values_are_not_nested_deeply(adhoc: Adhoc) -> None:
    """What writes a value and reads it goes down its levels, and its stack is as deep."""
    deep: object = 1
    for _ in range(30):
        deep = [deep]

    with pytest.raises(RefusedCypherError, match="levels"):
        await fetch_rows(adhoc, "UNWIND [$deep] AS x RETURN x", {"deep": deep})
    with pytest.raises(RefusedCypherError, match="levels"):
        await fetch_rows(adhoc, "RETURN " + "[" * 20 + "1" + "]" * 20 + " + $deep")
