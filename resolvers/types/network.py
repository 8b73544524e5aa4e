"""Answers over the network."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.network.ticker_shifts import list_ticker_shifts
from graph.reading.nodes import get_nodes
from resolvers.base.context import Context
from resolvers.base.enums import ClaimOutcome, InferenceMethod, InfluenceKind, StatedParameter
from resolvers.base.fields import prop
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size
from resolvers.base.scalars import Moment, Probability
from resolvers.base.selection import selected_plan

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.tickers import Ticker


@strawberry.type(description="How an answer over the network was made, and how far it can be trusted.")
class NetworkDiagnostics:
    """How an answer over the network was made."""

    method: InferenceMethod = prop("How it was computed.")
    is_converged: bool = prop("Whether it can be trusted as far as the method goes.")
    reason: str | None = prop("Why not, where it cannot.")
    num_samples: int = prop("Joint samples in all; 0 where none were drawn.")
    num_matching: int = prop("Of them, those in which everything supposed holds.")
    num_replicates: int = prop("Independent parts that the samples were drawn in.")
    standard_error: float | None = prop("The largest of any claim, between replicates.")
    largest_difference: float | None = prop("The largest between two replicates' marginals of one claim.")
    surviving_ancestors: int | None = prop(
        "Of the samples first drawn in a replicate, how many have descendants; the fewest. Below 400 it has not "
        "converged."
    )
    weight_variance: float | None = prop("Of the log weights of the guided draws; the most of any replicate.")
    iterations: int | None = prop("Sweeps of LBP.")
    residual: float | None = prop("The most that LBP's last sweep would have changed a message, in log-odds.")
    damping: float | None = prop("How much of the old message LBP kept at the end.")
    num_approximated: int = prop("Claims with so many parents that LBP integrates over a normal distribution.")
    approximation_error: float | None = prop("The most that this was found to change one's probability.")
    seed: int | None = prop("Of all that is random; null where nothing is.")
    from_bank: bool = prop("Whether the samples were kept from an earlier question on the same beliefs.")
    wall_seconds: float = prop("How long the inference took.")
    revision: float = prop("The graph's revision that it read, which is the latest.")
    as_of: Moment = prop("The network's moment: the last full hour, since beliefs drift with time.")
    num_claims: int = prop("Claims that take part: those with a stated probability that are not annulled.")
    num_influences: int = prop("Influences that take part: those with a table between such claims.")


@strawberry.type(description="What a question does to one claim.")
class ClaimShift:
    """What a question does to one claim."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim.")
    before: float = prop("Its marginal as things stand.")
    after: float = prop("Its marginal if everything supposed holds.")
    delta: float = prop("`after` minus `before`.")
    standard_error: float | None = prop("Of `delta`, between replicates; null where nothing is sampled.")


@strawberry.type(description="What a question does to a ticker.")
class TickerShift:
    """What a question does to a ticker."""

    ticker: Annotated["Ticker", strawberry.lazy("resolvers.types.tickers")] = prop("The ticker.")
    delta: float = prop("The expected fractional change of its price: the sum of `impact` times `delta` over claims.")
    num_claims: int = prop("How many claims that move have a stated impact on it.")


class Answer:
    """A type of a union, told by the response's own word."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is an answer of this kind."""
        return bool(obj["__typename"] == cls.__name__)


@strawberry.type(description="What would follow if some claims resolved in some way.")
class WhatIfResult(Answer):
    """What would follow."""

    shifts: list[ClaimShift] = prop("The claims that move, the largest |delta| first, what is supposed left out.")
    supposed: list[ClaimShift] = prop("What is supposed, in the order asked: how likely it was before.")
    num_shifted: int = prop("How many claims move at all.")
    diagnostics: NetworkDiagnostics = prop("How it was made.")

    @strawberry.field(
        description="The tickers that move with them, the largest |delta| first, by exposures whose impact is stated; "
        "the 5,000 claims that move most count."
    )
    async def tickers(self: Any, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE) -> list[TickerShift]:
        """The tickers that move with them."""
        found = await list_ticker_shifts(info.context.unit, self["deltas"], page_size(first))
        plan = selected_plan(info, "ticker")
        nodes: Sequence[Any] = [None] * len(found)
        if plan is not None:
            nodes = await get_nodes(info.context.unit, [("Ticker", shift.symbol) for shift in found], plan)
        rows: Any = [{**asdict(shift), "ticker": node} for shift, node in zip(found, nodes, strict=True)]
        return rows


@strawberry.input(description="What is supposed of a claim.")
class SupposedOutcome:
    """What is supposed of a claim."""

    claim: strawberry.ID = strawberry.field(description="The id or key of the claim.")
    outcome: ClaimOutcome = strawberry.field(description="Whether it comes true.")


@strawberry.type(description="What a stated number does to a claim's marginal.")
class SensitivityEffect:
    """What a stated number does to a claim's marginal."""

    parameter: StatedParameter = prop("Which number.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "Whose stated probability it is, or the child of the influence."
    )
    parent: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop(
        "The parent of the influence; null for a stated probability."
    )
    kind: InfluenceKind | None = prop("The kind of the influence; null for a stated probability.")
    value: Probability = prop("The number as it stands.")
    derivative: float = prop("By how much the marginal moves for each unit of it, all that follows included.")
    standard_error: float | None = prop("Of the derivative, between replicates.")


@strawberry.type(description="Which stated numbers a claim's marginal depends on.")
class SensitivityResult(Answer):
    """Which stated numbers a claim's marginal depends on."""

    marginal: float = prop("The target's marginal.")
    effects: list[SensitivityEffect] = prop("The numbers near it, the largest |derivative| first.")
    num_effects: int = prop("How many numbers were looked at.")
    num_near: int = prop("How many claims around the target they belong to; what lies further off hardly moves it.")
    diagnostics: NetworkDiagnostics = prop("How it was made.")


@strawberry.type(description="What learning a claim's outcome would tell.")
class InformativeClaim:
    """What learning a claim's outcome would tell."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim.")
    marginal: float = prop("Its marginal.")
    expected_reduction_bits: float = prop("By how much the targets' entropies, summed, are expected to shrink.")
    standard_error: float | None = prop("Of that, between replicates.")
    mean_shifts: list[float] = prop("How far each target's probability moves, in their order: root mean square.")


@strawberry.type(description="Which claims are worth learning, for the sake of some targets.")
class ValueOfInformationResult(Answer):
    """Which claims are worth learning."""

    claims: list[InformativeClaim] = prop("The claims that tell most, the targets left out.")
    reduction_floor_bits: float = prop("What noise alone makes of the expected reduction of unrelated claims.")
    diagnostics: NetworkDiagnostics = prop("How it was made.")


@strawberry.type(description="A claim of which the tables and the reference belief say different things.")
class IncoherentClaim:
    """A claim of which the tables and the reference belief say different things."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim.")
    contradiction: float = prop("From the least to the most that its tables and its reference belief say.")
    reference: Probability = prop("What is believed of it without any evidence.")
    lowest: Probability = prop("The least that one of its tables alone implies.")
    lowest_parent_key: str = prop("The key of the parent whose table says so.")
    highest: Probability = prop("The most that one of its tables alone implies.")
    highest_parent_key: str = prop("The key of the parent whose table says so.")
    num_tables: int = prop("How many tables it has.")


@strawberry.type(description="Claims that contradict themselves.")
class Incoherence:
    """Claims that contradict themselves."""

    claims: list[IncoherentClaim] = prop("The worst first.")
    num_incoherent: int = prop("How many there are.")
    revision: float = prop("The graph's revision that was read, which is the latest.")
    as_of: Moment = prop("The moment that reference beliefs hold for.")
