"""
Asks the service for what a tool needs: a document in GraphQL, sent to the application as a client would send it.

So a tool has the prices, limits, errors and log of every other request, and reads and writes nothing in a way of its
own.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp

from api.inward import post
from resolvers.base.roles import Caller

FOLDER: Final = Path(__file__).parent / "documents"
SHARED: Final = "refusal"
"""The document whose fragment others use."""
INPUTS: Final = ("input", "filter")
"""Arguments in GraphQL whose fields are arguments of tools."""


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
        caller: The agent.
    """

    app: ASGIApp
    caller: Caller

    async def ask(self, document: str, /, *, inside: Collection[str] = INPUTS, **variables: Any) -> Any:
        """
        Send a document of this room, and return the value of its one field.

        Args:
            document: The document's name.
            inside: Steps of paths that are no arguments of the tool, which are left out of refusals.
            variables: Its variables, by their GraphQL names.

        Raises:
            ToolRefusedError: The service refuses it.
        """
        response = await post(self.app, load_document(document), variables, caller=self.caller)
        if errors := response.get("errors"):
            raise ToolRefusedError(*(_tell_error(error, inside) for error in errors))
        (value,) = response["data"].values()
        if isinstance(value, Mapping) and "code" in value:
            raise ToolRefusedError(*_tell_refusal(value, inside))
        return value


@cache
def load_document(name: str) -> str:
    """Load a document, with the fragments that it uses."""
    text = (FOLDER / f"{name}.graphql").read_text(encoding="utf-8")
    if "...Refusal" in text:
        text += "\n" + (FOLDER / f"{SHARED}.graphql").read_text(encoding="utf-8")
    return text


def list_documents() -> list[str]:
    """List the texts of all documents that tools send."""
    return [load_document(file.stem) for file in sorted(FOLDER.glob("*.graphql")) if file.stem != SHARED]


def _tell_error(error: Mapping[str, Any], inside: Collection[str]) -> str:
    extensions = error.get("extensions") or {}
    argument = extensions.get("argument") or ""
    message = error["message"].removeprefix(f"{argument}: ")
    steps = argument.split(".") if argument else []
    path = [step for step in steps if step not in inside]
    return tell(extensions.get("code", "INTERNAL"), message, path, is_retryable=extensions.get("isRetryable"))


def _tell_refusal(refusal: Mapping[str, Any], inside: Collection[str]) -> Iterator[str]:
    for part in refusal.get("refusals") or [refusal]:
        path = [step for step in part["path"] or () if step not in inside]
        yield tell(part["code"], part["message"], path, is_retryable=part.get("isRetryable"))


def tell(code: str, message: str, path: Iterable[str | int] = (), *, is_retryable: bool | None = False) -> str:
    """
    Tell a fault in one line.

    Args:
        code: Its kind.
        message: What is wrong, and what to do.
        path: Steps to the argument at fault.
        is_retryable: Whether the same call may succeed later.
    """
    steps = ".".join(map(str, path))
    later = " The same call may succeed later." if is_retryable else ""
    return f"{code}{f' at {steps}' if steps else ''}: {message}{later}"
