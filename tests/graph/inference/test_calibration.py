"""Records, calibration slopes and kappa."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graph.inference.calibration import (
    OWN_RECORD,
    KappaInUse,
    calibration_record,
    calibration_slope,
    cox_fit,
    kappa,
    kappa_in_use,
    slope_through_origin,
)
from graph.inference.evidence import POLICY
from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray, brier_score, corp_decomposition, log_score, reliability_curve
from tests.graph.inference.data import load_forecasts

Forecasts = list[tuple[float, bool]]

usual_shares = st.integers(1, 99).map(lambda percent: percent / 100)
extreme_shares = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
forecasts = st.lists(st.tuples(usual_shares, st.booleans()), min_size=1, max_size=40)
extreme_forecasts = st.lists(st.tuples(extreme_shares, st.booleans()), min_size=1, max_size=12)

GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0


def arrays(pairs: Forecasts) -> tuple[FloatArray, BoolArray]:
    return np.array([stated for stated, _ in pairs]), np.array([outcome for _, outcome in pairs])


def log_likelihood(pairs: Forecasts, intercept: float, slope: float) -> float:
    """Sum of ln P(outcome), one forecast at a time."""
    terms = []
    for stated, outcome in pairs:
        log_odds = intercept + slope * math.log(stated / (1.0 - stated))
        against = -log_odds if outcome else log_odds
        terms.append(-(max(against, 0.0) + math.log1p(math.exp(-abs(against)))))
    return math.fsum(terms)


def golden_section_slope(pairs: Forecasts, low: float, high: float) -> float:
    """The highest point of the likelihood, from values alone."""
    while high - low > 1e-9:
        left, right = high - GOLDEN_RATIO * (high - low), low + GOLDEN_RATIO * (high - low)
        if log_likelihood(pairs, 0.0, left) < log_likelihood(pairs, 0.0, right):
            low = left
        else:
            high = right
    return 0.5 * (low + high)


def error_of(pairs: Forecasts) -> list[bool]:
    """Per forecast that takes a side, whether it took the wrong one."""
    return [(stated > 0.5) != outcome for stated, outcome in pairs if stated != 0.5]


@pytest.mark.parametrize(
    ("stated", "brier", "expected"), [([0.80, 0.83], 0.03445, 0.6429), ([0.80, 0.83, 0.80], 0.0363, 0.6875)]
)
def test_forecasts_that_all_came_true_earn_the_known_kappas(stated: list[float], brier: float, expected: float) -> None:
    """The two records that the humanoid prediction's ledger shows: 4.5/7 and 5.5/8 to four digits."""
    record = calibration_record(np.array(stated), np.ones(len(stated), dtype=np.bool_))

    assert record.kappa == expected
    assert record.num_resolved == len(stated)
    assert record.brier == pytest.approx(brier, abs=5e-5)
    assert record.slope == 1.0


def test_no_record_earns_the_prior() -> None:
    """Half weight, and nothing else to say."""
    record = calibration_record(np.array([]), np.array([], dtype=np.bool_))

    assert (record.kappa, record.num_resolved) == (0.5, 0)
    assert (record.slope, record.brier, record.log_score, record.corp, record.cox, record.curve) == (
        *(None,) * 5,
        (),
    )


@pytest.mark.parametrize(
    ("name", "intercept", "slope"),
    [("nfl_games", -0.113, 0.920), ("wnba_games", -0.345, 1.083), ("world_cup_matches_men", 0.053, 0.951)],
)
def test_published_forecasts_fit_the_line_that_another_program_fits(name: str, intercept: float, slope: float) -> None:
    """Real forecasts, to the three digits that the other program gave."""
    fit = cox_fit(*load_forecasts(name))

    assert fit is not None
    assert (fit.intercept, fit.slope) == pytest.approx((intercept, slope), abs=1e-3)


@pytest.mark.parametrize("name", ["nfl_games", "wnba_games", "world_cup_matches_men"])
def test_the_slope_of_published_forecasts_is_where_the_likelihood_is_highest(name: str) -> None:
    """Found again by golden-section search, which knows no derivative."""
    stated, outcomes = load_forecasts(name)
    pairs = list(zip(stated.tolist(), outcomes.tolist(), strict=True))

    assert slope_through_origin(stated, outcomes) == pytest.approx(golden_section_slope(pairs, -1.0, 3.0), abs=1e-6)


@given(forecasts)
@example([(0.9, True), (0.9, True), (0.9, False)])
@example([(0.99, True)] * 39 + [(0.51, False)])
def test_the_slope_is_where_the_likelihood_is_highest(pairs: Forecasts) -> None:
    """Found again by golden-section search; values alone place a flat top only to the root of their precision."""
    assume(len(set(error_of(pairs))) == 2)
    slope = slope_through_origin(*arrays(pairs))

    assert slope is not None
    found = golden_section_slope(pairs, slope - 7.0, slope + 9.0)
    assert log_likelihood(pairs, 0.0, slope) >= log_likelihood(pairs, 0.0, found) - 1e-12
    assert slope == pytest.approx(found, abs=1e-4 * max(1.0, abs(slope)))


def test_forecasts_of_one_value_have_the_slope_in_closed_form() -> None:
    """Stated 0.9, true 3 times in 4: logit(3/4) / logit(9/10) = 1/2."""
    slope = slope_through_origin(np.full(4, 0.9), np.array([True, True, True, False]))

    assert slope == pytest.approx(0.5, rel=1e-12)


@given(extreme_forecasts)
@example([(1e-300, True), (0.6, True)])
@example([(5e-324, True), (1.0 - 2.0**-53, False), (0.5 + 2.0**-53, True)])
@example([(0.5 + 2.0**-53, True), (1e-300, True)])
@example([(0.7, True)] * 11 + [(0.5 + 2.0**-53, False)])
def test_the_slope_of_extreme_forecasts_is_finite_unless_all_or_none_erred(pairs: Forecasts) -> None:
    """An outright error bounds it from above, and a forecast on the right side from below."""
    errors = set(error_of(pairs))
    slope = slope_through_origin(*arrays(pairs))

    if errors == {True, False}:
        assert slope is not None
        assert math.isfinite(slope)
    else:
        assert (
            slope == {frozenset(): None, frozenset({False}): math.inf, frozenset({True}): -math.inf}[frozenset(errors)]
        )


@given(extreme_forecasts)
def test_the_limited_slope_is_the_free_one_in_bounds(pairs: Forecasts) -> None:
    """Never above 1, so that a lucky streak is not taken for more than its word; never below 0."""
    free, limited = slope_through_origin(*arrays(pairs)), calibration_slope(*arrays(pairs))

    assert limited == (None if free is None else min(1.0, max(0.0, free)))


def test_forecasts_of_a_half_leave_the_prior() -> None:
    """Every slope fits them, so nothing is learned, however many there are."""
    record = calibration_record(np.full(20, 0.5), np.arange(20) % 2 == 0)

    assert (record.slope, record.cox, record.kappa) == (None, None, 0.5)
    assert record.brier == 0.25


@given(forecasts)
def test_turning_every_question_round_keeps_slopes_and_kappa(pairs: Forecasts) -> None:
    """P(no) of what did not happen is the same record, its intercept turned with it."""
    stated, outcomes = arrays(pairs)
    one, other = calibration_record(stated, outcomes), calibration_record(1.0 - stated, ~outcomes)

    assert other.slope == pytest.approx(one.slope, abs=1e-9)
    assert other.kappa == pytest.approx(one.kappa, abs=1.0001e-4)
    if one.cox is not None and other.cox is not None:
        scale = max(1.0, abs(one.cox.slope), abs(one.cox.intercept))
        assert other.cox.slope == pytest.approx(one.cox.slope, abs=1e-7 * scale)
        assert other.cox.intercept == pytest.approx(-one.cox.intercept, abs=1e-7 * scale)


@given(forecasts)
@example([(0.9, True), (0.9, False), (0.1, True), (0.1, False)])
def test_a_line_exists_where_no_threshold_parts_the_outcomes(pairs: Forecasts) -> None:
    """A step at the threshold would beat every line; all thresholds, both ways round, are tried."""
    stated_true = [stated for stated, outcome in pairs if outcome]
    stated_false = [stated for stated, outcome in pairs if not outcome]
    parted = any(
        all(p >= t for p in above) and all(p <= t for p in below)
        for t in {stated for stated, _ in pairs}
        for above, below in [(stated_true, stated_false), (stated_false, stated_true)]
    )

    assert (cox_fit(*arrays(pairs)) is None) == parted


@given(forecasts)
def test_at_the_fitted_line_expected_and_observed_agree(pairs: Forecasts) -> None:
    """The likelihood equations: fitted probabilities sum to the successes, alone and weighted by log-odds."""
    fit = cox_fit(*arrays(pairs))
    assume(fit is not None)
    assert fit is not None

    residuals = []
    for stated, outcome in pairs:
        log_odds = math.log(stated / (1.0 - stated))
        fitted = 1.0 / (1.0 + math.exp(-(fit.intercept + fit.slope * log_odds)))
        residuals.append((outcome - fitted, log_odds))
    assert math.fsum(residual for residual, _ in residuals) == pytest.approx(0.0, abs=1e-7)
    assert math.fsum(residual * log_odds for residual, log_odds in residuals) == pytest.approx(0.0, abs=1e-7)


def test_two_groups_have_the_line_through_their_frequencies() -> None:
    """Stated 0.2 true once in 4, stated 0.8 true once in 2: through (logit 0.2, logit 1/4) and (logit 0.8, 0)."""
    fit = cox_fit(np.array([0.2] * 4 + [0.8] * 2), np.array([True, False, False, False, True, False]))

    assert fit is not None
    slope = math.log(3.0) / (2.0 * math.log(4.0))
    assert fit.slope == pytest.approx(slope, rel=1e-10)
    assert fit.intercept == pytest.approx(-slope * math.log(4.0), rel=1e-10)


def test_calibrated_forecasts_earn_almost_full_weight() -> None:
    """What happens as often as stated has slope 1 and intercept 0, within the noise of 20,000 draws."""
    generator = np.random.default_rng(1)
    stated = generator.uniform(0.02, 0.98, 20_000)
    record = calibration_record(stated, generator.uniform(size=stated.size) < stated)

    assert record.cox is not None
    assert (record.cox.intercept, record.cox.slope) == pytest.approx((0.0, 1.0), abs=0.06)
    assert record.kappa > 0.96


def test_overconfidence_is_measured() -> None:
    """Log-odds stated at twice what they should be have a slope of a half."""
    generator = np.random.default_rng(2)
    honest = generator.normal(size=20_000)
    outcomes = generator.uniform(size=honest.size) < 1.0 / (1.0 + np.exp(-honest))

    assert calibration_slope(1.0 / (1.0 + np.exp(-2.0 * honest)), outcomes) == pytest.approx(0.5, abs=0.02)


def test_a_predictor_who_is_always_wrong_is_almost_silenced() -> None:
    """Slope 0; the prior fades and the floor holds."""
    record = calibration_record(np.full(100, 0.9), np.zeros(100, dtype=np.bool_))

    assert (record.slope, record.kappa) == (0.0, 0.10)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_certainty_has_no_slope(value: float) -> None:
    """Its log-odds are infinite; it is an error here, not a value to nudge."""
    stated, outcomes = np.array([0.6, value]), np.array([True, False])

    for function in (slope_through_origin, calibration_slope, cox_fit, calibration_record):
        with pytest.raises(ValueError, match="expected probabilities"):
            function(stated, outcomes)


def test_shapes_that_differ_are_refused() -> None:
    """Nothing is stated, something happened."""
    with pytest.raises(ValueError, match="as many outcomes"):
        calibration_record(np.array([]), np.array([True]))


@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_kappa_lies_between_prior_and_slope(num_resolved: int, slope: float) -> None:
    """It is a weighted mean of the two, limited and rounded to four digits."""
    found = kappa(num_resolved, slope)

    assert POLICY.kappa_floor <= found <= POLICY.kappa_cap
    assert min(0.5, max(0.1, slope)) - 5e-5 <= found <= max(0.5, slope) + 5e-5
    assert found == round(found, 4)


@pytest.mark.parametrize(
    ("num_resolved", "slope", "expected"),
    [(0, None, 0.5), (5, 1.0, 0.75), (5, 0.0, 0.25), (45, 0.0, 0.1), (10**9, 1.0, 1.0), (20, None, 0.5)],
)
def test_kappa_is_the_shrunken_slope(num_resolved: int, slope: float | None, expected: float) -> None:
    """(n s + 5 * 0.5) / (n + 5), worked by hand."""
    assert kappa(num_resolved, slope) == expected


def test_kappa_follows_the_policy() -> None:
    """Prior, strength, limits and digits are all its own."""
    policy = replace(POLICY, name="other", kappa_prior=0.6, kappa_prior_strength=1.0, kappa_cap=0.9, kappa_digits=2)

    assert kappa(2, 0.0, policy=policy) == 0.2
    assert kappa(1000, 1.0, policy=policy) == 0.9


@pytest.mark.parametrize(("num_resolved", "slope"), [(-1, 0.5), (3, 1.1), (3, -0.1), (3, math.nan)])
def test_kappa_of_no_record_at_all_is_refused(num_resolved: int, slope: float) -> None:
    """A negative count, or a slope that was not limited."""
    with pytest.raises(ValueError, match="expected a"):
        kappa(num_resolved, slope)


def test_a_record_reports_what_the_scores_say() -> None:
    """Each figure is that of its own function, on the same forecasts; nothing is clipped on the way."""
    stated, outcomes = load_forecasts("world_cup_matches_men")
    stated.setflags(write=False)
    before = stated.copy()
    record = calibration_record(stated, outcomes)

    assert record.brier == brier_score(stated, outcomes)
    assert record.log_score == log_score(stated, outcomes)
    assert record.corp == corp_decomposition(stated, outcomes)
    assert record.cox == cox_fit(stated, outcomes)
    assert record.curve == reliability_curve(stated, outcomes)
    assert_array_equal(stated, before)


@pytest.mark.parametrize(("num_own", "expected"), [(0, 0.6875), (2, 0.6875), (3, 0.25), (4, 0.25)])
def test_a_record_kept_elsewhere_counts_until_the_own_one_is_as_long(num_own: int, expected: float) -> None:
    """Three resolved elsewhere give way to three resolved here."""
    own = replace(calibration_record(np.array([0.5]), np.array([True])), num_resolved=num_own, kappa=0.25)
    elsewhere = KappaInUse(0.6875, "predictor_table", 0.0363, 3)

    assert kappa_in_use(own, elsewhere).kappa == expected


def test_without_a_record_elsewhere_the_own_one_counts() -> None:
    """Be it empty."""
    own = calibration_record(np.array([]), np.array([], dtype=np.bool_))

    assert kappa_in_use(own, None) == KappaInUse(0.5, OWN_RECORD, None, 0)
