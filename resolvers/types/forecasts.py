"""Forecasts of predictors on claims, and their consensus."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.forecasts.consensus import Consensus as ConsensusOf
from graph.model import rows
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.figures import figure
from resolvers.base.ranked import put_nodes
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Moment, Probability
from resolvers.base.selection import selected_plan

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.predictors import Predictor


@row_type(rows.Forecast)
class Forecast:
    probability: Probability | None


@object_type
class ClaimForecast(Forecast):
    """A predictor's forecast of a claim, or a retraction of one."""

    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] = prop("The one who made it.")


@object_type
class PredictorForecast(Forecast):
    """A forecast that a predictor made, or a retraction of one."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim that it is of.")


@object_type
class ConsensusMember:
    """One forecaster's part in a consensus."""

    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] | None = prop(
        "The forecaster; null for the stated probability of a claim without a predictor."
    )
    probability: Probability = prop("The forecaster's latest forecast.")
    weight: float = prop("Its weight: newer forecasts weigh more, and those of one cluster share one weight.")
    share: float = prop("Its share of all weight; the members' shares add up to 1 exactly.")
    stated_at: Moment | None = prop("When it was stated; null for the claim's stated probability.")


@object_type
class Consensus:
    """
    The calibrated consensus of all who gave a claim a probability, each by the latest one.

    The stated probability is the first forecast, by the claim's maker.
    """

    probability: Probability = prop("The calibrated probability.")
    num_voices: int = prop("Size: the forecasters, each cluster as one.", name="count")
    spread: float = prop("Weighted standard deviation of the members' probabilities.")
    members: list[ConsensusMember] = prop("The forecasters, the oldest forecast first.")
    policy: str = prop("Name of the policy that it is computed by.")


async def shown_consensus(info: Info[Context, Any], found: ConsensusOf | None) -> dict[str, Any] | None:
    """A consensus in the response's shape, its members' predictors read as far as they are selected."""
    if found is None:
        return None
    # Shares stay as they are: rounded, they would not add up.
    members: list[dict[str, Any]] = [
        {**asdict(member), "weight": figure(member.weight), "predictor": None} for member in found.members
    ]
    await put_nodes(info, members, "predictor", "Predictor", selected_plan(info, "members", "predictor"))
    return {
        "probability": figure(found.probability),
        "num_voices": found.num_voices,
        "spread": figure(found.spread),
        "members": members,
        "policy": found.policy,
    }


def shown_forecast(payload: Mapping[str, Any]) -> rows.Forecast:
    """A forecast of a mutation's answer as a row."""
    return rows.Forecast.model_validate(payload)
