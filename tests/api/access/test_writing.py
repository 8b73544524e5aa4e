"""Writes name their caller, and idempotency keys are the caller's own, through every way in and after a restore."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from api.access.keys import KeyFile
from api.app import create_app
from api.settings import Settings
from graph.bundles.exporting import export_stream
from graph.bundles.importing import import_text
from graph.bundles.restoring import restore
from graph.database.sessions import Database
from resolvers.base.roles import Role
from tests.helpers.database import empty
from tests.helpers.keys import bearing
from tests.helpers.service_fakes import open_client

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

Json = dict[str, Any]
BUNDLE = {
    "format": "foregraph-bundle/1",
    "scenarios": [{"id": f"S_{n}", "title": "It comes", "stated_probability": 0.5} for n in range(3)],
}
SUBMIT = """
mutation ($key: String, $input: EvidenceInput!) { submitEvidence(input: $input, idempotencyKey: $key) {
  __typename
  ... on EvidenceRecorded { isReplayed recorded { evidence { caller idempotencyKey } } }
  ... on UserError { code message }
} }
"""
BATCH = """
mutation ($input: EvidenceBatchInput!) { submitEvidenceBatch(input: $input) {
  ... on EvidenceBatchRecorded { recorded { evidence { caller } } }
} }
"""
RESOLVE = """
mutation ($key: String, $claim: ID!) { resolveClaim(input: {claim: $claim, outcome: TRUE}, idempotencyKey: $key) {
  ... on OutcomeRecorded { isReplayed recorded { evidence { caller } } }
} }
"""


class Callers:
    """Two callers with keys, and one without, of a service on a graph."""

    def __init__(self, client: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self.client, self._keys = client, keys

    async def ask(self, name: str, document: str, **variables: Any) -> Any:
        """Send a document as a caller, and return the value of its one field."""
        headers = bearing(self._keys[name]) if name else {}
        body = {"query": document, "variables": variables}
        response = await self.client.post("/graphql", json=body, headers=headers)
        assert "errors" not in response.json(), response.text
        (value,) = response.json()["data"].values()
        return value

    async def send_lines(self, name: str, *items: Json) -> list[Json]:
        """Send items of evidence as lines, and return the answers."""
        headers = {"content-type": "application/x-ndjson"} | (bearing(self._keys[name]) if name else {})
        text = "".join(json.dumps(item) + "\n" for item in items)
        response = await self.client.post("/evidence", content=text, headers=headers)
        return [json.loads(line) for line in response.text.splitlines()]


@asynccontextmanager
async def opened(database: Database, folder: Path) -> AsyncIterator[Callers]:
    """The callers of a service where nobody needs a key."""
    file = KeyFile(folder / "keys.json")
    keys = {name: file.create(name, [Role.OPERATOR]) for name in ("ada", "bob")}
    app = create_app(Settings(scheduler=False, keys_file=folder / "keys.json"), database)
    async with open_client(app) as client:
        yield Callers(client, keys)


@pytest.fixture
async def graph(database: Database) -> Database:
    """A few claims."""
    await import_text(database, json.dumps(BUNDLE))
    return database


@pytest.fixture
async def callers(graph: Database, tmp_path: Path) -> AsyncIterator[Callers]:
    """Two callers with keys, and one without."""
    async with opened(graph, tmp_path) as found:
        yield found


def item(claim: str = "S_0", **more: Any) -> Json:
    """An item of evidence."""
    return {"claim": claim, "direction": "FOR", "strength": "WEAK"} | more


async def test_one_idempotency_key_of_two_callers_is_two(callers: Callers) -> None:
    for name, kept in (("", "k"), ("ada", "@ada/k"), ("bob", "@bob/k")):
        first = await callers.ask(name, SUBMIT, key="k", input=item())
        assert first["isReplayed"] is False
        assert first["recorded"]["evidence"] == {"caller": name or None, "idempotencyKey": kept}
    for name in ("", "ada", "bob"):
        again = await callers.ask(name, SUBMIT, key="k", input=item())
        assert (again["isReplayed"], again["recorded"]["evidence"]["caller"]) == (True, name or None)
    reused = await callers.ask("ada", SUBMIT, key="k", input=item("S_1"))
    assert reused["code"] == "KEY_REUSED"
    assert "'k'" in reused["message"]


async def test_a_key_that_looks_like_another_callers_is_not(callers: Callers) -> None:
    """Nobody in particular must not find, or spoil, what ada has been answered."""
    await callers.ask("ada", SUBMIT, key="k", input=item())
    imitated = await callers.ask("", SUBMIT, key="@ada/k", input=item())

    assert imitated["isReplayed"] is False
    assert imitated["recorded"]["evidence"] == {"caller": None, "idempotencyKey": "@/@ada/k"}


async def test_items_and_lines_have_keys_of_their_callers(callers: Callers) -> None:
    """An item's receipt is the same whichever way it comes, for its caller alone."""
    one = item(idempotencyKey="i")
    for name in ("ada", "bob"):
        batch = await callers.ask(name, BATCH, input={"items": [one, item("S_1")]})
        assert [found["evidence"]["caller"] for found in batch["recorded"]] == [name] * 2
        line, summary = await callers.send_lines(name, one)
        assert (line["status"], line["idempotencyKey"]) == ("REPLAYED", "i")
        assert summary["replayedCount"] == 1
    (line, _) = await callers.send_lines("", one)
    assert line["status"] == "RECORDED"


async def test_items_of_several_callers_share_a_transaction_and_keep_their_names(callers: Callers) -> None:
    """One task writes for all that wait, under none of their names."""
    names = ["ada", "bob", ""] * 8
    answers = await asyncio.gather(*(callers.ask(n, SUBMIT, key=f"k{i}", input=item()) for i, n in enumerate(names)))

    assert [answer["recorded"]["evidence"]["caller"] or "" for answer in answers] == names


async def test_a_resolution_names_its_caller(callers: Callers) -> None:
    resolved = await callers.ask("ada", RESOLVE, key="r", claim="S_0")
    other = await callers.ask("bob", RESOLVE, key="r", claim="S_1")
    again = await callers.ask("bob", RESOLVE, key="r", claim="S_1")

    assert resolved["recorded"]["evidence"] == {"caller": "ada"}
    assert (other["recorded"]["evidence"], other["isReplayed"], again["isReplayed"]) == ({"caller": "bob"}, False, True)


async def test_receipts_travel_with_their_callers(graph: Database, tmp_path: Path) -> None:
    async with opened(graph, tmp_path) as callers:
        await callers.ask("ada", SUBMIT, key="k", input=item())
        await callers.ask("", SUBMIT, key="k", input=item("S_1"))
        copy = io.BytesIO()
        await export_stream(graph, copy.write)
        await empty(graph)
        copy.seek(0)
        await restore(graph, copy)

        again = await callers.ask("ada", SUBMIT, key="k", input=item())
        assert (again["isReplayed"], again["recorded"]["evidence"]["caller"]) == (True, "ada")
        assert (await callers.ask("", SUBMIT, key="k", input=item("S_1")))["isReplayed"] is True
        assert (await callers.ask("bob", SUBMIT, key="k", input=item()))["isReplayed"] is False
    stored = [line for line in copy.getvalue().splitlines() if b'"fingerprint"' in line]
    assert sum(b'"@ada/k"' in line or b'"key:@ada/k"' in line for line in stored) == 1
    assert [b'"caller"' in line for line in sorted(stored)] == [b"ada" in line for line in sorted(stored)]


async def test_the_log_tells_who_wrote_and_who_was_refused(callers: Callers) -> None:
    """On the way of new documents and on that of kept ones."""
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            await callers.ask("ada", SUBMIT, input=item())
        await callers.ask("ada", "{ claims { totalCount } }")
        await callers.send_lines("bob", item())
        await callers.client.post("/graphql", json={"query": "{ __typename }"}, headers=bearing("fgk_wrong"))
    first, second, read, sent, refused = [line for line in lines if line["event"] == "request"]

    for line in (first, second):
        assert (line["caller"], line["writes"], line["audit"]) == ("ada", "submitEvidence", True)
    assert read["caller"] == "ada"
    assert "audit" not in read
    assert (sent["caller"], sent["writes"], sent["audit"]) == ("bob", "submitEvidenceBatch", True)
    assert (refused["refused"], refused["status"], refused["audit"]) == ("UNAUTHENTICATED", 401, True)
    assert "fgk_wrong" not in str(lines)
