"""
Reads a tree of nodes as a client selected it, one level at a time.

All relations of a level are followed together, so the number of statements depends on the depth of the selection and
never on the number of nodes. The results are plain dicts: a node's properties under their names, and the nodes of each
relation under the key that the plan gives it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.model.relations import Relation
from graph.reading.following import ROWS_AT_ONCE, RelatedNode, Request, count, follow

Node = dict[str, Any]
TYPE = "__typename"

MAX_LEVELS = 16  # more than any document within the depth limit can select


@dataclass(frozen=True, slots=True)
class Follow:
    """
    A relation to follow from every node of some subjects.

    Attributes:
        key: The key of the result in each node's dict.
        relation: The relation to follow.
        node: The plan for the nodes at the other end.
        subjects: The subjects to follow it from; nodes of others are left as they are.
        first: The size of a page; of a traversal, the most claims and the most neighbours of each.
        after: Return items after this cursor.
        arguments: Further arguments of the relation.
        link: Names of the relationship's properties to read.
        wrap: When set, a row is the relationship's properties with the node under this name.
        complete: Adds values derived from both ends to a row; takes the source's dict and the row.
        wants_total: Whether to count the rows on all pages.
        wants_cursor: Whether the rows' cursors are of use; a reader may leave them out otherwise.
        num_steps: The depth of a traversal that follows the relation from node to node, whose result is a flat list;
            0 for a page.
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
    wants_cursor: bool = False
    num_steps: int = 0


@dataclass(frozen=True, slots=True)
class NodePlan:
    """A plan for reading a node: names of properties, and relations to follow."""

    properties: tuple[str, ...] = ()
    follows: tuple[Follow, ...] = ()


@dataclass(slots=True)
class Traversal:
    """
    The claims that following one relation step by step has reached, breadth first.

    Attributes:
        reached: A dict of `depth`, `lag_days`, `via_id` and `claim` for each, the nearest first.
        is_leaf: Whether no relationship leaves the start.
        seen: The ids of the start and of all claims reached.
        is_truncated: Whether the limit left any out.
    """

    reached: list[Node] = field(default_factory=list)
    is_leaf: bool = True
    seen: set[str] = field(default_factory=set)
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Pending:
    """A relation to follow from one node; within a traversal, with the steps and the lag so far."""

    source: Node
    follow: Follow
    traversal: Traversal | None = None
    step: int = 1
    lag_days: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether it would change nothing: its traversal is full, and known to have left something out."""
        found = self.traversal
        return found is not None and found.is_truncated and len(found.reached) >= self.follow.first


async def fill(unit: Unit, nodes: Sequence[Node], plan: NodePlan) -> None:
    """
    Follow a plan's relations from nodes, and put the results into the nodes' dicts.

    Args:
        unit: The transaction to read in.
        nodes: Nodes whose own properties have been read.
        plan: The plan, whose relations are followed level by level.
    """
    pending = _pending_of(nodes, plan)
    for _ in range(MAX_LEVELS):
        if not pending:
            return
        pages = await follow(unit, [_request(entry) for entry in pending])
        totals = await _count_totals(unit, pending)
        next_level: list[_Pending] = []
        for entry, rows in zip(pending, pages, strict=True):
            if len(rows) > ROWS_AT_ONCE:
                await asyncio.sleep(0)
            next_level += _attach(entry, rows, totals.get(id(entry)))
        pending = [entry for entry in next_level if not entry.is_settled]
    if pending:
        message = f"expected a plan of at most {MAX_LEVELS} levels, got one that goes on; check the depth limit"
        raise AssertionError(message)


def node_dict(subject: str, properties: Mapping[str, Any]) -> Node:
    """Build the dict of a node as the response holds it: its properties and its subject."""
    return {**properties, TYPE: subject}


def source_id(node: Node) -> str:
    """Return the id of a node's dict: the symbol of a ticker, else the `id`."""
    node_id: str = node["symbol"] if node[TYPE] == "Ticker" else node["id"]
    return node_id


def cursor_text(order: str, key: str) -> str:
    """Build the text of a cursor: the name of its order, and the page key of its item."""
    return f"{order}:{key}"


def page_key(order: str, cursor: str, *, path: str = "after") -> str:
    """
    Return the page key in a cursor of an order.

    Raises:
        InvalidError: The cursor is of another order; the error's path is `path`.
    """
    prefix = cursor_text(order, "")
    if not cursor.startswith(prefix):
        message = f"expected a cursor from this very connection, got one from {cursor.partition(':')[0]!r}"
        raise InvalidError(message, path=path)
    return cursor.removeprefix(prefix)


def connection(rows: Sequence[tuple[str, Node]], first: int, *, has_previous: bool) -> Node:
    """
    Build a page as the response holds it.

    Args:
        rows: The cursor and the node of each item; a row beyond `first` means that there is a next page.
        first: The size of the page.
        has_previous: Whether there is a previous page.
    """
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
    """List what is to be followed; a cursor of another list leaves its error in the place of the rows."""
    pending: list[_Pending] = []
    for followed in plan.follows:
        for node in nodes:
            if node[TYPE] not in followed.subjects:
                continue
            entry = _Pending(node, followed, Traversal(seen={source_id(node)}) if followed.num_steps else None)
            error = None if followed.after is None else _find_refusal(entry)
            if error is None:
                pending.append(entry)
            else:
                node[followed.key] = error
    return pending


def _find_refusal(entry: _Pending) -> InvalidError | None:
    try:
        _request(entry).parameters(0)
    except InvalidError as error:
        return error
    return None


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


def _attach(entry: _Pending, rows: Sequence[RelatedNode], total: int | None) -> list[_Pending]:
    """Put a relation's rows into its source's dict; returns the relations to follow from them."""
    followed = entry.follow
    if entry.traversal is not None:
        return _extend(entry, entry.traversal, rows)
    nodes = [node_dict(row.subject, row.properties) for row in rows]
    if not followed.relation.is_many:
        entry.source[followed.key] = nodes[0] if nodes else None
        return _pending_of(nodes[:1], followed.node)
    name = followed.relation.name
    entries = [
        (cursor_text(name, row.key), _row(followed, entry.source, row, node))
        for row, node in zip(rows, nodes, strict=True)
    ]
    page = connection(entries, followed.first, has_previous=followed.after is not None)
    page["total_count"] = total
    entry.source[followed.key] = page
    return _pending_of(nodes[: followed.first], followed.node)


def _row(followed: Follow, source: Node, related: RelatedNode, node: Node) -> Node:
    if followed.wrap is None:
        return node
    row: Node = {**related.link, followed.wrap: node}
    if followed.complete is not None:
        followed.complete(source, row)
    return row


def _extend(entry: _Pending, traversal: Traversal, rows: Sequence[RelatedNode]) -> list[_Pending]:
    """Add the claims one step further to a traversal; returns the relations to follow from them."""
    followed = entry.follow
    onward: list[_Pending] = []
    added: list[Node] = []
    traversal.is_truncated |= len(rows) > followed.first
    for row in rows[: followed.first]:
        node = node_dict(row.subject, row.properties)
        if source_id(node) in traversal.seen:
            continue
        traversal.seen.add(source_id(node))
        lag_days = entry.lag_days + (row.link.get("lag_days") or 0)
        if len(traversal.reached) >= followed.first:
            traversal.is_truncated = True
            break
        via_id = source_id(entry.source)
        traversal.reached.append({"depth": entry.step, "lag_days": lag_days, "via_id": via_id, "claim": node})
        added.append(node)
        if entry.step < followed.num_steps:
            onward.append(_Pending(node, followed, traversal, entry.step + 1, lag_days))
    if entry.step == 1:
        traversal.is_leaf = not rows
        entry.source[followed.key] = traversal
    return onward + _pending_of(added, followed.node)
