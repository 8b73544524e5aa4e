"""What is stored right behind a write: samples at hand, moved to it; else LBP with its error, until there are some."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.inference.evidence import Direction, Strength
from graph.inference.network.auto import infer_exact_parts
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.diagnostics import Method
from graph.inference.network.exact import Budget
from graph.ledger.intake import Intake
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.network import banks
from graph.network import engine as engine_module
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from graph.outcomes.resolution import Outcome, resolve, unresolve
from graph.subjects.upserts import Change, upsert
from tests.helpers.copies import import_once
from tests.helpers.diamond import diamond
from tests.helpers.stored import read

NOW = datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)


class Draws:
    """Counts the banks that are drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        monkeypatch.setattr(banks, "draw_bank", self._draw)
        # Nothing is small enough for exact inference.
        nothing = partial(infer_exact_parts, budget=Budget(clique_claims=0, tree_entries=0, claims=0))
        monkeypatch.setattr(engine_module, "infer_exact_parts", nothing)

    def _draw(self, *arguments: Any, **options: Any) -> Bank:
        self.number += 1
        return draw_bank(*arguments, **options)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Draws:
    """No part of the network is computed exactly."""
    return Draws(monkeypatch)


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond with some evidence, in the database."""
    await import_once(database, diamond())
    await submit(database, "P_D")
    return database


async def submit(database: Database, claim_id: str) -> None:
    """Write an item of evidence."""
    await Intake(database).submit([EvidenceItem(claim_id, Direction.FOR, Strength.MODERATE)])


async def follow(database: Database, engine: Engine) -> dict[str, Any]:
    """Propagate as the service does behind a write; returns the run."""
    run: dict[str, Any] = (await propagate(database, engine, Request(is_urgent=True), now=NOW)).payload["run"]
    return run


async def refreshed(engine: Engine) -> None:
    """Wait for samples that are drawn in the background."""
    task = engine._banks.refreshing
    assert task is not None
    await task


async def assert_stored_is_exact(database: Database, abs_error: float) -> None:
    """Every stored marginal is that of exact inference, to within an error."""
    async with database.reading() as reading:
        view, beliefs = await Engine().beliefs(reading, Method.EXACT, now=NOW)
    rows = await read(
        database, "MATCH (c:Claim) WHERE c.marginal IS NOT NULL RETURN c.id AS id, c.marginal AS marginal"
    )
    found = {row["id"]: row["marginal"] for row in rows}
    assert found == pytest.approx(dict(zip(view.ids, beliefs.marginals.tolist(), strict=True)), abs=abs_error)


async def test_without_samples_lbp_is_stored_with_its_error_until_they_are_drawn(
    stored: Database, draws: Draws
) -> None:
    """The run says for how many claims; the samples' marginals take the place of LBP's."""
    engine = Engine()
    first = await follow(stored, engine)
    told = (first["method"], first["converged"], first["num_by_lbp"])
    await assert_stored_is_exact(stored, first["error_estimate"] + first["calibration_error"] + 0.001)

    await refreshed(engine)
    has_improved = engine.has_improved
    second = await follow(stored, engine)

    assert told == ("AUTO", True, 4)
    assert (has_improved, engine.has_improved, draws.number) == (True, False, 1)
    assert (second["num_by_lbp"], second["error_estimate"], second["num_samples"]) == (0, None, 16_384)
    await assert_stored_is_exact(stored, 5.0 * second["standard_error"] + second["calibration_error"] + 0.001)


async def test_samples_are_moved_behind_evidence_influences_and_outcomes(stored: Database, draws: Draws) -> None:
    """None is drawn anew, and the errors that the runs state hold."""
    engine = Engine()
    await follow(stored, engine)
    await refreshed(engine)
    influence = {"kind": "KILLS", "parent_id": "S_A", "child_id": "P_D", "p_if_true": 0.3, "p_if_false": 0.4}
    writes = [
        submit(stored, "P_C"),
        submit(stored, "P_B"),
        upsert(stored, Change("influences", influence)),
        resolve(stored, "P_B", Outcome(status=ClaimStatus.RESOLVED_TRUE)),
    ]
    for write in writes:
        await write
        run = await follow(stored, engine)
        assert (run["converged"], run["num_by_lbp"]) == (True, 0)
        await assert_stored_is_exact(stored, 5.0 * run["standard_error"] + run["calibration_error"] + 0.001)

    assert draws.number == 1


async def test_a_what_if_behind_a_write_takes_the_moved_samples(stored: Database, draws: Draws) -> None:
    """Those of SAMPLE are drawn, as every process has the same."""
    engine = Engine()
    await follow(stored, engine)
    await refreshed(engine)
    await submit(stored, "P_C")
    async with stored.reading() as reading:
        bank = await engine._banks.get(await engine._prepare(await engine.view(reading, now=NOW)))
        num_moved = draws.number
        await engine.beliefs(reading, Method.SAMPLE, now=NOW)

    assert not bank.beliefs.diagnostics.is_fresh
    assert (num_moved, draws.number) == (1, 2)


async def test_the_samples_of_the_next_hour_are_drawn_ahead(stored: Database, draws: Draws) -> None:
    """Prior marginals change with the hour, so that no sample of this hour serves then; until then they are kept."""
    engine = Engine()
    await follow(stored, engine)
    await refreshed(engine)
    later = NOW + timedelta(hours=1)
    async with stored.reading() as reading:
        await engine.prepare(reading, now=later)
    num_ahead = draws.number
    await submit(stored, "P_C")
    now = await follow(stored, engine)
    run: dict[str, Any] = (await propagate(stored, engine, Request(is_urgent=True), now=later)).payload["run"]

    assert (num_ahead, draws.number) == (2, 2)
    assert (now["num_by_lbp"], run["num_by_lbp"]) == (0, 0)


async def test_what_cannot_be_moved_is_drawn_in_the_background(stored: Database, draws: Draws) -> None:
    """Such as an outcome that is withdrawn; meanwhile LBP stands in."""
    engine = Engine()
    await resolve(stored, "P_B", Outcome(status=ClaimStatus.RESOLVED_TRUE))
    await follow(stored, engine)
    await refreshed(engine)
    await unresolve(stored, "P_B", Outcome(status=ClaimStatus.OPEN))

    meanwhile = await follow(stored, engine)
    await refreshed(engine)
    afterwards = await follow(stored, engine)

    assert (meanwhile["num_by_lbp"] > 0, afterwards["num_by_lbp"], draws.number) == (True, 0, 2)
    await assert_stored_is_exact(stored, 5.0 * afterwards["standard_error"] + afterwards["calibration_error"] + 0.001)
