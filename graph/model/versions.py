"""
The closed table of what beliefs depend on besides the ledger: which properties of which nodes have versions.

A version is a node that never changes: the properties as they were recorded at a moment. Each change of one of them
appends the next, in the transaction of the change, so that a belief can be computed as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graph.model.kinds import VersionSubject
from graph.model.page_keys import join
from graph.model.subjects import CLAIM_LISTS

VERSIONS: Final = "versions"
"""The list of a bundle that has them."""


@dataclass(frozen=True, slots=True)
class Versioned:
    """
    Nodes that have versions.

    Attributes:
        name: The name of the statements that record their versions.
        subject: The kind of node.
        label: The label by which they are found by `id`.
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

GRAPH_VERSIONS: Final = Versioned(
    "graph", VersionSubject.GRAPH, "Graph", None, ("policy", "timing_short", "timing_long")
)
"""Of the graph as a whole: the policy that its beliefs follow, and what that has learned of timing."""

VERSIONED: Final = (CLAIM_VERSIONS, CLASS_VERSIONS, PREDICTOR_VERSIONS, MILESTONE_VERSIONS)
VERSIONED_BY_LIST: Final[Mapping[str, Versioned]] = {
    **dict.fromkeys(CLAIM_LISTS, CLAIM_VERSIONS),
    **{versioned.name: versioned for versioned in VERSIONED if versioned is not CLAIM_VERSIONS},
}
"""What has versions, by the list of a bundle that its rows are in."""

VERSION_LISTS: Final[Mapping[VersionSubject, str]] = {versioned.subject: versioned.name for versioned in VERSIONED} | {
    VersionSubject.GRAPH: VERSIONS
}
"""The list, or `claims`, that the nodes of a kind are in; of the graph itself, its versions are all."""


def version_anchor(subject: VersionSubject, *ids: str) -> str:
    """
    Return what the ids of a node's versions begin with.

    Args:
        subject: The kind of node.
        *ids: The node's id, after that of its owner if it has one.
    """
    return join(subject.value, *ids)
