"""
Speed, as ratios measured side by side in one run: `make benchmark`.

Each figure names what it compares. Nothing here fails for being slow; figures are read, and tests hold laws.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from api.collector import pace_collector
from graph.bundles.importing import import_bundle, import_text
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.sample.exercising import renamed
from graph.sample.training import TRAINING
from graph.server import EmbeddedServer, Memory, Software
from tests.benchmarks.access import benchmark_access
from tests.benchmarks.accuracy import benchmark_accuracy
from tests.benchmarks.bombs import benchmark_bombs
from tests.benchmarks.crowd import benchmark_crowd
from tests.benchmarks.cypher import NUM_ROWS, benchmark_cypher
from tests.benchmarks.flat import Graph, benchmark_flat
from tests.benchmarks.http import benchmark_http
from tests.benchmarks.intake import benchmark_history, benchmark_intake, benchmark_refresh
from tests.benchmarks.network import benchmark_network
from tests.benchmarks.portfolio import benchmark_portfolio
from tests.benchmarks.questions import benchmark_questions
from tests.benchmarks.recall import benchmark_recall
from tests.benchmarks.start import benchmark_start
from tests.benchmarks.subscribers import benchmark_subscribers
from tests.benchmarks.synthetic import count_relationships, import_benchmark_bundle
from tests.benchmarks.what_if import benchmark_what_if
from tests.benchmarks.workers import benchmark_workers

LARGE = 100_000
SMALL_GRAPH = 1_000


async def load(database: Database, bundles: Iterable[Bundle], name: str) -> None:
    """Import bundles and tell the speed."""
    await migrate(database)
    num_rows, seconds = 0, 0.0
    count: dict[str, int] = {}
    for bundle in bundles:
        text = bundle.to_json()
        started = time.perf_counter()
        await import_text(database, text)
        seconds += time.perf_counter() - started
        num_rows += bundle.num_rows()
        for kind, number in count_relationships([bundle]).items():
            count[kind] = count.get(kind, 0) + number
    num_edges = sum(count.values())
    print(
        f"import of {name}: {num_rows} rows of the bundle and {num_edges} relationships in {seconds:.1f} s; "
        f"a second, {num_rows / seconds:.0f} rows of the bundle, or {(num_rows + num_edges) / seconds:.0f} of both",
        flush=True,
    )


class Started(NamedTuple):
    """A Neo4j: where it listens, and its process."""

    address: DatabaseAddress
    pid: int


def start_server(stack: AsyncExitStack, heap: str = "2g") -> Started:
    """A fresh Neo4j with nothing in it."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    server = stack.enter_context(
        EmbeddedServer(Path(folder), software=Software(training=TRAINING), memory=Memory(heap))
    )
    endpoint = server.endpoint
    return Started(DatabaseAddress(endpoint.uri, endpoint.user, endpoint.password, endpoint.database), server.pid)


def open_server(stack: AsyncExitStack) -> Database:
    """A fresh Neo4j, opened."""
    return Database.open(start_server(stack).address)


async def benchmark_import() -> None:
    """Ten thousand predictions with a hundred thousand relationships, in one go."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_server(stack))
        bundle = import_benchmark_bundle()
        await load(database, [bundle], "10,000 predictions, by a server that has just started")
        started = time.perf_counter()
        report = await import_bundle(database, bundle)
        print(f"the same again: {time.perf_counter() - started:.1f} s, {report.summary()}", flush=True)
        for number in (1, 2):
            rows = {name: tuple(renamed(row, number) for row in listed) for name, listed in bundle.rows().items()}
            other = Bundle(format=BUNDLE_FORMAT, **rows)
            await load(database, [other], "10,000 other predictions, by a server that is warm")


async def benchmark_beliefs(num_claims: int) -> None:
    """Evidence intake, what a long history costs, and the daily refresh, each on a Neo4j of its own."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_server(stack))
        await benchmark_intake(stack, database)
        await benchmark_history(database)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_server(stack))
        await benchmark_refresh(database, num_claims)


async def benchmark_whole_path() -> None:
    """Questions over the network as clients ask them, fetching it included."""
    async with AsyncExitStack() as stack:
        await benchmark_questions(start_server(stack).address)


async def benchmark_scaling() -> None:
    """One worker against two."""
    async with AsyncExitStack() as stack:
        await benchmark_workers(*start_server(stack))


async def benchmark_socket() -> None:
    """Documents over a real socket."""
    async with AsyncExitStack() as stack:
        await benchmark_http(*start_server(stack))


async def benchmark_keys() -> None:
    """Lookups with a key and without, and beside wrong ones."""
    async with AsyncExitStack() as stack:
        await benchmark_access(start_server(stack).address)


async def benchmark_many_clients() -> None:
    """Pages beside heavy work and slow clients."""
    async with AsyncExitStack() as stack:
        await benchmark_crowd(*start_server(stack))


async def benchmark_followers() -> None:
    """Subscribers over real sockets."""
    async with AsyncExitStack() as stack:
        await benchmark_subscribers(*start_server(stack))


async def benchmark_streams(num_rows: int) -> None:
    """Large tables over a real socket."""
    async with AsyncExitStack() as stack:
        await benchmark_cypher(start_server(stack).address, num_rows)


async def benchmark_all_bombs(only: str | None) -> None:
    """Requests made to exhaust the service, each alone."""
    async with AsyncExitStack() as stack:
        await benchmark_bombs(*start_server(stack, heap="1g"), only)


async def benchmark_finding(files: list[str]) -> None:
    """Search by titles."""
    async with AsyncExitStack() as stack:
        await benchmark_recall(await stack.enter_async_context(open_server(stack)), files)


async def benchmark_sizes(*sizes: int) -> None:
    """Reads that are to cost the same in a small and a large graph."""
    async with AsyncExitStack() as stack:
        await benchmark_flat([Graph(size, *start_server(stack)) for size in sizes])


def choose_benchmarks(chosen: argparse.Namespace) -> dict[str, Callable[[], None]]:
    """What runs each benchmark, by its name."""
    return {
        "import": lambda: asyncio.run(benchmark_import()),
        "beliefs": lambda: asyncio.run(benchmark_beliefs(chosen.large)),
        "accuracy": benchmark_accuracy,
        "network": lambda: benchmark_network(chosen.large),
        "questions": lambda: asyncio.run(benchmark_whole_path()),
        "portfolio": benchmark_portfolio,
        "what-if": lambda: asyncio.run(benchmark_what_if(lambda stack: start_server(stack).address)),
        "http": lambda: asyncio.run(benchmark_socket()),
        "access": lambda: asyncio.run(benchmark_keys()),
        "cypher": lambda: asyncio.run(benchmark_streams(chosen.rows)),
        "bombs": lambda: asyncio.run(benchmark_all_bombs(chosen.bomb)),
        "flat": lambda: asyncio.run(benchmark_sizes(chosen.small, chosen.large)),
        "recall": lambda: asyncio.run(benchmark_finding(chosen.titles)),
        "workers": lambda: asyncio.run(benchmark_scaling()),
        "start": lambda: asyncio.run(benchmark_start()),
        "crowd": lambda: asyncio.run(benchmark_many_clients()),
        "subscribers": lambda: asyncio.run(benchmark_followers()),
    }


def main() -> None:
    """Run all benchmarks, or the one that is named, in a process like the service's."""
    pace_collector()
    parser = argparse.ArgumentParser(prog="make benchmark")
    parser.add_argument("only", nargs="?", help="one of: " + ", ".join(choose_benchmarks(argparse.Namespace())))
    parser.add_argument("--large", type=int, default=LARGE, help="predictions of the large graph")
    parser.add_argument("--small", type=int, default=SMALL_GRAPH, help="predictions of the small graph")
    parser.add_argument("--rows", type=int, default=NUM_ROWS, help="rows of a large table")
    parser.add_argument("--bomb", help="part of the names of the bombs to throw; all of them by default")
    parser.add_argument("--titles", action="append", default=[], help="file of titles to find; CSV as FILE:COLUMN")
    chosen = parser.parse_args()
    benchmarks = choose_benchmarks(chosen)
    if chosen.only not in {None, *benchmarks}:
        parser.error(f"expected one of {', '.join(benchmarks)}, got {chosen.only!r}")
    for name, run in benchmarks.items():
        if chosen.only in {None, name}:
            run()


if __name__ == "__main__":
    main()
