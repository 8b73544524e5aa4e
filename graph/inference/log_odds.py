"""Probabilities as natural log-odds, where independent evidence adds."""

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def logit(probability: float) -> float:
    """
    The natural log-odds of a probability.

    Args:
        probability: Strictly between 0 and 1.

    Raises:
        ValueError: It is 0, 1 or outside; a certain claim has no finite log-odds.
    """
    if not 0.0 < probability < 1.0:
        message = f"expected a probability strictly between 0 and 1, got {probability}"
        raise ValueError(message)
    return math.log(probability) - math.log1p(-probability)


def sigmoid(log_odds: float) -> float:
    """The probability of natural log-odds; finite for every finite input."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def logits(probabilities: FloatArray) -> FloatArray:
    """
    `logit` of each, shape kept.

    NumPy's own logarithm may differ from the standard library's in the last bit, by machine and by length of the
    array; stored beliefs are compared bit for bit with others computed one at a time, so both use the same one.

    Raises:
        ValueError: One of them is 0, 1 or outside.
    """
    return np.array([logit(probability) for probability in probabilities.ravel().tolist()]).reshape(probabilities.shape)


def sigmoids(log_odds: FloatArray) -> FloatArray:
    """`sigmoid` of each, shape kept and equal to the last bit, for the reason that `logits` gives."""
    return np.array([sigmoid(value) for value in log_odds.ravel().tolist()]).reshape(log_odds.shape)
