"""Timing of what comes true, and silence as evidence."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from graph.inference.silence import (
    LONG_PRIOR,
    SHORT_PRIOR,
    UNLEARNED,
    TimingShares,
    learn_timing,
    silence_log_odds,
)


@given(st.floats(0.05, 0.95), st.floats(0.0, 1.0), st.floats(0.01, 0.99))
def test_silence_is_what_bayes_says_of_it(share: float, elapsed: float, prior: float) -> None:
    """Numbers of a thousand claims: true ones spread evenly over the window, false ones never."""
    still_open_and_true = prior * (1.0 - share * elapsed)
    expected = still_open_and_true / (still_open_and_true + 1.0 - prior)
    log_odds = math.log(prior / (1.0 - prior)) + silence_log_odds(np.array(share), np.array(elapsed)).item()

    assert 1.0 / (1.0 + math.exp(-log_odds)) == pytest.approx(expected, abs=1e-12)


def test_silence_until_all_would_have_come_true_is_final() -> None:
    """Minus infinity at the very end, if nothing comes true late."""
    assert silence_log_odds(np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.5, 1.0])).tolist() == [
        -math.inf,
        pytest.approx(math.log(0.5)),
        0.0,
    ]


def test_silence_broadcasts() -> None:
    """One share at many moments, and a share for each of many claims."""
    table = silence_log_odds(np.array([[0.2], [0.4]]), np.array([0.0, 0.5, 1.0]))

    assert_allclose(table, np.log([[1.0, 0.9, 0.8], [1.0, 0.8, 0.6]]), atol=1e-15)


def test_before_anything_has_come_true_the_priors_stand() -> None:
    """.23 of what comes true does so early, .44 in windows of a year or more."""
    assert TimingShares(short=0.23, long=0.44) == UNLEARNED
    assert learn_timing(np.array([]), np.array([], np.bool_)) == UNLEARNED


@given(st.integers(0, 60), st.integers(0, 60))
def test_shares_are_those_of_the_beta_posterior(num_early: int, num_late: int) -> None:
    """By exact fractions; the strength of the prior is ten."""
    expected = (Fraction(44, 10) + num_early) / (10 + num_early + num_late)

    assert LONG_PRIOR.after(num_early, num_early + num_late) == pytest.approx(float(expected), rel=1e-14)
    assert SHORT_PRIOR.after(num_early, num_early + num_late) <= LONG_PRIOR.after(num_early, num_early + num_late)


def test_timing_is_learned_for_short_and_long_windows_apart() -> None:
    """364 days are a year; what has no window has no timing."""
    days = np.array([364.0, 364.0, 5000.0, 363.9, 30.0, np.nan])
    is_early = np.array([True, False, True, True, True, True])

    learned = learn_timing(days, is_early)
    assert (learned.short, learned.long) == pytest.approx((4.3 / 12.0, 6.4 / 13.0))


def test_shares_that_are_no_shares_are_refused() -> None:
    """Neither of the two."""
    for shares in [(-0.1, 0.5), (0.5, 1.1), (math.nan, 0.5)]:
        with pytest.raises(ValueError, match="from 0 to 1"):
            TimingShares(*shares)
    for counts in [(-1, 2), (3, 2)]:
        with pytest.raises(ValueError, match="at most as many early"):
            LONG_PRIOR.after(*counts)
    with pytest.raises(ValueError, match="as many windows"):
        learn_timing(np.zeros(2), np.zeros(1, np.bool_))
