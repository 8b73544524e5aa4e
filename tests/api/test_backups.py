"""Backups by schedule, and drills: what is backed up while others write comes back row by row."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.backups import Drill, drill, find_newest, write_backup
from api.scheduling import Scheduler, list_jobs
from api.settings import Settings
from graph.bundles.exporting import export_bundle
from graph.bundles.streams import check_stream
from graph.database.jobs import RunReason
from graph.database.sessions import Database
from graph.errors import BundleError, ConfigurationError, ConflictError, InvalidError
from tests.helpers.asking import service_of
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.small_graph import small_graph
from tests.helpers.writes import submitted

MOMENT = datetime(2020, 1, 31, 2, 30, tzinfo=UTC)


async def test_a_backup_made_beside_writes_comes_back(database: Database, tmp_path: Path) -> None:
    """A drill restores the state of one moment; a file that was changed, and a graph with rows, are refused."""
    await import_once(database, small_graph())
    writing = asyncio.create_task(write_on(database))
    made = await write_backup(database, tmp_path / "made", keep=2, now=MOMENT)
    num_written = await writing
    with made.file.open("rb") as opened:
        manifest = check_stream(opened).manifest
    assert made.num_rows == manifest.num_rows()
    assert (made.num_bytes, made.file.stat().st_mode & 0o777) == (made.file.stat().st_size, 0o600)
    last = await write_backup(database, tmp_path / "made", keep=2, now=MOMENT + timedelta(days=1))
    after = await export_bundle(database)
    assert 0 <= last.num_rows - made.num_rows <= 4 * num_written  # its row, its version, its receipt and its change

    with pytest.raises(ConflictError, match="empty graph"):
        await drill(database, last.file)
    await empty(database)
    done = await drill(database, last.file)
    assert done.num_rows == last.num_rows
    assert await export_bundle(database) == after
    changed = tmp_path / "changed.ndjson"
    changed.write_bytes(last.file.read_bytes().replace(b"meanwhile 1", b"meanwhile 9"))
    await empty(database)
    with pytest.raises(BundleError):
        await drill(database, changed)


async def write_on(database: Database) -> int:
    """Add evidence as fast as it goes; returns how much."""
    for number in range(4):
        await submitted("P_00", f"meanwhile {number}")(database)
    return 4


async def test_the_job_keeps_so_many_backups(database: Database, tmp_path: Path) -> None:
    """Its own alone: other files of the folder stay."""
    await import_once(database, small_graph())
    (tmp_path / "notes.txt").write_text("keep me")
    for day in range(3):
        await write_backup(database, tmp_path, keep=2, now=MOMENT + timedelta(days=day))
    names = ["foregraph-20200201T023000Z.ndjson", "foregraph-20200202T023000Z.ndjson"]
    assert list_names(tmp_path) == [*names, "notes.txt"]
    assert find_newest(tmp_path).name == names[-1]

    settings = Settings(backup_dir=tmp_path, backup_keep=1, backup_schedule="0 5 * * *")
    (job,) = [job for job in list_jobs(settings) if job.name == "backup"]
    assert job.schedule == "0 5 * * *"
    assert "backup" not in {job.name for job in list_jobs(Settings())}
    assert await Scheduler(service_of(database), [job]).run(job, RunReason.ON_TIME)
    left, notes = list_names(tmp_path)
    assert (left not in names, notes) == (True, "notes.txt")


def list_names(folder: Path) -> list[str]:
    """The names of a folder's files."""
    return sorted(file.name for file in folder.iterdir())


async def test_a_folder_without_backups_or_rights_is_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="no backup in"):
        find_newest(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write"):
        await write_backup(database, tmp_path / "file", keep=1)
    with pytest.raises(ConfigurationError, match="cannot read"):
        await drill(database, tmp_path / "none.ndjson")


def test_the_time_of_a_million_rows_follows() -> None:
    assert Drill(200_000, 30.0).seconds_per_million == 150.0
    assert Drill(0, 1.0).seconds_per_million == 0.0
