"""Budgets of what requests read: one for each request, and one for all requests in flight together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graph.errors import BudgetError, BusyError

VALUE_BYTES: Final = 64
"""Memory of a value, its place in its row included; text takes as many bytes more as it has characters."""

PLAIN_BYTES: Final[Mapping[type, int]] = {type(None): 8, bool: 8, float: 32, int: 40}
"""Memory of values that take less: nothing and truth values their place alone, numbers themselves besides."""

ADVICE: Final = "ask for smaller pages, shorter histories or fewer nested lists"


@dataclass(frozen=True, slots=True)
class Amount:
    """
    An amount read.

    Attributes:
        rows: Records, and lists and maps within a list of a record.
        num_bytes: Memory of their values, roughly.
    """

    rows: int
    num_bytes: int


EACH: Final = Amount(rows=50_000, num_bytes=64 << 20)
TOGETHER: Final = Amount(rows=1_000_000, num_bytes=512 << 20)
"""Room for as many of the dearest queries as run at a time by default, twice."""


def measure(values: Iterable[Any]) -> Amount:
    """The amount of a record, nested values included."""
    rows, num_bytes = _measure(values, 0)
    return Amount(rows + 1, num_bytes)


def _measure(values: Iterable[Any], row: int) -> tuple[int, int]:
    """Count lists and maps in `values` as `row` rows each, those further down as one; and the bytes of all."""
    rows = num_bytes = 0
    for value in values:
        kind = type(value)
        num_bytes += PLAIN_BYTES.get(kind, VALUE_BYTES)
        if kind is str:
            num_bytes += len(value)
        elif kind is list or kind is dict:
            below = _measure(value if kind is list else value.values(), int(kind is list))
            rows += row + below[0]
            num_bytes += below[1]
    return rows, num_bytes


class Budget:
    """
    Limits on the rows that requests have read and still hold.

    Args:
        each: The most for one request.
        together: The most for all requests in flight.
    """

    def __init__(self, each: Amount = EACH, together: Amount = TOGETHER) -> None:
        self.each, self.together = each, together
        self.rows = self.num_bytes = 0

    def open(self) -> "Meter":
        """Open a request's share, to be closed once its answer is made."""
        return Meter(self)


class Meter:
    """Count of the rows that one request has read, against its own budget and the common one."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.rows = self.num_bytes = 0

    def count(self, record: Iterable[Any]) -> None:
        """Count a record with its nested values; raises as `take`."""
        amount = measure(record)
        self.take(amount.rows, amount.num_bytes)

    def take(self, rows: int, num_bytes: int) -> None:
        """
        Count rows and bytes of memory.

        Raises:
            BudgetError: The request has read more than it may.
            BusyError: All requests in flight hold more than they may together.
        """
        budget = self._budget
        self.rows += rows
        self.num_bytes += num_bytes
        budget.rows += rows
        budget.num_bytes += num_bytes
        self.check()
        if budget.rows > budget.together.rows or budget.num_bytes > budget.together.num_bytes:
            message = (
                f"the requests under way have read {budget.rows:,} rows and {budget.num_bytes >> 20:,} MiB, at most "
                f"{budget.together.rows:,} and {budget.together.num_bytes >> 20:,} are held at a time; try again "
                "shortly, or ask for less"
            )
            raise BusyError(message)

    def check(self) -> None:
        """
        Refuse to go on if the request's budget is spent.

        Raises:
            BudgetError: The request has read more than it may.
        """
        each = self._budget.each
        if self.rows > each.rows:
            message = f"the request has read {self.rows:,} rows, at most {each.rows:,} are allowed; {ADVICE}"
            raise BudgetError(message, size=self.rows, limit=each.rows)
        if self.num_bytes > each.num_bytes:
            message = f"the request has read {self.num_bytes:,} bytes, at most {each.num_bytes:,} are allowed; {ADVICE}"
            raise BudgetError(message, size=self.num_bytes, limit=each.num_bytes)

    def close(self) -> None:
        """Give back what was taken from the common budget; more may be read afterwards, and is counted anew."""
        self._budget.rows -= self.rows
        self._budget.num_bytes -= self.num_bytes
        self.rows = self.num_bytes = 0
