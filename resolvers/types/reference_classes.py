"""Reference classes: the outside view."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model.relations import REFERENCE_CLASS_PREDICTIONS
from resolvers.base.fields import many, prop
from resolvers.base.relay import Connection, Node
from resolvers.base.scalars import Probability

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@strawberry.type(description="How often such things come true: the outside view.")
class ReferenceClass(Node):
    """How often such things come true: the outside view."""

    description: str = prop("What belongs to the class.")
    base_rate: Probability = prop("How often such things come true.")
    successes: int | None = prop("How many of the known cases came true.")
    trials: int | None = prop("How many cases are known.")
    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = many(
        REFERENCE_CLASS_PREDICTIONS, "The predictions of the class, the nearest deadline first."
    )
