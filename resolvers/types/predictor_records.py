"""Predictors' records: how what they stated compared with what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import strawberry

from graph.inference.calibration import kappa_in_use
from graph.ledger.predictor_records import calibration_record_of, imported_record
from resolvers.base.fields import prop

RECORD_READS = ("record_kappa", "record_brier", "record_n_resolved", "record_source")


@strawberry.type(description="A bin of a reliability curve: forecasts of about one probability.")
class ReliabilityBin:
    """A bin of a reliability curve."""

    lower: float = prop("The smallest probability that belongs to it.")
    upper: float = prop("The next bin's smallest.")
    count: int = prop("How many predictions fell into it.")
    num_true: int = prop("How many of them came true.")
    mean_stated: float = prop("Their mean stated probability.")
    frequency: float = prop("The share that came true.")
    interval_low: float = prop("The lower end of the frequency's 95 % Wilson interval.")
    interval_high: float = prop("Its upper end.")


@strawberry.type(
    description="The Brier score in parts (CORP, isotonic regression): miscalibration - discrimination + uncertainty."
)
class CorpDecomposition:
    """The Brier score in three parts."""

    miscalibration: float = prop("What recalibrating would gain; 0 is best.")
    discrimination: float = prop("How much the recalibrated forecasts tell more than the base rate; more is better.")
    uncertainty: float = prop("The score of always stating the base rate.")


@strawberry.type(description="The line logit P(yes) = intercept + slope · logit(stated), by maximum likelihood.")
class CoxFit:
    """Cox's calibration line."""

    intercept: float = prop("0 is best; above it, things happen more often than stated.")
    slope: float = prop("1 is best; below it, forecasts are too extreme.")


@strawberry.type(description="A predictor's record, from predictions resolved here; annulled ones do not count.")
class CalibrationRecord:
    """A predictor's record."""

    kappa: float = prop("The weight of the predictor's next evidence, 0.10 to 1.00: of the record that is in use.")
    kappa_source: str = prop("Which record that is: resolved_predictions, or where an imported one was kept.")
    num_resolved: int = prop("How many predictions are resolved here; without any the figures below are null.")
    own_kappa: float = prop("What the predictions resolved here alone come to.")
    slope: float | None = prop("The calibration slope through the origin, limited to 0 to 1.")
    brier: float | None = prop("The Brier score: mean squared error, 0 is best.")
    log_score: float | None = prop("The mean natural log score, 0 is best.")
    corp: CorpDecomposition | None = prop("The Brier score's parts.")
    cox: CoxFit | None = prop("Calibration intercept and slope; null where no finite line fits best.")
    curve: list[ReliabilityBin] = prop("The reliability curve: bins that have predictions.")


def shown_record(source: Mapping[str, Any], resolved: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A record as the response holds it."""
    stated = [row["stated_probability"] for row in resolved]
    own = calibration_record_of(stated, [row["status"] == "RESOLVED_TRUE" for row in resolved])
    in_use = kappa_in_use(own, imported_record(source))
    return {
        **asdict(own),
        "kappa": in_use.kappa,
        "kappa_source": in_use.source,
        "own_kappa": own.kappa,
    }
