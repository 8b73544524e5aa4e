"""Functions of single numbers and small tables, over whole arrays."""

import numpy as np

from graph.inference.log_odds import FloatArray


def fast_sigmoid(x: FloatArray) -> FloatArray:
    """Compute `sigmoid` of each element, up to rounding, at NumPy's speed."""
    odds = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, odds) / (1.0 + odds)


def softplus(x: FloatArray) -> FloatArray:
    """Compute ln(1 + exp(x)) of each element without overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def configuration_log_odds(weights: FloatArray) -> FloatArray:
    """
    Compute the log-odds that each configuration of parents adds: entry c sums the weights whose bit in c is set.

    Args:
        weights: Of any number of claims with k parents each, shape (..., k).

    Returns:
        Shape (..., 2^k).
    """
    sums = np.zeros((*weights.shape[:-1], 1))
    for j in range(weights.shape[-1]):
        sums = np.concatenate([sums, sums + weights[..., j : j + 1]], axis=-1)
    return sums
