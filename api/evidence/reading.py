"""Reads items of evidence from lines of JSON and from tables of comma-separated values."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, BinaryIO, Final, NoReturn

from api.evidence.writing import MAX_LINE_BYTES, Line
from graph.errors import InvalidError, counted
from resolvers.mutations.evidence_lines import list_fields, type_of

REQUIRED: Final = ("claim", "direction")
"""The columns that a table must have."""

_BOOLEANS: Final = {"true": True, "false": False}


def read_json_line(index: int, line: bytes) -> Line:
    """Read a line of JSON; what is wrong with it is its fault."""
    try:
        return Line(index, _read_value(line))
    except InvalidError as fault:
        return Line(index, fault=fault)


def list_json_lines(file: BinaryIO) -> Iterator[Line]:
    """
    Read a file of one JSON object a line, lazily; blank lines count, and are left out.

    Raises:
        InvalidError: A line is longer than `MAX_LINE_BYTES`.
    """
    for index, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")):
        if len(line) > MAX_LINE_BYTES:
            raise InvalidError(f"line {index + 1} is longer than {MAX_LINE_BYTES} bytes")
        if line.strip():
            yield read_json_line(index, line)


def list_csv_rows(file: BinaryIO) -> Iterator[Line]:
    """
    Read a table, lazily but for its first row, which names the columns and has the index 0. Blank rows are left out.

    An empty cell is a value that is left out.

    Raises:
        InvalidError: The first row names other columns than items have, or the file is no table.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    rows = _read_table(csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), strict=True))
    names = _read_names(next(rows, []))
    return (_read_row(index, names, row) for index, row in enumerate(rows, 1) if any(cell.strip() for cell in row))


def _read_table(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    num_rows = 0
    try:
        for row in rows:
            num_rows += 1
            yield row
    except csv.Error as error:
        raise InvalidError(f"row {num_rows + 1} is not comma-separated values: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidError(f"the table is not UTF-8 text, in row {num_rows + 1} or soon after it") from error


def _read_names(header: Sequence[str]) -> list[str]:
    """
    Read the names of the columns.

    Raises:
        InvalidError: A name is unknown or comes twice, or one is missing; the message lists all of them.
    """
    names = [cell.strip() for cell in header]
    problems = list(_name_problems(names))
    if problems:
        raise InvalidError(f"the first row must name the columns: {'; '.join(problems)}")
    return names


def _name_problems(names: Sequence[str]) -> Iterator[str]:
    known = list_fields()
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            yield f"column {number} is the second one of the name {name!r}"
        elif name not in known:
            close = get_close_matches(name, known, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            yield f"column {number} has the name {name[:80]!r}; {advice}"
    yield from (f"there is no column {name!r}" for name in REQUIRED if name not in names)


def _read_row(index: int, names: Sequence[str], row: Sequence[str]) -> Line:
    if len(row) != len(names):
        message = f"expected {counted(len(names), 'cell')}, as the first row has, got {len(row)}"
        return Line(index, fault=InvalidError(message))
    cells = zip(names, (cell.strip() for cell in row), strict=True)
    return Line(index, {name: _read_cell(name, cell) for name, cell in cells if cell})


def _read_cell(name: str, cell: str) -> object:
    """The value of a cell; a text that is none of its column's type stays, so that it is refused as such."""
    kind = type_of(name)
    if kind == "Boolean":
        return _BOOLEANS.get(cell.lower(), cell)
    if kind != "Float":
        return cell
    try:
        return float(cell)
    except ValueError:
        return cell


def _read_value(line: bytes) -> object:
    try:
        text = line.rstrip().decode("utf-8")
        value: object = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        reason = f"{error.msg[:1].lower()}{error.msg[1:]} at column {error.pos + 1}"
        raise InvalidError(f"expected a JSON object: {reason}") from error
    except UnicodeDecodeError as error:
        raise InvalidError(f"expected UTF-8 text: byte {error.start} is wrong") from error
    except UnicodeEncodeError as error:
        raise InvalidError("expected text, got half of a surrogate pair, which is no character") from error
    except RecursionError as error:
        raise InvalidError("expected a JSON object, got one that is nested too deep") from error
    except ValueError as error:  # a number of thousands of digits
        raise InvalidError(f"expected a JSON object with usual numbers: {error}") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidError(f"expected a JSON object: {name} is not JSON")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidError(f"expected each field once, got {name[:80]!r} twice")
        found[name] = value
    return found
