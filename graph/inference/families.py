"""
Claims that one event or one question ties together, made coherent.

Claims that an event happens by several dates have one curve, which never falls. Outcomes that exclude each other have
probabilities that add up to 1, or to at most 1.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray, expit
from graph.inference.scoring import BoolArray

_HALVINGS: Final = 200
"""More than it takes until an interval of doubles can be halved no further."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """
    Distribution of when an event happens, at the n dates of a family's members.

    Attributes:
        own: Probability that it happens by each date, as the member's own belief has it, shape (n,).
        probabilities: The same after all are made coherent, never falling with the date, shape (n,).
        hazards: Probability that it happens by the date, given that it has not by the last date before; NaN where it
            has happened by that one for certain; shape (n,).
        largest_fall: The most that `own` falls from one date to a later one, 0 where it never does.
    """

    own: FloatArray
    probabilities: FloatArray
    hazards: FloatArray
    largest_fall: float


def isotonic(values: FloatArray, weights: FloatArray) -> FloatArray:
    """
    Fit the sequence that never falls and is nearest to some values, by the weighted sum of squares.

    Args:
        values: Shape (n,).
        weights: Above 0, shape (n,).

    Returns:
        The fitted values, shape (n,).

    Source: pool adjacent violators; Ayer, Brunk, Ewing, Reid and Silverman, Annals of Mathematical Statistics 26
    (1955), 641-647.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, length = value, weight, 1
        while blocks and blocks[-1][0] >= mean:
            before, of_before, num_before = blocks.pop()
            # The mean of equal values is that value, to the last bit.
            mean = before if before == mean else (before * of_before + mean * total) / (of_before + total)
            total, length = total + of_before, length + num_before
        blocks.append((mean, total, length))
    return np.repeat([mean for mean, _, _ in blocks], [length for _, _, length in blocks]).astype(np.float64)


def fit_curve(
    dates: FloatArray, log_odds: FloatArray, *, not_by: float = -np.inf, happened_at: float = np.inf
) -> Curve:
    """
    Fit a curve to beliefs about when an event happens, and condition it on what is known.

    The beliefs' log-odds are fitted by isotonic regression, those of one date as their mean. With F the fitted curve
    and a the last date by which the event is known not to have happened, the curve is (F - F(a)) / (1 - F(a)). Once it
    has happened, the curve is 0 before that and 1 from then on.

    Args:
        dates: The dates, in any unit, shape (n,).
        log_odds: Natural log-odds that the event happens by each, finite, shape (n,).
        not_by: The last date by which it has not happened, which need not be one of the dates; -inf for none.
        happened_at: When it has happened; inf if that is not known.
    """
    own = expit(log_odds)
    if not dates.size:
        return Curve(own, own, own, 0.0)
    points, places, counts = np.unique(dates, return_inverse=True, return_counts=True)
    means = np.bincount(places, log_odds) / counts
    fitted = isotonic(means, counts.astype(np.float64))
    survivals = -np.logaddexp(0.0, fitted)  # natural logs of 1 - F
    passed = points <= not_by
    before = survivals[passed][-1] if passed.any() else 0.0
    curve = np.where(passed, 0.0, -np.expm1(np.minimum(survivals - before, 0.0)))
    if np.isfinite(happened_at):
        curve = np.where(points >= happened_at, 1.0, 0.0)
    earlier = np.concatenate(([0.0], curve[:-1]))
    with np.errstate(invalid="ignore"):
        hazards = np.where(earlier < 1.0, (curve - earlier) / (1.0 - earlier), np.nan)
    beliefs = expit(means)
    fall = float(np.max(np.maximum.accumulate(beliefs) - beliefs))
    return Curve(own, curve[places], hazards[places], fall)


def share_out(log_odds: FloatArray, *, is_exhaustive: bool) -> FloatArray:
    """
    Make probabilities of outcomes that exclude each other add up.

    All log-odds are shifted by the same number, so that the probabilities add up to 1. Of all that add up to 1 these
    are nearest to the given ones, by the sum of their Kullback-Leibler divergences. Probabilities that add up already
    stay as they are; so do those below a sum of 1 unless one of the outcomes must come true.

    Args:
        log_odds: Natural log-odds of each, finite, shape (n,).
        is_exhaustive: Whether one of them must come true.

    Returns:
        The probabilities, shape (n,).

    Source: stationary points of the divergence by Lagrange's multiplier; Predd, Osherson, Kulkarni and Poor, Decision
    Analysis 5 (2008), 177-189, on coherent approximations of forecasts.
    """
    given = expit(log_odds)
    if not is_exhaustive and given.sum() <= 1.0:
        return given
    if log_odds.size == 1:
        return np.ones(1)
    even = np.log(log_odds.size - 1.0)
    low, high = -log_odds.max() - even, -log_odds.min() - even
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if expit(log_odds + middle).sum() < 1.0 else (low, middle)
    found = expit(log_odds + high)
    shares: FloatArray = found / found.sum()
    return shares


def weigh_outcomes(prior: FloatArray, evidence: FloatArray, *, is_exhaustive: bool) -> FloatArray:
    """
    Compute the coherent probabilities of outcomes that exclude each other, by Bayes' rule.

    The prior probabilities are made coherent by `share_out`, then each is multiplied by the likelihood ratio of its own
    evidence, and that none of them comes true by 1. So evidence for one outcome leaves the others' odds against each
    other alone.

    Args:
        prior: Natural log-odds of each without any evidence, finite, shape (n,).
        evidence: Log-likelihood ratio of the evidence on each, finite, or -inf for one that is ruled out, shape (n,).
        is_exhaustive: Whether one of them must come true.

    Returns:
        The probabilities, shape (n,); they add up to 1 if one must come true, else to at most 1; all are 0 if one must
        and all are ruled out.
    """
    if not prior.size:
        return prior
    shares = share_out(prior, is_exhaustive=is_exhaustive)
    none = 0.0 if is_exhaustive else max(0.0, 1.0 - float(shares.sum()))
    with np.errstate(divide="ignore"):
        weights, rest = np.log(shares) + evidence, float(np.log(none))
    top = max(float(weights.max()), rest)
    if np.isneginf(top):
        return np.zeros_like(prior)
    scaled = np.exp(weights - top)
    probabilities: FloatArray = scaled / (scaled.sum() + np.exp(rest - top))
    return probabilities


def settle_outcomes(
    prior: FloatArray, evidence: FloatArray, *, came_true: BoolArray, came_false: BoolArray, is_exhaustive: bool
) -> FloatArray:
    """
    Compute the coherent probabilities of outcomes that exclude each other, given what is known of some.

    Args:
        prior: As of `weigh_outcomes`.
        evidence: As of `weigh_outcomes`; that on outcomes that are known is left out.
        came_true: Whether each has come true, shape (n,); of several that have, each gets 1.
        came_false: Whether it is known that each does not come true, shape (n,).
        is_exhaustive: As of `weigh_outcomes`.

    Returns:
        The probabilities, shape (n,).
    """
    if came_true.any():
        return came_true.astype(np.float64)
    return weigh_outcomes(prior, np.where(came_false, -np.inf, evidence), is_exhaustive=is_exhaustive)
