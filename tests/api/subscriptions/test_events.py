"""GraphQL over server-sent events, one request for each subscription."""

import json
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.subscriptions.conftest import Served
from tests.helpers.subscribing import APPENDED, read_events
from tests.helpers.writes import submitted

STREAM = {"accept": "text/event-stream"}


async def test_an_event_stream_has_ids_and_goes_on_after_the_last(served: Served) -> None:
    """By POST, and by GET as a browser's EventSource comes again: its address still says where it began at first."""
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:
        async with client.stream("POST", "/graphql", json={"query": APPENDED}, headers=STREAM) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            await served.until_followed(1)
            first = await submitted("P_3")(served.database)
            event = await anext(read_events(response))
        await served.until_followed(0)
        second = await submitted("P_4")(served.database)
        parameters = {"query": APPENDED, "variables": json.dumps({"since": "1-1-0"})}
        again = {**STREAM, "last-event-id": event["id"]}
        async with client.stream("GET", "/graphql", params=parameters, headers=again) as response:
            next_event = await anext(read_events(response))

    told = [json.loads(found["data"])["data"]["ledgerAppended"] for found in (event, next_event)]
    assert [entry["evidenceKeys"] for entry in told] == [
        [answer.payload["items"][0]["evidence_id"]] for answer in (first, second)
    ]
    assert [found["event"] for found in (event, next_event)] == ["next", "next"]
    assert [found["id"] for found in (event, next_event)] == [entry["eventId"] for entry in told]


async def test_subscriptions_and_their_messages_are_counted(served: Served) -> None:
    """One that was ended by its client, and one that was refused; and the time that an event took."""
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:
        before = (await client.get("/metrics")).text
        body = {"query": APPENDED, "operationName": "Appended"}
        async with client.stream("POST", "/graphql", json=body, headers=STREAM) as response:
            await served.until_followed(1)
            assert figure((await client.get("/metrics")).text, "foregraph_subscribers") == 1
            await submitted("P_3")(served.database)
            await anext(read_events(response))
        await served.until_followed(0)
        await client.post("/graphql", json={**body, "variables": {"since": "1-1-0"}}, headers=STREAM)
        after = (await client.get("/metrics")).text

    def rise(name: str, **labels: str) -> float:
        return figure(after, name, **labels) - figure(before, name, **labels)

    about = {"type": "subscription", "operation": "Appended", "document": ""}
    assert rise("foregraph_operations_total", outcome="data", **about) == 1
    assert rise("foregraph_operations_total", outcome="refused", **about) == 1
    assert rise("foregraph_subscription_messages_total", outcome="data") == 1
    assert rise("foregraph_subscription_messages_total", outcome="refused") == 1
    assert rise("foregraph_feed_lag_seconds_count") == 1


def figure(text: str, name: str, **labels: str) -> float:
    """A figure of /metrics; 0 where it has not been counted yet."""
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)


async def test_a_refused_subscription_is_one_result_and_complete(served: Served) -> None:
    """As distinct connections have it."""
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:
        body = {"query": APPENDED, "variables": {"since": "1-1-0"}}
        response = await client.post("/graphql", json=body, headers=STREAM)

    result, end = [event async for event in read_events(response)]
    assert (result["event"], end["event"]) == ("next", "complete")
    (error,) = json.loads(result["data"])["errors"]
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("EVENT_GONE", "since")


@pytest.mark.parametrize(
    ("body", "accept", "status", "code"),
    [
        ({"query": APPENDED}, "application/json", 406, "NOT_ACCEPTABLE"),
        ({}, "text/event-stream", 400, "BAD_REQUEST"),
    ],
)
async def test_what_is_no_stream_is_answered_as_a_document(
    served: Served, body: dict[str, Any], accept: str, status: int, code: str
) -> None:
    """A subscription for one who takes none, and a request without a document."""
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:
        response = await client.post("/graphql", json=body, headers={"accept": accept})

    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == code


async def test_a_query_is_answered_at_once_whatever_else_its_client_takes(served: Served) -> None:
    """Some clients always name both types."""
    both = {"accept": "application/graphql-response+json, application/json, text/event-stream"}
    async with httpx.AsyncClient(base_url=served.url, timeout=20) as client:
        response = await client.post("/graphql", json={"query": "{ __typename }"}, headers=both)

    assert response.json() == {"data": {"__typename": "Query"}}
