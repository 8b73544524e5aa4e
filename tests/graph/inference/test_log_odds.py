"""Between probabilities and log-odds."""

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph.inference.log_odds import logit, sigmoid

SMALLEST = math.ulp(0.0)
LARGEST = math.nextafter(1.0, 0.0)


def exact_logit(probability: float) -> float:
    """The same number in sixty digits."""
    with localcontext(prec=60):
        p = Decimal(probability)
        return float((p / (1 - p)).ln())


def exact_sigmoid(log_odds: float) -> float:
    with localcontext(prec=60):
        return float(1 / (1 + (-Decimal(log_odds)).exp()))


@given(st.floats(SMALLEST, LARGEST))
@example(SMALLEST)
@example(LARGEST)
@example(0.5)
def test_logit_is_right_over_all_probabilities(probability: float) -> None:
    """Near a half its terms cancel, so there the error is small beside the terms and not beside their difference."""
    assert logit(probability) == pytest.approx(exact_logit(probability), rel=1e-14, abs=1e-15)


@given(st.floats(-700.0, 700.0))
@example(0.0)
def test_sigmoid_is_right_over_all_log_odds(log_odds: float) -> None:
    """Neither side overflows, and the small probabilities keep their digits."""
    assert sigmoid(log_odds) == pytest.approx(exact_sigmoid(log_odds), rel=1e-13)


@given(st.floats(1e-300, 0.5))
@example(SMALLEST)
def test_sigmoid_undoes_logit(probability: float) -> None:
    """An error of the last digit in the log-odds is one of |log-odds| last digits in the probability."""
    assert sigmoid(logit(probability)) == pytest.approx(probability, rel=1e-12)


@given(st.floats(-700.0, 30.0))
def test_logit_undoes_sigmoid(log_odds: float) -> None:
    """Up to thirty: above that, one minus the probability has too few digits left to tell the log-odds by."""
    assert logit(sigmoid(log_odds)) == pytest.approx(log_odds, rel=1e-12, abs=1e-2 if log_odds > 25 else 1e-4)


@given(st.floats(1e-10, 1 - 1e-10))
def test_the_opposite_claim_has_the_opposite_log_odds(probability: float) -> None:
    """P(not A) = 1 - P(A)."""
    assert sigmoid(-logit(probability)) == pytest.approx(1.0 - probability, rel=1e-9)


@pytest.mark.parametrize("log_odds", [-1e308, -1000.0, 1000.0, 1e308])
def test_the_sigmoid_of_any_log_odds_is_a_probability(log_odds: float) -> None:
    """Overwhelming evidence is no overflow."""
    assert sigmoid(log_odds) == (1.0 if log_odds > 0 else 0.0)


def test_known_values() -> None:
    """Odds of 4 to 1 are a probability of 0.8; even odds are a half."""
    assert logit(0.8) == pytest.approx(math.log(4), rel=1e-15)
    assert logit(0.5) == 0.0
    assert sigmoid(0.0) == 0.5
    assert sigmoid(math.log(1.5)) == pytest.approx(0.6, rel=1e-15)


@pytest.mark.parametrize("probability", [0.0, -0.0, 1.0, -0.1, 1.1, math.inf, -math.inf, math.nan])
def test_what_is_certain_or_no_probability_has_no_log_odds(probability: float) -> None:
    """It is an error at the boundary, not a value to nudge."""
    with pytest.raises(ValueError, match=rf"strictly between 0 and 1, got {probability}"):
        logit(probability)
