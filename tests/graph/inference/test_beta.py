"""The beta distribution by other routes: sums over binomials, integrals, and its symmetry."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.beta import beta_log_odds_variance, beta_probability, beta_quantile
from graph.inference.log_odds import FloatArray

shapes = st.floats(0.5, 200.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


def expectation(function: object, a: float, b: float, upper: float = 1.0) -> float:
    """Integrate over the density up to a bound, with x = sin²(t); exact for a and b of 1.5 or more."""
    end = math.asin(math.sqrt(upper))
    t = 0.5 * end * (NODES + 1.0)
    log_density = (
        (2.0 * a - 1.0) * np.log(np.sin(t))
        + (2.0 * b - 1.0) * np.log(np.cos(t))
        + math.log(2.0)
        + math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
    )
    values = function(np.sin(t) ** 2)  # type: ignore[operator]  # any function of an array
    return float(0.5 * end * (WEIGHTS @ (np.exp(log_density) * values)))


@given(
    st.integers(1, 40), st.integers(1, 40), st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000)
)
def test_the_distribution_of_whole_numbers_is_a_binomial_sum(a: int, b: int, x: Fraction) -> None:
    """P(X <= x) is the chance of a or more successes in a + b - 1 trials; in exact fractions."""
    n = a + b - 1
    exact = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))

    assert beta_probability(float(x), float(a), float(b)) == pytest.approx(float(exact), abs=1e-13)


@given(st.floats(1.5, 200.0), st.floats(1.5, 200.0), st.floats(0.001, 0.999))
def test_the_distribution_is_the_integral_of_the_density(a: float, b: float, x: float) -> None:
    """Other than whole numbers, by Gauss and Legendre."""
    assert beta_probability(x, a, b) == pytest.approx(expectation(np.ones_like, a, b, x), abs=1e-11)


@given(shapes, shapes, st.floats(1e-6, 1.0 - 1e-6))
def test_quantiles_invert_the_distribution(a: float, b: float, probability: float) -> None:
    """Between neighbouring doubles, which are far apart where the density is high; and from the other side."""
    x = beta_quantile(probability, a, b)
    below, above = (beta_probability(math.nextafter(x, end), a, b) for end in (0.0, 1.0))

    assert below - 1e-12 <= probability <= above + 1e-12
    assert beta_quantile(0.5, b, a) == pytest.approx(1.0 - beta_quantile(0.5, a, b), abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(2.92, 5.08), (0.7, 30.0), (19.9, 20.1), (150.0, 3.0)])
def test_the_variance_of_log_odds_is_its_integral(a: float, b: float) -> None:
    """Trigamma of both, by the second moment."""

    def log_odds(x: FloatArray) -> FloatArray:
        odds: FloatArray = np.log(x) - np.log1p(-x)
        return odds

    mean = expectation(log_odds, a, b)
    second = expectation(lambda x: log_odds(x) ** 2, a, b)

    assert beta_log_odds_variance(a, b) == pytest.approx(second - mean**2, rel=1e-4)
    assert beta_log_odds_variance(1.0, 1.0) == pytest.approx(math.pi**2 / 3.0, rel=1e-14)


def test_many_trials_converge() -> None:
    """A million, whose spread is near the normal's."""
    low, high = (beta_quantile(p, 300_000.0, 700_000.0) for p in (0.05, 0.95))

    assert high - low == pytest.approx(2 * 1.6448536 * math.sqrt(0.21 / 1e6), rel=1e-4)


def test_arguments_out_of_range_are_refused() -> None:
    """There is no such distribution, or no such probability."""
    for arguments in [(-0.1, 1.0, 1.0), (1.1, 1.0, 1.0), (0.5, 0.0, 1.0), (0.5, 1.0, math.inf), (math.nan, 1.0, 1.0)]:
        with pytest.raises(ValueError, match="a and b above 0"):
            beta_probability(*arguments)
    for probability in (0.0, 1.0):
        with pytest.raises(ValueError, match="strictly between"):
            beta_quantile(probability, 1.0, 1.0)
    with pytest.raises(ValueError, match="above 0"):
        beta_log_odds_variance(0.0, 1.0)
    assert (beta_probability(0.0, 2.0, 3.0), beta_probability(1.0, 2.0, 3.0)) == (0.0, 1.0)
