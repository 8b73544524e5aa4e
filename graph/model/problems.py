"""Converts pydantic's validation errors to problems with a path."""

from pydantic_core import ErrorDetails

from graph.errors import InvalidError, Problem
from graph.model.shown import shown_value
from graph.model.values import NAME


class RuleError(ValueError):
    """A row breaks a rule about several of its properties; carries the property to correct first."""

    def __init__(self, property_name: str, message: str) -> None:
        super().__init__(message)
        self.property_name = property_name


def check_name(name: str) -> None:
    """
    Check a name that a caller gives.

    Raises:
        InvalidError: It is not one.
    """
    if not NAME.fullmatch(name):
        message = f"expected a letter or digit and up to 63 of these and . _ -, got {name[:80]!r}"
        raise InvalidError(message, path="name")


def property_of(detail: ErrorDetails) -> str:
    """Return the property that a row's validation error is about; empty if it is about the row as a whole."""
    if detail["loc"]:
        return str(detail["loc"][0])
    cause = detail.get("ctx", {}).get("error")
    return cause.property_name if isinstance(cause, RuleError) else ""


def describe_problem(detail: ErrorDetails) -> Problem:
    """Convert a validation error of pydantic's: its path, and a message that ends with the wrong value."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return Problem(path or "bundle", message if "got" in message else f"{message}, got {_wrong_value(detail)}")


def _wrong_value(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "nothing"
    return shown_value(detail["input"])
