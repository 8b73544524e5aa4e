"""
Pages of lists that are computed as a whole, such as the claims that a what-if moves.

Their order holds for the arguments, the revision of the graph and the moment that they were computed for, so cursors
name all three. The same question at the same revision in the same hour has the same order, and a page goes on exactly
where the one before it ended. Cursors also have a digest of the order itself: where one was computed anew with another
result, as samples may be drawn until time is up, or where the state is another one, a cursor is stale, which is told.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from strawberry.types import Info

from graph.errors import InvalidError, StaleCursorError
from graph.reading.nodes import get_nodes
from graph.reading.tree import NodePlan, connection, cursor_text, page_key
from resolvers.base.context import Context
from resolvers.base.relay import decode_cursor, page_size
from resolvers.base.scalars import show_moment
from resolvers.base.selection import item_plan

MARK = "!"  # between the parts of a cursor; sorts before the characters of ids, which do not contain it

Rank = tuple[float, str]
"""An item's place in an order: the negative of its size, and its id where sizes are equal."""


class State(NamedTuple):
    """
    The state of the graph that an order was computed for.

    Attributes:
        revision: Revision of the graph.
        revised_at: When it was raised, in microseconds; tells a restored graph from the one before; None for an empty
            one.
        moment: Moment of the beliefs.
    """

    revision: int
    revised_at: int | None
    moment: datetime

    @property
    def text(self) -> str:
        """The state as cursors hold it."""
        return f"{self.revision}{MARK}{self.revised_at or 0}{MARK}{show_moment(self.moment)}"


NUM_PARTS: Final = len(State._fields) + 4  # the digest of the arguments, the state, that of the order, size and id


@dataclass(frozen=True)
class Order:
    """
    A computed order.

    Attributes:
        name: Name of the list, which its cursors begin with.
        arguments: Arguments that it was computed for.
        state: State of the graph that it was computed for.
        ranks: Places of all items, ascending and distinct.
    """

    name: str
    arguments: tuple[Any, ...]
    state: State
    ranks: Sequence[Rank]

    def page(self, first: int, after: str | None) -> "RankedPage":
        """
        Cut a page out of the order.

        Args:
            first: Size of the page.
            after: Cursor of the item before it; None for the first page.

        Raises:
            InvalidError: The size is out of range, or the cursor is of another list or of other arguments.
            StaleCursorError: The cursor is of another state of the graph.
        """
        size = page_size(first)
        start = 0 if after is None else bisect_right(self.ranks, self._read(after))
        return RankedPage(self, start, min(start + size, len(self.ranks)))

    def cursor(self, rank: Rank) -> str:
        """Return the text of an item's cursor."""
        size, key = rank
        parts = (_digest(self.arguments), self.state.text, self._fingerprint, (-size).hex(), key)
        return cursor_text(self.name, MARK.join(parts))

    def _read(self, after: str) -> Rank:
        parts = page_key(self.name, decode_cursor(after, path="after")).split(MARK)
        if len(parts) != NUM_PARTS or (found := _read_size(parts[-2])) is None:
            raise _wrong("a cursor that this API returned", f"{after[:80]!r}")
        digest, *state, fingerprint, _, key = parts
        if digest != _digest(self.arguments):
            raise _wrong("a cursor from this list with the same arguments", "one with others")
        if MARK.join(state) != self.state.text:
            message = (
                f"expected a cursor of revision {self.state.revision} as of {show_moment(self.state.moment)}, got one "
                f"of revision {state[0]} as of {state[2]}; the order has changed since, so begin again without one"
            )
            raise StaleCursorError(message, path="after")
        if fingerprint != self._fingerprint:
            message = (
                "expected a cursor of this order, got one of another; it has been computed anew since, with other "
                "samples, so begin again without one"
            )
            raise StaleCursorError(message, path="after")
        return -found, key

    @cached_property
    def _fingerprint(self) -> str:
        sizes = np.array([size for size, _ in self.ranks]).tobytes()
        keys = MARK.join(key for _, key in self.ranks).encode()
        return hashlib.blake2b(sizes + keys, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class RankedPage:
    """
    A page of a computed order.

    Attributes:
        order: The order.
        start: Index of its first item.
        stop: Index after its last item.
    """

    order: Order
    start: int
    stop: int

    @property
    def ranks(self) -> Sequence[Rank]:
        """Places of its items."""
        return self.order.ranks[self.start : self.stop]

    def connection(self, nodes: Sequence[Any]) -> dict[str, Any]:
        """Return the page of its items as the response holds it."""
        rows = [(self.order.cursor(rank), node) for rank, node in zip(self.ranks, nodes, strict=True)]
        shown = connection(rows, len(rows), has_previous=self.start > 0)
        shown["page_info"]["has_next_page"] = self.stop < len(self.order.ranks)
        return {**shown, "total_count": len(self.order.ranks)}


@dataclass(frozen=True, slots=True)
class Ranked:
    """
    A computed list, of which pages are shown.

    Attributes:
        order: Order of its items.
        items: The items, in that order.
        show: Makes an item's row, in the response's shape, with the ids of its nodes as `<name>_id`.
        nodes: Subject of each node that an item has, by the name of its field.
    """

    order: Order
    items: Sequence[Any]
    show: Callable[[Any], dict[str, Any]]
    nodes: Mapping[str, str]

    @classmethod
    def of(
        cls,
        name: str,
        arguments: tuple[Any, ...],
        state: State,
        items: Iterable[tuple[float, str, Any]],
        show: Callable[[Any], dict[str, Any]],
        nodes: Mapping[str, str],
    ) -> "Ranked":
        """Rank items, each with its size and its id, by decreasing size, ties by id; otherwise as the attributes."""
        ranked = sorted(((-size, key, item) for size, key, item in items), key=itemgetter(0, 1))
        ranks = [(size, key) for size, key, _ in ranked]
        return cls(Order(name, arguments, state, ranks), [item for _, _, item in ranked], show, nodes)

    async def read(self, info: Info[Context, Any], first: int, after: str | None) -> dict[str, Any]:
        """
        Read a page, and of its nodes what is selected.

        Raises:
            InvalidError: As `Order.page`.
            StaleCursorError: As `Order.page`.
        """
        page = self.order.page(first, after)
        rows = [self.show(item) for item in self.items[page.start : page.stop]]
        for name, subject in self.nodes.items():
            await put_nodes(info, rows, name, subject, item_plan(info, name))
        return page.connection(rows)


async def put_nodes(
    info: Info[Context, Any], rows: Sequence[dict[str, Any]], name: str, subject: str, plan: NodePlan | None
) -> None:
    """Read the nodes that rows name by `<name>_id` in one batch, if anything of them is selected, and put them in."""
    named = [row for row in rows if row[f"{name}_id"] is not None]
    if plan is None or not named:
        return
    found = await get_nodes(info.context.unit, [(subject, row[f"{name}_id"]) for row in named], plan)
    for row, node in zip(named, found, strict=True):
        row[name] = node


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest()


def _read_size(text: str) -> float | None:
    try:
        size = float.fromhex(text)
    except (ValueError, OverflowError):
        return None
    return size if math.isfinite(size) else None


def _wrong(expected: str, got: str) -> InvalidError:
    return InvalidError(f"expected {expected}, got {got}", path="after")
