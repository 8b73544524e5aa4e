"""Opens the driver, runs every transaction, and translates the driver's errors."""

import asyncio
import re
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC
from typing import Any, Final, LiteralString, Protocol, Self, TypeVar

from neo4j import (
    READ_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    AsyncSession,
    AsyncTransaction,
    Bookmarks,
    NotificationDisabledClassification,
    NotificationMinimumSeverity,
    Query,
    ResultSummary,
    unit_of_work,
)
from neo4j import exceptions as driver_errors
from neo4j.time import Date, DateTime

from graph.database.address import DatabaseAddress
from graph.database.budgets import Meter
from graph.database.statements import statement
from graph.errors import (
    BudgetError,
    BusyError,
    ConfigurationError,
    ConflictError,
    ForegraphError,
    InvalidError,
    TimedOutError,
    UnavailableError,
)

Row = dict[str, Any]
Observer = Callable[[str, float, int], None]
"""Called after each statement with its name, its duration in seconds and its number of rows."""

CONNECTION_TIMEOUT_SECONDS = 5.0
ACQUISITION_TIMEOUT_SECONDS = 10.0
RETRY_TIME_SECONDS = 12.0
READ_TIMEOUT_SECONDS = 15.0
WRITE_TIMEOUT_SECONDS = 300.0  # a large import is one transaction
HOLDING_TIMEOUT_SECONDS = 3600.0  # what is done under a lock takes many transactions; a lost connection ends it at once
COMPOSED = "reading/composed"
"""The name under which observers hear of composed statements."""

FEW_ROWS: Final = 5_000
"""Rows of a record that is counted by what it can hold; counting its values would take a tenth of the answer's time."""

ROWS_AT_ONCE: Final = 250
"""Rows taken in turn with other requests, some 20 ms. While rows have arrived already, the driver waits for nothing."""

MARK_SEPARATOR = "|"
KEPT_ROOM = "network/"
"""Statements whose rows the service keeps and shares; `graph.network.view` limits their number."""
_BOOKMARK = re.compile(r"[A-Za-z0-9+/=_:.\-|]{1,2000}")
# A connection that went stale in the pool is replaced at once; a restarting database gets a second.
REOPEN_PAUSES_SECONDS = (0.0, 0.2, 0.8)

_NOTHING: Final = Query("RETURN 1", timeout=READ_TIMEOUT_SECONDS)

T = TypeVar("T")


class Neo4jNotification(UserWarning):
    """A notification of the server on a statement: a deprecation, a Cartesian product, an unknown name."""


class Unit(Protocol):
    """One transaction, which runs statements by name, one at a time."""

    async def run(self, name: str, /, **parameters: object) -> list[Row]:
        """Run a statement; returns all rows, with Python's temporal values."""
        ...


class ComposedUnit(Unit, Protocol):
    """One transaction, which also runs statements that were composed."""

    async def fetch(self, text: Any, parameters: Mapping[str, Any], *, is_alone: bool, max_rows: int = 1) -> Any:
        """Run a composed statement; returns its record's value as the driver gives it, None without a record."""
        ...


class Database:
    """One driver on one database; each unit of work has its own session."""

    def __init__(
        self, driver: AsyncDriver, database: str, observer: Observer | None = None, *, warns: bool = False
    ) -> None:
        self._driver = driver
        self._database = database
        self._observer = observer
        self._warns = warns

    @classmethod
    def open(
        cls,
        address: DatabaseAddress,
        *,
        observer: Observer | None = None,
        warns: bool = False,
    ) -> Self:
        """
        Prepare connections; nothing is sent before the first unit of work.

        Args:
            address: Address and credentials.
            observer: Called after each statement.
            warns: Whether the server's notifications on our statements become Python warnings, for tests.
        Raises:
            ConfigurationError: The driver does not support the address.
        """
        # The driver also accepts addresses of the HTTP API, but that preview needs a library which we do not install.
        if not address.uri.startswith(("bolt", "neo4j")):
            message = f"expected a database address such as bolt://localhost:7687, got {address.uri!r}"
            raise ConfigurationError(message)
        try:
            driver = AsyncGraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password),
                connection_timeout=CONNECTION_TIMEOUT_SECONDS,
                connection_acquisition_timeout=ACQUISITION_TIMEOUT_SECONDS,
                max_transaction_retry_time=RETRY_TIME_SECONDS,
                notifications_min_severity=(
                    NotificationMinimumSeverity.INFORMATION if warns else NotificationMinimumSeverity.OFF
                ),
                telemetry_disabled=True,
            )
        except (ValueError, driver_errors.ConfigurationError) as error:
            message = f"the database address {address.uri!r} does not work: {error}"
            raise ConfigurationError(message) from error
        return cls(driver, address.database, observer, warns=warns)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._driver.close()

    def count_connections(self) -> dict[str, int]:
        """Count the connections that are open, those of them that are used, and the most that may be open."""
        pool: Any = self._driver._pool  # the driver tells it in no other way
        opened = [connection for kept in tuple(pool.connections.values()) for connection in tuple(kept)]
        used = sum(connection.in_use for connection in opened)
        return {"open": len(opened), "used": used, "places": pool.pool_config.max_connection_pool_size}

    async def verify(self) -> None:
        """
        Check that the database answers.

        Raises:
            UnavailableError: The database cannot be reached.
            ConfigurationError: The user, the password or the database's name is wrong.
        """
        with _driver_errors_translated():
            async with self.open_session(default_access_mode=READ_ACCESS) as session:
                await session.execute_read(_answer_one)

    async def ping(self) -> None:
        """
        Check that the database answers now, without the second tries of other work.

        Raises:
            UnavailableError: The database cannot be reached.
        """
        with _driver_errors_translated():
            async with self.open_session(default_access_mode=READ_ACCESS) as session:
                await (await session.run("RETURN 1")).consume()

    async def find_start(self) -> int | None:
        """Find when the server was started, by its clock; None where it does not say, as a managed one may not."""
        try:
            (row,) = await self.read(lambda unit: unit.run("database/find_start"))
        except (ForegraphError, driver_errors.Neo4jError):  # one without the procedure refuses the statement
            return None
        started_at: int = row["started_at"]
        return started_at

    async def read(
        self,
        work: Callable[[ComposedUnit], Awaitable[T]],
        *,
        unknown_names_are_fine: bool = False,
        timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> T:
        """
        Run one read transaction; `work` may run twice, so it must have no other effects.

        Args:
            work: Runs statements and returns the result.
            unknown_names_are_fine: Whether labels and properties may be unknown, as in a new database.
            timeout_seconds: Time after which the database aborts the transaction.
        """
        config = {"default_access_mode": READ_ACCESS, **_silence(unknown_names_are_fine=unknown_names_are_fine)}

        with _driver_errors_translated():
            async with self.open_session(**config) as session:
                return await session.execute_read(self._within(work, timeout_seconds))

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run one write transaction; `work` may run twice, so it must have no other effects."""
        with _driver_errors_translated():
            async with self.open_session() as session:
                return await session.execute_write(self._within(work, WRITE_TIMEOUT_SECONDS))

    async def write_marked(self, work: Callable[[Unit], Awaitable[T]]) -> tuple[T, str]:
        """As `write`, and return a bookmark: a read after it sees the write on any server of a cluster."""
        with _driver_errors_translated():
            async with self.open_session() as session:
                result = await session.execute_write(self._within(work, WRITE_TIMEOUT_SECONDS))
                return result, MARK_SEPARATOR.join(sorted((await session.last_bookmarks()).raw_values))

    def _within(
        self, work: Callable[["_TransactionUnit"], Awaitable[T]], timeout_seconds: float
    ) -> Callable[[AsyncManagedTransaction], Awaitable[T]]:
        """Make of work what the driver runs, and repeats unless it needs more memory than a transaction may have."""

        @unit_of_work(timeout=timeout_seconds)
        async def within(transaction: AsyncManagedTransaction) -> T:
            try:
                return await work(self.unit(transaction))
            except driver_errors.Neo4jError as error:
                if _OWN_MEMORY in (error.message or ""):
                    raise translate(error) from error
                raise

        return within

    async def read_version(self, bookmark: str | None = None) -> str:
        """
        Read the data's version, a bookmark that every committed transaction raises before it is acknowledged.

        Args:
            bookmark: A state that the version must include; the database waits for it.
        """
        after = {} if bookmark is None else {"bookmarks": _bookmarks(bookmark)}
        with _driver_errors_translated():
            async with self.open_session(default_access_mode=READ_ACCESS, **after) as session:
                await (await session.run(_NOTHING)).consume()
                return MARK_SEPARATOR.join(sorted((await session.last_bookmarks()).raw_values))

    @asynccontextmanager
    async def holding(self, name: str, *, unknown_names_are_fine: bool = False) -> AsyncIterator[Unit]:
        """Open a write transaction with a statement that takes a lock; the lock is held until the block ends."""
        async with self.open_session(**_silence(unknown_names_are_fine=unknown_names_are_fine)) as session:
            with _driver_errors_translated():
                transaction = await session.begin_transaction(timeout=HOLDING_TIMEOUT_SECONDS)
                unit = self.unit(transaction)
                await unit.run(name)
            async with transaction:
                yield unit
                with _driver_errors_translated():
                    await transaction.commit()

    @asynccontextmanager
    async def reading(self, bookmark: str | None = None) -> AsyncIterator["Reading"]:
        """Open a read transaction that starts with its first statement, on the bookmark's state or a later one."""
        reading = Reading(self, bookmark)
        try:
            yield reading
        finally:
            await reading.close()

    async def run_schema(self, text: LiteralString) -> None:
        """
        Run one schema command in its own transaction, since Neo4j does not mix schema and data.

        Two at the same time may deadlock, of which the database aborts one; that one is retried.
        """
        # Steps are repeated harmlessly, so notifications that something exists already are no news.
        silent = [NotificationDisabledClassification.SCHEMA]

        async def within(transaction: AsyncManagedTransaction) -> None:
            await (await transaction.run(text)).consume()

        with _driver_errors_translated():
            async with self.open_session(notifications_disabled_classifications=silent) as session:
                await session.execute_write(within)

    def open_session(self, **config: Any) -> AsyncSession:
        """Open a session; the caller closes it."""
        return self._driver.session(database=self._database, **config)

    def unit(
        self, transaction: AsyncManagedTransaction | AsyncTransaction | AsyncSession, meter: Meter | None = None
    ) -> "_TransactionUnit":
        """
        Wrap one of the driver's transactions as a Unit, or a session that runs a single statement.

        A meter counts each record as it arrives.
        """
        return _TransactionUnit(transaction, self._observer, meter, warns=self._warns)


class _TransactionUnit:
    """A Unit over one of the driver's transactions."""

    def __init__(
        self,
        transaction: AsyncManagedTransaction | AsyncTransaction | AsyncSession,
        observer: Observer | None,
        meter: Meter | None,
        *,
        warns: bool,
    ) -> None:
        self._transaction = transaction
        self._observer = observer
        self._meter = meter
        self._warns = warns

    async def run(self, name: str, /, **parameters: object) -> list[Row]:
        started = time.perf_counter()
        meter = None if name.startswith(KEPT_ROOM) else self._meter
        result = await self._transaction.run(statement(name), parameters)
        keys = result.keys()
        rows = []
        async for record in result:
            values = record.values()
            if meter is not None:
                meter.count(values)
            rows.append(dict(zip(keys, map(from_driver, values), strict=True)))
            if len(rows) % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        summary = await result.consume()
        if self._warns:
            _warn(name, summary)
        if self._observer is not None:
            self._observer(name, time.perf_counter() - started, len(rows))
        return rows

    async def fetch(
        self, query: Any, parameters: Mapping[str, Any], max_rows: int = 1, *, is_alone: bool = True
    ) -> Any:
        """Run a composed statement; returns its record's value as the driver gives it, None without a record."""
        started = time.perf_counter()
        result = await self._transaction.run(query, p=parameters)
        record = await result.single()
        if record is not None and self._meter is not None:
            if max_rows > FEW_ROWS:
                self._meter.count(record.values())
            else:
                self._meter.take(max_rows, 0)
        if self._warns:
            _warn(COMPOSED, await result.consume())
        if self._observer is not None:
            self._observer(COMPOSED, time.perf_counter() - started, 0 if record is None else 1)
        return None if record is None else record[0]


class Reading:
    """
    A read transaction that starts with its first statement; concurrent callers' statements take turns.

    Until the first answer the transaction can be reopened, so a stale pooled connection or a restarting database is
    retried a few times.

    Args:
        database: The database to read.
        bookmark: The state to read, or a later one.
        meter: Counts what is read, but for the rows that the service itself keeps.

    Attributes:
        bookmark: The state to read, or a later one.
        meter: As given; whoever makes more of what was read may count that too.
        num_statements: Number of statements that have been answered.
    """

    def __init__(self, database: Database, bookmark: str | None = None, meter: Meter | None = None) -> None:
        self._database = database
        self.bookmark = bookmark
        self.meter = meter
        self._turn = asyncio.Lock()
        self._session: AsyncSession | None = None
        self._unit: _TransactionUnit | None = None
        self._has_answered = False
        self.num_statements = 0

    async def run(self, name: str, /, **parameters: object) -> list[Row]:
        """
        Run a statement; returns all rows.

        Raises:
            UnavailableError: The database cannot be reached.
            TimedOutError: The statement took too long.
            BudgetError: The request has read more than it may.
            BusyError: All requests in flight have read more than they may together.
        """

        async def run() -> list[Row]:
            return await (await self._opened()).run(name, **parameters)

        return await self._answered(run)

    async def fetch(
        self,
        text: LiteralString,
        parameters: Mapping[str, Any],
        *,
        is_alone: bool,
        max_rows: int = 1,
        timeout_seconds: float = READ_TIMEOUT_SECONDS,
    ) -> Any:
        """
        Run a composed statement, which has one parameter `$p` and returns at most one record of one value.

        Args:
            text: The statement.
            parameters: The values of its parameter.
            is_alone: Whether no other statement has to see the same state; then it needs no transaction, which saves
                two round trips.
            max_rows: The most rows that its record can hold.
            timeout_seconds: Time after which the database aborts a statement that is alone.

        Returns:
            The value as the driver gives it; None without a record.

        Raises:
            UnavailableError: The database cannot be reached.
            TimedOutError: The statement took too long.
            BudgetError: The request has read more than it may.
            BusyError: All requests in flight have read more than they may together.
        """

        async def run() -> Any:
            if not is_alone or self._unit is not None:
                return await (await self._opened()).fetch(text, parameters, max_rows)
            async with self._database.open_session(default_access_mode=READ_ACCESS, **self._after()) as session:
                unit = self._database.unit(session, self.meter)
                return await unit.fetch(Query(text, timeout=timeout_seconds), parameters, max_rows)

        return await self._answered(run)

    def count_shared(self, max_rows: int) -> None:
        """
        Count a statement that was run for several requests together.

        Args:
            max_rows: The most rows of this request's share.

        Raises:
            BudgetError: The request has read more than it may.
            BusyError: All requests in flight have read more than they may together.
        """
        self.num_statements += 1
        if self.meter is not None:
            self.meter.take(max_rows, 0)

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run one write transaction beside this one; `work` may run twice, so it must have no other effects."""
        return await self._database.write(work)

    async def close(self) -> None:
        """End the transaction and return the connection to the pool."""
        if self.meter is not None:
            self.meter.close()
        await self._drop()

    async def read_after(self, bookmark: str | None) -> None:
        """End the transaction; the next statement opens one that sees the bookmark's state."""
        async with self._turn:
            await self._drop()
            self.bookmark = bookmark or self.bookmark
            self._has_answered = False

    async def _answered(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run a statement in its turn, again while nothing has been answered and the error is a passing one."""
        async with self._turn:
            if self.meter is not None:
                self.meter.check()
            for pause in (*REOPEN_PAUSES_SECONDS, None):
                try:
                    result = await run()
                except (BudgetError, BusyError):
                    await self._give_up()
                    raise
                except (driver_errors.Neo4jError, driver_errors.DriverError) as error:
                    await self._drop()
                    if self._has_answered or pause is None or not error.is_retryable():
                        raise translate(error) from error
                    await asyncio.sleep(pause)
                else:
                    self._has_answered = True
                    self.num_statements += 1
                    return result
        raise AssertionError("the last try returns or raises")

    def _after(self) -> dict[str, Any]:
        """Options of a session that sees the bookmark's state."""
        return {} if self.bookmark is None else {"bookmarks": _bookmarks(self.bookmark)}

    async def _opened(self) -> _TransactionUnit:
        if self._unit is None:
            self._session = self._database.open_session(default_access_mode=READ_ACCESS, **self._after())
            transaction = await self._session.begin_transaction(timeout=READ_TIMEOUT_SECONDS)
            self._unit = self._database.unit(transaction, self.meter)
        return self._unit

    async def _give_up(self) -> None:
        """Close the connection, so that the database stops its work and what it has sent is not read."""
        if self._session is not None:
            self._session.cancel()
        await self._drop()

    async def _drop(self) -> None:
        session, self._session, self._unit = self._session, None, None
        if session is not None:
            try:
                await session.close()
            except (driver_errors.Neo4jError, driver_errors.DriverError):
                return  # the connection is broken, so there is nothing to close
            except asyncio.CancelledError:
                session.cancel()
                await session.close()  # without its connection it does not wait
                raise


def join_bookmarks(*bookmarks: str | None) -> str | None:
    """A bookmark that includes all of several; None if there is none."""
    return MARK_SEPARATOR.join(bookmark for bookmark in bookmarks if bookmark) or None


def check_bookmark(text: str) -> str:
    """
    Check a bookmark from a client.

    Raises:
        InvalidError: The text does not have the form of a bookmark.
    """
    if not _BOOKMARK.fullmatch(text):
        message = f"expected a bookmark as a mutation returned it, got {text[:80]!r}"
        raise InvalidError(message, path="bookmark")
    return text


def _bookmarks(text: str) -> Bookmarks:
    return Bookmarks.from_raw_values(text.split(MARK_SEPARATOR))


@contextmanager
def _driver_errors_translated() -> Iterator[None]:
    try:
        yield
    except (driver_errors.Neo4jError, driver_errors.DriverError) as error:
        raise translate(error) from error


def _silence(*, unknown_names_are_fine: bool) -> dict[str, Any]:
    """Session options that silence notifications on names which a new database does not have yet."""
    silent = [NotificationDisabledClassification.UNRECOGNIZED]
    return {"notifications_disabled_classifications": silent} if unknown_names_are_fine else {}


def _warn(name: str, summary: ResultSummary) -> None:
    """Warn of notifications; the driver's own warnings walk the whole stack at each statement."""
    for status in summary.gql_status_objects:
        if status.is_notification:
            warnings.warn(f"{name}: {status.status_description}", Neo4jNotification, stacklevel=3)


async def _answer_one(transaction: AsyncManagedTransaction) -> None:
    await (await transaction.run("RETURN 1")).consume()


def from_driver(value: Any) -> Any:
    """Convert the driver's temporal values to Python's, to the microsecond, also inside lists and maps."""
    if isinstance(value, DateTime):
        # The database takes Python's UTC and the driver's for different zones, in which moments are not equal.
        native = value.to_native()
        return native if native.tzinfo is None else native.astimezone(UTC)
    if isinstance(value, Date):
        return value.to_native()
    if isinstance(value, list):
        if _PLAIN.issuperset(map(type, value)):
            return value
        return [item if type(item) in _PLAIN else from_driver(item) for item in value]
    if isinstance(value, dict):
        return {key: item if type(item) in _PLAIN else from_driver(item) for key, item in value.items()}
    return value


_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""Types that need no conversion; large answers consist of them, and a call for each would dominate the cost."""


_OWN_MEMORY: Final = "db.memory.transaction.max"
"""The server's limit for one transaction. That of all together is another: it may have room for one later on."""


class MemoryLimitError(TimedOutError):
    """A transaction needed more memory than the database gives to one; smaller ones may do."""


def translate(error: Exception) -> ForegraphError | Exception:
    """Translate a driver's error; returns an error without a translation as it is."""
    if isinstance(error, driver_errors.ConstraintError):
        return ConflictError("another node already has that id")
    if isinstance(error, driver_errors.AuthError):
        return ConfigurationError("the database refused the user or the password")
    code = getattr(error, "code", None) or ""
    if code.endswith("Security.AuthenticationRateLimit"):
        return ConfigurationError("the database refused the password too often; correct it and wait a few seconds")
    if "Transaction.InvalidBookmark" in code:
        return InvalidError(
            "the bookmark is unknown to the database; use one as a mutation returned it", path="bookmark"
        )
    if "TransactionTimedOut" in code or "LockAcquisitionTimeout" in code:
        return TimedOutError("the database took too long to answer; try again, or ask for less")
    if code.endswith("Database.DatabaseNotFound"):
        return ConfigurationError("the database of that name does not exist on the server")
    if "MemoryPoolOutOfMemory" in code or "TransactionOutOfMemory" in code:
        return MemoryLimitError("the request needs more memory than one transaction may have; ask for less")
    retryable = getattr(error, "is_retryable", None)
    if isinstance(error, driver_errors.DriverError) or (retryable is not None and retryable()):
        return UnavailableError("the database is unavailable now; try again in a few seconds")
    return error
