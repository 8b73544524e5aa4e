"""The closed sets of words that properties take."""

from enum import StrEnum


class ClaimStatus(StrEnum):
    """Whether a claim's outcome is known."""

    OPEN = "OPEN"
    RESOLVED_TRUE = "RESOLVED_TRUE"
    RESOLVED_FALSE = "RESOLVED_FALSE"
    ANNULLED = "ANNULLED"


class PredictionMode(StrEnum):
    """How firmly a prediction was put."""

    PREDICTION = "PREDICTION"
    SPECULATION = "SPECULATION"
    FORECAST = "FORECAST"


class MilestoneKind(StrEnum):
    """The event itself, a sign that was researched, or a date by which something should have shown."""

    EVENT = "EVENT"
    RESEARCHED = "RESEARCHED"
    CHECK_IN = "CHECK_IN"


class MilestoneStatus(StrEnum):
    """What became of a milestone."""

    PENDING = "PENDING"
    OVERDUE = "OVERDUE"
    HIT = "HIT"
    MISSED = "MISSED"


class InfluenceKind(StrEnum):
    """How a parent claim bears on its child."""

    PREREQUISITE_OF = "PREREQUISITE_OF"
    KILLS = "KILLS"
    CORRELATES_WITH = "CORRELATES_WITH"


class ExposureSign(StrEnum):
    """Whether a prediction that comes true helps or harms a ticker."""

    BENEFITS = "BENEFITS"
    HARMS = "HARMS"
