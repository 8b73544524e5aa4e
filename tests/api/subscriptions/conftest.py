"""A service on a real socket, over the tests' Neo4j."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from api.access.keys import KeyFile
from api.app import create_app
from api.settings import Settings
from graph.database.sessions import Database
from graph.feed.following import Feed
from tests.helpers.bundles import bundle, prediction
from tests.helpers.copies import import_once
from tests.helpers.serving_app import serving_app

SIX = bundle(
    predictors=[{"id": "ada", "name": "Ada"}],
    predictions=[prediction(f"P_{n}", predictor_id="ada") for n in range(6)],
)


@dataclass(frozen=True)
class Served:
    """A service, its address, and what it follows."""

    url: str
    database: Database
    feed: Feed

    async def until_followed(self, number: int) -> None:
        """Wait until there are as many subscribers."""
        async with asyncio.timeout(20):
            while self.feed.num_subscribers != number:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    """A service over a small graph, with few subscribers and short queues."""
    await import_once(database, SIX)
    settings = Settings(warm_up=False, scheduler=False, max_subscribers=3, subscriber_queue=5)
    app = create_app(settings, database)
    async with serving_app(app) as url:
        yield Served(url, database, app.state.service.feed)


@dataclass(frozen=True)
class Guarded:
    """A service that asks for keys, its keys, and what it follows."""

    url: str
    file: KeyFile
    feed: Feed
    database: Database


@pytest_asyncio.fixture
async def guarded(database: Database, tmp_path: Path) -> AsyncIterator[Guarded]:
    """A service over a small graph."""
    await import_once(database, SIX)
    file = tmp_path / "keys.json"
    settings = Settings(host="0.0.0.0", warm_up=False, scheduler=False, keys_file=file, allowed_hosts=("127.0.0.1",))
    app = create_app(settings, database)
    async with serving_app(app) as url:
        yield Guarded(url, KeyFile(file), app.state.service.feed, database)


async def until_followed(feed: Feed, number: int) -> None:
    """Wait until there are as many subscribers."""
    async with asyncio.timeout(20):
        while feed.num_subscribers != number:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
