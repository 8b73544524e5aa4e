"""Random streams derived from each claim's key, so that adding or removing a claim leaves the others' unchanged."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.network.structure import KeyArray

GOLDEN: Final = 0x9E3779B97F4A7C15
MIX_1: Final = 0xBF58476D1CE4E5B9
MIX_2: Final = 0x94D049BB133111EB
"""The constants of splitmix64: Steele, Lea and Flood, OOPSLA (2014), 453-472."""

NUM_ORDERS: Final = 16
"""In each of two pools; a claim's order of samples composes one of each and a shift: 256 * num_samples orders."""

MASK_64: Final = 0xFFFFFFFFFFFFFFFF

OrderArray = NDArray[np.uint16]


def mix(values: KeyArray) -> KeyArray:
    """
    Mix the bits of 64-bit numbers bijectively: the finalizer of splitmix64.

    Source: Steele, Lea and Flood, OOPSLA (2014), 453-472.
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(MIX_1)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(MIX_2)
    return values ^ (values >> np.uint64(31))


def salt(*parts: int) -> int:
    """Hash a few integers into one of 64 bits."""
    total = 0
    for part in parts:
        total = int(mix(np.array([(total + GOLDEN + part) & MASK_64], np.uint64))[0])
    return total


def streams(keys: KeyArray, *parts: int) -> KeyArray:
    """Derive a 64-bit number for each claim from its key and the salt of these parts, shape (n,)."""
    return mix(mix(keys ^ np.uint64(salt(*parts))) + np.uint64(GOLDEN))


def sample_orders(num_samples: int, *parts: int) -> tuple[OrderArray, OrderArray]:
    """
    Draw two pools of orders in which to visit samples.

    The order of a claim is first[a][(second[b] + shift) % num_samples] with a, b and shift from its stream. The orders
    are random permutations: with a cheap hash of the sample's index, claims that split the samples along the same bit
    would look dependent.

    Args:
        num_samples: At most 65,536.
        parts: Integers that seed the orders.

    Returns:
        Two arrays of shape (NUM_ORDERS, num_samples).
    """
    generator = np.random.default_rng(salt(*parts))
    straight = np.tile(np.arange(num_samples, dtype=np.uint16), (NUM_ORDERS, 1))
    return generator.permuted(straight, axis=1), generator.permuted(straight, axis=1)
