"""Admits so many documents at a time; more wait in a bounded queue for a bounded time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph.errors import BusyError

MAX_WAITING = 256
"""Documents in the queue: at some 100 answers a second, no more than are answered within the patience."""

PATIENCE_SECONDS = 5.0
"""Longest wait, shorter than most clients'."""


class Admission:
    """
    A limited number of places for documents under execution, taken in order of arrival.

    Args:
        num_places: Documents at a time.
        max_waiting: Documents that wait for a place.
        patience_seconds: How long each waits at most.
    """

    def __init__(
        self, num_places: int, *, max_waiting: int = MAX_WAITING, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._num_places, self._max_waiting, self._patience_seconds = num_places, max_waiting, patience_seconds
        self._free = asyncio.Semaphore(num_places)
        self._num_waiting = 0

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """
        Hold a place within the block; a caller that is cancelled while waiting leaves the queue.

        Raises:
            BusyError: The queue is full, or no place becomes free within the patience.
        """
        if not self._free.locked():
            await self._free.acquire()
        else:
            await self._wait()
        try:
            yield
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._num_waiting >= self._max_waiting:
            message = f"{self._num_places} documents are running and {self._num_waiting} are waiting; try again shortly"
            raise BusyError(message)
        self._num_waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError:
            message = (
                f"{self._num_places} documents are running and none ended within {self._patience_seconds:g} seconds; "
                "try again shortly"
            )
            raise BusyError(message) from None
        finally:
            self._num_waiting -= 1
