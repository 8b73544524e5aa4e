"""The service of one process: the application on a database and a listening socket."""

import asyncio
import math
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.loops.auto import auto_loop_factory

from api.app import create_app
from api.connections import SmallWebSocket, limited_protocol
from api.draining import DrainingMiddleware
from api.logging import get_logger
from api.metrics.instruments import StatementObserver
from api.readiness import Readiness
from api.service import Prepare, grace_seconds
from api.settings import Settings
from api.telemetry import open_telemetry
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.network.compiling import compiling_kernels
from graph.server import end_running

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry

# Of the library's ways this has the smallest connections; compression would take 64 KB and more for each.
SOCKETS: Final[Mapping[str, Any]] = {
    "ws": SmallWebSocket,
    "ws_per_message_deflate": False,
    "ws_max_size": 1 << 20,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
}


def run_application(
    settings: Settings,
    address: DatabaseAddress,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    prepare: Prepare | None = None,
    readiness: Readiness | None = None,
) -> None:
    """
    Run the application in this process until SIGINT or SIGTERM.

    Args:
        settings: The limits.
        address: The database.
        listener: The listening socket.
        on_ready: Called once the usual documents are warm.
        prepare: Brings the database into the state that requests need.
        readiness: Tells others whether the service is ready.
    """
    ready = readiness or Readiness()

    async def announce_once_ready() -> None:
        await ready.wait()
        on_ready()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            telemetry = open_telemetry(settings)
            if telemetry is not None:
                stack.callback(telemetry.close)
            database = await stack.enter_async_context(_open_observed(settings, address, telemetry))
            adhoc = await stack.enter_async_context(_open_adhoc(settings, address)) if settings.adhoc else None
            await database.verify()
            if prepare is not None:
                await prepare(database)
            with compiling_kernels():
                app = create_app(settings, database, adhoc=adhoc, readiness=ready, telemetry=telemetry)
                server = _Server(_configure(app, settings), on_stop=app.state.deadlines.stop)
                announcing = asyncio.create_task(announce_once_ready())
                await server.serve([listener])
                if not announcing.cancel():
                    announcing.result()  # raises what it has raised

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:  # uvloop where there is one
        runner.run(run())


def _open_observed(settings: Settings, address: DatabaseAddress, telemetry: "Telemetry | None") -> Database:
    """Open a database whose statements are counted, logged where they take long, and have spans."""
    also = None if telemetry is None else telemetry.observe_statement
    return Database.open(address, observer=StatementObserver(settings.slow_statement_seconds, also))


def _open_adhoc(settings: Settings, address: DatabaseAddress) -> Adhoc:
    """Open the runner of analysts' statements; one that cannot be ended has the embedded server restarted."""

    async def restart() -> None:
        if settings.neo4j_uri is None and await asyncio.to_thread(end_running, settings.data_dir.absolute()):
            get_logger().error("ended Neo4j, since a statement of an analyst did not; it is started again")

    return Adhoc(address, settings.adhoc_limits(), places=settings.find_places(), on_overrun=restart)


def _configure(app: Starlette, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        DrainingMiddleware(app, app.state.deadlines),
        http=limited_protocol(settings.request_head_seconds),
        timeout_keep_alive=settings.keep_alive_seconds,
        lifespan="on",
        log_config=None,
        access_log=False,  # replaced by AccessLogMiddleware
        proxy_headers=False,  # the application believes those of trusted proxies
        ssl_certfile=settings.tls_cert_file,
        ssl_keyfile=settings.tls_key_file,
        server_header=False,
        **SOCKETS,
        timeout_graceful_shutdown=math.ceil(grace_seconds(settings)),
    )


class _Server(uvicorn.Server):
    """
    uvicorn, without raising the signal again that stopped it.

    Args:
        config: Its settings.
        on_stop: Called when it begins to stop, with requests under way.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: take no new connections, and wait for the open ones for the grace period at most."""
        self._on_stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        with super().capture_signals():
            yield
            self._captured_signals.clear()  # raised again they would interrupt the closing of the database
