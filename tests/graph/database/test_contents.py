"""The graph as it is explained is the graph as it is stored."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from graph.database.contents import get_contents
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.ledger.derived import refresh_posteriors
from graph.model.catalogue import INTERNAL_LABELS, Property, is_internal, list_node_types, list_relationship_types
from graph.network.engine import Engine
from graph.network.propagation import propagate_all
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.small_graph import small_graph

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

_YIELDED = "propertyName AS property, propertyTypes AS types"
PROPERTIES = {
    "node": f"CALL db.schema.nodeTypeProperties() YIELD nodeLabels AS names, {_YIELDED}",
    "relationship": f"CALL db.schema.relTypeProperties() YIELD relType AS names, {_YIELDED}",
}
INDEXES = """SHOW INDEXES YIELD type, entityType, labelsOrTypes, properties, owningConstraint
WHERE type <> 'LOOKUP' RETURN *"""


async def ask(database: Database, text: str) -> list[dict[str, Any]]:
    """The rows of a statement that is the test's own."""
    async with database.open_session() as session:
        return await (await session.run(text)).data()


OLD_NAMES = {"String": "STRING", "Long": "INTEGER", "Double": "FLOAT", "Boolean": "BOOLEAN", "Date": "DATE"}
OLD_NAMES |= {"DateTime": "ZONED DATETIME"}
OLD_NAMES |= {"StringArray": "LIST<STRING NOT NULL>", "DoubleArray": "LIST<FLOAT NOT NULL>"}
"""The names of types in 5.26."""


def stored_types(row: Mapping[str, Any]) -> Iterator[str]:
    for kind in row["types"]:
        yield OLD_NAMES.get(kind, kind.removesuffix(" NOT NULL"))


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """A graph with a row of every list, with beliefs and marginals."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    await refresh_posteriors(migrated_database, datetime(2026, 6, 1, tzinfo=UTC))
    engine = Engine()
    await propagate_all(migrated_database, engine, Method.LBP)
    engine.close()
    yield migrated_database
    await empty(migrated_database)


@pytest.mark.every_release
@pytest.mark.parametrize("entity", ["node", "relationship"])
async def test_every_stored_property_is_explained_with_its_type(graph: Database, entity: str) -> None:
    """Or is internal, as are all those of internal labels."""
    explained: dict[tuple[str, str], Property] = {}
    for label in list_node_types():
        explained |= {(label.label, found.name): found for found in label.properties}
    for relationship in list_relationship_types():
        explained |= {(relationship.type, found.name): found for found in relationship.properties}
    num_seen = 0
    for row in await ask(graph, PROPERTIES[entity]):
        names = row["names"] if entity == "node" else [row["names"].strip(":`")]
        if row["property"] is None or is_internal(row["property"]) or INTERNAL_LABELS & set(names):
            continue
        for name in names:
            if (name, row["property"]) in explained:
                assert set(stored_types(row)) == {explained[name, row["property"]].type}, (row, name)
                num_seen += 1
            else:
                assert name == "Claim", row  # a property of predictions alone
    assert num_seen > (60 if entity == "node" else 10)


async def test_counts_are_those_of_the_graph(graph: Database) -> None:
    """For each label and type by counting; an internal label is counted too."""
    contents = await graph.read(get_contents)

    for kind in list_node_types():
        (row,) = await ask(graph, f"MATCH (n:{kind.label}) RETURN count(n) AS number")
        assert contents.num_nodes.get(kind.label, 0) == row["number"], kind.label
    for relationship in list_relationship_types():
        (row,) = await ask(graph, f"MATCH ()-[r:{relationship.type}]->() RETURN count(r) AS number")
        assert contents.num_relationships.get(relationship.type, 0) == row["number"], relationship.type
    assert contents.num_nodes["Claim"] > 3


async def test_indexes_are_those_of_the_database(graph: Database) -> None:
    """As the server lists them; the statistics of 5.26 know of no full-text index."""
    contents = await graph.read(get_contents)
    listed = await ask(graph, INDEXES)

    found = sorted(
        (index.kind, sorted(index.labels or index.types), list(index.properties), index.is_unique)
        for index in contents.indexes
    )
    expected = sorted(
        (row["type"], sorted(row["labelsOrTypes"]), row["properties"], row["owningConstraint"] is not None)
        for row in listed
    )
    assert [index for index in found if index[0] != "FULLTEXT"] == [row for row in expected if row[0] != "FULLTEXT"]
    assert all(index in expected for index in found)
