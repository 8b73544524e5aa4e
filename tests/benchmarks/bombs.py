"""Requests made to exhaust the service, with a page's and a health check's client beside in a process of their own."""

import asyncio
import json
import signal
import statistics
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, closing
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.server.config import IDLE_SECONDS
from tests.benchmarks.http import SEED, emptying, read_response, request
from tests.benchmarks.synthetic import synthetic_bundles
from tests.helpers.bombs import Bomb, Ground, list_bombs
from tests.helpers.bundles import bundle, evidence, prediction
from tests.helpers.pages import PAGE
from tests.helpers.processes import Service, serving, variables

NUM_PREDICTIONS: Final = 5_000
NUM_LEDGER_ROWS: Final = 20_000
NUM_PAGES: Final = 32
HEALTH_PAUSE_SECONDS, PAGE_PAUSE_SECONDS, RSS_PAUSE_SECONDS = 0.02, 0.05, 0.1
QUIET_SECONDS: Final = 1.5
"""How long both clients go on alone before and after a bomb; memory is read at the end of it."""
SETTLING_SECONDS: Final = 2.5 * IDLE_SECONDS
"""Time after the last bomb for the API and for Java to give memory back."""
PATIENCE_SECONDS: Final = 90.0
MEBIBYTE: Final = 1 << 20

MOST_HEALTH_SECONDS: Final = 0.25
MOST_MEMORY_LEFT: Final = 200 * MEBIBYTE


class Watched(NamedTuple):
    """
    How those beside were answered.

    Attributes:
        health: The longest wait for /healthz, in seconds, one that still lasts included.
        pages: Seconds that each page took.
        failures: Statuses other than 200, or errors of the connection.
    """

    health: float
    pages: list[float]
    failures: list[str]


class Used(NamedTuple):
    """Processor seconds of the API and of Neo4j: on a busy machine a better measure of a bomb than waits."""

    api: float
    neo4j: float


class Outcome(NamedTuple):
    """A bomb's answers: statuses and codes, and the seconds to the last of them."""

    answers: str
    seconds: float


async def _exchange(host: str, port: int, message: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 24)
    with closing(writer):
        writer.write(message)
        return await read_response(reader)


class _Watch:
    """Two clients that go on until they are told to end, each with a request in flight at most."""

    def __init__(self, host: str, port: int, pages: list[bytes]) -> None:
        self._host, self._port, self._pages = host, port, pages
        self._waits: dict[str, list[float]] = {"health": [], "page": []}
        self._since: dict[str, float] = {}
        self._failures: list[str] = []

    async def run(self, told: Connection) -> None:
        """Report whenever told to, and begin anew."""
        health = f"GET /healthz HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()
        pages = [request(self._host, page) for page in self._pages]
        clients = [
            asyncio.create_task(self._go_on("health", [health], HEALTH_PAUSE_SECONDS)),
            asyncio.create_task(self._go_on("page", pages, PAGE_PAUSE_SECONDS)),
        ]
        while await asyncio.get_running_loop().run_in_executor(None, told.recv):
            told.send(self._report())
        for client in clients:
            client.cancel()

    def _report(self) -> Watched:
        pending = [time.perf_counter() - self._since["health"]] if "health" in self._since else []
        found = Watched(max(self._waits["health"] + pending, default=0.0), self._waits["page"], self._failures)
        self._waits, self._failures = {"health": [], "page": []}, []
        return found

    async def _go_on(self, kind: str, messages: list[bytes], pause: float) -> None:
        number = 0
        while True:
            number += 1
            self._since[kind] = started = time.perf_counter()
            try:
                status, _ = await _exchange(self._host, self._port, messages[number % len(messages)])
                if status != 200:
                    self._failures.append(f"{kind} {status}")
            except (OSError, asyncio.IncompleteReadError) as error:
                self._failures.append(f"{kind} {type(error).__name__}")
            self._waits[kind].append(time.perf_counter() - started)
            del self._since[kind]
            await asyncio.sleep(pause)


def _watch(told: Connection, host: str, port: int, pages: list[bytes]) -> None:
    asyncio.run(_Watch(host, port, pages).run(told))


class _Processes:
    """The API and Neo4j: their resident memory, its peak, and their processor time."""

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes
        self.peaks = [0 for _ in processes]

    def read(self) -> list[int]:
        """Read both, in bytes."""
        now = [process.memory_info().rss for process in self._processes]
        self.peaks = [max(pair) for pair in zip(self.peaks, now, strict=True)]
        return now

    def read_processor(self) -> Used:
        """Read the processor time that both have used."""
        api, neo4j = (process.cpu_times() for process in self._processes)
        return Used(api.user + api.system, neo4j.user + neo4j.system)

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        """Follow the peak within the block."""

        async def sample() -> None:
            while True:
                self.read()
                await asyncio.sleep(RSS_PAUSE_SECONDS)

        self.peaks = [0 for _ in self._processes]
        task = asyncio.create_task(sample())
        try:
            yield
        finally:
            task.cancel()


def load(address: DatabaseAddress) -> Ground:
    """Fill a database, a long ledger included."""

    async def work() -> None:
        async with Database.open(address) as database:
            await migrate(database)
            for part in (*parts, long_ledger):
                await import_bundle(database, part)

    parts = list(synthetic_bundles(NUM_PREDICTIONS, SEED))
    moments = [
        f"2026-0{1 + n // 4_000}-{1 + n % 28:02d}T{n // 28 % 24:02d}:{n // 672 % 60:02d}:{n % 60:02d}Z"
        for n in range(NUM_LEDGER_ROWS)
    ]
    moments.sort()
    ledger = [
        evidence(f"E_LONG_{n}", "P_LONG", total_llr=(-1) ** n * 0.01, observed_at=moment, recorded_at=moment)
        for n, moment in enumerate(moments)
    ]
    window = {"from_year": 2026, "window_start": "2026-01-01T00:00:00Z", "window_end": "2027-12-31T00:00:00Z"}
    long_ledger = bundle(predictions=[prediction("P_LONG", **window)], evidence=ledger)
    asyncio.run(work())
    return _find_ground(parts)


def _find_ground(parts: list[Any]) -> Ground:
    degrees: dict[str, int] = {killer.id: 0 for part in parts for killer in part.killers}
    exposures: dict[str, int] = {}
    made: dict[str, int] = {}
    for part in parts:
        for influence in part.influences:
            if influence.parent_id in degrees:
                degrees[influence.parent_id] += 1
        for exposure in part.exposures:
            exposures[exposure.symbol] = exposures.get(exposure.symbol, 0) + 1
        for row in part.predictions:
            made[row.predictor_id or ""] = made.get(row.predictor_id or "", 0) + 1
    predictions = [row for part in parts for row in part.predictions]
    return Ground(
        hub=max(degrees, key=degrees.__getitem__),
        ticker=max(exposures, key=exposures.__getitem__),
        predictor=max(made, key=made.__getitem__),
        ledger="P_LONG",
        open_claims=[row.id for row in predictions if row.status == "OPEN" and row.stated_probability is not None][
            :200
        ],
    )


async def _throw(host: str, port: int, bomb: Bomb) -> Outcome:
    """Send a bomb, as often at once as it says; its answers by how many there were of each."""
    message = request(host, bomb.body)
    if bomb.is_slow:
        message = request(host, bomb.body + b"x" * 1_000)[:-1_000]

    async def send() -> str:
        try:
            status, answer = await asyncio.wait_for(_exchange(host, port, message), PATIENCE_SECONDS)
        except TimeoutError:
            return f"none in {PATIENCE_SECONDS:g} s"
        except (OSError, asyncio.IncompleteReadError) as error:
            return type(error).__name__
        return f"{status}{_codes(answer)}"

    started = time.perf_counter()
    found = await asyncio.gather(*(send() for _ in range(bomb.times)))
    seconds = time.perf_counter() - started
    return Outcome(", ".join(f"{found.count(kind)}x {kind}" for kind in sorted(set(found))), seconds)


def _codes(answer: bytes) -> str:
    try:
        errors = json.loads(answer).get("errors") or []
    except json.JSONDecodeError:  # of a server that has not read the request
        return " without JSON"
    codes = sorted({error.get("extensions", {}).get("code", "none") for error in errors})
    return f" {'/'.join(codes)}" if codes else ""


async def benchmark_bombs(address: DatabaseAddress, neo4j_pid: int, only: str | None = None) -> None:
    """Throw each bomb alone, and tell what it did to those beside and to memory; then stop the service during one."""
    loop = asyncio.get_running_loop()
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        ground = await loop.run_in_executor(pool, load, address)
    environment = variables(address, FOREGRAPH_SCHEDULER="false")
    async with serving("serve", "--port", "0", environment=environment) as service, emptying(service):
        place = urlsplit(service.url)
        host, port = place.hostname or "", place.port or 0
        processes = _Processes(psutil.Process(service.process.pid), psutil.Process(neo4j_pid))
        own, other = spawn.Pipe()
        pages = [
            json.dumps({"query": PAGE, "variables": {"id": key}}).encode() for key in ground.open_claims[:NUM_PAGES]
        ]
        watcher = spawn.Process(target=_watch, args=(other, host, port, pages), daemon=True)
        watcher.start()
        try:
            await _throw_all(host, port, ground, own, processes, only)
        finally:
            own.send(None)
            watcher.join(10)
        await _stop_during(service, host, port, ground)


async def _throw_all(
    host: str, port: int, ground: Ground, watch: Connection, processes: _Processes, only: str | None
) -> None:
    loop = asyncio.get_running_loop()

    async def report() -> Watched:
        watch.send("report")
        found: Watched = await loop.run_in_executor(None, watch.recv)
        return found

    await _throw(
        host, port, _find_bomb(ground, "a what-if of 50 outcomes")
    )  # the first loads what stays, compiled loops
    await asyncio.sleep(5 * QUIET_SECONDS)
    bombs = [bomb for bomb in list_bombs(ground) if only is None or only in bomb.name]
    quiet, first = await report(), processes.read()
    print(
        f"bombs: {len(bombs)} on {NUM_PREDICTIONS:,} predictions, {psutil.cpu_count()} processors; before them "
        f"{_describe_watched(quiet)}; MiB: API {_mib(first[0])}, Neo4j {_mib(first[1])}",
        flush=True,
    )
    failed = []
    for bomb in bombs:
        before, used_before = processes.read(), processes.read_processor()
        await report()
        async with processes.sampling():
            outcome = await _throw(host, port, bomb)
            await asyncio.sleep(QUIET_SECONDS)
        watched, after, used = await report(), processes.read(), processes.read_processor()
        if watched.health > MOST_HEALTH_SECONDS or after[0] - before[0] > MOST_MEMORY_LEFT or watched.failures:
            failed.append(bomb.name)
        api, neo4j = ("/".join(map(_mib, found)) for found in zip(before, processes.peaks, after, strict=True))
        print(
            f"{'FAILS ' if bomb.name in failed else ''}{bomb.name}: {outcome.answers} in {outcome.seconds:.2f} s; "
            f"processor s: API {used.api - used_before.api:.2f}, Neo4j {used.neo4j - used_before.neo4j:.2f}; "
            f"{_describe_watched(watched)}; MiB before/peak/after: API {api}, Neo4j {neo4j}",
            flush=True,
        )
    await asyncio.sleep(SETTLING_SECONDS)
    last = processes.read()
    print(
        f"bombs that hold others up: {len(failed)} of {len(bombs)} ({'; '.join(failed)}); memory left: API "
        f"{_mib(last[0] - first[0])} MiB, Neo4j {_mib(last[1] - first[1])} MiB",
        flush=True,
    )


def _find_bomb(ground: Ground, name: str) -> Bomb:
    (bomb,) = [bomb for bomb in list_bombs(ground) if bomb.name == name]
    return bomb


def _describe_watched(watched: Watched) -> str:
    failures = f", failures {', '.join(sorted(set(watched.failures)))}" if watched.failures else ""
    pages = f"page p95 {_p95(watched.pages)} of {len(watched.pages)}"
    return f"/healthz {1e3 * watched.health:.0f} ms at worst, {pages}{failures}"


async def _stop_during(service: Service, host: str, port: int, ground: Ground) -> None:
    """Tell the seconds from SIGTERM to the end while a heavy bomb runs."""
    bomb = _find_bomb(ground, "nine of them, 16 times at once")
    throwing = asyncio.create_task(_throw(host, port, bomb))
    await asyncio.sleep(1)
    started = time.perf_counter()
    service.process.send_signal(signal.SIGTERM)
    await service.process.wait()
    print(f"SIGTERM during {bomb.name!r}: ended after {time.perf_counter() - started:.1f} s", flush=True)
    await throwing


def _p95(seconds: list[float]) -> str:
    return "-" if len(seconds) < 2 else f"{1e3 * statistics.quantiles(seconds, n=20, method='inclusive')[-1]:.0f} ms"


def _mib(num_bytes: int) -> str:
    return f"{num_bytes / MEBIBYTE:.0f}"
