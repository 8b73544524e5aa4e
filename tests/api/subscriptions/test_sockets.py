"""graphql-transport-ws over a real socket: messages, close codes, and what subscribers are told."""

import asyncio
from typing import Any

import httpx
import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import InvalidStatus

from api.subscriptions.sockets import SLOW, TRY_AGAIN_LATER
from graph.feed.events import read_latest_id
from graph.model.kinds import ClaimStatus
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from tests.api.subscriptions.conftest import Served
from tests.helpers.subscribing import APPENDED, BELIEFS, Socket, connecting
from tests.helpers.writes import submitted


async def payload_of(socket: Socket) -> Any:
    """The data of the next result."""
    message = await socket.receive()
    assert (message["type"], message["id"]) == ("next", "1"), message
    assert "errors" not in message["payload"], message
    return message["payload"]["data"]


async def test_a_client_of_gql_follows_the_ledger(served: Served) -> None:
    """Rows come in the order of their writes, each once; one who comes again with the last id misses none."""
    transport = WebsocketsTransport(url=served.url.replace("http", "ws") + "/graphql")
    told: list[dict[str, Any]] = []
    async with Client(transport=transport) as session:
        events = session.subscribe(gql(APPENDED))
        following = asyncio.ensure_future(anext(events))
        await served.until_followed(1)
        first = await submitted("P_3", "first")(served.database)
        told.append((await following)["ledgerAppended"])
        await events.aclose()
    missed = [await submitted(f"P_{n}", f"missed {n}")(served.database) for n in (3, 4)]

    async with Client(transport=WebsocketsTransport(url=served.url.replace("http", "ws") + "/graphql")) as session:
        asked = gql(APPENDED)
        asked.variable_values = {"since": told[0]["eventId"]}
        events = session.subscribe(asked)
        told += [(await anext(events))["ledgerAppended"] for _ in range(2)]
        last = asyncio.ensure_future(anext(events))
        await served.until_followed(1)
        missed.append(await submitted("P_3", "last")(served.database))
        told.append((await last)["ledgerAppended"])
        await events.aclose()

    written = [answer.payload["items"][0]["evidence_id"] for answer in (first, *missed)]
    assert [entry["evidenceKeys"] for entry in told] == [[evidence_id] for evidence_id in written]
    assert [int(entry["revision"]) for entry in told] == list(range(2, 6))


async def test_beliefs_are_told_from_the_threshold_on_and_outcomes_always(served: Served) -> None:
    """Each message has the claim as it is; after an outcome nothing comes until the claim is open again."""
    write = served.database
    async with connecting(served.url) as socket, connecting(served.url) as often:
        await socket.subscribe(BELIEFS, {"claims": ["P_3"], "threshold": 0.2})
        await often.subscribe(BELIEFS, {"filter": {"kind": ["PREDICTION"], "predictors": ["ada"]}})
        await served.until_followed(2)
        await submitted("P_4")(write)  # another claim, and more than the default threshold
        other = (await payload_of(often))["beliefChanged"]["changes"]
        assert [change["claimKey"] for change in other] == ["P_4"]
        probabilities: list[float] = []
        while len(probabilities) < 2 or abs(probabilities[-1] - probabilities[0]) < 0.2:
            await submitted("P_3", str(len(probabilities)))(write)
            (change,) = (await payload_of(often))["beliefChanged"]["changes"]
            probabilities += [change["baselinePosteriorProbability"], change["posteriorProbability"]]
        assert len(probabilities) > 2

        (moved,) = (await payload_of(socket))["beliefChanged"]["changes"]
        assert moved["reason"] == "MOVED"
        assert moved["claim"]["key"] == "P_3"
        assert (moved["baselinePosteriorProbability"], moved["posteriorProbability"]) == (
            probabilities[0],
            probabilities[-1],
        )
        early = Outcome(status=ClaimStatus.RESOLVED_TRUE, accepts_before_window=True)
        for act, outcome in ((resolve, early), (unresolve, Outcome(status=ClaimStatus.OPEN))):
            await act(write, "P_3", outcome)
            (change,) = (await payload_of(socket))["beliefChanged"]["changes"]
            assert change["reason"] == {resolve: "RESOLVED", unresolve: "REOPENED"}[act]
        await annul(write, "P_3", Outcome(status=ClaimStatus.ANNULLED))
        (change,) = (await payload_of(socket))["beliefChanged"]["changes"]
        assert (change["reason"], change["status"]) == ("ANNULLED", "ANNULLED")


async def test_one_who_comes_again_is_told_what_may_have_moved(served: Served) -> None:
    """Once for each claim, as it is now."""
    since = str(await served.database.read(read_latest_id))
    for claim_id in ("P_3", "P_4", "P_3"):
        await submitted(claim_id)(served.database)

    async with connecting(served.url) as socket:
        await socket.subscribe(BELIEFS, {"since": since, "claims": ["P_3", "P_4", "P_5"]})
        messages = [(await payload_of(socket))["beliefChanged"] for _ in range(2)]
        assert [[change["claimKey"] for change in entry["changes"]] for entry in messages] == [["P_4"], ["P_3"]]
        assert {change["reason"] for entry in messages for change in entry["changes"]} == {"RESUMED"}
        await submitted("P_5")(served.database)
        assert (await payload_of(socket))["beliefChanged"]["changes"][0]["claimKey"] == "P_5"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": APPENDED}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init", "payload": "none"}], 4400),
        ([{"type": "hello"}], 4400),
        ([{}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": "1", "payload": {"query": 1}}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "payload": {"query": APPENDED}}], 4400),
        ([{"type": "connection_init"}, *[{"type": "subscribe", "id": "1", "payload": {"query": APPENDED}}] * 2], 4409),
    ],
)
async def test_what_breaks_the_protocol_closes_with_its_code(served: Served, messages: Any, code: int) -> None:
    """As the protocol numbers them."""
    async with connecting(served.url, is_begun=False) as socket:
        for message in messages:
            await socket.send(**message)

        assert (await socket.wait_closed())[0] == code
    await served.until_followed(0)


@pytest.mark.parametrize("text", ["no JSON", "[1]", b"bytes"])
async def test_what_is_no_message_closes_with_4400(served: Served, text: str | bytes) -> None:
    """Text that is not JSON, JSON that is no message, and bytes."""
    async with connecting(served.url) as socket:
        await socket.connection.send(text)

        assert (await socket.wait_closed())[0] == 4400


async def test_pings_are_answered_and_a_subscription_can_be_completed(served: Served) -> None:
    """By the protocol's own messages; its id is free again."""
    async with connecting(served.url) as socket:
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
        await socket.subscribe(APPENDED)
        await served.until_followed(1)
        await socket.send(id="1", type="complete")
        await served.until_followed(0)
        await socket.subscribe(APPENDED)
        await served.until_followed(1)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("subscription { nothing }", {}, "BAD_REQUEST"),
        (APPENDED, {"since": "yesterday"}, "INVALID"),
        (APPENDED, {"since": "1-1-0"}, "EVENT_GONE"),
        (APPENDED, {"claims": []}, "INVALID"),
        (BELIEFS, {"threshold": 0}, "INVALID"),
        ("{ changes { latestEventId } }", {}, "BAD_REQUEST"),
        (
            "subscription { beliefChanged { changes { claim { evidence(first: 100) { nodes { key } } } } } }",
            {},
            "TOO_EXPENSIVE",
        ),
    ],
)
async def test_a_refused_subscription_ends_with_an_error(
    served: Served, query: str, variables: dict[str, Any], code: str
) -> None:
    """It is priced and checked as every document; other operations are for HTTP. The connection stays."""
    async with connecting(served.url) as socket:
        await socket.subscribe(query, variables)

        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == code, message
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}
    await served.until_followed(0)


async def test_there_are_so_many_subscribers(served: Served) -> None:
    """One more is refused, and told that it may come again."""
    async with connecting(served.url) as socket:
        for key in "123":
            await socket.subscribe(APPENDED, key=key)
        await served.until_followed(3)
        await socket.subscribe(APPENDED, key="4")
        message = await socket.receive()
        assert (message["id"], message["type"]) == ("4", "error")
        assert message["payload"][0]["extensions"] == {"code": "BUSY", "isRetryable": True}


async def test_upgrades_elsewhere_and_other_protocols_are_answered(served: Served) -> None:
    """404 for a path without WebSocket, 4406 for another subprotocol, 403 and 421 for other origins and hosts."""
    async with connecting(served.url, is_begun=False, subprotocols=["graphql-ws"]) as socket:
        assert (await socket.wait_closed())[0] == 4406
    with pytest.raises(InvalidStatus) as refused:
        async with connecting(f"{served.url}/elsewhere", is_begun=False):
            pass
    assert refused.value.response.status_code == 404
    assert b"There is nothing at /elsewhere/graphql" in refused.value.response.body
    with pytest.raises(InvalidStatus) as refused:
        async with connecting(served.url, is_begun=False, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "host": "evil.example"}
    key = {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"}
    async with httpx.AsyncClient(timeout=20) as client:
        response = await client.get(f"{served.url}/graphql", headers=upgrade | key)
    assert response.status_code == 421


async def test_a_subscriber_that_is_too_slow_is_closed(served: Served) -> None:
    """Six messages come at once, and it has a queue of five; what it has missed, it gets when it comes again."""
    since = str(await served.database.read(read_latest_id))
    async with connecting(served.url) as socket:
        await socket.subscribe(APPENDED)
        await served.until_followed(1)
        async with served.feed._turn:  # so that one poll finds them all
            answers = [await submitted(f"P_{n}")(served.database) for n in range(6)]

        assert await socket.wait_closed() == (TRY_AGAIN_LATER, SLOW)
    await served.until_followed(0)
    async with connecting(served.url) as socket:
        await socket.subscribe(APPENDED, {"since": since})
        told = [(await payload_of(socket))["ledgerAppended"]["evidenceKeys"] for _ in answers]
    assert told == [[answer.payload["items"][0]["evidence_id"]] for answer in answers]
