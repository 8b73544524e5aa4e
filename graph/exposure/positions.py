"""Positions of a portfolio, as they are given."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from pydantic import ValidationError

from graph.errors import InvalidError, counted, refuse
from graph.model.problems import describe_problem
from graph.model.rows import Portfolio, PortfolioPosition
from graph.model.values import LARGEST_WEIGHT

MOST_POSITIONS: Final = 10_000
"""Positions of one portfolio."""


@dataclass(frozen=True, slots=True)
class Position:
    """
    A position.

    Attributes:
        symbol: Symbol of the ticker.
        weight: In any unit, negative for a short position.
        path: Where it was given, for refusals.
        benchmark_weight: The weight that the benchmark has, in the same unit; None where none is given.
    """

    symbol: str
    weight: float
    path: str = ""
    benchmark_weight: float | None = None


@dataclass(frozen=True, slots=True)
class Positions:
    """
    Positions with one entry for each symbol.

    Attributes:
        weights: Weight by symbol, in the order given; that of a symbol given several times is the sum.
        duplicates: Symbols that were given several times, in order.
        paths: Where each symbol was given first; empty for those of a stored portfolio.
        benchmark: Weight of the benchmark by symbol, of those that have one.
    """

    weights: dict[str, float]
    duplicates: tuple[str, ...]
    paths: dict[str, str]
    benchmark: dict[str, float]

    @classmethod
    def of(cls, given: Sequence[Position]) -> Self:
        """
        Add up positions by symbol.

        Raises:
            InvalidError: There is none or too many, or a weight is no finite number or too large.
        """
        if not 1 <= len(given) <= MOST_POSITIONS:
            raise InvalidError(f"expected 1 to {MOST_POSITIONS} positions, got {len(given)}", path="positions")
        weights: dict[str, list[float]] = {}
        benchmark: dict[str, list[float]] = {}
        paths: dict[str, str] = {}
        for position in given:
            _check_weight(position.weight, f"{position.path}.weight")
            weights.setdefault(position.symbol, []).append(position.weight)
            paths.setdefault(position.symbol, f"{position.path}.ticker")
            if position.benchmark_weight is not None:
                _check_weight(position.benchmark_weight, f"{position.path}.benchmark_weight")
                benchmark.setdefault(position.symbol, []).append(position.benchmark_weight)
        duplicates = tuple(symbol for symbol, own in weights.items() if len(own) > 1)
        return cls(_sums(weights), duplicates, paths, _sums(benchmark))

    @classmethod
    def stored(cls, portfolio: Portfolio) -> Self:
        """Take the positions of a stored portfolio."""
        weights = {position.symbol: position.weight for position in portfolio.positions}
        benchmark = {
            position.symbol: position.benchmark_weight
            for position in portfolio.positions
            if position.benchmark_weight is not None
        }
        return cls(weights, (), {}, benchmark)

    def changed(self, changes: Self) -> "Positions":
        """Return the positions after changes, whose weights are added to those held."""
        symbols = dict.fromkeys((*self.weights, *changes.weights))
        weights = {s: math.fsum((self.weights.get(s, 0.0), changes.weights.get(s, 0.0))) for s in symbols}
        return replace(self, weights=weights, paths={**changes.paths, **self.paths})

    def active(self) -> "Positions":
        """Return the same positions with active weights: what each has more than the benchmark."""
        weights = {symbol: weight - self.benchmark.get(symbol, 0.0) for symbol, weight in self.weights.items()}
        return replace(self, weights=weights)

    def rows(self) -> tuple[PortfolioPosition, ...]:
        """
        Make the rows in which they are stored.

        Raises:
            InvalidError: A symbol is not written as those of tickers are.
            RefusedItemsError: Several are.
        """
        rows: list[PortfolioPosition] = []
        faults: list[InvalidError] = []
        for symbol, weight in self.weights.items():
            try:
                row = PortfolioPosition(symbol=symbol, weight=weight, benchmark_weight=self.benchmark.get(symbol))
            except ValidationError as error:
                message = describe_problem(error.errors(include_url=False)[0]).message
                faults.append(InvalidError(message, path=self.paths[symbol]))
            else:
                rows.append(row)
        refuse(faults)
        return tuple(rows)


def _check_weight(weight: float, path: str) -> None:
    if not abs(weight) <= LARGEST_WEIGHT:  # true of NaN, too
        raise InvalidError(f"expected a finite weight of at most {LARGEST_WEIGHT:g} in size, got {weight}", path=path)


def _sums(parts: dict[str, list[float]]) -> dict[str, float]:
    return {symbol: math.fsum(own) for symbol, own in parts.items()}


def list_shortly(names: Iterable[str], what: str, most: int = 10) -> str:
    """Name some of many in words, such as "3 tickers: A, B, C"."""
    listed = list(names)
    shown = ", ".join(listed[:most])
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{counted(len(listed), what)}: {shown}{rest}"
