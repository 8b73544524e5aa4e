"""Beliefs: a posterior with everything that it is made of, and what evidence does to it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import strawberry

from graph.beliefs import Belief
from resolvers.fields import prop
from resolvers.scalars import Moment, Probability


@strawberry.type(description="The belief in a claim at a moment, and all that it is made of.")
class Posterior:
    """The belief in a claim at a moment."""

    probability: Probability = prop(
        "The posterior: sigmoid(insideWeight · insideLogOdds + outsideWeight · logit(baseRate)), else the inside view."
    )
    as_of: Moment = prop("The moment it holds for; for a claim whose outcome is known never after that became known.")
    inside_log_odds: float = prop("The inside view in natural log-odds: what was stated plus every ledger row.")
    inside_probability: Probability = prop("The inside view.")
    base_rate: Probability | None = prop("The outside view: how often such things come true.")
    reference_class_id: str | None = prop("The key of the reference class that says so.")
    trf: float | None = prop("The time-remaining fraction: 1 when just made, 0 at the deadline; null without a window.")
    inside_weight: float = prop("The inside view's share in the blend.")
    outside_weight: float = prop("The outside view's share in the blend.")
    blend_applied: bool = prop("Whether there was an outside view to blend with.")
    blend_reason: str = prop("The blend in words.")
    policy: str = prop("The rules it was computed by.")


@strawberry.type(description="What one step does to a claim's belief, figure by figure.")
class LedgerStep:
    """What one step does to a claim's belief."""

    policy: str = prop("The rules it was computed by.")
    trf: float | None = prop("The time-remaining fraction at the step.")
    kappa: float = prop("The weight of the evidence.")
    base_rate: float | None = prop("The reference class's base rate.")
    reference_class_id: str | None = prop("The key of the reference class blended with.")
    prior_logit: float = prop("The inside view before, in natural log-odds.")
    inside_prior: float = prop("The inside view before.")
    total_llr: float = prop("The summed natural log of P(evidence | true) / P(evidence | false).")
    total_adjusted_llr: float = prop("The same, times kappa: what is added.")
    bayes_factor: str = prop("The adjusted weight in words, such as `1.3:1 against`.")
    posterior_logit: float = prop("The inside view after, in natural log-odds.")
    inside_posterior: float = prop("The inside view after.")
    inside_weight: float = prop("The inside view's share in the blend.")
    outside_weight: float = prop("The outside view's share in the blend.")
    blended_posterior: float | None = prop("Inside and outside view blended; null where no blend is made.")
    posterior_prob: float = prop("The belief after.")
    blend_applied: bool = prop("Whether there was an outside view to blend with.")
    blend_reason: str = prop("The blend in words.")
    grace_days: int = prop("How many days of grace a missed milestone had.")


def shown_belief(belief: Belief | None) -> dict[str, Any] | None:
    """A belief as the response holds it."""
    return None if belief is None else asdict(belief)


def shown_payload(payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A belief out of a mutation's answer."""
    return None if payload is None else {**payload, "as_of": datetime.fromisoformat(payload["as_of"])}
