"""A claim's belief as a function of its ledger and of time, and curves that keep every extreme."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from graph.inference.evidence import POLICY, BeliefPolicy
from graph.inference.log_odds import FloatArray, logit
from graph.inference.posterior import posteriors
from graph.inference.time import MomentArray, time_remaining_fractions, utc_moments

IndexArray = NDArray[np.intp]

LEAST_MAX_POINTS = 4
"""Both ends, the minimum and the maximum."""

MOST_MAX_POINTS = 10_000
"""More than a screen has columns; limits the cost of one request."""

_TICK = np.timedelta64(1, "us")


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """
    All rows and parameters that a claim's belief depends on.

    Attributes:
        stated: Probability as stated, strictly between 0 and 1.
        moments: When each row was recorded, ascending, shape (n,); rows of one moment are in the ledger's order.
        adjusted_llrs: Log-likelihood ratio that each row adds, finite, shape (n,).
        window: Start and deadline, with time zones; None without a window, and the belief does not drift with time.
        base_rate: Of the reference class, strictly between 0 and 1; None without a class.

    Raises:
        ValueError: The shapes differ, a moment is missing or out of order, or a number is not finite.
    """

    stated: float
    moments: MomentArray
    adjusted_llrs: FloatArray
    window: tuple[datetime, datetime] | None = None
    base_rate: float | None = None

    def __post_init__(self) -> None:
        if self.moments.ndim != 1 or self.moments.shape != self.adjusted_llrs.shape:
            message = (
                f"expected as many moments as log-likelihood ratios, "
                f"got shapes {self.moments.shape} and {self.adjusted_llrs.shape}"
            )
            raise ValueError(message)
        _check_ascending(self.moments)
        if not np.isfinite(self.adjusted_llrs).all():
            message = "expected finite log-likelihood ratios, got NaN or an infinity"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """
    A section of a claim's ledger as cumulated log-odds, which is all that a belief within it depends on.

    Attributes:
        log_odds_before: Inside log-odds before the first row of the section, finite.
        moments: When each row was recorded, ascending, shape (n,).
        log_odds: Inside log-odds after each row, finite, shape (n,).
        window: As in `Ledger`.
        base_rate: As in `Ledger`.

    Raises:
        ValueError: The shapes differ, a moment is missing or out of order, or a number is not finite.
    """

    log_odds_before: float
    moments: MomentArray
    log_odds: FloatArray
    window: tuple[datetime, datetime] | None = None
    base_rate: float | None = None

    def __post_init__(self) -> None:
        if self.moments.ndim != 1 or self.moments.shape != self.log_odds.shape:
            message = f"expected as many moments as log-odds, got shapes {self.moments.shape} and {self.log_odds.shape}"
            raise ValueError(message)
        _check_ascending(self.moments)
        if not np.isfinite(self.log_odds).all() or not np.isfinite(self.log_odds_before):
            message = "expected finite log-odds, got NaN or an infinity"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """
    A curve as points in order of time.

    Attributes:
        moments: Ascending, shape (n,).
        values: Value at each moment, shape (n,).
    """

    moments: MomentArray
    values: FloatArray


def inside_log_odds_after(ledger: Ledger | Trail) -> FloatArray:
    """
    Compute the inside log-odds before the first row and after each, shape (n + 1,).

    Rows are added one by one, as intake adds them, so that the last value equals the stored state bit for bit.

    Raises:
        ValueError: The stated probability is not strictly between 0 and 1.
    """
    if isinstance(ledger, Trail):
        return np.concatenate(([ledger.log_odds_before], ledger.log_odds))
    return np.cumsum(np.concatenate(([logit(ledger.stated)], ledger.adjusted_llrs)))


def inside_log_odds_at(ledger: Ledger | Trail, moments: MomentArray) -> FloatArray:
    """
    Compute the inside log-odds at each moment, including rows recorded at that very moment.

    Args:
        ledger: Of the claim.
        moments: Of any shape and order.

    Raises:
        ValueError: The stated probability is not strictly between 0 and 1.
    """
    return inside_log_odds_after(ledger)[np.searchsorted(ledger.moments, moments, side="right")]


def beliefs_at(ledger: Ledger | Trail, moments: MomentArray, *, policy: BeliefPolicy = POLICY) -> FloatArray:
    """
    Compute the belief at each moment from the evidence until then, blended by the time that remained then.

    Args:
        ledger: Of the claim.
        moments: Of any shape and order, none of them NaT.
        policy: Gives the weight of the outside view.

    Returns:
        Probabilities strictly between 0 and 1, in the shape of `moments`.

    Raises:
        ValueError: A moment is NaT, or a number of the ledger is out of range.
    """
    _check_moments(moments)
    starts, deadlines = utc_moments(ledger.window or (None, None))
    return posteriors(
        inside_log_odds_at(ledger, moments),
        base_rates=np.full(moments.shape, np.nan if ledger.base_rate is None else ledger.base_rate),
        trfs=time_remaining_fractions(starts, deadlines, moments),
        policy=policy,
    )


def belief_curve(
    ledger: Ledger | Trail, start: datetime, end: datetime, *, max_points: int, policy: BeliefPolicy = POLICY
) -> Curve:
    """
    Compute the curve of the belief from one moment to another, drift included.

    The belief is monotonic between two rows. So the ends, the window's ends, each row's moment and the microsecond
    before it include every extreme; evenly spaced moments between them show the curvature.

    Args:
        ledger: Of the claim.
        start: First moment, with a time zone.
        end: Last moment, not before `start`.
        max_points: As in `downsample`.
        policy: Gives the weight of the outside view.

    Raises:
        ValueError: The end is before the start, or the number of points or a number of the ledger is out of range.
    """
    _check_max_points(max_points)
    first, last = utc_moments((start, end))
    if last < first:
        message = f"expected an end not before the start, got {end} and {start}"
        raise ValueError(message)
    edges = utc_moments(ledger.window or ())
    # Truncated to whole microseconds, which may miss the end; it is added below.
    steps = first + (last - first) * np.linspace(0.0, 1.0, max_points)
    candidates = np.concatenate((ledger.moments, ledger.moments - _TICK, edges, steps, [first, last]))
    moments = np.unique(candidates[(candidates >= first) & (candidates <= last)])
    return downsample(moments, beliefs_at(ledger, moments, policy=policy), max_points)


def downsample(moments: MomentArray, values: FloatArray, max_points: int) -> Curve:
    """
    Select at most `max_points` of the points: both ends, and each bin's minimum and maximum.

    The points between the ends are divided into bins of equal time, half as many as points are left. Each bin keeps its
    minimum and maximum, the earliest among equals. So global extremes and spikes stay where they are; averages would
    flatten them.

    Args:
        moments: Ascending, shape (n,).
        values: Finite, shape (n,).
        max_points: From `LEAST_MAX_POINTS` to `MOST_MAX_POINTS`. Shorter curves are returned whole.

    Raises:
        ValueError: The shapes differ, a moment is NaT or out of order, a value is not finite, or `max_points` is out of
            range.

    Source: Jugel, Jerzak, Hackenbroich and Markl, "M4", PVLDB 7 (2014), 797-808, of which this keeps two of four.
    """
    _check_max_points(max_points)
    if moments.ndim != 1 or moments.shape != values.shape:
        message = f"expected as many values as moments, got shapes {values.shape} and {moments.shape}"
        raise ValueError(message)
    _check_ascending(moments)
    if not np.isfinite(values).all():
        message = "expected finite values, got NaN or an infinity"
        raise ValueError(message)
    if moments.size <= max_points:
        return Curve(moments.copy(), values.copy())
    extremes = _extremes(_stretches(moments[1:-1], (max_points - 2) // 2), values[1:-1])
    kept = np.concatenate(([0], 1 + extremes, [moments.size - 1]))
    return Curve(moments[kept], values[kept])


def _stretches(moments: MomentArray, num_stretches: int) -> IndexArray:
    """Assign each moment to one of `num_stretches` bins of equal time, numbered from 0."""
    span = moments[-1] - moments[0]
    if span == 0 * _TICK:
        return np.zeros(moments.shape, dtype=np.intp)
    bins = np.floor((moments - moments[0]) / span * num_stretches).astype(np.intp)
    numbers: IndexArray = np.minimum(bins, num_stretches - 1)
    return numbers


def _extremes(stretches: IndexArray, values: FloatArray) -> IndexArray:
    """Return the ascending indices of each bin's minimum and maximum."""
    indices = [_first_of_each(stretches, np.lexsort((signed, stretches))) for signed in (values, -values)]
    return np.unique(np.concatenate(indices))


def _first_of_each(stretches: IndexArray, order: IndexArray) -> IndexArray:
    _, first_indices = np.unique(stretches[order], return_index=True)
    first: IndexArray = order[first_indices]
    return first


def _check_max_points(max_points: int) -> None:
    if not LEAST_MAX_POINTS <= max_points <= MOST_MAX_POINTS:
        message = f"expected {LEAST_MAX_POINTS} to {MOST_MAX_POINTS} points, got {max_points}"
        raise ValueError(message)


def _check_moments(moments: MomentArray) -> None:
    if np.isnat(moments).any():
        message = "expected moments, got NaT"
        raise ValueError(message)


def _check_ascending(moments: MomentArray) -> None:
    _check_moments(moments)
    if (moments[1:] < moments[:-1]).any():
        message = "expected moments in ascending order"
        raise ValueError(message)
