"""The sweep and single milestones: what should have shown, once and ever."""

import asyncio
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, Unit
from graph.errors import ClosedClaimError, ConflictError, DuplicateError, FutureObservationError, NotFoundError
from graph.inference.time import time_remaining_fraction, year_window
from graph.ledger.derived import verify
from graph.model.bundle import Bundle
from graph.model.kinds import ClaimStatus
from graph.outcomes.milestones import Observation, record_milestone
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from graph.outcomes.sweep import MAX_REPORTED, SweepReport, sweep, sweep_once
from graph.sample.loading import load_sample
from graph.subjects.upserts import Change, upsert
from tests.helpers.bundles import bundle, event, prediction
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.stored import everything, read, stored

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

WEAK, MODERATE = math.log(1.5), math.log(4.0)
KAPPA = 0.6429
TRUE = Outcome(status=ClaimStatus.RESOLVED_TRUE)
AUGUST = datetime(2026, 8, 15, tzinfo=UTC)


def check_in(n: int, day: str, owner: str = "P_1", **values: object) -> dict[str, Any]:
    """A check-in."""
    return {
        "id": f"{owner}:check-in-{n}",
        "prediction_id": owner,
        "kind": "CHECK_IN",
        "label": f"Check-in {n}",
        "criterion": "A sign",
        "weight": 0.05,
        "expected_date": day,
        **values,
    }


def researched(name: str = "sign", owner: str = "P_1", **values: object) -> dict[str, Any]:
    """A researched milestone."""
    return {
        "id": f"{owner}:{name}",
        "prediction_id": owner,
        "kind": "RESEARCHED",
        "label": "A sign",
        "source_url": "https://example.com/paper",
        "range_from": "2026-05-01",
        "range_to": "2026-07-31",
        "confidence": 0.75,
        "notes": "As the paper has it.",
        **values,
    }


def chain(stated: float | None = 0.82) -> Bundle:
    """One prediction for 2026 with three check-ins, a sign and its event, and a predictor with a record elsewhere."""
    return bundle(
        predictors=[
            {"id": "ada", "name": "Ada", "record_n_resolved": 2, "record_brier": 0.03445, "record_kappa": KAPPA}
        ],
        reference_classes=[{"id": "shipping", "description": "Things that ship", "base_rate": 0.1}],
        predictions=[prediction(stated_probability=stated, predictor_id="ada", reference_class_id="shipping")],
        milestones=[
            check_in(1, "2026-03-11"),
            check_in(2, "2026-05-19"),
            check_in(3, "2026-07-27"),
            researched(),
            event(),
        ],
    )


async def ledger(database: Database) -> list[dict[str, Any]]:
    """The ledger's rows in the order of recording."""
    rows = await read(database, "MATCH (e:Evidence) RETURN properties(e) AS found ORDER BY e.recorded_at")
    return [row["found"] for row in rows]


async def test_a_sweep_marks_what_is_overdue_and_emits_each_miss(database: Database) -> None:
    """By mid-August three check-ins and the sign are overdue, the event is not: three times ln(2/3), times kappa."""
    await import_once(database, chain())

    report = await sweep(database, AUGUST)

    assert (report.num_predictions, report.num_overdue, report.num_missed) == (1, 4, 3)
    rows = await ledger(database)
    assert [row["milestone_id"] for row in rows] == [f"P_1:check-in-{n}" for n in (1, 2, 3)]
    assert [row["idempotency_key"] for row in rows] == [f"miss:P_1:check-in-{n}" for n in (1, 2, 3)]
    found = await stored(database, "P_1")
    expected = math.log(0.82 / 0.18) - 3 * KAPPA * WEAK
    assert found["inside_log_odds"] == pytest.approx(expected, rel=1e-12)
    assert found["num_evidence"] == 3
    statuses = await read(database, "MATCH (m:Milestone) RETURN m.id AS id, m.status AS status, m.due_key AS due")
    assert {row["id"]: (row["status"], row["due"]) for row in statuses} == {
        **{f"P_1:check-in-{n}": ("OVERDUE", None) for n in (1, 2, 3)},
        "P_1:sign": ("OVERDUE", None),
        "P_1:event": ("PENDING", "2026-10-05!P_1:event"),
    }


async def test_a_miss_is_the_step_of_the_seed_page(database: Database) -> None:
    """0.82 with kappa 0.6429 falls to 0.7782805072082809 inside; the row carries what the check-in was."""
    await import_once(database, chain())

    report = await sweep(database, datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC))

    (row,) = await ledger(database)
    assert row["inside_posterior"] == pytest.approx(0.7782805072082809, rel=1e-12)
    assert row["total_llr"] == pytest.approx(-0.4054651081081644, rel=1e-12)
    assert (row["kappa"], row["predictor_brier"], row["predictor_n_resolved"]) == (KAPPA, 0.03445, 2)
    recorded = row["recorded_at"].to_native()
    assert row["trf"] == time_remaining_fraction(*year_window(2026), recorded)
    assert (row["evidence_kind"], row["grace_days"], row["n_milestones"]) == ("check_in_missed", 7, 1)
    (evidence,) = (await export_bundle(database)).evidence
    (item,) = evidence.contributions
    assert (item.label, item.criterion, item.weight) == ("Check-in 1", "A sign", 0.05)
    assert (item.expected_date, item.strength, item.kappa) == (date(2026, 3, 11), "weak", KAPPA)
    assert report.misses[0]["evidence_id"] == evidence.id


@pytest.mark.parametrize(("moment", "num_missed"), [("2026-03-18T00:00:00", 0), ("2026-03-18T00:00:00.000001", 1)])
async def test_grace_is_seven_days(database: Database, moment: str, num_missed: int) -> None:
    """Due on 11 March: overdue from the first moment after the beginning of 18 March."""
    await import_once(database, chain())

    report = await sweep(database, datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert report.num_missed == num_missed


@pytest.mark.every_release
async def test_eight_sweeps_at_once_emit_each_miss_once(database: Database) -> None:
    """Each prediction is seen to under its lock, so all but one find nothing left."""
    predictions = [prediction(f"P_{n}", stated_probability=0.6) for n in range(20)]
    milestones = [event(f"P_{n}") for n in range(20)]  # the import adds three check-ins before each
    await import_bundle(database, bundle(predictions=predictions, milestones=milestones))

    reports = await asyncio.gather(*(sweep(database, AUGUST) for _ in range(8)))

    assert sum(report.num_missed for report in reports) == 60
    assert sum(report.num_overdue for report in reports) == 60
    assert len(await ledger(database)) == 60
    odds = await read(database, "MATCH (p:Prediction) RETURN p.inside_log_odds AS x, p.num_evidence AS n")
    assert {row["n"] for row in odds} == {3}
    expected = math.log(0.6 / 0.4) - 3 * WEAK
    assert [row["x"] for row in odds] == pytest.approx([expected] * 20, rel=1e-12)


async def test_a_second_sweep_finds_nothing(database: Database) -> None:
    """What a transaction has seen to is off the walk."""
    await import_once(database, chain())
    await sweep(database, AUGUST)
    before = await everything(database)

    report = await sweep(database, AUGUST)

    assert (report.num_predictions, report.num_overdue, report.num_missed) == (0, 0, 0)
    assert await everything(database) == before


@pytest.mark.parametrize("num_statements", [1, 7, 20])
async def test_a_sweep_that_was_killed_goes_on_where_it_stopped(
    database: Database, statements: StatementCounter, num_statements: int
) -> None:
    """One prediction is one transaction; what was not seen to is still on the walk."""
    rows = [prediction(f"P_{n}", stated_probability=0.6) for n in range(12)]
    await import_bundle(database, bundle(predictions=rows, milestones=[event(f"P_{n}") for n in range(12)]))
    statements.reset()
    task = asyncio.create_task(sweep(database, AUGUST))
    while len(statements.names) < num_statements:  # noqa: ASYNC110 - the counter tells nobody
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])

    await sweep(database, AUGUST)

    missed = sorted(row["milestone_id"] for row in await ledger(database))
    assert missed == sorted(f"P_{n}:check-in-{k}" for n in range(12) for k in (1, 2, 3))


async def test_closed_and_silent_predictions_are_walked_once(database: Database) -> None:
    """There is no belief to bear on, so the check-ins are marked, and seen no more."""
    await import_bundle(database, chain(stated=None))

    report = await sweep(database, AUGUST)

    assert (report.num_overdue, report.num_missed) == (4, 0)
    due = await read(database, "MATCH (m:Milestone) WHERE m.due_key IS NOT NULL RETURN m.id AS id")
    assert due == [{"id": "P_1:event"}]


async def test_a_prediction_that_is_opened_again_is_swept_again(database: Database) -> None:
    """While it was closed its misses bore on nothing; now they do."""
    await import_once(database, chain())
    await annul(database, "P_1", Outcome(status=ClaimStatus.ANNULLED))
    closed = await sweep(database, AUGUST)
    await unresolve(database, "P_1", Outcome(status=ClaimStatus.OPEN))

    opened = await sweep(database, AUGUST)

    assert (closed.num_overdue, closed.num_missed) == (4, 0)
    assert (opened.num_overdue, opened.num_missed) == (0, 3)


async def test_the_samples_misses_are_not_emitted_again(database: Database) -> None:
    """Two of D3's check-ins are in its imported ledger; by mid-August the third is due."""
    await import_once(database, load_sample())

    report = await sweep(database, AUGUST)

    assert [miss["milestone_id"] for miss in report.misses] == ["CMQ_056:check-in-3"]


async def test_a_miss_in_the_ledger_counts_though_its_check_in_says_nothing(database: Database) -> None:
    """The key on the ledger's row decides; the check-in is marked after it."""
    given = chain()
    row = {
        "id": "E_1",
        "claim_id": "P_1",
        "policy": "imported",
        "observed_at": "2026-05-02T22:07:21Z",
        "recorded_at": "2026-05-02T22:07:21Z",
        "total_llr": -0.4,
        "idempotency_key": "miss:P_1:check-in-1",
    }
    await import_bundle(database, Bundle.model_validate({**given.model_dump(), "evidence": [row]}))

    report = await sweep(database, AUGUST)

    assert [miss["milestone_id"] for miss in report.misses] == ["P_1:check-in-2", "P_1:check-in-3"]
    assert "miss_emitted_at" in await stored(database, "P_1:check-in-1")


async def test_a_dry_sweep_tells_and_keeps_nothing(database: Database) -> None:
    """Its report is that of the sweep that follows."""
    await import_once(database, chain())
    before = await everything(database)

    dry = await sweep_once(database, AUGUST, is_dry_run=True)

    assert dry.is_dry_run
    assert await everything(database) == before
    wet = await sweep_once(database, AUGUST)
    assert {**dry.payload, "misses": len(dry.payload["misses"])} == {**wet.payload, "misses": 3}


async def test_a_retried_sweep_answers_the_same(database: Database) -> None:
    """Under one key the first report stands."""
    await import_once(database, chain())

    first = await sweep_once(database, AUGUST, idempotency_key="saturday")
    second = await sweep_once(database, AUGUST, idempotency_key="saturday")

    assert second.payload == first.payload
    assert (first.is_replayed, second.is_replayed) == (False, True)


async def test_a_sweep_does_not_look_ahead(database: Database) -> None:
    """Nobody knows yet what will be missed."""
    with pytest.raises(FutureObservationError) as refusal:
        await sweep(database, datetime.now(UTC) + timedelta(days=1))

    assert refusal.value.path == "as_of"


async def test_an_empty_graph_is_swept(database: Database) -> None:
    """There is nothing to find."""
    assert (await sweep(database)).num_predictions == 0


@pytest.mark.parametrize(("outcome", "sign"), [("HIT", 1.0), ("MISSED", -1.0)])
async def test_a_researched_milestone_is_moderate_evidence_softened_by_its_confidence(
    database: Database, outcome: str, sign: float
) -> None:
    """±ln(0.75 · 4 + 0.25), times kappa."""
    await import_once(database, chain())

    is_hit = outcome == "HIT"
    seen = Observation(is_hit=is_hit, observed_on=date(2026, 7, 1), by="bob", note="Seen.")
    answered = await record_milestone(database, "P_1:sign", seen)

    expected = sign * math.log(0.75 * 4.0 + 0.25)
    recorded = answered.payload["recorded"]
    assert recorded["step"]["total_llr"] == pytest.approx(expected, rel=1e-12)
    assert recorded["step"]["total_adjusted_llr"] == pytest.approx(KAPPA * expected, rel=1e-12)
    found = await stored(database, "P_1:sign")
    assert found["status"] == outcome
    assert ("observed_date" in found) == is_hit
    assert found["notes"] == "As the paper has it.\nSeen."
    assert "due_key" not in found
    (row,) = await ledger(database)
    assert row["evidence_kind"] == ("milestone_hit" if is_hit else "milestone_missed")
    assert row["observed_at"].to_native() == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["P_1:sign", "P_1:event"])
async def test_a_day_that_has_come_further_east_is_past(database: Database, name: str) -> None:
    """The day stays as reported; what follows from it is of now at the latest, as beliefs are of moments."""
    await import_once(database, chain())
    today_on_kiritimati = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()

    tomorrow = Observation(is_hit=True, observed_on=today_on_kiritimati + timedelta(days=1))
    with pytest.raises(FutureObservationError, match="lies in the future everywhere on earth") as refusal:
        await record_milestone(database, name, tomorrow)
    await record_milestone(database, name, Observation(is_hit=True, observed_on=today_on_kiritimati))

    assert refusal.value.path == "observed_on"
    assert (await stored(database, name))["observed_date"].to_native() == today_on_kiritimati
    (row,) = await ledger(database)
    assert row["observed_at"].to_native() <= datetime.now(UTC)
    resolved_at = (await stored(database, "P_1")).get("resolved_at")
    assert resolved_at is None or resolved_at.to_native() <= datetime.now(UTC)


async def test_two_milestones_of_one_source_on_one_day_both_count(database: Database) -> None:
    """They are two observations, though one paper tells of both."""
    given = bundle(predictions=[prediction()], milestones=[researched(), researched("other"), event()])
    await import_bundle(database, given)

    for name in ("sign", "other"):
        await record_milestone(database, f"P_1:{name}", Observation(is_hit=True, observed_on=date(2026, 7, 1)))

    assert len(await ledger(database)) == 2


async def test_a_missed_check_in_counts_once_with_the_sweep(database: Database) -> None:
    """Recorded by hand before the sweep, or after it: one row."""
    await import_once(database, chain())
    by_hand = await record_milestone(database, "P_1:check-in-1", Observation(is_hit=False, by="bob"))
    report = await sweep(database, AUGUST)
    after = await record_milestone(database, "P_1:check-in-2", Observation(is_hit=False))

    assert by_hand.payload["recorded"]["step"]["total_llr"] == pytest.approx(-WEAK, rel=1e-12)
    assert [miss["milestone_id"] for miss in report.misses] == ["P_1:check-in-2", "P_1:check-in-3"]
    assert after.payload["recorded"] is None
    assert (await stored(database, "P_1:check-in-2"))["status"] == "MISSED"
    assert len(await ledger(database)) == 3


async def test_a_check_in_that_was_hit_weighs_nothing(database: Database) -> None:
    """Only its status says so, and no sweep finds it."""
    await import_once(database, chain())

    answered = await record_milestone(database, "P_1:check-in-1", Observation(is_hit=True))
    report = await sweep(database, AUGUST)

    assert answered.payload["recorded"] is None
    assert [miss["milestone_id"] for miss in report.misses] == ["P_1:check-in-2", "P_1:check-in-3"]


@pytest.mark.parametrize(("outcome", "status"), [("HIT", "RESOLVED_TRUE"), ("MISSED", "RESOLVED_FALSE")])
async def test_the_event_resolves_its_prediction(database: Database, outcome: str, status: str) -> None:
    """The prediction is that it happens."""
    await import_once(database, chain())

    seen = Observation(is_hit=outcome == "HIT", observed_on=date(2026, 9, 30), note="So it was.")
    answered = await record_milestone(database, "P_1:event", seen)

    found = await stored(database, "P_1")
    assert found["status"] == status
    assert found["resolved_at"].to_native() == datetime(2026, 9, 30, tzinfo=UTC)
    assert answered.payload["record"]["predictor_id"] == "ada"
    milestone = await stored(database, "P_1:event")
    assert (milestone["status"], milestone["notes"]) == (outcome, "So it was.")


async def test_what_cannot_be_recorded_is_refused_and_nothing_is_written(database: Database) -> None:
    """Each refusal says what stands against it."""
    given = Bundle.model_validate(
        {
            **chain().model_dump(),
            "predictions": [*chain().model_dump()["predictions"], prediction("P_2")],
            "milestones": [*chain().model_dump()["milestones"], researched(owner="P_2"), event("P_2")],
        }
    )
    await import_bundle(database, given)
    hit, missed = Observation(is_hit=True), Observation(is_hit=False)
    await record_milestone(database, "P_1:sign", hit)
    await resolve(database, "P_2", TRUE)
    before = await everything(database)

    with pytest.raises(DuplicateError):
        await record_milestone(database, "P_1:sign", hit)
    with pytest.raises(ConflictError, match="HIT"):
        await record_milestone(database, "P_1:sign", missed)
    with pytest.raises(ClosedClaimError):
        await record_milestone(database, "P_2:sign", hit)
    with pytest.raises(NotFoundError):
        await record_milestone(database, "P_9:sign", hit)
    not_come = (datetime.now(UTC) + timedelta(days=2)).date()  # tomorrow has come somewhere after ten o'clock
    with pytest.raises(FutureObservationError):
        await record_milestone(database, "P_1:event", Observation(is_hit=True, observed_on=not_come))

    assert await everything(database) == before


async def test_eight_records_of_one_milestone_count_once(database: Database) -> None:
    """Under one key they get one answer; the others are told that it is there."""
    await import_once(database, chain())
    keyed = Observation(is_hit=True, idempotency_key="k")

    answers = await asyncio.gather(*(record_milestone(database, "P_1:sign", keyed) for _ in range(8)))

    assert len({answer.payload["recorded"]["evidence_id"] for answer in answers}) == 1
    assert sum(not answer.is_replayed for answer in answers) == 1
    assert len(await ledger(database)) == 1


async def test_a_dry_record_keeps_nothing(database: Database) -> None:
    """The answer says what it would do."""
    await import_once(database, chain())
    before = await everything(database)

    answered = await record_milestone(database, "P_1:sign", Observation(is_hit=True), is_dry_run=True)

    assert answered.payload["recorded"]["after"] is not None
    assert await everything(database) == before


async def test_a_page_of_the_walk_is_one_seek(database: Database) -> None:
    """What lies ahead is not read."""
    await import_once(database, chain())

    async def work(unit: Unit) -> Any:
        return await unit.run("outcomes/list_due_milestones", after="", high="2026-05-20", limit=10)

    (page,) = await database.read(work)

    assert page["keys"] == ["2026-03-11!P_1:check-in-1", "2026-05-19!P_1:check-in-2"]


async def test_the_ledger_accounts_for_everything_and_survives_a_move(database: Database) -> None:
    """Misses, a sign, the event and a reopening: verified bit for bit, here and where the export is imported."""
    await import_once(database, chain())
    await sweep(database, AUGUST)
    await record_milestone(database, "P_1:sign", Observation(is_hit=True))
    await record_milestone(database, "P_1:event", Observation(is_hit=True, observed_on=date(2026, 9, 30)))
    assert [difference async for difference in verify(database)] == []
    await unresolve(database, "P_1", Outcome(status=ClaimStatus.OPEN))
    assert [difference async for difference in verify(database)] == []
    await resolve(database, "P_1", Outcome(status=ClaimStatus.RESOLVED_FALSE))
    assert [difference async for difference in verify(database)] == []
    before, moved = await stored(database, "P_1"), await export_bundle(database)

    await empty(database)
    await import_bundle(database, moved)

    assert await export_bundle(database) == moved
    assert [difference async for difference in verify(database)] == []
    after = await stored(database, "P_1")
    changing = {
        name for name in before if name.startswith(("posterior", "change_")) or name.endswith("probability_key")
    }
    changing |= {"created_at", "created_key", "updated_at", "updated_key"}  # moments of this graph
    assert {name: after.get(name) for name in set(before) - changing} == {
        name: before[name] for name in set(before) - changing
    }


def test_a_report_counts_everything_and_lists_the_first_misses() -> None:
    """An answer is stored and sent whole, so what it lists is limited; the numbers are not."""
    report = SweepReport(AUGUST)
    for number in range(MAX_REPORTED + 5):
        report.add({"num_overdue": 2, "misses": [{"milestone_id": f"P_{number}:m"}]})
    report.add({"num_overdue": 0, "misses": []})

    assert (report.num_predictions, report.num_overdue, report.num_missed) == (1_005, 2_010, 1_005)
    assert [miss["milestone_id"] for miss in report.misses] == [f"P_{number}:m" for number in range(MAX_REPORTED)]
    assert report.payload()["moment"] == AUGUST.isoformat()


@pytest.mark.parametrize(
    ("num_overdue", "is_dry_run", "says"),
    [
        (1, False, "1 milestone became overdue and 1 missed check-in went into the ledger, on 1 prediction"),
        (2, True, "2 milestones would become overdue and 1 missed check-in would go into the ledger, on 1 prediction"),
    ],
)
def test_a_report_is_a_sentence(num_overdue: int, says: str, *, is_dry_run: bool) -> None:
    """Counts of one are singular, and a dry run says what would happen."""
    report = SweepReport(AUGUST)
    report.add({"num_overdue": num_overdue, "misses": [{"milestone_id": "P_1:m"}]})

    assert report.summary(is_dry_run=is_dry_run) == says


@pytest.mark.parametrize("closing", ["none", "annulled", "resolved", "no probability", "reopened and resolved"])
async def test_an_export_imports_unchanged_after_a_sweep(database: Database, closing: str) -> None:
    """Whatever the sweep noted of milestones that it passed over, their rows say so too."""
    stated = None if closing == "no probability" else 0.5
    rows = [prediction("P_1", from_year=2025, stated_probability=stated)]
    await import_bundle(database, bundle(predictions=rows, milestones=[event("P_1", day="2025-10-05"), researched()]))
    if closing == "annulled":
        await annul(database, "P_1", Outcome(status=ClaimStatus.ANNULLED))
    elif "resolved" in closing:
        await resolve(database, "P_1", TRUE)
    await sweep(database)
    if closing.startswith("reopened"):
        await unresolve(database, "P_1", Outcome(status=ClaimStatus.OPEN))
        await resolve(database, "P_1", TRUE)
    exported, before = await export_bundle(database), await everything(database)

    report = await import_bundle(database, exported)

    assert report.num_changed() == 0
    assert await everything(database) == before


async def test_a_probability_stated_after_a_sweep_makes_its_misses_count(database: Database) -> None:
    """The sweep passed over them, as there was no belief to bear on."""
    rows = [prediction("P_1", from_year=2025, stated_probability=None)]
    await import_bundle(database, bundle(predictions=rows, milestones=[event("P_1", day="2025-10-05")]))
    assert (await sweep(database)).num_missed == 0

    await import_bundle(database, bundle(predictions=[prediction("P_1", from_year=2025, stated_probability=0.5)]))

    assert (await sweep(database)).num_missed == 3
    assert (await sweep(database)).num_missed == 0


async def test_what_is_put_off_is_overdue_no_longer(database: Database) -> None:
    """Seen by the sweep on its old day, and again on its new one; a miss that is in the ledger stays there."""
    await import_once(database, chain())
    await sweep(database, datetime.now(UTC))
    assert {row["status"] for row in (await stored_chain(database)).values()} == {"OVERDUE"}

    await upsert(database, Change("milestones", {"id": "P_1:event", "expected_date": date(2099, 10, 5)}))
    await import_bundle(database, bundle(milestones=[researched(range_to="2099-09-01", status="OVERDUE")]))

    moved = await stored_chain(database)
    assert {key: row["status"] for key, row in moved.items()} == {
        **{f"P_1:check-in-{n}": "OVERDUE" for n in (1, 2, 3)},
        **{f"P_1:check-in-{n}": "PENDING" for n in (4, 5, 6)},  # of the stretch to the new day
        "P_1:sign": "PENDING",
        "P_1:event": "PENDING",
    }
    assert (await sweep(database, datetime.now(UTC))).num_overdue == 0
    await upsert(database, Change("milestones", {"id": "P_1:sign", "range_to": date(2026, 9, 1)}))
    assert (await sweep(database, datetime.now(UTC))).num_overdue == 1


async def stored_chain(database: Database) -> dict[str, dict[str, Any]]:
    """The milestones by id."""
    rows = await read(database, "MATCH (m:Milestone) RETURN properties(m) AS found")
    return {row["found"]["id"]: row["found"] for row in rows}
