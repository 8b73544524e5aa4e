"""Claims and influences as arrays."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import logit, sigmoids
from graph.inference.network.structure import (
    ancestors,
    build_network,
    descendants,
    find_cycle,
    indices_between,
    keep_claims,
    keep_links,
    pool_tables,
    rank_claims,
)
from tests.helpers.networks import keys_of, network_of, only, random_network

DIAMOND = [(0, 1, 0.8, 0.3), (0, 2, 0.4, 0.6), (1, 3, 0.7, 0.2), (2, 3, 0.1, 0.5)]
HALVES = [0.5] * 4


@pytest.mark.parametrize("seed", range(20))
def test_parents_come_before_their_children(seed: int) -> None:
    """In the order, and on a lower level."""
    network = random_network(np.random.default_rng(seed), 50)
    position = np.argsort(network.order)

    assert sorted(network.order.tolist()) == list(range(50))
    assert (position[network.link_parents] < position[network.link_children]).all()
    assert (network.levels[network.link_parents] < network.levels[network.link_children]).all()


@pytest.mark.parametrize("seed", range(20))
def test_slices_hold_each_claims_own_links(seed: int) -> None:
    """To its parents, and to its children."""
    network = random_network(np.random.default_rng(seed), 50)

    for claim in range(50):
        above = slice(network.parent_start[claim], network.parent_start[claim + 1])
        below = network.child_links[network.child_start[claim] : network.child_start[claim + 1]]
        assert_array_equal(np.arange(network.num_links)[above], np.flatnonzero(network.link_children == claim))
        assert_array_equal(np.sort(below), np.flatnonzero(network.link_parents == claim))
        keys = network.keys[network.link_parents[above]]
        assert (keys[1:] > keys[:-1]).all()


def test_weights_are_log_odds_ratios() -> None:
    """logit(p_if_true) - logit(p_if_false); of two influences on the same pair, the mean."""
    network = network_of([0.5, 0.5], [(0, 1, 0.8, 0.3), (0, 1, 0.6, 0.5)])
    both = [logit(0.8) - logit(0.3), logit(0.6) - logit(0.5)]

    assert_allclose(network.weights, [sum(both) / 2.0], rtol=1e-15)
    assert network.edge_links.tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_ancestors_and_descendants_are_those_of_all_paths(seed: int) -> None:
    """Against powers of the adjacency matrix."""
    network = random_network(np.random.default_rng(seed), 20)
    adjacency = np.zeros((20, 20), np.int64)
    adjacency[network.link_parents, network.link_children] = 1
    reach = np.linalg.matrix_power(np.eye(20, dtype=np.int64) + adjacency, 20) > 0

    for claim in range(20):
        assert_array_equal(descendants(network, only(20, claim)), reach[claim])
        assert_array_equal(ancestors(network, only(20, claim)), reach[:, claim])


def test_an_order_does_not_depend_on_indices() -> None:
    """Claims shuffled within the arrays keep their order, their parents' order and their weights."""
    network = random_network(np.random.default_rng(1), 30)
    moved_to = np.random.default_rng(2).permutation(30)
    back = np.argsort(moved_to)
    shuffled = build_network(
        stated=network.stated[back],
        prior_marginals=network.prior_marginals[back],
        keys=network.keys[back],
        parents=moved_to[network.link_parents[network.edge_links]],
        children=moved_to[network.link_children[network.edge_links]],
        p_if_true=network.p_if_true,
        p_if_false=network.p_if_false,
    )

    assert_array_equal(shuffled.keys[shuffled.order], network.keys[network.order])
    for claim in range(30):
        rows = [
            (one.keys[one.link_parents[links]].tolist(), one.weights[links].tolist())
            for one, position in ((network, claim), (shuffled, moved_to[claim]))
            for links in [slice(one.parent_start[position], one.parent_start[position + 1])]
        ]
        assert rows[0] == rows[1]


def test_links_may_go() -> None:
    """The claims stay, and so does their order."""
    network = network_of(HALVES, DIAMOND)
    kept = keep_links(network, network.link_children != 3)

    assert kept.num_parents.tolist() == [0, 1, 1, 0]
    assert_allclose(kept.weights, network.weights[:2])
    assert_allclose(kept.p_if_true, [0.8, 0.4])
    assert kept.edge_links.tolist() == [0, 1]
    assert ancestors(kept, only(4, 3)).tolist() == [False, False, False, True]


def test_claims_may_go_with_all_that_follow_from_them() -> None:
    """A part is a network of its own."""
    network = network_of(HALVES, DIAMOND)
    part, links = keep_claims(network, np.array([True, False, True, False]))

    assert part.num_claims == 2
    assert part.link_parents.tolist() == [0]
    assert part.link_children.tolist() == [1]
    assert_allclose(part.weights, network.weights[links])
    assert_allclose(part.p_if_false, [0.6])
    with pytest.raises(ValueError, match="claims together with their parents"):
        keep_claims(network, ~only(4, 0))


def test_indices_between_are_ranges_one_after_the_other() -> None:
    """Empty ones leave no gap."""
    start = np.array([0, 2, 2, 5])

    assert indices_between(start, np.array([2, 1, 0])).tolist() == [2, 3, 4, 0, 1]
    assert indices_between(start, np.array([], np.int64)).tolist() == []


def test_a_cycle_is_refused_and_named() -> None:
    """As the way from claim to claim."""
    edges = [(0, 1, 0.6, 0.4), (1, 2, 0.6, 0.4), (2, 3, 0.6, 0.4), (3, 1, 0.6, 0.4)]
    with pytest.raises(
        ValueError, match=r"expected no cycle .* claims (1 -> 2 -> 3 -> 1|2 -> 3 -> 1 -> 2|3 -> 1 -> 2 -> 3)"
    ):
        network_of(HALVES, edges)
    with pytest.raises(ValueError, match="claims 2 -> 2"):
        network_of(HALVES, [(2, 2, 0.6, 0.4)])


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_certainty_is_refused_at_the_boundary(wrong: float) -> None:
    """Nothing is nudged: a probability of 0 or 1 is an error, wherever it stands."""
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        network_of([0.5, wrong], [])
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        network_of([0.5, 0.5], [(0, 1, wrong, 0.5)])
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        network_of([0.5, 0.5], [(0, 1, 0.5, wrong)])


def test_arrays_that_do_not_fit_are_refused() -> None:
    """One of each for each claim and for each influence, and keys that tell claims apart."""
    good = {
        "stated": np.array([0.5, 0.5]),
        "prior_marginals": np.array([0.5, 0.5]),
        "keys": keys_of(2),
        "parents": np.array([0]),
        "children": np.array([1]),
        "p_if_true": np.array([0.6]),
        "p_if_false": np.array([0.4]),
    }
    wrong = {
        "stated": (np.array([0.5]), r"one stated for each claim, shape \(2,\), got shape \(1,\)"),
        "keys": (keys_of(3), "one keys for each claim"),
        "children": (np.array([1, 1]), "one children for each influence"),
        "parents": (np.array([2]), "claims from 0 to 1, got 2"),
        "p_if_true": (np.array([[0.6]]), "one p_if_true for each influence"),
    }
    for name, (array, message) in wrong.items():
        with pytest.raises(ValueError, match=message):
            build_network(**{**good, name: array})
    with pytest.raises(ValueError, match="claims from 0 to 1, got -1"):
        build_network(**{**good, "children": np.array([-1])})
    with pytest.raises(ValueError, match="distinct keys"):
        build_network(**{**good, "keys": np.array([7, 7], np.uint64)})


def test_a_network_may_be_empty() -> None:
    """Or have claims and no influence."""
    assert network_of([], []).num_claims == 0
    assert network_of(HALVES, []).levels.tolist() == [0, 0, 0, 0]


PROBABILITIES = st.floats(0.001, 0.999)
TABLES = st.lists(st.tuples(PROBABILITIES, PROBABILITIES), min_size=1, max_size=4)


def pool(tables: list[tuple[float, float]]) -> tuple[float, float]:
    """The one table that stands for several."""
    if_true, if_false = np.array(tables).T
    found = pool_tables(if_true, if_false, np.zeros(len(tables), np.int64), 1)
    p_if_true, p_if_false = (float(sigmoids(log_odds)[0]) for log_odds in found)
    return p_if_true, p_if_false


@given(TABLES)
def test_a_pool_is_the_geometric_mean_of_odds(tables: list[tuple[float, float]]) -> None:
    """By products and a root, another route than sums of log-odds."""
    for found, values in zip(pool(tables), zip(*tables, strict=True), strict=True):
        odds = np.prod([p / (1.0 - p) for p in values]) ** (1.0 / len(values))
        assert found == pytest.approx(odds / (1.0 + odds), rel=1e-9)


@given(st.tuples(PROBABILITIES, PROBABILITIES), st.integers(1, 4))
def test_a_pool_of_equal_tables_is_that_table(table: tuple[float, float], number: int) -> None:
    """One alone is unchanged, and one that is stated again adds nothing."""
    assert pool([table] * number) == pytest.approx(table, rel=1e-12)


@given(TABLES, st.randoms())
def test_a_pool_does_not_depend_on_the_order(tables: list[tuple[float, float]], dice: random.Random) -> None:
    """Who states a table first does not matter."""
    shuffled = dice.sample(tables, len(tables))

    assert pool(shuffled) == pytest.approx(pool(tables), rel=1e-12)


@given(TABLES, st.integers(0, 3), st.floats(0.0, 1.0))
def test_a_pool_rises_with_each_of_its_tables(tables: list[tuple[float, float]], index: int, share: float) -> None:
    """In either number, whichever table it is in."""
    index %= len(tables)
    raised = [tuple(p + share * (0.9995 - p) for p in table) if n == index else table for n, table in enumerate(tables)]

    for before, after in zip(pool(tables), pool([(t, f) for t, f in raised]), strict=True):
        assert after >= before - 1e-12


@given(TABLES)
def test_a_pool_lies_between_its_tables_and_keeps_their_sign(tables: list[tuple[float, float]]) -> None:
    """Tables that all raise the child make one that raises it."""
    agreeing = [(max(table), min(table)) for table in tables]
    p_if_true, p_if_false = pool(agreeing)

    assert p_if_true >= p_if_false - 1e-12
    for found, values in zip((p_if_true, p_if_false), zip(*agreeing, strict=True), strict=True):
        assert min(values) - 1e-12 <= found <= max(values) + 1e-12


@given(TABLES, st.floats(-3.0, 3.0))
def test_a_pool_commutes_with_evidence(tables: list[tuple[float, float]], llr: float) -> None:
    """Evidence on the child that all tables take account of may be counted before or after (external Bayesianity)."""

    def updated(p: float) -> float:
        return float(sigmoids(np.array([logit(p) + llr]))[0])

    before = pool([(updated(p_if_true), updated(p_if_false)) for p_if_true, p_if_false in tables])

    assert before == pytest.approx(tuple(updated(p) for p in pool(tables)), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_a_link_has_the_weight_of_its_pooled_table(seed: int) -> None:
    """Each pair its own, however its influences are spread over the rows."""
    generator = np.random.default_rng(seed)
    edges = [
        (parent, child, *generator.uniform(0.05, 0.95, 2).tolist())
        for parent in range(3)
        for child in range(parent + 1, 4)
        for _ in range(int(generator.integers(1, 4)))
    ]
    network = network_of(HALVES, [edges[number] for number in generator.permutation(len(edges)).tolist()])

    for link in range(network.num_links):
        ends = (int(network.link_parents[link]), int(network.link_children[link]))
        p_if_true, p_if_false = pool([(edge[2], edge[3]) for edge in edges if edge[:2] == ends])
        assert network.weights[link] == pytest.approx(logit(p_if_true) - logit(p_if_false), abs=1e-9)


def test_claims_that_wait_come_as_late_as_may_be() -> None:
    """After all that do not depend on them, and ties by key; parents before children in any case."""
    parents, children = np.array([0, 1, 3]), np.array([1, 2, 4])
    keys = np.arange(5, dtype=np.uint64)

    assert rank_claims(parents, children, np.zeros(5, np.int64), keys).tolist() == [0, 1, 2, 3, 4]
    assert rank_claims(parents, children, np.array([9, 0, 0, 0, 0]), keys).tolist() == [2, 3, 4, 0, 1]
    assert rank_claims(parents, children, np.zeros(5, np.int64), keys[::-1]).tolist() == [2, 3, 4, 0, 1]
    assert find_cycle(5, parents, children) == []
    assert find_cycle(5, np.append(parents, 2), np.append(children, 0))[0] in {0, 1, 2}
