"""The closed sets of words that properties take."""

from enum import StrEnum


class ClaimStatus(StrEnum):
    """Whether an outcome is known: OPEN, RESOLVED_TRUE, RESOLVED_FALSE, or ANNULLED, which never counts."""

    OPEN = "OPEN"
    RESOLVED_TRUE = "RESOLVED_TRUE"
    RESOLVED_FALSE = "RESOLVED_FALSE"
    ANNULLED = "ANNULLED"


class PredictionMode(StrEnum):
    """How firmly a prediction was put, as its source classed it."""

    PREDICTION = "PREDICTION"
    SPECULATION = "SPECULATION"
    FORECAST = "FORECAST"


class MilestoneKind(StrEnum):
    """
    EVENT is the predicted event itself, RESEARCHED a sign somebody looked up, CHECK_IN a date by which something should
    have shown.
    """

    EVENT = "EVENT"
    RESEARCHED = "RESEARCHED"
    CHECK_IN = "CHECK_IN"


class MilestoneStatus(StrEnum):
    """
    PENDING before its date, OVERDUE when the date and seven days of grace have passed unobserved, HIT when observed,
    MISSED when known not to have come.
    """

    PENDING = "PENDING"
    OVERDUE = "OVERDUE"
    HIT = "HIT"
    MISSED = "MISSED"


class InfluenceKind(StrEnum):
    """How a parent claim bears on its child: what must come first, what would kill it, what goes with it."""

    PREREQUISITE_OF = "PREREQUISITE_OF"
    KILLS = "KILLS"
    CORRELATES_WITH = "CORRELATES_WITH"


class ExposureSign(StrEnum):
    """Whether a prediction that comes true benefits or harms a ticker."""

    BENEFITS = "BENEFITS"
    HARMS = "HARMS"
