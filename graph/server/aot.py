"""
Java's ahead-of-time cache, with which Neo4j starts in half the time.

It is made once per release, Java and platform by a training run: a Neo4j with a data directory of its own does the
given work and stops. The run takes half a minute, so it happens beside a server that is ready, at the lowest priority.
"""

import asyncio
import contextlib
import hashlib
import logging
import platform
import shutil
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graph.errors import ForegraphError
from graph.server.artifacts import sha256_of
from graph.server.files import locked, write_atomically
from graph.server.guarded import Guard
from graph.server.home import Home
from graph.server.installation import Installation
from graph.server.java import FIRST_WITH_AOT_CACHE
from graph.server.launch import Endpoint, Launch, free_port, launch

_log = logging.getLogger(__name__)

_START_SECONDS: Final = 180.0  # at the lowest priority, on a busy machine
_WRITE_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.2
_NICENESS: Final = 19
_USE: Final = (
    "-XX:AOTMode=on",  # exit at once when the cache does not fit, so that it is replaced
    "-Xlog:aot*=error",  # Java 25 warns of cached code that it does not need
)

_REFUSALS: Final = ("[error][aot", "A fatal error has been detected by the Java Runtime")


@dataclass(frozen=True, slots=True)
class Training:
    """
    Work that a training run does, so that the cache holds the classes and methods which that work needs.

    Attributes:
        exercise: Does the work on a fresh Neo4j; it is cancelled when the server is stopped meanwhile.
        fingerprint: Part of the cache's file name; a new one has the cache made again.
    """

    exercise: Callable[[Endpoint], Coroutine[Any, Any, None]]
    fingerprint: str


class AotCache:
    """The cache of one installation; a Java without such caches leaves it empty."""

    def __init__(self, installation: Installation, folder: Path, training: Training) -> None:
        self._installation = installation
        self._training = training
        release, java = installation.release, installation.java
        lock_checksum = hashlib.sha256(release.lock.read_bytes()).hexdigest()[:12]
        self._stem = (
            f"neo4j-{release.version}-{lock_checksum}-java{java.version}-{platform.system()}-"
            f"{platform.machine()}-t{training.fingerprint}"
        )
        self._folder = folder
        self.path = folder / f"{self._stem}.aot"

    @property
    def is_wanted(self) -> bool:
        """Whether the cache can be made and is not there yet."""
        return self._installation.java.feature_version >= FIRST_WITH_AOT_CACHE and not self.path.exists()

    @property
    def flags(self) -> list[str]:
        """The flags by which Java uses the cache; none while there is no cache."""
        return [f"-XX:AOTCache={self.path}", *_USE] if self.path.exists() else []

    def discard_if_damaged(self, console_log: Path) -> bool:
        """Remove a cache that is corrupt or that Java refused; returns whether it did."""
        if not self.path.exists():
            return False
        said = console_log.read_text(encoding="utf-8", errors="replace") if console_log.exists() else ""
        if self._is_as_written() and not any(sign in said for sign in _REFUSALS):
            return False
        _log.warning("Java's AOT cache was damaged or did not fit; it will be made again")
        self.path.unlink()
        return True

    @property
    def _checksum_path(self) -> Path:
        return self.path.with_suffix(".sha256")

    def _is_as_written(self) -> bool:
        return self._checksum_path.exists() and self._checksum_path.read_text(encoding="utf-8") == sha256_of(self.path)

    def train(self, cancelled: threading.Event) -> bool:
        """Make the cache, unless another process is making it; returns whether it was made."""
        import neo4j  # noqa: PLC0415 - takes half a second, in which Neo4j starts already

        with locked(self._folder / f"{self._stem}.lock", 0) as mine:
            if not mine or not self.is_wanted:
                return False
            folder = self._folder / f"{self._stem}.training"
            shutil.rmtree(folder, ignore_errors=True)  # left by a run that was killed
            try:
                return self._train_in(folder, cancelled)
            except (ForegraphError, neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError, OSError) as error:
                if not cancelled.is_set():
                    _log.warning("Java's AOT cache could not be made; Neo4j starts without it: %s", error)
                return False
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _train_in(self, folder: Path, cancelled: threading.Event) -> bool:
        home, output = Home(folder), folder / "new.aot"
        home.make()
        running = launch(
            self._installation,
            home,
            timeout_seconds=_START_SECONDS,
            port=free_port(),
            extra_flags=[f"-XX:AOTCacheOutput={output}"],
            cancelled=cancelled,
            guard=Guard(grace_seconds=0, niceness=_NICENESS),
        )
        try:
            asyncio.run(_run_unless_cancelled(self._training.exercise(running.endpoint), cancelled))
            is_made = _finish(running, cancelled) and output.exists()
        finally:
            running.process.stop()
        if is_made:
            write_atomically(self._checksum_path, sha256_of(output))
            output.replace(self.path)
        return is_made


async def _run_unless_cancelled(work: Coroutine[Any, Any, None], cancelled: threading.Event) -> None:
    """Await work, or cancel it once another thread sets the event."""
    task = asyncio.create_task(work)
    while not task.done() and not cancelled.is_set():
        await asyncio.wait([task], timeout=_POLL_SECONDS)
    if task.done():
        task.result()
    else:
        task.cancel()
        await asyncio.wait([task])


def _finish(running: Launch, cancelled: threading.Event) -> bool:
    """Stop the trained server, which writes the cache as it exits."""
    if cancelled.is_set():
        return False
    running.process.terminate()
    waited = 0.0
    while waited < _WRITE_SECONDS and not cancelled.is_set():
        with contextlib.suppress(TimeoutError):
            return running.process.wait(_POLL_SECONDS) == 0
        waited += _POLL_SECONDS
    return False
