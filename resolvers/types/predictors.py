"""Predictors."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model import rows
from graph.model.relations import PREDICTOR_PREDICTIONS, PREDICTOR_RECORD
from resolvers.base.context import Context
from resolvers.base.described import field
from resolvers.base.fields import prop, shown
from resolvers.base.relay import Connection, Node
from resolvers.base.row_types import row_type
from resolvers.base.selection import Gather, gathered
from resolvers.types.beliefs import MOST_ROWS, AsOf, until_argument
from resolvers.types.lists import nested_predictions
from resolvers.types.predictor_records import RECORD_READS, CalibrationRecord, shown_record

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


RESOLVED = Gather(
    "resolved", PREDICTOR_RECORD, ("stated_probability", "status"), most=MOST_ROWS, arguments=until_argument
)


@row_type(rows.Predictor)
class Predictor(Node):
    kappa: float | None = prop("Weight of the predictor's next evidence as last stored, 0.10 to 1.00; see `record`.")
    kappa_source: str | None = prop("The record that the weight comes from.")

    @field(metadata={"reads": RECORD_READS, "gathers": (RESOLVED,)})
    def record(self: Any, info: Info[Context, Any], as_of: AsOf = None) -> CalibrationRecord:
        """The predictor's track record from predictions resolved in this graph, with its calibration curve."""
        return shown(shown_record(self, gathered(self, info, "resolved")))

    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = (
        nested_predictions(
            PREDICTOR_PREDICTIONS, "The predictor's predictions, nearest deadline first.", condition="predictor"
        )
    )
