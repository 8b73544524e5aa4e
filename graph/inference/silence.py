"""Timing of what comes true, and silence as evidence: nothing has happened yet although it could have."""

import math
from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray

LONG_WINDOW_DAYS = 364.0
"""Length from which a window counts as a year: that of a bare year reaches to the first moment of its last day."""


@dataclass(frozen=True, slots=True)
class TimingPrior:
    """
    A beta distribution of the share of what comes true that comes true before its deadline.

    Attributes:
        share: Mean, in (0, 1).
        strength: Number of claims that came true that it is worth; above 0.
    """

    share: float
    strength: float

    def after(self, num_early: int, num_true: int) -> float:
        """
        Compute the mean share after outcomes.

        Args:
            num_early: Number that came true before the deadline.
            num_true: Number that came true at all.

        Raises:
            ValueError: A count is negative, or more are early than came true.
        """
        if not 0 <= num_early <= num_true:
            message = f"expected counts of 0 or more and at most as many early ones, got {num_early} of {num_true}"
            raise ValueError(message)
        return self.share + (num_early - self.share * num_true) / (self.strength + num_true)


@dataclass(frozen=True, slots=True)
class TimingShares:
    """
    Shares of what comes true that come true before their deadline, evenly over the time left.

    Attributes:
        short: For windows under `LONG_WINDOW_DAYS`, in [0, 1].
        long: For others, in [0, 1].

    Raises:
        ValueError: A share is outside [0, 1].
    """

    short: float
    long: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.short <= 1.0 and 0.0 <= self.long <= 1.0):
            message = f"expected shares from 0 to 1, got {self.short} and {self.long}"
            raise ValueError(message)

    def of_window(self, days: float) -> float:
        """Return the share for a window by its length in days."""
        return self.long if days >= LONG_WINDOW_DAYS else self.short

    def of_windows(self, days: FloatArray) -> FloatArray:
        """Return the share for each window by its length in days; 0 for NaN, a claim without a window."""
        return np.where(np.isnan(days), 0.0, np.where(days >= LONG_WINDOW_DAYS, self.long, self.short))


SHORT_PRIOR = TimingPrior(0.23, 10.0)
"""Prior for windows under a year."""

LONG_PRIOR = TimingPrior(0.44, 10.0)
"""Prior for windows of a year or more: Beta(4.4, 5.6)."""

UNLEARNED = TimingShares(SHORT_PRIOR.share, LONG_PRIOR.share)
"""Shares of a graph in which nothing has come true."""


def learn_timing(window_days: FloatArray, is_early: BoolArray) -> TimingShares:
    """
    Learn the shares from claims that came true; those that came false say nothing about timing.

    Args:
        window_days: Length of each claim's window in days, shape (n,); n may be 0. NaN without a window, which is left
            out.
        is_early: Whether it came true before the day of its deadline, shape (n,).

    Raises:
        ValueError: The shapes differ.
    """
    if window_days.shape != is_early.shape:
        message = f"expected as many windows as outcomes, got shapes {window_days.shape} and {is_early.shape}"
        raise ValueError(message)
    is_long = window_days >= LONG_WINDOW_DAYS
    is_short = window_days < LONG_WINDOW_DAYS
    return TimingShares(
        short=SHORT_PRIOR.after(int(is_early[is_short].sum()), int(is_short.sum())),
        long=LONG_PRIOR.after(int(is_early[is_long].sum()), int(is_long.sum())),
    )


def silence_log_odds(shares: FloatArray, elapsed: FloatArray) -> FloatArray:
    """
    Compute the log-likelihood ratio of silence: `ln((1 - F1(s)) / (1 - F0(s)))` with F1(s) = f s and F0 = 0.

    F1 is the distribution of the moment at which true claims come true, F0 that of false ones, which never do.

    Args:
        shares: f, in [0, 1], of any shape that broadcasts with the other.
        elapsed: s, the elapsed share of the time left, in [0, 1].

    Returns:
        0 or less; minus infinity where f s is 1.
    """
    hidden = np.broadcast_arrays(shares, elapsed)
    # The standard library's logarithm, for the reason given at `log_odds.logits`.
    values = [
        math.log1p(-share * passed) if share * passed < 1.0 else -math.inf
        for share, passed in zip(hidden[0].ravel().tolist(), hidden[1].ravel().tolist(), strict=True)
    ]
    return np.array(values, dtype=np.float64).reshape(hidden[0].shape)
