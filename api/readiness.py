"""
Readiness: whether the usual documents are warm on the Neo4j that runs now, watched for as long as the service runs.

It knows nothing of documents, so that a command that starts Neo4j has not to wait until GraphQL is imported.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from api.logging import get_logger
from graph.errors import ForegraphError

WARMING: Final = "the usual documents are being warmed up"
MAX_SECONDS: Final = 60.0  # a machine on which it takes longer is busy, and stays so
WATCH_SECONDS: Final = 0.5  # below the time that a Neo4j needs to start, so that none is away unnoticed
WATCH_TIMEOUT_SECONDS: Final = 2.0


class Watched(Protocol):
    """A database that can be asked whether it is there, and since when."""

    async def ping(self) -> None:
        """Raise UnavailableError at once unless the database answers."""
        ...

    async def find_start(self) -> int | None:
        """Find when it was started; None if that is not known."""
        ...


class Readiness:
    """
    Whether the usual documents are warm on the Neo4j that runs now.

    Until it is watched it has nothing to say against readiness.

    Args:
        on_change: Told each time whether they are.
        watch_seconds: Pause between looks at the database.
        max_seconds: Time after which warming up ends in any case.

    Attributes:
        warmed_on: When the server was started that is warm; None if that is not known.
        reason_of_others: Set by the owner where something else is not ready yet.
    """

    def __init__(
        self,
        on_change: Callable[[bool], None] = lambda _: None,
        *,
        watch_seconds: float = WATCH_SECONDS,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self.reason_of_others: str | None = None
        self._reason: str | None = None
        self._has_been_ready = False
        self.warmed_on: int | None = None
        self._on_change = on_change
        self._watch_seconds = watch_seconds
        self._max_seconds = max_seconds
        self._warmed = asyncio.Event()
        self._rest: asyncio.Task[None] | None = None

    @property
    def reason(self) -> str | None:
        """Reason for which the service is not ready; None if it is."""
        return self._reason or self.reason_of_others

    async def wait(self) -> None:
        """Wait until the documents are warm."""
        await self._warmed.wait()

    async def settle(self) -> None:
        """Wait as long as they are known not to be warm; after a moment out of reach that is not long."""
        if self._reason is not None:
            await self._warmed.wait()

    @asynccontextmanager
    async def watching(
        self,
        database: Watched,
        warm_up: Callable[[], Awaitable[None]],
        warm_rest: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncIterator[None]:
        """
        Warm up now, and again each time the database was started again, until the block ends.

        Args:
            database: The database.
            warm_up: Does what requests wait for.
            warm_rest: Does, once the service is ready, what no usual document waits for.
        """
        self._lose(WARMING)
        task = asyncio.create_task(self._watch(database, warm_up, warm_rest), name="readiness")
        try:
            yield
        finally:
            await _cancel(task)
            await self._stop_rest()

    async def _watch(
        self,
        database: Watched,
        warm_up: Callable[[], Awaitable[None]],
        warm_rest: Callable[[], Awaitable[None]] | None,
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(WATCH_TIMEOUT_SECONDS):
                    await database.ping()
            except TimeoutError:
                pass  # it is busy; what it has planned it still knows
            except ForegraphError as error:
                self._lose(str(error))
            else:
                if self._reason is not None and await self._recover(database, warm_up) and warm_rest is not None:
                    await self._stop_rest()
                    self._rest = asyncio.create_task(_try(warm_rest), name="warming")
            await asyncio.sleep(self._watch_seconds)

    async def _stop_rest(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            await _cancel(rest)

    async def _recover(self, database: Watched, warm_up: Callable[[], Awaitable[None]]) -> bool:
        """
        Become ready: at once on a server that is warm already, since it was only out of reach.

        Returns: Whether something was warmed up.
        """
        start = await database.find_start() if self._has_been_ready else None
        if start is not None and start == self.warmed_on:
            self._win()
            return False
        if not await self._warm(warm_up):
            return False
        self._win()
        self.warmed_on = await database.find_start()
        return True

    async def _warm(self, warm_up: Callable[[], Awaitable[None]]) -> bool:
        """Warm up; returns whether the database was there all the time."""
        self._lose(WARMING)
        try:
            async with asyncio.timeout(self._max_seconds):
                await warm_up()
        except TimeoutError:
            get_logger().warning(
                "the usual documents are still not warm; serving all the same", seconds=self._max_seconds
            )
        except ForegraphError as error:
            get_logger().warning("could not warm up", reason=str(error))
            self._lose(str(error))
            return False
        return True

    def _win(self) -> None:
        if self._has_been_ready:
            get_logger().info("ready again")
        self._has_been_ready = True
        self._reason = None
        self._warmed.set()
        self._on_change(True)  # noqa: FBT003 - of a callback with one argument

    def _lose(self, reason: str) -> None:
        if self._reason is None:
            self._on_change(False)  # noqa: FBT003 - of a callback with one argument
        self._reason = reason
        self._warmed.clear()


async def _try(warm_rest: Callable[[], Awaitable[None]]) -> None:
    try:
        await warm_rest()
    except ForegraphError as error:  # clients wait for what is not planned
        get_logger().warning("could not warm up the rest", reason=str(error))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
