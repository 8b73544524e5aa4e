"""The decorator of every mutation, and answers that read back what was written."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Annotated, Any, TypedDict

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.errors import ConflictError, InvalidError, KeyReusedError, RefusedError
from graph.reading.nodes import get_nodes
from graph.reading.tree import Node as NodeDict
from resolvers.base.answers import Refuse, Shown, answering, with_signature
from resolvers.base.context import Context
from resolvers.base.described import description_of, interface_type
from resolvers.base.fields import prop
from resolvers.base.input_names import NO_NAMES, Names
from resolvers.base.refusals import REFUSAL_TYPES, refused
from resolvers.base.selection import selected_plan

IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        description="A unique name for this request, up to 200 characters. Repeated under the same key, the "
        "request has no further effect and gets the same answer. Keys never expire."
    ),
]
DryRun = Annotated[
    bool,
    strawberry.argument(description="Whether to keep nothing, so that the answer shows what the request would do."),
]


_ARGUMENTS = ("input", "dryRun", "idempotencyKey")
"""The arguments of every mutation."""

EVERY_WRITE: tuple[type[RefusedError], ...] = (InvalidError, ConflictError, KeyReusedError)
"""The refusals of any write: its input, another write at the same time, its idempotency key."""

Wrote = tuple[Answered, Shown]
"""The graph's answer to a write, and the mutation's result, to which the envelope is added."""

Work = Callable[..., Awaitable[Wrote]]
"""A mutation: a function of its own arguments and `**options: Unpack[WriteOptions]`."""


class WriteOptions(TypedDict):
    """
    The options that every write of the graph takes, from the arguments that every mutation has.

    Attributes:
        idempotency_key: Identifies retries; None for a request without retries.
        is_dry_run: Whether nothing is kept.
    """

    idempotency_key: str | None
    is_dry_run: bool


def write(
    result: type,
    *,
    refused_by: Sequence[type[RefusedError]] = (),
    answer: str,
    names: Names = NO_NAMES,
    more_refusals: Sequence[type] = (),
    refuse: Refuse | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Work], Any]:
    """
    Make a mutation of a function: adds the arguments of every write, the union of its answers, and the envelope.

    The function's docstring is the description of the field.

    Args:
        result: The GraphQL type of the result.
        refused_by: The refusals that its union names besides those of every write.
        answer: The description of the union.
        names: Names of arguments that do not follow from the property.
        more_refusals: GraphQL types of refusals without an error class in the graph.
        refuse: Shows a refusal where `more_refusals` are to be shown.
        metadata: The field's.
    """
    show = refuse or partial(refused, names=names)
    refusals = [*(REFUSAL_TYPES[kind] for kind in (*EVERY_WRITE, *refused_by)), *more_refusals]

    def decorate(work: Work) -> Any:
        @wraps(work)
        async def enveloped(
            *args: Any, idempotency_key: str | None = None, dry_run: bool = False, **arguments: Any
        ) -> Shown:
            options = WriteOptions(idempotency_key=idempotency_key, is_dry_run=dry_run)
            answered, shown = await work(*args, **arguments, **options)
            if not answered.is_dry_run:
                arguments["info"].context.service.note_write()
            return {**shown, **_envelope(answered)}

        resolve = answering(
            with_signature(enveloped, _with_arguments(inspect.signature(work))),
            result,
            refusals,
            answer,
            refuse=lambda error: _within_input(show(error)),
            suffix="Payload",
        )
        return strawberry.mutation(resolver=resolve, description=description_of(work), metadata=metadata)

    return decorate


def _with_arguments(signature: inspect.Signature) -> inspect.Signature:
    """A mutation's signature with the arguments of every write in the place of its options."""
    own = [entry for entry in signature.parameters.values() if entry.kind is not inspect.Parameter.VAR_KEYWORD]
    added = [
        inspect.Parameter("idempotency_key", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=IdempotencyKey),
        inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=DryRun),
    ]
    return signature.replace(parameters=[*own, *added])


def _within_input(refusal: Shown) -> Shown:
    """A refusal whose path begins with the argument; one that the graph made begins with a property of the input."""
    path = refusal["path"]
    within = path if path is None or path[0] in _ARGUMENTS else ["input", *path]
    parts = {"refusals": [_within_input(part) for part in refusal["refusals"]]} if "refusals" in refusal else {}
    return {**refusal, **parts, "path": within}


def _envelope(answered: Answered) -> Shown:
    """The fields that every result has."""
    return {
        "is_dry_run": answered.is_dry_run,
        "is_replayed": answered.is_replayed,
        "bookmark": answered.bookmark,
    }


async def read_written(
    info: Info[Context, Any], answered: Answered, asked: Sequence[tuple[str, str]], *path: str
) -> Sequence[NodeDict | None]:
    """
    Read nodes after a write, as far as they are selected; None for a node that a dry run has not kept.

    Args:
        info: The mutation's field.
        answered: The graph's answer to the write.
        asked: Subject and id of each node.
        *path: The fields of the result that lead to the nodes.
    """
    plan = selected_plan(info, *path)
    if plan is None:
        return [None] * len(asked)
    await info.context.unit.read_after(answered.bookmark)
    return await get_nodes(info.context.unit, asked, plan)


@interface_type
class Written:
    """Result of a mutation; in a dry run, the result that it would have."""

    is_dry_run: bool = prop("Whether it was a dry run, of which nothing is kept.")
    is_replayed: bool = prop("Whether this is the stored answer to an earlier request with the same idempotency key.")
    bookmark: str | None = prop(
        "Token for the state of the graph after the write. Sent in the header Foregraph-Bookmark, "
        "it makes any replica answer from this state or a later one."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a result of this kind."""
        return bool(obj["__typename"] == cls.__name__)
