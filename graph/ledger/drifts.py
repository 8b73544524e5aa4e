"""Drift of predictors and of reference classes, by the outcomes that count: those of claims that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from graph.database.sessions import Unit
from graph.inference.drift import Drift, drift_of
from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray
from graph.inference.time import MomentArray, datetime_of, utc_moments


@dataclass(frozen=True, slots=True)
class DatedDrift:
    """
    Drift by the outcomes that count at a moment.

    Attributes:
        sums: The cumulative sums.
        alerted_at: The moment of the outcome since which there is an alert; None without one.
    """

    sums: Drift
    alerted_at: datetime | None

    @classmethod
    def of(cls, counted_at: MomentArray, stated: FloatArray, came_true: BoolArray) -> Self:
        """
        Compute the drift by outcomes in their order.

        Args:
            counted_at: When each began to count, shape (n,).
            stated: The probability that was stated for each, shape (n,).
            came_true: Whether each came true, shape (n,).
        """
        sums = drift_of(stated, came_true)
        return cls(sums, None if sums.alerted_at is None else datetime_of(counted_at[sums.alerted_at]))


async def list_class_drifts(unit: Unit, asked: Sequence[tuple[str, float]], moment: datetime) -> list[DatedDrift]:
    """
    List the drifts of reference classes from their base rates.

    Args:
        unit: The transaction to read in.
        asked: The id and the base rate of each class.
        moment: The moment by which outcomes count.
    """
    rows = await unit.run("ledger/list_member_outcomes", ids=sorted({class_id for class_id, _ in asked}))
    found = {row["id"]: row["outcomes"] for row in rows}
    return [_drift_from(base_rate, found[class_id], moment) for class_id, base_rate in asked]


def _drift_from(base_rate: float, outcomes: Sequence[tuple[bool, datetime]], moment: datetime) -> DatedDrift:
    """Compute the drift from a base rate of outcomes in order, by those that count at a moment."""
    counted = [(at, came_true) for came_true, at in outcomes if at <= moment]
    return DatedDrift.of(
        utc_moments([at for at, _ in counted]),
        np.full(len(counted), base_rate),
        np.array([came_true for _, came_true in counted], np.bool_),
    )
