"""Fields that answer with a union: the result, or the reason for a refusal."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import wraps
from typing import Annotated, Any, Union

import strawberry

from graph.errors import BundleError, RefusedError
from resolvers.base.described import description_of
from resolvers.base.refusals import REFUSAL_TYPES, refused

Shown = dict[str, Any]
"""A result in the response's shape, without its `__typename`."""

Refuse = Callable[[RefusedError | BundleError], Shown]


class ArgumentGroup:
    """
    Arguments of fields that belong together: a frozen dataclass of them is one parameter of a field's function.

    Each of its fields is an argument of the GraphQL field, so that fields that ask for the same declare it once.
    """


def question(
    result: type,
    *,
    refused_by: Sequence[type[RefusedError]],
    answer: str,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Awaitable[Shown]]], Any]:
    """
    Make a query of a function that returns a result in the response's shape, or raises a refusal.

    Its docstring is the description of the field.

    Args:
        result: The GraphQL type of the result.
        refused_by: The refusals that its union names.
        answer: The description of its union.
        metadata: The field's.
    """

    def decorate(work: Callable[..., Awaitable[Shown]]) -> Any:
        return strawberry.field(
            resolver=answering(work, result, [REFUSAL_TYPES[kind] for kind in refused_by], answer),
            description=description_of(work),
            metadata=metadata,
        )

    return decorate


def answering(
    work: Callable[..., Awaitable[Shown]],
    result: type,
    refusals: Sequence[type],
    description: str,
    *,
    refuse: Refuse = refused,
    suffix: str = "Answer",
) -> Callable[..., Awaitable[Shown]]:
    """
    Make a resolver of a function: its arguments, and a union as its type, such as `WhatIfAnswer`.

    A refusal that the union does not name is raised, which puts it among the response's errors.

    Args:
        work: Returns the result, or raises a refusal; it may take groups of arguments.
        result: The GraphQL type of the result.
        refusals: The GraphQL types of the refusals.
        description: The description of the union.
        refuse: Shows a refusal, with its `__typename`.
        suffix: Added to the field's name, gives that of the union.
    """
    named = {kind.__name__ for kind in refusals}
    signature = inspect.signature(work)
    groups = {entry.name: entry.annotation for entry in signature.parameters.values() if _is_group(entry)}

    @wraps(work)
    async def resolve(*args: Any, **arguments: Any) -> Shown:
        for name, kind in groups.items():
            own = [entry.name for entry in fields(kind) if entry.name in arguments]
            arguments[name] = kind(**{entry: arguments.pop(entry) for entry in own})
        try:
            return {**await work(*args, **arguments), "__typename": result.__name__}
        except (RefusedError, BundleError) as error:
            refusal = refuse(error)
            if refusal["__typename"] not in named:
                raise
            return refusal

    union = _make_union(f"{_camel_case(work.__name__)}{suffix}", (result, *refusals), description)
    parameters = [shown for entry in signature.parameters.values() for shown in _shown_parameters(entry)]
    return with_signature(resolve, inspect.Signature(parameters, return_annotation=union))


def _is_group(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and issubclass(parameter.annotation, ArgumentGroup)


def _shown_parameters(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    """Yield a parameter of a function as the field shows it: for a group of arguments each of them."""
    if not _is_group(parameter):
        yield parameter
        return
    for entry in fields(parameter.annotation):
        default = inspect.Parameter.empty if entry.default is MISSING else entry.default
        yield inspect.Parameter(entry.name, parameter.kind, default=default, annotation=entry.type)


def keywords(arguments: Mapping[str, Any], default: Any = strawberry.UNSET) -> list[inspect.Parameter]:
    """Return parameters by name that need not be given."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation in arguments.items()
    ]


def with_signature(
    resolve: Callable[..., Awaitable[Shown]], signature: inspect.Signature
) -> Callable[..., Awaitable[Shown]]:
    """Set the signature of a resolver, from which strawberry takes arguments and type."""
    vars(resolve)["__signature__"] = signature
    return resolve


def _make_union(name: str, kinds: tuple[type, ...], description: str) -> Any:
    members: Any = Union[kinds]  # noqa: UP007 - a union of types that are known only now
    return Annotated[members, strawberry.union(name, description=description)]


def _camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
