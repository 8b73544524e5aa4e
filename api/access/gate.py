"""
Refuses wrong keys before anything else is done for them, so that a flood of them costs others little.

It answers and notes what `AccessMiddleware` would, but for the log: of many in a second the first have a line each, and
one line tells the number of the rest.
"""

import asyncio
import time
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.callers import Access, CredentialError
from api.access.refusals import refuse_credential
from api.access.routes import find_need, find_route
from api.logging import RequestRecord, current_request, get_logger
from api.metrics.instruments import note_request
from api.middleware import choose_request_id, log_request
from resolvers.base.roles import Role

MOST_LINES: Final = 20
"""Refusals that have a line of the log each, in a second."""


class Gate:
    """
    Refuses requests over HTTP whose key was never given out, where their route needs one; passes all others on.

    Args:
        app: Answers.
        access: Tells callers apart.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self.app = app
        self._access = access
        self._num_told = self._num_untold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse the key."""
        if (
            scope["type"] == "http"
            and self._access.is_wrong(scope)
            and find_need(find_route(scope), scope) is not Role.PUBLIC
        ):
            await self._refuse(scope, send)
        else:
            await self.app(scope, receive, send)

    async def _refuse(self, scope: Scope, send: Send) -> None:
        started = time.perf_counter()
        record = RequestRecord(choose_request_id(Headers(scope=scope).get("x-request-id", "")))
        token = current_request.set(record)
        try:
            response = refuse_credential(CredentialError("The key is not valid."))
            own = [(b"x-request-id", record.request_id.encode()), (b"x-content-type-options", b"nosniff")]
            headers = [*response.raw_headers, *own]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            await send({"type": "http.response.body", "body": response.body})
        finally:
            self._note(scope, record, time.perf_counter() - started)
            current_request.reset(token)

    def _note(self, scope: Scope, record: RequestRecord, seconds: float) -> None:
        """Count a refusal, and log it unless there have been many within a second."""
        if not self._num_told:
            asyncio.get_running_loop().call_later(1.0, self._sum_up)
        if self._num_told < MOST_LINES:
            self._num_told += 1
            log_request(scope, HTTPStatus.UNAUTHORIZED, seconds=seconds)
        else:
            self._num_untold += 1
            note_request(scope["path"], HTTPStatus.UNAUTHORIZED, seconds, record)

    def _sum_up(self) -> None:
        """Log how many refusals had no line of their own, and begin anew."""
        if self._num_untold:
            more: dict[str, Any] = {"refused": self._num_untold, "audit": True}
            get_logger().warning("further wrong keys were refused within a second", **more)
        self._num_told = self._num_untold = 0
