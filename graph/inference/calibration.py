"""Calibration of a predictor: stated probabilities against outcomes, and the weight that the record earns."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graph.inference.evidence import POLICY, BeliefPolicy
from graph.inference.log_odds import FloatArray, expit
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
"""Newton needs some ten steps; this many bisections alone exhaust a bracket, be it [-1, 1] or [2^k, 2^k+1]."""

NO_GAIN = 1e-12
"""A Newton step with a smaller expected gain of log-likelihood per forecast is the last; its error is squared."""

OWN_RECORD = "resolved_predictions"
"""Source of a kappa computed from the predictions resolved here, even if there are none."""


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
    Scores of a predictor over resolved predictions.

    Attributes:
        num_resolved: Number of resolved predictions; without any, all other attributes but kappa are None or empty.
        kappa: Weight of the predictor's evidence, rounded as it is applied.
        slope: Calibration slope through the origin, clipped to [0, 1]; None also if all were stated at 0.5.
        brier: Brier score.
        log_score: In nats, without clipping.
        corp: Decomposition of the Brier score.
        cox: Intercept and slope; None also if the likelihood has no finite maximum.
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
    The weight of a predictor's next evidence, and the record that it is based on.

    Attributes:
        kappa: Weight, rounded as it is applied.
        source: `OWN_RECORD`, or the source of an imported record.
        brier: Brier score of that record, if known.
        num_resolved: Number of resolved predictions in that record.
    """

    kappa: float
    source: str
    brier: float | None
    num_resolved: int


def calibration_record(stated: FloatArray, outcomes: BoolArray, *, policy: BeliefPolicy = POLICY) -> CalibrationRecord:
    """
    Compute the whole record from resolved predictions, without annulled ones.

    Args:
        stated: Stated probability of each, strictly between 0 and 1, shape (n,); n may be 0.
        outcomes: Whether each came true, shape (n,).
        policy: Gives the parameters of kappa.

    Raises:
        ValueError: The shapes differ, or a probability is not strictly between 0 and 1.
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
    Choose the record in use: an imported one until the predictor's own is at least as long.

    Args:
        own: Record from predictions resolved here.
        elsewhere: Imported record, if any.
    """
    if elsewhere is not None and elsewhere.num_resolved > own.num_resolved:
        return elsewhere
    return KappaInUse(own.kappa, OWN_RECORD, own.brier, own.num_resolved)


def kappa(num_resolved: int, slope: float | None, *, policy: BeliefPolicy = POLICY) -> float:
    """
    Compute the weight of a predictor's evidence: the calibration slope, shrunk to the prior, clipped and rounded.

    Args:
        num_resolved: Number of resolved predictions.
        slope: Calibration slope in [0, 1]; None without a slope, for which the prior is used.
        policy: Gives the prior, its strength, the limits and the digits.

    Raises:
        ValueError: The count is negative, or the slope is outside [0, 1].
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
    Compute `slope_through_origin`, clipped to [0, 1]: evidence is never amplified.

    The slope of a record without an error diverges to infinity and is 1 here.
    """
    slope = slope_through_origin(stated, outcomes)
    return None if slope is None else min(1.0, max(0.0, slope))


def slope_through_origin(stated: FloatArray, outcomes: BoolArray) -> float | None:
    """
    Fit the slope s of logit P(yes) = s * logit(stated) by maximum likelihood.

    The derivative of the log-likelihood decreases in s, so its root is bracketed, and Newton's steps are taken if they
    stay inside the bracket.

    Args:
        stated: Probability given to "yes", strictly between 0 and 1, shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Returns:
        Infinity if every outcome is on the same side of 0.5 as its forecast, minus infinity if every one is on the
        other; None if all were stated at 0.5, which any slope fits.

    Raises:
        ValueError: The shapes differ, there is no forecast, or a probability is not strictly between 0 and 1.

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
        missed = expit(-slope * agreement)
        return float(agreement @ missed), -float((agreement**2) @ (missed * (1.0 - missed)))

    return _falling_root(gradient)


def cox_fit(stated: FloatArray, outcomes: BoolArray) -> CoxFit | None:
    """
    Fit a logistic regression of outcomes on the stated log-odds by maximum likelihood.

    Args:
        stated: Probability given to "yes", strictly between 0 and 1, shape (n,).
        outcomes: Whether "yes" happened, shape (n,).

    Returns:
        None if the likelihood has no finite maximum: a threshold separates the outcomes, or all forecasts are equal.

    Raises:
        ValueError: As `slope_through_origin`.

    Source: Cox, Biometrika 45 (1958), 562-565; existence: Albert and Anderson, Biometrika 71 (1984), 1-10.
    """
    log_odds = _log_odds(stated, outcomes)
    if not _overlap(log_odds[outcomes], log_odds[~outcomes]):
        return None
    # Standardized, the two columns are orthogonal and of one scale.
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


def _overlap(of_true: FloatArray, of_false: FloatArray) -> bool:
    """Return whether the ranges of the two groups overlap strictly."""
    if of_true.size == 0 or of_false.size == 0:
        return False
    return bool(of_true.min() < of_false.max() and of_false.min() < of_true.max())


def _falling_root(function: Callable[[float], tuple[float, float]]) -> float:
    """
    Find the root of a strictly decreasing function, which must have one, from its value and derivative.

    Newton's method, with a bisection if its step leaves the bracket or is not at most half the one before, as in the
    exponential tails of a likelihood, where all its steps have one length.
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
    """Bracket the root, doubling outward from (-1, 1)."""
    low, high = -1.0, 1.0
    while function(low)[0] <= 0.0:
        low, high = 2.0 * low, low
    while function(high)[0] > 0.0:
        low, high = high, 2.0 * high
    return low, high


def _logistic_regression(design: FloatArray, outcomes: BoolArray) -> FloatArray | None:
    """
    Maximize the concave log-likelihood by Newton's method, halving each step until it does not decrease.

    Returns:
        One coefficient per column of `design`; None if the maximum is beyond the range of doubles.
    """
    coefficients = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        fitted = expit(design @ coefficients)
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
