"""
Propagation runs: every claim's marginal, stored with the run that it comes from.

Marginals are stored only by a run that converged; one that did not leaves the last good ones in place and a run node
that says so. Of two runs at the same time the one that looked at the graph later prevails, whichever ends
last. They follow from what is stored already, so the graph's revision stays.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from graph.database.paging import slices
from graph.database.receipts import Answered, Payload, WriteRequest, find_answer, write_once
from graph.database.sessions import Database, Unit
from graph.errors import OversizeError
from graph.inference.network.diagnostics import Beliefs, Diagnostics, Method
from graph.model.properties import to_properties
from graph.model.rows import PropagationRun
from graph.network.engine import Engine
from graph.network.questions import DEFAULT_SAMPLING, Sampling
from graph.network.view import State, View, fetch_state

BATCH_CLAIMS: Final = 2_000
ATOMIC_CLAIMS: Final = 10_000
"""Up to so many claims one transaction stores all of a run; of more, the first ones are stored in transactions of their
own, so that no writer waits long. A run that is cut off there is made good by the next."""

LONGEST_WAIT: Final = timedelta(minutes=15)
"""Writes that never pause for the debounce time do not put propagation off for longer."""

ABSENT: Final[Mapping[str, Any]] = {"marginal": None, "marginal_as_of": None, "marginal_run_id": None}
"""What stays on a claim that takes no part is the revision at which that was so."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    What to propagate by.

    Attributes:
        method: LBP, SAMPLE or EXACT.
        sampling: For SAMPLE.
        idempotency_key: Under which a retry is known.
        is_dry_run: Do everything but keep nothing.
    """

    method: Method = Method.LBP
    sampling: Sampling = DEFAULT_SAMPLING
    idempotency_key: str | None = None
    is_dry_run: bool = False


async def propagate(database: Database, engine: Engine, request: Request, *, now: datetime | None = None) -> Answered:
    """
    Compute every claim's marginal and store it with its run; the answer says what the run was and how many it stored.

    Args:
        database: Where to.
        engine: Computes the marginals.
        request: By which method.
        now: The clock, for tests.

    Raises:
        RefusedError: The network is too large for the method, or the key stands for another request.
        BusyError: Too much is under way.
    """
    write = WriteRequest(
        mutation="propagate",
        arguments={
            "method": request.method.value,
            "samples": request.sampling.num_samples,
            "seed": request.sampling.seed,
        },
        idempotency_key=request.idempotency_key,
        is_dry_run=request.is_dry_run,
    )
    if before := await find_answer(database, write):
        return before
    run, view, entries = await _compute(database, engine, request, now)
    num_early = 0 if request.is_dry_run else max(0, len(entries) - ATOMIC_CLAIMS)
    num_stored_early = await _store_early(database, entries[:num_early], view)

    async def work(unit: Unit) -> Payload:
        num_stored = num_stored_early
        for part in slices(entries[num_early:], BATCH_CLAIMS):
            num_stored += await _store(unit, part, view)
        await unit.run("upsert/propagation_runs", rows=[to_properties(run)])
        await _note_propagated(unit, view.snapshot.state)
        return {"run": run.model_dump(mode="json"), "num_stored": num_stored}

    return await write_once(database, write, work, raises_revision=False)


async def _compute(
    database: Database, engine: Engine, request: Request, now: datetime | None
) -> tuple[PropagationRun, View, list[dict[str, Any]]]:
    started_at, started = datetime.now(UTC), time.perf_counter()
    async with database.reading() as reading:
        try:
            view, beliefs = await engine.beliefs(reading, request.method, request.sampling, now=now)
            reason = beliefs.diagnostics.reason
        except ArithmeticError as error:  # a marginal that is none: the last good ones stay
            view, beliefs = await engine.view(reading, now=now), None
            reason = f"not converged: {error}"
    run = _run(request, view, beliefs, reason, started_at, time.perf_counter() - started)
    return run, view, _entries(run, view, beliefs) if run.converged else []


def _run(
    request: Request, view: View, beliefs: Beliefs | None, reason: str, started_at: datetime, seconds: float
) -> PropagationRun:
    diagnostics: Diagnostics | None = None if beliefs is None else beliefs.diagnostics
    is_sampled = request.method is Method.SAMPLE
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
        num_samples=diagnostics.num_samples if diagnostics is not None and is_sampled else None,
        standard_error=None if diagnostics is None else diagnostics.standard_error,
        seed=request.sampling.seed if is_sampled else None,
    )


def _entries(run: PropagationRun, view: View, beliefs: Beliefs | None) -> list[dict[str, Any]]:
    """What claims' nodes keep, in the order of their ids, so that two writers do not wait for each other."""
    if beliefs is None:
        return []
    marginals = dict(zip(view.ids, beliefs.marginals.tolist(), strict=True))
    revision = {"marginal_revision": run.revision}
    stored: dict[str, Any] = {"marginal_as_of": run.as_of, "marginal_run_id": run.id} | revision
    absent = {**ABSENT, **revision}
    return [
        {"id": claim_id, "properties": stored | {"marginal": marginals[claim_id]} if claim_id in marginals else absent}
        for claim_id in view.snapshot.ids
    ]


async def _note_propagated(unit: Unit, state: State) -> None:
    await unit.run("network/set_propagated", revision=state.revision, revised_at=state.revised_at)


async def _store_early(database: Database, entries: Sequence[Mapping[str, Any]], view: View) -> int:
    num_stored = 0
    for part in slices(entries, BATCH_CLAIMS):

        async def work(unit: Unit, part: Sequence[Mapping[str, Any]] = part) -> int:
            return await _store(unit, part, view)

        num_stored += await database.write(work)
    return num_stored


async def _store(unit: Unit, entries: Sequence[Mapping[str, Any]], view: View) -> int:
    """Store a part of a run, but for what a newer one has stored; returns how many marginals that were."""
    (answer,) = await unit.run(
        "network/set_marginals", claims=list(entries), revision=view.snapshot.state.revision, as_of=view.moment
    )
    return int(answer["num_marginals"])


async def propagate_all(database: Database, engine: Engine, method: Method) -> dict[str, Any]:
    """
    As the service does it by itself: by LBP where the network is too large for the method, and no more than once for
    the same beliefs where it is too large for that too.

    Returns:
        What there is to say of it.
    """
    try:
        payload = (await propagate(database, engine, Request(method))).payload
    except OversizeError as error:
        if method is not Method.LBP:
            return await propagate_all(database, engine, Method.LBP)

        async def give_up(unit: Unit) -> None:
            await _note_propagated(unit, await fetch_state(unit))

        await database.write(give_up)
        return {"num_stored": 0, "refused": str(error)}
    run = payload["run"]
    summary = {name: run[name] for name in ("method", "revision", "converged", "reason", "num_claims")}
    return {**summary, "num_stored": payload["num_stored"]}


async def is_propagation_due(database: Database, debounce: timedelta) -> bool:
    """Whether beliefs were written since they were propagated last, and either no more for a while or for long."""

    async def work(unit: Unit) -> list[dict[str, Any]]:
        return await unit.run("network/get_due")

    rows = await database.read(work)
    if not rows or not rows[0]["is_behind"]:
        return False
    quiet, age = rows[0]["quiet_seconds"], rows[0]["age_seconds"]
    is_quiet = quiet is None or quiet >= debounce.total_seconds()
    return is_quiet or (age is not None and age >= LONGEST_WAIT.total_seconds())


async def list_runs(unit: Unit, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Runs by id."""
    rows = await unit.run("network/list_runs", ids=sorted(set(run_ids)))
    return {row["run"]["id"]: row["run"] for row in rows}


async def list_latest_runs(unit: Unit, limit: int) -> list[dict[str, Any]]:
    """The latest runs, the newest first, those that failed too."""
    return [row["run"] for row in await unit.run("network/list_latest_runs", limit=limit)]
