"""
Places for statements that run at a time: so many in all, and so many for each caller, whichever process runs them.

A place is a file that is locked while a statement has it, with the caller's name, as a hash, in it. The system releases
the locks of a process that is killed, so nothing is left to be given back.
"""

import asyncio
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.errors import BusyError, ConfigurationError, counted
from graph.server.files import try_lock

_PAUSE_SECONDS: Final = 0.05
"""How long a place that another process gives back may stay unnoticed."""
_GATE_PAUSE_SECONDS: Final = 0.002
"""How long to wait while another process looks for a place, which takes it some hundredths of a millisecond."""
_GATE_PATIENCE_SECONDS: Final = 1.0
"""How long to wait for that besides, should the process be stopped meanwhile."""


@dataclass(frozen=True, slots=True)
class _Look:
    """
    The outcome of a look at all places.

    Attributes:
        place: The place that was taken, as the descriptor of its file; None if the caller may have none.
        num_taken: Places that others have.
        num_of_caller: Those of them that the caller has.
    """

    place: int | None
    num_taken: int
    num_of_caller: int


class Places:
    """
    Counts the statements under way in all processes that use a folder.

    Args:
        folder: The folder of the places, which is made if absent.
        at_once: The most in all.
        at_once_per_caller: The most of one caller.

    Raises:
        ConfigurationError: The folder cannot be written.
    """

    def __init__(self, folder: Path, at_once: int, at_once_per_caller: int) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"cannot write {folder}: {error.strerror}") from error
        self._gate = folder / "gate"
        self._files = [folder / f"place-{number}" for number in range(at_once)]
        self._at_once_per_caller = at_once_per_caller
        self._held: set[int] = set()
        self._num_waiting = 0
        self._given_back = asyncio.Event()

    async def take(self, caller: str, patience_seconds: float) -> int:
        """
        Take a place, and return it, to be given back; waits a while for one, unless as many as run wait already.

        Raises:
            BusyError: None became free.
        """
        deadline, is_waiting = time.monotonic() + patience_seconds, False
        try:
            while True:
                look = self._look(caller)
                if look is not None and look.place is not None:
                    self._held.add(look.place)
                    return look.place
                left = deadline - time.monotonic()
                if look is None and left < -_GATE_PATIENCE_SECONDS:
                    raise BusyError("another process has been looking for a place for too long; try again shortly")
                if look is not None and (left <= 0 or (not is_waiting and self._num_waiting >= len(self._files))):
                    raise BusyError(self._explain(look))
                if not is_waiting:
                    is_waiting = True
                    self._num_waiting += 1
                await self._wait(_GATE_PAUSE_SECONDS if look is None else min(left, _PAUSE_SECONDS))
        finally:
            self._num_waiting -= is_waiting

    def give_back(self, place: int) -> None:
        """Give a place back."""
        self._held.discard(place)
        os.close(place)
        self._given_back.set()

    @property
    def num_taken(self) -> int:
        """Number of statements under way in this process."""
        return len(self._held)

    async def _wait(self, seconds: float) -> None:
        self._given_back.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._given_back.wait()

    def _look(self, caller: str) -> _Look | None:
        """Look at all places, and take one if the caller may; None while another process does."""
        gate = try_lock(self._gate)
        if gate is None:
            return None
        try:
            return self._look_alone(hashlib.sha256(caller.encode()).digest())
        finally:
            os.close(gate)

    def _look_alone(self, caller: bytes) -> _Look:
        free: int | None = None
        holders: list[bytes] = []
        for file in self._files:
            descriptor = try_lock(file)
            if descriptor is None:
                holders.append(file.read_bytes())
            elif free is None:
                free = descriptor
            else:
                os.close(descriptor)
        num_of_caller = holders.count(caller)
        if free is not None and num_of_caller >= self._at_once_per_caller:
            os.close(free)
            free = None
        if free is not None:
            os.pwrite(free, caller, 0)
        return _Look(free, len(holders), num_of_caller)

    def _explain(self, look: _Look) -> str:
        if look.num_of_caller >= self._at_once_per_caller:
            return f"{_running(look.num_of_caller, ' of this caller')}; try again once one has ended"
        return f"{_running(look.num_taken)}, which is the most at a time; try again shortly"


def _running(number: int, whose: str = "") -> str:
    return f"{counted(number, 'statement')}{whose} {'is' if number == 1 else 'are'} still running"
