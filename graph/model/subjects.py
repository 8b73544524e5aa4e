"""The subjects of the graph: its labels."""

from collections.abc import Iterable

SUBJECTS = (
    "Prediction",
    "Scenario",
    "Killer",
    "Predictor",
    "ReferenceClass",
    "Milestone",
    "Evidence",
    "Validation",
    "Ticker",
    "Document",
    "Episode",
    "Domain",
)
CLAIM_SUBJECTS = ("Prediction", "Scenario", "Killer")


def subject_of(labels: Iterable[str]) -> str:
    """What kind of node has these labels."""
    return next(label for label in labels if label in SUBJECTS)
