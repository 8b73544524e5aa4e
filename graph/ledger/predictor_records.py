"""Predictors' track records, computed from their resolved predictions and stored on the predictors' nodes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.calibration import CalibrationRecord, KappaInUse, calibration_record, kappa_in_use
from graph.model.page_keys import ranges, record_keys

ELSEWHERE = "elsewhere"
"""The source of kappa where an imported record names none."""

BATCH_PREDICTORS = 500


def calibration_record_of(stated: Sequence[float], outcomes: Sequence[bool]) -> CalibrationRecord:
    """Compute the record of resolved predictions: stated probabilities and outcomes, of equal length."""
    return calibration_record(np.asarray(stated, dtype=np.float64), np.asarray(outcomes, dtype=np.bool_))


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
    return kappa_in_use(calibration_record_of((), ()), imported_record(properties))


def stored_record(in_use: KappaInUse) -> dict[str, Any]:
    """Return a record as the properties of its predictor's node."""
    return {
        "kappa": in_use.kappa,
        "kappa_source": in_use.source,
        "brier": in_use.brier,
        "n_resolved": in_use.num_resolved,
    }


async def list_records(unit: Unit, predictor_ids: Iterable[str]) -> list[tuple[Mapping[str, Any], KappaInUse]]:
    """List each predictor's stored properties, and its record recomputed from its resolved predictions."""
    rows = await unit.run("ledger/list_records", predictors=ranges(sorted(predictor_ids)))
    return [
        (
            row["predictor"],
            kappa_in_use(calibration_record_of(row["stated"], row["outcomes"]), imported_record(row["predictor"])),
        )
        for row in rows
    ]


async def refresh_records(unit: Unit, predictor_ids: Iterable[str]) -> None:
    """Recompute and store predictors' records; they weight later evidence only."""
    for part in slices(sorted(set(predictor_ids)), BATCH_PREDICTORS):
        await unit.run("ledger/lock_predictors", ids=part)
        entries = [
            {
                "id": properties["id"],
                "properties": stored_record(in_use) | record_keys(properties["id"], stored_record(in_use)),
            }
            for properties, in_use in await list_records(unit, part)
            if any(properties[name] != value for name, value in stored_record(in_use).items())
        ]
        if entries:
            await unit.run("ledger/set_records", predictors=entries)
