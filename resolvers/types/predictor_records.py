"""Predictors' track records: stated probabilities compared with outcomes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import strawberry
from strawberry.types import Info

from graph.inference.calibration import OWN_RECORD, KappaInUse, kappa_in_use
from graph.inference.calibration import CalibrationRecord as CalibrationRecordFigures
from graph.inference.drift import THRESHOLD
from graph.ledger.drifts import DatedDrift
from graph.ledger.predictor_records import stored_record
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.extents import Extent, extent
from resolvers.base.fields import prop
from resolvers.base.figures import figures
from resolvers.base.relay import DEFAULT_PAGE_SIZE
from resolvers.base.scalars import Moment, Probability

RECORD_READS = ("record_kappa", "record_brier", "record_n_resolved", "record_source")
STORED_READS = ("kappa", "kappa_source", "brier", "n_resolved")


@object_type
class ReliabilityBin:
    """A bin of a reliability curve: predictions with similar stated probabilities."""

    lower: float = prop("Lower edge of the bin, inclusive.")
    upper: float = prop("Upper edge of the bin, exclusive except in the last bin.")
    count: int = prop("Number of predictions in the bin.", name="predictionCount")
    num_true: int = prop("Number of the bin's predictions that came true.")
    mean_stated: Probability = prop("Mean stated probability of the bin's predictions.", name="meanStatedProbability")
    frequency: float = prop("Fraction of the bin's predictions that came true, 0 to 1.")
    interval_low: float = prop("Lower end of the 95% Wilson interval of `frequency`.")
    interval_high: float = prop("Upper end of the 95% Wilson interval of `frequency`.")


@object_type
class CorpDecomposition:
    """The Brier score as miscalibration - discrimination + uncertainty, by isotonic regression (CORP)."""

    miscalibration: float = prop("Improvement that recalibration would bring; 0 is best.")
    discrimination: float = prop(
        "Improvement of the recalibrated forecasts over always stating the base rate; more is better."
    )
    uncertainty: float = prop("Score of always stating the base rate.")


@object_type
class CoxFit:
    """The line logit P(yes) = intercept + slope · logit(stated), by maximum likelihood."""

    intercept: float = prop("Intercept in log-odds: 0 is best; above 0, events happen more often than stated.")
    slope: float = prop("Slope: 1 is best; below 1, the forecasts are too extreme.")


@object_type
class CalibrationDrift:
    """
    Drift of outcomes from stated probabilities by CUSUM: sums of standardized errors (o - p) / √(p (1 - p)), less 0.5
    each, towards either side, which never fall below 0.
    """

    above_stated: float = prop("Sum towards coming true more often than stated.")
    below_stated: float = prop("Sum towards coming true less often than stated.")
    is_alert: bool = prop(f"Whether one of them has reached {THRESHOLD:.0f}.")
    alerted_at: Moment | None = prop("Since when that is so, the moment of an outcome; null otherwise.")
    outcome_count: int = prop("Number of outcomes that count.")
    is_reconstructed: bool = prop(
        "Whether it follows from values that were recorded after the moment asked for, as there are none before."
    )


def shown_drift(found: DatedDrift, *, is_reconstructed: bool = False) -> dict[str, Any]:
    """A drift in the response's shape."""
    return {
        **figures({"above_stated": found.sums.above, "below_stated": found.sums.below}),
        "is_alert": found.alerted_at is not None,
        "alerted_at": found.alerted_at,
        "outcome_count": found.sums.num_outcomes,
        "is_reconstructed": is_reconstructed,
    }


@object_type
class PredictorWeight:
    """Weight of a predictor's evidence, and the record that it comes from."""

    kappa: float = prop("The weight, 0.10 to 1.00.")
    kappa_source: str = prop("The record that the weight comes from.")
    brier: float | None = prop("Brier score of the record, if known: mean squared error, 0 is best.")
    n_resolved: int = prop("Number of resolved predictions in the record.")


async def _own_kappa(source: Mapping[str, Any], info: Info[Context, Any]) -> float:
    known: float | None = source["known_kappa"]
    return await info.context.own_kappas.load(source["predictor_id"]) if known is None else known


@object_type
class LocalRecord:
    """A track record from the predictions that were resolved in this graph; annulled ones do not count."""

    num_resolved: int = prop("Number of predictions resolved in this graph; if 0, all scores are null.")
    slope: float | None = prop("Calibration slope through the origin, clipped to the range 0 to 1.")
    brier: float | None = prop("Brier score: mean squared error of the stated probabilities, 0 to 1; 0 is best.")
    log_score: float | None = prop("Mean of -ln of the probability given to the outcome, in nats; 0 is best.")
    corp: CorpDecomposition | None = prop("Decomposition of the Brier score.")
    cox: CoxFit | None = prop("Calibration intercept and slope; null if no finite line fits best.")
    curve: list[ReliabilityBin] = prop("The reliability curve, without empty bins.")

    @field(metadata=extent(lambda _: Extent(rows=DEFAULT_PAGE_SIZE)))
    async def kappa(self: Any, info: Info[Context, Any]) -> float:
        """Weight that this record gives by the graph's policy, 0.10 to 1.00."""
        return await _own_kappa(self, info)


def _of_local(name: str, python_name: str = "", meaning: str = "The same") -> Any:
    return strawberry.field(
        description=f"{meaning} as `local.{name}`.",
        deprecation_reason=f"It stands beside figures of another record; use `local.{name}`.",
        resolver=lambda root: root["local"][python_name or name],
    )


def _of_effective(name: str, python_name: str = "") -> Any:
    return strawberry.field(
        description=f"The same as `effective.{name}`.",
        deprecation_reason=f"It stands beside figures of another record; use `effective.{name}`.",
        resolver=lambda root: root["effective"][python_name or name],
    )


@object_type
class CalibrationRecord:
    """
    A predictor's track record: the one that weighs evidence, that of this graph, and the one kept elsewhere.

    The imported one weighs until as many predictions were resolved here.
    """

    effective: PredictorWeight = prop(
        "The record that weighs the predictor's next evidence: the local or the imported one, as of its last refresh, "
        "which follows each outcome and each day; with `asOf` as it was then."
    )
    local: LocalRecord = prop("The record of the predictions that were resolved in this graph, and are due.")
    imported: PredictorWeight | None = prop("The record kept elsewhere, as imported; null without one.")
    is_reconstructed: bool = prop(
        "Whether it follows from what was recorded after the moment asked for, as there is nothing before."
    )
    kappa: float = _of_effective("kappa")
    kappa_source: str = _of_effective("kappaSource", "kappa_source")
    num_resolved: int = _of_local("resolvedCount", "num_resolved", "Number of resolved predictions")
    slope: float | None = _of_local("slope")
    brier: float | None = _of_local("brier")
    log_score: float | None = _of_local("logScore", "log_score")
    corp: CorpDecomposition | None = _of_local("corp")
    cox: CoxFit | None = _of_local("cox")
    curve: list[ReliabilityBin] = _of_local("curve")

    @field(
        deprecation_reason="It stands beside figures of another record; use `local.kappa`.",
        metadata=extent(lambda _: Extent(rows=DEFAULT_PAGE_SIZE)),
    )
    async def own_kappa(self: Any, info: Info[Context, Any]) -> float:
        """The same as `local.kappa`."""
        return await _own_kappa(self["local"], info)


def shown_record(
    own: CalibrationRecordFigures,
    elsewhere: KappaInUse | None,
    *,
    effective: KappaInUse | None = None,
    predictor_id: str | None = None,
    is_reconstructed: bool = False,
) -> dict[str, Any]:
    """
    A record in the response's shape.

    Args:
        own: The record of the predictions resolved in this graph.
        elsewhere: The imported record; None without one.
        effective: The record in use, as stored; None for the one that follows from the others.
        predictor_id: The predictor, whose weight by `own` is read where the record in use does not tell it; None where
            `own` has the weight of the graph's policy.
        is_reconstructed: Whether it follows from what was recorded after the moment asked for.
    """
    in_use = effective or kappa_in_use(own, elsewhere)
    is_told = in_use.source == OWN_RECORD and in_use.num_resolved == own.num_resolved
    known = in_use.kappa if is_told else (own.kappa if predictor_id is None else None)
    local = figures(asdict(own)) | {"known_kappa": known, "predictor_id": predictor_id}
    for name in ("corp", "cox"):
        local[name] = local[name] and figures(local[name])
    return {
        "effective": _shown_weight(in_use),
        "local": local | {"curve": [figures(part) for part in local["curve"]]},
        "imported": None if elsewhere is None else _shown_weight(elsewhere),
        "is_reconstructed": is_reconstructed,
    }


def _shown_weight(record: KappaInUse) -> dict[str, Any]:
    return figures(stored_record(record))
