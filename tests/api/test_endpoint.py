"""What the endpoint takes for a GraphQL request, and what it answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
import strawberry
from starlette.requests import Request

from api.admission import Admissions
from api.endpoint import GraphQLEndpoint
from resolvers.base.context import Context
from tests.helpers.service_fakes import Slow, build_app, build_schema, codes, messages, open_client

JSON = {"content-type": "application/json"}


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application."""
    async with open_client(build_app()) as client:
        yield client


async def test_a_query_is_answered_by_post(client: httpx.AsyncClient) -> None:
    body = {"query": "query Q($n: String!) { hello(name: $n) }", "variables": {"n": "Zoë"}, "operationName": "Q"}

    response = await client.post("/graphql", json=body)

    assert response.status_code == 200
    assert response.json() == {"data": {"hello": "hello Zoë"}}
    assert response.headers["content-type"] == "application/json"


async def test_a_query_is_answered_by_get(client: httpx.AsyncClient) -> None:
    parameters = {"query": "query Q($n: String!) { hello(name: $n) }", "variables": '{"n": "you"}'}

    response = await client.get("/graphql", params=parameters)

    assert response.json() == {"data": {"hello": "hello you"}}


async def test_a_mutation_is_taken_by_json_post(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "mutation { add(number: 1) }"})

    assert response.json() == {"data": {"add": 2}}


async def test_a_mutation_by_get_is_refused(client: httpx.AsyncClient) -> None:
    """A link on a foreign page is a GET."""
    response = await client.get("/graphql", params={"query": "mutation { add(number: 1) }"})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert messages(response) == ["A mutation must be sent by POST, not by GET."]


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonp",
        "application/graphql",
        "",
    ],
)
async def test_what_a_foreign_page_could_post_unasked_is_refused(client: httpx.AsyncClient, media_type: str) -> None:
    """A browser sends only these types across origins without a preflight, which is never granted."""
    content = json.dumps({"query": "mutation { add(number: 1) }"})

    response = await client.post("/graphql", content=content, headers={"content-type": media_type})

    assert response.status_code == 415
    assert "must have the content type application/json" in messages(response)[0]


async def test_a_charset_beside_the_content_type_is_fine(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}

    response = await client.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)

    assert response.json() == {"data": {"hello": "hello world"}}


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", content=b"x", headers={**JSON, "content-encoding": "gzip"})

    assert response.status_code == 415
    assert "compressed" in messages(response)[0]


async def test_a_preflight_is_granted_to_nobody(client: httpx.AsyncClient) -> None:
    headers = {"origin": "https://foreign.example", "access-control-request-method": "POST"}

    response = await client.options("/graphql", headers=headers)

    assert response.status_code == 405
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql", headers=JSON, content=b"{}")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert codes(response) == ["METHOD_NOT_ALLOWED"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"", "not JSON: Expecting value at line 1, column 1"),
        (b"\xff", "not UTF-8 text: byte 0"),
        ('{"query": "{ hello }"}'.encode("utf-16-le"), "not "),
        (b"[" * 100_000, "nested too deep"),
        (b'{"query": "{ hello }", "variables": {"n": NaN}}', "NaN is not JSON at variables.n, line 1, column 43."),
        (
            b'{"query": "{ hello }", "variables": {"n": [1, 1e999]}}',
            "1e999 is beyond the range of a float at variables.n[1]",
        ),
        (
            b'{"query": "{ hello }", "variables": {"b": {"l": [], "l": [1]}}}',
            'the key "l" comes twice at variables.b.l',
        ),
        (b'{"query": "{ hello }", "query": "{ bye }"}', 'the key "query" comes twice at query, line 1, column 24.'),
        (
            b'\xef\xbb\xbf{"query": "{ hello }"}',
            "a byte order mark (U+FEFF), which JSON does not have, at line 1, column 1",
        ),
        (b'{"query": "{ hello }", "variables": {"n": ' + b"9" * 5000 + b"}}", "number that is not allowed"),
        (b'{"query": "{ hello }", "variables": {"n": "\\uD800"}}', "half of a surrogate pair"),
        (b"5", "must be a JSON object, it is a number"),
        (b'"x"', "must be a JSON object, it is a string"),
        (b"null", "must be a JSON object, it is null"),
        (b'[{"query": "{ hello }"}]', "must be a JSON object, it is an array"),
        (b"{}", "has no `query`"),
        (b'{"query": null}', "has no `query`"),
        (b'{"query": " "}', "has no `query`"),
        (b'{"query": 5}', "`query` must be a string or null, it is a number"),
        (b'{"query": "{ hello }", "variables": []}', "`variables` must be an object or null, it is an array"),
        (b'{"query": "{ hello }", "variables": "{}"}', "`variables` must be an object or null, it is a string"),
        (b'{"query": "{ hello }", "operationName": 1}', "`operationName` must be a string or null, it is a number"),
        (b'{"query": "{ hello }", "extensions": true}', "`extensions` must be an object or null, it is a boolean"),
        (b'{"query": "{ hello }", "operationName": "X"}', 'Unknown operation named "X"'),
        (b'{"query": "fragment F on Query { hello }"}', "Can't get GraphQL operation type"),
    ],
)
async def test_a_malformed_request_is_told_what_is_wrong(
    client: httpx.AsyncClient, content: bytes, expected: str
) -> None:
    response = await client.post("/graphql", content=content, headers=JSON)

    assert response.status_code == 400
    assert expected in messages(response)[0]
    assert codes(response) == ["BAD_REQUEST"]


async def test_a_whole_surrogate_pair_is_a_character(client: httpx.AsyncClient) -> None:
    content = b'{"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": "\\ud83d\\ude00"}}'

    response = await client.post("/graphql", content=content, headers=JSON)

    assert response.json() == {"data": {"hello": "hello \U0001f600"}}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, "has no `query`"),
        ({"query": "{ hello }", "variables": "["}, "not JSON"),
        ({"query": "{ hello }", "variables": "[]"}, "`variables` must be an object"),
    ],
)
async def test_a_malformed_get_is_told_what_is_wrong(
    client: httpx.AsyncClient, parameters: dict[str, str], expected: str
) -> None:
    response = await client.get("/graphql", params=parameters)

    assert response.status_code == 400
    assert expected in messages(response)[0]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ hello", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
        ("{ hello(name: 5) }", "String cannot represent a non string value: 5"),
        ("subscription { hello }", "subscription operation is not supported by the schema"),
    ],
)
async def test_a_document_that_is_not_valid_has_errors_and_no_data(
    client: httpx.AsyncClient, document: str, expected: str
) -> None:
    """By the GraphQL over HTTP draft: 200 in the old media type, 400 in its own."""
    old = await client.post("/graphql", json={"query": document})
    new = await client.post(
        "/graphql", json={"query": document}, headers={"accept": "application/graphql-response+json"}
    )

    assert expected in messages(old)[0]
    assert (old.status_code, new.status_code) == (200, 400)
    assert "data" not in new.json()
    assert new.headers["content-type"] == "application/graphql-response+json"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"query": "query ($n: Even!) { half(number: $n) }"},
            "of non-null type 'Even!' to be provided",
        ),
        ({"query": "query ($n: Even!) { half(number: $n) }", "variables": {"n": 3}}, "expected an even number, got 3"),
        ({"query": "query ($n: Even!) { half(number: $n) }", "variables": {"n": None}}, "not to be None"),
        (
            {"query": "query A { hello } query B { hello }"},
            "The document has 2 operations, so `operationName` must name one of them: ['A', 'B'].",
        ),
        ({"query": "mutation A { add(number: 1) } query B { hello }"}, "`operationName` must name one of them"),
        ({"query": "{ hello } query B { hello }"}, "`operationName` must name one of them: ['B']"),
    ],
)
async def test_what_is_not_executed_has_no_data(client: httpx.AsyncClient, body: dict[str, Any], expected: str) -> None:
    """A wrong variable or a missing name are as wrong as a document that is not valid; asked again, they still are."""
    for _ in range(3):
        old = await client.post("/graphql", json=body)
        new = await client.post("/graphql", json=body, headers={"accept": "application/graphql-response+json"})

        assert expected in messages(old)[0]
        assert "data" not in old.json()
        assert "data" not in new.json()
        assert (old.status_code, new.status_code) == (200, 400)


async def test_a_document_is_told_a_few_of_its_errors(client: httpx.AsyncClient) -> None:
    """Five of twenty, so that a refusal is never longer than an answer."""
    document = "{" + " ".join(f"nothing{number}" for number in range(20)) + "}"

    response = await client.post("/graphql", json={"query": document})

    assert messages(response) == [f"Cannot query field 'nothing{number}' on type 'Query'." for number in range(5)]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ helo }"},
        {"query": "{ hello(nam: 1) }"},
        {"query": "query ($n: Eve) { hello }"},
    ],
)
async def test_names_are_suggested_only_where_the_schema_may_be_seen(body: dict[str, Any]) -> None:
    """Without introspection a suggestion would tell the schema name by name."""
    for introspection in (True, False):
        app = build_app(introspection=introspection)
        async with open_client(app) as client:
            response = await client.post("/graphql", json=body)
        assert ("Did you mean" in response.text) == introspection


@pytest.mark.parametrize(("field", "word"), [("broken", "xyzzy"), ("required", "plugh")])
async def test_the_text_of_an_unexpected_exception_stays_inside(
    client: httpx.AsyncClient, field: str, word: str
) -> None:
    response = await client.post("/graphql", json={"query": f"{{ {field} }}"}, headers={"x-request-id": "r-1"})

    assert response.status_code == 200
    assert word not in response.text
    [error] = response.json()["errors"]
    assert error["path"] == [field]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "r-1"}


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ half(number: 3) }"},
        {"query": "query ($n: Even!) { half(number: $n) }", "variables": {"n": 3}},
    ],
)
async def test_what_a_checked_value_expected_is_told(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """A scalar refuses by an exception too, and that text is meant for the client."""
    response = await client.post("/graphql", json=body)

    assert "expected an even number, got 3" in messages(response)[0]


async def test_graphiql_can_be_switched_off() -> None:
    async with open_client(build_app(graphiql=False)) as client:
        response = await client.get("/graphql", headers={"accept": "text/html"})

    assert response.status_code == 400
    assert "has no `query`" in messages(response)[0]


async def test_a_query_too_deep_is_refused_with_its_code(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{" * 100})

    assert codes(response) == ["TOO_DEEP"]


class Recorder:
    """Stands in for a Context and remembers that it was closed."""

    def __init__(self, request: Request, request_id: str, database: Slow) -> None:
        self.request, self.request_id, self.database = request, request_id, database
        self.num_statements = 3
        self.num_closed = 0

    async def close(self) -> None:
        """Counts."""
        self.num_closed += 1


class Endpoint:
    """The endpoint alone, with recording contexts."""

    def __init__(self) -> None:
        self.slow = Slow()
        self.contexts: list[Recorder] = []
        open_context = cast("Callable[[Request, str], Context]", self.open_context)
        self.app = GraphQLEndpoint(build_schema(), open_context, graphiql=None, admissions=Admissions(16, 16))

    def open_context(self, request: Request, request_id: str) -> Recorder:
        """One more context."""
        self.contexts.append(Recorder(request, request_id, self.slow))
        return self.contexts[-1]


@pytest.mark.parametrize("document", ["{ hello }", "{ hello", "{ broken }", "mutation { add(number: 1) }"])
async def test_a_context_lives_as_long_as_its_document(document: str) -> None:
    endpoint = Endpoint()
    async with open_client(endpoint.app) as client:
        for _ in range(2):
            await client.post("/graphql", json={"query": document})

    assert [context.num_closed for context in endpoint.contexts] == [1, 1]
    assert endpoint.contexts[0] is not endpoint.contexts[1]


async def test_a_client_that_leaves_ends_its_document_and_closes_its_context() -> None:
    """Else whoever presses reload keeps the database busy with answers that nobody reads."""
    endpoint = Endpoint()
    body = json.dumps({"query": "{ slow }"}).encode()
    sent: list[Any] = []
    has_sent_body = False

    async def receive() -> dict[str, Any]:
        nonlocal has_sent_body
        if not has_sent_body:
            has_sent_body = True
            return {"type": "http.request", "body": body, "more_body": False}
        await endpoint.slow.started.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": [(b"content-type", b"application/json")]}
    await asyncio.wait_for(endpoint.app({**scope, "query_string": b""}, receive, send), timeout=60)

    assert endpoint.slow.cancelled.is_set()
    assert endpoint.contexts[0].num_closed == 1
    assert sent == []


async def test_a_cancelled_request_closes_its_context() -> None:
    endpoint = Endpoint()
    async with open_client(endpoint.app) as client:
        request = asyncio.create_task(client.post("/graphql", json={"query": "{ slow }"}))
        await endpoint.slow.started.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request

    assert endpoint.slow.cancelled.is_set()
    assert endpoint.contexts[0].num_closed == 1


async def test_not_a_number_is_never_an_answer() -> None:
    """JSON has no NaN; a client would fail at it far from its cause."""

    @strawberry.type
    class Numbers:
        @strawberry.field
        def value(self) -> strawberry.scalars.JSON:
            return strawberry.scalars.JSON({"p": float("nan")})

    endpoint = Endpoint()
    endpoint.app.schema = strawberry.Schema(Numbers)
    async with open_client(endpoint.app) as client:
        with pytest.raises(ValueError, match="not JSON compliant"):
            await client.post("/graphql", json={"query": "{ value }"})
