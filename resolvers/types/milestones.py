"""Milestones: dated signs on the way to a prediction."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.model.relations import MILESTONE_PREDICTION
from resolvers.base.enums import MilestoneKind, MilestoneStatus
from resolvers.base.fields import one, prop
from resolvers.base.relay import Node
from resolvers.base.scalars import Day, Moment, Url

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@strawberry.type(description="A dated sign on the way to a prediction.")
class Milestone(Node):
    """A dated sign on the way to a prediction."""

    kind: MilestoneKind = prop("The event itself, a researched sign, or a check-in.")
    label: str = prop("What it is called.")
    criterion: str | None = prop("How to tell that it has come.")
    source: str | None = prop("Where it was found, in words or as an address.")
    source_url: Url | None = prop("Where it was found, as an address.")
    weight: float | None = prop("Its weight among the prediction's milestones, 0 to 1, as its source gave it.")
    ordinal: int = prop("Its rank by expected date, counted from the event's.")
    expected_date: Day = prop("When it is expected; the midpoint of its range where it has one.")
    range_from: Day | None = prop("The first day on which it is expected.")
    range_to: Day | None = prop("The last day on which it is expected.")
    observed_date: Day | None = prop("When it came.")
    status: MilestoneStatus = prop("What became of it.")
    confidence: float | None = prop("How sure its source is that it bears on the prediction, 0 to 1.")
    notes: str | None = prop("What there is to say about it.")
    research_origin: str | None = prop("How it was found.")
    miss_emitted_at: Moment | None = prop("When its miss went into the ledger, which happens once.")
    miss_emitted_by: str | None = prop("What put its miss into the ledger.")
    basis: str | None = prop("Where its figures come from, where that needs saying.")
    prediction: Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")] = one(
        MILESTONE_PREDICTION, "The prediction on whose way it lies."
    )

    @strawberry.field(
        description="Whether it lies behind the predicted event in the chain: something that the event would set off.",
        metadata={"reads": ("ordinal",)},
    )
    def is_cascade(self: Any) -> bool:
        """Whether it lies behind the predicted event."""
        return bool(self["ordinal"] > 0)
