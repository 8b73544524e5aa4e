"""Reference classes: the outside view."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model import rows
from graph.model.relations import REFERENCE_CLASS_PREDICTIONS
from resolvers.base.relay import Connection, Node
from resolvers.base.row_types import row_type
from resolvers.types.lists import nested_predictions

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@row_type(rows.ReferenceClass)
class ReferenceClass(Node):
    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = (
        nested_predictions(
            REFERENCE_CLASS_PREDICTIONS, "Predictions in it, nearest deadline first.", condition="reference_class"
        )
    )
