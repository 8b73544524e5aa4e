"""The hour's model is there before the hour, or as soon as somebody has asked for it."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_info

from graph.database.sessions import Database
from graph.errors import ForegraphError, UnavailableError
from graph.inference.evidence import Direction
from graph.inference.network.diagnostics import Method
from graph.inference.network.errors import check_stop
from graph.inference.network.intercepts import Calibration, _find_stale, recalibrate
from graph.ledger.intake import Intake
from graph.ledger.items import EvidenceItem
from graph.network import ahead
from graph.network import engine as engine_module
from graph.network.ahead import prepare_hour, prepare_hours
from graph.network.engine import Engine
from graph.network.questions import Observation
from graph.subjects.upserts import Change, upsert
from tests.helpers.copies import import_once
from tests.helpers.diamond import diamond
from tests.helpers.drawing import Draws

NOW = datetime(2026, 6, 1, 12, 58, tzinfo=UTC)
LATER = datetime(2026, 6, 1, 13, 0, 1, tzinfo=UTC)
PATIENCE = 300.0  # longer than compiling takes on a busy machine
TRUE_A = [Observation("S_A", outcome=True)]


class Calibrations:
    """Counts the claims that each calibration has drawn anew."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.num_stale: list[int] = []
        monkeypatch.setattr(engine_module, "recalibrate", self._recalibrate)

    def _recalibrate(self, network: Any, known: Any, **options: Any) -> Calibration:
        stale = [int(_find_stale(network, one.model.network)[0].sum()) for one in known]
        self.num_stale.append(min(stale, default=network.num_claims))
        return recalibrate(network, known, **options)


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond, in the database."""
    await import_once(database, diamond())
    return database


async def ask(database: Database, engine: Engine, now: datetime) -> list[tuple[str, float]]:
    """A question at a moment."""
    async with database.reading() as reading:
        found = await engine.what_if(reading, TRUE_A, now=now)
    return [(shift.claim_id, shift.after) for shift in found.shifts]


async def test_the_first_question_of_an_hour_finds_its_model(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both calibrations come before the hour; the hour that runs keeps its own; answers are those of a new engine."""
    engine, calibrations = Engine(), Calibrations(monkeypatch)
    before = await ask(stored, engine, NOW)

    assert await prepare_hour(stored, engine, NOW)
    still = await ask(stored, engine, NOW)
    after = await ask(stored, engine, LATER)

    assert calibrations.num_stale == [4, 2]  # P_C alone has a class, and P_D hangs on it
    assert still == before
    assert after == await ask(stored, Engine(), LATER)


async def test_writes_after_the_preparation_change_no_more_than_they_have_to(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evidence nothing of the model; an influence only what is below it, for both hours."""
    engine, calibrations = Engine(), Calibrations(monkeypatch)
    await ask(stored, engine, NOW)
    await prepare_hour(stored, engine, NOW)
    calibrations.num_stale.clear()

    await Intake(stored).submit([EvidenceItem("P_C", Direction.FOR, 3.0)])
    with_evidence = await ask(stored, engine, LATER)
    assert calibrations.num_stale == []
    assert with_evidence == await ask(stored, Engine(), LATER)

    calibrations.num_stale.clear()
    table = {"kind": "PREREQUISITE_OF", "parent_id": "P_B", "child_id": "P_D", "p_if_true": 0.6, "p_if_false": 0.1}
    await upsert(stored, Change("influences", table))
    with_influence = await ask(stored, engine, LATER)
    assert calibrations.num_stale == [1]
    assert with_influence == await ask(stored, Engine(), LATER)


async def test_a_model_is_made_to_its_end_when_its_only_caller_leaves(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a network whose model takes longer than a request may does answer the next one."""
    engine, started, release, num_calibrations = Engine(), asyncio.Event(), threading.Event(), 0
    loop = asyncio.get_running_loop()

    def calibrate(network: Any, known: Any, **options: Any) -> Calibration:
        nonlocal num_calibrations
        num_calibrations += 1
        loop.call_soon_threadsafe(started.set)
        while not release.wait(0.01):
            check_stop(options["should_stop"])
        return recalibrate(network, known, **options)

    monkeypatch.setattr(engine_module, "recalibrate", calibrate)
    left = asyncio.create_task(ask(stored, engine, NOW))
    await asyncio.wait_for(started.wait(), PATIENCE)
    left.cancel()
    await asyncio.wait([left])
    release.set()
    found = await ask(stored, engine, NOW)

    assert left.cancelled()
    assert num_calibrations == 1
    assert found == await ask(stored, Engine(), NOW)


def test_products_of_arrays_take_one_thread() -> None:
    """Inferences run in threads of their own already."""
    Engine().close()

    num_threads = {Path(one["filepath"]).parent.name: one["num_threads"] for one in threadpool_info()}
    assert num_threads.get("numpy.libs", 1) == 1


async def prepare_until(database: Database, engine: Engine, end: datetime) -> None:
    """Prepare hours by a clock that moves from NOW on as it is waited for, until a moment."""
    now = NOW

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)
        if now >= end:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await prepare_hours(database, engine, on_error=fail, clock=lambda: now, sleep=sleep)


def fail(error: ForegraphError) -> None:
    """No error is expected."""
    raise AssertionError(str(error)) from error


async def test_no_bank_is_drawn_in_the_foreground_at_the_turn_of_the_hour(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question finds samples, model and estimates; the bank of the hour before is there until then."""
    await Intake(stored).submit([EvidenceItem("P_D", Direction.FOR, 3.0)])
    engine, draws, calibrations = (
        Engine(sample_patience_seconds=PATIENCE),
        Draws(monkeypatch),
        Calibrations(monkeypatch),
    )
    before = await ask(stored, engine, NOW)
    await prepare_until(stored, engine, LATER)
    two_banks = engine.num_sample_bytes
    still = await ask(stored, engine, NOW)
    drawn, calibrated = list(draws.threads), len(calibrations.num_stale)

    after = await ask(stored, engine, LATER)

    assert drawn == draws.threads == ["background"] * 2
    assert calibrated == len(calibrations.num_stale) == 2
    assert still == before
    assert after == await ask(stored, Engine(sample_patience_seconds=PATIENCE), LATER)
    assert two_banks == 2 * engine.num_sample_bytes == 2 * 4 * 16_384 // 8


async def test_the_samples_of_two_hours_stay_within_their_memory(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With memory for one bank none is drawn ahead, and this hour's is weighted to the next; with none, LBP answers."""
    await Intake(stored).submit([EvidenceItem("P_D", Direction.FOR, 3.0)])
    monkeypatch.setattr(engine_module, "MAX_FRESH_WORK", 0)
    draws = Draws(monkeypatch)
    one, none = (Engine(sample_patience_seconds=PATIENCE, max_sample_bytes=size) for size in (10_000, 1_000))
    await ask(stored, one, NOW)
    await prepare_until(stored, one, LATER)
    num_ahead = len(draws.threads)
    await ask(stored, one, LATER)
    num_later = len(draws.threads)
    async with stored.reading() as reading:
        told = (await none.what_if(reading, TRUE_A, now=NOW)).shifts

    assert (num_ahead, num_later, len(draws.threads)) == (1, 1, 1)
    assert one.num_sample_bytes == 4 * 16_384 // 8
    assert {shift.method for shift in told} == {Method.LBP}


async def test_an_hour_in_which_nobody_asks_has_none_prepared(stored: Database) -> None:
    """A service that rests does not compute."""
    assert not await prepare_hour(stored, Engine(), NOW)


async def test_each_hour_is_prepared_once_shortly_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves as it is waited for; an error is told, and the next hour is tried again."""
    now = datetime(2026, 6, 1, 12, 10, tzinfo=UTC)
    prepared: list[datetime] = []
    told: list[ForegraphError] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)
        if now.day == 2:
            raise asyncio.CancelledError

    async def prepare(_database: Database, _engine: Engine, moment: datetime) -> bool:
        prepared.append(moment)
        if moment.hour == 14:
            raise UnavailableError("gone")
        return True

    monkeypatch.setattr(ahead, "prepare_hour", prepare)
    with pytest.raises(asyncio.CancelledError):
        await prepare_hours(Any, Engine(), on_error=told.append, clock=lambda: now, sleep=sleep)  # type: ignore[arg-type] # not asked

    assert prepared == [datetime(2026, 6, 1, hour, 57, tzinfo=UTC) for hour in range(12, 24)]
    assert [str(error) for error in told] == ["gone"]
