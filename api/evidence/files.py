"""Adds the evidence of a file, and reports what is refused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import click

from api.evidence.reading import list_csv_rows, list_json_lines
from api.evidence.writing import MAX_GROUP_LINES, Line, Writer
from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.ledger.intake import Intake


@dataclass(frozen=True, slots=True)
class Source:
    """
    The items of a file.

    Attributes:
        lines: The items.
        place: The word for the place of one: row or line.
    """

    lines: Iterator[Line]
    place: str

    @classmethod
    def open(cls, file: BinaryIO, format_name: str | None) -> "Source":
        """
        Begin to read a file.

        Args:
            file: The file.
            format_name: csv or ndjson; None to tell by the file's name.

        Raises:
            InvalidError: The first row of a table does not name an item's fields.
        """
        if (format_name or file.name.rpartition(".")[2]).lower() == "csv":
            return cls(list_csv_rows(file), "row")
        return cls(list_json_lines(file), "line")


async def add_all(database: Database, source: Source, *, key_prefix: str | None, is_dry_run: bool) -> Mapping[str, int]:
    """
    Record the items of a file, each by itself; tells what is refused, and how many were recorded.

    Args:
        database: The database.
        source: The items.
        key_prefix: Makes keys of items without one; None to leave them without.
        is_dry_run: Whether nothing is kept.

    Returns:
        Number of items by what became of them.

    Raises:
        InvalidError: The file cannot be read on.
        ForegraphError: The database cannot be reached; what was recorded before is told.
    """
    writer = Writer(Intake(database), is_dry_run=is_dry_run, key_prefix=key_prefix)
    try:
        for group in _groups(source.lines):
            for answer in await writer.write(group):
                _tell_refusals(source.place, answer)
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
