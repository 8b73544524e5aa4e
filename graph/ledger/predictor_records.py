"""Predictors' track records, computed from their resolved predictions and stored on the predictors' nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.calibration import CalibrationRecord, KappaInUse, kappa_in_use
from graph.inference.evidence import POLICY
from graph.inference.policies import FOREGRAPH_2
from graph.inference.predictor_effects import PredictorEffects
from graph.inference.statements import ResolvedClaims
from graph.ledger.drifts import DatedDrift, known_by
from graph.ledger.local_records import NOTHING, PROPERTY, LocalRecord
from graph.ledger.predictor_outcomes import Outcomes, list_outcomes
from graph.ledger.settings import Setting, get_setting
from graph.model.page_keys import record_keys

ELSEWHERE = "elsewhere"
"""The source of kappa where an imported record names none."""

BATCH_PREDICTORS = 500


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
    return kappa_in_use(NOTHING.record, imported_record(properties))


def stored_record(in_use: KappaInUse) -> dict[str, Any]:
    """Return a record as the properties of its predictor's node."""
    return {
        "kappa": in_use.kappa,
        "kappa_source": in_use.source,
        "brier": in_use.brier,
        "n_resolved": in_use.num_resolved,
    }


@dataclass(frozen=True, slots=True)
class Recomputed:
    """
    A predictor's records as its resolved predictions have them.

    Attributes:
        predictor: The stored properties of the predictor's node.
        in_use: The record that weights the predictor's next evidence.
        local: Those of the outcomes in this graph; None without any.
    """

    predictor: Mapping[str, Any]
    in_use: KappaInUse
    local: LocalRecord | None

    @classmethod
    def of(cls, predictor: Mapping[str, Any], outcomes: Outcomes, moment: datetime, setting: Setting) -> "Recomputed":
        """Recompute them of outcomes, by those that count at a moment, under the graph's setting."""
        local = LocalRecord.of(outcomes, moment)
        own = local.record if not setting.is_calibrated else _under_policy(local.record, outcomes.by(moment))
        return cls(predictor, kappa_in_use(own, imported_record(predictor)), local if outcomes.came_true.size else None)

    def properties(self) -> dict[str, Any]:
        """Return what is stored of them on the predictor's node."""
        stored = stored_record(self.in_use)
        local = None if self.local is None else self.local.to_json()
        return stored | record_keys(self.predictor["id"], stored) | {PROPERTY: local}


async def list_records(
    unit: Unit, predictor_ids: Iterable[str], moment: datetime | None, setting: Setting | None = None
) -> list[Recomputed]:
    """
    List predictors' records, recomputed from their resolved predictions.

    Args:
        unit: The transaction to read in.
        predictor_ids: The predictors.
        moment: The moment by which outcomes count; None for when each record was stored.
        setting: The graph's, which tells how kappa is computed; read when absent.
    """
    setting = await get_setting(unit) if setting is None else setting
    found = await list_outcomes(unit, predictor_ids, with_rates=setting.is_calibrated)
    return [
        Recomputed.of(predictor, outcomes, moment or _stored_at(predictor), setting) for predictor, outcomes in found
    ]


def _stored_at(predictor: Mapping[str, Any]) -> datetime:
    """Return when a predictor's record was last stored."""
    return predictor["record_at"] or datetime.now(UTC)


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
    found: dict[str, float] = {}
    for predictor, outcomes in await list_outcomes(unit, predictor_ids, with_rates=setting.is_calibrated):
        own = outcomes.record(moment)
        found[predictor["id"]] = (_under_policy(own, outcomes.by(moment)) if setting.is_calibrated else own).kappa
    return [found[predictor_id] for predictor_id in predictor_ids]


async def list_local_records(unit: Unit, predictor_ids: Sequence[str], moment: datetime) -> list[LocalRecord]:
    """
    List what predictors' outcomes in this graph come to, computed anew.

    Args:
        unit: The transaction to read in.
        predictor_ids: The predictors, all of which exist.
        moment: The moment by which outcomes count.
    """
    found = {
        predictor["id"]: LocalRecord.of(outcomes, moment)
        for predictor, outcomes in await list_outcomes(unit, predictor_ids, with_rates=False)
    }
    return [found[predictor_id] for predictor_id in predictor_ids]


@dataclass(frozen=True, slots=True)
class PastRecord:
    """
    A predictor's record as it was at a moment.

    Attributes:
        own: The record of the predictions resolved in this graph.
        drift: Drift of their outcomes from what was stated.
        elsewhere: The imported record; None without one.
        is_reconstructed: Whether it follows from what was recorded later than asked for.
        outcomes: The predictions whose outcomes counted, without the rates of their classes.
    """

    own: CalibrationRecord
    drift: DatedDrift
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
    rows = await unit.run("ledger/list_past_records", asked=known_by(asked))
    return [_past_record(row, as_of) for row, (_, as_of, _) in zip(rows, asked, strict=True)]


def _past_record(row: Mapping[str, Any], as_of: datetime) -> PastRecord:
    outcomes = Outcomes.of(row["outcomes"], {})
    return PastRecord(
        own=outcomes.record(as_of),
        drift=outcomes.drift(as_of),
        elsewhere=None if row["elsewhere"] is None else imported_record(row["elsewhere"]),
        is_reconstructed=row["is_early"],
        outcomes=outcomes.by(as_of),
    )


async def refresh_records(unit: Unit, predictor_ids: Iterable[str], moment: datetime) -> dict[str, KappaInUse]:
    """
    Recompute and store predictors' records as of a moment; they weight later evidence only.

    Returns:
        The record in use of each predictor by id.
    """
    setting: Setting | None = None
    in_use: dict[str, KappaInUse] = {}
    for part in slices(sorted(set(predictor_ids)), BATCH_PREDICTORS):
        setting = setting or await get_setting(unit)
        await unit.run("ledger/lock_predictors", ids=part)
        entries = []
        for recomputed in await list_records(unit, part, moment, setting):
            predictor, properties = recomputed.predictor, recomputed.properties()
            in_use[predictor["id"]] = recomputed.in_use
            if any(predictor[name] != value for name, value in properties.items()):
                entries.append({"id": predictor["id"], "properties": {**properties, "record_at": moment}})
        if entries:
            await unit.run("ledger/set_records", predictors=entries)
    return in_use
