"""Predictors."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.ledger.drifts import predictor_drift
from graph.ledger.predictor_records import imported_record, kappa_of, record_by
from graph.model import rows
from graph.model.relations import PREDICTOR_FORECASTS, PREDICTOR_PREDICTIONS, PREDICTOR_RECORD
from resolvers.base.context import Context
from resolvers.base.described import field
from resolvers.base.drift import drifts
from resolvers.base.fields import prop, shown
from resolvers.base.relay import Connection, Node
from resolvers.base.row_types import row_type
from resolvers.base.selection import Follows, Gather, gathered, reads_more
from resolvers.types.beliefs import MOST_ROWS, AsOf, KnownAt, reads_past
from resolvers.types.forecasts import PredictorForecast
from resolvers.types.lists import nested_links, nested_predictions
from resolvers.types.predictor_records import (
    RECORD_READS,
    STORED_READS,
    CalibrationDrift,
    CalibrationRecord,
    shown_drift,
    shown_record,
)

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


RESOLVED = Gather(
    "resolved",
    PREDICTOR_RECORD,
    ("id", "stated_probability", "status", "resolved_at", "deadline"),
    most=MOST_ROWS,
    when=lambda given: not reads_past(given),
)


@row_type(rows.Predictor)
class Predictor(Node):
    kappa: float | None = prop("Weight of the predictor's next evidence as last stored, 0.10 to 1.00; see `record`.")
    kappa_source: str | None = prop("The record that the weight comes from.")

    @field(
        metadata={
            "reads": ("id", *RECORD_READS, *STORED_READS),
            "gathers": (RESOLVED,),
            **drifts(unless="asOf"),
            **reads_more(reads_past),
        }
    )
    def record(self: Any, info: Info[Context, Any], as_of: AsOf = None, known_at: KnownAt = None) -> CalibrationRecord:
        """
        The predictor's track record: the one in use, that of predictions resolved here, and the imported one.

        An outcome counts once its prediction is due, since of a batch what comes true early shows first.

        With `asOf`, the outcomes that had come and were recorded by then, and the imported record of that time.
        """
        if as_of is None and known_at is None:
            own = record_by(gathered(self, info, "resolved"), info.context.moment)
            return shown(shown_record(own, imported_record(self), effective=kappa_of(self), predictor_id=self["id"]))
        return shown(_record_then(info.context, self["id"], as_of or info.context.moment, known_at))

    @field(metadata={"reads": ("id",), "gathers": (RESOLVED,), **drifts()})
    def drift(self: Any, info: Info[Context, Any]) -> CalibrationDrift:
        """Drift of the predictions' outcomes from what was stated, in the order in which they count."""
        return shown(shown_drift(predictor_drift(gathered(self, info, "resolved"), info.context.moment)))

    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = (
        nested_predictions(
            PREDICTOR_PREDICTIONS, "The predictor's predictions, nearest deadline first.", condition="predictor"
        )
    )
    forecasts: Connection[PredictorForecast] = nested_links(
        Follows(PREDICTOR_FORECASTS, wrap="claim"),
        "Probabilities that the predictor gave to claims, and retractions of some, newest first.",
        Connection[PredictorForecast],
        listed="claims",
        order="by moment, the newest first,",
    )


async def _record_then(
    context: Context, predictor_id: str, as_of: datetime, known_at: datetime | None
) -> dict[str, Any]:
    """A record of the past, in the response's shape."""
    found = await context.past_records.load((predictor_id, as_of, known_at or as_of))
    return shown_record(found.own, found.elsewhere, is_reconstructed=found.is_reconstructed)
