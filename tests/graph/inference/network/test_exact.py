"""Exact inference: what it takes on and what it refuses. Its answers are in test_laws."""

import numpy as np
import pytest

from graph.inference.log_odds import sigmoids
from graph.inference.network.errors import Cancelled, TooLargeError
from graph.inference.network.evidence import no_evidence, observe
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import calibrate
from tests.helpers.networks import Asked, enumerate_marginals, network_of, only, random_evidence, random_network


def test_too_many_parents_are_refused_with_the_size() -> None:
    """Thirty unobserved parents and their child make a table of 31 claims; observed ones cost nothing."""
    edges = [(parent, 30, 0.6, 0.4) for parent in range(30)]
    model = calibrate(network_of([0.5] * 31, edges), num_samples=64)
    with pytest.raises(TooLargeError, match="at most 20 claims, got one of 31 among 31 relevant claims") as raised:
        infer_exactly(model, no_evidence(31))
    known = observe(no_evidence(31), {parent: parent % 2 == 0 for parent in range(25)})

    assert (raised.value.size, raised.value.limit) == (31, 20)
    assert 0.0 < infer_exactly(model, known).marginals[30] < 1.0


def test_entangled_claims_are_refused_with_the_size() -> None:
    """Nobody has many parents, and still no order of elimination keeps the tables small."""
    model = calibrate(random_network(np.random.default_rng(0), 80, mean_parents=4.0), num_samples=64)
    with pytest.raises(TooLargeError, match=r"got one of 2\d among 80 relevant claims; ask for SAMPLE or LBP"):
        infer_exactly(model, no_evidence(80))


@pytest.mark.parametrize("seed", range(10))
def test_only_what_is_relevant_counts(seed: int) -> None:
    """One claim asked about needs its own and the evidence's ancestors; the rest may be as entangled as it likes."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 10, mean_parents=2.0))
    evidence = random_evidence(generator, 10)
    claim = int(np.flatnonzero(~evidence.is_observed)[0])
    found = infer_exactly(model, evidence, asked=only(10, claim)).marginals

    assert found[claim] == pytest.approx(enumerate_marginals(model, evidence)[claim], abs=1e-9)
    others = ~only(10, claim) & ~evidence.is_observed
    assert np.isnan(found[others]).all()


def test_one_claim_of_a_large_entangled_network() -> None:
    """What follows from it does not matter."""
    network = random_network(np.random.default_rng(0), 200, mean_parents=4.0)
    model = calibrate(network, num_samples=4096)

    assert infer_exactly(model, no_evidence(200), asked=only(200, 4)).marginals[4] == pytest.approx(
        network.prior_marginals[4], abs=0.01
    )


def test_all_observed_leaves_nothing_to_infer() -> None:
    """Outcomes are their own marginals."""
    model = calibrate(network_of([0.5, 0.5], [(0, 1, 0.6, 0.4)]), num_samples=64)

    assert infer_exactly(model, observe(no_evidence(2), {0: True, 1: False})).marginals.tolist() == [1.0, 0.0]


def test_it_can_be_stopped() -> None:
    """At each claim, on the way in, up and down."""
    model = calibrate(random_network(np.random.default_rng(1), 20), num_samples=64)
    never = Asked(-1)
    infer_exactly(model, no_evidence(20), should_stop=never)

    assert never.count >= 60
    for last in (0, 25, 45):
        asked = Asked(last)
        with pytest.raises(Cancelled):
            infer_exactly(model, no_evidence(20), should_stop=asked)
        assert asked.count == last + 1


@pytest.mark.parametrize("num_children", [1, 1_200, 20_000])
@pytest.mark.parametrize("seed", range(3))
def test_resolved_children_of_two_hubs_add_up(seed: int, num_children: int) -> None:
    """Likelihoods of 1e-300 and less, whose ratios decide, against the sum of logs child by child."""
    generator = np.random.default_rng(seed)
    n = num_children + 2
    edges = [(hub, child, 0.8, 0.4) for child in range(2, n) for hub in (0, 1)]
    model = calibrate(network_of([0.5, 0.4] + [0.6] * num_children, edges), num_samples=64)
    outcomes = generator.random(num_children) < 0.6
    evidence = observe(no_evidence(n), {child: bool(outcomes[child - 2]) for child in range(2, n)})
    # Log of the joint probability of the two hubs and all children, child by child.
    joint = np.log(np.outer([0.5, 0.5], [0.6, 0.4]))
    for first in (0, 1):
        for second in (0, 1):
            for child in range(2, n):
                start = model.network.parent_start[child]
                x = model.intercepts[child] + model.network.weights[start : start + 2] @ [first, second]
                joint[first, second] -= np.logaddexp(0.0, -x if outcomes[child - 2] else x)
    p = np.exp(joint - joint.max())
    p /= p.sum()

    found = infer_exactly(model, evidence).marginals[:2]
    assert found == pytest.approx([p[1].sum(), p[:, 1].sum()], abs=1e-8)


def test_what_a_thousand_children_say_may_be_outweighed() -> None:
    """1,200 resolved children speak for a claim by e^659 and 1,199 others against it: one child is left over."""
    tables = [(0.9, 0.3)] * 1200 + [(0.3, 0.9)] * 1199
    edges = [(0, child, *table) for child, table in enumerate(tables, start=1)]
    model = calibrate(network_of([0.5] * 2400, edges), num_samples=64)
    evidence = observe(no_evidence(2400), dict.fromkeys(range(1, 2400), True))
    # Of the one left over: P(child | hub) over P(child | no hub), both from its calibrated log-odds.
    if_false, if_true = sigmoids(model.intercepts[1] + np.array([0.0, model.network.weights[0]]))

    assert infer_exactly(model, evidence).marginals[0] == pytest.approx(if_true / (if_true + if_false), abs=1e-9)
