"""Rates of reference classes, learned from their own members that have outcomes."""

from dataclasses import dataclass

from graph.inference.beta import beta_log_odds_variance, beta_quantile

POPULATION_RATE = 0.365
"""Share of all claims that come true; the mean of the prior."""

PRIOR_STRENGTH = 8.0
"""Number of members that the prior is worth."""

COVERAGE = 0.9
"""Coverage of intervals of rates and beliefs."""


@dataclass(frozen=True, slots=True)
class LearnedRate:
    """
    A beta posterior of how often members of a class come true.

    Attributes:
        rate: Its mean.
        low: Lower end of the interval with `COVERAGE`, tails equal.
        high: Upper end.
        log_odds_variance: Variance of the rate's log-odds.
        num_true: Number of members that came true.
        num_resolved: Number of members with an outcome.
    """

    rate: float
    low: float
    high: float
    log_odds_variance: float
    num_true: int
    num_resolved: int


def learned_rate(num_true: int, num_resolved: int) -> LearnedRate:
    """
    Learn a rate from outcomes, with the prior Beta(8 m, 8 (1 - m)), m the population's rate.

    Args:
        num_true: Number of members that came true.
        num_resolved: Number of members that came true or false; annulled ones do not count.

    Raises:
        ValueError: A count is negative, or more came true than have an outcome.
    """
    if not 0 <= num_true <= num_resolved:
        message = f"expected counts of 0 or more and at most as many true ones, got {num_true} of {num_resolved}"
        raise ValueError(message)
    a = PRIOR_STRENGTH * POPULATION_RATE + num_true
    b = PRIOR_STRENGTH * (1.0 - POPULATION_RATE) + num_resolved - num_true
    tail = 0.5 * (1.0 - COVERAGE)
    return LearnedRate(
        rate=a / (a + b),
        low=beta_quantile(tail, a, b),
        high=beta_quantile(1.0 - tail, a, b),
        log_odds_variance=beta_log_odds_variance(a, b),
        num_true=num_true,
        num_resolved=num_resolved,
    )
