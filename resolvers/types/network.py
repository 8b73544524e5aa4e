"""Answers of queries over the network."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.model.rows import MOST_MEMBERS, ClaimFamily, Influence
from graph.model.signs import ends_of
from graph.network.contradictions import StoredFault, list_stored_faults
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import ClaimOutcome, EdgeKind, InferenceMethod, InfluenceKind, SortOrder, StatedParameter
from resolvers.base.extents import INFERENCE_POINTS, Arguments, Extent, extent, page
from resolvers.base.fields import prop
from resolvers.base.figures import figure
from resolvers.base.input_names import input_words
from resolvers.base.keyed import KeyedList, KeyedPage, Row, read_values
from resolvers.base.ranked import Ranked, RankedList
from resolvers.base.scalars import Int64, Moment, Probability
from resolvers.types.families import ClaimFamily as FamilyType
from resolvers.types.families import list_misfits, shown_family
from resolvers.types.influences import CombinedInfluence
from resolvers.types.rankings import (
    ClaimShiftFilterInput,
    ClaimShiftSortKey,
    CombinedInfluenceFilterInput,
    CombinedInfluenceSortKey,
    ContradictionFilterInput,
    ContradictionSortKey,
    IncoherentClaimFilterInput,
    IncoherentClaimSortKey,
    IncoherentFamilyFilterInput,
    IncoherentFamilySortKey,
    InformativeClaimFilterInput,
    InformativeClaimSortKey,
    SensitivityEffectFilterInput,
    SensitivityEffectSortKey,
    TickerShiftFilterInput,
    TickerShiftSortKey,
)

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.tickers import Ticker


def _pairs_extent(arguments: Arguments) -> Extent:
    """Each item has two claims."""
    pairs = page(arguments)
    return Extent(pairs.items, 2 * pairs.rows)


_COMBINED: Final = RankedList(
    CombinedInfluence,
    "pairs",
    CombinedInfluenceFilterInput,
    (CombinedInfluenceSortKey.PARENT, SortOrder.ASCENDING),
    nodes={"parent": "Claim", "child": "Claim"},
)


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
        "Largest error in a claim's probability by the approximation that `approximatedCount` counts."
    )
    seed: Int64 | None = prop("Seed of all random numbers; null for deterministic methods.")
    from_bank: bool = prop("Whether stored samples were used; false if they were drawn for this answer.")
    wall_seconds: float = prop("Duration of the inference, in seconds.")
    revision: Int64 = prop("Revision of the graph that was read, always the latest.")
    as_of: Moment = prop("The moment that the network holds for: the last full hour, since beliefs drift with time.")
    num_claims: int = prop("Number of claims included: those with a stated probability that are not annulled.")
    num_influences: int = prop("Number of influences included: those with probabilities between included claims.")

    num_contradictory: int = prop(
        "Number of these that contradict their kind, or another one between the same two claims, so that they cancel; "
        "`incoherence` lists them. Writes refuse them, but a graph made by an older version may have some."
    )

    @_COMBINED.field(extent(_pairs_extent))
    async def combined(self: Any, _info: Info[Context, Any]) -> Ranked:
        """
        The pairs of claims that several influences join, each with the one table that they are combined to, by the
        keys of parent and child.
        """
        found: Ranked = self["combined"]()
        return found


@object_type
class ClaimShift:
    """Effect of the supposed outcomes on a claim."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim that shifts.")
    before: Probability = prop("Its marginal without the supposed outcomes.", name="probabilityBefore")
    after: Probability = prop("Its marginal given all supposed outcomes.", name="probabilityAfter")
    delta: float = prop("`probabilityAfter` minus `probabilityBefore`.")
    standard_error: float | None = prop(
        "Standard error of `delta`, between replicates; null for methods without samples."
    )
    method: InferenceMethod = prop("The method that gave `probabilityAfter`: never AUTO.")


@object_type
class TickerShift:
    """Effect of the supposed outcomes on a ticker."""

    ticker: Annotated["Ticker", strawberry.lazy("resolvers.types.tickers")] = prop("The ticker that shifts.")
    delta: float = prop(
        "Fractional change of its expected price, -1 or more. The price is the product of 1 + `impact` over the "
        "shifted claims that come true, under their joint distribution; the change is the ratio of its expectations "
        "with and without the supposed outcomes, less 1."
    )
    standard_error: float | None = prop(
        "Standard error of `delta`, the estimated error of LBP included; null where it is exact."
    )
    num_claims: int = prop("Number of shifted claims with a stated impact on it.")
    num_contradictory: int = prop(
        "Number of shifted claims left out since their exposures contradict their sign or each other; `incoherence` "
        "lists them."
    )


class Answer:
    """A member of a union, recognized by the response's `__typename`."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is an answer of this kind."""
        return bool(obj["__typename"] == cls.__name__)


_SHIFTS: Final = RankedList(
    ClaimShift,
    "claims that shift",
    ClaimShiftFilterInput,
    (ClaimShiftSortKey.ABSOLUTE_DELTA, SortOrder.DESCENDING),
    nodes={"claim": "Claim"},
)

_TICKERS: Final = RankedList(
    TickerShift,
    "tickers that shift",
    TickerShiftFilterInput,
    (TickerShiftSortKey.ABSOLUTE_DELTA, SortOrder.DESCENDING),
    nodes={"ticker": "Ticker"},
)


@object_type
class WhatIfResult(Answer):
    """Effects of supposed outcomes on other claims and on tickers."""

    supposed: list[ClaimShift] = prop("The supposed claims in the order given, with their marginals before.")
    implied: list[ClaimShift] = strawberry.field(
        description="The claims whose outcomes follow from the supposed ones in families of claims.",
        metadata=extent(lambda _: Extent(items=MOST_MEMBERS, rows=MOST_MEMBERS)),
    )
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")

    @_SHIFTS.field()
    async def shifts(self: Any, _info: Info[Context, Any]) -> Ranked:
        """
        The claims that shift by more than sampling noise, largest |delta| first, without the supposed ones and those
        implied. Noise is 3 standard errors for one claim and more for many.
        """
        found: Ranked = self["shifts"]
        return found

    @_TICKERS.field()
    async def tickers(self: Any, _info: Info[Context, Any]) -> Ranked:
        """
        The tickers that shift through exposures with a stated impact, largest |delta| first; the 5,000 claims that
        shift most are counted.
        """
        found: Ranked = await self["tickers"]()
        return found


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
    value: Probability = prop("The number as stated.", name="probability")
    derivative: float = prop("Derivative of the target's marginal by the number, including all indirect effects.")
    standard_error: float | None = prop("Standard error of the derivative, between replicates.")


_EFFECTS: Final = RankedList(
    SensitivityEffect,
    "effects",
    SensitivityEffectFilterInput,
    (SensitivityEffectSortKey.ABSOLUTE_DERIVATIVE, SortOrder.DESCENDING),
    nodes={"claim": "Claim", "parent": "Claim"},
)


@object_type
class SensitivityResult(Answer):
    """Effects of stated numbers on a claim's marginal."""

    marginal: Probability = prop("Marginal of the target.", name="marginalProbability")
    num_near: int = prop(
        "Number of claims near the target whose numbers were considered; those farther away hardly matter."
    )
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")

    @_EFFECTS.field(extent(_pairs_extent))
    async def effects(self: Any, _info: Info[Context, Any]) -> Ranked:
        """The effects of the stated numbers near the target, largest |derivative| first."""
        found: Ranked = self["effects"]
        return found


@object_type
class InformativeClaim:
    """Value of learning a claim's outcome."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim whose outcome would be learned."
    )
    marginal: Probability = prop("Its marginal, before anything is learned.", name="marginalProbability")
    expected_reduction_bits: float = prop("Expected reduction of the targets' summed entropies, in bits.")
    standard_error: float | None = prop("Standard error of `expectedReductionBits`, between replicates.")
    mean_shifts: list[float] = prop("Root mean square shift of each target's probability, in the order of the targets.")


_INFORMATIVE: Final = RankedList(
    InformativeClaim,
    "informative claims",
    InformativeClaimFilterInput,
    (InformativeClaimSortKey.EXPECTED_REDUCTION_BITS, SortOrder.DESCENDING),
    nodes={"claim": "Claim"},
)


@object_type
class ValueOfInformationResult(Answer):
    """Claims whose outcomes would tell most about some targets."""

    reduction_floor_bits: float = prop(
        "Noise level: for 19 of 20 claims that are independent of the targets, the expected "
        "reduction stays below it, in bits."
    )
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")

    @_INFORMATIVE.field()
    async def claims(self: Any, _info: Info[Context, Any]) -> Ranked:
        """
        The most informative claims, largest expected reduction first, without the targets and without those whose
        reduction noise explains.
        """
        found: Ranked = self["claims"]
        return found


@object_type
class IncoherentClaim:
    """A claim whose tables and prior marginal imply different probabilities."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim with the contradicting figures."
    )
    contradiction: float = prop("Width of the range of probabilities that its tables and its prior marginal imply.")
    reference: Probability = prop(
        "Prior marginal: its probability without any evidence.", name="priorMarginalProbability"
    )
    lowest: Probability = prop("Lowest probability that one of its tables alone implies.", name="lowestProbability")
    lowest_parent_key: str = prop("Key of the parent whose table implies it.")
    highest: Probability = prop("Highest probability that one of its tables alone implies.", name="highestProbability")
    highest_parent_key: str = prop("Key of the parent whose table implies it.")
    num_tables: int = prop("Number of its tables, one for each influence with probabilities.")


@object_type
class Contradiction:
    """
    An influence or an exposure that contradicts its kind or sign, or another one between the same two nodes.

    Writes refuse them; a graph made by an older version may have some.
    """

    kind: EdgeKind = prop("The relationship type, named as in Cypher.")
    from_key: str = prop("Key of the parent of an influence, or of the prediction of an exposure.")
    to_key: str = prop("Key of the child of an influence, or symbol of the ticker of an exposure.")
    message: str = prop("What was expected and what is stored.")


@object_type
class IncoherentFamily:
    """A family whose claims' own posteriors do not fit each other."""

    family: FamilyType = prop("The family, whose `timeline` or `outcomes` has coherent probabilities.")
    misfit: float = prop(
        "Of an event by several dates, the most that those of open claims fall from one date to a later one; of "
        "outcomes, the sum of the open ones' minus 1."
    )


def _contradictions_extent(arguments: Arguments) -> Extent:
    """All relationships are looked at, which takes about as long as an inference."""
    return replace(page(arguments), points=INFERENCE_POINTS)


def _families_extent(arguments: Arguments) -> Extent:
    """All families and their claims are read, which takes about as long as an inference."""
    return replace(page(arguments), points=INFERENCE_POINTS)


_INCOHERENT: Final = RankedList(
    IncoherentClaim,
    "incoherent claims",
    IncoherentClaimFilterInput,
    (IncoherentClaimSortKey.CONTRADICTION, SortOrder.DESCENDING),
    nodes={"claim": "Claim"},
)

_CONTRADICTIONS: Final = KeyedList(
    Contradiction, "contradictions", ContradictionFilterInput, (ContradictionSortKey.ENDS, SortOrder.ASCENDING)
)

_FAMILIES: Final = RankedList(
    IncoherentFamily,
    "incoherent families",
    IncoherentFamilyFilterInput,
    (IncoherentFamilySortKey.ABSOLUTE_MISFIT, SortOrder.DESCENDING),
)

_MISFIT_MEASURES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "kind": lambda item: item[0].kind,
    "name": lambda item: item[0].name,
    "misfit": lambda item: item[1],
    "absolute_misfit": lambda item: abs(item[1]),
}


@object_type
class Incoherence:
    """
    Claims whose tables and prior marginals contradict each other, relationships of contradicting signs, and families
    whose claims' own probabilities do not fit.
    """

    revision: Int64 = prop("Revision of the graph that was read, always the latest.")
    as_of: Moment = prop("The moment that the prior marginals hold for.")

    @_INCOHERENT.field()
    async def claims(self: Any, _info: Info[Context, Any]) -> Ranked:
        """The claims whose tables and prior marginal contradict each other, largest contradiction first."""
        found: Ranked = self["claims"]
        return found

    @_CONTRADICTIONS.field(extent(_contradictions_extent))
    async def contradictions(
        self: Any, info: Info[Context, Any], page: KeyedPage, wanted: ContradictionFilterInput | None
    ) -> Any:
        """Influences and exposures that contradict their kind or sign, or another one between the same two nodes."""
        asked = wanted or ContradictionFilterInput()
        values = {
            "kind": read_values(asked.kind, "filter.kind"),
            "from_key": read_values(asked.from_key, "filter.from_key"),
            "to_key": read_values(asked.to_key, "filter.to_key"),
        }
        info.context.count_points(INFERENCE_POINTS)
        rows: list[Row] = []
        for found in await list_stored_faults(info.context.unit):
            row = _shown_fault(found)
            if all(any_of is None or row[name] in any_of for name, any_of in values.items()):
                texts: dict[StrEnum, str] = {
                    ContradictionSortKey.ENDS: found.key,
                    ContradictionSortKey.KIND: row["kind"].value,
                }
                rows.append((page.key_of(texts), row))
        return page.connection(page.cut(rows), len(rows))

    @_FAMILIES.field(extent(_families_extent))
    async def families(self: Any, info: Info[Context, Any]) -> Ranked:
        """
        Families whose claims' own posteriors do not fit now: they fall from one date to a later one, or do not add up,
        the largest misfit first.
        """
        info.context.count_points(INFERENCE_POINTS)
        found = await list_misfits(info.context)
        return Ranked((), self["state"], found, lambda item: item[0].name, _MISFIT_MEASURES, show=_shown_misfit)


def _shown_misfit(found: tuple[ClaimFamily, float]) -> dict[str, Any]:
    family, misfit = found
    return {"family": shown_family(family), "misfit": figure(misfit)}


def _shown_fault(found: StoredFault) -> dict[str, Any]:
    source, target = ends_of(found.row)
    kind = found.row.kind if isinstance(found.row, Influence) else found.row.sign
    shown_kind = EdgeKind(kind.value)
    return {"kind": shown_kind, "from_key": source, "to_key": target, "message": input_words(found.fault.message)}
