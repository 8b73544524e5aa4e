"""Enumerations of the values that properties take."""

from enum import StrEnum


class ClaimStatus(StrEnum):
    """Whether a claim is OPEN, RESOLVED_TRUE, RESOLVED_FALSE, or ANNULLED, which counts in no track record."""

    OPEN = "OPEN"
    RESOLVED_TRUE = "RESOLVED_TRUE"
    RESOLVED_FALSE = "RESOLVED_FALSE"
    ANNULLED = "ANNULLED"

    @property
    def known_value(self) -> float | None:
        """The value of a claim in a sum over claims that come true: None for an open one, 0 for an annulled one."""
        if self is ClaimStatus.OPEN:
            return None
        return 1.0 if self is ClaimStatus.RESOLVED_TRUE else 0.0


class PredictorKind(StrEnum):
    """Whether forecasts come from a PERSON, a MODEL, or a MARKET, whose prices are taken as probabilities."""

    PERSON = "PERSON"
    MODEL = "MODEL"
    MARKET = "MARKET"


class PredictionMode(StrEnum):
    """The firmness with which a prediction was stated, as classified by its source."""

    PREDICTION = "PREDICTION"
    SPECULATION = "SPECULATION"
    FORECAST = "FORECAST"


class MilestoneKind(StrEnum):
    """
    EVENT is the predicted event itself, RESEARCHED a sign found by research, CHECK_IN a date by which progress should
    be visible.
    """

    EVENT = "EVENT"
    RESEARCHED = "RESEARCHED"
    CHECK_IN = "CHECK_IN"


class MilestoneStatus(StrEnum):
    """
    PENDING at first, OVERDUE once its date and seven days of grace have passed unobserved, HIT when it was observed,
    MISSED when it is known not to have happened.
    """

    PENDING = "PENDING"
    OVERDUE = "OVERDUE"
    HIT = "HIT"
    MISSED = "MISSED"


class InfluenceKind(StrEnum):
    """The bearing of a parent claim on its child: as a prerequisite, as what would make it fail, or by correlation."""

    PREREQUISITE_OF = "PREREQUISITE_OF"
    KILLS = "KILLS"
    CORRELATES_WITH = "CORRELATES_WITH"


class ExposureSign(StrEnum):
    """Whether a prediction that comes true benefits or harms a ticker."""

    BENEFITS = "BENEFITS"
    HARMS = "HARMS"


class FamilyKind(StrEnum):
    """
    The tie between the claims of a family: one event by several dates (BY_WHEN), or outcomes of which at most one comes
    true (EXCLUSIVE).
    """

    BY_WHEN = "BY_WHEN"
    EXCLUSIVE = "EXCLUSIVE"


class FamilyRole(StrEnum):
    """
    The role of a claim in a family: that the event happens by the claim's deadline, or that it does not before; every
    outcome of a group has the former.
    """

    BY = "BY"
    NOT_BEFORE = "NOT_BEFORE"


class VersionSubject(StrEnum):
    """The kind of node or relationship that a version is of."""

    CLAIM = "CLAIM"
    REFERENCE_CLASS = "REFERENCE_CLASS"
    PREDICTOR = "PREDICTOR"
    MILESTONE = "MILESTONE"
    EXPOSURE = "EXPOSURE"
    GRAPH = "GRAPH"


class ParameterType(StrEnum):
    """
    The type of a saved query's parameter: a text, a whole number of 64 bits, a number, true or false, a day, a moment
    with its offset, or a list of texts.
    """

    STRING = "STRING"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    DATE_TIME = "DATE_TIME"
    STRING_LIST = "STRING_LIST"

    @classmethod
    def _missing_(cls, value: object) -> "ParameterType | None":
        """Take the spelling of older bundles."""
        return cls.DATE_TIME if value == "DATETIME" else None
