"""Nodes by id, lists of all of one subject, and full-text search over all of them."""

from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.model.subjects import NODE_LISTS, SUBJECTS, NodeList
from graph.reading.nodes import get_nodes, list_nodes
from graph.reading.search import search
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.enums import Subject
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
from resolvers.base.selection import connection_plan, plan_of
from resolvers.types.subjects import SUBJECT_TYPES

ClassT = TypeVar("ClassT", bound=type)

GlobalId = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
IdOrKey = Annotated[
    strawberry.ID, strawberry.argument(description="A global id, or the key as it stands in the graph.")
]


def nodes_by_subject(kind: ClassT) -> ClassT:
    """Decorates the class of the queries: it gets one for a node of each subject, and one for all of its nodes."""
    for listed in NODE_LISTS:
        if listed.is_subject:
            setattr(kind, listed.noun.replace(" ", "_"), _one_field(listed))
        # Nodes that belong to another are listed there, and predictions have filters.
        if listed.is_subject and listed.owner is None and listed.name != "predictions":
            setattr(kind, listed.name, _list_field(listed))
    return object_type(kind)


def _one_field(listed: NodeList) -> Any:
    async def get_one(self: Any, info: Info[Context, Any], id: IdOrKey) -> Any:
        return (await get_nodes(info.context.unit, [parse_id(id, listed.label)], plan_of(info)))[0]

    get_one.__annotations__["return"] = SUBJECT_TYPES[listed.label] | None
    get_one.__doc__ = f"The {listed.noun} with an id or key; null where there is none."
    return field(get_one)


def _list_field(listed: NodeList) -> Any:
    async def list_all(
        self: Any, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Any:
        plan, wants_total = connection_plan(info)
        cursor = None if after is None else decode_cursor(after, path="after")
        size = page_size(first)
        unit = info.context.unit
        return await list_nodes(unit, listed.label, first=size, after=cursor, plan=plan, wants_total=wants_total)

    connection: Any = Connection
    list_all.__annotations__["return"] = connection[SUBJECT_TYPES[listed.label]]
    list_all.__doc__ = f"All {listed.name.replace('_', ' ')} by key."
    return field(list_all)


@nodes_by_subject
class NodeQueries:
    """Queries of nodes by id, of all nodes of a subject, and by text."""

    @field
    async def node(self, info: Info[Context, Any], id: GlobalId) -> Node | None:
        """Any node by its global id; null where there is none."""
        return shown((await get_nodes(info.context.unit, [parse_global_id(id)], plan_of(info)))[0])

    @field
    async def nodes(
        self,
        info: Info[Context, Any],
        ids: Annotated[list[strawberry.ID], strawberry.argument(description=f"Global ids, at most {MAX_PAGE_SIZE}.")],
    ) -> list[Node | None]:
        """Nodes by their global ids, in the order of the ids; an unknown id gives null."""
        if len(ids) > MAX_PAGE_SIZE:
            message = f"expected at most {MAX_PAGE_SIZE} ids, got {len(ids)}"
            raise InvalidError(message, path="ids")
        asked = [parse_global_id(text, path=f"ids[{index}]") for index, text in enumerate(ids)]
        return shown(await get_nodes(info.context.unit, asked, plan_of(info)))

    @field
    async def search(
        self,
        info: Info[Context, Any],
        text: Annotated[str, strawberry.argument(description="Words.")],
        subjects: Annotated[
            list[Subject] | None,
            strawberry.argument(description="Only nodes of these subjects; all that have texts when absent."),
        ] = None,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
    ) -> Connection[Node]:
        """
        The nodes in whose texts every one of these words occurs, the best match first; the last word may be the
        beginning of one.

        Looks at the ten thousand best matches.
        """
        labels = list(SUBJECTS) if subjects is None else [subject.value for subject in subjects]
        cursor = None if after is None else decode_cursor(after, path="after")
        plan, _ = connection_plan(info)
        return shown(
            await search(info.context.unit, text, subjects=labels, first=page_size(first), after=cursor, plan=plan)
        )
