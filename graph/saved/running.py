"""Runs saved queries: their statements are judged each time, and the values of their parameters are checked before."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from graph.adhoc.limits import AS_USUAL, Wanted
from graph.adhoc.running import Adhoc, Answer
from graph.database.sessions import Database
from graph.errors import RefusedCypherError
from graph.saved.queries import DEFAULT_SECONDS, SavedQuery
from graph.saved.store import find_query, list_queries, unknown_query
from graph.saved.values import read_values

OFF: Final = "the operator has turned ad-hoc Cypher off"


@dataclass(frozen=True, slots=True)
class SavedQueries:
    """
    The saved queries of a graph.

    Attributes:
        database: Where they are kept.
        adhoc: Runs their statements; None if the operator has turned that off.
    """

    database: Database
    adhoc: Adhoc | None

    async def list(self) -> list[SavedQuery]:
        """List the latest version of each query, the project's own included, by name."""
        return await self.database.read(list_queries)

    async def find(self, name: str, version: int | None = None) -> SavedQuery | None:
        """Find a query by its name, or one of its versions; None if there is none."""
        return await self.database.read(lambda unit: find_query(unit, name, version))

    async def get(self, name: str, version: int | None = None) -> SavedQuery:
        """
        As `find`.

        Raises:
            NotFoundError: There is none.
        """
        found = await self.find(name, version)
        if found is None:
            raise unknown_query(name, version)
        return found

    @asynccontextmanager
    async def run(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        caller: str,
        wanted: Wanted = AS_USUAL,
        version: int | None = None,
        bookmark: str | None = None,
    ) -> AsyncIterator[Answer]:
        """
        Run a query; leaving the block ends it on the server.

        Args:
            name: The query's name.
            values: Values of its parameters: JSON, or texts as they stand in an address.
            caller: Who asks, as limits for each caller count.
            wanted: Limits that the caller wants; clamped to what the operator allows.
            version: The version to run; None for the latest.
            bookmark: A state of the graph to read, or a later one.

        Raises:
            NotFoundError: No query has the name, or the version.
            InvalidError: A value is missing, wrong, or of no parameter; RefusedItemsError if several are.
            RefusedError: As `Adhoc.run`.
        """
        query = await self.get(name, version)
        async with self.run_query(query, values, caller=caller, wanted=wanted, bookmark=bookmark) as answer:
            yield answer

    @asynccontextmanager
    async def run_query(
        self,
        query: SavedQuery,
        values: Mapping[str, Any] | None = None,
        *,
        caller: str,
        wanted: Wanted = AS_USUAL,
        bookmark: str | None = None,
    ) -> AsyncIterator[Answer]:
        """Run a query that has been read; otherwise as `run`."""
        adhoc = self.get_adhoc()
        given = read_values(query.parameters, values or {}, query.name)
        limits = wanted if wanted.timeout_seconds else replace(wanted, timeout_seconds=DEFAULT_SECONDS)
        async with adhoc.run(query.statement, given, caller=caller, limits=limits, bookmark=bookmark) as answer:
            yield answer

    def get_adhoc(self) -> Adhoc:
        """
        Return what judges and runs statements.

        Raises:
            RefusedCypherError: The operator has turned it off.
        """
        if self.adhoc is None:
            raise RefusedCypherError(OFF, kind="STATEMENT", name="cypher", hint="the fields of the schema")
        return self.adhoc
