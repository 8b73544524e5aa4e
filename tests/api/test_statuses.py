"""The HTTP status of what could not be answered now, which proxies and clients act on."""

import asyncio
from typing import Any, cast

import pytest
import strawberry

from api.app import create_app
from api.settings import Settings
from graph.errors import BusyError, NotFoundError, TimedOutError, UnavailableError
from resolvers.base.errors import Errors
from tests.helpers.service_fakes import Slow, codes, open_client

GRAPHQL_JSON = "application/graphql-response+json"


@strawberry.type
class Query:
    """Fields that fail in some way, and one that does not."""

    @strawberry.field
    def away(self) -> str | None:
        """The database is out of reach."""
        raise UnavailableError("the database is unavailable now")

    @strawberry.field
    def busy(self) -> str:
        """Too much is under way."""
        raise BusyError("too much is under way")

    @strawberry.field
    def late(self) -> str | None:
        """A statement ran too long."""
        raise TimedOutError("a statement ran too long")

    @strawberry.field
    def absent(self) -> str | None:
        """Nothing has the id."""
        raise NotFoundError("no claim has the id 'x'", path="id")

    @strawberry.field
    async def hello(self) -> str:
        """Answers."""
        await asyncio.sleep(0)
        return "hello"

    @strawberry.field
    def nothing(self) -> str | None:
        """Is null."""
        return None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("away", 503),
        ("busy", 503),
        ("late", 504),
        ("away busy", 503),
        ("away late", 503),
        ("away nothing", 503),
        ("away hello", 200),
        ("away absent", 200),
        ("absent", 200),
        ("hello", 200),
    ],
)
async def test_what_could_not_be_answered_now_has_a_status_that_proxies_understand(fields: str, status: int) -> None:
    """
    In GraphQL's own media type, without data; as JSON it is 200, as all that was executed is.

    It is the same on the short way of a kept document; whatever else is shown or refused is 200.
    """
    schema = strawberry.Schema(Query, extensions=[Errors])
    app = create_app(Settings(response_cache_bytes=0), cast("Any", Slow()), schema=schema)
    query = {"query": f"{{ {fields} }}"}
    async with open_client(app) as client:
        for _ in range(3):
            own = await client.post("/graphql", json=query, headers={"accept": GRAPHQL_JSON})
            plain = await client.post("/graphql", json=query)

            assert (own.status_code, plain.status_code) == (status, 200)
            assert own.headers["content-type"].startswith(GRAPHQL_JSON)
            assert own.json() == plain.json()
            assert ("data" in own.json()) == (status == 200)
            assert ("retry-after" in own.headers) == (status == 503)
            if status != 200:
                assert set(codes(own)) <= {"UNAVAILABLE", "BUSY", "TIMED_OUT"}
