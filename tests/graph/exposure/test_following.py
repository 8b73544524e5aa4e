"""Portfolios followed by the feed: expectations by the stored beliefs of all claims, after writes of every kind."""

import asyncio
import math
from contextlib import AsyncExitStack

import pytest

from graph.database.revisions import EventKind
from graph.database.sessions import Database
from graph.errors import BusyError
from graph.exposure.following import follow_portfolio
from graph.exposure.positions import Position
from graph.exposure.store import Draft, Holder, delete_portfolio, save_portfolio
from graph.feed import sums
from graph.feed.beliefs import Baseline
from graph.feed.following import Feed, Following, Interest, Message
from graph.feed.sums import SumInterest, SumMeasure, SumMoved
from graph.model.kinds import ClaimStatus
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from tests.graph.feed.test_events import latest
from tests.helpers.bundles import prediction
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter
from tests.helpers.stored import read
from tests.helpers.writes import SMALL, Write, deleted, given, removed, settled, submitted

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

ROOT = Holder("", sees_all=True)
LEAST = 1e-9
EXPECTED = """
MATCH (ticker:Ticker)<-[edge:BENEFITS|HARMS]-(claim:Prediction)
WHERE ticker.symbol IN keys($weights) AND claim.status <> 'ANNULLED'
WITH $weights[ticker.symbol] * CASE type(edge) WHEN 'HARMS' THEN -1 ELSE 1 END * edge.relevance AS coefficient, claim
RETURN coefficient * CASE claim.status WHEN 'RESOLVED_TRUE' THEN 1.0 WHEN 'RESOLVED_FALSE' THEN 0.0
  ELSE coalesce(claim.marginal, claim.posterior) END AS part
"""


def interest(name: str = "book", threshold: float = LEAST, baseline: Baseline = Baseline.LAST_TOLD) -> Interest:
    """A subscription to a portfolio."""
    return Interest(EventKind.BELIEFS, total=SumInterest(follow_portfolio(name), SumMeasure(threshold, baseline)))


def saved(**weights: float) -> Write:
    """Positions of the portfolio from now on."""
    draft = Draft("book", [Position(symbol.replace("_", ":"), weight) for symbol, weight in weights.items()])
    return lambda database: save_portfolio(database, draft, ROOT)


def exposed(claim_id: str, symbol: str, relevance: float, sign: str = "HARMS") -> Write:
    """An exposure."""
    return given("exposures", {"sign": sign, "prediction_id": claim_id, "symbol": symbol, "relevance": relevance})


async def expect(database: Database, **weights: float) -> float:
    """The expectation, the slow way."""
    rows = await read(database, EXPECTED, weights={key.replace("_", ":"): weight for key, weight in weights.items()})
    return math.fsum(row["part"] for row in rows)


def told(message: Message) -> SumMoved:
    """The sum that a message tells; its parts add up to the change."""
    assert message.total is not None
    total = message.total
    if total.before is not None and total.after is not None:
        parts = [total.rest, *(step.delta for step in total.steps)]
        assert math.fsum(parts) == pytest.approx(total.after - total.before, abs=1e-12)
        assert total.steps[-1].event_id == message.event.id
    return total


async def after(database: Database, followed: Following, write: Write) -> SumMoved:
    """What a follower is told of a write."""
    await write(database)
    async with asyncio.timeout(20):
        return told(await anext(followed))


WRITES: dict[str, tuple[Write, dict[str, float], tuple[str, ...], bool]] = {
    "evidence": (submitted("P_1"), {"NVDA": 2.0}, ("P_1",), False),
    "an outcome": (settled("P_0", ClaimStatus.RESOLVED_TRUE), {"NVDA": 2.0}, ("P_0",), False),
    "an annulment": (settled("P_2", ClaimStatus.ANNULLED), {"NVDA": 2.0}, ("P_2",), False),
    "a new exposure": (exposed("P_4", "NVDA", 0.25), {"NVDA": 2.0}, (), True),
    "a changed exposure": (exposed("P_1", "NVDA", 0.75, "BENEFITS"), {"NVDA": 2.0}, (), True),
    "a removed exposure": (
        removed("exposures", sign="HARMS", prediction_id="P_4", symbol="NVDA"),
        {"NVDA": 2.0},
        (),
        True,
    ),
    "positions": (saved(NVDA=-1.0, BHP_XASX=4.0), {"NVDA": -1.0, "BHP_XASX": 4.0}, (), True),
    "another ticker's exposure": (exposed("P_5", "BHP:XASX", 0.5), {"NVDA": -1.0, "BHP_XASX": 4.0}, (), True),
}


async def test_the_expectation_is_that_of_the_stored_beliefs(database: Database) -> None:
    """After each kind of write; each message has the event, the claims that moved, and parts that add up."""
    await import_once(database, SMALL)
    feed = Feed(database)
    async with feed.follow(interest()) as followed, feed.follow(interest(baseline=Baseline.SUBSCRIPTION)) as from_first:
        first = value = await expect(database, NVDA=2.0)
        for number, (write, weights, claim_ids, has_new_weights) in enumerate(WRITES.values(), 1):
            moved = await after(database, followed, write)
            total = told(await anext(from_first))

            assert moved.after == total.after
            assert moved.before == pytest.approx(value, abs=1e-12)
            value = await expect(database, **weights)
            assert moved.after == pytest.approx(value, abs=1e-12)
            (step,) = moved.steps
            assert (step.claim_ids, step.has_new_weights) == (claim_ids, has_new_weights)
            assert total.before == pytest.approx(first, abs=1e-12)
            assert len(total.steps) == number

        gone = await after(database, followed, lambda given: delete_portfolio(given, "book", ROOT))
        back = await after(database, followed, saved(NVDA=3.0))

    assert (gone.after, back.before) == (None, None)
    assert back.after == pytest.approx(await expect(database, NVDA=3.0), abs=1e-12)


async def test_propagation_and_a_deletion_move_it(database: Database) -> None:
    """Stored marginals count from the run on that stores them; a claim that is deleted takes its part with it."""
    await import_once(database, SMALL)
    await exposed("P_4", "NVDA", 0.5)(database)
    feed, engine = Feed(database), Engine()
    async with feed.follow(interest()) as followed:
        run = await after(database, followed, lambda given: propagate(given, engine, Request()))
        engine.close()
        assert run.after == pytest.approx(await expect(database, NVDA=2.0), abs=1e-12)
        assert set(run.steps[0].claim_ids) <= {"P_0", "P_1", "P_2", "P_4"}
        gone = await after(database, followed, deleted("Prediction", "P_4"))
        assert gone.after == pytest.approx(await expect(database, NVDA=2.0), abs=1e-12)
        await given("predictions", prediction("P_4"))(database)  # it has no exposures now
        last = await after(database, followed, settled("P_1", ClaimStatus.RESOLVED_TRUE))

    assert last.after == pytest.approx(await expect(database, NVDA=2.0), abs=1e-12)


async def test_a_portfolio_is_computed_once_for_all_its_subscribers(
    database: Database, statements: StatementCounter
) -> None:
    """Each is told by its own threshold; the last who leaves ends the computation."""
    await import_once(database, SMALL)
    feed = Feed(database)
    async with AsyncExitStack() as stack:
        many = [await stack.enter_async_context(feed.follow(interest())) for _ in range(10)]
        await stack.enter_async_context(feed.follow(interest(threshold=1e6)))
        assert statements.names.count("exposure/list_edges") == 1
        statements.reset()
        await exposed("P_4", "NVDA", 0.25)(database)
        values = {told(await anext(followed)).after for followed in many}
        assert statements.names.count("exposure/list_edges") == 1
    statements.reset()
    async with feed.follow(interest()):
        assert statements.names.count("exposure/list_edges") == 1

    (value,) = values
    assert value == pytest.approx(await expect(database, NVDA=2.0), abs=1e-12)


async def test_one_who_comes_again_is_told_once_if_it_may_have_moved(database: Database) -> None:
    """With the last event that may have moved it, and as it is now; not for events of others."""
    await import_once(database, SMALL)
    feed, known = Feed(database), await latest(database)
    await submitted("P_1", "1")(database)
    await exposed("P_4", "NVDA", 0.25)(database)
    moving = await latest(database)
    await submitted("P_5", "2")(database)
    others = await latest(database)
    async with (
        feed.follow(interest(threshold=1e6), known) as followed,
        feed.follow(interest(threshold=1e6), known) as other,
        asyncio.timeout(20),
    ):
        message, same = await anext(followed), await anext(other)
    async with feed.follow(interest(), moving) as followed:
        nothing = await after(database, followed, submitted("P_1", "3"))

    assert message == same
    assert message.event.id == moving != others
    assert message.total is not None
    assert (message.total.before, message.total.is_resumed, message.total.steps) == (None, True, ())
    assert not nothing.is_resumed
    assert nothing.before == pytest.approx(message.total.after, abs=1e-12)


async def test_so_many_portfolios_are_followed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await import_once(database, SMALL)
    monkeypatch.setattr(sums, "MOST_SUMS", 1)
    await save_portfolio(database, Draft("other", [Position("NVDA", 1.0)]), ROOT)
    feed = Feed(database)
    async with feed.follow(interest()):
        with pytest.raises(BusyError, match="1 sums are followed"):
            async with feed.follow(interest("other")):
                pass
    async with feed.follow(interest("other")):
        pass
