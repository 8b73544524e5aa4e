"""A saved query and its parameters, and the bounds of both."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from graph.model.kinds import ParameterType
from graph.model.rows import QueryParameter
from graph.model.rows import SavedQuery as Row

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
"""A name that is saved: it stands in addresses and in the names of tools."""

A_NAME: Final = "1 to 64 of the characters a-z, 0-9 and -, and no - at either end, such as overdue-check-ins"

RESERVED: Final = frozenset({"maxRows", "timeoutMs", "typed", "version"})
"""Names that addresses use beside those of parameters."""

MOST_PARAMETERS: Final = 20
MOST_QUERIES: Final = 500
"""Queries with different names, those that come with the project aside."""
MOST_VERSIONS: Final = 2_000
"""Versions of all queries together; all of them are read at once for a backup."""
MOST_DESCRIPTION: Final = 2_000

DEFAULT_SECONDS: Final = 10.0
"""Time of a saved query, unless its caller wants another; more than that of a statement that nobody has tried yet."""


class Origin(StrEnum):
    """PROJECT for a query that comes with the project, USER for one that was saved here."""

    PROJECT = "PROJECT"
    USER = "USER"


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    A parameter of a saved query.

    Attributes:
        name: Its name in the statement, without `$`.
        type: The type of its values.
        description: Its meaning; empty if it has none.
        default: The value where none is given, as JSON; None if there is none.
        is_required: Whether a value must be given; otherwise it is the default, or null.
    """

    name: str
    type: ParameterType
    description: str = ""
    default: Any = None
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """
    A version of a saved query.

    Attributes:
        name: The name.
        description: The purpose; empty if it has none.
        statement: The Cypher statement.
        parameters: The statement's parameters.
        version: The version, from 1; the latest is the one that runs.
        origin: Whether it comes with the project.
        saved_at: When it was saved; None if it comes with the project, or an import did not tell.
        is_deleted: Whether the version marks that the query was deleted.
    """

    name: str
    description: str
    statement: str
    parameters: tuple[Parameter, ...]
    version: int
    origin: Origin = Origin.USER
    saved_at: datetime | None = None
    is_deleted: bool = False

    def says_the_same_as(self, other: "SavedQuery") -> bool:
        """Whether the two differ in nothing that their users gave."""
        return _given(self) == _given(other)


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A query to be saved; otherwise as `SavedQuery`.

    Attributes:
        expected_version: The version that its author has seen, 0 for none; None where that does not matter.
    """

    name: str
    statement: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    expected_version: int | None = None


def _given(query: SavedQuery) -> tuple[Any, ...]:
    # 1, 1.0 and true are equal in Python.
    defaults = [repr(parameter.default) for parameter in query.parameters]
    return query.name, query.description, query.statement, query.parameters, defaults, query.is_deleted


def from_row(row: Row) -> SavedQuery:
    """Make a query of the row that is stored."""
    parameters = tuple(
        Parameter(
            found.name,
            found.type,
            found.description or "",
            list(found.default) if isinstance(found.default, tuple) else found.default,
            is_required=found.is_required and found.default is None,
        )
        for found in row.parameters
    )
    return SavedQuery(
        row.name,
        row.description or "",
        row.statement,
        parameters,
        row.version,
        saved_at=row.saved_at,
        is_deleted=bool(row.is_deleted),
    )


def to_row(query: SavedQuery) -> Row:
    """
    Make the row to be stored of a query.

    Raises:
        ValidationError: A text has characters that are not stored.
    """
    parameters = tuple(map(to_parameter_row, query.parameters))
    return Row(
        name=query.name,
        version=query.version,
        description=query.description or None,
        statement=query.statement,
        parameters=parameters,
        saved_at=query.saved_at,
        is_deleted=query.is_deleted or None,
    )


def to_parameter_row(parameter: Parameter) -> QueryParameter:
    """Make the row to be stored of a parameter; raises as `to_row`."""
    default = parameter.default
    return QueryParameter(
        name=parameter.name,
        type=parameter.type,
        description=parameter.description or None,
        default=tuple(default) if isinstance(default, list) else default,
        is_required=parameter.is_required,
    )
