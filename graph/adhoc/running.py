"""Runs statements of analysts: read-only, within limits, on connections of their own."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase, AsyncResult, NotificationMinimumSeverity

from graph.adhoc.limits import AdhocLimits, Granted, Wanted
from graph.database.sessions import DatabaseAddress

ROWS_AT_ONCE: Final = 1_000
"""Rows of a batch: few enough to be converted in some milliseconds."""


class Answer:
    """
    A running statement's rows, in batches of the driver's own values.

    Attributes:
        columns: Names of the columns.
        revision: The graph's revision that it was read at.
        is_truncated: Whether there are more rows than were wanted; known once all batches are read.
        elapsed_seconds: Time since its start, in seconds; final once all batches are read.
    """

    def __init__(self, result: AsyncResult, revision: int, granted: Granted) -> None:
        self._result = result
        self._granted = granted
        self._started = time.monotonic()
        self._ended: float | None = None
        self.columns: tuple[str, ...] = tuple(result.keys())
        self.revision = revision
        self.is_truncated = False

    @property
    def elapsed_seconds(self) -> float:
        """Time since its start, in seconds; final once all batches are read."""
        return (self._ended or time.monotonic()) - self._started

    async def batches(self) -> AsyncIterator[list[list[Any]]]:
        """Give the rows in batches; while a batch is worked on, the database is not asked for more than the next."""
        left = self._granted.max_rows
        batch: list[list[Any]] = []
        async for record in self._result:
            if left == 0:
                self.is_truncated = True
                break
            left -= 1
            batch.append(record.values())
            if len(batch) == ROWS_AT_ONCE:
                yield batch
                batch = []
        self._ended = time.monotonic()
        if batch:
            yield batch


class Adhoc:
    """
    Runs statements of analysts, each once it is judged harmless.

    Args:
        address: The database; connections to it are of their own, so that pages never wait for analysts.
        limits: What the operator allows.
    """

    def __init__(self, address: DatabaseAddress, limits: AdhocLimits | None = None) -> None:
        self.limits = limits or AdhocLimits()
        self._database = address.database
        self._driver: AsyncDriver = AsyncGraphDatabase.driver(
            address.uri,
            auth=(address.user, address.password),
            max_connection_pool_size=self.limits.at_once * 2,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._driver.close()

    @asynccontextmanager
    async def run(
        self, statement: str, parameters: Mapping[str, Any] | None = None, *, caller: str, limits: Wanted = Wanted()
    ) -> AsyncIterator[Answer]:
        """
        Run a statement; leaving the block ends it on the server.

        Args:
            statement: One statement that reads.
            parameters: Values of its parameters.
            caller: Who asks, as limits for each caller count.
            limits: What the caller wants; clamped to what the operator allows.

        Raises:
            RefusedCypherError: The statement uses what is not allowed.
            CypherSyntaxError: It is not valid Cypher.
            CypherFailedError: It failed while it ran.
            StatementTimedOutError: It ran longer than its time, or needed more memory than it may have.
            OversizeError: It sent more bytes than it may.
            BusyError: Too many statements run, all in all or of this caller.
            UnavailableError: The database cannot be reached.
        """
        granted = self.limits.clamp(limits)
        async with self._driver.session(
            database=self._database, default_access_mode=READ_ACCESS, fetch_size=ROWS_AT_ONCE
        ) as session:
            transaction = await session.begin_transaction(timeout=granted.timeout_seconds)
            revisions = await transaction.run(
                "OPTIONAL MATCH (graph:Graph {id: 'graph'}) RETURN coalesce(graph.revision, 0) AS revision"
            )
            revision = (await revisions.single(strict=True))["revision"]
            yield Answer(await transaction.run(statement, dict(parameters or {})), revision, granted)
