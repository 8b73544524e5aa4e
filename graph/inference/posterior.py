"""From a claim's evidence to its belief: inside view, outside view and the step that a ledger row keeps."""

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
"""Above it doubles are more than a tenth apart, so that one decimal would be made up."""

PERCENT_DIGITS = 9
"""Percentages are truncated; what rounding error does to a whole one, some 1e-14, must not cost it one."""


@dataclass(frozen=True, slots=True)
class OutsideView:
    """
    How often such things come true.

    Attributes:
        base_rate: Strictly between 0 and 1.
        reference_class_id: Of which class.
    """

    base_rate: float
    reference_class_id: str


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """
    What one step does to a claim's belief, figure by figure as a ledger row keeps it.

    Attributes:
        policy: Name of the policy that it was computed by.
        trf: Time-remaining fraction at the step; None for a claim without a window.
        kappa: Weight of the evidence.
        base_rate: Of the reference class; None without one.
        reference_class_id: The same's id.
        prior_logit: Inside log-odds before.
        inside_prior: Probability of that.
        total_llr: Sum of the step's log-likelihood ratios.
        total_adjusted_llr: The same weighed by kappa: what is added.
        bayes_factor: exp |total_adjusted_llr| and the direction, such as "1.3:1 against".
        posterior_logit: Inside log-odds after.
        inside_posterior: Probability of that.
        inside_weight: Weight of the inside view in the blend; 1 where none is made.
        outside_weight: 1 minus that.
        blended_posterior: Inside and outside view together; None where no blend is made.
        posterior_prob: The belief: blended where a blend is made, else the inside view.
        blend_applied: Whether one is made.
        blend_reason: Says so in words.
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
    The inside view: the stated log-odds plus all evidence, in one exact sum, so that no order changes it.

    Args:
        stated: Probability as stated, strictly between 0 and 1.
        adjusted_llrs: What each ledger row adds.

    Raises:
        ValueError: The probability is 0, 1 or outside, or a row adds something that is not finite.
    """
    total = math.fsum((logit(stated), *adjusted_llrs))
    return _finite("inside log-odds", total)


def inside_weight(trf: float, *, policy: BeliefPolicy = POLICY) -> float:
    """
    The weight of the inside view: least when the whole window remains, 1 at the deadline.

    Args:
        trf: Time-remaining fraction, in [0, 1].
        policy: Says what the outside view weighs at the start.

    Raises:
        ValueError: The fraction lies outside.
    """
    if not 0.0 <= trf <= 1.0:
        message = f"expected a time-remaining fraction from 0 to 1, got {trf}"
        raise ValueError(message)
    return 1.0 - policy.outside_weight * trf


def posterior(log_odds: float, *, base_rate: float | None, trf: float | None, policy: BeliefPolicy = POLICY) -> float:
    """
    The belief in one claim, blended with its base rate here, on reading, and stored nowhere as a prior.

    Args:
        log_odds: Inside log-odds, finite.
        base_rate: Of its reference class, strictly between 0 and 1; None without one: the inside view stands alone.
        trf: Time-remaining fraction, in [0, 1]; None without a window, in which case nothing says how to weigh the
            outside view, and the inside view stands alone too.
        policy: Says what the outside view weighs.

    Returns:
        Strictly between 0 and 1.

    Raises:
        ValueError: One of them lies outside.
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
    `posterior` of many claims or at many moments, equal to it to the last bit.

    Args:
        log_odds: Inside log-odds, finite, of shapes that broadcast, as are the others.
        base_rates: Strictly between 0 and 1; NaN without a reference class.
        trfs: Time-remaining fractions, in [0, 1]; NaN without a window.
        policy: Says what the outside view weighs.

    Raises:
        ValueError: One of them lies outside.
    """
    if not np.isfinite(log_odds).all():
        message = "expected finite inside log-odds, got NaN or an infinity"
        raise ValueError(message)
    if ((trfs < 0.0) | (trfs > 1.0)).any():
        message = f"expected time-remaining fractions from 0 to 1, got {np.nanmin(trfs)} to {np.nanmax(trfs)}"
        raise ValueError(message)
    known = ~np.isnan(base_rates)
    # Asking where a rate is known keeps one that is 0, 1 or outside an error.
    outside = np.zeros_like(base_rates)
    outside[known] = logits(base_rates[known])
    weights = np.where(known & ~np.isnan(trfs), 1.0 - policy.outside_weight * np.nan_to_num(trfs), 1.0)
    return np.clip(sigmoids(weights * log_odds + (1.0 - weights) * outside), LEAST_PROBABILITY, GREATEST_PROBABILITY)


def probability_of(log_odds: float) -> float:
    """
    The double nearest to the probability of log-odds among those that are neither 0 nor 1.

    Evidence piles up beyond what doubles can tell from certainty, at log-odds of 37 and -745. The log-odds keep all of
    it; their probability still has to be one.
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
    One step from inside log-odds to inside log-odds, and the belief that is read after it.

    Args:
        prior_logit: Inside log-odds before, finite; never those of a blended belief, which would count the base rate
            again at every step.
        total_llr: What the step's items weigh, finite.
        total_adjusted_llr: What they add, each weighed by its kappa, finite.
        kappa: As the row shows it.
        trf: Time-remaining fraction, in [0, 1]; None without a window.
        outside_view: None without a reference class.
        policy: Whose numbers to use.

    Raises:
        ValueError: One of them lies outside.
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
    Evidence as odds to one decimal, such as "1.3:1 against"; to a power of ten, "1e21:1 for", where doubles end.

    Args:
        total_adjusted_llr: Natural log of the factor, finite; 0 is "1.0:1 for".

    Raises:
        ValueError: It is not finite.
    """
    magnitude = abs(_finite("log-likelihood ratio", total_adjusted_llr))
    side = "against" if total_adjusted_llr < 0.0 else "for"
    if magnitude <= math.log(LARGEST_PLAIN_FACTOR):
        return f"{math.exp(magnitude):.1f}:1 {side}"
    return f"1e{magnitude / math.log(10.0):.0f}:1 {side}"


def blend_reason_text(trf: float | None, outside_view: OutsideView | None, *, policy: BeliefPolicy = POLICY) -> str:
    """
    The two weights in percent, truncated, and what they come from; or why no blend is made.

    Args:
        trf: Time-remaining fraction, in [0, 1]; None without a window.
        outside_view: None without a reference class.
        policy: Says what the outside view weighs.
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
