"""Refusals: a GraphQL type for each kind of refused request, and their form in responses."""

from collections.abc import Mapping
from typing import Any

from graph.errors import (
    BundleError,
    InvalidError,
    RefusedError,
    RefusedItemsError,
    refusal_fields,
    refusal_kinds,
)
from resolvers.base.described import interface_type, object_type, summary_of
from resolvers.base.enums import ClaimStatus, ErrorCode
from resolvers.base.fields import prop
from resolvers.base.input_names import NO_NAMES, Names, input_path, input_words, path_steps
from resolvers.base.scalars import Int64, Moment


@interface_type
class UserError:
    """A refused request, which the client can correct; nothing was written."""

    code: ErrorCode = prop("Kind of refusal, such as NOT_FOUND.")
    message: str = prop("Explanation of what is wrong and, where possible, what to do.")
    path: list[str] | None = prop(
        "Steps to the argument or input field at fault, such as `input` and `deadline`; indices of lists are decimal "
        "numbers. Null if no single one is at fault."
    )
    is_retryable: bool = prop("Whether the same request may succeed later, unchanged.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a refusal of this kind."""
        return bool(obj["__typename"] == cls.__name__)


# The GraphQL types of fields that have another type in the graph.
FIELD_TYPES: Mapping[str, Any] = {
    "status": ClaimStatus,
    "resolved_at": Moment | None,
    "refusals": list[UserError],
    "size": Int64,
    "limit": Int64,
}


def type_name(kind: type[RefusedError]) -> str:
    """The GraphQL type of a kind of refusal: its code in camel case, such as `NotFound`."""
    return "".join(part.capitalize() for part in kind.code.split("_"))


def _make_type(kind: type[RefusedError]) -> type[UserError]:
    fields = refusal_fields(kind)
    members: dict[str, Any] = {name: prop(field.description) for name, field in fields.items()}
    members["__annotations__"] = {name: FIELD_TYPES.get(name, field.type) for name, field in fields.items()}
    made = type(type_name(kind), (UserError,), {**members, "__module__": __name__, "__doc__": summary_of(kind)})
    return object_type(made)


REFUSAL_TYPES: Mapping[type[RefusedError], type[UserError]] = {kind: _make_type(kind) for kind in refusal_kinds()}


def refused(error: RefusedError | BundleError, names: Names = NO_NAMES) -> dict[str, Any]:
    """
    A refusal in the response's shape.

    Args:
        error: The refusal, which names properties of the graph.
        names: Names of inputs that do not follow from the property.
    """
    if isinstance(error, BundleError):
        return _refused_problems(error, names)
    fields = {name: getattr(error, name) for name in refusal_fields(type(error))}
    if isinstance(error, RefusedItemsError):
        fields["refusals"] = [refused(refusal, names) for refusal in error.refusals]
    return {**_refusal(type(error), input_words(error.message, names), input_path(error.path, names)), **fields}


def _refused_problems(error: BundleError, names: Names) -> dict[str, Any]:
    """The problems of rows that a mutation would write."""
    refusals = [
        _refusal(InvalidError, input_words(problem.message, names), input_path(problem.path, names))
        for problem in error.problems
    ]
    if len(refusals) == 1:
        return refusals[0]
    message = f"the request has {len(refusals)} problems, nothing was written"
    return {**_refusal(RefusedItemsError, message, ""), "refusals": refusals}


def _refusal(kind: type[RefusedError], message: str, path: str) -> dict[str, Any]:
    return {
        "__typename": type_name(kind),
        "code": ErrorCode(kind.code),
        "message": message,
        "path": path_steps(path),
        "is_retryable": kind.is_retryable,
    }
