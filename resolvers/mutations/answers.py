"""What all mutations share: their arguments, and answers that read what was written."""

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.reading.nodes import get_nodes
from graph.reading.tree import Node as NodeDict
from resolvers.base.context import Context
from resolvers.base.fields import prop
from resolvers.base.selection import selected_plan

IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        description="A name for this very request, up to 200 characters: sent again under it, the request counts once "
        "and gets the same answer. Keys never expire."
    ),
]
DryRun = Annotated[
    bool, strawberry.argument(description="Do everything but keep nothing, to see what the request would do.")
]


def envelope(answered: Answered) -> dict[str, Any]:
    """What every result says of its request."""
    return {
        "is_dry_run": answered.is_dry_run,
        "is_replayed": answered.is_replayed,
        "bookmark": answered.bookmark,
    }


async def read_written(
    info: Info[Context, Any], answered: Answered, asked: Sequence[tuple[str, str]], *path: str
) -> Sequence[NodeDict | None]:
    """
    Nodes as they are after the write, as far as they are selected; None for each that a dry run has not kept.

    Args:
        info: The mutation's field.
        answered: What was written.
        asked: Subject and id of each node.
        *path: The fields of the result that lead to the nodes.
    """
    plan = selected_plan(info, *path)
    if plan is None:
        return [None] * len(asked)
    await info.context.unit.read_after(answered.bookmark)
    return await get_nodes(info.context.unit, asked, plan)


@strawberry.interface(description="What a mutation did, or in a dry run would have done.")
class Written:
    """What a mutation did."""

    is_dry_run: bool = prop("Whether nothing was kept.")
    is_replayed: bool = prop("Whether the answer was there already, under the request's idempotency key.")
    bookmark: str | None = prop(
        "Stands for the graph after the write. Sent in the header Foregraph-Bookmark, it makes any server answer from "
        "then or later."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a result of this kind."""
        return bool(obj["__typename"] == cls.__name__)
