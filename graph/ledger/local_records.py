"""
Records and drifts by predictors' outcomes in this graph, stored on the predictors' nodes.

An outcome counts once its prediction is due, so a stored record holds until the next one does. It is kept as one JSON
text, so that reading it costs the same whether it was made of ten outcomes or of ten thousand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
from pydantic import TypeAdapter

from graph.inference.calibration import CalibrationRecord, calibration_record
from graph.inference.drift import NO_DRIFT
from graph.ledger.drifts import DatedDrift
from graph.ledger.predictor_outcomes import Outcomes

PROPERTY: Final = "local_record"
"""The property of a predictor's node that holds the JSON; absent from a predictor without outcomes."""


@dataclass(frozen=True, slots=True)
class LocalRecord:
    """
    Record and drift that follow from a predictor's outcomes in this graph.

    Attributes:
        record: Scores of what was stated.
        drift: Drift from what was stated.
        until: The moment at which the next outcome counts, and this holds no longer; None if none is waiting.
    """

    record: CalibrationRecord
    drift: DatedDrift
    until: datetime | None = None

    @classmethod
    def of(cls, outcomes: Outcomes, moment: datetime) -> Self:
        """Compute it at a moment."""
        return cls(outcomes.record(moment), outcomes.drift(moment), outcomes.next_counted(moment))

    def holds_at(self, moment: datetime) -> bool:
        """Whether it still holds at a moment."""
        return self.until is None or moment < self.until

    def to_json(self) -> str:
        """Return it as JSON, from which `read_local_record` makes an equal one."""
        return _ADAPTER.dump_json(self).decode()


NOTHING: Final = LocalRecord(calibration_record(np.empty(0), np.empty(0, np.bool_)), DatedDrift(NO_DRIFT, None))
"""That of a predictor without outcomes."""

_ADAPTER: Final = TypeAdapter(LocalRecord)


def read_local_record(properties: Mapping[str, Any]) -> LocalRecord:
    """Return what is stored among the properties of a predictor's node."""
    text = properties[PROPERTY]
    return NOTHING if text is None else _ADAPTER.validate_json(text)
