"""The calendar: milestones by the day on which they are due."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from api.mcp.asking import Asker
from api.mcp.fitting import Cutter, fit
from api.mcp.models import BoundedInput, BoundedOutput, Key, OneOf, Part
from api.mcp.tool import Tool
from resolvers.base.enums import MilestoneStatus
from resolvers.base.roles import Role


class MilestonesInput(BoundedInput):
    """Conditions; all that are given must hold."""

    due_from: date | None = Field(default=None, description="Due on this day or later, such as 2026-10-01.")
    due_to: date | None = Field(default=None, description="Due on this day or earlier.")
    status: list[Annotated[str, OneOf(MilestoneStatus)]] | None = Field(
        default=["PENDING", "OVERDUE"], description="Any of these statuses; null for all."
    )
    prediction: Key | None = Field(default=None, description="Key of the prediction that they belong to.")
    predictor: Key | None = Field(default=None, description="Key of the predictor who made it.")
    domain: Key | None = Field(default=None, description="Key of its domain.")
    first: int = Field(default=15, ge=1, le=100, description="Number of milestones.")
    after: str | None = Field(default=None, description="The `next` of an earlier answer, to continue its list.")


class DueMilestone(Part):
    """A milestone, with its prediction."""

    key: str
    label: str | None
    kind: str
    status: str
    expected_on: str = Field(description="The day, or the middle of its range.")
    range_starts_on: str | None = None
    range_ends_on: str | None = None
    criterion: str | None = Field(default=None, description="How to tell that it has been reached.")
    prediction: str = Field(description="Key of the prediction.")
    title: str | None = Field(description="Title of the prediction.")
    probability: float | None = Field(default=None, description="The belief in the prediction now.")
    predictor: str | None = Field(default=None, description="Key of the predictor.")


class MilestonesOutput(BoundedOutput):
    """Milestones, by the day on which they are due."""

    milestones: list[DueMilestone]
    total_count: int
    next: str | None = Field(default=None, description="Give it as `after` for further ones; absent at the end.")


async def list_milestones(asker: Asker, asked: MilestonesInput) -> MilestonesOutput:
    """List what is due."""
    conditions = asked.variables()
    paging = {name: conditions.pop(name) for name in ("first", "after") if name in conditions}
    conditions.pop("maxTokens")
    found = await asker.ask("milestones", filter=conditions, **paging)
    return fit(lambda cutter: _shape(found, cutter), asked.max_tokens)


def _shape(found: Mapping[str, Any], cutter: Cutter) -> MilestonesOutput:
    edges = cutter.items(found["edges"])
    has_more = found["pageInfo"]["hasNextPage"] or len(edges) < len(found["edges"])
    return MilestonesOutput.model_validate(
        {
            "milestones": [_milestone(edge["node"], cutter) for edge in edges],
            "totalCount": found["totalCount"],
            "next": edges[-1]["cursor"] if edges and has_more else None,
        }
    )


def _milestone(node: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    prediction = node["prediction"]
    predictor = prediction["predictor"]
    return {
        **node,
        "label": cutter.text(node["label"]),
        "criterion": cutter.text(node["criterion"]),
        "prediction": prediction["key"],
        "title": cutter.text(prediction["title"]),
        "probability": prediction["probability"],
        "predictor": predictor and predictor["key"],
    }


LIST_MILESTONES = Tool(
    name="list_milestones",
    title="Calendar",
    description=(
        "List milestones by the day on which they are due: dated signs that predictions are coming true. By default "
        "those that are pending or overdue."
    ),
    input=MilestonesInput,
    output=MilestonesOutput,
    run=list_milestones,
    needs=Role.READER,
)
