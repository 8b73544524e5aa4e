"""A claim's belief from its evidence: inside view, outside view, and the figures of a ledger row."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from graph.inference.evidence import POLICY, BeliefPolicy
from graph.inference.log_odds import FloatArray, logit, logits, sigmoid, sigmoids

LEAST_PROBABILITY = math.nextafter(0.0, 1.0)
"""The smallest double above 0."""

GREATEST_PROBABILITY = math.nextafter(1.0, 0.0)
"""The greatest double below 1."""

LARGEST_PLAIN_FACTOR = 2.0**49
"""Above it doubles are more than 0.1 apart, so a decimal would be meaningless."""

PERCENT_DIGITS = 9
"""Percentages are truncated; rounding to these digits first keeps an error of 1e-14 from costing one percent."""


@dataclass(frozen=True, slots=True)
class OutsideView:
    """
    The base rate of a claim's reference class.

    Attributes:
        base_rate: Strictly between 0 and 1.
        reference_class_id: Id of the class.
    """

    base_rate: float
    reference_class_id: str


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """
    Effect of one step on a claim's belief, in the figures that a ledger row stores.

    Attributes:
        policy: Name of the policy used.
        trf: Time-remaining fraction at the step; None for a claim without a window.
        kappa: Weight of the evidence.
        base_rate: Of the reference class; None without a class.
        reference_class_id: Id of the reference class; None without a class.
        prior_logit: Inside log-odds before the step.
        inside_prior: Probability of `prior_logit`.
        total_llr: Sum of the step's log-likelihood ratios.
        total_adjusted_llr: The same, weighted by kappa; added to the log-odds.
        bayes_factor: exp |total_adjusted_llr| and the direction, such as "1.3:1 against".
        posterior_logit: Inside log-odds after the step.
        inside_posterior: Probability of `posterior_logit`.
        inside_weight: Weight of the inside view in the blend; 1 without a blend.
        outside_weight: 1 minus `inside_weight`.
        blended_posterior: Blend of inside and outside view; None without a blend.
        posterior_prob: The belief: the blend, or the inside view without one.
        blend_applied: Whether the views are blended.
        blend_reason: Weights and sources of the blend in words, or why there is none.
        grace_days: Of the policy.
    """

    policy: str
    trf: float | None
    kappa: float
    base_rate: float | None
    reference_class_id: str | None
    prior_logit: float
    inside_prior: float
    total_llr: float
    total_adjusted_llr: float
    bayes_factor: str
    posterior_logit: float
    inside_posterior: float
    inside_weight: float
    outside_weight: float
    blended_posterior: float | None
    posterior_prob: float
    blend_applied: bool
    blend_reason: str
    grace_days: int


def inside_log_odds(stated: float, adjusted_llrs: Iterable[float]) -> float:
    """
    Sum the stated log-odds and all evidence exactly, so that the order of rows does not matter.

    Args:
        stated: Stated probability, strictly between 0 and 1.
        adjusted_llrs: Log-likelihood ratio that each ledger row adds.

    Raises:
        ValueError: The probability is not strictly between 0 and 1, or the sum is not finite.
    """
    total = math.fsum((logit(stated), *adjusted_llrs))
    return _finite("inside log-odds", total)


def inside_weight(trf: float, *, policy: BeliefPolicy = POLICY) -> float:
    """
    Compute the weight of the inside view: least when the whole window remains, 1 at the deadline.

    Args:
        trf: Time-remaining fraction, in [0, 1].
        policy: Gives the weight of the outside view at the start.

    Raises:
        ValueError: The fraction is outside [0, 1].
    """
    if not 0.0 <= trf <= 1.0:
        message = f"expected a time-remaining fraction from 0 to 1, got {trf}"
        raise ValueError(message)
    return 1.0 - policy.outside_weight * trf


def posterior(log_odds: float, *, base_rate: float | None, trf: float | None, policy: BeliefPolicy = POLICY) -> float:
    """
    Compute the belief in one claim, blended with its base rate on reading; the blend is never stored as a prior.

    Args:
        log_odds: Inside log-odds, finite.
        base_rate: Of its reference class, strictly between 0 and 1; None without a class, for the inside view alone.
        trf: Time-remaining fraction, in [0, 1]; None without a window, which leaves the outside view without a weight,
            so that the inside view is used alone.
        policy: Gives the weight of the outside view.

    Returns:
        Strictly between 0 and 1.

    Raises:
        ValueError: An argument is out of range.
    """
    _finite("inside log-odds", log_odds)
    if base_rate is None or trf is None:
        return probability_of(log_odds)
    weight = inside_weight(trf, policy=policy)
    return probability_of(weight * log_odds + (1.0 - weight) * logit(base_rate))


def posteriors(
    log_odds: FloatArray, *, base_rates: FloatArray, trfs: FloatArray, policy: BeliefPolicy = POLICY
) -> FloatArray:
    """
    Apply `posterior` to many claims or moments, equal to the last bit.

    Args:
        log_odds: Inside log-odds, finite, of any shape that broadcasts with the others.
        base_rates: Strictly between 0 and 1; NaN without a reference class.
        trfs: Time-remaining fractions, in [0, 1]; NaN without a window.
        policy: Gives the weight of the outside view.

    Raises:
        ValueError: An element is out of range.
    """
    return blend(log_odds, outside_log_odds(base_rates), trfs, policy=policy)


def outside_log_odds(base_rates: FloatArray) -> FloatArray:
    """
    Compute the log-odds of base rates; NaN without a reference class.

    Raises:
        ValueError: A rate is not strictly between 0 and 1.
    """
    known = ~np.isnan(base_rates)
    found = np.full(base_rates.shape, np.nan)
    # Only known rates are converted, so that one outside (0, 1) is still an error.
    found[known] = logits(base_rates[known])
    return found


def blend(log_odds: FloatArray, outside: FloatArray, trfs: FloatArray, *, policy: BeliefPolicy = POLICY) -> FloatArray:
    """
    Apply `posterior` to many claims or moments, whose base rates are given as log-odds; otherwise as `posteriors`.

    Args:
        log_odds: Inside log-odds, finite, of any shape that broadcasts with the others.
        outside: Log-odds of the base rates; NaN without a reference class.
        trfs: Time-remaining fractions, in [0, 1]; NaN without a window.
        policy: Gives the weight of the outside view.

    Raises:
        ValueError: An element is out of range.
    """
    if not np.isfinite(log_odds).all():
        message = "expected finite inside log-odds, got NaN or an infinity"
        raise ValueError(message)
    if ((trfs < 0.0) | (trfs > 1.0)).any():
        message = f"expected time-remaining fractions from 0 to 1, got {np.nanmin(trfs)} to {np.nanmax(trfs)}"
        raise ValueError(message)
    is_blended = ~np.isnan(outside) & ~np.isnan(trfs)
    weights = np.where(is_blended, 1.0 - policy.outside_weight * np.nan_to_num(trfs), 1.0)
    blended = weights * log_odds + (1.0 - weights) * np.nan_to_num(outside)
    return np.clip(sigmoids(blended), LEAST_PROBABILITY, GREATEST_PROBABILITY)


def probability_of(log_odds: float) -> float:
    """
    Compute the probability of log-odds, as the nearest double strictly between 0 and 1.

    Beyond log-odds of 37 and -745, probabilities round to 1 and 0, while the log-odds keep accumulating evidence.
    """
    return min(GREATEST_PROBABILITY, max(LEAST_PROBABILITY, sigmoid(log_odds)))


def ledger_step(
    *,
    prior_logit: float,
    total_llr: float,
    total_adjusted_llr: float,
    kappa: float,
    trf: float | None,
    outside_view: OutsideView | None,
    policy: BeliefPolicy = POLICY,
) -> LedgerStep:
    """
    Compute one step of the inside log-odds, and the belief after it.

    Args:
        prior_logit: Inside log-odds before, finite; never those of a blended belief, which would count the base rate
            again at every step.
        total_llr: Sum of the items' log-likelihood ratios, finite.
        total_adjusted_llr: The same, each weighted by its kappa, finite.
        kappa: Weight to show in the row.
        trf: Time-remaining fraction, in [0, 1]; None without a window.
        outside_view: None without a reference class.
        policy: Gives the weight of the outside view and the days of grace.

    Raises:
        ValueError: An argument is out of range.
    """
    _finite("log-likelihood ratio", total_llr)
    _finite("prior log-odds", prior_logit)
    posterior_logit = _finite("posterior log-odds", prior_logit + total_adjusted_llr)
    base_rate = None if outside_view is None else outside_view.base_rate
    belief = posterior(posterior_logit, base_rate=base_rate, trf=trf, policy=policy)
    blended = base_rate is not None and trf is not None
    weight = inside_weight(trf, policy=policy) if blended and trf is not None else 1.0
    return LedgerStep(
        policy=policy.name,
        trf=trf,
        kappa=kappa,
        base_rate=base_rate,
        reference_class_id=None if outside_view is None else outside_view.reference_class_id,
        prior_logit=prior_logit,
        inside_prior=probability_of(prior_logit),
        total_llr=total_llr,
        total_adjusted_llr=total_adjusted_llr,
        bayes_factor=bayes_factor_text(total_adjusted_llr),
        posterior_logit=posterior_logit,
        inside_posterior=probability_of(posterior_logit),
        inside_weight=weight,
        outside_weight=1.0 - weight,
        blended_posterior=belief if blended else None,
        posterior_prob=belief,
        blend_applied=blended,
        blend_reason=blend_reason_text(trf, outside_view, policy=policy),
        grace_days=policy.grace_days,
    )


def bayes_factor_text(total_adjusted_llr: float) -> str:
    """
    Format evidence as odds to one decimal, such as "1.3:1 against", or as a power of ten, such as "1e21:1 for".

    Args:
        total_adjusted_llr: Natural log of the factor, finite; 0 is "1.0:1 for".

    Raises:
        ValueError: The log-likelihood ratio is not finite.
    """
    magnitude = abs(_finite("log-likelihood ratio", total_adjusted_llr))
    side = "against" if total_adjusted_llr < 0.0 else "for"
    if magnitude <= math.log(LARGEST_PLAIN_FACTOR):
        return f"{math.exp(magnitude):.1f}:1 {side}"
    return f"1e{magnitude / math.log(10.0):.0f}:1 {side}"


def blend_reason_text(trf: float | None, outside_view: OutsideView | None, *, policy: BeliefPolicy = POLICY) -> str:
    """
    Describe the weights of the blend, in truncated percent, and their sources; or why there is no blend.

    Args:
        trf: Time-remaining fraction, in [0, 1]; None without a window.
        outside_view: None without a reference class.
        policy: Gives the weight of the outside view.
    """
    if outside_view is None:
        return "inside view only (no reference class)"
    source = f"base_rate={outside_view.base_rate:.3f} from {outside_view.reference_class_id}"
    if trf is None:
        return f"inside view only (no window, {source})"
    weight = inside_weight(trf, policy=policy)
    return f"blend {_percent(weight)}% inside / {_percent(1.0 - weight)}% outside (TRF={trf:.3f}, {source})"


def _percent(share: float) -> int:
    return math.floor(round(100.0 * share, PERCENT_DIGITS))


def _finite(what: str, value: float) -> float:
    if not math.isfinite(value):
        message = f"expected finite {what}, got {value}"
        raise ValueError(message)
    return value
