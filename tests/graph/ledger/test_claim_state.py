"""Claims' states and what follows from them, against the formulas."""

import itertools
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.inference.evidence import POLICY, Cluster
from graph.inference.posterior import OutsideView
from graph.ledger.claim_state import (
    IMPORTED,
    STATE_PROPERTIES,
    TICK,
    ClaimState,
    applied_llr,
    derive_rows,
    item_llrs,
    kappa_in_force,
    ledger_order,
)
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import belief_keys
from graph.model.properties import to_properties
from graph.model.rows import Contribution, Evidence, Prediction, Scenario

START, DEADLINE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 11, tzinfo=UTC)
DAY = timedelta(days=1)
PREDICTION = Prediction(
    id="P",
    title="It happens",
    stated_probability=0.8,
    window_start=START,
    window_end=DEADLINE,
    predictor_id="ada",
    reference_class_id="c",
)
BASE_RATE = 0.1
STATE = ClaimState.from_claim(PREDICTION, BASE_RATE)


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def row(number: int = 1, llr: float = 0.5, **changes: Any) -> Evidence:
    """A ledger row of this service's policy, recorded on its own day."""
    values: dict[str, Any] = {
        "id": f"E_{number}",
        "claim_id": "P",
        "policy": POLICY.name,
        "observed_at": START,
        "recorded_at": START + number * DAY,
        "total_llr": llr,
        "total_adjusted_llr": llr,
    }
    return Evidence(**values | changes)


@pytest.mark.parametrize("num_days", [-1, 0, 3, 10, 11])
def test_a_belief_is_the_inside_view_pulled_to_the_base_rate(num_days: int) -> None:
    """The weight of the base rate is 0.7 times the share of the window that is left, in log-odds."""
    moment = START + num_days * DAY
    belief = STATE.belief(moment)

    trf = min(1.0, max(0.0, 1 - num_days / 10))
    outside = 0.7 * trf
    expected = probability((1 - outside) * log_odds(0.8) + outside * log_odds(BASE_RATE))
    assert belief is not None
    assert belief.probability == pytest.approx(expected, rel=1e-12)
    assert belief.trf == pytest.approx(trf)
    assert belief.outside_weight == pytest.approx(outside)
    assert belief.inside_probability == pytest.approx(0.8)
    assert belief.as_of == moment
    assert (belief.base_rate, belief.reference_class_id, belief.blend_applied) == (BASE_RATE, "c", True)


@pytest.mark.parametrize("missing", ["window", "outside_view"])
def test_without_a_window_or_a_class_the_inside_view_stands_alone(missing: str) -> None:
    """There is nothing to blend with, or nothing that says how much."""
    state = replace(STATE, **{missing: None})  # type: ignore[arg-type]  # both may be None

    belief = state.belief(START)

    assert belief is not None
    assert belief.probability == pytest.approx(0.8)
    assert not belief.blend_applied
    assert (belief.inside_weight, belief.outside_weight) == (1.0, 0.0)


def test_a_belief_no_longer_changes_after_the_outcome() -> None:
    """Whatever is asked for later is the belief as of the outcome; whatever is earlier is not touched."""
    resolved = replace(STATE, status=ClaimStatus.RESOLVED_TRUE, resolved_at=START + 3 * DAY)

    assert resolved.belief(START + 8 * DAY) == resolved.belief(START + 3 * DAY) == STATE.belief(START + 3 * DAY)
    assert resolved.belief(START + 2 * DAY) == STATE.belief(START + 2 * DAY)


def test_without_a_stated_probability_there_is_no_belief() -> None:
    """And nothing is stored of one, its moment included; the prediction is listed last."""
    state = ClaimState.from_claim(PREDICTION.model_copy(update={"stated_probability": None}), BASE_RATE)

    stored = state.stored(START)

    assert state.belief(START) is None
    assert (stored["inside_log_odds"], stored["posterior"], stored["posterior_as_of"]) == (None, None, None)
    assert stored["probability_key"] == "-!P"


def test_what_is_stored_is_the_belief_and_its_page_keys() -> None:
    """The keys are those that an import makes of the same prediction."""
    stored, belief = STATE.stored(DEADLINE), STATE.belief(DEADLINE)

    assert belief is not None
    assert stored["posterior"] == belief.probability
    assert stored["posterior_as_of"] == DEADLINE
    keys = {name: value for name, value in stored.items() if name.endswith("_key")}
    assert keys == belief_keys("P", belief.probability, STATE.num_evidence, STATE.last_recorded_at)


def test_other_claims_have_the_same_page_keys() -> None:
    """All kinds of claims are listed alike."""
    scenario = Scenario(id="S", title="It might", stated_probability=0.5)

    stored = ClaimState.from_claim(scenario, None).stored(START)

    assert set(stored) == set(STATE.stored(START))


def test_a_stored_claim_without_evidence_has_a_new_claims_state() -> None:
    """Its log-odds are those of the stated probability, whether or not they have been stored yet."""
    properties = {**dict.fromkeys(STATE_PROPERTIES), **to_properties(PREDICTION)}

    read = ClaimState.from_row(
        {"labels": ["Claim", "Prediction"], "claim": properties, "class": {"base_rate": BASE_RATE}}
    )

    assert read == STATE
    assert read.outside_view == OutsideView(BASE_RATE, "c")


def test_rows_are_counted_and_the_last_one_tells_the_rest() -> None:
    """State after state is the same as all at once."""
    rows = [row(number, 0.1 * number) for number in range(1, 5)]
    derived = derive_rows(rows, inside_log_odds=STATE.inside_log_odds)

    at_once = STATE.after(rows, derived)

    one_by_one = STATE
    for single, values in zip(rows, derived, strict=True):
        one_by_one = one_by_one.after([single], [values])
    assert at_once == one_by_one
    assert (at_once.num_evidence, at_once.last_recorded_at) == (4, START + 4 * DAY)
    assert at_once.inside_log_odds == pytest.approx(log_odds(0.8) + 1.0)
    assert STATE.after([], []) is STATE


@pytest.mark.parametrize(("late", "expected"), [(DAY, DAY), (timedelta(), TICK), (-DAY, TICK)])
def test_the_next_row_is_recorded_after_the_last(late: timedelta, expected: timedelta) -> None:
    """Even where a clock has been set back, so that the order of recording is the ledger's."""
    last = START + 5 * DAY
    state = replace(STATE, last_recorded_at=last)

    assert state.next_moment(last + late) == last + expected
    assert STATE.next_moment(START) == START


def test_the_order_of_independent_evidence_does_not_matter() -> None:
    """Log-likelihood ratios add up."""
    rows = [row(number, llr) for number, llr in enumerate((0.5, -1.25, 2.0))]

    ends = {derive_rows(order, inside_log_odds=0.25)[-1].inside_log_odds for order in itertools.permutations(rows)}

    assert ends == {0.25 + 0.5 - 1.25 + 2.0}


@pytest.mark.parametrize("num_items", [1, 2, 5])
def test_a_cluster_counts_as_its_mean(num_items: int) -> None:
    """Many reports of one event weigh as much as one, in whatever batches they come."""
    llrs = [0.3 * number for number in range(1, num_items + 1)]
    rows = [row(number, llr, cluster_id="event") for number, llr in enumerate(llrs)]

    whole = derive_rows(rows, inside_log_odds=0.0)

    mean = sum(llrs) / num_items
    assert whole[-1].inside_log_odds == pytest.approx(mean)
    assert sum(derived.total_llr for derived in whole) == pytest.approx(mean)
    cluster = whole[-1].cluster
    assert cluster is not None
    assert cluster.num_items == num_items
    assert cluster.llr_sum == cluster.adjusted_llr_sum == pytest.approx(sum(llrs))
    first, later = rows[:1], rows[1:]
    begun = derive_rows(first, inside_log_odds=0.0)[-1]
    assert begun.cluster is not None
    continued = derive_rows(later, inside_log_odds=begun.inside_log_odds, clusters={"event": begun.cluster})
    assert [begun, *continued] == whole


def test_rows_of_another_policy_add_what_they_state() -> None:
    """Their cluster grows, but does not discount them: another system has done that already."""
    rows = [row(number, 0.6, policy=IMPORTED, cluster_id="event") for number in range(2)]

    derived = derive_rows(rows, inside_log_odds=0.0)

    assert derived[-1].inside_log_odds == pytest.approx(1.2)
    assert derived[-1].cluster == Cluster(2, 1.2, 1.2)


def test_a_ledger_without_a_stated_probability_has_weights_only() -> None:
    """There is nothing to add to, but clusters and ratios are kept for the day there is."""
    (derived,) = derive_rows([row(cluster_id="event")], inside_log_odds=None)

    assert (derived.prior_inside_log_odds, derived.inside_log_odds) == (None, None)
    assert (derived.total_llr, derived.cluster) == (0.5, Cluster(1, 0.5, 0.5))


@pytest.mark.parametrize(
    ("kappa", "predictor_id", "expected"), [(0.3, None, 0.3), (0.3, "ada", 0.3), (None, "ada", 0.5), (None, None, 1.0)]
)
def test_a_row_without_a_kappa_is_weighted_by_the_policy(
    kappa: float | None, predictor_id: str | None, expected: float
) -> None:
    """A predictor without a record counts half; evidence without a predictor counts whole."""
    imported = row(llr=2.0, total_adjusted_llr=None, kappa=kappa, predictor_id=predictor_id)

    assert kappa_in_force(kappa, predictor_id) == expected
    assert applied_llr(imported) == 2.0 * expected
    assert applied_llr(imported.model_copy(update={"total_adjusted_llr": 0.7})) == 0.7


def test_a_rows_items_are_summed() -> None:
    """Unless one of them says no adjusted ratio; then the row's own figures stand."""
    items = (
        Contribution(kind="sign", label="one", llr=1.0, kappa=0.5, adjusted_llr=0.5),
        Contribution(kind="sign", label="two", llr=-0.25, kappa=0.5, adjusted_llr=-0.125),
    )
    unadjusted = Contribution(kind="sign", label="three", llr=9.0)

    assert item_llrs(row(llr=3.0, contributions=items)) == (0.75, 0.375)
    assert item_llrs(row(llr=3.0, contributions=(*items, unadjusted))) == (3.0, 3.0)
    assert item_llrs(row(llr=3.0)) == (3.0, 3.0)


def test_a_ledger_is_ordered_by_recording_and_then_by_id() -> None:
    """Rows of one moment have an order too, and when something was observed has no say."""
    late = row(2, id="E_0", observed_at=START - 9 * DAY)
    rows = [late, row(1, id="E_b"), row(1, id="E_a")]

    assert [entry.id for entry in sorted(rows, key=ledger_order)] == ["E_a", "E_b", "E_0"]
