"""Predictors' track records, computed from their resolved predictions and stored on the predictors' nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.calibration import CalibrationRecord, KappaInUse, calibration_record, kappa_in_use
from graph.inference.evidence import POLICY
from graph.inference.log_odds import optional_numbers
from graph.inference.policies import FOREGRAPH_2
from graph.inference.predictor_effects import PredictorEffects
from graph.inference.scoring import BoolArray
from graph.inference.statements import ResolvedClaims, StatedClaims
from graph.inference.time import MomentArray, moments_of, utc_moments, windows_of
from graph.ledger.settings import Setting, get_setting
from graph.model.page_keys import EPOCH, ranges, record_keys, stamp_text

NO_RECORD = calibration_record(np.empty(0), np.empty(0, np.bool_))

ELSEWHERE = "elsewhere"
"""The source of kappa where an imported record names none."""

BATCH_PREDICTORS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """
    A predictor's predictions that came true or false.

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


def record_by(resolved: Sequence[Mapping[str, Any]], moment: datetime) -> CalibrationRecord:
    """
    Compute the record of the outcomes that count at a moment: those of predictions that are due.

    Args:
        resolved: The `stated_probability`, `status`, `resolved_at` and `deadline` of predictions that came true or
            false.
        moment: The moment.
    """
    counted = [row for row in resolved if max(row["resolved_at"], row["deadline"] or row["resolved_at"]) <= moment]
    stated = np.array([row["stated_probability"] for row in counted], np.float64)
    return calibration_record(stated, np.array([row["status"] == "RESOLVED_TRUE" for row in counted], np.bool_))


def imported_record(properties: Mapping[str, Any]) -> KappaInUse | None:
    """Return the record that a predictor was imported with; None where it has no kappa or no count."""
    kappa, num_resolved = properties["record_kappa"], properties["record_n_resolved"]
    if kappa is None or num_resolved is None:
        return None
    return KappaInUse(kappa, properties["record_source"] or ELSEWHERE, properties["record_brier"], num_resolved)


def kappa_of(properties: Mapping[str, Any]) -> KappaInUse:
    """Return the record that weights a predictor's next evidence, from the properties of the predictor's node."""
    if properties["kappa"] is not None:
        return KappaInUse(
            properties["kappa"], properties["kappa_source"], properties["brier"], properties["n_resolved"]
        )
    return kappa_in_use(NO_RECORD, imported_record(properties))


def stored_record(in_use: KappaInUse) -> dict[str, Any]:
    """Return a record as the properties of its predictor's node."""
    return {
        "kappa": in_use.kappa,
        "kappa_source": in_use.source,
        "brier": in_use.brier,
        "n_resolved": in_use.num_resolved,
    }


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


async def list_records(
    unit: Unit, predictor_ids: Iterable[str], moment: datetime | None, setting: Setting | None = None
) -> list[tuple[Mapping[str, Any], KappaInUse]]:
    """
    List each predictor's stored properties, and its record recomputed from its resolved predictions.

    Args:
        unit: The transaction to read in.
        predictor_ids: The predictors.
        moment: The moment by which outcomes count; None for when each record was stored.
        setting: The graph's, which tells how kappa is computed; read when absent.
    """
    setting = await get_setting(unit) if setting is None else setting
    found = await list_outcomes(unit, predictor_ids, with_rates=setting.is_calibrated)
    return [
        (
            predictor,
            kappa_in_use(
                _weighted(outcomes, moment or _stored_at(predictor), is_calibrated=setting.is_calibrated),
                imported_record(predictor),
            ),
        )
        for predictor, outcomes in found
    ]


def _stored_at(predictor: Mapping[str, Any]) -> datetime:
    """Return when a predictor's record was last stored."""
    return predictor["record_at"] or datetime.now(UTC)


def _weighted(outcomes: Outcomes, moment: datetime, *, is_calibrated: bool) -> CalibrationRecord:
    """Compute a record with the kappa of the graph's policy."""
    own = outcomes.record(moment)
    return _under_policy(own, outcomes.by(moment)) if is_calibrated else own


def _under_policy(own: CalibrationRecord, outcomes: ResolvedClaims) -> CalibrationRecord:
    """Return a record with the kappa of foregraph-2."""
    return replace(own, kappa=round(FOREGRAPH_2.evidence_kappa(outcomes), POLICY.kappa_digits))


async def list_own_kappas(unit: Unit, predictor_ids: Sequence[str], moment: datetime) -> list[float]:
    """
    List the weight that each predictor's own outcomes give, by the graph's policy.

    Args:
        unit: The transaction to read in.
        predictor_ids: The predictors, all of which exist.
        moment: The moment by which outcomes count.
    """
    setting = await get_setting(unit)
    found = {
        predictor["id"]: _weighted(outcomes, moment, is_calibrated=setting.is_calibrated).kappa
        for predictor, outcomes in await list_outcomes(unit, predictor_ids, with_rates=setting.is_calibrated)
    }
    return [found[predictor_id] for predictor_id in predictor_ids]


@dataclass(frozen=True, slots=True)
class PastRecord:
    """
    A predictor's record as it was at a moment.

    Attributes:
        own: The record of the predictions resolved in this graph.
        elsewhere: The imported record; None without one.
        is_reconstructed: Whether it follows from what was recorded later than asked for.
        outcomes: The predictions whose outcomes counted, without the rates of their classes.
    """

    own: CalibrationRecord
    elsewhere: KappaInUse | None
    is_reconstructed: bool
    outcomes: ResolvedClaims

    def under(self, setting: Setting) -> "PastRecord":
        """Return it with the kappa of a graph's policy."""
        return replace(self, own=_under_policy(self.own, self.outcomes)) if setting.is_calibrated else self

    @property
    def effects(self) -> PredictorEffects:
        """The predictor's effects, by outcomes whose classes are left out."""
        return FOREGRAPH_2.effects(self.outcomes)


async def list_past_records(unit: Unit, asked: Sequence[tuple[str, datetime, datetime]]) -> list[PastRecord]:
    """
    Return predictors' records as they were.

    Args:
        unit: The transaction to read in.
        asked: For each the predictor, the moment that the record holds for, and the one by which outcomes are known.
    """
    rows = await unit.run(
        "ledger/list_past_records",
        asked=[
            {"index": index, "id": predictor_id, "as_of": as_of, "known": stamp_text(max(known_at, EPOCH))}
            for index, (predictor_id, as_of, known_at) in enumerate(asked)
        ],
    )
    return [
        PastRecord(
            Outcomes.of(row["outcomes"], {}).record(as_of),
            None if row["elsewhere"] is None else imported_record(row["elsewhere"]),
            row["is_early"],
            Outcomes.of(row["outcomes"], {}).by(as_of),
        )
        for row, (_, as_of, _) in zip(rows, asked, strict=True)
    ]


async def refresh_records(unit: Unit, predictor_ids: Iterable[str], moment: datetime) -> None:
    """Recompute and store predictors' records as of a moment; they weight later evidence only."""
    setting: Setting | None = None
    for part in slices(sorted(set(predictor_ids)), BATCH_PREDICTORS):
        setting = setting or await get_setting(unit)
        await unit.run("ledger/lock_predictors", ids=part)
        entries = [
            {
                "id": properties["id"],
                "properties": {
                    **stored_record(in_use),
                    "record_at": moment,
                    **record_keys(properties["id"], stored_record(in_use)),
                },
            }
            for properties, in_use in await list_records(unit, part, moment, setting)
            if any(properties[name] != value for name, value in stored_record(in_use).items())
        ]
        if entries:
            await unit.run("ledger/set_records", predictors=entries)
