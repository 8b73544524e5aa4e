"""Calibration of the network."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import logit, logits, sigmoids
from graph.inference.network import intercepts
from graph.inference.network.errors import Cancelled, TooLargeError
from graph.inference.network.evidence import no_evidence
from graph.inference.network.intercepts import (
    calibrate,
    calibration_bytes,
    configuration_tables,
    cut_from_parents,
    part_of_model,
    recalibrate,
)
from graph.inference.network.kernels import get_kernels
from graph.inference.network.structure import IntArray, Network, ancestors, build_network, descendants
from tests.helpers.networks import (
    enumerate_marginals,
    joint_distribution,
    keys_of,
    network_of,
    only,
    random_network,
    states_of,
)


def test_a_root_has_its_prior_marginal() -> None:
    """And a claim with one consistent table at what the table says of a parent that is false."""
    model = calibrate(network_of([0.3, 0.3 * 0.8 + 0.7 * 0.1], [(0, 1, 0.8, 0.1)]))

    assert_allclose(model.intercepts, [logit(0.3), logit(0.1)], atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_more_samples_come_closer(seed: int) -> None:
    """The error of prior marginals is that of sampling the parents' joint distribution, and shrinks with it."""
    network = random_network(np.random.default_rng(seed), 10, mean_parents=2.5)
    errors = [
        np.abs(enumerate_marginals(calibrate(network, num_samples=m), no_evidence(10)) - network.prior_marginals).max()
        for m in (256, 65_536)
    ]

    assert errors[1] < 0.0015
    assert errors[0] < 0.04


@pytest.mark.parametrize("seed", range(10))
def test_the_derivatives_of_calibration(seed: int) -> None:
    """Slopes and pulls, against sums over the exact joint distribution of the parents."""
    network = random_network(np.random.default_rng(seed), 8, mean_parents=2.0)
    model = calibrate(network, num_samples=65_536)
    prior, states = joint_distribution(model, no_evidence(8)), states_of(8)

    for claim in range(8):
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        parents = states[:, network.link_parents[links]]
        p = sigmoids(model.intercepts[claim] + parents @ network.weights[links])
        changes = prior * p * (1.0 - p)
        assert model.slopes[claim] == pytest.approx(changes.sum(), abs=0.002)
        assert_allclose(model.pulls[links], -(changes @ parents) / changes.sum(), atol=0.01)


def test_the_same_seed_gives_the_same_intercepts() -> None:
    """Another seed gives the same where they are exact, and others, close by, where they are sampled."""
    generator = np.random.default_rng(0)
    network = random_network(generator, 160, mean_parents=6.0, max_parents=9)
    one, again, other = calibrate(network), calibrate(network), calibrate(network, seed=1)
    is_exact = one.intercept_errors == 0.0
    follows = descendants(network, ~is_exact)

    assert_array_equal(one.intercepts, again.intercepts)
    assert_array_equal(one.intercepts[~follows], other.intercepts[~follows])
    assert (one.intercepts[~is_exact] != other.intercepts[~is_exact]).mean() > 0.9
    assert 10 < is_exact.sum() < 150
    assert_allclose(one.intercepts, other.intercepts, atol=0.2)


@pytest.mark.parametrize("seed", range(10))
def test_a_new_claim_changes_only_its_descendants(seed: int) -> None:
    """To the last bit, wherever in the arrays it comes."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 30, mean_parents=2.0)
    tables = list(zip(network.p_if_true.tolist(), network.p_if_false.tolist(), strict=True))
    pairs = [(network.link_parents[link], network.link_children[link]) for link in network.edge_links.tolist()]
    moved = [(parent + 1, child + 1, *table) for (parent, child), table in zip(pairs, tables, strict=True)]
    # It comes first in the arrays, follows from one claim and leads to another.
    edges = [*moved, (11, 0, 0.7, 0.2), (0, 21, 0.6, 0.3)]
    keys = np.concatenate([keys_of(1, first=1000), network.keys])
    larger = network_of([0.4, *network.prior_marginals], edges, keys=keys)
    before, after = calibrate(network), calibrate(larger)
    follows = np.array([ancestors(network, only(30, claim))[20] for claim in range(30)])

    assert_array_equal(after.intercepts[1:][~follows], before.intercepts[~follows])
    assert after.intercepts[21] != before.intercepts[20]


def test_tables_hold_every_configuration() -> None:
    """Bit j belongs to the j-th link; claims with more parents than allowed have none."""
    generator = np.random.default_rng(3)
    network = random_network(generator, 12, mean_parents=3.0)
    intercepts = generator.normal(0.0, 1.0, 12)
    start, tables = configuration_tables(network, intercepts, 3)

    for claim in np.flatnonzero(network.num_parents <= 3).tolist():
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        states = states_of(links.stop - links.start)
        expected = intercepts[claim] + states @ network.weights[links]
        assert_allclose(tables[start[claim] : start[claim] + expected.size], expected, atol=1e-12)
    assert tables.size == (1 << network.num_parents[network.num_parents <= 3]).sum()
    assert (network.num_parents > 3).any()


def test_a_part_is_the_same_model() -> None:
    """Ancestors have the same joint distribution without their descendants; a cut claim leaves its parents alone."""
    model = calibrate(random_network(np.random.default_rng(5), 10, mean_parents=2.0))
    kept = ancestors(model.network, only(10, 7))
    part, cut = part_of_model(model, kept), cut_from_parents(model, only(10, 7))
    whole = enumerate_marginals(model, no_evidence(10))

    assert_allclose(enumerate_marginals(part, no_evidence(int(kept.sum()))), whole[kept], atol=1e-12)
    assert_allclose(enumerate_marginals(cut, no_evidence(10))[kept & ~only(10, 7)], whole[kept][:-1], atol=1e-12)
    assert cut.network.num_parents[7] == 0 < model.network.num_parents[7]


@pytest.mark.parametrize("num_samples", [0, 100, -64, 65_600])
def test_samples_fill_words(num_samples: int) -> None:
    """A multiple of 64, and a 16-bit number names each."""
    with pytest.raises(ValueError, match=f"a multiple of 64 samples, at most 65536, got {num_samples}"):
        calibrate(network_of([0.5], []), num_samples=num_samples)


def test_memory_is_stated_and_bounded() -> None:
    """Two kilobytes a claim."""
    assert calibration_bytes(10_000) == 20_480_000
    with pytest.raises(TooLargeError, match=r"at most 1000 bytes .* got 6144") as raised:
        calibrate(network_of([0.5] * 3, []), max_memory_bytes=1000)
    assert (raised.value.size, raised.value.limit) == (6144, 1000)


def test_tables_are_bounded() -> None:
    """A dense graph of thousands of claims with a dozen parents each is refused before its tables are made."""
    n = 20_000
    parents = np.tile(np.arange(12), n - 12)
    dense = replace(
        network_of(np.full(n, 0.5), []),
        parent_start=np.concatenate([np.zeros(12, np.int64), np.arange(0, parents.size + 1, 12)]),
        link_parents=parents,
    )

    with pytest.raises(TooLargeError, match="tables of at most 67108864 entries together, got 81870860"):
        configuration_tables(dense, np.zeros(n), 12)


def test_calibration_can_be_stopped() -> None:
    """Between its parts, and nothing comes of it."""
    with pytest.raises(Cancelled, match="stopped on request"):
        calibrate(network_of([0.5], []), should_stop=lambda: True)


def test_weights_enter_as_they_are() -> None:
    """A model's tables are sigmoids of intercept and weights."""
    model = calibrate(network_of([0.3, 0.4], [(0, 1, 0.8, 0.1)]))
    start = model.table_start[1]

    difference = np.diff(logits(model.probabilities[start : start + 2]))
    assert_allclose(difference, [logit(0.8) - logit(0.1)], atol=1e-12)


def _shuffled(network: Network, generator: np.random.Generator, *, changes: int) -> Network:
    """The same network with its claims in another order, and some probabilities and tables changed; a few claims go."""
    edges = np.stack([network.link_parents[network.edge_links], network.link_children[network.edge_links]], axis=1)
    p_if_true, p_if_false = network.p_if_true.copy(), network.p_if_false.copy()
    prior_marginals = network.prior_marginals.copy()
    for _ in range(changes):
        prior_marginals[generator.integers(network.num_claims)] = generator.uniform(0.05, 0.95)
        p_if_true[generator.integers(p_if_true.size)] = generator.uniform(0.05, 0.95)
    order = generator.permutation(network.num_claims)[changes:]
    numbers = np.full(network.num_claims, -1)
    numbers[order] = np.arange(order.size)
    kept = (numbers[edges] >= 0).all(axis=1)
    return build_network(
        stated=network.stated[order],
        prior_marginals=prior_marginals[order],
        keys=network.keys[order],
        parents=numbers[edges[kept, 0]],
        children=numbers[edges[kept, 1]],
        p_if_true=p_if_true[kept],
        p_if_false=p_if_false[kept],
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_similar_network_is_calibrated_as_a_whole_one_is(seed: int) -> None:
    """Bit for bit, whatever changed, and though claims come in another order; wide claims included."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 60, mean_parents=4.0, max_parents=16)
    changed = _shuffled(network, generator, changes=seed % 4)

    found = recalibrate(changed, [recalibrate(network, ())])
    expected = recalibrate(changed, ())

    for name in ("intercepts", "slopes", "pulls", "table_start", "probabilities", "normal_errors"):
        assert_array_equal(getattr(found.model, name), getattr(expected.model, name))
    assert_array_equal(found.bits, expected.bits)


def test_only_claims_below_a_change_are_calibrated_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two chains one is left alone, and above the change the other one too; with other samples nothing is kept."""
    edges = [(0, 1, 0.8, 0.2), (1, 2, 0.7, 0.1), (3, 4, 0.6, 0.3)]
    network = network_of([0.3, 0.4, 0.5, 0.6, 0.7], edges)
    changed = network_of([0.3, 0.4, 0.5, 0.6, 0.7], [edges[0], (1, 2, 0.7, 0.4), edges[2]])
    known = recalibrate(network, ())
    drawn: list[list[int]] = []

    def draw_prior(claims: IntArray, *arguments: Any) -> int:
        drawn.append(claims.tolist())
        return kernels.draw_prior(claims, *arguments)

    kernels = get_kernels(None)
    monkeypatch.setattr(intercepts, "get_kernels", lambda _: replace(kernels, draw_prior=draw_prior))
    same = recalibrate(network, [known])
    nearest = recalibrate(changed, [recalibrate(network_of([0.9] * 5, edges), ()), known])
    drawn_before = drawn.copy()
    drawn.clear()
    recalibrate(changed, [known], seed=1)

    assert_array_equal(same.model.intercepts, known.model.intercepts)
    assert drawn_before[-1] == [2]
    assert sorted(drawn[0]) == [0, 1, 2, 3, 4]
    assert_array_equal(nearest.model.intercepts, calibrate(changed).intercepts)


def test_samples_of_a_large_network_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is calibrated as a whole again."""
    network = network_of([0.3, 0.4], [(0, 1, 0.8, 0.2)])
    monkeypatch.setattr(intercepts, "MAX_KEPT_BYTES", calibration_bytes(2) - 1)
    known = recalibrate(network, ())

    assert known.bits is None
    assert_array_equal(recalibrate(network, [known]).model.intercepts, known.model.intercepts)
