"""Graphs that tests begin with, copied."""

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import verify
from graph.model.rows import Domain
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.graph_dump import everything
from tests.helpers.small_graph import small_graph

pytestmark = [pytest.mark.statements, pytest.mark.one_release]


async def test_a_copy_is_what_the_import_left(database: Database) -> None:
    """Node by node and edge by edge; what is derived accounts for itself, and an import finds nothing to change."""
    given = small_graph()
    given = given.model_copy(update={"domains": [*given.domains, Domain(id="copied")]})  # which no other test imports
    await import_once(database, given)
    imported = await everything(database)
    await empty(database)

    await import_once(database, given)

    assert await everything(database) == imported
    assert [difference async for difference in verify(database)] == []
    assert (await import_bundle(database, given)).num_changed() == 0
