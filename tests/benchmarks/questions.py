"""What clients wait for: questions over the whole network through the schema, on ten thousand predictions."""

import asyncio
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any, NamedTuple

from api.scheduling import list_jobs, scheduling
from api.settings import Settings
from graph.bundles.importing import import_bundle
from graph.database.migrations import migrate
from graph.database.sessions import Database, DatabaseAddress
from graph.inference.evidence import Direction, Strength
from graph.ledger.intake import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.network.questions import Observation
from graph.reading.warming import warm
from graph.subjects.deletions import delete_subject
from graph.subjects.upserts import Change, upsert
from resolvers.base.context import Context, Service
from resolvers.schema import build_schema
from tests.benchmarks.synthetic import import_benchmark_bundle

NUM_ROUNDS = 20
Write = Callable[[int], Awaitable[object]]
"""What is written before a round's question, by the round's number."""
WHAT_IF = """query ($claim: ID!, $method: InferenceMethod!) {
  whatIf(observations: [{claim: $claim, outcome: TRUE}], method: $method) { __typename
    ... on WhatIfResult { shifts { totalCount nodes { claim { key title } before after delta standardError } }
      diagnostics { isConverged reason fromBank } }
    ... on UserError { message } } }"""
INFORMATION = """query ($targets: [ID!]!) { valueOfInformation(targets: $targets) { __typename
    ... on UserError { message } } }"""
PROPAGATE = """mutation { propagate(method: LBP) { __typename ... on Propagated { numStored }
    ... on UserError { message } } }"""


class Graph(NamedTuple):
    """What is asked about: a killer of many, open claims, and one of them about which nothing is clear."""

    killer: str
    claims: list[str]
    influences: list[tuple[str, str, str]]
    unclear: str
    size: str


def load(address: DatabaseAddress) -> Graph:
    """Fill a database."""

    async def work() -> Graph:
        bundle = import_benchmark_bundle()
        async with Database.open(address) as database:
            await migrate(database)
            await import_bundle(database, bundle)
        stated = {row.id: row.stated_probability for row in bundle.predictions if row.status is ClaimStatus.OPEN}
        distances = {claim: abs(p - 0.5) for claim, p in stated.items() if p is not None}
        size = f"{len(bundle.predictions):,} predictions, {len(bundle.influences):,} influences"
        tables = [row for row in bundle.influences if row.p_if_true is not None]
        influences = [(row.kind.value, row.parent_id, row.child_id) for row in tables[:: len(tables) // NUM_ROUNDS]]
        return Graph(
            bundle.killers[0].id, list(distances), influences, min(distances, key=lambda c: distances[c]), size
        )

    return asyncio.run(work())


async def benchmark_questions(address: DatabaseAddress) -> None:
    """The first question in a process, the next ones, those behind a write, and what is asked of the bank."""
    # In a process of its own, so that what it leaves behind is nothing that this one has to carry.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        graph = await asyncio.get_running_loop().run_in_executor(pool, load, address)
    async with Database.open(address) as database:
        await warm(database)
        await _ask_all(database, graph)


async def _ask_all(database: Database, graph: Graph) -> None:
    schema = build_schema()
    service = Service.make(database)

    async def ask(document: str, **variables: Any) -> tuple[float, dict[str, Any]]:
        context = Context(service)
        started = time.perf_counter()
        result = await schema.execute(document, variable_values=variables, context_value=context)
        await context.close()
        seconds = time.perf_counter() - started
        if result.errors or not result.data:
            raise RuntimeError(str(result.errors))
        (answer,) = result.data.values()
        if "message" in answer:
            raise RuntimeError(answer["message"])
        return seconds, answer

    async def repeat(name: str, document: str, variables: dict[str, Any], write: Write | None = None) -> None:
        seconds: list[float] = []
        began = time.process_time()
        for number in range(NUM_ROUNDS):
            if write is not None:
                await write(number)
            seconds.append((await ask(document, **variables))[0])
        cpu = (time.process_time() - began) / NUM_ROUNDS
        print(
            f"{name}: {1e3 * statistics.median(seconds):.0f} ms in the median, {1e3 * max(seconds):.0f} at most, "
            f"{1e3 * cpu:.0f} ms of this process's CPU each",
            flush=True,
        )

    by_lbp, by_samples = {"claim": graph.killer, "method": "LBP"}, {"claim": graph.unclear, "method": "SAMPLE"}
    seconds, answer = await ask(WHAT_IF, **by_lbp)
    told = answer["diagnostics"]
    print(f"{graph.size}; a killer of many comes true")
    print(
        f"the first question of a process: {seconds:.2f} s, {answer['shifts']['totalCount']:,} claims move, {told}",
        flush=True,
    )
    await repeat("what-if by LBP", WHAT_IF, by_lbp)
    for name, write in _list_writes(service, graph).items():
        await repeat(f"what-if by LBP, each behind {name}", WHAT_IF, by_lbp, write)
    await _ask_in_the_next_hour(service, graph)
    await _wait_for_marginals(service, graph)
    # Of a claim about which nothing is clear, so that the bank holds enough samples of either outcome.
    seconds, answer = await ask(WHAT_IF, **by_samples)
    print(f"the first question of a bank: {seconds:.2f} s, {answer['diagnostics']}", flush=True)
    await repeat("what-if by the bank", WHAT_IF, by_samples)
    await repeat("value of information, 20 targets", INFORMATION, {"targets": graph.claims[-20:]})
    seconds, answer = await ask(PROPAGATE)
    print(f"propagation: {answer['numStored']:,} marginals stored in {seconds:.1f} s", flush=True)
    unit = 1 if sys.platform == "darwin" else 1_024  # of what the system tells, in bytes
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6:.0f} MB at most")


def _list_writes(service: Service, graph: Graph) -> dict[str, Write]:
    """The writes that questions are asked behind, by name."""

    async def add_evidence(number: int) -> object:
        return await service.intake.submit([EvidenceItem(graph.claims[number], Direction.FOR, Strength.WEAK)])

    async def change_influence(number: int) -> object:
        kind, parent_id, child_id = graph.influences[number]
        table = {"p_if_true": 0.3 + number / 100, "p_if_false": 0.2}
        values = {"kind": kind, "parent_id": parent_id, "child_id": child_id, **table}
        return await upsert(service.database, Change("influences", values))

    async def add_claim(number: int) -> object:
        values = {"id": f"S_bench_{number}", "title": "Benchmark", "stated_probability": 0.3}
        return await upsert(service.database, Change("scenarios", values))

    async def delete_claim(number: int) -> object:
        return await delete_subject(service.database, "Scenario", f"S_bench_{number}")

    return {
        "evidence": add_evidence,
        "an influence": change_influence,
        "a new claim": add_claim,
        "a deletion": delete_claim,
    }


async def _ask_in_the_next_hour(service: Service, graph: Graph) -> None:
    """What the first question of the next hour waits for, prepared and not."""
    now = Context(service).moment
    for hours, is_prepared in ((1, True), (2, False)):
        moment = now + timedelta(hours=hours)
        if is_prepared:
            async with service.database.reading() as reading:
                await service.engine.prepare(reading, now=moment)
        async with service.database.reading() as reading:
            started = time.perf_counter()
            await service.engine.what_if(reading, [Observation(graph.killer, outcome=True)], now=moment)
            seconds = time.perf_counter() - started
        print(
            f"the first what-if of an hour, {'' if is_prepared else 'not '}prepared: {1e3 * seconds:.0f} ms", flush=True
        )


async def _wait_for_marginals(service: Service, graph: Graph) -> None:
    """Time from an acknowledged write to stored marginals that are not stale, seen from outside."""
    jobs = [job for job in list_jobs(Settings()) if job.name == "propagate_after_writes"]
    claim = graph.claims[-1]
    seconds = []
    async with scheduling(service, jobs):
        for _ in range(5):
            await service.intake.submit([EvidenceItem(claim, Direction.FOR, Strength.WEAK)])
            started = time.perf_counter()
            while await _is_behind(service):  # noqa: ASYNC110 - a client has nothing else to wait for
                await asyncio.sleep(0.05)
            seconds.append(time.perf_counter() - started)
            await asyncio.sleep(10.0)  # so that the queue is short
    print(
        f"marginals stored after a write: {statistics.median(seconds):.1f} s in the median, {max(seconds):.1f} at most"
    )


async def _is_behind(service: Service) -> bool:
    """Whether no propagation has stored what the last write changed."""
    rows = await service.database.read(lambda unit: unit.run("network/get_due"))
    return bool(rows[0]["is_behind"])
