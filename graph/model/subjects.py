"""The subjects of the graph: its labels."""

import re
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


def words_of(subject: str) -> str:
    """A subject's name in words, such as `reference class`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", subject).lower()
