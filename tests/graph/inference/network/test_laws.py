"""The laws that the network obeys, whichever method is asked."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graph.inference.log_odds import FloatArray, logit, logits, sigmoid, sigmoids
from graph.inference.network.auto import infer
from graph.inference.network.bank import draw_bank
from graph.inference.network.diagnostics import Beliefs
from graph.inference.network.evidence import Evidence, make_evidence, no_evidence, observe
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate
from graph.inference.network.structure import Network, build_network, descendants
from tests.helpers.networks import (
    enumerate_marginals,
    joint_distribution,
    keys_of,
    network_of,
    only,
    pyagrum_marginals,
    random_evidence,
    random_network,
    random_tree,
    states_of,
)

SEEDS = range(50)
LEVEL = 0.005
"""What calibration may err by."""


def sample(model: CalibratedNetwork, evidence: Evidence) -> Beliefs:
    return draw_bank(model, evidence, seed=5, num_samples=1024).beliefs


def by_auto(model: CalibratedNetwork, evidence: Evidence) -> Beliefs:
    return infer(model, evidence, seed=5)


def by_lbp(model: CalibratedNetwork, evidence: Evidence) -> Beliefs:
    return propagate(model, evidence).beliefs


def error_of(beliefs: Beliefs) -> float:
    """Four replicate standard errors: those of the worst claim, as each alone stands on four numbers only."""
    assert beliefs.diagnostics.standard_error is not None
    return 4.0 * beliefs.diagnostics.standard_error


@pytest.mark.parametrize("seed", SEEDS)
def test_without_evidence_each_claim_has_its_prior_marginal(seed: int) -> None:
    """Law 1, by enumeration, by another library on a larger graph, and in samples."""
    generator = np.random.default_rng(seed)
    small = calibrate(random_network(generator, 10))
    large = calibrate(random_network(generator, 60, window=8))
    beliefs = sample(large, no_evidence(60))

    assert_allclose(enumerate_marginals(small, no_evidence(10)), small.network.prior_marginals, atol=LEVEL)
    assert_allclose(pyagrum_marginals(large, no_evidence(60)), large.network.prior_marginals, atol=LEVEL)
    assert_allclose(by_auto(large, no_evidence(60)).marginals, large.network.prior_marginals, atol=1e-15)
    assert_allclose(beliefs.marginals, large.network.prior_marginals, atol=LEVEL + error_of(beliefs))


@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_on_one_claim_gives_its_own_posterior(seed: int) -> None:
    """Law 2: the network counts no evidence twice."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 60, window=8)
    claim, llr = int(generator.integers(60)), float(generator.normal(0.0, 2.0))
    evidence = make_evidence(np.where(only(60, claim), llr, 0.0), no_evidence(60).observed)
    model = calibrate(network)
    beliefs = sample(model, evidence)
    expected = sigmoid(logit(network.prior_marginals[claim]) + llr)

    assert pyagrum_marginals(model, evidence)[claim] == pytest.approx(expected, abs=LEVEL)
    assert infer_exactly(model, evidence).marginals[claim] == pytest.approx(expected, abs=LEVEL)
    assert by_auto(model, evidence).marginals[claim] == pytest.approx(expected, abs=LEVEL)
    assert beliefs.marginals[claim] == pytest.approx(expected, abs=LEVEL + error_of(beliefs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("method", [infer_exactly, by_lbp, by_auto])
def test_a_consistent_table_of_one_parent_is_kept_exactly(
    method: Callable[[CalibratedNetwork, Evidence], Beliefs], seed: int
) -> None:
    """Law 3, in a tree of parents and children whose prior marginals are those that the tables imply."""
    generator = np.random.default_rng(seed)
    parents = [int(generator.integers(claim)) for claim in range(1, 20)]
    tables = generator.uniform(0.05, 0.95, (19, 2))
    prior_marginals = [float(generator.uniform(0.1, 0.9))]
    for parent, (p_if_true, p_if_false) in zip(parents, tables.tolist(), strict=True):
        prior_marginals.append(prior_marginals[parent] * p_if_true + (1.0 - prior_marginals[parent]) * p_if_false)
    edges = [(parent, claim, *tables[claim - 1].tolist()) for claim, parent in enumerate(parents, start=1)]
    model = calibrate(network_of(prior_marginals, edges))

    for claim, parent in list(enumerate(parents, start=1))[::4]:
        for outcome, expected in zip((True, False), tables[claim - 1], strict=True):
            beliefs = method(model, observe(no_evidence(20), {parent: outcome}))
            assert beliefs.marginals[claim] == pytest.approx(expected, abs=1e-9)


def balanced_network(generator: np.random.Generator, num_claims: int) -> tuple[Network, FloatArray]:
    """Every claim has a side; influences between claims of one side are for, between sides against."""
    sides = generator.choice([-1.0, 1.0], num_claims)
    edges = []
    for child in range(1, num_claims):
        for parent in generator.choice(child, min(child, int(generator.integers(1, 4))), replace=False).tolist():
            low, high = generator.uniform(0.05, 0.5), generator.uniform(0.5, 0.95)
            for_it = sides[parent] == sides[child]
            edges.append((parent, child, high if for_it else low, low if for_it else high))
    return network_of(generator.uniform(0.1, 0.9, num_claims), edges), sides


@pytest.mark.parametrize("seed", SEEDS)
def test_observing_moves_along_the_sign_of_all_paths(seed: int) -> None:
    """Law 4: prerequisites never lower, killers never raise, over any distance; evidence stands on roots."""
    generator = np.random.default_rng(seed)
    network, sides = balanced_network(generator, 10)
    is_root = network.num_parents == 0
    evidence = make_evidence(np.where(is_root, generator.normal(0.0, 2.0, 10), 0.0), no_evidence(10).observed)
    model = calibrate(network)
    claim = int(generator.integers(10))
    true, false = (observe(evidence, {claim: outcome}) for outcome in (True, False))

    signed = sides * sides[claim]
    others = ~only(10, claim)
    exact = signed * (enumerate_marginals(model, true) - enumerate_marginals(model, false))
    tree = signed * (infer_exactly(model, true).marginals - infer_exactly(model, false).marginals)
    auto = signed * (by_auto(model, true).marginals - by_auto(model, false).marginals)
    lbp = signed * (by_lbp(model, true).marginals - by_lbp(model, false).marginals)
    drawn = [sample(model, known) for known in (true, false)]
    sampled = signed * (drawn[0].marginals - drawn[1].marginals)

    assert exact[others].min() >= -1e-12
    assert_allclose(tree, exact, atol=1e-12)
    assert auto[others].min() >= -1e-12
    assert lbp[others].min() >= -1e-9
    assert sampled[others].min() >= -math.hypot(*map(error_of, drawn))
    assert exact[others & descendants(network, only(10, claim))].min(initial=1.0) > 1e-6


def test_evidence_below_may_reverse_a_sign() -> None:
    """Explaining away: of two prerequisites of what has happened, the one makes the other less needed."""
    model = calibrate(network_of([0.3, 0.3, 0.2], [(0, 2, 0.9, 0.05), (1, 2, 0.9, 0.05)]))
    happened = observe(no_evidence(3), {2: True})
    before = infer_exactly(model, happened).marginals[1]
    after = infer_exactly(model, observe(happened, {0: True})).marginals[1]

    assert after < before - 0.1
    assert before > 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leaf_speaks_only_with_evidence(seed: int) -> None:
    """Law 5: without, its parents do not notice it; with, they do."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 9)
    edges = [
        (parent, child, network.p_if_true[edge], network.p_if_false[edge])
        for edge in range(network.edge_links.size)
        for parent, child in [
            (network.link_parents[network.edge_links[edge]], network.link_children[network.edge_links[edge]])
        ]
    ]
    with_leaf = calibrate(network_of([*network.prior_marginals, 0.4], [*edges, (3, 9, 0.8, 0.3), (7, 9, 0.2, 0.6)]))
    without = calibrate(network)
    evidence = random_evidence(generator, 9, num_observed=0)
    silent = make_evidence(np.append(evidence.llr, 0.0), no_evidence(10).observed)
    speaking = make_evidence(np.append(evidence.llr, 1.0), no_evidence(10).observed)

    for method in (infer_exactly, by_lbp, by_auto, sample):
        before = method(without, evidence).marginals
        assert_allclose(method(with_leaf, silent).marginals[:9], before, rtol=0.0, atol=1e-12)
        moved = np.abs(method(with_leaf, speaking).marginals[:9] - before)
        # Both hear it; one of them may hardly move, as the other explains it.
        assert max(moved[3], moved[7]) > 1e-4
        assert min(moved[3], moved[7]) > 0.0


# Law 6: sizes.


def chain_marginals(model: CalibratedNetwork, evidence: Evidence) -> FloatArray:
    """Forward and backward along a chain, two numbers a claim."""
    n = model.network.num_claims
    p = sigmoids(np.stack([model.intercepts, model.intercepts + np.append(0.0, model.network.weights)]))
    likelihood = np.exp(np.stack([np.zeros(n), evidence.llr]))
    forward, backward = np.empty((n, 2)), np.ones((n, 2))
    forward[0] = np.array([1.0 - p[0, 0], p[0, 0]]) * likelihood[:, 0]
    for claim in range(1, n):
        step = np.stack([1.0 - p[:, claim], p[:, claim]], axis=1)
        forward[claim] = forward[claim - 1] @ step * likelihood[:, claim]
        forward[claim] /= forward[claim].sum()
    for claim in range(n - 1, 0, -1):
        step = np.stack([1.0 - p[:, claim], p[:, claim]], axis=1)
        backward[claim - 1] = step @ (backward[claim] * likelihood[:, claim])
        backward[claim - 1] /= backward[claim - 1].sum()
    both = forward * backward
    marginals: FloatArray = both[:, 1] / both.sum(axis=1)
    return marginals


def test_a_chain_of_a_thousand_claims() -> None:
    """Law 6: all three methods, against forward and backward recursion."""
    generator = np.random.default_rng(1)
    tables = generator.uniform(0.05, 0.95, (999, 2)).tolist()
    edges = [(claim, claim + 1, *table) for claim, table in enumerate(tables)]
    model = calibrate(network_of(generator.uniform(0.1, 0.9, 1000), edges))
    evidence = make_evidence(
        np.where(generator.random(1000) < 0.2, generator.normal(0.0, 1.0, 1000), 0.0), no_evidence(1000).observed
    )
    expected = chain_marginals(model, evidence)
    beliefs = draw_bank(model, evidence, seed=5).beliefs

    assert_allclose(infer_exactly(model, evidence).marginals, expected, atol=1e-12)
    assert_allclose(by_auto(model, evidence).marginals, expected, atol=1e-12)
    assert_allclose(by_lbp(model, evidence).marginals, expected, atol=1e-6)
    assert beliefs.diagnostics.converged
    assert_allclose(beliefs.marginals, expected, atol=error_of(beliefs))


def test_a_killer_with_ten_thousand_children() -> None:
    """Law 6: log-likelihoods of ten thousand children add up, and nothing overflows."""
    generator = np.random.default_rng(2)
    n = 10_001
    tables = np.stack([generator.uniform(0.05, 0.4, n - 1), generator.uniform(0.4, 0.95, n - 1)], axis=1)
    edges = [(0, child, *tables[child - 1].tolist()) for child in range(1, n)]
    prior_marginals = np.append(0.2, 0.2 * tables[:, 0] + 0.8 * tables[:, 1])
    model = calibrate(network_of(prior_marginals, edges), num_samples=64)
    # For and against in equal parts, so that the hub stays in doubt.
    llr = np.append(0.0, np.resize([0.12, -0.1217], n - 1))
    evidence = make_evidence(llr, no_evidence(n).observed)
    said = np.log1p(tables * np.expm1(llr[1:, None]))
    expected = sigmoid(logit(0.2) + float((said[:, 0] - said[:, 1]).sum()))
    beliefs = draw_bank(model, evidence, seed=5, num_samples=1024).beliefs

    assert 0.01 < expected < 0.99
    assert by_lbp(model, evidence).marginals[0] == pytest.approx(expected, abs=1e-6)
    assert infer_exactly(model, evidence).marginals[0] == pytest.approx(expected, abs=1e-9)
    assert beliefs.marginals[0] == pytest.approx(expected, abs=0.01 + error_of(beliefs))


def test_ten_thousand_children_of_one_mind() -> None:
    """Law 6: where they leave no doubt, the answer is next to certain, and still a probability."""
    n = 10_001
    network = network_of([0.2] + [0.5] * (n - 1), [(0, child, 0.2, 0.6) for child in range(1, n)])
    model = calibrate(network, num_samples=64)
    evidence = make_evidence(np.append(0.0, np.full(n - 1, 5.0)), no_evidence(n).observed)
    bank = draw_bank(model, evidence, seed=5, num_samples=64, num_replicates=1)

    for beliefs in (by_lbp(model, evidence), infer_exactly(model, evidence), bank.beliefs):
        assert 0.0 < beliefs.marginals[0] < 1e-9
        assert np.isfinite(beliefs.marginals).all()


def forty_parents(seed: int) -> Network:
    generator = np.random.default_rng(seed)
    tables = generator.uniform(0.05, 0.95, (40, 2)).tolist()
    edges = [(parent, 40, *table) for parent, table in enumerate(tables)]
    edges += [(40, 41, 0.9, 0.2)]
    return network_of(generator.uniform(0.1, 0.9, 42), edges)


@pytest.mark.parametrize("seed", range(5))
def test_a_claim_with_forty_parents(seed: int) -> None:
    """Law 6: samples are right; LBP says by how much it may be wrong, and is not more."""
    model = calibrate(forty_parents(seed))
    evidence = observe(no_evidence(42), {41: True})
    prior = by_lbp(model, no_evidence(42))
    lbp, sampled = by_lbp(model, evidence), sample(model, evidence)
    # The child of the forty is a chain of two with independent parents above, so Bayes' theorem says it all.
    alpha, weight = model.intercepts[41], model.network.weights[-1]
    likelihoods = sigmoids(np.array([alpha, alpha + weight]))
    r = model.network.prior_marginals[40]
    expected = r * likelihoods[1] / (r * likelihoods[1] + (1.0 - r) * likelihoods[0])

    assert sampled.marginals[40] == pytest.approx(expected, abs=LEVEL + error_of(sampled))
    assert lbp.diagnostics.num_approximated == 1
    error = lbp.diagnostics.approximation_error
    assert error is not None
    assert 0.0 < error < 0.03
    assert prior.marginals[40] == pytest.approx(r, abs=error + LEVEL)
    assert prior.diagnostics.num_approximated == 0
    assert_allclose(lbp.marginals[:40], sampled.marginals[:40], atol=error + error_of(sampled))


# The methods on the same models with evidence of all kinds.


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_inference_is_exact(seed: int) -> None:
    """Against enumeration, and against another library where that would take too long."""
    generator = np.random.default_rng(seed)
    small, large = calibrate(random_network(generator, 10)), calibrate(random_network(generator, 80, window=10))
    for model, other in ((small, enumerate_marginals), (large, pyagrum_marginals)):
        n = model.network.num_claims
        evidence = random_evidence(generator, n, num_observed=n // 5)
        expected = other(model, evidence)
        assert_allclose(infer_exactly(model, evidence).marginals, expected, atol=1e-9)
        assert_allclose(by_auto(model, evidence).marginals, expected, atol=LEVEL)


@pytest.mark.parametrize("seed", SEEDS)
def test_lbp_is_exact_on_trees(seed: int) -> None:
    """Where one path joins any two claims, nothing is counted twice."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_tree(generator, 60))
    evidence = random_evidence(generator, 60, num_observed=5)
    beliefs = by_lbp(model, evidence)

    assert beliefs.diagnostics.converged
    assert_allclose(beliefs.marginals, pyagrum_marginals(model, evidence), atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_samples_agree_with_another_library(seed: int) -> None:
    """Within four standard errors, on graphs of which LBP alone is not sure."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 60, mean_parents=2.0, window=8))
    evidence = random_evidence(generator, 60, num_observed=6)
    beliefs = draw_bank(model, evidence, seed=5).beliefs

    assert beliefs.diagnostics.converged
    assert_allclose(beliefs.marginals, pyagrum_marginals(model, evidence), atol=error_of(beliefs))


def test_lbp_errs_as_little_as_it_says() -> None:
    """0.005 in the mean and 0.05 on nearly all claims of sparse graphs, 0.2 on small ones at worst."""
    errors = []
    for seed in SEEDS:
        generator = np.random.default_rng(seed)
        model = calibrate(random_network(generator, 40, mean_parents=1.4))
        evidence = make_evidence(
            np.where(generator.random(40) < 0.2, generator.normal(0.0, 1.0, 40), 0.0), no_evidence(40).observed
        )
        errors.append(by_lbp(model, evidence).marginals - pyagrum_marginals(model, evidence))

    assert np.abs(errors).mean() < 0.005
    assert np.quantile(np.abs(errors), 0.99) < 0.05
    assert 0.01 < np.abs(errors).max() < 0.2  # below, they were trees


# The trap that plain Gibbs sampling falls into.


def hub_killer() -> tuple[CalibratedNetwork, Evidence, float]:
    """A killer over a hundred claims, each with evidence on a claim below it; and the killer's exact marginal."""
    edges, n = [], 201
    for child in range(1, 101):
        edges += [(0, child, 0.05, 0.7), (child, child + 100, 0.9, 0.1)]
    prior_marginals = np.concatenate([[0.2], np.full(100, 0.57), np.full(100, 0.9 * 0.57 + 0.1 * 0.43)])
    model = calibrate(network_of(prior_marginals, edges))
    # Against and for, so that both states of the killer are within reach, and neither is left by single flips.
    llr = np.zeros(n)
    llr[101:151], llr[151:] = 1.2, -1.42
    said = np.log(0.9 * np.exp(llr[101:]) + 0.1), np.log(0.1 * np.exp(llr[101:]) + 0.9)
    if_true = np.log(0.05 * np.exp(said[0]) + 0.95 * np.exp(said[1]))
    if_false = np.log(0.7 * np.exp(said[0]) + 0.3 * np.exp(said[1]))
    return model, make_evidence(llr, no_evidence(n).observed), sigmoid(logit(0.2) + float((if_true - if_false).sum()))


@pytest.mark.parametrize("start", [-6.0, 0.0, 6.0])
def test_a_hub_killer_is_found_from_anywhere_or_said_not_to_be(start: float) -> None:
    """From three starting points and ten seeds, within 0.01 of the exact marginal of 0.009, or "not converged"."""
    model, evidence, expected = hub_killer()
    proposal = propagate(model, evidence).proposal
    proposal[0] = start
    banks = [draw_bank(model, evidence, seed=seed, proposal=proposal, num_replicates=2) for seed in range(10)]

    assert expected == pytest.approx(0.009, abs=0.001)
    for bank in banks:
        assert not bank.beliefs.diagnostics.converged or bank.beliefs.marginals[0] == pytest.approx(expected, abs=0.01)
    # The state that it is in is no trap, the other may be.
    assert start > 0.0 or sum(bank.beliefs.diagnostics.converged for bank in banks) == 10


@pytest.mark.parametrize("start", [-30.0, 0.0, 30.0])
def test_lbp_finds_a_hub_killer_from_anywhere(start: float) -> None:
    """A tree is exact, whatever the first messages say."""
    model, evidence, expected = hub_killer()
    messages = np.full(model.network.num_links, start)

    assert propagate(model, evidence, start=messages).beliefs.marginals[0] == pytest.approx(expected, abs=1e-6)
    assert infer_exactly(model, evidence).marginals[0] == pytest.approx(expected, abs=1e-9)


def test_samples_are_jointly_right() -> None:
    """Not only the marginals: every joint outcome of a small network is as frequent as it should be."""
    generator = np.random.default_rng(3)
    model = calibrate(random_network(generator, 6, mean_parents=2.0))
    evidence = random_evidence(generator, 6, num_observed=0)
    bank = draw_bank(model, evidence, seed=1, num_replicates=16)
    bits = np.unpackbits(bank.bits.view(np.uint8), axis=2, bitorder="little")
    codes = (bits.astype(np.int64) << np.arange(6)[:, None, None]).sum(axis=0)
    shares = np.stack([np.bincount(replicate, minlength=64) / replicate.size for replicate in codes])
    expected = joint_distribution(model, evidence)

    errors = shares.std(axis=0, ddof=1) / 4.0
    assert np.abs(shares.mean(axis=0) - expected).max() < 5.0 * errors.max()
    assert states_of(6).shape[0] == expected.size


def test_keys_only_name_the_streams() -> None:
    """Other keys give other samples of the same distribution."""
    generator = np.random.default_rng(4)
    network = random_network(generator, 10)
    renamed = build_network(
        stated=network.stated,
        prior_marginals=network.prior_marginals,
        keys=keys_of(10, first=100),
        parents=network.link_parents,
        children=network.link_children,
        p_if_true=sigmoids(network.weights + 0.3),
        p_if_false=np.full(network.num_links, sigmoid(0.3)),
    )
    first, second = (calibrate(one) for one in (network, renamed))

    one, other = (draw_bank(model, no_evidence(10), seed=1) for model in (first, second))

    assert_allclose(second.intercepts, first.intercepts, atol=1e-9)
    assert (one.bits != other.bits).any()
    assert_allclose(one.beliefs.marginals, other.beliefs.marginals, atol=0.05)
    assert_allclose(logits(sigmoids(first.intercepts)), first.intercepts, atol=1e-9)
