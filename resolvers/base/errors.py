"""Translates graph errors to GraphQL: expected ones with code and argument, all others logged and masked."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from graph.errors import BudgetError, ForegraphError, RefusedError, refusal_fields
from graph.model.shown import MAX_SHOWN_CHARACTERS
from resolvers.base.input_names import input_name, input_path, input_words
from resolvers.base.scalars import show_moment

_log = logging.getLogger(__name__)

BAD_REQUEST = "BAD_REQUEST"
"""The code of a request that is wrong before any field is resolved."""


class Errors(SchemaExtension):
    """Replaces every error by the form that clients see."""

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
    The error in the form that clients see.

    A malformed request keeps its message. A public error of the graph is shown with its code and, where the client can
    correct the request, with the argument and whatever else the refusal carries. Any other is logged under the
    request's id and masked.
    """
    original = _original(error)
    if original is None and _is_in_request(error):
        return _with_extensions(error, shortened(error.message), {"code": BAD_REQUEST, **(error.extensions or {})})
    if isinstance(original, ForegraphError) and original.is_public:
        return _with_extensions(error, *describe(original))
    _log.error("an unexpected error in request %s", request_id, exc_info=original or error)
    message = "internal error; the request id tells the operator where to look"
    return _with_extensions(error, message, {"code": ForegraphError.code, "requestId": request_id})


def shortened(message: str) -> str:
    """A message of graphql-core's about a value, with no more of the value than other messages show."""
    head, found, value = message.partition("found: ")
    return message if len(value) <= MAX_SHOWN_CHARACTERS else f"{head}{found}{value[:MAX_SHOWN_CHARACTERS]}…"


def describe(error: ForegraphError) -> tuple[str, dict[str, Any]]:
    """The message of a public error, and the extensions that go with it."""
    extensions: dict[str, Any] = {"code": error.code, "isRetryable": error.is_retryable}
    if isinstance(error, RefusedError):
        return _message(error), extensions | _refusal_extensions(error)
    if isinstance(error, BudgetError):
        extensions |= {"size": error.size, "limit": error.limit}
    return str(error), extensions


def _message(refusal: RefusedError) -> str:
    message = input_words(refusal.message)
    return f"{input_path(refusal.path)}: {message}" if refusal.path else message


def _refusal_extensions(refusal: RefusedError) -> dict[str, Any]:
    fields = {input_name(name): plain_value(getattr(refusal, name)) for name in refusal_fields(type(refusal))}
    return {"argument": input_path(refusal.path) or None, **fields}


def plain_value(value: Any) -> Any:
    """A refusal's field as JSON holds it."""
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if isinstance(value, RefusedError):
        return {"code": value.code, "message": input_words(value.message), **_refusal_extensions(value)}
    return show_moment(value) if isinstance(value, datetime) else value


def _is_in_request(error: GraphQLError) -> bool:
    """Whether the request itself is wrong: found before anything ran, or when a field's arguments were read."""
    return error.path is None or error.message.startswith("Argument ")


def _original(error: GraphQLError) -> Exception | None:
    """The exception that a field raised; None for an error in the request itself."""
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
