"""Commands that run Cypher statements and saved queries."""

import sys
from collections.abc import Callable
from functools import partial, reduce
from pathlib import Path
from typing import Final, TextIO

import click

from api.cli.running import run_reading, run_with_address, run_with_database, tell
from graph.saved.library import read_draft
from graph.saved.store import delete_query, list_queries


def _assigning(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option("-p", "--param", "assignments", multiple=True, metavar="NAME=VALUE", help=text)


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


@click.command(
    "cypher",
    epilog="Example: foregraph cypher 'MATCH (c:Claim {id: $id}) RETURN c.title, c.posterior' --param id=TK09",
)
@click.argument("statement", required=False)
@click.option("-f", "--file", type=click.File("r", encoding="utf-8"), help="File that holds the statement.")
@_assigning("Value of a parameter: JSON, or else a text; repeat it for further ones.")
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
    run_with_address(partial(run, command=command, tell=tell))


@click.group("queries", invoke_without_command=True)
@click.pass_context
def queries_command(context: click.Context) -> None:
    """List saved queries, or run one."""
    if context.invoked_subcommand is not None:
        return
    from api.shell import print_queries  # noqa: PLC0415 - saves other commands 0.1 s
    from api.tables import open_console  # noqa: PLC0415 - saves other commands some time

    print_queries(run_reading(list_queries), open_console())


@queries_command.command("run", epilog="Example: foregraph queries run due-for-resolution --param days=30 --format csv")
@click.argument("name")
@_assigning("Value of a parameter; repeat it for further ones, and for the items of a list.")
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
    run_with_address(partial(run_query, name=name, values=read_texts(assignments), command=command, tell=tell))


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
    tell(run_with_address(partial(save_from_file, draft=draft, is_dry_run=dry_run)))


@queries_command.command("delete")
@click.argument("name")
def delete_query_command(name: str) -> None:
    """Delete a saved query; its versions stay."""
    run_with_database(partial(delete_query, name=name))
    tell(f"the saved query {name} is deleted; its versions stay")


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


COMMANDS: Final = (cypher_command, queries_command)
