"""Backups on a schedule, and drills that restore one into a graph of its own."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from api.files import replacing
from graph.bundles.exporting import export_stream
from graph.bundles.restoring import restore
from graph.bundles.streams import check_stream
from graph.database.sessions import Database
from graph.errors import ConfigurationError, InvalidError

PATTERN: Final = "foregraph-*.ndjson"
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Backup:
    """
    A backup that was written and read again.

    Attributes:
        file: Its file.
        num_rows: Rows and answers in it.
        num_bytes: Size of the file.
        seconds: The time that it took.
    """

    file: Path
    num_rows: int
    num_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Drill:
    """
    A backup that was restored, and equals the graph that came of it.

    Attributes:
        num_rows: Rows and answers restored.
        seconds: The time that it took, comparison included.
    """

    num_rows: int
    seconds: float

    @property
    def seconds_per_million(self) -> float:
        """The time for a million rows at this speed."""
        return self.seconds * MILLION / self.num_rows if self.num_rows else 0.0


async def write_backup(database: Database, folder: Path, *, keep: int, now: datetime | None = None) -> Backup:
    """
    Back the graph up into a file of a folder, named by the moment, check the file, and remove the oldest ones.

    Args:
        database: The database, to which others may write meanwhile.
        folder: The folder, which is made if absent.
        keep: Number of backups to keep, the new one included.
        now: The moment of the name; the current one by default.

    Raises:
        ConfigurationError: The folder cannot be written.
        BundleError: The file is not what was written; older ones stay.
    """
    started, moment = time.monotonic(), now or datetime.now(UTC)
    _make(folder)
    file = folder / f"foregraph-{moment:%Y%m%dT%H%M%SZ}.ndjson"
    with replacing(file) as output:
        num_rows = await export_stream(database, output.write)
    await asyncio.to_thread(_check, file)
    for old in _list_backups(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return Backup(file, num_rows, file.stat().st_size, time.monotonic() - started)


def find_newest(folder: Path) -> Path:
    """
    Find the newest backup of a folder.

    Raises:
        InvalidError: There is none.
    """
    found = _list_backups(folder)
    if not found:
        raise InvalidError(f"there is no backup in {folder}; `foregraph backup FILE` makes one", path="FILE")
    return found[-1]


async def drill(database: Database, file: Path) -> Drill:
    """
    Restore a backup into an empty graph, and compare both row by row.

    Raises:
        BundleError: The backup is not whole.
        ConflictError: The graph is not empty, or differs from the backup afterwards.
        ConfigurationError: The file cannot be read.
    """
    started = time.monotonic()
    try:
        with file.open("rb") as opened:
            num_rows = (await asyncio.to_thread(check_stream, opened)).manifest.num_rows()
            opened.seek(0)
            await restore(database, opened)
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
    return Drill(num_rows, time.monotonic() - started)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot write {folder}: {error.strerror}") from error


def _check(file: Path) -> None:
    with file.open("rb") as opened:
        check_stream(opened)


def _list_backups(folder: Path) -> list[Path]:
    return sorted(folder.glob(PATTERN))
