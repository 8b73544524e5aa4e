"""Work beside the event loop: shared by those who wait for the same, with a processor for each that is under way."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from graph.errors import BusyError
from graph.inference.network.errors import ShouldStop

T = TypeVar("T")


@dataclass(slots=True)
class _Work:
    task: asyncio.Task[Any]
    num_waiting: int = 0


class Shared:
    """Work that several may wait for at once; it is cancelled when nobody does any more."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Work] = {}

    async def get(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work under a key comes to; it is started where it is not under way."""
        work = self._under_way.get(key)
        if work is None:
            work = self._under_way[key] = _Work(asyncio.create_task(start()))
            work.task.add_done_callback(lambda task: self._end(key, task))
        work.num_waiting += 1
        try:
            found: T = await asyncio.shield(work.task)
            return found
        finally:
            work.num_waiting -= 1
            if not work.num_waiting and not work.task.done():
                self._drop(key, work.task)
                work.task.cancel()

    def _end(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._drop(key, task)
        _look_at_error(task)

    def _drop(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        work = self._under_way.get(key)
        if work is not None and work.task is task:
            del self._under_way[key]


class Slots:
    """Threads for inference, so few that each has a processor."""

    def __init__(self, num_slots: int, patience_seconds: float) -> None:
        self._num_slots, self._patience_seconds = num_slots, patience_seconds
        self._free = asyncio.Semaphore(num_slots)
        self._pool = ThreadPoolExecutor(num_slots, thread_name_prefix="inference")

    async def run(self, work: Callable[[ShouldStop], T]) -> T:
        """
        Do some work in a thread; it is told to stop when the caller is cancelled, and keeps its slot until it has.

        Raises:
            BusyError: No slot becomes free in time.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError:
            message = f"{self._num_slots} inferences are under way, and more would slow all of them; try again shortly"
            raise BusyError(message) from None
        stop = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._pool, work, stop.is_set)
        future.add_done_callback(self._release)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            raise

    def close(self) -> None:
        """Take no more work, and let the threads end when theirs is done."""
        self._pool.shutdown(wait=False)

    def _release(self, future: asyncio.Future[Any]) -> None:
        self._free.release()
        _look_at_error(future)


def _look_at_error(future: asyncio.Future[Any]) -> None:
    """Nobody may be left to hear of it, which is no news."""
    if not future.cancelled():
        future.exception()
