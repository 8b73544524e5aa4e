"""
Subscriptions over WebSocket, by the protocol graphql-transport-ws.

The protocol is Strawberry's; here each subscription gets a Context of its own, errors are shown as elsewhere, and a
subscriber that does not take its messages is closed. A server that stops closes with 1012, after which clients connect
again.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, SubscribeMessage

from api.access.callers import CALLER, CredentialError, read_credential
from api.access.sessions import ENDED, Sessions
from api.endpoint import RETRY_AFTER_SECONDS
from api.metrics.instruments import note_refusal
from api.middleware import error_response
from api.subscriptions.lasting import run_later
from api.subscriptions.results import Results
from api.trusted import EVERY_DOCUMENT, Trusted
from graph.errors import InvalidError
from graph.feed.following import LaggedError
from resolvers.base.context import Context

INIT_TIMEOUT: Final = timedelta(seconds=10)
"""Time in which a client that has connected begins the protocol."""

FORBIDDEN: Final = 4403
"""Close code for a key or token that is not accepted, or not any more."""

TRY_AGAIN_LATER: Final = 1013
"""Close code for a subscriber that is too slow; clients connect again and go on after the last event that they have."""

SLOW: Final = "The subscriber is too slow; go on after the last event."
CLOSE_SECONDS: Final = 1.0

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry

OpenContext = Callable[[HTTPConnection, str], Context]


class SubscriptionHandler(BaseGraphQLTransportWSHandler[None, None]):
    """One connection."""

    async def handle_message(self, message: Any) -> None:
        """Take a message; one of another shape than the protocol's closes the connection."""
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("Expected a message: an object with a type")
            return
        await super().handle_message(cast("Any", message))

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Begin the protocol, as the caller whose key the message has; browsers send no header of their own."""
        payload = message.get("payload")
        shown = payload if isinstance(payload, dict) else {}
        found = [(name.lower().encode(), str(value).encode()) for name, value in shown.items()]
        scope = cast("Any", self.websocket).ws.scope
        try:
            credential = read_credential(found)
            if credential is not None:
                scope[CALLER] = await scope["app"].state.access.identify_by(credential)
        except CredentialError:
            await self.websocket.close(code=FORBIDDEN, reason="Forbidden")
            return
        await super().handle_connection_init(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin a subscription."""
        if self.connection_acknowledged and not _is_well_formed(message):
            await self.handle_invalid_message("Expected an id and a payload with a query in a subscribe message")
            return
        if self.connection_acknowledged:
            self.connection_init_timeout_task = None  # it was cancelled, and thousands of connections may wait
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[None, None]) -> None:
        """Run a subscription until it ends, is completed by the client, is too slow, or its caller's key is over."""
        sockets = cast("SubscriptionSockets", self.view)
        connection = cast("Any", self.websocket).ws
        context = sockets.open_context(connection, uuid.uuid4().hex)
        context.on_lag = self._close_slow
        try:
            asked = operation.query, operation.variables, operation.operation_name
            with sockets.sessions.lasting(context.caller, self._close_ended):
                async with aclosing(sockets.results.run(*asked, context, connection.scope["headers"])) as results:
                    async for result in results:
                        await operation.send_operation_message(_message(operation.id, result))
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except LaggedError:
            self._close_slow()
        finally:
            await context.close()

    def _close_slow(self) -> None:
        """Close the connection of a subscriber that does not take what it is sent."""
        self._close(TRY_AGAIN_LATER, SLOW)

    def _close_ended(self) -> None:
        """Close the connection of a caller whose key or token is over."""
        self._close(FORBIDDEN, ENDED)

    def _close(self, code: int, reason: str) -> None:
        task = asyncio.create_task(self._close_in_time(code, reason))
        task.add_done_callback(self._task_done)
        for operation in tuple(self.operations.values()):
            if operation.task is not None:
                operation.task.cancel()

    async def _close_in_time(self, code: int, reason: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.websocket.close(code=code, reason=reason)


def _message(operation_id: str, result: dict[str, Any]) -> Any:
    """The message with a result; one without data ends the subscription, and nothing is sent for it any more."""
    if "data" not in result:
        return {"id": operation_id, "type": "error", "payload": result["errors"]}
    return {"id": operation_id, "type": "next", "payload": result}


def _is_well_formed(message: Any) -> bool:
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and bool(message["id"])
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables") or {}, dict)
        and isinstance(payload.get("operationName") or "", str)
    )


class SubscriptionSockets(GraphQL[None, None]):
    """
    Answers upgrades to WebSocket.

    Args:
        schema: The schema.
        open_context: Makes the Context of each subscription from its connection.
        allowed_origins: Origins whose pages may connect, besides the service's own.
        most_connections: The most connections at a time.
        sessions: Watches the keys of subscribers.
        trusted: Tells which documents are answered; by default all are.
        telemetry: Makes spans; by default nothing does.

    Attributes:
        results: Runs subscriptions.
        sessions: As given.
    """

    graphql_transport_ws_handler_class = SubscriptionHandler

    def __init__(
        self,
        schema: Schema,
        open_context: OpenContext,
        *,
        allowed_origins: tuple[str, ...],
        most_connections: int,
        sessions: Sessions,
        trusted: Trusted = EVERY_DOCUMENT,
        telemetry: "Telemetry | None" = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_TIMEOUT,
            allowed_origins=allowed_origins,
        )
        self.open_context, self.sessions = open_context, sessions
        self.results = Results(schema, trusted, telemetry)
        self._most_connections, self._num_connections = most_connections, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as long as it lasts; outside of the middleware that has let it in."""
        if not run_later(self._answer, scope):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        try:
            self.open_context(websocket, "")
        except InvalidError as error:
            response = error_response(400, f"The header Foregraph-Bookmark is wrong: {error.message}.")
            await websocket.send_denial_response(response)
            return
        if self._num_connections >= self._most_connections:
            note_refusal("connections at a time")
            message = f"There are {self._most_connections} connections, which is the most; try again later."
            await websocket.send_denial_response(
                error_response(503, message, {"retry-after": str(RETRY_AFTER_SECONDS)})
            )
            return
        self._num_connections += 1
        try:
            await self.run(websocket, context=None)
        finally:
            self._num_connections -= 1


async def refuse_upgrade(websocket: WebSocket) -> None:
    """Answer an upgrade to WebSocket on a path that has none."""
    response = error_response(404, f"There is nothing at {websocket.url.path} for WebSocket.")
    await websocket.send_denial_response(response)
