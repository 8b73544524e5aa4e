"""Tables of comma-separated values that people bring: their lines by the names of columns, and all faults by line."""

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graph.errors import InvalidError, Problem
from graph.model.shown import shown_value

MOST_PROBLEMS: Final = 1_000
"""Problems after which no more are looked for."""

_SEPARATORS: Final = ",;\t"

Cells = Mapping[str, str]
"""The values of a line by the names of their columns, without blanks around them."""


@dataclass(frozen=True, slots=True)
class CsvText:
    """
    A table as text.

    Attributes:
        columns: The names of its columns, in lower case.
        text: The whole text.
        separator: The character between values.
    """

    columns: tuple[str, ...]
    text: str
    separator: str

    @classmethod
    def open(cls, text: str) -> "CsvText":
        """
        Read a table's first line; the separator is the one of , ; and tab that it has most of.

        Raises:
            InvalidError: The line cannot be read, or has a column twice.
        """
        first = text.partition("\n")[0]
        separator = max(_SEPARATORS, key=first.count)
        try:
            names = next(csv.reader(io.StringIO(text), delimiter=separator), [])
        except csv.Error as error:
            raise InvalidError(f"expected the names of columns, got {shown_value(first)}", path="line 1") from error
        columns = tuple(name.strip().lower() for name in names)
        twice = next((name for name in columns if name and columns.count(name) > 1), None)
        if twice is not None:
            raise InvalidError(f"expected each column once, got {shown_value(twice)} again", path="line 1")
        return cls(columns, text, separator)

    def lines(self, problems: list[Problem]) -> Iterator[tuple[int, Cells]]:
        """
        Yield the number of each line after the first and its values; blank lines are left out.

        Args:
            problems: Gets a problem for each line that has another number of values, or cannot be read.
        """
        reader = csv.reader(io.StringIO(self.text), delimiter=self.separator)
        next(reader, None)
        while len(problems) < MOST_PROBLEMS:
            try:
                values = next(reader, None)
            except csv.Error as error:
                problems.append(Problem(f"line {reader.line_num}", f"expected a line of a table: {error}"))
                continue
            if values is None:
                return
            if len(values) == len(self.columns):
                cells = {name: value.strip() for name, value in zip(self.columns, values, strict=True)}
                if any(cells.values()):
                    yield reader.line_num, cells
            elif any(values):
                message = f"expected {len(self.columns)} values, got {len(values)}"
                problems.append(Problem(f"line {reader.line_num}", message))

    def name_columns(self, aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """
        Find the columns that are meant.

        Args:
            aliases: The names, in lower case, that a column may have, by what is meant.

        Returns:
            The column of each that the table has; of several the first of the names.
        """
        found = {}
        for meant, names in aliases.items():
            column = next((name for name in names if name in self.columns), None)
            if column is not None:
                found[meant] = column
        return found


def read_cells(
    number: int, cells: Cells, readers: Mapping[str, Callable[[str], Any]], problems: list[Problem]
) -> dict[str, Any] | None:
    """
    Read the values of a line.

    Args:
        number: The line's number.
        cells: Its values.
        readers: Reads the value of each column; raises ValueError for a wrong one.
        problems: Gets a problem for each wrong value.

    Returns:
        The values by column; None if one is wrong.
    """
    found: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            found[name] = read(cells[name])
        except ValueError as error:
            problems.append(Problem(f"line {number}, {name}", str(error)))
    return found if len(found) == len(readers) else None


def read_number(text: str) -> float:
    """
    Read a finite number, with a point before its decimals and nothing between its digits.

    Raises:
        ValueError: The text is none.
    """
    try:
        number = float(text.replace("_", "?"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"expected a number such as 1234.5, got {shown_value(text)}"
        raise ValueError(message)
    return number
