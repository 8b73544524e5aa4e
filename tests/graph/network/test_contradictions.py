"""Stored influences and exposures that contradict themselves or each other."""

import re

import pytest

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle, is_empty
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import BundleError
from graph.ledger.derived import rebuild
from graph.model.subjects import row_id
from graph.network.contradictions import list_stored_faults
from graph.network.engine import Engine
from tests.helpers.asking import ask, place_of
from tests.helpers.bundles import bundle, claim, killing, prediction, requiring
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.mutating import mutate
from tests.helpers.processes import run, variables
from tests.helpers.unchecked import store_unchecked

UPSIDE_DOWN = killing("S_A", "P_1", p_if_true=0.9, p_if_false=0.1)
EXPOSURES = [
    {"sign": "HARMS", "prediction_id": "P_1", "symbol": "NVDA", "impact": 0.2},
    {"sign": "BENEFITS", "prediction_id": "P_2", "symbol": "NVDA", "impact": 0.1},
    {"sign": "HARMS", "prediction_id": "P_2", "symbol": "NVDA", "impact": -0.1},
]


@pytest.fixture
async def old(database: Database) -> Database:
    """A graph with a row of each fault, among others that are right."""
    ids = [f"P_{number}" for number in range(6)]
    agreeing = {"kind": "CORRELATES_WITH", "parent_id": "S_A", "child_id": "P_4", "p_if_true": 0.6, "p_if_false": 0.4}
    await import_once(
        database,
        bundle(
            scenarios=[claim("S_A")],
            predictions=[prediction(key) for key in ids],
            tickers=[{"symbol": "NVDA"}, {"symbol": "TSM"}],
            influences=[requiring("S_A", "P_3"), requiring("S_A", "P_4"), agreeing],
            exposures=[{"sign": "HARMS", "prediction_id": "P_5", "symbol": "TSM", "impact": -0.1}],
        ),
    )
    influences = [UPSIDE_DOWN, requiring("S_A", "P_2", p_if_true=0.1, p_if_false=0.2), killing("S_A", "P_3")]
    await store_unchecked(database, influences=influences, exposures=EXPOSURES)
    return database


EXPECTED = [
    ("HARMS|P_1|NVDA", "impact", False),
    ("HARMS|P_2|NVDA", "sign", True),
    ("KILLS|S_A|P_1", "p_if_true", False),
    ("PREREQUISITE_OF|S_A|P_2", "p_if_true", False),
    ("PREREQUISITE_OF|S_A|P_3", "kind", True),
]


@pytest.mark.statements
@pytest.mark.parametrize("page_claims", [1, 3, 7, 8, 5_000])
async def test_every_stored_fault_is_listed_once(old: Database, page_claims: int) -> None:
    """And nothing that agrees, whatever the size of pages."""
    found = await old.read(lambda unit: list_stored_faults(unit, page_claims=page_claims))

    assert [(str(row).split()[1][:-1], row.fault.property, row.fault.is_of_pair) for row in found] == EXPECTED


async def test_a_graph_without_claims_has_none(database: Database) -> None:
    """The first page is empty."""
    assert await database.read(list_stored_faults) == []


async def test_such_a_graph_is_read_as_before(old: Database) -> None:
    """Its network is built, its beliefs are rebuilt, a page shows the rows, and its export has them."""
    async with old.reading() as reading:
        view = await Engine().view(reading)
    await rebuild(old)
    exported = await export_bundle(old)
    document = """{ prediction(id: "P_1") { incoming { nodes { kind probabilityIfTrue } }
        exposures { nodes { sign impact } } } }"""
    shown = (await ask(old, document)).data["prediction"]

    assert shown["incoming"]["nodes"] == [{"kind": "KILLS", "probabilityIfTrue": 0.9}]
    assert shown["exposures"]["nodes"] == [{"sign": "HARMS", "impact": 0.2}]
    assert view.num_influences == 6
    assert len(exported.influences) == 6
    assert len(exported.exposures) == 4


async def test_an_export_of_such_a_graph_is_refused_with_each_of_them(old: Database) -> None:
    """Nothing is imported; the problems are those that `verify` lists."""
    exported = await export_bundle(old)
    await empty(old)

    with pytest.raises(BundleError) as caught:
        await import_bundle(old, exported)

    named = {"influences": exported.influences, "exposures": exported.exposures}
    problems = [re.fullmatch(r"(\w+)\[(\d+)\]\.(\w+)", problem.path) for problem in caught.value.problems]
    found = [(row_id(named[match[1]][int(match[2])]), match[3]) for match in problems if match]
    assert sorted(found) == sorted((key, name) for key, name, _ in EXPECTED)
    assert await is_empty(old)


async def test_what_is_stored_wrong_can_be_put_right(old: Database) -> None:
    """By an upsert of the row, or by its removal; then nothing is listed of it."""
    killer = {"kind": "KILLS", "parent": "S_A", "child": "P_1", "probabilityIfTrue": 0.1, "probabilityIfFalse": 0.9}
    wrong = await mutate(old, "upsertInfluence", {"kind": "KILLS", "parent": "S_A", "child": "P_1", "lagDays": 3})
    put_right = await mutate(old, "upsertInfluence", killer)
    removed = await mutate(old, "removeExposure", {"sign": "HARMS", "prediction": "P_2", "ticker": "NVDA"})

    assert (wrong["__typename"], place_of(wrong)) == ("Invalid", "input.probabilityIfTrue")
    assert (put_right["hasChanged"], removed["__typename"]) == (True, "ExposureRemoved")
    found = await old.read(list_stored_faults)
    assert [row_id(stored.row) for stored in found] == [EXPECTED[n][0] for n in (0, 3, 4)]


async def test_verify_lists_them_and_ends_with_1(old: Database, database_address: DatabaseAddress) -> None:
    """With the row and what is wrong with it."""
    finished = await run("verify", environment=variables(database_address))
    some = await run("verify", "--most", "2", environment=variables(database_address))

    assert finished.code == some.code == 1, finished.errors
    lines = finished.output.splitlines()
    assert lines[-1] == "7 claims verified, 0 differences, 5 contradictions"
    assert [line.split(":")[0].split()[-1] for line in lines[:-1]] == [key for key, _, _ in EXPECTED]
    assert "expected an impact of at most 0" in lines[0]
    assert len(some.output.splitlines()) == 3


async def test_verify_of_what_agrees_ends_with_0(database: Database, database_address: DatabaseAddress) -> None:
    """Nothing is listed."""
    await import_bundle(database, bundle(scenarios=[claim("S_A")], predictions=[prediction()]))

    finished = await run("verify", environment=variables(database_address))

    assert (finished.code, finished.output) == (0, "2 claims verified, 0 differences, 0 contradictions\n")
