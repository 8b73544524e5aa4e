"""The small graph, read by all tests of this folder that do not write."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from graph.database.sessions import Database
from graph.ledger.derived import refresh_posteriors
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.small_graph import small_graph

AS_OF = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
"""Lists by probability go by posteriors of this moment."""


@pytest.fixture(scope="module")
async def small(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with the small graph in it."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    await refresh_posteriors(migrated_database, AS_OF)
    yield migrated_database
    await empty(migrated_database)
