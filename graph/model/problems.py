"""Validation errors of pydantic's as problems with a path."""

from pydantic_core import ErrorDetails

from graph.errors import Problem
from graph.model.values import shown_value


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
