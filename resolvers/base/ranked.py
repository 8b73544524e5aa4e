"""
Lists that are computed as a whole, such as the claims that a what-if moves, and their fields.

Their order holds for the arguments, the revision of the graph and the moment that they were computed for, so cursors
name all three. The same question at the same revision in the same hour has the same order, and a page goes on exactly
where the one before it ended. Cursors also have a digest of the order itself: where one was computed anew with another
result, as samples may be drawn until time is up, or where the state is another one, a cursor is stale, which is told.
"""

import asyncio
import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial, wraps
from operator import itemgetter
from typing import Any, Final, NamedTuple

from strawberry.types import Info

from graph.errors import InvalidError, NotFoundError, StaleCursorError
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, noun_of
from graph.reading.following import get
from graph.reading.nodes import get_nodes
from graph.reading.tree import NodePlan, connection, cursor_text, page_key
from resolvers.base.context import Context
from resolvers.base.described import description_of
from resolvers.base.fields import shown
from resolvers.base.figures import figure
from resolvers.base.keyed import DeclaredList, conditions_in, read_orders, read_values
from resolvers.base.keyed import Order as SortOrders
from resolvers.base.relay import decode_cursor, parse_key, read_size
from resolvers.base.scalars import show_moment
from resolvers.base.selection import item_plan

MARK = "!"  # between the parts of a cursor; ids do not contain it

MOST_AT_ONCE: Final = 5_000
"""Items that are sorted on the event loop, in some milliseconds; more are sorted in a thread."""


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


NUM_PARTS: Final = len(State._fields) + 3  # the digest of the arguments, the state, that of the order, and the key


@dataclass(frozen=True)
class Order:
    """
    A computed order.

    Attributes:
        name: Name of the list, which its cursors begin with.
        arguments: Arguments that it was computed for.
        state: State of the graph that it was computed for.
        keys: Keys of all items in the order, distinct.
    """

    name: str
    arguments: tuple[Any, ...]
    state: State
    keys: Sequence[str]

    def page(self, asked: Mapping[str, Any]) -> "RankedPage":
        """
        Cut a page out of the order.

        Args:
            asked: `first`, `after`, `last` and `before`, None where not given.

        Raises:
            InvalidError: A size is out of range, or a cursor is of another list or of other arguments.
            StaleCursorError: A cursor is of another state of the graph.
        """
        size, is_from_end = read_size(asked["first"], asked["last"])
        low = 0 if asked["after"] is None else self._index(asked["after"], "after") + 1
        high = len(self.keys) if asked["before"] is None else self._index(asked["before"], "before")
        high = max(low, high)
        return (
            RankedPage(self, max(low, high - size), high)
            if is_from_end
            else RankedPage(self, low, min(low + size, high))
        )

    def cursor(self, key: str) -> str:
        """Return the text of an item's cursor."""
        return cursor_text(self.name, MARK.join((self._digest, self.state.text, self._fingerprint, key)))

    def _index(self, cursor: str, path: str) -> int:
        """Return the index of a cursor's item."""
        parts = page_key(self.name, decode_cursor(cursor, path=path), path=path).split(MARK)
        if len(parts) != NUM_PARTS:
            raise InvalidError(f"expected a cursor that this API returned, got {cursor[:80]!r}", path=path)
        digest, *state, fingerprint, key = parts
        if digest != self._digest:
            raise InvalidError(
                "expected a cursor from this list with the same arguments, got one with others", path=path
            )
        if MARK.join(state) != self.state.text:
            message = (
                f"expected a cursor of revision {self.state.revision} as of {show_moment(self.state.moment)}, got one "
                f"of revision {state[0]} as of {state[2]}; the order has changed since, so begin again without one"
            )
            raise StaleCursorError(message, path=path)
        if fingerprint != self._fingerprint or key not in self._indices:
            message = (
                "expected a cursor of this order, got one of another; it has been computed anew since, with other "
                "samples, so begin again without one"
            )
            raise StaleCursorError(message, path=path)
        return self._indices[key]

    @cached_property
    def _digest(self) -> str:
        return hashlib.blake2b(repr(self.arguments).encode(), digest_size=8).hexdigest()

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {key: index for index, key in enumerate(self.keys)}

    @cached_property
    def _fingerprint(self) -> str:
        return hashlib.blake2b(MARK.join(self.keys).encode(), digest_size=8).hexdigest()


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

    def connection(self, nodes: Sequence[Any]) -> dict[str, Any]:
        """Return the page of its items as the response holds it."""
        keys = self.order.keys[self.start : self.stop]
        rows = [(self.order.cursor(key), node) for key, node in zip(keys, nodes, strict=True)]
        found = connection(rows, len(rows), has_previous=self.start > 0)
        found["page_info"]["has_next_page"] = self.stop < len(self.order.keys)
        return {**found, "total_count": len(self.order.keys)}


class Condition(NamedTuple):
    """
    A condition on items of a computed list.

    Attributes:
        measure: The name of the measure that it is on.
        end: Whether the value is the lowest (`from`) or the highest (`to`); None for any of some values.
        value: The bound or the values.
        path: The condition's path.
    """

    measure: str
    end: str | None
    value: Any
    path: str

    def holds(self, measured: Any) -> bool:
        """Whether it holds for an item's measure; no bound does for an absent one."""
        if self.end is None:
            return measured in self.value
        if measured is None:
            return False
        as_shown = figure(measured) if isinstance(measured, float) else measured
        return bool(as_shown >= self.value if self.end == "from" else as_shown <= self.value)


@dataclass(frozen=True, slots=True)
class Ranked:
    """
    A computed list, of which pages are shown.

    Attributes:
        arguments: What it was computed for.
        state: State of the graph that it was computed for.
        items: The items, in any order.
        key: Returns an item's key, which no other item has.
        measures: What it is sorted and filtered by, each by the name of the sort key in lower case, or of the
            condition; None for an item without a value.
        show: Makes an item's row, in the response's shape, with the ids of its nodes as `<name>_id`.
    """

    arguments: tuple[Any, ...]
    state: State
    items: Sequence[Any]
    key: Callable[[Any], str]
    measures: Mapping[str, Callable[[Any], Any]]
    show: Callable[[Any], dict[str, Any]]

    def arrange(self, orders: Sequence[SortOrders], conditions: Sequence[Condition]) -> list[Any]:
        """Return the items that satisfy conditions in an order, ties by key, those without a value last."""
        tests = [(self.measures[condition.measure], condition) for condition in conditions]
        found = [item for item in self.items if all(found.holds(measure(item)) for measure, found in tests)]
        found.sort(key=self.key)
        for sort_key, direction in reversed(orders):  # each sort keeps the order of those that are equal
            measure = self.measures[sort_key.name.lower()]
            values = [(measure(item), item) for item in found]
            known = [pair for pair in values if pair[0] is not None]
            known.sort(key=itemgetter(0), reverse=direction.name == "DESCENDING")
            found = [item for _, item in known] + [item for value, item in values if value is None]
        return found


@dataclass(frozen=True, slots=True)
class RankedList(DeclaredList):
    """
    A computed list as its field declares it.

    A condition of its filter is on the measure with its name, or on one without the ending `_from` or `_to`.

    Attributes:
        nodes: Subject of each node that an item has, by the name of its field.
    """

    nodes: Mapping[str, str] = field(default_factory=dict)

    def field(self, metadata: Mapping[str, Any] | None = None) -> Callable[[Callable[..., Awaitable[Ranked]]], Any]:
        """
        Decorates what computes the list, and makes it the list's field.

        It takes the field's surroundings, and perhaps arguments of its own. Its docstring is the field's description.

        Args:
            metadata: The field's.
        """
        arguments = self.arguments("by one or several keys, ties by key, items without a value last")

        def decorate(compute: Callable[..., Awaitable[Ranked]]) -> Any:
            @wraps(compute)
            async def resolve(root: Any, info: Info[Context, Any], **given: Any) -> Any:
                asked = {**dict.fromkeys(arguments), **given}
                read_size(asked["first"], asked["last"])  # refused before anything is computed
                orders = [self.default] if asked["sort"] is None else read_orders(asked["sort"])
                conditions = read_conditions(asked["filter"], self.nodes)
                own = {name: value for name, value in given.items() if name not in arguments}
                found = await compute(root, info, **own)
                arrange = partial(found.arrange, orders, conditions)
                items = await _in_thread(info, arrange) if len(found.items) > MOST_AT_ONCE else arrange()
                if not items:
                    await self._check_named(info, conditions)
                return shown(await self._read(info, found, items, (orders, conditions, asked)))

            root, info, *own = inspect.signature(compute).parameters.values()
            described = description_of(compute), metadata
            return self.make_field(resolve, (root, info.replace(name="info"), *own), arguments, described)

        return decorate

    async def _read(self, info: Info[Context, Any], found: Ranked, items: Sequence[Any], asked: Any) -> dict[str, Any]:
        """Read a page of arranged items, and of their nodes what is selected."""
        orders, conditions, page_asked = asked
        arguments = (*found.arguments, *orders, *(condition[:3] for condition in conditions))
        order = Order(self.kind.__name__, arguments, found.state, [found.key(item) for item in items])
        page = order.page(page_asked)
        rows = [found.show(item) for item in items[page.start : page.stop]]
        for name, subject in self.nodes.items():
            await put_nodes(info, rows, name, subject, item_plan(info, name))
        return page.connection(rows)

    async def _check_named(self, info: Info[Context, Any], conditions: Sequence[Condition]) -> None:
        """
        Check that the nodes that conditions name exist.

        Raises:
            NotFoundError: One does not.
        """
        named = [
            (self.nodes[condition.measure], key, f"{condition.path}[{index}]")
            for condition in conditions
            if condition.measure in self.nodes
            for index, key in enumerate(condition.value)
        ]
        nodes = await get(info.context.unit, [(subject, key, ("id",)) for subject, key, _ in named]) if named else []
        for (subject, key, path), node in zip(named, nodes, strict=True):
            if node is None:
                raise NotFoundError(f"no {noun_of(subject)} has the id {key!r}", path=path)


def read_conditions(values: Any, nodes: Mapping[str, str]) -> list[Condition]:
    """
    Read the conditions on a computed list from an input.

    Args:
        values: The input; None for no conditions.
        nodes: Subjects of the nodes that conditions name, by the conditions' names.

    Raises:
        InvalidError: A list of values is empty or too long, an id is of another kind, or a range ends before it begins.
    """
    found: list[Condition] = []
    for name, value in conditions_in(values).items():
        measure, _, end = name.rpartition("_")
        path = f"filter.{name}"
        if end in {"from", "to"}:
            found.append(Condition(measure, end, value, path))
            continue
        several = read_values(value, path) or []
        if name in nodes:
            subjects = CLAIM_SUBJECTS if nodes[name] == CLAIM else (nodes[name],)
            several = [parse_key(text, *subjects, path=f"{path}[{index}]") for index, text in enumerate(several)]
        found.append(Condition(name, None, several, path))
    return found


async def _in_thread(info: Info[Context, Any], arrange: Callable[[], list[Any]]) -> list[Any]:
    return await asyncio.get_running_loop().run_in_executor(info.context.service.curves, arrange)


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
