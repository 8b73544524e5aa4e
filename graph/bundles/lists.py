"""A bundle's lists: their rows, statements and references."""

from collections.abc import Mapping

from graph.model.bundle import CLAIM_LISTS, LISTS
from graph.model.rows import (
    Document,
    DocumentLink,
    Domain,
    Episode,
    Evidence,
    Exposure,
    Influence,
    Killer,
    Milestone,
    Prediction,
    Predictor,
    PropagationRun,
    ReferenceClass,
    Row,
    SavedQuery,
    Scenario,
    Ticker,
    Validation,
)

KINDS: Mapping[str, type[Row]] = {
    "domains": Domain,
    "episodes": Episode,
    "predictors": Predictor,
    "reference_classes": ReferenceClass,
    "tickers": Ticker,
    "documents": Document,
    "predictions": Prediction,
    "scenarios": Scenario,
    "killers": Killer,
    "milestones": Milestone,
    "evidence": Evidence,
    "validations": Validation,
    "influences": Influence,
    "exposures": Exposure,
    "document_links": DocumentLink,
    "saved_queries": SavedQuery,
    "propagation_runs": PropagationRun,
}
UPSERTS = {name: f"{name}/upsert" for name in LISTS} | {"document_links": "documents/link"}
EXPORTS = {name: f"{name}/export" for name in LISTS} | {"document_links": "documents/export_links"}
# Which list a field that names an id refers to; "claims" stands for all three lists of claims.
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "predictions": {
        "predictor_id": "predictors",
        "episode_id": "episodes",
        "reference_class_id": "reference_classes",
        "domain_id": "domains",
    },
    "scenarios": {"domain_id": "domains"},
    "killers": {"domain_id": "domains"},
    "milestones": {"prediction_id": "predictions"},
    "evidence": {
        "claim_id": "claims",
        "predictor_id": "predictors",
        "document_id": "documents",
        "milestone_id": "milestones",
        "reference_class_id": "reference_classes",
    },
    "validations": {"prediction_id": "predictions"},
    "influences": {"parent_id": "claims", "child_id": "claims"},
    "exposures": {"prediction_id": "predictions", "symbol": "tickers"},
    "document_links": {"document_id": "documents", "claim_id": "claims"},
}
BELIEF_LISTS = frozenset({*CLAIM_LISTS, "evidence"})
LISTS_WITH_MOMENTS = BELIEF_LISTS | {"documents"}
"""Those whose statements take moments as text; the others have few."""

CLAIM_KINDS = {"predictions": "Prediction", "scenarios": "Scenario", "killers": "Killer"}
