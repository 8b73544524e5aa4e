"""Enumerations of the values that properties take."""

from enum import StrEnum


class ClaimStatus(StrEnum):
    """A claim's status: open, resolved by its outcome, or annulled."""

    OPEN = "OPEN"
    RESOLVED_TRUE = "RESOLVED_TRUE"
    RESOLVED_FALSE = "RESOLVED_FALSE"
    ANNULLED = "ANNULLED"


class PredictionMode(StrEnum):
    """The firmness with which a prediction was stated."""

    PREDICTION = "PREDICTION"
    SPECULATION = "SPECULATION"
    FORECAST = "FORECAST"


class MilestoneKind(StrEnum):
    """The kind of a milestone: the event itself, a researched sign, or a date by which something should be visible."""

    EVENT = "EVENT"
    RESEARCHED = "RESEARCHED"
    CHECK_IN = "CHECK_IN"


class MilestoneStatus(StrEnum):
    """A milestone's status."""

    PENDING = "PENDING"
    OVERDUE = "OVERDUE"
    HIT = "HIT"
    MISSED = "MISSED"


class InfluenceKind(StrEnum):
    """The kind of bearing that a parent claim has on its child."""

    PREREQUISITE_OF = "PREREQUISITE_OF"
    KILLS = "KILLS"
    CORRELATES_WITH = "CORRELATES_WITH"


class ExposureSign(StrEnum):
    """The direction of a prediction's effect on a ticker."""

    BENEFITS = "BENEFITS"
    HARMS = "HARMS"
