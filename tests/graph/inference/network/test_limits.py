"""Reasons that the limits give for their values."""

import numpy as np

from graph.inference.log_odds import sigmoid
from graph.inference.network.bank import NUM_SAMPLES
from graph.inference.network.elementary import fast_sigmoid, softplus
from graph.inference.network.intercepts import MAX_SAMPLES
from graph.inference.network.limits import (
    GRID_LIMIT,
    GRID_STEPS,
    MAX_LOG_ODDS,
    MAX_NARROW_PARENTS,
    MAX_SOLVED_PARENTS,
    MAX_TABLE_ENTRIES,
    MAX_TABLE_PARENTS,
)
from graph.inference.network.streams import sample_orders
from graph.inference.network.vectorized import interpolate


def test_messages_are_clipped_far_beyond_any_stated_probability() -> None:
    """1 - sigmoid of the limit is 1e-13."""
    assert 0.9e-13 < sigmoid(-MAX_LOG_ODDS) < 1.1e-13


def test_a_narrow_claim_and_its_parents_fit_into_a_byte() -> None:
    """One bit each."""
    assert 1 << (1 + MAX_NARROW_PARENTS) == 256


def test_tables_take_512_mebibytes_at_most() -> None:
    """Enough for 16,000 claims with as many parents as a table has."""
    assert 8 * MAX_TABLE_ENTRIES == 512 << 20
    assert MAX_TABLE_ENTRIES >> MAX_TABLE_PARENTS >= 16_000


def test_configurations_are_fewer_than_samples() -> None:
    """Up to the number of parents for which calibration and sampling count them."""
    assert 1 << MAX_SOLVED_PARENTS < NUM_SAMPLES


def test_orders_address_every_sample() -> None:
    """16-bit indices reach the last of the most samples."""
    first, second = sample_orders(MAX_SAMPLES, 1)

    assert first.dtype == second.dtype == np.uint16
    assert int(first[0].max()) == MAX_SAMPLES - 1


def test_softplus_is_linear_beyond_the_grid() -> None:
    """To the last bit."""
    assert softplus(np.array([GRID_LIMIT]))[0] == GRID_LIMIT
    assert softplus(np.array([-GRID_LIMIT]))[0] < np.spacing(GRID_LIMIT)


def test_interpolation_errs_by_1e_minus_7() -> None:
    """On the grid's own spacing, and no more outside."""
    points = np.linspace(-GRID_LIMIT, GRID_LIMIT, int(2 * GRID_LIMIT * GRID_STEPS) + 1)
    grid = np.stack([softplus(points), fast_sigmoid(points) / GRID_STEPS], axis=1)
    x = np.linspace(-1.5 * GRID_LIMIT, 1.5 * GRID_LIMIT, 100_003)

    assert np.abs(interpolate(grid, x) - softplus(x)).max() < 1.5e-7
