"""Scores of yes/no forecasts: proper scoring rules, their decompositions and the reliability curve."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray

BoolArray = NDArray[np.bool_]
CountArray = NDArray[np.int64]

NUM_BINS = 10
"""Tenths, as the literature draws reliability curves."""

CONFIDENCE = 0.95
"""Coverage of intervals around observed frequencies."""


@dataclass(frozen=True, slots=True, eq=False)
class IsotonicFit:
    """
    Forecasts recalibrated by isotonic regression.

    Attributes:
        recalibrated: P(yes) for each forecast, in the forecasts' order, shape (n,).
        num_blocks: Number of distinct recalibrated values.
    """

    recalibrated: FloatArray
    num_blocks: int


@dataclass(frozen=True, slots=True)
class CorpDecomposition:
    """
    The Brier score in three parts: miscalibration - discrimination + uncertainty.

    Attributes:
        miscalibration: Gain in score by recalibration; 0 or more.
        discrimination: Gain of the recalibrated forecasts over the base rate; 0 or more.
        uncertainty: Score of always stating the base rate, in [0, 0.25].
        num_blocks: Number of distinct recalibrated values.
    """

    miscalibration: float
    discrimination: float
    uncertainty: float
    num_blocks: int


@dataclass(frozen=True, slots=True)
class BinnedReliability:
    """
    Murphy's decomposition of the Brier score over bins.

    Attributes:
        reliability: Mean squared distance of stated probability and observed frequency; 0 is best.
        resolution: Mean squared distance of the bins' frequencies from the base rate; higher is better.
    """

    reliability: float
    resolution: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """
    One point of a reliability curve.

    Attributes:
        lower: Lower edge, inclusive.
        upper: Upper edge, exclusive except in the last bin.
        count: Number of forecasts in the bin, 1 or more.
        num_true: Number of them that came true.
        mean_stated: Mean stated probability.
        frequency: Share that came true.
        interval_low: Lower end of the Wilson interval of the frequency.
        interval_high: Upper end of the same interval.
    """

    lower: float
    upper: float
    count: int
    num_true: int
    mean_stated: float
    frequency: float
    interval_low: float
    interval_high: float


def brier_score(stated: FloatArray, outcomes: BoolArray) -> float:
    """
    Compute the mean squared error of yes/no forecasts; 0 is best, 1 is worst.

    This is the one-sided form: Brier's own also sums over "no", and so is twice as large.

    Args:
        stated: Probability given to "yes", in [0, 1], shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Raises:
        ValueError: The shapes differ, a probability is outside [0, 1], or there is no forecast.

    Source: Brier, Monthly Weather Review 78 (1950), 1-3.
    """
    check_forecasts(stated, outcomes)
    return _mean((stated - outcomes) ** 2)


def log_score(stated: FloatArray, outcomes: BoolArray, *, clip: float = 0.0) -> float:
    """
    Compute the mean of -ln of the probability given to what happened, in nats; 0 is best, without an upper bound.

    Args:
        stated: Probability given to "yes", in [0, 1], shape (n,).
        outcomes: Whether "yes" happened, shape (n,).
        clip: Probabilities are clipped to [clip, 1 - clip] first. With 0, nothing is clipped, and a stated 0 or 1,
            which may score infinity, raises an error.

    Raises:
        ValueError: As `brier_score`; or `clip` is outside [0, 0.5); or it is 0 and a probability is 0 or 1.

    Source: Good, Journal of the Royal Statistical Society B 14 (1952), 107-114.
    """
    check_forecasts(stated, outcomes)
    if not 0.0 <= clip < 0.5:  # noqa: PLR2004  # at a half all forecasts are the same
        message = f"expected a clip of at least 0 and below 0.5, got {clip}"
        raise ValueError(message)
    limited = np.clip(stated, clip, 1.0 - clip)
    if ((limited <= 0.0) | (limited >= 1.0)).any():
        message = "expected probabilities strictly between 0 and 1, or a clip; got 0 or 1"
        raise ValueError(message)
    return _mean(-np.where(outcomes, np.log(limited), np.log1p(-limited)))


def isotonic_fit(stated: FloatArray, outcomes: BoolArray) -> IsotonicFit:
    """
    Fit outcomes to stated probabilities by isotonic regression, pooling adjacent violators.

    Equal forecasts share one value. Means are compared in integers, so that rounding neither splits nor joins blocks.

    Args:
        stated: Probability given to "yes", in [0, 1], shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Raises:
        ValueError: As `brier_score`.

    Source: Ayer, Brunk, Ewing, Reid and Silverman, Annals of Mathematical Statistics 26 (1955), 641-647.
    """
    check_forecasts(stated, outcomes)
    _, position = np.unique(stated, return_inverse=True)
    counts = np.bincount(position)
    nums_true = np.bincount(position[outcomes], minlength=counts.size)
    blocks = _pooled(nums_true, counts)
    levels = np.array([num_true / count for num_true, count, _ in blocks])
    widths = [width for _, _, width in blocks]
    return IsotonicFit(recalibrated=np.repeat(levels, widths)[position], num_blocks=len(blocks))


def _pooled(nums_true: CountArray, counts: CountArray) -> list[tuple[int, int, int]]:
    """Pool groups into blocks (true, all, width in groups) of strictly increasing frequency."""
    blocks: list[tuple[int, int, int]] = []
    for num_true, count in zip(nums_true.tolist(), counts.tolist(), strict=True):
        block = (num_true, count, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return blocks


def corp_decomposition(stated: FloatArray, outcomes: BoolArray) -> CorpDecomposition:
    """
    Decompose the Brier score by isotonic recalibration, without bins.

    Args:
        stated: Probability given to "yes", in [0, 1], shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Raises:
        ValueError: As `brier_score`.

    Source: Dimitriadis, Gneiting and Jordan, PNAS 118 (2021), e2016191118.
    """
    fit = isotonic_fit(stated, outcomes)
    base_rate = float(outcomes.mean())
    recalibrated_score = brier_score(fit.recalibrated, outcomes)
    uncertainty = base_rate * (1.0 - base_rate)
    return CorpDecomposition(
        # Both are 0 or more, but the difference of equal scores may round to some -1e-17.
        miscalibration=max(0.0, brier_score(stated, outcomes) - recalibrated_score),
        discrimination=max(0.0, uncertainty - recalibrated_score),
        uncertainty=uncertainty,
        num_blocks=fit.num_blocks,
    )


def binned_reliability(stated: FloatArray, outcomes: BoolArray, *, num_bins: int = NUM_BINS) -> BinnedReliability:
    """
    Compute reliability and resolution on bins of equal width, each represented by its mean stated probability.

    Args:
        stated: Probability given to "yes", in [0, 1], shape (n,).
        outcomes: Whether "yes" happened, shape (n,).
        num_bins: Number of bins in [0, 1].

    Raises:
        ValueError: As `brier_score`; or `num_bins` is below 1.

    Source: Murphy, Journal of Applied Meteorology 12 (1973), 595-600.
    """
    curve = reliability_curve(stated, outcomes, num_bins=num_bins)
    base_rate = float(outcomes.mean())
    return BinnedReliability(
        reliability=math.fsum(b.count * (b.mean_stated - b.frequency) ** 2 for b in curve) / stated.size,
        resolution=math.fsum(b.count * (b.frequency - base_rate) ** 2 for b in curve) / stated.size,
    )


def reliability_curve(
    stated: FloatArray, outcomes: BoolArray, *, num_bins: int = NUM_BINS, confidence: float = CONFIDENCE
) -> tuple[ReliabilityBin, ...]:
    """
    Compute stated probability against observed frequency on bins of equal width.

    Args:
        stated: Probability given to "yes", in [0, 1], shape (n,).
        outcomes: Whether "yes" happened, shape (n,).
        num_bins: Number of bins in [0, 1]; a bin includes its lower edge, the last one both.
        confidence: Coverage of the intervals, strictly between 0 and 1.

    Returns:
        The bins with forecasts, in ascending order.

    Raises:
        ValueError: As `brier_score`; or `num_bins` is below 1; or the confidence is not strictly between 0 and 1.
    """
    check_forecasts(stated, outcomes)
    if num_bins < 1:
        message = f"expected one bin or more, got {num_bins}"
        raise ValueError(message)
    # Not floor(stated * num_bins), which puts 0.29 into bin 28 of a hundred. Edges k / num_bins equal the written
    # decimals, so that a stated 0.3 falls into the bin that starts at 0.3.
    edges = np.arange(num_bins + 1) / num_bins
    bins = np.searchsorted(edges[1:-1], stated, side="right")
    return tuple(
        _reliability_bin((edges[k], edges[k + 1]), stated[bins == k], outcomes[bins == k], confidence)
        for k in np.unique(bins).tolist()
    )


def _reliability_bin(
    edges: tuple[float, float], stated: FloatArray, outcomes: BoolArray, confidence: float
) -> ReliabilityBin:
    num_true = int(outcomes.sum())
    low, high = wilson_interval(num_true, stated.size, confidence=confidence)
    return ReliabilityBin(
        lower=float(edges[0]),
        upper=float(edges[1]),
        count=stated.size,
        num_true=num_true,
        mean_stated=_mean(stated),
        frequency=num_true / stated.size,
        interval_low=low,
        interval_high=high,
    )


def wilson_interval(num_true: int, count: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """
    Compute the Wilson score interval of a frequency, accurate for few trials and at 0 and 1.

    Args:
        num_true: Number of successes, at most `count`.
        count: Number of trials, 1 or more.
        confidence: Coverage, strictly between 0 and 1.

    Raises:
        ValueError: An argument is out of range.

    Source: Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if not (count >= 1 and 0 <= num_true <= count):
        message = f"expected a trial or more and at most as many successes, got {num_true} of {count}"
        raise ValueError(message)
    if not 0.0 < confidence < 1.0:
        message = f"expected a confidence strictly between 0 and 1, got {confidence}"
        raise ValueError(message)
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    center = (num_true + z * z / 2.0) / (count + z * z)
    half = z / (count + z * z) * math.sqrt(num_true * (count - num_true) / count + z * z / 4.0)
    # Without successes the interval starts at 0, without failures it ends at 1; rounding may miss both by 1e-17.
    return (0.0 if num_true == 0 else center - half), (1.0 if num_true == count else center + half)


def check_forecasts(stated: FloatArray, outcomes: BoolArray) -> None:
    """
    Check forecasts and outcomes.

    Raises:
        ValueError: The shapes differ or are not (n,) with n of 1 or more, the outcomes are not booleans, or a
            probability is NaN or outside [0, 1].
    """
    if stated.ndim != 1 or stated.shape != outcomes.shape or stated.size == 0:
        message = f"expected one or more forecasts and as many outcomes, got shapes {stated.shape} and {outcomes.shape}"
        raise ValueError(message)
    if outcomes.dtype != np.bool_:
        message = f"expected outcomes as booleans, got {outcomes.dtype}"
        raise ValueError(message)
    outside = stated[~((stated >= 0.0) & (stated <= 1.0))]
    if outside.size:
        message = f"expected probabilities from 0 to 1, got {outside[0]}"
        raise ValueError(message)


def _mean(values: FloatArray) -> float:
    # Summed exactly, so that no order of the forecasts changes the last bit of a stored score.
    return math.fsum(values.tolist()) / values.size
