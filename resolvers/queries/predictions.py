"""The query of predictions with filters."""

from typing import Annotated, Any

import strawberry

from graph.errors import InvalidError
from graph.reading.anchors import PredictionList
from graph.reading.predictions import PredictionFilter, PredictionPage
from resolvers.base.anchored import anchored
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import ClaimStatus, PredictionSortKey, SortOrder
from resolvers.base.relay import After, Connection, decode_cursor, page_size, parse_some_key
from resolvers.base.scalars import Moment, Probability
from resolvers.types.predictions import Prediction


@input_type
class PredictionFilterInput:
    """Conditions on the predictions to list; all that are given must hold."""

    status: list[ClaimStatus] | None = strawberry.field(default=None, description="Any of these statuses.")
    domain: strawberry.ID | None = strawberry.field(default=None, description="Id or key of the domain.")
    predictor: strawberry.ID | None = strawberry.field(default=None, description="Id or key of the predictor.")
    reference_class: strawberry.ID | None = strawberry.field(
        default=None, description="Id or key of the reference class."
    )
    deadline_from: Moment | None = strawberry.field(default=None, description="Deadline at this moment or later.")
    deadline_to: Moment | None = strawberry.field(default=None, description="Deadline at this moment or earlier.")
    probability_from: Probability | None = strawberry.field(
        default=None, description="Stored posterior of at least this."
    )
    probability_to: Probability | None = strawberry.field(default=None, description="Stored posterior of at most this.")
    text: str | None = strawberry.field(
        default=None,
        description="Words that must all occur in its title or other texts; the last may be incomplete. Case, accents "
        "and punctuation do not matter.",
    )


@input_type
class PredictionSortInput:
    """Order of a list of predictions; ties are broken by key."""

    by: PredictionSortKey = strawberry.field(
        default=PredictionSortKey.DEADLINE,
        description="DEADLINE puts predictions without one last in ascending order; PROBABILITY is the stored "
        "posterior and puts those without one first.",
    )
    order: SortOrder = strawberry.field(
        default=SortOrder.ASCENDING, description="Whether the list begins with the lowest or the highest."
    )


def _list_predictions(
    filter: Annotated[
        PredictionFilterInput | None,
        strawberry.argument(description="Conditions on the predictions; all predictions if omitted."),
    ] = None,
    sort: Annotated[
        PredictionSortInput | None,
        strawberry.argument(description="Order of the list; by ascending deadline if omitted."),
    ] = None,
    first: Annotated[
        int | None,
        strawberry.argument(
            description="Number of items to return, counted from the start, 1 to 100; 20 if `last` is omitted too."
        ),
    ] = None,
    after: After = None,
    last: Annotated[
        int | None, strawberry.argument(description="Number of items to return, counted from the end, 1 to 100.")
    ] = None,
    before: Annotated[str | None, strawberry.argument(description="Return items before this cursor.")] = None,
) -> PredictionList:
    """Predictions, filtered and sorted, in pages from either end."""
    page = _page(sort or PredictionSortInput(), first, after, last, before)
    return PredictionList(_filter(filter or PredictionFilterInput()), page)


@object_type
class PredictionQueries:
    """The query of predictions."""

    predictions: Connection[Prediction] = anchored(_list_predictions, Connection[Prediction])


def _page(
    sort: PredictionSortInput, first: int | None, after: str | None, last: int | None, before: str | None
) -> PredictionPage:
    if first is not None and last is not None:
        message = f"expected either first or last, got both ({first} and {last})"
        raise InvalidError(message, path="last")
    return PredictionPage(
        size=page_size(first) if last is None else page_size(last, path="last"),
        order=sort.by,
        is_descending=sort.order is SortOrder.DESCENDING,
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
        message = f"expected a value not above {name}To, which is {high}, got {low}"
        raise InvalidError(message, path=f"filter.{name}From")
