"""The joint distribution of a claim's parents, exactly where that is affordable."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graph.inference.log_odds import FloatArray, logits, sigmoids
from graph.inference.network import compiled_joints, joints
from graph.inference.network.evidence import UNKNOWN, make_evidence, no_evidence
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import calibrate
from graph.inference.network.kernels import Backend
from graph.inference.network.limits import MAX_JOINT_ANCESTORS
from graph.inference.network.structure import Network
from tests.helpers.networks import enumerate_marginals, joint_distribution, network_of, random_network, states_of


def configurations(network: Network, claim: int, joint: FloatArray) -> FloatArray:
    """P(parents' configuration), summed over all joint outcomes."""
    parents = network.link_parents[network.parent_start[claim] : network.parent_start[claim + 1]]
    numbers = states_of(network.num_claims)[:, parents] @ (1 << np.arange(parents.size))
    shares: FloatArray = np.bincount(numbers, joint, minlength=1 << parents.size).astype(np.float64)
    return shares


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_sum_over_all_joint_outcomes(seed: int) -> None:
    """Compiled and in NumPy, on networks full of loops."""
    network = random_network(np.random.default_rng(seed), 10, mean_parents=2.2)
    model = calibrate(network)
    joint, work = joint_distribution(model, no_evidence(10)), compiled_joints.make_workspace(10)

    for claim in range(10):
        expected = configurations(network, claim, joint)
        found = np.empty(expected.size)
        assert compiled_joints.parents_joint(
            claim, network.links, model.intercepts, network.prior_marginals, work, found
        )
        assert_allclose(found, expected, atol=1e-9)
        again = joints.parents_joint(claim, network.links, model.intercepts, network.prior_marginals)
        assert again is not None
        assert_allclose(again, expected, atol=1e-9)


@pytest.mark.parametrize("backend", list(Backend))
@pytest.mark.parametrize("seed", range(5))
def test_prior_marginals_are_exact(seed: int, backend: Backend) -> None:
    """However rare the claims; no intercept has an error then."""
    generator = np.random.default_rng(seed)
    loops = random_network(generator, 10, mean_parents=2.2)
    rare = network_of(10.0 ** generator.uniform(-4.0, 0.0, 10) * 0.99, _edges_of(loops))
    model = calibrate(rare, backend=backend)

    assert_allclose(enumerate_marginals(model, no_evidence(10)), rare.prior_marginals, rtol=1e-7)
    assert not model.intercept_errors.any()


def _edges_of(network: Network) -> list[tuple[int, int, float, float]]:
    columns = network.link_parents, network.link_children, network.p_if_true, network.p_if_false
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_rare_claims_with_evidence_on_top() -> None:
    """A child of .001 with two likelier parents, and evidence on it and on one of them: added up by hand."""
    network = network_of([0.99, 0.292, 0.001], [(0, 2, 0.6, 0.05), (1, 2, 0.7, 0.01)])
    evidence = make_evidence(np.array([0.0, 1.97, 5.45]), np.full(3, UNKNOWN, np.int8))
    states = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    shares = np.array([0.01 * 0.708, 0.01 * 0.292, 0.99 * 0.708, 0.99 * 0.292])
    sums = states @ (logits(np.array([0.6, 0.7])) - logits(np.array([0.05, 0.01])))
    low, high = -40.0, 40.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if shares @ sigmoids(middle + sums) < 0.001 else (low, middle)
    p = sigmoids(low + sums)
    with_evidence = shares * np.exp(1.97 * states[:, 1])
    true = with_evidence @ p * np.exp(5.45)
    expected = true / (true + with_evidence @ (1.0 - p))

    assert infer_exactly(calibrate(network), evidence).marginals[2] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("backend", list(Backend))
def test_forty_independent_parents_are_added_up(backend: Backend) -> None:
    """Too many to tabulate; against as many draws as it takes."""
    generator = np.random.default_rng(1)
    edges = [(parent, 40, *generator.uniform(0.05, 0.95, 2).tolist()) for parent in range(40)]
    network = network_of(np.append(generator.uniform(0.01, 0.99, 40), 0.003), edges)
    model = calibrate(network, backend=backend)
    states = generator.random((400_000, 40)) < network.prior_marginals[network.link_parents]

    assert model.intercept_errors[40] == 0.0
    assert sigmoids(model.intercepts[40] + states @ network.weights).mean() == pytest.approx(0.003, abs=1e-4)


@pytest.mark.parametrize("backend", list(Backend))
def test_what_does_not_fit_is_sampled_and_has_an_error(backend: Backend) -> None:
    """Too many common ancestors: the intercept is a little off, about as much as it says."""
    generator = np.random.default_rng(2)
    num_roots = MAX_JOINT_ANCESTORS
    middle = [(root, num_roots + k, 0.55, 0.5) for k in range(2) for root in range(num_roots)]
    last = num_roots + 2
    edges = [*middle, (num_roots, last, 0.9, 0.2), (num_roots + 1, last, 0.8, 0.3)]
    network = network_of(generator.uniform(0.2, 0.8, last + 1), edges)
    one, other = (calibrate(network, seed=seed, backend=backend) for seed in (1, 2))

    assert (one.intercept_errors > 0.0).tolist() == [False] * last + [True]
    assert 0.0 < abs(one.intercepts[last] - other.intercepts[last]) < 6.0 * one.intercept_errors[last]
    assert one.intercept_errors[last] < 0.05
