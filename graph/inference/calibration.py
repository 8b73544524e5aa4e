"""A predictor's record: how stated probabilities compared with what happened, and the weight it earns."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graph.inference.evidence import POLICY, BeliefPolicy
from graph.inference.log_odds import FloatArray
from graph.inference.scoring import (
    BoolArray,
    CorpDecomposition,
    ReliabilityBin,
    brier_score,
    check_forecasts,
    corp_decomposition,
    log_score,
    reliability_curve,
)

MAX_STEPS = 200
"""Newton needs some ten steps; this many bisections alone leave nothing of a bracket, be it [-1, 1] or [2^k, 2^k+1]."""

NO_GAIN = 1e-12
"""The Newton step that promises less log-likelihood than this, per forecast, is the last: its error is squared."""

OWN_RECORD = "resolved_predictions"
"""Kappa's source where it follows from the predictions resolved here, or from there being none."""


@dataclass(frozen=True, slots=True)
class CoxFit:
    """
    The line logit P(yes) = intercept + slope * logit(stated).

    Attributes:
        intercept: 0 is best; above it, things happen more often than stated.
        slope: 1 is best; below it, forecasts are too extreme.
    """

    intercept: float
    slope: float


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """
    What a predictor's resolved predictions say of the predictor.

    Attributes:
        num_resolved: How many there are; without any, all that follows but kappa is None or empty.
        kappa: Weight of the predictor's evidence, rounded as it multiplies.
        slope: Calibration slope through the origin, limited to [0, 1]; None also where all was stated at a half.
        brier: Brier score.
        log_score: In nats, nothing clipped.
        corp: The Brier score's parts.
        cox: Intercept and slope; None also where no finite line fits best.
        curve: The reliability curve.
    """

    num_resolved: int
    kappa: float
    slope: float | None = None
    brier: float | None = None
    log_score: float | None = None
    corp: CorpDecomposition | None = None
    cox: CoxFit | None = None
    curve: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True, slots=True)
class KappaInUse:
    """
    The weight that a predictor's next evidence gets, and the record that it stands on.

    Attributes:
        kappa: As it multiplies.
        source: `OWN_RECORD`, or where a record kept elsewhere came from.
        brier: Of that record, where known.
        num_resolved: Of that record.
    """

    kappa: float
    source: str
    brier: float | None
    num_resolved: int


def calibration_record(stated: FloatArray, outcomes: BoolArray, *, policy: BeliefPolicy = POLICY) -> CalibrationRecord:
    """
    The whole record from resolved predictions; annulled ones are to be left out.

    Args:
        stated: Probability stated of each, strictly between 0 and 1, shape (n,); n may be 0.
        outcomes: Whether each came true, shape (n,).
        policy: Says what kappa is made with.

    Raises:
        ValueError: The shapes differ, or a probability is 0, 1 or outside.
    """
    if stated.shape == outcomes.shape == (0,):
        return CalibrationRecord(num_resolved=0, kappa=kappa(0, None, policy=policy))
    slope = calibration_slope(stated, outcomes)
    return CalibrationRecord(
        num_resolved=stated.size,
        kappa=kappa(stated.size, slope, policy=policy),
        slope=slope,
        brier=brier_score(stated, outcomes),
        log_score=log_score(stated, outcomes),
        corp=corp_decomposition(stated, outcomes),
        cox=cox_fit(stated, outcomes),
        curve=reliability_curve(stated, outcomes),
    )


def kappa_in_use(own: CalibrationRecord, elsewhere: KappaInUse | None) -> KappaInUse:
    """
    The record that counts: one kept elsewhere until the predictor's own is at least as long.

    Args:
        own: From predictions resolved here.
        elsewhere: As imported; None where nothing was.
    """
    if elsewhere is not None and elsewhere.num_resolved > own.num_resolved:
        return elsewhere
    return KappaInUse(own.kappa, OWN_RECORD, own.brier, own.num_resolved)


def kappa(num_resolved: int, slope: float | None, *, policy: BeliefPolicy = POLICY) -> float:
    """
    The weight of a predictor's evidence: the calibration slope, shrunk to the prior, limited and rounded.

    Args:
        num_resolved: Resolved predictions, n.
        slope: Calibration slope in [0, 1]; None where there is none, so that the prior stands.
        policy: Prior, its strength, the limits and the digits.

    Raises:
        ValueError: The count is negative, or the slope lies outside.
    """
    if num_resolved < 0:
        message = f"expected a count of 0 or more, got {num_resolved}"
        raise ValueError(message)
    if slope is not None and not 0.0 <= slope <= 1.0:
        message = f"expected a slope from 0 to 1, got {slope}"
        raise ValueError(message)
    prior_strength = policy.kappa_prior_strength
    fitted = policy.kappa_prior if slope is None else slope
    shrunk = (num_resolved * fitted + prior_strength * policy.kappa_prior) / (num_resolved + prior_strength)
    return round(min(policy.kappa_cap, max(policy.kappa_floor, shrunk)), policy.kappa_digits)


def calibration_slope(stated: FloatArray, outcomes: BoolArray) -> float | None:
    """
    `slope_through_origin`, limited to [0, 1]: forecasts earn no more than to be taken at their word.

    A record without an error is separable; its slope has the limit infinity, and so is 1 here.
    """
    slope = slope_through_origin(stated, outcomes)
    return None if slope is None else min(1.0, max(0.0, slope))


def slope_through_origin(stated: FloatArray, outcomes: BoolArray) -> float | None:
    """
    The slope s of logit P(yes) = s * logit(stated), by maximum likelihood.

    The derivative of the log-likelihood falls in s, so its root is bracketed and Newton's step is taken where it stays
    inside.

    Args:
        stated: Probability given to "yes", strictly between 0 and 1, shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Returns:
        Infinity where every forecast on a side of a half came out on that side, minus infinity where every one came
        out on the other; None where all were stated at a half, which any slope fits.

    Raises:
        ValueError: The shapes differ, there is no forecast, or a probability is 0, 1 or outside.

    Source: Cox, Biometrika 45 (1958), 562-565.
    """
    log_odds = _log_odds(stated, outcomes)
    agreement = np.where(outcomes, log_odds, -log_odds)
    agreement = agreement[agreement != 0.0]
    if agreement.size == 0:
        return None
    if (agreement > 0.0).all():
        return math.inf
    if (agreement < 0.0).all():
        return -math.inf

    def gradient(slope: float) -> tuple[float, float]:
        missed = _sigmoid(-slope * agreement)
        return float(agreement @ missed), -float((agreement**2) @ (missed * (1.0 - missed)))

    return _falling_root(gradient)


def cox_fit(stated: FloatArray, outcomes: BoolArray) -> CoxFit | None:
    """
    Logistic regression of outcomes on the stated log-odds, by maximum likelihood.

    Args:
        stated: Probability given to "yes", strictly between 0 and 1, shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Returns:
        None where the likelihood has no finite maximum: some threshold parts what happened from what did not, or
        there are only forecasts of one value.

    Raises:
        ValueError: As `slope_through_origin`.

    Source: Cox, Biometrika 45 (1958), 562-565; existence: Albert and Anderson, Biometrika 71 (1984), 1-10.
    """
    log_odds = _log_odds(stated, outcomes)
    if not _overlap(log_odds[outcomes], log_odds[~outcomes]):
        return None
    # In units of their own spread the two columns are of one size and at right angles.
    center, spread = float(log_odds.mean()), float(log_odds.std())
    design = np.column_stack((np.ones(stated.size), (log_odds - center) / spread))
    coefficients = _logistic_regression(design, outcomes)
    if coefficients is None:
        return None
    slope = float(coefficients[1]) / spread
    return CoxFit(intercept=float(coefficients[0]) - slope * center, slope=slope)


def _log_odds(stated: FloatArray, outcomes: BoolArray) -> FloatArray:
    check_forecasts(stated, outcomes)
    certain = stated[(stated <= 0.0) | (stated >= 1.0)]
    if certain.size:
        message = f"expected probabilities strictly between 0 and 1, got {certain[0]}"
        raise ValueError(message)
    return np.log(stated) - np.log1p(-stated)


def _sigmoid(log_odds: FloatArray) -> FloatArray:
    decay = np.exp(-np.abs(log_odds))
    return np.where(log_odds >= 0.0, 1.0, decay) / (1.0 + decay)


def _overlap(of_true: FloatArray, of_false: FloatArray) -> bool:
    """Whether each side has a forecast strictly beyond one of the other's, in both directions."""
    if of_true.size == 0 or of_false.size == 0:
        return False
    return bool(of_true.min() < of_false.max() and of_false.min() < of_true.max())


def _falling_root(function: Callable[[float], tuple[float, float]]) -> float:
    """
    Where a strictly falling function is 0, from its value and derivative; it must have a root.

    Newton's method, with a bisection wherever its step would leave the bracket or is not half the one before, as on
    the exponential slopes of a likelihood, where all its steps are of one length.
    """
    low, high = _bracket(function)
    guess, last_step = 0.5 * (low + high), high - low
    for _ in range(MAX_STEPS):
        value, derivative = function(guess)
        if value == 0.0:
            return guess
        low, high = (guess, high) if value > 0.0 else (low, guess)
        step = -value / derivative if derivative < 0.0 else math.inf
        is_good = low < guess + step < high and abs(step) <= 0.5 * abs(last_step)
        following = guess + step if is_good else 0.5 * (low + high)
        if following in {guess, low, high}:
            return following
        guess, last_step = following, following - guess
    return guess


def _bracket(function: Callable[[float], tuple[float, float]]) -> tuple[float, float]:
    """Two numbers, the function above 0 at the first and not above it at the second, from (-1, 1) outward."""
    low, high = -1.0, 1.0
    while function(low)[0] <= 0.0:
        low, high = 2.0 * low, low
    while function(high)[0] > 0.0:
        low, high = high, 2.0 * high
    return low, high


def _logistic_regression(design: FloatArray, outcomes: BoolArray) -> FloatArray | None:
    """
    Newton's method, each step halved until the log-likelihood gains; concave, so this climbs to the top.

    Returns:
        One coefficient per column of `design`; None where the top is further away than doubles reach.
    """
    coefficients = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        fitted = _sigmoid(design @ coefficients)
        gradient = design.T @ (outcomes - fitted)
        curvature = design.T @ (design * (fitted * (1.0 - fitted))[:, np.newaxis])
        try:
            step: FloatArray = np.linalg.solve(curvature, gradient).astype(np.float64)
        except np.linalg.LinAlgError:
            return None
        if gradient @ step <= NO_GAIN * outcomes.size:
            return coefficients + step
        coefficients = _ascend(design, outcomes, coefficients, step)
    return None


def _ascend(design: FloatArray, outcomes: BoolArray, coefficients: FloatArray, step: FloatArray) -> FloatArray:
    before = _log_likelihood(design @ coefficients, outcomes)
    for _ in range(MAX_STEPS):
        following = coefficients + step
        if _log_likelihood(design @ following, outcomes) >= before:
            return following
        step = 0.5 * step
    return coefficients


def _log_likelihood(log_odds: FloatArray, outcomes: BoolArray) -> float:
    return -float(np.logaddexp(0.0, np.where(outcomes, -log_odds, log_odds)).sum())
