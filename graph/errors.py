"""
What can go wrong in the graph, for whoever calls it.

ForegraphError
├── ConfigurationError        a setting, a password or a place that cannot work; mended by the operator
├── MigrationDriftError       an applied migration's file is no longer what was applied
├── UnavailableError          the database cannot be reached now; trying again later may help
├── TimedOutError             the database gave up on a statement that took too long
├── BusyError                 too much is under way; trying again later may help
├── NotFoundError             what was asked for by id is not there
├── ConflictError             what is stored already stands against the write
├── InvalidError              input that breaks a rule; carries where, what was expected and what came
├── BundleError               a bundle with problems; carries all of them
└── ServerError               the embedded Neo4j
    ├── ArtifactError         a jar cannot be had, or is not what the lock says
    ├── AlreadyRunningError   another process holds the data directory
    └── StartupError          Neo4j did not become ready; carries the tail of its log
"""

from collections.abc import Sequence
from dataclasses import dataclass


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


class NotFoundError(ForegraphError):
    """What was asked for by id is not there."""


class ConflictError(ForegraphError):
    """What is stored already stands against the write."""


class InvalidError(ForegraphError):
    """Input that breaks a rule; the message says what was expected and what came."""

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


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
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
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
