"""Exact mean squared error of a belief over a stretch of time in which only time moves it."""

from enum import StrEnum

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray

NEARLY_EQUAL = 1e-3
"""Log-odds nearer than this are integrated by quadrature, exact to 1e-15 there, as the closed form cancels."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)


class Drift(StrEnum):
    """Quantity of a belief that is linear in time between two rows of its ledger."""

    ODDS = "ODDS"
    LOG_ODDS = "LOG_ODDS"


def mean_squared_errors(first: FloatArray, last: FloatArray, outcomes: BoolArray, drift: Drift) -> FloatArray:
    """
    Compute the mean of (belief - outcome)² over each stretch of time.

    Args:
        first: Belief at the start of each, strictly between 0 and 1, shape (n,).
        last: Belief at its end, before any row there, shape (n,).
        outcomes: Whether the claim came true, shape (n,).
        drift: Quantity that is linear in time.

    Raises:
        ValueError: A belief is not strictly between 0 and 1.
    """
    if not ((first > 0.0) & (first < 1.0) & (last > 0.0) & (last < 1.0)).all():
        message = "expected beliefs strictly between 0 and 1"
        raise ValueError(message)
    if drift is Drift.ODDS:
        square_of_missing, missing = _means_by_odds(first, last)
        return np.where(outcomes, square_of_missing, 1.0 - 2.0 * missing + square_of_missing)
    # The other outcome's error is that of the complement.
    ends = np.where(outcomes, 1.0 - first, first), np.where(outcomes, 1.0 - last, last)
    return _square_mean_by_log_odds(*ends)


def _means_by_odds(first: FloatArray, last: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Return the means of (1 - p)² and of 1 - p, where u = 1 / (1 - p), one plus the odds, is linear in time.

    The mean of 1/u² is 1 / (u0 u1), that of 1/u is ln(u1 / u0) / (u1 - u0).
    """
    missing_first, missing_last = 1.0 - first, 1.0 - last
    growth = missing_first / missing_last - 1.0
    safe = np.where(growth == 0.0, 1.0, growth)
    ratio = np.where(growth == 0.0, 1.0, np.log1p(safe) / safe)
    return missing_first * missing_last, missing_first * ratio


def _square_mean_by_log_odds(first: FloatArray, last: FloatArray) -> FloatArray:
    """Return the mean of p²: the integral of p² over log-odds is softplus minus p."""
    low, high = (np.log(p) - np.log1p(-p) for p in (first, last))
    width = high - low
    is_narrow = np.abs(width) < NEARLY_EQUAL
    safe = np.where(is_narrow, 1.0, width)
    closed = (np.logaddexp(0.0, high) - np.logaddexp(0.0, low) - (last - first)) / safe
    tried = low[..., np.newaxis] + width[..., np.newaxis] * 0.5 * (NODES + 1.0)
    quadrature = (1.0 / (1.0 + np.exp(-tried))) ** 2 @ WEIGHTS / 2.0
    means: FloatArray = np.where(is_narrow, quadrature, closed)
    return means
