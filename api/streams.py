"""Tables as responses that are sent as they are read, in bounded memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, closing
from http import HTTPStatus
from typing import Any, Final, Protocol

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.deadlines import Deadlines
from api.endpoint import answer_until_departure, refuse_busy
from api.formats import TableFormat
from api.formats.encoders import Encoder, Ending, Rows
from api.logging import current_request, get_logger
from api.middleware import DEADLINE, RESTART_SECONDS, UNEXPECTED, error_response, refuse_late
from api.telemetry import note_outcome, phase
from graph.errors import (
    BusyError,
    ForegraphError,
    NotFoundError,
    NotOwnedError,
    StatementTimedOutError,
    TimedOutError,
    UnavailableError,
)
from resolvers.base.errors import describe

GRACE_SECONDS: Final = 10.0
"""Time that a table has beyond that of its statement: to wait for a place, to be judged, to be sent to its end."""

STALL_SECONDS: Final = 30.0
"""The longest that a client may take for one part of a table that has been read already."""

FAREWELL_SECONDS: Final = 1.0
"""The longest that a client may take for the line that tells of an error."""

REVISION_HEADER: Final = "foregraph-revision"
TRUNCATED_HEADER: Final = "foregraph-truncated"
"""Whether there are more rows than were asked for, where that is known before the first byte is sent."""

_STATUSES: Final[Sequence[tuple[type[ForegraphError], HTTPStatus]]] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (NotOwnedError, HTTPStatus.FORBIDDEN),
    (TimedOutError, HTTPStatus.GATEWAY_TIMEOUT),
    (StatementTimedOutError, HTTPStatus.GATEWAY_TIMEOUT),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Table(Protocol):
    """A table that is read batch by batch."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        ...

    @property
    def revision(self) -> int:
        """The graph's revision that it is read at."""
        ...

    @property
    def is_truncated(self) -> bool:
        """Whether there are more rows; known once all batches are read."""
        ...

    @property
    def elapsed_seconds(self) -> float:
        """Time since its start, in seconds; final once all batches are read."""
        ...

    def batches(self) -> AsyncIterator[Rows]:
        """Give the rows in batches, none of which is empty."""
        ...


OpenTable = Callable[[], AbstractAsyncContextManager[Table]]


class TableResponse:
    """
    Sends a table.

    An error before the first byte is a response of its own, in JSON. One after it is told in the format where it has a
    place for it; elsewhere the connection breaks, so that nobody takes a part for the whole. A client that leaves ends
    the table, and one that reads slowly slows it down.

    Args:
        open_table: Opens the table; what it holds is let go once the last row is read.
        table_format: The format.
        deadlines: Limits the time.
        seconds: Time for reading the table.
        filename: Name without extension under which a browser would keep it.
        is_typed: Whether values are typed, where the format has typed values.
        is_negotiated: Whether the format follows from the request's headers.
    """

    def __init__(
        self,
        open_table: OpenTable,
        table_format: TableFormat,
        *,
        deadlines: Deadlines,
        seconds: float,
        filename: str,
        is_typed: bool = False,
        is_negotiated: bool = False,
    ) -> None:
        self._open_table, self._deadlines, self._seconds = open_table, deadlines, seconds
        self._name = table_format.name
        self._open_encoder = (table_format.open_typed or table_format.open) if is_typed else table_format.open
        self._headers = {
            "content-type": table_format.media_type + table_format.parameters,
            "content-disposition": f'inline; filename="{filename}.{table_format.name}"',
            "cache-control": "no-store",
            **({"vary": "Accept"} if is_negotiated else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the table as long as the client is there."""
        if DEADLINE in scope:
            scope[DEADLINE].reschedule(None)  # a stream has a time of its own
        exchange = _Exchange(scope, receive, send, self._headers)
        await answer_until_departure(self._answer(exchange), receive)

    async def _answer(self, exchange: "_Exchange") -> None:
        with phase("table", format=self._name):
            await self._answer_in_time(exchange)

    async def _answer_in_time(self, exchange: "_Exchange") -> None:
        try:
            async with self._deadlines.limit(self._seconds + GRACE_SECONDS) as limit:
                await self._send(exchange, limit)
            note_outcome("data")
        except TimeoutError:
            if not limit.expired():
                raise
            await self._fail(exchange, self._explain_end())
        except ForegraphError as error:
            await self._fail(exchange, error)

    async def _send(self, exchange: "_Exchange", limit: asyncio.Timeout) -> None:
        """Read and send; one batch is held back, so that what comes after all rows is known when the last are sent."""
        held = b""
        with ExitStack() as stack:
            async with _opening(self._open_table) as table:
                exchange.headers[REVISION_HEADER] = str(table.revision)
                exchange.encoder = encoder = stack.enter_context(closing(self._open_encoder(table.columns)))
                async for rows in table.batches():
                    await exchange.send(held)
                    held = encoder.add(rows)
                    await asyncio.sleep(0)  # others have their turn
            exchange.headers[TRUNCATED_HEADER] = str(table.is_truncated).lower()
            await exchange.send(held)
            parts = encoder.finish(Ending(table.revision, table.is_truncated, table.elapsed_seconds))
            # In a thread, as a columnar format encodes everything now.
            while (part := await asyncio.to_thread(next, parts, None)) is not None:
                self._deadlines.put_off(limit, STALL_SECONDS)
                await exchange.send(part)
            await exchange.end()

    def _explain_end(self) -> ForegraphError:
        if self._deadlines.is_stopping:
            return BusyError("the service is stopping; send the request again shortly")
        message = (
            f"the table was not sent within {self._seconds + GRACE_SECONDS:g} seconds; ask for less, or read faster"
        )
        return TimedOutError(message)

    async def _fail(self, exchange: "_Exchange", error: ForegraphError) -> None:
        note_outcome(error.code, is_failed=not error.is_public)
        if not error.is_public:
            get_logger().error("a table failed", exc_info=error)
        if exchange.has_begun:
            await exchange.break_off(error)
        elif self._deadlines.is_stopping and isinstance(error, BusyError):
            await exchange.refuse(refuse_late(self._deadlines, has_body=True))
        else:
            await exchange.refuse(refuse(error))


@asynccontextmanager
async def _opening(open_table: OpenTable) -> AsyncIterator[Table]:
    """Open a table within the block; until it is open, it has a span of its own."""
    async with AsyncExitStack() as stack:
        with phase("open"):
            table = await stack.enter_async_context(open_table())
        yield table


class _Exchange:
    """
    A request whose response is sent in parts.

    Attributes:
        headers: Of the response; changes after its first byte have no effect.
        encoder: The encoder of the response, once there is one.
        has_begun: Whether the response has begun.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.headers = dict(headers)
        self.encoder: Encoder | None = None
        self.has_begun = False

    async def send(self, part: bytes) -> None:
        """Send some bytes, if there are any; waits while the client does not take them."""
        if not part:
            return
        await self._begin()
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self) -> None:
        """End the response."""
        await self._begin()
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, response: Response) -> None:
        """Send another response instead."""
        await response(self._scope, self._receive, self._send)

    async def break_off(self, error: ForegraphError) -> None:
        """Tell of an error behind the first bytes, or leave the response unfinished, so that the connection breaks."""
        get_logger().warning("a table broke off", path=self._scope["path"], code=error.code, reason=str(error))
        farewell = None if self.encoder is None else self.encoder.fail(_shown(error))
        if farewell is None:
            return
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._send({"type": "http.response.body", "body": farewell, "more_body": True})
                await self.end()
        except TimeoutError:
            return  # the client takes nothing

    async def _begin(self) -> None:
        if self.has_begun:
            return
        self.has_begun = True
        message = {"type": "http.response.start", "status": 200, "headers": []}
        MutableHeaders(scope=message).update(self.headers)
        await self._send(message)


def refuse(error: ForegraphError) -> Response:
    """The response to a request that an error ends before the first byte."""
    if isinstance(error, BusyError):
        return refuse_busy(error)
    if not error.is_public:
        return error_response(500, UNEXPECTED)
    status = status_of(error)
    headers = {"retry-after": str(RESTART_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    message, extensions = describe(error)
    return error_response(status, message, headers, **extensions)


def status_of(error: ForegraphError) -> HTTPStatus:
    """The status of a response that a public error ends before the first byte."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)


def _shown(error: ForegraphError) -> dict[str, Any]:
    """An error as it stands in a table."""
    if not error.is_public:
        shown: dict[str, Any] = {"message": UNEXPECTED, "code": ForegraphError.code}
    else:
        message, extensions = describe(error)
        shown = {"message": message, **extensions}
    record = current_request.get()
    return shown if record is None else {**shown, "requestId": record.request_id}
