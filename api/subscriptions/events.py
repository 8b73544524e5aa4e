"""
Subscriptions as server-sent events, in the distinct connections mode: one request for each.

Each message has the event's id, with which a browser's EventSource connects again; a request that names it as
`Last-Event-ID` goes on after it. A stream that ends without the event `complete` was broken off, and clients connect
again. The library ends all streams so when the server is told to stop.

Source: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

import orjson
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from api.access.sessions import ENDED, Sessions
from api.asking import Asked
from api.middleware import DEADLINE
from api.subscriptions.results import Results, is_subscription
from graph.feed.following import LaggedError
from resolvers.base.context import Context
from resolvers.doors import UNAUTHENTICATED

PING_SECONDS: Final = 15
"""Pause after which a comment tells proxies and clients that the stream lives."""

STALL_SECONDS: Final = 30.0
"""The longest that a client may take for one message."""

LAST_ID_HEADER: Final = "last-event-id"


class EventStreams:
    """
    Answers subscriptions by streams of events.

    Args:
        results: Runs subscriptions.
        sessions: Watches the keys of subscribers.
    """

    def __init__(self, results: Results, sessions: Sessions) -> None:
        self._results, self._sessions = results, sessions

    @staticmethod
    def takes(asked: Asked) -> bool:
        """Whether a request that accepts a stream is for one: its operation is a subscription."""
        return is_subscription(asked.text, asked.operation_name)

    def answer(self, request: Request, asked: Asked, context: Context) -> Response:
        """Answer with a stream; it closes the context."""
        if DEADLINE in request.scope:
            request.scope[DEADLINE].reschedule(None)  # a stream has a time of its own
        context.last_event_id = request.headers.get(LAST_ID_HEADER)
        return EventSourceResponse(
            self._events(asked, context),
            headers={"cache-control": "no-store"},
            ping=PING_SECONDS,
            send_timeout=STALL_SECONDS,
        )

    async def _events(self, asked: Asked, context: Context) -> AsyncIterator[ServerSentEvent]:
        try:
            with suppress(LaggedError):  # broken off, so that the client comes again
                async for event in self._until_key_ends(asked, context):
                    yield event
                yield ServerSentEvent(event="complete", data="")
        finally:
            await context.close()

    async def _until_key_ends(self, asked: Asked, context: Context) -> AsyncIterator[ServerSentEvent]:
        """Yield results as events; an error is the last, once the caller's key or token is over."""
        task, is_over = asyncio.current_task(), False

        def end() -> None:
            nonlocal is_over
            is_over = True
            if task is not None:
                task.cancel()

        try:
            with self._sessions.lasting(context.caller, end):
                run = self._results.run(asked.text, asked.variables, asked.operation_name, context)
                async with aclosing(run) as results:
                    async for result in results:
                        yield _event(result, context)
        except asyncio.CancelledError:
            if not is_over or task is None:
                raise
            task.uncancel()
            error = {"message": ENDED, "extensions": {"code": UNAUTHENTICATED, "isRetryable": False}}
            yield _event({"errors": [error]}, context)


def _event(result: Mapping[str, Any], context: Context) -> ServerSentEvent:
    event_id = context.event_id if "data" in result else None
    return ServerSentEvent(event="next", data=orjson.dumps(result).decode(), id=event_id)
