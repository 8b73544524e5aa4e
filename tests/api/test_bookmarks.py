"""A client that shows the bookmark of its write reads at least that write, on whatever server it asks."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from graph.database.sessions import Database
from tests.helpers.service_fakes import codes, messages, open_client

pytestmark = pytest.mark.statements

WRITE = 'mutation { upsertDomain(input: {id: "chips", name: "Chips"}) { ... on Written { bookmark } } }'
READ = '{ domain(id: "chips") { name } }'


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole service on an empty graph."""
    async with open_client(create_app(Settings(), database)) as client:
        yield client


async def post(client: httpx.AsyncClient, document: str, bookmark: str | None = None) -> httpx.Response:
    """Ask, with a bookmark or without."""
    headers = {} if bookmark is None else {"Foregraph-Bookmark": bookmark}
    return await client.post("/graphql", json={"query": document}, headers=headers)


async def test_a_client_reads_its_own_write(client: httpx.AsyncClient) -> None:
    written: Any = (await post(client, WRITE)).json()["data"]["upsertDomain"]
    read = await post(client, READ, written["bookmark"])

    assert written["bookmark"]
    assert read.json() == {"data": {"domain": {"name": "Chips"}}}


@pytest.mark.parametrize("bookmark", ["", "no bookmark", "a\tb", "x" * 2001, "'; DROP"])
async def test_a_bookmark_that_is_none_is_told_so(client: httpx.AsyncClient, bookmark: str) -> None:
    """Nothing is asked of the database with it."""
    response = await post(client, READ, bookmark)

    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert "Foregraph-Bookmark is wrong: expected a bookmark as a mutation returned it, got" in messages(response)[0]


@pytest.mark.parametrize("bookmark", ["FB:abc", "FB:kcwQAAAA", "neo4j:bookmark:v1:tx1"])
async def test_a_bookmark_that_the_database_does_not_know_is_told_so(client: httpx.AsyncClient, bookmark: str) -> None:
    """It looks like one, and only the database can tell."""
    response = await post(client, READ, bookmark)

    assert codes(response) == ["INVALID"]
    assert "bookmark" in messages(response)[0]
