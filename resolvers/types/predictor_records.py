"""Predictors' track records: stated probabilities compared with outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from graph.inference.calibration import kappa_in_use
from graph.ledger.predictor_records import calibration_record_of, imported_record
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.scalars import Probability

RECORD_READS = ("record_kappa", "record_brier", "record_n_resolved", "record_source")


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
class CalibrationRecord:
    """A predictor's track record, from predictions resolved in this graph; annulled ones do not count."""

    kappa: float = prop("Weight of the predictor's next evidence, 0.10 to 1.00, by the record in use.")
    kappa_source: str = prop(
        "The record in use: `resolved_predictions` for this one, otherwise the source of the imported one."
    )
    num_resolved: int = prop("Number of predictions resolved in this graph; if 0, all scores are null.")
    own_kappa: float = prop("Weight by the predictions resolved in this graph alone, 0.10 to 1.00.")
    slope: float | None = prop("Calibration slope through the origin, clipped to the range 0 to 1.")
    brier: float | None = prop("Brier score: mean squared error of the stated probabilities, 0 to 1; 0 is best.")
    log_score: float | None = prop("Mean of -ln of the probability given to the outcome, in nats; 0 is best.")
    corp: CorpDecomposition | None = prop("Decomposition of the Brier score.")
    cox: CoxFit | None = prop("Calibration intercept and slope; null if no finite line fits best.")
    curve: list[ReliabilityBin] = prop("The reliability curve, without empty bins.")


def shown_record(source: Mapping[str, Any], resolved: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A record in the response's shape."""
    stated = [row["stated_probability"] for row in resolved]
    own = calibration_record_of(stated, [row["status"] == "RESOLVED_TRUE" for row in resolved])
    in_use = kappa_in_use(own, imported_record(source))
    return {
        **asdict(own),
        "kappa": in_use.kappa,
        "kappa_source": in_use.source,
        "own_kappa": own.kappa,
    }
