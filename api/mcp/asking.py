"""
Asks the service for what a tool needs: a document in GraphQL, sent to the application as a client would send it.

So a tool has the prices, limits, errors and log of every other request, and reads and writes nothing in a way of its
own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp

from api.inward import post

FOLDER: Final = Path(__file__).parent / "documents"
SHARED: Final = "refusal"
"""The document whose fragment others use."""


class ToolRefusedError(Exception):
    """
    The agent can correct the call.

    Attributes:
        lines: What is wrong and what to do, one line for each fault.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Asker:
    """
    Asks an application on behalf of an agent.

    Attributes:
        app: The application.
        caller: The agent's address.
    """

    app: ASGIApp
    caller: str

    async def ask(self, name: str, **variables: Any) -> Any:
        """
        Send a document of this room, and return the value of its one field.

        Args:
            name: The document's name.
            variables: Its variables, by their GraphQL names.

        Raises:
            ToolRefusedError: The service refuses it.
        """
        response = await post(self.app, load_document(name), variables, caller=self.caller)
        if errors := response.get("errors"):
            raise ToolRefusedError(*map(_tell_error, errors))
        (value,) = response["data"].values()
        if isinstance(value, Mapping) and "code" in value:
            raise ToolRefusedError(*_tell_refusal(value))
        return value


@cache
def load_document(name: str) -> str:
    """Load a document, with the fragments that it uses."""
    text = (FOLDER / f"{name}.graphql").read_text(encoding="utf-8")
    if "...Refusal" in text:
        text += "\n" + (FOLDER / f"{SHARED}.graphql").read_text(encoding="utf-8")
    return text


def _tell_error(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions") or {}
    argument = extensions.get("argument") or ""
    message = error["message"].removeprefix(f"{argument}: ")
    path = argument.split(".") if argument else ()
    return tell(extensions.get("code", "INTERNAL"), message, path, is_retryable=extensions.get("isRetryable"))


def _tell_refusal(refusal: Mapping[str, Any]) -> Iterator[str]:
    for part in refusal.get("refusals") or [refusal]:
        yield tell(part["code"], part["message"], part["path"] or (), is_retryable=part.get("isRetryable"))


def tell(code: str, message: str, path: Any = (), *, is_retryable: bool | None = False) -> str:
    """
    Tell a fault in one line.

    Args:
        code: Its kind.
        message: What is wrong, and what to do.
        path: Steps to the argument at fault; `input` and `filter` are no arguments of tools.
        is_retryable: Whether the same call may succeed later.
    """
    steps = ".".join(str(step) for step in path if step not in {"input", "filter"})
    later = " The same call may succeed later." if is_retryable else ""
    return f"{code}{f' at {steps}' if steps else ''}: {message}{later}"
