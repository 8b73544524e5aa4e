"""The beta distribution: probabilities, quantiles, and the spread of its log-odds."""

import math

MAX_TERMS = 10_000
"""The continued fraction takes some sqrt(a + b) terms; a million trials take a thousand."""

TINY = 1e-300
"""Stands for a zero denominator in Lentz's method, which divides by it next."""

LEAST_ASYMPTOTIC = 20.0
"""From here on the trigamma function's asymptotic series is exact to 1e-16."""

LEAST_CHANGE = 4e-16
"""A factor this near 1 is the last of the continued fraction."""


def beta_probability(x: float, a: float, b: float) -> float:
    """
    Compute P(X <= x) for X ~ Beta(a, b), the regularized incomplete beta function.

    Args:
        x: In [0, 1].
        a: Above 0.
        b: Above 0.

    Raises:
        ValueError: An argument is out of range.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22, by Lentz's method (3.10).
    """
    if not (0.0 <= x <= 1.0 and 0.0 < a < math.inf and 0.0 < b < math.inf):
        message = f"expected x from 0 to 1, and a and b above 0, got {x}, {a} and {b}"
        raise ValueError(message)
    if x in {0.0, 1.0}:
        return x
    # The fraction converges fast below the mean; above it, the other tail's does.
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _lower_tail(1.0 - x, math.log1p(-x), math.log(x), b, a)
    return _lower_tail(x, math.log(x), math.log1p(-x), a, b)


def _lower_tail(x: float, log_x: float, log_rest: float, a: float, b: float) -> float:
    log_front = a * log_x + b * log_rest - math.log(a) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_front) * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """Evaluate 1 / (1 + d1 / (1 + d2 / ...))."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for term in range(1, MAX_TERMS):
        m = term // 2
        if term % 2 == 0:
            d = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        else:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        denominator = 1.0 / ((1.0 + d * denominator) or TINY)
        numerator = (1.0 + d / numerator) or TINY
        value *= numerator * denominator
        if abs(numerator * denominator - 1.0) < LEAST_CHANGE:
            return 1.0 / value
    message = f"the incomplete beta function does not converge at x={x}, a={a}, b={b}"
    raise ArithmeticError(message)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """
    Compute x with P(X <= x) = probability for X ~ Beta(a, b), by bisection to neighbouring doubles.

    Args:
        probability: Strictly between 0 and 1.
        a: Above 0.
        b: Above 0.

    Raises:
        ValueError: An argument is out of range.
    """
    if not 0.0 < probability < 1.0:
        message = f"expected a probability strictly between 0 and 1, got {probability}"
        raise ValueError(message)
    low, high = 0.0, 1.0
    while True:
        middle = 0.5 * (low + high)
        if middle in {low, high}:
            return middle
        if beta_probability(middle, a, b) < probability:
            low = middle
        else:
            high = middle


def beta_log_odds_variance(a: float, b: float) -> float:
    """
    Compute the variance of logit(X) for X ~ Beta(a, b): `trigamma(a) + trigamma(b)`.

    Raises:
        ValueError: An argument is not above 0.
    """
    if not (0.0 < a < math.inf and 0.0 < b < math.inf):
        message = f"expected a and b above 0, got {a} and {b}"
        raise ValueError(message)
    return _trigamma(a) + _trigamma(b)


def _trigamma(x: float) -> float:
    """Compute the second derivative of ln Gamma, for x above 0; Source: NIST DLMF, 5.15.5 and 5.15.8."""
    before = 0.0
    while x < LEAST_ASYMPTOTIC:
        before += 1.0 / (x * x)
        x += 1.0
    square = 1.0 / (x * x)
    series = 1.0 / 6.0 - square * (1.0 / 30.0 - square * (1.0 / 42.0 - square * (1.0 / 30.0 - square * 5.0 / 66.0)))
    return before + 1.0 / x + 0.5 * square + series * square / x
