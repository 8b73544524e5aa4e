"""A million rows as NDJSON over HTTP, against the bare driver that writes the same; and what each format costs."""

import asyncio
import http.client
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import neo4j
import orjson
import psutil
from uvicorn.loops.auto import auto_loop_factory

from api.formats import FORMATS
from graph.database.address import DatabaseAddress
from tests.helpers.processes import serving, variables

NUM_ROWS: Final = 1_000_000
NUM_ROUNDS: Final = 3
STATEMENT: Final = "UNWIND range(1, $n) AS i RETURN i, i / 7.0 AS ratio, 'row number ' + i AS text"
COLUMNS: Final = ("i", "ratio", "text")
MOST_SECONDS: Final = 600.0
"""Time of the bare driver, whose default is shorter than a busy machine takes."""
READ_BYTES: Final = 1 << 18
SAMPLE_SECONDS: Final = 0.05
MEBIBYTE: Final = 1 << 20


class Figures(NamedTuple):
    """
    One reading of all rows.

    Attributes:
        seconds: From the question to the last byte.
        processor_seconds: Of the process that reads from Neo4j.
        growth: Most resident memory of that process above that before, in bytes.
        num_bytes: Size of what came.
    """

    seconds: float
    processor_seconds: float
    growth: int
    num_bytes: int


@contextmanager
def watching(process: psutil.Process) -> Iterator[Callable[[], int]]:
    """Sample a process's resident memory during the block; gives what tells its growth."""
    before, most, is_over = process.memory_info().rss, 0, threading.Event()

    def sample() -> None:
        nonlocal most
        while not is_over.wait(SAMPLE_SECONDS):
            most = max(most, process.memory_info().rss)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield lambda: max(0, most - before)
    finally:
        is_over.set()
        thread.join()


def processor_seconds(process: psutil.Process) -> float:
    """Processor time of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


def read_by_driver(address: DatabaseAddress, num_rows: int, path: str) -> Figures:
    """Read the rows by the driver alone, and write each as a line of JSON to a file."""

    async def read() -> int:
        driver = neo4j.AsyncGraphDatabase.driver(address.uri, auth=(address.user, address.password))
        async with driver, driver.session(database=address.database, default_access_mode=neo4j.READ_ACCESS) as session:
            result = await session.run(neo4j.Query(STATEMENT, timeout=MOST_SECONDS), n=num_rows)
            with open(path, "wb") as file:  # noqa: ASYNC230, PTH123 - as a script would
                return sum([file.write(_line(record)) async for record in result])

    process = psutil.Process()
    with watching(process) as growth:
        started, worked = time.perf_counter(), processor_seconds(process)
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:  # the service's
            num_bytes = runner.run(read())
        seconds = time.perf_counter() - started
        return Figures(seconds, processor_seconds(process) - worked, growth(), num_bytes)


def _line(record: neo4j.Record) -> bytes:
    return orjson.dumps(dict(zip(COLUMNS, record.values(), strict=True)), option=orjson.OPT_APPEND_NEWLINE)


def read_by_http(url: str, pid: int, num_rows: int, media_type: str) -> Figures:
    """Read the rows from the service, and count their bytes."""
    place, process, num_bytes = urlsplit(url), psutil.Process(pid), 0
    body = {"statement": STATEMENT, "parameters": {"n": num_rows}, "maxRows": num_rows, "timeoutMs": 60_000}
    with watching(process) as growth:
        started, worked = time.perf_counter(), processor_seconds(process)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=300)
        headers = {"content-type": "application/json", "accept": media_type}
        connection.request("POST", "/cypher", json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(response.read().decode())
        while part := response.read(READ_BYTES):
            num_bytes += len(part)
        connection.close()
        seconds = time.perf_counter() - started
        return Figures(seconds, processor_seconds(process) - worked, growth(), num_bytes)


async def benchmark_cypher(address: DatabaseAddress, num_rows: int = NUM_ROWS) -> None:
    """Rows by HTTP and by the bare driver in turn, then every other format once."""
    loop, pool = asyncio.get_running_loop(), multiprocessing.get_context("spawn").Pool(1)

    async def call(work: Callable[..., Figures], *arguments: Any) -> Figures:
        return await loop.run_in_executor(None, pool.apply, work, arguments)

    environment = variables(address, FOREGRAPH_SCHEDULER="false")
    with pool:
        async with serving("serve", "--port", "0", environment=environment) as service:
            pid, ndjson = service.process.pid, FORMATS["ndjson"].media_type
            for warm in (10_000, 50_000):
                await call(read_by_http, service.url, pid, warm, ndjson)
                await call(read_by_driver, address, warm, "/dev/null")
            rounds = []
            for number in range(1, NUM_ROUNDS + 1):
                bare = await call(read_by_driver, address, num_rows, "/dev/null")
                _print(f"bare driver, round {number}", bare, num_rows)
                served = await call(read_by_http, service.url, pid, num_rows, ndjson)
                _print(f"ndjson over HTTP, round {number}", served, num_rows)
                rounds.append((bare, served))
            _compare(rounds, num_rows)
            for name, found in FORMATS.items():
                if found.is_available and name != "ndjson":
                    _print(name, await call(read_by_http, service.url, pid, num_rows, found.media_type), num_rows)


def _compare(rounds: list[tuple[Figures, Figures]], num_rows: int) -> None:
    speed = statistics.median(bare.seconds / served.seconds for bare, served in rounds)
    work = statistics.median(served.processor_seconds / bare.processor_seconds for bare, served in rounds)
    growth = max(served.growth for _, served in rounds) / MEBIBYTE
    print(
        f"cypher: {num_rows} rows to NDJSON at {speed:.2f} of the bare driver's speed and {work:.2f} of its work; "
        f"memory +{growth:.0f} MiB at most",
        flush=True,
    )


def _print(name: str, figures: Figures, num_rows: int) -> None:
    print(
        f"{name}: {num_rows / figures.seconds:.0f} rows a second, {figures.seconds:.1f} s, processor "
        f"{figures.processor_seconds:.1f} s, memory +{figures.growth / MEBIBYTE:.0f} MiB, "
        f"{figures.num_bytes / MEBIBYTE:.0f} MiB sent",
        flush=True,
    )
