"""Orders of lists that are computed over the network, and conditions on their items; see `resolvers.base.ranked`."""

from enum import StrEnum
from typing import Any

import strawberry

from resolvers.base.described import enum_type, input_type
from resolvers.base.enums import EdgeKind, FamilyKind, InferenceMethod, InfluenceKind, StatedParameter
from resolvers.base.scalars import Probability


def _condition(description: str) -> Any:
    return strawberry.field(default=None, description=description)


CLAIMS_TEXT = "Any of these claims, by id or key."
TICKERS_TEXT = "Any of these tickers, by id or symbol."


@enum_type
class ClaimShiftSortKey(StrEnum):
    """Orders of shifts of claims: by the size of `delta`, by `delta` with its sign, or by the marginals."""

    ABSOLUTE_DELTA = "ABSOLUTE_DELTA"
    DELTA = "DELTA"
    PROBABILITY_BEFORE = "PROBABILITY_BEFORE"
    PROBABILITY_AFTER = "PROBABILITY_AFTER"


@input_type
class ClaimShiftFilterInput:
    """Conditions on shifts of claims; all that are given must hold."""

    claim: list[strawberry.ID] | None = _condition(CLAIMS_TEXT)
    method: list[InferenceMethod] | None = _condition("By any of these methods.")
    absolute_delta_from: float | None = _condition("The size of `delta` is at least this.")
    delta_from: float | None = _condition("`delta` is at least this.")
    delta_to: float | None = _condition("`delta` is at most this.")
    probability_before_from: Probability | None = _condition("`probabilityBefore` is at least this.")
    probability_before_to: Probability | None = _condition("`probabilityBefore` is at most this.")
    probability_after_from: Probability | None = _condition("`probabilityAfter` is at least this.")
    probability_after_to: Probability | None = _condition("`probabilityAfter` is at most this.")


@enum_type
class TickerShiftSortKey(StrEnum):
    """Orders of shifts of tickers: by the size of `delta`, by `delta` with its sign, or by symbol."""

    ABSOLUTE_DELTA = "ABSOLUTE_DELTA"
    DELTA = "DELTA"
    SYMBOL = "SYMBOL"


@input_type
class TickerShiftFilterInput:
    """Conditions on shifts of tickers; all that are given must hold."""

    ticker: list[strawberry.ID] | None = _condition(TICKERS_TEXT)
    absolute_delta_from: float | None = _condition("The size of `delta` is at least this.")
    delta_from: float | None = _condition("`delta` is at least this.")
    delta_to: float | None = _condition("`delta` is at most this.")


@enum_type
class SensitivityEffectSortKey(StrEnum):
    """Orders of effects of stated numbers: by the size of the derivative, with its sign, or by the stated number."""

    ABSOLUTE_DERIVATIVE = "ABSOLUTE_DERIVATIVE"
    DERIVATIVE = "DERIVATIVE"
    PROBABILITY = "PROBABILITY"


@input_type
class SensitivityEffectFilterInput:
    """Conditions on effects of stated numbers; all that are given must hold."""

    claim: list[strawberry.ID] | None = _condition(CLAIMS_TEXT)
    parent: list[strawberry.ID] | None = _condition("Any of these parents, by id or key.")
    parameter: list[StatedParameter] | None = _condition("Any of these kinds of numbers.")
    kind: list[InfluenceKind] | None = _condition("Any of these kinds of influences.")
    absolute_derivative_from: float | None = _condition("The size of `derivative` is at least this.")
    derivative_from: float | None = _condition("`derivative` is at least this.")
    derivative_to: float | None = _condition("`derivative` is at most this.")


@enum_type
class InformativeClaimSortKey(StrEnum):
    """Orders of informative claims: by the expected reduction, or by their marginals."""

    EXPECTED_REDUCTION_BITS = "EXPECTED_REDUCTION_BITS"
    MARGINAL_PROBABILITY = "MARGINAL_PROBABILITY"


@input_type
class InformativeClaimFilterInput:
    """Conditions on informative claims; all that are given must hold."""

    claim: list[strawberry.ID] | None = _condition(CLAIMS_TEXT)
    expected_reduction_bits_from: float | None = _condition("`expectedReductionBits` is at least this.")
    marginal_probability_from: Probability | None = _condition("`marginalProbability` is at least this.")
    marginal_probability_to: Probability | None = _condition("`marginalProbability` is at most this.")


@enum_type
class IncoherentClaimSortKey(StrEnum):
    """Orders of incoherent claims: by the contradiction, the prior marginal, or the number of tables."""

    CONTRADICTION = "CONTRADICTION"
    PRIOR_MARGINAL_PROBABILITY = "PRIOR_MARGINAL_PROBABILITY"
    TABLE_COUNT = "TABLE_COUNT"


@input_type
class IncoherentClaimFilterInput:
    """Conditions on incoherent claims; all that are given must hold."""

    claim: list[strawberry.ID] | None = _condition(CLAIMS_TEXT)
    contradiction_from: float | None = _condition("`contradiction` is at least this.")
    prior_marginal_probability_from: Probability | None = _condition("`priorMarginalProbability` is at least this.")
    prior_marginal_probability_to: Probability | None = _condition("`priorMarginalProbability` is at most this.")


@enum_type
class ContradictionSortKey(StrEnum):
    """Orders of contradictions: exposures first, by the keys of both ends; or by kind."""

    ENDS = "ENDS"
    KIND = "KIND"


@input_type
class ContradictionFilterInput:
    """Conditions on contradictions; all that are given must hold."""

    kind: list[EdgeKind] | None = _condition("Any of these relationship types.")
    from_key: list[str] | None = _condition("Any of these keys of the first end.")
    to_key: list[str] | None = _condition("Any of these keys of the second end.")


@enum_type
class IncoherentFamilySortKey(StrEnum):
    """Orders of incoherent families: by the size of the misfit, by the misfit with its sign, or by name."""

    ABSOLUTE_MISFIT = "ABSOLUTE_MISFIT"
    MISFIT = "MISFIT"
    NAME = "NAME"


@input_type
class IncoherentFamilyFilterInput:
    """Conditions on incoherent families; all that are given must hold."""

    kind: list[FamilyKind] | None = _condition("Of any of these kinds.")
    name: list[str] | None = _condition("Any of these names.")
    absolute_misfit_from: float | None = _condition("The size of `misfit` is at least this.")


@enum_type
class CombinedInfluenceSortKey(StrEnum):
    """Orders of pairs of claims: by the key of the parent, or of the child."""

    PARENT = "PARENT"
    CHILD = "CHILD"


@input_type
class CombinedInfluenceFilterInput:
    """Conditions on pairs of claims; all that are given must hold."""

    parent: list[strawberry.ID] | None = _condition("Any of these parents, by id or key.")
    child: list[strawberry.ID] | None = _condition("Any of these children, by id or key.")


@enum_type
class TickerExposureShiftSortKey(StrEnum):
    """Orders of shifts of a portfolio's tickers: by the size of `delta`, by a figure, or by symbol."""

    ABSOLUTE_DELTA = "ABSOLUTE_DELTA"
    DELTA = "DELTA"
    EXPECTED_BEFORE = "EXPECTED_BEFORE"
    EXPECTED_AFTER = "EXPECTED_AFTER"
    SYMBOL = "SYMBOL"


@input_type
class TickerExposureShiftFilterInput(TickerShiftFilterInput):
    """Conditions on shifts of a portfolio's tickers; all that are given must hold."""


@enum_type
class ExposureContributionSortKey(StrEnum):
    """Orders of contributions: by the size of `expectedRelevance`, or by a figure with its sign."""

    ABSOLUTE_EXPECTED_RELEVANCE = "ABSOLUTE_EXPECTED_RELEVANCE"
    EXPECTED_RELEVANCE = "EXPECTED_RELEVANCE"
    COEFFICIENT = "COEFFICIENT"
    PROBABILITY = "PROBABILITY"
    RISK_SHARE = "RISK_SHARE"
    WORST_LIFT = "WORST_LIFT"


@input_type
class ExposureContributionFilterInput:
    """Conditions on contributions; all that are given must hold."""

    prediction: list[strawberry.ID] | None = _condition("Any of these predictions, by id or key.")
    absolute_expected_relevance_from: float | None = _condition("The size of `expectedRelevance` is at least this.")
    expected_relevance_from: float | None = _condition("`expectedRelevance` is at least this.")
    expected_relevance_to: float | None = _condition("`expectedRelevance` is at most this.")
    probability_from: Probability | None = _condition("`probability` is at least this.")
    probability_to: Probability | None = _condition("`probability` is at most this.")
    risk_share_from: float | None = _condition("`riskShare` is at least this.")
    risk_share_to: float | None = _condition("`riskShare` is at most this; 0 has the hedges.")


@enum_type
class ExposureDriverSortKey(StrEnum):
    """Orders of drivers: by their share of the variance, or by a figure."""

    VARIANCE_SHARE = "VARIANCE_SHARE"
    PROBABILITY = "PROBABILITY"
    EXPECTED_IF_TRUE = "EXPECTED_IF_TRUE"
    EXPECTED_IF_FALSE = "EXPECTED_IF_FALSE"


@input_type
class ExposureDriverFilterInput:
    """Conditions on drivers; all that are given must hold."""

    claim: list[strawberry.ID] | None = _condition(CLAIMS_TEXT)
    variance_share_from: float | None = _condition("`varianceShare` is at least this.")
    probability_from: Probability | None = _condition("`probability` is at least this.")
    probability_to: Probability | None = _condition("`probability` is at most this.")


@enum_type
class ExposureHedgeSortKey(StrEnum):
    """Orders of hedges: by what a unit takes away of the variance, by what the whole hedge does, or by its size."""

    VARIANCE_SHARE_PER_UNIT = "VARIANCE_SHARE_PER_UNIT"
    VARIANCE_SHARE = "VARIANCE_SHARE"
    SIZE = "SIZE"


@input_type
class ExposureHedgeFilterInput:
    """Conditions on hedges; all that are given must hold."""

    variance_share_from: float | None = _condition("`varianceShare` is at least this.")
    variance_share_per_unit_from: float | None = _condition("`varianceSharePerUnit` is at least this.")
    size_from: float | None = _condition("`size` is at least this; 0 leaves out short positions.")
    size_to: float | None = _condition("`size` is at most this.")
