"""Probabilities as natural log-odds, where independent evidence adds."""

import math


def logit(probability: float) -> float:
    """
    The natural log-odds of a probability.

    Args:
        probability: Strictly between 0 and 1.

    Raises:
        ValueError: It is 0, 1 or outside; a certain claim has no finite log-odds.
    """
    if not 0.0 < probability < 1.0:
        message = f"expected a probability strictly between 0 and 1, got {probability}"
        raise ValueError(message)
    return math.log(probability) - math.log1p(-probability)


def sigmoid(log_odds: float) -> float:
    """The probability of natural log-odds; finite for every finite input."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)
