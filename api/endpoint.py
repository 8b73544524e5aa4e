"""The GraphQL endpoint over HTTP: checks requests, and gives each document a Context that lives as long as it."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from api.access.callers import caller_of
from api.access.rates import RATE_LIMITED, refuse_rate
from api.access.refusals import refuse
from api.admission import Admissions, QueueError, is_mutation
from api.asking import BODY, Asked, UnknownDocumentError, needs_header, read_asked, read_json, read_parameters
from api.documents import Documents
from api.execution import Discretion, find_status, mask, status_of_codes
from api.graphiql.page import GraphiQL
from api.logging import Cost, RequestRecord, current_request, outcome_of
from api.middleware import error_response
from api.negotiation import EVENT_STREAM, GRAPHQL_JSON, JSON, accepts_events, choose_media_type, wants_page
from api.responses import compute_etag, describe_get, is_known
from api.subscriptions.results import is_subscription
from api.trusted import EVERY_DOCUMENT, Trusted
from graph.errors import BusyError, InvalidError
from resolvers.base.context import Context
from resolvers.doors import FORBIDDEN, UNAUTHENTICATED

if TYPE_CHECKING:
    from api.subscriptions.events import EventStreams

RETRY_AFTER_SECONDS = 1
UNGUARDED = (
    "A GET with a document's text needs one of the headers GraphQL-Require-Preflight, X-API-Key or Authorization; "
    "without, name the document by its documentId, or use POST."
)
PARAMETERS = frozenset({"query", "documentId", "extensions"})
"""Those of which a GET has one, unless a browser asks for GraphiQL."""


class _RequestAdapter(StarletteRequestAdapter):
    """A request whose body is parsed once."""

    async def read_body(self) -> object:
        """Parse the body, unless that has been done already."""
        scope = self._request.scope
        if BODY not in scope:
            scope[BODY] = read_json(await self.get_body())
        return scope[BODY]


class GraphQLEndpoint(GraphQL[Context, None]):
    """
    Serves queries by GET or JSON POST, mutations by JSON POST only, which other origins cannot send without CORS.

    Args:
        schema: The schema to serve.
        open_context: Makes the Context from a request and its id; raises InvalidError where a header is invalid.
        graphiql: The page that a browser gets; None for no page.
        admissions: Limits the number of documents at a time.
        documents: Where documents are kept once they have been answered; by default none are.
        guards_gets: Whether a GET with a document's text needs a header that other origins cannot send unasked.
        streams: Answers subscriptions; by default none are answered.
        trusted: Tells which documents are answered; by default all are.
    """

    request_adapter_class = _RequestAdapter

    def __init__(
        self,
        schema: Schema,
        open_context: Callable[[Request, str], Context],
        *,
        graphiql: GraphiQL | None,
        admissions: Admissions,
        documents: Documents | None = None,
        guards_gets: bool = False,
        streams: "EventStreams | None" = None,
        trusted: Trusted = EVERY_DOCUMENT,
    ) -> None:
        super().__init__(schema, graphql_ide="graphiql" if graphiql else None, subscription_protocols=())
        self.open_context = open_context
        self._graphiql = graphiql
        self._discretion = Discretion(schema)
        self.admissions = admissions
        self._guards_gets, self._trusted = guards_gets, trusted
        self.documents = Documents(schema, 0) if documents is None else documents
        self._streams = None if schema._schema.subscription_type is None else streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            check_media_type(request)
            await request.body()
            response = await self._find_stream(request) or await self._run_while_connected(request)
        except HTTPException as refusal:
            response = _refuse(request, refusal)
        except BusyError as busy:
            response = refuse_busy(busy)
        except _RateError as error:
            response = refuse_rate(error.refusal.message, error.refusal.extensions or {})
        except _RoleError as error:
            response = refuse(error.refusal.message, error.refusal.extensions or {}, caller_of(scope))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _find_stream(self, request: Request) -> Response | None:
        """The stream that answers a subscription; None for any other request."""
        if self._streams is None or not accepts_events(request.headers.get("accept", "")):
            return None
        asked = await self._read_asked(self.request_adapter_class(request))
        if not self._streams.takes(asked):
            return None
        record = current_request.get()
        return self._streams.answer(request, asked, self._open(request, record))

    async def _run_while_connected(self, request: Request) -> Response:
        """Answer the request; stop when the client disconnects, so that abandoned queries end."""
        answer = asyncio.create_task(self._run_in_context(request))
        departure = asyncio.create_task(wait_for_departure(request.receive))
        try:
            await asyncio.wait((answer, departure), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientDisconnect
            return answer.result()
        finally:
            answer.cancel()
            departure.cancel()
            await asyncio.gather(answer, departure, return_exceptions=True)

    async def _run_in_context(self, request: Request) -> Response:
        record = current_request.get()
        context = self._open(request, record)
        try:
            return _as_asked(request, await self.run(request, context=context))
        finally:
            if record is not None:
                record.num_statements, record.writes = context.num_statements, context.writes
                record.actual = Cost(context.num_rows, context.num_points)
            await context.close()

    def _open(self, request: Request, record: RequestRecord | None) -> Context:
        try:
            return self.open_context(request, record.request_id if record is not None else "")
        except InvalidError as error:
            raise HTTPException(400, f"The header Foregraph-Bookmark is wrong: {error.message}.") from error

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """True for browsers only: other clients send `*/*` and expect JSON."""
        return self.graphql_ide is not None and request.method == "GET" and asks_for_page(request)

    async def render_graphql_ide(self, request: Request) -> Response:
        """GraphiQL, if it is served."""
        return await self._graphiql.answer_page() if self._graphiql is not None else Response(status_code=404)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """Read the document, its variables and the operation's name; raises HTTPException on what is wrong."""
        asked = await self._read_asked(request)
        return GraphQLRequestData(
            query=asked.text,
            variables=asked.variables,
            operation_name=asked.operation_name,
            extensions=asked.extensions,
        )

    async def _read_asked(self, request: AsyncHTTPRequestAdapter) -> Asked:
        if request.method == "GET":
            parameters, headers = request.query_params, request.headers
            if self._guards_gets and needs_header(parameters, headers.keys(), headers.get("content-type", "")):
                raise HTTPException(400, UNGUARDED)
            return read_asked(read_parameters(parameters), self.documents, self._trusted)
        return read_asked(await cast("_RequestAdapter", request).read_body(), self.documents, self._trusted)

    async def execute_operation(self, *, request_data: GraphQLRequestData, **arguments: Any) -> Any:  # type: ignore[override]  # no batches
        """Execute a document once it is admitted; raises BusyError where it is not. A valid one is kept."""
        if self._streams is not None and is_subscription(request_data.query or "", request_data.operation_name):
            reason = f"A subscription is answered as {EVENT_STREAM}, which the request must accept, or over WebSocket."
            raise HTTPException(406, reason)
        writes = is_mutation(request_data.query or "", request_data.operation_name)
        record = current_request.get()
        if record is not None:
            record.operation_type = "mutation" if writes else "query"
        async with self.admissions.admit(is_mutation=writes):
            result = await super().execute_operation(request_data=request_data, **arguments)
        _check_refused(result)
        if request_data.query is not None and not isinstance(result, PreExecutionError):
            self.documents.keep(request_data.query)
        return result

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Build the response: without `data` where nothing was executed, and without the text of unexpected errors."""
        if result.errors:
            is_discreet = self._discretion.holds_for(caller_of(request.scope))
            result.errors = [mask(error, is_discreet=is_discreet) for error in result.errors]
        response = await super().process_result(request, result)
        is_refused = (
            isinstance(result, PreExecutionError) or find_status(result.data, result.errors or []) != HTTPStatus.OK
        )
        if is_refused:
            response.pop("data", None)
        record = current_request.get()
        if record is not None:
            record.outcome = outcome_of(has_errors=bool(result.errors), is_refused=is_refused)
        return response

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Pass the media type that the client prefers on to `create_response`."""
        sub_response = await super().get_sub_response(request)
        sub_response.media_type = choose_media_type(request.headers.get("accept", ""))
        return sub_response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Apply the GraphQL over HTTP draft: what has no data is 400, 503 or 504 in its own media type, 200 as JSON."""
        status = int(HTTPStatus.OK)
        if sub_response.media_type == GRAPHQL_JSON and isinstance(response_data, dict) and "data" not in response_data:
            errors: list[Any] = response_data["errors"] or []
            status = status_of_codes([error.get("extensions", {}).get("code") for error in errors])
        content = json.dumps(response_data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        response = Response(content, status, media_type=sub_response.media_type)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        if "errors" not in response_data:
            response.headers["etag"] = compute_etag(bytes(response.body), response.media_type or JSON)
        return response


class _RefusedError(Exception):
    """The caller may not ask a document, which has a status of its own."""

    def __init__(self, refusal: GraphQLError) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class _RoleError(_RefusedError):
    """The caller lacks the role that a root field needs."""


class _RateError(_RefusedError):
    """The caller has asked for more than it may."""


_STATUSES: Final[Mapping[str, type[_RefusedError]]] = {
    UNAUTHENTICATED: _RoleError,
    FORBIDDEN: _RoleError,
    RATE_LIMITED: _RateError,
}


def _check_refused(result: Any) -> None:
    """Raise the error of a document that was not executed, where its response has a status of its own."""
    for error in getattr(result, "errors", None) or ():
        kind = None if error.path else _STATUSES.get((error.extensions or {}).get("code", ""))
        if kind is not None:
            raise kind(error)


def asks_for_page(request: HTTPConnection | BaseRequestProtocol) -> bool:
    """Whether a GET is a browser's that asks for GraphiQL, and not for a document's answer."""
    return PARAMETERS.isdisjoint(request.query_params) and wants_page(request.headers.get("accept", ""))


def refuse_busy(busy: BusyError) -> Response:
    """The response to a document for which there is no place."""
    seconds = busy.retry_seconds if isinstance(busy, QueueError) else RETRY_AFTER_SECONDS
    return error_response(503, f"Too much is under way: {busy}.", {"retry-after": str(seconds)})


def _as_asked(request: Request, response: Response) -> Response:
    """The response with what lets clients keep it, or without a body where they have it already; both by GET only."""
    etag = response.headers.get("etag")
    if etag is None:
        return response
    del response.headers["etag"]
    if request.method != "GET":
        return response
    if is_known(etag, request.headers.get("if-none-match", "")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=describe_get(etag))
    response.headers.update(describe_get(etag))
    return response


async def wait_for_departure(receive: Receive) -> None:
    """Wait until a client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer_until_departure(answer: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Answer as long as the client is there; what it raises is raised, and it is cancelled when the client leaves."""
    task = asyncio.create_task(answer)
    departure = asyncio.create_task(wait_for_departure(receive))
    try:
        await asyncio.wait((task, departure), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        task.cancel()
        departure.cancel()
        await asyncio.gather(task, departure, return_exceptions=True)


def check_media_type(request: Request) -> None:
    """
    Raise HTTPException 415 unless a POST is declared as JSON.

    Other origins can send forms and plain text without a CORS preflight, so those are refused.
    """
    if request.method != "POST":
        return
    media_type, _ = parse_content_type(request.headers.get("content-type") or "none")
    if media_type.lower() != JSON:
        raise HTTPException(415, f"A POST to this address must have the content type {JSON}, not {media_type[:100]}.")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise HTTPException(415, f"A compressed body is not accepted, this one is {encoding[:100]}.")


def _refuse(request: Request, refusal: HTTPException) -> Response:
    status, message, headers = refusal.status_code, refusal.reason, {}
    if isinstance(refusal.__cause__, InvalidOperationTypeError) and request.method == "GET":
        status, message = 405, f"A {refusal.__cause__.operation_type.value} must be sent by POST, not by GET."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = "POST" if request.method == "GET" else "GET, POST"
    code = refusal.code if isinstance(refusal, UnknownDocumentError) else None
    return error_response(status, message, headers, code=code)
