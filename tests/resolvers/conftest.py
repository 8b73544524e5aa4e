"""The small graph, read by all tests of this folder that do not write."""

from collections.abc import AsyncIterator

import pytest

from graph.bundles import import_bundle
from graph.sessions import Database
from tests.conftest import empty
from tests.resolvers.small_graph import small_graph


@pytest.fixture(scope="module")
async def small(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with the small graph in it."""
    await empty(migrated_database)
    await import_bundle(migrated_database, small_graph())
    yield migrated_database
    await empty(migrated_database)
