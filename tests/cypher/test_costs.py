"""What a page costs, in the server's own count of store accesses: its size, not the degree of what it hangs on."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cypher import statement
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.page_keys import bounds, join
from graph.model.relations import INCOMING, OUTGOING, PREDICTOR_PREDICTIONS, RELATIONS, Relation
from graph.reading.following import Request
from graph.reading.predictions import PredictionFilter
from tests.helpers.database import empty

pytestmark = pytest.mark.statements

NUM_CHILDREN = 1_500
PAGE_ROWS = 21
# A row of a page takes some ten accesses: its index entry, its relationship, its node, its labels and properties.
MOST_HITS = 20 * PAGE_ROWS


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """A killer of many, and a predictor of as many."""
    ids = [f"P_{number:05d}" for number in range(NUM_CHILDREN)]
    await empty(migrated_database)
    await import_bundle(
        migrated_database,
        Bundle.model_validate(
            {
                "format": BUNDLE_FORMAT,
                "predictors": [{"id": "ada", "name": "Ada"}],
                "killers": [{"id": "TK_HUB", "title": "The lights go out", "stated_probability": 0.1}],
                "predictions": [
                    {
                        "id": key,
                        "title": key,
                        "predictor_id": "ada",
                        "stated_probability": 0.2 + 0.6 * number / NUM_CHILDREN,
                    }
                    for number, key in enumerate(ids)
                ],
                "influences": [
                    {"kind": "KILLS", "parent_id": "TK_HUB", "child_id": key, "p_if_true": 0.05, "p_if_false": 0.45}
                    for key in ids
                ],
            }
        ),
    )
    yield migrated_database
    await empty(migrated_database)


async def profile(database: Database, name: str, **parameters: Any) -> tuple[int, int]:
    """The rows of a statement, and its store accesses."""
    async with database.open_session() as session:
        result = await session.run("PROFILE " + statement(name), parameters)
        num_rows = len([record async for record in result])
        summary = await result.consume()
    assert summary.profile is not None
    return num_rows, sum(_hits(summary.profile))


def _hits(plan: Any) -> Iterator[int]:
    yield plan.get("dbHits", 0)
    for child in plan.get("children", []):
        yield from _hits(child)


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


@pytest.mark.parametrize("anchor", ["none", "predictor", "status"])
@pytest.mark.parametrize("name", ["list_predictions_by_deadline", "list_predictions_by_probability_descending"])
async def test_a_page_of_the_list_costs_by_its_rows(hub: Database, name: str, anchor: str) -> None:
    """Each anchor has an index in each order, and the others are not walked."""
    low, high = bounds({"none": None, "predictor": "ada", "status": "OPEN"}[anchor])
    num_rows, hits = await profile(
        hub,
        f"reading/{name}",
        anchor=anchor,
        low=low,
        high=high,
        filter=PredictionFilter().parameters(),
        properties=["id", "title"],
        limit=PAGE_ROWS,
    )

    assert num_rows == PAGE_ROWS
    assert hits < MOST_HITS
