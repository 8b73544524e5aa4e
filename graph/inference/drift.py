"""Drift of a forecaster: sums of errors that outcomes leave, which grow once forecasts no longer fit."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray, check_forecasts

ALLOWANCE: Final = 0.5
"""Standardized error that each outcome is allowed: half the shift of one deviation that is to be found soonest."""

THRESHOLD: Final = 5.0
"""Sum at which there is an alert."""


@dataclass(frozen=True, slots=True)
class Drift:
    """
    One-sided cumulative sums over outcomes in their order.

    Attributes:
        above: Sum towards coming true more often than stated, 0 or more.
        below: Sum towards coming true less often than stated, 0 or more.
        alerted_at: Index of the outcome since which a sum has not been below `THRESHOLD`; None if both are.
        num_outcomes: Number of outcomes.
    """

    above: float
    below: float
    alerted_at: int | None
    num_outcomes: int


NO_DRIFT: Final = Drift(0.0, 0.0, None, 0)
"""That of a forecaster without outcomes."""


def drift_of(stated: FloatArray, outcomes: BoolArray) -> Drift:
    """
    Sum up standardized errors (o - p) / √(p (1 - p)) by two one-sided CUSUMs.

    Args:
        stated: Probability given to each, strictly between 0 and 1, in the order of outcomes, shape (n,); n may be 0.
        outcomes: Whether it came true, shape (n,).

    Raises:
        ValueError: The shapes differ, or a probability is not strictly between 0 and 1.

    Source: Page, Biometrika 41 (1954), 100-115.
    """
    if stated.shape == outcomes.shape == (0,):
        return NO_DRIFT
    check_forecasts(stated, outcomes)
    if ((stated <= 0.0) | (stated >= 1.0)).any():
        message = f"expected probabilities strictly between 0 and 1, got {stated.min()} to {stated.max()}"
        raise ValueError(message)
    errors = (outcomes - stated) / np.sqrt(stated * (1.0 - stated))
    above, below = _sums(errors), _sums(-errors)
    calm = np.flatnonzero((above < THRESHOLD) & (below < THRESHOLD))
    since = int(calm[-1]) + 1 if calm.size else 0
    return Drift(float(above[-1]), float(below[-1]), since if since < stated.size else None, stated.size)


def _sums(errors: FloatArray) -> FloatArray:
    """Return S_n = max(0, S_(n - 1) + e_n - `ALLOWANCE`) after each error, S_0 = 0."""
    # The sum of all so far, above the least that it has been: one pass, and no sum of what was reset before.
    totals = np.concatenate(([0.0], np.cumsum(errors - ALLOWANCE)))
    sums: FloatArray = (totals - np.minimum.accumulate(totals))[1:]
    return sums
