"""
Reads a tree of nodes as a client selected it, one level at a time.

All relations that are followed from one level are asked together, so the number of statements depends on how deep
the selection is and never on how much there is. What comes back are plain dicts: a node's properties under their
names, and what was followed from it under the key that the plan gives it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.model.relations import Relation
from graph.reading.following import Found, Request, count, follow

Node = dict[str, Any]
TYPE = "__typename"

MAX_LEVELS = 16  # more than any document within the depth limit can select


@dataclass(frozen=True, slots=True)
class Follow:
    """
    A relation to follow from every node of some subjects.

    Attributes:
        key: Where the answer stands in each node's dict.
        relation: What to follow.
        node: What to read of the nodes found.
        subjects: From which subjects; the relation says nothing about others.
        first: The size of a page.
        after: The cursor after which to begin.
        arguments: What else the relation takes.
        link: The relationship's properties to read.
        wrap: When set, a row is the relationship's properties with the node under this name.
        complete: Adds to a row what follows from both its ends; takes the source's dict and the row.
        wants_total: Whether to count all rows.
        num_steps: How often to follow the relation on from what was found, which gives a flat list; 0 for a page.
    """

    key: str
    relation: Relation
    node: "NodePlan"
    subjects: frozenset[str]
    first: int = 1
    after: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    link: tuple[str, ...] = ()
    wrap: str | None = None
    complete: Callable[[Node, Node], None] | None = None
    wants_total: bool = False
    num_steps: int = 0


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What to read of a node: properties by name, and relations to follow."""

    properties: tuple[str, ...] = ()
    follows: tuple[Follow, ...] = ()


@dataclass(slots=True)
class Walk:
    """The nodes that following a relation on and on has reached, the nearest first."""

    rows: list[Node] = field(default_factory=list)
    is_leaf: bool = True
    seen: set[str] = field(default_factory=set)
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Pending:
    """A relation to follow from one node; on the way further, with the steps taken so far."""

    source: Node
    follow: Follow
    walk: Walk | None = None
    step: int = 1
    lag_days: int = 0


async def fill(unit: Unit, nodes: Sequence[Node], plan: NodePlan) -> None:
    """Follow a plan's relations from nodes whose properties have been read, and put what they give into the dicts."""
    pending = _pending_of(nodes, plan)
    for _ in range(MAX_LEVELS):
        if not pending:
            return
        pages = await follow(unit, [_request(entry) for entry in pending])
        totals = await _count_totals(unit, pending)
        onward: list[_Pending] = []
        for entry, rows in zip(pending, pages, strict=True):
            onward += _place(entry, rows, totals.get(id(entry)))
        pending = onward
    if pending:
        message = "a plan within the depth limit has been followed to its end"
        raise AssertionError(message)


def node_dict(subject: str, properties: Mapping[str, Any]) -> Node:
    """A node as the response holds it."""
    return {**properties, TYPE: subject}


def source_id(node: Node) -> str:
    """A node's own id."""
    found: str = node["symbol"] if node[TYPE] == "Ticker" else node["id"]
    return found


def cursor_text(order: str, key: str) -> str:
    """What a cursor says: which order it is a place in, and the page key there."""
    return f"{order}:{key}"


def page_key(order: str, cursor: str, *, path: str = "after") -> str:
    """
    The page key that a cursor of some order stands for.

    Raises:
        InvalidError: It is a cursor of another order.
    """
    prefix = cursor_text(order, "")
    if not cursor.startswith(prefix):
        message = f"expected a cursor from this very connection, got one from {cursor.partition(':')[0]!r}"
        raise InvalidError(message, path=path)
    return cursor.removeprefix(prefix)


def connection(rows: Sequence[tuple[str, Node]], first: int, *, has_previous: bool) -> Node:
    """A page as the response holds it; one row more than asked says that there is a next page."""
    page = rows[:first]
    return {
        "edges": [{"cursor": key, "node": node} for key, node in page],
        "page_info": {
            "has_next_page": len(rows) > first,
            "has_previous_page": has_previous,
            "start_cursor": page[0][0] if page else None,
            "end_cursor": page[-1][0] if page else None,
        },
    }


def _pending_of(nodes: Sequence[Node], plan: NodePlan) -> list[_Pending]:
    return [
        _Pending(node, followed, Walk(seen={source_id(node)}) if followed.num_steps else None)
        for followed in plan.follows
        for node in nodes
        if node[TYPE] in followed.subjects
    ]


def _request(entry: _Pending) -> Request:
    followed = entry.follow
    return Request(
        relation=followed.relation,
        source=source_id(entry.source),
        limit=followed.first + 1 if followed.relation.is_many else 1,
        after=None if followed.after is None else page_key(followed.relation.name, followed.after),
        properties=followed.node.properties,
        link=followed.link,
        arguments=followed.arguments,
    )


async def _count_totals(unit: Unit, pending: Sequence[_Pending]) -> dict[int, int]:
    counted = [entry for entry in pending if entry.follow.wants_total]
    if not counted:
        return {}
    totals = await count(unit, [_request(entry) for entry in counted])
    return {id(entry): total for entry, total in zip(counted, totals, strict=True)}


def _place(entry: _Pending, rows: Sequence[Found], total: int | None) -> list[_Pending]:
    """Put the rows where the plan wants them; returns what to follow next."""
    followed = entry.follow
    if entry.walk is not None:
        return _walk_on(entry, entry.walk, rows)
    nodes = [node_dict(row.subject, row.properties) for row in rows]
    if not followed.relation.is_many:
        entry.source[followed.key] = nodes[0] if nodes else None
        return _pending_of(nodes[:1], followed.node)
    name = followed.relation.name
    shown = [
        (cursor_text(name, row.key), _row(followed, entry.source, row, node))
        for row, node in zip(rows, nodes, strict=True)
    ]
    page = connection(shown, followed.first, has_previous=followed.after is not None)
    page["total_count"] = total
    entry.source[followed.key] = page
    return _pending_of(nodes[: followed.first], followed.node)


def _row(followed: Follow, source: Node, found: Found, node: Node) -> Node:
    if followed.wrap is None:
        return node
    row: Node = {**found.link, followed.wrap: node}
    if followed.complete is not None:
        followed.complete(source, row)
    return row


def _walk_on(entry: _Pending, walk: Walk, rows: Sequence[Found]) -> list[_Pending]:
    followed = entry.follow
    onward: list[_Pending] = []
    reached: list[Node] = []
    walk.is_truncated |= len(rows) > followed.first
    for row in rows[: followed.first]:
        node = node_dict(row.subject, row.properties)
        if source_id(node) in walk.seen:
            continue
        walk.seen.add(source_id(node))
        lag_days = entry.lag_days + (row.link.get("lag_days") or 0)
        if len(walk.rows) >= followed.first:
            walk.is_truncated = True
            break
        walk.rows.append({"depth": entry.step, "lag_days": lag_days, "via_id": source_id(entry.source), "claim": node})
        reached.append(node)
        if entry.step < followed.num_steps:
            onward.append(_Pending(node, followed, walk, entry.step + 1, lag_days))
    if entry.step == 1:
        walk.is_leaf = not rows
        entry.source[followed.key] = walk
    return onward + _pending_of(reached, followed.node)
