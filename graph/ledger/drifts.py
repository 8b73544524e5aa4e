"""Drift of predictors and of reference classes, by the outcomes that count: those of claims that are due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from graph.database.sessions import Unit
from graph.inference.drift import Drift, drift_of
from graph.model.kinds import ClaimStatus


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


_OUTCOME = ("id", "stated_probability", "status")

Counted = tuple[datetime, float, bool]
"""When an outcome began to count, the probability that was stated for it, and whether it came true."""


def predictor_drift(resolved: Sequence[Mapping[str, Any]], moment: datetime) -> DatedDrift:
    """
    Compute a predictor's drift from what was stated.

    Args:
        resolved: The `id`, `stated_probability`, `status`, `resolved_at` and `deadline` of predictions that came true
            or false.
        moment: The moment by which they count.
    """
    counted = [
        (
            max(row["resolved_at"], row["deadline"] or row["resolved_at"]),
            row["id"],
            row["stated_probability"],
            row["status"],
        )
        for row in resolved
    ]
    outcomes = ((at, stated, status == ClaimStatus.RESOLVED_TRUE) for at, _, stated, status in sorted(counted))
    return _drift_by(outcomes, moment)


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
    return [
        _drift_by(((at, base_rate, came_true) for came_true, at in found[class_id]), moment)
        for class_id, base_rate in asked
    ]


def _drift_by(outcomes: Iterable[Counted], moment: datetime) -> DatedDrift:
    counted = [row for row in outcomes if row[0] <= moment]
    stated, came_true = np.array([row[1] for row in counted]), np.array([row[2] for row in counted], np.bool_)
    sums = drift_of(stated, came_true)
    return DatedDrift(sums, None if sums.alerted_at is None else counted[sums.alerted_at][0])
