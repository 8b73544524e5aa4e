"""Consensus of many forecasters, against its formula written out."""

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.consensus import pool, pooled_log_odds

cluster_lists = st.lists(st.integers(0, 12), min_size=1, max_size=40)


def weights_by_hand(clusters: list[int]) -> list[float]:
    """One voice after the other, in the order of their newest forecasts."""
    newest = {cluster: at for at, cluster in enumerate(clusters)}
    order = sorted(newest, key=lambda cluster: newest[cluster])
    weight = {cluster: math.exp(math.sqrt(rank) - math.sqrt(len(order))) for rank, cluster in enumerate(order, start=1)}
    return [weight[cluster] / clusters.count(cluster) for cluster in clusters]


@given(cluster_lists)
def test_weights_grow_with_rank_and_clusters_count_once(clusters: list[int]) -> None:
    """By the rule, in longhand; the members of a cluster add up to one voice."""
    pooled = pool(np.array(clusters))
    voices: dict[int, float] = defaultdict(float)
    for cluster, weight in zip(clusters, pooled.weights.tolist(), strict=True):
        voices[cluster] += weight

    assert pooled.weights.tolist() == pytest.approx(weights_by_hand(clusters), rel=1e-12)
    assert pooled.num_voices == len(set(clusters))
    assert voices[clusters[-1]] == pytest.approx(1.0)


@given(cluster_lists, st.randoms(use_true_random=False))
def test_shares_add_up_exactly(clusters: list[int], random: object) -> None:
    """In doubles, in any order, as in fractions; each is its weight's share to 1e-14."""
    pooled = pool(np.array(clusters))
    shares = pooled.shares.tolist()
    exact = sum(Fraction(share) for share in shares)
    random.shuffle(shares)  # type: ignore[attr-defined]  # hypothesis gives a random.Random as object

    assert exact == 1
    assert sum(shares) == 1.0
    assert pooled.shares.tolist() == pytest.approx((pooled.weights / pooled.weights.sum()).tolist(), abs=1e-14)


def test_a_cluster_of_copies_is_one_voice() -> None:
    """Ten copies of one source weigh what the source weighs."""
    alone = pool(np.array([0, 1, 2]))
    copied = pool(np.array([0, *[1] * 10, 2]))
    h, copies = np.array([0.5, -2.0, 1.0]), np.array([0.5, *[-2.0] * 10, 1.0])

    assert copied.mean(copies) == pytest.approx(alone.mean(h), abs=1e-12)
    assert copied.spread(copies) == pytest.approx(alone.spread(h), abs=1e-12)
    assert copied.num_voices == 3


def test_mean_and_spread_are_weighted() -> None:
    """Of three: ranks 1, 2 and 3."""
    w = [math.exp(math.sqrt(r) - math.sqrt(3)) for r in (1, 2, 3)]
    values = [0.2, 0.5, 0.9]
    mean = sum(a * b for a, b in zip(w, values, strict=True)) / sum(w)
    variance = sum(a * (b - mean) ** 2 for a, b in zip(w, values, strict=True)) / sum(w)
    pooled = pool(np.array([5, 9, 7]))

    assert pooled.mean(np.array(values)) == pytest.approx(mean, abs=1e-12)
    assert pooled.spread(np.array(values)) == pytest.approx(math.sqrt(variance), abs=1e-12)


@given(st.floats(-3.0, 3.0), st.integers(1, 60), st.floats(0.0, 1.0), st.floats(0.0, 9000.0))
def test_the_pooled_prior_is_its_formula(mean: float, num_voices: int, trf: float, days: float) -> None:
    """Longhand; from twenty voices on, more sharpen nothing."""
    found = pooled_log_odds(np.array([mean]), np.array([num_voices]), np.array([trf]), np.array([days]))[0]
    slope = 1.725 - 0.914 * trf + 0.178 * math.log(min(num_voices, 20))

    assert found == pytest.approx(-0.229 + slope * mean - 0.037 * math.log(1.0 + days), abs=1e-12)


def test_nobody_has_no_consensus() -> None:
    """There is nothing to weigh."""
    with pytest.raises(ValueError, match="one forecast or more"):
        pool(np.array([], np.int64))
