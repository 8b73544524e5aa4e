"""The `foregraph` command: starts the service, brings graphs in and out, prints the schemas."""

import asyncio
import difflib
import json
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial, reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeVar

import click

from api import service
from api.access.commands import keys_group, roles_command
from api.backups import Drill, drill, find_newest
from api.collector import pace_collector
from api.files import replacing
from api.logging import configure_logging
from api.progress import showing
from api.settings import Settings, describe_settings, load_settings
from api.telemetry import list_log_processors
from cypher import list_migrations
from graph.bundles.exporting import export_json, export_stream
from graph.bundles.importing import ImportReport, import_bundle, import_text, is_empty, sum_reports
from graph.bundles.restoring import import_stream, restore
from graph.bundles.streams import MAX_HEADER_BYTES, is_stream
from graph.bundles.unfinished import list_unfinished
from graph.database.migrations import is_migrated
from graph.database.migrations import migrate as apply_migrations
from graph.database.sessions import Database, DatabaseAddress, Unit
from graph.database.statements import list_statements, statement
from graph.errors import ConfigurationError, ForegraphError, InvalidError, counted
from graph.inference.policies import FOREGRAPH_2, POLICIES
from graph.ledger.contributions import convert_contributions
from graph.ledger.derived import adopt_policy, ensure_rebuilt, note_derived, rebuild, refresh_posteriors, verify
from graph.ledger.settings import set_policy
from graph.model.bundle import bundle_json_schema
from graph.model.catalogue import describe as describe_graph
from graph.model.catalogue import draw_mermaid
from graph.network.contradictions import SCAN_TIMEOUT_SECONDS, list_stored_faults
from graph.outcomes.sweep import SweepReport, sweep
from graph.sample import Sample, load_samples
from graph.saved.library import read_draft
from graph.saved.sealing import Seals
from graph.saved.store import delete_query, list_queries
from graph.saved.webhooks import check_webhook
from graph.subjects.search_words import ensure_searchable, make_searchable

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C has ended
NOT_RUNNING = 7

T = TypeVar("T")


class _Commands(click.Group):
    """Reports Foregraph's own errors in one message, with the exit code of their class."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ForegraphError as error:
            click.echo(f"foregraph: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("foregraph: interrupted", err=True)
            ctx.exit(INTERRUPTED)


HELP = """\
A forecast graph: who predicted what, what has to happen first, what would kill it, and what the evidence says.

Without FOREGRAPH_NEO4J_URI the commands use an embedded Neo4j with its data in ./.foregraph: the one that is
running, or else one that they start and stop. `foregraph settings` lists every variable.

\b
Exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM while serving
  1  any other error
  2  an invalid command line, statement or bundle, or refused evidence
  3  a setting that does not work
  4  the database is unreachable, or took too long
  5  an applied migration's file has changed
  6  the embedded Neo4j cannot be installed or started
  7  nothing runs that `status` or `open` could show
"""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, help=HELP)
@click.version_option(version("foregraph"), prog_name="foregraph")
def cli() -> None:
    """Foregraph's commands."""


cli.add_command(keys_group)
cli.add_command(roles_command)


def _listening(command: Callable[..., None]) -> Callable[..., None]:
    host = click.option("--host", help="Address to listen on; overrides FOREGRAPH_HOST.")
    port = click.option("--port", type=int, help="Port to listen on; overrides FOREGRAPH_PORT; 0 picks a free one.")
    workers = click.option(
        "--workers", type=click.IntRange(1, 64), help="Number of processes that serve; overrides FOREGRAPH_WORKERS."
    )
    return host(port(workers(command)))


@cli.command()
@_listening
def up(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API, with the sample in an empty graph."""
    _serve(sample=True, host=host, port=port, workers=workers)


@cli.command()
@_listening
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API; load no sample."""
    _serve(sample=False, host=host, port=port, workers=workers)


@cli.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status_command(context: click.Context, *, as_json: bool) -> None:
    """Show what runs where, and how fresh the graph is."""
    from api.status import get_status  # noqa: PLC0415 - saves commands that do without 0.1 s

    status = asyncio.run(get_status(_load()))
    if as_json:
        click.echo(json.dumps(status.as_json(), indent=2))
    else:
        click.echo("\n".join(f"{heading:<11}{text}" for heading, text in status.lines()))
    if not status.is_running:
        context.exit(NOT_RUNNING)


@cli.command("open")
@click.pass_context
def open_command(context: click.Context) -> None:
    """Open GraphiQL in the browser, or print its address."""
    from api.status import find_services, open_page  # noqa: PLC0415 - as above

    services = find_services(_load())
    if not services:
        click.echo("foregraph: no service is running; start one with `make run` or `foregraph serve`", err=True)
        context.exit(NOT_RUNNING)
    page = f"{services[-1].url}/graphql"
    click.echo(f"Opening {page}" if open_page(page) else page)


@cli.command("import")
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
        await (_require_migrated if dry_run else _migrate)(database)
        reports = [await _import_file(database, files, number, dry_run=dry_run) for number in range(len(files))]
        return sum_reports(reports).summary()

    click.echo(_with_database(work))


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


@cli.command("import-forecasts")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"), metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Report what would change, and change nothing.")
def import_forecasts_command(file: TextIO, *, dry_run: bool) -> None:
    """
    Import a table of forecasts with their outcomes.

    FILE has comma-separated values, `-` is standard input. Its columns are question, predictor, probability (0 to 1),
    stated_at, open, close, outcome (true, false, annulled or nothing) and resolved_at; a question's outcome without a
    moment came at its close. Each line is a forecast; questions become predictions. Faults are listed by line, and then
    nothing is imported. A file that is imported again changes nothing.
    """
    from graph.forecasts.importing import import_forecasts  # noqa: PLC0415 - saves other commands some time

    async def work(database: Database) -> ImportReport:
        await (_require_migrated if dry_run else _migrate)(database)
        with showing(f"Importing {file.name}") as on_progress:
            return await import_forecasts(database, file.read(), on_progress=on_progress, is_dry_run=dry_run)

    click.echo(_with_database(work).summary())


@cli.group("predictions")
def predictions_group() -> None:
    """Bring predictions in."""


@predictions_group.command("import", epilog="Example: foregraph predictions import questions.csv --dry-run")
@click.argument("file", type=click.File("rb"), metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Report what would change, and change nothing.")
def import_predictions_command(file: BinaryIO, *, dry_run: bool) -> None:
    """
    Import a table of predictions, or questions of Metaforecast.

    FILE has comma-separated values: the column title, and perhaps probability (0.17 or 17%), predictor (a name), open,
    close, domain, url, outcome (true, false, annulled or nothing) and resolved_at, or any property of predictions in a
    bundle. Or it is Metaforecast's JSON. Faults are listed by line or question, and then nothing is imported. A file
    that is imported again changes nothing.
    """
    from api.portfolio import decode  # noqa: PLC0415 - saves other commands some time
    from graph.forecasts.importing import import_predictions  # noqa: PLC0415 - as above

    text = decode(file.read())

    async def work(database: Database) -> tuple[ImportReport, tuple[str, ...]]:
        await (_require_migrated if dry_run else _migrate)(database)
        with showing(f"Importing {file.name}") as on_progress:
            return await import_predictions(database, text, on_progress=on_progress, is_dry_run=dry_run)

    report, ignored = _with_database(work)
    if ignored:
        click.echo(f"columns passed over: {', '.join(name or '(without a name)' for name in ignored)}")
    click.echo(report.summary())


@cli.group("tickers")
def tickers_group() -> None:
    """Bring tickers in."""


@cli.group("exposures")
def exposures_group() -> None:
    """Bring exposures in."""


def _importing_file(command: Callable[..., None]) -> Callable[..., None]:
    file = click.argument("file", type=click.File("rb"), metavar="FILE")
    return file(click.option("--dry-run", is_flag=True, help="Tell each change, and change nothing.")(command))


@tickers_group.command("import", epilog="Example: foregraph tickers import constituents.csv --dry-run")
@_importing_file
def import_tickers_command(file: BinaryIO, *, dry_run: bool) -> None:
    """
    Import a table of tickers.

    FILE has comma-separated values: the column symbol, and perhaps name, exchange, sector, country and currency.
    Properties without a column stay as they are. Faults are listed by line, and then nothing is imported.
    """
    from graph.subjects.files import TICKERS  # noqa: PLC0415 - saves other commands some time

    _import_lines(file, TICKERS, dry_run=dry_run)


@exposures_group.command("import", epilog="Example: foregraph exposures import desk.csv --dry-run")
@_importing_file
def import_exposures_command(file: BinaryIO, *, dry_run: bool) -> None:
    """
    Import a table of predictions' effects on tickers.

    FILE has comma-separated values: the columns prediction, symbol and sign (BENEFITS, HARMS, + or -), and perhaps
    relevance (0 to 1), impact (0.1 is a rise of 10%) with impact_low and impact_high, basis, source and lag_days.
    Properties without a column stay as they are. Faults are listed by line, and then nothing is imported.
    """
    from graph.subjects.files import EXPOSURES  # noqa: PLC0415 - as above

    _import_lines(file, EXPOSURES, dry_run=dry_run)


def _import_lines(file: BinaryIO, kind: Any, *, dry_run: bool) -> None:
    from api.portfolio import decode  # noqa: PLC0415 - as above
    from graph.subjects.files import FileReport, import_file  # noqa: PLC0415 - as above

    text = decode(file.read())

    async def work(database: Database) -> FileReport:
        await (_require_migrated if dry_run else _migrate)(database)
        return await import_file(database, text, kind, is_dry_run=dry_run)

    click.echo("\n".join(_with_database(work).lines()))


@cli.command("backtest")
@click.option("--policy", "policies", multiple=True, metavar="NAME", help="Policy to score; all if left out.")
@click.option("--against", default="stated", show_default=True, metavar="NAME", help="Policy to compare them with.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw their calibration to this SVG file."
)
def backtest_command(policies: tuple[str, ...], against: str, *, as_json: bool, plot: Path | None) -> None:
    """
    Score policies side by side on the graph's own forecasts.

    All forecasts on resolved claims are replayed as they were recorded. A policy is recommended only if its Brier score
    is better beyond doubt: the intervals of the difference, over predictors and over questions, end below 0.
    """
    from api.backtests import print_backtest, to_json  # noqa: PLC0415 - as above
    from api.drawing.calibration import draw_calibration  # noqa: PLC0415 - as above
    from graph.forecasts.backtesting import run_backtest  # noqa: PLC0415 - as above
    from graph.inference.replaying import REPLAYS  # noqa: PLC0415 - as above

    async def work(database: Database) -> Any:
        await _require_migrated(database)
        return await run_backtest(database, policies or tuple(REPLAYS), against=against)

    found = _with_database(work)
    if plot is not None:
        plot.write_text(draw_calibration(found), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2))
    else:
        print_backtest(found)


@cli.group("evidence")
def evidence_group() -> None:
    """Bring evidence in."""


@evidence_group.command("add")
@click.argument("file", type=click.File("rb"), metavar="FILE")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "ndjson"], case_sensitive=False),
    help="Format of FILE; by default told by its name, and NDJSON for standard input.",
)
@click.option("--key-prefix", help="Gives each item without an idempotency key the key PREFIX:LINE.", metavar="PREFIX")
@click.option("--dry-run", is_flag=True, help="Report what would be recorded and refused, and keep nothing.")
@click.pass_context
def evidence_add(
    context: click.Context, file: BinaryIO, *, format_name: str | None, key_prefix: str | None, dry_run: bool
) -> None:
    """
    Record the items of evidence in a file.

    Each counts by itself, in order; the file `-` is standard input. A table (.csv) has the names of an item's fields in
    its first row; otherwise each line is a JSON object. Items whose idempotency key is known count once, so a file
    whose items have keys can be added again. Exit code 2 if any item is refused.
    """
    from api.evidence.files import Source, add_all  # noqa: PLC0415 - saves other commands most of a second

    source = Source.open(file, format_name)

    async def work(database: Database) -> Mapping[str, int]:
        await _require_migrated(database)
        if not dry_run:
            await ensure_rebuilt(database)
        return await add_all(database, source, key_prefix=key_prefix, is_dry_run=dry_run)

    if _with_database(work)["REFUSED"]:
        context.exit(InvalidError.exit_code)


@cli.command("export")
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
        await _require_migrated(database)
        with showing(f"Exporting {'the graph' if str(file) == '-' else file}") as on_progress:
            await (
                export_stream(database, write, on_progress) if is_by_line else export_json(database, write, on_progress)
            )

    if str(file) == "-":
        _with_database(partial(work, write=sys.stdout.buffer.write))
        return
    with replacing(file) as output:
        _with_database(partial(work, write=output.write))


@cli.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup_command(file: Path) -> None:
    """
    Back the whole graph up, while others may write.

    FILE has a manifest and checksums. It has everything that cannot be computed again, and the answers given to
    requests with an idempotency key.
    """

    async def work(database: Database, write: Callable[[bytes], object]) -> int:
        await _require_migrated(database)
        with showing(f"Backing up to {file}") as on_progress:
            return await export_stream(database, write, on_progress)

    with replacing(file) as output:
        num_rows = _with_database(partial(work, write=output.write))
    click.echo(f"{num_rows:,} rows and answers backed up to {file}")


@cli.command("restore")
@click.argument("file", type=click.File("rb"))
def restore_command(file: BinaryIO) -> None:
    """
    Restore a backup into an empty graph.

    The graph is compared with the backup's checksums. The file `-` is standard input. Stop the service meanwhile. A
    restore that was interrupted goes on if it is repeated.
    """

    async def work(database: Database) -> str:
        await _migrate(database)
        with showing(f"Restoring {file.name}") as on_progress, _rewindable(file) as backup:
            return (await restore(database, backup, on_progress=on_progress)).summary()

    click.echo(f"{_with_database(work)}; the graph equals the backup")


@cli.command("drill", epilog="Example: foregraph drill backups/foregraph-20270131T023000Z.ndjson")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
def drill_command(file: Path | None) -> None:
    """
    Restore a backup elsewhere, and compare both.

    FILE is a backup; without it the newest in FOREGRAPH_BACKUP_DIR. It is restored into an embedded Neo4j made for it,
    which is removed at the end, and the time that this takes is told. The service and its graph are left alone.
    """
    chosen = _load()
    if file is None:
        if chosen.backup_dir is None:
            raise InvalidError("name a backup, or the folder of backups by FOREGRAPH_BACKUP_DIR", path="FILE")
        file = find_newest(chosen.backup_dir)
    click.echo(f"Restoring {file} into a graph of its own", err=True)

    async def work(address: DatabaseAddress) -> Drill:
        async with Database.open(address) as database:
            await _migrate(database)
            return await drill(database, file)

    with tempfile.TemporaryDirectory(prefix="foregraph-drill-") as folder, service.stopping_on_signals():
        own = chosen.model_copy(update={"neo4j_uri": None, "data_dir": Path(folder), "bolt_port": 0})
        with service.find_database(own) as address:
            found = asyncio.run(work(address))
    pace = f"{found.seconds:.1f} s, {found.seconds_per_million:,.0f} s for a million"
    click.echo(f"{found.num_rows:,} rows and answers restored in {pace}; the graph equals the backup")


@cli.command("sweep")
@click.option("--dry-run", is_flag=True, help="Report what would be found, and change nothing.")
def sweep_command(*, dry_run: bool) -> None:
    """
    Mark overdue milestones, and record missed check-ins.

    Each missed check-in is recorded in the ledger once.
    """

    async def work(database: Database) -> SweepReport:
        await _require_migrated(database)
        return await sweep(database, is_dry_run=dry_run)

    report = _with_database(work)
    for failure in report.failures:
        click.echo(f"foregraph: {failure}", err=True)
    click.echo(report.summary(is_dry_run=dry_run))


@cli.command("verify")
@click.option("--most", default=100, show_default=True, help="How many to list at most, of either.")
@click.pass_context
def verify_command(context: click.Context, most: int) -> None:
    """
    Compare stored beliefs with the ledger.

    Every belief is recomputed, bit for bit, and what differs is listed. Also lists influences and exposures that
    contradict their kind or sign, or each other. Writes refuse these, but a graph made by an older version may have
    some. Exit code 1 if anything is listed.
    """

    async def work(database: Database) -> tuple[int, list[str], list[str]]:
        await _require_migrated(database)
        num_claims = 0

        def count(num: int) -> None:
            nonlocal num_claims
            num_claims += num

        differences = [str(found) async for found in verify(database, on_progress=count)]
        contradictions = await database.read(list_stored_faults, timeout_seconds=SCAN_TIMEOUT_SECONDS)
        return num_claims, differences, [str(found) for found in contradictions]

    num_claims, differences, contradictions = _with_database(work)
    for line in (*differences[:most], *contradictions[:most]):
        click.echo(line)
    found = f"{len(differences)} differences, {counted(len(contradictions), 'contradiction')}"
    click.echo(f"{num_claims} claims verified, {found}")
    if differences or contradictions:
        context.exit(1)


@cli.command("rebuild")
@click.option("--policy", type=click.Choice(list(POLICIES)), help="The policy that beliefs follow from now on.")
def rebuild_command(policy: str | None) -> None:
    """
    Recompute all that is stored beside the ledger.

    These are beliefs, the keys that order claims by them, predictors' records, and the words of search. With a policy,
    beliefs follow it from now on; what they were before stays as it was, for questions about the past.
    """

    async def work(database: Database) -> int:
        await _migrate(database)
        await make_searchable(database)
        return await rebuild(database) if policy is None else await adopt_policy(database, policy)

    click.echo(f"rebuilt {_with_database(work)} claims")


@cli.command("refresh")
def refresh_command() -> None:
    """
    Recompute stored posteriors as of now.

    Posteriors change with time alone.
    """

    async def work(database: Database) -> int:
        await _require_migrated(database)
        return await refresh_posteriors(database)

    click.echo(f"refreshed {_with_database(work)} posteriors")


@cli.command("whatif")
@click.argument("observations", nargs=-1, required=True, metavar="CLAIM=true|false...")
@click.option("--intervene", is_flag=True, help="Intervene: set the outcomes without inference back to their causes.")
@click.option(
    "--method",
    type=click.Choice(["AUTO", "EXACT", "SAMPLE", "LBP"], case_sensitive=False),
    default="AUTO",
    show_default=True,
    help="AUTO takes the best that fits, part by part; EXACT needs a small network.",
)
@click.option("--samples", type=int, help="For sampling: number of joint samples.")
@click.option("--seed", type=int, help="For sampling: seed of the random numbers.")
@click.option("--first", type=click.IntRange(1), default=20, show_default=True, help="How many claims to list.")
def what_if_command(
    observations: tuple[str, ...], *, intervene: bool, method: str, samples: int | None, seed: int | None, first: int
) -> None:
    """
    Show how claims would move if others resolved.

    As in `foregraph whatif TK17=true S_AGI=false`.
    """
    from api.questions import Question, ask, show  # noqa: PLC0415 - saves commands that do without 0.1 s

    question = Question.read(observations, is_intervention=intervene, method=method, samples=samples, seed=seed)

    async def work(database: Database) -> Any:
        await _require_migrated(database)
        return await ask(database, question, first=first)

    show(_with_database(work))


@cli.command("exposure", epilog="Example: foregraph exposure positions.csv --what-if IL_K_AI_WINTER=true")
@click.argument("file", type=click.File("rb"), required=False, metavar="[FILE]")
@click.option("--portfolio", "name", help="Name of a stored portfolio, in place of FILE.")
@click.option("--what-if", multiple=True, metavar="CLAIM=true|false", help="Supposed outcome; repeat it for more.")
@click.option("--intervene", is_flag=True, help="Set the outcomes without inference back to their causes.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Moment in the past, in UTC, to measure at; exposures and influences are those of now.",
)
@click.option("--active", is_flag=True, help="Measure what each position has more than the benchmark.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print the contributions as CSV.")
def exposure_command(
    file: BinaryIO | None,
    name: str | None,
    what_if: tuple[str, ...],
    as_of: datetime | None,
    form: str | None,
    *,
    intervene: bool,
    active: bool,
) -> None:
    """
    Show what a portfolio hangs on.

    FILE has comma-separated values, `-` is standard input: the columns symbol and weight, or value, or quantity and
    price, and perhaps benchmark_weight. Faults are listed by line. Symbols that come several times are added up, and
    those that the graph does not have are listed.
    """
    from api.portfolio import Asked, ask, show  # noqa: PLC0415 - saves commands that do without 0.1 s

    moment = None if as_of is None else as_of.replace(tzinfo=UTC)
    text = None if file is None else file.read()
    asked = Asked.read(text, name, what_if, is_intervention=intervene, as_of=moment, is_active=active)

    async def work(database: Database) -> Any:
        await _require_migrated(database)
        return await ask(database, asked)

    show(_with_database(work), form or "table", _tell)


@cli.group()
def draw() -> None:
    """Draw a picture of the graph as SVG."""


_as_of = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Moment of the beliefs, in UTC; now by default.",
)


@draw.command("neighborhood")
@click.argument("claim_id", metavar="CLAIM")
@click.option("--depth", type=click.IntRange(1, 4), default=1, show_default=True, help="How many steps to show.")
@_as_of
def draw_neighborhood_command(claim_id: str, *, depth: int, as_of: datetime | None) -> None:
    """Draw what bears on a claim, and what it bears on."""
    from api.drawing.neighborhood import draw_neighborhood  # noqa: PLC0415 - as above

    moment = _moment_of(as_of)
    click.echo(_read_in(lambda unit: draw_neighborhood(unit, claim_id, depth=depth, moment=moment)), nl=False)


@draw.command("history")
@click.argument("claim_id", metavar="CLAIM")
@_as_of
def draw_history_command(claim_id: str, *, as_of: datetime | None) -> None:
    """Draw a claim's belief over time."""
    from api.drawing.history import draw_history  # noqa: PLC0415 - as above

    moment = _moment_of(as_of)
    click.echo(_read_in(lambda unit: draw_history(unit, claim_id, moment=moment)), nl=False)


@cli.command("propagate")
@click.option(
    "--method",
    type=click.Choice(["AUTO", "EXACT", "SAMPLE", "LBP"], case_sensitive=False),
    default="AUTO",
    show_default=True,
    help="Inference method.",
)
@click.option("--dry-run", is_flag=True, help="Compute, and store nothing.")
@click.pass_context
def propagate_command(context: click.Context, method: str, *, dry_run: bool) -> None:
    """
    Compute and store every claim's marginal.

    Exit code 1 if the inference over the network does not converge.
    """
    from api.questions import propagate_by  # noqa: PLC0415 - as above

    async def work(database: Database) -> dict[str, Any]:
        await _require_migrated(database)
        return await propagate_by(database, method, is_dry_run=dry_run)

    payload = _with_database(work)
    run = payload["run"]
    stored = f"{payload['num_stored']} marginals {'would be ' if dry_run else ''}stored"
    click.echo(f"{run['method']} over {run['num_claims']} claims in {run['duration_seconds']:.2f} s: {stored}")
    if not run["converged"]:
        click.echo(f"foregraph: {run['reason']}; the last good marginals stay", err=True)
        context.exit(1)


def _writing_rows(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option(
            "--format",
            "format_name",
            type=click.Choice(["table", "json", "ndjson", "csv", "arrow", "parquet"]),
            default="table",
            show_default=True,
            help="Format of the rows; arrow and parquet need the package pyarrow.",
        ),
        click.option(
            "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write the rows to."
        ),
        click.option("--max-rows", type=click.IntRange(1, 1_000_000), help="Most rows; 1000 of a table, else 1000000."),
        click.option(
            "--timeout",
            type=click.FloatRange(0, 60, min_open=True),
            default=60,
            show_default=True,
            help="Seconds it may take.",
        ),
        click.option("--typed", is_flag=True, help="Write each value with its type, in json and ndjson."),
    )
    return reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


@cli.command(
    "cypher",
    epilog="Example: foregraph cypher 'MATCH (c:Claim {id: $id}) RETURN c.title, c.posterior' --param id=TK09",
)
@click.argument("statement", required=False)
@click.option("-f", "--file", type=click.File("r", encoding="utf-8"), help="File that holds the statement.")
@click.option(
    "-p",
    "--param",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a parameter: JSON, or else a text; repeat it for further ones.",
)
@_writing_rows
def cypher_command(
    statement: str | None,
    file: TextIO | None,
    assignments: tuple[str, ...],
    format_name: str,
    output: Path | None,
    max_rows: int | None,
    timeout: float,
    *,
    typed: bool,
) -> None:
    """
    Run a Cypher statement that only reads.

    Without STATEMENT, or with `-`, it comes from standard input.
    """
    from api.shell import Command, read_assignments, run  # noqa: PLC0415 - saves other commands 0.1 s

    command = Command(
        _read_statement(statement, file),
        read_assignments(assignments),
        format_name,
        output=output,
        max_rows=max_rows,
        timeout_seconds=timeout,
        is_typed=typed,
    )
    _with_address(partial(run, command=command, tell=_tell))


@cli.group("queries", invoke_without_command=True)
@click.pass_context
def queries_command(context: click.Context) -> None:
    """List saved queries, or run one."""
    if context.invoked_subcommand is not None:
        return
    from api.shell import print_queries  # noqa: PLC0415 - saves other commands 0.1 s
    from api.tables import open_console  # noqa: PLC0415 - the same

    print_queries(_read_in(list_queries), open_console())


@queries_command.command("run", epilog="Example: foregraph queries run due-for-resolution --param days=30 --format csv")
@click.argument("name")
@click.option(
    "-p",
    "--param",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a parameter; repeat it for further ones, and for the items of a list.",
)
@_writing_rows
def run_query_command(
    name: str,
    assignments: tuple[str, ...],
    format_name: str,
    output: Path | None,
    max_rows: int | None,
    timeout: float,
    *,
    typed: bool,
) -> None:
    """Run a saved query."""
    from api.shell import Command, read_texts, run_query  # noqa: PLC0415 - saves other commands 0.1 s

    command = Command("", {}, format_name, output=output, max_rows=max_rows, timeout_seconds=timeout, is_typed=typed)
    _with_address(partial(run_query, name=name, values=read_texts(assignments), command=command, tell=_tell))


@queries_command.command("save", epilog="Example: foregraph queries save overdue-check-ins.cypher")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--name", help="The query's name; without it that of the file.")
@click.option("--dry-run", is_flag=True, help="Check it, and save nothing.")
def save_query_command(file: TextIO, name: str | None, *, dry_run: bool) -> None:
    """
    Save a query from FILE as a new version.

    Lines `// description: …` and `// parameter: days INTEGER = 7: How far back.` before the statement describe it.
    """
    from api.shell import save_from_file  # noqa: PLC0415 - saves other commands 0.1 s

    draft = read_draft(Path(file.name).stem if name is None else name, file.read())
    _tell(_with_address(partial(save_from_file, draft=draft, is_dry_run=dry_run)))


@queries_command.command("delete")
@click.argument("name")
def delete_query_command(name: str) -> None:
    """Delete a saved query; its versions stay."""
    _with_database(partial(delete_query, name=name))
    _tell(f"the saved query {name} is deleted; its versions stay")


@cli.group("webhooks")
def webhooks_command() -> None:
    """Receivers of webhooks."""


@webhooks_command.command("key", epilog="Example: foregraph webhooks key https://hooks.example.org/forecasts")
@click.argument("url")
def webhook_key_command(url: str) -> None:
    """
    Print the key that signs what URL is sent.

    It follows from FOREGRAPH_WEBHOOK_SECRET and from URL, as that stands in the schedule. Give it to the receiver, who
    can forge nothing to others by it.
    """
    chosen = _load()
    check_webhook(url, chosen.webhook_hosts)
    if chosen.webhook_secret is None:
        raise ConfigurationError("FOREGRAPH_WEBHOOK_SECRET is not set, from which the key follows")
    click.echo(Seals(chosen.webhook_secret.get_secret_value().encode()).signing_key(url))


def _read_statement(statement: str | None, file: TextIO | None) -> str:
    if statement is not None and file is not None:
        raise click.UsageError("give a STATEMENT or a --file, not both")
    if file is not None:
        return file.read()
    if statement not in {None, "-"}:
        return statement or ""
    if sys.stdin.isatty():
        raise click.UsageError("give a STATEMENT, a --file, or a statement on standard input")
    return sys.stdin.read()


def _tell(text: str) -> None:
    click.echo(f"foregraph: {text}", err=True)


@cli.group("documents")
def documents_command() -> None:
    """Trusted documents of clients."""


@documents_command.command("check", epilog="Example: foregraph documents check web/queries")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def check_documents_command(folder: Path) -> None:
    """
    Check and price all .graphql files below DIR.

    Prints the id of each, and the rows and points of each operation, where variables have no values but their defaults.
    """
    from api.parts import build_limited_schema  # noqa: PLC0415 - saves other commands a second
    from api.tariffs import limits_of  # noqa: PLC0415 - the same
    from api.trusted import check_folder  # noqa: PLC0415 - the same

    chosen = _load()
    num_faults = 0
    for name, found in check_folder(build_limited_schema(chosen), limits_of(chosen), folder):
        click.echo(f"{found.document_id}  {name}")
        for price in found.operations:
            click.echo(f"  {price.name or 'without a name'}: {price.rows} rows, {price.points} points")
        for fault in found.faults:
            num_faults += 1
            click.echo(f"  fault: {fault}")
    if num_faults:
        raise InvalidError(f"{counted(num_faults, 'fault')} in the documents below {str(folder)!r}")


@cli.command("mcp")
def mcp_command() -> None:
    """
    Serve tools to an agent over standard input and output.

    It is started by the agent's program, and speaks the Model Context Protocol. A running service has the same tools
    at /mcp.
    """
    from api.mcp.stdio import serve_stdio  # noqa: PLC0415 - saves other commands 2 s

    chosen = _load()

    async def serve_agent(address: DatabaseAddress) -> None:
        async with Database.open(address) as database:
            await database.verify()
            await _migrate(database)
        await serve_stdio(chosen, address)

    _with_address(serve_agent)


@cli.command()
def migrate() -> None:
    """Migrate the database's schema to this version."""
    applied = _with_database(_migrate)
    click.echo("\n".join(f"applied {name}" for name in applied) if applied else "nothing to apply")


@cli.group()
def schema() -> None:
    """Print a schema."""


@schema.command("bundle")
def schema_bundle() -> None:
    """Print the JSON Schema of a bundle."""
    click.echo(json.dumps(bundle_json_schema(), indent=2, ensure_ascii=False))


@schema.command("graph")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid diagram instead.")
def schema_graph(*, mermaid: bool) -> None:
    """Print the graph's labels, relationship types and properties."""
    click.echo(draw_mermaid() if mermaid else describe_graph())


@schema.command("graphql")
def schema_graphql() -> None:
    """Print the GraphQL schema."""
    from resolvers.schema import print_sdl  # noqa: PLC0415 - saves other commands most of a second

    click.echo(print_sdl().rstrip("\n"))


@schema.command("apollo")
def schema_apollo() -> None:
    """Print the possibleTypes and typePolicies for Apollo Client's cache."""
    from resolvers.apollo import cache_configuration  # noqa: PLC0415 - saves other commands most of a second
    from resolvers.schema import build_schema  # noqa: PLC0415

    click.echo(json.dumps(cache_configuration(build_schema()._schema), indent=2))


@cli.command("statements")
@click.argument("name", required=False)
def statements_command(name: str | None) -> None:
    """
    List the Cypher statements, or print one.

    NAME is one of those listed.
    """
    names = list_statements()
    if name is None:
        click.echo("\n".join(names))
    elif name in names:
        click.echo(statement(name).rstrip("\n"))
    else:
        close = difflib.get_close_matches(name, names, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "`foregraph statements` lists them all"
        raise InvalidError(f"no statement has the name {name!r}; {advice}")


@cli.command()
def settings() -> None:
    """List all environment variables."""
    for name, default, meaning in describe_settings():
        click.echo(f"{name}{f' = {default}' if default else ''}\n    {meaning}")


def main() -> None:
    """Entry point of the console command."""
    pace_collector()
    cli()


def _serve(*, sample: bool, **overrides: object) -> None:
    chosen = _load(**overrides)

    async def prepare(database: Database) -> None:
        await _migrate(database)
        if await ensure_rebuilt(database):
            click.echo("This graph was written by an older version: recomputed its beliefs from the ledger", err=True)
        for unfinished in await list_unfinished(database):
            click.echo(f"foregraph: {unfinished}", err=True)
        if sample:
            await _load_sample(database, chosen.sample)

    try:
        service.serve(chosen, prepare, click.echo)
    except KeyboardInterrupt:  # while the database started or stopped; a requested stop is no failure
        click.echo("foregraph: stopped", err=True)


def _load(**overrides: object) -> Settings:
    chosen = load_settings(**overrides)
    more = list_log_processors(chosen)
    configure_logging(log_format=chosen.log_format, log_level=chosen.log_level, more=more)
    return chosen


async def _migrate(database: Database) -> tuple[str, ...]:
    """
    Apply pending migrations, and make the words of search where an older version wrote the graph; returns names.

    A graph that gets its schema here is new, so nothing in it is of an older version.
    """
    await convert_contributions(database)
    applied = await apply_migrations(database)

    def tell(num_nodes: int) -> None:
        click.echo(f"Made {num_nodes:,} nodes of an older version searchable", err=True)

    is_new = len(applied) == len(list_migrations())
    await ensure_searchable(database, is_new=is_new, on_progress=tell)
    if is_new:
        await note_derived(database)
        await database.write(partial(set_policy, policy=FOREGRAPH_2.name, moment=datetime.now(UTC)))
    return applied


async def _require_migrated(database: Database) -> None:
    if not await is_migrated(database):
        raise ConfigurationError("the database does not have this version's schema; run `foregraph migrate` first")


async def _load_sample(database: Database, chosen: Sample) -> None:
    if chosen is not Sample.NONE and await is_empty(database):
        bundle = load_samples(chosen)
        click.echo(f"The database is empty: loading the sample ({bundle.num_rows()} rows)", err=True)
        await import_bundle(database, bundle)


def _moment_of(as_of: datetime | None) -> datetime:
    return datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)


def _read_in(work: Callable[[Unit], Awaitable[T]]) -> T:
    """Run one read transaction on a graph that has this version's schema."""

    async def read(database: Database) -> T:
        await _require_migrated(database)
        return await database.read(work)

    return _with_database(read)


def _with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run(address: DatabaseAddress) -> T:
        async with Database.open(address) as database:
            await database.verify()
            return await work(database)

    return _with_address(run)


def _with_address(work: Callable[[DatabaseAddress], Coroutine[Any, Any, T]]) -> T:
    chosen = _load()
    with service.stopping_on_signals(), service.find_database(chosen) as address:
        return asyncio.run(work(address))
