"""
Starts and stops the service: first the listening socket, then the database, then requests.

What requests need takes seconds to import, and Neo4j seconds to start. So what is imported here is little, and the
rest is imported in a thread once Neo4j's process runs.
"""

import asyncio
import errno
import ipaddress
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from api.collector import freeze_survivors
from api.logging import get_logger
from api.running import Running, noted
from api.settings import Settings
from api.supervisor import Supervisor
from graph.database.address import DatabaseAddress
from graph.errors import ConfigurationError
from graph.sample.training import TRAINING
from graph.server import Memory, Software, start_or_attach

if TYPE_CHECKING:
    from graph.database.sessions import Database

Prepare = Callable[["Database"], Awaitable[None]]
"""Brings the database into the state that requests need, before the first of them."""

PREPARING: Final = "api.preparing"
PROCESS: Final = "api.process"
"""Modules that are needed once Neo4j answers; the latter has GraphQL, and all else of the service."""

SHUTDOWN_MARGIN_SECONDS = 2
"""For requests that outlive their deadlines, before they are broken off. Stopping the database comes after."""
BACKLOG = 128
MAX_PORT = 65_535


def serve(settings: Settings, prepare: Prepare, announce: Callable[[str], None]) -> None:
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


def _serve_here(settings: Settings, prepare: Prepare, announce: Announce) -> None:
    with (
        stopping_on_signals(),
        bind(settings.host, settings.port) as listener,
        find_database(settings, on_launch=lambda: _load(PREPARING, PROCESS)) as address,
        _noted(settings, listener),
    ):
        from api.process import run_application  # noqa: PLC0415 - imported in a thread while Neo4j starts

        def on_ready() -> None:
            freeze_survivors()
            announce(listener, address)

        run_application(settings, address, listener, prepare=prepare, on_ready=on_ready)


def _load(*names: str) -> None:
    """Import modules in a thread."""
    threading.Thread(target=lambda: [import_module(name) for name in names], name="loading", daemon=True).start()


def _serve_by_workers(settings: Settings, prepare: Prepare, announce: Announce) -> None:
    async def prepare_database(address: DatabaseAddress) -> None:
        from graph.database.sessions import Database  # noqa: PLC0415 - imported in a thread while Neo4j starts

        async with Database.open(address) as database:
            await database.verify()
            await prepare(database)

    with stopping_on_signals(), bind_group(settings.host, settings.port, settings.workers) as listeners:
        address: DatabaseAddress | None = None
        supervisor = Supervisor(listeners, lambda: announce(listeners[0], cast("DatabaseAddress", address)))
        try:
            with find_database(settings, on_launch=lambda: _load(PREPARING)) as address, _noted(settings, listeners[0]):
                asyncio.run(prepare_database(address))
                try:
                    raise SystemExit(supervisor.run())
                except KeyboardInterrupt:
                    supervisor.stop(grace_seconds(settings))  # while Neo4j is still there
        finally:
            supervisor.stop(grace_seconds(settings))


def grace_seconds(settings: Settings) -> float:
    """The time from a signal until requests are broken off."""
    return settings.drain_seconds + SHUTDOWN_MARGIN_SECONDS


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
def find_database(settings: Settings, on_launch: Callable[[], None] | None = None) -> Iterator[DatabaseAddress]:
    """
    Give the address of the Neo4j named in the settings, or else of the embedded one.

    The embedded one may be running on the data directory already; else it is started, and a log says so. It is stopped
    at the end unless other processes use it.

    Args:
        settings: The address, or what the embedded one takes.
        on_launch: Called once the process of an embedded one that is started here runs; it answers seconds later.

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
        on_launch=on_launch,
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
