"""Translates the driver's errors of a statement that an analyst wrote; nothing else of the driver is shown."""

import re
from collections.abc import Mapping
from typing import Final

from neo4j import exceptions as driver_errors

from graph.adhoc.allowed import PROCEDURES
from graph.database.sessions import translate
from graph.errors import (
    CypherFailedError,
    CypherSyntaxError,
    ForegraphError,
    RefusedCypherError,
    StatementTimedOutError,
)

PREFIX: Final = "EXPLAIN "
"""Stands before a statement that is judged, on its first line."""

_PLACE: Final = re.compile(r"\(line (\d+), column (\d+)(?: \(offset: \d+\))?\)")
_MOST_HINT: Final = 1_000
_STOPPED: Final = (
    "TransactionTimedOut",
    "Terminated",
    "MemoryPoolOutOfMemory",
    "TransactionOutOfMemory",
    "OutOfMemory",
)
_UNREADABLE: Final = "a value cannot be read here, such as a day beyond the year 9999; convert it, as by toString()"
_QUOTED: Final = re.compile(r"`([^`]+)`")
_REFUSED_BY_DATABASE: Final[Mapping[str, tuple[str, str]]] = {
    "Statement.AccessMode": ("STATEMENT", "a statement that reads"),
    "UnsupportedAdministrationCommand": ("STATEMENT", "a statement that reads the graph"),
    "Procedure.ProcedureNotFound": ("PROCEDURE", f"one of {', '.join(sorted(PROCEDURES))}"),
    "Database.DatabaseNotFound": ("STATEMENT", "the statement without USE"),
}
"""Codes of errors, and the refusals that they are to whoever wrote the statement."""


def translate_failure(error: Exception, seconds: float) -> ForegraphError | Exception:
    """
    Translate an error of a statement.

    Args:
        error: The driver's error.
        seconds: Time that the statement had, in seconds.
    """
    if isinstance(error, driver_errors.BrokenRecordError):
        return CypherFailedError(_UNREADABLE)
    if not isinstance(error, driver_errors.Neo4jError):
        return translate(error)
    code = error.code or ""
    if "TransactionTimedOut" in code or "Terminated" in code:
        message = f"the statement was stopped after {seconds:g} seconds; ask for less, or for more time"
        return StatementTimedOutError(message)
    if any(part in code for part in _STOPPED):
        return StatementTimedOutError("the statement needs more memory than one may have; ask for less at a time")
    if "Statement.SyntaxError" in code or "Statement.SemanticError" in code or "ArgumentError" in code:
        return _read_syntax(error.message or "")
    if refusal := _find_refusal(code, error.message or ""):
        return refusal
    translated = translate(error)
    if translated is not error and not code.startswith("Neo.ClientError."):
        return translated
    is_told = code.startswith("Neo.ClientError.") and error.message
    return CypherFailedError(_first_line(error.message or "") if is_told else "the database cannot run the statement")


def _find_refusal(code: str, message: str) -> RefusedCypherError | None:
    """Translate what the database refuses to plan to the gate's own refusal."""
    for part, (kind, hint) in _REFUSED_BY_DATABASE.items():
        if part in code:
            found = _QUOTED.search(message)
            return RefusedCypherError(_first_line(message), kind=kind, name=found[1] if found else "", hint=hint)
    return None


def _read_syntax(message: str) -> CypherSyntaxError:
    """Read a message such as `Variable n not defined (line 1, column 16 (offset: 15))` and the statement after it."""
    found = _PLACE.search(message)
    if found is None:
        return CypherSyntaxError(_first_line(message), line=None, column=None)
    line, column = int(found[1]), int(found[2])
    if line == 1:
        column = max(column - len(PREFIX), 1)
    hint = message[: found.start()].strip()[:_MOST_HINT]
    return CypherSyntaxError(hint, line=max(line, 1), column=column)


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0][:_MOST_HINT]
