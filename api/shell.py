"""Cypher from the command line: a statement's rows as a table for a terminal, or in a format for a file."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.files import replacing
from api.formats import FORMATS
from api.formats.arrow import MISSING
from api.formats.encoders import Encoder, Ending
from api.tables import open_console
from graph.adhoc.limits import MOST_SECONDS, Wanted
from graph.adhoc.running import Adhoc
from graph.adhoc.values import plain, read_parameters
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import ConfigurationError, InvalidError, counted
from graph.saved.queries import Draft, SavedQuery
from graph.saved.running import SavedQueries
from graph.saved.store import query_of, save_query
from graph.saved.values import read_values

TABLE: Final = "table"
FORMAT_NAMES: Final = (TABLE, *FORMATS)

MOST_TABLE_ROWS: Final = 1_000
MOST_FILE_ROWS: Final = 1_000_000
MOST_BYTES: Final = 1 << 40
"""The operator's own limit counts."""

CALLER: Final = "command line"
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Command:
    """
    A statement, and what to do with its rows.

    Attributes:
        statement: The statement.
        parameters: Values of its parameters, as the driver takes them.
        format_name: One of FORMAT_NAMES.
        output: The file to write; None for standard output.
        max_rows: Most rows; None for as many as suit the format.
        timeout_seconds: Its time.
        is_typed: Whether values are typed.
    """

    statement: str
    parameters: Mapping[str, Any]
    format_name: str
    output: Path | None = None
    max_rows: int | None = None
    timeout_seconds: float = MOST_SECONDS
    is_typed: bool = False

    @property
    def wanted(self) -> Wanted:
        """Limits of the statement."""
        usual = MOST_TABLE_ROWS if self.format_name == TABLE else MOST_FILE_ROWS
        return Wanted(self.max_rows or usual, self.timeout_seconds, MOST_BYTES)


def read_assignments(texts: Sequence[str]) -> dict[str, Any]:
    """
    Read parameters from `name=value`; a value is JSON, and a text as it stands where it is not.

    Raises:
        InvalidError: There is no `=` or no name, a name comes twice, or a typed value is wrong.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidError(f"expected a parameter as name=value, got {text!r}", path="--param")
        if name in found:
            raise InvalidError(f"the parameter {name!r} is given twice", path="--param")
        found[name] = _read_value(value)
    return read_parameters(found)


def _read_value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: text)
    except ValueError:
        return text
    except RecursionError as error:
        raise InvalidError("the value is nested too deep", path="--param") from error


def read_texts(texts: Sequence[str]) -> dict[str, Any]:
    """
    Read a saved query's parameters from `name=value`, whose values are texts; lists where a name comes several times.

    Raises:
        InvalidError: There is no `=` or no name.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidError(f"expected a parameter as name=value, got {text!r}", path="--param")
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


async def run_query(
    address: DatabaseAddress, name: str, values: Mapping[str, Any], command: Command, tell: Callable[[str], None]
) -> None:
    """
    Run a saved query, and write its rows.

    Args:
        address: The database.
        name: The query's name.
        values: Values of its parameters, as texts.
        command: What to do with its rows; its statement does not count.
        tell: Told what is not part of the rows.

    Raises:
        NotFoundError: No query has the name.
        ForegraphError: As `run`.
    """
    async with Database.open(address) as database:
        query = await SavedQueries(database, None).get(name)
    given = read_values(query.parameters, values, query.name)
    await run(address, replace(command, statement=query.statement, parameters=given), tell)


async def save_from_file(address: DatabaseAddress, draft: Draft, *, is_dry_run: bool) -> str:
    """
    Save a query; returns what has become of it, in a line.

    Raises:
        ForegraphError: As `save_query`.
    """
    async with Database.open(address) as database, Adhoc(address) as adhoc:
        await database.verify()
        answered = await save_query(database, adhoc, draft, caller=CALLER, is_dry_run=is_dry_run)
    payload = answered.payload
    version = query_of(payload).version
    if not payload["changed"]:
        return f"version {version} of the saved query {draft.name} says the same already"
    return f"version {version} of the saved query {draft.name} {'would be' if is_dry_run else 'is'} saved"


def print_queries(queries: Sequence[SavedQuery], console: Console) -> None:
    """Print the names and descriptions of saved queries, with their parameters."""
    table = Table()
    for column in ("name", "version", "parameters", "description"):
        table.add_column(column, overflow="fold")
    for query in queries:
        parameters = ", ".join(
            f"{parameter.name} {parameter.type}{'' if parameter.is_required else '?'}" for parameter in query.parameters
        )
        version = f"{query.version} ({query.origin.lower()})"
        table.add_row(*(Text(_printable(text)) for text in (query.name, version, parameters, query.description)))
    console.print(table)


async def run(address: DatabaseAddress, command: Command, tell: Callable[[str], None]) -> None:
    """
    Run a statement, and write its rows.

    Args:
        address: The database.
        command: The statement.
        tell: Told what is not part of the rows.

    Raises:
        ConfigurationError: The format's package is missing, the file cannot be written, or the format is not for a
            terminal.
        InvalidError: The format has no typed values.
        ForegraphError: The statement is refused or fails.
    """
    encoder_of = _find_encoder(command)
    async with (
        Adhoc(address) as adhoc,
        adhoc.run(command.statement, command.parameters, caller=CALLER, limits=command.wanted) as answer,
    ):
        if encoder_of is None:
            rows = [row async for batch in answer.batches() for row in batch]
            print_rows(answer.columns, rows, open_console())
        else:
            with replacing(command.output) if command.output else nullcontext(sys.stdout.buffer) as file:
                await _write(answer, encoder_of, file)
    if answer.is_truncated:
        tell(f"there are more than these {command.wanted.max_rows} rows; ask for more with --max-rows")


async def _write(answer: Any, encoder_of: Callable[[Sequence[str]], Encoder], file: BinaryIO) -> None:
    with closing(encoder_of(answer.columns)) as encoder:
        async for rows in answer.batches():
            file.write(encoder.add(rows))
        for part in encoder.finish(Ending(answer.revision, answer.is_truncated, answer.elapsed_seconds)):
            file.write(part)
    file.flush()


def _find_encoder(command: Command) -> Callable[[Sequence[str]], Encoder] | None:
    """Function that opens the encoder; None for a table."""
    chosen = FORMATS.get(command.format_name)
    if command.is_typed and (chosen is None or chosen.open_typed is None):
        raise InvalidError(f"{command.format_name} has no typed values; use json or ndjson", path="--typed")
    if chosen is None:
        return None
    if not chosen.is_available:
        raise ConfigurationError(MISSING)
    if chosen.needs_arrow and command.output is None and sys.stdout.isatty():
        raise ConfigurationError(f"{chosen.name} is not for a terminal; name a file with --output")
    return chosen.open_typed if command.is_typed else chosen.open


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], console: Console) -> None:
    """
    Print rows as a table, and how many they are.

    Args:
        columns: Names of the columns.
        rows: The driver's values.
        console: Where to print.
    """
    table = Table()
    for index, name in enumerate(columns):
        is_number = {type(row[index]) for row in rows} <= {int, float, type(None)}
        table.add_column(Text(_printable(name)), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(_cell(value))) for value in row))
    console.print(table)
    console.print(Text(counted(len(rows), "row")))


def _cell(value: Any) -> str:
    form = plain(value)
    return form if isinstance(form, str) else "" if form is None else orjson.dumps(form).decode()


def _printable(text: str) -> str:
    """A text with control characters shown as escapes, so that none reaches the terminal."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
