"""Portfolios over both protocols: who may follow one, what is told, and going on after the last event."""

import json
from typing import Any

import httpx
import pytest

from graph.bundles.importing import import_bundle
from graph.exposure.positions import Position
from graph.exposure.store import Draft, Holder, save_portfolio
from resolvers.base.roles import Role
from tests.api.subscriptions.conftest import Guarded, until_followed
from tests.helpers.asking import ask
from tests.helpers.bundles import bundle
from tests.helpers.keys import bearing
from tests.helpers.subscribing import connecting, read_events
from tests.helpers.writes import submitted

MOVED = """subscription Moved($name: String!, $threshold: Float!, $baseline: Baseline, $since: String) {
  exposureChanged(portfolio: $name, threshold: $threshold, baseline: $baseline, since: $since) {
    eventId revision portfolioName expectedRelevance baselineRelevance delta restDelta isResumed
    events { eventId delta claimKeys hasNewPositions }
  }
}"""
POSTERIOR = '{ claim(id: "P_3") { storedPosteriorProbability } }'


async def save(guarded: Guarded) -> dict[str, dict[str, str]]:
    """A portfolio of Ada's; returns headers with the keys of each caller."""
    exposure = {"sign": "BENEFITS", "prediction_id": "P_3", "symbol": "A", "relevance": 0.5}
    await import_bundle(guarded.database, bundle(tickers=[{"symbol": "A"}], exposures=[exposure]))
    await save_portfolio(guarded.database, Draft("book", [Position("A", 10.0)]), Holder("ada", sees_all=False))
    roles = {"ada": Role.ANALYST, "bob": Role.ANALYST, "root": Role.OPERATOR}
    return {name: bearing(guarded.file.create(name, [role])) for name, role in roles.items()}


async def expect(guarded: Guarded) -> float:
    """The expectation by the claim's stored posterior."""
    found: float = (await ask(guarded.database, POSTERIOR)).data["claim"]["storedPosteriorProbability"]
    return 10.0 * 0.5 * found


async def test_the_owner_and_operators_are_told(guarded: Guarded) -> None:
    """From each threshold on, with the events that moved it; others are refused."""
    headers, before = await save(guarded), 2.5
    async with (
        connecting(guarded.url, additional_headers=headers["ada"]) as own,
        connecting(guarded.url, additional_headers=headers["root"]) as operator,
    ):
        await own.subscribe(MOVED, {"name": "book", "threshold": 0.01})
        await operator.subscribe(MOVED, {"name": "book", "threshold": 0.6, "baseline": "SUBSCRIPTION"})
        await until_followed(guarded.feed, 2)
        values = [before]
        while abs(values[-1] - before) < 0.6:
            await submitted("P_3", f"evidence {len(values)}")(guarded.database)
            told = (await own.receive())["payload"]["data"]["exposureChanged"]
            assert told["baselineRelevance"] == pytest.approx(values[-1], abs=1e-9)
            values.append(await expect(guarded))
            assert told["expectedRelevance"] == pytest.approx(values[-1], abs=1e-9)
            assert told["delta"] == pytest.approx(values[-1] - values[-2], abs=1e-9)
            assert told["events"] == [
                {"eventId": told["eventId"], "delta": told["delta"], "claimKeys": ["P_3"], "hasNewPositions": False}
            ]
        assert len(values) > 2
        whole = (await operator.receive())["payload"]["data"]["exposureChanged"]

    assert (whole["portfolioName"], whole["isResumed"], whole["restDelta"]) == ("book", False, 0.0)
    assert whole["delta"] == pytest.approx(values[-1] - before, abs=1e-9)
    assert len(whole["events"]) == len(values) - 1
    await until_followed(guarded.feed, 0)


@pytest.mark.parametrize(
    ("caller", "variables", "code", "argument"),
    [
        ("bob", {"name": "book", "threshold": 1.0}, "FORBIDDEN", "portfolio"),
        ("ada", {"name": "nope", "threshold": 1.0}, "NOT_FOUND", "portfolio"),
        ("ada", {"name": "book", "threshold": 0.0}, "INVALID", "threshold"),
    ],
)
async def test_a_portfolio_that_may_not_be_followed_is_refused(
    guarded: Guarded, caller: str, variables: dict[str, Any], code: str, argument: str
) -> None:
    headers = await save(guarded)
    async with connecting(guarded.url, additional_headers=headers[caller]) as socket:
        await socket.subscribe(MOVED, variables)
        message = await socket.receive()

    assert message["type"] == "error"
    (error,) = message["payload"]
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == (code, argument)


async def test_a_stream_goes_on_after_the_last_event(guarded: Guarded) -> None:
    """Told once of what came meanwhile, as it is now, and then of each change."""
    headers = {**(await save(guarded))["ada"], "accept": "text/event-stream"}
    body = {"query": MOVED, "variables": {"name": "book", "threshold": 0.01}}
    async with httpx.AsyncClient(base_url=guarded.url, timeout=20) as client:
        async with client.stream("POST", "/graphql", json=body, headers=headers) as response:
            await until_followed(guarded.feed, 1)
            await submitted("P_3", "1")(guarded.database)
            first = await anext(read_events(response))
        await until_followed(guarded.feed, 0)
        for key in ("2", "3"):
            await submitted("P_3", key)(guarded.database)
        again = {**headers, "last-event-id": first["id"]}
        async with client.stream("POST", "/graphql", json=body, headers=again) as response:
            events = read_events(response)
            resumed = json.loads((await anext(events))["data"])["data"]["exposureChanged"]
            meanwhile = await expect(guarded)
            await submitted("P_3", "4")(guarded.database)
            last = json.loads((await anext(events))["data"])["data"]["exposureChanged"]

    assert (resumed["isResumed"], resumed["baselineRelevance"], resumed["delta"], resumed["events"]) == (
        True,
        None,
        None,
        [],
    )
    assert resumed["expectedRelevance"] == pytest.approx(meanwhile, abs=1e-9)
    assert last["baselineRelevance"] == resumed["expectedRelevance"]
    assert int(last["revision"]) == int(resumed["revision"]) + 1
