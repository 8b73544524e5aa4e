"""Runs operations of kept documents: from variables and a Context to a response's bytes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, Final

import orjson
from graphql import ExecutionResult, GraphQLError, execute
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable
from strawberry.extensions import DisableIntrospection

from api.documents import Operation
from api.logging import current_request, get_logger
from api.metrics.instruments import note_error
from api.middleware import UNEXPECTED
from graph.errors import BusyError, ForegraphError, TimedOutError, UnavailableError
from resolvers.base.context import Context
from resolvers.base.errors import Errors, shown
from resolvers.base.roles import Caller, Role
from resolvers.doors import RoleCheck

STATUSES: Final[Mapping[Any, int]] = {
    UnavailableError.code: 503,
    BusyError.code: 503,
    TimedOutError.code: 504,
}
"""The statuses that tell proxies and clients to try again, by the code of an error that left nothing to show."""

_SUGGESTION: Final = re.compile(r" Did you mean [^?]*\?")
UNNAMED: Final = "GRAPHQL"
"""The code under which graphql-core's own errors are counted, which have none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to an operation.

    Attributes:
        body: The response, as JSON.
        has_errors: Whether it has errors.
        status: The HTTP status in GraphQL's own media type.
    """

    body: bytes
    has_errors: bool
    status: int


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
        self._discretion = Discretion(schema)

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
        told = [self._show(error, context) for error in errors]
        status = find_status(data, told)
        response: dict[str, Any] = {"data": data} if status == HTTPStatus.OK else {}
        if errors:
            response["errors"] = [error.formatted for error in told]
        return Answer(dump(response), bool(errors), status)

    def _show(self, error: GraphQLError, context: Context) -> GraphQLError:
        translated = shown(error, context.request_id) if self._translates_errors else error
        return mask(translated, is_discreet=self._discretion.holds_for(context.caller))


def find_status(data: dict[str, Any] | None, errors: Sequence[GraphQLError]) -> int:
    """
    Find the status of a response in GraphQL's own media type; all but 200 are of responses without data.

    Args:
        data: What was found.
        errors: The errors, as clients see them.
    """
    if is_request_error(data, errors):
        return 400
    if not errors or any(value is not None for value in (data or {}).values()):
        return 200
    codes = [(error.extensions or {}).get("code") for error in errors]
    return status_of_codes(codes) if STATUSES.keys() >= set(codes) else 200


def status_of_codes(codes: Sequence[Any]) -> int:
    """The status of a response that has errors of some codes, and no data."""
    return min((STATUSES.get(code, 400) for code in codes), default=400)


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


class Discretion:
    """
    Tells for whom errors may not name what the schema has: those who may not look at it.

    Args:
        schema: The schema, whose extensions say who may.
    """

    def __init__(self, schema: Schema) -> None:
        extensions = schema.get_extensions()
        self._is_for_all = any(isinstance(extension, DisableIntrospection) for extension in extensions)
        self._role = next((e.introspection for e in extensions if isinstance(e, RoleCheck)), Role.PUBLIC)

    def holds_for(self, caller: Caller) -> bool:
        """Whether errors are to leave names out for a caller."""
        return self._is_for_all or self._role not in caller.roles


def mask(error: GraphQLError, *, is_discreet: bool) -> GraphQLError:
    """
    Mask an exception that nothing has translated, and count it; its text goes to the log only.

    Errors from `resolvers.base.errors` have a code, and graphql-core's own are no exceptions of ours; both pass.

    Args:
        error: The error.
        is_discreet: Whether graphql-core's suggestions of names are left out.
    """
    masked = _mask(error, is_discreet=is_discreet)
    note_error((masked.extensions or {}).get("code", UNNAMED))
    return masked


def _mask(error: GraphQLError, *, is_discreet: bool) -> GraphQLError:
    original = error.original_error
    if is_discreet:
        error.message = without_suggestion(error.message)
    is_translated = "code" in (error.extensions or {}) or isinstance(original, GraphQLError)
    if original is None or is_translated or error.message != str(original):
        return error
    get_logger().error("unexpected error in a document", exc_info=original)
    record = current_request.get()
    extensions = {"code": ForegraphError.code, "requestId": record.request_id if record is not None else None}
    return GraphQLError(UNEXPECTED, nodes=error.nodes, path=error.path, extensions=extensions)


def without_suggestion(message: str) -> str:
    """A message of graphql-core's without similar names that the schema has."""
    return _SUGGESTION.sub("", message)
