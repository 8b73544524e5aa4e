"""A service on a real socket, over the tests' Neo4j."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from api.app import create_app
from api.settings import Settings
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.feed.following import Feed
from tests.helpers.bundles import bundle, prediction
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
    await import_bundle(database, SIX)
    settings = Settings(warm_up=False, scheduler=False, max_subscribers=3, subscriber_queue=5)
    app = create_app(settings, database)
    async with serving_app(app) as url:
        yield Served(url, database, app.state.service.feed)
