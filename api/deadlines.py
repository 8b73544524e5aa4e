"""Deadlines of requests: each has its time, and all end soon once the service stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

DRAIN_SECONDS: Final = 2.0
"""Time that requests have left when the service stops; most take milliseconds, and what is stopped can be repeated."""


class Deadlines:
    """
    The deadlines of all requests under way.

    Args:
        seconds: Longest time for a request.
        drain_seconds: Time that requests have left when the service stops.

    Attributes:
        is_stopping: Whether the service stops.
    """

    def __init__(self, seconds: float, drain_seconds: float = DRAIN_SECONDS) -> None:
        self.seconds = seconds
        self._drain_seconds = drain_seconds
        self.is_stopping = False
        self._end = float("inf")  # by the event loop's clock
        self._running: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[asyncio.Timeout]:
        """Raise TimeoutError once the block has taken some time, or the service has to end."""
        when = asyncio.get_running_loop().time() + seconds
        async with asyncio.timeout_at(min(when, self._end)) as timeout:
            self._running.add(timeout)
            try:
                yield timeout
            finally:
                self._running.discard(timeout)

    def put_off(self, timeout: asyncio.Timeout, seconds: float) -> None:
        """Give a block that has made progress some time from now, unless the service has to end before."""
        timeout.reschedule(min(asyncio.get_running_loop().time() + seconds, self._end))

    def stop(self) -> None:
        """Bring the deadlines of all requests, later ones included, forward to some time from now."""
        self.is_stopping, self._end = True, asyncio.get_running_loop().time() + self._drain_seconds
        for timeout in self._running:
            when = timeout.when()
            if when is not None and when > self._end:
                timeout.reschedule(self._end)
