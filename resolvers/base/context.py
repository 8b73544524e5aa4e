"""What a document's fields share: one read transaction, and who asks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from strawberry.dataloader import DataLoader

from graph.database.sessions import Database, Reading
from graph.network.propagation import list_runs
from graph.network.view import fetch_state


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
        # They batch what fields next to each other ask, and keep nothing, as a mutation may come in between.
        self.runs: DataLoader[str, dict[str, Any] | None] = DataLoader(self._load_runs, cache=False)
        self.revisions: DataLoader[str, int] = DataLoader(self._load_revisions, cache=False)

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

    async def _load_runs(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        found = await list_runs(self.unit, ids)
        return [found.get(run_id) for run_id in ids]

    async def _load_revisions(self, asked: Sequence[str]) -> list[int]:
        return [(await fetch_state(self.unit)).revision] * len(asked)
