"""Samples are drawn to their end, whoever waits; until they are there, LBP answers where they take long."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest

from graph.database.sessions import Database
from graph.errors import BusyError
from graph.inference.evidence import Direction
from graph.inference.network.compounding import Exposures
from graph.inference.network.diagnostics import Method
from graph.ledger.intake import Intake
from graph.ledger.items import EvidenceItem
from graph.network import banks
from graph.network import engine as engine_module
from graph.network.engine import Engine
from graph.network.questions import Observation, WhatIf
from graph.subjects.upserts import Change, upsert
from tests.helpers.copies import import_once
from tests.helpers.diamond import diamond
from tests.helpers.drawing import Draws

NOW = datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)
PATIENCE = 300.0  # longer than compiling takes on a busy machine


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond with some evidence, in the database."""
    await import_once(database, diamond())
    await Intake(database).submit([EvidenceItem("P_D", Direction.FOR, 3.0)])
    return database


async def ask(database: Database, engine: Engine, claim: str = "S_A") -> WhatIf:
    """What if a claim came true?"""
    async with database.reading() as reading:
        return await engine.what_if(reading, [Observation(claim, outcome=True)], now=NOW)


def methods(found: WhatIf) -> set[Method]:
    """The methods that the shifts come from."""
    return {shift.method for shift in found.shifts}


async def until_drawn(engine: Engine) -> None:
    """Wait for samples that are drawn in the background."""
    task = engine._banks.refreshing
    assert task is not None
    await task


async def test_a_question_that_is_given_up_leaves_its_samples_to_the_next(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would get any under load, as each request would begin anew."""
    draws, engine = Draws(monkeypatch), Engine(sample_patience_seconds=PATIENCE)
    async with stored.reading() as reading:
        prepared = await engine._prepare(await engine.view(reading, now=NOW))
    waiting = asyncio.create_task(engine._banks.get(prepared))
    await asyncio.sleep(0)  # until it waits
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    await until_drawn(engine)

    assert methods(await ask(stored, engine)) == {Method.SAMPLE}
    assert draws.threads == ["background"]


async def test_what_takes_long_to_draw_is_not_waited_for(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """LBP answers, with its error, near what samples say once they are there; also behind a claim that is new."""
    monkeypatch.setattr(banks, "MAX_AWAITED_WORK", 0)
    monkeypatch.setattr(engine_module, "MAX_FRESH_WORK", 0)
    draws, engine = Draws(monkeypatch), Engine(sample_patience_seconds=PATIENCE)
    for expected in (1, 2):
        first = await ask(stored, engine)
        await until_drawn(engine)
        second = await ask(stored, engine)
        stated = first.basis.diagnostics.error_estimate
        assert stated is not None
        assert (methods(first), methods(second), len(draws.threads)) == ({Method.LBP}, {Method.SAMPLE}, expected)
        for shift in first.shifts:
            assert shift.delta == pytest.approx(second.shift(shift.claim_id).delta, abs=stated + 0.02)
        values = {"id": "S_new", "title": "New", "stated_probability": 0.3}
        await upsert(stored, Change("scenarios", values))


async def test_prices_wait_for_samples_or_say_that_there_are_none(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stands in for how claims depend on each other."""
    monkeypatch.setattr(banks, "MAX_AWAITED_WORK", 0)
    monkeypatch.setattr(engine_module, "PRICE_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(engine_module, "needs_samples", lambda *_: True)
    Draws(monkeypatch)
    engine = Engine(sample_patience_seconds=PATIENCE)
    found = await ask(stored, engine)
    claims = np.array([found.question.view.indices[name] for name in ("P_B", "P_D")])
    exposures = Exposures(claims, np.zeros(2, np.int64), np.array([0.1, 0.2]), 1)
    await until_drawn(engine)
    changes = await engine.compound(found, exposures)
    engine._banks._kept = None
    with pytest.raises(BusyError, match="still being drawn"):
        await engine.compound(found, exposures)

    assert changes.changes[0] > 0.0
