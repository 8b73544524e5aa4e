"""One poll serves all subscribers of a process, and begins and ends with them."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

import pytest

from graph.bundles.importing import import_bundle
from graph.database.revisions import EventKind
from graph.database.sessions import Database
from graph.errors import GoneEventError
from graph.feed.due import tell_due
from graph.feed.events import EventId, read_lag, read_page
from graph.feed.following import Feed, Interest
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from tests.graph.feed.test_due import NOON
from tests.graph.feed.test_events import latest
from tests.helpers.bundles import bundle, event, prediction
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.writes import submitted

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

TWO = bundle(predictions=[prediction("P_0"), prediction("P_3")], milestones=[event("P_0", "2026-06-01")])


async def test_a_poll_reads_once_for_all_subscribers(database: Database, statements: StatementCounter) -> None:
    """However many there are of each kind; without any, nothing is read."""
    await import_once(database, TWO)
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


async def test_a_reader_is_told_how_far_it_is_behind(database: Database) -> None:
    """By the moments that events were written at, as a page of the feed has them."""
    await import_once(database, TWO)
    for _ in range(3):
        await submitted("P_3")(database)
    events = (await database.read(partial(read_page, after=None))).events
    lags = [
        await database.read(partial(read_lag, position=position))
        for position in (None, events[0].id.position, events[-2].id.position, events[-1].id.position)
    ]

    assert {(lag.newest_position, lag.written_at) for lag in lags} == {(events[-1].id.position, events[-1].at)}
    assert [lag.unread_at for lag in lags] == [None, events[1].at, events[-1].at, None]


async def test_the_time_that_each_event_took_is_observed(database: Database) -> None:
    """From when it was written until it has been given to subscribers; without these, nothing is."""
    await import_once(database, TWO)
    lags: list[float] = []
    feed, started = Feed(database, observer=lags.append), datetime.now(UTC)
    async with feed.follow(Interest(EventKind.WRITE)) as followed:
        for _ in range(3):
            await submitted("P_3")(database)
            feed.wake()
            message = await anext(followed)
        position = feed.position
    await submitted("P_3")(database)

    assert len(lags) == 3
    assert all(0 <= lag <= (datetime.now(UTC) - started).total_seconds() for lag in lags)
    assert (position, feed.position) == (message.event.id.position, None)


async def test_each_kind_gets_its_own_events(database: Database) -> None:
    """Milestones that are due, and runs that end; now, and after an earlier event."""
    await import_once(database, TWO)
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
    await import_once(database, TWO)
    feed = Feed(database)
    async with feed.follow(Interest(EventKind.WRITE)) as followed:
        await empty(database)
        await import_bundle(database, TWO)

        with pytest.raises(GoneEventError):
            await anext(followed)
    with pytest.raises(GoneEventError):
        async with feed.follow(Interest(EventKind.WRITE), EventId(1, 1)):
            pass
