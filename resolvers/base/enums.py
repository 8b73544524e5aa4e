"""The graph's enums as the schema shows them."""

from enum import StrEnum

import strawberry

from graph.inference.network.diagnostics import Method as InferenceMethod
from graph.inference.network.sensitivity import Parameter as StatedParameter
from graph.model.kinds import ClaimStatus, ExposureSign, InfluenceKind, MilestoneKind, MilestoneStatus, PredictionMode
from graph.model.relations import RELATIONSHIP_TYPES
from graph.model.subjects import SUBJECTS, noun_of

__all__ = [
    "ClaimStatus",
    "Direction",
    "EdgeKind",
    "EvidenceDirection",
    "EvidenceStrength",
    "ExposureSign",
    "InferenceMethod",
    "InfluenceKind",
    "MilestoneKind",
    "MilestoneStatus",
    "PredictionMode",
    "PredictionSortKey",
    "SortDirection",
    "StatedParameter",
    "Subject",
]

strawberry.enum(
    ClaimStatus,
    description="Whether an outcome is known: OPEN, RESOLVED_TRUE, RESOLVED_FALSE, or ANNULLED, which never counts.",
)
strawberry.enum(PredictionMode, description="How firmly a prediction was put, as its source classed it.")
strawberry.enum(
    MilestoneKind,
    description="EVENT is the predicted event itself, RESEARCHED a sign somebody looked up, "
    "CHECK_IN a date by which something should have shown.",
)
strawberry.enum(
    MilestoneStatus,
    description="PENDING before its date, OVERDUE when the date and seven days of grace have passed unobserved, "
    "HIT when observed, MISSED when known not to have come.",
)
strawberry.enum(
    InfluenceKind,
    description="How a parent claim bears on its child: what must come first, what would kill it, what goes with it.",
)
strawberry.enum(ExposureSign, description="Whether a prediction that comes true benefits or harms a ticker.")
strawberry.enum(
    InferenceMethod,
    name="InferenceMethod",
    description="LBP: loopy belief propagation, in milliseconds; levels are approximate, off by 0.005 in the mean and "
    "0.05 at most on sparse networks. SAMPLE: joint samples, unbiased, with standard errors between replicates. EXACT: "
    "where what is relevant is small or thin enough, else refused with its size.",
)
strawberry.enum(
    StatedParameter,
    name="StatedParameter",
    description="Numbers that somebody stated: P_IF_TRUE and P_IF_FALSE of an influence, the STATED probability of a "
    "claim.",
)


@strawberry.enum(description="The relationships of the graph, as they are called in Cypher.")
class EdgeKind(StrEnum):
    """The relationships of the graph, as they are called in Cypher."""

    _ignore_ = "members name"
    members = vars()
    for name in RELATIONSHIP_TYPES:
        members[name] = name


@strawberry.enum(description="The kinds of nodes.")
class Subject(StrEnum):
    """The kinds of nodes, by their labels."""

    _ignore_ = "members name"
    members = vars()
    for name in SUBJECTS:
        members[noun_of(name).replace(" ", "_").upper()] = name


@strawberry.enum(description="Which way to go along the edges.")
class Direction(StrEnum):
    """Which way to go along the edges."""

    IN = "IN"
    OUT = "OUT"
    BOTH = "BOTH"


@strawberry.enum(description="Whether evidence speaks for a claim or against it.")
class EvidenceDirection(StrEnum):
    """Whether evidence speaks for a claim or against it."""

    FOR = "FOR"
    AGAINST = "AGAINST"


@strawberry.enum(
    description="How much evidence tells, as a likelihood ratio: WEAK 1.5, MODERATE 4, STRONG 10 (policy foregraph-1)."
)
class EvidenceStrength(StrEnum):
    """How much evidence tells."""

    WEAK = "WEAK"
    MODERATE = "MODERATE"
    STRONG = "STRONG"


@strawberry.enum(description="What a list of predictions is ordered by.")
class PredictionSortKey(StrEnum):
    """What a list of predictions is ordered by."""

    DEADLINE = "deadline"
    PROBABILITY = "probability"


@strawberry.enum(description="Whether a list runs upwards or downwards.")
class SortDirection(StrEnum):
    """Whether a list runs upwards or downwards."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"


@strawberry.enum(name="ClaimOutcome", description="Whether a claim came true.")
class ClaimOutcome(StrEnum):
    """Whether a claim came true."""

    TRUE = "TRUE"
    FALSE = "FALSE"
