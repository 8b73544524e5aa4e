"""Evidence intake over HTTP on the embedded server, a thousand claims and eight clients; and what history costs."""

import asyncio
import io
import itertools
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from api.app import create_app
from api.logging import configure_logging
from api.settings import Settings
from graph.bundles.importing import import_text
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.inference.evidence import Direction, Strength
from graph.ledger.derived import refresh_posteriors
from graph.ledger.intake import EvidenceItem, Intake
from graph.reading.warming import warm
from resolvers.base.context import Context, Service
from resolvers.schema import build_schema

NUM_CLAIMS, NUM_PREDICTORS = 1_000, 50
NUM_CLIENTS = 32
NUM_WARM, NUM_TIMED = 4_000, 4_000
SHORT, LONG = 10, 10_000
NUM_ROUNDS = 60
SUBMIT = """mutation ($input: EvidenceInput!, $key: String) { submitEvidence(input: $input, idempotencyKey: $key) {
    __typename ... on EvidenceRecorded { recorded { step { posteriorProbability } } bookmark }
    ... on UserError { message } } }"""
READ = "query ($id: ID!) { prediction(id: $id) { posterior { probability insideLogOdds } } }"
READ_PAST = """query ($id: ID!) { prediction(id: $id) { posterior(asOf: "2026-06-01T00:00:00Z") { probability } } }"""
CHAIN = "query ($id: ID!) { prediction(id: $id) { evidence(first: 20) { nodes { key totalLogLikelihoodRatio } } } }"


def claims(num_claims: int) -> str:
    """A bundle of predictions with predictors and one reference class."""
    return json.dumps(
        {
            "format": "foregraph-bundle/1",
            "predictors": [{"id": f"p{n}", "name": f"Predictor {n}"} for n in range(NUM_PREDICTORS)],
            "reference_classes": [{"id": "c", "description": "Such things", "base_rate": 0.3}],
            "predictions": [
                {
                    "id": f"P_{n}",
                    "title": f"Prediction {n}",
                    "stated_probability": 0.2 + 0.6 * n / num_claims,
                    "from_year": 2026,
                    "predictor_id": f"p{n % NUM_PREDICTORS}",
                    "reference_class_id": "c",
                }
                for n in range(num_claims)
            ],
        }
    )


async def benchmark_intake(stack: AsyncExitStack, database: Database) -> None:
    """Mutations a second, through the whole service."""
    await migrate(database)
    await import_text(database, claims(NUM_CLAIMS))
    schema = build_schema()
    service = Service.make(database)
    configure_logging(log_format="json", log_level="info", stream=io.StringIO())
    transport = httpx.ASGITransport(create_app(Settings(scheduler=False), database))
    client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"))

    async def by_schema(variables: dict[str, Any]) -> dict[str, Any]:
        context = Context(service)
        result = await schema.execute(SUBMIT, variable_values=variables, context_value=context)
        await context.close()
        return {"data": result.data, "errors": result.errors}

    async def by_http(variables: dict[str, Any]) -> dict[str, Any]:
        answer = await client.post("/graphql", json={"query": SUBMIT, "variables": variables})
        told: dict[str, Any] = answer.json()
        return told

    numbers = itertools.count()
    for name, submit, num_items in (
        ("warming", by_schema, NUM_WARM),
        ("through the schema", by_schema, NUM_TIMED),
        ("over HTTP, the clients in the same process", by_http, NUM_TIMED),
    ):
        started = time.perf_counter()
        left = iter(list(itertools.islice(numbers, num_items)))
        await asyncio.gather(*(_submit_all(left, submit) for _ in range(NUM_CLIENTS)))
        seconds = time.perf_counter() - started
        print(f"intake, {name}: {num_items} in {seconds:.1f} s, {num_items / seconds:.0f} a second", flush=True)


async def _submit_all(numbers: Iterator[int], submit: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    """One client: items on claims from all over, each under a key of its own."""
    for number in numbers:
        claim = number * 7919 % NUM_CLAIMS
        variables = {
            "input": {
                "claim": f"P_{claim}",
                "direction": "FOR" if number % 2 else "AGAINST",
                "strength": "WEAK",
                "predictor": f"p{claim % NUM_PREDICTORS}",
                "note": f"Item {number}",
            },
            "key": f"key-{number}",
        }
        told = await submit(variables)
        if told.get("errors") or told["data"]["submitEvidence"]["__typename"] != "EvidenceRecorded":
            raise RuntimeError(str(told))


async def benchmark_history(database: Database) -> None:
    """Reading a claim with ten items of history and one with ten thousand, side by side."""
    batch = 1_000
    service = Service.make(database)
    for claim, num_items in (("P_0", SHORT), ("P_1", LONG)):
        for start in range(0, num_items, batch):
            items = [
                EvidenceItem(claim, Direction.FOR if n % 2 else Direction.AGAINST, Strength.WEAK)
                for n in range(start, min(start + batch, num_items))
            ]
            await service.intake.submit(items)
    await warm(database)
    schema = build_schema()
    for name, document in (("posterior", READ), ("posterior of the past", READ_PAST), ("page of the chain", CHAIN)):
        seconds: dict[str, list[float]] = {"P_0": [], "P_1": []}
        for number in range(2 * NUM_ROUNDS):
            for claim, own in seconds.items():
                context = Context(service)
                started = time.perf_counter()
                result = await schema.execute(document, variable_values={"id": claim}, context_value=context)
                await context.close()
                if number >= NUM_ROUNDS:
                    own.append(time.perf_counter() - started)
                if result.errors:
                    raise RuntimeError(str(result.errors))
        short, long = (statistics.median(own) for own in seconds.values())
        print(
            f"{name}: {SHORT} items {1e3 * short:.1f} ms, {LONG:,} items {1e3 * long:.1f} ms, ratio {long / short:.2f}",
            flush=True,
        )


async def benchmark_refresh(database: Database, num_claims: int) -> None:
    """The daily refresh of all posteriors, and how long one item of evidence waits meanwhile."""
    await migrate(database)
    for start in range(0, num_claims, 10_000):
        text = claims(10_000).replace('"P_', f'"P_{start // 10_000}_')
        await import_text(database, text)
    waits: list[float] = []
    intake = Intake(database)
    done = asyncio.Event()

    async def disturb() -> None:
        number = 0
        while not done.is_set():
            started = time.perf_counter()
            await intake.submit([EvidenceItem(f"P_0_{number % 1000}", Direction.FOR, Strength.WEAK)])
            waits.append(time.perf_counter() - started)
            number += 1
            await asyncio.sleep(0.05)

    disturbance = asyncio.create_task(disturb())
    started = time.perf_counter()
    num_set = await refresh_posteriors(database, datetime.now(UTC) + timedelta(seconds=1))
    seconds = time.perf_counter() - started
    done.set()
    await disturbance
    print(
        f"refresh of {num_set:,} posteriors: {seconds:.1f} s; meanwhile an item of evidence took "
        f"{1e3 * statistics.median(waits):.0f} ms (median of {len(waits)}), {1e3 * max(waits):.0f} ms at most",
        flush=True,
    )
