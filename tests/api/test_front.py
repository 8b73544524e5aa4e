"""Documents answered before take a short way, on which everything is answered as on the long one."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api import asking
from api.documents import identify
from api.front import Front
from graph.model.json_texts import read_json
from tests.helpers.service_fakes import Slow, build_app, codes, messages, open_client, until_waiting

HELLO = "query Q($n: String!) { hello(name: $n) }"
UNKNOWN_ID = "0" * 64


def persisted(document_id: str, version: int = 1) -> dict[str, Any]:
    """A request's part that names a document as Apollo's clients do."""
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": document_id}}}


def front_of(app: Any) -> Front:
    """The front of an application that has answered a request."""
    while not isinstance(app, Front):
        app = getattr(app, "middleware_stack", None) or app.app
    return app


@dataclass(frozen=True)
class Sent:
    """A request, and whether it takes the short way once its document is kept."""

    body: Any = None
    parameters: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_short: bool = True

    async def to(self, client: httpx.AsyncClient) -> httpx.Response:
        """Send it, under one id."""
        headers = {"x-request-id": "r-1", **self.headers}
        if self.parameters is not None:
            return await client.get("/graphql", params=dict(self.parameters), headers=headers)
        return await client.post("/graphql", json=self.body, headers=headers)


REQUESTS = [
    Sent({"query": HELLO, "variables": {"n": "Zoë"}, "operationName": "Q"}),
    Sent({"query": HELLO, "variables": {"n": "Zoë"}}, headers={"accept": "application/graphql-response+json"}),
    Sent(
        {"query": HELLO, "variables": {"n": "\U0001f600"}}, headers={"content-type": "application/json; charset=utf-8"}
    ),
    Sent({"query": "{ hello }", "variables": None, "extensions": {}}),
    Sent({"query": "{ hello __typename half(number: 4) }"}),
    Sent({"query": "{ __schema { queryType { name } } }"}),
    Sent({"query": "{ requestId }"}),
    Sent({"query": "{ requestId }"}, headers={"x-request-id": "a b"}),
    Sent({"query": "{ broken hello }"}),
    Sent({"query": "{ half(number: 3) }"}, is_short=False),
    Sent({"query": "query ($n: Even!) { half(number: $n) }", "variables": {"n": 3}}),
    Sent({"query": "query ($n: Even!) { half(number: $n) }", "variables": {}}),
    Sent(
        {"query": "query ($n: Even!) { half(number: $n) }", "variables": {}},
        headers={"accept": "Application/GraphQL-Response+JSON; q=0.9, application/json; q=0.5"},
    ),
    Sent({"query": "query A { hello } query B { half(number: 2) }"}, is_short=False),
    Sent({"query": "query A { hello } query B { half(number: 2) }", "operationName": "B"}),
    Sent({"query": "query A { hello } query B { half(number: 2) }", "operationName": "C"}, is_short=False),
    Sent({"query": "mutation { add(number: 1) }"}),
    Sent(parameters={"query": "mutation { add(number: 1) }"}, is_short=False),
    Sent(parameters={"query": HELLO, "variables": '{"n": "you"}', "operationName": ""}),
    Sent(parameters={"query": HELLO, "variables": ""}),
    Sent(parameters={"query": HELLO, "variables": "["}, is_short=False),
    Sent(parameters={"query": "{ hello }"}, headers={"accept": "text/html"}),
    Sent(parameters={"query": "{ hello }"}, headers={"if-none-match": "*"}),
    Sent(parameters={"query": "{ hello }"}, headers={"if-none-match": '"other"'}),
    Sent(parameters={"query": "{ broken hello }"}, headers={"if-none-match": "*"}),
    Sent(parameters={}, headers={"accept": "text/html"}, is_short=False),
    Sent({"query": "{ hello"}, is_short=False),
    Sent({"query": "{ nothing }"}, is_short=False),
    Sent({"query": HELLO, "variables": []}, is_short=False),
    Sent([{"query": "{ hello }"}], is_short=False),
    Sent({"query": "{ hello }"}, headers={"content-type": "text/plain"}, is_short=False),
    Sent({"query": "{ hello }"}, headers={"content-encoding": "gzip"}, is_short=False),
    Sent({"query": "{ hello }"}, headers={"host": "rebound.example"}, is_short=False),
    Sent({"query": "{ hello }"}, headers={"foregraph-bookmark": "no bookmark"}, is_short=False),
    Sent({"query": "{ hello }", "variables": {"x": "y" * 2000}}, is_short=False),
]


@pytest.mark.parametrize("sent", REQUESTS, ids=lambda sent: json.dumps(sent.body or sent.parameters)[:60])
async def test_a_request_is_answered_the_same_on_either_way(sent: Sent) -> None:
    """Status, headers and body, whether its document is kept or not."""
    long, short = (build_app(document_cache_bytes=size, max_body_bytes=1024) for size in (0, 1 << 20))
    async with open_client(long) as client:
        expected = await sent.to(client)
        assert front_of(long).num_answered == 0
    async with open_client(short) as client:
        answers = [await sent.to(client) for _ in range(3)]

    ids = [answer.headers.pop("x-request-id") for answer in (expected, *answers)]
    assert ids == ["r-1"] * 4 or len(set(ids)) == 4
    bodies = [answer.text.replace(own, "ID") for own, answer in zip(ids, (expected, *answers), strict=True)]
    assert set(bodies) == {bodies[0]}
    assert {answer.status_code for answer in answers} == {expected.status_code}
    assert all(answer.headers.raw == expected.headers.raw for answer in answers)
    assert front_of(short).num_answered == (2 if sent.is_short else 0)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that knows one document."""
    async with open_client(build_app()) as client:
        await client.post("/graphql", json={"query": HELLO, "variables": {"n": "first"}})
        yield client


@pytest.mark.parametrize("prefix", ["", "sha256:"])
async def test_a_document_is_named_by_its_id(client: httpx.AsyncClient, prefix: str) -> None:
    parameters = {"documentId": prefix + identify(HELLO), "variables": '{"n": "you"}'}
    by_get = await client.get("/graphql", params=parameters)
    by_post = await client.post("/graphql", json={**parameters, "variables": {"n": "you"}})
    with_text = await client.post("/graphql", json={**parameters, "variables": {"n": "you"}, "query": HELLO})

    assert by_get.json() == by_post.json() == with_text.json() == {"data": {"hello": "hello you"}}


async def test_an_id_that_is_not_known_asks_for_the_text(client: httpx.AsyncClient) -> None:
    """A client sends the text then, and the id from then on."""
    document = "{ hello }"
    asked = {"documentId": identify(document)}
    before = await client.post("/graphql", json=asked)
    by_get = await client.get("/graphql", params=asked)
    await client.post("/graphql", json={**asked, "query": document})
    after = await client.post("/graphql", json=asked)

    assert (before.status_code, codes(before)) == (404, ["DOCUMENT_NOT_FOUND"])
    assert by_get.status_code == 404
    assert f"No document with the id '{asked['documentId']}'" in messages(before)[0]
    assert "Send its text once as `query`" in messages(before)[0]
    assert after.json() == {"data": {"hello": "hello world"}}


async def test_a_document_that_is_not_valid_is_not_known_afterwards(client: httpx.AsyncClient) -> None:
    document = "{ nothing }"
    await client.post("/graphql", json={"query": document})
    response = await client.post("/graphql", json={"documentId": identify(document)})

    assert codes(response) == ["DOCUMENT_NOT_FOUND"]


async def test_apollo_finds_its_own_convention(client: httpx.AsyncClient) -> None:
    """Automatic persisted queries: an unknown hash has an error of a fixed message, upon which the text is sent."""
    document = "{ hello }"
    asked = persisted(identify(document))
    parameters = {"extensions": json.dumps(asked["extensions"])}
    before = await client.get("/graphql", params=parameters)
    registered = await client.post("/graphql", json={"query": document, **asked})
    after = await client.get("/graphql", params=parameters)

    assert (before.status_code, messages(before)) == (200, ["PersistedQueryNotFound"])
    assert codes(before) == ["PERSISTED_QUERY_NOT_FOUND"]
    assert registered.json() == after.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": HELLO, "documentId": UNKNOWN_ID}, "`documentId` is"),
        (
            {"query": HELLO, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": UNKNOWN_ID}}},
            "sha256Hash` is",
        ),
        (
            {"documentId": identify(HELLO), "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "1"}}},
            "sha256Hash`",
        ),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": UNKNOWN_ID}}}, "version` must be 1, it is 2"),
        ({"documentId": 5}, "`documentId` must be a string or null, it is a number"),
        ({"query": "", "documentId": ""}, "has no `query`"),
    ],
)
async def test_an_id_that_is_wrong_is_told_so(client: httpx.AsyncClient, body: dict[str, Any], expected: str) -> None:
    response = await client.post("/graphql", json=body)

    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert expected in messages(response)[0]


async def test_a_mutation_by_its_id_is_not_taken_by_get(client: httpx.AsyncClient) -> None:
    """A link on a foreign page is a GET."""
    document = "mutation { add(number: 1) }"
    await client.post("/graphql", json={"query": document})
    response = await client.get("/graphql", params={"documentId": identify(document)})

    assert response.status_code == 405
    assert messages(response) == ["A mutation must be sent by POST, not by GET."]


SLOW, QUICK = (
    {"query": "query ($s: Boolean!) { slow @include(if: $s) hello }", "variables": {"s": flag}}
    for flag in (True, False)
)


async def test_a_kept_document_that_takes_too_long_is_stopped() -> None:
    running = Slow()
    app = build_app(running, request_timeout_seconds=0.2)
    async with open_client(app) as client:
        await client.post("/graphql", json=QUICK)
        response = await client.post("/graphql", json=SLOW)

    assert (response.status_code, codes(response)) == (504, ["TIMED_OUT"])
    assert running.cancelled.is_set()
    assert front_of(app).num_answered == 1


async def test_a_kept_document_ends_when_its_client_leaves() -> None:
    running, sent = Slow(), []
    app: Any = build_app(running)
    body = [{"type": "http.request", "body": json.dumps(SLOW).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        if body:
            return body.pop()
        await running.started.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b""}
    async with open_client(app) as client:
        await client.post("/graphql", json=QUICK)
        await asyncio.wait_for(app(scope, receive, send), timeout=60)

    assert running.cancelled.is_set()
    assert sent == []
    assert front_of(app).num_answered == 1


async def test_a_kept_document_finds_no_place_either() -> None:
    running = Slow()
    app = build_app(running, max_concurrent_documents=1)
    async with open_client(app) as client:
        await client.post("/graphql", json=QUICK)
        first = asyncio.create_task(client.post("/graphql", json=SLOW))
        await running.started.wait()
        waiting = [asyncio.create_task(client.post("/graphql", json=SLOW)) for _ in range(256)]
        await until_waiting(app, len(waiting))
        refused = await client.post("/graphql", json=QUICK)
        for task in (first, *waiting):
            task.cancel()
        await asyncio.gather(first, *waiting, return_exceptions=True)

    assert (refused.status_code, codes(refused)) == (503, ["BUSY"])
    assert int(refused.headers["retry-after"]) > 0, "how long depends on what the first document took"


async def test_a_body_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a new document too, which is passed on: a large body holds everybody while it is parsed."""
    bodies: list[str | bytes] = []

    def read(data: str | bytes) -> object:
        bodies.append(data)
        return read_json(data)

    monkeypatch.setattr(asking, "read_strict_json", read)
    app = build_app()
    async with open_client(app) as client:
        response = await client.post("/graphql", json={"query": HELLO, "variables": {"n": "you"}})

    assert response.text == '{"data":{"hello":"hello you"}}'
    assert front_of(app).num_answered == 0
    assert len(bodies) == 1


async def test_a_body_in_many_parts_is_put_together() -> None:
    app = build_app()
    content = json.dumps({"query": HELLO, "variables": {"n": "you"}}).encode()

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    async with open_client(app) as client:
        headers = {"content-type": "application/json"}
        answers = [await client.post("/graphql", content=parts(), headers=headers) for _ in range(2)]

    assert {answer.text for answer in answers} == {'{"data":{"hello":"hello you"}}'}
    assert front_of(app).num_answered == 1
