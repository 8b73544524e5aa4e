"""The `foregraph` command: starts the service, brings graphs in and out, prints the schemas."""

import asyncio
import difflib
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeVar

import click

from api import service
from api.collector import pace_collector
from api.files import write_whole
from api.logging import configure_logging
from api.progress import showing
from api.settings import Settings, describe_settings, load_settings
from cypher import list_migrations
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import ImportReport, import_bundle, import_text, is_empty, sum_reports
from graph.database.migrations import is_migrated
from graph.database.migrations import migrate as apply_migrations
from graph.database.sessions import Database, DatabaseAddress
from graph.database.statements import list_statements, statement
from graph.errors import ConfigurationError, ForegraphError, InvalidError, counted
from graph.ledger.derived import ensure_rebuilt, rebuild, refresh_posteriors, verify
from graph.model.bundle import bundle_json_schema
from graph.network.contradictions import SCAN_TIMEOUT_SECONDS, list_stored_faults
from graph.outcomes.sweep import SweepReport, sweep
from graph.sample import load_sample
from graph.subjects.search_words import ensure_searchable, make_searchable

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C has ended

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
  2  an invalid command line, statement or bundle
  3  a setting that does not work
  4  the database is unreachable, or took too long
  5  an applied migration's file has changed
  6  the embedded Neo4j cannot be installed or started
"""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, help=HELP)
@click.version_option(version("foregraph"), prog_name="foregraph")
def cli() -> None:
    """Foregraph's commands."""


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
    """Serve the API; load the sample first if the database is empty."""
    _serve(sample=True, host=host, port=port, workers=workers)


@cli.command()
@_listening
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API; load no sample."""
    _serve(sample=False, host=host, port=port, workers=workers)


@cli.command("import")
@click.argument("files", type=click.File("rb"), nargs=-1, required=True, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Report what would change, and change nothing; for one FILE.")
def import_command(files: tuple[BinaryIO, ...], *, dry_run: bool) -> None:
    """
    Import the bundles in FILEs, one after the other; `-` reads standard input.

    Of each bundle all rows are imported, or none if it has problems; then the bundles after it are left out.
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
        with showing(f"Importing {name}{of_all}") as on_progress:
            return await import_text(database, files[number].read(), on_progress=on_progress, dry_run=dry_run)
    except ForegraphError:
        if number:
            imported = counted(number, "bundle")
            click.echo(f"foregraph: stopped at {name}, with {imported} imported", err=True)
        raise


@cli.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
def export_command(file: Path) -> None:
    """Export the whole graph as a bundle into FILE; `-`, the default, writes to standard output."""

    async def work(database: Database) -> str:
        await _require_migrated(database)
        return (await export_bundle(database)).to_json()

    text = _with_database(work)
    if str(file) == "-":
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_whole(file, text)


@cli.command("sweep")
@click.option("--dry-run", is_flag=True, help="Report what would be found, and change nothing.")
def sweep_command(*, dry_run: bool) -> None:
    """Mark overdue milestones, and record each missed check-in in the ledger, once."""

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
    Recompute every stored belief from the ledger, bit for bit, and list what differs.

    Also lists influences and exposures that contradict their kind or sign, or each other. Writes refuse these, but a
    graph made by an older version may have some. Exit code 1 if anything is listed.
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
def rebuild_command() -> None:
    """
    Recompute all stored beliefs from the ledger, the keys that order claims by them, predictors' records, and the words
    of search.
    """

    async def work(database: Database) -> int:
        await _migrate(database)
        await make_searchable(database)
        return await rebuild(database)

    click.echo(f"rebuilt {_with_database(work)} claims")


@cli.command("refresh")
def refresh_command() -> None:
    """Recompute every stored posterior as of now; posteriors change with time alone."""

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
    """Show how other claims would move if these resolved, as in `whatif TK17=true S_AGI=false`."""
    from api.questions import Question, ask, show  # noqa: PLC0415 - saves commands that do without 0.1 s

    question = Question.read(observations, is_intervention=intervene, method=method, samples=samples, seed=seed)

    async def work(database: Database) -> Any:
        await _require_migrated(database)
        return await ask(database, question, first=first)

    show(_with_database(work))


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
    """Compute every claim's marginal over the whole network and store it; exit code 1 if it does not converge."""
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
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["table", "json", "ndjson", "csv", "arrow", "parquet"]),
    default="table",
    show_default=True,
    help="Format of the rows; arrow and parquet need the package pyarrow.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write the rows to.")
@click.option("--max-rows", type=click.IntRange(1, 1_000_000), help="Most rows; 1000 of a table, else 1000000.")
@click.option(
    "--timeout", type=click.FloatRange(0, 60, min_open=True), default=60, show_default=True, help="Seconds it may take."
)
@click.option("--typed", is_flag=True, help="Write each value with its type, in json and ndjson.")
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
    """Run a Cypher STATEMENT that reads, and print its rows; `-`, or none, reads it from standard input."""
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


@schema.command("graphql")
def schema_graphql() -> None:
    """Print the GraphQL schema."""
    from resolvers.schema import print_sdl  # noqa: PLC0415 - saves other commands most of a second

    click.echo(print_sdl().rstrip("\n"))


@cli.command("statements")
@click.argument("name", required=False)
def statements_command(name: str | None) -> None:
    """List the names of the Cypher statements that the database is sent, or print the statement named NAME."""
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
    """List every environment variable with its default and meaning."""
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
        if sample:
            await _load_sample(database)

    try:
        service.serve(chosen, prepare, click.echo)
    except KeyboardInterrupt:  # while the database started or stopped; a requested stop is no failure
        click.echo("foregraph: stopped", err=True)


def _load(**overrides: object) -> Settings:
    chosen = load_settings(**overrides)
    configure_logging(log_format=chosen.log_format, log_level=chosen.log_level)
    return chosen


async def _migrate(database: Database) -> tuple[str, ...]:
    """Apply pending migrations, and make the words of search where an older version wrote the graph; returns names."""
    applied = await apply_migrations(database)

    def tell(num_nodes: int) -> None:
        click.echo(f"Made {num_nodes:,} nodes of an older version searchable", err=True)

    await ensure_searchable(database, is_new=len(applied) == len(list_migrations()), on_progress=tell)
    return applied


async def _require_migrated(database: Database) -> None:
    if not await is_migrated(database):
        raise ConfigurationError("the database does not have this version's schema; run `foregraph migrate` first")


async def _load_sample(database: Database) -> None:
    if await is_empty(database):
        click.echo("The database is empty: loading the sample", err=True)
        await import_bundle(database, load_sample())


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
