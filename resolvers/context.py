"""What a document's fields share: one read transaction, and who asks."""

from datetime import UTC, datetime

from graph.sessions import Database, Reading


class Context:
    """
    One document's share of the service.

    Fields next to each other resolve at the same time; they share one read transaction, in which their statements
    take turns. Close the context when the document is done.
    """

    def __init__(self, database: Database, request_id: str = "", bookmark: str | None = None) -> None:
        self.database = database
        self.request_id = request_id
        self.moment = datetime.now(UTC)
        self._reading = Reading(database, bookmark)

    @property
    def unit(self) -> Reading:
        """The document's read transaction, opened by its first statement."""
        return self._reading

    @property
    def num_statements(self) -> int:
        """How many statements the document has run."""
        return self._reading.num_statements

    async def close(self) -> None:
        """End the read transaction."""
        await self._reading.close()
