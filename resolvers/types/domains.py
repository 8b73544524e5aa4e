"""Domains."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.model import rows
from graph.model.relations import DOMAIN_PREDICTIONS
from resolvers.base.described import field
from resolvers.base.relay import Connection, Node
from resolvers.base.row_types import row_type
from resolvers.types.lists import nested_predictions

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@row_type(rows.Domain)
class Domain(Node):
    @field(metadata={"reads": ("name", "id")})
    def name(self: Any) -> str:
        """The display name, which is the key if there is no other."""
        return self["name"] or self["id"]

    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = (
        nested_predictions(DOMAIN_PREDICTIONS, "Predictions in it, nearest deadline first.", condition="domain")
    )
