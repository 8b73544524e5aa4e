"""Prepares what the first question of an hour needs before the hour begins, in the background."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.network.engine import Engine
from graph.network.view import network_moment

HOUR: Final = timedelta(hours=1)
LEAD: Final = timedelta(minutes=3)
"""How long before the hour it begins: a large network takes a minute, and what is written later is calibrated anew."""

OnError = Callable[[ForegraphError], None]


def _now() -> datetime:
    return datetime.now(UTC)


async def prepare_hours(
    database: Database,
    engine: Engine,
    *,
    on_error: OnError,
    on_prepared: Callable[[], None] | None = None,
    clock: Callable[[], datetime] = _now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Prepare each hour shortly before it begins, if the network was asked about in the hour before; without end.

    Args:
        database: The database to read from.
        engine: The engine whose questions are not to wait.
        on_error: Called with an error; the first question of the hour then does the work itself.
        on_prepared: Called after an hour was prepared.
        clock: Tells the current moment.
        sleep: Waits for so many seconds.
    """
    while True:
        now = clock()
        following = network_moment(now) + HOUR
        if now < following - LEAD:
            await sleep((following - LEAD - now).total_seconds())
            continue
        try:
            if await prepare_hour(database, engine, now) and on_prepared is not None:
                on_prepared()
        except ForegraphError as error:
            on_error(error)
        await sleep(max(0.0, (following - clock()).total_seconds()))


async def prepare_hour(database: Database, engine: Engine, now: datetime) -> bool:
    """
    Prepare the hour after a moment; returns whether the network was asked about in the hour of that moment.

    Raises:
        OversizeError: The network is too large.
        BusyError: Writes keep interrupting the read, or no thread became free in time.
    """
    if not engine.is_in_use(now):
        return False
    async with database.reading() as reading:
        await engine.prepare(reading, now=network_moment(now) + HOUR)
    return True
