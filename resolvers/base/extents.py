"""
Upper bounds on what a field reads and computes, by its arguments alone.

A document is priced by them before it runs. A field that follows or gathers relations, or takes `first`, needs no
declaration; any other one declares its bound as `extent` in its metadata.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resolvers.base.relay import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from resolvers.base.selection import MAX_CASCADE_DEPTH, Follows

Arguments = Mapping[str, Any]
"""A field's arguments by their Python names, as sent or by default; nothing of them has been checked."""

INFERENCE_POINTS = 10_000
"""Price of one inference over the network, in points; a large one takes about as long as this many points of curves."""


@dataclass(frozen=True, slots=True)
class Extent:
    """
    The most that a field reads and computes, without what is selected below it.

    Attributes:
        items: Items of the list that it returns, or of each list in the object that it returns.
        rows: Rows of the graph that it reads.
        points: Points of curves that it computes.
    """

    items: int = 1
    rows: int = 0
    points: int = 0


def extent(bound: Callable[[Arguments], Extent]) -> dict[str, Any]:
    """The metadata of a field with a declared bound."""
    return {"extent": bound}


def find_extent(metadata: Mapping[str, Any], arguments: Arguments) -> Extent | None:
    """
    Find what a field reads and computes at most; None for one that only shows what a field above it has read.

    Args:
        metadata: The field's.
        arguments: All of the field's arguments.
    """
    declared = metadata.get("extent")
    if declared is not None:
        found: Extent = declared(arguments)
        return Extent(found.items, found.rows + _gathered(metadata, arguments), found.points)
    follows = metadata.get("follows")
    if isinstance(follows, Follows):
        return _followed(follows, arguments)
    if "gathers" in metadata:
        return Extent(rows=_gathered(metadata, arguments))
    if "first" in arguments:
        return page(arguments)
    return None


def page(arguments: Arguments) -> Extent:
    """The extent of a page, whose size is `first` or `last`."""
    given = [name for name in ("first", "last") if arguments.get(name) is not None]
    size = max((number(arguments, name, MAX_PAGE_SIZE) for name in given), default=DEFAULT_PAGE_SIZE)
    return Extent(items=size, rows=size + 1)  # one more row tells whether there is a next page


def whole_list(num_rows: int) -> Callable[[Arguments], Extent]:
    """The extent of a page of a list that is read as a whole, of at most so many rows."""

    def bound(arguments: Arguments) -> Extent:
        return Extent(items=page(arguments).items, rows=num_rows)

    return bound


def one_row(_arguments: Arguments) -> Extent:
    """The extent of one row that is read."""
    return Extent(rows=1)


def number(arguments: Arguments, name: str, most: int) -> int:
    """A number from 1 to the largest allowed; the largest in place of one that will be refused."""
    value = arguments.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return most
    return value if 1 <= value <= most else most


def length(arguments: Arguments, name: str, most: int) -> int:
    """The length of a list, at most the largest allowed; a single value stands for a list of one."""
    value = arguments.get(name)
    if isinstance(value, list):
        return min(len(value), most)
    return most if value is None else 1


def given_length(arguments: Arguments, name: str, most: int) -> int:
    """The length of a list that may be left out, for which nothing is done then; otherwise as `length`."""
    return 0 if arguments.get(name) is None else length(arguments, name, most)


def _followed(follows: Follows, arguments: Arguments) -> Extent:
    if not follows.relation.is_many:
        return Extent(rows=1)
    found = page(arguments)
    if follows.is_walk and number(arguments, "depth", MAX_CASCADE_DEPTH) > 1:
        # Each claim reached is gone on from once, by as many neighbours as the walk may reach.
        return Extent(found.items, found.rows + found.items * found.items)
    return found


def _gathered(metadata: Mapping[str, Any], arguments: Arguments) -> int:
    """Count the rows gathered; those of a whole ledger or record, whose length is unknown, as a usual page."""
    needed = [gather for gather in metadata.get("gathers", ()) if gather.when(arguments)]
    return sum(min(gather.most, DEFAULT_PAGE_SIZE) for gather in needed)
