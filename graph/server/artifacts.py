"""
The jars of a Neo4j release: listed in a lock with their checksums, downloaded, verified and cached.

A file gets its name in the cache only after its checksum was verified. Downloads go to a folder of their own, so an
interrupted one is never taken for a jar.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from graph.errors import ArtifactError, ConfigurationError
from graph.server.files import locked, write_atomically

_log = logging.getLogger(__name__)

_COORDINATES_WITH_CLASSIFIER: Final = 4
_NUM_THREADS: Final = 8  # most of the time is latency of some two hundred small files
_NUM_ATTEMPTS: Final = 3
_TIMEOUT_SECONDS: Final = 30  # without any data, per file
_WAIT_FOR_OTHER_SECONDS: Final = 900.0  # another process's download takes minutes on a slow line
_MTIME: Final = 1_577_836_800  # fixed, since a changed modification time of a jar invalidates Java's AOT cache


@dataclass(frozen=True, slots=True, order=True)
class Artifact:
    """One jar of a Maven repository, with the SHA-256 of its content."""

    group: str
    name: str
    version: str
    classifier: str
    sha256: str

    @property
    def coordinates(self) -> str:
        """`group:name:version`, and `:classifier` where there is one."""
        return ":".join(filter(None, (self.group, self.name, self.version, self.classifier)))

    @property
    def file_name(self) -> str:
        """The jar's file name in the cache; it begins with the group, as names repeat between groups."""
        return f"{self.group}.{'-'.join(filter(None, (self.name, self.version, self.classifier)))}.jar"


Fetch = Callable[[Artifact, Path], Path]
"""Downloads one artifact into an empty folder and returns the path of the file, not verified yet."""


def find_cache_folder(given: Path | None = None) -> Path:
    """
    Find the folder of downloaded jars: the one given, else this user's cache, shared by all projects.

    Raises:
        ConfigurationError: None is given, and the platformdirs package is not installed.
    """
    if given is not None:
        return given.expanduser().absolute()
    try:
        import platformdirs  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise ConfigurationError("running Neo4j here needs: pip install 'foregraph[embedded]'") from error
    return Path(platformdirs.user_cache_dir("foregraph"))


def read_lock(path: Path) -> tuple[Artifact, ...]:
    """Read a lock: lines of `group:artifact:version[:classifier] sha256`, and comments that begin with `#`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(_parse(line) for line in lines if line and not line.startswith("#"))


def _parse(line: str) -> Artifact:
    coordinates, sha256 = line.split(" ")
    parts = coordinates.split(":")
    group, name, version, classifier = parts if len(parts) == _COORDINATES_WITH_CLASSIFIER else [*parts, ""]
    return Artifact(group, name, version, classifier, sha256)


def fetch_from_maven(mirror: str | None = None) -> Fetch:
    """
    Make a Fetch from Maven Central, or from the repository at the address `mirror`.

    Raises:
        ConfigurationError: The jgo package is not installed.
    """
    if find_spec("jgo") is None:
        raise ConfigurationError("downloading Neo4j needs: pip install 'foregraph[embedded]'")
    remotes = {"mirror": mirror.rstrip("/")} if mirror else None

    def fetch(artifact: Artifact, folder: Path) -> Path:
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - optional, and not needed for kept jars

        context = MavenContext(
            resolver=PythonResolver(),
            repo_cache=folder,
            local_repos=[],
            remote_repos=remotes,
            timeout=_TIMEOUT_SECONDS,
        )
        component = context.project(artifact.group, artifact.name).at_version(artifact.version)
        return Path(component.artifact(classifier=artifact.classifier).resolve())

    return fetch


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class JarFolder:
    """
    The jars of one lock in the per-user cache.

    Args:
        folder: Where they are.
        artifacts: Those of the lock.
        fetch: Downloads one that is missing.
        progress: Whether to show how far the download is.
        is_patient: Whether the process may wait at its end for a download under way; else one jar is fetched after the
            other, in the caller's thread.
    """

    def __init__(
        self,
        folder: Path,
        artifacts: Sequence[Artifact],
        fetch: Fetch,
        *,
        progress: bool = False,
        is_patient: bool = True,
    ) -> None:
        self._folder = folder
        self._artifacts = tuple(artifacts)
        self._fetch = fetch
        self._progress = progress
        self._is_patient = is_patient

    @property
    def class_path(self) -> list[Path]:
        """Every jar, in the order of the lock."""
        return [self._path(artifact) for artifact in self._artifacts]

    def ensure(self, *, thoroughly: bool = False) -> int:
        """
        Fetch every jar that is missing or corrupt; returns how many were fetched.

        A jar whose size and modification time are unchanged since its verification counts as valid; any other is
        hashed, and fetched again when its checksum is wrong.

        Args:
            thoroughly: Hash every jar, whatever its size and time.

        Raises:
            ArtifactError: A jar cannot be fetched, or its checksum is not the lock's.
        """
        if not thoroughly and self._all_as_verified():
            return 0
        with locked(self._folder / ".lock", _WAIT_FOR_OTHER_SECONDS) as mine:
            if not mine:
                raise ArtifactError(
                    f"another process has been downloading into {self._folder} for too long; end it first"
                )
            wrong = [artifact for artifact in self._artifacts if not self._is_right(artifact, thoroughly=thoroughly)]
            if wrong:
                self._fetch_all(wrong)
            self._write_verified()
        return len(wrong)

    def _path(self, artifact: Artifact) -> Path:
        return self._folder / artifact.file_name

    @property
    def _verified_path(self) -> Path:
        return self._folder / ".verified.json"

    def _read_verified(self) -> dict[str, list[int | str]]:
        try:
            verified = json.loads(self._verified_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return verified if isinstance(verified, dict) else {}

    def _write_verified(self) -> None:
        verified = {artifact.file_name: self._as_seen(artifact) for artifact in self._artifacts}
        write_atomically(self._verified_path, json.dumps(verified, indent=0))

    def _as_seen(self, artifact: Artifact) -> list[int | str] | None:
        try:
            seen = self._path(artifact).stat()
        except FileNotFoundError:
            return None
        return [artifact.sha256, seen.st_size, seen.st_mtime_ns]

    def _all_as_verified(self) -> bool:
        verified = self._read_verified()
        return all(verified.get(artifact.file_name, []) == self._as_seen(artifact) for artifact in self._artifacts)

    def _is_right(self, artifact: Artifact, *, thoroughly: bool) -> bool:
        seen = self._as_seen(artifact)
        if seen is None:
            return False
        if not thoroughly and seen == self._read_verified().get(artifact.file_name):
            return True
        return sha256_of(self._path(artifact)) == artifact.sha256

    def _fetch_all(self, artifacts: Sequence[Artifact]) -> None:
        for left_over in self._folder.glob(".incoming-*"):  # left by a killed process, as we hold the lock
            shutil.rmtree(left_over, ignore_errors=True)
        _log.info("Fetching %d of %d jars into %s", len(artifacts), len(self._artifacts), self._folder)
        incoming = Path(tempfile.mkdtemp(dir=self._folder, prefix=".incoming-"))
        try:
            with _progress_bar(len(artifacts), shown=self._progress) as advance:
                run_all = _run_all if self._is_patient else _run_in_turn
                run_all(lambda artifact: self._fetch_one(artifact, incoming), artifacts, advance)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def _fetch_one(self, artifact: Artifact, incoming: Path) -> None:
        for attempt in range(1, _NUM_ATTEMPTS + 1):
            folder = Path(tempfile.mkdtemp(dir=incoming))
            try:
                path = self._fetch(artifact, folder)
                _require_checksum(path, artifact)
            except ArtifactError:
                if attempt == _NUM_ATTEMPTS:
                    raise
            except Exception as error:  # the downloader documents no exceptions
                if attempt == _NUM_ATTEMPTS:
                    raise ArtifactError(f"{artifact.coordinates} could not be fetched: {error}") from error
            else:
                os.utime(path, (_MTIME, _MTIME))
                path.replace(self._path(artifact))
                return


def _require_checksum(path: Path, artifact: Artifact) -> None:
    found = sha256_of(path)
    if found != artifact.sha256:
        raise ArtifactError(f"{artifact.coordinates}: expected a file with SHA-256 {artifact.sha256}, got {found}")


def _run_in_turn(work: Callable[[Artifact], None], artifacts: Sequence[Artifact], advance: Callable[[], None]) -> None:
    """Work on one artifact after the other, in this thread: those of a pool are waited for when the process ends."""
    for artifact in artifacts:
        work(artifact)
        advance()


def _run_all(work: Callable[[Artifact], None], artifacts: Sequence[Artifact], advance: Callable[[], None]) -> None:
    """Work on all artifacts in threads; the first failure, or Ctrl-C, drops those not begun yet."""
    pool = ThreadPoolExecutor(_NUM_THREADS, thread_name_prefix="fetch")
    try:
        for done in as_completed([pool.submit(work, artifact) for artifact in artifacts]):
            done.result()
            advance()
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _progress_bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task("Downloading Neo4j (once)", total=total)
        yield lambda: progress.advance(task)
