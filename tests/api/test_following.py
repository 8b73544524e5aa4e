"""Stored marginals follow the writes of real processes: none is lost, doubled or undone."""

import asyncio
import signal
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.network.engine import Engine
from graph.network.storing import TOLERANCE
from tests.helpers.copies import import_once
from tests.helpers.diamond import diamond
from tests.helpers.processes import Service, serving_fork, variables
from tests.helpers.stored import read

SUBMIT = """mutation ($input: EvidenceInput!) { submitEvidence(input: $input) { __typename } }"""
MARGINALS = "{ predictions(first: 10) { nodes { key marginal { probability isStale run { revision method } } } } }"
WAIT_SECONDS = 120.0


async def ask(client: httpx.AsyncClient, service: Service, document: str, **given: Any) -> Any:
    """Ask a document that must succeed."""
    answer = await client.post(f"{service.url}/graphql", json={"query": document, "variables": given})
    told = answer.json()
    assert "errors" not in told, told
    return told["data"]


async def submit(client: httpx.AsyncClient, service: Service, claim: str) -> None:
    """Add an item of evidence, which is acknowledged."""
    given = {"claim": claim, "direction": "FOR", "strength": "MODERATE"}
    assert (await ask(client, service, SUBMIT, input=given))["submitEvidence"]["__typename"] == "EvidenceRecorded"


async def until_followed(client: httpx.AsyncClient, service: Service) -> dict[str, float]:
    """Wait until every prediction's marginal is there and not stale; returns the marginals as a client sees them."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            nodes = (await ask(client, service, MARGINALS))["predictions"]["nodes"]
            if all(node["marginal"] and not node["marginal"]["isStale"] for node in nodes):
                return {node["key"]: node["marginal"]["probability"] for node in nodes}
            await asyncio.sleep(0.05)


async def computed(database: Database, claims: Sequence[str]) -> dict[str, float]:
    """The marginals of a whole propagation by another engine."""
    async with database.reading() as reading:
        view, beliefs = await Engine().beliefs(reading, Method.AUTO)
    return {claim: beliefs.marginals[view.indices[claim]] for claim in claims}


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond, in the database."""
    await import_once(database, diamond())
    return database


async def test_a_write_is_followed_though_its_process_is_killed_before_that(
    stored: Database, database_address: DatabaseAddress
) -> None:
    """The graph says what is to be done, so that the next process does it; and that goes on by itself."""
    environment = variables(database_address, FOREGRAPH_PORT="0")
    async with httpx.AsyncClient(timeout=60) as client:
        async with serving_fork(
            "serve", environment={**environment, "FOREGRAPH_PROPAGATION_DEBOUNCE_SECONDS": "3600"}
        ) as one:
            await submit(client, one, "P_C")
            await one.stop(signal.SIGKILL)
        before = await read(stored, "MATCH (c:Claim) WHERE c.marginal IS NOT NULL RETURN c.id AS id")
        async with serving_fork("serve", environment=environment) as other:
            after_kill = await until_followed(client, other)
            expected_after_kill = await computed(stored, list(after_kill))
            await submit(client, other, "P_D")
            after_write = await until_followed(client, other)

    assert before == []
    assert after_kill == pytest.approx(expected_after_kill, abs=TOLERANCE)
    assert after_write == pytest.approx(await computed(stored, list(after_write)), abs=TOLERANCE)
    assert after_write != after_kill


async def test_two_services_neither_double_nor_undo(stored: Database, database_address: DatabaseAddress) -> None:
    """Writes to both in turn: each revision is propagated once at most, and what stands at last is of the last one."""
    environment = variables(database_address, FOREGRAPH_PORT="0")
    async with (
        httpx.AsyncClient(timeout=60) as client,
        serving_fork("serve", environment=environment) as one,
        serving_fork("serve", environment=environment) as other,
    ):
        for number in range(12):
            await submit(client, (one, other)[number % 2], ("P_B", "P_C", "P_D")[number % 3])
            await asyncio.sleep(0.1 * (number % 4))
        shown = [await until_followed(client, service) for service in (one, other)]

    revisions = await read(stored, "MATCH (r:PropagationRun) RETURN r.revision AS revision ORDER BY r.started_at")
    numbers = [row["revision"] for row in revisions]
    assert numbers == sorted(set(numbers))
    assert shown[0] == shown[1]
    assert shown[0] == pytest.approx(await computed(stored, list(shown[0])), abs=TOLERANCE)
