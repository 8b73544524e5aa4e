"""What stands in the graph, read by another route than the statements under test."""

from typing import Any, LiteralString

from graph.database.sessions import Database


async def read(database: Database, statement: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
    """A statement's records."""
    async with database.open_session() as session:
        result = await session.run(statement, parameters)
        return [record.data() async for record in result]


async def stored(database: Database, node_id: str) -> dict[str, Any]:
    """A node's properties."""
    (row,) = await read(database, "MATCH (n {id: $id}) RETURN properties(n) AS found", id=node_id)
    found: dict[str, Any] = row["found"]
    return found


async def everything(database: Database) -> list[Any]:
    """Every node and every relationship of the graph, but for what is noted of requests and revisions."""
    nodes = await read(
        database,
        "MATCH (n) WHERE NOT n:Receipt AND NOT n:Graph RETURN labels(n) AS labels, properties(n) AS found "
        "ORDER BY labels[0], coalesce(n.id, n.symbol, n.name)",
    )
    edges = await read(
        database,
        "MATCH (a)-[r]->(b) RETURN type(r) AS kind, coalesce(a.id, a.symbol) AS source, coalesce(b.id, b.symbol) AS "
        "target, properties(r) AS found ORDER BY kind, source, target",
    )
    return [nodes, edges]
