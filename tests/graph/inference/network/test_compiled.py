"""Compiled functions against NumPy's; whole kernels are compared in test_kernels."""

import inspect
import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import FloatArray, sigmoids
from graph.inference.network import compiled, vectorized
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid
from graph.inference.network.intercepts import hermite_nodes
from graph.inference.network.kernels import Kernels
from graph.inference.network.limits import MAX_LOG_ODDS
from graph.inference.network.streams import GOLDEN, mix, sample_orders


@pytest.mark.parametrize("name", Kernels.__slots__)
def test_both_back_ends_take_the_same_arguments(name: str) -> None:
    """By name, order and type."""
    assert inspect.signature(getattr(compiled, name).py_func) == inspect.signature(getattr(vectorized, name))


def test_uniforms_are_those_of_splitmix64() -> None:
    """Number by number, in [0, 1)."""
    start = np.uint64(0x0123456789ABCDEF)
    found = [compiled._uniform(start, number) for number in range(1000)]
    keys = start + np.arange(1000, dtype=np.uint64) * np.uint64(GOLDEN)

    assert_array_equal(found, (mix(keys) >> np.uint64(11)) * 2.0**-53)
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("stream", [0, 1, 0xFEDCBA9876543210])
def test_a_claim_visits_every_sample_once(stream: int) -> None:
    """In the same order as with NumPy."""
    first, second = sample_orders(192, 7)
    visits = np.empty(192, np.uint16)
    compiled._visit(np.uint64(stream), first, second, visits)

    assert_array_equal(visits, vectorized._visits(stream, first, second))
    assert_array_equal(np.sort(visits), np.arange(192))


@pytest.mark.parametrize("guess", [math.nan, -100.0, 0.0, 100.0])
def test_an_intercept_gives_its_target_from_any_guess(guess: float) -> None:
    """A guess outside the bracket is moved into it."""
    generator = np.random.default_rng(1)
    log_odds, shares = generator.normal(0.0, 3.0, 50), generator.dirichlet(np.ones(50))

    assert shares @ sigmoids(compiled._solve(log_odds, shares, 0.07, guess) + log_odds) == pytest.approx(0.07, rel=1e-9)


def expected_from_parents(table: FloatArray, incoming: FloatArray) -> tuple[float, list[float], list[float]]:
    """P(child), and given each parent true and false, by summing over all parents' states."""
    total, joint = 0.0, np.zeros((2, incoming.size))
    for states in itertools.product((0, 1), repeat=incoming.size):
        weight = math.prod(p if state else 1.0 - p for state, p in zip(states, incoming.tolist(), strict=True))
        p = weight * table[sum(state << j for j, state in enumerate(states))]
        total += p
        for j, state in enumerate(states):
            joint[state, j] += p
    return total, (joint[1] / incoming).tolist(), (joint[0] / (1.0 - incoming)).tolist()


@pytest.mark.parametrize("num_parents", range(6))
def test_a_table_is_averaged_over_independent_parents(num_parents: int) -> None:
    """Against enumeration of the parents."""
    generator = np.random.default_rng(num_parents)
    table, incoming = generator.uniform(0.0, 1.0, 1 << num_parents), generator.uniform(0.01, 0.99, num_parents)
    if_true, if_false = np.empty(num_parents), np.empty(num_parents)
    p = compiled._expect_table(table, incoming, np.empty(64), if_true, if_false)
    expected = expected_from_parents(table, incoming)

    assert p == pytest.approx(expected[0], rel=1e-12)
    assert_allclose(if_true, expected[1], rtol=1e-12)
    assert_allclose(if_false, expected[2], rtol=1e-12)


def test_many_parents_are_nearly_normal() -> None:
    """Sixteen of them, within 0.005 of enumeration; so are the averages with one of them known."""
    generator = np.random.default_rng(2)
    weights, incoming = generator.normal(0.0, 0.7, 16), generator.uniform(0.1, 0.9, 16)
    if_true, if_false = np.empty(16), np.empty(16)
    p = compiled._expect_moments(-0.5, weights, incoming, *hermite_nodes(), if_true, if_false)
    expected = expected_from_parents(fast_sigmoid(-0.5 + configuration_log_odds(weights)), incoming)

    assert p == pytest.approx(expected[0], abs=0.005)
    assert_allclose(if_true, expected[1], atol=0.005)
    assert_allclose(if_false, expected[2], atol=0.005)


def test_extreme_log_odds_stay_finite() -> None:
    """Messages are clipped; sigmoid and softplus neither overflow nor become NaN."""
    assert compiled._limited(1e300) == MAX_LOG_ODDS
    assert compiled._limited(-1e300) == -MAX_LOG_ODDS
    assert (compiled._sigmoid(-1e4), compiled._sigmoid(1e4)) == (0.0, 1.0)
    assert (compiled._softplus(-1e4), compiled._softplus(1e4)) == (0.0, 1e4)
