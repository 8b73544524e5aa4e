"""What keys cost: a lookup with one against without, and beside a flood of wrong ones, over a socket and in turn."""

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, closing
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from api.access.keys import KeyFile, make_secret
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from resolvers.base.roles import Role
from tests.benchmarks.flat import LOOKUP
from tests.benchmarks.http import DELIMITER, SEED, emptying, read_response
from tests.benchmarks.synthetic import synthetic_bundles
from tests.helpers.processes import Service, serving, variables

NUM_PREDICTIONS: Final = 1_000
NUM_IDS: Final = 64
NUM_ROUNDS: Final = 8
ROUND_SECONDS: Final = 3.0
WRONG_A_SECOND: Final = 1_000
NUM_FLOODERS: Final = 16
MOST_MORE, MOST_SLOWER = 0.05, 1.5


class Asked(NamedTuple):
    """
    A round of lookups.

    Attributes:
        seconds: The median time of one.
        processor_seconds: The API's processor time for one; that of a flood beside is included.
    """

    seconds: float
    processor_seconds: float


def message(host: str, body: str, key: str | None) -> bytes:
    """An HTTP request that asks a document, with a key or without."""
    lines = ["POST /graphql HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *([] if key is None else [f"Authorization: Bearer {key}"])]
    return "\r\n".join(lines).encode() + DELIMITER + body.encode()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> int:
    """Send a request and read its response; returns the status."""
    writer.write(sent)
    status, _ = await read_response(reader)
    return status


def ask(host: str, port: int, messages: list[bytes], seconds: float) -> list[float]:
    """Ask one after the other for so long; returns the time of each. Run in a process of its own."""

    async def go_on() -> list[float]:
        reader, writer = await asyncio.open_connection(host, port)
        taken = []
        with closing(writer):
            end = time.perf_counter() + seconds
            for sent in itertools.cycle(messages):
                started = time.perf_counter()
                if await exchange(reader, writer, sent) != 200:
                    raise RuntimeError("a lookup was refused")
                taken.append(time.perf_counter() - started)
                if time.perf_counter() > end:
                    return taken
        return taken

    return asyncio.run(go_on())


def flood(host: str, port: int, body: str, a_second: int, seconds: float) -> int:
    """Send wrong keys at a rate, however fast they are answered; returns how many were refused."""

    async def go_on() -> int:
        start, num_refused = time.perf_counter(), 0

        async def send(number: int) -> int:
            reader, writer = await asyncio.open_connection(host, port)
            refused = 0
            with closing(writer):
                for place in range(number, int(a_second * seconds), NUM_FLOODERS):
                    await asyncio.sleep(start + place / a_second - time.perf_counter())
                    refused += await exchange(reader, writer, message(host, body, make_secret())) == 401
            return refused

        for refused in await asyncio.gather(*map(send, range(NUM_FLOODERS))):
            num_refused += refused
        return num_refused

    return asyncio.run(go_on())


class Bench:
    """A service that is asked by clients in processes of their own."""

    def __init__(self, service: Service, pool: ProcessPoolExecutor, key: str) -> None:
        place = urlsplit(service.url)
        self._host, self._port = place.hostname or "", place.port or 0
        self._process, self._pool, self._key = psutil.Process(service.process.pid), pool, key
        ids = [f"P_{number * NUM_PREDICTIONS // NUM_IDS:06d}" for number in range(NUM_IDS)]
        self._bodies = [json.dumps({"query": LOOKUP, "variables": {"id": found}}) for found in ids]

    async def ask(self, *, with_key: bool) -> Asked:
        """Ask for a round."""
        messages = [message(self._host, body, self._key if with_key else None) for body in self._bodies]
        before = self._used()
        loop = asyncio.get_running_loop()
        taken = await loop.run_in_executor(self._pool, ask, self._host, self._port, messages, ROUND_SECONDS)
        return Asked(statistics.median(taken), (self._used() - before) / len(taken))

    async def ask_beside_flood(self) -> tuple[Asked, int]:
        """Ask for a round beside a flood; tells how many wrong keys were refused a second, too."""
        loop = asyncio.get_running_loop()
        given = self._host, self._port, self._bodies[0], WRONG_A_SECOND, ROUND_SECONDS
        flooding = loop.run_in_executor(self._pool, flood, *given)
        asked = await self.ask(with_key=True)
        return asked, round(await flooding / ROUND_SECONDS)

    def _used(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


async def benchmark_access(address: DatabaseAddress) -> None:
    """Ask with and without a key in turn, then with and without a flood beside."""
    async with Database.open(address) as database:
        await migrate(database)
        for bundle in synthetic_bundles(NUM_PREDICTIONS, SEED):
            await import_bundle(database, bundle)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = KeyFile(folder / "keys.json").create("bench", [Role.READER])
        settings = {"FOREGRAPH_KEYS_FILE": str(folder / "keys.json"), "FOREGRAPH_RESPONSE_CACHE_BYTES": "0"}
        settings["FOREGRAPH_SCHEDULER"] = "false"  # propagation after the import would be measured as well
        environment = variables(address, **settings)
        service = await stack.enter_async_context(serving("serve", "--port", "0", environment=environment))
        await stack.enter_async_context(emptying(service))
        pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        bench = Bench(service, pool, key)
        for with_key in (False, True) * 2:  # to start the clients, and to warm up
            await bench.ask(with_key=with_key)
        await compare_keys(bench)
        await compare_floods(bench)


async def compare_keys(bench: Bench) -> None:
    """Print what a key costs."""
    rounds = [(await bench.ask(with_key=False), await bench.ask(with_key=True)) for _ in range(NUM_ROUNDS)]
    for unit, name in ((0, "time"), (1, "processor time of the API")):
        without, with_one = (statistics.median(pair[side][unit] for pair in rounds) for side in (0, 1))
        more = statistics.median(pair[1][unit] / pair[0][unit] for pair in rounds) - 1
        print(
            f"lookup, {name}: {without * 1000:.3f} ms without a key, {with_one * 1000:.3f} ms with one; "
            f"{more:+.1%} (at most {MOST_MORE:+.0%})",
            flush=True,
        )


async def compare_floods(bench: Bench) -> None:
    """Print what wrong keys beside cost the right one."""
    rounds = [(await bench.ask(with_key=True), await bench.ask_beside_flood()) for _ in range(NUM_ROUNDS)]
    alone = statistics.median(quiet.seconds for quiet, _ in rounds)
    beside = statistics.median(flooded.seconds for _, (flooded, _) in rounds)
    ratio = statistics.median(flooded.seconds / quiet.seconds for quiet, (flooded, _) in rounds)
    refused = statistics.median(num_refused for _, (_, num_refused) in rounds)
    print(
        f"lookup with a key: {alone * 1000:.3f} ms alone, {beside * 1000:.3f} ms beside {refused:.0f} wrong keys a "
        f"second; {ratio:.2f} times (at most {MOST_SLOWER})",
        flush=True,
    )
