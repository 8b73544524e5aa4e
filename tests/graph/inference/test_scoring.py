"""Scores of forecasts, their parts and the reliability curve."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import (
    BoolArray,
    binned_reliability,
    brier_score,
    corp_decomposition,
    isotonic_fit,
    log_score,
    reliability_curve,
    wilson_interval,
)
from tests.graph.inference.data import load_forecasts

Forecasts = list[tuple[float, bool]]

open_shares = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
# Few different values, so that ties and blocks come up.
coarse_shares = st.integers(0, 6).map(lambda sixths: sixths / 6)
forecasts = st.lists(st.tuples(coarse_shares | st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=40)
short_forecasts = st.lists(st.tuples(coarse_shares, st.booleans()), min_size=1, max_size=7)

# Computed by code independent of ours; the log score clips at 1e-6, reliability and resolution are on ten bins.
REFERENCE = {
    "nfl_games": (1882, 0.220826, 0.631516, 0.247764, 0.003846, 0.030783, 19, 0.001552, 0.028159),
    "wnba_games": (450, 0.217931, 0.624291, 0.248217, 0.013574, 0.043860, 12, 0.006438, 0.037522),
    "world_cup_matches_men": (176, 0.200976, 0.599935, 0.246772, 0.016716, 0.062511, 12, 0.007575, 0.054423),
}


def arrays(pairs: Forecasts) -> tuple[FloatArray, BoolArray]:
    return np.array([stated for stated, _ in pairs]), np.array([outcome for _, outcome in pairs])


def partitions(size: int) -> Iterator[list[tuple[int, int]]]:
    """Every way to cut range(size) into stretches."""
    for cuts in product((False, True), repeat=size - 1):
        edges = [0, *(place for place, cut in enumerate(cuts, start=1) if cut), size]
        yield list(pairwise(edges))


def brute_force_isotonic(pairs: Forecasts) -> dict[float, Fraction]:
    """The least squares among all cuts of the sorted forecasts into stretches of rising means, in exact arithmetic."""
    keys = sorted({stated for stated, _ in pairs})
    groups = [[Fraction(outcome) for stated, outcome in pairs if stated == key] for key in keys]
    best: tuple[Fraction, list[Fraction]] | None = None
    for stretches in partitions(len(groups)):
        pooled = [[outcome for group in groups[a:b] for outcome in group] for a, b in stretches]
        means = [sum(outcomes, Fraction()) / len(outcomes) for outcomes in pooled]
        if means != sorted(means):
            continue
        cost = sum(
            ((outcome - mean) ** 2 for outcomes, mean in zip(pooled, means, strict=True) for outcome in outcomes),
            Fraction(),
        )
        if best is None or cost < best[0]:
            best = cost, [mean for (a, b), mean in zip(stretches, means, strict=True) for _ in range(a, b)]
    assert best is not None
    return dict(zip(keys, best[1], strict=True))


@pytest.mark.parametrize("name", REFERENCE)
def test_published_forecasts_score_as_another_program_scores_them(name: str) -> None:
    """2,508 real forecasts, each figure to the six digits that the other program gave."""
    stated, outcomes = load_forecasts(name)
    parts = corp_decomposition(stated, outcomes)
    binned = binned_reliability(stated, outcomes)
    found = (
        stated.size,
        brier_score(stated, outcomes),
        log_score(stated, outcomes, clip=1e-6),
        parts.uncertainty,
        parts.miscalibration,
        parts.discrimination,
        parts.num_blocks,
        binned.reliability,
        binned.resolution,
    )

    assert found == pytest.approx(REFERENCE[name], abs=1e-6)


def test_two_right_forecasts_have_the_known_brier_score() -> None:
    """0.80 and 0.83, both true: (0.04 + 0.0289) / 2."""
    assert brier_score(np.array([0.80, 0.83]), np.array([True, True])) == pytest.approx(0.03445, rel=1e-12)


def test_the_worst_forecast_has_brier_score_1() -> None:
    """One-sided form: Brier's own would give 2."""
    assert brier_score(np.array([1.0, 0.0]), np.array([False, True])) == 1.0


@given(forecasts)
def test_turning_every_question_round_changes_no_score(pairs: Forecasts) -> None:
    """P(no) of what did not happen is the same forecast."""
    stated, outcomes = arrays(pairs)
    turned = 1.0 - stated

    assert brier_score(turned, ~outcomes) == pytest.approx(brier_score(stated, outcomes), abs=1e-12)
    assert log_score(turned, ~outcomes, clip=1e-3) == pytest.approx(log_score(stated, outcomes, clip=1e-3), abs=1e-12)


@given(forecasts, st.randoms(use_true_random=False))
def test_the_order_of_forecasts_changes_no_bit_of_a_score(pairs: Forecasts, random: Random) -> None:
    """Stored scores are compared bit for bit, and rows come back in any order."""
    shuffled = list(pairs)
    random.shuffle(shuffled)

    assert brier_score(*arrays(shuffled)) == brier_score(*arrays(pairs))
    assert log_score(*arrays(shuffled), clip=1e-6) == log_score(*arrays(pairs), clip=1e-6)
    assert corp_decomposition(*arrays(shuffled)) == corp_decomposition(*arrays(pairs))


@given(st.lists(st.booleans(), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_no_constant_forecast_beats_the_base_rate(happened: list[bool], stated: float) -> None:
    """Both scores are proper: the truth is the best thing to state."""
    outcomes = np.array(happened)
    honest = np.full(outcomes.shape, outcomes.mean())

    for score in (brier_score, lambda p, o: log_score(p, o, clip=1e-12)):
        assert score(honest, outcomes) <= score(np.full(outcomes.shape, stated), outcomes) + 1e-9


def test_the_log_score_of_a_half_is_one_bit() -> None:
    """In nats, ln 2."""
    assert log_score(np.array([0.5]), np.array([True])) == pytest.approx(math.log(2.0), rel=1e-15)


def test_a_clip_bounds_what_one_certain_error_costs() -> None:
    """A stated 1 that fails costs -ln of the clip and no more."""
    assert log_score(np.array([1.0]), np.array([False]), clip=1e-6) == pytest.approx(-math.log(1e-6), rel=1e-9)


def test_without_a_clip_certainty_is_refused() -> None:
    """A value is not nudged unless one asks for it."""
    with pytest.raises(ValueError, match="or a clip"):
        log_score(np.array([1.0]), np.array([True]))


@pytest.mark.parametrize("clip", [-0.1, 0.5, math.nan])
def test_a_clip_that_leaves_nothing_is_refused(clip: float) -> None:
    """At a half every forecast would be the same."""
    with pytest.raises(ValueError, match="expected a clip"):
        log_score(np.array([0.3]), np.array([True]), clip=clip)


@pytest.mark.parametrize("value", [-1e-9, 1.0 + 1e-9, math.nan, math.inf, -math.inf])
def test_what_is_no_probability_is_refused(value: float) -> None:
    """NaN too, which passes most comparisons."""
    stated, outcomes = np.array([0.5, value]), np.array([True, False])

    for score in (brier_score, log_score, isotonic_fit, corp_decomposition, binned_reliability, reliability_curve):
        with pytest.raises(ValueError, match="from 0 to 1"):
            score(stated, outcomes)


def test_shapes_that_differ_and_nothing_to_score_are_refused() -> None:
    """NumPy would broadcast the first and answer NaN to the second."""
    for stated, outcomes in [
        (np.array([0.5, 0.6]), np.array([True])),
        (np.array([]), np.array([], dtype=np.bool_)),
        (np.array([[0.5]]), np.array([[True]])),
    ]:
        with pytest.raises(ValueError, match="one or more forecasts"):
            brier_score(stated, outcomes)


def test_outcomes_that_are_no_booleans_are_refused() -> None:
    """A tie counted as half an outcome would quietly be a success."""
    with pytest.raises(ValueError, match="booleans"):
        brier_score(np.array([0.5]), np.array([0.5]))


@given(short_forecasts)
@example([(0.0, True), (1.0, False)])
@example([(0.5, True), (0.5, False), (0.5, True)])
def test_pooling_finds_the_best_rising_fit(pairs: Forecasts) -> None:
    """All ways of cutting the forecasts into stretches are tried, in exact arithmetic."""
    expected = brute_force_isotonic(pairs)
    fit = isotonic_fit(*arrays(pairs))

    assert fit.recalibrated.tolist() == [float(expected[stated]) for stated, _ in pairs]
    assert fit.num_blocks == len(set(expected.values()))


def test_inputs_are_left_as_they_were() -> None:
    """Arrays are the caller's."""
    stated, outcomes = np.array([0.7, 0.2, 0.7]), np.array([True, False, False])
    stated.setflags(write=False)
    outcomes.setflags(write=False)

    log_score(stated, outcomes, clip=0.1)
    corp_decomposition(stated, outcomes)
    reliability_curve(stated, outcomes)

    assert_array_equal(stated, [0.7, 0.2, 0.7])


@given(forecasts)
def test_the_parts_make_up_the_brier_score(pairs: Forecasts) -> None:
    """Miscalibration - discrimination + uncertainty, none of them negative."""
    stated, outcomes = arrays(pairs)
    parts = corp_decomposition(stated, outcomes)
    total = parts.miscalibration - parts.discrimination + parts.uncertainty

    assert total == pytest.approx(brier_score(stated, outcomes), abs=1e-12)
    assert parts.miscalibration >= 0.0
    assert 0.0 <= parts.discrimination <= parts.uncertainty + 1e-12
    assert 0.0 <= parts.uncertainty <= 0.25


@given(forecasts)
def test_recalibrated_forecasts_are_calibrated(pairs: Forecasts) -> None:
    """Recalibrating twice gains nothing, and loses no discrimination."""
    stated, outcomes = arrays(pairs)
    once = isotonic_fit(stated, outcomes)
    parts = corp_decomposition(once.recalibrated, outcomes)

    assert_array_equal(isotonic_fit(once.recalibrated, outcomes).recalibrated, once.recalibrated)
    assert parts.miscalibration == pytest.approx(0.0, abs=1e-15)
    assert parts.discrimination == pytest.approx(corp_decomposition(stated, outcomes).discrimination, abs=1e-12)


@given(forecasts)
def test_discrimination_depends_on_the_ranking_alone(pairs: Forecasts) -> None:
    """Any rising change of the forecasts keeps it; halving is exact, so ties stay what they are."""
    stated, outcomes = arrays([(stated, outcome) for stated, outcome in pairs if stated == 0.0 or stated > 1e-300])
    if stated.size:
        halved = corp_decomposition(stated / 2.0, outcomes)

        assert halved.discrimination == corp_decomposition(stated, outcomes).discrimination


def test_forecasts_of_one_value_tell_nothing_more_than_the_base_rate() -> None:
    """One block: all of the score's distance from the uncertainty is miscalibration."""
    parts = corp_decomposition(np.full(4, 0.75), np.array([True, False, False, False]))

    assert (parts.num_blocks, parts.discrimination, parts.uncertainty) == (1, 0.0, 0.1875)
    assert parts.miscalibration == pytest.approx(0.25)


@given(forecasts, st.integers(1, 25))
def test_every_forecast_is_in_one_bin(pairs: Forecasts, num_bins: int) -> None:
    """Counts add up, edges hold what they say, and each mean lies inside its bin."""
    stated, outcomes = arrays(pairs)
    curve = reliability_curve(stated, outcomes, num_bins=num_bins)

    assert sum(b.count for b in curve) == stated.size
    assert sum(b.num_true for b in curve) == outcomes.sum()
    assert [b.lower for b in curve] == sorted({b.lower for b in curve})
    for b in curve:
        inside = (stated >= b.lower) & ((stated < b.upper) | (b.upper == 1.0))
        assert inside.sum() == b.count
        assert b.lower - 1e-15 <= b.mean_stated <= b.upper + 1e-15
        assert 0.0 <= b.interval_low <= b.frequency <= b.interval_high <= 1.0


@pytest.mark.parametrize("num_bins", [10, 100])
def test_a_bin_begins_at_the_value_that_one_writes(num_bins: int) -> None:
    """0.29 is the 29th of a hundred, where 0.29 * 100 is a hair below 29; 1 itself is in the last bin."""
    stated = np.arange(num_bins + 1) / num_bins
    curve = reliability_curve(stated, np.ones(stated.shape, dtype=np.bool_), num_bins=num_bins)

    assert [b.count for b in curve] == [1] * (num_bins - 1) + [2]


def test_a_bin_shows_what_was_stated_and_what_happened() -> None:
    """Three forecasts worked by hand; bins without forecasts are left out."""
    low, high = reliability_curve(np.array([0.61, 0.69, 0.05]), np.array([True, False, False]))

    assert (low.lower, low.upper, low.count, low.num_true, low.frequency) == (0.0, 0.1, 1, 0, 0.0)
    assert (high.lower, high.upper, high.count, high.num_true, high.frequency) == (0.6, 0.7, 2, 1, 0.5)
    assert high.mean_stated == pytest.approx(0.65)
    assert (high.interval_low, high.interval_high) == wilson_interval(1, 2)


def test_a_curve_without_bins_is_refused() -> None:
    """Nothing could be in it."""
    with pytest.raises(ValueError, match="one bin or more"):
        reliability_curve(np.array([0.5]), np.array([True]), num_bins=0)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40))
def test_binned_parts_make_up_the_score_where_bins_hold_one_value(tenths: list[tuple[int, bool]]) -> None:
    """Murphy's identity, exact when forecasts in a bin are equal: reliability - resolution + uncertainty."""
    stated, outcomes = arrays([((k + 0.5) / 10, outcome) for k, outcome in tenths])
    parts = binned_reliability(stated, outcomes)
    uncertainty = float(outcomes.mean() * (1.0 - outcomes.mean()))

    total = parts.reliability - parts.resolution + uncertainty
    assert total == pytest.approx(brier_score(stated, outcomes), abs=1e-12)


@pytest.mark.parametrize(
    ("num_true", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_the_literature(num_true: int, count: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3."""
    assert wilson_interval(num_true, count) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.9999))
def test_a_wilson_interval_ends_where_the_score_test_rejects(trial: tuple[int, int], confidence: float) -> None:
    """At each end q, |frequency - q| = z sqrt(q (1 - q) / n), as Wilson defined it; erf(z / sqrt 2) is the coverage."""
    num_true, count = trial
    low, high = wilson_interval(num_true, count, confidence=confidence)
    frequency = num_true / count

    assert 0.0 <= low <= frequency <= high <= 1.0
    for q in {low, high} - {0.0, 1.0}:
        z = abs(frequency - q) / math.sqrt(q * (1.0 - q) / count)
        assert math.erf(z / math.sqrt(2.0)) == pytest.approx(confidence, abs=1e-6)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_mirrors_with_the_outcomes(trial: tuple[int, int]) -> None:
    """Failures are successes of the opposite."""
    num_true, count = trial
    low, high = wilson_interval(num_true, count)

    assert wilson_interval(count - num_true, count) == pytest.approx((1.0 - high, 1.0 - low), abs=1e-12)


@pytest.mark.parametrize(
    ("num_true", "count", "confidence"), [(0, 0, 0.95), (-1, 3, 0.95), (4, 3, 0.95), (1, 3, 0.0), (1, 3, 1.0)]
)
def test_an_interval_of_nothing_is_refused(num_true: int, count: int, confidence: float) -> None:
    """No trials, more successes than trials, or a coverage that no interval has."""
    with pytest.raises(ValueError, match="expected a"):
        wilson_interval(num_true, count, confidence=confidence)
