"""Predictors: who predicts."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.relations import PREDICTOR_PREDICTIONS
from resolvers.fields import many, prop
from resolvers.relay import Connection, Node

if TYPE_CHECKING:
    from resolvers.predictions import Prediction


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
    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.predictions")]] = many(
        PREDICTOR_PREDICTIONS, "The predictor's predictions, the nearest deadline first."
    )
