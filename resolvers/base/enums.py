"""The graph's enums as the schema shows them."""

from enum import StrEnum

from graph.database.revisions import EventKind as ChangeKind
from graph.errors import refusal_kinds
from graph.feed.beliefs import Baseline
from graph.feed.beliefs import Reason as BeliefChangeReason
from graph.inference.evidence import Direction as EvidenceDirection
from graph.inference.evidence import Strength as EvidenceStrength
from graph.inference.explaining import ContributionKind as BeliefContributionKind
from graph.inference.network.diagnostics import Method as InferenceMethod
from graph.inference.network.sensitivity import Parameter as StatedParameter
from graph.ledger.items import BatchMode as EvidenceBatchMode
from graph.model.catalogue import Origin as PropertyOrigin
from graph.model.kinds import (
    ClaimStatus,
    ExposureSign,
    FamilyKind,
    InfluenceKind,
    MilestoneKind,
    MilestoneStatus,
    PredictionMode,
    PredictorKind,
)
from graph.model.kinds import ParameterType as QueryParameterType
from graph.model.relations import RELATIONSHIP_TYPES
from graph.model.subjects import SUBJECTS, noun_of
from graph.saved.queries import Origin as QueryOrigin
from graph.saved.schedules import DeliveryFormat, DeliveryStatus
from resolvers.base.described import enum_type

__all__ = [
    "Baseline",
    "BeliefChangeReason",
    "BeliefContributionKind",
    "ChangeKind",
    "ClaimOutcome",
    "ClaimStatus",
    "DeliveryFormat",
    "DeliveryStatus",
    "EdgeKind",
    "ErrorCode",
    "EvidenceBatchMode",
    "EvidenceDirection",
    "EvidenceItemStatus",
    "EvidenceStrength",
    "ExposureSign",
    "FamilyKind",
    "InferenceMethod",
    "InfluenceKind",
    "MilestoneKind",
    "MilestoneStatus",
    "Orientation",
    "PredictionMode",
    "PredictorKind",
    "PropertyOrigin",
    "QueryOrigin",
    "QueryParameterType",
    "SortOrder",
    "StatedParameter",
    "Subject",
]

for graphs_own in (
    ClaimStatus,
    PredictionMode,
    PredictorKind,
    MilestoneKind,
    MilestoneStatus,
    InfluenceKind,
    ExposureSign,
    FamilyKind,
):
    enum_type(graphs_own)
enum_type(InferenceMethod, name="InferenceMethod")
enum_type(StatedParameter, name="StatedParameter")
enum_type(EvidenceBatchMode, name="EvidenceBatchMode")
enum_type(EvidenceDirection, name="EvidenceDirection")
enum_type(EvidenceStrength, name="EvidenceStrength")
enum_type(PropertyOrigin, name="PropertyOrigin")
enum_type(Baseline)
enum_type(BeliefChangeReason, name="BeliefChangeReason")
enum_type(BeliefContributionKind, name="BeliefContributionKind")
enum_type(ChangeKind, name="ChangeKind")
enum_type(DeliveryFormat)
enum_type(DeliveryStatus)
enum_type(QueryOrigin, name="QueryOrigin")
enum_type(QueryParameterType, name="QueryParameterType")


@enum_type
class EdgeKind(StrEnum):
    """Relationship types of the graph, named as in Cypher."""

    _ignore_ = "members name"
    members = vars()
    for name in RELATIONSHIP_TYPES:
        members[name] = name


@enum_type
class Subject(StrEnum):
    """Kinds of nodes."""

    _ignore_ = "members name"
    members = vars()
    for name in SUBJECTS:
        members[noun_of(name).replace(" ", "_").upper()] = name


@enum_type
class Orientation(StrEnum):
    """Whether edges are followed to the node that they lead to, to the one that they start from, or both ways."""

    IN = "IN"
    OUT = "OUT"
    BOTH = "BOTH"


@enum_type
class SortOrder(StrEnum):
    """Whether a list begins with the lowest or with the highest."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"


@enum_type
class ClaimOutcome(StrEnum):
    """Whether a claim came true."""

    TRUE = "TRUE"
    FALSE = "FALSE"


@enum_type
class EvidenceItemStatus(StrEnum):
    """Outcome of an item of evidence: recorded now, recorded before under its own key, or refused."""

    RECORDED = "RECORDED"
    REPLAYED = "REPLAYED"
    REFUSED = "REFUSED"


@enum_type
class ErrorCode(StrEnum):
    """Kinds of refusals, each the code of one type that implements `UserError`; errors have the same codes."""

    _ignore_ = "members kind"
    members = vars()
    for kind in refusal_kinds():
        members[kind.code] = kind.code
