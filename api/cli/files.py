"""Commands that bring in what people keep in tables: forecasts, predictions, tickers, exposures and evidence."""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, TextIO

import click

from api.cli.running import require_migrated, run_with_database
from api.preparing import migrate_graph
from api.progress import showing
from graph.bundles.importing import ImportReport
from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.ledger.derived import ensure_rebuilt


@click.command("import-forecasts")
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
        await (require_migrated if dry_run else migrate_graph)(database)
        with showing(f"Importing {file.name}") as on_progress:
            return await import_forecasts(database, file.read(), on_progress=on_progress, is_dry_run=dry_run)

    click.echo(run_with_database(work).summary())


@click.group("predictions")
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
    from graph.forecasts.importing import import_predictions  # noqa: PLC0415 - saves other commands some time

    text = decode(file.read())

    async def work(database: Database) -> tuple[ImportReport, tuple[str, ...]]:
        await (require_migrated if dry_run else migrate_graph)(database)
        with showing(f"Importing {file.name}") as on_progress:
            return await import_predictions(database, text, on_progress=on_progress, is_dry_run=dry_run)

    report, ignored = run_with_database(work)
    if ignored:
        click.echo(f"columns passed over: {', '.join(name or '(without a name)' for name in ignored)}")
    click.echo(report.summary())


@click.group("tickers")
def tickers_group() -> None:
    """Bring tickers in."""


@click.group("exposures")
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
    from graph.subjects.files import EXPOSURES  # noqa: PLC0415 - saves other commands some time

    _import_lines(file, EXPOSURES, dry_run=dry_run)


def _import_lines(file: BinaryIO, kind: Any, *, dry_run: bool) -> None:
    from api.portfolio import decode  # noqa: PLC0415 - saves other commands some time
    from graph.subjects.files import FileReport, import_file  # noqa: PLC0415 - saves other commands some time

    text = decode(file.read())

    async def work(database: Database) -> FileReport:
        await (require_migrated if dry_run else migrate_graph)(database)
        return await import_file(database, text, kind, is_dry_run=dry_run)

    click.echo("\n".join(run_with_database(work).lines()))


@click.group("evidence")
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
        await require_migrated(database)
        if not dry_run:
            await ensure_rebuilt(database)
        return await add_all(database, source, key_prefix=key_prefix, is_dry_run=dry_run)

    if run_with_database(work)["REFUSED"]:
        context.exit(InvalidError.exit_code)


COMMANDS: Final = (import_forecasts_command, predictions_group, tickers_group, exposures_group, evidence_group)
