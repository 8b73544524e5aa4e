"""
What clients wait for: questions over the whole network through the schema, on ten thousand predictions; and, over a
socket, stored marginals and a what-if behind a write.
"""

import asyncio
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any, NamedTuple

import httpx

from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.inference.evidence import Direction, Strength
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.network.questions import Observation
from graph.reading.warming import warm
from graph.subjects.deletions import delete_subject
from graph.subjects.upserts import Change, upsert
from resolvers.base.context import Context, Service
from resolvers.schema import build_schema
from tests.benchmarks.synthetic import import_benchmark_bundle
from tests.helpers.processes import serving, variables

NUM_ROUNDS = 20
REST_SECONDS = 2.0
"""Between two writes, so that the queue is short."""

Write = Callable[[int], Awaitable[object]]
"""What is written before a round's question, by the round's number."""
WHAT_IF = """query ($claim: ID!, $method: InferenceMethod!) {
  whatIf(observations: [{claim: $claim, outcome: TRUE}], method: $method) { __typename
    ... on WhatIfResult { shifts { totalCount nodes {
         claim { key title } probabilityBefore probabilityAfter delta standardError } }
      diagnostics { isConverged reason isFromBank } }
    ... on UserError { message } } }"""
MARGINAL = "query ($claim: ID!) { prediction(id: $claim) { marginal { probability isStale } } }"
SUBMIT = """mutation ($input: EvidenceInput!) { submitEvidence(input: $input) { __typename
    ... on UserError { message } } }"""
INFLUENCE = """mutation ($input: InfluenceInput!) { upsertInfluence(input: $input) { __typename
    ... on UserError { message } } }"""
RESOLVE = """mutation ($claim: ID!) { resolveClaim(input: {claim: $claim, outcome: TRUE}) { __typename
    ... on UserError { message } } }"""
INFORMATION = """query ($targets: [ID!]!) { valueOfInformation(targets: $targets) { __typename
    ... on UserError { message } } }"""
PROPAGATE = """mutation { propagateBeliefs(input: {method: LBP}) { __typename ... on Propagated { storedCount }
    ... on UserError { message } } }"""


class Graph(NamedTuple):
    """
    What is asked about and written: a killer of many; open claims, of which some depend on others and nothing on them,
    and on some much depends; and one about which nothing is clear.
    """

    killer: str
    claims: list[str]
    leaves: list[str]
    hubs: list[str]
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
        num_children = Counter(row.parent_id for row in tables)
        children = {row.child_id for row in tables}
        return Graph(
            killer=bundle.killers[0].id,
            claims=list(distances),
            leaves=[claim for claim in distances if claim in children and not num_children[claim]],
            hubs=[claim for claim, _ in num_children.most_common() if claim in distances][:NUM_ROUNDS],
            influences=influences,
            unclear=min(distances, key=lambda c: distances[c]),
            size=size,
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
    await _follow_writes(address, graph)


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
    # Of a claim about which nothing is clear, so that the bank holds enough samples of either outcome.
    seconds, answer = await ask(WHAT_IF, **by_samples)
    print(f"the first question of a bank: {seconds:.2f} s, {answer['diagnostics']}", flush=True)
    await repeat("what-if by the bank", WHAT_IF, by_samples)
    await repeat("value of information, 20 targets", INFORMATION, {"targets": graph.claims[-20:]})
    seconds, answer = await ask(PROPAGATE)
    print(f"propagation: {answer['storedCount']:,} marginals stored in {seconds:.1f} s", flush=True)
    unit = 1 if sys.platform == "darwin" else 1_024  # of what the system tells, in bytes
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6:.0f} MB at most")


def _list_writes(service: Service, graph: Graph) -> dict[str, Write]:
    """The writes that questions are asked behind, by name."""

    async def add_evidence(number: int) -> object:
        return await service.intake.submit([EvidenceItem(graph.claims[number], Direction.FOR, Strength.WEAK)])

    async def change_influence(number: int) -> object:
        kind, parent_id, child_id = graph.influences[number]
        high, low = 0.3 + number / 100, 0.2
        lowers = kind == "KILLS"
        table = {"p_if_true": low if lowers else high, "p_if_false": high if lowers else low}
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
                began = time.process_time()
                await service.engine.prepare(reading, now=moment)
                print(f"preparing an hour: {time.process_time() - began:.1f} s of this process's CPU")
        async with service.database.reading() as reading:
            started = time.perf_counter()
            await service.engine.what_if(reading, [Observation(graph.killer, outcome=True)], now=moment)
            seconds = time.perf_counter() - started
        print(
            f"the first what-if of an hour, {'' if is_prepared else 'not '}prepared: {1e3 * seconds:.0f} ms", flush=True
        )


async def _follow_writes(address: DatabaseAddress, graph: Graph) -> None:
    """Time from an acknowledged write to stored marginals, and of a what-if behind one, as a client sees them."""
    print("over a socket, at rest before each write:")
    environment = variables(address, FOREGRAPH_PORT="0", FOREGRAPH_WARM_UP="true")
    async with serving("serve", environment=environment) as service, httpx.AsyncClient(timeout=120.0) as client:
        writer = _Writer(client, service.url, graph)
        await writer.add_evidence(graph.leaves[-1])
        await writer.wait_until_stored(graph.leaves[-1])
        for name, write in writer.list_kinds().items():
            seconds = []
            for number in range(NUM_ROUNDS):
                claim = await write(number)
                seconds.append(await writer.wait_until_stored(claim))
                await asyncio.sleep(REST_SECONDS)
            _tell(f"write acknowledged to marginal stored, {name}", seconds)
        for claim, method in ((graph.killer, "LBP"), (graph.killer, "AUTO"), (graph.unclear, "AUTO")):
            asked = {"claim": claim, "method": method}
            await writer.ask(WHAT_IF, asked)
            seconds = []
            for number in range(NUM_ROUNDS):
                await writer.add_evidence(graph.leaves[-number - 2])
                started = time.perf_counter()
                await writer.ask(WHAT_IF, asked)
                seconds.append(time.perf_counter() - started)
                await asyncio.sleep(REST_SECONDS)
            what = "what is hardly clear" if claim == graph.unclear else "the killer"
            _tell(f"what-if by {method} about {what}, each behind evidence", seconds)


def _tell(name: str, seconds: list[float]) -> None:
    print(
        f"  {name}: {1e3 * statistics.median(seconds):.0f} ms in the median, {1e3 * max(seconds):.0f} at most",
        flush=True,
    )


class _Writer:
    """A client that writes, and waits for what follows."""

    def __init__(self, client: httpx.AsyncClient, url: str, graph: Graph) -> None:
        self._client, self._url, self._graph = client, url, graph

    async def ask(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Ask a document with one field; returns its answer."""
        request = {"query": document, "variables": variables}
        told = (await self._client.post(f"{self._url}/graphql", json=request)).json()
        if "errors" in told:
            raise RuntimeError(str(told["errors"]))
        (answer,) = told["data"].values()
        if answer and "message" in answer:
            raise RuntimeError(answer["message"])
        found: dict[str, Any] = answer
        return found

    def list_kinds(self) -> dict[str, Callable[[int], Awaitable[str]]]:
        """The writes by name; each returns a claim of which the marginal follows."""
        return {
            "evidence on a leaf": lambda number: self.add_evidence(self._graph.leaves[number]),
            "evidence on a hub": lambda number: self.add_evidence(self._graph.hubs[number]),
            "an influence added": self.add_influence,
            "a claim resolved": self.resolve,
            "20 items of evidence within a second": self.add_many,
        }

    async def add_evidence(self, claim: str) -> str:
        """Add an item."""
        await self.ask(SUBMIT, {"input": {"claim": claim, "direction": "FOR", "strength": "WEAK"}})
        return claim

    async def add_many(self, number: int) -> str:
        """Add twenty items in a second, each to another claim."""
        claims = self._graph.leaves[100 + 20 * number : 120 + 20 * number]
        for claim in claims:
            started = time.perf_counter()
            await self.add_evidence(claim)
            await asyncio.sleep(max(0.0, 0.05 - (time.perf_counter() - started)))
        return claims[-1]

    async def add_influence(self, number: int) -> str:
        """Add an influence between two claims that nothing depends on."""
        parent, child = self._graph.leaves[-200 - 2 * number], self._graph.leaves[-201 - 2 * number]
        table = {
            "kind": "PREREQUISITE_OF",
            "parent": parent,
            "child": child,
            "probabilityIfTrue": 0.7,
            "probabilityIfFalse": 0.2,
        }
        await self.ask(INFLUENCE, {"input": table})
        return child

    async def resolve(self, number: int) -> str:
        """Resolve a claim."""
        claim = self._graph.leaves[-100 - number]
        await self.ask(RESOLVE, {"claim": claim})
        return claim

    async def wait_until_stored(self, claim: str) -> float:
        """Wait until a claim's marginal is not stale; returns how long that took."""
        started = time.perf_counter()
        while True:
            shown = (await self.ask(MARGINAL, {"claim": claim}))["marginal"]
            if shown and not shown["isStale"]:
                return time.perf_counter() - started
            await asyncio.sleep(0.01)
