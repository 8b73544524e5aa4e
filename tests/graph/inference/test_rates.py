"""Rates learned from outcomes, against worked examples."""

import pytest

from graph.inference.rates import learned_rate


@pytest.mark.parametrize(
    ("num_true", "num_resolved", "rate", "low", "high"),
    [
        (0, 0, 0.365, 0.121891, 0.648583),
        (2, 9, 0.289412, 0.128613, 0.479123),
        (0, 12, 0.146, 0.042202, 0.290498),
        (30, 100, 0.304815, 0.234366, 0.379392),
    ],
)
def test_a_class_learns_from_its_members(
    num_true: int, num_resolved: int, rate: float, low: float, high: float
) -> None:
    """From the population's rate to its own, and ever more surely."""
    learned = learned_rate(num_true, num_resolved)

    assert (learned.rate, learned.low, learned.high) == pytest.approx((rate, low, high), abs=5e-7)
    assert (learned.num_true, learned.num_resolved) == (num_true, num_resolved)


def test_more_outcomes_leave_less_doubt() -> None:
    """In log-odds too."""
    variances = [learned_rate(3 * k, 10 * k).log_odds_variance for k in range(5)]

    assert variances == sorted(variances, reverse=True)
    assert learned_rate(300, 1000).log_odds_variance == pytest.approx(1 / 302.92 + 1 / 705.08, rel=0.01)


@pytest.mark.parametrize(("num_true", "num_resolved"), [(-1, 3), (4, 3)])
def test_counts_that_cannot_be_are_refused(num_true: int, num_resolved: int) -> None:
    """More came true than have an outcome."""
    with pytest.raises(ValueError, match="at most as many true"):
        learned_rate(num_true, num_resolved)
