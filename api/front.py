"""
Answers documents that have been answered before, in one step from the request to the response.

It stands before all middleware and does what they do, with the same answers. Whatever is not usual, it leaves to them.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import orjson
from cross_web import HTTPException
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.callers import CALLER, Access, acting_for
from api.access.rates import RateLimitedError, Rates, refuse_rate
from api.admission import Admissions
from api.asking import BODY, needs_header, read_asked, read_json, read_parameters
from api.deadlines import Deadlines
from api.documents import Documents, Operation
from api.endpoint import RETRY_AFTER_SECONDS, refuse_busy
from api.execution import Answer, Executor
from api.limits import asks_for_cost
from api.logging import Cost, RequestRecord, current_request, get_logger, outcome_of
from api.middleware import (
    BOOKMARK_HEADER,
    CLIENT_CLOSED_STATUS,
    STARTED,
    UNEXPECTED,
    choose_request_id,
    error_response,
    log_request,
    refuse_late,
    split_host,
)
from api.negotiation import GRAPHQL_JSON, JSON, choose_media_type
from api.pricing import Price
from api.responses import Responses, compute_etag, describe_get, is_known
from api.settings import LOOPBACK_NAMES
from api.trusted import EVERY_DOCUMENT, Trusted
from graph.database.sessions import check_bookmark, join_bookmarks
from graph.errors import BusyError, ForegraphError, InvalidError
from resolvers.base.context import Context, Service
from resolvers.base.roles import Caller, Role

PATH: Final = "/graphql"
NEEDS: Final = Role.READER
"""The role that the route needs, before any document's."""
NO_STORE: Final = "no-store"
"""Cache-Control of a request that no kept response may answer, and whose response is not kept."""
UNUSUAL_HEADERS: Final = frozenset({b"content-encoding", b"expect"})
WATCH_AFTER_SECONDS: Final = 0.05
"""How long an answer takes before its client's departure is watched for, which costs a task."""
MAX_HOSTS: Final = 1_000
"""Most Host headers whose check is remembered."""


@dataclass(frozen=True, slots=True)
class Kept:
    """
    Stores of earlier documents and responses.

    Attributes:
        documents: Those that have been answered before.
        responses: Where responses are kept.
    """

    documents: Documents
    responses: Responses


@dataclass(frozen=True, slots=True)
class Controls:
    """
    Controls that every request has to pass.

    Attributes:
        access: Tells callers apart.
        rates: Limits what each asks.
        admissions: Limits the number of documents at a time.
        deadlines: Limits the time of a request.
    """

    access: Access
    rates: Rates
    admissions: Admissions
    deadlines: Deadlines


class Front:
    """
    Answers kept documents by GET and POST; passes everything else on, with the body that it has read.

    Args:
        app: Answers what is passed on.
        executor: Runs operations.
        kept: What is kept of earlier requests.
        controls: What every request has to pass.
        allowed_hosts: Further names in the Host header.
        max_body_bytes: Largest body.
        guards_gets: Whether a GET with a document's text needs a header that other origins cannot send unasked.
        trusted: Tells which documents are answered; by default all are.

    Attributes:
        num_answered: Requests answered here.
        num_passed_on: Requests passed on.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        executor: Executor,
        kept: Kept,
        controls: Controls,
        allowed_hosts: Collection[str],
        max_body_bytes: int,
        guards_gets: bool = False,
        trusted: Trusted = EVERY_DOCUMENT,
    ) -> None:
        self.app = app
        self.num_answered = self.num_passed_on = 0
        self._executor, self._documents, self._responses = executor, kept.documents, kept.responses
        self._access, self._rates = controls.access, controls.rates
        self._admissions, self._deadlines = controls.admissions, controls.deadlines
        self._allowed_hosts = frozenset((*LOOPBACK_NAMES, *allowed_hosts))
        self._known_hosts: dict[bytes, bool] = {}
        self._max_body_bytes, self._guards_gets = max_body_bytes, guards_gets
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        started = time.perf_counter()
        arrived: list[Message] = []
        try:
            async with self._deadlines.limit(self._deadlines.seconds):
                exchange = await self._find_exchange(scope, receive, arrived)
        except TimeoutError:
            exchange, receive = None, _receive_nothing
        if exchange is None:
            self.num_passed_on += 1
            scope[STARTED] = started
            await self.app(scope, _replay(arrived, receive), send)
            return
        self.num_answered += 1
        token, status = current_request.set(exchange.record), CLIENT_CLOSED_STATUS
        try:
            status = await self._answer(exchange, receive, send, started + self._deadlines.seconds)
        finally:
            log_request(scope, status, seconds=time.perf_counter() - started)
            current_request.reset(token)

    async def _find_exchange(self, scope: Scope, receive: Receive, arrived: list[Message]) -> "_Exchange | None":
        """The exchange that a request begins, if it may be answered here; notes the messages that have arrived."""
        headers = self._find_usual_headers(scope)
        caller = None if headers is None else self._access.recognize(scope)
        if headers is None or caller is None or NEEDS not in caller.roles:
            return None
        try:
            data = await self._read(scope, headers, receive, arrived)
            asked = read_asked(data, self._documents, self._trusted)
            shown = headers.get(BOOKMARK_HEADER.encode())
            bookmark = None if shown is None else check_bookmark(shown.decode("latin-1"))
        except (HTTPException, InvalidError):  # the endpoint says what is wrong
            return None
        operation = None if asked.document is None else asked.document.find_operation(asked.operation_name)
        if (
            operation is None
            or asks_for_cost(asked.extensions)
            or not (operation.is_query or scope["method"] == "POST")
        ):
            return None
        is_open = operation.roles <= caller.roles and (operation.is_query or not caller.bounds.is_tight)
        price = operation.find_price(asked.variables or {}) if is_open else None
        if price is None:
            return None
        record = RequestRecord(choose_request_id(headers.get(b"x-request-id", b"").decode("latin-1")))
        record.operation_name, record.caller = asked.operation_name or operation.name, caller.name
        record.operation_type = "query" if operation.is_query else "mutation"
        record.document_id = operation.document_id
        record.writes = () if operation.is_query else tuple(operation.needs)
        media_type = choose_media_type(headers.get(b"accept", b"").decode("latin-1"))
        service: Service = scope["app"].state.service
        if_none_match = headers.get(b"if-none-match", b"").decode("latin-1")
        is_stored = NO_STORE.encode() not in headers.get(b"cache-control", b"")
        return _Exchange(
            scope,
            service,
            record,
            caller,
            operation,
            price,
            asked.variables,
            bookmark,
            media_type,
            if_none_match,
            is_stored=is_stored,
        )

    async def _read(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, arrived: list[Message]
    ) -> object:
        if scope["method"] == "GET":
            parameters, names = QueryParams(scope["query_string"]), {name.decode("latin-1") for name in headers}
            media_type = headers.get(b"content-type", b"").decode("latin-1")
            is_refused = self._guards_gets and needs_header(parameters, names, media_type)
            return None if is_refused else read_parameters(parameters)
        body = await self._receive_body(receive, arrived)
        if body is None:
            return None
        scope[BODY] = read_json(body)
        return scope[BODY]

    async def _answer(self, exchange: "_Exchange", receive: Receive, send: Send, deadline: float) -> int:
        """Answer until a moment of `time.perf_counter`; returns the status for the log."""
        is_sent = False
        try:
            reply = await self._reply(exchange, receive, seconds=deadline - time.perf_counter())
            if reply is None:
                return CLIENT_CLOSED_STATUS
            is_sent = True
            await reply.send(exchange.record.request_id, send)
        except Exception:
            get_logger().exception("request failed", method=exchange.scope["method"], path=PATH)
            if is_sent:
                raise  # the connection must break
            reply = _Reply.of(error_response(500, UNEXPECTED))
            await reply.send(exchange.record.request_id, send)
        return reply.status

    async def _reply(self, exchange: "_Exchange", receive: Receive, *, seconds: float) -> "_Reply | None":
        """The reply to an exchange; None if the client has left."""
        try:
            async with self._deadlines.limit(seconds) as limit:
                with _Departure(receive):
                    answer = await self._run_within_rates(exchange)
        except RateLimitedError as error:
            return _Reply.of(refuse_rate(str(error), error.extensions()))
        except BusyError as busy:
            return _Reply.of(refuse_busy(busy))
        except _DepartedError:
            return None
        except TimeoutError:
            if not limit.expired():
                raise
            return _Reply.of(refuse_late(self._deadlines, has_body=True))
        exchange.record.outcome = outcome_of(has_errors=answer.has_errors, is_refused=answer.status != HTTPStatus.OK)
        return exchange.reply(answer)

    async def _run_within_rates(self, exchange: "_Exchange") -> Answer:
        """Run, if the caller may ask so much; a tool's request is within a place that its agent holds."""
        is_inner = CALLER in exchange.scope
        await self._rates.spend(exchange.caller, exchange.price.total, is_mutation=not exchange.operation.is_query)
        exchange.record.priced = Cost(exchange.price.rows, exchange.price.points)
        with nullcontext() if is_inner else self._rates.hold(exchange.caller):
            return await self._run(exchange)

    async def _run(self, exchange: "_Exchange") -> Answer:
        variables = exchange.variables or {}
        if not (
            self._responses.is_on
            and exchange.is_stored
            and exchange.operation.is_query
            and exchange.operation.is_timeless(variables)
        ):
            return await self._execute(exchange, exchange.bookmark)
        try:
            key = exchange.operation.key + orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # an integer of more than 64 bits
            return await self._execute(exchange, exchange.bookmark)
        if exchange.operation.is_daily:
            key += (datetime.now(UTC) - datetime.resolution).date().isoformat().encode()
        return await self._find_or_execute(exchange, key)

    async def _find_or_execute(self, exchange: "_Exchange", key: bytes) -> Answer:
        """
        Give the response that was kept, if nothing has been written since; else execute, and keep the response.

        It is kept under a version that was read before, and read after that version's bookmark; so it includes all of
        it. A version read now includes all writes acknowledged until now; if it is the same, the response does too.
        """
        versions, kept = exchange.service.versions, self._responses.find(key)
        try:
            version = await self._find_version(exchange, is_kept=kept is not None)
        except ForegraphError:
            return await self._execute(exchange, exchange.bookmark)  # which says what is wrong
        if kept is not None and kept.version == version:
            self._responses.num_hits += 1
            exchange.record.num_statements, exchange.record.actual = 0, Cost()
            return kept
        self._responses.num_missed += kept is None
        self._responses.num_stale += kept is not None
        answer = await self._execute(exchange, join_bookmarks(version, exchange.bookmark))
        if answer.has_errors:
            versions.forget()
        else:
            self._responses.keep(key, version, answer)
        return answer

    async def _find_version(self, exchange: "_Exchange", *, is_kept: bool) -> str:
        """The version to compare with; without a response to compare, any earlier one does."""
        versions = exchange.service.versions
        if not is_kept and versions.latest is not None:
            return versions.latest
        if exchange.bookmark is None:
            return await versions.read()
        async with self._admissions.admit(is_mutation=not exchange.operation.is_query):
            return await exchange.service.database.read_version(exchange.bookmark)

    async def _execute(self, exchange: "_Exchange", bookmark: str | None) -> Answer:
        async with self._admissions.admit(is_mutation=not exchange.operation.is_query):
            context = Context(exchange.service, exchange.record.request_id, bookmark, caller=exchange.caller)
            try:
                with acting_for(exchange.caller):
                    return await self._executor.run(exchange.operation, exchange.variables, context)
            finally:
                exchange.record.num_statements = context.num_statements
                exchange.record.actual = Cost(context.num_rows, context.num_points)
                await context.close()

    def _find_usual_headers(self, scope: Scope) -> dict[bytes, bytes] | None:
        """The headers of a request that may be answered here, None for any other."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in {"GET", "POST"}:
            return None
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not UNUSUAL_HEADERS.isdisjoint(headers):
            return None
        if not self._is_known_host(headers.get(b"host", b"")):
            return None
        if scope["method"] == "GET":
            return headers
        media_type = headers.get(b"content-type", b"").partition(b";")[0]
        length = headers.get(b"content-length", b"0")
        is_small = length.isdigit() and len(length) < len(str(self._max_body_bytes)) + 1
        return headers if media_type == JSON.encode() and is_small else None

    def _is_known_host(self, host: bytes) -> bool:
        known = self._known_hosts.get(host)
        if known is None:
            known = split_host(host.decode("latin-1")) in self._allowed_hosts
            if len(self._known_hosts) < MAX_HOSTS:
                self._known_hosts[host] = known
        return known

    async def _receive_body(self, receive: Receive, arrived: list[Message]) -> bytes | None:
        """The body; None if it is too large or its client leaves. Notes all messages."""
        num_bytes = 0
        while True:
            message = await receive()
            arrived.append(message)
            num_bytes += len(message.get("body", b""))
            if message["type"] != "http.request" or num_bytes > self._max_body_bytes:
                return None
            if not message.get("more_body", False):
                return b"".join(part.get("body", b"") for part in arrived)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request that is answered here, as far as it has been read."""

    scope: Scope
    service: Service
    record: RequestRecord
    caller: Caller
    operation: Operation
    price: Price
    variables: dict[str, Any] | None
    bookmark: str | None
    media_type: str
    if_none_match: str
    is_stored: bool

    def reply(self, answer: Answer) -> "_Reply":
        """The reply that an answer makes."""
        headers = [(b"content-length", b"%d" % len(answer.body)), (b"content-type", self.media_type.encode())]
        if self.scope["method"] != "GET" or answer.has_errors:
            status = answer.status if self.media_type == GRAPHQL_JSON else 200
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
            return _Reply(status, answer.body, headers)
        etag = compute_etag(answer.body, self.media_type)
        described = [(name.encode(), value.encode()) for name, value in describe_get(etag).items()]
        if is_known(etag, self.if_none_match):
            return _Reply(304, b"", described)
        return _Reply(200, answer.body, headers + described)


class _Reply(NamedTuple):
    """A response before it is sent."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]]

    @classmethod
    def of(cls, response: Response) -> Self:
        return cls(response.status_code, bytes(response.body), response.raw_headers)

    async def send(self, request_id: str, send: Send) -> None:
        headers = [*self.headers, (b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class _DepartedError(Exception):
    pass


class _Departure:
    """
    Ends a block when the request's client leaves, so that abandoned queries end; raises _DepartedError then.

    The client is watched only once the block takes long, as that costs a task.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None
        self._has_departed = False

    def __enter__(self) -> None:
        self._block = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._begin)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if self._has_departed and self._block is not None:
            self._block.uncancel()
            if isinstance(error, asyncio.CancelledError):
                raise _DepartedError from error

    def _begin(self) -> None:
        self._watch = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._block is not None:
            self._has_departed = True
            self._block.cancel()


async def _receive_nothing() -> Message:
    """Stand in for a client whose body did not come in time."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


def _replay(arrived: list[Message], receive: Receive) -> Receive:
    """Receives what has arrived already, then what comes."""
    if not arrived:
        return receive
    remaining = iter(arrived)

    async def receive_next() -> Message:
        message = next(remaining, None)
        return await receive() if message is None else message

    return receive_next
