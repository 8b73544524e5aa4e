"""Bringing a bundle in by mutation."""

from typing import Any

import pytest

from graph.database.sessions import Database
from tests.helpers.asking import ask, place_of

pytestmark = pytest.mark.statements

IMPORT = """mutation ($bundle: JSON!, $key: String, $dryRun: Boolean!) {
    importBundle(input: {bundle: $bundle}, idempotencyKey: $key, dryRun: $dryRun) {
    __typename ... on ImportResult { isDryRun isReplayed bookmark
        lists { name createdCount updatedCount unchangedCount } }
    ... on UserError { code message path } ... on InvalidBundle { problems { path message } } } }"""


def bundle(**lists: Any) -> dict[str, Any]:
    return {"format": "foregraph-bundle/1", **lists}


async def do_import(database: Database, given: Any, *, key: str | None = None, dry_run: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(database, IMPORT, bundle=given, key=key, dryRun=dry_run)).data["importBundle"]
    return answer


async def test_an_import_tells_what_it_did_and_a_retry_changes_nothing(database: Database) -> None:
    """Importing is idempotent by nature."""
    given = bundle(killers=[{"id": "TK_1", "title": "The lights go out"}])
    first, again = await do_import(database, given), await do_import(database, given)

    assert first["lists"] == [{"name": "killers", "createdCount": 1, "updatedCount": 0, "unchangedCount": 0}]
    assert again["lists"] == [{"name": "killers", "createdCount": 0, "updatedCount": 0, "unchangedCount": 1}]
    assert (await ask(database, '{ killer(id: "TK_1") { title } }')).data["killer"] == {"title": "The lights go out"}


async def test_a_dry_run_writes_nothing(database: Database) -> None:
    """It tells what would be written all the same."""
    given = bundle(killers=[{"id": "TK_1", "title": "The lights go out"}])
    answer = await do_import(database, given, dry_run=True)

    assert answer["isDryRun"]
    assert answer["lists"][0]["createdCount"] == 1
    assert (await ask(database, '{ killer(id: "TK_1") { title } }')).data == {"killer": None}


async def test_a_broken_bundle_is_a_typed_answer_with_all_problems(database: Database) -> None:
    """What the client can mend is data and no error of the request."""
    given = bundle(
        killers=[{"id": "TK_1", "title": "x", "stated_probability": 1.2}, {"id": "TK_2", "title": "y"}],
        influences=[{"kind": "KILLS", "parent_id": "TK_2", "child_id": "P_404"}],
    )
    answer = await do_import(database, given)

    assert (answer["__typename"], answer["code"]) == ("InvalidBundle", "INVALID")
    assert [place_of(problem) for problem in answer["problems"]] == [
        "killers.0.stated_probability",
        "influences.0.child_id",
    ]
    assert "no claim in the bundle or the graph has the id 'P_404'" in answer["problems"][1]["message"]
    assert (await ask(database, '{ killer(id: "TK_2") { title } }')).data == {"killer": None}


@pytest.mark.parametrize("given", [[], "text", 3, {"format": "other"}])
async def test_what_is_no_bundle_is_told_so(database: Database, given: Any) -> None:
    """Any JSON may come in."""
    answer = await do_import(database, given)

    assert answer["__typename"] == "InvalidBundle"
    assert "got" in answer["problems"][0]["message"]


async def test_a_cycle_is_refused_with_its_ids(database: Database) -> None:
    """Influences form a directed acyclic graph."""
    claims = [{"id": f"S_{n}", "title": f"Scenario {n}"} for n in range(3)]
    edges = [{"kind": "PREREQUISITE_OF", "parent_id": f"S_{n}", "child_id": f"S_{(n + 1) % 3}"} for n in range(3)]
    answer = await do_import(database, bundle(scenarios=claims, influences=edges))

    assert answer["__typename"] == "InvalidBundle"
    assert all(f"S_{n}" in answer["problems"][0]["message"] for n in range(3))


async def test_a_key_counts_an_import_once(database: Database) -> None:
    """What came between stays: the second answer is the first one's, and nothing is written again."""
    given = bundle(killers=[{"id": "TK_1", "title": "The lights go out"}])
    first = await do_import(database, given, key="k")
    await do_import(database, bundle(killers=[{"id": "TK_1", "title": "The lights went out"}]))
    again = await do_import(database, given, key="k")
    other = await do_import(database, bundle(killers=[]), key="k")
    long = await do_import(database, given, key="k" * 201)

    assert again["lists"] == first["lists"]
    assert (first["isReplayed"], again["isReplayed"]) == (False, True)
    assert first["bookmark"]
    assert (await ask(database, '{ killer(id: "TK_1") { title } }')).data["killer"] == {"title": "The lights went out"}
    assert (other["__typename"], place_of(other)) == ("KeyReused", "idempotencyKey")
    assert (long["__typename"], place_of(long)) == ("Invalid", "idempotencyKey")


async def test_a_bundle_too_large_for_one_transaction_has_no_key(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes in parts, which no receipt can cover; without a key it is fine."""
    monkeypatch.setattr("graph.bundles.batches.TRANSACTION_BYTES", 1_000_000)
    given = bundle(domains=[{"id": f"d{n}"} for n in range(900)])
    refused = await do_import(database, given, key="k")
    done = await do_import(database, given)

    assert (refused["__typename"], place_of(refused)) == ("Invalid", "idempotencyKey")
    assert done["lists"] == [{"name": "domains", "createdCount": 900, "updatedCount": 0, "unchangedCount": 0}]
    assert done["bookmark"] is None
