"""Ledger entries before they are written: their figures, and the checks that come first."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from graph.errors import ClosedClaimError, ConflictError, FutureObservationError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import POLICY, Cluster
from graph.inference.posterior import inside_log_odds
from graph.ledger.claim_state import OWN_STEP_PROPERTIES, ClaimState, own_step
from graph.ledger.entries import (
    CLOCK_SKEW,
    LEDGER,
    NO_WEIGHT,
    STATED,
    LedgerEntry,
    Weight,
    append,
    check_open,
    check_past,
    check_past_day,
    make_entry,
    new_id,
)
from graph.model.rows import Prediction
from tests.helpers.fake_unit import FakeUnit

NOW = datetime(2026, 7, 2, tzinfo=UTC)
RECORD = KappaInUse(0.25, "elsewhere", 0.1, 30)
WEIGHT = Weight(2.0, RECORD)
STATE = ClaimState.from_claim(
    Prediction(
        id="P",
        title="It happens",
        stated_probability=0.8,
        window_start=datetime(2026, 1, 1, tzinfo=UTC),
        window_end=datetime(2027, 1, 1, tzinfo=UTC),
        reference_class_id="c",
    ),
    0.1,
)


def make(state: ClaimState = STATE, weight: Weight = WEIGHT, **options: Any) -> LedgerEntry:
    """An entry of one item."""
    values = {"id": "E_1", "observed_at": NOW, "predictor_id": "ada", "cluster_id": options.pop("cluster_id", None)}
    contribution = {"kind": "sign", "label": "Something"}
    return make_entry(state, weight, values, contribution, now=options.pop("now", NOW), **options)


def test_an_entry_adds_its_ratio_times_kappa() -> None:
    """Each figure from the others: log-odds by exact summation, probabilities from odds, the blend from its weights."""
    entry = make()
    row = entry.row

    inside = inside_log_odds(0.8, [0.25 * 2.0])
    assert row.posterior_logit == pytest.approx(inside)
    assert row.inside_prior == pytest.approx(0.8)
    assert row.inside_posterior == pytest.approx(1 / (1 + math.exp(-inside)))
    assert (row.total_llr, row.total_adjusted_llr, row.kappa) == (2.0, 0.5, 0.25)
    assert row.bayes_factor == f"{math.exp(0.5):.1f}:1 for"
    assert row.trf == pytest.approx((365 - 182) / 365)
    blended = row.inside_weight * inside + row.outside_weight * math.log(0.1 / 0.9)  # type: ignore[operator]  # set
    assert row.posterior_prob == pytest.approx(1 / (1 + math.exp(-blended)))
    assert (row.policy, row.inside_source, row.blend_applied) == (POLICY.name, STATED, True)
    (item,) = row.contributions
    assert (item.label, item.llr, item.kappa, item.adjusted_llr) == ("Something", 2.0, 0.25, 0.5)


def test_an_entry_says_whose_record_weighted_it() -> None:
    """And nobody's where no predictor stands for it, in which case it counts whole."""
    weighted, plain = make().row, make(weight=Weight(2.0)).row

    assert (weighted.kappa_source, weighted.predictor_brier, weighted.predictor_n_resolved) == ("elsewhere", 0.1, 30)
    assert (plain.kappa_source, plain.predictor_brier, plain.predictor_n_resolved) == (None, None, None)
    assert (plain.kappa, plain.total_adjusted_llr) == (1.0, 2.0)


def test_entries_follow_each_other() -> None:
    """The second begins where the first ended, and is recorded after it even at the same moment."""
    first = make()
    second = make(first.after)

    assert second.before == first.after
    assert second.row.prior_logit == first.row.posterior_logit
    assert (first.row.inside_source, second.row.inside_source) == (STATED, LEDGER)
    assert first.row.recorded_at == NOW < second.row.recorded_at
    assert second.after.num_evidence == 2


@pytest.mark.parametrize("weight", [Weight(2.0, RECORD), Weight(-1.5), NO_WEIGHT])
def test_a_stored_rows_step_is_the_one_it_was_made_by(weight: Weight) -> None:
    """Read back from the row's properties it is the same to the last bit."""
    entry = make(weight=weight)
    stored = entry.properties()

    assert own_step({name: stored[name] for name in OWN_STEP_PROPERTIES}) == entry.step


def test_an_item_like_the_rest_of_its_cluster_adds_nothing() -> None:
    """The mean stays; one that differs adds what it moves the mean by."""
    three = Cluster(3, 6.0, 1.5)

    same = make(cluster=three, cluster_id="event")
    other = make(weight=Weight(6.0, RECORD), cluster=three, cluster_id="event")

    assert same.row.total_llr == same.row.total_adjusted_llr == 0.0
    assert same.after.inside_log_odds == STATE.inside_log_odds
    assert same.derived.cluster == Cluster(4, 8.0, 2.0)
    assert other.row.total_llr == pytest.approx((6.0 - 2.0) / 4)
    assert other.row.total_adjusted_llr == pytest.approx(0.25 * (6.0 - 2.0) / 4)
    assert other.row.contributions[0].llr == 6.0


def test_without_a_stated_probability_an_entry_has_no_step() -> None:
    """It keeps its weight, and no belief follows from it."""
    entry = make(replace(STATE, stated_probability=None, inside_log_odds=None))

    assert entry.step is None
    assert (entry.row.posterior_prob, entry.row.total_llr, entry.row.kappa) == (None, 2.0, 0.25)
    answer = entry.payload(NOW)
    assert (answer["step"], answer["before"], answer["after"]) == (None, None, None)


def test_an_answer_holds_the_belief_before_and_after() -> None:
    """Both at the same moment, so that they differ by the evidence alone; in another state by that one."""
    entry = make()
    later = NOW + timedelta(days=30)

    answer = entry.payload(later)

    before, after = STATE.belief(later), entry.after.belief(later)
    assert before is not None
    assert after is not None
    assert answer["evidence_id"] == "E_1"
    assert answer["before"]["probability"] == before.probability
    assert answer["after"]["probability"] == after.probability
    assert answer["after"]["as_of"] == later.isoformat()
    resolved = replace(entry.after, resolved_at=NOW)
    assert entry.payload(later, after=resolved)["after"]["as_of"] == NOW.isoformat()


def test_a_value_that_breaks_its_rule_is_refused() -> None:
    """An empty id is none."""
    with pytest.raises(ValidationError, match="id"):
        make_entry(STATE, NO_WEIGHT, {"id": "", "observed_at": NOW}, None, now=NOW)


def test_ids_are_never_the_same() -> None:
    """They are drawn at random, so that replicas need not agree on them."""
    assert len({new_id() for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    ("status", "verb"), [("RESOLVED_TRUE", "resolved"), ("RESOLVED_FALSE", "resolved"), ("ANNULLED", "annulled")]
)
def test_a_claim_with_an_outcome_takes_no_evidence(status: str, verb: str) -> None:
    """The message names the claim, what happened to it and when, and the way back."""
    claim = {"id": "P", "status": status, "resolved_at": NOW}
    message = rf"^input.claim: claim 'P' was {verb} at 2026-07-02T00:00:00\+00:00 \({status}\); `reopenClaim` it first"

    with pytest.raises(ClosedClaimError, match=message) as refused:
        check_open(claim, path="input.claim")

    assert (refused.value.status, refused.value.resolved_at, refused.value.path) == (status, NOW, "input.claim")


def test_an_open_claim_takes_evidence() -> None:
    """It has no outcome."""
    check_open({"id": "P", "status": "OPEN", "resolved_at": None}, path="claim")


def test_a_clock_may_be_a_little_ahead() -> None:
    """A client's clock differs from the service's by seconds, and no more."""
    check_past(NOW + CLOCK_SKEW, NOW, path="observed_at")

    with pytest.raises(FutureObservationError, match=r"lies in the future; it is now 2026-07-02.*; wait$") as refused:
        check_past(NOW + CLOCK_SKEW + timedelta(microseconds=1), NOW, path="observed_at", advice="; wait")

    assert refused.value.path == "observed_at"


def test_a_day_begins_at_midnight_in_utc() -> None:
    """Today is past enough, tomorrow is not."""
    check_past_day(date(2026, 7, 2), NOW, path="observed_on")

    with pytest.raises(FutureObservationError, match=r"the day 2026-07-03 lies in the future; today is 2026-07-02"):
        check_past_day(date(2026, 7, 3), NOW, path="observed_on")


@pytest.mark.parametrize("num_sources", [0, 1])
async def test_a_source_that_was_deleted_meanwhile_is_a_conflict(num_sources: int) -> None:
    """The row names one predictor, and the statement says how many it found."""
    unit = FakeUnit({"ledger/append": lambda **_: [{"num_sources": num_sources}]})
    rows = [make().properties()]

    if num_sources == 1:
        await append(unit, rows, [])
    else:
        with pytest.raises(ConflictError, match="was deleted meanwhile"):
            await append(unit, rows, [])
