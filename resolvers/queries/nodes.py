"""Queries for nodes by id and by subject."""

from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model.subjects import NODE_LISTS, NodeList
from graph.reading.anchors import AllNodes, OneNode
from graph.reading.nodes import get_nodes
from resolvers.base.anchored import anchored
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.extents import Arguments, Extent, extent, length
from resolvers.base.fields import shown
from resolvers.base.relay import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    After,
    Connection,
    First,
    Node,
    decode_cursor,
    page_size,
    parse_global_id,
    parse_id,
)
from resolvers.base.selection import plan_of
from resolvers.types.subjects import SUBJECT_TYPES

ClassT = TypeVar("ClassT", bound=type)

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="Global id.")]
IdOrKey = Annotated[strawberry.ID, strawberry.argument(description="Global id or key.")]


def nodes_by_subject(kind: ClassT) -> ClassT:
    """Adds two queries for each subject to a class: one node by its id, and the list of all nodes."""
    for listed in NODE_LISTS:
        if listed.is_subject:
            setattr(kind, listed.noun.replace(" ", "_"), _one_field(listed))
        # Nodes that belong to another node are listed there; predictions have a query with filters.
        if listed.is_subject and listed.owner is None and listed.name != "predictions":
            setattr(kind, listed.name, _list_field(listed))
    return object_type(kind)


def _one_field(listed: NodeList) -> Any:
    def get_one(id: IdOrKey) -> OneNode:
        return OneNode(*parse_id(id, listed.label))

    get_one.__doc__ = f"The {listed.noun} with this id or key. An unknown id returns null."
    return anchored(get_one, SUBJECT_TYPES[listed.label] | None)


def _list_field(listed: NodeList) -> Any:
    def list_all(first: First = DEFAULT_PAGE_SIZE, after: After = None) -> AllNodes:
        cursor = None if after is None else decode_cursor(after, path="after")
        return AllNodes(listed.label, page_size(first), cursor)

    connection: Any = Connection
    list_all.__doc__ = f"All {listed.name.replace('_', ' ')}, by key."
    return anchored(list_all, connection[SUBJECT_TYPES[listed.label]])


def _find_node(id: GlobalId) -> OneNode:
    """The node with this global id. An unknown id returns null."""
    return OneNode(*parse_global_id(id))


def _nodes_extent(arguments: Arguments) -> Extent:
    num_nodes = length(arguments, "ids", MAX_PAGE_SIZE)
    return Extent(items=num_nodes, rows=num_nodes)


@nodes_by_subject
class NodeQueries:
    """Queries for nodes by id and by subject."""

    node: Node | None = anchored(_find_node, Node | None)

    @field(metadata=extent(_nodes_extent))
    async def nodes(
        self,
        info: Info[Context, Any],
        ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"Global ids, at most {MAX_PAGE_SIZE}.")],
    ) -> list[Node | None]:
        """
        The nodes with these global ids, in the same order.

        An unknown id returns null; a text that is no global id returns null and an error in its place.
        """
        if len(ids) > MAX_PAGE_SIZE:
            message = f"expected at most {MAX_PAGE_SIZE} ids, got {len(ids)}"
            raise InvalidError(message, path="ids")
        parsed = [_parsed(text, f"ids[{index}]") for index, text in enumerate(ids)]
        asked = [entry for entry in parsed if isinstance(entry, tuple)]
        found = iter(await get_nodes(info.context.unit, asked, plan_of(info)))
        return shown([next(found) if isinstance(entry, tuple) else entry for entry in parsed])


def _parsed(text: str, path: str) -> tuple[str, str] | InvalidError:
    """The subject and the key in a global id, or the error that takes its node's place."""
    try:
        return parse_global_id(text, path=path)
    except InvalidError as error:
        return error
