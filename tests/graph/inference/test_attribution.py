"""A change split among causes, against Shapley's values by all orders, and the law that the shares add up."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graph.inference.attribution import split_change
from graph.inference.log_odds import FloatArray


def values_along(game: FloatArray, orders: Sequence[Sequence[int]]) -> FloatArray:
    """A game's values, by the bits of who has come, along orders."""
    rows = [[game[sum(1 << cause for cause in order[:n])] for n in range(len(order) + 1)] for order in orders]
    return np.array(rows)


@pytest.mark.parametrize("seed", range(20))
def test_all_orders_give_shapleys_values(seed: int) -> None:
    """By the formula with factorials, over coalitions."""
    num = 4
    game = np.random.default_rng(seed).normal(size=1 << num)
    orders = list(itertools.permutations(range(num)))
    found = split_change(orders, values_along(game, orders))

    for cause in range(num):
        others = [own for own in range(1 << num) if not own & (1 << cause)]
        expected = sum(
            math.factorial(own.bit_count())
            * math.factorial(num - own.bit_count() - 1)
            / math.factorial(num)
            * (game[own | (1 << cause)] - game[own])
            for own in others
        )
        assert found.deltas[cause] == pytest.approx(expected, abs=1e-12)
    assert found.standard_errors is None


@pytest.mark.parametrize("seed", range(20))
def test_an_order_and_its_reverse_do_where_causes_interact_in_pairs(seed: int) -> None:
    """Each pair's interaction is halved, as by all orders; and any orders give shares that add up."""
    rng, num = np.random.default_rng(seed), 5
    alone, pairs = rng.normal(size=num), np.triu(rng.normal(size=(num, num)), 1)
    come = np.array([[bool(own & (1 << cause)) for cause in range(num)] for own in range(1 << num)], np.float64)
    game = come @ alone + np.einsum("si,ij,sj->s", come, pairs, come)
    order = rng.permutation(num).tolist()
    found = split_change([order, order[::-1]], values_along(game, [order, order[::-1]]))

    assert_allclose(found.deltas, alone + (pairs + pairs.T).sum(axis=1) / 2.0, atol=1e-12)
    one = split_change([order], values_along(game, [order]))
    assert one.deltas.sum() == pytest.approx(game[-1] - game[0], abs=1e-12)


def test_standard_errors_are_between_replicates() -> None:
    """Those of the shares themselves, whatever the replicates have in common."""
    orders = [[1, 0], [0, 1]]
    replicates = np.array([[[0.0, 1.0, 3.0], [0.0, 2.0, 3.0]], [[5.0, 6.0, 9.0], [5.0, 7.0, 9.0]]])
    found = split_change(orders, replicates.mean(axis=0), replicates)

    # Causes 0 and 1 have shares 2 and 1 in the first replicate, and 2.5 and 1.5 in the second.
    assert_allclose(found.deltas, [2.25, 1.25])
    assert found.standard_errors is not None
    assert_allclose(found.standard_errors, [0.25, 0.25])


def test_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 orders of 2 causes"):
        split_change([[0, 1], [1, 0]], np.zeros((2, 2)))
