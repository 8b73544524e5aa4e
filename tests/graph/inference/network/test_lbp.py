"""Loopy belief propagation: how it settles, and what it says of itself. Its answers are in test_laws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.network.diagnostics import Method
from graph.inference.network.errors import Cancelled
from graph.inference.network.evidence import Evidence, make_evidence, no_evidence, observe
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate, relevant_claims
from tests.helpers.networks import Asked, network_of, random_evidence, random_network


def entangled(seed: int) -> tuple[CalibratedNetwork, Evidence]:
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 40, mean_parents=4.0), num_samples=1024)
    llr = generator.normal(0.0, 2.0, 40)
    return model, make_evidence(llr, no_evidence(40).observed)


def test_a_settled_network_needs_no_second_thought() -> None:
    """Begun with what it ended with, it ends at once."""
    generator = np.random.default_rng(0)
    model = calibrate(random_network(generator, 60))
    evidence = random_evidence(generator, 60)
    cold = propagate(model, evidence)
    warm = propagate(model, evidence, start=cold.messages)

    assert cold.beliefs.diagnostics.iterations is not None
    assert cold.beliefs.diagnostics.iterations > 5
    assert warm.beliefs.diagnostics.iterations == 1
    assert_allclose(warm.beliefs.marginals, cold.beliefs.marginals, atol=1e-6)


def test_where_nothing_is_known_nothing_is_said() -> None:
    """No sweep, no message, and each claim at what its parents make of it."""
    model = calibrate(random_network(np.random.default_rng(1), 30))
    found = propagate(model, no_evidence(30), start=np.ones(model.network.num_links))

    assert found.beliefs.diagnostics.iterations == 0
    assert found.beliefs.diagnostics.converged
    assert not found.messages.any()
    assert not found.proposal.any()


def test_damping_settles_what_swings() -> None:
    """Two causes that explain each other away take turns without it; some networks need more, some no more."""
    dampings = []
    for seed in range(10):
        causes = np.random.default_rng(seed).permuted(np.tile(np.arange(6), (20, 1)), axis=1)[:, :2]
        edges = [(int(cause), 6 + n, 0.9, 0.05) for n, both in enumerate(causes) for cause in both]
        model = calibrate(network_of([0.1] * 6 + [0.2] * 20, edges), num_samples=1024)
        known = observe(no_evidence(26), dict.fromkeys(range(6, 26), True))
        found = propagate(model, known).beliefs.diagnostics
        assert found.converged
        dampings.append(found.damping)

    assert 0.2 in dampings
    assert {0.5, 0.8} & set(dampings)


def test_what_does_not_settle_is_said_not_to() -> None:
    """A tolerance of nothing is never reached, and every rung of the ladder has been tried."""
    found = propagate(*entangled(0), tolerance=-1.0).beliefs.diagnostics

    assert found.method is Method.LBP
    assert not found.converged
    assert found.reason.startswith("not converged: messages still change by ")
    assert found.damping == 0.95


def test_its_answer_is_the_same_each_time() -> None:
    """To the last bit: it has no seed."""
    first, second = (propagate(*entangled(3)) for _ in range(2))

    assert_array_equal(first.beliefs.marginals, second.beliefs.marginals)
    assert first.beliefs.diagnostics.seed is None


def test_observed_claims_are_certain_and_others_are_not() -> None:
    """0 and 1 stand for outcomes only."""
    model, evidence = entangled(4)
    known = observe(evidence, {3: True, 5: False})
    marginals = propagate(model, known).beliefs.marginals

    assert marginals[[3, 5]].tolist() == [1.0, 0.0]
    assert ((marginals > 0.0) & (marginals < 1.0)).sum() == 38


def test_relevant_is_what_evidence_looks_up_to() -> None:
    """Claims that bear evidence and their ancestors."""
    model = calibrate(network_of([0.5] * 4, [(0, 1, 0.6, 0.4), (1, 2, 0.6, 0.4), (1, 3, 0.6, 0.4)]), num_samples=64)
    evidence = make_evidence(np.array([0.0, 0.0, 0.7, 0.0]), no_evidence(4).observed)

    assert relevant_claims(model, evidence).tolist() == [True, True, True, False]


def test_it_can_be_stopped_between_sweeps() -> None:
    """At the third question."""
    model, evidence = entangled(5)
    asked = Asked(2)
    with pytest.raises(Cancelled):
        propagate(model, evidence, should_stop=asked)
    assert asked.count == 3


def test_what_does_not_fit_is_refused() -> None:
    """Evidence on other claims, messages of other links."""
    model, evidence = entangled(6)
    with pytest.raises(ValueError, match="evidence on 40 claims, got 39"):
        propagate(model, no_evidence(39))
    with pytest.raises(ValueError, match=r"a message for each of \d+ links, got shape \(2,\)"):
        propagate(model, evidence, start=np.zeros(2))
