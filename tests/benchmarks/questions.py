"""What clients wait for: questions over the whole network through the schema, on ten thousand predictions."""

import asyncio
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

from graph.bundles.importing import import_bundle
from graph.database.migrations import migrate
from graph.database.sessions import Database, DatabaseAddress
from graph.inference.evidence import Direction, Strength
from graph.ledger.intake import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.reading.warming import warm
from resolvers.base.context import Context, Service
from resolvers.schema import build_schema
from tests.benchmarks.synthetic import import_benchmark_bundle

NUM_ROUNDS = 20
WHAT_IF = """query ($claim: ID!, $method: InferenceMethod!) {
  whatIf(observations: [{claim: $claim, outcome: TRUE}], method: $method, first: 20) { __typename
    ... on WhatIfResult { numShifted shifts { claim { key title } before after delta standardError }
      diagnostics { isConverged reason fromBank } }
    ... on UserError { message } } }"""
INFORMATION = """query ($targets: [ID!]!) { valueOfInformation(targets: $targets, first: 20) { __typename
    ... on UserError { message } } }"""
PROPAGATE = """mutation { propagate(method: LBP) { __typename ... on Propagated { numStored }
    ... on UserError { message } } }"""


class Graph(NamedTuple):
    """What is asked about: a killer of many, open claims, and one of them about which nothing is clear."""

    killer: str
    claims: list[str]
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
        return Graph(bundle.killers[0].id, list(distances), min(distances, key=lambda c: distances[c]), size)

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

    async def repeat(name: str, document: str, variables: dict[str, Any], *, writes: bool = False) -> None:
        seconds: list[float] = []
        for number in range(NUM_ROUNDS):
            if writes:
                await service.intake.submit([EvidenceItem(graph.claims[number], Direction.FOR, Strength.WEAK)])
            seconds.append((await ask(document, **variables))[0])
        print(f"{name}: {1e3 * statistics.median(seconds):.0f} ms in the median, {1e3 * max(seconds):.0f} at most")

    by_lbp, by_samples = {"claim": graph.killer, "method": "LBP"}, {"claim": graph.unclear, "method": "SAMPLE"}
    seconds, answer = await ask(WHAT_IF, **by_lbp)
    told = answer["diagnostics"]
    print(f"{graph.size}; a killer of many comes true")
    print(f"the first question of a process: {seconds:.2f} s, {answer['numShifted']:,} claims move, {told}", flush=True)
    await repeat("what-if by LBP", WHAT_IF, by_lbp)
    await repeat("what-if by LBP, each behind a write", WHAT_IF, by_lbp, writes=True)
    # Of a claim about which nothing is clear, so that the bank holds enough samples of either outcome.
    seconds, answer = await ask(WHAT_IF, **by_samples)
    print(f"the first question of a bank: {seconds:.2f} s, {answer['diagnostics']}", flush=True)
    await repeat("what-if by the bank", WHAT_IF, by_samples)
    await repeat("value of information, 20 targets", INFORMATION, {"targets": graph.claims[-20:]})
    seconds, answer = await ask(PROPAGATE)
    print(f"propagation: {answer['numStored']:,} marginals stored in {seconds:.1f} s", flush=True)
    unit = 1 if sys.platform == "darwin" else 1_024  # of what the system tells, in bytes
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6:.0f} MB at most")
