"""What idle subscribers cost a process, and how soon one hears of a write: over sockets, in processes of their own."""

import asyncio
import itertools
import json
import statistics
import struct
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from urllib.parse import urlsplit

import psutil

from graph.bundles.importing import import_text
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from tests.benchmarks.http import read_answer, request
from tests.benchmarks.intake import claims
from tests.helpers.processes import serving, variables
from tests.helpers.subscribing import APPENDED, PROTOCOL, Socket, connecting

NUM_IDLE, NUM_LISTENING = 10_000, 5
NUM_CLAIMS, WRITES_A_SECOND, SECONDS, WARM_SECONDS = 1_000, 200, 20, 8
AT_ONCE, NUM_CLIENTS = 100, 48
LONGEST = 4  # a machine that cannot write as often gets so many times as long
QUIET = "P_0"
SUBMIT = """mutation ($input: EvidenceInput!) { submitEvidence(input: $input) {
    ... on EvidenceRecorded { recorded { evidence { key } } } ... on UserError { message } } }"""


class IdleSubscriber(asyncio.Protocol):
    """The least that follows the protocol: connects, subscribes, and answers pings."""

    def __init__(self, host: str) -> None:
        self._host, self._read = host, b""
        self.is_begun = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for WebSocket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        lines = (
            "GET /graphql HTTP/1.1",
            f"host: {self._host}",
            "connection: upgrade",
            "upgrade: websocket",
            "sec-websocket-version: 13",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
            f"sec-websocket-protocol: {PROTOCOL}",
        )
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        """Begin the protocol once the server has switched, and subscribe once it has acknowledged."""
        if data[:1] == b"\x89":
            self._send(0x8A, data[2 : 2 + data[1]])
        elif data.startswith(b"HTTP/1.1 101"):
            self._send(0x81, b'{"type": "connection_init"}')
        elif b"connection_ack" in data and not self.is_begun.done():
            payload = {"query": APPENDED, "variables": {"claims": [QUIET]}}
            self._send(0x81, json.dumps({"id": "1", "type": "subscribe", "payload": payload}).encode())
            self.is_begun.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count as a failure."""
        if not self.is_begun.done():
            self.is_begun.set_exception(exc or ConnectionError("the server has closed"))

    def _send(self, code: int, content: bytes) -> None:
        """Send a frame, masked by zeros."""
        size = len(content)
        head = bytes([code, 0x80 | size]) if size < 126 else bytes([code, 0x80 | 126]) + struct.pack("!H", size)
        self._transport.write(head + bytes(4) + content)


async def be_idle(url: str, number: int) -> None:
    """Subscribe as often, say so, and wait until the input ends."""
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    kept: list[IdleSubscriber] = []
    for start in range(0, number, AT_ONCE):
        made = [
            await loop.create_connection(lambda: IdleSubscriber(parts.netloc), parts.hostname or "", parts.port or 0)
            for _ in range(min(AT_ONCE, number - start))
        ]
        kept += [protocol for _, protocol in made]
        await asyncio.gather(*(protocol.is_begun for _, protocol in made))
    print(len(kept), flush=True)
    await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def idling(url: str, number: int) -> AsyncIterator[float]:
    """Have a process subscribe; gives the seconds that it took."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.subscribers", url, str(number), stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        assert int(await process.stdout.readline()) == number
        yield time.perf_counter() - started
    finally:
        process.kill()
        await process.wait()


async def benchmark_subscribers(address: DatabaseAddress, neo4j_pid: int) -> None:
    """Memory of a process by its subscribers, and the time from an acknowledged write to a subscriber."""
    async with Database.open(address) as database:
        await migrate(database)
        await import_text(database, claims(NUM_CLAIMS))
    environment = variables(address, FOREGRAPH_SCHEDULER="false", FOREGRAPH_LOG_LEVEL="error")
    async with serving("serve", "--port", "0", environment=environment) as service:
        process = psutil.Process(service.process.pid)
        processes = [process, psutil.Process(neo4j_pid), psutil.Process()]
        await measure_delays(service.url, processes, WARM_SECONDS)
        before = process.memory_info().rss
        async with idling(service.url, NUM_IDLE) as seconds:
            await asyncio.sleep(3)
            after = process.memory_info().rss
            print(
                f"{NUM_IDLE} idle subscribers, each on a connection of its own: {after / 1e6:.0f} MB of the process, "
                f"{before / 1e6:.0f} MB without; {(after - before) / NUM_IDLE / 1e3:.1f} KB each, "
                f"subscribed in {seconds:.1f} s",
                flush=True,
            )
            spent = _seconds_of(process)
            await asyncio.sleep(10)
            print(f"idle: {(_seconds_of(process) - spent) / 10:.1%} of a processor", flush=True)
            print("beside them, ", end="")
            await measure_delays(service.url, processes, SECONDS)


async def measure_delays(url: str, processes: Sequence[psutil.Process], seconds: float) -> None:
    """Write so many times a second, and compare when each write was acknowledged and when subscribers heard of it."""
    acknowledged: dict[str, float] = {}
    heard: list[dict[str, float]] = []
    listening = [asyncio.create_task(listen(url, heard_here)) for heard_here in _made(heard, NUM_LISTENING)]
    await asyncio.sleep(1)
    spent, started = [_seconds_of(one) for one in processes], time.perf_counter()
    writing = [write_on(url, acknowledged, number, started, seconds) for number in range(NUM_CLIENTS)]
    await asyncio.gather(*writing)
    took = time.perf_counter() - started
    api, neo4j, client = ((_seconds_of(one) - before) / took for one, before in zip(processes, spent, strict=True))
    await asyncio.sleep(2)
    for task in listening:
        if task.done():
            task.result()  # a subscriber that has ended would count as missing messages
        task.cancel()
    await asyncio.wait(listening)
    delays = [found[key] - moment for found in heard for key, moment in acknowledged.items() if key in found]
    missing = sum(key not in found for found in heard for key in acknowledged)
    cuts = statistics.quantiles(delays, n=100)
    print(
        f"{len(acknowledged) / took:.0f} writes a second ({WRITES_A_SECOND} asked), {NUM_LISTENING} subscribers: "
        f"from the acknowledgement to a subscriber p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms, most "
        f"{max(delays) * 1e3:.0f} ms; {missing} missing; "
        f"of a processor: API {api:.0%}, Neo4j {neo4j:.0%}, client {client:.0%}",
        flush=True,
    )


def _seconds_of(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def _made(kept: list[dict[str, float]], number: int) -> list[dict[str, float]]:
    kept += [{} for _ in range(number)]
    return kept


async def listen(url: str, heard: dict[str, float]) -> None:
    """Note when each row of the ledger is told."""
    async with connecting(url) as socket:
        await socket.subscribe(APPENDED)
        await _note(socket, heard)


async def _note(socket: Socket, heard: dict[str, float]) -> None:
    while True:
        message = await socket.receive(600)
        now = time.perf_counter()
        heard.update(dict.fromkeys(message["payload"]["data"]["ledgerAppended"]["evidenceKeys"], now))


async def write_on(url: str, acknowledged: dict[str, float], number: int, started: float, seconds: float) -> None:
    """Submit evidence over a connection at this client's share of the moments, as long as time is left."""
    place = urlsplit(url)
    host = place.hostname or ""
    reader, writer = await asyncio.open_connection(host, place.port or 0)
    with closing(writer):
        for turn in itertools.count():
            due = started + (turn * NUM_CLIENTS + number) / WRITES_A_SECOND
            if due > started + seconds or time.perf_counter() > started + LONGEST * seconds:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            claim = f"P_{1 + (turn * NUM_CLIENTS + number) % (NUM_CLAIMS - 1)}"
            body = {"query": SUBMIT, "variables": {"input": {"claim": claim, "direction": "FOR", "strength": "WEAK"}}}
            writer.write(request(host, json.dumps(body).encode()))
            answer = json.loads(await read_answer(reader))
            acknowledged[answer["data"]["submitEvidence"]["recorded"]["evidence"]["key"]] = time.perf_counter()
    await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(be_idle(sys.argv[1], int(sys.argv[2])))
