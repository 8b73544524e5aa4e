"""Families of claims against worked examples, enumeration, and the laws that coherent probabilities obey."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.families import fit_curve, isotonic, settle_outcomes, share_out, weigh_outcomes
from graph.inference.log_odds import FloatArray, expit


def _log_odds(*probabilities: float) -> FloatArray:
    given = np.array(probabilities)
    found: FloatArray = np.log(given) - np.log1p(-given)
    return found


@pytest.mark.parametrize("seed", range(50))
def test_isotonic_fits_are_the_max_min_of_means(seed: int) -> None:
    """The fit at i is the largest, over starts, of the least mean over ends: Barlow and others' second formula."""
    random = np.random.default_rng(seed)
    num = int(random.integers(1, 9))
    values, weights = random.integers(-3, 4, num).astype(np.float64), random.uniform(0.1, 3.0, num)

    def mean(start: int, end: int) -> float:
        return float(np.average(values[start : end + 1], weights=weights[start : end + 1]))

    expected = [
        max(min(mean(start, end) for end in range(place, num)) for start in range(place + 1)) for place in range(num)
    ]
    assert_allclose(isotonic(values, weights), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_an_isotonic_fit_never_falls_and_fits_itself(seed: int) -> None:
    """A fit keeps the weighted mean; what rises already stays as it is, bit for bit."""
    random = np.random.default_rng(seed)
    values, weights = random.normal(size=30), random.uniform(0.1, 3.0, 30)

    fitted = isotonic(values, weights)

    assert (np.diff(fitted) >= 0.0).all()
    assert_allclose(np.average(fitted, weights=weights), np.average(values, weights=weights))
    assert_array_equal(isotonic(fitted, weights), fitted)
    assert_array_equal(isotonic(np.sort(values), weights), np.sort(values))


def test_silence_conditions_a_curve() -> None:
    """.2, .5 and .8 by years 1, 2 and 3, and nothing by year 1: .375 and .75."""
    curve = fit_curve(np.array([1.0, 2.0, 3.0]), _log_odds(0.2, 0.5, 0.8), not_by=1.0)

    assert_allclose(curve.probabilities, [0.0, 0.375, 0.75], atol=1e-12)
    assert_allclose(curve.hazards, [0.0, 0.375, 0.6], atol=1e-12)
    assert_allclose(curve.own, [0.2, 0.5, 0.8], atol=1e-12)


def test_a_coherent_curve_stays_as_it_is() -> None:
    """Hazards multiply out to it; in any order of the members."""
    dates, log_odds = np.array([3.0, 1.0, 2.0]), _log_odds(0.8, 0.2, 0.5)
    curve = fit_curve(dates, log_odds)

    assert_allclose(curve.probabilities, [0.8, 0.2, 0.5], atol=1e-12)
    in_order = curve.hazards[np.argsort(dates)]
    assert_allclose(1.0 - np.cumprod(1.0 - in_order), [0.2, 0.5, 0.8], atol=1e-12)
    assert curve.largest_fall == 0.0


def test_a_curve_that_falls_is_pooled_in_log_odds() -> None:
    """.8 by year 1 and .5 by year 2 meet at odds of 2; those of one date meet first, and count as two."""
    assert_allclose(fit_curve(np.array([1.0, 2.0]), _log_odds(0.8, 0.5)).probabilities, [2 / 3, 2 / 3])
    assert fit_curve(np.array([1.0, 2.0]), _log_odds(0.8, 0.5)).largest_fall == pytest.approx(0.3)

    curve = fit_curve(np.array([1.0, 1.0, 2.0]), np.log([8.0, 8.0, 1.0]))
    assert_allclose(curve.probabilities, [0.8, 0.8, 0.8])  # the geometric mean of odds of 8, 8 and 1 is 4
    assert_allclose(curve.hazards, [0.8, 0.8, 0.0], atol=1e-12)


def test_what_has_happened_is_certain_from_then_on() -> None:
    """By year 2 it had happened and by year 1 it had not, so that no interval is left to happen in later."""
    curve = fit_curve(np.array([1.0, 2.0, 3.0]), _log_odds(0.2, 0.5, 0.8), not_by=1.0, happened_at=1.5)

    assert_array_equal(curve.probabilities, [0.0, 1.0, 1.0])
    assert_array_equal(curve.hazards, [0.0, 1.0, np.nan])


@pytest.mark.parametrize("seed", range(30))
def test_a_curve_is_a_distribution(seed: int) -> None:
    """It never falls, stays within 0 and 1 for extreme beliefs, and conditioning twice is conditioning once."""
    random = np.random.default_rng(seed)
    dates, log_odds = random.integers(0, 8, 12).astype(np.float64), random.normal(0.0, 200.0, 12)
    not_by = float(random.integers(-1, 9))

    curve = fit_curve(dates, log_odds, not_by=not_by)

    ordered = curve.probabilities[np.argsort(dates, kind="stable")]
    assert (np.diff(ordered) >= 0.0).all()
    assert ((ordered >= 0.0) & (ordered <= 1.0)).all()
    assert (ordered[np.sort(dates) <= not_by] == 0.0).all()
    assert_array_equal(fit_curve(np.array([]), np.array([])).probabilities, [])


def test_conditioning_goes_on_from_what_was_known() -> None:
    """Nothing by year 1, then nothing by year 2, is nothing by year 2."""
    dates = np.array([1.0, 2.0, 3.0, 4.0])
    first = fit_curve(dates, _log_odds(0.2, 0.5, 0.8, 0.9), not_by=1.0).probabilities
    again = fit_curve(dates[1:], _log_odds(*first[1:]), not_by=2.0)

    assert_allclose(again.probabilities, fit_curve(dates, _log_odds(0.2, 0.5, 0.8, 0.9), not_by=2.0).probabilities[1:])


@pytest.mark.parametrize("seed", range(30))
def test_shares_add_up_and_shift_all_log_odds_alike(seed: int) -> None:
    """One number is added to all log-odds, also of extreme ones; a second time changes nothing."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(0.0, 3.0, int(random.integers(2, 9)))

    shares = share_out(log_odds, is_exhaustive=True)

    assert shares.sum() == pytest.approx(1.0, abs=1e-14)
    assert_allclose(np.ptp(_log_odds(*shares) - log_odds), 0.0, atol=1e-9)
    assert_allclose(share_out(_log_odds(*shares), is_exhaustive=True), shares, rtol=1e-12)
    assert share_out(log_odds * 100.0, is_exhaustive=True).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(10))
def test_shares_are_the_nearest_that_add_up(seed: int) -> None:
    """No step aside that keeps the sum comes nearer, by the sum of divergences of each outcome."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(0.0, 1.5, 4)
    given = expit(log_odds)

    def divergence(shares: FloatArray) -> float:
        parts = shares * np.log(shares / given) + (1.0 - shares) * np.log((1.0 - shares) / (1.0 - given))
        return float(parts.sum())

    shares = share_out(log_odds, is_exhaustive=True)
    for _ in range(50):
        step = random.normal(size=4)
        aside = shares + 0.01 * shares.min() * (step - step.mean())
        assert divergence(aside) > divergence(shares)


def test_probabilities_that_add_up_stay() -> None:
    """A win, a draw and a loss of .5, .3 and .2; and at most one of .3 and .3, where nothing needs to come true."""
    assert_allclose(share_out(_log_odds(0.5, 0.3, 0.2), is_exhaustive=True), [0.5, 0.3, 0.2], rtol=1e-12)
    assert_allclose(share_out(_log_odds(0.3, 0.3), is_exhaustive=False), [0.3, 0.3], rtol=1e-12)
    assert_allclose(share_out(_log_odds(0.3, 0.3), is_exhaustive=True), [0.5, 0.5], rtol=1e-12)
    assert_allclose(share_out(_log_odds(0.8, 0.8), is_exhaustive=False), [0.5, 0.5], rtol=1e-12)
    assert_allclose(share_out(_log_odds(0.8), is_exhaustive=True), [1.0])


@pytest.mark.parametrize("is_exhaustive", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_evidence_is_weighed_by_bayes_rule(seed: int, *, is_exhaustive: bool) -> None:
    """Enumeration of all combinations with exactly one, or at most one, that is true."""
    random = np.random.default_rng(seed)
    num = int(random.integers(1, 6))
    prior, evidence = random.normal(-1.0, 1.0, num), random.normal(0.0, 2.0, num)
    shares = share_out(prior, is_exhaustive=is_exhaustive)
    weights = {}
    for outcome in product((0, 1), repeat=num):
        if sum(outcome) == 1:
            place = outcome.index(1)
            weights[outcome] = shares[place] * np.exp(evidence[place])
        elif sum(outcome) == 0 and not is_exhaustive:
            weights[outcome] = 1.0 - shares.sum()
    total = sum(weights.values())
    expected = [sum(weight for outcome, weight in weights.items() if outcome[n]) / total for n in range(num)]

    assert_allclose(weigh_outcomes(prior, evidence, is_exhaustive=is_exhaustive), expected, atol=1e-12)


def test_evidence_leaves_the_other_odds_alone() -> None:
    """A ratio of 7/3 takes a win from .5 to .7; draw and loss keep 3 to 2."""
    found = weigh_outcomes(_log_odds(0.5, 0.3, 0.2), np.array([np.log(7 / 3), 0.0, 0.0]), is_exhaustive=True)

    assert_allclose(found, [0.7, 0.18, 0.12], rtol=1e-12)


def test_known_outcomes_settle_the_others() -> None:
    """What came true leaves nothing; what came false leaves its share to all, and everything to the last one."""
    prior, evidence = _log_odds(0.5, 0.3, 0.2), np.zeros(3)

    def settled(true: set[int], false: set[int], *, is_exhaustive: bool = True) -> list[float]:
        known = {"came_true": np.isin(range(3), [*true]), "came_false": np.isin(range(3), [*false])}
        found: list[float] = settle_outcomes(prior, evidence, **known, is_exhaustive=is_exhaustive).tolist()
        return found

    assert settled({1}, set()) == settled({1}, {0}) == [0.0, 1.0, 0.0]
    assert settled(set(), {0}) == pytest.approx([0.0, 0.6, 0.4])
    assert settled(set(), {0, 1}) == [0.0, 0.0, 1.0]
    assert settled(set(), {0, 1, 2}) == [0.0, 0.0, 0.0]
    assert settled({0, 1}, set()) == [1.0, 1.0, 0.0]
    assert settled(set(), {0}, is_exhaustive=False) == pytest.approx([0.0, 0.6, 0.4])
