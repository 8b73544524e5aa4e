"""A small schema, a context without a database, and a client without a network."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NewType, cast

import httpx
import strawberry
from starlette.types import ASGIApp
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from api.app import create_app
from api.limits import Limits, list_extensions
from api.settings import Settings
from graph.database.sessions import Database

LIMITS = Limits(
    max_depth=8, max_aliases=10, max_fields=300, max_tokens=1000, max_items=50, max_rows=1000, max_points=1000
)


class Slow:
    """Something that runs until it is told to stop, and says how it ended."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def run(self) -> str:
        """Waits for ever."""
        self.started.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "never"


def _read_even(value: object) -> int:
    if not isinstance(value, int) or value % 2:
        raise ValueError(f"expected an even number, got {value!r}")
    return value


Even = NewType("Even", int)


@strawberry.type
class Query:
    """What the tests ask."""

    @strawberry.field
    def half(self, number: Even) -> int:
        """Takes a checked value."""
        return number // 2

    @strawberry.field
    def hello(self, name: str = "world") -> str:
        """Says hello."""
        return f"hello {name}"

    @strawberry.field
    def request_id(self, info: Info[Any, None]) -> str:
        """The id that the context was given."""
        return str(info.context.request_id)

    @strawberry.field
    async def slow(self, info: Info[Any, None]) -> str:
        """Runs until it is cancelled."""
        return await cast("Slow", info.context.database).run()

    @strawberry.field
    def broken(self) -> str:
        """Fails as only a fault of ours would."""
        raise RuntimeError("the secret word is xyzzy")

    @strawberry.field
    def required(self) -> int:
        """Fails where null is not allowed."""
        raise ValueError("the secret word is plugh")


@strawberry.type
class Mutation:
    """What the tests write."""

    @strawberry.mutation
    def add(self, number: int) -> int:
        """One more."""
        return number + 1


def build_schema(*, introspection: bool = True) -> strawberry.Schema:
    """The tests' schema, within the tests' limits."""
    chosen = list_extensions(LIMITS, introspection=introspection)
    scalars: dict[object, Any] = {Even: strawberry.scalar(name="Even", serialize=int, parse_value=_read_even)}
    config = StrawberryConfig(scalar_map=scalars)
    return strawberry.Schema(Query, Mutation, extensions=chosen, config=config)


def build_app(database: object = None, **settings: Any) -> ASGIApp:
    """The application around the tests' schema; whatever is given stands where the database would, but for versions."""
    return create_app(
        Settings(**{"response_cache_bytes": 0, **settings}),
        cast("Database", database if database is not None else Slow()),
        schema=build_schema(introspection=settings.get("introspection", True)),
    )


@asynccontextmanager
async def open_client(app: ASGIApp, *, base_url: str = "http://localhost:8000") -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the application directly."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        yield client


async def until_waiting(app: Any, num: int) -> None:
    """Wait until so many documents wait for a place."""
    async with asyncio.timeout(60):
        while app.state.admissions.counts()["queries"]["waiting"] < num:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


def messages(response: httpx.Response) -> list[str]:
    """The messages of a response's errors."""
    return [error["message"] for error in response.json()["errors"]]


def codes(response: httpx.Response) -> list[str]:
    """The codes of a response's errors."""
    return [error["extensions"]["code"] for error in response.json()["errors"]]
