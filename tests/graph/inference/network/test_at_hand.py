"""What-ifs that are answered with what is at hand: few samples, weighted ones, or LBP; errors are never silent."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.network.auto import infer
from graph.inference.network.bank import draw_bank, limit_proposal, num_swept
from graph.inference.network.diagnostics import LBP, SAMPLE, Diagnostics
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence, no_evidence
from graph.inference.network.exact import Budget, infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate
from graph.inference.network.shifts import ENOUGH_MATCHING, Drawing, Shifts, shifts_by_auto, shifts_exactly
from graph.inference.network.structure import ancestors, keep_claims, small_network
from graph.inference.network.uncertainty import loop_error, perturb
from tests.graph.inference.network.test_uncertainty import entangled
from tests.helpers.networks import network_of, random_network
from tests.helpers.stress import KINDS, Truth, stress_case

NOTHING_FITS = Budget(clique_claims=1, tree_entries=1, claims=0)


def stated_error(said: Diagnostics) -> float:
    """Four standard errors, and what else the answer owns to."""
    return 4.0 * (said.standard_error or 0.0) + said.calibration_error + (said.error_estimate or 0.0)


def at_hand(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool, seed: int = 1
) -> Shifts:
    """Shifts where nothing fits exact inference, there is a bank, and nothing may be drawn anew."""
    kept = draw_bank(model, evidence, seed=seed)
    before = infer(model, evidence, seed=seed, budget=NOTHING_FITS, sample=lambda _: kept.beliefs)
    return shifts_by_auto(
        model,
        evidence,
        outcomes,
        before=before,
        drawing=Drawing(seed, min_matching=ENOUGH_MATCHING, max_work=0),
        bank=kept,
        is_intervention=is_intervention,
        budget=NOTHING_FITS,
    )


@pytest.mark.parametrize("seed", range(60))
def test_an_answer_at_hand_is_off_by_no_more_than_it_says(seed: int) -> None:
    """On networks of the kinds that break inference, against enumeration with exact calibration."""
    case = stress_case(5_000 + seed, KINDS[seed % len(KINDS)])
    model, truth = calibrate(case.network), Truth(case.network)
    found = at_hand(model, case.evidence, case.outcomes, is_intervention=case.is_intervention)
    supposed = make_supposed(case.evidence, case.outcomes)
    after = truth.marginals(case.evidence, case.outcomes) if case.is_intervention else truth.marginals(supposed)
    error = np.abs(found.deltas - (after - truth.marginals(case.evidence))).max()

    assert error <= max(stated_error(found.diagnostics), 0.03) or not found.diagnostics.converged


def make_supposed(evidence: Evidence, outcomes: Mapping[int, bool]) -> Evidence:
    """The evidence with the outcomes."""
    observed = evidence.observed.copy()
    for claim, outcome in outcomes.items():
        observed[claim] = int(outcome)
    return Evidence(np.where(observed == UNKNOWN, evidence.llr, 0.0), observed)


@pytest.mark.parametrize("seed", range(10))
def test_samples_weighted_to_an_intervention_give_its_shifts(seed: int) -> None:
    """Those of exact inference, within the error stated, and none is drawn for it."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 12))
    evidence = make_evidence(generator.normal(0.0, 1.0, 12), np.full(12, UNKNOWN, np.int8))
    free = np.flatnonzero((model.network.num_parents > 0) & (np.diff(model.network.child_start) > 0))
    likely = infer_exactly(model, evidence).marginals
    claim = int(free[np.abs(likely[free] - 0.5).argmin()])
    expected = shifts_exactly(model, evidence, {claim: True}, is_intervention=True)
    found = at_hand(model, evidence, {claim: True}, is_intervention=True)

    assert not found.diagnostics.is_fresh
    assert found.methods is not None
    assert SAMPLE in found.methods
    assert LBP not in found.methods
    assert np.abs(found.deltas - expected.deltas).max() <= stated_error(found.diagnostics) + 1e-3
    assert_array_equal(found.deltas == 0.0, expected.deltas == 0.0)


def test_what_weighted_samples_might_miss_is_not_left_to_them() -> None:
    """Half of the distribution has the outcome once in ten thousand samples, too rarely to be seen in their weights."""
    model = calibrate(network_of([0.5, 0.45, 0.5], [(0, 1, 0.0001, 0.8999), (0, 2, 0.9, 0.1), (1, 2, 0.7, 0.3)]))
    evidence = make_evidence(np.array([0.0, 0.0, 0.5]), np.full(3, UNKNOWN, np.int8))
    expected = shifts_exactly(model, evidence, {1: True}, is_intervention=True).deltas
    found = at_hand(model, evidence, {1: True}, is_intervention=True)

    assert found.methods is not None
    assert LBP in found.methods
    assert_allclose(found.deltas, expected, atol=stated_error(found.diagnostics) + 1e-3)


def test_an_outcome_that_no_sample_has_is_left_to_lbp() -> None:
    """And its error is stated; a fresh bank is drawn where that is little work."""
    model = calibrate(network_of([0.00001, 0.4, 0.3], [(0, 1, 0.9, 0.4), (1, 2, 0.8, 0.1)]))
    evidence = make_evidence(np.array([0.0, 0.0, 1.0]), np.full(3, UNKNOWN, np.int8))
    expected = shifts_exactly(model, evidence, {0: True}).deltas
    found = at_hand(model, evidence, {0: True}, is_intervention=False)

    assert num_swept(model, evidence) == 2
    assert found.diagnostics.error_estimate is not None
    assert_allclose(found.deltas, expected, atol=stated_error(found.diagnostics) + 1e-3)


@pytest.mark.parametrize("limit", [1.5, 2.0])
def test_a_limited_proposal_leaves_samples_with_either_outcome(limit: float) -> None:
    """It adds no more than the limit, or leads no further from even odds than it; small ones stay as they are."""
    generator = np.random.default_rng(1)
    prior = generator.uniform(0.001, 0.999, 200)
    model = calibrate(network_of(prior.tolist(), []))
    proposal = generator.normal(0.0, 10.0, 200)
    found = limit_proposal(model, proposal, limit)
    log_odds = np.log(prior / (1.0 - prior))

    reached = np.abs(log_odds + found)
    assert ((np.abs(found) <= limit + 1e-9) | (reached <= limit + 1e-9)).all()
    assert (np.abs(found) <= np.abs(proposal)).all()
    assert (np.sign(found) == np.sign(proposal)).all()
    assert_array_equal(limit_proposal(model, 0.1 * found, limit), 0.1 * found)


@pytest.mark.parametrize("seed", range(5))
def test_a_small_network_is_that_of_its_claims(seed: int) -> None:
    """As the general way makes it, for claims with all their parents; its marginals are those of the whole."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 30)
    chosen = np.zeros(30, np.bool_)
    chosen[generator.choice(30, 4, replace=False)] = True
    claims = ancestors(network, chosen)
    expected, links = keep_claims(network, claims)
    found = small_network(network, np.flatnonzero(claims), np.flatnonzero(links))

    for name in ("prior_marginals", "keys", "levels", "parent_start", "link_parents", "link_children", "weights"):
        assert_array_equal(getattr(found, name), getattr(expected, name))
    assert_array_equal(found.child_links, expected.child_links)
    assert (np.diff(found.levels[found.order]) >= 0).all()


@pytest.mark.parametrize("number", [106, 196])
def test_hubs_that_explain_each_other_away_show_in_the_estimate(number: int) -> None:
    """Fourteen claims around a hub did not show it."""
    case = stress_case(number, "hubs")
    model = calibrate(case.network)
    found = propagate(model, case.evidence)
    error = np.abs(found.beliefs.marginals - Truth(case.network).marginals(case.evidence)).max()

    assert 0.02 < error < loop_error(model, case.evidence, found)


def test_a_question_states_the_error_of_the_calibration_under_its_outcomes() -> None:
    """About as far as its answers by five calibrations differ; not what all evidence without it has."""
    model = entangled(1)
    n = model.network.num_claims
    evidence, outcomes = no_evidence(n), {n - 1: True}
    base = propagate(model, evidence)
    perturbed = perturb(model, evidence, base)
    after = propagate(model, make_supposed(evidence, outcomes), start=base.messages)
    stated = perturbed.question_error(evidence, outcomes, after)
    found = [
        propagate(calibrate(model.network, seed=seed), make_supposed(evidence, outcomes)).beliefs.marginals[-2]
        for seed in range(5)
    ]

    assert len(perturbed.models) == 2
    assert 1e-5 < stated < 0.02
    assert 0.0 < np.ptp(found) < 3.0 * stated
    assert perturbed.without_models().question_error(evidence, outcomes, after) == perturbed.error
