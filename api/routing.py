"""Routes of the application, each with the role that it needs."""

import asyncio
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from starlette.datastructures import State
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.access.callers import caller_of
from api.access.routes import Door, SocketDoor
from api.beliefs import PATHS, make_beliefs_endpoint
from api.cypher import CypherEndpoint
from api.deadlines import Deadlines
from api.endpoint import GraphQLEndpoint, asks_for_page
from api.evidence.endpoint import PATH as EVIDENCE_PATH
from api.evidence.endpoint import EvidenceEndpoint, StreamLimits
from api.exposure import PATHS as EXPOSURE_PATHS
from api.exposure import make_exposure_endpoint
from api.formats import FORMATS
from api.front import NEEDS
from api.front import PATH as GRAPHQL_PATH
from api.graphiql.page import PARTS_PATH
from api.mcp.endpoint import PATH as MCP_PATH
from api.mcp.endpoint import McpEndpoint
from api.metrics.endpoint import PATH as METRICS_PATH
from api.metrics.endpoint import answer_metrics
from api.middleware import BOOKMARK_HEADER
from api.negotiation import wants_page
from api.openapi import PATH as OPENAPI_PATH
from api.openapi import answer_openapi
from api.parts import Parts
from api.queries.endpoint import PATH as QUERIES_PATH
from api.queries.endpoint import QueriesEndpoint
from api.queries.page import QueryPages
from api.readiness import Readiness
from api.settings import Settings
from api.subscriptions.events import EventStreams
from api.subscriptions.sockets import SubscriptionSockets, refuse_upgrade
from graph.database.migrations import is_migrated
from graph.database.sessions import check_bookmark
from graph.errors import ForegraphError
from graph.saved.running import SavedQueries
from resolvers.base.context import Context
from resolvers.base.roles import Role

STATEMENT_POINTS = 1_000
"""Cost points of a statement that is not in a document, as one of GraphQL's `cypher` by default."""
TABLE_POINTS = 20_000
"""Cost points of a table of all beliefs: those of the largest document."""
READY_TIMEOUT_SECONDS = 3.0  # below the time-out of any health check


def list_routes(parts: Parts, agents: McpEndpoint, state: Callable[[], State]) -> list[Door | SocketDoor]:
    """
    List all routes.

    Args:
        parts: What the requests share.
        agents: Answers agents.
        state: Gives the application's state, which has the service once it is open.
    """
    sockets = SubscriptionSockets(
        parts.schema,
        _open_context,
        allowed_origins=parts.settings.allowed_origins,
        most_connections=parts.settings.max_subscribers,
        sessions=parts.sessions,
        trusted=parts.trusted,
        telemetry=parts.telemetry,
    )
    return [
        *_list_service_routes(parts),
        *_list_graphql_routes(parts, EventStreams(sockets.results, parts.sessions)),
        *_list_table_routes(parts.deadlines, state),
        *_list_query_routes(lambda: state().service.saved, parts),
        Door(MCP_PATH, agents, needs=Role.READER, methods=["POST"]),
        SocketDoor(GRAPHQL_PATH, sockets, needs=Role.PUBLIC),
        SocketDoor("/{path:path}", refuse_upgrade, needs=Role.PUBLIC),
    ]


def _list_service_routes(parts: Parts) -> list[Door]:
    """List the routes that tell of the service, and the one that takes evidence."""

    async def answer_root(request: Request) -> Response:
        if parts.graphiql is not None and wants_page(request.headers.get("accept", "")):
            return RedirectResponse("/graphql")
        paths = {
            "graphql": "/graphql",
            "evidence": EVIDENCE_PATH,
            "mcp": MCP_PATH,
            "health": "/healthz",
            "readiness": "/readyz",
            "openapi": OPENAPI_PATH,
        }
        return JSONResponse({"service": "foregraph", "version": version("foregraph"), **paths})

    evidence = EvidenceEndpoint(_limit_streams(parts.settings), parts.admissions, parts.deadlines)
    return [
        Door("/", answer_root, needs=Role.PUBLIC, methods=["GET"]),
        Door("/healthz", _answer_health, needs=Role.PUBLIC, methods=["GET"]),
        Door("/readyz", _answer_readiness, needs=Role.PUBLIC, methods=["GET"]),
        Door(OPENAPI_PATH, answer_openapi, needs=Role.READER, methods=["GET"]),
        Door(METRICS_PATH, answer_metrics, needs=Role.OPERATOR, methods=["GET"]),
        Door(EVIDENCE_PATH, evidence, needs=Role.INTAKE, writes=True, methods=["POST"]),
    ]


def _limit_streams(settings: Settings) -> StreamLimits:
    return StreamLimits(
        num_streams=settings.max_concurrent_streams,
        max_bytes=settings.max_stream_bytes,
        max_array_bytes=settings.max_body_bytes,
        seconds=settings.stream_timeout_seconds,
    )


def _list_graphql_routes(parts: Parts, streams: EventStreams) -> list[Door]:
    """List the routes of GraphQL over HTTP, and of the page for browsers."""
    endpoint = GraphQLEndpoint(
        parts.schema,
        _open_context,
        graphiql=parts.graphiql,
        admissions=parts.admissions,
        documents=parts.documents,
        guards_gets=parts.settings.get_needs_header,
        streams=streams,
        trusted=parts.trusted,
    )
    role, graphiql = parts.settings.graphiql_role, parts.graphiql
    if graphiql is None:
        return [Door(GRAPHQL_PATH, endpoint, needs=NEEDS, points=0)]
    return [
        Door(GRAPHQL_PATH, endpoint, needs=NEEDS, points=0, unless=(_asks_for_graphiql, role)),
        Door(f"{PARTS_PATH}/{{name}}", graphiql.answer_part, needs=role, methods=["GET"]),
    ]


def _asks_for_graphiql(request: HTTPConnection) -> bool:
    return request.scope.get("method") == "GET" and asks_for_page(request)


def _list_table_routes(deadlines: Deadlines, state: Callable[[], State]) -> list[Door]:
    """List the routes of tables: of an analyst's statement, of beliefs, and of exposures."""
    cypher = CypherEndpoint(lambda: state().adhoc, deadlines)
    beliefs = make_beliefs_endpoint(lambda: state().service.database, deadlines)
    exposure = make_exposure_endpoint(lambda: state().service, deadlines)
    table = partial(Door, needs=Role.READER, points=TABLE_POINTS, methods=["GET"])
    return [
        Door("/cypher", cypher, needs=Role.ANALYST, points=STATEMENT_POINTS, methods=["POST"]),
        *(table(path, beliefs) for path in PATHS),
        *(table(path, exposure) for path in EXPOSURE_PATHS),
    ]


def _list_query_routes(find_saved: Callable[[], SavedQueries], parts: Parts) -> list[Door]:
    """List the routes of saved queries; names have no dots, so that what ends in a format's name is a table."""
    tables, pages = QueriesEndpoint(find_saved, parts.deadlines), QueryPages(find_saved, parts.seals)
    running = partial(Door, needs=Role.READER, points=STATEMENT_POINTS, methods=["GET"])
    return [
        Door(QUERIES_PATH, pages.answer_list, needs=Role.READER, methods=["GET"]),
        *(running(f"{QUERIES_PATH}/{{name:path}}.{extension}", tables) for extension in FORMATS),
        running(f"{QUERIES_PATH}/{{name:path}}", pages.answer_query),
    ]


def _open_context(request: HTTPConnection, request_id: str) -> Context:
    """
    Make the Context of a request or a subscription; after a bookmark header it reads a state that includes that write.

    Raises:
        InvalidError: The header is not a bookmark.
    """
    shown = request.headers.get(BOOKMARK_HEADER)
    bookmark = None if shown is None else check_bookmark(shown)
    return Context(request.app.state.service, request_id, bookmark, caller=caller_of(request.scope))


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
