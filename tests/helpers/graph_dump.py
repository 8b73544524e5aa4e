"""The whole graph as an analyst finds it, to compare before and after."""

from typing import Any

from graph.database.sessions import Database


async def ask(database: Database, text: str, **parameters: object) -> list[list[Any]]:
    """What an analyst's own Cypher finds, by another road than the one that wrote it."""
    async with database.open_session() as session:
        result = await session.run(text, parameters)
        return [list(record.values()) async for record in result]


async def everything(database: Database) -> list[Any]:
    """All nodes and relationships with their labels, types and properties, in an order of their own."""
    text = "MATCH (n) WHERE n.id <> 'migrations' OR n.id IS NULL RETURN labels(n), n {.*, revised_at: null}"
    nodes = await ask(database, text)
    edges = await ask(
        database,
        "MATCH (a)-[r]->(b) RETURN coalesce(a.id, a.symbol), type(r), coalesce(b.id, b.symbol), properties(r)",
    )
    # Properties have no order of their own.
    return sorted(repr((labels, sorted(found.items()))) for labels, found in nodes) + sorted(
        repr((start, kind, end, sorted(found.items()))) for start, kind, end, found in edges
    )
