"""Runs statements of analysts: judged first, read-only, within limits, on connections of their own."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from neo4j import (
    READ_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncResult,
    AsyncSession,
    Bookmarks,
    NotificationMinimumSeverity,
    Record,
)
from neo4j import exceptions as driver_errors

from graph.adhoc.failures import PREFIX, translate_failure
from graph.adhoc.gate import Plan, check_text, judge
from graph.adhoc.limits import AS_USUAL, AdhocLimits, Granted, Wanted
from graph.adhoc.metering import Meter
from graph.adhoc.places import Places
from graph.adhoc.watching import OnOverrun, Watch
from graph.database.address import DatabaseAddress
from graph.database.sessions import (
    ACQUISITION_TIMEOUT_SECONDS,
    CONNECTION_TIMEOUT_SECONDS,
    MARK_SEPARATOR,
)
from graph.errors import OversizeError, RefusedCypherError, StatementTimedOutError

ROWS_AT_ONCE: Final = 1_000
"""Rows of a batch: few enough to be converted in some milliseconds."""

ROWS_IN_TURN: Final = 250
"""Rows that are decoded in turn with other requests."""

BYTES_AT_ONCE: Final = 2 << 20
"""Bytes after which a batch is given whatever its rows."""

PLANNING_SECONDS: Final = 5.0
"""Time to plan a statement. A cold server takes a second or two for an ordinary one."""

MARGIN_SECONDS: Final = 1.0
"""How long the database may take to tell that time is up, before the connection is broken off."""

PATIENCE_SECONDS: Final = 1.0
"""How long a statement waits for a place; a request that waits holds a place of pages."""

_REVISION: Final = "OPTIONAL MATCH (graph:Graph {id: 'graph'}) RETURN coalesce(graph.revision, 0) AS revision"


class Answer:
    """
    A running statement's rows, in batches of the driver's own values.

    Attributes:
        columns: Names of the columns.
        revision: The graph's revision that it was read at.
        plan: The statement's plan.
        is_truncated: Whether there are more rows than were wanted; known once all batches are read.
    """

    def __init__(self, run: "_Run", result: AsyncResult, revision: int, plan: Plan) -> None:
        self._run = run
        # One iterator for all rows: the result would make one for each, and have the event loop close it.
        self._records = aiter(result)
        self.columns: tuple[str, ...] = tuple(result.keys())
        self.revision = revision
        self.plan = plan
        self.is_truncated = False

    @property
    def elapsed_seconds(self) -> float:
        """Time since its start, in seconds; final once all batches are read."""
        return (self._run.ended or time.monotonic()) - self._run.started

    async def batches(self) -> AsyncIterator[list[list[Any]]]:
        """
        Give the rows in batches; while one is worked on, the database is not asked for more than a few rows ahead.

        Raises:
            CypherFailedError: The statement failed while it ran.
            StatementTimedOutError: Its time is up, or it needed more memory than it may have.
            OversizeError: It sent more bytes than it may.
        """
        run, left, is_last = self._run, self._run.granted.max_rows, False
        while not (is_last or self.is_truncated):
            batch, is_last = await run.fetch(self._records, min(ROWS_AT_ONCE, left + 1))
            if len(batch) > left:
                self.is_truncated = True
                batch.pop()
            left -= len(batch)
            if is_last or self.is_truncated:
                run.end()
            if batch:
                yield batch


class _Run:
    """
    State of one statement under way.

    Attributes:
        may_run: Whether something of it may still run on the server, which has not told its end.
    """

    def __init__(self, granted: Granted) -> None:
        self.granted = granted
        self.key = uuid.uuid4().hex
        self.started = time.monotonic()
        self.ended: float | None = None
        self.deadline = self.started + PLANNING_SECONDS
        self.may_run = False
        self.meter: Meter

    def begin(self) -> None:
        """Begin the statement's time, once it is judged."""
        self.started = time.monotonic()
        self.deadline = self.started + self.granted.timeout_seconds

    def end(self) -> None:
        """Note that all of it has been read."""
        self.ended = time.monotonic()
        self.may_run = False

    async def fetch(self, records: AsyncIterator[Record], most_rows: int) -> tuple[list[list[Any]], bool]:
        """The next rows, fewer where they are large, and whether they are the last."""
        rows: list[list[Any]] = []
        self.meter.look()
        async with self.waiting():
            while len(rows) < most_rows and self.meter.since_look < BYTES_AT_ONCE:
                record = await anext(records, None)
                if record is None:
                    return rows, True
                rows.append(record.values())
                if len(rows) % ROWS_IN_TURN == 0:
                    await asyncio.sleep(0)  # what has arrived already is read without a pause otherwise
        return rows, False

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait for the database until a moment after the deadline, and translate its errors."""
        self.may_run = True
        try:
            async with asyncio.timeout(self.deadline + MARGIN_SECONDS - time.monotonic()):
                with self._translating():
                    yield
        except TimeoutError:
            seconds = time.monotonic() - self.started
            message = f"the statement was stopped after {seconds:.1f} seconds; ask for less, or for more time"
            raise StatementTimedOutError(message) from None

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (driver_errors.Neo4jError, driver_errors.DriverError, OSError) as error:
            exceeded = getattr(getattr(self, "meter", None), "exceeded", None)
            if exceeded is not None:
                message = (
                    f"the answer has more than {exceeded:,} bytes, or one row of it has; return fewer rows, shorter "
                    "texts and lists, or rows instead of a list"
                )
                raise OversizeError(message, size=exceeded + 1, limit=exceeded, path="statement") from None
            if isinstance(error, TimeoutError):
                raise
            # A failure that the server tells is the statement's end; a broken connection tells nothing.
            self.may_run = not isinstance(error, driver_errors.Neo4jError)
            raise translate_failure(error, self.granted.timeout_seconds) from None


class Adhoc:
    """
    Runs statements of analysts, each once it is judged harmless.

    Args:
        address: The database; connections to it are of their own, so that pages never wait for analysts.
        limits: What the operator allows.
        places: A folder of places for statements, shared by all processes whose statements are limited together;
            without it those of this runner are limited alone.
        on_overrun: Called when a statement does not end in spite of all; may restart the database.

    Raises:
        ConfigurationError: The folder cannot be written.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        limits: AdhocLimits | None = None,
        *,
        places: Path | None = None,
        on_overrun: OnOverrun | None = None,
    ) -> None:
        self.limits = limits or AdhocLimits()
        self._database = address.database
        self._driver: AsyncDriver = AsyncGraphDatabase.driver(
            address.uri,
            auth=(address.user, address.password),
            max_connection_pool_size=self.limits.at_once * 2 + 2,  # those to watch over the others
            connection_timeout=CONNECTION_TIMEOUT_SECONDS,
            connection_acquisition_timeout=ACQUISITION_TIMEOUT_SECONDS,
            max_transaction_retry_time=0.0,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
        )
        self._own_folder: TemporaryDirectory[str] | None = None
        if places is None:
            self._own_folder = TemporaryDirectory(prefix="foregraph-")
            places = Path(self._own_folder.name)
        self._places = Places(places, self.limits.at_once, self.limits.at_once_per_caller)
        self._watch = Watch(self._driver, on_overrun)
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def num_running(self) -> int:
        """Number of statements of this runner under way, with those that their clients have left."""
        return self._places.num_taken

    @property
    def num_overruns(self) -> int:
        """Number of statements since the start that did not end in time."""
        return self._watch.num_overruns

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, which ends what runs on them."""
        self._watch.stop()
        await asyncio.gather(*self._leaving)
        await self._driver.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    async def explain(self, statement: str, parameters: Mapping[str, Any] | None = None, *, caller: str) -> Plan:
        """
        Judge a statement without running it; returns its plan.

        Raises:
            RefusedError: As `run`.
            BusyError: As `run`.
            UnavailableError: The database cannot be reached.
        """
        async with self._placed(statement, parameters or {}, caller, AS_USUAL) as (_, _, plan):
            return plan

    @asynccontextmanager
    async def run(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        caller: str,
        limits: Wanted = AS_USUAL,
        bookmark: str | None = None,
    ) -> AsyncIterator[Answer]:
        """
        Run a statement; leaving the block ends it on the server.

        Args:
            statement: One statement that reads.
            parameters: Values of its parameters.
            caller: Who asks, as limits for each caller count.
            limits: What the caller wants; clamped to what the operator allows.
            bookmark: A state of the graph to read, or a later one.

        Raises:
            RefusedCypherError: The statement uses what is not allowed.
            CypherSyntaxError: It is not valid Cypher.
            CypherFailedError: It failed while it ran.
            StatementTimedOutError: It ran longer than its time, or needed more memory than it may have.
            OversizeError: It sent more bytes than it may.
            BusyError: Too many statements run, all in all or of this caller.
            UnavailableError: The database cannot be reached.
        """
        given = dict(parameters or {})
        async with self._placed(statement, given, caller, limits, bookmark) as (run, session, plan):
            run.begin()
            async with run.waiting():
                transaction = await session.begin_transaction(
                    timeout=run.granted.timeout_seconds, metadata={"foregraph_statement": run.key}
                )
                run.meter = Meter(transaction, run.granted.max_bytes, self.limits.most_row_bytes)
            try:
                async with run.waiting():
                    record = await (await transaction.run(_REVISION)).single(strict=True)
                    result = await transaction.run(statement, given)
                yield Answer(run, result, record["revision"], plan)
            finally:
                run.meter.close()

    @asynccontextmanager
    async def _placed(
        self, statement: str, parameters: Mapping[str, Any], caller: str, wanted: Wanted, bookmark: str | None = None
    ) -> AsyncIterator[tuple[_Run, AsyncSession, Plan]]:
        """Judge a statement and open a session for it, which ends with the block, on the server too."""
        check_text(statement, parameters, self.limits.max_statement_length)
        granted = self.limits.clamp(wanted)
        place = await self._places.take(caller, min(granted.timeout_seconds, PATIENCE_SECONDS))
        run = _Run(granted)
        session = self._driver.session(
            database=self._database,
            default_access_mode=READ_ACCESS,
            fetch_size=ROWS_AT_ONCE,
            bookmarks=None if bookmark is None else Bookmarks.from_raw_values(bookmark.split(MARK_SEPARATOR)),
        )
        try:
            yield run, session, await self._judge(run, session, statement, parameters)
        finally:
            self._leave(run, session, place)

    async def _judge(self, run: _Run, session: AsyncSession, statement: str, parameters: Mapping[str, Any]) -> Plan:
        async with run.waiting():
            transaction = await session.begin_transaction(
                timeout=PLANNING_SECONDS, metadata={"foregraph_statement": run.key}
            )
            summary = await (await transaction.run(PREFIX + statement, dict(parameters))).consume()
            await transaction.rollback()
        run.may_run = False
        if summary.plan is None:
            raise RefusedCypherError(
                "the database shows no plan of it, so that it cannot be judged", kind="STATEMENT", name="", hint=""
            )
        return judge(dict(summary.plan), summary.query_type, statement, parameters, self._database)

    def _leave(self, run: _Run, session: AsyncSession, place: int) -> None:
        """Close a session; the place is given back once nothing of it runs on the server."""
        task = asyncio.ensure_future(self._end(run, session, place))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _end(self, run: _Run, session: AsyncSession, place: int) -> None:
        try:
            if run.may_run:
                session.cancel()  # breaks the connection off, instead of reading what has been sent
            with suppress(driver_errors.Neo4jError, driver_errors.DriverError, OSError):
                await session.close()
            if run.may_run:
                await self._watch.end(run.key, run.deadline)
        finally:
            self._places.give_back(place)
