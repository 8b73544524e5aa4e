"""Answers requests that the server breaks off when it stops in the shape of all other refusals."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deadlines import Deadlines
from api.middleware import refuse_late


class DrainingMiddleware:
    """
    Answers 503 where the server cancels a request that outlives its deadline.

    Args:
        app: Answers.
        deadlines: Tells whether the service stops.
    """

    def __init__(self, app: ASGIApp, deadlines: Deadlines) -> None:
        self.app = app
        self._deadlines = deadlines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse when cancelled."""
        has_started = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if scope["type"] != "http" or has_started or not self._deadlines.is_stopping:
                raise
            await refuse_late(self._deadlines, has_body=True)(scope, receive, send)
