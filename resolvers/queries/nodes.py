"""Queries for nodes by id and by subject."""

from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, NODE_LISTS, NodeList
from graph.reading.anchors import OneNode
from graph.reading.nodes import get_nodes
from resolvers.base.anchored import anchored
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.extents import Arguments, Extent, extent, length
from resolvers.base.fields import shown
from resolvers.base.relay import MAX_PAGE_SIZE, Node, parse_global_id, parse_id, parse_key
from resolvers.base.selection import plan_of
from resolvers.types.claims import Claim
from resolvers.types.subjects import SUBJECT_TYPES

ClassT = TypeVar("ClassT", bound=type)

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="Global id.")]
IdOrKey = Annotated[strawberry.ID, strawberry.argument(description="Global id or key.")]


def nodes_by_subject(kind: ClassT) -> ClassT:
    """Adds a query for each subject to a class: one node by its id."""
    for listed in NODE_LISTS:
        if listed.is_subject:
            setattr(kind, _query_name(listed), _one_field(listed))
    return object_type(kind)


def _one_field(listed: NodeList) -> Any:
    def get_one(id: IdOrKey) -> OneNode:
        return OneNode(*parse_id(id, listed.label))

    get_one.__doc__ = f"The {listed.noun} with this id or key. An unknown id returns null."
    return anchored(get_one, SUBJECT_TYPES[listed.label] | None)


def _query_name(listed: NodeList) -> str:
    """The name of the query of one node; `evidence` is the list, as the word has no plural."""
    name = listed.noun.replace(" ", "_")
    return f"{name}_row" if name == listed.name else name


def _find_claim(id: IdOrKey) -> OneNode:
    """The prediction, scenario or killer with this id or key. An unknown id returns null."""
    key = parse_key(id, *CLAIM_SUBJECTS)
    return OneNode(CLAIM, key)


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
    claim: Claim | None = anchored(_find_claim, Claim | None)

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
