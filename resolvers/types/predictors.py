"""Predictors."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.ledger.local_records import PROPERTY as LOCAL_RECORD
from graph.ledger.local_records import LocalRecord, read_local_record
from graph.ledger.predictor_records import imported_record, kappa_of
from graph.model import rows
from graph.model.relations import PREDICTOR_FORECASTS, PREDICTOR_PREDICTIONS
from resolvers.base.context import Context
from resolvers.base.described import field
from resolvers.base.drift import drifts
from resolvers.base.extents import Extent, extent
from resolvers.base.fields import prop, shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, Connection, Node
from resolvers.base.row_types import row_type
from resolvers.base.selection import Follows, reads_more
from resolvers.types.beliefs import AsOf, KnownAt, reads_past
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


@row_type(rows.Predictor)
class Predictor(Node):
    kappa: float | None = prop("Weight of the predictor's next evidence as last stored, 0.10 to 1.00; see `record`.")
    kappa_source: str | None = prop("The record that the weight comes from.")

    @field(
        metadata={
            "reads": ("id", *RECORD_READS, *STORED_READS, LOCAL_RECORD),
            **extent(lambda _: Extent(rows=DEFAULT_PAGE_SIZE)),
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
            return shown(_record_now(self, info.context))
        return shown(_record_then(info.context, self["id"], as_of or info.context.moment, known_at))

    @field(
        metadata={
            "reads": ("id", LOCAL_RECORD),
            **extent(lambda _: Extent(rows=DEFAULT_PAGE_SIZE)),
            **drifts(unless="asOf"),
            **reads_more(reads_past),
        }
    )
    def drift(self: Any, info: Info[Context, Any], as_of: AsOf = None, known_at: KnownAt = None) -> CalibrationDrift:
        """
        Drift of the predictions' outcomes from what was stated, in the order in which they count.

        With `asOf`, by the outcomes that had come and were recorded by then.
        """
        if as_of is not None or known_at is not None:
            return shown(_drift_then(info.context, self["id"], as_of or info.context.moment, known_at))
        local = read_local_record(self)
        if local.holds_at(info.context.moment):
            return shown(shown_drift(local.drift))
        return shown(_drift_anew(info.context, self["id"]))

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


def _record_now(source: Any, context: Context) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """A record of now, in the response's shape: the stored one, unless an outcome has come to count since."""
    local = read_local_record(source)
    return _shown_with(source, local) if local.holds_at(context.moment) else _record_anew(source, context)


async def _record_anew(source: Any, context: Context) -> dict[str, Any]:
    return _shown_with(source, await context.local_records.load(source["id"]))


def _shown_with(source: Any, local: LocalRecord) -> dict[str, Any]:
    return shown_record(local.record, imported_record(source), effective=kappa_of(source), predictor_id=source["id"])


async def _drift_anew(context: Context, predictor_id: str) -> dict[str, Any]:
    return shown_drift((await context.local_records.load(predictor_id)).drift)


async def _record_then(
    context: Context, predictor_id: str, as_of: datetime, known_at: datetime | None
) -> dict[str, Any]:
    """A record of the past, in the response's shape."""
    found = await context.past_records.load((predictor_id, as_of, known_at or as_of))
    return shown_record(found.own, found.elsewhere, is_reconstructed=found.is_reconstructed)


async def _drift_then(
    context: Context, predictor_id: str, as_of: datetime, known_at: datetime | None
) -> dict[str, Any]:
    """A drift of the past, in the response's shape."""
    found = await context.past_records.load((predictor_id, as_of, known_at or as_of))
    return shown_drift(found.drift, is_reconstructed=found.is_reconstructed)
