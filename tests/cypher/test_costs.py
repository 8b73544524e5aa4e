"""What a page costs, in the server's own count of store accesses: its size, not the degree of what it hangs on."""

from collections.abc import AsyncIterator

import pytest

from graph.database.sessions import Database
from graph.model.page_keys import join
from graph.model.relations import INCOMING, OUTGOING, PREDICTOR_PREDICTIONS, RELATIONS, Relation
from graph.reading.following import Request
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.profiling import hub_bundle, profile

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

PAGE_ROWS = 21
# A row of a page takes some ten accesses: its index entry, its relationship, its node, its labels and properties.
MOST_HITS = 20 * PAGE_ROWS


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """A killer of many, and a predictor of as many."""
    await empty(migrated_database)
    await import_once(migrated_database, hub_bundle())
    yield migrated_database
    await empty(migrated_database)


async def follow(
    database: Database,
    relation: Relation,
    source: str,
    *,
    kinds: tuple[str, ...] = ("KILLS",),
    after: str | None = None,
) -> tuple[int, int]:
    request = Request(relation, source, PAGE_ROWS, after, ("id", "title"), relation.properties, {"kinds": list(kinds)})
    return await profile(
        database,
        relation.statement,
        requests={found.name: [request.parameters(0)] if found == relation else [] for found in RELATIONS},
        limits={found.name: PAGE_ROWS for found in RELATIONS},
    )


async def test_a_page_of_a_hubs_children_costs_by_its_rows(hub: Database) -> None:
    """The first page and one far behind are read from the same index."""
    for after in (None, join("TK_HUB", "0.9")):
        num_rows, hits = await follow(hub, OUTGOING, "TK_HUB", after=after)
        assert num_rows == PAGE_ROWS
        assert hits < MOST_HITS


async def test_kinds_that_are_not_asked_for_cost_nothing(hub: Database) -> None:
    """A branch that is switched off is not walked."""
    num_rows, hits = await follow(hub, OUTGOING, "TK_HUB", kinds=("PREREQUISITE_OF",))

    assert num_rows == 0
    assert hits < PAGE_ROWS


async def test_a_childs_parents_cost_nothing_of_the_hubs_degree(hub: Database) -> None:
    """The other end of a hub is an ordinary claim."""
    num_rows, hits = await follow(hub, INCOMING, "P_00007")

    assert num_rows == 1
    assert hits < 2 * PAGE_ROWS


async def test_a_page_of_a_predictors_predictions_costs_by_its_rows(hub: Database) -> None:
    """Whoever predicts much is read as fast as whoever predicts little."""
    num_rows, hits = await follow(hub, PREDICTOR_PREDICTIONS, "ada")

    assert num_rows == PAGE_ROWS
    assert hits < MOST_HITS
