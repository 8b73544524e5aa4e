"""Scheduled queries on a real Neo4j, delivered to a real receiver on this machine."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.webhooks.delivering import deliver_due
from api.webhooks.sending import Receivers
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from graph.model.kinds import ParameterType
from graph.saved.queries import Draft, Parameter
from graph.saved.running import SavedQueries
from graph.saved.schedules import (
    BACK_OFF,
    MOST_ATTEMPTS,
    TAKEN_FOR,
    Deliveries,
    Delivery,
    DeliveryFormat,
    DeliveryStatus,
    Schedule,
    delete_schedule,
    enqueue_due,
    is_delivery_due,
    list_deliveries,
    list_schedules,
    retry_delivery,
    set_schedule,
    take_delivery,
)
from graph.saved.sealing import Seals, seal_stored
from graph.saved.store import delete_query, save_query
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask
from tests.helpers.receiving import Receiver, receiving

pytestmark = pytest.mark.statements

START = datetime(2026, 9, 1, 12, 3, tzinfo=UTC)
DUE = datetime(2026, 9, 1, 12, 10, tzinfo=UTC)
FAILURE = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
SUCCESS = b"HTTP/1.1 200 OK\r\n\r\n"
SEALS = Seals(b"secret of the tests")
DRAFT = Draft("echo", "RETURN $text AS text, 1 AS one", "", (Parameter("text", ParameterType.STRING, "", "=1+1"),))


@pytest.fixture(scope="module")
async def adhoc(database_address: DatabaseAddress) -> AsyncIterator[Adhoc]:
    """Judges and runs statements."""
    async with Adhoc(database_address) as opened:
        yield opened


@pytest.fixture
async def saved(migrated_database: Database, adhoc: Adhoc) -> AsyncIterator[SavedQueries]:
    """A graph with one saved query."""
    await empty(migrated_database)
    await save_query(migrated_database, adhoc, DRAFT, caller="test")
    yield SavedQueries(migrated_database, adhoc)
    await empty(migrated_database)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything, unless a test says otherwise."""
    async with receiving() as opened:
        yield opened


def schedule_to(receiver: Receiver, **changes: Any) -> Schedule:
    """A schedule of the query every ten minutes."""
    values: dict[str, Any] = {
        "name": "every-ten",
        "query": "echo",
        "parameters": {},
        "sealed_url": SEALS.close(f"http://127.0.0.1:{receiver.port}/hook"),
        "format": DeliveryFormat.JSON,
        "every_minutes": 10,
    }
    return Schedule(**{**values, **changes})


def receivers_of(receiver: Receiver) -> Receivers:
    """The receiver, allowed."""
    return Receivers(frozenset({f"127.0.0.1:{receiver.port}"}), SEALS, allows_loopback=True)


async def deliveries_of(saved: SavedQueries, status: DeliveryStatus) -> list[Delivery]:
    """The deliveries of a status."""
    return await saved.database.read(lambda unit: list_deliveries(unit, Deliveries((status,)), 100))


async def test_rows_are_delivered_when_they_are_due(saved: SavedQueries, receiver: Receiver) -> None:
    """Not before, once for each moment, and with what tells a receiver what they are."""
    await set_schedule(saved.database, schedule_to(receiver, parameters={"text": "hello"}), now=START)
    receivers = receivers_of(receiver)

    assert not await is_delivery_due(saved.database, DUE - timedelta(seconds=1))
    await deliver_due(saved, receivers, DUE - timedelta(seconds=1))
    assert receiver.received == []
    assert await is_delivery_due(saved.database, DUE)
    assert (await deliver_due(saved, receivers, DUE))["num_delivered"] == 1
    assert (await deliver_due(saved, receivers, DUE))["num_delivered"] == 0

    (came,) = receiver.received
    document = json.loads(came.body)
    assert (document["columns"], document["rows"]) == (["text", "one"], [["hello", 1]])
    assert came.headers["foregraph-delivery"] == "every-ten@20260901T121000Z"
    assert came.headers["foregraph-query"] == "echo"
    assert came.headers["foregraph-revision"] == document["revision"]
    (done,) = await deliveries_of(saved, DeliveryStatus.DELIVERED)
    assert (done.num_attempts, done.delivered_at, done.due_at, done.last_error) == (1, DUE, DUE, None)
    assert (await saved.database.read(list_schedules))[0].next_at == DUE + timedelta(minutes=10)


async def test_a_table_has_no_formula(saved: SavedQueries, receiver: Receiver) -> None:
    await set_schedule(saved.database, schedule_to(receiver, format=DeliveryFormat.CSV), now=START)
    await deliver_due(saved, receivers_of(receiver), DUE)

    (came,) = receiver.received
    assert list(csv.reader(io.StringIO(came.body.decode()))) == [["text", "one"], ["'=1+1", "1"]]
    assert came.headers["content-type"].startswith("text/csv")


async def test_a_failure_is_tried_again_later_and_is_dead_at_last(saved: SavedQueries, receiver: Receiver) -> None:
    """After pauses that grow; dead ones stay, and can be retried."""
    receiver.answers = [FAILURE]
    receivers, now = receivers_of(receiver), DUE
    await set_schedule(saved.database, schedule_to(receiver), now=START)
    await deliver_due(saved, receivers, now)
    await pause_schedule(saved, receiver)

    for attempt, pause in enumerate(BACK_OFF, start=1):
        (waiting,) = await deliveries_of(saved, DeliveryStatus.PENDING)
        assert (waiting.num_attempts, waiting.next_attempt_at) == (attempt, now + pause)
        assert waiting.last_error == "the receiver answered 503"
        await deliver_due(saved, receivers, now + pause - timedelta(seconds=1))
        assert len(receiver.received) == attempt
        now += pause
        await deliver_due(saved, receivers, now)
    (dead,) = await deliveries_of(saved, DeliveryStatus.DEAD)
    assert (dead.num_attempts, dead.next_attempt_at) == (len(BACK_OFF) + 1, None)
    assert await deliveries_of(saved, DeliveryStatus.PENDING) == []
    assert len({came.headers["foregraph-delivery"] for came in receiver.received}) == 1

    receiver.answers = [SUCCESS]
    await retry_delivery(saved.database, dead.id)
    await deliver_due(saved, receivers, datetime.now(UTC) + timedelta(seconds=1))
    (done,) = await deliveries_of(saved, DeliveryStatus.DELIVERED)
    assert (done.id, done.num_attempts) == (dead.id, 1)
    with pytest.raises(ConflictError, match="only a DEAD delivery"):
        await retry_delivery(saved.database, dead.id)
    with pytest.raises(NotFoundError):
        await retry_delivery(saved.database, "nobody")


async def pause_schedule(saved: SavedQueries, receiver: Receiver) -> None:
    """Pause the schedule, so that only what is waiting is tried."""
    await set_schedule(saved.database, schedule_to(receiver), is_paused=True)


async def test_what_was_missed_is_delivered_once(saved: SavedQueries, receiver: Receiver) -> None:
    """After a night without a service, one delivery, and then the usual ones."""
    await set_schedule(saved.database, schedule_to(receiver), now=START)
    morning = DUE + timedelta(hours=9, minutes=4)

    assert (await deliver_due(saved, receivers_of(receiver), morning))["num_delivered"] == 1
    assert (await deliver_due(saved, receivers_of(receiver), morning))["num_delivered"] == 0
    assert (await saved.database.read(list_schedules))[0].next_at == DUE + timedelta(hours=9, minutes=10)


async def test_a_process_that_dies_loses_nothing(saved: SavedQueries, receiver: Receiver) -> None:
    """What it had taken is taken by another one, once its time is over."""
    await set_schedule(saved.database, schedule_to(receiver), now=START)
    await enqueue_due(saved.database, DUE)
    taken = await take_delivery(saved.database, DUE)
    assert taken is not None

    assert await take_delivery(saved.database, DUE + TAKEN_FOR - timedelta(seconds=1)) is None
    await deliver_due(saved, receivers_of(receiver), DUE + TAKEN_FOR)

    assert receiver.received[0].headers["foregraph-delivery"] == taken.id
    assert taken.id in [done.id for done in await deliveries_of(saved, DeliveryStatus.DELIVERED)]


async def test_a_delivery_that_ends_each_process_is_given_up(saved: SavedQueries, receiver: Receiver) -> None:
    """After as many attempts as any other, so that it is not tried for ever; it is shown, and can be retried."""
    await set_schedule(saved.database, schedule_to(receiver), now=START)
    await enqueue_due(saved.database, DUE)
    await pause_schedule(saved, receiver)
    now, taken = DUE, list[Delivery]()
    while (delivery := await take_delivery(saved.database, now)) is not None:  # and the process is killed
        taken.append(delivery)
        now += TAKEN_FOR

    assert [delivery.num_attempts for delivery in taken] == list(range(1, MOST_ATTEMPTS + 1))
    (dead,) = await deliveries_of(saved, DeliveryStatus.DEAD)
    assert (dead.id, dead.num_attempts, dead.next_attempt_at) == (taken[0].id, MOST_ATTEMPTS, None)
    assert "did not end" in (dead.last_error or "")


async def test_addresses_are_sealed_in_the_graph(saved: SavedQueries, receiver: Receiver) -> None:
    """Those of older versions too; and what was sealed under another secret is sent nowhere."""
    schedule = schedule_to(receiver)
    await set_schedule(saved.database, schedule, now=START)
    await enqueue_due(saved.database, DUE)
    await ask(saved.database, "MATCH (n:QuerySchedule) SET n.url = $url, n.sealed_url = null", url="http://a.example/b")
    assert await seal_stored(saved.database, SEALS) == 1
    assert await seal_stored(saved.database, SEALS) == 0
    assert SEALS.open((await saved.database.read(list_schedules))[0].sealed_url) == "http://a.example/b"
    assert "http" not in repr(await ask(saved.database, "MATCH (n:QuerySchedule|QueryDelivery) RETURN properties(n)"))

    rotated = replace(receivers_of(receiver), seals=Seals(b"another secret of the tests"))
    await deliver_due(saved, rotated, DUE)
    (failed,) = await deliveries_of(saved, DeliveryStatus.PENDING)
    assert "under another FOREGRAPH_WEBHOOK_SECRET" in (failed.last_error or "")
    assert receiver.received == []


async def test_processes_at_once_deliver_once(saved: SavedQueries, receiver: Receiver) -> None:
    """Each delivery is taken by one of them."""
    for number in range(3):
        await set_schedule(saved.database, schedule_to(receiver, name=f"s{number}"), now=START)

    await asyncio.gather(*(deliver_due(saved, receivers_of(receiver), DUE) for _ in range(3)))

    assert sorted(came.headers["foregraph-schedule"] for came in receiver.received) == ["s0", "s1", "s2"]


async def test_a_query_that_fails_is_a_failure(saved: SavedQueries, receiver: Receiver) -> None:
    """One that was deleted since, and an address that is not allowed any more."""
    await set_schedule(saved.database, schedule_to(receiver), now=START)
    await delete_query(saved.database, "echo")
    await deliver_due(saved, receivers_of(receiver), DUE)
    (waiting,) = await deliveries_of(saved, DeliveryStatus.PENDING)
    await save_query(saved.database, saved.get_adhoc(), DRAFT, caller="test")
    await deliver_due(saved, replace(receivers_of(receiver), hosts=frozenset()), DUE + BACK_OFF[0])
    (other,) = await deliveries_of(saved, DeliveryStatus.PENDING)

    assert waiting.last_error == "name: no saved query has the name 'echo'"
    assert "does not allow webhooks" in (other.last_error or "")
    assert receiver.received == []


async def test_a_deleted_schedule_sends_nothing_more(saved: SavedQueries, receiver: Receiver) -> None:
    """Neither what was waiting."""
    receiver.answers = [FAILURE]
    await set_schedule(saved.database, schedule_to(receiver), now=START)
    await deliver_due(saved, receivers_of(receiver), DUE)
    await delete_schedule(saved.database, "every-ten")
    await deliver_due(saved, receivers_of(receiver), DUE + timedelta(days=1))

    assert len(receiver.received) == 1
    assert await saved.database.read(list_schedules) == []
    with pytest.raises(NotFoundError):
        await delete_schedule(saved.database, "every-ten")


@pytest.mark.parametrize(
    ("changes", "moment", "expected"),
    [
        ({"every_minutes": 10}, "2026-09-01T12:03:00", "2026-09-01T12:10:00"),
        ({"every_minutes": 10}, "2026-09-01T12:10:00", "2026-09-01T12:20:00"),
        ({"every_minutes": 360}, "2026-09-01T12:10:00", "2026-09-01T18:00:00"),
        ({"every_minutes": None, "daily_at_hour": 7}, "2026-09-01T06:59:59", "2026-09-01T07:00:00"),
        ({"every_minutes": None, "daily_at_hour": 7}, "2026-09-01T07:00:00", "2026-09-02T07:00:00"),
        ({"every_minutes": None, "daily_at_hour": 0}, "2026-12-31T23:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_when_a_schedule_is_due(changes: dict[str, Any], moment: str, expected: str) -> None:
    schedule = schedule_to(Receiver(), **changes)

    found = schedule.after(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": "a\r\nx: y"}, "name"),
        ({"name": ""}, "name"),
        ({"query": "nobody"}, "query"),
        ({"every_minutes": 4}, "every_minutes"),
        ({"every_minutes": None}, "every_minutes"),
        ({"daily_at_hour": 7}, "every_minutes"),
        ({"every_minutes": None, "daily_at_hour": 24}, "daily_at_hour"),
        ({"parameters": {"text": 7}}, "parameters"),
        ({"parameters": {"other": "a"}}, "parameters"),
        ({"parameters": {"text": "a" * 20_000}}, "parameters"),
    ],
)
async def test_a_wrong_schedule_is_refused(
    saved: SavedQueries, receiver: Receiver, changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        await set_schedule(saved.database, schedule_to(receiver, **changes))

    assert isinstance(refusal.value, InvalidError | NotFoundError)
    assert refusal.value.path == path
    assert await saved.database.read(list_schedules) == []
