"""A claim's belief as a function of its ledger and of time, and curves that keep every extreme."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from graph.inference.basis import calibrated_beliefs
from graph.inference.evidence import POLICY, BeliefPolicy
from graph.inference.log_odds import FloatArray, logit, logits
from graph.inference.posterior import posteriors
from graph.inference.statements import StatedClaims
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
class Calibration:
    """
    Terms of foregraph-2 that a section of a ledger does not have.

    Attributes:
        claim: The claim as it was stated, of shape (1,).
        share: f, the share of what comes true that does so before the deadline.
        check_ins: Part of the inside log-odds that comes from missed check-ins, before the first row of the section and
            after each, shape (n + 1,).
    """

    claim: StatedClaims
    share: float
    check_ins: FloatArray


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
        calibration: For foregraph-2; None for foregraph-1.

    Raises:
        ValueError: The shapes differ, a moment is missing or out of order, or a number is not finite.
    """

    log_odds_before: float
    moments: MomentArray
    log_odds: FloatArray
    window: tuple[datetime, datetime] | None = None
    base_rate: float | None = None
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if self.moments.ndim != 1 or self.moments.shape != self.log_odds.shape:
            message = f"expected as many moments as log-odds, got shapes {self.moments.shape} and {self.log_odds.shape}"
            raise ValueError(message)
        _check_ascending(self.moments)
        if not np.isfinite(self.log_odds).all() or not np.isfinite(self.log_odds_before):
            message = "expected finite log-odds, got NaN or an infinity"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """
    A stretch of a claim's history within which only evidence and time move the belief.

    Attributes:
        since: First moment, with a time zone; the first piece of a course serves before it, too.
        ledger: The ledger and the parameters; None while no probability was stated.
        until: Moment after which the belief stays as it was then, with a time zone; None for an open claim.
    """

    since: datetime
    ledger: Ledger | Trail | None
    until: datetime | None = None

    def beliefs_at(self, moments: MomentArray, *, policy: BeliefPolicy = POLICY) -> FloatArray:
        """Compute the belief at each moment, as `beliefs_at`; NaN while no probability was stated."""
        if self.ledger is None:
            return np.full(moments.shape, np.nan)
        if self.until is not None:
            moments = np.minimum(moments, utc_moments([self.until])[0])
        return beliefs_at(self.ledger, moments, policy=policy)

    def edges(self) -> MomentArray:
        """Return the moments between which the belief is monotonic within the piece, its first one aside."""
        ends = utc_moments([] if self.until is None else [self.until])
        inner = [] if self.ledger is None else [self.ledger.moments, self.ledger.moments - _TICK]
        window = utc_moments(() if self.ledger is None or self.ledger.window is None else self.ledger.window)
        return np.concatenate((ends, window, *inner))


Course = tuple[Piece, ...]
"""A claim's history: its pieces, at least one, ascending."""


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
    if isinstance(ledger, Trail) and ledger.calibration is not None:
        return _calibrated_at(ledger, ledger.calibration, moments)
    starts, deadlines = utc_moments(ledger.window or (None, None))
    return posteriors(
        inside_log_odds_at(ledger, moments),
        base_rates=np.full(moments.shape, np.nan if ledger.base_rate is None else ledger.base_rate),
        trfs=time_remaining_fractions(starts, deadlines, moments),
        policy=policy,
    )


def _calibrated_at(trail: Trail, terms: Calibration, moments: MomentArray) -> FloatArray:
    places = np.searchsorted(trail.moments, moments, side="right")
    ledger = inside_log_odds_after(trail)[places]
    evidence = ledger - terms.check_ins[places] - logits(terms.claim.stated)
    return calibrated_beliefs(terms.claim, evidence, np.array([terms.share]), moments)


def course_beliefs_at(course: Course, moments: MomentArray, *, policy: BeliefPolicy = POLICY) -> FloatArray:
    """
    Compute the belief at each moment by what held then; NaN while no probability was stated.

    Args:
        course: The claim's history.
        moments: Of any order, none of them NaT, shape (n,).
        policy: Gives the weight of the outside view.

    Raises:
        ValueError: A moment is NaT, or a number of a ledger is out of range.
    """
    _check_moments(moments)
    numbers = np.searchsorted(utc_moments([piece.since for piece in course[1:]]), moments, side="right")
    found = np.full(moments.shape, np.nan)
    for number in np.unique(numbers).tolist():
        chosen = numbers == number
        found[chosen] = course[number].beliefs_at(moments[chosen], policy=policy)
    return found


def belief_curve(
    course: Course | Ledger | Trail,
    start: datetime,
    end: datetime,
    *,
    max_points: int,
    policy: BeliefPolicy = POLICY,
) -> Curve:
    """
    Compute the curve of the belief from one moment to another, drift included.

    The belief is monotonic between two rows. So the ends, the windows' ends, the moment of each row and of each change
    of a parameter, and the microsecond before it include every extreme; evenly spaced moments between them show the
    curvature. Moments without a stated probability are left out.

    Args:
        course: The claim's history; a ledger alone is one whose parameters have never changed.
        start: First moment, with a time zone.
        end: Last moment, not before `start`.
        max_points: As in `downsample`.
        policy: Gives the weight of the outside view.

    Raises:
        ValueError: The end is before the start, or the number of points or a number of a ledger is out of range.
    """
    _check_max_points(max_points)
    first, last = utc_moments((start, end))
    if last < first:
        message = f"expected an end not before the start, got {end} and {start}"
        raise ValueError(message)
    pieces = course if isinstance(course, tuple) else (Piece(start, course),)
    # What was recorded after the end has no part in the curve, in the choice of its points either.
    pieces = tuple(piece for place, piece in enumerate(pieces) if not place or piece.since <= end)
    sinces = utc_moments([piece.since for piece in pieces[1:]])
    # Truncated to whole microseconds, which may miss the end; it is added below.
    steps = first + (last - first) * np.linspace(0.0, 1.0, max_points)
    edges = (piece.edges() for piece in pieces)
    candidates = np.concatenate((*edges, sinces, sinces - _TICK, steps, [first, last]))
    moments = np.unique(candidates[(candidates >= first) & (candidates <= last)])
    beliefs = course_beliefs_at(pieces, moments, policy=policy)
    is_known = ~np.isnan(beliefs)
    return downsample(moments[is_known], beliefs[is_known], max_points)


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
