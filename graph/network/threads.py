"""Runs CPU-bound work in threads; concurrent callers with one key share a result."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final, TypeVar

from threadpoolctl import threadpool_limits

from graph.errors import BusyError
from graph.inference.network.errors import ShouldStop

BACKGROUND_NICENESS: Final = 5
"""Such a thread gets a quarter of a processor that one other wants, and all of one that is idle."""

InferenceObserver = Callable[[str, float, float], None]
"""Told of the kind of thread, the seconds that work has waited for one, and those that it took."""

T = TypeVar("T")


@dataclass(slots=True)
class Turn:
    """
    A request's turn at the threads.

    Attributes:
        has_begun: Whether it has had a thread. What else it computes then waits for as long as it takes, as otherwise
            the parts of one request could be in each other's way.
    """

    has_begun: bool = False


current_turn: ContextVar[Turn | None] = ContextVar("current_turn", default=None)
"""The turn of the request that is being answered; without one, each computation is on its own."""


@dataclass(slots=True)
class _Work:
    """A running task, the number of callers that wait for it, and whether it goes on without them."""

    task: asyncio.Task[Any]
    goes_on: bool
    num_waiting: int = 0


class SharedTasks:
    """Tasks shared by concurrent callers; a task is cancelled when no caller waits for it, unless it is to go on."""

    def __init__(self) -> None:
        self._running: dict[Hashable, _Work] = {}

    def close(self) -> None:
        """Cancel the tasks that go on without a caller."""
        self._cancel_forsaken()

    async def get(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]], *, goes_on: bool = False) -> T:
        """
        Return the result of the task under a key, starting it unless it is running.

        Args:
            key: Identifies the work.
            start: Makes the coroutine that does it.
            goes_on: Whether the task ends its work, and keeps the result by itself, where its last caller leaves, until
                another such task is asked for: at most one works for nobody.
        """
        work = self._running.get(key)
        if work is None:
            if goes_on:
                self._cancel_forsaken()
            work = self._running[key] = _Work(asyncio.create_task(start()), goes_on)
            work.task.add_done_callback(lambda task: self._end(key, task))
        work.num_waiting += 1
        try:
            found: T = await asyncio.shield(work.task)
            return found
        finally:
            work.num_waiting -= 1
            if not work.num_waiting and not work.goes_on:
                self._cancel(key, work)
            elif not work.num_waiting:
                self._cancel_forsaken(but=work)

    def _cancel_forsaken(self, but: _Work | None = None) -> None:
        for key, work in list(self._running.items()):
            if not work.num_waiting and work is not but:
                self._cancel(key, work)

    def _cancel(self, key: Hashable, work: _Work) -> None:
        if not work.task.done():
            self._drop(key, work.task)
            work.task.cancel()

    def _end(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._drop(key, task)
        _retrieve_exception(task)

    def _drop(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        work = self._running.get(key)
        if work is not None and work.task is task:
            del self._running[key]


class ThreadSlots:
    """
    A limited number of threads for inference, so that each keeps a processor; NumPy's BLAS starts none of its own.

    Args:
        num_slots: Number of threads.
        patience_seconds: How long a caller waits for one of them; None for any time.
        is_background: Whether the threads have a low priority, where the system has one for threads.
        observer: Called, in the context of the caller, after each work in a thread.
    """

    def __init__(
        self,
        num_slots: int,
        patience_seconds: float | None,
        *,
        is_background: bool = False,
        observer: InferenceObserver | None = None,
    ) -> None:
        _keep_blas_to_one_thread()
        self._observer = observer
        self._num_slots, self._patience_seconds = num_slots, patience_seconds
        self._free = asyncio.Semaphore(num_slots)
        self._num_taken = self._num_waiting = 0
        self._kind, initializer = ("background", _lower_priority) if is_background else ("inference", None)
        self._pool = ThreadPoolExecutor(num_slots, thread_name_prefix=self._kind, initializer=initializer)

    def counts(self) -> dict[str, int]:
        """Count the threads, those that compute, and callers that wait for one."""
        return {"threads": self._num_slots, "taken": self._num_taken, "waiting": self._num_waiting}

    async def run(self, work: Callable[[ShouldStop], T]) -> T:
        """
        Run work in a thread.

        If the caller is cancelled, `ShouldStop` returns true, and the slot stays taken until the work ends.

        Args:
            work: Called with a `ShouldStop` to poll.

        Raises:
            BusyError: No slot becomes free within the patience, and the request has had none before.
        """
        asked = time.perf_counter()
        self._num_waiting += 1
        try:
            await self._take(current_turn.get() or Turn())
        finally:
            self._num_waiting -= 1
        self._num_taken += 1
        stop = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._pool, work, stop.is_set)
        future.add_done_callback(partial(self._release, asked, time.perf_counter()))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def _take(self, turn: Turn) -> None:
        """Take a slot."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError:
            if not turn.has_begun:
                message = f"all {self._num_slots} inference threads are busy; try again shortly"
                raise BusyError(message) from None
            await self._free.acquire()
        turn.has_begun = True

    def close(self) -> None:
        """Take no more work, and let the threads end when theirs is done."""
        self._pool.shutdown(wait=False)

    def _release(self, asked: float, started: float, future: asyncio.Future[Any]) -> None:
        self._num_taken -= 1
        self._free.release()
        if self._observer is not None:
            self._observer(self._kind, started - asked, time.perf_counter() - started)
        _retrieve_exception(future)


@cache
def _keep_blas_to_one_thread() -> None:
    """
    Have products of arrays computed by the thread that asks for them.

    BLAS waits for all of its threads after each product, in a loop that takes a processor: where others want it too, a
    product of 16,000 numbers takes ten milliseconds instead of ten microseconds.
    """
    threadpool_limits(1, user_api="blas")


def _lower_priority() -> None:
    """Lower this thread's priority; elsewhere than on Linux it is the process's, which stays."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)


def _retrieve_exception(future: asyncio.Future[Any]) -> None:
    """Retrieve the exception so that asyncio does not log it as unhandled."""
    if not future.cancelled():
        future.exception()
