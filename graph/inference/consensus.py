"""Consensus of many forecasters on one claim: weighted by how new each one's latest forecast is, and calibrated."""

import math
from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import CountArray

MOST_COUNTED = 20
"""More voices than this sharpen a consensus no further."""

SHARE_UNIT = 2.0**-48
"""Shares are multiples of it, so that doubles hold every sum of them exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolingParameters:
    """
    Numbers of the calibrated prior of several forecasters; the defaults were fitted to forecasts of PredictionBook.

    Attributes:
        intercept: Log-odds added to every prior.
        slope: Factor of the mean bent log-odds at the deadline, of a single voice.
        slope_loss: Part of it that is lost when the whole window remains.
        slope_gain: Added to it for each unit of ln of the number of voices, `MOST_COUNTED` at most.
        horizon: Log-odds for each unit of ln(1 + days left).
    """

    intercept: float = -0.229
    slope: float = 1.725
    slope_loss: float = 0.914
    slope_gain: float = 0.178
    horizon: float = -0.037


POOLING = PoolingParameters()
"""Those of foregraph-2."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """
    Forecasts of one claim, weighted.

    Attributes:
        weights: Weight of each forecast, above 0, shape (n,); those of a cluster add up to its weight.
        shares: The same as shares, multiples of `SHARE_UNIT` that add up to 1 exactly, shape (n,).
        num_voices: Number of forecasts, each cluster as one.
    """

    weights: FloatArray
    shares: FloatArray
    num_voices: int

    def mean(self, values: FloatArray) -> float:
        """Compute the weighted mean of the forecasts' values, shape (n,)."""
        return math.fsum((self.weights * values).tolist()) / math.fsum(self.weights.tolist())

    def spread(self, values: FloatArray) -> float:
        """Compute the weighted standard deviation of the forecasts' values, shape (n,)."""
        return math.sqrt(self.mean((values - self.mean(values)) ** 2))


def pool(clusters: CountArray) -> Pool:
    """
    Weight each forecaster's latest forecast by its rank r by time, 1 the oldest of N: `exp(√r - √N)`.

    A cluster counts once, at the rank of its newest forecast; its forecasts share that weight equally.

    Args:
        clusters: Number of each forecast's cluster, the forecasts in order of time, shape (n,), n of 1 or more;
            a forecast outside any cluster has a number of its own.

    Raises:
        ValueError: There is no forecast.
    """
    if clusters.ndim != 1 or clusters.size == 0:
        message = f"expected one forecast or more, got shape {clusters.shape}"
        raise ValueError(message)
    _, newest_from_end, voices, sizes = np.unique(
        clusters[::-1], return_index=True, return_inverse=True, return_counts=True
    )
    ranks = np.empty(sizes.size)
    ranks[np.argsort(-newest_from_end)] = np.arange(1, sizes.size + 1)
    of_voices = np.exp(np.sqrt(ranks) - math.sqrt(sizes.size)) / sizes
    weights = of_voices[voices][::-1].copy()
    return Pool(weights, _shares(weights), int(sizes.size))


def _shares(weights: FloatArray) -> FloatArray:
    """Round shares down to units, and give what is left to the largest remainders."""
    units = weights / math.fsum(weights.tolist()) / SHARE_UNIT
    floors = np.floor(units)
    num_left = round(1.0 / SHARE_UNIT - float(floors.sum()))
    floors[np.argsort(floors - units, kind="stable")[:num_left]] += 1.0
    shares: FloatArray = floors * SHARE_UNIT
    return shares


def pooled_log_odds(
    means: FloatArray,
    nums_voices: CountArray,
    trfs: FloatArray,
    days_left: FloatArray,
    parameters: PoolingParameters = POOLING,
) -> FloatArray:
    """
    Compute calibrated prior log-odds of several forecasters.

    `-0.229 + (1.725 - 0.914 TRF0 + 0.178 ln min(N, 20)) m - 0.037 ln(1 + D0)`.

    Args:
        means: m, the weighted mean of the bent log-odds h, of any shape.
        nums_voices: N, 1 or more.
        trfs: TRF0, the time-remaining fraction at the newest forecast, in [0, 1].
        days_left: D0, the days left then, 0 or more.
        parameters: Numbers.
    """
    sharpened = parameters.slope_gain * np.log(np.minimum(nums_voices, MOST_COUNTED))
    slopes = parameters.slope - parameters.slope_loss * trfs + sharpened
    log_odds: FloatArray = parameters.intercept + slopes * means + parameters.horizon * np.log1p(days_left)
    return log_odds
