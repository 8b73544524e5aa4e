"""
Gives memory back to the system that large requests have freed.

The C library keeps freed memory for later allocations; all that lies below a block in use stays with the process. glibc
gives back whole pages when it is told to; on other systems nothing is done.
"""

import asyncio
import ctypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

LOOK_SECONDS: Final = 2.0
LEAST_FREED: Final = 32 << 20
"""Bytes that have to be freed before they are given back: each time costs some 10 ms, and what is used again has to be
taken from the system again."""


class Heap(Protocol):
    """The memory that the C library has of the system."""

    def count_free(self) -> int:
        """Count the bytes that are not in use, given back or not."""
        ...

    def trim(self) -> None:
        """Give back what is not in use."""
        ...


class _Mallinfo(ctypes.Structure):
    """The counts that glibc's mallinfo2 returns, of which the ninth is free bytes; see mallinfo(3)."""

    _fields_ = (("others", ctypes.c_size_t * 8), ("fordblks", ctypes.c_size_t), ("keepcost", ctypes.c_size_t))


class GlibcHeap:
    """
    The heap of a process with glibc 2.33 or later.

    Raises:
        AttributeError: The C library is another one.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self._trim, self._info = library.malloc_trim, library.mallinfo2
        self._trim.argtypes, self._trim.restype = [ctypes.c_size_t], ctypes.c_int
        self._info.argtypes, self._info.restype = [], _Mallinfo

    def count_free(self) -> int:
        """Count the bytes that are not in use, given back or not."""
        return int(self._info().fordblks)

    def trim(self) -> None:
        """Give back what is not in use."""
        self._trim(0)


class Trimmer:
    """
    Trims a heap each time that much has been freed.

    What has been given back still counts as free, and no longer once it is used again. So what counts is how far free
    memory has risen above the least since the last time.
    """

    def __init__(self, heap: Heap) -> None:
        self._heap = heap
        self._least = heap.count_free()

    async def look(self) -> None:
        """Trim the heap if there is enough to give back."""
        free = self._heap.count_free()
        self._least = min(self._least, free)
        if free >= self._least + LEAST_FREED:
            await asyncio.to_thread(self._heap.trim)
            self._least = free


def find_heap() -> Heap | None:
    """Find this process's heap; None where it cannot be trimmed."""
    try:
        return GlibcHeap()
    except (OSError, TypeError, AttributeError):
        return None


@asynccontextmanager
async def trimming() -> AsyncIterator[None]:
    """Trim this process's heap while the block runs."""
    heap = find_heap()
    if heap is None:
        yield
        return
    task = asyncio.create_task(_go_on(Trimmer(heap)), name="trimming")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _go_on(trimmer: Trimmer) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await trimmer.look()
