"""Commands that bring whole graphs in and out."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import click

from api import service
from api.backups import Drill, drill, find_newest
from api.cli.configuring import configure
from api.cli.running import require_migrated, run_with_database
from api.cli.webhooks import tell_held
from api.files import replacing
from api.preparing import migrate_graph
from api.progress import showing
from graph.bundles.exporting import export_json, export_stream
from graph.bundles.importing import ImportReport, import_text, sum_reports
from graph.bundles.restoring import import_stream, restore
from graph.bundles.streams import MAX_HEADER_BYTES, is_stream
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import ForegraphError, InvalidError, counted


@click.command("import")
@click.argument("files", type=click.File("rb"), nargs=-1, required=True, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Report what would change, and change nothing; for one FILE.")
def import_command(files: tuple[BinaryIO, ...], *, dry_run: bool) -> None:
    """
    Import bundles, one after the other.

    The file `-` is standard input. Of each bundle all rows are imported, or none if it has problems; then the bundles
    after it are left out. What `export` or `backup` wrote as .ndjson may have any size: it is checked as a whole, and
    imported part by part; one that was interrupted goes on where it was.
    """
    if dry_run and len(files) > 1:
        raise click.UsageError("--dry-run takes one FILE, since a bundle may need the rows of those before it")

    async def work(database: Database) -> str:
        await (require_migrated if dry_run else migrate_graph)(database)
        reports = [await _import_file(database, files, number, dry_run=dry_run) for number in range(len(files))]
        if not dry_run:
            await tell_held(database)
        return sum_reports(reports).summary()

    click.echo(run_with_database(work))


async def _import_file(database: Database, files: Sequence[BinaryIO], number: int, *, dry_run: bool) -> ImportReport:
    """Import the bundle in one of several files, of which one at a time is in memory."""
    name = files[number].name
    of_all = f" ({number + 1} of {len(files)})" if len(files) > 1 else ""
    try:
        with showing(f"Importing {name}{of_all}") as on_progress, _rewindable(files[number]) as file:
            first_line = file.readline(MAX_HEADER_BYTES)
            file.seek(0)
            if is_stream(first_line):
                return await import_stream(database, file, on_progress=on_progress, dry_run=dry_run)
            return await import_text(database, file.read(), on_progress=on_progress, dry_run=dry_run)
    except ForegraphError:
        if number:
            imported = counted(number, "bundle")
            click.echo(f"foregraph: stopped at {name}, with {imported} imported", err=True)
        raise


@contextmanager
def _rewindable(file: BinaryIO) -> Iterator[BinaryIO]:
    """Copy what can be read only once, such as standard input, to a temporary file."""
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        yield copy


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "ndjson"]),
    help="One JSON text, or a line for each row; by default ndjson for a FILE that ends in .ndjson, else json.",
)
def export_command(file: Path, form: str | None) -> None:
    """
    Export the whole graph as a bundle.

    Without FILE, or with `-`, it goes to standard output. It is the state at one moment, whatever is written meanwhile.
    A graph of more than 250,000 rows needs ndjson, which has the answers given to requests with an idempotency key,
    too.
    """
    is_by_line = (form or ("ndjson" if file.suffix == ".ndjson" else "json")) == "ndjson"

    async def work(database: Database, write: Callable[[bytes], object]) -> None:
        await require_migrated(database)
        with showing(f"Exporting {'the graph' if str(file) == '-' else file}") as on_progress:
            await (
                export_stream(database, write, on_progress) if is_by_line else export_json(database, write, on_progress)
            )

    if str(file) == "-":
        run_with_database(partial(work, write=sys.stdout.buffer.write))
        return
    with replacing(file) as output:
        run_with_database(partial(work, write=output.write))


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup_command(file: Path) -> None:
    """
    Back the whole graph up, while others may write.

    FILE has a manifest and checksums. It has everything that cannot be computed again, the answers given to requests
    with an idempotency key, schedules, webhooks of changes, and their deliveries that wait or were given up.
    """

    async def work(database: Database, write: Callable[[bytes], object]) -> int:
        await require_migrated(database)
        with showing(f"Backing up to {file}") as on_progress:
            return await export_stream(database, write, on_progress)

    with replacing(file) as output:
        num_rows = run_with_database(partial(work, write=output.write))
    click.echo(f"{num_rows:,} rows and answers backed up to {file}")


@click.command("restore")
@click.argument("file", type=click.File("rb"))
def restore_command(file: BinaryIO) -> None:
    """
    Restore a backup into an empty graph.

    The graph is compared with the backup's checksums. The file `-` is standard input. Stop the service meanwhile. A
    restore that was interrupted goes on if it is repeated. What schedules and webhooks send is held until `foregraph
    webhooks release`.
    """

    async def work(database: Database) -> str:
        await migrate_graph(database)
        with showing(f"Restoring {file.name}") as on_progress, _rewindable(file) as backup:
            report = await restore(database, backup, on_progress=on_progress)
        await tell_held(database)
        return report.summary()

    click.echo(f"{run_with_database(work)}; the graph equals the backup")


@click.command("drill", epilog="Example: foregraph drill backups/foregraph-20270131T023000Z.ndjson")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
def drill_command(file: Path | None) -> None:
    """
    Restore a backup elsewhere, and compare both.

    FILE is a backup; without it the newest in FOREGRAPH_BACKUP_DIR. It is restored into an embedded Neo4j made for it,
    which is removed at the end, and the time that this takes is told. The service and its graph are left alone.
    """
    chosen = configure()
    if file is None:
        if chosen.backup_dir is None:
            raise InvalidError("name a backup, or the folder of backups by FOREGRAPH_BACKUP_DIR", path="FILE")
        file = find_newest(chosen.backup_dir)
    click.echo(f"Restoring {file} into a graph of its own", err=True)

    async def work(address: DatabaseAddress) -> Drill:
        async with Database.open(address) as database:
            await migrate_graph(database)
            return await drill(database, file)

    with tempfile.TemporaryDirectory(prefix="foregraph-drill-") as folder, service.stopping_on_signals():
        own = chosen.model_copy(update={"neo4j_uri": None, "data_dir": Path(folder), "bolt_port": 0})
        with service.find_database(own) as address:
            found = asyncio.run(work(address))
    pace = f"{found.seconds:.1f} s, {found.seconds_per_million:,.0f} s for a million"
    click.echo(f"{found.num_rows:,} rows and answers restored in {pace}; the graph equals the backup")


COMMANDS: Final = (import_command, export_command, backup_command, restore_command, drill_command)
