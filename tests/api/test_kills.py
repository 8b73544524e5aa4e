"""kill -9 of the service and of Neo4j amid intake: what was acknowledged is there, and nothing is there twice."""

import asyncio
import json
import math
import random
import signal
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.helpers.processes import Service, run, serving

NUM_CLAIMS, NUM_CLIENTS = 5, 4
SECONDS_BEFORE_KILL = (0.3, 2.0)
RETRY_SECONDS = 0.5
SUBMIT = """mutation ($input: EvidenceInput!, $key: String!) { submitEvidence(input: $input, idempotencyKey: $key) {
    __typename ... on EvidenceRecorded { recorded { step { posteriorLogOdds } } } ... on UserError { message } } }"""
BUNDLE = {
    "format": "foregraph-bundle/1",
    "scenarios": [{"id": f"S_{n}", "title": "It comes", "stated_probability": 0.5} for n in range(NUM_CLAIMS)],
}


class Intake:
    """Clients that send each item under its own key until it is acknowledged, whatever happens meanwhile."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, str] = {}
        self.num_sent = 0
        self.num_retried = 0
        self.url = ""
        self.is_over = False
        self.progress = asyncio.Condition()

    async def submit_on(self, client: httpx.AsyncClient) -> None:
        """One client."""
        while not self.is_over:
            self.num_sent += 1
            await self._submit(client, self.num_sent)

    async def _submit(self, client: httpx.AsyncClient, number: int) -> None:
        claim = f"S_{number % NUM_CLAIMS}"
        key = f"item-{number}"
        variables = {"key": key, "input": {"claim": claim, "direction": "FOR", "strength": "WEAK"}}
        while not self.is_over:
            try:
                answer = await client.post(f"{self.url}/graphql", json={"query": SUBMIT, "variables": variables})
                told = answer.json()
            except (httpx.HTTPError, json.JSONDecodeError):
                self.num_retried += 1
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if told.get("data") and told["data"]["submitEvidence"]["__typename"] == "EvidenceRecorded":
                self.acknowledged[key] = claim
                async with self.progress:
                    self.progress.notify_all()
                return
            assert told["errors"][0]["extensions"]["code"] in {"UNAVAILABLE", "TIMED_OUT", "BUSY"}, told
            self.num_retried += 1
            await asyncio.sleep(RETRY_SECONDS)


def neo4j_of(service: Service) -> psutil.Process:
    """The Neo4j that a service has started."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    (java,) = [child for child in children if "java" in child.name()]
    return java


async def until_acknowledged(intake: Intake, more: int) -> None:
    """Wait for more acknowledgements."""
    target = len(intake.acknowledged) + more
    async with asyncio.timeout(120):
        async with intake.progress:
            await intake.progress.wait_for(lambda: len(intake.acknowledged) >= target)


async def test_an_acknowledged_item_survives_a_kill_of_any_process(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Turn by turn the service and its Neo4j are killed at a random moment; clients go on with what they have open."""
    num_kills = int(pytestconfig.getoption("--kills"))
    environment = {"FOREGRAPH_SCHEDULER": "false", "FOREGRAPH_LOG_LEVEL": "error"}
    rng = random.Random(20261122)
    imported = await run("import", "-", environment=environment, directory=tmp_path, given=json.dumps(BUNDLE).encode())
    assert imported.code == 0, imported.errors
    intake = Intake()
    kills_left = num_kills
    started = False
    async with asyncio.timeout(60 * (num_kills + 2)):
        async with httpx.AsyncClient(timeout=60) as client:
            tasks: list[asyncio.Task[None]] = []
            while kills_left:
                async with serving("serve", "--port", "0", environment=environment, directory=tmp_path) as service:
                    intake.url = service.url
                    if not started:
                        tasks = [asyncio.create_task(intake.submit_on(client)) for _ in range(NUM_CLIENTS)]
                        started = True
                    await until_acknowledged(intake, 5)
                    if kills_left % 2 == 0:
                        await asyncio.sleep(rng.uniform(*SECONDS_BEFORE_KILL))
                        neo4j_of(service).send_signal(signal.SIGKILL)
                        kills_left -= 1
                        await until_acknowledged(intake, 5)  # the service has started it again
                    if kills_left:
                        await asyncio.sleep(rng.uniform(*SECONDS_BEFORE_KILL))
                        service.process.kill()
                        await service.process.wait()
                        kills_left -= 1
            async with serving("serve", "--port", "0", environment=environment, directory=tmp_path) as service:
                intake.url = service.url
                await until_acknowledged(intake, 5)
                intake.is_over = True
                await asyncio.gather(*tasks)
                # Both use the Neo4j that runs already.
                exported = await run("export", "-", environment=environment, directory=tmp_path)
                verified = await run("verify", environment=environment, directory=tmp_path)
                await service.stop(signal.SIGTERM)

    assert exported.code == 0, exported.errors
    assert verified.code == 0, verified.output
    _check(intake, json.loads(exported.output)["evidence"])
    print(f"{num_kills} kills, {len(intake.acknowledged)} acknowledged, {intake.num_retried} retries")  # noqa: T201


def _check(intake: Intake, rows: list[dict[str, Any]]) -> None:
    keys = [row["idempotency_key"] for row in rows]
    assert len(set(keys)) == len(keys), "an item counted twice"
    assert set(intake.acknowledged) <= set(keys), "an acknowledged item is lost"
    assert len(intake.acknowledged) >= NUM_CLAIMS
    for claim in {row["claim_id"] for row in rows}:
        own = sorted((row for row in rows if row["claim_id"] == claim), key=lambda row: row["recorded_at"])
        assert own[-1]["posterior_logit"] == pytest.approx(len(own) * math.log(1.5), rel=1e-9)
