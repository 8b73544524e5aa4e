"""
Errors that this project raises on purpose, each with the code that clients see and the exit code of the console.

ForegraphError
├── ConfigurationError        a setting, a password or a path does not work; the operator must correct it
├── MigrationDriftError       the file of an applied migration has changed or is gone
├── UnavailableError          the database is out of reach; a retry may succeed
├── TimedOutError             a statement ran longer than the database allows
├── BusyError                 too much work is under way; a retry may succeed
├── BudgetError               the request reads more than its budget; carries both
├── RefusedError              the client can correct the request; carries the path of what is wrong
│   ├── NotFoundError         nothing has the given id
│   ├── NotOwnedError         what has the name belongs to another caller
│   ├── ConflictError         the write contradicts what is stored
│   ├── InvalidError          the input breaks a rule
│   ├── DuplicateError        the item is recorded already; carries its key
│   ├── KeyReusedError        the idempotency key belongs to another request
│   ├── ClosedClaimError      the claim is resolved or annulled; carries its status
│   ├── FutureObservationError  the observation lies in the future
│   ├── BeforeWindowError     the outcome lies before the claim's window opens
│   ├── UnlinkedPredictorError  the predictor did not make the claim
│   ├── OutsideKeyError       the caller's key is bound to other predictors or sources
│   ├── CycleError            the influence would close a cycle; carries the cycle's ids
│   ├── HistoryError          the change or deletion would lose recorded history
│   ├── OversizeError         the answer needs more than the limit; carries both
│   ├── StaleCursorError      the cursor belongs to an earlier state of the graph
│   ├── GoneEventError        what came after the event is not in the feed any more
│   ├── RefusedCypherError    the statement uses what is not allowed; carries its kind, its name and what to write
│   ├── CypherSyntaxError     the statement is not valid Cypher; carries line, column and the database's hint
│   ├── CypherFailedError     the statement failed while it ran, as by a division by zero
│   ├── StatementTimedOutError  the statement ran longer than it may
│   └── RefusedItemsError     several parts of the request are refused; carries each refusal
├── BundleError               the bundle has problems; carries all of them
└── ServerError               the embedded Neo4j cannot be installed or run
    ├── ArtifactError         a jar cannot be downloaded, or differs from its lock
    ├── AlreadyRunningError   another process holds the data directory
    └── StartupError          Neo4j did not become ready; carries the tail of its log

A further kind of refusal is one class here: its code, its docstring's first line and its `Annotated` attributes make
its GraphQL type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, get_args, get_origin, get_type_hints

MOST_TOLD: Final = 5
"""Refusals that the message about several repeats; all are listed beside it."""


class ForegraphError(Exception):
    """
    An error that this project raises on purpose.

    Attributes:
        code: The code that clients see.
        exit_code: The exit code of a command that ends with it.
        is_public: Whether clients see the error; all others are logged, and masked as `INTERNAL`.
        is_retryable: Whether the same request may succeed later.
    """

    code: ClassVar[str] = "INTERNAL"
    exit_code: ClassVar[int] = 1
    is_public: ClassVar[bool] = False
    is_retryable: ClassVar[bool] = False


class ConfigurationError(ForegraphError):
    """A setting, a password or a path does not work; the operator must correct it."""

    code = "CONFIGURATION"
    exit_code = 3


class MigrationDriftError(ForegraphError):
    """The file of an applied migration has changed or is gone, or a newer version has written the graph."""

    code = "MIGRATION_DRIFT"
    exit_code = 5


class UnavailableError(ForegraphError):
    """The database is out of reach; a retry may succeed."""

    code = "UNAVAILABLE"
    exit_code = 4
    is_public = True
    is_retryable = True


class TimedOutError(ForegraphError):
    """A statement ran longer than the database allows."""

    code = "TIMED_OUT"
    exit_code = 4
    is_public = True


class BusyError(ForegraphError):
    """Too much work is under way; a retry may succeed."""

    code = "BUSY"
    exit_code = 4
    is_public = True
    is_retryable = True


class BudgetError(ForegraphError):
    """
    The request reads more than its budget, and was stopped; it has to ask for less.

    Attributes:
        size: The amount read until it was stopped, in the unit that the message names.
        limit: The largest amount allowed, in the same unit.
    """

    code = "TOO_EXPENSIVE"
    is_public = True

    def __init__(self, message: str, *, size: int, limit: int) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit


class RefusedError(ForegraphError):
    """
    The client can correct the request; nothing of it was written.

    Attributes:
        path: What is wrong in the input, by property, such as `items[3].observed_at`; empty for the whole of it.
    """

    code = "REFUSED"
    is_public = True

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path


class NotFoundError(RefusedError):
    """Nothing has the given id."""

    code = "NOT_FOUND"


class NotOwnedError(RefusedError):
    """It belongs to another caller."""

    code = "FORBIDDEN"


class ConflictError(RefusedError):
    """The write contradicts what is stored."""

    code = "CONFLICT"


class InvalidError(RefusedError):
    """The input breaks a rule."""

    code = "INVALID"
    exit_code = 2


class DuplicateError(RefusedError):
    """The item is recorded already and counts once."""

    code = "DUPLICATE"
    existing_key: Annotated[
        str | None, "The key of the recorded item; null if it is another item of the same request that is not recorded."
    ]

    def __init__(self, message: str, *, existing_key: str | None, path: str = "") -> None:
        super().__init__(message, path=path)
        self.existing_key = existing_key


class KeyReusedError(RefusedError):
    """The idempotency key belongs to another request."""

    code = "KEY_REUSED"


class ClosedClaimError(RefusedError):
    """The claim is resolved or annulled and takes no more evidence."""

    code = "CLAIM_CLOSED"
    status: Annotated[str, "The claim's status."]
    resolved_at: Annotated[datetime | None, "The moment of its resolution or annulment, if known."]

    def __init__(self, message: str, *, status: str, resolved_at: datetime | None, path: str = "") -> None:
        super().__init__(message, path=path)
        self.status = status
        self.resolved_at = resolved_at


class FutureObservationError(RefusedError):
    """The observation lies in the future."""

    code = "FUTURE_OBSERVATION"


class BeforeWindowError(RefusedError):
    """The outcome lies before the claim's window opens, which has to be accepted."""

    code = "BEFORE_WINDOW"


class UnlinkedPredictorError(RefusedError):
    """The predictor did not make the claim that the evidence bears on."""

    code = "PREDICTOR_NOT_LINKED"


class OutsideKeyError(RefusedError):
    """The caller's key is bound to other predictors or sources."""

    code = "OUTSIDE_KEY"


class CycleError(RefusedError):
    """The influence would close a cycle."""

    code = "CYCLE_REFUSED"
    cycle: Annotated[list[str], "The keys of the claims along the cycle, the first repeated at the end."]

    def __init__(self, message: str, *, cycle: Sequence[str], path: str = "") -> None:
        super().__init__(message, path=path)
        self.cycle = list(cycle)


class HistoryError(RefusedError):
    """The change or deletion would lose recorded history."""

    code = "HISTORY_WOULD_BE_LOST"


class OversizeError(RefusedError):
    """The answer needs more than the limit allows."""

    code = "TOO_LARGE"
    size: Annotated[int, "The amount that the answer needs, in the unit that the message names."]
    limit: Annotated[int, "The largest amount allowed, in the unit that the message names."]

    def __init__(self, message: str, *, size: int, limit: int, path: str = "") -> None:
        super().__init__(message, path=path)
        self.size = size
        self.limit = limit


class StaleCursorError(RefusedError):
    """The cursor belongs to an earlier state of the graph, and its list has been computed anew since."""

    code = "STALE_CURSOR"


class GoneEventError(RefusedError):
    """The events after this one are not in the feed any more: it was removed by age, or the graph is another one."""

    code = "EVENT_GONE"


class RefusedCypherError(RefusedError):
    """The statement uses what is not allowed in statements of analysts."""

    code = "CYPHER_REFUSED"
    exit_code = 2
    kind: Annotated[str, "Kind of what is refused: OPERATOR, PROCEDURE, FUNCTION, EXPRESSION or STATEMENT."]
    name: Annotated[str, "The operator, procedure, function or expression that is refused."]
    hint: Annotated[str, "An alternative to write."]

    def __init__(self, message: str, *, kind: str, name: str, hint: str, path: str = "statement") -> None:
        super().__init__(message, path=path)
        self.kind = kind
        self.name = name
        self.hint = hint


class CypherSyntaxError(RefusedError):
    """The statement is not valid Cypher."""

    code = "CYPHER_SYNTAX"
    exit_code = 2
    line: Annotated[int | None, "Line of the error in the statement, from 1, if known."]
    column: Annotated[int | None, "Column of the error in that line, from 1, if known."]
    hint: Annotated[str, "The database's own explanation."]

    def __init__(self, hint: str, *, line: int | None, column: int | None, path: str = "statement") -> None:
        super().__init__(hint if line is None else f"line {line}, column {column}: {hint}", path=path)
        self.line = line
        self.column = column
        self.hint = hint


class CypherFailedError(RefusedError):
    """The statement failed while it ran."""

    code = "CYPHER_FAILED"
    exit_code = 2


class StatementTimedOutError(RefusedError):
    """The statement ran longer than its time, or needed more memory than it may have."""

    code = "CYPHER_STOPPED"
    exit_code = 4


class RefusedItemsError(RefusedError):
    """Several parts of the request are refused; nothing was written."""

    code = "BATCH_REFUSED"
    refusals: Annotated[list[RefusedError], "The refusals, one for each fault."]

    def __init__(self, refusals: Sequence[RefusedError]) -> None:
        told = [str(refusal) for refusal in refusals[:MOST_TOLD]]
        if len(refusals) > MOST_TOLD:
            told.append(f"and {len(refusals) - MOST_TOLD} more")
        super().__init__(f"{_count_refused(refusals)} refused, nothing was written: {'; '.join(told)}")
        self.refusals = list(refusals)


def _count_refused(refusals: Sequence[RefusedError]) -> str:
    """Say how many items are refused, and with how many faults where some have several."""
    items = {refusal.path[: refusal.path.find("]") + 1] for refusal in refusals}
    if "" in items or len(items) == len(refusals):  # a fault without an index is one of a part
        return counted(len(refusals), "item")
    return f"{counted(len(items), 'item')} with {len(refusals)} faults"


@dataclass(frozen=True, slots=True)
class RefusalField:
    """A field that a kind of refusal carries besides its message and path: its type, and its public description."""

    type: Any
    description: str


def refusal_fields(kind: type[RefusedError]) -> Mapping[str, RefusalField]:
    """The fields of a kind of refusal, by name: its `Annotated` attributes."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: RefusalField(*get_args(hint)) for name, hint in hints.items() if get_origin(hint) is Annotated}


def refusal_kinds(kind: type[RefusedError] = RefusedError) -> list[type[RefusedError]]:
    """Every kind of refusal below a kind, in the order of their declaration."""
    return [found for below in kind.__subclasses__() for found in (below, *refusal_kinds(below))]


def refuse(refusals: Sequence[RefusedError]) -> None:
    """
    Raise the refusals of a request, if there are any.

    Raises:
        RefusedError: There is one.
        RefusedItemsError: There are several.
    """
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise RefusedItemsError(refusals)


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a bundle: its path, such as `predictions[3].deadline`, and what was expected."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class BundleError(ForegraphError):
    """The bundle has problems, all of which are listed; nothing was imported."""

    code = InvalidError.code
    exit_code = 2
    is_public = True

    def __init__(self, problems: Sequence[Problem], *, what: str = "the bundle", done: str = "imported") -> None:
        count = counted(len(problems), "problem")
        super().__init__(f"{what} has {count}, nothing was {done}:\n" + "\n".join(f"  {p}" for p in problems))
        self.problems = tuple(problems)


class ServerError(ForegraphError):
    """The embedded Neo4j cannot be installed or run."""

    code = "SERVER"
    exit_code = 6


class ArtifactError(ServerError):
    """A jar cannot be downloaded, or differs from its lock."""

    code = "ARTIFACT"


class AlreadyRunningError(ServerError):
    """Another process holds the data directory."""

    code = "ALREADY_RUNNING"


class StartupError(ServerError):
    """Neo4j did not become ready; the message carries the tail of its log."""

    code = "STARTUP"


def counted(number: int, word: str) -> str:
    """A number with its noun: `1 item`, `2 items`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
