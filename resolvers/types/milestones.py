"""Milestones: dated signs on the way to a prediction."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model import rows
from graph.model.relations import MILESTONE_PREDICTION
from graph.outcomes.milestone_chains import status_at
from resolvers.base.context import Context
from resolvers.base.described import field
from resolvers.base.drift import drifts_daily
from resolvers.base.enums import MilestoneStatus
from resolvers.base.fields import one
from resolvers.base.relay import Node
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Day
from resolvers.base.selection import Gather, gathered

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


OWNER = Gather("owner", MILESTONE_PREDICTION, ("resolved_at",))
STATUS_READS = ("status", "expected_date", "range_to", "miss_emitted_at")


@row_type(rows.Milestone)
class Milestone(Node):
    ordinal: int
    expected_date: Day
    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = one(
        MILESTONE_PREDICTION, "The prediction that it belongs to."
    )

    @field(name="milestoneStatus", metadata={"reads": STATUS_READS, "gathers": (OWNER,), **drifts_daily()})
    def status(self: Any, info: Info[Context, Any]) -> MilestoneStatus:
        """
        Whether it was reached: OVERDUE from the moment when its day and seven days of grace are over, unless its
        prediction was closed before that; PENDING again once it is put off.
        """
        owners = gathered(self, info, "owner")
        return status_at(self, info.context.moment, owners[0]["resolved_at"] if owners else None)

    @field(metadata={"reads": ("ordinal",)})
    def is_cascade(self: Any) -> bool:
        """Whether it comes after the predicted event, as a consequence of it."""
        return bool(self["ordinal"] > 0)
