"""NumPy's kernels and the functions that they are made of."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import sigmoids
from graph.inference.network import vectorized
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid, softplus
from graph.inference.network.intercepts import hermite_nodes
from graph.inference.network.streams import sample_orders
from graph.inference.network.vectorized import expect_normal, solve_intercept

EXTREMES = np.array([-1e4, -745.0, -37.0, -1e-9, 0.0, 1e-9, 37.0, 745.0, 1e4])


def test_sigmoid_and_softplus_are_finite_everywhere() -> None:
    """And equal to what the standard library and NumPy's logaddexp give."""
    x = np.concatenate([EXTREMES, np.linspace(-40.0, 40.0, 999)])

    assert_allclose(fast_sigmoid(x), sigmoids(x), rtol=1e-14, atol=0.0)
    assert_allclose(softplus(x), np.logaddexp(0.0, x), rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("num_parents", range(6))
def test_a_configuration_adds_the_weights_of_its_bits(num_parents: int) -> None:
    """Bit by bit, for several claims at once."""
    weights = np.random.default_rng(num_parents).normal(0.0, 2.0, (3, num_parents))
    found = configuration_log_odds(weights)

    for claim in range(3):
        for configuration in range(1 << num_parents):
            expected = math.fsum(weights[claim, j] for j in range(num_parents) if configuration >> j & 1)
            assert found[claim, configuration] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("target", [1e-6, 0.03, 0.5, 0.97, 1.0 - 1e-6])
def test_an_intercept_gives_its_target(target: float) -> None:
    """Over shares of configurations, some of which do not occur."""
    generator = np.random.default_rng(0)
    log_odds, shares = generator.normal(0.0, 4.0, 64), generator.dirichlet(np.full(64, 0.3))
    shares[::7] = 0.0
    shares /= shares.sum()
    intercept = solve_intercept(log_odds, shares, target)

    assert shares @ sigmoids(intercept + log_odds) == pytest.approx(target, rel=1e-9)


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.0), (-3.0, 0.5), (1.0, 4.0), (2.0, 9.0)])
def test_quadrature_equals_a_fine_sum(mean: float, variance: float) -> None:
    """Over ten standard deviations; without variance it is sigmoid itself."""
    z = np.linspace(-10.0, 10.0, 20_001)
    density = np.exp(-0.5 * z * z)
    expected = float(sigmoids(mean + math.sqrt(variance) * z) @ density / density.sum())
    found = expect_normal(np.array(mean), np.array(variance), *hermite_nodes())

    assert float(found) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("seed", range(5))
def test_systematic_draws_are_off_by_less_than_one(seed: int) -> None:
    """In each configuration, as many samples are true as its probability says, rounded either way."""
    generator = np.random.default_rng(seed)
    first, second = sample_orders(1024, seed)
    stream = int(generator.integers(1 << 63))
    visits = vectorized._visits(stream, first, second)
    configurations = generator.integers(0, 8, 1024)
    thresholds = (generator.uniform(0.0, 1.0, 8) * 2.0**32).astype(np.uint64)
    drawn = vectorized._draw(stream, visits, configurations, thresholds)

    assert_array_equal(np.sort(visits), np.arange(1024))
    expected = np.bincount(configurations, minlength=8) * (thresholds / 2.0**32)
    assert (np.abs(np.bincount(configurations, drawn, minlength=8) - expected) < 1.0).all()
