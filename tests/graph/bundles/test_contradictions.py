"""Contradicting influences and exposures at every door, on a real server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from graph.bundles import batches, importing
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle, import_text
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import BundleError
from tests.helpers.asking import ask, place_of
from tests.helpers.bundles import bundle, claim, prediction
from tests.helpers.graph_dump import everything
from tests.helpers.mutating import mutate
from tests.helpers.processes import run, variables

Json = dict[str, Any]

NEEDS = {"kind": "PREREQUISITE_OF", "parent_id": "S_A", "child_id": "P_B", "p_if_true": 0.9, "p_if_false": 0.1}
KILLS = NEEDS | {"kind": "KILLS", "p_if_true": 0.1, "p_if_false": 0.9}
RAISES = NEEDS | {"kind": "CORRELATES_WITH", "p_if_true": 0.6, "p_if_false": 0.4}
LOWERS = NEEDS | {"kind": "CORRELATES_WITH", "p_if_true": 0.4, "p_if_false": 0.6}
UNTOLD = {"p_if_true": None, "p_if_false": None}
HELPS = {"sign": "BENEFITS", "prediction_id": "P_B", "symbol": "NVDA", "impact": 0.2}
HARMS = HELPS | {"sign": "HARMS", "impact": -0.2}

# The rows that are there, the row that comes, the property at fault (none if both agree) and parts of the message.
CASES: dict[str, tuple[list[Json], Json, str, tuple[str, ...]]] = {
    "a killer that raises": ([], KILLS | {"p_if_true": 0.9, "p_if_false": 0.1}, "p_if_true", ("0.9 and 0.1",)),
    "a prerequisite that lowers": ([], NEEDS | {"p_if_true": 0.1, "p_if_false": 0.9}, "p_if_true", ("0.1 and 0.9",)),
    "a killer beside a prerequisite": ([NEEDS], KILLS, "kind", ("KILLS (", "beside PREREQUISITE_OF (", "0.9")),
    "a prerequisite beside a killer": ([KILLS], NEEDS, "kind", ("beside KILLS (",)),
    "a killer without a table": ([NEEDS], KILLS | UNTOLD, "kind", ("KILLS (no table)",)),
    "beside a killer without a table": ([KILLS | UNTOLD], NEEDS, "kind", ("beside KILLS (no table)",)),
    "a correlate that lowers what needs": ([NEEDS], LOWERS, "p_if_true", ("0.4", "beside PREREQUISITE_OF")),
    "a correlate that raises what is killed": ([KILLS], RAISES, "p_if_true", ("0.6", "beside KILLS")),
    "a prerequisite beside a correlate that lowers": ([LOWERS], NEEDS, "kind", ("beside CORRELATES_WITH",)),
    "a harm with a gain": ([], HARMS | {"impact": 0.2}, "impact", ("at most 0", "0.2")),
    "a benefit with a loss": ([], HELPS | {"impact": -0.2}, "impact", ("at least 0", "-0.2")),
    "a harm beside a benefit": ([HELPS], HARMS, "sign", ("beside BENEFITS (impact 0.2)",)),
    "a benefit beside a harm": ([HARMS | {"impact": None}], HELPS, "sign", ("beside HARMS (no impact)",)),
    "a correlate that agrees": ([NEEDS], RAISES, "", ()),
    "a correlate without a table": ([KILLS], LOWERS | UNTOLD, "", ()),
    "a table that says nothing": ([], KILLS | {"p_if_true": 0.5, "p_if_false": 0.5}, "", ()),
    "an impact of nothing": ([], HARMS | {"impact": 0.0}, "", ()),
    "other numbers of the same row": ([KILLS], KILLS | {"p_if_true": 0.2}, "", ()),
}
every_case = pytest.mark.parametrize("name", CASES)

# Takes the row, and returns the refusal's path and message; empty where it was written.
Door = Callable[[Database, Json], Awaitable[tuple[str, str]]]


def list_of(row: Json) -> str:
    """The list that a row is of."""
    return "influences" if "kind" in row else "exposures"


def given(row: Json) -> Json:
    """A bundle's row, without what is absent."""
    return {name: value for name, value in row.items() if value is not None}


async def prepare(database: Database, rows: list[Json]) -> None:
    """Store the ends and some rows between them."""
    lists = {name: [given(row) for row in rows if list_of(row) == name] for name in ("influences", "exposures")}
    nodes = {"scenarios": [claim("S_A")], "predictions": [prediction("P_B")], "tickers": [{"symbol": "NVDA"}]}
    await import_bundle(database, bundle(**nodes, **lists))


async def by_mutation(database: Database, row: Json) -> tuple[str, str]:
    """`upsertInfluence` or `upsertExposure`."""
    names = {
        "parent_id": "parent",
        "child_id": "child",
        "p_if_true": "probabilityIfTrue",
        "p_if_false": "probabilityIfFalse",
    }
    names |= {"prediction_id": "prediction", "symbol": "ticker"}
    sent = {names.get(name, name): value for name, value in row.items()}
    mutation = "upsertInfluence" if list_of(row) == "influences" else "upsertExposure"
    answer = await mutate(database, mutation, sent)
    if answer["__typename"].endswith("Upserted"):
        return "", ""
    assert answer["__typename"] == ("Conflict" if "beside" in answer["message"] else "Invalid")
    names = {sent: name for name, sent in names.items()}
    path = str(place_of(answer)).removeprefix("input.")
    return names.get(path, path), answer["message"]


async def by_import(database: Database, row: Json) -> tuple[str, str]:
    """`importBundle`."""
    document = """mutation ($bundle: JSON!) { importBundle(input: {bundle: $bundle}) { __typename
      ... on InvalidBundle { problems { path message } } ... on UserError { message } } }"""
    sent = {"format": "foregraph-bundle/1", list_of(row): [given(row)]}
    answer = (await ask(database, document, bundle=sent)).data["importBundle"]
    if answer["__typename"] == "ImportResult":
        return "", ""
    (problem,) = answer["problems"]
    return str(place_of(problem)).removeprefix(f"{list_of(row)}.0."), problem["message"]


async def by_bundle(database: Database, row: Json) -> tuple[str, str]:
    """The import that the command line and the service share."""
    try:
        await import_text(database, json.dumps({"format": "foregraph-bundle/1", list_of(row): [given(row)]}))
    except BundleError as error:
        (problem,) = error.problems
        return problem.path.removeprefix(f"{list_of(row)}[0]."), problem.message
    return "", ""


@every_case
@pytest.mark.parametrize("door", [by_mutation, by_import, by_bundle])
async def test_a_contradiction_is_refused_at_every_door(database: Database, name: str, door: Door) -> None:
    """With the property, what was expected and what is there; nothing is written."""
    stored, row, path, parts = CASES[name]
    await prepare(database, stored)
    before = await everything(database)

    found, message = await door(database, row)

    assert found == path, message
    translated = [part.replace("p_if_true", "probabilityIfTrue") for part in parts]
    assert all(part in message for part in parts) or all(part in message for part in translated), message
    assert (await everything(database) == before) is bool(path)


@every_case
@pytest.mark.parametrize("in_parts", [False, True])
async def test_rows_of_one_bundle_contradict_each_other(
    database: Database, name: str, in_parts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is written in one transaction or in several; checked as a whole, so nothing is written."""
    stored, row, path, parts = CASES[name]
    if in_parts:
        monkeypatch.setattr(batches, "TRANSACTION_BYTES", 1)
        monkeypatch.setattr(importing, "fits_transaction", lambda *_: False)
    await prepare(database, [])
    rows = [other for other in stored if (other.get("kind"), other.get("sign")) != (row.get("kind"), row.get("sign"))]
    sent = {"format": "foregraph-bundle/1", list_of(row): [given(one) for one in [*rows, row]]}

    if not path:
        await import_text(database, json.dumps(sent))
        assert len(getattr(await export_bundle(database), list_of(row))) == len(rows) + 1
        return
    with pytest.raises(BundleError) as caught:
        await import_text(database, json.dumps(sent))
    (problem,) = caught.value.problems
    assert problem.path == f"{list_of(row)}[{len(rows)}].{path}"
    assert all(part in problem.message for part in parts), problem.message
    assert getattr(await export_bundle(database), list_of(row)) == ()


async def test_every_contradiction_of_a_bundle_is_listed(database: Database) -> None:
    """A row against its own numbers and against two others: three problems, whatever else is wrong."""
    upside_down = KILLS | {"p_if_true": 0.9, "p_if_false": 0.1}
    sent = bundle(scenarios=[claim("S_A")], predictions=[prediction("P_B")], influences=[NEEDS, RAISES, upside_down])

    with pytest.raises(BundleError) as caught:
        await import_bundle(database, sent)

    assert [problem.path for problem in caught.value.problems] == [
        "influences[2].p_if_true",
        "influences[2].kind",
        "influences[2].kind",
    ]


async def test_the_command_line_refuses_them_too(database: Database, database_address: DatabaseAddress) -> None:
    """With the exit code of a wrong bundle, and both rows in the message."""
    await prepare(database, [NEEDS, HELPS])
    sent = {"format": "foregraph-bundle/1", "influences": [KILLS], "exposures": [HARMS]}

    finished = await run("import", "-", environment=variables(database_address), given=json.dumps(sent).encode())

    assert finished.code == 2, finished.errors
    assert "influences[0].kind: expected influences of 'S_A' on 'P_B' of one sign, got KILLS" in finished.errors
    assert "exposures[0].sign: expected exposures of 'P_B' on 'NVDA' of one sign, got HARMS" in finished.errors


async def test_what_is_wrong_can_be_removed_and_replaced(database: Database) -> None:
    """The way that the message names."""
    await prepare(database, [NEEDS])
    ends = {"parent": "S_A", "child": "P_B"}

    await mutate(database, "removeInfluence", ends | {"kind": "PREREQUISITE_OF"})

    assert await by_mutation(database, KILLS) == ("", "")


async def test_two_contradicting_writes_at_once_end_with_one(database: Database) -> None:
    """Writers take turns."""
    await prepare(database, [])
    answers = await asyncio.gather(*(by_mutation(database, row) for row in (NEEDS, KILLS)))

    assert sorted(path for path, _ in answers) == ["", "kind"]
