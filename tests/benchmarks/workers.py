"""One worker against two on the same Neo4j, over a real socket; clients are in a process of their own."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from graph.database.address import DatabaseAddress
from tests.benchmarks.http import MANY, WARM_SECONDS, Clients, Question, emptying, load
from tests.helpers.processes import Service, serving, variables

NUM_WORKERS: Final = (1, 2)
ROUND_SECONDS, NUM_ROUNDS = 3.0, 4
ASKED: Final = frozenset({"page", "lookup"})


class Total(NamedTuple):
    """Answers, and the seconds that passed and that processors worked meanwhile."""

    num_answers: float
    elapsed: float
    api: float
    neo4j: float

    def plus(self, other: "Total") -> "Total":
        """Sum up."""
        return Total(*(mine + its for mine, its in zip(self, other, strict=True)))


async def benchmark_workers(address: DatabaseAddress, neo4j_pid: int) -> None:
    """Pages and lookups by sixteen kept connections, of services with one worker and with two, in turn."""
    loop = asyncio.get_running_loop()
    environment = variables(address, FOREGRAPH_SCHEDULER="false")
    neo4j = psutil.Process(neo4j_pid)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        questions = await loop.run_in_executor(pool, load, address)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        async with AsyncExitStack() as stack:
            services = []
            for number in NUM_WORKERS:
                command = ("serve", "--port", "0", "--workers", str(number))
                service = await stack.enter_async_context(serving(*command, environment=environment))
                await stack.enter_async_context(emptying(service))
                services.append(service)
            print(f"workers: {psutil.cpu_count()} processors, {MANY} connections", flush=True)
            for question in (question for question in questions if question.name in ASKED):
                await _compare(pool, services, neo4j, question)


async def _compare(
    pool: ProcessPoolExecutor, services: list[Service], neo4j: psutil.Process, question: Question
) -> None:
    totals = [Total(0, 0.0, 0.0, 0.0) for _ in services]
    for service in services:
        await _clients(pool, service).ask(question, MANY, WARM_SECONDS)
    for _ in range(NUM_ROUNDS):
        for index, service in enumerate(services):
            totals[index] = totals[index].plus(await _measure(_clients(pool, service), service, neo4j, question))
    for number, total in zip(NUM_WORKERS, totals, strict=True):
        print(
            f"{question.name}, workers {number}: {total.num_answers / total.elapsed:.0f} a second; processor ms an "
            f"answer: API {1e3 * total.api / total.num_answers:.2f}, Neo4j {1e3 * total.neo4j / total.num_answers:.2f}"
        )
    one, two = (total.num_answers / total.elapsed for total in totals)
    print(f"{question.name}, two workers against one: answers a second {two / one:.2f}", flush=True)


async def _measure(clients: Clients, service: Service, neo4j: psutil.Process, question: Question) -> Total:
    before = _seconds_of(service), _seconds(neo4j)
    drive = await clients.ask(question, MANY, ROUND_SECONDS)
    after = _seconds_of(service), _seconds(neo4j)
    return Total(len(drive.waits), drive.elapsed, after[0] - before[0], after[1] - before[1])


def _clients(pool: ProcessPoolExecutor, service: Service) -> Clients:
    place = urlsplit(service.url)
    return Clients(pool, place.hostname or "", place.port or 0)


def _seconds_of(service: Service) -> float:
    own = psutil.Process(service.process.pid)
    return sum(map(_seconds, (own, *own.children(recursive=True))))


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
