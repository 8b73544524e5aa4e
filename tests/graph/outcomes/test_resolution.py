"""What becomes of claims: the ledger says so, the belief stands still, the predictor's record follows."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle
from graph.database.receipts import Answered
from graph.database.sessions import Database
from graph.errors import (
    BeforeWindowError,
    BundleError,
    ClosedClaimError,
    ConflictError,
    DuplicateError,
    FutureObservationError,
    InvalidError,
    NotFoundError,
)
from graph.inference.evidence import Direction, Strength
from graph.ledger.derived import adopt_policy
from graph.ledger.items import EvidenceItem
from graph.ledger.predictor_records import list_records
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import claim_keys, probability_key
from graph.model.properties import from_properties
from graph.model.rows import Prediction
from graph.outcomes.milestones import Observation, record_milestone
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle, claim, event, prediction
from tests.helpers.stored import everything, read, stored

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

MOMENT = datetime(2026, 9, 1, 12, tzinfo=UTC)
TRUE = Outcome(status=ClaimStatus.RESOLVED_TRUE, at=MOMENT, by="ada", note="It shipped.")
FALSE = Outcome(status=ClaimStatus.RESOLVED_FALSE, at=MOMENT)
ANNULLED = Outcome(status=ClaimStatus.ANNULLED, by="bob", note="The question was wrong.")
REOPENED = Outcome(status=ClaimStatus.OPEN, by="cyd", note="It did not ship.")


async def load(database: Database, stated: Sequence[float | None] = (0.8, 0.83, 0.8), *, is_due: bool = False) -> None:
    """Predictions of one predictor's, each with its event; due by now, so that outcomes count, or not."""
    window = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-10-01T00:00:00Z"} if is_due else {}
    rows = [prediction(f"P_{n}", stated_probability=p, predictor_id="ada", **window) for n, p in enumerate(stated, 1)]
    await import_bundle(
        database,
        bundle(
            predictors=[{"id": "ada", "name": "Ada"}],
            predictions=rows,
            scenarios=[claim("S_1")],
            killers=[claim("TK_1")],
            milestones=[event(f"P_{n}") for n in range(1, len(stated) + 1)],
        ),
    )


async def test_a_record_follows_the_predictions_that_are_resolved(database: Database) -> None:
    """Stated 0.80 and 0.83, both true, give kappa 0.6429 and Brier 0.03445; a third at 0.80 gives 0.6875 and 0.0363."""
    await load(database, is_due=True)

    first = (await resolve(database, "P_1", TRUE)).payload["record"]
    second = (await resolve(database, "P_2", TRUE)).payload["record"]
    third = (await resolve(database, "P_3", TRUE)).payload["record"]

    assert first["before"]["kappa"] == 0.5
    assert first["before"]["n_resolved"] == 0
    assert second["before"] == first["after"]
    assert second["after"]["kappa"] == 0.6429
    assert second["after"]["brier"] == pytest.approx(0.03445, abs=1e-12)
    assert third["after"]["kappa"] == 0.6875
    assert round(third["after"]["brier"], 4) == 0.0363
    found = await stored(database, "ada")
    assert {name: found[name] for name in third["after"]} == third["after"]


async def test_a_resolution_is_a_ledger_row_that_weighs_nothing(database: Database) -> None:
    """The ledger tells who found so, when and why; the belief is what it was."""
    await load(database)

    answered = await resolve(database, "P_1", TRUE)

    row = await stored(database, answered.payload["evidence_id"])
    assert row["evidence_kind"] == "resolution"
    assert (row["submitted_by"], row["note"], row["policy"]) == ("ada", "It shipped.", "foregraph-1")
    assert row["observed_at"].to_native() == MOMENT
    assert (row["total_llr"], row["total_adjusted_llr"], row["kappa"]) == (0.0, 0.0, 1.0)
    assert row["prior_inside_log_odds"] == row["inside_log_odds"] == row["posterior_logit"]
    found = await stored(database, "P_1")
    assert (found["status"], found["num_evidence"]) == ("RESOLVED_TRUE", 1)
    assert found["resolved_at"].to_native() == MOMENT
    assert answered.payload["after"]["as_of"] == MOMENT.isoformat()


@pytest.mark.parametrize("outcome", [TRUE, FALSE])
async def test_all_page_keys_follow(database: Database, outcome: Outcome) -> None:
    """They equal those of the row as it stands, made anew."""
    await load(database)

    await resolve(database, "P_1", outcome)

    found = await stored(database, "P_1")
    row = from_properties(Prediction, {name: _native(value) for name, value in found.items()})
    keys = {**claim_keys(row), "probability_key": probability_key(row.id, found["posterior"])}
    assert {name: found.get(name) for name in keys} == keys
    assert found["record_key"].startswith("ada!2026-09-01")


async def test_evidence_before_a_resolution_keeps_its_kappa(database: Database) -> None:
    """A record bears on later evidence only."""
    await load(database, is_due=True)
    before = await service_of(database).intake.submit([_item("P_3")])
    await resolve(database, "P_1", TRUE)
    await resolve(database, "P_2", TRUE)
    after = await service_of(database).intake.submit([_item("P_3")])

    assert before.payload["items"][0]["step"]["kappa"] == 0.5
    assert (await stored(database, before.payload["items"][0]["evidence_id"]))["kappa"] == 0.5
    assert after.payload["items"][0]["step"]["kappa"] == 0.6429


@pytest.mark.parametrize(("outcome", "status", "day"), [(TRUE, "HIT", "2026-09-01"), (FALSE, "MISSED", None)])
async def test_the_event_shares_the_outcome(database: Database, outcome: Outcome, status: str, day: str | None) -> None:
    """The prediction is that it happens; opened again, it is pending again."""
    await load(database)

    await resolve(database, "P_1", outcome)
    closed = await stored(database, "P_1:event")
    await unresolve(database, "P_1", REOPENED)
    opened = await stored(database, "P_1:event")

    assert closed["status"] == status
    assert (str(closed["observed_date"]) if "observed_date" in closed else None) == day
    assert "due_key" not in closed
    assert (opened["status"], "observed_date" in opened) == ("PENDING", False)
    assert opened["due_key"] == "2026-10-05!P_1:event"


async def test_opening_again_restores_the_record_and_the_belief(database: Database) -> None:
    """What remains is two rows that weigh nothing."""
    await load(database)
    before, ada = await stored(database, "P_1"), await stored(database, "ada")

    await resolve(database, "P_1", TRUE)
    answered = await unresolve(database, "P_1", REOPENED)

    after = await stored(database, "P_1")
    assert (after["status"], after["num_evidence"], "resolved_at" in after) == ("OPEN", 2, False)
    assert after["inside_log_odds"] == pytest.approx(before.get("inside_log_odds", after["inside_log_odds"]))
    assert "record_key" not in after
    assert answered.payload["record"]["after"] == answered.payload["record"]["before"] | {
        "kappa": 0.5,
        "n_resolved": 0,
        "brier": None,
    }
    assert (await stored(database, "ada")).get("n_resolved", 0) == ada.get("n_resolved", 0)
    kinds = await read(database, "MATCH (e:Evidence) RETURN e.evidence_kind AS kind ORDER BY e.recorded_at")
    assert [row["kind"] for row in kinds] == ["resolution", "reopening"]


async def test_what_is_annulled_counts_in_no_record(database: Database) -> None:
    """An annulled prediction has no outcome."""
    await load(database)
    await resolve(database, "P_1", TRUE)

    answered = await annul(database, "P_2", ANNULLED)

    assert answered.payload["record"]["after"] == answered.payload["record"]["before"]
    found = await stored(database, "P_2")
    assert (found["status"], "record_key" in found) == ("ANNULLED", False)
    assert (await stored(database, "P_2:event"))["status"] == "PENDING"
    assert (await stored(database, answered.payload["evidence_id"]))["evidence_kind"] == "annulment"


@pytest.mark.parametrize("claim_id", ["S_1", "TK_1"])
async def test_scenarios_and_killers_resolve_too(database: Database, claim_id: str) -> None:
    """They have no predictor, so no record follows."""
    await load(database)

    answered = await resolve(database, claim_id, TRUE)
    await unresolve(database, claim_id, REOPENED)
    await annul(database, claim_id, ANNULLED)

    assert answered.payload["record"] is None
    assert (await stored(database, claim_id))["status"] == "ANNULLED"


async def test_a_claim_without_a_stated_probability_resolves(database: Database) -> None:
    """There is no belief to stand still, and nothing to score."""
    await load(database, [None])

    answered = await resolve(database, "P_1", TRUE)

    assert (answered.payload["step"], answered.payload["before"], answered.payload["after"]) == (None, None, None)
    assert answered.payload["record"]["after"]["n_resolved"] == 0


async def test_what_cannot_be_is_refused_and_nothing_is_written(database: Database) -> None:
    """Each refusal says what stands against it."""
    await load(database)
    await resolve(database, "P_1", TRUE)
    before = await everything(database)
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    with pytest.raises(ClosedClaimError, match="reopenClaim"):
        await resolve(database, "P_1", FALSE)
    with pytest.raises(ClosedClaimError):
        await annul(database, "P_1", ANNULLED)
    with pytest.raises(ConflictError, match="open"):
        await unresolve(database, "P_2", REOPENED)
    with pytest.raises(FutureObservationError) as ahead:
        await resolve(database, "P_2", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=tomorrow))
    with pytest.raises(NotFoundError) as unknown:
        await resolve(database, "P_9", TRUE)
    with pytest.raises(InvalidError) as wrong:
        await resolve(database, "P_2", Outcome(status=ClaimStatus.RESOLVED_TRUE, note="\x00"))

    assert (ahead.value.path, unknown.value.path, wrong.value.path) == ("resolved_at", "claim", "note")
    assert await everything(database) == before


async def test_a_retry_counts_once(database: Database) -> None:
    """Under one key the answer is the same, and the ledger has one row; an imported row's key is taken."""
    await load(database)
    keyed = Outcome(status=ClaimStatus.RESOLVED_TRUE, at=MOMENT, idempotency_key="k")

    first, second = await resolve(database, "P_1", keyed), await resolve(database, "P_1", keyed)

    assert second.payload == first.payload
    assert (first.is_replayed, second.is_replayed) == (False, True)
    assert await read(database, "MATCH (e:Evidence) RETURN e.idempotency_key AS key") == [{"key": "k"}]


async def test_a_key_that_an_imported_row_holds_is_taken(database: Database) -> None:
    """A key stands on one row of the ledger."""
    rows = [
        {
            "id": "E_1",
            "claim_id": "P_1",
            "policy": "imported",
            "observed_at": "2026-05-02T22:07:21Z",
            "recorded_at": "2026-05-02T22:07:21Z",
            "total_llr": 0.0,
            "idempotency_key": "k",
        }
    ]
    await import_bundle(database, bundle(predictions=[prediction()], evidence=rows))

    with pytest.raises(DuplicateError, match="E_1"):
        await resolve(database, "P_1", Outcome(status=ClaimStatus.RESOLVED_TRUE, idempotency_key="k"))


@pytest.mark.parametrize("write", [resolve, annul])
async def test_a_dry_run_tells_and_keeps_nothing(database: Database, write: Any) -> None:
    """The graph is what it was, derived values included."""
    await load(database, is_due=True)
    before = await everything(database)
    outcome = TRUE if write is resolve else ANNULLED

    answered = await write(database, "P_1", outcome, is_dry_run=True)

    assert answered.is_dry_run
    assert answered.payload["record"]["after"]["n_resolved"] == (1 if write is resolve else 0)
    after = await everything(database)
    assert after == before


async def test_evidence_and_an_outcome_at_once_take_turns(database: Database) -> None:
    """Whatever comes after the outcome is refused; whatever came before counts."""
    await load(database)

    answers = await asyncio.gather(
        *(service_of(database).intake.submit([_item("P_1")]) for _ in range(12)),
        resolve(database, "P_1", TRUE),
        *(service_of(database).intake.submit([_item("P_1")]) for _ in range(12)),
        return_exceptions=True,
    )

    taken = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert all(isinstance(answer, Answered | ClosedClaimError) for answer in answers)
    rows = await read(
        database, "MATCH (e:Evidence) RETURN e.evidence_kind AS kind, e.inside_log_odds AS after ORDER BY e.ledger_key"
    )
    assert [row["kind"] for row in rows] == ["submitted"] * (len(taken) - 1) + ["resolution"]
    found = await stored(database, "P_1")
    assert (found["num_evidence"], found["inside_log_odds"]) == (len(taken), rows[-1]["after"])
    assert found["inside_log_odds"] == pytest.approx(math.log(4.0) + 0.5 * math.log(1.5) * (len(taken) - 1), rel=1e-12)


async def test_resolutions_of_one_predictor_at_once_all_count(database: Database) -> None:
    """Each waits for the record of the one before."""
    await load(database, [0.6 + n / 100 for n in range(16)], is_due=True)

    answers = await asyncio.gather(*(resolve(database, f"P_{n}", TRUE) for n in range(1, 17)))

    assert sorted(answer.payload["record"]["after"]["n_resolved"] for answer in answers) == list(range(1, 17))
    assert (await stored(database, "ada"))["n_resolved"] == 16


@pytest.mark.parametrize("policy", ["foregraph-1", "foregraph-2"])
async def test_what_comes_true_early_does_not_ruin_a_calibrated_record(database: Database, policy: str) -> None:
    """Of forty stated .3, twelve come true in the first year; until the others are due, they show nothing."""
    window = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2031-01-01T00:00:00Z"}
    rows = [prediction(f"P_{n}", stated_probability=0.3, predictor_id="ada", **window) for n in range(40)]
    early = {"status": "RESOLVED_TRUE", "resolved_at": "2026-06-01T00:00:00Z"}
    some = [row | early for row in rows[:12]] + rows[12:]
    await import_bundle(database, bundle(predictors=[{"id": "ada", "name": "Ada"}], predictions=some))
    await adopt_policy(database, policy)

    none = (await stored(database, "ada"))["kappa"]
    late = {"status": "RESOLVED_FALSE", "resolved_at": "2026-10-01T00:00:00Z"}
    await import_bundle(database, bundle(predictions=[row | late for row in rows[12:]]))
    kappas = []
    for moment in (datetime(2030, 12, 31, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)):
        (found,) = await database.read(partial(list_records, predictor_ids=["ada"], moment=moment))
        kappas.append((found.in_use.num_resolved, found.in_use.kappa))

    untried = 0.5 if policy == "foregraph-1" else 1.0
    assert none == untried
    assert kappas[0] == (0, untried)
    assert kappas[1][0] == 40
    assert kappas[1][1] > 0.9


def _item(claim_id: str) -> EvidenceItem:
    return EvidenceItem(claim_id, Direction.FOR, Strength.WEAK, predictor_id="ada")


def _native(value: Any) -> Any:
    return value.to_native() if hasattr(value, "to_native") else value


EARLY = datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.every_release
@pytest.mark.parametrize("at", [EARLY, datetime(2026, 1, 1, tzinfo=UTC)])
async def test_an_outcome_before_the_window_opens_has_to_be_accepted(database: Database, at: datetime) -> None:
    """A slip of the year is likelier; from the first moment of the window on nothing is asked."""
    await load(database, [0.8])
    outcome = replace(TRUE, at=at)
    if at == EARLY:
        with pytest.raises(
            BeforeWindowError, match=r"2026-01-01T00:00:00\+00:00, when the window of claim 'P_1' opens"
        ):
            await resolve(database, "P_1", outcome)
        assert (await stored(database, "P_1"))["status"] == "OPEN"

    await resolve(database, "P_1", replace(outcome, accepts_before_window=at == EARLY))

    assert (await stored(database, "P_1")).get("is_early") == (True if at == EARLY else None)
    exported = await export_bundle(database)
    assert (await import_bundle(database, exported)).num_changed() == 0
    await unresolve(database, "P_1", REOPENED)
    assert "is_early" not in await stored(database, "P_1")


async def test_a_claim_without_a_window_resolves_at_any_moment(database: Database) -> None:
    """There is nothing that it could be before."""
    await import_bundle(database, bundle(scenarios=[claim("S_9", from_year=None)]))

    await resolve(database, "S_9", replace(TRUE, at=datetime(1990, 1, 1, tzinfo=UTC)))

    assert (await stored(database, "S_9"))["status"] == "RESOLVED_TRUE"


async def test_an_event_before_the_window_has_to_be_accepted_too(database: Database) -> None:
    """Recording the event resolves its prediction."""
    await load(database, [0.8])
    observation = Observation(is_hit=True, observed_on=EARLY.date())
    with pytest.raises(BeforeWindowError) as refused:
        await record_milestone(database, "P_1:event", observation)
    assert refused.value.path == "observed_on"

    await record_milestone(database, "P_1:event", replace(observation, accepts_before_window=True))

    assert (await stored(database, "P_1"))["is_early"] is True


async def test_a_bundle_says_of_a_row_that_its_outcome_came_early(database: Database) -> None:
    """Without that, it is a problem; an annulment has no outcome."""
    early = {"status": "RESOLVED_TRUE", "resolved_at": EARLY.isoformat()}
    with pytest.raises(BundleError) as refused:
        await import_bundle(database, bundle(predictions=[prediction("P_1", **early)]))
    (problem,) = refused.value.problems
    assert problem.path == "predictions[0].resolved_at"
    assert "set is_early to true" in problem.message

    report = await import_bundle(
        database,
        bundle(
            predictions=[prediction("P_1", **early, is_early=True)],
            killers=[{**claim("TK_9"), **early, "status": "ANNULLED"}],
        ),
    )

    assert report.num_changed() == 2
