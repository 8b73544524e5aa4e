"""The data's version: a bookmark that every committed transaction raises, whoever made it."""

import asyncio
from contextlib import suppress
from typing import Protocol


class Versioned(Protocol):
    """A database that has a version."""

    async def read_version(self) -> str:
        """Read the version."""
        ...


class Versions:
    """
    Reads the data's version; those who wait for it at the same time share one read, which begins after they came.

    A version is a bookmark of the database. Every transaction that changes anything raises it before it is
    acknowledged, and one that reads after the bookmark sees all that is in it.

    Args:
        database: Whose version it is.

    Attributes:
        latest: The version read last; None before the first.
        num_reads: How often the database was asked.
    """

    def __init__(self, database: Versioned) -> None:
        self.latest: str | None = None
        self.num_reads = 0
        self._database = database
        self._current: asyncio.Task[str] | None = None
        self._next: asyncio.Task[str] | None = None

    async def read(self) -> str:
        """
        Read a version that includes every write acknowledged before the call.

        Raises:
            UnavailableError: The database cannot be reached.
            TimedOutError: The database took too long.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._begin_after(self._current))
            self._next.add_done_callback(_retrieve)
        return await asyncio.shield(self._next)

    def forget(self) -> None:
        """Have the next one who needs a version read it: the latest does not serve."""
        self.latest = None

    async def _begin_after(self, previous: asyncio.Task[str] | None) -> str:
        if previous is not None:
            await asyncio.wait([previous])
        # Those who come from here on cannot know whether this read sees what they must see, so they wait for the next.
        self._current, self._next = self._next, None
        self.num_reads += 1
        self.latest = await self._database.read_version()
        return self.latest


def _retrieve(task: asyncio.Task[str]) -> None:
    """Retrieve an error that nobody may wait for any more, so that asyncio does not log it."""
    with suppress(asyncio.CancelledError):
        task.exception()
