"""The network of a stored graph: what a what-if answers, that it is never stale, and how work is shared and stopped."""

import asyncio
import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import (
    BusyError,
    ClosedClaimError,
    ConflictError,
    DuplicateError,
    InvalidError,
    NotFoundError,
    OversizeError,
    RefusedError,
)
from graph.inference.evidence import Direction
from graph.inference.log_odds import logit, sigmoid
from graph.inference.network.auto import ExactParts, infer_exact_parts
from graph.inference.network.diagnostics import Method
from graph.inference.network.evidence import Evidence
from graph.inference.network.exact import Budget
from graph.inference.network.intercepts import CalibratedNetwork
from graph.ledger.items import EvidenceItem
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.kinds import ClaimStatus
from graph.network.engine import Engine
from graph.network.fetching import fetch_snapshot
from graph.network.questions import LEAST_TARGET_ERROR, Observation, Sampling, WhatIf
from graph.network.view import network_moment
from graph.outcomes.resolution import Outcome, annul, resolve
from tests.helpers.asking import service_of
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter
from tests.helpers.diamond import Enumeration, diamond, reference_of_c, references

NOW = datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)
TRUE_A = [Observation("S_A", outcome=True)]


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond, in the database."""
    await import_once(database, diamond())
    return database


async def what_if(database: Database, observations: list[Observation], **options: Any) -> WhatIf:
    """What the process answers, in a read transaction of its own."""
    async with database.reading() as reading:
        return await service_of(database).engine.what_if(reading, observations, **{"now": NOW, **options})


async def add_evidence(database: Database, claim_id: str, ratio: float) -> float:
    """Evidence for a claim; returns its log-likelihood ratio."""
    await service_of(database).intake.submit([EvidenceItem(claim_id, Direction.FOR, ratio)])
    return math.log(ratio)


@pytest.mark.statements
@pytest.mark.one_release
@pytest.mark.parametrize("is_intervention", [False, True])
@pytest.mark.parametrize(
    ("method", "tolerance"),
    [(Method.AUTO, 1e-6), (Method.EXACT, 1e-6), (Method.LBP, 0.03), (Method.SAMPLE, 0.02)],
)
async def test_shifts_are_those_of_enumeration(
    stored: Database, method: Method, tolerance: float, *, is_intervention: bool
) -> None:
    """Evidence on P_C weighs by its inside view's weight; P_B is supposed."""
    llr = await add_evidence(stored, "P_C", 5.0)
    moment = network_moment(NOW)
    model = Enumeration(references(moment))
    llrs = {"P_C": reference_of_c(moment)[1] * llr}
    before = model.marginals({}, llrs)
    after = model.marginals({"P_B": True}, llrs, frozenset({"P_B"} if is_intervention else ()))

    found = await what_if(stored, [Observation("P_B", outcome=True)], method=method, is_intervention=is_intervention)

    shifts = {shift.claim_id: shift for shift in found.shifts}
    # Brought about, it says nothing of its cause, and so nothing of what else comes of that.
    assert ({"P_D"} if is_intervention else {"S_A", "P_C", "P_D"}) <= set(shifts)
    for claim, shift in shifts.items():
        assert shift.before == pytest.approx(before[claim], abs=tolerance)
        assert shift.after == pytest.approx(after[claim], abs=tolerance)
        assert shift.delta == shift.after - shift.before
    deltas = [abs(shift.delta) for shift in found.shifts]
    assert deltas == sorted(deltas, reverse=True)
    assert [(s.claim_id, s.after) for s in found.supposed] == [("P_B", 1.0)]
    assert found.supposed[0].before == pytest.approx(before["P_B"], abs=tolerance)
    assert found.basis.diagnostics.method is method
    assert (found.basis.num_claims, found.basis.num_influences, found.basis.as_of) == (4, 4, moment)


async def test_evidence_on_one_claim_alone_gives_its_own_posterior(stored: Database) -> None:
    """The network counts nothing twice: the second law."""
    llr = await add_evidence(stored, "P_D", 3.0)

    async with stored.reading() as reading:
        view, beliefs = await service_of(stored).engine.beliefs(reading, Method.EXACT, now=NOW)

    assert beliefs.marginals[view.indices["P_D"]] == pytest.approx(sigmoid(logit(0.35) + llr), abs=0.005)


async def test_a_consistent_table_is_what_observing_its_parent_gives(database: Database) -> None:
    """One parent, and a prior marginal that the table implies: the third law."""
    claims = [{"id": name, "title": name, "stated_probability": p} for name, p in (("S_A", 0.4), ("S_B", 0.5))]
    influence = {"kind": "PREREQUISITE_OF", "parent_id": "S_A", "child_id": "S_B", "p_if_true": 0.8, "p_if_false": 0.3}
    await import_bundle(
        database, Bundle.model_validate({"format": BUNDLE_FORMAT, "scenarios": claims, "influences": [influence]})
    )

    (shift,) = (await what_if(database, TRUE_A)).shifts

    assert shift.before == pytest.approx(0.5, abs=1e-9)
    assert shift.after == pytest.approx(0.8, abs=1e-9)


async def test_a_write_is_seen_by_the_next_question(
    stored: Database, database_address: DatabaseAddress, statements: StatementCounter
) -> None:
    """Whoever wrote it; and a question that finds nothing new reads one statement."""
    first = await what_if(stored, TRUE_A)
    statements.reset()
    second = await what_if(stored, TRUE_A)
    told = list(statements.names)
    async with Database.open(database_address) as other:
        await add_evidence(other, "P_D", 4.0)
        elsewhere = await what_if(other, TRUE_A)
        here = await what_if(stored, TRUE_A)

    assert told == ["database/get_revision"]
    assert second.shifts == first.shifts
    assert here.shifts == elsewhere.shifts
    assert here.shifts != first.shifts
    assert here.basis.state.revision == first.basis.state.revision + 1


async def test_a_question_asked_again_is_not_computed_again(stored: Database) -> None:
    """As for another page of its list; but after a write, at another moment, or if the question is another one."""
    first = await what_if(stored, TRUE_A)
    again = await what_if(stored, TRUE_A)
    others = [
        await what_if(stored, [Observation("S_A", outcome=False)]),
        await what_if(stored, TRUE_A, is_intervention=True),
        await what_if(stored, TRUE_A, sampling=Sampling(2_048, 7)),
    ]
    async with stored.reading() as reading:
        engine = service_of(stored).engine
        later = await engine.what_if(reading, TRUE_A, now=NOW + timedelta(hours=1))
    await add_evidence(stored, "P_D", 4.0)
    written = await what_if(stored, TRUE_A)

    assert again.question.shifts is first.question.shifts
    assert len({id(one.question.shifts) for one in (first, *others, later, written)}) == 6
    assert written.shifts != first.shifts


async def test_another_graph_of_the_same_revision_is_another(database: Database) -> None:
    """A database that was emptied and filled anew has come to the same number."""
    await import_once(database, diamond())
    first = await what_if(database, TRUE_A)
    async with database.open_session() as session:
        await (await session.run("MATCH (n) WHERE NOT n.id = 'migrations' DETACH DELETE n")).consume()
    changed = diamond().model_copy(
        update={"scenarios": (diamond().scenarios[0].model_copy(update={"stated_probability": 0.7}),)}
    )
    await import_bundle(database, changed)

    second = await what_if(database, TRUE_A)

    assert second.basis.state.revision == first.basis.state.revision
    assert second.supposed[0].before == pytest.approx(0.7, abs=1e-9)


async def test_evidence_alone_keeps_the_calibration(stored: Database) -> None:
    """Only what calibration depends on makes the model anew: not evidence, not another minute, but a stated number."""
    engine = Engine()

    async def model_after(now: datetime) -> object:
        async with stored.reading() as reading:
            prepared = await engine._prepare(await engine.view(reading, now=now))
        return prepared.model

    first = await model_after(NOW)
    await add_evidence(stored, "P_D", 4.0)
    with_evidence = await model_after(NOW.replace(minute=59))
    later = await model_after(NOW.replace(hour=13))

    assert with_evidence is first
    assert later is not first


@pytest.mark.parametrize(
    ("observations", "kind", "message"),
    [
        ([], InvalidError, "1 to 50"),
        ([("P_NONE", True)], NotFoundError, "P_NONE"),
        ([("TK_UNKNOWN", True)], InvalidError, "does not include"),
        ([("P_B", True), ("P_B", False)], ConflictError, "both outcomes"),
        ([("P_B", True), ("P_B", True)], DuplicateError, "twice"),
        ([("S_A", True)] * 51, InvalidError, "got 51"),
    ],
)
async def test_what_cannot_be_supposed_is_refused(
    stored: Database, observations: list[tuple[str, bool]], kind: type[RefusedError], message: str
) -> None:
    """With what was expected and where it stands."""
    asked = [Observation(claim, outcome=o, path=f"observations[{i}]") for i, (claim, o) in enumerate(observations)]

    with pytest.raises(kind, match=message) as refused:
        await what_if(stored, asked)

    assert refused.value.path.startswith("observations")


async def test_closed_claims_cannot_be_supposed(stored: Database) -> None:
    """A resolved one is observed already, an annulled one takes no part."""
    await resolve(stored, "P_B", Outcome(status=ClaimStatus.RESOLVED_TRUE))
    await annul(stored, "P_C", Outcome(status=ClaimStatus.ANNULLED))

    for claim, status in (("P_B", "RESOLVED_TRUE"), ("P_C", "ANNULLED")):
        with pytest.raises(ClosedClaimError, match=status):
            await what_if(stored, [Observation(claim, outcome=False)])
    found = await what_if(stored, TRUE_A, method=Method.EXACT)

    model = Enumeration(references(network_moment(NOW)))
    assert "P_B" not in {shift.claim_id for shift in found.shifts}
    assert found.basis.num_claims == 3
    assert found.supposed[0].before == pytest.approx(model.marginals({"P_B": True}, {})["S_A"], abs=0.005)


@pytest.mark.parametrize("num_samples", [0, 1_025, 1 << 20])
def test_a_number_of_samples_that_replicates_cannot_share_is_refused(num_samples: int) -> None:
    """Bits fill words."""
    with pytest.raises(InvalidError, match="multiple of 256"):
        Sampling(num_samples=num_samples)


async def test_samples_say_where_they_come_from(stored: Database) -> None:
    """The kept bank answers; an intervention on a claim with parents, or another seed, has one drawn."""
    told = (await what_if(stored, TRUE_A, method=Method.SAMPLE)).basis.diagnostics
    again = (await what_if(stored, TRUE_A, method=Method.SAMPLE)).basis.diagnostics
    drawn = await what_if(stored, [Observation("P_D", outcome=True)], method=Method.SAMPLE, is_intervention=True)
    other = await what_if(stored, TRUE_A, method=Method.SAMPLE, sampling=Sampling(2_048, 7))

    assert not told.is_fresh
    assert told.num_matching == pytest.approx(0.4 * 16_384, rel=0.1)
    assert (again.num_matching, again.standard_error) == (told.num_matching, told.standard_error)
    assert drawn.basis.diagnostics.is_fresh
    assert (other.basis.diagnostics.num_samples, other.basis.diagnostics.seed) == (2_048, 7)


async def test_a_question_beyond_the_slots_is_told_to_come_back() -> None:
    """Two at a time; who leaves gives the slot back only when the work has stopped."""
    engine = Engine(patience_seconds=0.05)
    release = threading.Event()

    def work(should_stop: Any) -> bool:
        while not (should_stop() or release.is_set()):
            time.sleep(0.005)
        return bool(should_stop())

    tasks = [asyncio.create_task(engine._slots.run(work)) for _ in range(2)]
    await asyncio.sleep(0.01)
    with pytest.raises(BusyError, match="try again"):
        await engine._slots.run(work)

    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    third = asyncio.create_task(engine._slots.run(work))
    await asyncio.sleep(0.05)
    release.set()

    assert list(await asyncio.gather(tasks[1], third)) == [False, False]


async def test_work_that_several_wait_for_stops_with_the_last_of_them() -> None:
    """Done once; one who leaves does not take it from the others."""
    engine = Engine()
    stopped = asyncio.Event()
    num_started = 0

    async def endless() -> None:
        nonlocal num_started
        num_started += 1
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    tasks = [asyncio.create_task(engine._shared.get("key", endless)) for _ in range(2)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    went_on = not stopped.is_set()
    tasks[1].cancel()
    await asyncio.wait_for(stopped.wait(), 1)

    assert (went_on, num_started) == (True, 1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_network_that_is_too_large_is_refused_with_its_size(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it fills the memory."""
    monkeypatch.setattr("graph.network.fetching.MAX_CLAIMS", 4)

    with pytest.raises(OversizeError, match="at most 4 claims") as refused:
        await what_if(stored, TRUE_A)

    assert (refused.value.size, refused.value.limit) == (5, 4)


@pytest.mark.statements
async def test_an_empty_graph_has_no_claims(database: Database) -> None:
    """And says so."""
    with pytest.raises(NotFoundError):
        await what_if(database, TRUE_A)


async def test_a_long_fetch_goes_on_in_a_new_transaction(
    stored: Database, monkeypatch: pytest.MonkeyPatch, statements: StatementCounter
) -> None:
    """In pages of one claim, each in a transaction of its own that sees the same state."""
    expected = await what_if(stored, TRUE_A)
    monkeypatch.setattr("graph.network.fetching.LONG_SECONDS", 0.0)
    statements.reset()

    async with stored.reading() as reading:
        snapshot = await fetch_snapshot(reading, page_claims=1)

    assert snapshot.state == expected.basis.state
    assert snapshot.ids == ("P_B", "P_C", "P_D", "S_A", "TK_UNKNOWN")
    assert snapshot.influences.size == 5
    assert statements.names.count("network/list_claims") == 6
    assert statements.names.count("database/get_revision") == 2


@pytest.fixture
def nothing_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of a network is small enough for exact inference."""

    def leave_all(model: CalibratedNetwork, evidence: Evidence, **options: Any) -> ExactParts:
        nothing = Budget(clique_claims=0, tree_entries=0, claims=0)
        return infer_exact_parts(model, evidence, **{**options, "budget": nothing})

    monkeypatch.setattr("graph.network.engine.infer_exact_parts", leave_all)
    monkeypatch.setattr("graph.inference.network.shifts.infer_exact_parts", leave_all)


@pytest.mark.usefixtures("nothing_exact")
@pytest.mark.parametrize("method", [Method.SAMPLE, Method.AUTO])
@pytest.mark.parametrize("is_intervention", [False, True])
@pytest.mark.parametrize("num_hours", range(24, 144, 40))
async def test_shifts_are_drawn_to_the_precision_asked_for(
    stored: Database, num_hours: int, is_intervention: bool, method: Method
) -> None:
    """At any hour, also where the marginals have it long before the differences do; not with more than needed."""
    asked: dict[str, Any] = {
        "now": NOW + timedelta(hours=num_hours),
        "method": method,
        "is_intervention": is_intervention,
    }
    rough = await what_if(stored, TRUE_A, sampling=Sampling(1_024, target_error=0.1), **asked)
    told = rough.question.shifts.diagnostics
    assert told.standard_error is not None
    target = max(LEAST_TARGET_ERROR, 0.6 * told.standard_error)
    fine = await what_if(stored, TRUE_A, sampling=Sampling(1_024, target_error=target), **asked)
    finer = fine.question.shifts.diagnostics

    assert told.num_replicates == 4
    assert 4 < finer.num_replicates <= 32
    assert finer.standard_error is not None
    assert 0.4 * target < finer.standard_error <= target
    assert fine.basis.diagnostics.precision_reached
