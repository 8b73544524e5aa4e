"""Queries that read the graph from an anchor: a function from their arguments to the anchor is all that they are."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import strawberry
from strawberry.types import Info

from graph.reading.anchors import Anchor, ListAnchor
from resolvers.base.answers import with_signature
from resolvers.base.context import Context
from resolvers.base.described import description_of
from resolvers.base.selection import connection_plan, plan_of


@dataclass(frozen=True, slots=True)
class Anchored:
    """
    Metadata of a query that reads from an anchor.

    Attributes:
        anchor: Makes the anchor of the query's arguments, by their Python names; raises `InvalidError`.
    """

    anchor: Callable[..., Anchor]


def anchored(anchor: Callable[..., Anchor], answer: Any, **metadata: Any) -> Any:
    """
    Make a query of a function that returns the anchor of its arguments.

    Its docstring is the description of the field.

    Args:
        anchor: The function, which raises `InvalidError` for a wrong argument.
        answer: The GraphQL type of the field: of a node, or a connection.
        **metadata: Further metadata of the field.
    """

    async def resolve(root: Any, info: Info[Context, Any], **arguments: Any) -> Any:
        found = anchor(**arguments)
        plan, wants_total = connection_plan(info) if isinstance(found, ListAnchor) else (plan_of(info), False)
        return await found.read(info.context.unit, plan, wants_total=wants_total)

    of_all_resolvers = list(inspect.signature(resolve).parameters.values())[:2]
    given = inspect.signature(anchor).parameters.values()
    update_wrapper(resolve, anchor)
    signature = inspect.Signature([*of_all_resolvers, *given], return_annotation=answer)
    return strawberry.field(
        resolver=with_signature(resolve, signature),
        description=description_of(anchor),
        metadata={"anchored": Anchored(anchor), **metadata},
    )
