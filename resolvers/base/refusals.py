"""Refusals: the types by which mutations and questions say what the client can mend."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from graph.errors import BundleError, InvalidError, RefusedError, RefusedItemsError, refusal_fields
from resolvers.base.enums import ClaimStatus
from resolvers.base.fields import prop
from resolvers.base.input_names import NO_NAMES, Names, input_path, input_words
from resolvers.base.scalars import Moment


@strawberry.interface(description="Why a mutation was refused, for the client to mend. Nothing was written.")
class UserError:
    """Why a mutation was refused."""

    code: str = prop("What kind of refusal it is, in capitals.")
    message: str = prop("What was expected and what came.")
    path: str | None = prop("Where in the input it is, where one place can be named.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a refusal of this kind."""
        return bool(obj["__typename"] == cls.__name__)


@strawberry.type(description="What was named by id is not there.")
class NotFound(UserError):
    """What was named by id is not there."""


@strawberry.type(description="Input that breaks a rule.")
class Invalid(UserError):
    """Input that breaks a rule."""


@strawberry.type(description="What is stored already stands against the write.")
class Conflict(UserError):
    """What is stored already stands against the write."""


@strawberry.type(description="It is there already, and counts once.")
class Duplicate(UserError):
    """It is there already."""

    existing_key: str = prop("The key of what is there.")


@strawberry.type(description="An idempotency key that stands for another request.")
class KeyReused(UserError):
    """An idempotency key that stands for another request."""


@strawberry.type(description="A claim whose outcome is known, or that was annulled, takes no more evidence.")
class ClaimClosed(UserError):
    """A claim whose outcome is known, or that was annulled."""

    status: ClaimStatus = prop("What became of it.")
    resolved_at: Moment | None = prop("When.")


@strawberry.type(description="An observation of what has not come yet.")
class FutureObservation(UserError):
    """An observation of what has not come yet."""


@strawberry.type(description="A predictor who did not make the claim that the evidence is on.")
class PredictorNotLinked(UserError):
    """A predictor who did not make the claim."""


@strawberry.type(description="An influence that would close a cycle.")
class CycleRefused(UserError):
    """An influence that would close a cycle."""

    cycle: list[str] = prop("The keys of the claims along it, the first repeated at the end.")


@strawberry.type(description="A change or a deletion by which history would be lost.")
class HistoryWouldBeLost(UserError):
    """A change or a deletion by which history would be lost."""


@strawberry.type(description="A sound question whose answer needs more than is allowed.")
class TooLarge(UserError):
    """A sound question whose answer needs more than is allowed."""

    size: float = prop("What it needs.")
    limit: float = prop("What is allowed, in the same unit, which the message says.")


@strawberry.type(description="A request of which nothing was written, since several things were wrong with it.")
class BatchRefused(UserError):
    """A request of which nothing was written."""

    refusals: list[UserError] = prop("What was wrong, one by one.")


USER_ERRORS = (
    NotFound,
    Invalid,
    Conflict,
    Duplicate,
    KeyReused,
    ClaimClosed,
    FutureObservation,
    PredictorNotLinked,
    CycleRefused,
    HistoryWouldBeLost,
    TooLarge,
    BatchRefused,
)


def refused(error: RefusedError, names: Names = NO_NAMES) -> dict[str, Any]:
    """
    A refusal as the response holds it.

    Args:
        error: The refusal, which speaks of properties.
        names: The input names of properties whose input is not simply named after them.
    """
    fields = {name: getattr(error, name) for name in refusal_fields(type(error))}
    if isinstance(error, RefusedItemsError):
        fields["refusals"] = [refused(refusal, names) for refusal in error.refusals]
    return {**_refusal(type(error), input_words(error.message, names), input_path(error.path, names)), **fields}


def refused_problems(error: BundleError) -> dict[str, Any]:
    """The problems of rows that a mutation would write; they speak of properties, as a bundle does."""
    refusals = [_refusal(InvalidError, problem.message, problem.path) for problem in error.problems]
    if len(refusals) == 1:
        return refusals[0]
    message = f"{len(refusals)} problems, nothing was written"
    return {**_refusal(RefusedItemsError, message, ""), "refusals": refusals}


def type_name(kind: type[RefusedError]) -> str:
    """The GraphQL type of a kind of refusal: its code in camel case, such as `NotFound`."""
    return "".join(part.capitalize() for part in kind.code.split("_"))


def _refusal(kind: type[RefusedError], message: str, path: str) -> dict[str, Any]:
    return {"__typename": type_name(kind), "code": kind.code, "message": message, "path": path or None}


async def answer_or_refusal(work: Callable[[], Awaitable[dict[str, Any]]], names: Names = NO_NAMES) -> dict[str, Any]:
    """The result of a mutation or a question, or why it was refused."""
    try:
        return await work()
    except RefusedError as error:
        return refused(error, names)
    except BundleError as error:
        return refused_problems(error)
