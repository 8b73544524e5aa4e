"""Errors and agreement of replicates, against simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graph.inference.network.replicates import (
    largest_standardized_range,
    noise_limit,
    pooled_errors,
    range_limit,
    standard_errors,
)


@pytest.mark.parametrize("num_replicates", [2, 4, 8])
def test_the_range_limit_is_that_of_normal_numbers(num_replicates: int) -> None:
    """Of 200,000 sets of standard normal numbers, the share that the limit says ranges farther."""
    sets = np.random.default_rng(1).normal(size=(num_replicates, 200_000))
    ranges = np.ptp(sets, axis=0)

    for num_claims in (1, 2, 5, 20):
        expected = 0.01 / num_claims
        share = np.mean(ranges > range_limit(num_replicates, num_claims))
        assert share == pytest.approx(expected, abs=5.0 * np.sqrt(expected / 200_000))


def test_the_range_limit_is_the_tabulated_one() -> None:
    """Of four and of two numbers: 4.40 and 3.64 at 1%, as in tables of the studentized range; and far out."""
    assert range_limit(4, 1) == pytest.approx(4.403, abs=0.001)
    assert range_limit(2, 1) == pytest.approx(3.643, abs=0.001)
    assert [range_limit(4, n) for n in (10, 100, 1_000, 10_000, 100_000)] == pytest.approx(
        [5.3, 6.1, 6.8, 7.4, 8.0], abs=0.06
    )


@pytest.mark.parametrize("seed", range(3))
def test_agreeing_replicates_seldom_exceed_the_limit(seed: int) -> None:
    """Frequencies of ten thousand claims, rare ones among them, in 1,000 independent samples each."""
    generator = np.random.default_rng(seed)
    p = np.concatenate([generator.uniform(0.0, 1.0, 5_000), 10.0 ** generator.uniform(-5.0, -1.0, 5_000)])
    known = np.zeros(10_000, np.bool_)
    ranges = [
        largest_standardized_range(generator.binomial(1_000, p, (4, 10_000)) / 1_000, 1_000, known) for _ in range(30)
    ]

    assert np.mean(np.array(ranges) > range_limit(4, 10_000)) <= 0.04
    assert max(ranges) > 5.0


def test_one_replicate_that_differs_exceeds_the_limit() -> None:
    """Among ten thousand claims that agree, and not if the claim is known."""
    generator = np.random.default_rng(1)
    replicates = generator.binomial(1_000, 0.3, (4, 10_000)) / 1_000
    replicates[2, 77] = 0.45
    known = np.zeros(10_000, np.bool_)

    assert largest_standardized_range(replicates, 1_000, known) > range_limit(4, 10_000)
    known[77] = True
    assert largest_standardized_range(replicates, 1_000, known) < range_limit(4, 10_000)


def test_pooled_errors_hold_as_often_as_normal_ones() -> None:
    """|error| > 2 standard errors in some 5% of claims, where each claim's own four replicates give 14%."""
    generator = np.random.default_rng(2)
    p = generator.uniform(0.01, 0.99, 20_000)
    replicates = generator.binomial(500, p, (4, 20_000)) / 500
    mean = replicates.mean(axis=0)
    pooled, own = pooled_errors(replicates, mean * (1.0 - mean), 2_000), standard_errors(replicates)
    assert pooled is not None
    assert own is not None
    shares = [np.mean(np.abs(mean - p) > 2.0 * errors) for errors in (pooled, own)]

    assert shares[0] == pytest.approx(0.05, abs=0.012)
    assert shares[1] > 0.1


def test_pooled_errors_follow_their_formula() -> None:
    """Worked by hand: variances 0.0002 and 0, of claims of 0.5 and 0.5, pooled 0.0001."""
    replicates = np.array([[0.51, 0.5, 1.0], [0.49, 0.5, 1.0]])
    found = pooled_errors(replicates, np.array([0.25, 0.25, 0.0]), 1_000_000)

    assert found is not None
    factor = 1.0 + 1.25 / np.sqrt(2.0)  # one degree of freedom each, of two claims
    assert_allclose(found, factor * np.sqrt([(4e-4 + 2e-4) / 5.0 / 2.0, 4e-4 / 5.0 / 2.0, 0.0]))


def test_no_pooled_error_is_less_than_half_a_sample() -> None:
    """Replicates that happen to be equal have not measured their error; what is certain has none."""
    found = pooled_errors(np.full((4, 2), 0.5), np.array([0.25, 0.0]), 1_000)

    assert found is not None
    assert found.tolist() == [0.0005, 0.0]
    assert pooled_errors(np.full((4, 1), 1.0), np.zeros(1), 1_000) == np.zeros(1)
    assert pooled_errors(np.full((1, 2), 0.5), np.full(2, 0.25), 1_000) is None


@pytest.mark.parametrize("num_claims", [1, 10, 1_000])
def test_the_noise_limit_allows_for_the_number_of_claims(num_claims: int) -> None:
    """Of so many normal numbers one exceeds it as rarely as one number exceeds 3."""
    tail = 0.0013498980316300945 * 2.0
    x = noise_limit(num_claims)
    grid = np.linspace(x, x + 8.0, 80_001)
    found = 2.0 * np.trapezoid(np.exp(-0.5 * grid**2), grid) / np.sqrt(2.0 * np.pi)

    assert num_claims * found == pytest.approx(tail, rel=1e-5)
