"""Milestones: dated signs on the way to a prediction."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.model import rows
from graph.model.relations import MILESTONE_PREDICTION
from resolvers.base.described import field
from resolvers.base.fields import one
from resolvers.base.relay import Node
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Day

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@row_type(rows.Milestone)
class Milestone(Node):
    ordinal: int
    expected_date: Day
    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = one(
        MILESTONE_PREDICTION, "The prediction that it belongs to."
    )

    @field(metadata={"reads": ("ordinal",)})
    def is_cascade(self: Any) -> bool:
        """Whether it comes after the predicted event, as a consequence of it."""
        return bool(self["ordinal"] > 0)
