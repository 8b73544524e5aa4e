"""Pages of lists that are held in memory as a whole, in the order of keys, and the fields of such lists."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cmp_to_key, wraps
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
from resolvers.base.input_names import input_name
from resolvers.base.relay import PAGE_ARGUMENTS, Connection, decode_cursor, read_size
from resolvers.base.scalars import show_moment

T = TypeVar("T")

_SORT_ORDER: Final = "Whether the lowest come first, or the highest."


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
"""A key of an order, and its direction."""

Row = tuple[str, dict[str, Any]]
"""The key of an item in an order, which no other item has, and its shape in the response."""


@dataclass(frozen=True, slots=True)
class KeyedPage:
    """
    A page of a list in an order of keys, from either end.

    Attributes:
        name: The order's name, which cursors begin with.
        orders: The keys of the order with their directions; the last one is a key that no two items share.
        size: The most items.
        is_from_end: Whether to return the last items between the cursors, not the first ones.
        after: Return items after this key.
        before: Return items before this key.
    """

    name: str
    orders: Sequence[Order]
    size: int
    is_from_end: bool
    after: str | None = None
    before: str | None = None

    @classmethod
    def read(cls, name: str, orders: Sequence[Order], asked: Mapping[str, Any]) -> Self:
        """
        Make a page from a field's arguments.

        Args:
            name: The list's name.
            orders: Its order.
            asked: `first`, `after`, `last` and `before`, None where not given.

        Raises:
            InvalidError: A size or a cursor is wrong, or both sizes are given.
        """
        size, is_from_end = read_size(asked["first"], asked["last"])
        own = f"{name} by {', '.join(key for key, _ in orders)}"
        after, before = (_read_key(own, asked[way], len(orders), way) for way in ("after", "before"))
        return cls(own, orders, size, is_from_end, after, before)

    @property
    def key(self) -> StrEnum:
        """The first key of the order."""
        return self.orders[0][0]

    @property
    def is_descending(self) -> bool:
        """Whether the first key is in descending order."""
        return self.orders[0][1] is SortOrder.DESCENDING

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

    def key_of(self, texts: Mapping[StrEnum, str]) -> str:
        """Return an item's key in the order, of its text by each key; only the last may have a `MARK` in it."""
        return MARK.join(texts[key] for key, _ in self.orders)

    def cut(self, rows: Iterable[tuple[str, T]]) -> list[tuple[str, T]]:
        """Return the rows that are read of all: those between its bounds in the order in which it is read."""
        place = cmp_to_key(self._compare)
        inside = [
            row
            for row in sorted(rows, key=lambda row: place(row[0]))
            if (self.after is None or self._compare(self.after, row[0]) < 0)
            and (self.before is None or self._compare(row[0], self.before) < 0)
        ]
        return (inside[::-1] if self.is_from_end else inside)[: self.size + 1]

    def _compare(self, one: str, other: str) -> int:
        """Compare two keys: -1 if the first comes first, 0 if they are the same, otherwise 1."""
        num_marks = len(self.orders) - 1
        for left, right, (_, direction) in zip(
            one.split(MARK, num_marks), other.split(MARK, num_marks), self.orders, strict=True
        ):
            if left != right:
                return -1 if (left < right) is (direction is SortOrder.ASCENDING) else 1
        return 0

    def connection(self, rows: Sequence[Row], total: int | None) -> Any:
        """Return the page as the response holds it, of the rows that were read."""
        page = page_of(rows, self.size, is_from_end=self.is_from_end, after=self.after, before=self.before)
        entries = [(cursor_text(self.name, key), row) for key, row in page.rows]
        found = connection(entries, self.size, has_previous=page.has_previous_page)
        found["page_info"]["has_next_page"] = page.has_next_page
        return shown({**found, "total_count": total})


def _read_key(order: str, cursor: str | None, num_parts: int, path: str) -> str | None:
    """
    Read the key in a cursor of an order; None without one.

    Raises:
        InvalidError: This API returned no such cursor.
    """
    if cursor is None:
        return None
    key = page_key(order, decode_cursor(cursor, path=path), path=path)
    if not key or key.count(MARK) < num_parts - 1:
        raise InvalidError(f"expected a cursor that this API returned, got {cursor[:80]!r}", path=path)
    return key


def read_orders(sort: Sequence[Any], *, most: int | None = None) -> list[Order]:
    """
    Read the keys of an order from an input.

    Args:
        sort: The input.
        most: The most keys; None for all that there are.

    Raises:
        InvalidError: There are too many keys, or none, or one is given twice.
    """
    if not sort or (most is not None and len(sort) > most):
        raise InvalidError(f"expected {'one key' if most == 1 else 'at least one key'}, got {len(sort)}", path="sort")
    found: dict[StrEnum, SortOrder] = {}
    for index, given in enumerate(sort):
        if given.by in found:
            message = f"expected each key once, as a second time it decides nothing, got {given.by.name} again"
            raise InvalidError(message, path=f"sort[{index}].by")
        found[given.by] = given.order
    return list(found.items())


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


def check_range(low: str, values: Mapping[str, Any], path: str) -> None:
    """
    Check that a range does not end before it begins.

    Args:
        low: The name of the condition with its lowest value, which ends in `_from`.
        values: All conditions, None or absent where not given.
        path: The path of the conditions.

    Raises:
        InvalidError: It does.
    """
    high = f"{low.removesuffix('_from')}_to"
    if values.get(high) is not None and values[low] > values[high]:
        least, most = (
            show_moment(value) if isinstance(value, datetime) else value for value in (values[low], values[high])
        )
        message = f"expected a value not above {input_name(high)}, which is {most}, got {least}"
        raise InvalidError(message, path=f"{path}.{low}")


def conditions_in(filter_: Any) -> dict[str, Any]:
    """
    Return the conditions in a filter's input by name, those that are given; None has none.

    Raises:
        InvalidError: A range ends before it begins.
    """
    values = {} if filter_ is None else {item.name: getattr(filter_, item.name) for item in fields(filter_)}
    given = {name: value for name, value in values.items() if value is not None}
    for name in given:
        if name.endswith("_from"):
            check_range(name, given, "filter")
    return given


@dataclass(frozen=True, slots=True)
class DeclaredList:
    """
    A list as its field declares it.

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

    def arguments(self, sort_words: str) -> dict[str, Any]:
        """
        Return the arguments of its field, by name.

        Args:
            sort_words: How many keys an order has, and what decides between equal ones, after "Order of the list, ".
        """
        key, direction = self.default
        order = f"{direction.name.lower()} by {key.name}"
        conditions: Any = self.filter | None
        orders: Any = list[self._sort_input()] | None  # type: ignore[misc]  # made at run time
        sort_text = f"Order of the list, {sort_words}; {order} if omitted."
        return {
            "filter": Annotated[conditions, strawberry.argument(description=f"Conditions on the {self.items}.")],
            "sort": Annotated[orders, strawberry.argument(description=sort_text)],
            **PAGE_ARGUMENTS,
        }

    def make_field(
        self,
        resolve: Callable[..., Awaitable[Any]],
        own: Iterable[inspect.Parameter],
        arguments: Mapping[str, Any],
        described: tuple[str, Mapping[str, Any] | None],
    ) -> Any:
        """
        Make the list's field.

        Args:
            resolve: Its resolver.
            own: The parameters that come before the list's arguments: the root, the surroundings and further ones.
            arguments: The list's arguments, by name.
            described: The field's description and its metadata.
        """
        parameters = [*own, *keywords(arguments, None)]
        signature = inspect.Signature(parameters, return_annotation=Connection[self.kind])  # type: ignore[name-defined]
        description, metadata = described
        return strawberry.field(resolver=with_signature(resolve, signature), description=description, metadata=metadata)

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


@dataclass(frozen=True, slots=True)
class KeyedList(DeclaredList):
    """
    A list in the order of texts.

    Attributes:
        is_whole: Whether it is held in memory as a whole, so that an order may have several keys; no two items have the
            same text by the key of its default order then. A list that a statement reads is in one key's order.
    """

    is_whole: bool = True

    def field(self, metadata: Mapping[str, Any] | None = None) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
        """
        Decorates what reads a page of the list, and makes it the list's field.

        It takes the field's surroundings, the page and the conditions, which are None if all items are asked for, and
        perhaps arguments of its own. Its docstring is the field's description.

        Args:
            metadata: The field's.
        """
        arguments = self.arguments("by one or several keys" if self._has_several else "by one key")

        def decorate(read: Callable[..., Awaitable[Any]]) -> Any:
            @wraps(read)
            async def resolve(root: Any, info: Any, **given: Any) -> Any:
                asked = {**dict.fromkeys(arguments), **given}
                own = {name: value for name, value in given.items() if name not in arguments}
                conditions_in(asked["filter"])  # refuses ranges that end before they begin
                page = KeyedPage.read(read.__name__, self._read_orders(asked["sort"]), asked)
                return await read(root, info, page, asked["filter"], **own)

            root, info, _page, _conditions, *own = inspect.signature(read).parameters.values()
            return self.make_field(resolve, (root, info, *own), arguments, (description_of(read), metadata))

        return decorate

    @property
    def _has_several(self) -> bool:
        return self.is_whole and len(type(self.default[0])) > 1

    def _read_orders(self, sort: Sequence[Any] | None) -> list[Order]:
        """
        Read an order from an input; the default if it is null.

        Raises:
            InvalidError: It has too many keys, or none.
        """
        if sort is None:
            return [self.default]
        found = read_orders(sort, most=None if self._has_several else 1)
        if not self.is_whole:
            return found
        unique = self.default[0]
        places = [key for key, _ in found]
        if unique in places:
            return found[: places.index(unique) + 1]
        return [*found, (unique, found[-1][1])]
