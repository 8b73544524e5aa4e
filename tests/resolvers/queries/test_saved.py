"""Saved queries in GraphQL: listed, saved, run and deleted, or a typed refusal."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.saved.library import list_library
from resolvers.base.context import Service
from tests.helpers.asking import ask, ask_wrong
from tests.helpers.graph_dump import ask as ask_database

SAVE = """
mutation Save($input: SaveQueryInput!, $dryRun: Boolean) {
  saveQuery(input: $input, dryRun: $dryRun) {
    __typename
    ... on QuerySaved {
      isNew hasChanged isDryRun
      query {
        name version description statement origin isDeleted
        parameters { name type description default isRequired }
      }
    }
    ... on UserError { code message path }
    ... on CypherSyntax { line column }
    ... on BatchRefused { refusals { path message } }
  }
}
"""
DELETE = """
mutation Delete($input: DeleteSavedQueryInput!) {
  deleteSavedQuery(input: $input) {
    __typename
    ... on SavedQueryDeleted { query { name version } }
    ... on UserError { code message path }
  }
}
"""
RUN = """
query Run($name: String!, $parameters: JSON, $version: Int, $maxRows: Int) {
  runSavedQuery(name: $name, parameters: $parameters, version: $version, maxRows: $maxRows) {
    __typename
    ... on CypherResult { columns rows isTruncated elapsedSeconds revision plan { operator } }
    ... on UserError { code message path }
    ... on BatchRefused { refusals { message } }
  }
}
"""
LIST = """
query List($first: Int, $after: String) {
  savedQueries(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { name } } nodes { name origin }
  }
}
"""
QUERY = {
    "name": "likely",
    "statement": "MATCH (c:Claim) WHERE c.stated_probability >= $least RETURN c.id AS id ORDER BY id",
    "description": "Likely claims.",
    "parameters": [{"name": "least", "type": "FLOAT", "description": "The least probability.", "default": 0.5}],
}


@pytest.fixture
async def service(small: Database, database_address: DatabaseAddress) -> AsyncIterator[Service]:
    """A service over the small graph without saved queries."""
    async with Adhoc(database_address) as adhoc:
        yield Service.make(small, adhoc=adhoc)
    await ask_database(small, "MATCH (n:SavedQuery) DETACH DELETE n")


async def save(service: Service, **changes: Any) -> dict[str, Any]:
    """The answer to saving the query with some changes."""
    answer: dict[str, Any] = (await ask(service, SAVE, input={**QUERY, **changes})).data["saveQuery"]
    return answer


async def test_a_query_is_saved_and_read_back(service: Service) -> None:
    saved = await save(service)
    document = '{ savedQuery(name: "likely") { name version statement parameters { name default } savedAt } }'
    found = (await ask(service, document)).data["savedQuery"]

    assert saved["query"] == {
        **QUERY,
        "version": 1,
        "origin": "USER",
        "isDeleted": False,
        "parameters": [{**QUERY["parameters"][0], "isRequired": False}],  # type: ignore[dict-item] # a list of one
    }
    assert (saved["isNew"], saved["hasChanged"]) == (True, True)
    assert found.pop("savedAt")[:2] == "20"
    assert found == {
        "name": "likely",
        "version": 1,
        "statement": QUERY["statement"],
        "parameters": [{"name": "least", "default": 0.5}],
    }
    assert (await save(service))["hasChanged"] is False


async def test_it_runs_as_cypher_does(service: Service, small: Database) -> None:
    """The same columns, rows and plan as of the statement itself."""
    await save(service)
    document = """
      query Cypher($statement: String!) {
        cypher(statement: $statement, parameters: { least: 0.4 }) {
          ... on CypherResult { columns rows isTruncated revision plan { operator } }
        }
      }
    """
    found = (await ask(service, RUN, name="likely", parameters={"least": 0.4})).data["runSavedQuery"]
    expected = (await ask(service, document, statement=QUERY["statement"])).data["cypher"]

    assert found["elapsedSeconds"] > 0
    assert {name: found[name] for name in expected} == expected
    assert found["rows"]
    assert (await ask(service, RUN, name="likely", maxRows=1)).data["runSavedQuery"]["isTruncated"] is True


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"name": "nobody"}, {"__typename": "NotFound", "path": ["name"]}),
        ({"name": "likely", "version": 7}, {"__typename": "NotFound", "path": ["version"]}),
        ({"name": "likely", "parameters": {"least": "x"}}, {"__typename": "Invalid", "path": ["parameters"]}),
        ({"name": "likely", "parameters": {"least": "x", "most": 1}}, {"__typename": "BatchRefused"}),
        ({"name": "likely", "parameters": "x"}, {"__typename": "Invalid", "path": ["parameters"]}),
        ({"name": "likely", "maxRows": 0}, {"__typename": "Invalid", "path": ["maxRows"]}),
    ],
)
async def test_refusals_of_a_run_are_typed(
    service: Service, variables: dict[str, object], expected: dict[str, object]
) -> None:
    await save(service)
    answer = (await ask(service, RUN, **variables)).data["runSavedQuery"]

    assert expected.items() <= answer.items()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"statement": "CREATE (n) RETURN $least"}, {"__typename": "CypherRefused", "path": ["input", "statement"]}),
        ({"statement": "RETRUN $least"}, {"__typename": "CypherSyntax", "line": 1, "path": ["input", "statement"]}),
        ({"statement": "RETURN $most"}, {"__typename": "BatchRefused"}),
        ({"name": "Likely one"}, {"__typename": "Invalid", "path": ["input", "name"]}),
        ({"expectedVersion": 3}, {"__typename": "Conflict", "path": ["input", "expectedVersion"]}),
        (
            {"parameters": [{"name": "least", "type": "DATE", "default": 5}]},
            {"__typename": "Invalid", "path": ["input", "parameters", "0", "default"]},
        ),
    ],
)
async def test_refusals_of_saving_are_typed(
    service: Service, changes: dict[str, object], expected: dict[str, object]
) -> None:
    answer = await save(service, **changes)

    assert expected.items() <= answer.items()
    assert "Neo.ClientError" not in answer["message"]


async def test_a_deleted_query_is_gone(service: Service) -> None:
    """Its versions are listed, newest first, page by page."""
    await save(service)
    await save(service, description="Other words.")
    deleted = (await ask(service, DELETE, input={"name": "likely"})).data["deleteSavedQuery"]
    again = (await ask(service, DELETE, input={"name": "likely"})).data["deleteSavedQuery"]
    versions = """
      query Versions($after: String) {
        savedQueryVersions(name: "likely", first: 2, after: $after) {
          totalCount pageInfo { hasNextPage endCursor } nodes { version isDeleted }
        }
      }
    """
    first = (await ask(service, versions)).data["savedQueryVersions"]
    second = (await ask(service, versions, after=first["pageInfo"]["endCursor"])).data["savedQueryVersions"]

    assert deleted == {"__typename": "SavedQueryDeleted", "query": {"name": "likely", "version": 2}}
    assert (again["__typename"], again["path"]) == ("NotFound", ["input", "name"])
    assert (await ask(service, '{ savedQuery(name: "likely") { name } }')).data == {"savedQuery": None}
    assert first["nodes"] == [{"version": 3, "isDeleted": True}, {"version": 2, "isDeleted": False}]
    assert second["nodes"] == [{"version": 1, "isDeleted": False}]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert first["totalCount"] == 3
    left = """{ savedQueryVersions(name: "likely", filter: { isDeleted: false, origin: USER }, last: 1,
      sort: { by: VERSION, order: DESCENDING }) { totalCount nodes { version } pageInfo { hasPreviousPage } } }"""
    assert (await ask(service, left)).data["savedQueryVersions"] == {
        "totalCount": 2,
        "nodes": [{"version": 1}],
        "pageInfo": {"hasPreviousPage": True},
    }


async def test_the_list_is_read_page_by_page(service: Service) -> None:
    """By name, with those of the project."""
    await save(service)
    names: list[str] = []
    after = None
    while True:
        page = (await ask(service, LIST, first=5, after=after)).data["savedQueries"]
        names += [edge["node"]["name"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert names == sorted([*list_library(), "likely"])
    assert page["totalCount"] == len(names)
    assert (await ask_wrong(service, LIST, after="bm90aGluZw"))["extensions"]["code"] == "INVALID"
    ends = """{ savedQueries(filter: { origin: PROJECT }, last: 2) { totalCount nodes { name } }
      latest: savedQueries(sort: { by: SAVED, order: DESCENDING }, first: 1) { nodes { name } } }"""
    found = (await ask(service, ends)).data
    assert found["savedQueries"]["totalCount"] == len(names) - 1
    assert [node["name"] for node in found["savedQueries"]["nodes"]] == sorted(list_library())[-2:]
    assert found["latest"]["nodes"] == [{"name": "likely"}]


async def test_a_dry_run_saves_nothing(service: Service) -> None:
    answer = (await ask(service, SAVE, input=QUERY, dryRun=True)).data["saveQuery"]

    assert (answer["isDryRun"], answer["query"]["version"]) == (True, 1)
    assert (await ask(service, '{ savedQuery(name: "likely") { name } }')).data == {"savedQuery": None}
