"""
Files of positions: a table of comma-separated values with a line for each, checked as a whole.

A line has a symbol and a weight, or a value in money, or a quantity and a price, whose product is the value; and it may
have the benchmark's weight in the same unit. Other columns are passed over, and named.
"""

from dataclasses import dataclass
from typing import Final

from graph.errors import BundleError, InvalidError, Problem
from graph.exposure.positions import MOST_POSITIONS, Position
from graph.model.csv_lines import Cells, CsvText, read_cells, read_number
from graph.model.shown import shown_value
from graph.model.values import LARGEST_WEIGHT, check_symbol

_ALIASES: Final = {
    "symbol": ("symbol", "ticker"),
    "weight": ("weight",),
    "value": ("value", "market_value", "market value"),
    "quantity": ("quantity", "shares", "qty"),
    "price": ("price",),
    "benchmark": ("benchmark_weight", "benchmark weight", "benchmark"),
}
_WAYS: Final = (("weight",), ("value",), ("quantity", "price"))
"""The columns that give a position's size, the first that the table has."""


@dataclass(frozen=True, slots=True)
class PositionsFile:
    """
    Positions as read from a file.

    Attributes:
        positions: The positions, each with its line as the path.
        basis: The columns that their sizes come from.
        ignored: Columns that were passed over.
        lines: The numbers of the lines of each symbol that comes several times.
    """

    positions: tuple[Position, ...]
    basis: tuple[str, ...]
    ignored: tuple[str, ...]
    lines: dict[str, list[int]]


def read_positions_file(text: str) -> PositionsFile:
    """
    Read a file of positions.

    Raises:
        InvalidError: It has no column of symbols, none of sizes, or too many or no lines.
        BundleError: Lines have problems; the error lists all of them, each with its line.
    """
    table = CsvText.open(text)
    columns = table.name_columns(_ALIASES)
    basis = next((way for way in _WAYS if all(name in columns for name in way)), None)
    if "symbol" not in columns or basis is None:
        message = "expected the columns symbol and weight, or value, or quantity and price, got "
        raise InvalidError(message + shown_value(", ".join(table.columns)), path="line 1")
    problems: list[Problem] = []
    positions: list[Position] = []
    numbers: dict[str, list[int]] = {}
    for number, cells in table.lines(problems):
        position = _read_line(number, cells, columns, basis, problems)
        if position is not None:
            positions.append(position)
            numbers.setdefault(position.symbol, []).append(number)
    if problems:
        raise BundleError(problems, what="the file", done="measured")
    if not 1 <= len(positions) <= MOST_POSITIONS:
        raise InvalidError(f"expected 1 to {MOST_POSITIONS} positions, got {len(positions)}", path="the file")
    used = {columns[name] for name in ("symbol", *basis, "benchmark") if name in columns}
    ignored = tuple(name for name in table.columns if name not in used)
    return PositionsFile(tuple(positions), basis, ignored, {k: own for k, own in numbers.items() if len(own) > 1})


def _read_line(
    number: int, cells: Cells, columns: dict[str, str], basis: tuple[str, ...], problems: list[Problem]
) -> Position | None:
    readers = {columns["symbol"]: check_symbol, **{columns[name]: read_number for name in basis}}
    if "benchmark" in columns:
        readers[columns["benchmark"]] = _read_optional
    found = read_cells(number, cells, readers, problems)
    if found is None:
        return None
    weight = 1.0
    for name in basis:
        weight *= found[columns[name]]
    benchmark = found.get(columns.get("benchmark", ""))
    for size, name in ((weight, " and ".join(basis)), (benchmark or 0.0, "benchmark")):
        if not abs(size) <= LARGEST_WEIGHT:
            message = f"expected at most {LARGEST_WEIGHT:g} in size, got {size:g}"
            problems.append(Problem(f"line {number}, {name}", message))
            return None
    return Position(found[columns["symbol"]], weight, f"line {number}", benchmark)


def _read_optional(text: str) -> float | None:
    return read_number(text) if text else None
