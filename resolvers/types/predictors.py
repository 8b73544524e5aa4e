"""Predictors: who predicts."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model.relations import PREDICTOR_PREDICTIONS, PREDICTOR_RECORD
from resolvers.base.context import Context
from resolvers.base.fields import many, prop
from resolvers.base.relay import Connection, Node
from resolvers.base.selection import Gather, gathered
from resolvers.types.beliefs import MOST_ROWS, AsOf, until_argument
from resolvers.types.predictor_records import RECORD_READS, CalibrationRecord, shown_record

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


RESOLVED = Gather(
    "resolved", PREDICTOR_RECORD, ("stated_probability", "status"), most=MOST_ROWS, arguments=until_argument
)


@strawberry.type(description="Who predicts.")
class Predictor(Node):
    """Who predicts."""

    name: str = prop("The name as it is shown.")
    record_n_resolved: int | None = prop("How many resolved predictions a record kept elsewhere counts.")
    record_brier: float | None = prop("The Brier score of a record kept elsewhere: mean squared error, 0 is best.")
    record_kappa: float | None = prop(
        "The weight of the predictor's evidence by a record kept elsewhere, 0.10 to 1.00."
    )
    record_source: str | None = prop("Where that record was kept.")
    kappa: float | None = prop("The weight of the predictor's next evidence as it is stored; see `record`.")
    kappa_source: str | None = prop("Which record it comes from.")

    @strawberry.field(
        description="The record with the calibration curve, from predictions resolved here.",
        metadata={"reads": RECORD_READS, "gathers": (RESOLVED,)},
    )
    def record(self: Any, info: Info[Context, Any], as_of: AsOf = None) -> CalibrationRecord:
        """The record with the calibration curve."""
        shown: Any = shown_record(self, gathered(self, info, "resolved"))
        return shown

    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = many(
        PREDICTOR_PREDICTIONS, "The predictor's predictions, the nearest deadline first."
    )
