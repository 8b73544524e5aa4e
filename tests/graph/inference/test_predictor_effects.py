"""Effects of predictors on calibrated priors, and which outcomes they are learned from."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from graph.inference.calibration import calibration_record
from graph.inference.log_odds import FloatArray, sigmoid
from graph.inference.policies import FOREGRAPH_2
from graph.inference.predictor_effects import (
    NO_EFFECTS,
    PredictorEffects,
    is_counted,
    learn_effects,
    question_weights,
)
from graph.inference.scoring import BoolArray
from graph.inference.statements import ResolvedClaims, StatedClaims
from graph.inference.time import utc_moments

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)

outcome_rows = st.lists(
    st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.booleans(), st.integers(0, 5)), max_size=40
)


def arrays(rows: list[tuple[float, float, bool, int]]) -> tuple[FloatArray, FloatArray, BoolArray, np.ndarray]:
    return (
        np.array([row[0] for row in rows], dtype=np.float64),
        np.array([row[1] for row in rows], dtype=np.float64),
        np.array([row[2] for row in rows], dtype=np.bool_),
        np.array([row[3] for row in rows], dtype=np.int64),
    )


def gradient_by_hand(rows: list[tuple[float, float, bool, int]], a: float, b: float) -> tuple[float, float]:
    """Derivatives of the log-posterior, outcome by outcome."""
    of_a, of_b = -a / 0.09, -b / 0.09
    for offset, bent, outcome, question in rows:
        weight = 0.1 / sum(row[3] == question for row in rows)
        missed = weight * (outcome - sigmoid(offset + a + b * bent))
        of_a, of_b = of_a + missed, of_b + missed * bent
    return of_a, of_b


@given(outcome_rows)
def test_effects_are_where_the_log_posterior_is_flat(rows: list[tuple[float, float, bool, int]]) -> None:
    """It is strictly concave, so that is its maximum."""
    found = learn_effects(*arrays(rows))

    assert_allclose(gradient_by_hand(rows, found.intercept, found.slope), 0.0, atol=1e-9)
    assert found.num_questions == len({row[3] for row in rows})


@given(outcome_rows, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(rows: list[tuple[float, float, bool, int]], random: object) -> None:
    """Nor does the numbering of questions."""
    shuffled = [(offset, bent, outcome, 70 - question) for offset, bent, outcome, question in rows]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random as object
    one, other = learn_effects(*arrays(rows)), learn_effects(*arrays(shuffled))

    assert (one.intercept, one.slope) == pytest.approx((other.intercept, other.slope), abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_effects_and_variances_are_near_those_of_the_exact_posterior(seed: int) -> None:
    """Integrated on a grid; Laplace's approximation is close, since each outcome weighs little."""
    generator = np.random.default_rng(seed)
    bent = generator.normal(0.0, 1.2, 60)
    offsets = -0.2 + 0.9 * bent
    outcomes = generator.random(60) < 1.0 / (1.0 + np.exp(-(offsets - 0.5 + 0.4 * bent)))
    found = learn_effects(offsets, bent, outcomes, np.arange(60))
    axis = np.linspace(-1.8, 1.8, 361)
    a, b = np.meshgrid(axis, axis, indexing="ij")
    log_density = -(a**2 + b**2) / 0.18
    for offset, h, outcome in zip(offsets, bent, outcomes, strict=True):
        log_density -= 0.1 * np.logaddexp(0.0, (-1.0 if outcome else 1.0) * (offset + a + b * h))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    means = (density * a).sum(), (density * b).sum()
    variances = (density * a**2).sum() - means[0] ** 2, (density * b**2).sum() - means[1] ** 2
    covariance = (density * a * b).sum() - means[0] * means[1]

    assert (found.intercept, found.slope) == pytest.approx(means, abs=0.01)
    assert (found.intercept_variance, found.slope_variance) == pytest.approx(variances, rel=0.03)
    assert found.covariance == pytest.approx(covariance, abs=0.003)
    assert found.variance_at(np.array([2.0]))[0] == pytest.approx(
        variances[0] + 4.0 * covariance + 4.0 * variances[1], rel=0.05
    )


def test_without_outcomes_the_prior_stands() -> None:
    """Zero, with a deviation of .3 each."""
    assert learn_effects(*arrays([])) == NO_EFFECTS
    assert NO_EFFECTS.variance_at(np.array([0.0, 2.0])).tolist() == pytest.approx([0.09, 0.45])


def test_outcomes_of_one_question_count_as_one() -> None:
    """A claim repeated ten times teaches what one claim teaches."""
    once = [(0.3, 1.0, False, 0), (-0.4, -1.0, True, 1)]
    ten_times = [row for row in once for _ in range(10)]
    one, other = learn_effects(*arrays(once)), learn_effects(*arrays(ten_times))

    assert (one.intercept, one.slope, one.num_questions) == pytest.approx((other.intercept, other.slope, 2), abs=1e-10)
    assert question_weights(np.array([4, 7, 4, 4, 4])).tolist() == [0.025, 0.1, 0.025, 0.025, 0.025]


def test_a_long_record_outweighs_the_prior() -> None:
    """A thousand claims that come true by another line are fitted by that line."""
    generator = np.random.default_rng(1)
    bent = generator.normal(0.0, 1.5, 40_000)
    offsets = 0.9 * bent
    outcomes = generator.random(bent.size) < 1.0 / (1.0 + np.exp(-(offsets - 0.7 - 0.3 * bent)))
    found = learn_effects(offsets, bent, outcomes, np.arange(bent.size))

    assert (found.intercept, found.slope) == pytest.approx((-0.7, -0.3), abs=0.05)
    assert found.intercept_variance < 0.09 / 20


def test_extreme_records_stay_finite() -> None:
    """Everything wrong, far from what was expected; Newton's full steps would overshoot."""
    n = 20_000
    found = learn_effects(np.full(n, 12.0), np.full(n, 3.0), np.zeros(n, np.bool_), np.arange(n))

    assert math.isfinite(found.intercept)
    assert sigmoid(12.0 + found.intercept + 3.0 * found.slope) < 0.1


def batch(num_claims: int, num_true: int) -> tuple[StatedClaims, np.ndarray, np.ndarray]:
    """Claims stated at .3 for one year; the true ones come true in March, the others lapse with the year."""
    start, deadline = utc_moments([JANUARY, datetime(2026, 12, 31, tzinfo=UTC)])
    claims = StatedClaims(
        stated=np.full(num_claims, 0.3),
        stated_at=np.full(num_claims, start),
        starts=np.full(num_claims, start),
        deadlines=np.full(num_claims, deadline),
        base_rates=np.full(num_claims, np.nan),
        intercept_effects=np.zeros(num_claims),
        slope_effects=np.zeros(num_claims),
    )
    outcomes = np.arange(num_claims) < num_true
    march, later = utc_moments([datetime(2026, 3, 1, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC)])
    return claims, outcomes, np.where(outcomes, march, later)


def counted_record(moment: datetime) -> ResolvedClaims:
    claims, outcomes, known_at = batch(40, 12)
    counts = is_counted(claims.deadlines, known_at, utc_moments([moment])[0])
    chosen = StatedClaims(*(getattr(claims, name)[counts] for name in StatedClaims.__slots__))
    return ResolvedClaims(chosen, outcomes[counts], np.flatnonzero(counts))


@pytest.mark.parametrize("moment", [datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)])
def test_early_yes_outcomes_of_a_batch_do_not_ruin_a_calibrated_predictor(moment: datetime) -> None:
    """Twelve of forty claims stated at .3 come true early; the others are open, and all wait until they are due."""
    assert counted_record(moment).outcomes.size == 0
    assert FOREGRAPH_2.evidence_kappa(counted_record(moment)) == 1.0
    # Counted at once, they are twelve wrong forecasts of twelve.
    assert calibration_record(np.full(12, 0.3), np.ones(12, np.bool_)).kappa == 0.1471


def test_a_batch_counts_once_it_is_due() -> None:
    """All forty then: the predictor said .3, and 30 % came true, which is more than the population's."""
    record = counted_record(datetime(2027, 2, 1, tzinfo=UTC))
    found = FOREGRAPH_2.effects(record)

    assert (record.outcomes.size, int(record.outcomes.sum())) == (40, 12)
    assert -0.05 < found.slope <= 0.0
    assert 0.9 < FOREGRAPH_2.evidence_kappa(record) <= 1.0
    assert 0.0 < found.intercept < 0.1


def test_only_outcomes_known_by_then_count() -> None:
    """Due or not; without a window, a claim is due with its outcome."""
    deadlines = utc_moments([JANUARY, JANUARY, None, None, JANUARY + timedelta(days=2)])
    known_at = utc_moments([JANUARY, JANUARY + timedelta(days=2), JANUARY, None, JANUARY])

    assert is_counted(deadlines, known_at, utc_moments([JANUARY + timedelta(days=1)])[0]).tolist() == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_arrays_of_different_lengths_are_refused() -> None:
    """An outcome would be taken for another claim's."""
    with pytest.raises(ValueError, match="one shape"):
        learn_effects(np.zeros(2), np.zeros(2), np.zeros(1, np.bool_), np.zeros(2, np.int64))


def test_effects_are_values() -> None:
    """Compared by their numbers."""
    assert PredictorEffects() == NO_EFFECTS
