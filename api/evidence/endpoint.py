"""POST /evidence: items as lines of JSON, each answered by a line as soon as it is recorded or refused."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.admission import Admission, Admissions
from api.asking import read_json
from api.deadlines import Deadlines
from api.endpoint import refuse_busy
from api.evidence.reading import read_json_line
from api.evidence.writing import MAX_GROUP_LINES, MAX_LINE_BYTES, Line, Writer
from api.logging import current_request, get_logger
from api.middleware import BOOKMARK_HEADER, UNEXPECTED, announced_length, error_response, refuse_late
from api.negotiation import JSON
from graph.database.sessions import check_bookmark
from graph.errors import BusyError, ForegraphError, InvalidError, TimedOutError
from resolvers.base.context import Service

PATH: Final = "/evidence"
NDJSON: Final = "application/x-ndjson"

MAX_PENDING_BYTES: Final = 8 * 1024 * 1024
"""Answers that wait for the client to read them; one that sends all before it reads may send some 20,000 items."""

LAST_SECONDS: Final = 1.0
"""Time for the last answers once the service stops; with the time of the requests, less than it waits for them."""

BODY_TOO_LARGE: Final = "BODY_TOO_LARGE"
NOT_READ: Final = "the answers were not read in time; read while you send"


class _StoppedError(Exception):
    """
    The stream ends before its last item was answered.

    Attributes:
        status: The status to answer with, if nothing has been answered yet.
        code: The code of the error.
        message: What is wrong.
        is_retryable: Whether the items that were not answered may be sent again as they are.
    """

    def __init__(self, status: int, code: str, message: str, *, is_retryable: bool = True) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.is_retryable = status, code, message, is_retryable

    def shown(self) -> dict[str, Any]:
        """The error as JSON values."""
        return {"code": self.code, "message": self.message, "path": [], "isRetryable": self.is_retryable}


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """
    Limits of streams of evidence.

    Attributes:
        num_streams: Streams at a time.
        max_bytes: Largest body of lines.
        max_array_bytes: Largest body that is one JSON array, which is read as a whole.
        seconds: Longest time for a stream; each step has the time of a request.
        max_pending_bytes: Answers that may wait for the client to read them.
    """

    num_streams: int
    max_bytes: int
    max_array_bytes: int
    seconds: float
    max_pending_bytes: int = MAX_PENDING_BYTES


class EvidenceEndpoint:
    """
    Takes items of evidence as NDJSON or as a JSON array, which other origins cannot send without CORS.

    Lines are read while the client sends them, written as many at a time as have arrived, and answered in order. The
    client is read no faster than its items are written and its answers are taken.

    Args:
        limits: Limits of streams.
        admissions: Limits the number of writes at a time, together with mutations.
        deadlines: Limits the time of each step, and ends streams when the service stops.
    """

    def __init__(self, limits: StreamLimits, admissions: Admissions, deadlines: Deadlines) -> None:
        self._limits, self._admissions, self._deadlines = limits, admissions, deadlines
        self._streams = Admission(
            limits.num_streams, max_waiting=limits.num_streams, limit="streams of evidence at a time"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        answers = _Answers(send, self._limits.max_pending_bytes)
        response: Response
        try:
            is_dry_run = _read_parameters(request)
            is_array = _is_array(request, self._limits)
            if (record := current_request.get()) is not None:
                record.writes = ("submitEvidenceBatch",)
            async with self._streams.admit(), answers.sending(self._wait_for_reading):
                stream = _Stream(self, scope["app"].state.service, answers, is_dry_run=is_dry_run)
                await stream.run(self._list_array(receive) if is_array else self._list_lines(receive))
            return
        except HTTPException as refusal:
            response = error_response(refusal.status_code, refusal.reason)
        except BusyError as busy:
            response = refuse_busy(busy)
        except _StoppedError as stopped:
            if answers.has_started:
                raise  # nobody reads, so the connection must break
            response = self._refuse(stopped)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    def _refuse(self, stopped: _StoppedError) -> Response:
        """The response to a stream that has ended before anything was answered."""
        if self._deadlines.is_stopping or stopped.status == HTTPStatus.REQUEST_TIMEOUT:
            return refuse_late(self._deadlines, has_body=False)
        headers = {"connection": "close"} if stopped.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else None
        return error_response(stopped.status, stopped.message, headers, code=stopped.code)

    @asynccontextmanager
    async def step(self, late: _StoppedError) -> AsyncIterator[None]:
        """Limit the time of a step; raises `late` where it takes too long, and says so where the service stops."""
        try:
            async with self._deadlines.limit(self._deadlines.seconds) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            if not self._deadlines.is_stopping:
                raise late from None
            message = "the service is stopping; send the items from this index on again shortly"
            raise _StoppedError(503, BusyError.code, message) from None

    def reading(self) -> AbstractAsyncContextManager[None]:
        """Limit the time in which the client is to read answers, as a step."""
        return self.step(_StoppedError(408, TimedOutError.code, NOT_READ))

    async def _wait_for_reading(self, sending: asyncio.Task[None]) -> None:
        seconds = LAST_SECONDS if self._deadlines.is_stopping else self._deadlines.seconds
        try:
            async with asyncio.timeout(seconds):
                await sending
        except TimeoutError:
            raise _StoppedError(408, TimedOutError.code, NOT_READ) from None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Hold a place among the mutations, for a step."""
        message = f"the items were not written within {self._deadlines.seconds:g} seconds; send them again"
        async with self.step(_StoppedError(504, TimedOutError.code, message)), self._admissions.admit(is_mutation=True):
            yield

    async def _list_lines(self, receive: Receive) -> AsyncGenerator[list[Line]]:
        """Read lines, each time as many as have arrived, up to a group."""
        body = _Body(receive, self._limits.max_bytes)
        has_more = True
        while has_more:
            message = f"no line arrived within {self._deadlines.seconds:g} seconds"
            async with self.step(_StoppedError(408, TimedOutError.code, message)):
                has_more = await body.receive_line()
            while lines := body.take_lines(MAX_GROUP_LINES):
                yield [read_json_line(index, line) for index, line in lines]

    async def _list_array(self, receive: Receive) -> AsyncGenerator[list[Line]]:
        body = _Body(receive, self._limits.max_array_bytes)
        message = f"the body did not arrive within {self._deadlines.seconds:g} seconds"
        async with self.step(_StoppedError(408, TimedOutError.code, message)):
            value = read_json(await body.receive_all())
        items = value if isinstance(value, list) else [value]
        for start in range(0, len(items), MAX_GROUP_LINES):
            part = items[start : start + MAX_GROUP_LINES]
            yield [Line(index, item) for index, item in enumerate(part, start)]

    @property
    def seconds(self) -> float:
        """Longest time for a stream."""
        return self._limits.seconds


class _Stream:
    """One request as it is answered."""

    def __init__(self, endpoint: EvidenceEndpoint, service: Service, answers: "_Answers", *, is_dry_run: bool) -> None:
        self._endpoint, self._service, self._answers, self._is_dry_run = endpoint, service, answers, is_dry_run
        self._writer = Writer(service.intake, is_dry_run=is_dry_run)
        self._end = asyncio.get_running_loop().time() + endpoint.seconds
        self._next_index = 0

    async def run(self, groups: AsyncGenerator[list[Line]]) -> None:
        """
        Answer all items.

        Raises:
            _StoppedError: The stream has ended before anything was answered.
        """
        try:
            async with aclosing(groups):
                async for lines in groups:
                    await self._write(lines)
            last: dict[str, Any] = {"status": "DONE"}
        except _StoppedError as stopped:
            if not self._answers.has_started:
                raise
            last = {"status": "STOPPED", "index": self._next_index, "errors": [stopped.shown()]}
        self._answers.put_last([last | self._writer.summary()])

    async def _write(self, lines: Sequence[Line]) -> None:
        self._next_index = lines[0].index
        if asyncio.get_running_loop().time() > self._end:
            message = f"a stream may take {self._endpoint.seconds:g} seconds; go on from this index with another"
            raise _StoppedError(504, TimedOutError.code, message)
        try:
            async with self._endpoint.writing():
                answers = await self._writer.write(lines)
        except ForegraphError as error:
            raise _stopped_by(error) from error
        if not self._is_dry_run:
            self._service.note_write()
        async with self._endpoint.reading():
            await self._answers.put(answers)
        self._next_index = lines[-1].index + 1


def _stopped_by(error: ForegraphError) -> _StoppedError:
    if error.is_public:
        status = 503 if error.is_retryable else 504
        return _StoppedError(status, error.code, str(error), is_retryable=True)
    get_logger().error("evidence could not be written", exc_info=error)
    return _StoppedError(500, ForegraphError.code, UNEXPECTED, is_retryable=False)


class _Body:
    """
    A request's body as it arrives.

    What is wrong with it is raised once the lines before have been taken.

    Args:
        receive: Receives its parts.
        max_bytes: The most that it may have.
    """

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive, self._max_bytes = receive, max_bytes
        self._lines: deque[tuple[int, bytes]] = deque()
        self._num_lines = self._num_bytes = 0
        self._rest = b""
        self._is_complete = False
        self._fault: _StoppedError | None = None

    async def receive_line(self) -> bool:
        """
        Receive until a line that is not blank is complete, or the body is; returns whether there may be more.

        Raises:
            ClientDisconnect: The client has left.
            _StoppedError: The body or a line is too long.
        """
        while not self._lines:
            if self._fault is not None:
                raise self._fault
            if self._is_complete:
                return False
            part = await self._receive_part()
            *complete, self._rest = (self._rest + part).split(b"\n")
            if self._is_complete:
                complete.append(self._rest)
            for line in complete:
                self._add(line)
            self._check_length(self._rest)
        return True

    def take_lines(self, most: int) -> list[tuple[int, bytes]]:
        """Take lines that have arrived, with their places."""
        return [self._lines.popleft() for _ in range(min(most, len(self._lines)))]

    async def receive_all(self) -> bytes:
        """Receive the whole body; raises as `receive_line`."""
        parts: list[bytes] = []
        while not self._is_complete and self._fault is None:
            parts.append(await self._receive_part())
        if self._fault is not None:
            raise self._fault
        return b"".join(parts)

    async def _receive_part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        self._num_bytes += len(part)
        self._is_complete = not message.get("more_body", False)
        if self._num_bytes <= self._max_bytes:
            return part
        text = f"the body is larger than {self._max_bytes} bytes; go on from this index with another request"
        self._fault = self._fault or _StoppedError(413, BODY_TOO_LARGE, text)
        return b""

    def _add(self, line: bytes) -> None:
        self._check_length(line)
        if self._fault is None and line.strip():
            self._lines.append((self._num_lines, line))
        self._num_lines += 1

    def _check_length(self, line: bytes) -> None:
        if len(line) > MAX_LINE_BYTES and self._fault is None:
            message = f"line {self._num_lines + 1} is longer than {MAX_LINE_BYTES} bytes"
            self._fault = _StoppedError(413, BODY_TOO_LARGE, message, is_retryable=False)


class _Answers:
    """
    The answers' way to the client, who may read them later than they are made, up to a limit.

    Attributes:
        has_started: Whether anything has been answered.
    """

    def __init__(self, send: Send, max_bytes: int) -> None:
        self.has_started = False
        self._send, self._max_bytes = send, max_bytes
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._num_bytes = 0
        self._has_room = asyncio.Event()

    @asynccontextmanager
    async def sending(self, finish: Callable[[asyncio.Task[None]], Awaitable[None]]) -> AsyncIterator[None]:
        """
        Send the answers of the block, and all of them before its end.

        Args:
            finish: Waits until the client has read the last.
        """
        task = asyncio.create_task(self._send_all())
        try:
            yield
            self._waiting.put_nowait(b"")
            await finish(task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def put(self, answers: Sequence[dict[str, Any]]) -> None:
        """Send some answers; waits while the client has too many to read."""
        while self._num_bytes > self._max_bytes:
            self._has_room.clear()
            await self._has_room.wait()
        self.put_last(answers)

    def put_last(self, answers: Sequence[dict[str, Any]]) -> None:
        """Send some answers after all others."""
        self.has_started = True
        text = b"".join(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE) for answer in answers)
        self._num_bytes += len(text)
        self._waiting.put_nowait(text)

    async def _send_all(self) -> None:
        text = await self._waiting.get()
        headers = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        while text:
            await self._send({"type": "http.response.body", "body": text, "more_body": True})
            self._num_bytes -= len(text)
            self._has_room.set()
            text = await self._waiting.get()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _read_parameters(request: Request) -> bool:
    """
    Read whether it is a dry run.

    Raises:
        HTTPException: Another parameter is given, or another value, with status 400.
    """
    values = {"true": True, "false": False}
    for name in request.query_params:
        if name != "dryRun":
            raise HTTPException(400, f"There is no parameter {name[:80]!r}; there is dryRun.")
    given = request.query_params.get("dryRun", "false")
    if given not in values:
        raise HTTPException(400, f"The parameter dryRun must be true or false, it is {given[:80]!r}.")
    return values[given]


def _is_array(request: Request, limits: StreamLimits) -> bool:
    """
    Whether the body is one JSON array, not lines.

    Raises:
        HTTPException: A header is wrong: with status 400 for a bookmark, 413 for a length, else 415.
    """
    media_type = request.headers.get("content-type", "none").partition(";")[0].strip().lower()
    if media_type not in {NDJSON, JSON}:
        raise HTTPException(415, f"The content type must be {NDJSON} or {JSON}, it is {media_type[:100]}.")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise HTTPException(415, f"A compressed body is not accepted, this one is {encoding[:100]}.")
    most, length = limits.max_array_bytes if media_type == JSON else limits.max_bytes, announced_length(request.scope)
    if length > most:
        raise HTTPException(413, f"The request's body has {length} bytes, at most {most} are allowed.")
    try:
        check_bookmark(request.headers.get(BOOKMARK_HEADER, "-"))
    except InvalidError as error:
        raise HTTPException(400, f"The header Foregraph-Bookmark is wrong: {error.message}.") from error
    return media_type == JSON
