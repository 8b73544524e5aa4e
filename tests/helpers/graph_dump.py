"""The whole graph as an analyst finds it, to compare before and after."""

from collections.abc import Collection, Mapping
from typing import Any

from graph.database.sessions import Database


async def ask(database: Database, text: str, **parameters: object) -> list[list[Any]]:
    """What an analyst's own Cypher finds, by another road than the one that wrote it."""
    async with database.open_session() as session:
        result = await session.run(text, parameters)
        return [list(record.values()) async for record in result]


STAMPS = frozenset({"created_at", "created_key", "updated_at", "updated_key", "record_at"})
"""Moments at which a graph got a node, changed it last and computed its record; another graph has others."""


async def everything(database: Database, *, without: Collection[str] = ()) -> list[Any]:
    """All nodes and relationships with their labels, types and properties but some, in an order of their own."""
    text = (
        "MATCH (n) WHERE n.id <> 'migrations' OR n.id IS NULL "
        "RETURN labels(n), n {.*, revised_at: null, feed_began_at: null}"
    )
    nodes = await ask(database, text)
    edges = await ask(
        database,
        "MATCH (a)-[r]->(b) RETURN coalesce(a.id, a.symbol), type(r), coalesce(b.id, b.symbol), properties(r)",
    )

    def kept(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Properties have no order of their own."""
        return sorted((name, value) for name, value in found.items() if name not in without)

    return sorted(repr((labels, kept(found))) for labels, found in nodes) + sorted(
        repr((start, kind, end, kept(found))) for start, kind, end, found in edges
    )
