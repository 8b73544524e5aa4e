"""Claims as they were stated: probability, time left then, reference class and the maker's record."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray, CountArray
from graph.inference.time import MomentArray, time_remaining_fractions, utc_moments

IndexArray = NDArray[np.intp]

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class StatedClaims:
    """
    All that a claim's belief depends on besides its evidence; arrays of one shape, or of shapes that broadcast.

    Attributes:
        stated: Probability as stated, strictly between 0 and 1.
        stated_at: Moment of the statement; NaT if unknown, for the window's start.
        starts: Start of the window; NaT without a window.
        deadlines: End of the window, after its start; NaT without a window.
        base_rates: Rate of the reference class, strictly between 0 and 1; NaN without a class.
        intercept_effects: a of the maker, as its outcomes showed when the claim was stated; 0 without a record.
        slope_effects: b of the maker, likewise.
    """

    stated: FloatArray
    stated_at: MomentArray
    starts: MomentArray
    deadlines: MomentArray
    base_rates: FloatArray
    intercept_effects: FloatArray
    slope_effects: FloatArray

    @property
    def begun_at(self) -> MomentArray:
        """
        Moments from which time counts: that of the statement, or the window's start where it is later or alone known.

        NaT without a window: what is not due is not silent either.
        """
        is_later = self.stated_at > self.starts
        return np.where(np.isnat(self.deadlines) | ~is_later, self.starts, self.stated_at)

    def take(self, indices: IndexArray) -> "StatedClaims":
        """Return some of the claims, whose arrays have the shape (n,)."""
        return StatedClaims(*(getattr(self, name)[indices] for name in StatedClaims.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedClaims:
    """
    A predictor's claims with outcomes, annulled ones left out.

    Attributes:
        claims: As they were stated, shape (n,).
        outcomes: Whether each came true, shape (n,).
        questions: Number of each one's question, shape (n,); several claims may be of one.

    Raises:
        ValueError: The shapes differ.
    """

    claims: StatedClaims
    outcomes: BoolArray
    questions: CountArray

    def __post_init__(self) -> None:
        if not self.claims.stated.shape == self.outcomes.shape == self.questions.shape:
            message = (
                f"expected as many outcomes and questions as claims, got shapes {self.claims.stated.shape}, "
                f"{self.outcomes.shape} and {self.questions.shape}"
            )
            raise ValueError(message)


def stated_claim(
    stated: float,
    *,
    stated_at: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    base_rate: float | None = None,
    effects: tuple[float, float] = (0.0, 0.0),
) -> StatedClaims:
    """
    Make the arrays of one claim, each of shape (1,), which broadcast with any number of moments.

    Args:
        stated: Probability as stated.
        stated_at: Moment of the statement, with a time zone; None for the window's start.
        window: Start and deadline; None without a window.
        base_rate: Rate of the reference class; None without a class.
        effects: a and b of its maker.
    """
    starts, deadlines = utc_moments(window or (None, None))
    return StatedClaims(
        stated=np.array([stated]),
        stated_at=utc_moments([stated_at]),
        starts=np.array([starts]),
        deadlines=np.array([deadlines]),
        base_rates=np.array([np.nan if base_rate is None else base_rate]),
        intercept_effects=np.array([effects[0]]),
        slope_effects=np.array([effects[1]]),
    )


def time_remaining_when_stated(claims: StatedClaims) -> FloatArray:
    """
    Compute the fraction of each window that remained when the claim was stated; NaN without a window.

    Raises:
        ValueError: A deadline is not after its start.
    """
    return time_remaining_fractions(claims.starts, claims.deadlines, claims.begun_at)


def days_left_when_stated(claims: StatedClaims) -> FloatArray:
    """Compute the days from the statement to the deadline, 0 where it was past; NaN without a window."""
    days: FloatArray = np.maximum(0.0, (claims.deadlines - claims.begun_at) / DAY)
    return days


def elapsed_shares(claims: StatedClaims, moments: MomentArray) -> FloatArray:
    """
    Compute the share of the days left at the statement that has passed: 0 before it, 1 from the deadline on.

    It is 0 without a window, and where nothing was left.

    Args:
        claims: Of a shape that broadcasts with the moments'.
        moments: None of them NaT.
    """
    left = (claims.deadlines - claims.begun_at) / DAY
    passed = (moments - claims.begun_at) / DAY
    is_open = left > 0.0
    shares: FloatArray = np.clip(np.where(is_open, passed, 0.0) / np.where(is_open, left, 1.0), 0.0, 1.0)
    return shares
