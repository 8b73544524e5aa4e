"""Wrong keys are refused before anything else is done for them."""

import asyncio
from pathlib import Path

import httpx
import structlog

from api.access.gate import MOST_LINES
from api.access.keys import make_secret
from api.app import create_app
from api.metrics.instruments import list_families
from api.settings import Settings
from resolvers.base.roles import Role
from tests.helpers.keys import NO_DATABASE, bearing, issue
from tests.helpers.service_fakes import open_client

NUM_WRONG = 10 * MOST_LINES  # a slow machine takes them for the floods of some seconds
SUMMED_SECONDS = 1.1
"""After this the further wrong keys of a flood have been summed up."""
BODY = {"query": "{ __typename }"}


def count_refused() -> float:
    """How many requests of GraphQL have been refused for their keys."""
    labels = {"path": "/graphql", "status": "401"}
    samples = [sample for family in list_families() for sample in family.samples]
    return sum(s.value for s in samples if s.name == "foregraph_request_seconds_count" and s.labels == labels)


async def test_a_flood_of_wrong_keys_is_counted_and_summed_up(tmp_path: Path) -> None:
    """Nothing of a flood is lost: some have lines of their own, and one line tells the number of the others."""
    await asyncio.sleep(SUMMED_SECONDS)  # a flood of an earlier test has its line by now
    issued = issue(tmp_path / "keys.json")
    before = count_refused()
    settings = Settings(host="0.0.0.0", scheduler=False, warm_up=False, keys_file=issued.file)
    async with open_client(create_app(settings, NO_DATABASE)) as client:
        with structlog.testing.capture_logs() as lines:
            for _ in range(NUM_WRONG):
                refused = await client.post("/graphql", json=BODY, headers=bearing(make_secret()))
                assert refused.status_code == 401
            right = await client.post("/graphql", json=BODY, headers=bearing(issued.valid[Role.READER]))
            await asyncio.sleep(SUMMED_SECONDS)
            again = await client.post("/graphql", json=BODY, headers=bearing(make_secret()))
    assert (right.status_code, again.status_code) == (200, 401)
    assert count_refused() - before == NUM_WRONG + 1
    own = [line for line in lines if line["event"] == "request" and line.get("refused") == "UNAUTHENTICATED"]
    summed = [line for line in lines if "further wrong keys" in line["event"]]
    assert len(own) + sum(line["refused"] for line in summed) == NUM_WRONG + 1
    assert MOST_LINES < len(own) < NUM_WRONG
    assert all(line["audit"] for line in summed)


async def test_a_wrong_key_is_answered_as_any_refusal(tmp_path: Path) -> None:
    """On each route that needs a role, and there alone; whoever asks keeps the request's id."""
    settings = Settings(host="0.0.0.0", scheduler=False, warm_up=False, keys_file=tmp_path / "none.json")
    wrong = {**bearing(make_secret()), "x-request-id": "mine"}
    async with open_client(create_app(settings, NO_DATABASE)) as client:
        answers = [
            await client.post("/graphql", content=b"no JSON", headers=wrong),
            await client.post("/evidence", content=b"x" * 2_000_000, headers=wrong),
            await client.get("/metrics", headers={"x-api-key": "fgk_", "x-request-id": "mine"}),
        ]
        assert (await client.get("/healthz", headers=wrong)).status_code == 200
        assert (await client.get("/nowhere", headers=wrong)).status_code == 404
    for answer in answers:
        check_refusal(answer)


def check_refusal(answer: httpx.Response) -> None:
    """A response is the one to a key that is not accepted."""
    (error,) = answer.json()["errors"]
    assert answer.status_code == 401
    assert error["message"] == "The key is not valid."
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "isRetryable": False, "requestId": "mine"}
    assert answer.headers["www-authenticate"] == 'Bearer realm="foregraph", error="invalid_token"'
    assert (answer.headers["x-request-id"], answer.headers["x-content-type-options"]) == ("mine", "nosniff")


async def test_pages_of_other_origins_read_the_refusal(tmp_path: Path) -> None:
    origin = "https://app.example.org"
    settings = Settings(host="0.0.0.0", keys_file=tmp_path / "none.json", allowed_origins=(origin,))
    async with open_client(create_app(settings, NO_DATABASE)) as client:
        refused = await client.post("/graphql", json=BODY, headers={**bearing(make_secret()), "origin": origin})

    assert refused.headers["access-control-allow-origin"] == origin
