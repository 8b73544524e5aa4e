"""Time until the service is ready, and whether the first request of each usual document is as fast as the tenth."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import psutil

from api.front import NO_STORE
from api.usual import VARIABLES, choose_variables, list_usual
from graph.sample.loading import load_sample
from tests.benchmarks.http import emptying
from tests.helpers.processes import serving

NUM_STARTS: Final = 2
"""Starts on one data directory, the first of which fills it."""

NUM_ASKED: Final = 40
NO_KEPT_RESPONSE: Final = {"cache-control": NO_STORE}


async def benchmark_start() -> None:
    """Start `foregraph up` several times on one directory, and `serve` beside the last one's Neo4j."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, NUM_STARTS + 1):
            await _start(f"up, start {number}", "up", Path(folder))
        async with serving("up", "--port", "0", environment={}, directory=Path(folder)) as beside, emptying(beside):
            await _start("serve beside it", "serve", Path(folder))


async def _start(name: str, command: str, folder: Path) -> None:
    environment = {"FOREGRAPH_WARM_UP": "true"}
    started = time.perf_counter()
    async with serving(command, "--port", "0", environment=environment, directory=folder) as service:
        seconds = time.perf_counter() - started
        used = _used(psutil.Process(service.process.pid))
        async with emptying(service), httpx.AsyncClient(base_url=service.url, headers=NO_KEPT_RESPONSE) as client:
            print(f"{name}: ready after {seconds:.1f} s, with {used:.1f} s of processors", flush=True)
            await _compare(client)


def _used(service: psutil.Process) -> float:
    """Processor seconds of the service and of what it has started."""
    times = [process.cpu_times() for process in (service, *service.children(recursive=True))]
    return sum(time.user + time.system for time in times)


async def _compare(client: httpx.AsyncClient) -> None:
    """Ask each usual document in turn over one connection; the page comes first."""
    exposure = load_sample().exposures[0]
    known = dict.fromkeys(VARIABLES, exposure.prediction_id) | {"ticker": exposure.symbol}
    documents = sorted(list_usual().items(), key=lambda pair: pair[0] != "page")
    waits: dict[str, list[float]] = {}
    for name, text in documents:
        for _ in range(NUM_ASKED):
            started = time.perf_counter()
            await client.post("/graphql", json={"query": text, "variables": choose_variables(text, known)})
            waits.setdefault(name, []).append(1e3 * (time.perf_counter() - started))
    for name, found in waits.items():
        first, later = statistics.median(found[:10]), statistics.median(found[-10:])
        print(
            f"  {name}: the first {found[0]:.1f} ms, the tenth {found[9]:.1f}, medians of the first ten {first:.1f} "
            f"and of the last ten {later:.1f}",
            flush=True,
        )
