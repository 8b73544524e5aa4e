"""The `foregraph` command as a process of its own, and a wire to Neo4j that can be cut."""

import asyncio
import contextlib
import os
import re
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from graph.database.address import DatabaseAddress
from tests.helpers.forking import MOST_HELD_BYTES, Forked

READY_TIMEOUT_SECONDS = 240  # an embedded Neo4j on a busy machine
READY_LINE = re.compile(
    r"Foregraph is ready at (?P<url>http://[^\s;,]+)(, GraphiQL at \S+/graphql)?; data .+ in [0-9.]+ s\."
)

OF_SHORT_LIVED_JAVA = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
"""Has Java do without its better compiler, on which a Neo4j spends a third of a start and of a run of these tests."""

# Warming up takes a start longer than most tests; one that is about it says so.
SHORT_LIVED = {"FOREGRAPH_WARM_UP": "false", **OF_SHORT_LIVED_JAVA}
"""Environment of processes that run for some seconds."""


PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of services without TLS: httpx reads the system's certificates for each that has none, for 20 ms."""


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    output: str
    errors: str
    seconds: float


@dataclass
class Service:
    """A running `foregraph serve` or `up`."""

    process: asyncio.subprocess.Process | Forked
    ready_line: str
    url: str

    async def stop(self, signal_number: int) -> Finished:
        """Sends a signal and waits for the end."""
        started = time.monotonic()
        self.process.send_signal(signal_number)
        output, errors = await asyncio.wait_for(self.process.communicate(), timeout=60)
        assert self.process.returncode is not None
        seconds = time.monotonic() - started
        return Finished(self.process.returncode, output.decode(), errors.decode(), seconds)


def variables(address: DatabaseAddress, **more: str) -> dict[str, str]:
    """The environment that names a Neo4j."""
    return {
        "FOREGRAPH_NEO4J_URI": address.uri,
        "FOREGRAPH_NEO4J_USER": address.user,
        "FOREGRAPH_NEO4J_PASSWORD": address.password,
        "FOREGRAPH_NEO4J_DATABASE": address.database,
        **more,
    }


def _whole(environment: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOREGRAPH_")}
    return {**clean, **SHORT_LIVED, **environment}


async def run(
    *arguments: str, environment: dict[str, str], directory: Path | None = None, given: bytes = b""
) -> Finished:
    """A command that ends by itself."""
    started = time.monotonic()
    process = await _fork(arguments, environment, directory)
    try:
        output, errors = await asyncio.wait_for(process.communicate(given), READY_TIMEOUT_SECONDS)
    finally:
        process.kill()
        code = await process.wait()
        process.close()
    return Finished(code, output.decode(), errors.decode(), time.monotonic() - started)


async def _fork(arguments: tuple[str, ...], environment: dict[str, str], directory: Path | None) -> Forked:
    return await Forked.start(arguments, _whole(environment), str(directory or Path.cwd()))


@asynccontextmanager
async def serving(
    *arguments: str, environment: dict[str, str], directory: Path | None = None
) -> AsyncIterator[Service]:
    """A command that serves, started as a user does; killed at the end if the test has not stopped it."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("foregraph")),
        *arguments,
        env=_whole(environment),
        cwd=directory,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=MOST_HELD_BYTES,
    )
    async with _ready(process) as service:
        yield service


@asynccontextmanager
async def serving_fork(
    *arguments: str, environment: dict[str, str], directory: Path | None = None
) -> AsyncIterator[Service]:
    """As `serving`, by a process that need not import anything: for all tests but those of the start itself."""
    process = await _fork(arguments, environment, directory)
    try:
        async with _ready(process) as service:
            yield service
    finally:
        process.close()


@asynccontextmanager
async def _ready(process: asyncio.subprocess.Process | Forked) -> AsyncIterator[Service]:
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), READY_TIMEOUT_SECONDS)).decode().strip()
        match = READY_LINE.match(line)
        if match is None:
            process.kill()
            output, errors = await process.communicate()
            raise AssertionError(f"no ready line but {line!r}\n{output.decode()}\n{errors.decode()}")
        yield Service(process, line, match["url"])
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process | Forked) -> None:
    if process.returncode is None:
        process.terminate()  # not kill: an embedded Neo4j shall be stopped as well
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), timeout=30)
    if process.returncode is None:
        process.kill()
        await process.wait()


class Wire:
    """A port that leads to Neo4j, until it is cut."""

    def __init__(self, address: DatabaseAddress) -> None:
        target = urlsplit(address.uri)
        self._host, self._port = target.hostname or "127.0.0.1", target.port or 7687
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._own_port = 0
        self._address = address

    @property
    def address(self) -> DatabaseAddress:
        """Neo4j at this end of the wire."""
        uri = f"bolt://127.0.0.1:{self._own_port}"
        return DatabaseAddress(uri, self._address.user, self._address.password, self._address.database)

    async def mend(self) -> None:
        """Leads to Neo4j from now on, on the same port as before."""
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", self._own_port)
        self._own_port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Ends every connection and takes no new ones, as a Neo4j that has died."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # it was cut
        finally:
            self._writers.discard(writer)
            writer.close()
