"""Predictions: the type, and the list with its filters."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.errors import InvalidError
from graph.predictions import PredictionFilter, PredictionOrder, PredictionPage, list_predictions
from graph.relations import EPISODE, EXPOSURES, MILESTONES, PREDICTOR, REFERENCE_CLASS, VALIDATIONS
from graph.rows import json_value
from resolvers.claims import Claim
from resolvers.context import Context
from resolvers.enums import ClaimStatus, PredictionMode, PredictionSortKey, SortDirection
from resolvers.fields import many, one, page_of_signs, prop, signs_argument
from resolvers.relay import DEFAULT_PAGE_SIZE, After, Connection, First, decode_cursor, page_size, parse_some_key
from resolvers.scalars import Day, Moment, Probability, Url
from resolvers.selection import Follows, answer, connection_plan

if TYPE_CHECKING:
    from resolvers.episodes import Episode
    from resolvers.milestones import Milestone
    from resolvers.predictors import Predictor
    from resolvers.reference_classes import ReferenceClass
    from resolvers.tickers import PredictionExposure
    from resolvers.validations import Validation


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
    predictor: Annotated["Predictor", strawberry.lazy("resolvers.predictors")] | None = one(PREDICTOR, "Who made it.")
    episode: Annotated["Episode", strawberry.lazy("resolvers.episodes")] | None = one(EPISODE, "Where it was said.")
    reference_class: Annotated["ReferenceClass", strawberry.lazy("resolvers.reference_classes")] | None = one(
        REFERENCE_CLASS, "The class of such things."
    )
    validations: Connection[Annotated["Validation", strawberry.lazy("resolvers.validations")]] = many(
        VALIDATIONS, "Looks at how it is doing, the newest first."
    )
    exposures: Connection[Annotated["PredictionExposure", strawberry.lazy("resolvers.tickers")]] = many(
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
    ) -> Connection[Annotated["Milestone", strawberry.lazy("resolvers.milestones")]]:
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


@strawberry.input(description="What a prediction must be to be listed; everything that is given must hold.")
class PredictionFilterInput:
    """What a prediction must be to be listed."""

    status: list[ClaimStatus] | None = strawberry.field(default=None, description="One of these.")
    domain: strawberry.ID | None = strawberry.field(default=None, description="The id or key of its domain.")
    predictor: strawberry.ID | None = strawberry.field(default=None, description="The id or key of its predictor.")
    reference_class: strawberry.ID | None = strawberry.field(
        default=None, description="The id or key of its reference class."
    )
    deadline_from: Moment | None = strawberry.field(default=None, description="Its deadline is then or later.")
    deadline_to: Moment | None = strawberry.field(default=None, description="Its deadline is then or earlier.")
    probability_from: Probability | None = strawberry.field(
        default=None, description="Its posterior, as it was stored last, is that or more."
    )
    probability_to: Probability | None = strawberry.field(
        default=None, description="Its posterior, as it was stored last, is that or less."
    )
    text: str | None = strawberry.field(
        default=None,
        description="Every one of these words occurs in its texts; the last may be the beginning of a word. "
        "Looks at the ten thousand best matches.",
    )


@strawberry.input(description="What a list of predictions is ordered by; ties go by key.")
class PredictionSortInput:
    """What a list of predictions is ordered by."""

    by: PredictionSortKey = strawberry.field(
        default=PredictionSortKey.DEADLINE,
        description="DEADLINE puts those without one last when ascending; PROBABILITY, the stored posterior, those "
        "without one first.",
    )
    direction: SortDirection = strawberry.field(default=SortDirection.ASCENDING, description="Which way it runs.")


@strawberry.type
class PredictionQueries:
    """What can be asked about many predictions."""

    @strawberry.field(description="Predictions, filtered and sorted, from either end.")
    async def predictions(
        self,
        info: Info[Context, Any],
        filter: Annotated[
            PredictionFilterInput | None, strawberry.argument(description="Which to list; all when absent.")
        ] = None,
        sort: Annotated[
            PredictionSortInput | None, strawberry.argument(description="The order; by deadline when absent.")
        ] = None,
        first: Annotated[
            int | None, strawberry.argument(description="The size of the page counted from the start, 1 to 100.")
        ] = None,
        after: After = None,
        last: Annotated[
            int | None, strawberry.argument(description="The size of the page counted from the end, 1 to 100.")
        ] = None,
        before: Annotated[str | None, strawberry.argument(description="A cursor: the page ends before it.")] = None,
    ) -> Connection[Prediction]:
        """Predictions, filtered and sorted."""
        plan, wants_total = connection_plan(info)
        page = _page(sort or PredictionSortInput(), first, after, last, before)
        asked = _filter(filter or PredictionFilterInput())
        found: Any = await list_predictions(info.context.unit, asked, page, plan, wants_total=wants_total)
        return found


def _page(
    sort: PredictionSortInput, first: int | None, after: str | None, last: int | None, before: str | None
) -> PredictionPage:
    if first is not None and last is not None:
        message = f"expected first or last, got both ({first} and {last})"
        raise InvalidError(message, path="last")
    return PredictionPage(
        size=page_size(first) if last is None else page_size(last, path="last"),
        order=PredictionOrder(sort.by.value),
        is_descending=sort.direction is SortDirection.DESCENDING,
        after=None if after is None else decode_cursor(after, path="after"),
        before=None if before is None else decode_cursor(before, path="before"),
        is_from_end=last is not None,
    )


def _filter(given: PredictionFilterInput) -> PredictionFilter:
    if given.status is not None and not given.status:
        message = "expected at least one status, got an empty list"
        raise InvalidError(message, path="filter.status")
    _check_range("deadline", given.deadline_from, given.deadline_to)
    _check_range("probability", given.probability_from, given.probability_to)
    return PredictionFilter(
        statuses=None if given.status is None else tuple(status.value for status in given.status),
        domain_id=parse_some_key(given.domain, "Domain", path="filter.domain"),
        predictor_id=parse_some_key(given.predictor, "Predictor", path="filter.predictor"),
        reference_class_id=parse_some_key(given.reference_class, "ReferenceClass", path="filter.referenceClass"),
        deadline_from=given.deadline_from,
        deadline_to=given.deadline_to,
        probability_from=given.probability_from,
        probability_to=given.probability_to,
        text=given.text,
    )


def _check_range(name: str, low: Any, high: Any) -> None:
    if low is not None and high is not None and low > high:
        message = f"expected it not after {name}To, got {low} and {high}"
        raise InvalidError(message, path=f"filter.{name}From")
