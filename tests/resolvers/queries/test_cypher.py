"""Ad-hoc Cypher in GraphQL: rows, a plan, or a typed refusal."""

from collections.abc import AsyncIterator

import pytest

from graph.adhoc.limits import AdhocLimits
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from resolvers.base.context import Service
from tests.helpers.asking import ask, ask_wrong, try_ask
from tests.helpers.graph_dump import ask as ask_database

DOCUMENT = """
query Ask($statement: String!, $parameters: JSON, $maxRows: Int, $timeoutMs: Int) {
  cypher(statement: $statement, parameters: $parameters, maxRows: $maxRows, timeoutMs: $timeoutMs) {
    __typename
    ... on CypherResult { columns rows isTruncated elapsedSeconds revision plan { depth operator details } }
    ... on UserError { code message path }
    ... on CypherRefused { kind name hint }
    ... on CypherSyntax { line column hint }
  }
}
"""


@pytest.fixture(scope="module")
async def service(small: Database, database_address: DatabaseAddress) -> AsyncIterator[Service]:
    """A service that runs statements of analysts."""
    async with Adhoc(database_address, AdhocLimits(default_seconds=10.0)) as adhoc:
        yield Service.make(small, adhoc=adhoc)


async def test_rows_are_those_of_the_database(service: Service, small: Database) -> None:
    """The answer is what the driver gives, with the revision that it was read at."""
    statement = "MATCH (c:Claim) WHERE c.id IN $ids RETURN c.id AS id, c.stated_probability ORDER BY id"
    answer = (await ask(service, DOCUMENT, statement=statement, parameters={"ids": ["P_00", "P_01"]})).data["cypher"]

    assert answer["columns"] == ["id", "c.stated_probability"]
    assert answer["rows"] == await ask_database(small, statement, ids=["P_00", "P_01"])
    assert answer["isTruncated"] is False
    assert [[int(answer["revision"])]] == await ask_database(small, "MATCH (g:Graph {id: 'graph'}) RETURN g.revision")
    assert answer["plan"][0] == {"depth": 0, "operator": "ProduceResults", "details": "id, `c.stated_probability`"}


async def test_rows_are_cut_at_the_limit(service: Service) -> None:
    """What is left out is told."""
    answer = (await ask(service, DOCUMENT, statement="UNWIND range(1, 100) AS i RETURN i", maxRows=3)).data["cypher"]

    assert (answer["rows"], answer["isTruncated"]) == ([[1], [2], [3]], True)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"statement": "MATCH (n) DELETE n"},
            {"__typename": "CypherRefused", "code": "CYPHER_REFUSED", "kind": "OPERATOR", "name": "Delete"},
        ),
        ({"statement": "MATCH (n) RETRUN n"}, {"__typename": "CypherSyntax", "line": 1, "column": 11}),
        ({"statement": "UNWIND [0] AS x RETURN 1 / x"}, {"__typename": "CypherFailed"}),
        (
            {"statement": "UNWIND range(1, 1000000000) AS i RETURN sum(i) AS sum", "timeoutMs": 200},
            {"__typename": "CypherStopped"},
        ),
        ({"statement": "RETURN 1", "maxRows": 0}, {"__typename": "Invalid", "path": ["maxRows"]}),
        ({"statement": "RETURN 1", "timeoutMs": 60_001}, {"__typename": "Invalid", "path": ["timeoutMs"]}),
        ({"statement": "RETURN 1", "parameters": [1]}, {"__typename": "Invalid", "path": ["parameters"]}),
    ],
)
async def test_refusals_are_typed(service: Service, variables: dict[str, object], expected: dict[str, object]) -> None:
    """A refusal is an answer, with what a client needs to correct the statement."""
    answer = (await ask(service, DOCUMENT, **variables)).data["cypher"]

    assert expected.items() <= answer.items()
    assert "Neo.ClientError" not in answer["message"]


async def test_a_statement_gets_no_more_time_than_its_request(small: Database, service: Service) -> None:
    """Rather than a time that it never has; a shorter one is granted, and so is any where requests have no limit."""
    short = Service.make(small, adhoc=service.adhoc, request_seconds=2.5)
    refused = (await ask(short, DOCUMENT, statement="RETURN 1", timeoutMs=2_501)).data["cypher"]
    granted = (await ask(short, DOCUMENT, statement="RETURN 1", timeoutMs=2_500)).data["cypher"]
    free = (await ask(service, DOCUMENT, statement="RETURN 1", timeoutMs=60_000)).data["cypher"]

    assert (refused["__typename"], refused["path"]) == ("Invalid", ["timeoutMs"])
    assert "expected 1 to 2500, the time of a request here, got 2501" in refused["message"]
    assert granted["rows"] == free["rows"] == [[1]]


async def test_without_it_statements_are_refused(small: Database) -> None:
    """The operator may turn it off."""
    answer = (await try_ask(Service.make(small), DOCUMENT, statement="RETURN 1")).data["cypher"]

    assert answer["__typename"] == "CypherRefused"
    assert "turned" in answer["message"]


async def test_full_places_are_an_error(small: Database, database_address: DatabaseAddress) -> None:
    """A server that is busy is no fault of the statement."""
    async with (
        Adhoc(database_address, AdhocLimits(at_once=1, at_once_per_caller=1)) as adhoc,
        adhoc.run("RETURN 1", caller="x"),
    ):
        error = await ask_wrong(Service.make(small, adhoc=adhoc), DOCUMENT, statement="RETURN 1")

    assert error["extensions"]["code"] == "BUSY"
