"""From graph errors to GraphQL: expected ones with their code and place, all others logged and masked."""

import logging
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from graph.errors import (
    BusyError,
    ConflictError,
    ForegraphError,
    InvalidError,
    NotFoundError,
    TimedOutError,
    UnavailableError,
)

_log = logging.getLogger(__name__)

CODES: dict[type[ForegraphError], str] = {
    UnavailableError: "UNAVAILABLE",
    TimedOutError: "TIMED_OUT",
    BusyError: "BUSY",
    NotFoundError: "NOT_FOUND",
    ConflictError: "CONFLICT",
    InvalidError: "INVALID",
}
RETRYABLE = frozenset({"UNAVAILABLE", "BUSY"})


class Errors(SchemaExtension):
    """Shows every error as a client may see it."""

    def on_operation(self) -> Iterator[None]:
        """Replace the errors of a document once it has run."""
        yield
        context = self.execution_context
        request_id = getattr(context.context, "request_id", "")
        if context.pre_execution_errors:
            context.pre_execution_errors = [shown(error, request_id) for error in context.pre_execution_errors]
        result: Any = context.result
        if result is not None and getattr(result, "errors", None):
            result.errors = [shown(error, request_id) for error in result.errors]


def shown(error: GraphQLError, request_id: str) -> GraphQLError:
    """
    An error as a client may see it.

    A request that is wrong keeps its message, an error of ours gets its code, and any other becomes an internal
    error under the request's id, by which the log tells what it was.
    """
    original = _original(error)
    if original is None and _is_in_request(error):
        return _with_extensions(error, error.message, {"code": "BAD_REQUEST", **(error.extensions or {})})
    for kind, code in CODES.items():
        if isinstance(original, kind):
            extensions: dict[str, Any] = {"code": code, "retryable": code in RETRYABLE}
            if isinstance(original, InvalidError):
                extensions["argument"] = original.path
            return _with_extensions(error, str(original), extensions)
    _log.error("an unexpected error in request %s", request_id, exc_info=original or error)
    message = "internal error; the request id tells the operator where to look"
    return _with_extensions(error, message, {"code": "INTERNAL", "requestId": request_id})


def _is_in_request(error: GraphQLError) -> bool:
    """Whether the client can mend it: found before anything ran, or when a field's arguments were read."""
    return error.path is None or error.message.startswith("Argument ")


def _original(error: GraphQLError) -> Exception | None:
    """What a field raised; None for an error in the request itself."""
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    # A scalar refuses a value with a ValueError whose text is meant for the client.
    return None if original is None or (error.path is None and isinstance(original, ValueError)) else original


def _with_extensions(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
