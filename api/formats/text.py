"""Tables as JSON, NDJSON and CSV, encoded as they come."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from api.formats.encoders import Ending, Rows
from graph.adhoc.values import MOST_EXACT, float_text, plain, typed
from graph.errors import InvalidError

_SAFE: Final = frozenset({str, bool, type(None)})
"""Types whose values JSON takes as they are."""


def plain_rows(rows: Rows) -> Rows:
    """The rows with all values in their plain form; columns of texts and usual numbers are looked at as a whole."""
    columns = list(zip(*rows, strict=True))
    converted = [column if _is_plain(column) else list(map(plain, column)) for column in columns]
    is_same = all(after is before for after, before in zip(converted, columns, strict=True))
    return rows if is_same else list(zip(*converted, strict=True))


def typed_rows(rows: Rows) -> Rows:
    """The rows with all values in their typed form."""
    return [list(map(typed, row)) for row in rows]


def _is_plain(column: Sequence[Any]) -> bool:
    kinds = set(map(type, column)) - _SAFE
    if not kinds:
        return True
    if kinds == {int}:
        numbers = column if len(set(map(type, column))) == 1 else [value for value in column if type(value) is int]
        return min(numbers) >= -MOST_EXACT and max(numbers) <= MOST_EXACT
    # A sum is finite only if all its parts are.
    return kinds == {float} and math.isfinite(sum(value for value in column if type(value) is float))


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        message = "a value cannot be written as JSON; return a part of it, or fewer lists and maps within each other"
        raise InvalidError(message) from error


class JsonEncoder:
    """
    One object: `columns`, `rows` as arrays, `revision`, `isTruncated` and `elapsedSeconds`.

    Args:
        columns: Names of the columns.
        is_typed: Whether values are typed.
    """

    def __init__(self, columns: Sequence[str], *, is_typed: bool = False) -> None:
        self._convert = typed_rows if is_typed else plain_rows
        self._before = b'{"columns":' + _dumps(list(columns)) + b',"rows":['

    def add(self, rows: Rows) -> bytes:
        """Encode some more rows."""
        text = _dumps(list(self._convert(rows)))[1:-1]
        if not text:
            return b""
        before, self._before = self._before, b","
        return before + text

    def finish(self, ending: Ending) -> Iterator[bytes]:
        """Encode the end, and the beginning if there were no rows."""
        rest = {
            "revision": None if ending.revision is None else str(ending.revision),
            "isTruncated": ending.is_truncated,
            "elapsedSeconds": round(ending.elapsed_seconds, 6),
        }
        yield (b"" if self._before == b"," else self._before) + b"]," + _dumps(rest)[1:]

    def fail(self, error: dict[str, Any]) -> bytes | None:
        """A document that breaks off is not JSON, which tells enough."""
        return None

    def close(self) -> None:
        """There is nothing to give up."""


class NdjsonEncoder:
    """
    A line with an object for each row; an error is a last line `{"error": …}`.

    Args:
        columns: Names of the columns.
        is_typed: Whether values are typed.
    """

    def __init__(self, columns: Sequence[str], *, is_typed: bool = False) -> None:
        self._columns = tuple(columns)
        self._convert = typed_rows if is_typed else plain_rows

    def add(self, rows: Rows) -> bytes:
        """Encode some more rows."""
        columns, dumps = self._columns, orjson.dumps
        try:
            lines = [dumps(dict(zip(columns, row, strict=True))) for row in self._convert(rows)]
        except orjson.JSONEncodeError:
            lines = [_dumps(dict(zip(columns, row, strict=True))) for row in self._convert(rows)]
        lines.append(b"")
        return b"\n".join(lines)

    def finish(self, ending: Ending) -> Iterator[bytes]:
        """Encode nothing more."""
        return iter(())

    def fail(self, error: dict[str, Any]) -> bytes | None:
        """Encode an error as the last line."""
        return _dumps({"error": error}) + b"\n"

    def close(self) -> None:
        """There is nothing to give up."""


DANGEROUS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""First characters by which spreadsheets know a formula, full-width ones included; for a character class."""
_FORMULA: Final = re.compile(rf"(?:^|(?<=[;\t\r\n]))(?=[{DANGEROUS}])|^(?=[\t\r\n])")
"""
Places before which text is made harmless: at its start, and behind what ends a cell for a spreadsheet that separates
cells by semicolons or tabs, to which our quotes mean nothing.
"""
_QUOTED: Final = re.compile(r'[",;\t\r\n]|^\s|\s$|^$')
_LINE_END: Final = "\r\n"


def neutralize(text: str) -> str:
    """
    Put an apostrophe before whatever a spreadsheet would take for a formula.

    Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return _FORMULA.sub("'", text)


def _text_cell(text: str) -> str:
    safe = neutralize(text)
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if type(value) is str:
        return _text_cell(value)
    if type(value) is float:
        return float_text(value)
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    form = plain(value)
    return _text_cell(form if isinstance(form, str) else _dumps(form).decode())


class CsvEncoder:
    """
    Comma-separated values after RFC 4180, with a header, in UTF-8, safe to open in a spreadsheet.

    Null is an empty cell and an empty text `""`, as is null where there is but one column. Numbers are numbers; lists,
    maps, nodes and the like are JSON in plain form. Text that a spreadsheet would run gets an apostrophe in front.

    Args:
        columns: Names of the columns.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._before = ",".join(map(_text_cell, columns)) + _LINE_END

    def add(self, rows: Rows) -> bytes:
        """Encode some more rows."""
        columns = [map(_cell, column) for column in zip(*rows, strict=True)]
        # A row of one empty cell would be an empty line, which readers leave out.
        lines = [line or '""' for line in map(",".join, zip(*columns, strict=True))]
        before, self._before = self._before, ""
        return (before + _LINE_END.join((*lines, ""))).encode()

    def finish(self, ending: Ending) -> Iterator[bytes]:
        """Encode the header if there were no rows."""
        if self._before:
            yield self._before.encode()

    def fail(self, error: dict[str, Any]) -> bytes | None:
        """A line for an error would be taken for a row."""
        return None

    def close(self) -> None:
        """There is nothing to give up."""
