"""What security scanners try on a GraphQL service, with the settings of one that strangers may call."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from api.documents import identify
from api.settings import Settings
from tests.helpers.service_fakes import Slow, codes, messages, open_client

PRODUCTION = {"graphiql": False, "introspection": False, "get_needs_header": True}
NAME = "query cop { __typename }"
DEEP = "name"
for _ in range(5):
    DEEP = f"fields {{ type {{ {DEEP} }} }}"
CIRCLE = "query cop { ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
SAFE_HEADERS = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name", "x-api-key")

pytestmark = pytest.mark.one_release


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with the whole schema and no database, which none of this reaches."""
    app = create_app(Settings(**cast("Any", PRODUCTION), response_cache_bytes=0), cast("Any", Slow()))
    async with open_client(app) as client:
        yield client


async def ask(client: httpx.AsyncClient, query: str) -> httpx.Response:
    """The response to a document, which the tests' name for an operation may run."""
    return await client.post("/graphql", json={"query": query, "operationName": "cop"})


async def test_an_honest_question_is_answered(client: httpx.AsyncClient) -> None:
    """Else all that follows would pass on a service that answers nothing."""
    assert (await ask(client, NAME)).json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("query cop { " + " ".join(f"a{n}: __typename" for n in range(101)) + " }", "TOO_MANY_ALIASES"),
        ("query cop { " + "__typename " * 3_000 + " }", "TOO_LARGE"),
        (f"query cop {{ __schema {{ types {{ {DEEP} }} }} }}", "BAD_REQUEST"),
        ("query cop { __schema { types { name } } }", "BAD_REQUEST"),
        ('query cop { __type(name: "Query") { name } }', "BAD_REQUEST"),
        (CIRCLE, "BAD_REQUEST"),
        ("qwerty cop { abc }", "BAD_REQUEST"),
    ],
    ids=["aliases", "duplicates", "circular introspection", "introspection", "a type", "circle", "no document"],
)
async def test_a_hostile_document_is_refused(client: httpx.AsyncClient, query: str, code: str) -> None:
    """Before anything runs, without a trace of the code that refuses it."""
    response = await ask(client, query)

    assert "data" not in response.json()
    assert set(codes(response)) == {code}
    assert not {"exception", "stacktrace", "tracing"} & set(response.json()["errors"][0]["extensions"])


async def test_repeated_directives_are_told_briefly(client: httpx.AsyncClient) -> None:
    """Ten errors about ten directives would let the response grow with the document."""
    response = await ask(client, "query cop { __typename " + "@aa" * 10 + " }")

    assert "data" not in response.json()
    assert len(response.json()["errors"]) <= 5


@pytest.mark.parametrize("query", ["query cop { predictoin { key } }", "query cop { __schema { directive } }"])
async def test_no_name_is_suggested(client: httpx.AsyncClient, query: str) -> None:
    """A list of guesses would otherwise rebuild the schema."""
    response = await ask(client, query)

    assert "data" not in response.json()
    assert not any("Did you mean" in message for message in messages(response))


async def test_a_batch_is_refused(client: httpx.AsyncClient) -> None:
    """It would pass by the limits on a document."""
    response = await client.post("/graphql", json=[{"query": NAME}] * 10)

    assert (response.status_code, len(response.json()["errors"])) == (400, 1)


async def test_no_page_is_shown(client: httpx.AsyncClient) -> None:
    """As a browser asks for it."""
    response = await client.get("/graphql", headers={"accept": "text/html"})

    assert response.status_code == 400
    assert "graphiql" not in response.text.lower()


@pytest.mark.parametrize(
    "query", ["mutation cop { __typename }", 'mutation cop { deleteDomain(id: "x") { __typename } }']
)
@pytest.mark.parametrize("headers", [{}, {"graphql-require-preflight": "1"}])
async def test_a_get_writes_nothing(client: httpx.AsyncClient, query: str, headers: dict[str, str]) -> None:
    """Whatever its headers are."""
    response = await client.get("/graphql", params={"query": query}, headers=headers)

    assert response.status_code in {400, 405}
    assert "data" not in response.json()


async def test_a_form_is_refused(client: httpx.AsyncClient) -> None:
    """Pages of other origins can send one."""
    response = await client.post("/graphql", data={"query": NAME})

    assert response.status_code == 415


async def test_a_get_with_a_text_needs_a_header_that_other_origins_cannot_send_unasked(
    client: httpx.AsyncClient,
) -> None:
    """Kept or not; a document's id needs none."""
    for _ in range(2):
        bare = await client.get("/graphql", params={"query": NAME})
        assert (bare.status_code, "data" in bare.json()) == (400, False)
        assert "GraphQL-Require-Preflight" in messages(bare)[0]
        for name in SAFE_HEADERS:
            safe = await client.get("/graphql", params={"query": NAME}, headers={name: "1"})
            assert safe.status_code == (401 if name == "x-api-key" else 200)  # a key that is none
        typed = await client.get("/graphql", params={"query": NAME}, headers={"content-type": "application/json"})
        assert typed.status_code == 200
    named = await client.get("/graphql", params={"documentId": identify(NAME)})

    assert named.json() == {"data": {"__typename": "Query"}}
