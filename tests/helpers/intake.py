"""Clients that submit evidence until it is acknowledged, whatever becomes of the service, and what must hold then."""

import asyncio
import json
import math
from typing import Any

import httpx
import pytest

from tests.helpers.streaming import Stream, streaming

NUM_CLAIMS, NUM_CLIENTS, NUM_AHEAD = 5, 4, 20
RETRY_SECONDS = 0.5
SUBMIT = """mutation ($input: EvidenceInput!, $key: String!) { submitEvidence(input: $input, idempotencyKey: $key) {
    __typename ... on EvidenceRecorded { recorded { step { posteriorLogOdds } } } ... on UserError { message } } }"""
BUNDLE = {
    "format": "foregraph-bundle/1",
    "policy": "foregraph-1",
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
        self.failures: list[BaseException] = []

    def start(self, client: httpx.AsyncClient) -> list[asyncio.Task[None]]:
        """Start the clients."""
        tasks = [asyncio.create_task(self.submit_on(client)) for _ in range(NUM_CLIENTS)]
        for task in tasks:
            task.add_done_callback(self._note_end)
        return tasks

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)

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


class StreamedIntake(Intake):
    """Clients that send lines, some ahead of the answers, over streams that they go on with when one breaks."""

    async def submit_on(self, client: httpx.AsyncClient) -> None:
        """One client."""
        waiting: dict[str, bytes] = {}
        while not self.is_over or waiting:
            try:
                async with streaming(f"{self.url}/evidence") as stream:
                    await self._send_on(stream, waiting)
            except OSError:
                self.num_retried += 1
                await asyncio.sleep(RETRY_SECONDS)

    async def _send_on(self, stream: Stream, waiting: dict[str, bytes]) -> None:
        """Send all lines that are not acknowledged again, then others, until the stream ends."""
        if waiting:
            await stream.send(b"".join(waiting.values()))
        while not self.is_over:
            while len(waiting) < NUM_AHEAD:
                self.num_sent += 1
                key, claim = f"item-{self.num_sent}", f"S_{self.num_sent % NUM_CLAIMS}"
                item = {"idempotencyKey": key, "claim": claim, "direction": "FOR", "strength": "WEAK"}
                waiting[key] = json.dumps(item).encode() + b"\n"
                await stream.send(waiting[key])
            if not await self._read_answer(stream, waiting):
                return
        await stream.send(b"")
        while await self._read_answer(stream, waiting):
            pass

    async def _read_answer(self, stream: Stream, waiting: dict[str, bytes]) -> bool:
        """Note an acknowledgement; returns whether the stream goes on."""
        told = json.loads(await stream.read_line())
        if told["status"] in {"DONE", "STOPPED"}:
            assert all(error["isRetryable"] for error in told.get("errors", ())), told
            return False
        assert told["status"] in {"RECORDED", "REPLAYED"}, told
        self.num_retried += told["status"] == "REPLAYED"
        del waiting[told["idempotencyKey"]]
        self.acknowledged[told["idempotencyKey"]] = told["result"]["claim"]
        async with self.progress:
            self.progress.notify_all()
        return True


async def until_acknowledged(intake: Intake, more: int) -> None:
    """Wait for more acknowledgements."""
    target = len(intake.acknowledged) + more
    async with asyncio.timeout(120):
        async with intake.progress:
            await intake.progress.wait_for(lambda: bool(intake.failures) or len(intake.acknowledged) >= target)
    assert not intake.failures, intake.failures


def check_ledger(intake: Intake, rows: list[dict[str, Any]]) -> None:
    """What was acknowledged is in the ledger, nothing is there twice, and the beliefs are those of what is there."""
    keys = [row["idempotency_key"] for row in rows]
    assert len(set(keys)) == len(keys), "an item counted twice"
    assert set(intake.acknowledged) <= set(keys), "an acknowledged item is lost"
    assert len(intake.acknowledged) >= NUM_CLAIMS
    for claim in {row["claim_id"] for row in rows}:
        own = sorted((row for row in rows if row["claim_id"] == claim), key=lambda row: row["recorded_at"])
        assert own[-1]["posterior_logit"] == pytest.approx(len(own) * math.log(1.5), rel=1e-9)
