"""Validations: looks at how a prediction is doing."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model.relations import VALIDATION_PREDICTION
from resolvers.base.fields import one, prop
from resolvers.base.relay import Node
from resolvers.base.scalars import Day

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@strawberry.type(description="A look at how a prediction is doing.")
class Validation(Node):
    """A look at how a prediction is doing."""

    observed_at: Day = prop("The day of the look.")
    status: str = prop("What it found, in the words of whoever looked.")
    by: str | None = prop("Who looked.")
    notes: str | None = prop("What there was to see.")
    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = one(
        VALIDATION_PREDICTION, "The prediction looked at."
    )
