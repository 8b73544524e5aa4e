"""Runs operations of kept documents: from variables and a Context to a response's bytes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final

import orjson
from graphql import ExecutionResult, GraphQLError, execute
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable
from strawberry.extensions import DisableIntrospection

from api.documents import Operation
from api.logging import current_request, get_logger
from api.middleware import UNEXPECTED
from graph.errors import ForegraphError
from resolvers.base.context import Context
from resolvers.base.errors import Errors, shown

_SUGGESTION: Final = re.compile(r" Did you mean [^?]*\?")


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to an operation.

    Attributes:
        body: The response, as JSON.
        has_errors: Whether it has errors.
        is_refused: Whether nothing was executed.
    """

    body: bytes
    has_errors: bool
    is_refused: bool


class Executor:
    """
    Executes operations that have been parsed, validated and found affordable: compiled where possible, else with
    graphql-core.

    Its answers are those of `schema.execute`, without the extensions for what has been done already.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema._schema
        self._executor_class = schema.execution_context_class
        self._translates_errors = any(isinstance(extension, Errors) for extension in schema.get_extensions())
        self._is_discreet = is_discreet(schema)

    async def run(self, operation: Operation, variables: Mapping[str, Any] | None, context: Context) -> Answer:
        """Execute an operation with the variables as they came."""
        if operation.compiled is not None:
            answer = await operation.compiled.answer(context, dict(variables or {}))
            if answer is not None:
                return self._write(answer.data, answer.errors, context)
        result: Any = execute(
            self._schema,
            operation.document,
            context_value=context,
            variable_values=None if variables is None else dict(variables),
            operation_name=operation.name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # says bool for what it guards
            executor_class=self._executor_class,
            operation_extensions=None,
        )
        found: ExecutionResult = await result if isawaitable(result) else result
        return self._write(found.data, found.errors or [], context)

    def _write(self, data: dict[str, Any] | None, errors: Sequence[GraphQLError], context: Context) -> Answer:
        is_refused = is_request_error(data, errors)
        response: dict[str, Any] = {} if is_refused else {"data": data}
        if errors:
            response["errors"] = [self._show(error, context).formatted for error in errors]
        return Answer(dump(response), bool(errors), is_refused)

    def _show(self, error: GraphQLError, context: Context) -> GraphQLError:
        translated = shown(error, context.request_id) if self._translates_errors else error
        return mask(translated, is_discreet=self._is_discreet)


def is_request_error(data: Any, errors: Sequence[GraphQLError]) -> bool:
    """Whether a document was refused before a field was resolved, as for a wrong variable; it has no data then."""
    return data is None and bool(errors) and all(error.path is None for error in errors)


def dump(response: Any) -> bytes:
    """
    Write a response as JSON; its numbers are finite, as scalars show no others.

    Raises:
        ValueError: A number is not finite, beside an integer of more than 64 bits.
    """
    try:
        return orjson.dumps(response)
    except TypeError:  # an integer of more than 64 bits, or half of a surrogate pair
        return json.dumps(response, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def is_discreet(schema: Schema) -> bool:
    """Whether errors may not name what the schema has, since it may not be looked at."""
    return any(isinstance(extension, DisableIntrospection) for extension in schema.get_extensions())


def mask(error: GraphQLError, *, is_discreet: bool) -> GraphQLError:
    """
    Mask an exception that nothing has translated; its text goes to the log only.

    Errors from `resolvers.base.errors` have a code, and graphql-core's own are no exceptions of ours; both pass.

    Args:
        error: The error.
        is_discreet: Whether graphql-core's suggestions of names are left out.
    """
    original = error.original_error
    if is_discreet:
        error.message = _SUGGESTION.sub("", error.message)
    is_translated = "code" in (error.extensions or {}) or isinstance(original, GraphQLError)
    if original is None or is_translated or error.message != str(original):
        return error
    get_logger().error("unexpected error in a document", exc_info=original)
    record = current_request.get()
    extensions = {"code": ForegraphError.code, "requestId": record.request_id if record is not None else None}
    return GraphQLError(UNEXPECTED, nodes=error.nodes, path=error.path, extensions=extensions)
