"""Requests that wait at the same time share runs of a statement, and have the answers that they would have alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.database.address import DatabaseAddress
from graph.database.sessions import COMPOSED, Database
from graph.errors import InvalidError, UnavailableError
from graph.model.lists import BY_NAME
from graph.model.relations import OUTGOING
from graph.reading.anchors import Anchor, OneNode
from graph.reading.composing import Composed
from graph.reading.gathering import ENOUGH_ROWS, MOST_RUNS, Gathering
from graph.reading.lists import ListFilter, ListPage
from graph.reading.tree import NodePlan
from tests.graph.reading.test_composing import compose, following
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.profiling import hub_bundle

PLAN = NodePlan(properties=("id", "title"))
LIST = BY_NAME["predictions"]
UNREADABLE = "\ud800"
"""Half of a character, of which no bytes can be made."""


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """A graph with 1,500 predictions."""
    await empty(migrated_database)
    await import_once(migrated_database, hub_bundle())
    yield migrated_database
    await empty(migrated_database)


def one(number: int) -> OneNode:
    """A prediction of the graph; none after the last."""
    return OneNode("Prediction", f"P_{number:05d}")


async def read(gathering: Gathering, composed: Composed, anchor: Anchor, bookmark: str | None = None) -> Any:
    """What a request for the anchor is given."""
    return (await gathering.fetch(composed, anchor, bookmark)).data


async def alone(database: Database, composed: Composed, anchor: Anchor) -> Any:
    """What a run for the anchor alone reads."""
    async with database.reading() as reading:
        parameters = composed.parameters_for([anchor.parameters()], anchor.num_nodes)
        found = await reading.fetch(composed.text, parameters, is_alone=True)
    return found[0][1] if found else None


async def test_requests_that_wait_share_runs(hub: Database, statements: StatementCounter) -> None:
    """Each is answered as it would be alone; an id that no node has is answered by nothing."""
    composed, gathering = compose(following(OUTGOING), "Killer"), Gathering(hub)
    anchors = [OneNode("Killer", ("TK_HUB", "none")[number % 2]) for number in range(40)]
    expected = [await alone(hub, composed, anchor) for anchor in anchors[:2]]
    statements.reset()

    found = await asyncio.gather(*(read(gathering, composed, anchor) for anchor in anchors))

    assert found == expected * 20
    assert expected[1] is None
    assert expected[0][1][:1] == ["TK_HUB"]
    assert 1 <= statements.names.count(COMPOSED) < 20
    assert gathering._lanes == {}


async def test_requests_for_the_same_are_read_once(hub: Database) -> None:
    """Those that wait together are given one object, later ones another; a client that leaves takes nobody along."""
    composed, gathering = compose(following(OUTGOING), "Killer"), Gathering(hub)
    busy = [
        asyncio.ensure_future(gathering.fetch(composed, OneNode("Killer", f"K{n}"), None)) for n in range(MOST_RUNS)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reads = [asyncio.ensure_future(gathering.fetch(composed, OneNode("Killer", "TK_HUB"), None)) for _ in range(5)]
    await asyncio.sleep(0)
    reads.pop(0).cancel()

    first, *others = await asyncio.gather(*reads)
    later = await gathering.fetch(composed, OneNode("Killer", "TK_HUB"), None)
    await asyncio.gather(*busy)

    assert all(found is first for found in others)
    assert later is not first
    assert later == first
    assert first.data == await alone(hub, composed, OneNode("Killer", "TK_HUB"))


async def test_nobody_waits_who_is_alone(hub: Database, statements: StatementCounter) -> None:
    """One request after another has a run each, as have two at a time in runs of their own."""
    composed, gathering = compose(PLAN, "Prediction"), Gathering(hub)
    statements.reset()
    for number in range(3):
        (data,) = await asyncio.gather(read(gathering, composed, one(number)))
        assert data[1][0] == f"P_{number:05d}"

    assert statements.names == [COMPOSED] * 3


@pytest.mark.parametrize(
    "anchors",
    [
        [
            ListPage(LIST, ListFilter({}), LIST.sort("key"), size, after=after)
            for size in (2, 7)
            for after in (None, "predictions by key:P_00100")
        ],
        [
            ListPage(LIST, ListFilter({"predictor": [predictor], "probability_to": most}), LIST.sort("deadline"), size)
            for predictor in ("ada", "nobody")
            for most in (0.3, 0.5)
            for size in (2, 7)
        ],
    ],
    ids=["all", "predictions"],
)
async def test_pages_of_lists_share_runs(hub: Database, anchors: list[Anchor]) -> None:
    """Pages of several sizes and positions, each with its own conditions."""
    composed, gathering = anchors[0].compose(PLAN, wants_total=True), Gathering(hub)
    expected = [await alone(hub, composed, anchor) for anchor in anchors]

    found = await asyncio.gather(*(read(gathering, composed, anchor) for anchor in anchors * 5))

    assert found == expected * 5
    assert len({len(rows) for rows, _ in expected}) > 1


async def test_a_run_is_as_large_as_its_answers_are(hub: Database, statements: StatementCounter) -> None:
    """A statement that could read many rows, and reads few, is shared by all once a first run has been counted."""
    plan = following(OUTGOING, first=100, node=following(OUTGOING, first=20))
    composed, gathering = compose(plan, "Prediction"), Gathering(hub)
    num_runs = []
    for _ in range(2):
        statements.reset()
        await asyncio.gather(*(read(gathering, composed, one(number)) for number in range(20)))
        num_runs.append(statements.names.count(COMPOSED))

    assert composed.max_rows > ENOUGH_ROWS / 4
    assert num_runs == [MOST_RUNS + 1, 1]


async def test_what_was_written_before_is_seen(hub: Database) -> None:
    """Even while earlier runs are under way, which cannot see it."""
    composed, gathering = compose(PLAN, "Prediction"), Gathering(hub)
    reads = [asyncio.ensure_future(read(gathering, composed, one(number))) for number in range(50)]
    for number in range(10):
        title = f"told {number}"
        async with hub.open_session() as session:
            text = "MATCH (n:Prediction {id: 'P_00007'}) SET n.title = $title"
            await (await session.run(text, title=title)).consume()
        reads += [asyncio.ensure_future(read(gathering, composed, one(other))) for other in range(20)]
        data = await read(gathering, composed, one(7))
        assert title in data[1]
    await asyncio.gather(*reads)


async def test_a_request_that_cannot_be_read_spoils_no_other(hub: Database) -> None:
    """The others are read again without it."""
    composed, gathering = compose(PLAN, "Prediction"), Gathering(hub)
    anchors = [*map(one, range(5)), OneNode("Prediction", UNREADABLE), *map(one, range(5, 10))]

    found: list[Any] = await asyncio.gather(
        *(read(gathering, composed, anchor) for anchor in anchors), return_exceptions=True
    )

    assert isinstance(found.pop(5), UnicodeEncodeError)
    assert [data[1][0] for data in found] == [f"P_{number:05d}" for number in range(10)]
    assert gathering._lanes == {}


async def test_a_wrong_cursor_is_its_senders_alone(hub: Database) -> None:
    """It is refused before anything is read."""
    anchors = [ListPage(LIST, ListFilter({}), LIST.sort("key"), 2, after=after) for after in ("killers by key:a", None)]
    composed, gathering = anchors[1].compose(PLAN, wants_total=False), Gathering(hub)

    found: list[Any] = await asyncio.gather(
        *(read(gathering, composed, anchor) for anchor in anchors), return_exceptions=True
    )

    assert isinstance(found[0], InvalidError)
    assert len(found[1][0]) == 3


async def test_an_unknown_bookmark_is_its_senders_alone(hub: Database) -> None:
    """Requests from different states on share no run."""
    composed, gathering = compose(PLAN, "Prediction"), Gathering(hub)

    found: list[Any] = await asyncio.gather(
        *(read(gathering, composed, one(number), "FB:nothing" if number == 0 else None) for number in range(5)),
        return_exceptions=True,
    )

    assert isinstance(found.pop(0), InvalidError)
    assert [data[1][0] for data in found] == [f"P_{number:05d}" for number in range(1, 5)]


async def test_one_who_leaves_takes_nobody_along(hub: Database) -> None:
    """Whether its run has begun or not."""
    composed, gathering = compose(PLAN, "Prediction"), Gathering(hub)
    reads = [asyncio.ensure_future(read(gathering, composed, one(number))) for number in range(30)]
    reads[0].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for number in range(1, 10):
        reads[number].cancel()

    found: list[Any] = await asyncio.gather(*reads, return_exceptions=True)

    assert all(isinstance(error, asyncio.CancelledError) for error in found[:10])
    assert [data[1][0] for data in found[10:]] == [f"P_{number:05d}" for number in range(10, 30)]
    assert gathering._lanes == {}


async def test_all_hear_that_the_database_is_away(hub: Database) -> None:
    """Nobody waits for ever."""
    composed = compose(PLAN, "Prediction")
    address = DatabaseAddress(uri="bolt://127.0.0.1:1", user="neo4j", password="-")
    async with Database.open(address) as database:
        gathering = Gathering(database)
        found = await asyncio.gather(
            *(read(gathering, composed, one(number)) for number in range(5)), return_exceptions=True
        )

    assert [type(error) for error in found] == [UnavailableError] * 5
    assert gathering._lanes == {}


async def test_closing_ends_what_waits(hub: Database) -> None:
    """Those who wait for a run are told that it has been cancelled."""
    composed, gathering = compose(PLAN, "Prediction"), Gathering(hub)
    reads = [asyncio.ensure_future(read(gathering, composed, one(number))) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gathering.close()

    found = await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), 10)

    assert all(isinstance(error, asyncio.CancelledError) for error in found)
