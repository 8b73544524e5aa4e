"""Which claims can move at all, against enumeration: what is independent for several probabilities is separated."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.inference.log_odds import FloatArray
from graph.inference.network.evidence import Evidence, intervene, make_evidence, no_evidence, observe
from graph.inference.network.intercepts import calibrate
from graph.inference.network.separation import connected_claims, connected_parts
from graph.inference.network.structure import BoolArray, Network, ancestors
from tests.helpers.networks import enumerate_marginals, network_of, only, random_evidence, random_network


def sparse_case(seed: int) -> tuple[Network, Evidence, dict[int, bool]]:
    generator = np.random.default_rng(seed)
    network = random_network(generator, 9, mean_parents=0.9)
    evidence = random_evidence(generator, 9, num_observed=2)
    claims = generator.choice(9, int(generator.integers(1, 3)), replace=False).tolist()
    # Of an observed claim the opposite, as supposing what is known changes nothing.
    return network, evidence, {claim: not evidence.observed[claim] for claim in claims}


def moved(network: Network, evidence: Evidence, outcomes: dict[int, bool], *, is_intervention: bool) -> BoolArray:
    """Claims whose marginal changes, by enumeration."""
    model = calibrate(network, num_samples=1024)
    supposed = intervene(model, evidence, outcomes) if is_intervention else (model, observe(evidence, outcomes))
    change: FloatArray = enumerate_marginals(*supposed) - enumerate_marginals(model, evidence)
    return np.abs(change) > 1e-12


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("is_intervention", [False, True])
def test_what_moves_by_enumeration_is_what_is_connected(seed: int, *, is_intervention: bool) -> None:
    """No claim too few and none too many: random probabilities cancel nowhere."""
    network, evidence, outcomes = sparse_case(seed)
    found = connected_claims(network, evidence, np.array(list(outcomes)), is_intervention=is_intervention)
    expected = moved(network, evidence, outcomes, is_intervention=is_intervention)
    # A supposed claim is connected to itself, even if its outcome was known.
    expected[list(outcomes)] = True

    assert_array_equal(found, expected)


def test_a_common_child_joins_its_parents_only_with_evidence_below() -> None:
    """On the child itself or further down."""
    network = network_of([0.5] * 4, [(0, 2, 0.8, 0.3), (1, 2, 0.7, 0.4), (2, 3, 0.6, 0.2)])
    silent = no_evidence(4)
    below = make_evidence(np.where(only(4, 3), 1.0, 0.0), silent.observed)

    assert connected_claims(network, silent, np.array([0])).tolist() == [True, False, True, True]
    assert connected_claims(network, below, np.array([0])).tolist() == [True, True, True, True]


def test_an_observed_claim_stops_what_passes_through_it() -> None:
    """In a chain, in both directions; doing what happened anyway says what it was evidence for."""
    network = network_of([0.5] * 3, [(0, 1, 0.8, 0.3), (1, 2, 0.7, 0.4)])
    known = observe(no_evidence(3), {1: True})

    assert connected_claims(network, known, np.array([0])).tolist() == [True, False, False]
    assert connected_claims(network, known, np.array([2])).tolist() == [False, False, True]
    assert connected_claims(network, known, np.array([1]), is_intervention=True).tolist() == [True, True, True]
    assert connected_claims(network, no_evidence(3), np.array([1]), is_intervention=True).tolist() == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("seed", range(20))
def test_parts_are_those_of_the_moral_graph(seed: int) -> None:
    """Claims that a table has in common belong together, unless they are observed."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 30, mean_parents=1.0)
    evidence = random_evidence(generator, 30, num_observed=8)
    kept = ancestors(network, generator.random(30) < 0.5)
    labels = connected_parts(network, evidence, kept)
    free = {claim for claim in np.flatnonzero(kept).tolist() if not evidence.is_observed[claim]}
    parts = [{claim} for claim in sorted(free)]
    for child in np.flatnonzero(kept).tolist():
        parents = network.link_parents[network.parent_start[child] : network.parent_start[child + 1]].tolist()
        family = free & {child, *parents}
        joined = [part for part in parts if part & family]
        parts = [part for part in parts if not part & family] + ([set().union(*joined)] if joined else [])

    found = [{claim for claim in free if labels[claim] == label} for label in {labels[claim] for claim in free}]
    assert sorted(map(sorted, found)) == sorted(map(sorted, parts))
    for child in set(np.flatnonzero(kept).tolist()) - free:
        parents = network.link_parents[network.parent_start[child] : network.parent_start[child + 1]].tolist()
        assert len({labels[claim] for claim in {child, *(free & set(parents))}}) == 1
