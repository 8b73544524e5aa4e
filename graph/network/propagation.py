"""
Propagation runs: compute every claim's marginal, and store those that have moved, with the run that they come from.

Only a run that converged stores marginals; one that did not stores its run node alone, and the previous marginals
stay. Of two concurrent runs, the one that read the later revision of the graph prevails, whichever ends last. Marginals
are derived from what is stored, so storing them does not raise the graph's revision.

A run that is interrupted leaves the graph behind its revision, so that another is due: its rows are written in one
transaction, or in several of a large network, and what was propagated is noted in a transaction after these.
"""

import asyncio
import math
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from graph.database.receipts import Answered, Payload, WriteRequest, find_answer, write_once
from graph.database.revisions import EventKind, add_events
from graph.database.sessions import Database, Unit
from graph.errors import OversizeError
from graph.inference.network.diagnostics import LBP, Beliefs, Diagnostics, Method
from graph.inference.network.structure import NO_GROUP
from graph.model.properties import to_properties
from graph.model.rows import PropagationRun
from graph.network.engine import Engine
from graph.network.fetching import fetch_state
from graph.network.grouping import family_numbers
from graph.network.questions import DEFAULT_SAMPLING, Sampling
from graph.network.storing import TOLERANCE, Computed, Part, Stored, store_part, tolerances_of
from graph.network.view import State, View

ATOMIC_CLAIMS: Final = 2_000
"""The most marginals that a run's last transaction writes, with the run node; if more have moved, the first ones are
written in transactions before it, so that no writer waits long. The next run repairs one that is interrupted there.
A claim takes the database up to 40 KB as its transaction ends, as its keys stand in many indexes."""

LONGEST_WAIT: Final = timedelta(minutes=15)
"""The most that propagation is delayed by writes that never pause for the debounce time."""

FIRST_SECONDS: Final = 0.5
"""The most that a process's first propagation counts, which reads and calibrates all; the next ones take less."""

KEPT_RUNS: Final = 1_000
"""The latest runs, which stay; of each a run is stored as often as beliefs are written and a little later."""

PURGED_RUNS: Final = 10
"""The most runs that one removes: more than come, so that those of many years of imports go by and by."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request for a propagation run.

    Attributes:
        method: The method of inference.
        sampling: The parameters of SAMPLE.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.
        is_urgent: Whether AUTO takes LBP where it has no samples at hand, with an estimate of its error.
    """

    method: Method = Method.AUTO
    sampling: Sampling = DEFAULT_SAMPLING
    idempotency_key: str | None = None
    is_dry_run: bool = False
    is_urgent: bool = False


async def propagate(database: Database, engine: Engine, request: Request, *, now: datetime | None = None) -> Answered:
    """
    Compute every claim's marginal, and store it with its run.

    Args:
        database: The database to read from and write to.
        engine: Computes the marginals.
        request: The method, the idempotency key, and whether to roll back.
        now: The current moment; that of the system's clock when absent.

    Returns:
        A payload with the `run`'s properties and `num_stored`, the number of marginals stored.

    Raises:
        OversizeError: The network is too large, or too large for the method.
        KeyReusedError: The idempotency key belongs to another request.
        BusyError: No thread became free in time, or writes keep interrupting the read.
    """
    write = WriteRequest(
        mutation="propagateBeliefs",
        arguments={
            "method": request.method.value,
            "samples": request.sampling.num_samples,
            "seed": request.sampling.seed,
            "target_error": request.sampling.target_error,
        },
        idempotency_key=request.idempotency_key,
        is_dry_run=request.is_dry_run,
    )
    if before := await find_answer(database, write):
        return before
    cost = _Cost(engine)
    run, view, computed = await _compute(database, engine, request, now)
    num_early = 0
    if computed is not None and not request.is_dry_run:
        num_early = await _store_early(database, engine, computed)
    stored: Stored | None = None

    async def work(unit: Unit) -> Payload:
        nonlocal stored
        part = None if computed is None else await _store(unit, engine, computed, np.iinfo(np.int64).max)
        stored = None if part is None else part.stored
        told = run.model_copy(update={"num_moved": None if part is None else num_early + part.num_moved})
        await unit.run("network/purge_runs", kept=KEPT_RUNS - 1, limit=PURGED_RUNS)
        await unit.run("upsert/propagation_runs", rows=[to_properties(told)])
        return {"run": told.model_dump(mode="json"), "num_stored": len(view.ids) if part is not None else 0}

    answered = await write_once(database, write, work, raises_revision=False)
    if answered.is_dry_run or answered.is_replayed:
        return answered
    if stored is not None:
        engine.stored = stored

    async def mark(unit: Unit) -> None:
        await _mark_propagated(unit, view.snapshot.state, cost.seconds(), None if stored is None else computed)
        await add_events(unit, EventKind.PROPAGATION, run_id=run.id)

    _, bookmark = await database.write_marked(mark)
    return replace(answered, bookmark=bookmark)


class _Cost:
    """Processor time of a propagation, after which it rests in proportion."""

    def __init__(self, engine: Engine) -> None:
        self._is_first = engine.is_cold
        self._began, self._processor = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """Seconds so far: the process's processor time, other requests' included, but no more than the wall time."""
        wall, processor = time.perf_counter() - self._began, time.process_time() - self._processor
        return min(wall, processor, FIRST_SECONDS if self._is_first else math.inf)


async def _compute(
    database: Database, engine: Engine, request: Request, now: datetime | None
) -> tuple[PropagationRun, View, Computed | None]:
    """Compute all marginals; returns the run, the network, and the marginals to store, None unless it converged."""
    started_at, started = datetime.now(UTC), time.perf_counter()
    engine.forget_improvement()
    async with database.reading() as reading:
        try:
            view, beliefs = await engine.beliefs(
                reading, request.method, request.sampling, is_urgent=request.is_urgent, now=now
            )
            reason = beliefs.diagnostics.reason
        except ArithmeticError as error:  # a marginal is NaN or outside [0, 1]: keep the stored ones
            view, beliefs = await engine.view(reading, now=now), None
            reason = f"not converged: {error}"
    run = _make_run(request, view, beliefs, reason, started_at, time.perf_counter() - started)
    return run, view, _to_store(run, view, beliefs) if beliefs is not None and run.converged else None


def _make_run(
    request: Request, view: View, beliefs: Beliefs | None, reason: str, started_at: datetime, seconds: float
) -> PropagationRun:
    diagnostics: Diagnostics | None = None if beliefs is None else beliefs.diagnostics
    is_sampled = diagnostics is not None and diagnostics.num_samples > 0
    return PropagationRun(
        id=f"run_{uuid.uuid4().hex}",
        method=request.method.value,
        started_at=started_at,
        revision=view.snapshot.state.revision,
        iterations=None if diagnostics is None else diagnostics.iterations,
        residual=None if diagnostics is None else diagnostics.residual,
        converged=diagnostics is not None and diagnostics.converged,
        duration_seconds=seconds,
        as_of=view.moment,
        reason=reason or None,
        num_claims=len(view.ids),
        tolerance=TOLERANCE if beliefs is None else float(tolerances_of(beliefs).max(initial=TOLERANCE)),
        num_samples=diagnostics.num_samples if diagnostics is not None and is_sampled else None,
        standard_error=None if diagnostics is None else diagnostics.standard_error,
        num_by_lbp=None if beliefs is None else _count_by_lbp(beliefs),
        error_estimate=None if diagnostics is None else diagnostics.error_estimate,
        calibration_error=None if diagnostics is None else diagnostics.calibration_error,
        seed=request.sampling.seed if is_sampled else None,
    )


def _count_by_lbp(beliefs: Beliefs) -> int:
    if beliefs.methods is not None:
        return int((beliefs.methods == LBP).sum())
    return beliefs.marginals.size if beliefs.diagnostics.method is Method.LBP else 0


def _to_store(run: PropagationRun, view: View, beliefs: Beliefs) -> Computed:
    marginals = np.full(len(view.snapshot.ids), np.nan)
    marginals[view.claims] = beliefs.marginals
    tolerances = np.full(marginals.size, TOLERANCE)
    tolerances[view.claims] = tolerances_of(beliefs)
    families = np.full(marginals.size, NO_GROUP)
    families[view.claims] = family_numbers(view.network.groups, view.network.dated.numbers)
    return Computed(run.id, view.snapshot.state, view.moment, view.snapshot.ids, marginals, tolerances, families)


async def _store(unit: Unit, engine: Engine, computed: Computed, limit: int) -> Part | None:
    return await store_part(unit, computed, engine.stored, limit=limit, mark=uuid.uuid4().hex)


async def _store_early(database: Database, engine: Engine, computed: Computed) -> int:
    """Store so many of the marginals that the last transaction has few enough left; returns how many."""
    num_moved, num_left = 0, len(computed.ids)
    while num_left > ATOMIC_CLAIMS:
        part = await database.write(lambda unit: _store(unit, engine, computed, ATOMIC_CLAIMS))
        if part is None:
            break
        engine.stored, num_left = part.stored, part.num_left
        num_moved += part.num_moved
    return num_moved


async def _mark_propagated(unit: Unit, state: State, seconds: float, held: Computed | None) -> None:
    """Note that a state was propagated, and the run that all stored marginals hold for from now on."""
    await unit.run(
        "network/set_propagated",
        revision=state.revision,
        revised_at=state.revised_at,
        seconds=seconds,
        run_id=None if held is None else held.run_id,
        as_of=None if held is None else held.as_of,
    )


async def propagate_all(
    database: Database, engine: Engine, method: Method, *, is_urgent: bool = False
) -> dict[str, Any]:
    """
    Run the scheduled propagation, by LBP if the network is too large for the method.

    If it is too large for LBP too, the revision counts as propagated, so that it is not tried again until the next
    write.

    Returns:
        A summary for the job's log: properties of the run and `num_stored`, or `num_stored` 0 and why it was
        `refused`.
    """
    cost = _Cost(engine)
    try:
        payload = (await propagate(database, engine, Request(method, is_urgent=is_urgent))).payload
    except OversizeError as error:
        if method is not Method.LBP:
            return await propagate_all(database, engine, Method.LBP)

        async def give_up(unit: Unit) -> None:
            await _mark_propagated(unit, await fetch_state(unit), cost.seconds(), None)

        await database.write(give_up)
        return {"num_stored": 0, "refused": str(error)}
    run = payload["run"]
    names = ("method", "revision", "converged", "reason", "num_claims", "num_moved", "num_by_lbp", "duration_seconds")
    summary = {name: run[name] for name in names}
    return {**summary, "num_stored": payload["num_stored"]}


async def is_propagation_due(
    database: Database, debounce: timedelta, *, rest: float = 0.0, patience: float = 0.0
) -> bool:
    """
    Whether beliefs were written since the last propagation, which has rested, and writes have paused.

    Args:
        database: The database to read from.
        debounce: The pause after the last write; none is needed once the last propagation is `LONGEST_WAIT` ago.
        rest: The time since the last propagation, as a multiple of what that took, so that propagation takes a share
            of one processor at most, however large the graph is and however often it is written.
        patience: The most seconds to wait until it is due.
    """
    deadline = time.monotonic() + patience
    while (delay := await _find_delay(database, debounce, rest)) > 0.0:
        if time.monotonic() + delay > deadline:
            return False
        await asyncio.sleep(delay)
    return True


async def _find_delay(database: Database, debounce: timedelta, rest: float) -> float:
    """Find in how many seconds propagation is due, if nothing is written meanwhile; infinity where it never is."""
    rows = await database.read(lambda unit: unit.run("network/get_due"))
    if not rows or not rows[0]["is_behind"]:
        return math.inf
    quiet: float | None = rows[0]["quiet_seconds"]
    age: float | None = rows[0]["age_seconds"]
    cost: float = rows[0]["cost_seconds"]
    pause = 0.0 if quiet is None else debounce.total_seconds() - quiet
    if age is None:
        return max(0.0, pause)
    return max(0.0, min(pause, LONGEST_WAIT.total_seconds() - age), rest * cost - age)
