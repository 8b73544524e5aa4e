"""
The closed table of relations: each way to go from a node to related nodes, declared once.

The statements that follow relations, neighbourhoods, warming and the fields of the schema derive from it.
"""

from dataclasses import dataclass
from typing import Any, Final

from graph.model.kinds import ExposureSign, InfluenceKind
from graph.model.rows import Exposure, Forecast, Influence
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS

INFLUENCE_KINDS: Final = tuple(kind.value for kind in InfluenceKind)
EXPOSURE_SIGNS: Final = tuple(sign.value for sign in ExposureSign)
INFLUENCE_PROPERTIES: Final = tuple(Influence.model_fields)
EXPOSURE_PROPERTIES: Final = tuple(Exposure.model_fields)
FORECAST_PROPERTIES: Final = tuple(Forecast.model_fields)
_PREDICTION: Final = ("Prediction",)


@dataclass(frozen=True, slots=True)
class Relation:
    """
    A way to go from a node to related nodes.

    Attributes:
        name: The unique name.
        starts: The subjects from which it can be followed.
        types: The types of the relationships that it follows.
        end: The label of the nodes that it leads to.
        is_outgoing: Whether the relationships start at the node from which it is followed.
        page_key: The property, of the nodes found or of the relationships, that orders them in pages; None if there is
            at most one node.
        is_link_keyed: Whether the page key is a property of the relationships, not of the nodes found.
        is_descending: Whether pages run from the highest page key to the lowest.
        types_argument: The argument that chooses among the types; None without one.
        properties: The relationships' properties that can be selected.
        defaults: Further arguments, each with the value that leaves nothing out.
        own_key: The relationships' property that tells several between two nodes apart; None where there is one.
        is_neighborly: Whether it belongs to a node's neighbourhood; one that repeats another does not.
    """

    name: str
    starts: tuple[str, ...]
    types: tuple[str, ...]
    end: str
    is_outgoing: bool = True
    page_key: str | None = None
    is_link_keyed: bool = False
    is_descending: bool = False
    types_argument: str | None = None
    properties: tuple[str, ...] = ()
    defaults: tuple[tuple[str, Any], ...] = ()
    own_key: str | None = None
    is_neighborly: bool = True

    @property
    def is_many(self) -> bool:
        """Whether it leads to any number of nodes, in pages."""
        return self.page_key is not None

    @property
    def statement(self) -> str:
        """The name of the statement that follows it."""
        return "reading/expand_claims" if set(self.starts) <= set(CLAIM_SUBJECTS) else "reading/expand_nodes"


PREDICTOR: Final = Relation("predictor", _PREDICTION, ("MADE",), "Predictor", is_outgoing=False)
EPISODE: Final = Relation("episode", _PREDICTION, ("STATED_IN",), "Episode")
REFERENCE_CLASS: Final = Relation("reference_class", _PREDICTION, ("IN_CLASS",), "ReferenceClass")
DOMAIN: Final = Relation("domain", CLAIM_SUBJECTS, ("IN_DOMAIN",), "Domain")
MILESTONES: Final = Relation(
    "milestones", _PREDICTION, ("HAS_MILESTONE",), "Milestone", page_key="chain_key", defaults=(("hides_event", False),)
)
EVIDENCE: Final = Relation(
    "evidence",
    CLAIM_SUBJECTS,
    ("UPDATES",),
    "Evidence",
    is_outgoing=False,
    page_key="ledger_key",
    is_descending=True,
)
VALIDATIONS: Final = Relation(
    "validations",
    _PREDICTION,
    ("CHECKS",),
    "Validation",
    is_outgoing=False,
    page_key="check_key",
    is_descending=True,
)
EXPOSURES: Final = Relation(
    "exposures",
    _PREDICTION,
    EXPOSURE_SIGNS,
    "Ticker",
    page_key="prediction_key",
    is_link_keyed=True,
    types_argument="signs",
    properties=EXPOSURE_PROPERTIES,
)
DOCUMENTS: Final = Relation(
    "documents",
    CLAIM_SUBJECTS,
    ("ABOUT",),
    "Document",
    is_outgoing=False,
    page_key="claim_key",
    is_link_keyed=True,
    is_descending=True,
)
INCOMING: Final = Relation(
    "incoming",
    CLAIM_SUBJECTS,
    INFLUENCE_KINDS,
    CLAIM,
    is_outgoing=False,
    page_key="incoming_key",
    is_link_keyed=True,
    types_argument="kinds",
    properties=INFLUENCE_PROPERTIES,
)
OUTGOING: Final = Relation(
    "outgoing",
    CLAIM_SUBJECTS,
    INFLUENCE_KINDS,
    CLAIM,
    page_key="outgoing_key",
    is_link_keyed=True,
    types_argument="kinds",
    properties=INFLUENCE_PROPERTIES,
)
FORECASTS: Final = Relation(
    "forecasts",
    CLAIM_SUBJECTS,
    ("FORECASTS",),
    "Predictor",
    is_outgoing=False,
    page_key="forecast_key",
    is_link_keyed=True,
    is_descending=True,
    properties=FORECAST_PROPERTIES,
    own_key="id",
    is_neighborly=False,
)
PREDICTOR_FORECASTS: Final = Relation(
    "predictor_forecasts",
    ("Predictor",),
    ("FORECASTS",),
    CLAIM,
    page_key="predictor_forecast_key",
    is_link_keyed=True,
    is_descending=True,
    properties=FORECAST_PROPERTIES,
    own_key="id",
    is_neighborly=False,
)
PREDICTOR_PREDICTIONS: Final = Relation(
    "predictor_predictions", ("Predictor",), ("MADE",), "Prediction", page_key="predictor_deadline_key"
)
REFERENCE_CLASS_PREDICTIONS: Final = Relation(
    "reference_class_predictions",
    ("ReferenceClass",),
    ("IN_CLASS",),
    "Prediction",
    is_outgoing=False,
    page_key="class_deadline_key",
)
DOMAIN_PREDICTIONS: Final = Relation(
    "domain_predictions",
    ("Domain",),
    ("IN_DOMAIN",),
    "Prediction",
    is_outgoing=False,
    page_key="domain_deadline_key",
)
EPISODE_PREDICTIONS: Final = Relation(
    "episode_predictions",
    ("Episode",),
    ("STATED_IN",),
    "Prediction",
    is_outgoing=False,
    page_key="episode_deadline_key",
)
TICKER_EXPOSURES: Final = Relation(
    "ticker_exposures",
    ("Ticker",),
    EXPOSURE_SIGNS,
    "Prediction",
    is_outgoing=False,
    page_key="ticker_key",
    is_link_keyed=True,
    types_argument="signs",
    properties=EXPOSURE_PROPERTIES,
)
DOCUMENT_CLAIMS: Final = Relation(
    "document_claims", ("Document",), ("ABOUT",), CLAIM, page_key="document_key", is_link_keyed=True
)
MILESTONE_PREDICTION: Final = Relation(
    "milestone_prediction", ("Milestone",), ("HAS_MILESTONE",), "Prediction", is_outgoing=False
)
VALIDATION_PREDICTION: Final = Relation("validation_prediction", ("Validation",), ("CHECKS",), "Prediction")
EVIDENCE_CLAIM: Final = Relation("evidence_claim", ("Evidence",), ("UPDATES",), CLAIM)
EVIDENCE_PREDICTOR: Final = Relation("evidence_predictor", ("Evidence",), ("FROM",), "Predictor")
EVIDENCE_DOCUMENT: Final = Relation("evidence_document", ("Evidence",), ("FROM",), "Document")
EVIDENCE_MILESTONE: Final = Relation("evidence_milestone", ("Evidence",), ("FROM",), "Milestone")

RELATIONS: Final = (
    INCOMING,
    OUTGOING,
    EXPOSURES,
    TICKER_EXPOSURES,
    DOCUMENTS,
    DOCUMENT_CLAIMS,
    PREDICTOR,
    PREDICTOR_PREDICTIONS,
    EPISODE,
    EPISODE_PREDICTIONS,
    REFERENCE_CLASS,
    REFERENCE_CLASS_PREDICTIONS,
    DOMAIN,
    DOMAIN_PREDICTIONS,
    MILESTONES,
    MILESTONE_PREDICTION,
    EVIDENCE,
    EVIDENCE_CLAIM,
    EVIDENCE_PREDICTOR,
    EVIDENCE_DOCUMENT,
    EVIDENCE_MILESTONE,
    VALIDATIONS,
    VALIDATION_PREDICTION,
    FORECASTS,
    PREDICTOR_FORECASTS,
)
"""All relations, the most informative about a node first: a neighbourhood is filled in this order."""

RELATIONSHIP_TYPES: Final = tuple(dict.fromkeys(kind for relation in RELATIONS for kind in relation.types))
