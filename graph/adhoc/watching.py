"""Ends statements on the server that their client has left, and reports those that do not end."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from neo4j import AsyncDriver
from neo4j import exceptions as driver_errors

OVERRUN_SECONDS: Final = 10.0
"""How long a statement may outlive its time before it is reported, and the embedded server is restarted."""
_PAUSE_SECONDS: Final = 0.3
_ASK_SECONDS: Final = 5.0
_TERMINATE: Final = """
SHOW TRANSACTIONS YIELD transactionId AS id, metaData
WHERE metaData.foregraph_statement = $key
TERMINATE TRANSACTIONS id YIELD message
RETURN count(*) AS number
"""

_log = logging.getLogger(__name__)

OnOverrun = Callable[[], Awaitable[None]]


class Watch:
    """
    Ends what is left of statements on the server.

    Args:
        driver: Opens connections.
        on_overrun: Called once when a statement does not end; may restart the database.

    Attributes:
        num_overruns: Number of statements that did not end in time.
    """

    def __init__(self, driver: AsyncDriver, on_overrun: OnOverrun | None) -> None:
        self._driver = driver
        self._on_overrun = on_overrun
        self.num_overruns = 0
        self._is_stopped = False

    def stop(self) -> None:
        """Wait for nothing more; what is left ends with its time."""
        self._is_stopped = True

    async def end(self, key: str, deadline: float) -> None:
        """
        Wait until a statement has ended on the server, which is told to end it.

        Args:
            key: The statement's key, in its transaction's metadata.
            deadline: When it should have ended, by the monotonic clock.
        """
        is_reported = False
        while not self._is_stopped and await self._is_running(key):
            if not is_reported and time.monotonic() > deadline + OVERRUN_SECONDS:
                is_reported = True
                await self._report(key)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _is_running(self, key: str) -> bool:
        """Tell the server to end a statement; returns whether it was still there, as far as is known."""
        try:
            async with asyncio.timeout(_ASK_SECONDS), self._driver.session(database="system") as session:
                result = await session.run(_TERMINATE, key=key)
                record = await result.single()
        except (TimeoutError, driver_errors.Neo4jError, driver_errors.DriverError):
            return True  # a server that comes back tells
        return record is not None and record["number"] > 0

    async def _report(self, key: str) -> None:
        self.num_overruns += 1
        _log.error("a statement outlived its time by %g s and cannot be ended: %s", OVERRUN_SECONDS, key)
        if self._on_overrun is not None:
            await self._on_overrun()
