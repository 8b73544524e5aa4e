"""Pages of lists that are held in memory as a whole, in the order of keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from graph.errors import InvalidError
from graph.model.lists import MOST_VALUES
from graph.reading.lists import page_of
from graph.reading.tree import connection, cursor_text, page_key
from resolvers.base.enums import SortOrder
from resolvers.base.fields import shown
from resolvers.base.relay import decode_cursor, read_size

T = TypeVar("T")

SORT_ORDER: Final = "Whether the lowest come first, or the highest."
"""The description of an order's direction."""


def read_cursor(order: str, after: str | None) -> str:
    """
    Return the key in a cursor of an order; empty without one.

    Raises:
        InvalidError: This API returned no such cursor.
    """
    key = "" if after is None else page_key(order, decode_cursor(after, path="after"))
    if after is not None and not key:
        raise InvalidError("expected a cursor that this API returned, got an empty one", path="after")
    return key


Order = tuple[StrEnum, SortOrder]
"""The key of an order, and its direction."""

Row = tuple[str, dict[str, Any]]
"""The key of an item in an order, which no other item has, and its shape in the response."""


@dataclass(frozen=True, slots=True)
class KeyedPage:
    """
    A page of a list in an order of keys, from either end.

    Attributes:
        order: The order's name, which cursors begin with.
        size: The most items.
        is_descending: Whether the highest key comes first.
        is_from_end: Whether to return the last items between the cursors, not the first ones.
        after: Return items after this key.
        before: Return items before this key.
    """

    order: str
    size: int
    is_descending: bool
    is_from_end: bool
    after: str | None = None
    before: str | None = None

    @classmethod
    def read(
        cls, name: str, order: Order, first: int | None, after: str | None, last: int | None, before: str | None
    ) -> Self:
        """
        Make a page from a field's arguments, None where not given.

        Args:
            name: The list's name.
            order: Its order.
            first: The most items, counted from the start.
            after: Return items after this cursor.
            last: The most items, counted from the end.
            before: Return items before this cursor.

        Raises:
            InvalidError: A size or a cursor is wrong, or both sizes are given.
        """
        size, is_from_end = read_size(first, last)
        own = f"{name} by {order[0]}"
        low, high = (
            None if cursor is None else page_key(own, decode_cursor(cursor, path=way), path=way)
            for way, cursor in (("after", after), ("before", before))
        )
        return cls(own, size, order[1] is SortOrder.DESCENDING, is_from_end, low, high)

    @property
    def reads_down(self) -> bool:
        """Whether its items are read from the highest key on, one more than it shows."""
        return self.is_descending != self.is_from_end

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """The keys between which it lies, both excluded; None without a bound."""
        return (self.before, self.after) if self.is_descending else (self.after, self.before)

    def cut(self, rows: Iterable[tuple[str, T]]) -> list[tuple[str, T]]:
        """Return the rows that are read of all: those between its bounds in the order in which it is read."""
        low, high = self.bounds
        inside = [row for row in rows if (low is None or row[0] > low) and (high is None or row[0] < high)]
        return sorted(inside, key=lambda row: row[0], reverse=self.reads_down)[: self.size + 1]

    def connection(self, rows: Sequence[Row], total: int | None) -> Any:
        """Return the page as the response holds it, of the rows that were read."""
        page = page_of(rows, self.size, is_from_end=self.is_from_end, after=self.after, before=self.before)
        entries = [(cursor_text(self.order, key), row) for key, row in page.rows]
        found = connection(entries, self.size, has_previous=page.has_previous_page)
        found["page_info"]["has_next_page"] = page.has_next_page
        return shown({**found, "total_count": total})


def read_order(sort: Sequence[Any] | None, default: Order) -> Order:
    """
    Read an order from an input; the default if it is null.

    Raises:
        InvalidError: It has several keys, or none.
    """
    if sort is None:
        return default
    if len(sort) != 1:
        raise InvalidError(f"expected one key, got {len(sort)}", path="sort")
    return sort[0].by, sort[0].order


def read_values(values: list[T] | None, path: str) -> list[T] | None:
    """
    Read the values of a condition; None if there is none.

    Raises:
        InvalidError: There are no values, or too many.
    """
    if values is not None and not 1 <= len(values) <= MOST_VALUES:
        message = f"expected 1 to {MOST_VALUES} values, got {len(values) or 'an empty list'}"
        raise InvalidError(message, path=path)
    return values
