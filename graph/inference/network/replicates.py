"""Independent replicates: standard errors of their mean, and whether they agree."""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.structure import BoolArray

POOLED_WEIGHT: Final = 4
"""
Replicates that the pooled variance counts as: a claim's own variance, of three degrees of freedom with four replicates,
is half of the true one in one case of five, and now and then 0.
"""

MAX_FALSE_ALARMS: Final = 0.01
"""Share of converged banks of which one claim's replicates differ by more than the limit, at most."""

NOISE_LIMIT: Final = 3.0
"""In standard errors: a change that is smaller is taken for noise if it is the only one that is looked at."""

_NORMAL: Final = NormalDist()
_LARGEST_RANGE: Final = 60.0
"""In standard deviations; no claim count needs more."""


def standard_errors(replicates: FloatArray) -> FloatArray | None:
    """
    Compute the standard error of the replicates' mean.

    Args:
        replicates: Shape (replicates, ...).

    Returns:
        Shape (...); None for a single replicate.
    """
    if replicates.shape[0] == 1:
        return None
    errors: FloatArray = replicates.std(axis=0, ddof=1) / np.sqrt(replicates.shape[0])
    return errors


def pooled_errors(replicates: FloatArray, variances: FloatArray, num_samples: int) -> FloatArray | None:
    """
    Compute the standard error of the replicates' mean, with each claim's variance shrunk towards that of all claims.

    Args:
        replicates: Estimates of n claims, shape (replicates, n).
        variances: Of a single sample of each claim, up to a common factor; 0 for what is certain; shape (n,).
        num_samples: In all replicates together; no error is less than half a sample.

    Returns:
        Shape (n,), 0 for what is certain; None for a single replicate.
    """
    num_replicates = replicates.shape[0]
    if num_replicates == 1:
        return None
    own: FloatArray = replicates.var(axis=0, ddof=1)
    is_uncertain = variances > 0.0
    if not is_uncertain.any():
        return np.zeros_like(own)
    pooled = np.mean(own[is_uncertain] / variances[is_uncertain]) * variances
    num_free = num_replicates - 1
    shrunk = (POOLED_WEIGHT * pooled + num_free * own) / (POOLED_WEIGHT + num_free)
    # Claims share their network's random numbers: of the variance, n of them tell what the root of n would.
    shrunk = shrunk * _student_factor(num_free * np.sqrt(np.count_nonzero(is_uncertain))) ** 2
    errors: FloatArray = np.where(is_uncertain, np.maximum(np.sqrt(shrunk / num_replicates), 0.5 / num_samples), 0.0)
    return errors


def at_least_frozen(
    errors: FloatArray, marginals: FloatArray, is_frozen: BoolArray, num_ancestors: float
) -> FloatArray:
    """
    Raise the standard errors of claims that sweeps do not move to what their samples' ancestors allow.

    What other claims show does not tell of these: only samples with different ancestors differ in them.

    Args:
        errors: Standard errors, shape (n,).
        marginals: P(claim), shape (n,).
        is_frozen: Mask of these claims, shape (n,).
        num_ancestors: In all replicates together.
    """
    least = np.sqrt(np.maximum(marginals * (1.0 - marginals), 0.0) / max(num_ancestors, 1.0))
    return np.where(is_frozen, np.maximum(errors, least), errors)


def _student_factor(num_free: float) -> float:
    """
    Return the ratio of the quantiles at two standard deviations of Student's distribution and the normal one.

    Args:
        num_free: Degrees of freedom.

    Source: Fisher, Metron 5 (1925), 109-112, to the first order.
    """
    return 1.0 + 1.25 / num_free


def noise_limit(num_claims: int) -> float:
    """
    Return the number of standard errors that noise exceeds as rarely in one of several claims as 3 in one.

    Args:
        num_claims: Claims that are looked at.
    """
    return -_NORMAL.inv_cdf(_NORMAL.cdf(-NOISE_LIMIT) / max(num_claims, 1))


def largest_standardized_range(replicates: FloatArray, num_ancestors: int, is_known: BoolArray) -> float:
    """
    Compute the largest range of replicates' marginals, in standard deviations that so many ancestors allow.

    Args:
        replicates: Marginals of n claims, shape (replicates, n).
        num_ancestors: Of each replicate; samples with a common one count as one.
        is_known: Mask of the claims to leave out, shape (n,).
    """
    marginals = replicates[:, ~is_known]
    mean = marginals.mean(axis=0)
    # One ancestor more, as the frequency of a rare claim is not normal.
    variances = mean * (1.0 - mean) / num_ancestors + 1.0 / num_ancestors**2
    return float((np.ptp(marginals, axis=0) / np.sqrt(variances)).max(initial=0.0))


@lru_cache(maxsize=64)
def range_limit(num_replicates: int, num_claims: int) -> float:
    """
    Compute the standardized range that replicates which agree exceed in one claim of n with a probability of 1%.

    Args:
        num_replicates: Two or more.
        num_claims: Claims that are looked at.

    Source: Tukey's studentized range with infinitely many degrees of freedom.
    """
    wanted = MAX_FALSE_ALARMS / max(num_claims, 1)
    low, high = 0.0, _LARGEST_RANGE
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _range_tail(middle, num_replicates) > wanted else (low, middle)
    return high


def _range_tail(width: float, num_replicates: int) -> float:
    """P(range of so many standard normal numbers > width): the integral over the smallest one."""
    points = np.linspace(-9.0, 9.0, 361)
    above, inside = (
        np.array([0.5 * math.erfc(x / math.sqrt(2.0)) for x in points]),
        np.array([0.5 * math.erfc((x + width) / math.sqrt(2.0)) for x in points]),
    )
    power = num_replicates - 1
    # P(all others above the smallest) less P(all others within the width of it), without cancellation.
    ratio = np.divide(inside, above, out=np.zeros_like(above), where=above > 0.0)
    missed = -np.expm1(power * np.log1p(-ratio)) * above**power
    density = np.exp(-0.5 * points**2) / math.sqrt(2.0 * math.pi)
    return float(num_replicates * (density * missed).sum() * (points[1] - points[0]))
