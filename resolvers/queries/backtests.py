"""Queries of belief policies: their rules, and their scores on the graph's own forecasts."""

from typing import Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError, NotFoundError
from graph.forecasts.backtesting import run_backtest
from graph.inference.policies import POLICIES
from graph.inference.policy import PolicyDescription
from graph.inference.replaying import REPLAYS, STATED
from resolvers.base.answers import Shown, question
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.extents import INFERENCE_POINTS, Arguments, Extent, extent, length
from resolvers.base.fields import shown
from resolvers.types.backtests import Backtest, shown_backtest
from resolvers.types.policies import BeliefPolicy

MOST_FORECASTS: Final = 20_000
"""Some ten seconds of a processor; `foregraph backtest` takes more."""


def _extent(arguments: Arguments) -> Extent:
    return Extent(length(arguments, "policies", len(REPLAYS)), points=INFERENCE_POINTS)


@object_type
class BacktestQueries:
    """Queries of belief policies."""

    @field(metadata=extent(lambda _: Extent(items=len(POLICIES))))
    async def policies(self) -> list[BeliefPolicy]:
        """The belief policies with their formulas and parameters, the oldest first."""
        return shown([_shown_policy(policy.description()) for policy in POLICIES.values()])

    @question(
        Backtest,
        refused_by=(NotFoundError, InvalidError),
        answer="The scores, or the reason for the refusal.",
        metadata=extent(_extent),
    )
    async def backtest(
        self,
        info: Info[Context, Any],
        policies: Annotated[
            list[str] | None,
            strawberry.argument(description=f"Names of the policies to score: {', '.join(REPLAYS)}; all if omitted."),
        ] = None,
        against: Annotated[str, strawberry.argument(description="Name of the policy to compare them with.")] = STATED,
    ) -> Shown:
        """
        Scores of policies on the graph's own forecasts, replayed as they were recorded; on up to 20,000 forecasts, of
        more by the command `foregraph backtest`.
        """
        chosen = tuple(dict.fromkeys(REPLAYS if policies is None else policies))
        if not chosen:
            raise InvalidError("expected a policy or more, got none", path="policies")
        info.context.count_points(INFERENCE_POINTS)
        found = await run_backtest(info.context.database, chosen, against=against, most_forecasts=MOST_FORECASTS)
        return shown_backtest(found)


def _shown_policy(described: PolicyDescription) -> Shown:
    return {
        "name": described.name,
        "formulas": [{"name": formula.name, "text": formula.text} for formula in described.formulas],
        "parameters": [{"name": name, "value": value} for name, value in sorted(described.parameters.items())],
    }
