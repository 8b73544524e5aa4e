"""Predictions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.model.properties import json_value
from graph.model.relations import EPISODE, EXPOSURES, MILESTONES, PREDICTOR, REFERENCE_CLASS, VALIDATIONS
from resolvers.base.enums import PredictionMode
from resolvers.base.fields import many, one, page_of_signs, prop, signs_argument
from resolvers.base.relay import DEFAULT_PAGE_SIZE, After, Connection, First
from resolvers.base.scalars import Day, Url
from resolvers.base.selection import Follows, answer
from resolvers.types.claims import Claim

if TYPE_CHECKING:
    from resolvers.types.episodes import Episode
    from resolvers.types.milestones import Milestone
    from resolvers.types.predictors import Predictor
    from resolvers.types.reference_classes import ReferenceClass
    from resolvers.types.tickers import PredictionExposure
    from resolvers.types.validations import Validation


def _hides_event(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"hides_event": not arguments.get("include_event", False)}


@strawberry.type(description="What a predictor said would happen, with everything that was noted about it.")
class Prediction(Claim):
    """What a predictor said would happen."""

    verbatim_quote: str | None = prop("The words as they were said.")
    context: str | None = prop("What it was said in answer to, or around it.")
    mode: PredictionMode | None = prop("How firmly it was put.")
    direction: str | None = prop("Whether the thing is to happen or not, in its source's words.")
    conviction_level: str | None = prop("How convinced the predictor sounded, in its source's words.")
    conviction_cues: str | None = prop("The words that show it.")
    quantity: str | None = prop("How much, where the prediction says.")
    timeframe: str | None = prop("When, in the predictor's words.")
    role: str | None = prop("Whose mouth it came from.")
    cited_by: str | None = prop("Who cites it.")
    key_catalyst: str | None = prop("What would set it going.")
    watch_events: str | None = prop("What to watch for.")
    resolution_evidence: str | None = prop("What is known that bears on its resolution.")
    source_url: Url | None = prop("Where it was said or written.")
    imported_on: Day | None = prop(
        "The day on which it first came in; windows without a year count from the day after."
    )
    raw_metadata_is_complete: bool | None = prop(
        "Whether the raw metadata is all that there was; null when nobody said."
    )
    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] | None = one(
        PREDICTOR, "Who made it."
    )
    episode: Annotated["Episode", strawberry.lazy("resolvers.types.episodes")] | None = one(
        EPISODE, "Where it was said."
    )
    reference_class: Annotated["ReferenceClass", strawberry.lazy("resolvers.types.reference_classes")] | None = one(
        REFERENCE_CLASS, "The class of such things."
    )
    validations: Connection[Annotated["Validation", strawberry.lazy("resolvers.types.validations")]] = many(
        VALIDATIONS, "Looks at how it is doing, the newest first."
    )
    exposures: Connection[Annotated["PredictionExposure", strawberry.lazy("resolvers.types.tickers")]] = many(
        Follows(EXPOSURES, signs_argument, wrap="ticker"),
        "What it does to tickers, the most relevant first.",
        page_of_signs,
    )

    @strawberry.field(
        description="Its milestones in the order of their ordinals.",
        metadata={"follows": Follows(MILESTONES, _hides_event)},
    )
    def milestones(
        self: Any,
        info: Info[Any, Any],
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        *,
        include_event: Annotated[
            bool, strawberry.argument(description="Whether to show the predicted event itself in its place.")
        ] = False,
    ) -> Connection[Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")]]:
        """Its milestones."""
        page: Any = answer(self, info)
        return page

    @strawberry.field(
        description="Everything else that came with it, as it came.", metadata={"reads": ("raw_metadata",)}
    )
    def raw_metadata(self: Any) -> JSON | None:
        """Everything else that came with it."""
        found: JSON | None = json_value(self["raw_metadata"])
        return found
