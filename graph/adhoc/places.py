"""Places for statements that run at a time: so many in all, and so many for each caller."""

import asyncio
from collections import Counter

from graph.errors import BusyError


class Places:
    """
    Counts the statements under way.

    Args:
        at_once: The most in all.
        at_once_per_caller: The most of one caller.
    """

    def __init__(self, at_once: int, at_once_per_caller: int) -> None:
        self._at_once, self._at_once_per_caller = at_once, at_once_per_caller
        self._taken: Counter[str] = Counter()
        self._num_waiting = 0
        self._given_back = asyncio.Event()

    async def take(self, caller: str, patience_seconds: float) -> None:
        """
        Take a place, to be given back; waits a while for one, unless as many as run wait already.

        Raises:
            BusyError: None became free.
        """
        if not self._is_free(caller):
            await self._wait(caller, patience_seconds)
        self._taken[caller] += 1

    async def _wait(self, caller: str, patience_seconds: float) -> None:
        if self._num_waiting >= self._at_once:
            raise BusyError(self._explain(caller))
        self._num_waiting += 1
        try:
            async with asyncio.timeout(patience_seconds):
                while not self._is_free(caller):
                    self._given_back.clear()
                    await self._given_back.wait()
        except TimeoutError:
            raise BusyError(self._explain(caller)) from None
        finally:
            self._num_waiting -= 1

    def give_back(self, caller: str) -> None:
        """Give a place back."""
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        self._given_back.set()

    @property
    def num_taken(self) -> int:
        """Number of statements under way."""
        return self._taken.total()

    def _is_free(self, caller: str) -> bool:
        return self._taken.total() < self._at_once and self._taken[caller] < self._at_once_per_caller

    def _explain(self, caller: str) -> str:
        if self._taken[caller] >= self._at_once_per_caller:
            return f"{self._taken[caller]} statements of this caller are still running; try again once one has ended"
        return f"{self._taken.total()} statements are running, which is the most at a time; try again shortly"
