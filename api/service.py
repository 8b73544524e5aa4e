"""Starts and stops the service: first the listening socket, then the database, then requests."""

import asyncio
import errno
import ipaddress
import math
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn
from uvicorn.loops.auto import auto_loop_factory

from api.collector import freeze_survivors
from api.connections import SmallWebSocket, limited_protocol
from api.draining import DrainingMiddleware
from api.logging import get_logger
from api.readiness import Readiness
from api.running import Running, noted
from api.settings import Settings
from api.supervisor import Supervisor
from api.telemetry import open_telemetry
from graph.adhoc.running import Adhoc
from graph.database.sessions import Database, DatabaseAddress
from graph.errors import ConfigurationError
from graph.network.compiling import compiling_kernels
from graph.sample.training import TRAINING
from graph.server import Memory, Software, end_running, start_or_attach

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from api.telemetry.otlp import Telemetry

SHUTDOWN_MARGIN_SECONDS = 2
"""For requests that outlive their deadlines, before they are broken off. Stopping the database comes after."""
BACKLOG = 128
# Of the library's ways this has the smallest connections; compression would take 64 KB and more for each.
SOCKETS: Final[Mapping[str, Any]] = {
    "ws": SmallWebSocket,
    "ws_per_message_deflate": False,
    "ws_max_size": 1 << 20,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
}
MAX_PORT = 65_535


def serve(settings: Settings, prepare: Callable[[Database], Awaitable[None]], announce: Callable[[str], None]) -> None:
    """
    Serve until SIGINT or SIGTERM.

    Args:
        settings: The listening address, the database, the limits and the number of workers.
        prepare: Brings the database into the state that requests need, before the first of them.
        announce: Called with one line of text once the service is ready.

    Raises:
        ConfigurationError: The address is taken or not one of this machine; nothing was started.
        ForegraphError: The database cannot be started, reached or prepared.
        SystemExit: A worker could not be started; it has the worker's exit code.
    """
    started = time.monotonic()

    def describe(listener: socket.socket, address: DatabaseAddress) -> str:
        port, seconds = listener.getsockname()[1], time.monotonic() - started
        return _describe(settings, address, port=port, seconds=seconds)

    if settings.workers > 1:
        _serve_by_workers(settings, prepare, lambda *about: announce(describe(*about)))
    else:
        _serve_here(settings, prepare, lambda *about: announce(describe(*about)))


Announce = Callable[[socket.socket, DatabaseAddress], None]


def _serve_here(settings: Settings, prepare: Callable[[Database], Awaitable[None]], announce: Announce) -> None:
    # GraphQL takes a second to import, which overlaps with Neo4j's start.
    threading.Thread(target=import_module, args=["api.app"], name="loading", daemon=True).start()
    with (
        stopping_on_signals(),
        bind(settings.host, settings.port) as listener,
        find_database(settings) as address,
        _noted(settings, listener),
    ):

        def on_ready() -> None:
            freeze_survivors()
            announce(listener, address)

        run_application(settings, address, listener, prepare=prepare, on_ready=on_ready)


def _serve_by_workers(settings: Settings, prepare: Callable[[Database], Awaitable[None]], announce: Announce) -> None:
    async def prepare_database(address: DatabaseAddress) -> None:
        async with Database.open(address) as database:
            await database.verify()
            await prepare(database)

    with stopping_on_signals(), bind_group(settings.host, settings.port, settings.workers) as listeners:
        address: DatabaseAddress | None = None
        supervisor = Supervisor(listeners, lambda: announce(listeners[0], cast("DatabaseAddress", address)))
        try:
            with find_database(settings) as address, _noted(settings, listeners[0]):
                asyncio.run(prepare_database(address))
                try:
                    raise SystemExit(supervisor.run())
                except KeyboardInterrupt:
                    supervisor.stop(_grace_seconds(settings))  # while Neo4j is still there
        finally:
            supervisor.stop(_grace_seconds(settings))


def run_application(
    settings: Settings,
    address: DatabaseAddress,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    prepare: Callable[[Database], Awaitable[None]] | None = None,
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
                app = _create_app(settings, database, adhoc=adhoc, readiness=ready, telemetry=telemetry)
                server = _Server(_configure(app, settings), on_stop=app.state.deadlines.stop)
                announcing = asyncio.create_task(announce_once_ready())
                await server.serve([listener])
                if not announcing.cancel():
                    announcing.result()  # raises what it has raised

    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:  # uvloop where there is one
        runner.run(run())


def _open_observed(settings: Settings, address: DatabaseAddress, telemetry: "Telemetry | None") -> Database:
    """Open a database whose statements are counted, logged where they take long, and have spans."""
    from api.metrics.instruments import StatementObserver  # noqa: PLC0415 - imported in a thread while Neo4j starts

    also = None if telemetry is None else telemetry.observe_statement
    return Database.open(address, observer=StatementObserver(settings.slow_statement_seconds, also))


def _open_adhoc(settings: Settings, address: DatabaseAddress) -> Adhoc:
    """Open the runner of analysts' statements; one that cannot be ended has the embedded server restarted."""

    async def restart() -> None:
        if settings.neo4j_uri is None and await asyncio.to_thread(end_running, settings.data_dir.absolute()):
            get_logger().error("ended Neo4j, since a statement of an analyst did not; it is started again")

    return Adhoc(address, settings.adhoc_limits(), on_overrun=restart)


def _create_app(settings: Settings, database: Database, **parts: Any) -> "Starlette":
    from api.app import create_app  # noqa: PLC0415 - imported in a thread while Neo4j starts

    return create_app(settings, database, **parts)


def _grace_seconds(settings: Settings) -> float:
    """The time from a signal until requests are broken off."""
    return settings.drain_seconds + SHUTDOWN_MARGIN_SECONDS


def _configure(app: "Starlette", settings: Settings) -> uvicorn.Config:
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
        timeout_graceful_shutdown=math.ceil(_grace_seconds(settings)),
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


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """
    SIGINT and SIGTERM end the block by KeyboardInterrupt, so that everything opened is closed.

    A shell has its background jobs ignore SIGINT, and Python leaves a signal ignored that it finds so.
    """
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def bind_group(host: str, port: int, size: int) -> Iterator[list[socket.socket]]:
    """
    Open as many listening sockets on one port; they are closed at the end of the block.

    The system spreads connections over them. One socket that several processes accept from would be emptied by
    whichever is first, and kept connections would stay there. Only Linux spreads; elsewhere they share one socket.

    Raises:
        ConfigurationError: As `bind`.
    """
    with ExitStack() as stack:
        if not sys.platform.startswith("linux"):
            yield [stack.enter_context(bind(host, port))] * size
            return
        with bind(host, port) as probe:  # in a group it would join other services of this user on the port
            port = probe.getsockname()[1]
        yield [stack.enter_context(bind(host, port, in_group=True)) for _ in range(size)]


@contextmanager
def bind(host: str, port: int, *, in_group: bool = False) -> Iterator[socket.socket]:
    """
    Open the listening socket; it is closed at the end of the block.

    Args:
        host: An address of this machine, or localhost.
        port: A port, or 0 for a free one.
        in_group: Whether this user's other processes may listen on the port, too.

    Raises:
        ConfigurationError: The port is taken, or the address is not one of this machine.
    """
    name = "127.0.0.1" if host == "localhost" else host
    try:
        family = socket.AF_INET6 if isinstance(ipaddress.ip_address(name), ipaddress.IPv6Address) else socket.AF_INET
    except ValueError:
        raise ConfigurationError(f"FOREGRAPH_HOST: expected an address or localhost, got {host!r}") from None
    # asyncio sets TCP_NODELAY on accepted sockets only where the listener's names its protocol; without it each answer
    # on a kept connection waits 40 ms for the client's delayed acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        # Allows a port in TIME_WAIT; one that another process listens on stays taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if in_group:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listener.bind((name, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise ConfigurationError(_explain_bind(host, port, error)) from error
        yield listener


def _explain_bind(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is taken by another program; stop it, or choose another port: "
            f"`FOREGRAPH_PORT={_another(port)} make run`, or --port {_another(port)}"
        )
    if error.errno == errno.EACCES:
        return f"this user may not listen on port {port}; choose one above 1023 by FOREGRAPH_PORT or --port"
    return f"cannot listen on port {port} of {host}: {error.strerror}"


def _another(port: int) -> int:
    return port + 1 if port < MAX_PORT else port - 1


@contextmanager
def find_database(settings: Settings) -> Iterator[DatabaseAddress]:
    """
    Give the address of the Neo4j named in the settings, or else of the embedded one.

    The embedded one may be running on the data directory already; else it is started, and a log says so. It is stopped
    at the end unless other processes use it.

    Raises:
        ServerError: The embedded server cannot be installed or started.
        ConfigurationError: The password file cannot be read, or there is no Java for the embedded server.
    """
    address = settings.find_address()
    if address is not None:
        yield address
        return

    def tell() -> None:
        get_logger().info("starting Neo4j; the first time takes longer", data_dir=str(settings.data_dir.absolute()))

    embedded = start_or_attach(
        settings.data_dir.absolute(),
        software=Software(
            java_home=settings.java_home,
            training=TRAINING,
            cache_dir=settings.cache_dir,
            mirror=settings.mirror,
            shows_progress=True,
        ),
        memory=Memory(settings.neo4j_heap, settings.neo4j_page_cache, settings.max_concurrent_documents),
        first_port=settings.bolt_port,
        keep_alive=True,
        on_start=tell,
    )
    with embedded as endpoint:
        yield DatabaseAddress(
            uri=endpoint.uri, user=endpoint.user, password=endpoint.password, database=endpoint.database
        )


def _noted(settings: Settings, listener: socket.socket) -> AbstractContextManager[None]:
    """Note the service on its data directory, for `foregraph status`; one on a Neo4j of its own has none."""
    if settings.neo4j_uri is not None:
        return nullcontext()
    url = _url_of(settings, listener.getsockname()[1])
    return noted(settings.data_dir.absolute(), Running.here(url, workers=settings.workers))


def _url_of(settings: Settings, port: int) -> str:
    return url_of(settings.host, port, is_secure=settings.tls_cert_file is not None)


def url_of(host: str, port: int, *, is_secure: bool = False) -> str:
    """The address of a service that listens on a host's port."""
    scheme = "https" if is_secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _describe(settings: Settings, address: DatabaseAddress, *, port: int, seconds: float) -> str:
    url = _url_of(settings, port)
    workers = f"; {settings.workers} workers" if settings.workers > 1 else ""
    page = f", GraphiQL at {url}/graphql" if settings.graphiql else ""
    data = f"at {address.uri}"
    if settings.neo4j_uri is None:
        data = f"in {settings.data_dir.absolute()}, {data}"
    return f"Foregraph is ready at {url}{page}; data {data}{workers}; started in {seconds:.1f} s. Ctrl-C stops it."
