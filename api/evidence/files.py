"""Adds the evidence of a file, and reports what is refused."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

import click

from api.evidence.reading import list_csv_rows, list_json_lines
from api.evidence.writing import MAX_GROUP_LINES, Line, Writer
from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.ledger.intake import Intake


async def add_file(
    database: Database, file: BinaryIO, format_name: str | None, *, key_prefix: str | None, is_dry_run: bool
) -> Mapping[str, int]:
    """
    Record the items of a file, each by itself; tells what is refused, and how many were recorded.

    Args:
        database: The database.
        file: The file.
        format_name: csv or ndjson; None to tell by the file's name.
        key_prefix: Makes keys of items without one; None to leave them without.
        is_dry_run: Whether nothing is kept.

    Returns:
        Number of items by what became of them.

    Raises:
        InvalidError: The file is no table, or its first row does not name an item's fields.
        ForegraphError: The database cannot be reached; what was recorded before is told.
    """
    is_table = (format_name or file.name.lower().rpartition(".")[2]) == "csv"
    lines = list_csv_rows(file) if is_table else list_json_lines(file)
    writer = Writer(Intake(database), is_dry_run=is_dry_run, key_prefix=key_prefix)
    place = "row" if is_table else "line"
    try:
        for group in _groups(lines):
            for answer in await writer.write(group):
                _tell_refusals(place, answer)
    except ForegraphError:
        click.echo(f"foregraph: stopped, with {_summary(writer, is_dry_run=is_dry_run)}", err=True)
        raise
    click.echo(_summary(writer, is_dry_run=is_dry_run))
    return writer.counts


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    remaining = iter(lines)
    return iter(lambda: list(islice(remaining, MAX_GROUP_LINES)), [])


def _tell_refusals(place: str, answer: Mapping[str, Any]) -> None:
    for error in answer.get("errors", ()):
        where = ", ".join([f"{place} {answer['index'] + 1}", *error["path"]])
        click.echo(f"foregraph: {where}: {error['message']}", err=True)


def _summary(writer: Writer, *, is_dry_run: bool) -> str:
    recorded, replayed, refused = (writer.counts[status] for status in ("RECORDED", "REPLAYED", "REFUSED"))
    would = "would be " if is_dry_run else ""
    return f"{recorded} {would}recorded, {replayed} recorded before, {refused} {would}refused"
