"""Outcomes of a predictor's predictions, and what they come to once they count: when their predictions are due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from graph.database.sessions import Unit
from graph.inference.calibration import CalibrationRecord, calibration_record
from graph.inference.log_odds import optional_numbers
from graph.inference.scoring import BoolArray
from graph.inference.statements import ResolvedClaims, StatedClaims
from graph.inference.time import MomentArray, datetime_of, moments_of, utc_moments, windows_of
from graph.ledger.drifts import DatedDrift
from graph.model.page_keys import ranges


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """
    A predictor's predictions that came true or false, in the order of their outcomes.

    Attributes:
        claims: As they were stated, by a predictor without effects, shape (n,).
        came_true: Whether each came true, shape (n,).
        counted_at: Moment from which each counts: once it is known and due, shape (n,).
    """

    claims: StatedClaims
    came_true: BoolArray
    counted_at: MomentArray

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], base_rates: Mapping[str, float]) -> "Outcomes":
        """
        Make them of a statement's rows, moments in microseconds.

        Args:
            rows: Stated probability, whether it came true, the moment of the outcome, year, start and end of the
                window, deadline, and id of the class of each.
            base_rates: Rates of the classes by id.
        """
        columns = zip(*rows, strict=True) if rows else [()] * 8
        stated, came_true, resolved, from_years, window_starts, window_ends, deadlines, class_ids = columns
        starts, ends = windows_of(from_years, window_starts, window_ends)
        nothing = np.zeros(len(stated))
        claims = StatedClaims(
            np.array(stated, np.float64),
            np.full(len(stated), np.datetime64("NaT"), "datetime64[us]"),
            starts,
            ends,
            optional_numbers([base_rates.get(class_id) for class_id in class_ids]),
            nothing,
            nothing,
        )
        return cls(claims, np.array(came_true, np.bool_), np.fmax(moments_of(resolved), moments_of(deadlines)))

    def by(self, moment: datetime) -> ResolvedClaims:
        """Return those that count at a moment."""
        (at,) = utc_moments([moment])
        counted = np.flatnonzero(self.counted_at <= at)
        return ResolvedClaims(self.claims.take(counted), self.came_true[counted], np.arange(counted.size))

    def record(self, moment: datetime) -> CalibrationRecord:
        """Compute the record of those that count at a moment."""
        counted = self.by(moment)
        return calibration_record(counted.claims.stated, counted.outcomes)

    def drift(self, moment: datetime) -> DatedDrift:
        """Compute the drift from what was stated, in the order in which outcomes came to count by a moment."""
        order = np.argsort(self.counted_at, kind="stable")
        order = order[self.counted_at[order] <= utc_moments([moment])[0]]
        return DatedDrift.of(self.counted_at[order], self.claims.stated[order], self.came_true[order])

    def next_counted(self, moment: datetime) -> datetime | None:
        """Return when the next of them counts after a moment; None if none is waiting."""
        waiting = self.counted_at[self.counted_at > utc_moments([moment])[0]]
        return datetime_of(waiting.min()) if waiting.size else None


async def list_outcomes(
    unit: Unit, predictor_ids: Iterable[str], *, with_rates: bool
) -> list[tuple[Mapping[str, Any], Outcomes]]:
    """List each predictor's stored properties and outcomes; these with the rates of their classes if asked for."""
    rows = await unit.run("ledger/list_records", predictors=ranges(sorted(predictor_ids)))
    class_ids = sorted({outcome[-1] for row in rows for outcome in row["outcomes"] if outcome[-1] is not None})
    base_rates: dict[str, float] = {}
    if with_rates and class_ids:
        (found,) = await unit.run("ledger/list_rates", ids=class_ids)
        base_rates = dict(found["rates"])
    return [(row["predictor"], Outcomes.of(row["outcomes"], base_rates)) for row in rows]
