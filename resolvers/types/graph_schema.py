"""The graph's schema, explained to those who write Cypher."""

from dataclasses import asdict
from typing import Any

from graph.database.contents import Contents, Index
from graph.model.catalogue import (
    INTERNAL_LABELS,
    Property,
    draw_mermaid,
    is_internal,
    list_node_types,
    list_relationship_types,
)
from resolvers.base.described import object_type
from resolvers.base.enums import PropertyOrigin
from resolvers.base.fields import prop, shown


@object_type
class GraphProperty:
    """A property of a label or of a relationship type."""

    name: str = prop("The name, as in Cypher.")
    type: str = prop("The Cypher type of its values, such as `ZONED DATETIME`.")
    description: str = prop("Its meaning, with the unit.")
    origin: PropertyOrigin = prop("Where its value comes from.")
    is_key: bool = prop("Whether it identifies the node, together with the label's other keys.")
    is_json: bool = prop("Whether it is a text that holds JSON.")
    is_indexed: bool = prop("Whether an index finds nodes or relationships by it, alone or as the first of several.")


@object_type
class GraphNodeType:
    """A label, with the properties that its nodes may have."""

    label: str = prop("The label, as in `MATCH (node:Label)`.")
    other_labels: list[str] = prop("Labels that its nodes have besides.")
    description: str = prop("The meaning of the nodes.")
    node_count: int = prop("Number of nodes with the label.")
    properties: list[GraphProperty] = prop("The properties that its nodes may have.")


@object_type
class GraphEnds:
    """The labels that a relationship joins; `Claim` stands for claims of any kind."""

    start: str = prop("Label of the node at which it starts.")
    end: str = prop("Label of the node at which it ends.")


@object_type
class GraphRelationshipType:
    """A type of relationships, with its direction and properties."""

    type: str = prop("The type, as in `MATCH ()-[link:TYPE]->()`.")
    ends: list[GraphEnds] = prop("The pairs of labels that it joins.")
    description: str = prop("The meaning of a relationship, from its start to its end.")
    relationship_count: int = prop("Number of relationships of the type.")
    properties: list[GraphProperty] = prop("The properties that they may have.")


@object_type
class GraphIndex:
    """An index of the database."""

    kind: str = prop("The kind of index, such as RANGE or FULLTEXT.")
    labels: list[str] = prop("Labels of the nodes that it covers.")
    relationship_types: list[str] = prop("Types of the relationships that it covers.")
    properties: list[str] = prop("The properties by which it finds them.")
    is_unique: bool = prop("Whether no two nodes have the same values of these properties.")
    is_internal: bool = prop("Whether it serves lists and search alone, and may change with any version.")


@object_type
class GraphSchema:
    """The labels, relationship types, properties and indexes of the graph, as Cypher sees them."""

    node_types: list[GraphNodeType] = prop("The labels that statements may build on, that of all claims first.")
    relationship_types: list[GraphRelationshipType] = prop("The types of relationships.")
    indexes: list[GraphIndex] = prop(
        "The indexes of the database, by its own statistics; those of Neo4j 5.26 know of no full-text index."
    )
    internal_labels: list[str] = prop(
        "Labels that the service keeps for itself. Properties that end in `_key` (but for `idempotency_key`) or begin "
        "with `search_` are internal as well: they may change with any version."
    )
    mermaid: str = prop("Labels and relationship types as the text of a Mermaid diagram.")


def explain(contents: Contents) -> GraphSchema:
    """Explain the graph's declarations, with the counts and indexes of a database."""
    indexed = {(name, index.properties[0]) for index in contents.indexes for name in (*index.labels, *index.types)}
    explained = {
        "node_types": [
            asdict(kind)
            | {"node_count": contents.num_nodes.get(kind.label, 0)}
            | {"properties": _explain_properties(kind.properties, (kind.label, *kind.other_labels), indexed)}
            for kind in list_node_types()
        ],
        "relationship_types": [
            asdict(kind)
            | {"relationship_count": contents.num_relationships.get(kind.type, 0)}
            | {"properties": _explain_properties(kind.properties, (kind.type,), indexed)}
            for kind in list_relationship_types()
        ],
        "indexes": [_explain_index(index) for index in contents.indexes],
        "internal_labels": sorted(INTERNAL_LABELS),
        "mermaid": draw_mermaid(),
    }
    return shown(explained)


def _explain_properties(
    properties: tuple[Property, ...], names: tuple[str, ...], indexed: set[tuple[str, str]]
) -> list[dict[str, Any]]:
    return [
        asdict(found) | {"is_indexed": any((name, found.name) in indexed for name in names)} for found in properties
    ]


def _explain_index(index: Index) -> dict[str, Any]:
    serves_lists = any(map(is_internal, index.properties)) or not INTERNAL_LABELS.isdisjoint(index.labels)
    return asdict(index) | {"relationship_types": index.types, "is_internal": serves_lists}
