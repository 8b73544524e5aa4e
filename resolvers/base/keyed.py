"""Pages of lists that are held in memory as a whole, in the order of keys, and the fields of such lists."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any, Final, Self, TypeVar

import strawberry

from graph.errors import InvalidError
from graph.model.lists import MOST_VALUES
from graph.model.page_keys import FIRST_PLACE, LAST_PLACE, MARK, Place
from graph.reading.lists import page_of
from graph.reading.tree import connection, cursor_text, page_key
from resolvers.base.answers import keywords, with_signature
from resolvers.base.described import description_of, input_type
from resolvers.base.enums import SortOrder
from resolvers.base.fields import shown
from resolvers.base.relay import PAGE_ARGUMENTS, Connection, decode_cursor, read_size

T = TypeVar("T")

_SORT_ORDER: Final = "Whether the lowest come first, or the highest."


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


def _read_place(key: str | None, default: Place) -> Place:
    """
    Read the place of something that happens at a moment from the key in a cursor; the default without one.

    Raises:
        InvalidError: This API returned no such cursor.
    """
    if key is None:
        return default
    at, _, own_id = key.partition(MARK)
    try:
        return datetime.fromisoformat(at), own_id
    except ValueError as error:
        message = f"expected a cursor that this API returned, got {key[:80]!r}"
        raise InvalidError(message, path="after") from error


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
        key: The key of the order.
        size: The most items.
        is_descending: Whether the highest key comes first.
        is_from_end: Whether to return the last items between the cursors, not the first ones.
        after: Return items after this key.
        before: Return items before this key.
    """

    order: str
    key: StrEnum
    size: int
    is_descending: bool
    is_from_end: bool
    after: str | None = None
    before: str | None = None

    @classmethod
    def read(cls, name: str, order: Order, asked: Mapping[str, Any]) -> Self:
        """
        Make a page from a field's arguments.

        Args:
            name: The list's name.
            order: Its order.
            asked: `first`, `after`, `last` and `before`, None where not given.

        Raises:
            InvalidError: A size or a cursor is wrong, or both sizes are given.
        """
        size, is_from_end = read_size(asked["first"], asked["last"])
        own = f"{name} by {order[0]}"
        low, high = (
            None if asked[way] is None else page_key(own, decode_cursor(asked[way], path=way), path=way)
            for way in ("after", "before")
        )
        return cls(own, order[0], size, order[1] is SortOrder.DESCENDING, is_from_end, low, high)

    @property
    def reads_down(self) -> bool:
        """Whether its items are read from the highest key on, one more than it shows."""
        return self.is_descending != self.is_from_end

    @property
    def bounds(self) -> tuple[str | None, str | None]:
        """The keys between which it lies, both excluded; None without a bound."""
        return (self.before, self.after) if self.is_descending else (self.after, self.before)

    @property
    def places(self) -> tuple[Place, Place]:
        """
        The places between which it lies, both excluded, of a list in the order of moments and ids.

        Raises:
            InvalidError: A cursor is none that this API returned.
        """
        low, high = self.bounds
        return _read_place(low, FIRST_PLACE), _read_place(high, LAST_PLACE)

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


def _read_order(sort: Sequence[Any] | None, default: Order) -> Order:
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


@dataclass(frozen=True, slots=True)
class KeyedList:
    """
    A list as its field tells it.

    Attributes:
        kind: The GraphQL type of its items.
        items: What these are called in a sentence.
        filter: The input of its conditions.
        default: Its order where none is asked for.
    """

    kind: type
    items: str
    filter: type
    default: Order

    def field(self, metadata: Mapping[str, Any] | None = None) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
        """
        Decorates what reads a page of the list, and makes it the list's field.

        It takes the field's surroundings, the page and the conditions, which are None if all items are asked for, and
        perhaps arguments of its own. Its docstring is the field's description.

        Args:
            metadata: The field's.
        """
        arguments = self._arguments()

        def decorate(read: Callable[..., Awaitable[Any]]) -> Any:
            @wraps(read)
            async def resolve(root: Any, info: Any, **given: Any) -> Any:
                asked = {**dict.fromkeys(arguments), **given}
                own = {name: value for name, value in given.items() if name not in arguments}
                page = KeyedPage.read(read.__name__, _read_order(asked["sort"], self.default), asked)
                return await read(root, info, page, asked["filter"], **own)

            root, info, _page, _conditions, *own = inspect.signature(read).parameters.values()
            parameters = [root, info, *own, *keywords(arguments, None)]
            signature = inspect.Signature(parameters, return_annotation=Connection[self.kind])  # type: ignore[name-defined]
            return strawberry.field(
                resolver=with_signature(resolve, signature), description=description_of(read), metadata=metadata
            )

        return decorate

    def _arguments(self) -> dict[str, Any]:
        key, direction = self.default
        order = f"{direction.name.lower()} by {key.name}"
        conditions: Any = self.filter | None
        orders: Any = list[self._sort_input()] | None  # type: ignore[misc]  # made at run time
        sort_text = f"Order of the list, by one key; {order} if omitted."
        return {
            "filter": Annotated[conditions, strawberry.argument(description=f"Conditions on the {self.items}.")],
            "sort": Annotated[orders, strawberry.argument(description=sort_text)],
            **PAGE_ARGUMENTS,
        }

    def _sort_input(self) -> type:
        """Make the input of an order, which the enum of its keys describes."""
        keys = type(self.default[0])
        by = strawberry.field(description="The order.")
        order = strawberry.field(default=SortOrder.ASCENDING, description=_SORT_ORDER)
        annotations = {"by": keys, "order": SortOrder}
        words = description_of(keys).removeprefix("Orders of ")
        body = {"by": by, "order": order, "__annotations__": annotations, "__doc__": f"An order of {words}"}
        name = keys.__name__.removesuffix("Key") + "Input"
        return input_type(type(name, (), {**body, "__module__": keys.__module__}))
