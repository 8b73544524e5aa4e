"""Counts statements, and empties the graph between tests."""

from graph.database.sessions import Database
from graph.model.catalogue import list_node_types, list_relationship_types


class StatementCounter:
    """The statements that ran since it was last reset, by name and in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.num_rows = 0

    def __call__(self, name: str, _seconds: float, num_rows: int) -> None:
        """Take one statement's report."""
        self.names.append(name)
        self.num_rows += num_rows

    def reset(self) -> None:
        """Forget what ran."""
        self.names.clear()
        self.num_rows = 0


async def empty(database: Database) -> None:
    """Remove every node but what the migrations noted."""
    async with database.open_session() as session:
        result = await session.run(
            "MATCH (n) WHERE NOT (n:Graph AND n.id = 'migrations') CALL (n) { DETACH DELETE n } IN TRANSACTIONS"
        )
        await result.consume()


async def introduce_names(database: Database) -> None:
    """
    Have the database know every name of the model, which it otherwise learns from the first row with a value.

    A statement that reads a property of which no test has written a value so far would be notified as misspelt,
    depending on the order of the tests.
    """
    nodes, edges = list_node_types(), list_relationship_types()
    properties = {shown.name for kind in nodes for shown in kind.properties}
    properties |= {shown.name for kind in edges for shown in kind.properties}
    async with database.open_session() as session:
        for text, names in (
            ("UNWIND $names AS name CALL db.createProperty(name)", properties),
            ("UNWIND $names AS name CALL db.createRelationshipType(name)", {edge.type for edge in edges}),
        ):
            await (await session.run(text, names=sorted(names))).consume()
