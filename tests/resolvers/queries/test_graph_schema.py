"""The query of the graph's schema."""

import pytest

from graph.database.sessions import Database
from graph.model.catalogue import draw_mermaid
from tests.helpers.asking import ask
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter
from tests.helpers.small_graph import small_graph

pytestmark = pytest.mark.statements

QUERY = """{ graphSchema {
    nodeTypes { label otherLabels description nodeCount
        properties { name type description origin isKey isJson isIndexed } }
    relationshipTypes { type description relationshipCount ends { start end } properties { name } }
    indexes { kind labels relationshipTypes properties isUnique isInternal } internalLabels mermaid } }"""


async def test_the_graph_is_explained(database: Database, statements: StatementCounter) -> None:
    """In one statement, whose cost is the same for any graph."""
    await import_once(database, small_graph())
    statements.reset()

    found = (await ask(database, QUERY)).data["graphSchema"]

    assert statements.names == ["database/get_contents"]
    labels = {kind["label"]: kind for kind in found["nodeTypes"]}
    assert labels["Killer"]["otherLabels"] == ["Claim"]
    assert labels["Claim"]["nodeCount"] == sum(
        labels[name]["nodeCount"] for name in ("Prediction", "Scenario", "Killer")
    )
    properties = {given["name"]: given for given in labels["Prediction"]["properties"]}
    assert properties["id"]["isKey"]
    assert properties["id"]["isIndexed"]
    assert properties["deadline"]["type"] == "ZONED DATETIME"
    assert properties["raw_metadata"]["isJson"]
    assert not properties["title"]["isIndexed"]
    assert (properties["posterior"]["origin"], properties["title"]["origin"]) == ("DERIVED", "GIVEN")
    (kills,) = [kind for kind in found["relationshipTypes"] if kind["type"] == "KILLS"]
    assert kills["ends"] == [{"start": "Claim", "end": "Claim"}]
    assert kills["relationshipCount"] > 0
    assert {"p_if_true", "p_if_false"} <= {given["name"] for given in kills["properties"]}
    assert found["mermaid"] == draw_mermaid()
    assert "Receipt" in found["internalLabels"]
    unique = [index for index in found["indexes"] if index["labels"] == ["Claim"] and index["properties"] == ["id"]]
    assert unique == [
        {
            "kind": "RANGE",
            "labels": ["Claim"],
            "relationshipTypes": [],
            "properties": ["id"],
            "isUnique": True,
            "isInternal": False,
        }
    ]
