"""Page clients of a service that imports and samples meanwhile, with slow clients beside, over sockets."""

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from multiprocessing import get_context
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from graph.database.address import DatabaseAddress
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.sample.exercising import renamed
from tests.benchmarks.http import SEED, Question, emptying, load, read_response, request
from tests.benchmarks.synthetic import synthetic_bundles
from tests.helpers.processes import serving, variables

NUM_PAGE_CLIENTS, NUM_SLOW = 64, 4
WARM_SECONDS, SECONDS = 10.0, 60.0
NUM_IMPORTED: Final = 100
"""Predictions of each import."""
SLOW_PAUSE_SECONDS, NUM_PIECES = 0.2, 40
"""A slow client sends a request in so many pieces, with a pause before each."""

IMPORT = """mutation ($bundle: JSON!) { importBundle(input: {bundle: $bundle}) { __typename
    ... on UserError { code message } } }"""
SAMPLE = """query ($claim: ID!, $seed: Int64) {
    whatIf(observations: [{claim: $claim, outcome: TRUE}], method: SAMPLE, sampleCount: 16384, seed: $seed) {
        ... on WhatIfResult { shifts(first: 20) { nodes { delta } } } ... on UserError { code message } } }"""


class Pages(NamedTuple):
    """
    Pages that clients have asked for.

    Attributes:
        waits: Seconds from sending a request to its whole answer, of each answer.
        faults: Answers other than a page, and how often each came.
        elapsed: Seconds that all took together.
    """

    waits: list[float]
    faults: Counter[str]
    elapsed: float


def ask_for_pages(host: str, port: int, bodies: list[str], seconds: float) -> Pages:
    """Ask in turn over kept connections, each as soon as its last answer is there; run in a process of its own."""
    messages = itertools.cycle([request(host, body.encode()) for body in bodies])

    async def ask_until(end: float, found: Pages) -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 24)
        with closing(writer):
            while (started := time.perf_counter()) < end:
                writer.write(next(messages))
                fault = await _read_fault(reader)
                found.waits.append(time.perf_counter() - started)
                if fault is not None:
                    found.faults[fault] += 1

    async def ask() -> Pages:
        found, started = Pages([], Counter(), 0.0), time.perf_counter()
        await asyncio.gather(*(ask_until(started + seconds, found) for _ in range(NUM_PAGE_CLIENTS)))
        return found._replace(elapsed=time.perf_counter() - started)

    return asyncio.run(ask())


async def _read_fault(reader: asyncio.StreamReader) -> str | None:
    """Read an answer; None if it is as hoped."""
    status, answer = await read_response(reader)
    if status == 200 and b'"errors":[' not in answer and b'"code":"' not in answer:
        return None
    return f"{status} {answer[:160].decode(errors='replace')}"


class _Beside:
    """What others do meanwhile: how often each kind was answered, and what was answered otherwise than hoped."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.waits: dict[str, list[float]] = defaultdict(list)
        self.faults: Counter[str] = Counter()

    async def go_on(self, kind: str, bodies: Iterator[bytes], *, is_slow: bool = False) -> None:
        """Send one request after the other over a connection."""
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=1 << 24)
        with closing(writer):
            for body in bodies:
                started = time.perf_counter()
                message = request(self._host, body)
                step = -(-len(message) // NUM_PIECES) if is_slow else len(message)
                for start in range(0, len(message), step):
                    if is_slow:
                        await asyncio.sleep(SLOW_PAUSE_SECONDS)
                    writer.write(message[start : start + step])
                    await writer.drain()
                fault = await _read_fault(reader)
                self.waits[kind].append(time.perf_counter() - started)
                if fault is not None:
                    self.faults[f"{kind}: {fault}"] += 1


def _list_imports() -> Iterator[bytes]:
    """Requests that import other predictions each time."""
    (bundle,) = synthetic_bundles(NUM_IMPORTED, SEED)
    for number in itertools.count(1):
        rows = {name: tuple(renamed(row, number) for row in listed) for name, listed in bundle.rows().items()}
        content = Bundle(format=BUNDLE_FORMAT, **rows).model_dump(mode="json", exclude_none=True)
        yield json.dumps({"query": IMPORT, "variables": {"bundle": content}}).encode()


def _list_samplings(claims: list[str]) -> Iterator[bytes]:
    """Requests that draw samples anew each time."""
    for seed, claim in enumerate(itertools.cycle(claims)):
        yield json.dumps({"query": SAMPLE, "variables": {"claim": claim, "seed": seed}}).encode()


async def benchmark_crowd(address: DatabaseAddress, neo4j_pid: int) -> None:
    """Ask for pages alone, and beside all the others; both by so many clients at once."""
    loop = asyncio.get_running_loop()
    environment = variables(address, FOREGRAPH_SCHEDULER="false", FOREGRAPH_RESPONSE_CACHE_BYTES="0")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pages = (await loop.run_in_executor(pool, load, address))[0]
        async with serving("serve", "--port", "0", environment=environment) as service, emptying(service):
            place = urlsplit(service.url)
            host, port = place.hostname or "", place.port or 0
            processes = [psutil.Process(service.process.pid), psutil.Process(neo4j_pid)]
            bodies = _bodies_of(pages)

            async def ask(seconds: float) -> Pages:
                return await loop.run_in_executor(pool, ask_for_pages, host, port, bodies, seconds)

            await ask(WARM_SECONDS)
            _print_pages("alone", await ask(SECONDS / 4))
            beside = _Beside(host, port)
            slow = [itertools.cycle(body.encode() for body in bodies[number:]) for number in range(NUM_SLOW)]
            others = [
                beside.go_on("imports", _list_imports()),
                beside.go_on("samplings", _list_samplings(pages.ids)),
                *(beside.go_on("slow requests", each, is_slow=True) for each in slow),
            ]
            tasks = [asyncio.create_task(other) for other in others]
            await asyncio.sleep(WARM_SECONDS / 2)
            before = [sum(process.cpu_times()[:2]) for process in processes]
            found = await ask(SECONDS)
            used = [sum(process.cpu_times()[:2]) - start for process, start in zip(processes, before, strict=True)]
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task  # one that failed says so
    done = (f"{len(waits)} {kind} of {statistics.median(waits):.1f} s" for kind, waits in sorted(beside.waits.items()))
    _print_pages(f"beside {', '.join(done)}", found)
    print(f"processor s: API {used[0]:.0f}, Neo4j {used[1]:.0f}; others' errors: {_tell(beside.faults)}", flush=True)


def _bodies_of(pages: Question) -> list[str]:
    return [json.dumps({"query": pages.document, "variables": {"id": key}}) for key in pages.ids]


def _tell(faults: Counter[str]) -> str:
    return "; ".join(f"{number}x {fault}" for fault, number in faults.most_common(5)) or "none"


def _print_pages(name: str, found: Pages) -> None:
    cuts = statistics.quantiles(found.waits, n=100, method="inclusive")
    print(
        f"pages by {NUM_PAGE_CLIENTS} clients {name}: {len(found.waits) / found.elapsed:.0f} a second, p50 "
        f"{cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms ({cuts[98] / cuts[49]:.1f}x), most "
        f"{max(found.waits) * 1e3:.0f}; errors: {_tell(found.faults)}",
        flush=True,
    )
