"""The GraphQL endpoint over HTTP: checks requests, and gives each document a Context that lives as long as it."""

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.parse_content_type import parse_content_type
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from api.admission import Admissions, is_mutation
from api.counts import MOST_JSON_BRACKETS, count_json_brackets
from api.logging import current_request, get_logger
from api.middleware import error_response
from graph.errors import BusyError, ForegraphError, InvalidError
from resolvers.base.context import Context

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
JSON_TYPES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}
RETRY_AFTER_SECONDS = "1"
NOT_FRAMED = "frame-ancestors 'none'"  # against clickjacking

T = TypeVar("T")


class GraphQLEndpoint(GraphQL[Context, None]):
    """
    Serves queries by GET or JSON POST, mutations by JSON POST only, which other origins cannot send without CORS.

    Args:
        schema: The schema to serve.
        open_context: Makes the Context from a request and its id; raises InvalidError where a header is invalid.
        graphiql: Whether a browser gets GraphiQL.
        admissions: Limits the number of documents at a time.
    """

    def __init__(
        self,
        schema: Schema,
        open_context: Callable[[Request, str], Context],
        *,
        graphiql: bool,
        admissions: Admissions,
    ) -> None:
        super().__init__(schema, graphql_ide="graphiql" if graphiql else None, subscription_protocols=())
        self.open_context = open_context
        self.admissions = admissions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            _check_media_type(request)
            await request.body()
            response = await self._run_while_connected(request)
        except HTTPException as refusal:
            response = _refuse(request, refusal)
        except BusyError as busy:
            response = error_response(503, f"Too much is under way: {busy}.", {"retry-after": RETRY_AFTER_SECONDS})
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _run_while_connected(self, request: Request) -> Response:
        """Answer the request; stop when the client disconnects, so that abandoned queries end."""
        answer = asyncio.create_task(self._run_in_context(request))
        departure = asyncio.create_task(_wait_for_departure(request))
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
        try:
            context = self.open_context(request, record.request_id if record is not None else "")
        except InvalidError as error:
            raise HTTPException(400, f"The header Foregraph-Bookmark is wrong: {error.message}.") from error
        try:
            return await self.run(request, context=context)
        finally:
            if record is not None:
                record.num_statements = context.num_statements
            await context.close()

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """True for browsers only: other clients send `*/*` and expect JSON."""
        accept = request.headers.get("accept", "")
        is_question = request.query_params.get("query") is not None
        return self.graphql_ide is not None and request.method == "GET" and "text/html" in accept and not is_question

    async def render_graphql_ide(self, request: Request) -> Response:
        """GraphiQL, with framing forbidden."""
        return HTMLResponse(self.graphql_ide_html, headers={"content-security-policy": NOT_FRAMED})

    def decode_json(self, data: str | bytes) -> object:
        """Parse standard JSON; raises HTTPException 400 that names the place of an error, or 413."""
        if isinstance(data, bytes) and (num_brackets := count_json_brackets(data)) > MOST_JSON_BRACKETS:
            message = f"The request's JSON has {num_brackets} brackets, at most {MOST_JSON_BRACKETS} are allowed."
            raise HTTPException(413, message)
        try:
            text = data.decode("utf-8") if isinstance(data, bytes) else data
            value: object = json.loads(text, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise HTTPException(400, f"The request is not JSON: {error.msg} at {place}.") from error
        except UnicodeDecodeError as error:
            raise HTTPException(400, f"The request is not UTF-8 text: byte {error.start} is wrong.") from error
        except RecursionError as error:
            raise HTTPException(400, "The request's JSON is nested too deep.") from error
        except ValueError as error:
            raise HTTPException(400, f"The request's JSON has a number that is not allowed: {error}.") from error
        if "\\ud" in text.lower():
            _check_surrogates(value)
        return value

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """Read the document, its variables and the operation's name; raises HTTPException 400 on a wrong type."""
        if request.method == "GET":
            data: object = self.parse_query_params(request.query_params)
        else:
            data = self.decode_json(await request.get_body())
        if not isinstance(data, dict):
            raise HTTPException(400, f"The request must be a JSON object, it is {_name_type(data)}.")
        query = _find_field(data, "query", str, "a string")
        if not query or not query.strip():
            raise HTTPException(400, "The request has no `query`, which holds the GraphQL document.")
        return GraphQLRequestData(
            query=query,
            variables=_find_field(data, "variables", dict, "an object"),
            operation_name=_find_field(data, "operationName", str, "a string") or None,
            extensions=_find_field(data, "extensions", dict, "an object"),
        )

    async def execute_operation(self, *, request_data: GraphQLRequestData, **arguments: Any) -> Any:  # type: ignore[override]  # no batches
        """Execute a document once it is admitted; raises BusyError where it is not."""
        writes = is_mutation(request_data.query or "", request_data.operation_name)
        async with self.admissions.admit(is_mutation=writes):
            return await super().execute_operation(request_data=request_data, **arguments)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Build the response: without `data` where nothing was executed, and without the text of unexpected errors."""
        if result.errors:
            result.errors = [_mask(error) for error in result.errors]
        response = await super().process_result(request, result)
        if isinstance(result, PreExecutionError):
            response.pop("data", None)
        return response

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Pass the media type that the client prefers on to `create_response`."""
        sub_response = await super().get_sub_response(request)
        sub_response.media_type = GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
        return sub_response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Apply the GraphQL over HTTP draft: an unexecuted document is 400 in its own media type, 200 as plain JSON."""
        is_refused = sub_response.media_type == GRAPHQL_JSON and "data" not in response_data
        content = json.dumps(response_data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return Response(content, 400 if is_refused else 200, media_type=sub_response.media_type)


async def _wait_for_departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _check_media_type(request: Request) -> None:
    """
    Raises HTTPException 415 unless a POST is declared as JSON.

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
    return error_response(status, message, headers)


def _find_field(data: dict[str, Any], name: str, kind: type[T], expected: str) -> T | None:
    value = data.get(name)
    if value is None or value == "":  # a GET may have empty parameters
        return None
    if not isinstance(value, kind):
        raise HTTPException(400, f"`{name}` must be {expected} or null, it is {_name_type(value)}.")
    return value


def _name_type(value: object) -> str:
    return JSON_TYPES.get(type(value), "null")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise HTTPException(400, "The request has half of a surrogate pair, which is no character.") from error


def _mask(error: GraphQLError) -> GraphQLError:
    """
    Mask an exception that nothing has translated; its text goes to the log only.

    Errors from `resolvers.base.errors` have a code, and graphql-core's own are no exceptions of ours; both pass.
    """
    original = error.original_error
    is_translated = "code" in (error.extensions or {}) or isinstance(original, GraphQLError)
    if original is None or is_translated or error.message != str(original):
        return error
    get_logger().error("unexpected error in a document", exc_info=original)
    message = "Something went wrong here; the log knows more."
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=_internal())


def _internal() -> dict[str, Any]:
    record = current_request.get()
    return {"code": ForegraphError.code, "requestId": record.request_id if record is not None else None}
