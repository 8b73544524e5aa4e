"""
Translates the graph's properties to the names of the schema: the one place where the two differ.

Most names are the property's words in camel case. Counts end in `Count`, probabilities have `probability` in their
name, log-odds end in `LogOdds`, booleans begin with `is` or `has`, moments end in `At` and days in `On`.
"""

from collections.abc import Mapping
from typing import Any, Final

from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition

from graph.model import rows

_NUMBER_OF: Final = "num_"

_NAMES: Final[Mapping[str, str]] = {
    # counts
    "iterations": "iterationCount",
    "n_milestones": "milestoneCount",
    "n_resolved": "resolvedCount",
    "num_by_lbp": "lbpCount",
    "predictor_n_resolved": "predictorResolvedCount",
    "record_n_resolved": "recordResolvedCount",
    "samples": "sampleCount",
    "successes": "successCount",
    "surviving_ancestors": "survivingAncestorCount",
    "trials": "trialCount",
    # probabilities
    "blended_posterior": "blendedProbability",
    "inside_posterior": "insideProbability",
    "inside_prior": "insidePriorProbability",
    "p_if_false": "probabilityIfFalse",
    "p_if_true": "probabilityIfTrue",
    "posterior_prob": "posteriorProbability",
    "stored_posterior": "storedPosteriorProbability",
    # log-odds and likelihood ratios
    "adjusted_llr": "adjustedLogLikelihoodRatio",
    "bayes_factor": "bayesFactorText",
    "llr": "logLikelihoodRatio",
    "posterior_logit": "posteriorLogOdds",
    "prior_logit": "priorLogOdds",
    "total_adjusted_llr": "totalAdjustedLogLikelihoodRatio",
    "total_llr": "totalLogLikelihoodRatio",
    "trf": "timeRemainingFraction",
    # booleans
    "blend_applied": "isBlended",
    "changed": "hasChanged",
    "created": "isNew",
    "from_bank": "isFromBank",
    "precision_reached": "isPrecise",
    "raw_metadata_is_complete": "isRawMetadataComplete",
    # moments and days
    "expected_date": "expectedOn",
    "observed_date": "observedOn",
    "range_from": "rangeStartsOn",
    "range_to": "rangeEndsOn",
    "window_end": "windowEndsAt",
    "window_start": "windowStartsAt",
    # one spelling of each
    "cluster_id": "cluster",
    "evidence_kind": "kind",
    "notes": "note",
    "reference_class_id": "referenceClassKey",
    "retracts_id": "retractsKey",
    "source_url": "url",
    "submitted_by": "by",
}

_NAMES_OF_ROWS: Final[Mapping[type[rows.Row], Mapping[str, str]]] = {
    # A list of nodes of several types is selected without aliases: no two of them have one name with different types.
    rows.Evidence: {"base_rate": "usedBaseRate"},
    rows.Forecast: {"id": "key"},
    rows.Milestone: {"kind": "milestoneKind", "observed_date": "reachedOn", "status": "milestoneStatus"},
    rows.Predictor: {"kind": "predictorKind"},
    rows.Prediction: {"direction": "predictedDirection"},
    rows.Validation: {"observed_at": "observedOn", "status": "finding"},
}


_VALUES: Final[Mapping[str, str]] = {"P_IF_FALSE": "PROBABILITY_IF_FALSE", "P_IF_TRUE": "PROBABILITY_IF_TRUE"}


def shown_name(name: str) -> str:
    """The schema's name of a property, or of a field or an argument in Python; one of the schema stays as it is."""
    if name in _NAMES:
        return _NAMES[name]
    first, *rest = _counted(name).split("_")
    return "".join([first, *(part[:1].upper() + part[1:] for part in rest)])


def names_of(row: type[rows.Row]) -> Mapping[str, str]:
    """The schema's names of a row's properties that differ from those of the same property elsewhere."""
    return _NAMES_OF_ROWS.get(row, {})


def _counted(name: str) -> str:
    """`num_samples` as `sample_count`."""
    if not name.startswith(_NUMBER_OF):
        return name
    return f"{name.removeprefix(_NUMBER_OF).removesuffix('s')}_count"


class Names(NameConverter):
    """Names the fields, arguments and values of the schema."""

    def from_enum_value(self, enum: StrawberryEnumDefinition, enum_value: EnumValue) -> str:
        """The schema's name of a value of an enum."""
        return _VALUES.get(enum_value.name, enum_value.name)

    def apply_naming_config(self, name: str) -> str:
        """The schema's name of a field or an argument."""
        return shown_name(name)


def named(**options: Any) -> StrawberryConfig:
    """The configuration of a schema with these names."""
    return StrawberryConfig(name_converter=Names(), **options)
