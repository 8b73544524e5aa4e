"""Stored are the marginals that a run computed to within the tolerance, whoever wrote before; no row for less."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.inference.evidence import Direction, Strength
from graph.inference.network.diagnostics import Beliefs, Diagnostics, Method
from graph.ledger.intake import Intake
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from graph.network.storing import NOT_KNOWN, TOLERANCE, RunKey, has_moved, list_held, tolerances_of
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from graph.subjects.deletions import delete_subject
from graph.subjects.upserts import Change, upsert
from tests.helpers.bundles import bundle, claim, killing, prediction, requiring
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter
from tests.helpers.stored import read, stored

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
NUM_CHAINS = 6
TOLD = Diagnostics(Method.SAMPLE, converged=True, reason="", seconds=0.0)


def graph() -> Any:
    """Several scenarios, each over two predictions in a row, and nothing between them."""
    numbers = range(NUM_CHAINS)
    return bundle(
        scenarios=[claim(f"S_{number}", 0.3) for number in numbers],
        predictions=[
            *(prediction(f"P_{number}") for number in numbers),
            *(prediction(f"Q_{number}") for number in numbers),
        ],
        influences=[
            *(requiring(f"S_{number}", f"P_{number}") for number in numbers),
            *(killing(f"P_{number}", f"Q_{number}") for number in numbers),
        ],
    )


@pytest.fixture
async def filled(database: Database) -> Database:
    """The chains, in the database."""
    await import_once(database, graph())
    return database


async def run(database: Database, engine: Engine, *, now: datetime = NOW, **options: Any) -> dict[str, Any]:
    """Propagate; returns the run, with the number of marginals stored."""
    payload = (await propagate(database, engine, Request(Method.LBP, **options), now=now)).payload
    return {**payload["run"], "num_stored": payload["num_stored"]}


async def submit(database: Database, claim_id: str, strength: float | Strength = Strength.STRONG) -> None:
    """Write an item of evidence."""
    await Intake(database).submit([EvidenceItem(claim_id, Direction.FOR, strength)])


async def marginals(database: Database) -> dict[str, tuple[float, str]]:
    """Stored marginals with the run that wrote them, by claim."""
    rows = await read(
        database,
        "MATCH (c:Claim) WHERE c.marginal IS NOT NULL RETURN c.id AS id, c.marginal AS marginal, "
        "c.marginal_run_id AS run_id",
    )
    return {row["id"]: (row["marginal"], row["run_id"]) for row in rows}


async def assert_is_what_the_network_says(database: Database, *, now: datetime = NOW) -> None:
    """Every claim's marginal is that of an engine that computes all anew, and claims without one have none."""
    async with database.reading() as reading:
        view, beliefs = await Engine().beliefs(reading, Method.LBP, now=now)
    expected = dict(zip(view.ids, beliefs.marginals.tolist(), strict=True))
    found = {claim_id: marginal for claim_id, (marginal, _) in (await marginals(database)).items()}

    assert found == pytest.approx(expected, abs=TOLERANCE)


def test_what_moves_by_the_tolerance_or_less_has_not_moved() -> None:
    """But an outcome that becomes known or unknown has, and so has what comes, goes or is not known."""
    less, more = 0.9 * TOLERANCE, 1.1 * TOLERANCE
    cases = [
        (0.5, 0.5 + less, False),
        (0.5, 0.5 - more, True),
        (1.0 - less, 1.0, True),
        (0.0, less, True),
        (1.0, 1.0, False),
        (np.nan, 0.5, True),
        (0.5, np.nan, True),
        (np.nan, np.nan, False),
        (NOT_KNOWN, 0.5, True),
        (NOT_KNOWN, np.nan, True),
    ]
    before, after, expected = (np.array(column) for column in zip(*cases, strict=True))

    assert_array_equal(has_moved(before, after), expected.astype(bool))


def test_a_sampled_marginal_has_moved_by_more_than_half_its_error() -> None:
    """One whose error is small by the least tolerance, and an outcome at all."""
    beliefs = Beliefs(np.array([0.5, 0.5, 1.0]), np.array([0.01, 1e-6, 0.01]), TOLD)
    after, tolerances = beliefs.marginals, tolerances_of(beliefs)

    assert_array_equal(tolerances, [0.005, TOLERANCE, 0.005])
    assert_array_equal(has_moved(after - 0.004, after, tolerances), [False, True, True])
    assert_array_equal(has_moved(after - 0.006, after, tolerances), [True, True, True])
    assert_array_equal(tolerances_of(Beliefs(after, None, TOLD)), [TOLERANCE] * 3)


@pytest.mark.statements
async def test_only_what_has_moved_is_written(filled: Database) -> None:
    """Evidence on one chain leaves the rows of the others alone; the run says how many it wrote."""
    engine = Engine()
    first = await run(filled, engine)
    await submit(filled, "Q_1")

    second = await run(filled, engine)

    writers = {claim_id: run_id for claim_id, (_, run_id) in (await marginals(filled)).items()}
    moved = {claim_id for claim_id, run_id in writers.items() if run_id == second["id"]}
    assert moved == {"S_1", "P_1", "Q_1"}
    assert {run_id for claim_id, run_id in writers.items() if claim_id not in moved} == {first["id"]}
    assert (first["num_moved"], second["num_moved"], second["num_stored"]) == (3 * NUM_CHAINS, 3, 3 * NUM_CHAINS)
    await assert_is_what_the_network_says(filled)


async def test_nothing_is_read_back_by_the_only_writer(filled: Database, statements: StatementCounter) -> None:
    """It knows what it has stored; another process does not, and reads it."""
    engine = Engine()
    await run(filled, engine)
    await submit(filled, "Q_1")
    statements.reset()
    await run(filled, engine)
    by_memory = statements.names.count("network/list_marginals")
    await submit(filled, "Q_2")
    statements.reset()
    other = await run(filled, Engine())

    assert (by_memory, statements.names.count("network/list_marginals")) == (0, 1)
    assert other["num_moved"] == 3
    await assert_is_what_the_network_says(filled)


async def test_small_moves_do_not_add_up(filled: Database) -> None:
    """Each run compares with what is stored, not with the run before."""
    engine = Engine()
    await run(filled, engine)
    writers = []
    for _ in range(12):
        await submit(filled, "Q_1", 1.0004)
        await run(filled, engine)
        writers.append((await marginals(filled))["P_1"][1])
        await assert_is_what_the_network_says(filled)

    # P_1 moves by less than the tolerance each time, and by a multiple of it in all.
    assert 1 < len(set(writers)) < len(writers)


async def test_two_processes_that_take_turns_store_what_one_would(filled: Database) -> None:
    """Neither relies on what it stored before the other."""
    engines = Engine(), Engine()
    for number in range(6):
        await submit(filled, f"Q_{number % 3}")
        await run(filled, engines[number % 2])
        await assert_is_what_the_network_says(filled)


async def test_a_claim_that_is_made_anew_gets_its_marginal(filled: Database) -> None:
    """Its row is another one than the row that the process wrote, though its id and its marginal are the same."""
    engine = Engine()
    lone = Change("scenarios", {"id": "S_lone", "title": "Lone", "stated_probability": 0.3})
    await upsert(filled, lone)
    await run(filled, engine)
    await delete_subject(filled, "Scenario", "S_lone")
    await upsert(filled, lone)

    assert (await run(filled, engine))["num_moved"] == 1
    assert (await stored(filled, "S_lone"))["marginal"] == pytest.approx(0.3)


async def test_claims_that_come_go_and_change_sides(filled: Database) -> None:
    """New ones get a marginal, annulled ones lose it, outcomes are 0 or 1, and a withdrawn outcome is none."""
    engine = Engine()
    await run(filled, engine)
    await upsert(filled, Change("scenarios", {"id": "A_first", "title": "First", "stated_probability": 0.6}))
    await annul(filled, "Q_2", Outcome(status=ClaimStatus.ANNULLED))
    await resolve(filled, "Q_3", Outcome(status=ClaimStatus.RESOLVED_TRUE))
    await run(filled, engine)
    found = await marginals(filled)
    await assert_is_what_the_network_says(filled)

    assert "Q_2" not in found
    assert found["Q_3"][0] == 1.0
    assert found["A_first"][0] == pytest.approx(0.6)
    await unresolve(filled, "Q_3", Outcome(status=ClaimStatus.OPEN))
    await run(filled, engine)
    await assert_is_what_the_network_says(filled)


async def test_an_import_is_followed(filled: Database) -> None:
    """It does not tell which claims it changed, so that stored marginals are read back."""
    engine = Engine()
    await run(filled, engine)
    await import_bundle(filled, bundle(scenarios=[claim("S_1", 0.9)], predictions=[prediction("New")]))

    await run(filled, engine)

    await assert_is_what_the_network_says(filled)


async def test_a_dry_run_leaves_what_the_process_knows(filled: Database) -> None:
    """What it would have stored is not stored."""
    engine = Engine()
    await run(filled, engine)
    await submit(filled, "Q_1")

    dry = await run(filled, engine, is_dry_run=True)
    wet = await run(filled, engine)

    assert (dry["num_moved"], wet["num_moved"]) == (3, 3)
    await assert_is_what_the_network_says(filled)


async def test_a_run_of_an_earlier_hour_stores_nothing(filled: Database) -> None:
    """Of the same revision, the later moment prevails."""
    await run(filled, Engine(), now=NOW + timedelta(hours=1))
    before = await marginals(filled)

    late = await run(filled, Engine())

    assert late["num_stored"] == 0
    assert await marginals(filled) == before


async def held(database: Database, claim_ids: list[str]) -> dict[str, tuple[str, bool]]:
    """The run that each marginal holds for, by id, and whether it is stale."""
    keys = []
    for claim_id in claim_ids:
        found = await stored(database, claim_id)
        key = RunKey(found["marginal_run_id"], found["marginal_revision"], found["marginal_as_of"].to_native())
        keys.append((claim_id, key))
    async with database.reading() as reading:
        answers = await list_held(reading, keys)
    return {claim_id: (answer.run.run_id, answer.is_stale) for claim_id, answer in zip(claim_ids, answers, strict=True)}


@pytest.mark.statements
async def test_what_was_not_written_holds_for_the_latest_run(filled: Database) -> None:
    """As it says that it did not move; and all are stale after a write."""
    engine = Engine()
    await run(filled, engine)
    await submit(filled, "Q_1")
    second = await run(filled, engine)

    fresh = await held(filled, ["P_0", "P_1"])
    await submit(filled, "Q_1")

    assert fresh == {"P_0": (second["id"], False), "P_1": (second["id"], False)}
    assert await held(filled, ["P_0", "P_1"]) == {"P_0": (second["id"], True), "P_1": (second["id"], True)}


async def test_what_is_written_after_it_was_read_is_not_said_to_hold_for_the_later_run(filled: Database) -> None:
    """A reader has the old number, so it may only name the old run; for one that has not moved, both are true."""
    engine = Engine()
    first = await run(filled, engine)
    read_before = {name: await stored(filled, name) for name in ("P_0", "P_1")}
    await submit(filled, "Q_1")
    second = await run(filled, engine)

    keys = [
        (name, RunKey(row["marginal_run_id"], row["marginal_revision"], row["marginal_as_of"].to_native()))
        for name, row in read_before.items()
    ]
    async with filled.reading() as reading:
        answers = await list_held(reading, keys)

    assert [answer.run.run_id for answer in answers] == [second["id"], first["id"]]
    assert [answer.is_stale for answer in answers] == [False, True]


BACK = """
MATCH (g:Graph {id: 'graph'})
WITH g, g.feed_place AS place
SET g = $found, g.feed_place = place
RETURN g.id
"""
"""Takes all notes on the graph back but the place of its feed."""


async def test_a_run_that_ended_before_it_noted_what_it_did_is_done_again(filled: Database) -> None:
    """Rows say which run wrote them; all others hold for the run before, until the next one has noted itself."""
    engine = Engine()
    first = await run(filled, engine)
    await submit(filled, "Q_1")
    noted = await read(filled, "MATCH (g:Graph {id: 'graph'}) RETURN properties(g) AS found")
    second = await run(filled, engine)
    await read(
        filled,
        BACK,
        found=noted[0]["found"],
    )

    meanwhile = await held(filled, ["P_0", "P_1"])
    third = await run(filled, Engine())

    assert meanwhile == {"P_0": (first["id"], True), "P_1": (second["id"], False)}
    assert third["num_moved"] == 0
    assert await held(filled, ["P_0", "P_1"]) == {"P_0": (third["id"], False), "P_1": (second["id"], False)}
    await assert_is_what_the_network_says(filled)
