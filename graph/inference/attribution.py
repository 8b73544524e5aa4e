"""A change split among what caused it, by putting the causes in one after the other, in one order or several."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.replicates import standard_errors


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """
    Shares of n causes in a change.

    Attributes:
        deltas: They add up to the change, shape (n,).
        standard_errors: Of the shares, between replicates, shape (n,); None for a single replicate.
    """

    deltas: FloatArray
    standard_errors: FloatArray | None


def split_change(orders: Sequence[Sequence[int]], values: FloatArray, replicates: FloatArray | None = None) -> Shares:
    """
    Split a change among its causes: each one's share is what it adds when it comes, on average over some orders.

    Over all orders the shares are those of Shapley (Annals of Mathematics Studies 28 (1953), 307-317). An order and its
    reverse give the same for two causes, and for any number whose effects interact in pairs alone.

    Args:
        orders: Permutations of the n causes.
        values: The value before any cause, and after each one of an order; shape (orders, n + 1).
        replicates: The same by independent replicates, shape (replicates, orders, n + 1); None without any.

    Raises:
        ValueError: The shapes do not fit.
    """
    shape = (len(orders), len(orders[0]) + 1)
    if values.shape != shape or (replicates is not None and replicates.shape[1:] != shape):
        message = f"expected values of {shape[0]} orders of {shape[1] - 1} causes, got the shape {values.shape}"
        raise ValueError(message)
    places = np.argsort(np.array(orders, np.int64), axis=1)
    deltas = np.take_along_axis(np.diff(values), places, axis=1).mean(axis=0)
    if replicates is None:
        return Shares(deltas, None)
    each = np.take_along_axis(np.diff(replicates), places[np.newaxis], axis=2).mean(axis=1)
    return Shares(deltas, standard_errors(each))
