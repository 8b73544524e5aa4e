"""Validations."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model import rows
from graph.model.relations import VALIDATION_PREDICTION
from resolvers.base.fields import one
from resolvers.base.relay import Node
from resolvers.base.row_types import row_type

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@row_type(rows.Validation)
class Validation(Node):
    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = one(
        VALIDATION_PREDICTION, "The prediction assessed."
    )
