"""Random numbers that belong to a claim."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.inference.network.bank import draw_bank
from graph.inference.network.evidence import no_evidence
from graph.inference.network.intercepts import calibrate
from graph.inference.network.streams import NUM_ORDERS, mix, salt, sample_orders, streams
from tests.helpers.networks import keys_of, network_of


def test_mixing_is_splitmix() -> None:
    """The published sequence of splitmix64 from the seed 1234567."""
    golden = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + golden * step) % 2**64 for step in range(1, 6)], np.uint64)
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]

    assert mix(states).tolist() == published


def test_salts_and_streams_differ() -> None:
    """By each part, by its place, and by the claim."""
    salts = {salt(1, 2), salt(2, 1), salt(1), salt(2), salt(1, 3), salt(-1)}
    drawn = np.concatenate([streams(keys_of(100), 1), streams(keys_of(100), 2)])

    assert len(salts) == 6
    assert np.unique(drawn).size == 200


def test_orders_visit_each_sample_once() -> None:
    """Each of them, and no two alike."""
    first, second = sample_orders(256, 1)
    orders = np.concatenate([first, second])

    assert orders.shape == (2 * NUM_ORDERS, 256)
    assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(256), (2 * NUM_ORDERS, 1)))
    assert np.unique(orders, axis=0).shape == orders.shape


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1])
def test_systematic_draws_do_not_correlate_claims(p: float) -> None:
    """Of a thousand claims of equal probability, each has its share of samples and no two go together."""
    model = calibrate(network_of([p] * 1000, []), num_samples=64)
    bank = draw_bank(model, no_evidence(1000), seed=1, num_replicates=1)
    states = np.unpackbits(bank.bits[:, 0].view(np.uint8), axis=1, bitorder="little").astype(np.float64)
    centered = states - p
    correlations = centered @ centered.T / (p * (1.0 - p) * 4096)
    off_diagonal = correlations[~np.eye(1000, dtype=np.bool_)]

    assert np.abs(states.sum(axis=1) - 4096 * p).max() <= 1.0
    # Half a million pairs of independent claims reach five standard errors, and spread by one.
    assert np.abs(off_diagonal).max() < 5.6 / 64.0
    assert off_diagonal.std() == pytest.approx(1.0 / 64.0, rel=0.02)
