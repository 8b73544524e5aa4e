"""The service as an application: routes, middleware, and a lifespan that owns what outlives a request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from strawberry import Schema

from api.admission import Admissions
from api.beliefs import PATHS, BeliefsEndpoint
from api.cypher import CypherEndpoint
from api.deadlines import Deadlines
from api.documents import Documents
from api.endpoint import GraphQLEndpoint
from api.evidence.endpoint import PATH as EVIDENCE_PATH
from api.evidence.endpoint import EvidenceEndpoint, StreamLimits
from api.execution import Executor
from api.formats import FORMATS
from api.front import Front
from api.graphiql.page import PARTS_PATH, GraphiQL
from api.limits import Limits, list_extensions
from api.logging import get_logger
from api.mcp.endpoint import PATH as MCP_PATH
from api.mcp.endpoint import McpEndpoint
from api.memory import trimming
from api.middleware import (
    BOOKMARK_HEADER,
    AccessLogMiddleware,
    BodyLimitMiddleware,
    HostMiddleware,
    RequestIdMiddleware,
    TimeoutMiddleware,
    error_response,
)
from api.negotiation import wants_page
from api.queries.endpoint import PATH as QUERIES_PATH
from api.queries.endpoint import QueriesEndpoint
from api.queries.page import QueryPages
from api.readiness import Readiness
from api.responses import Responses
from api.scheduling import list_jobs, scheduling
from api.settings import Settings
from api.streams import REVISION_HEADER, TRUNCATED_HEADER
from api.warming import warm_rest, warm_up
from graph.adhoc.running import Adhoc
from graph.database.budgets import Amount, Budget
from graph.database.migrations import is_migrated
from graph.database.sessions import Database, check_bookmark
from graph.errors import ConfigurationError, ForegraphError
from graph.network.ahead import prepare_hours
from graph.saved.running import SavedQueries
from graph.server.artifacts import fetch_from_maven, find_cache_folder
from resolvers.base.context import Context, Service
from resolvers.schema import build_schema

ASKED_HEADERS = ("content-type", "cache-control", "if-none-match", BOOKMARK_HEADER, "x-request-id")
"""Headers that pages of other origins may send, beside those that every page may."""
TOLD_HEADERS = ("etag", "retry-after", "x-request-id", REVISION_HEADER, TRUNCATED_HEADER)
"""Headers that they may read, beside those that every page may."""
PREFLIGHT_SECONDS = 7200  # the longest that browsers keep a preflight's answer
READY_TIMEOUT_SECONDS = 3.0  # below the time-out of any health check


def create_app(
    settings: Settings,
    database: Database | None = None,
    *,
    adhoc: Adhoc | None = None,
    schema: Schema | None = None,
    readiness: Readiness | None = None,
) -> Starlette:
    """
    Make the application; a database that is handed in is the caller's to close.

    Args:
        settings: Limits, host names and, without `database`, the address of Neo4j.
        database: An open database; by default the lifespan opens and closes the one named in the settings.
        adhoc: Runs statements of analysts; by default the lifespan opens and closes one where the settings name a
            database. The caller closes one that is handed in.
        schema: The schema to serve; by default all of `resolvers`, within the settings' limits.
        readiness: Tells others whether the service is ready; by default nobody is told.
    """
    served = build_limited_schema(settings) if schema is None else schema
    documents = Documents(served, settings.document_cache_bytes)
    deadlines = Deadlines(settings.request_timeout_seconds)
    admissions = Admissions(settings.max_concurrent_documents, settings.max_concurrent_mutations)
    graphiql = _find_graphiql(settings)
    endpoint = GraphQLEndpoint(served, _open_context, graphiql=graphiql, admissions=admissions, documents=documents)
    beliefs = BeliefsEndpoint(lambda: app.state.service.database, deadlines)
    front = Middleware(
        Front,
        executor=Executor(served),
        documents=documents,
        responses=Responses(settings.response_cache_bytes),
        admissions=admissions,
        allowed_hosts=settings.allowed_hosts,
        max_body_bytes=settings.max_body_bytes,
        deadlines=deadlines,
    )
    agents = McpEndpoint(deadlines, settings.max_body_bytes)
    # The service is opened with the application, after its routes are made.
    tables = [
        Route("/cypher", CypherEndpoint(lambda: app.state.adhoc, deadlines), methods=["POST"]),
        *(Route(path, beliefs, methods=["GET"]) for path in PATHS),
        *_list_query_routes(lambda: app.state.service.saved, deadlines),
    ]
    app = Starlette(
        routes=[
            *_list_routes(endpoint, EvidenceEndpoint(_limit_streams(settings), admissions, deadlines), graphiql),
            *tables,
            Route(MCP_PATH, agents, methods=["POST"]),
        ],
        middleware=[*_list_cors(settings), front, *_list_middleware(settings, deadlines)],
        exception_handlers={HTTPException: _answer_http_exception},
        lifespan=_make_lifespan(settings, database, graphiql, agents),
    )
    app.state.service = None if database is None else _make_service(database, settings, adhoc)
    app.state.adhoc = adhoc
    app.state.documents = documents
    app.state.admissions = admissions
    app.state.deadlines = deadlines
    app.state.readiness = readiness or Readiness()
    return app


def build_limited_schema(settings: Settings) -> Schema:
    """Build the whole schema, with the settings' limits on documents."""
    limits = Limits(
        max_depth=settings.max_depth,
        max_aliases=settings.max_aliases,
        max_fields=settings.max_fields,
        max_tokens=settings.max_tokens,
        max_items=settings.max_items,
        max_rows=settings.max_rows,
        max_points=settings.max_points,
    )
    return build_schema(extensions=list_extensions(limits, introspection=settings.introspection))


def _list_cors(settings: Settings) -> list[Middleware]:
    """List the middleware for pages of other origins, if any may ask; outermost, so that they read refusals too."""
    if not settings.allowed_origins:
        return []
    shared = Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=("GET", "POST"),
        allow_headers=ASKED_HEADERS,
        expose_headers=TOLD_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )
    return [shared]


def _find_graphiql(settings: Settings) -> GraphiQL | None:
    if not settings.graphiql:
        return None
    return GraphiQL(partial(find_cache_folder, settings.cache_dir), partial(fetch_from_maven, settings.mirror))


def _limit_streams(settings: Settings) -> StreamLimits:
    return StreamLimits(
        num_streams=settings.max_concurrent_streams,
        max_bytes=settings.max_stream_bytes,
        max_array_bytes=settings.max_body_bytes,
        seconds=settings.stream_timeout_seconds,
    )


def _list_routes(endpoint: GraphQLEndpoint, evidence: EvidenceEndpoint, graphiql: GraphiQL | None) -> list[Route]:
    async def answer_root(request: Request) -> Response:
        if graphiql is not None and wants_page(request.headers.get("accept", "")):
            return RedirectResponse("/graphql")
        paths = {
            "graphql": "/graphql",
            "evidence": EVIDENCE_PATH,
            "mcp": MCP_PATH,
            "health": "/healthz",
            "readiness": "/readyz",
        }
        return JSONResponse({"service": "foregraph", "version": version("foregraph"), **paths})

    parts = [] if graphiql is None else [Route(f"{PARTS_PATH}/{{name}}", graphiql.answer_part, methods=["GET"])]
    return [
        Route("/", answer_root, methods=["GET"]),
        Route("/healthz", _answer_health, methods=["GET"]),
        Route("/readyz", _answer_readiness, methods=["GET"]),
        Route("/graphql", endpoint),
        Route(EVIDENCE_PATH, evidence, methods=["POST"]),
        *parts,
    ]


def _list_query_routes(find_saved: Callable[[], SavedQueries], deadlines: Deadlines) -> list[Route]:
    """List the routes of saved queries; names have no dots, so that what ends in a format's name is a table."""
    tables, pages = QueriesEndpoint(find_saved, deadlines), QueryPages(find_saved)
    return [
        Route(QUERIES_PATH, pages.answer_list, methods=["GET"]),
        *(Route(f"{QUERIES_PATH}/{{name:path}}.{extension}", tables, methods=["GET"]) for extension in FORMATS),
        Route(f"{QUERIES_PATH}/{{name:path}}", pages.answer_query, methods=["GET"]),
    ]


def _list_middleware(settings: Settings, deadlines: Deadlines) -> list[Middleware]:
    return [
        Middleware(RequestIdMiddleware),
        Middleware(AccessLogMiddleware),
        Middleware(HostMiddleware, allowed_hosts=settings.allowed_hosts),
        Middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes, streams=[EVIDENCE_PATH]),
        Middleware(TimeoutMiddleware, deadlines=deadlines, streams=[EVIDENCE_PATH, MCP_PATH]),
    ]


def _make_lifespan(
    settings: Settings, database: Database | None, graphiql: GraphiQL | None, agents: McpEndpoint
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            address = settings.find_address()
            if app.state.adhoc is None and address is not None and settings.adhoc:
                app.state.adhoc = await stack.enter_async_context(Adhoc(address, settings.adhoc_limits()))
            if database is None:
                opened = await stack.enter_async_context(_open_database(settings))
                app.state.service = _make_service(opened, settings, app.state.adhoc)
            service: Service = app.state.service
            stack.callback(service.close)
            await stack.enter_async_context(trimming())
            await stack.enter_async_context(agents.running())
            readiness: Readiness = app.state.readiness
            warming = [partial(warm_up, app), partial(warm_rest, app, service.database)]
            await stack.enter_async_context(
                readiness.watching(service.database, *(warming if settings.warm_up else [_be_ready]))
            )
            await stack.enter_async_context(_preparing_hours(service))
            await stack.enter_async_context(scheduling(service, list_jobs(settings) if settings.scheduler else ()))
            if graphiql is not None:
                await stack.enter_async_context(_meanwhile(graphiql.prefetch()))
            yield

    return lifespan


async def _be_ready() -> None:
    """Stand in for warming up."""


def _make_service(database: Database, settings: Settings, adhoc: Adhoc | None) -> Service:
    budget = _make_budget(settings)
    return Service.make(
        database,
        budget,
        adhoc=adhoc,
        webhook_hosts=settings.webhook_hosts,
        max_sample_bytes=settings.sample_cache_bytes,
    )


def _make_budget(settings: Settings) -> Budget:
    return Budget(
        each=Amount(settings.max_read_rows, settings.max_read_bytes),
        together=Amount(settings.max_read_rows_together, settings.max_read_bytes_together),
    )


def _open_database(settings: Settings) -> Database:
    address = settings.find_address()
    if address is None:
        raise ConfigurationError("FOREGRAPH_NEO4J_URI must name a database where none is handed in")
    return Database.open(address)


@asynccontextmanager
async def _preparing_hours(service: Service) -> AsyncIterator[None]:
    """Have the network's model of each hour made before it begins."""

    def log(error: ForegraphError) -> None:
        get_logger().warning("could not prepare the next hour", reason=str(error))

    def tell() -> None:
        get_logger().info("the next hour is prepared", sample_bytes=service.engine.num_sample_bytes)

    async with _meanwhile(prepare_hours(service.database, service.engine, on_error=log, on_prepared=tell)):
        yield


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do some work until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _open_context(request: Request, request_id: str) -> Context:
    """
    Make a request's Context; after a bookmark header it reads a state that includes that write.

    Raises:
        InvalidError: The header is not a bookmark.
    """
    shown = request.headers.get(BOOKMARK_HEADER)
    bookmark = None if shown is None else check_bookmark(shown)
    caller = request.client.host if request.client else ""
    return Context(request.app.state.service, request_id, bookmark, caller=caller)


async def _answer_health(request: Request) -> Response:
    """Report that the process runs and its event loop responds."""
    return JSONResponse({"status": "ok"})


async def _answer_readiness(request: Request) -> Response:
    """Report whether the database answers, has this version's schema, and answers the usual documents fast."""
    readiness: Readiness = request.app.state.readiness
    try:
        async with asyncio.timeout(READY_TIMEOUT_SECONDS):
            reason = None if await is_migrated(request.app.state.service.database) else "migrations are not applied yet"
            await readiness.settle()
    except TimeoutError:
        reason = readiness.reason or f"the database did not answer within {READY_TIMEOUT_SECONDS:g} seconds"
    except ForegraphError as error:
        reason = str(error)
    reason = reason or readiness.reason
    if reason is None:
        return JSONResponse({"status": "ready"})
    return JSONResponse({"status": "not ready", "reason": reason}, 503)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    messages = {404: f"There is nothing at {request.url.path}.", 405: f"{request.method} is not possible here."}
    message = messages.get(error.status_code, error.detail)
    return error_response(error.status_code, message, dict(error.headers or {}))
