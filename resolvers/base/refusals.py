"""Refusals: the types by which mutations and questions say what the client can mend."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry

from graph.errors import (
    BundleError,
    ClosedClaimError,
    ConflictError,
    CycleError,
    DuplicateError,
    FutureObservationError,
    HistoryError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    OversizeError,
    RefusedError,
    RefusedItemsError,
    UnlinkedPredictorError,
)
from resolvers.base.enums import ClaimStatus
from resolvers.base.fields import prop
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
# The GraphQL type and the code of each refusal.
REFUSALS: Mapping[type[RefusedError], tuple[str, str]] = {
    NotFoundError: ("NotFound", "NOT_FOUND"),
    InvalidError: ("Invalid", "INVALID"),
    ConflictError: ("Conflict", "CONFLICT"),
    DuplicateError: ("Duplicate", "DUPLICATE"),
    KeyReusedError: ("KeyReused", "KEY_REUSED"),
    ClosedClaimError: ("ClaimClosed", "CLAIM_CLOSED"),
    FutureObservationError: ("FutureObservation", "FUTURE_OBSERVATION"),
    UnlinkedPredictorError: ("PredictorNotLinked", "PREDICTOR_NOT_LINKED"),
    CycleError: ("CycleRefused", "CYCLE_REFUSED"),
    HistoryError: ("HistoryWouldBeLost", "HISTORY_WOULD_BE_LOST"),
    OversizeError: ("TooLarge", "TOO_LARGE"),
    RefusedItemsError: ("BatchRefused", "BATCH_REFUSED"),
}


def refused(error: RefusedError) -> dict[str, Any]:
    """A refusal as the response holds it."""
    name, code = REFUSALS[type(error)]
    shown = {"__typename": name, "code": code, "message": error.message, "path": error.path or None}
    match error:
        case DuplicateError():
            return shown | {"existing_key": error.existing_id}
        case ClosedClaimError():
            return shown | {"status": ClaimStatus(error.status), "resolved_at": error.resolved_at}
        case CycleError():
            return shown | {"cycle": list(error.cycle)}
        case OversizeError():
            return shown | {"size": error.size, "limit": error.limit}
        case RefusedItemsError():
            return shown | {"message": str(error), "refusals": [refused(refusal) for refusal in error.refusals]}
        case _:
            return shown


async def answer_or_refusal(work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """What a mutation answers: its result, or why it was refused."""
    try:
        return await work()
    except RefusedError as error:
        return refused(error)
    except BundleError as error:
        return refused_problems(error)


def refused_problems(error: BundleError) -> dict[str, Any]:
    """Everything wrong with the rows that a mutation would write."""
    first = error.problems[0]
    if len(error.problems) == 1:
        return {"__typename": "Invalid", "code": "INVALID", "message": first.message, "path": first.path or None}
    refusals = [
        {"__typename": "Invalid", "code": "INVALID", "message": problem.message, "path": problem.path or None}
        for problem in error.problems
    ]
    message = f"{len(refusals)} problems, nothing was written"
    return {
        "__typename": "BatchRefused",
        "code": "BATCH_REFUSED",
        "message": message,
        "path": None,
        "refusals": refusals,
    }
