"""Drift of predictors and of reference classes, by the outcomes that count: those of claims that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np

from graph.database.sessions import Unit
from graph.inference.drift import Drift, drift_of
from graph.inference.log_odds import FloatArray
from graph.inference.scoring import BoolArray
from graph.inference.time import EPOCH, MomentArray, datetime_of, moments_of, utc_moments
from graph.model.page_keys import stamp_text


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


@dataclass(frozen=True, slots=True)
class PastDrift:
    """
    A drift as it was at a moment.

    Attributes:
        drift: The drift.
        is_reconstructed: Whether it follows from what was recorded later than asked for.
    """

    drift: DatedDrift
    is_reconstructed: bool


def known_by(asked: Sequence[tuple[str, datetime, datetime]]) -> list[dict[str, Any]]:
    """
    Return questions about the past as statements take them.

    Args:
        asked: For each the id of a node, the moment that the answer holds for, and the one by which outcomes are known.
    """
    return [
        {"index": index, "id": node_id, "as_of": as_of, "known": stamp_text(max(known_at, EPOCH))}
        for index, (node_id, as_of, known_at) in enumerate(asked)
    ]


async def list_past_class_drifts(unit: Unit, asked: Sequence[tuple[str, datetime, datetime]]) -> list[PastDrift]:
    """
    List the drifts of reference classes as they were, from the base rates of then.

    Args:
        unit: The transaction to read in.
        asked: For each the class, the moment that the drift holds for, and the one by which outcomes are known.
    """
    rows = await unit.run("ledger/list_past_members", asked=known_by(asked))
    return [
        PastDrift(_drift_from(row["base_rate"], row["outcomes"], as_of), row["is_early"])
        for row, (_, as_of, _) in zip(rows, asked, strict=True)
    ]


def _drift_from(base_rate: float, outcomes: Sequence[tuple[bool, int]], moment: datetime) -> DatedDrift:
    """Compute the drift from a base rate of outcomes in order, in microseconds, by those that count at a moment."""
    came_true, counted_at = zip(*outcomes, strict=True) if outcomes else ((), ())
    moments = moments_of(counted_at)
    is_counted = moments <= utc_moments([moment])[0]
    stated = np.full(int(is_counted.sum()), base_rate)
    return DatedDrift.of(moments[is_counted], stated, np.array(came_true, np.bool_)[is_counted])
