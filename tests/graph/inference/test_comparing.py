"""Comparison of policies, against known spreads and worked scores."""

import math

import numpy as np
import pytest

from graph.inference.comparing import baseline_scores, cluster_interval, paired_difference, peer_scores


def test_the_interval_of_independent_values_is_the_normal_one() -> None:
    """Each value a cluster of its own: plus and minus 1.96 standard errors."""
    values = np.random.default_rng(0).normal(0.4, 2.0, 4_000)
    interval = cluster_interval(values, np.arange(values.size))
    half = 1.96 * values.std() / math.sqrt(values.size)

    assert (interval.low, interval.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_copies_within_a_cluster_add_no_certainty() -> None:
    """Each value ten times, as one cluster: the interval stays as it is."""
    values = np.random.default_rng(1).normal(0.0, 1.0, 300)
    once = cluster_interval(values, np.arange(300))
    tenfold = cluster_interval(np.repeat(values, 10), np.repeat(np.arange(300), 10))

    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_a_policy_is_better_only_beyond_doubt() -> None:
    """Over predictors and over questions; one that is better for a single predictor is not."""
    n = 2_000
    generator = np.random.default_rng(2)
    scores = generator.random(n)
    predictors, questions = np.arange(n) % 40, np.arange(n) // 4
    better = paired_difference(scores - 0.05, scores, predictors, questions)
    for_one = paired_difference(scores - 2.0 * (predictors == 0), scores, predictors, questions)

    assert better.mean == pytest.approx(-0.05)
    assert better.is_better
    assert for_one.mean == pytest.approx(-0.05)
    assert not for_one.is_better
    assert not paired_difference(scores, scores, predictors, questions).is_better
    assert better == paired_difference(scores - 0.05, scores, predictors, questions)


def test_baseline_scores_by_hand() -> None:
    """A half scores nothing, three quarters for what happened 58.5, a quarter minus 100."""
    found = baseline_scores(np.array([0.5, 0.75, 0.25, 0.25]), np.array([True, True, True, False]))

    assert found.tolist() == pytest.approx([0.0, 58.496250072, -100.0, 58.496250072])


def test_peer_scores_of_equals_add_up_to_nothing() -> None:
    """Two forecasters, each the other's peer."""
    beliefs, outcomes = np.array([0.8, 0.6]), np.array([False, False])
    found = peer_scores(beliefs, outcomes, np.log(1.0 - beliefs[::-1]))

    assert found.sum() == pytest.approx(0.0, abs=1e-12)
    assert found[0] == pytest.approx(100.0 * math.log(0.2 / 0.4))
