"""What answers say of their own errors holds."""

from dataclasses import replace

import numpy as np
import pytest

from graph.inference.network.auto import with_lbp_errors
from graph.inference.network.bank import draw_bank
from graph.inference.network.evidence import UNKNOWN, make_evidence
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate
from graph.inference.network.limits import MAX_JOINT_ANCESTORS
from graph.inference.network.uncertainty import calibration_error, loop_error
from tests.helpers.networks import network_of, random_evidence, random_network
from tests.helpers.stress import KINDS, Truth, stress_case

WITHIN_90 = 1.645
"""Standard errors that nine in ten normal numbers lie within."""


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of sampled marginals in 200 networks; and no answer that has converged is off by more than it says."""
    num_inside = num_intervals = 0
    for seed in range(200):
        case = stress_case(2_000 + seed, KINDS[seed % len(KINDS)])
        beliefs = draw_bank(
            calibrate(case.network, num_samples=1_024), case.evidence, seed=seed, num_samples=1_024
        ).beliefs
        is_free = ~case.evidence.is_observed
        assert beliefs.standard_errors is not None
        errors = np.abs(beliefs.marginals - Truth(case.network).marginals(case.evidence))[is_free]
        num_inside += int((errors < WITHIN_90 * beliefs.standard_errors[is_free]).sum())
        num_intervals += errors.size
        stated = 5.0 * (beliefs.diagnostics.standard_error or 0.0)
        assert errors.max() < max(stated, 0.02) or not beliefs.diagnostics.converged

    assert 0.86 < num_inside / num_intervals < 0.94


def entangled(seed: int) -> CalibratedNetwork:
    """Two claims with so many common ancestors that their child cannot be calibrated exactly."""
    generator = np.random.default_rng(seed)
    n = MAX_JOINT_ANCESTORS
    edges = [(root, n + k, 0.55, 0.5) for k in range(2) for root in range(n)]
    edges += [(n, n + 2, 0.9, 0.2), (n + 1, n + 2, 0.8, 0.3), (n + 2, n + 3, 0.9, 0.1)]
    return calibrate(network_of(generator.uniform(0.2, 0.8, n + 4), edges), seed=seed)


def test_errors_of_the_calibration_reach_the_answer() -> None:
    """Those of two calibrations differ by about as much as each says; an exact calibration has none."""
    one, other = entangled(1), entangled(1)
    small = calibrate(random_network(np.random.default_rng(1), 20))
    llr = np.zeros(one.network.num_claims)
    llr[-1] = 2.0
    evidence = make_evidence(llr, np.full(llr.size, UNKNOWN, np.int8))
    error = calibration_error(one, evidence)
    moved = [propagate(calibrate(one.network, seed=seed), evidence).beliefs.marginals[-2:] for seed in range(5)]

    assert np.array_equal(one.intercepts, other.intercepts)
    assert calibration_error(small, random_evidence(np.random.default_rng(1), 20)) == 0.0
    assert 1e-5 < error < 0.02
    assert 0.0 < np.ptp(moved, axis=0).max() < 3.0 * error
    assert draw_bank(one, evidence, seed=1, num_samples=256).beliefs.diagnostics.calibration_error == error


def test_errors_of_the_calibration_reach_exact_answers() -> None:
    """Here of a child whose intercept is moved by hand; the tree says what the formula says."""
    network = network_of([0.5, 0.3], [(0, 1, 0.5, 0.5)])
    model = calibrate(network)
    errors = np.array([0.0, 0.1])
    evidence = make_evidence(np.array([1.0, 0.0]), np.full(2, UNKNOWN, np.int8))
    found = infer_exactly(replace(model, intercept_errors=errors), evidence).diagnostics.calibration_error

    assert infer_exactly(model, evidence).diagnostics.calibration_error == 0.0
    assert found == pytest.approx(2.0 * 0.1 * 0.3 * 0.7, rel=0.1)


@pytest.mark.parametrize("seed", range(20))
def test_lbp_is_off_by_no_more_than_it_says(seed: int) -> None:
    """Small networks that break it, and larger ones with loops; where a tree fits, the error itself is told."""
    generator = np.random.default_rng(seed)
    case = stress_case(3_000 + seed, KINDS[seed % len(KINDS)])
    network = random_network(generator, 60, mean_parents=2.2, window=7)
    for model, evidence in (
        (calibrate(case.network), case.evidence),
        (calibrate(network), random_evidence(generator, 60, num_observed=6)),
    ):
        found = propagate(model, evidence)
        error = np.abs(found.beliefs.marginals - infer_exactly(model, evidence).marginals).max()
        assert error < loop_error(model, evidence, found) + 0.005
        assert error == pytest.approx(with_lbp_errors(model, evidence, found).diagnostics.error_estimate, abs=1e-9)


def test_where_lbp_is_exact_its_error_is_none() -> None:
    """On a chain."""
    model = calibrate(network_of([0.3, 0.4, 0.6], [(0, 1, 0.8, 0.2), (1, 2, 0.7, 0.4)]))
    evidence = make_evidence(np.array([0.0, 0.0, 1.0]), np.full(3, UNKNOWN, np.int8))

    assert loop_error(model, evidence, propagate(model, evidence)) < 1e-6
