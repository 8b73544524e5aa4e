"""
Files of tickers and of exposures: tables of comma-separated values with a line for each, checked as a whole.

A file's columns change the properties that they name and no others; an empty value removes a property. Columns that
mean nothing here are passed over, and named.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from graph.bundles.cuts import list_stored
from graph.bundles.importing import import_rows
from graph.database.sessions import Database, Unit
from graph.errors import BundleError, InvalidError, Problem
from graph.model.csv_lines import MOST_PROBLEMS, CsvText, read_cells, read_number
from graph.model.kinds import ExposureSign
from graph.model.problems import describe_problem
from graph.model.properties import from_properties
from graph.model.rows import Row
from graph.model.shown import shown_value
from graph.model.subjects import ROW_LISTS

MOST_LINES: Final = 50_000
"""Lines of one file, which is written in one transaction."""

_INDEX: Final = re.compile(r"[a-z_]+\[(\d+)\]\.?")
_SIGNS: Final[Mapping[str, ExposureSign]] = {
    **dict.fromkeys(("benefits", "+", "1", "+1"), ExposureSign.BENEFITS),
    **dict.fromkeys(("harms", "-", "-1"), ExposureSign.HARMS),
}


def _read_text(text: str) -> str | None:
    return text or None


def _read_optional(text: str) -> float | None:
    return read_number(text) if text else None


def _read_days(text: str) -> int | None:
    if text and not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        message = f"expected a whole number of days, got {shown_value(text)}"
        raise ValueError(message)
    return int(text) if text else None


def _read_sign(text: str) -> ExposureSign:
    sign = _SIGNS.get(text.lower())
    if sign is None:
        message = f"expected BENEFITS, HARMS, + or -, got {shown_value(text)}"
        raise ValueError(message)
    return sign


@dataclass(frozen=True, slots=True)
class FileKind:
    """
    Contents of a kind of file.

    Attributes:
        name: The list of a bundle that its lines become rows of.
        aliases: The names that a column may have, by property; the key's columns are needed.
        readers: Reads a value of each property.
    """

    name: str
    aliases: Mapping[str, Sequence[str]]
    readers: Mapping[str, Callable[[str], Any]]


TICKERS: Final = FileKind(
    "tickers",
    {
        "symbol": ("symbol", "ticker"),
        "name": ("name", "security", "company"),
        "exchange": ("exchange",),
        "sector": ("sector", "gics sector"),
        "country": ("country",),
        "currency": ("currency",),
    },
    dict.fromkeys(("symbol", "name", "exchange", "sector", "country", "currency"), _read_text),
)
EXPOSURES: Final = FileKind(
    "exposures",
    {
        "prediction_id": ("prediction", "prediction_id"),
        "symbol": ("symbol", "ticker"),
        "sign": ("sign",),
        "relevance": ("relevance",),
        "impact": ("impact",),
        "impact_low": ("impact_low", "impact low", "low"),
        "impact_high": ("impact_high", "impact high", "high"),
        "basis": ("basis",),
        "source": ("source",),
        "lag_days": ("lag_days", "lag days"),
    },
    {
        **dict.fromkeys(("prediction_id", "symbol", "basis", "source"), _read_text),
        "sign": _read_sign,
        "relevance": _read_optional,
        **dict.fromkeys(("impact", "impact_low", "impact_high"), _read_optional),
        "lag_days": _read_days,
    },
)


@dataclass(frozen=True, slots=True)
class Difference:
    """
    A property that an import changes.

    Attributes:
        row_id: The row's key.
        property: The property's name.
        before: Its value before; None for none.
        after: Its value after; None for none.
    """

    row_id: str
    property: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class FileReport:
    """
    Changes by the import of a file; a dry run reports it and writes nothing.

    Attributes:
        created: The keys of new rows.
        differences: The properties of other rows that changed.
        num_unchanged: Number of rows that stay as they are.
        ignored: Columns that were passed over.
        is_dry_run: Whether nothing was written.
    """

    created: tuple[str, ...]
    differences: tuple[Difference, ...]
    num_unchanged: int
    ignored: tuple[str, ...]
    is_dry_run: bool

    def lines(self) -> list[str]:
        """Describe the changes, a line for each, and their numbers in the last."""
        told = [f"+ {row_id}" for row_id in self.created]
        told += [
            f"~ {found.row_id}: {found.property} {_shown(found.before)} -> {_shown(found.after)}"
            for found in self.differences
        ]
        if self.ignored:
            told.append(f"columns passed over: {', '.join(name or '(without a name)' for name in self.ignored)}")
        would = "would be " if self.is_dry_run else ""
        num_updated = len({found.row_id for found in self.differences})
        counts = f"{len(self.created)} {would}created, {num_updated} {would}updated, {self.num_unchanged} unchanged"
        return [*told, counts]


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)


class _DryRunError(Exception):
    """Rolls back the transaction of a dry run."""


_Lines = dict[str, tuple[int, dict[str, Any]]]
"""The number and the given values of each line, by the key of its row."""


async def import_file(database: Database, text: str, kind: FileKind, *, is_dry_run: bool = False) -> FileReport:
    """
    Import a file in one transaction; one with problems changes nothing.

    Args:
        database: The database to write to.
        text: The file.
        kind: What it holds.
        is_dry_run: Whether to check the file, compute the report and roll back.

    Raises:
        InvalidError: The file lacks a column that is needed, or has too many lines.
        BundleError: Lines have problems; the error lists all of them, each with its line.
    """
    given, ignored = _read(text, kind)

    async def work(unit: Unit) -> FileReport:
        await unit.run("database/lock_graph")
        report = await _write(unit, given, kind, ignored, is_dry_run=is_dry_run)
        if is_dry_run:
            raise _DryRunError(report)
        return report

    try:
        return await database.write(work)
    except _DryRunError as dry_run:
        (report,) = dry_run.args
        found: FileReport = report
        return found


def _read(text: str, kind: FileKind) -> tuple[_Lines, tuple[str, ...]]:
    table, key = CsvText.open(text), ROW_LISTS[kind.name].key
    columns = table.name_columns(kind.aliases)
    if absent := [kind.aliases[name][0] for name in key if name not in columns]:
        message = f"expected the columns {', '.join(absent)} as well, got {shown_value(', '.join(table.columns))}"
        raise InvalidError(message, path="line 1")
    readers = {columns[name]: kind.readers[name] for name in columns}
    given: _Lines = {}
    problems: list[Problem] = []
    for number, cells in table.lines(problems):
        found = read_cells(number, cells, readers, problems)
        if found is None:
            continue
        values = {name: found[column] for name, column in columns.items()}
        before = given.setdefault("|".join(str(values[name]) for name in key), (number, values))
        if before[0] != number:
            problems.append(Problem(f"line {number}", f"expected each row once, got that of line {before[0]} again"))
    if problems:
        raise BundleError(problems[:MOST_PROBLEMS], what="the file")
    if len(given) > MOST_LINES:
        raise InvalidError(f"expected at most {MOST_LINES:,} lines, got {len(given):,}", path="the file")
    return given, tuple(name for name in table.columns if name not in readers)


async def _write(
    unit: Unit, given: _Lines, kind: FileKind, ignored: tuple[str, ...], *, is_dry_run: bool
) -> FileReport:
    listed = ROW_LISTS[kind.name]
    stored = {
        listed.key_of(row): row
        for properties in await list_stored(unit, kind.name, list(given))
        for row in [from_properties(listed.row, properties)]
    }
    rows, problems = _merge(given, stored, listed.row)
    try:  # also where lines are wrong, so that all problems are told at once
        await import_rows(unit, {kind.name: list(rows.values())})
    except BundleError as error:
        numbers = [given[row_id][0] for row_id in rows]
        problems += [_with_line(problem, numbers) for problem in error.problems]
    if problems:
        raise BundleError(problems[:MOST_PROBLEMS], what="the file")
    differences = tuple(
        Difference(row_id, name, before, after)
        for row_id, row in rows.items()
        if row_id in stored
        for name in given[row_id][1]
        if (before := getattr(stored[row_id], name)) != (after := getattr(row, name))
    )
    created = tuple(row_id for row_id in given if row_id not in stored)
    num_updated = len({found.row_id for found in differences})
    return FileReport(created, differences, len(given) - len(created) - num_updated, ignored, is_dry_run)


def _merge(given: _Lines, stored: Mapping[str, Row], kind: type[Row]) -> tuple[dict[str, Row], list[Problem]]:
    """Make the rows after the import by key, and the problems of those that cannot be made."""
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    for row_id, (number, values) in given.items():
        before = stored[row_id].model_dump(exclude_none=True) if row_id in stored else {}
        merged = {name: value for name, value in {**before, **values}.items() if value is not None}
        try:
            rows[row_id] = kind.model_validate(merged)
        except ValidationError as error:
            found = [describe_problem(detail) for detail in error.errors(include_url=False)]
            problems += [Problem(f"line {number}, {fault.path}", fault.message) for fault in found]
    return rows, problems


def _with_line(problem: Problem, numbers: Sequence[int]) -> Problem:
    """Name the line of a row that a problem's path has by its index."""
    match = _INDEX.match(problem.path)
    if match is None:
        return problem
    place = f"line {numbers[int(match[1])]}"
    rest = problem.path[match.end() :]
    return Problem(f"{place}, {rest}" if rest else place, problem.message)
