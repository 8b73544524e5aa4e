"""Results of a subscription, as both protocols send them."""

import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, OperationType, get_operation_ast, parse
from strawberry import Schema
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType as Allowed

from api.admission import MOST_CHARACTERS, MOST_TOKENS
from api.asking import NOT_TRUSTED, NOT_TRUSTED_CODE
from api.documents import identify
from api.execution import Discretion, mask
from api.logging import outcome_of
from api.metrics.instruments import note_message, note_subscription
from api.trusted import EVERY_DOCUMENT, Trusted
from graph.feed.following import LaggedError
from resolvers.base.context import Context
from resolvers.base.errors import BAD_REQUEST, shown

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry

ONLY_SUBSCRIPTIONS: Final = frozenset({Allowed.SUBSCRIPTION})


class Results:
    """
    Runs subscriptions.

    Args:
        schema: The schema.
        trusted: Tells which documents are answered; by default all are.
        telemetry: Makes spans; by default nothing does.
    """

    def __init__(self, schema: Schema, trusted: Trusted = EVERY_DOCUMENT, telemetry: "Telemetry | None" = None) -> None:
        self._schema, self._trusted, self._telemetry = schema, trusted, telemetry
        self._discretion = Discretion(schema)

    async def run(
        self,
        query: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: Context,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> AsyncGenerator[dict[str, Any], None]:
        """
        Run a subscription; gives its results, the last of which has errors and no data if it ends by itself.

        Args:
            query: The document.
            variables: The values of its variables.
            operation_name: The name of the operation to run.
            context: The subscription's context.
            headers: The headers with which its connection was opened; the caller's span may be among them.

        Raises:
            LaggedError: The results are not taken in time.
        """
        if not self._trusted.allows(identify(query)):
            refusal = GraphQLError(NOT_TRUSTED, extensions={"code": NOT_TRUSTED_CODE})
            yield {"errors": [self._tell(refusal, context).formatted]}
            return
        started, outcome = time.perf_counter(), "data"
        span = None if self._telemetry is None else self._telemetry.begin_subscription(operation_name or "", headers)
        if span is not None:
            context.on_follow = span.end
        try:
            with nullcontext() if span is None else span.within():
                source = await self._schema.stream(
                    query,
                    variable_values=None if variables is None else dict(variables),
                    context_value=context,
                    operation_name=operation_name,
                    allowed_operation_types=ONLY_SUBSCRIPTIONS,
                )
            async with aclosing(source):
                async for result in source:
                    shown, outcome = self._show(result, context)
                    note_message(outcome)
                    if span is not None:
                        span.end(outcome)
                        span.add_message(context.moment, context.num_statements, outcome)
                    yield shown
                    if "data" not in shown:
                        return
        finally:
            if span is not None:
                span.end("cancelled")
            note_subscription(operation_name or "", outcome, time.perf_counter() - started)

    def _show(self, result: Any, context: Context) -> tuple[dict[str, Any], str]:
        """
        A result as it is sent, and its outcome in one word.

        Raises:
            LaggedError: It is the end of a subscriber who has not taken its messages in time.
        """
        errors: list[GraphQLError] = getattr(result, "errors", None) or []
        if any(isinstance(error.original_error, LaggedError) for error in errors):
            raise LaggedError
        data = getattr(result, "data", None)
        told = [self._tell(error, context).formatted for error in errors]
        shown = ({} if data is None else {"data": data}) | ({"errors": told} if told else {})
        return shown, outcome_of(has_errors=bool(told), is_refused=data is None)

    def _tell(self, error: GraphQLError, context: Context) -> GraphQLError:
        if isinstance(error.original_error, InvalidOperationTypeError):
            message = "Only subscriptions are answered so; queries and mutations are sent by POST, as JSON."
            return GraphQLError(message, extensions={"code": BAD_REQUEST})
        return mask(shown(error, context.request_id), is_discreet=self._discretion.holds_for(context.caller))


def is_subscription(document: str, operation_name: str | None) -> bool:
    """Whether the operation that a document runs is a subscription; a document that cannot be parsed is none."""
    if len(document) > MOST_CHARACTERS or "subscription" not in document:
        return False
    try:
        operation = get_operation_ast(parse(document, no_location=True, max_tokens=MOST_TOKENS), operation_name)
    except (GraphQLError, RecursionError):
        return False
    return operation is not None and operation.operation is OperationType.SUBSCRIPTION
