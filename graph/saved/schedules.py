"""
Schedules of saved queries, and deliveries of their rows: all state is in the graph, so that restarts lose nothing.

A schedule that is due becomes a delivery in the transaction that sets its next moment. A delivery is tried until it
succeeds, each time later, and is dead after the last attempt. Whoever tries it takes it for some minutes first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, InvalidError, NotFoundError
from graph.inference.time import EPOCH
from graph.model.page_keys import FAR, FIRST_PLACE, LAST_PLACE, Place, place_parameters
from graph.saved.deleting import Deletion
from graph.saved.queries import A_NAME, NAME
from graph.saved.store import find_query, unknown_query
from graph.saved.values import read_values

MOST_SCHEDULES: Final = 100
LEAST_MINUTES, MOST_MINUTES = 5, 7 * 24 * 60
HOURS: Final = 24
MOST_PARAMETERS_TEXT: Final = 20_000
"""Characters of a schedule's parameters as JSON."""

BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Pauses after failed attempts."""

MOST_ATTEMPTS: Final = len(BACK_OFF) + 1
"""Attempts after which a delivery is dead."""

UNENDED: Final = "the last attempt did not end: the process that made it was ended, or ended itself"
"""Error of a delivery that was taken as often as may be, and of which nothing was heard."""

TAKEN_FOR: Final = timedelta(minutes=3)
"""Time for which an attempt has its delivery to itself; longer than an attempt takes."""

KEPT_FOR: Final = timedelta(days=30)
"""How long deliveries are kept that have succeeded."""
DEAD_KEPT_FOR: Final = timedelta(days=90)
AT_ONCE: Final = 100

_DELETION: Final = Deletion("unscheduleQuery", "saved/lock_schedule", "saved/delete_schedule", "schedule")

MOST_COUNTED: Final = 200_000
"""The most deliveries that are counted, some 0.1 s."""


class DeliveryStatus(StrEnum):
    """PENDING until the receiver has taken it, then DELIVERED; DEAD after the last attempt, until it is retried."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


UNDELIVERED: Final = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)
"""Statuses of deliveries that are tried again, by themselves or on demand."""


class DeliveryFormat(StrEnum):
    """Format of the rows that are sent."""

    JSON = "JSON"
    NDJSON = "NDJSON"
    CSV = "CSV"


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    A schedule of a saved query.

    Attributes:
        name: Its own name.
        query: The query's name.
        parameters: Values of the query's parameters, as JSON.
        sealed_url: The address to which the rows are sent, sealed.
        format: Their format.
        every_minutes: The interval; None for a daily one.
        daily_at_hour: The hour in UTC; None for an interval.
        next_at: When it is due next; None while it is paused.
    """

    name: str
    query: str
    parameters: Mapping[str, Any]
    sealed_url: str
    format: DeliveryFormat
    every_minutes: int | None = None
    daily_at_hour: int | None = None
    next_at: datetime | None = None

    def after(self, moment: datetime) -> datetime:
        """The first moment after another at which it is due; intervals count from midnight of 1970 in UTC."""
        if self.daily_at_hour is not None:
            today = moment.astimezone(UTC).replace(hour=self.daily_at_hour, minute=0, second=0, microsecond=0)
            return today if today > moment else today + timedelta(days=1)
        seconds = 60 * (self.every_minutes or MOST_MINUTES)
        return datetime.fromtimestamp((int(moment.timestamp()) // seconds + 1) * seconds, UTC)


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    Rows of a query that are to be sent, or were.

    Attributes:
        id: Equal for all attempts, so that a receiver can tell a repetition.
        schedule: The schedule's name.
        query: The query's name.
        parameters: Values of its parameters, as JSON.
        sealed_url: The address, sealed.
        format: The format of the rows.
        due_at: When the schedule was due.
        status: How it stands.
        num_attempts: Attempts so far.
        next_attempt_at: When it is tried next; None if it is not.
        last_error: Why the last attempt failed; None if none did.
        delivered_at: When the receiver took it.
        body: The body, of a delivery of changes; None where the query is run for it.
    """

    id: str
    schedule: str
    query: str
    parameters: Mapping[str, Any]
    sealed_url: str
    format: DeliveryFormat
    due_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    num_attempts: int = 0
    next_attempt_at: datetime | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None
    body: str | None = None


async def list_schedules(unit: Unit) -> list[Schedule]:
    """List all schedules by name."""
    rows = await unit.run("saved/list_schedules", after="", limit=MOST_SCHEDULES)
    return [_read_schedule(row["schedule"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """
    Conditions on deliveries, all of which must hold.

    Attributes:
        statuses: How they stand: any of these.
        schedules: Names of schedules or webhooks of changes, any of which they are of; None for all.
        queries: Names of queries, likewise.
        due_from: The first moment when they were due.
        due_to: The last moment.
    """

    statuses: Sequence[DeliveryStatus] = tuple(DeliveryStatus)
    schedules: Sequence[str] | None = None
    queries: Sequence[str] | None = None
    due_from: datetime = EPOCH
    due_to: datetime = FAR

    def parameters(self) -> dict[str, Any]:
        """Return them as parameters of statements."""
        return {
            "statuses": [status.value for status in self.statuses],
            "schedules": None if self.schedules is None else list(self.schedules),
            "queries": None if self.queries is None else list(self.queries),
            "from": self.due_from,
            "to": self.due_to,
        }


async def list_deliveries(
    unit: Unit,
    wanted: Deliveries,
    limit: int,
    *,
    between: tuple[Place, Place] = (FIRST_PLACE, LAST_PLACE),
    reads_down: bool = True,
) -> list[Delivery]:
    """
    List deliveries by the moment when they were due, and their ids.

    Args:
        unit: A transaction.
        wanted: The conditions.
        limit: The most deliveries.
        between: Places between which they lie, both excluded.
        reads_down: Whether the latest come first.
    """
    given = {**wanted.parameters(), **place_parameters(between), "limit": limit, "reads_down": reads_down}
    if given["schedules"] is None:
        del given["schedules"]
        rows = await unit.run("saved/list_deliveries", **given)
    else:
        rows = await unit.run("saved/list_deliveries_of", **given)
    found = [_read_delivery(row["delivery"]) for row in rows]
    return sorted(found, key=place_of, reverse=reads_down)[:limit]


async def count_deliveries(unit: Unit, wanted: Deliveries) -> int | None:
    """Count deliveries; None if there are more than are counted."""
    (row,) = await unit.run("saved/count_deliveries", **wanted.parameters(), limit=MOST_COUNTED + 1)
    return None if row["num_deliveries"] > MOST_COUNTED else int(row["num_deliveries"])


def place_of(delivery: Delivery) -> Place:
    """Return a delivery's place in the order of all: when it was due."""
    return delivery.due_at, delivery.id


async def set_schedule(
    database: Database,
    schedule: Schedule,
    *,
    now: datetime | None = None,
    is_paused: bool = False,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Create or replace a schedule; returns a payload with its properties as `schedule`, and whether it was `created`.

    The caller has checked the address, and sealed it.

    Raises:
        InvalidError: The name, the interval or a value of a parameter is wrong.
        NotFoundError: No query has the name.
        ConflictError: There are as many schedules as may be.
        KeyReusedError: The idempotency key belongs to another request.
        RefusedItemsError: Several values are wrong.
    """
    _check_schedule(schedule)
    arguments = {**_properties_of(schedule), "name": schedule.name, "next_at": None, "is_paused": is_paused}
    request = WriteRequest("scheduleQuery", arguments, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        query = await find_query(unit, schedule.query)
        if query is None:
            raise unknown_query(schedule.query, path="query")
        read_values(query.parameters, schedule.parameters, query.name)
        await unit.run("saved/lock")
        names = {found.name for found in await list_schedules(unit)}
        if schedule.name not in names and len(names) >= MOST_SCHEDULES:
            raise ConflictError(f"there are {MOST_SCHEDULES} schedules, which is the most", path="name")
        next_at = None if is_paused else schedule.after(now or datetime.now(UTC))
        properties = {**_properties_of(schedule), "next_at": next_at}
        await unit.run("saved/set_schedule", name=schedule.name, properties=properties)
        shown = {**properties, "name": schedule.name, "next_at": None if next_at is None else next_at.isoformat()}
        return {"schedule": shown, "created": schedule.name not in names}

    return await write_once(database, request, work, raises_revision=False)


async def delete_schedule(
    database: Database, name: str, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Delete a schedule, and what waits to be delivered for it.

    Raises:
        NotFoundError: No schedule has the name.
        KeyReusedError: The idempotency key belongs to another request.
    """
    return await _DELETION.run(database, name, idempotency_key=idempotency_key, is_dry_run=is_dry_run)


async def retry_delivery(
    database: Database, delivery_id: str, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Have a dead delivery tried anew, with all its attempts.

    Raises:
        NotFoundError: No delivery has the id.
        ConflictError: It is not dead.
        KeyReusedError: The idempotency key belongs to another request.
    """
    request = WriteRequest("retryDelivery", {"id": delivery_id}, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        rows = await unit.run("saved/lock_delivery", id=delivery_id) if delivery_id.isascii() else []
        if not rows:
            raise NotFoundError(f"no delivery has the id {delivery_id[:80]!r}", path="id")
        status = rows[0]["delivery"]["status"]
        if status != DeliveryStatus.DEAD:
            raise ConflictError(f"only a DEAD delivery can be retried, this one is {status}", path="id")
        properties = {"status": "PENDING", "num_attempts": 0, "next_attempt_at": datetime.now(UTC)}
        await unit.run("saved/set_delivery", id=delivery_id, properties=properties)
        return {"id": delivery_id}

    return await write_once(database, request, work, raises_revision=False)


async def enqueue_due(database: Database, now: datetime) -> int:
    """Make a delivery of each schedule that is due; of several moments that were missed, one. Returns how many."""
    rows = await database.read(lambda unit: unit.run("saved/list_due_schedules", moment=now, limit=AT_ONCE))
    for row in rows:
        await _enqueue(database, _read_schedule(row["schedule"]), now)
    return len(rows)


async def is_delivery_due(database: Database, now: datetime) -> bool:
    """Whether a schedule or a delivery is due."""

    async def work(unit: Unit) -> bool:
        return bool(
            await unit.run("saved/list_due_schedules", moment=now, limit=1)
            or await unit.run("saved/list_due_deliveries", moment=now, limit=1)
        )

    return await database.read(work)


async def take_delivery(database: Database, now: datetime) -> Delivery | None:
    """
    Take the delivery that has waited longest, and count the attempt; None if none is due.

    One whose attempts are used up, none of which ended, is dead: perhaps it is what ends the process.
    """

    async def work(unit: Unit) -> Delivery | None:
        while rows := await unit.run("saved/claim_delivery", moment=now, until=now + TAKEN_FOR):
            delivery = _read_delivery(rows[0]["delivery"])
            if delivery.num_attempts <= MOST_ATTEMPTS:
                return delivery
            given_up = {"status": DeliveryStatus.DEAD.value, "num_attempts": MOST_ATTEMPTS, "next_attempt_at": None}
            await unit.run("saved/set_delivery", id=delivery.id, properties={**given_up, "last_error": UNENDED})
        return None

    return await database.write(work)


async def note_delivered(database: Database, delivery: Delivery, now: datetime) -> None:
    """Note that a receiver has taken a delivery."""
    properties = {"status": "DELIVERED", "delivered_at": now, "next_attempt_at": None, "last_error": None}
    await _set_delivery(database, delivery.id, properties)


async def note_failed(database: Database, delivery: Delivery, error: str, now: datetime) -> DeliveryStatus:
    """Note that an attempt failed; returns whether it is tried again, PENDING, or DEAD."""
    is_dead = delivery.num_attempts >= MOST_ATTEMPTS
    status = DeliveryStatus.DEAD if is_dead else DeliveryStatus.PENDING
    next_at = None if is_dead else now + BACK_OFF[delivery.num_attempts - 1]
    properties = {"status": status.value, "next_attempt_at": next_at, "last_error": error}
    await _set_delivery(database, delivery.id, properties)
    return status


async def purge_deliveries(database: Database, now: datetime) -> int:
    """Delete deliveries that nobody needs any more; returns how many."""

    async def work(unit: Unit) -> int:
        kept = {DeliveryStatus.DELIVERED: KEPT_FOR, DeliveryStatus.DEAD: DEAD_KEPT_FOR}
        found = [
            await unit.run("saved/purge_deliveries", status=status.value, before=now - period, limit=1_000)
            for status, period in kept.items()
        ]
        return sum(rows[0]["num_deliveries"] for rows in found)

    return await database.write(work)


async def _set_delivery(database: Database, delivery_id: str, properties: Mapping[str, Any]) -> None:
    async def work(unit: Unit) -> None:
        await unit.run("saved/set_delivery", id=delivery_id, properties=dict(properties))

    await database.write(work)


async def _enqueue(database: Database, schedule: Schedule, now: datetime) -> None:
    async def work(unit: Unit) -> None:
        rows = await unit.run("saved/lock_schedule", name=schedule.name)
        if not rows or rows[0]["schedule"].get("next_at") != schedule.next_at or schedule.next_at is None:
            return  # another process was faster, or the schedule has changed
        properties = {
            "schedule": schedule.name,
            "query": schedule.query,
            "parameters": json.dumps(dict(schedule.parameters)),
            "sealed_url": schedule.sealed_url,
            "format": schedule.format.value,
            "due_at": schedule.next_at,
            "status": DeliveryStatus.PENDING.value,
            "num_attempts": 0,
            "next_attempt_at": now,
        }
        delivery_id = f"{schedule.name}@{schedule.next_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        await unit.run("saved/add_delivery", id=delivery_id, properties=properties)
        await unit.run("saved/set_schedule", name=schedule.name, properties={"next_at": schedule.after(now)})

    await database.write(work)


def _check_schedule(schedule: Schedule) -> None:
    if not NAME.fullmatch(schedule.name):
        raise InvalidError(f"expected {A_NAME}, got {schedule.name[:80]!r}", path="name")
    if (schedule.every_minutes is None) == (schedule.daily_at_hour is None):
        raise InvalidError("expected either every_minutes or daily_at_hour", path="every_minutes")
    if schedule.every_minutes is not None and not LEAST_MINUTES <= schedule.every_minutes <= MOST_MINUTES:
        message = f"expected {LEAST_MINUTES} to {MOST_MINUTES} minutes, got {schedule.every_minutes}"
        raise InvalidError(message, path="every_minutes")
    if schedule.daily_at_hour is not None and not 0 <= schedule.daily_at_hour < HOURS:
        raise InvalidError(f"expected an hour from 0 to 23, got {schedule.daily_at_hour}", path="daily_at_hour")
    if len(json.dumps(dict(schedule.parameters))) > MOST_PARAMETERS_TEXT:
        raise InvalidError(f"expected at most {MOST_PARAMETERS_TEXT:,} characters as JSON", path="parameters")


def _properties_of(schedule: Schedule) -> dict[str, Any]:
    return {
        "query": schedule.query,
        "parameters": json.dumps(dict(schedule.parameters)),
        "sealed_url": schedule.sealed_url,
        "format": schedule.format.value,
        "every_minutes": schedule.every_minutes,
        "daily_at_hour": schedule.daily_at_hour,
    }


def _read_schedule(found: Mapping[str, Any]) -> Schedule:
    return Schedule(
        name=found["name"],
        query=found["query"],
        parameters=json.loads(found["parameters"]),
        sealed_url=found.get("sealed_url") or "",
        format=DeliveryFormat(found["format"]),
        every_minutes=found.get("every_minutes"),
        daily_at_hour=found.get("daily_at_hour"),
        next_at=found.get("next_at"),
    )


def _read_delivery(found: Mapping[str, Any]) -> Delivery:
    return Delivery(
        id=found["id"],
        schedule=found["schedule"],
        query=found["query"],
        parameters=json.loads(found["parameters"]),
        sealed_url=found.get("sealed_url") or "",
        format=DeliveryFormat(found["format"]),
        due_at=found["due_at"],
        status=DeliveryStatus(found["status"]),
        num_attempts=found["num_attempts"],
        next_attempt_at=found.get("next_attempt_at"),
        last_error=found.get("last_error"),
        delivered_at=found.get("delivered_at"),
        body=found.get("body"),
    )
