"""Runs WebSockets outside of the middleware that has let them in: its frames would take 6 KB for each of thousands."""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_RUN: Final = "foregraph.lasting"
"""The key of a connection's scope under which there is what runs it."""


class LastingMiddleware:
    """
    Runs connections over WebSocket once all other middleware has let them in.

    Args:
        app: Lets them in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer."""
        return self._run(scope, receive, send) if scope["type"] == "websocket" else self.app(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_RUN] = None
        await self.app(scope, receive, send)
        run: ASGIApp | None = scope.pop(_RUN)
        if run is not None:
            await run(scope, receive, send)


def run_later(run: ASGIApp, scope: Scope) -> bool:
    """Have a connection run outside of its middleware; returns whether it will be."""
    if _RUN not in scope:
        return False
    scope[_RUN] = run
    return True
