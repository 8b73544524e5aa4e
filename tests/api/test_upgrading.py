"""A service of this version on the data directory that the version before left."""

import json
from pathlib import Path

import httpx

from graph.server import DEFAULT_RELEASE
from tests.fixtures.stores.make import CLAIM
from tests.helpers.pages import PAGE
from tests.helpers.processes import PLAIN, run, serving_fork
from tests.helpers.stores import unpack_older_store

SEED_PAGES = Path(__file__).parents[1] / "resolvers" / "seed_pages.json"
SUBMISSION = """
mutation Submit($input: EvidenceInput!) {
  submitEvidence(input: $input, idempotencyKey: "a key of now") { __typename ... on UserError { message } }
}
"""


async def test_a_service_upgrades_what_the_version_before_left(tmp_path: Path) -> None:
    """Pages show what they showed, writes go on, and what is stored equals what is computed anew."""
    unpack_older_store(DEFAULT_RELEASE, tmp_path)
    environment = {"FOREGRAPH_DATA_DIR": str(tmp_path)}

    async with serving_fork("serve", "--port", "0", environment=environment) as service:
        async with httpx.AsyncClient(base_url=service.url, verify=PLAIN, timeout=60) as client:
            for key, shown in json.loads(SEED_PAGES.read_text(encoding="utf-8")).items():
                page = (await client.post("/graphql", json={"query": PAGE, "variables": {"id": key}})).json()
                chain = [row["rawMetadata"] for row in page["data"]["prediction"]["evidence"]["nodes"]]
                assert chain == [json.loads("\n".join(lines)) for lines in shown["evidence_chain"]]
            given = {"claim": CLAIM, "direction": "FOR", "strength": "WEAK"}
            written = await client.post("/graphql", json={"query": SUBMISSION, "variables": {"input": given}})
            assert written.json() == {"data": {"submitEvidence": {"__typename": "EvidenceRecorded"}}}
        verified = await run("verify", environment=environment)

    assert (verified.code, verified.errors) == (0, "")
