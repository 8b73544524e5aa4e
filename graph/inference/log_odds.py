"""Probabilities as natural log-odds, in which independent evidence adds up."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def logit(probability: float) -> float:
    """
    Compute the natural log-odds of a probability.

    Args:
        probability: Strictly between 0 and 1.

    Raises:
        ValueError: The probability is not strictly between 0 and 1; a certain claim has no finite log-odds.
    """
    if not 0.0 < probability < 1.0:
        message = f"expected a probability strictly between 0 and 1, got {probability}"
        raise ValueError(message)
    return math.log(probability) - math.log1p(-probability)


def sigmoid(log_odds: float) -> float:
    """Compute the probability of natural log-odds, without overflow."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def optional_numbers(values: Sequence[float | None]) -> FloatArray:
    """Convert numbers to an array of shape (n,); None becomes NaN."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def logits(probabilities: FloatArray) -> FloatArray:
    """
    Compute `logit` of each element, keeping the shape.

    NumPy's logarithm may differ from the standard library's in the last bit, depending on the machine and the length of
    the array. Stored beliefs are compared bit for bit with values computed one at a time, so both use the latter.

    Raises:
        ValueError: A probability is not strictly between 0 and 1.
    """
    return np.array([logit(probability) for probability in probabilities.ravel().tolist()]).reshape(probabilities.shape)


def sigmoids(log_odds: FloatArray) -> FloatArray:
    """Compute `sigmoid` of each element, keeping the shape; equal to the last bit, for the reason given at `logits`."""
    return np.array([sigmoid(value) for value in log_odds.ravel().tolist()]).reshape(log_odds.shape)


def expit(log_odds: FloatArray) -> FloatArray:
    """Compute `sigmoid` of each element by NumPy's exponential, for fits, which need no equality to the last bit."""
    decay = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0.0, 1.0, decay) / (1.0 + decay)
