"""Intercepts by importance sampling, for claims whose parents' joint distribution exceeds the limits of sums."""

from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import FloatArray, logit, sigmoids
from graph.inference.network import intercepts, joints
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import calibrate, recalibrate
from graph.inference.network.kernels import Backend
from graph.inference.network.structure import Network, build_network
from tests.helpers.networks import network_of
from tests.helpers.stress import Truth

NUM_ROOTS = 70
"""Of each parent, beside the cause that both have: together more ancestors than sums go over."""


def _solve(log_odds: FloatArray, shares: FloatArray, target: float) -> float:
    """The intercept at which the mean over log-odds and their shares is a probability, by halving."""
    low, high = -60.0, 60.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if shares @ sigmoids(middle + log_odds) < target else (low, middle)
    return low


def _true_intercept(cause: float, parents: list[float], child: float, table: tuple[float, float]) -> float:
    """By sums: roots of one table count only by how many are true, which is binomial."""
    counts = np.arange(NUM_ROOTS + 1, dtype=np.float64)
    roots = np.array([comb(NUM_ROOTS, k) * 0.3**k * 0.7 ** (NUM_ROOTS - k) for k in range(NUM_ROOTS + 1)])
    root_weight, cause_weight = logit(0.11) - logit(0.1), logit(0.95) - logit(0.0005)
    given = []
    for p in parents:
        sums = np.concatenate([root_weight * counts, root_weight * counts + cause_weight])
        intercept = _solve(sums, np.concatenate([(1.0 - cause) * roots, cause * roots]), p)
        given.append([roots @ sigmoids(intercept + root_weight * counts + cause_weight * state) for state in (0, 1)])
    joint = np.zeros(4)
    for state, share in ((0, 1.0 - cause), (1, cause)):
        first, second = given[0][state], given[1][state]
        pairs = [(1 - first) * (1 - second), first * (1 - second), (1 - first) * second, first * second]
        joint += share * np.array(pairs)
    weight = logit(table[0]) - logit(table[1])
    return _solve(np.array([0.0, weight, weight, 2.0 * weight]), joint, child)


@pytest.mark.parametrize(
    ("cause", "parents", "child", "table"),
    [
        (0.001, [0.001, 0.0015], 0.001, (0.6, 0.0004)),
        (0.0002, [0.0005, 0.0003], 0.0005, (0.5, 0.0001)),
        (0.003, [0.002, 0.002], 0.001, (0.2, 0.0001)),
        (0.0005, [0.0004, 0.0004], 0.0002, (0.3, 0.0001)),
    ],
)
def test_rare_claims_below_a_rare_cause(
    monkeypatch: pytest.MonkeyPatch, cause: float, parents: list[float], child: float, table: tuple[float, float]
) -> None:
    """The intercept is right within its error, which is far smaller than by samples without evidence."""
    first, second, last = 1, 2, 3
    edges = [(0, first, 0.95, 0.0005), (0, second, 0.95, 0.0005), (first, last, *table), (second, last, *table)]
    edges += [(4 + k, first if k < NUM_ROOTS else second, 0.11, 0.1) for k in range(2 * NUM_ROOTS)]
    network = network_of([cause, *parents, child, *[0.3] * (2 * NUM_ROOTS)], edges)
    expected = _true_intercept(cause, parents, child, table)

    model = calibrate(network)
    monkeypatch.setattr(intercepts, "MAX_SAMPLED_ERROR", np.inf)
    sampled = calibrate(network)

    assert abs(model.intercepts[last] - expected) < 2.0 * model.intercept_errors[last]
    assert 0.0 < model.intercept_errors[last] < min(0.5, 0.7 * sampled.intercept_errors[last])


def _rare_case(seed: int) -> tuple[Network, Evidence]:
    """Rare claims that make each other likely, and much evidence for them."""
    generator = np.random.default_rng(seed)
    num_claims = int(generator.integers(5, 13))
    is_rare = generator.random(num_claims) < 0.8
    marginals = np.where(is_rare, 10.0 ** generator.uniform(-4, -1.5, num_claims), generator.uniform(0.05, 0.95))
    edges = []
    for child in range(1, num_claims):
        count = min(child, 4, 1 + int(generator.poisson(1.2)))
        for parent in generator.choice(child, count, replace=False).tolist():
            p_if_true, ratio = generator.uniform(0.2, 0.99), generator.uniform(0.1, 1.5)
            edges.append((parent, child, float(p_if_true), float(min(0.9, marginals[child] * ratio))))
    llr = np.where(generator.random(num_claims) < 0.6, np.abs(generator.normal(4.0, 2.0, num_claims)), 0.0)
    return network_of(marginals, edges), make_evidence(llr, np.full(num_claims, UNKNOWN, np.int8))


def test_answers_on_rare_claims_err_no_more_than_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sums are not allowed, against enumeration; and much less than by samples without evidence."""
    monkeypatch.setattr(joints, "MAX_JOINT_ANCESTORS", 2)
    errors, stated, without = [], [], []
    for seed in range(20):
        network, evidence = _rare_case(seed)
        expected = Truth(network).marginals(evidence)
        found = infer_exactly(calibrate(network, backend=Backend.NUMPY), evidence)
        errors.append(float(np.abs(found.marginals - expected).max()))
        stated.append(found.diagnostics.calibration_error)
        with monkeypatch.context() as patch:
            patch.setattr(intercepts, "MAX_SAMPLED_ERROR", np.inf)
            sampled = infer_exactly(calibrate(network, backend=Backend.NUMPY), evidence)
        without.append(sampled.diagnostics.calibration_error)

    assert all(error < max(0.005, said) for error, said in zip(errors, stated, strict=True))
    assert max(errors) < 0.05
    assert np.mean(stated) < 0.2 * np.mean(without)


@pytest.mark.parametrize("seed", range(4))
def test_intercepts_do_not_depend_on_the_claims_order(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Bit for bit, alone or taken over from an earlier calibration, and by either backend closely."""
    monkeypatch.setattr(joints, "MAX_JOINT_ANCESTORS", 2)
    network, _ = _rare_case(seed)
    order = np.random.default_rng(seed).permutation(network.num_claims)
    numbers = np.argsort(order)
    shuffled = build_network(
        stated=network.stated[order],
        prior_marginals=network.prior_marginals[order],
        keys=network.keys[order],
        parents=numbers[network.link_parents[network.edge_links]],
        children=numbers[network.link_children[network.edge_links]],
        p_if_true=network.p_if_true,
        p_if_false=network.p_if_false,
    )
    model, known = calibrate(network, backend=Backend.NUMPY), recalibrate(network, (), backend=Backend.NUMPY)
    other = calibrate(shuffled, backend=Backend.NUMPY)

    assert (model.intercept_errors > 0.0).any()
    assert_array_equal(other.intercepts, model.intercepts[order])
    assert_array_equal(recalibrate(shuffled, [known], backend=Backend.NUMPY).model.intercepts, other.intercepts)


def test_backends_agree_on_rare_claims() -> None:
    """A network wide enough that compiled sums are not allowed either."""
    edges = [(0, 1, 0.9, 0.001), (0, 2, 0.9, 0.001), (1, 3, 0.7, 0.0005), (2, 3, 0.6, 0.0005)]
    edges += [(4 + k, 1 + k % 2, 0.11, 0.1) for k in range(2 * NUM_ROOTS)]
    network = network_of([0.001, 0.0015, 0.001, 0.0008, *[0.3] * (2 * NUM_ROOTS)], edges)
    one, other = (calibrate(network, backend=backend) for backend in (Backend.NUMPY, Backend.COMPILED))

    assert one.intercept_errors[3] > 0.0
    assert_allclose(one.intercepts, other.intercepts, atol=1e-6)
    assert_allclose(one.intercept_errors, other.intercept_errors, rtol=1e-4)
    assert_allclose(one.pulls, other.pulls, atol=1e-6)
