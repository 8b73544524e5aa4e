"""Several influences of one claim on another."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.model.rows import Influence
from graph.network.combinations import combine, count_contradictory, list_combinations
from graph.network.contradictions import list_stored_faults
from graph.network.engine import Engine
from graph.network.questions import Observation
from tests.helpers.asking import ask
from tests.helpers.bundles import bundle, claim, killing, prediction, requiring
from tests.helpers.mutating import mutate
from tests.helpers.unchecked import store_unchecked

NOW = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
NEEDS = requiring("S_A", "P_B", p_if_true=0.9, p_if_false=0.1)
RAISES = requiring("S_A", "P_B", kind="CORRELATES_WITH", p_if_true=0.6, p_if_false=0.4)


async def load(database: Database, *influences: dict[str, Any]) -> None:
    """A scenario and a prediction at even odds, as both tables imply."""
    await import_bundle(
        database,
        bundle(
            scenarios=[claim("S_A", 0.5), claim("S_C", 0.5)], predictions=[prediction("P_B")], influences=influences
        ),
    )


async def after(database: Database) -> float:
    """P(P_B) if S_A comes true; by the third law, p_if_true of the only table."""
    engine = Engine()
    async with database.reading() as reading:
        found = await engine.what_if(reading, [Observation("S_A", outcome=True)], method=Method.EXACT, now=NOW)
    engine.close()
    (shift,) = found.shifts
    return shift.after


async def test_the_network_takes_the_combined_table(database: Database) -> None:
    """Worked by hand: given the parent true, odds of 9 and 3/2 make sqrt(13.5), which is .786."""
    await load(database, NEEDS, RAISES)
    combined = combine([Influence.model_validate(row) for row in (NEEDS, RAISES)])

    assert combined is not None
    assert combined.p_if_true == pytest.approx(13.5**0.5 / (1.0 + 13.5**0.5), abs=1e-12)
    assert combined.p_if_false == pytest.approx(1.0 - combined.p_if_true, abs=1e-12)
    assert await after(database) == pytest.approx(combined.p_if_true, abs=1e-9)


async def test_one_influence_alone_counts_as_it_is(database: Database) -> None:
    """So does one beside another without a table."""
    bare = {"kind": "CORRELATES_WITH", "parent_id": "S_A", "child_id": "P_B"}
    await load(database, NEEDS, bare)

    assert combine([Influence.model_validate(row) for row in (NEEDS, bare)]) is None
    assert await after(database) == pytest.approx(0.9, abs=1e-9)


async def test_equal_tables_count_once(database: Database) -> None:
    """Who states an influence twice does not make it stronger."""
    await load(database, NEEDS, RAISES | {"p_if_true": 0.9, "p_if_false": 0.1})

    assert await after(database) == pytest.approx(0.9, abs=1e-9)


async def test_what_is_combined_is_told_with_every_answer(database: Database) -> None:
    """By the pair, its influences and the one table; nothing of pairs with one influence."""
    await load(database, NEEDS, RAISES, requiring("S_C", "P_B"))
    told = "diagnostics { influenceCount contradictoryCount combined { totalCount nodes { parent { key } child { key } "
    told += "probabilityIfTrue probabilityIfFalse isContradictory "
    told += "influences { kind probabilityIfTrue probabilityIfFalse } } } }"
    questions = {
        'whatIf(observations: [{claim: "S_A", outcome: TRUE}])': "WhatIfResult",
        'sensitivity(target: "P_B")': "SensitivityResult",
        'valueOfInformation(targets: ["P_B"])': "ValueOfInformationResult",
    }

    for question, kind in questions.items():
        document = f"{{ asked: {question} {{ ... on {kind} {{ {told} }} }} }}"
        diagnostics = (await ask(database, document)).data["asked"]["diagnostics"]
        assert (diagnostics["influenceCount"], diagnostics["contradictoryCount"]) == (3, 0)
        assert diagnostics["combined"] == {
            "totalCount": 1,
            "nodes": [
                {
                    "parent": {"key": "S_A"},
                    "child": {"key": "P_B"},
                    "probabilityIfTrue": pytest.approx(0.78606, abs=1e-5),
                    "probabilityIfFalse": pytest.approx(0.21394, abs=1e-5),
                    "isContradictory": False,
                    "influences": [
                        {"kind": "CORRELATES_WITH", "probabilityIfTrue": 0.6, "probabilityIfFalse": 0.4},
                        {"kind": "PREREQUISITE_OF", "probabilityIfTrue": 0.9, "probabilityIfFalse": 0.1},
                    ],
                }
            ],
        }


async def test_an_upsert_tells_what_it_is_combined_with(database: Database) -> None:
    """In a dry run too; the first influence of a pair has nothing beside it."""
    await load(database)
    ends = {"parent": "S_A", "child": "P_B"}
    selected = "... on InfluenceUpserted { combined { probabilityIfTrue isContradictory influences { kind } } }"
    needs = ends | {"kind": "PREREQUISITE_OF", "probabilityIfTrue": 0.9, "probabilityIfFalse": 0.1}
    raises = ends | {"kind": "CORRELATES_WITH", "probabilityIfTrue": 0.6, "probabilityIfFalse": 0.4}

    first = await mutate(database, "upsertInfluence", needs, selected)
    dry = await mutate(database, "upsertInfluence", raises, selected, dryRun=True)
    second = await mutate(database, "upsertInfluence", raises, selected, idempotencyKey="k")
    replayed = await mutate(database, "upsertInfluence", raises, selected, idempotencyKey="k")

    assert first["combined"] is None
    assert second["combined"] == {
        "probabilityIfTrue": pytest.approx(0.78606, abs=1e-5),
        "isContradictory": False,
        "influences": [{"kind": "CORRELATES_WITH"}, {"kind": "PREREQUISITE_OF"}],
    }
    assert dry["combined"] == replayed["combined"] == second["combined"]
    assert replayed["isReplayed"]


@pytest.mark.parametrize("seed", range(5))
async def test_contradictions_in_the_network_are_counted(database: Database, seed: int) -> None:
    """As many as the stored rows have, by the other route."""
    generator = np.random.default_rng(seed)
    ids = [f"P_{number}" for number in range(6)]
    await import_bundle(
        database,
        bundle(scenarios=[claim(f"S_{n}", 0.5) for n in range(3)], predictions=[prediction(key) for key in ids]),
    )
    rows = [
        make(f"S_{parent}", child, **({} if kind is None else {"kind": kind}), p_if_true=p, p_if_false=q)
        for parent in range(3)
        for child in ids
        for make, kind in ((killing, None), (requiring, None), (requiring, "CORRELATES_WITH"))
        if generator.random() < 0.4
        for p, q in [np.round(generator.uniform(0.1, 0.9, 2), 1).tolist()]
    ]
    await store_unchecked(database, influences=rows)
    engine = Engine()
    async with database.reading() as reading:
        view = await engine.view(reading, now=NOW)
        faults = await list_stored_faults(reading)
    engine.close()

    pairs = {(row.row.parent_id, row.row.child_id) for row in faults if isinstance(row.row, Influence)}
    told = {found.ends for found in list_combinations(view) if found.is_contradictory}
    several = {found.ends for found in list_combinations(view)}
    assert told == pairs & several
    assert count_contradictory(view) == expected_count(rows)


def expected_count(rows: list[dict[str, Any]]) -> int:
    """Rows against their own numbers, or against another row of the pair, one by one."""

    def sign(row: dict[str, Any]) -> int:
        of_table = int(np.sign(row["p_if_true"] - row["p_if_false"]))
        return {"KILLS": -1, "PREREQUISITE_OF": 1}.get(row["kind"], of_table)

    def is_wrong(row: dict[str, Any]) -> bool:
        own = {"KILLS": row["p_if_true"] > row["p_if_false"], "PREREQUISITE_OF": row["p_if_true"] < row["p_if_false"]}
        others = [o for o in rows if (o["parent_id"], o["child_id"]) == (row["parent_id"], row["child_id"])]
        return own.get(row["kind"], False) or any(sign(row) * sign(other) < 0 for other in others)

    return sum(map(is_wrong, rows))
