"""Translates the driver's errors of a statement that an analyst wrote; nothing else of the driver is shown."""

import re
from typing import Final

from neo4j import exceptions as driver_errors

from graph.database.sessions import translate
from graph.errors import CypherFailedError, CypherSyntaxError, ForegraphError, StatementTimedOutError, UnavailableError

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
_REFUSED_BY_DATABASE: Final = "Statement.AccessMode"


def translate_failure(error: Exception, seconds: float) -> ForegraphError | Exception:
    """
    Translate an error of a statement.

    Args:
        error: The driver's error.
        seconds: Time that the statement had, in seconds.
    """
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
    if code.startswith("Neo.ClientError."):
        return CypherFailedError(_first_line(error.message or "the database refused the statement"))
    translated = translate(error)
    return UnavailableError("the database failed to run the statement") if translated is error else translated


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
