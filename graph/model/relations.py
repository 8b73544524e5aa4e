"""Every relation that can be followed from a node."""

from dataclasses import dataclass

INFLUENCE_KINDS = ("PREREQUISITE_OF", "KILLS", "CORRELATES_WITH")
EXPOSURE_SIGNS = ("BENEFITS", "HARMS")


@dataclass(frozen=True, slots=True)
class Relation:
    """
    A way from a node to others.

    Attributes:
        statement: Which statement follows it.
        parameter: Under which name the statement takes its requests.
        is_many: Whether there may be many rows, so that it comes in pages.
        is_descending: Whether pages run from the highest page key to the lowest.
        link: The relationship's properties that there are, none where the relationship has none of interest.
    """

    statement: str
    parameter: str
    is_many: bool = True
    is_descending: bool = False
    link: tuple[str, ...] = ()


INFLUENCE_LINK = ("kind", "parent_id", "child_id", "p_if_true", "p_if_false", "lag_days", "basis")
EXPOSURE_LINK = ("sign", "prediction_id", "symbol", "relevance", "impact", "basis", "source", "lag_days")

PREDICTOR = Relation("reading/expand_claims", "predictor", is_many=False)
EPISODE = Relation("reading/expand_claims", "episode", is_many=False)
REFERENCE_CLASS = Relation("reading/expand_claims", "reference_class", is_many=False)
DOMAIN = Relation("reading/expand_claims", "domain", is_many=False)
MILESTONES = Relation("reading/expand_claims", "milestones")
EVIDENCE = Relation("reading/expand_claims", "evidence", is_descending=True)
VALIDATIONS = Relation("reading/expand_claims", "validations", is_descending=True)
EXPOSURES = Relation("reading/expand_claims", "exposures", link=EXPOSURE_LINK)
DOCUMENTS = Relation("reading/expand_claims", "documents", is_descending=True)
INCOMING = Relation("reading/expand_claims", "incoming", link=INFLUENCE_LINK)
OUTGOING = Relation("reading/expand_claims", "outgoing", link=INFLUENCE_LINK)
PREDICTOR_RECORD = Relation("reading/expand_nodes", "predictor_record")
PREDICTOR_PREDICTIONS = Relation("reading/expand_nodes", "predictor_predictions")
REFERENCE_CLASS_PREDICTIONS = Relation("reading/expand_nodes", "reference_class_predictions")
DOMAIN_PREDICTIONS = Relation("reading/expand_nodes", "domain_predictions")
EPISODE_PREDICTIONS = Relation("reading/expand_nodes", "episode_predictions")
TICKER_EXPOSURES = Relation("reading/expand_nodes", "ticker_exposures", link=EXPOSURE_LINK)
DOCUMENT_CLAIMS = Relation("reading/expand_nodes", "document_claims")
MILESTONE_PREDICTION = Relation("reading/expand_nodes", "milestone_prediction", is_many=False)
VALIDATION_PREDICTION = Relation("reading/expand_nodes", "validation_prediction", is_many=False)
EVIDENCE_CLAIM = Relation("reading/expand_nodes", "evidence_claim", is_many=False)
EVIDENCE_PREDICTOR = Relation("reading/expand_nodes", "evidence_predictor", is_many=False)
EVIDENCE_DOCUMENT = Relation("reading/expand_nodes", "evidence_document", is_many=False)
EVIDENCE_MILESTONE = Relation("reading/expand_nodes", "evidence_milestone", is_many=False)

RELATIONS = tuple(value for value in tuple(globals().values()) if isinstance(value, Relation))
