"""
The closed table of what answers depend on besides the ledger: which properties of which rows have versions.

A version is a node that never changes: the properties as they were recorded at a moment. Each change of one of them
appends the next, in the transaction of the change, so that an answer can be computed as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graph.model.kinds import VersionSubject
from graph.model.page_keys import join
from graph.model.rows import Version
from graph.model.subjects import CLAIM_LISTS, CLAIMS, MARK

VERSIONS: Final = "versions"
"""The list of a bundle that has them."""


@dataclass(frozen=True, slots=True)
class Versioned:
    """
    Nodes or relationships that have versions.

    Attributes:
        name: The name of the statements that record their versions.
        subject: The kind of node or relationship.
        label: The label by which nodes are found by `id`; of relationships, the name of their rows' class.
        owner: The property that names the node whose versions are read with theirs; None if there is none.
        properties: The properties whose changes are recorded.
        valid_at: The property with the moment since when the properties hold; without a value, that of recording.
    """

    name: str
    subject: VersionSubject
    label: str
    owner: str | None
    properties: tuple[str, ...]
    valid_at: str | None = None


CLAIM_VERSIONS: Final = Versioned(
    "claims",
    VersionSubject.CLAIM,
    "Claim",
    None,
    (
        "stated_probability",
        "status",
        "resolved_at",
        "from_year",
        "window_start",
        "window_end",
        "deadline",
        "reference_class_id",
        "predictor_id",
        "intercept_effect",
        "slope_effect",
    ),
    valid_at="resolved_at",
)
CLASS_VERSIONS: Final = Versioned(
    "reference_classes", VersionSubject.REFERENCE_CLASS, "ReferenceClass", None, ("base_rate",)
)
PREDICTOR_VERSIONS: Final = Versioned(
    "predictors",
    VersionSubject.PREDICTOR,
    "Predictor",
    None,
    ("record_n_resolved", "record_brier", "record_kappa", "record_source"),
)
MILESTONE_VERSIONS: Final = Versioned(
    "milestones",
    VersionSubject.MILESTONE,
    "Milestone",
    "prediction_id",
    ("kind", "status", "expected_date", "range_from", "range_to", "observed_date"),
)
EXPOSURE_VERSIONS: Final = Versioned(
    "exposures",
    VersionSubject.EXPOSURE,
    "Exposure",
    "symbol",
    ("relevance", "impact", "impact_low", "impact_high", "lag_days"),
)
"""Of exposures, whose sign and ends are their key: one that changes its sign is removed, and another one added."""

GRAPH_VERSIONS: Final = Versioned(
    "graph", VersionSubject.GRAPH, "Graph", None, ("policy", "timing_short", "timing_long")
)
"""Of the graph as a whole: the policy that its beliefs follow, and what that has learned of timing."""

VERSIONED: Final = (CLAIM_VERSIONS, CLASS_VERSIONS, PREDICTOR_VERSIONS, MILESTONE_VERSIONS, EXPOSURE_VERSIONS)
VERSIONED_BY_LIST: Final[Mapping[str, Versioned]] = {
    **dict.fromkeys(CLAIM_LISTS, CLAIM_VERSIONS),
    **{versioned.name: versioned for versioned in VERSIONED if versioned is not CLAIM_VERSIONS},
}
"""What has versions, by the list of a bundle that its rows are in."""

VERSION_LISTS: Final[Mapping[VersionSubject, str]] = {versioned.subject: versioned.name for versioned in VERSIONED} | {
    VersionSubject.GRAPH: VERSIONS
}
"""The list, or `claims`, that the rows of a kind are in; of the graph itself, its versions are all."""


def version_anchor(subject: VersionSubject, *ids: str) -> str:
    """
    Return what the ids of a row's versions begin with.

    Args:
        subject: The kind of row.
        *ids: The row's id, after that of its owner if it has one.
    """
    return join(subject.value, *ids)


def exposure_owner(exposure_id: str) -> str:
    """Return the symbol of an exposure's ticker, whose versions are read together."""
    return exposure_id.rpartition(MARK)[2]


def exposure_anchor(exposure_id: str) -> str:
    """Return what the ids of an exposure's versions begin with."""
    return version_anchor(VersionSubject.EXPOSURE, exposure_owner(exposure_id), exposure_id)


def exposed_prediction(exposure_id: str) -> str:
    """Return the prediction of an exposure."""
    return exposure_id.split(MARK)[1]


def node_of(version: Version) -> tuple[str, str]:
    """Return the list, or `claims`, and the id of the node that a version is of; of an exposure's, its prediction."""
    if version.subject is VersionSubject.EXPOSURE:
        return CLAIMS, exposed_prediction(version.subject_id)
    return VERSION_LISTS[version.subject], version.subject_id
