"""Units of work on the live database, and what the driver's errors become."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from neo4j import AsyncGraphDatabase
from neo4j import exceptions as driver_errors
from neo4j.time import Date, DateTime

from graph.bundles.importing import import_bundle
from graph.database import sessions
from graph.database.address import DatabaseAddress
from graph.database.revisions import Changes, raise_revision
from graph.database.sessions import ComposedUnit, Database, MemoryLimitError, Row, Unit, from_driver, translate
from graph.errors import ConfigurationError, ConflictError, TimedOutError, UnavailableError
from tests.helpers.bundles import bundle, claim, prediction
from tests.helpers.database import StatementCounter

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

WRONG_PASSWORD = "not-the-password"
MOMENT = datetime(2026, 5, 30, 22, 15, 0, 756418, tzinfo=UTC)
# The server looks for transactions past their time every two seconds.
LONGER_THAN_THE_SERVER_LOOKS_SECONDS = 8.0


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine's that nobody listens on: it is bound, and never listened on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def find_any(unit: Unit) -> list[Row]:
    """The smallest question."""
    return await unit.run("bundles/find_any_claim")


async def test_a_wrong_password_is_a_matter_of_configuration(database_address: DatabaseAddress) -> None:
    """The operator mends it; no password, right or wrong, is told to anybody."""
    async with Database.open(replace(database_address, password=WRONG_PASSWORD)) as database:
        with pytest.raises(ConfigurationError, match="refused the user or the password") as caught:
            await database.verify()

    assert WRONG_PASSWORD not in str(caught.value)
    assert database_address.password not in str(caught.value)


async def test_no_password_shows_in_a_repr(database_address: DatabaseAddress) -> None:
    """What is logged by mistake tells no secret."""
    async with Database.open(database_address) as database:
        shown = f"{database_address!r} {database_address} {database!r} {database}"

    assert database_address.password not in shown
    assert database_address.uri in shown


async def test_an_unknown_database_is_a_matter_of_configuration(database_address: DatabaseAddress) -> None:
    """The name is wrong, and trying again will not help."""
    async with Database.open(replace(database_address, database="nowhere")) as database:
        with pytest.raises(ConfigurationError, match="does not exist"):
            await database.verify()


@pytest.mark.parametrize("uri", ["nonsense://127.0.0.1", "127.0.0.1:7687", ""])
def test_an_address_that_is_none_is_named(uri: str) -> None:
    """A slip in a setting shows at the start, with the setting's value."""
    with pytest.raises(ConfigurationError, match="expected a database address such as") as caught:
        Database.open(DatabaseAddress(uri=uri, user="neo4j", password=WRONG_PASSWORD))

    assert repr(uri) in str(caught.value)
    assert WRONG_PASSWORD not in str(caught.value)


async def test_a_broken_constraint_is_a_conflict(database: Database) -> None:
    """Two rows of the ledger cannot hold one idempotency key, and neither is written."""
    given = ({"id": name, "claim_id": "P_1", "idempotency_key": "k"} for name in ("E_1", "E_2"))
    rows = [{"row": row, "derived": {}} for row in given]

    with pytest.raises(ConflictError, match="already"):
        await database.write(lambda unit: unit.run("upsert/evidence", rows=rows))

    (answer,) = await database.read(lambda unit: unit.run("bundles/list_evidence", ids=["E_1", "E_2"]))
    assert answer["rows"] == []


async def test_a_transaction_past_its_time_is_given_up(migrated_database: Database) -> None:
    """The caller learns that it took too long, not that something is broken."""

    async def work(unit: Unit) -> None:
        end = time.monotonic() + LONGER_THAN_THE_SERVER_LOOKS_SECONDS
        while time.monotonic() < end:
            await find_any(unit)
            await asyncio.sleep(0.1)

    with pytest.raises(TimedOutError, match="too long"):
        await migrated_database.read(work, timeout_seconds=0.01)


async def test_a_server_that_is_gone_is_unavailable(closed_port: int) -> None:
    """A reading tries a few times within about a second, and then says to try again later."""
    address = DatabaseAddress(f"bolt://127.0.0.1:{closed_port}", "neo4j", WRONG_PASSWORD)
    started = time.monotonic()

    async with Database.open(address) as database, database.reading() as reading:
        with pytest.raises(UnavailableError, match="try again") as caught:
            await reading.run("bundles/find_any_claim")

    assert WRONG_PASSWORD not in str(caught.value)
    assert time.monotonic() - started < 5
    assert reading.num_statements == 0


async def test_a_reading_that_asks_nothing_opens_nothing(closed_port: int) -> None:
    """A document that needs no data is answered while the database is away."""
    address = DatabaseAddress(f"bolt://127.0.0.1:{closed_port}", "neo4j", WRONG_PASSWORD)

    async with Database.open(address) as database, database.reading() as reading:
        assert reading.num_statements == 0


async def test_statements_of_concurrent_callers_take_turns(database: Database) -> None:
    """Sibling fields resolve at once over one transaction; each gets the answer to its own question."""
    ids = [f"TK{n:02d}" for n in range(30)]
    await import_bundle(database, bundle(killers=[claim(row_id) for row_id in ids]))

    async with database.reading() as reading:
        asked = (reading.run("export/killers", after=row_id, limit=1) for row_id in ids)
        answers = await asyncio.gather(*asked)

    assert [answer[0]["last_key"] for answer in answers] == [*ids[1:], None]
    assert reading.num_statements == len(ids)


async def test_a_wrong_question_does_not_stop_the_others(database: Database) -> None:
    """A failed statement ends its transaction; the turn passes on, and what comes later is told the truth."""
    await import_bundle(database, bundle(killers=[claim("TK01")]))

    async with database.reading() as reading:
        with pytest.raises(driver_errors.ClientError, match="Expected parameter"):
            await reading.run("export/killers", after="")

        assert await reading.run("bundles/find_any_claim") == [{"id": "TK01"}]


async def test_temporal_values_come_back_as_pythons(database: Database) -> None:
    """Days are dates and moments are aware datetimes to the microsecond, inside maps and lists too."""
    row = prediction(window_start="2026-01-01T00:00:00Z", window_end=MOMENT.isoformat(), from_year=None)
    await import_bundle(database, bundle(predictions=[row]), today=date(2026, 5, 30))

    (answer,) = await database.read(lambda unit: unit.run("bundles/list_predictions", ids=["P_1"]))

    stored = answer["rows"][0]
    assert type(stored["imported_on"]) is date
    assert type(stored["deadline"]) is datetime
    assert (stored["imported_on"], stored["deadline"]) == (date(2026, 5, 30), MOMENT)
    assert stored["deadline"].utcoffset() == timedelta(0)


def test_values_that_are_not_temporal_are_left_alone() -> None:
    """Numbers, texts and their containers come through as they are."""
    value = {
        "days": [Date(2026, 5, 30), None],
        "inner": {"at": DateTime(2026, 5, 30, 22, 15)},
        "text": "2026-05-30",
        "n": 1.5,
    }

    assert from_driver(value) == {
        "days": [date(2026, 5, 30), None],
        "inner": {"at": datetime(2026, 5, 30, 22, 15)},  # noqa: DTZ001 - it came without a zone
        "text": "2026-05-30",
        "n": 1.5,
    }


async def test_a_reading_unit_cannot_write(database: Database) -> None:
    """Read access is the first fence; an error that is our own fault comes back as it was."""
    with pytest.raises(driver_errors.ClientError, match="read access mode"):
        await database.read(lambda unit: unit.run("upsert/domains", rows=[{"id": "d"}]))


async def test_an_observer_is_told_of_each_statement(database: Database, statements: StatementCounter) -> None:
    """Statement counts of a document are counted there."""
    await database.read(find_any)

    assert statements.names == ["bundles/find_any_claim"]
    assert statements.num_rows == 0


async def test_a_lock_is_held_until_its_block_ends(database_address: DatabaseAddress, database: Database) -> None:
    """Whoever needs the same lock waits; when the block fails, what it wrote is gone."""
    order: list[str] = []

    async def hold() -> None:
        async with database.holding("database/lock_graph") as unit:
            order.append("first in")
            await unit.run("upsert/domains", rows=[{"id": "d"}])
            await asyncio.sleep(0.5)
            order.append("first out")
            message = "half-way"
            raise RuntimeError(message)

    async def wait() -> None:
        await asyncio.sleep(0.2)
        async with Database.open(database_address) as other, other.holding("database/lock_graph") as unit:
            order.append("second in")
            (answer,) = await unit.run("export/domains", after="", limit=9)
            assert answer["rows"] == []

    outcomes = await asyncio.gather(hold(), wait(), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [RuntimeError, type(None)]
    assert order == ["first in", "first out", "second in"]


async def test_what_needs_more_memory_than_a_transaction_may_have_is_tried_once(database: Database) -> None:
    """The driver takes it for a fault that passes."""
    num_tries = 0

    async def collect(unit: ComposedUnit) -> None:
        nonlocal num_tries
        num_tries += 1
        await unit.fetch(
            "UNWIND range(1, 10000000) AS x WITH collect(toString(x) + $p.text) AS xs RETURN size(xs)",
            {"text": "x" * 1000},
            is_alone=False,
        )

    with pytest.raises(MemoryLimitError, match="more memory than one transaction may have"):
        await database.read(collect, timeout_seconds=60)

    assert num_tries == 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", TimedOutError),
        ("Neo.ClientError.Transaction.LockAcquisitionTimeout", TimedOutError),
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", TimedOutError),
        ("Neo.TransientError.Transaction.DeadlockDetected", UnavailableError),
        ("Neo.TransientError.General.DatabaseUnavailable", UnavailableError),
        ("Neo.ClientError.Database.DatabaseNotFound", ConfigurationError),
        ("Neo.ClientError.Security.Unauthorized", ConfigurationError),
        ("Neo.ClientError.Schema.ConstraintValidationFailed", ConflictError),
        ("Neo.ClientError.Statement.SyntaxError", driver_errors.CypherSyntaxError),
    ],
)
def test_a_code_of_the_servers_means_one_thing(code: str, expected: type[Exception]) -> None:
    """The codes are those of Neo4j's status code reference; a fault of ours is not dressed up."""
    error = driver_errors.Neo4jError._hydrate_neo4j(code=code, message="as told by the server")

    assert isinstance(translate(error), expected)


def test_a_password_refused_too_often_is_a_matter_of_configuration() -> None:
    """After a few wrong ones the server looks at none for a while, and waiting alone would not help."""
    code = "Neo.ClientError.Security.AuthenticationRateLimit"
    error = driver_errors.Neo4jError._hydrate_neo4j(code=code, message=f"about {WRONG_PASSWORD}")

    told = translate(error)
    assert type(told) is ConfigurationError
    assert WRONG_PASSWORD not in str(told)


@pytest.mark.parametrize("uri", ["http://localhost:7474", "https://localhost", "bolt://:user@", "bolt://host?a=b"])
def test_an_address_of_another_kind_is_told_at_once(uri: str) -> None:
    """The driver has an HTTP side that needs a library of its own; that must not show as a missing module."""
    with pytest.raises(ConfigurationError) as refused:
        Database.open(DatabaseAddress(uri=uri, user="neo4j", password=WRONG_PASSWORD))

    assert repr(uri) in str(refused.value)
    assert WRONG_PASSWORD not in str(refused.value)


async def test_every_unit_of_work_tells_a_server_that_is_gone(closed_port: int) -> None:
    """Reads and writes, schema commands, locks and signs of life; the driver's own retries are kept short here."""
    uri = f"bolt://127.0.0.1:{closed_port}"
    driver = AsyncGraphDatabase.driver(uri, auth=("neo4j", WRONG_PASSWORD), max_transaction_retry_time=0.1)
    async with Database(driver, "neo4j") as database:
        for attempt in (
            database.verify(),
            database.read(find_any),
            database.write(find_any),
            database.run_schema("RETURN 1"),
            database.holding("database/lock_migrations").__aenter__(),
        ):
            with pytest.raises(UnavailableError):
                await attempt


async def test_a_failed_write_leaves_nothing(database: Database) -> None:
    """One mutation is one transaction, whoever raises within it."""

    async def work(unit: Unit) -> None:
        await raise_revision(unit, Changes())
        message = "half-way"
        raise LookupError(message)

    before = await database.read(lambda unit: unit.run("database/get_revision"))
    with pytest.raises(LookupError, match="half-way"):
        await database.write(work)
    assert await database.read(lambda unit: unit.run("database/get_revision")) == before


@pytest.mark.parametrize("num_steps", range(4))
async def test_a_reading_whose_end_is_cancelled_keeps_no_session(database: Database, num_steps: int) -> None:
    """Wherever it is on its way: a client that leaves then would hold a connection until garbage is collected."""
    async with database.reading() as reading:
        await reading.run("database/get_revision")
        session = reading._session
        assert session is not None
        ending = asyncio.create_task(reading.close())
        for _ in range(num_steps):
            await asyncio.sleep(0)
        ending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ending
        if num_steps == 0:  # it had not begun
            await reading.close()

        assert session.closed()
    async with database.reading() as another:
        await another.run("database/get_revision")


async def test_concurrent_callers_share_one_transaction(database: Database) -> None:
    """The server has one open for all of a document's fields, and none when the document is done."""
    async with database.reading() as reading:
        await asyncio.gather(*(reading.run("bundles/find_any_claim") for _ in range(10)))
        assert len(await open_transactions(database)) == 1
    assert await open_transactions(database) == []


async def open_transactions(database: Database) -> list[Any]:
    """The transactions that the server has open, but for the one that asks."""
    async with database.open_session() as session:
        result = await session.run(
            "SHOW TRANSACTIONS YIELD transactionId AS id, currentQuery AS query "
            "WHERE NOT coalesce(query, '') STARTS WITH 'SHOW' RETURN id"
        )
        return [record.value() async for record in result]


# Wires that break


class Proxy:
    """Stands between a driver and its database, and can cut the wire or hang up at once on who calls."""

    def __init__(self, address: DatabaseAddress) -> None:
        place = urlsplit(address.uri)
        self._target = (place.hostname, place.port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.num_to_refuse = 0
        self.num_calls = 0

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def address(self, behind: DatabaseAddress) -> DatabaseAddress:
        """Where the database is to be had through here."""
        assert self._server is not None
        return replace(behind, uri=f"bolt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}")

    def cut(self) -> None:
        """Break every connection that there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.num_calls += 1
        if self.num_to_refuse:
            self.num_to_refuse -= 1
            await _hang_up(writer)
            return
        there, onward = await asyncio.open_connection(*self._target)
        self._writers |= {writer, onward}
        await asyncio.gather(_pump(reader, onward), _pump(there, writer))
        self._writers -= {writer, onward}
        await asyncio.gather(_hang_up(writer), _hang_up(onward))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.fixture
async def proxy(migrated_database: Database, database_address: DatabaseAddress) -> AsyncIterator[Proxy]:
    """A wire to the migrated database that a test can break."""
    async with Proxy(database_address) as between:
        yield between


async def test_a_reading_gets_past_a_connection_that_went_stale(
    database_address: DatabaseAddress, proxy: Proxy
) -> None:
    """A firewall or a restart breaks pooled connections; nothing has been answered, so nothing is lost."""
    async with Database.open(proxy.address(database_address)) as database:
        await database.read(find_any)
        proxy.cut()
        async with database.reading() as reading:
            await reading.run("bundles/find_any_claim")
            await reading.run("bundles/find_any_claim")
            assert reading.num_statements == 2
    assert proxy.num_calls == 2


async def test_a_reading_waits_for_a_database_that_is_coming_back(
    database_address: DatabaseAddress, proxy: Proxy
) -> None:
    """One that hangs up on the first callers has a moment to get ready."""
    proxy.num_to_refuse = 2
    async with Database.open(proxy.address(database_address)) as database, database.reading() as reading:
        await reading.run("bundles/find_any_claim")
    assert proxy.num_calls == 3


async def test_a_reading_that_has_answered_is_not_begun_anew(database_address: DatabaseAddress, proxy: Proxy) -> None:
    """The graph may have changed under it, and half a document from before is no answer."""
    async with Database.open(proxy.address(database_address)) as database, database.reading() as reading:
        await reading.run("bundles/find_any_claim")
        proxy.cut()
        with pytest.raises(UnavailableError, match="try again"):
            await reading.run("bundles/find_any_claim")
        assert reading.num_statements == 1


async def test_a_server_without_the_procedure_does_not_say_when_it_started(
    migrated_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a managed one may refuse it; that is no failure of whoever asks."""
    assert await migrated_database.find_start() is not None
    monkeypatch.setattr(sessions, "statement", lambda _: "CALL dbms.absent() YIELD attributes RETURN attributes")

    assert await migrated_database.find_start() is None
