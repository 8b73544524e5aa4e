"""Turns validation errors of pydantic's into problems with a path."""

from pydantic_core import ErrorDetails

from graph.errors import Problem
from graph.model.values import shown_value


class RuleError(ValueError):
    """A rule about several properties of a row is broken; carries the one to look at first."""

    def __init__(self, property_name: str, message: str) -> None:
        super().__init__(message)
        self.property_name = property_name


def property_of(detail: ErrorDetails) -> str:
    """The property that a validation error of a row is about; empty where it is about the row as a whole."""
    if detail["loc"]:
        return str(detail["loc"][0])
    cause = detail.get("ctx", {}).get("error")
    return cause.property_name if isinstance(cause, RuleError) else ""


def describe_problem(detail: ErrorDetails) -> Problem:
    """A validation error of pydantic's as one of ours: where it is, what was expected and what came."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return Problem(path or "bundle", message if "got" in message else f"{message}, got {_shortened(detail)}")


def _shortened(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "nothing"
    return shown_value(detail["input"])
