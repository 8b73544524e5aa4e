"""A graph to read, and what runs statements on it."""

from collections.abc import AsyncIterator

import pytest

from graph.adhoc.limits import AdhocLimits
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.small_graph import small_graph


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> Database:
    """A small graph, which nothing here may change."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    return migrated_database


@pytest.fixture(scope="module")
async def adhoc(graph: Database, database_address: DatabaseAddress) -> AsyncIterator[Adhoc]:
    """What runs statements, several at a time."""
    async with Adhoc(database_address, AdhocLimits(default_seconds=10.0, at_once_per_caller=4)) as running:
        yield running
