"""Saved queries on a real Neo4j: versions, deletions, refusals, and runs."""

import asyncio
import io
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from graph.adhoc.limits import Wanted
from graph.adhoc.running import Adhoc
from graph.bundles.exporting import export_json
from graph.bundles.importing import import_text
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import (
    ConflictError,
    CypherSyntaxError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    RefusedCypherError,
    RefusedError,
    RefusedItemsError,
)
from graph.model.kinds import ParameterType
from graph.saved.library import list_library
from graph.saved.queries import MOST_QUERIES, MOST_VERSIONS, Draft, Origin, Parameter, SavedQuery
from graph.saved.running import SavedQueries
from graph.saved.store import delete_query, list_versions, query_of, save_query
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

CALLER = "test"
LEAST = Parameter("least", ParameterType.FLOAT, "The least probability.", 0.5)
NAMED = Draft("likely", "UNWIND [0.2, 0.6, 0.9] AS p WITH p WHERE p >= $least RETURN p", "Likely ones.", (LEAST,))


@pytest.fixture(scope="module")
async def adhoc(database_address: DatabaseAddress) -> AsyncIterator[Adhoc]:
    """Judges and runs statements."""
    async with Adhoc(database_address) as opened:
        yield opened


@pytest.fixture
async def saved(migrated_database: Database, adhoc: Adhoc) -> AsyncIterator[SavedQueries]:
    """No saved queries but the project's."""
    await empty(migrated_database)
    yield SavedQueries(migrated_database, adhoc)
    await empty(migrated_database)


async def save(saved: SavedQueries, draft: Draft, **options: Any) -> dict[str, Any]:
    """Save a query; returns the payload."""
    answered = await save_query(saved.database, saved.get_adhoc(), draft, caller=CALLER, **options)
    return answered.payload


async def run(saved: SavedQueries, name: str, version: int | None = None, **values: Any) -> list[list[Any]]:
    """The rows of a query."""
    async with saved.run(name, values, caller=CALLER, version=version) as answer:
        return [row async for batch in answer.batches() for row in batch]


async def test_a_query_is_saved_found_listed_and_run(saved: SavedQueries) -> None:
    """Its values are converted, and its default stands in for a missing one."""
    payload = await save(saved, NAMED)
    found = await saved.get("likely")

    assert query_of(payload) == found
    assert found.saved_at is not None
    assert (payload["created"], payload["changed"], found.version, found.origin) == (True, True, 1, Origin.USER)
    assert [query.name for query in await saved.list()] == sorted(["likely", *list_library()])
    assert await run(saved, "likely") == [[0.6], [0.9]]
    assert await run(saved, "likely", least="0.7") == [[0.9]]


async def test_another_text_is_another_version_and_the_same_is_none(saved: SavedQueries) -> None:
    """All versions stay as they are."""
    other = Draft("likely", "RETURN $least AS p", "Likely ones.", (LEAST,))
    first = await save(saved, NAMED)
    same = await save(saved, NAMED)
    second = await save(saved, other)
    third = await save(saved, Draft("likely", "RETURN $least AS p", "Others.", (LEAST,)))

    assert same["query"] == first["query"]
    assert (same["created"], same["changed"]) == (False, False)
    assert [payload["query"]["version"] for payload in (first, second, third)] == [1, 2, 3]
    assert await saved.get("likely", 1) == query_of(first)
    assert await run(saved, "likely", version=1, least=0.9) == [[0.9]]
    assert await run(saved, "likely", least=0.25) == [[0.25]]
    with pytest.raises(NotFoundError, match="has no version 4"):
        await saved.get("likely", 4)


@pytest.mark.parametrize("default", [1, 1.0, True, "1", None])
async def test_a_default_of_another_type_is_another_version(saved: SavedQueries, default: Any) -> None:
    """1 and true are equal in Python, and are not the same query."""
    kinds = {int: ParameterType.INTEGER, float: ParameterType.FLOAT, bool: ParameterType.BOOLEAN}
    kind = kinds.get(type(default), ParameterType.STRING)
    await save(saved, Draft("likely", "RETURN $x", "", (Parameter("x", ParameterType.INTEGER, "", 2),)))

    payload = await save(saved, Draft("likely", "RETURN $x", "", (Parameter("x", kind, "", default),)))

    assert payload["query"]["version"] == 2
    assert (await saved.get("likely")).parameters == (Parameter("x", kind, "", default, default is None),)


async def test_saving_is_idempotent_under_its_key(saved: SavedQueries) -> None:
    """A retry gets the first answer, whatever was saved since; another request under the key is refused."""
    first = await save(saved, NAMED, idempotency_key="k")
    await save(saved, Draft("likely", "RETURN 1 AS one"))
    again = await save(saved, NAMED, idempotency_key="k")

    assert again == first
    assert (await saved.get("likely")).version == 2
    with pytest.raises(KeyReusedError):
        await save(saved, Draft("likely", "RETURN 2 AS two"), idempotency_key="k")


async def test_a_dry_run_keeps_nothing(saved: SavedQueries) -> None:
    payload = await save(saved, NAMED, is_dry_run=True)

    assert payload["query"]["version"] == 1
    assert await saved.find("likely") is None


async def test_those_who_save_at_once_take_turns(saved: SavedQueries) -> None:
    """Each version is written once, and none is lost."""
    drafts = [Draft("likely", f"RETURN {number} AS number") for number in range(3)]

    payloads = await asyncio.gather(
        *(save_query(saved.database, saved.get_adhoc(), draft, caller=str(n)) for n, draft in enumerate(drafts)),
    )

    assert sorted(answered.payload["query"]["version"] for answered in payloads) == [1, 2, 3]
    versions = await saved.database.read(lambda unit: list_versions(unit, "likely"))
    assert {query.statement for query in versions} == {draft.statement for draft in drafts}


async def test_a_version_that_was_not_seen_is_not_written_over(saved: SavedQueries) -> None:
    """0 stands for none."""
    await save(saved, Draft("likely", "RETURN 1 AS one", expected_version=0))
    await save(saved, Draft("likely", "RETURN 2 AS two", expected_version=1))

    for wrong in (0, 1, 3):
        with pytest.raises(
            ConflictError, match=f"expected version {wrong} to be the latest one, and there is version 2"
        ):
            await save(saved, Draft("likely", "RETURN 3 AS three", expected_version=wrong))
    with pytest.raises(ConflictError):
        await delete_query(saved.database, "likely", expected_version=1)


async def test_a_deleted_query_is_gone_and_its_versions_stay(saved: SavedQueries) -> None:
    """Its name may be used again, and goes on from its versions."""
    await save(saved, NAMED)
    await delete_query(saved.database, "likely")

    assert await saved.find("likely") is None
    assert "likely" not in [query.name for query in await saved.list()]
    with pytest.raises(NotFoundError, match="no saved query has the name 'likely'"):
        await run(saved, "likely")
    with pytest.raises(NotFoundError):
        await delete_query(saved.database, "likely")
    again = await save(saved, NAMED)
    versions = await saved.database.read(lambda unit: list_versions(unit, "likely"))
    assert (again["created"], again["query"]["version"]) == (True, 3)
    assert [(query.version, query.is_deleted) for query in versions] == [(3, False), (2, True), (1, False)]


async def test_the_projects_own_queries_give_way_to_what_is_saved(saved: SavedQueries) -> None:
    """They are in no graph, so that nothing is overwritten, and an empty graph is empty."""
    name = "overdue-check-ins"
    own = await saved.get(name)
    assert own.origin is Origin.PROJECT
    same = await save(saved, Draft(name, own.statement, own.description, own.parameters))
    assert same["changed"] is False

    changed = await save(saved, Draft(name, "RETURN 1 AS one"))
    versions = await saved.database.read(lambda unit: list_versions(unit, name))
    await delete_query(saved.database, name)

    assert changed["query"]["version"] == own.version + 1
    assert [query.origin for query in versions] == [Origin.USER, Origin.PROJECT]
    assert name not in [query.name for query in await saved.list()]
    assert await saved.get(name, own.version) == own


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("CREATE (n:Claim) RETURN n", RefusedCypherError),
        ("MATCH (n) DETACH DELETE n", RefusedCypherError),
        ("MATCH (n) RETRUN n", CypherSyntaxError),
        ("RETURN 1 AS a; MATCH (n) DELETE n", RefusedError),
        ("CALL dbms.listConfig() YIELD name RETURN name", RefusedCypherError),
        ("LOAD CSV FROM 'https://example.org' AS line RETURN line", RefusedCypherError),
        ("  ", InvalidError),
        ("EXPLAIN RETURN 1", RefusedCypherError),
    ],
)
async def test_a_statement_is_judged_when_it_is_saved(
    saved: SavedQueries, statement: str, refusal: type[RefusedError]
) -> None:
    """As an ad-hoc one is; nothing of it is kept."""
    with pytest.raises(RefusedError) as found:
        await save(saved, Draft("likely", statement))

    assert isinstance(found.value, refusal | RefusedCypherError)
    assert await ask(saved.database, "MATCH (n:SavedQuery) RETURN count(n)") == [[0]]


async def test_a_statement_is_judged_again_when_it_runs(saved: SavedQueries) -> None:
    """One that came with a backup was never judged; and a value may make of a harmless statement a heavy one."""
    await ask(
        saved.database,
        "CREATE (:SavedQuery {name: 'evil', version: 1, statement: 'MATCH (n:SavedQuery) SET n.name = 1 RETURN n'})",
    )
    await save(saved, Draft("many", "RETURN size(range(1, $n)) AS n", "", (Parameter("n", ParameterType.INTEGER),)))

    with pytest.raises(RefusedCypherError, match="SetProperty"):
        await run(saved, "evil")
    assert await run(saved, "many", n=10) == [[10]]
    with pytest.raises(RefusedCypherError, match="range"):
        await run(saved, "many", n=10**9)
    async with saved.run("many", {"n": 10}, caller=CALLER, wanted=Wanted(max_rows=1)) as answer:
        assert answer.columns == ("n",)


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        (Draft("Likely", "RETURN 1 AS a"), "name"),
        (Draft("", "RETURN 1 AS a"), "name"),
        (Draft("-a", "RETURN 1 AS a"), "name"),
        (Draft("a.csv", "RETURN 1 AS a"), "name"),
        (Draft("../etc", "RETURN 1 AS a"), "name"),
        (Draft("<script>", "RETURN 1 AS a"), "name"),
        (Draft("a" * 65, "RETURN 1 AS a"), "name"),
        (Draft("a\n", "RETURN 1 AS a"), "name"),
        (Draft("a", "RETURN 1 AS a", "x" * 2_001), "description"),
        (Draft("a", "RETURN 1 AS a", "\x00"), "description"),
        (Draft("a\ud800", "RETURN 1 AS a"), "name"),
        (Draft("a", "RETURN 1 AS a\ud800"), "statement"),
        (
            Draft("a", "RETURN $b", parameters=(Parameter("b", ParameterType.STRING, "x" * 2_001),)),
            "parameters[0].description",
        ),
        (
            Draft("a", "RETURN $b", parameters=(Parameter("b", ParameterType.STRING, "\ud800"),)),
            "parameters[0].description",
        ),
        (Draft("a", "RETURN $b AS a"), "statement"),
        (Draft("a", "RETURN $`b c` AS a"), "statement"),
        (Draft("a", "RETURN 1 AS a", parameters=(Parameter("b", ParameterType.STRING),)), "parameters[0]"),
        (Draft("a", "RETURN '$b' AS a", parameters=(Parameter("b", ParameterType.STRING),)), "parameters[0]"),
        (Draft("a", "RETURN 1 AS a // $b", parameters=(Parameter("b", ParameterType.STRING),)), "parameters[0]"),
        (Draft("a", "RETURN $version", parameters=(Parameter("version", ParameterType.STRING),)), "parameters[0].name"),
        (
            Draft("a", "RETURN $autoint_0", parameters=(Parameter("autoint_0", ParameterType.STRING),)),
            "parameters[0].name",
        ),
        (
            Draft("a", "RETURN $b", parameters=(Parameter("b", ParameterType.INTEGER, "", "x"),)),
            "parameters[0].default",
        ),
        (
            Draft("a", "RETURN $b", parameters=(Parameter("b", ParameterType.STRING),) * 2),
            "parameters[1].name",
        ),
        (
            Draft("a", "RETURN 1", parameters=tuple(Parameter(f"p{n}", ParameterType.STRING) for n in range(21))),
            "parameters",
        ),
    ],
)
async def test_a_wrong_draft_is_refused(saved: SavedQueries, draft: Draft, path: str) -> None:
    """With the path to what is wrong."""
    with pytest.raises(RefusedError) as refusal:
        await save(saved, draft)

    faults = refusal.value.refusals if isinstance(refusal.value, RefusedItemsError) else [refusal.value]
    assert path in [fault.path for fault in faults]
    assert str(refusal.value).encode()
    assert await ask(saved.database, "MATCH (n:SavedQuery) RETURN count(n)") == [[0]]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            f"UNWIND range(1, {MOST_QUERIES}) AS i CREATE (:SavedQuery {{name: 'q' + i, version: 1, statement: 's'}})",
            "500",
        ),
        (
            f"UNWIND range(1, {MOST_VERSIONS}) AS i CREATE (:SavedQuery {{name: 'q', version: i, statement: 's'}})",
            "2,000",
        ),
    ],
)
async def test_queries_and_versions_are_bounded(saved: SavedQueries, rows: str, reason: str) -> None:
    """All of them are read for a list and for a backup."""
    await ask(saved.database, rows)

    with pytest.raises(ConflictError, match=reason):
        await save(saved, NAMED)


async def test_a_query_comes_back_from_an_export(saved: SavedQueries) -> None:
    """With its versions, defaults, moments and deletion."""
    days = Parameter("days", ParameterType.STRING_LIST, "Days.", ["a", "b"])
    await save(saved, NAMED)
    await save(saved, Draft("likely", "RETURN $least, $days AS p", "", (LEAST, days)))
    await save(saved, Draft("gone", "RETURN 1 AS one"))
    await delete_query(saved.database, "gone")

    async def dump() -> list[list[SavedQuery]]:
        return [await saved.database.read(partial(list_versions, name=name)) for name in ("likely", "gone")]

    before = await dump()
    text = io.BytesIO()
    await export_json(saved.database, text.write)
    await empty(saved.database)
    await import_text(saved.database, text.getvalue())

    assert [len(versions) for versions in before] == [2, 2]
    assert await dump() == before
