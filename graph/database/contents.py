"""The contents of the database by its own statistics: counts by label and type, and its indexes."""

from collections.abc import Mapping
from dataclasses import dataclass

from graph.database.sessions import Unit


@dataclass(frozen=True, slots=True)
class Index:
    """
    An index.

    Attributes:
        kind: Its kind, such as RANGE or FULLTEXT.
        labels: The labels of the nodes that it covers.
        types: The types of the relationships that it covers.
        properties: The properties by which it finds them.
        is_unique: Whether no two nodes, or relationships, have the same values.
    """

    kind: str
    labels: tuple[str, ...]
    types: tuple[str, ...]
    properties: tuple[str, ...]
    is_unique: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """
    Contents of a database.

    Attributes:
        num_nodes: The number of nodes by label.
        num_relationships: The number of relationships by type.
        indexes: All indexes but those of labels and types alone.
    """

    num_nodes: Mapping[str, int]
    num_relationships: Mapping[str, int]
    indexes: tuple[Index, ...]


async def get_contents(unit: Unit) -> Contents:
    """Read the database's statistics, at the same cost for a graph of any size."""
    (row,) = await unit.run("database/get_contents")
    unique = {(name, tuple(properties)) for name, properties in row["constraints"]}
    indexes = (
        Index(
            kind=kind,
            labels=tuple(labels),
            types=tuple(types),
            properties=tuple(names),
            is_unique=(next(iter(labels or types), None), tuple(names)) in unique,
        )
        for kind, labels, types, names in row["indexes"]
    )
    return Contents(
        dict(row["nodes"]),
        dict(row["relationships"]),
        tuple(sorted(indexes, key=lambda index: (index.labels, index.types, index.properties))),
    )
