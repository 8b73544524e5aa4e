"""Counts statements, and empties the graph between tests."""

from graph.database.sessions import Database


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
