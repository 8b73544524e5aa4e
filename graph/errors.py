"""
What can go wrong in the graph, for whoever calls it.

ForegraphError
├── ConfigurationError        a setting, a password or a place that cannot work; mended by the operator
├── MigrationDriftError       an applied migration's file is no longer what was applied
├── UnavailableError          the database cannot be reached now; trying again later may help
├── TimedOutError             the database gave up on a statement that took too long
├── BusyError                 too much is under way; trying again later may help
├── RefusedError              a request that the client can mend; carries where it is wrong
│   ├── NotFoundError         what was asked for by id is not there
│   ├── ConflictError         what is stored already stands against the write
│   ├── InvalidError          input that breaks a rule; says what was expected and what came
│   ├── DuplicateError        it is there already; carries the id
│   ├── KeyReusedError        an idempotency key that stands for another request
│   ├── ClosedClaimError      a claim that is resolved or annulled takes no more evidence
│   ├── FutureObservationError  nobody can have observed it yet
│   ├── UnlinkedPredictorError  the predictor did not make the claim
│   ├── CycleError            an influence that would close a cycle; carries the cycle's ids
│   ├── HistoryError          a change or deletion that would lose history
│   ├── OversizeError         a question that needs more than the limit; carries both
│   └── RefusedItemsError     a batch of which some items were refused; carries all of the refusals
├── BundleError               a bundle with problems; carries all of them
└── ServerError               the embedded Neo4j
    ├── ArtifactError         a jar cannot be had, or is not what the lock says
    ├── AlreadyRunningError   another process holds the data directory
    └── StartupError          Neo4j did not become ready; carries the tail of its log
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from graph.words import counted


class ForegraphError(Exception):
    """Every error that this project raises on purpose."""


class ConfigurationError(ForegraphError):
    """A setting, a password or a place that cannot work."""


class MigrationDriftError(ForegraphError):
    """An applied migration's file has changed or is gone; the message names it."""


class UnavailableError(ForegraphError):
    """The database cannot be reached now; trying again later may help."""


class TimedOutError(ForegraphError):
    """The database gave up on a statement that took too long."""


class BusyError(ForegraphError):
    """Too much is under way; trying again later may help."""


class RefusedError(ForegraphError):
    """
    A request that the client can mend; nothing of it was written.

    Attributes:
        path: Where in the input it is wrong, empty where no one place can be named.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path


class NotFoundError(RefusedError):
    """What was asked for by id is not there."""


class ConflictError(RefusedError):
    """What is stored already stands against the write."""


class InvalidError(RefusedError):
    """Input that breaks a rule; the message says what was expected and what came."""


class DuplicateError(RefusedError):
    """What was sent is there already."""

    def __init__(self, message: str, *, existing_id: str, path: str = "") -> None:
        super().__init__(message, path=path)
        self.existing_id = existing_id


class KeyReusedError(RefusedError):
    """An idempotency key that has been used for another request."""


class ClosedClaimError(RefusedError):
    """A claim whose outcome is settled takes no more evidence."""

    def __init__(self, message: str, *, status: str, resolved_at: datetime | None, path: str = "") -> None:
        super().__init__(message, path=path)
        self.status = status
        self.resolved_at = resolved_at


class FutureObservationError(RefusedError):
    """An observation of what has not come yet."""


class UnlinkedPredictorError(RefusedError):
    """A predictor who did not make the claim that the evidence is on."""


class CycleError(RefusedError):
    """An influence that would close a cycle."""

    def __init__(self, message: str, *, cycle: Sequence[str], path: str = "") -> None:
        super().__init__(message, path=path)
        self.cycle = tuple(cycle)


class HistoryError(RefusedError):
    """A change or a deletion by which history would be lost."""


class OversizeError(RefusedError):
    """
    A sound question whose answer needs more than is allowed.

    Attributes:
        size: What it needs.
        limit: What is allowed, in the same unit.
    """

    def __init__(self, message: str, *, size: int, limit: int, path: str = "") -> None:
        super().__init__(message, path=path)
        self.size = size
        self.limit = limit


class RefusedItemsError(RefusedError):
    """A batch of which nothing was written, since some of its items were refused."""

    def __init__(self, refusals: Sequence[RefusedError]) -> None:
        super().__init__(
            f"{counted(len(refusals), 'item')} refused, nothing was written: "
            + "; ".join(str(refusal) for refusal in refusals)
        )
        self.refusals = tuple(refusals)


def refuse(refusals: Sequence[RefusedError]) -> None:
    """
    Raise what stands against a request, where anything does.

    Raises:
        RefusedError: What it is.
        RefusedItemsError: Where it is more than one thing.
    """
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise RefusedItemsError(refusals)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a bundle: where it stands (`predictions[3].deadline`) and what was expected."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class BundleError(ForegraphError):
    """A bundle that was not imported, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = counted(len(problems), "problem")
        super().__init__(f"the bundle has {count}, nothing was imported:\n" + "\n".join(f"  {p}" for p in problems))
        self.problems = tuple(problems)


class ServerError(ForegraphError):
    """The embedded Neo4j cannot be had or run."""


class ArtifactError(ServerError):
    """A jar cannot be had, or is not what the lock says."""


class AlreadyRunningError(ServerError):
    """Another process holds the data directory."""


class StartupError(ServerError):
    """Neo4j did not become ready; the message carries the tail of its log."""
