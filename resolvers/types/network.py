"""Answers of queries over the network."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.network.ticker_shifts import list_ticker_shifts
from graph.reading.nodes import get_nodes
from resolvers.base.context import Context
from resolvers.base.described import field, input_type, object_type
from resolvers.base.enums import ClaimOutcome, InferenceMethod, InfluenceKind, StatedParameter
from resolvers.base.fields import prop, shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size
from resolvers.base.scalars import Moment, Probability
from resolvers.base.selection import selected_plan

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.tickers import Ticker


@object_type
class NetworkDiagnostics:
    """Diagnostics of an inference over the network: how it was computed, and how far it can be trusted."""

    method: InferenceMethod = prop("Method of inference.")
    is_converged: bool = prop("Whether the method converged; if not, `reason` says why.")
    reason: str | None = prop("Why the method did not converge; null if it did.")
    num_samples: int = prop("Number of joint samples in all replicates; 0 if none were drawn.")
    num_matching: int = prop("Number of samples that agree with all supposed outcomes.")
    num_replicates: int = prop("Number of independent replicates; 0 if no samples were drawn.")
    standard_error: float | None = prop(
        "Largest standard error of any claim's marginal, between replicates: the answer's precision, which "
        "`isConverged` does not judge."
    )
    precision_reached: bool = prop("Whether `standardError` is within `targetError`.")
    calibration_error: float = prop(
        "Largest error of a marginal that comes from the model itself, an estimate: intercepts are sampled where they "
        "cannot be computed exactly."
    )
    error_estimate: float | None = prop(
        "Largest error of a marginal by LBP, estimated on parts of the network; null if LBP gave none."
    )
    largest_difference: float | None = prop("Largest difference between two replicates' marginals of one claim.")
    surviving_ancestors: int | None = prop(
        "Number of a replicate's initial samples that have descendants, the minimum over "
        "replicates; below 400 the method has not converged."
    )
    weight_variance: float | None = prop("Variance of the proposal's log weights, the maximum over replicates.")
    iterations: int | None = prop("Number of LBP sweeps.")
    residual: float | None = prop("Largest undamped change of a message in LBP's last sweep, in log-odds.")
    damping: float | None = prop("Damping of LBP's last sweep: the fraction of the old message that is kept, 0 to 1.")
    num_approximated: int = prop(
        "Number of claims with so many parents that LBP approximates their sum by a normal distribution."
    )
    approximation_error: float | None = prop(
        "Largest error in a claim's probability by the approximation that `numApproximated` counts."
    )
    seed: int | None = prop("Seed of all random numbers; null for deterministic methods.")
    from_bank: bool = prop("Whether stored samples were used; false if they were drawn for this answer.")
    wall_seconds: float = prop("Duration of the inference, in seconds.")
    revision: float = prop("Revision of the graph that was read, always the latest.")
    as_of: Moment = prop("The moment that the network holds for: the last full hour, since beliefs drift with time.")
    num_claims: int = prop("Number of claims included: those with a stated probability that are not annulled.")
    num_influences: int = prop("Number of influences included: those with probabilities between included claims.")


@object_type
class ClaimShift:
    """Effect of the supposed outcomes on a claim."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim.")
    before: float = prop("Its marginal without the supposed outcomes.")
    after: float = prop("Its marginal given all supposed outcomes.")
    delta: float = prop("`after` minus `before`.")
    standard_error: float | None = prop(
        "Standard error of `delta`, between replicates; null for methods without samples."
    )
    method: InferenceMethod = prop("The method that gave `after`: never AUTO.")


@object_type
class TickerShift:
    """Effect of the supposed outcomes on a ticker."""

    ticker: Annotated["Ticker", strawberry.lazy("resolvers.types.tickers")] = prop("The ticker.")
    delta: float = prop(
        "Expected fractional change of its price: the sum over claims of `impact` times the claim's `delta`."
    )
    num_claims: int = prop("Number of shifted claims with a stated impact on it.")


class Answer:
    """A member of a union, recognized by the response's `__typename`."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is an answer of this kind."""
        return bool(obj["__typename"] == cls.__name__)


@object_type
class WhatIfResult(Answer):
    """Effects of supposed outcomes on other claims and on tickers."""

    shifts: list[ClaimShift] = prop("The claims that shift, largest |delta| first, without the supposed ones.")
    supposed: list[ClaimShift] = prop("The supposed claims in the order given, with their marginals before.")
    num_shifted: int = prop(
        "Number of claims that shift by more than sampling noise, which is 3 standard errors for one claim and more "
        "for many."
    )
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")

    @field
    async def tickers(self: Any, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE) -> list[TickerShift]:
        """
        The tickers that shift through exposures with a stated impact, largest |delta| first; the 5,000 claims that
        shift most are counted.
        """
        found = await list_ticker_shifts(info.context.unit, self["deltas"], page_size(first))
        plan = selected_plan(info, "ticker")
        nodes: Sequence[Any] = [None] * len(found)
        if plan is not None:
            nodes = await get_nodes(info.context.unit, [("Ticker", shift.symbol) for shift in found], plan)
        return shown([{**asdict(shift), "ticker": node} for shift, node in zip(found, nodes, strict=True)])


@input_type
class SupposedOutcome:
    """A supposed outcome of a claim."""

    claim: strawberry.ID = strawberry.field(description="Id or key of the claim.")
    outcome: ClaimOutcome = strawberry.field(description="Whether it comes true.")


@object_type
class SensitivityEffect:
    """Effect of a stated number on a claim's marginal."""

    parameter: StatedParameter = prop("Kind of number.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim whose stated probability it is, or the child of the influence."
    )
    parent: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop(
        "The parent of the influence; null for a stated probability."
    )
    kind: InfluenceKind | None = prop("Kind of the influence; null for a stated probability.")
    value: Probability = prop("The number as stated.")
    derivative: float = prop("Derivative of the target's marginal by the number, including all indirect effects.")
    standard_error: float | None = prop("Standard error of the derivative, between replicates.")


@object_type
class SensitivityResult(Answer):
    """Effects of stated numbers on a claim's marginal."""

    marginal: float = prop("Marginal of the target.")
    effects: list[SensitivityEffect] = prop(
        "The effects of the stated numbers near the target, largest |derivative| first."
    )
    num_effects: int = prop("Number of stated numbers considered.")
    num_near: int = prop(
        "Number of claims near the target whose numbers were considered; those farther away hardly matter."
    )
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")


@object_type
class InformativeClaim:
    """Value of learning a claim's outcome."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim.")
    marginal: float = prop("Its marginal.")
    expected_reduction_bits: float = prop("Expected reduction of the targets' summed entropies, in bits.")
    standard_error: float | None = prop("Standard error of `expectedReductionBits`, between replicates.")
    mean_shifts: list[float] = prop("Root mean square shift of each target's probability, in the order of the targets.")


@object_type
class ValueOfInformationResult(Answer):
    """Claims whose outcomes would tell most about some targets."""

    claims: list[InformativeClaim] = prop(
        "The most informative claims, largest expected reduction first, without the targets and without those whose "
        "reduction noise explains."
    )
    reduction_floor_bits: float = prop(
        "Noise level: for 19 of 20 claims that are independent of the targets, the expected "
        "reduction stays below it, in bits."
    )
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")


@object_type
class IncoherentClaim:
    """A claim whose tables and prior marginal imply different probabilities."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim.")
    contradiction: float = prop("Width of the range of probabilities that its tables and its prior marginal imply.")
    reference: Probability = prop("Prior marginal: its probability without any evidence.")
    lowest: Probability = prop("Lowest probability that one of its tables alone implies.")
    lowest_parent_key: str = prop("Key of the parent whose table implies it.")
    highest: Probability = prop("Highest probability that one of its tables alone implies.")
    highest_parent_key: str = prop("Key of the parent whose table implies it.")
    num_tables: int = prop("Number of its tables, one for each influence with probabilities.")


@object_type
class Incoherence:
    """Claims whose tables and prior marginals contradict each other."""

    claims: list[IncoherentClaim] = prop("The claims, largest contradiction first.")
    num_incoherent: int = prop("Number of such claims.")
    revision: float = prop("Revision of the graph that was read, always the latest.")
    as_of: Moment = prop("The moment that the prior marginals hold for.")
