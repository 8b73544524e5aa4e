"""Middleware, outermost first: request ids, the access log, and limits on host, body size and time."""

import re
import time
import uuid
from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deadlines import Deadlines
from api.logging import RequestRecord, current_request, get_logger, is_own_request
from api.metrics.instruments import note_error, note_request
from api.settings import LOOPBACK_NAMES
from graph.errors import BusyError, ForegraphError, NotFoundError, TimedOutError
from resolvers.base.errors import BAD_REQUEST
from resolvers.doors import FORBIDDEN, UNAUTHENTICATED

BOOKMARK_HEADER = "foregraph-bookmark"
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET_PATHS = frozenset({"/healthz", "/readyz"})  # polled every few seconds, so logged only when they fail
# The codes of the statuses with which a request is answered before any field is resolved.
CODES = {
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NotFoundError.code,
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: TimedOutError.code,
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "WRONG_HOST",
    429: "RATE_LIMITED",
    500: ForegraphError.code,
    503: BusyError.code,
    504: TimedOutError.code,
}
UNEXPECTED = "Something went wrong here; the log knows more."
STARTED = "foregraph.started"
"""The key of a request's scope under which `time.perf_counter` of its arrival is, where it has been awaited already."""
RECORD = "foregraph.record"
"""The key of a request's scope under which its `RequestRecord` is, once it is answered."""
DEADLINE = "foregraph.deadline"
"""The key of a request's scope under which its time limit is, for answers that set one of their own."""
RESTART_SECONDS = 5
"""After how many seconds a client whose request the service stopped is to try again."""
CLIENT_CLOSED_STATUS = 499  # nginx's code for a client that disconnected


def error_response(
    status: int, message: str, headers: dict[str, str] | None = None, *, code: str | None = None, **more: Any
) -> JSONResponse:
    """
    An error response in the shape that GraphQL clients read, for any path.

    Args:
        status: The HTTP status.
        message: For people.
        headers: Further headers.
        code: For programs; by default that of the status.
        more: Further extensions.
    """
    extensions: dict[str, Any] = {"code": code or CODES.get(status, BAD_REQUEST), **more}
    note_error(extensions["code"])
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        extensions["isRetryable"] = BusyError.is_retryable
    record = current_request.get()
    if record is not None:
        extensions["requestId"] = record.request_id
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, headers)


class RequestIdMiddleware:
    """Gives each request an id, the client's own if it is well-formed, and returns it in a header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the id in a header."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = choose_request_id(Headers(scope=scope).get("x-request-id", ""))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        token = current_request.set(RequestRecord(request_id))
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            current_request.reset(token)


def choose_request_id(incoming: str) -> str:
    """The client's id if it is well-formed, else a new one."""
    return incoming if REQUEST_ID_PATTERN.fullmatch(incoming) else uuid.uuid4().hex


class AccessLogMiddleware:
    """Logs each request once, and answers uncaught exceptions with a plain 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer and log."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status: int | None = None

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = scope.get(STARTED, time.perf_counter())
        try:
            await self.app(scope, receive, send_and_note)
        except Exception:
            get_logger().exception("request failed", method=scope["method"], path=scope["path"])
            if status is not None:
                raise  # part of the response is sent, so the connection must break
            response = error_response(500, UNEXPECTED)
            await response(scope, receive, send_and_note)
        finally:
            log_request(scope, status or CLIENT_CLOSED_STATUS, seconds=time.perf_counter() - started)


def log_request(scope: Scope, status: int, *, seconds: float) -> None:
    """Count a request, and write the access log's line of it; of the service's own requests there is neither."""
    if is_own_request.get():
        return
    record = scope[RECORD] = current_request.get()
    note_request(scope["path"], status, seconds, record)
    fields: dict[str, Any] = {"method": scope["method"], "path": scope["path"], "status": status}
    fields["ms"] = round(seconds * 1000, 1)
    if record is not None and record.operation_name is not None:
        fields["operation"] = record.operation_name
    if record is not None and record.num_statements is not None:
        fields["statements"] = record.num_statements
    if record is not None:
        fields |= _describe_access(record)
    is_quiet = scope["path"] in QUIET_PATHS and status < HTTPStatus.BAD_REQUEST
    log = get_logger().debug if is_quiet else get_logger().info
    log("request", **fields)


def _describe_access(record: RequestRecord) -> dict[str, Any]:
    """The caller, the refusal and the writes of a request; lines with either of the latter are the audit log."""
    fields: dict[str, Any] = {}
    if record.caller:
        fields["caller"] = record.caller
    if record.refused is not None:
        fields["refused"] = record.refused
    if record.writes:
        fields["writes"] = ",".join(record.writes)
    if record.refused is not None or record.writes:
        fields["audit"] = True
    return fields


class HostMiddleware:
    """Refuses requests for other host names, against DNS rebinding."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str] = ()) -> None:
        self.app = app
        self.allowed_hosts = frozenset((*LOOPBACK_NAMES, *allowed_hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse the host name."""
        if scope["type"] in ("http", "websocket"):
            host = Headers(scope=scope).get("host", "")
            name = split_host(host)
            if name not in self.allowed_hosts:
                await self._refuse(host)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refuse(self, host: str) -> JSONResponse:
        if not host:
            return error_response(400, "The request has no Host header.")
        message = (
            f"This service is not {host[:100]!r}. "
            "Ask it by a loopback name, or add the name to FOREGRAPH_ALLOWED_HOSTS."
        )
        return error_response(421, message)


def split_host(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets."""
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+?)\.?)(?::[0-9]*)?", host.strip().lower())
    return (match[1] or match[2]) if match else ""


class _BodyTooLargeError(Exception):
    pass


class BodyLimitMiddleware:
    """
    Refuses a body above the limit, by its Content-Length or once that many bytes have arrived.

    Args:
        app: Answers.
        max_bytes: Largest body.
        streams: Paths that limit their bodies themselves, as they answer before all has arrived.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, streams: Collection[str] = ()) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self._streams = frozenset(streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse the body."""
        if scope["type"] != "http" or scope["path"] in self._streams:
            await self.app(scope, receive, send)
            return
        if announced_length(scope) > self.max_bytes:
            await self._refuse()(scope, receive, send)
            return
        num_bytes = 0

        async def receive_and_count() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self.max_bytes:
                raise _BodyTooLargeError
            return message

        try:
            await self.app(scope, receive_and_count, send)
        except _BodyTooLargeError:
            await self._refuse()(scope, receive, send)

    def _refuse(self) -> JSONResponse:
        # The rest of the body is not read, so the connection cannot serve another request.
        message = f"The request's body is larger than {self.max_bytes} bytes."
        return error_response(413, message, headers={"connection": "close"})


def announced_length(scope: Scope) -> int:
    """The length of a request's body by its Content-Length; 0 where that is not given."""
    length = Headers(scope=scope).get("content-length", "")
    # 20 digits exceed any limit, and int() refuses thousands.
    return int(length[:20]) if length.isascii() and length.isdigit() else 0


class TimeoutMiddleware:
    """
    Ends a request that takes too long; its transaction is rolled back.

    Args:
        app: Answers.
        deadlines: Limits the time of a request.
        streams: Paths that limit their own time, step by step.
    """

    def __init__(self, app: ASGIApp, *, deadlines: Deadlines, streams: Collection[str] = ()) -> None:
        self.app = app
        self.deadlines = deadlines
        self._streams = frozenset(streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or give up."""
        if scope["type"] != "http" or scope["path"] in self._streams:
            await self.app(scope, receive, send)
            return
        has_body = has_started = False

        async def receive_and_note() -> Message:
            nonlocal has_body
            message = await receive()
            has_body = has_body or not message.get("more_body", False)
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            async with self.deadlines.limit(self.deadlines.seconds - _seconds_since_arrival(scope)) as limit:
                scope[DEADLINE] = limit
                await self.app(scope, receive_and_note, send_and_note)
        except TimeoutError:
            if not limit.expired() or has_started:
                raise
            await refuse_late(self.deadlines, has_body=has_body)(scope, receive, send)


def refuse_late(deadlines: Deadlines, *, has_body: bool) -> JSONResponse:
    """The response to a request whose time is over, or whose body did not arrive within it."""
    if deadlines.is_stopping:
        headers = {"retry-after": str(RESTART_SECONDS), "connection": "close"}
        return error_response(503, "The service is stopping; send the request again shortly.", headers)
    if has_body:
        message = f"The request was not answered within {deadlines.seconds:g} seconds and was stopped; ask for less."
        return error_response(504, message)
    message = f"The request's body did not arrive within {deadlines.seconds:g} seconds."
    return error_response(408, message, headers={"connection": "close"})


def _seconds_since_arrival(scope: Scope) -> float:
    return time.perf_counter() - scope[STARTED] if STARTED in scope else 0.0
