"""The job that delivers rows of scheduled queries, and changes; of several processes one runs it at a time."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from api.formats import FORMATS
from api.formats.encoders import Ending
from api.logging import get_logger
from api.metrics.instruments import note_delivery
from api.negotiation import JSON
from api.streams import REVISION_HEADER, TRUNCATED_HEADER
from api.telemetry import note_outcome, phase
from api.webhooks.changes import make_change_body
from api.webhooks.sending import Receivers, SendingError
from graph.adhoc.limits import Wanted
from graph.errors import ForegraphError
from graph.saved.holding import are_deliveries_held
from graph.saved.hooks import enqueue_changes
from graph.saved.running import SavedQueries
from graph.saved.schedules import (
    Delivery,
    DeliveryStatus,
    enqueue_due,
    note_delivered,
    note_failed,
    purge_deliveries,
    take_delivery,
)

LEASE: Final = timedelta(minutes=2)
MOST_SECONDS: Final = 60.0
"""Time after which no further delivery is begun, so that a run ends within its lease."""

MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 4 << 20
"""Bytes that the database sends for the rows of a delivery."""

DELIVERY_HEADER: Final = "foregraph-delivery"
CALLER: Final = "schedule"


@dataclass(frozen=True, slots=True)
class Body:
    """
    Request body of a delivery.

    Attributes:
        headers: Headers of the request.
        content: The rows.
    """

    headers: Mapping[str, str]
    content: bytes


async def deliver_due(saved: SavedQueries, receivers: Receivers, now: datetime | None = None) -> dict[str, int]:
    """
    Make deliveries of the schedules that are due, and try those whose time has come, one after the other.

    Nothing is made or sent while deliveries are held.

    Args:
        saved: The saved queries.
        receivers: Who may be sent to.
        now: The clock, for tests.

    Returns:
        Counts of deliveries by how they stand, for the log.
    """
    counts = dict.fromkeys(("num_delivered", "num_failed", "num_dead"), 0)
    if await are_deliveries_held(saved.database):
        return counts
    started = time.monotonic()
    await enqueue_due(saved.database, now or datetime.now(UTC))
    await enqueue_changes(saved.database, make_change_body, now or datetime.now(UTC))
    while time.monotonic() - started < MOST_SECONDS:
        delivery = await take_delivery(saved.database, now or datetime.now(UTC))
        if delivery is None:
            break
        with phase("delivery", attempt=delivery.num_attempts):
            status = await _try(saved, receivers, delivery, now)
            note_delivery(status.value.lower())
            note_outcome(status.value.lower(), is_failed=status is not DeliveryStatus.DELIVERED)
        names = {DeliveryStatus.DELIVERED: "num_delivered", DeliveryStatus.DEAD: "num_dead"}
        counts[names.get(status, "num_failed")] += 1
    await purge_deliveries(saved.database, now or datetime.now(UTC))
    return counts


async def _try(saved: SavedQueries, receivers: Receivers, delivery: Delivery, now: datetime | None) -> DeliveryStatus:
    logger = get_logger().bind(delivery=delivery.id, attempt=delivery.num_attempts)
    try:
        body = await make_body(saved, delivery)
        await receivers.send(_address_of(delivery, receivers), body.headers, body.content, now or datetime.now(UTC))
    except (SendingError, ForegraphError) as error:
        told = str(error) if isinstance(error, SendingError) or error.is_public else "internal error"
        status = await note_failed(saved.database, delivery, told[:1_000], now or datetime.now(UTC))
        logger.warning("a delivery failed", reason=told, status=status.value)
        return status
    await note_delivered(saved.database, delivery, now or datetime.now(UTC))
    logger.info("a delivery was taken")
    return DeliveryStatus.DELIVERED


def _address_of(delivery: Delivery, receivers: Receivers) -> str:
    url = receivers.seals.open(delivery.sealed_url)
    if url is None:
        message = "the address was stored under another FOREGRAPH_WEBHOOK_SECRET; set the schedule or webhook again"
        raise SendingError(message)
    return url


async def make_body(saved: SavedQueries, delivery: Delivery) -> Body:
    """
    Make the body of a delivery: the changes that it has, or the rows of its query, which is run.

    Raises:
        ForegraphError: It is refused or fails.
    """
    if delivery.body is not None:
        return Body({**_headers_of(delivery), "content-type": JSON}, delivery.body.encode())
    table_format = FORMATS[delivery.format.lower()]
    wanted = Wanted(max_rows=MOST_ROWS, max_bytes=MOST_BYTES)
    async with saved.run(delivery.query, delivery.parameters, caller=CALLER, wanted=wanted) as answer:
        with closing(table_format.open(answer.columns)) as encoder:
            parts = [encoder.add(rows) async for rows in answer.batches()]
            parts += encoder.finish(Ending(answer.revision, answer.is_truncated, answer.elapsed_seconds))
    headers: dict[str, Any] = {
        "content-type": table_format.media_type + table_format.parameters,
        **_headers_of(delivery),
        REVISION_HEADER: str(answer.revision),
        TRUNCATED_HEADER: str(answer.is_truncated).lower(),
    }
    return Body(headers, b"".join(parts))


def _headers_of(delivery: Delivery) -> dict[str, str]:
    return {
        "user-agent": "foregraph",
        DELIVERY_HEADER: delivery.id,
        "foregraph-schedule": delivery.schedule,
        "foregraph-query": delivery.query,
    }
