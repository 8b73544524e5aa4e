"""Costs are shown on request, documents are priced without running, and the limits are told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from api.settings import Settings
from api.trust import TrustMode
from graph.database.sessions import Database
from resolvers.base.roles import Role
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.keys import NO_DATABASE, bearing, issue
from tests.helpers.service_fakes import open_client
from tests.helpers.small_graph import small_graph

CLAIMS = "query Claims($first: Int) { claims(first: $first) { nodes { __typename } } }"
WHAT_IF = '{ whatIf(observations: [{claim: "TK_HUB", outcome: TRUE}]) { __typename } }'
ESTIMATE = """query ($document: String!, $variables: JSON) { estimate(document: $document, variables: $variables) {
    documentId operations { name rows points cost } faults } }"""
SETTINGS = Settings(scheduler=False, warm_up=False, max_rows=500)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(migrated_database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The service over the small graph."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    async with open_client(create_app(SETTINGS, migrated_database)) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, document: str, /, *, extensions: Any = None, **variables: Any) -> Any:
    """Run a document."""
    body = {"query": document, "variables": variables, "extensions": extensions}
    return (await client.post("/graphql", json=body)).json()


async def estimate(client: httpx.AsyncClient, document: str, variables: Any = None) -> dict[str, Any]:
    """Estimate a document."""
    answer = await ask(client, ESTIMATE, document=document, variables=variables)
    found: dict[str, Any] = answer["data"]["estimate"]
    return found


async def cost_of(client: httpx.AsyncClient, document: str, /, **variables: Any) -> tuple[int, int]:
    """What a document was priced at, and what it took."""
    cost = (await ask(client, document, extensions={"cost": True}, **variables))["extensions"]["cost"]
    assert set(cost) == {"requested", "actual"}
    return cost["requested"], cost["actual"]


async def test_a_cost_is_what_was_priced_and_what_was_read(client: httpx.AsyncClient) -> None:
    """A page of nine has ten rows at most; what is read grows by the claims that are there, each time anew."""
    requested = [(await cost_of(client, CLAIMS, first=first))[0] for first in (9, 9, 2)]
    actual = [(await cost_of(client, CLAIMS, first=first))[1] for first in (2, 3, 5)]

    assert requested == [10, 10, 3]
    assert 0 < actual[1] - actual[0] == (actual[2] - actual[1]) / 2
    assert await cost_of(client, "{ serviceConfig { maxRows } }") == (1, 0)


async def test_inferences_count_as_they_are_priced(client: httpx.AsyncClient) -> None:
    requested, actual = await cost_of(client, WHAT_IF)
    assert (requested, await cost_of(client, ESTIMATE, document="{ __typename }")) == (10_001, (10_000, 10_000))
    assert actual >= 10_000
    assert (await cost_of(client, WHAT_IF.replace("TRUE", "FALSE")))[1] >= 10_000


async def test_no_cost_is_shown_unasked(client: httpx.AsyncClient) -> None:
    """Nor of a document that is refused before it is priced; a GET is told as a POST is."""
    for extensions in (None, {}, {"cost": False}, {"cost": "true"}):
        assert "extensions" not in await ask(client, CLAIMS, extensions=extensions, first=9)
    assert "extensions" not in await ask(client, "{ nothing }", extensions={"cost": True})
    by_get = await client.get("/graphql", params={"query": CLAIMS, "extensions": '{"cost": true}'})
    assert by_get.json()["extensions"]["cost"]["requested"] == 21
    assert "extensions" not in (await client.get("/graphql", params={"query": CLAIMS})).json()


async def test_an_estimate_is_the_price_of_the_document(client: httpx.AsyncClient) -> None:
    """Each operation's, with the values that are given; and what asking for it then costs."""
    found = await estimate(client, CLAIMS, {"first": 9})
    assert found["operations"] == [{"name": "Claims", "rows": "10", "points": "0", "cost": "10"}]
    assert found["faults"] == []
    assert (await client.post("/graphql", json={"documentId": found["documentId"]})).status_code in (200, 404)
    both = await estimate(client, f"{CLAIMS} query Other {{ __typename }}")
    assert [(price["name"], price["cost"]) for price in both["operations"]] == [("Claims", "21"), ("Other", "1")]
    assert [price["points"] for price in (await estimate(client, WHAT_IF))["operations"]] == ["10000"]


@pytest.mark.parametrize(
    ("document", "variables", "fault"),
    [
        ("{", {}, "Syntax Error"),
        ("{ nothing }", {}, "Cannot query field 'nothing'"),
        ("{" * 65, {}, "more than 64 brackets"),
        ("#" * 250_001, {}, "more than 250000 characters"),
        ("{ a" * 20 + "}" * 20, {}, "20 levels of fields, at most 16"),
        ("{ claims(first: 50) { nodes { evidence(first: 50) { nodes { key } } } } }", {}, "at most 500 are allowed"),
        (CLAIMS, {"first": list(range(2_001))}, "2001 items in one list"),
    ],
)
async def test_an_estimate_says_why_a_document_would_be_refused(
    client: httpx.AsyncClient, document: str, variables: Any, fault: str
) -> None:
    """The same document is refused when it is sent, with the same reason or another of the list."""
    found = await estimate(client, document, variables)
    assert any(fault in told for told in found["faults"]), found
    assert "data" not in await ask(client, document, **variables)


async def test_variables_of_another_kind_are_refused(client: httpx.AsyncClient) -> None:
    answer = await ask(client, ESTIMATE, document=CLAIMS, variables=[1])
    assert answer["errors"][0]["extensions"]["code"] == "INVALID"
    assert "expected an object" in answer["errors"][0]["message"]


async def test_the_limits_are_those_that_refuse(client: httpx.AsyncClient) -> None:
    """One more than the most is refused, and the most is named."""
    limits = "{ serviceConfig { maxRows maxDepth maxAliases pointsPerMinute requestSeconds } }"
    config = (await ask(client, limits))["data"]["serviceConfig"]
    assert config["pointsPerMinute"] is None
    assert (config["maxRows"], config["requestSeconds"]) == ("500", SETTINGS.request_timeout_seconds)
    aliases = " ".join(f"a{number}: __typename" for number in range(config["maxAliases"] + 1))
    levels = "{ claim(id: 1)" + "{ a" * config["maxDepth"] + "}" * (config["maxDepth"] + 1)
    for document, name in ((f"{{ {aliases} }}", "maxAliases"), (levels, "maxDepth")):
        (error,) = (await ask(client, document))["errors"]
        assert error["extensions"]["limit"] == config[name]


async def test_limits_of_callers_are_told_and_named_in_refusals(tmp_path: Path) -> None:
    issued = issue(tmp_path / "keys.json")
    settings = Settings(host="0.0.0.0", keys_file=issued.file, rate_points=25, rate_mutations=3, rate_concurrent=7)
    headers = bearing(issued.valid[Role.READER])
    told = "{ serviceConfig { pointsPerMinute mutationsPerMinute concurrentRequests } }"
    async with open_client(create_app(settings, NO_DATABASE)) as client:
        config = (await client.post("/graphql", json={"query": told}, headers=headers)).json()["data"]["serviceConfig"]
        refused = await client.post("/graphql", json={"query": CLAIMS, "variables": {"first": 30}}, headers=headers)
    assert config == {"pointsPerMinute": "25", "mutationsPerMinute": "3", "concurrentRequests": "7"}
    assert refused.json()["errors"][0]["extensions"]["limit"] == "points per minute"
    assert refused.json()["errors"][0]["extensions"]["most"] == 25


def test_an_estimate_tells_nothing_that_sending_would_not(tmp_path: Path) -> None:
    """Neither similar names, nor anything of a document that is not answered here."""
    tariff = create_app(Settings(), NO_DATABASE).state.service.tariff
    (fault,) = tariff.estimate("{ clam }", {}).faults
    assert fault == "line 1, column 3: Cannot query field 'clam' on type 'Query'."

    (tmp_path / "known.graphql").write_text("{ __typename }", encoding="utf-8")
    only = Settings(trusted_documents=TrustMode.ONLY, trusted_documents_dir=tmp_path)
    strict = create_app(only, NO_DATABASE).state.service.tariff
    assert strict.estimate("{ __typename }", {}).faults == []
    refused = strict.estimate("{ claims { totalCount } }", {})
    assert (refused.operations, "trusts" in refused.faults[0]) == ((), True)
