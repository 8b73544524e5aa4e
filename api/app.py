"""The service as an application: routes, middleware, and a lifespan that owns what outlives a request."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from strawberry import Schema
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.access.gate import Gate
from api.access.routes import AccessMiddleware
from api.compression import CompressionMiddleware
from api.evidence.endpoint import PATH as EVIDENCE_PATH
from api.execution import Executor
from api.front import Controls, Front, Kept
from api.logging import get_logger
from api.mcp.endpoint import PATH as MCP_PATH
from api.mcp.endpoint import McpEndpoint
from api.memory import trimming
from api.metrics.instruments import FEED_LAG, SHARED_FOLDER, StatementObserver
from api.metrics.sampling import sample_again_and_again
from api.middleware import (
    BOOKMARK_HEADER,
    AccessLogMiddleware,
    BodyLimitMiddleware,
    HostMiddleware,
    RequestIdMiddleware,
    TimeoutMiddleware,
    error_response,
)
from api.parts import Parts
from api.readiness import Readiness
from api.routing import list_routes
from api.scheduling import list_jobs, scheduling
from api.settings import LOOPBACK_NAMES, Settings
from api.streams import REVISION_HEADER, TRUNCATED_HEADER
from api.subscriptions.events import LAST_ID_HEADER
from api.subscriptions.lasting import LastingMiddleware
from api.warming import warm_rest, warm_up
from graph.adhoc.running import Adhoc
from graph.database.budgets import Amount, Budget
from graph.database.sessions import Database
from graph.errors import ConfigurationError, ForegraphError
from graph.feed.following import Feed
from graph.network.ahead import prepare_hours
from graph.network.engine import Engine
from resolvers.base.context import Service, Webhooks
from resolvers.base.roles import Role, include

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry

ASKED_HEADERS = (
    "authorization",
    "x-api-key",
    "content-type",
    "graphql-require-preflight",
    "cache-control",
    "if-none-match",
    BOOKMARK_HEADER,
    "x-request-id",
    LAST_ID_HEADER,
)
"""Headers that pages of other origins may send, beside those that every page may."""
TOLD_HEADERS = ("etag", "retry-after", "www-authenticate", "x-request-id", REVISION_HEADER, TRUNCATED_HEADER)
"""Headers that they may read, beside those that every page may."""
PREFLIGHT_SECONDS = 7200  # the longest that browsers keep a preflight's answer


def create_app(
    settings: Settings,
    database: Database | None = None,
    *,
    adhoc: Adhoc | None = None,
    schema: Schema | None = None,
    readiness: Readiness | None = None,
    telemetry: "Telemetry | None" = None,
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
        telemetry: Makes spans, of the statements of a database that is opened here as well; by default nothing does.
    """
    parts = Parts.make(settings, schema, telemetry)
    agents = McpEndpoint(parts.deadlines, settings.max_body_bytes, names=_list_agents_names(settings))
    app = Starlette(
        # The service is opened with the application, after its routes are made.
        routes=list_routes(parts, agents, lambda: app.state),
        middleware=_list_middleware(parts),
        exception_handlers={HTTPException: _answer_http_exception},
        lifespan=_make_lifespan(parts, database, agents),
    )
    app.state.service = None if database is None else _make_service(parts, database, adhoc)
    app.state.adhoc = adhoc
    app.state.access = parts.access
    app.state.documents = parts.documents
    app.state.admissions = parts.admissions
    app.state.responses = parts.responses
    app.state.deadlines = parts.deadlines
    app.state.readiness = readiness or Readiness()
    return app


def _list_middleware(parts: Parts) -> list[Middleware]:
    """List all middleware, outermost first."""
    settings, deadlines = parts.settings, parts.deadlines
    return [
        Middleware(LastingMiddleware),
        *_list_tracing(parts),
        *_list_cors(settings),
        *_list_proxies(settings),
        Middleware(Gate, access=parts.access),
        *_list_compression(settings),
        _make_front(parts),
        Middleware(RequestIdMiddleware),
        Middleware(AccessLogMiddleware),
        Middleware(HostMiddleware, allowed_hosts=settings.list_names()),
        Middleware(AccessMiddleware, access=parts.access, rates=parts.rates),
        Middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes, streams=[EVIDENCE_PATH]),
        Middleware(TimeoutMiddleware, deadlines=deadlines, streams=[EVIDENCE_PATH, MCP_PATH]),
    ]


def _make_front(parts: Parts) -> Middleware:
    return Middleware(
        Front,
        executor=_make_executor(parts),
        kept=Kept(parts.documents, parts.responses),
        controls=Controls(parts.access, parts.rates, parts.admissions, parts.deadlines),
        allowed_hosts=parts.settings.list_names(),
        max_body_bytes=parts.settings.max_body_bytes,
        guards_gets=parts.settings.get_needs_header,
        trusted=parts.trusted,
    )


def _list_tracing(parts: Parts) -> list[Middleware]:
    """List the middleware that makes spans of requests, if somebody collects them."""
    if parts.telemetry is None:
        return []
    from api.telemetry.otlp import TracingMiddleware  # noqa: PLC0415 - an extra

    return [Middleware(TracingMiddleware, telemetry=parts.telemetry)]


def _make_executor(parts: Parts) -> Executor:
    if parts.telemetry is None:
        return Executor(parts.schema)
    from api.telemetry.otlp import TracedExecutor  # noqa: PLC0415 - an extra

    return TracedExecutor(parts.schema, parts.telemetry)


def _list_compression(settings: Settings) -> list[Middleware]:
    """List the middleware that compresses, unless the settings turn it off."""
    least = settings.compress_from_bytes
    return [Middleware(CompressionMiddleware, least_bytes=least)] if least else []


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


def _list_proxies(settings: Settings) -> list[Middleware]:
    """List the middleware that believes what trusted proxies tell of their clients, if there are any."""
    if not settings.trusted_proxies:
        return []
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))]


def _list_agents_names(settings: Settings) -> tuple[str, ...]:
    """The host names by which agents ask; only loopback ones while a page that rebinds a name would need no key."""
    needs_key = Role.READER not in include({settings.find_anonymous_role()})
    return (*LOOPBACK_NAMES, *settings.list_names()) if needs_key else LOOPBACK_NAMES


def _make_lifespan(
    parts: Parts, database: Database | None, agents: McpEndpoint
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    settings, graphiql = parts.settings, parts.graphiql

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            address = settings.find_address()
            if app.state.adhoc is None and address is not None and settings.adhoc:
                adhoc = Adhoc(address, settings.adhoc_limits(), places=settings.find_places())
                app.state.adhoc = await stack.enter_async_context(adhoc)
            if database is None:
                opened = await stack.enter_async_context(_open_database(parts))
                app.state.service = _make_service(parts, opened, app.state.adhoc)
            service: Service = app.state.service
            stack.callback(service.close)
            stack.push_async_callback(service.feed.close)
            await stack.enter_async_context(trimming())
            await stack.enter_async_context(agents.running())
            readiness: Readiness = app.state.readiness
            warming = [partial(warm_up, app), partial(warm_rest, app, service.database)]
            await stack.enter_async_context(
                readiness.watching(service.database, *(warming if settings.warm_up else [_be_ready]))
            )
            await stack.enter_async_context(_preparing_hours(service))
            jobs = list_jobs(settings) if settings.scheduler else ()
            await stack.enter_async_context(scheduling(service, jobs, parts.telemetry))
            if os.environ.get(SHARED_FOLDER):
                await stack.enter_async_context(_meanwhile(sample_again_and_again(app.state)))
            if graphiql is not None:
                await stack.enter_async_context(_meanwhile(graphiql.prefetch()))
            yield

    return lifespan


async def _be_ready() -> None:
    """Stand in for warming up."""


def _make_service(parts: Parts, database: Database, adhoc: Adhoc | None) -> Service:
    settings = parts.settings
    observer = None if parts.telemetry is None else parts.telemetry.observe_inference
    return Service.make(
        database,
        _make_budget(settings),
        engine=Engine(max_sample_bytes=settings.sample_cache_bytes, observer=observer),
        adhoc=adhoc,
        webhooks=Webhooks(settings.webhook_hosts, parts.seals),
        request_seconds=settings.request_timeout_seconds,
        feed=Feed(
            database,
            most_subscribers=settings.max_subscribers,
            most_queued=settings.subscriber_queue,
            observer=FEED_LAG.observe,
        ),
        tariff=parts.tariff,
    )


def _make_budget(settings: Settings) -> Budget:
    return Budget(
        each=Amount(settings.max_read_rows, settings.max_read_bytes),
        together=Amount(settings.max_read_rows_together, settings.max_read_bytes_together),
    )


def _open_database(parts: Parts) -> Database:
    address = parts.settings.find_address()
    if address is None:
        raise ConfigurationError("FOREGRAPH_NEO4J_URI must name a database where none is handed in")
    also = None if parts.telemetry is None else parts.telemetry.observe_statement
    return Database.open(address, observer=StatementObserver(parts.settings.slow_statement_seconds, also))


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


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    messages = {404: f"There is nothing at {request.url.path}.", 405: f"{request.method} is not possible here."}
    message = messages.get(error.status_code, error.detail)
    return error_response(error.status_code, message, dict(error.headers or {}))
