"""One poll serves all subscribers of a process, and begins and ends with them."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from graph.bundles.importing import import_bundle
from graph.database.revisions import EventKind
from graph.database.sessions import Database
from graph.errors import GoneEventError
from graph.feed.due import tell_due
from graph.feed.events import EventId
from graph.feed.following import Feed, Interest
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from tests.graph.feed.test_due import NOON
from tests.graph.feed.test_events import latest
from tests.helpers.bundles import bundle, event, prediction
from tests.helpers.database import StatementCounter, empty
from tests.helpers.writes import submitted

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

TWO = bundle(predictions=[prediction("P_0"), prediction("P_3")], milestones=[event("P_0", "2026-06-01")])


async def test_a_poll_reads_once_for_all_subscribers(database: Database, statements: StatementCounter) -> None:
    """However many there are of each kind; without any, nothing is read."""
    await import_bundle(database, TWO)
    feed = Feed(database)
    kinds = (EventKind.WRITE, EventKind.BELIEFS) * 10
    async with AsyncExitStack() as stack:
        followed = [await stack.enter_async_context(feed.follow(Interest(kind))) for kind in kinds]
        answer = await submitted("P_3")(database)
        statements.reset()
        feed.wake()
        told = await asyncio.gather(*map(anext, followed))
        assert statements.names.count("feed/list_entry_claims") == statements.names.count("feed/list_claims") == 1
    num_polls = feed.num_polls
    await asyncio.sleep(0.6)

    evidence_id = answer.payload["items"][0]["evidence_id"]
    assert [message.entry_ids for message in told[::2]] == [(evidence_id,)] * 10
    assert [[moved.claim_id for moved in message.moved] for message in told[1::2]] == [["P_3"]] * 10
    assert (feed.num_polls, feed.num_subscribers) == (num_polls, 0)


async def test_each_kind_gets_its_own_events(database: Database) -> None:
    """Milestones that are due, and runs that end; now, and after an earlier event."""
    await import_bundle(database, TWO)
    feed, engine, known = Feed(database), Engine(), await latest(database)
    async with (
        feed.follow(Interest(EventKind.DUE)) as due,
        feed.follow(Interest(EventKind.PROPAGATION)) as ended,
    ):
        await tell_due(database, NOON)
        run = (await propagate(database, engine, Request())).payload["run"]
        engine.close()
        live = [await anext(due), await anext(ended)]
    async with (
        feed.follow(Interest(EventKind.DUE), known) as due,
        feed.follow(Interest(EventKind.PROPAGATION), known) as ended,
    ):
        again = [await anext(due), await anext(ended)]

    assert [message.event for message in live] == [message.event for message in again]
    assert (live[0].event.due_ids, live[1].event.run_id) == (("P_0:event",), run["id"])


async def test_subscribers_of_a_graph_that_is_replaced_are_ended(database: Database) -> None:
    """Nobody goes on in another graph as if it were the same."""
    await import_bundle(database, TWO)
    feed = Feed(database)
    async with feed.follow(Interest(EventKind.WRITE)) as followed:
        await empty(database)
        await import_bundle(database, TWO)

        with pytest.raises(GoneEventError):
            await anext(followed)
    with pytest.raises(GoneEventError):
        async with feed.follow(Interest(EventKind.WRITE), EventId(1, 1)):
            pass
