"""Starts and stops the service: first the listening socket, then the database, then requests."""

import asyncio
import errno
import ipaddress
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module

import uvicorn
from uvicorn.loops.auto import auto_loop_factory

from api.collector import freeze_survivors
from api.logging import get_logger
from api.settings import Settings
from graph.database.sessions import Database, DatabaseAddress
from graph.errors import ConfigurationError
from graph.network.compiling import compiling_kernels
from graph.sample.training import TRAINING
from graph.server import start_or_attach

SHUTDOWN_GRACE_SECONDS = 10  # for open requests; stopping the database comes after
BACKLOG = 128


def serve(settings: Settings, prepare: Callable[[Database], Awaitable[None]], announce: Callable[[str], None]) -> None:
    """
    Serve until SIGINT or SIGTERM.

    Args:
        settings: The listening address, the database and the limits.
        prepare: Brings the database into the state that requests need, before the first of them.
        announce: Called with one line of text once the service is ready.

    Raises:
        ConfigurationError: The address is taken or not one of this machine; nothing was started.
        ForegraphError: The database cannot be started, reached or prepared.
    """
    started = time.monotonic()
    # GraphQL takes a second to import, which overlaps with Neo4j's start.
    threading.Thread(target=import_module, args=["api.app"], name="loading", daemon=True).start()
    if settings.neo4j_uri is None:
        get_logger().info("starting Neo4j; the first time takes longer", data_dir=str(settings.data_dir.absolute()))
    with stopping_on_signals(), bind(settings.host, settings.port) as listener, find_database(settings) as address:

        def on_ready() -> None:
            freeze_survivors()
            seconds = time.monotonic() - started
            announce(_describe(settings, address, port=listener.getsockname()[1], seconds=seconds))

        async def run() -> None:
            async with Database.open(address) as database:
                await database.verify()
                await prepare(database)
                with compiling_kernels():
                    await _Server(_configure(settings, database), on_ready).serve([listener])

        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:  # uvloop where there is one
            runner.run(run())


def _configure(settings: Settings, database: Database) -> uvicorn.Config:
    from api.app import create_app  # noqa: PLC0415 - imported in a thread while Neo4j starts

    return uvicorn.Config(
        create_app(settings, database),
        lifespan="on",
        log_config=None,
        access_log=False,  # replaced by AccessLogMiddleware
        proxy_headers=False,  # no proxy is trusted
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn with a callback once it is ready, and without raising the signal again that stopped it."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

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
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """
    Open the listening socket; it is closed at the end of the block.

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
        try:
            listener.bind((name, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise ConfigurationError(_explain_bind(host, port, error)) from error
        yield listener


def _explain_bind(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program; stop it, or choose another port with --port"
    if error.errno == errno.EACCES:
        return f"this user may not listen on port {port}; choose one above 1023 with --port"
    return f"cannot listen on port {port} of {host}: {error.strerror}"


@contextmanager
def find_database(settings: Settings) -> Iterator[DatabaseAddress]:
    """
    Give the address of the Neo4j named in the settings, or else of the embedded one.

    The embedded one may be running on the data directory already; else it is started, and stopped at the end.

    Raises:
        ServerError: The embedded server cannot be installed or started.
        ConfigurationError: The password file cannot be read, or there is no Java for the embedded server.
    """
    address = settings.find_address()
    if address is not None:
        yield address
        return
    embedded = start_or_attach(
        settings.data_dir.absolute(),
        heap=settings.neo4j_heap,
        cache_dir=settings.cache_dir,
        mirror=settings.mirror,
        java_home=settings.java_home,
        keep_alive=True,
        training=TRAINING,
        progress=True,
    )
    with embedded as endpoint:
        yield DatabaseAddress(
            uri=endpoint.uri, user=endpoint.user, password=endpoint.password, database=endpoint.database
        )


def _describe(settings: Settings, address: DatabaseAddress, *, port: int, seconds: float) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    page = f", GraphiQL at {url}/graphql" if settings.graphiql else ""
    data = f"in {settings.data_dir.absolute()}" if settings.neo4j_uri is None else f"at {address.uri}"
    return f"Foregraph is ready at {url}{page}; data {data}; started in {seconds:.1f} s. Ctrl-C stops it."
