"""Mutations that submit and retract forecasts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.errors import (
    ClosedClaimError,
    DuplicateError,
    FutureObservationError,
    NotFoundError,
    OutsideKeyError,
    RefusedItemsError,
)
from graph.forecasts.submitting import MAX_BATCH_ITEMS, NewForecast, retract_forecast, submit_forecasts
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.extents import Arguments, Extent, extent, length
from resolvers.base.fields import prop
from resolvers.base.figures import figure
from resolvers.base.relay import parse_key
from resolvers.base.scalars import Moment, Probability
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.types.forecasts import Forecast, shown_forecast

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.predictors import Predictor

REFUSALS = (
    NotFoundError,
    DuplicateError,
    ClosedClaimError,
    FutureObservationError,
    OutsideKeyError,
    RefusedItemsError,
)


@input_type
class ForecastInput:
    """A predictor's probability of a claim."""

    predictor: strawberry.ID = strawberry.field(description="Id or key of the predictor.")
    claim: strawberry.ID = strawberry.field(description="Id or key of the claim.")
    probability: Probability = strawberry.field(
        description="The probability, 0 and 1 included, which the consensus takes for .01 and .99."
    )
    stated_at: Moment | None = strawberry.field(default=None, description="When it was stated; now if omitted.")
    source: str | None = strawberry.field(default=None, description="Where it was stated.")
    cluster: str | None = strawberry.field(
        default=None, description="Name of what it follows, such as a poll; a cluster's forecasts count as one."
    )
    by: str | None = strawberry.field(default=None, description="Name of the submitter.")
    note: str | None = strawberry.field(default=None, description="Remarks about it.")


@input_type
class ForecastBatchInput:
    """Several forecasts."""

    items: list[ForecastInput] = strawberry.field(description=f"The forecasts, at most {MAX_BATCH_ITEMS:,}.")


@input_type
class RetractForecastInput:
    """A forecast that counts no longer."""

    forecast: strawberry.ID = strawberry.field(description="Key of the forecast.")
    note: str = strawberry.field(description="The reason.")
    by: str | None = strawberry.field(default=None, description="Name of who retracts it.")


@object_type
class RecordedForecast:
    """A forecast as recorded, and its effect on the consensus."""

    forecast: Forecast = prop("The forecast, or the retraction.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop("The claim, after the write.")
    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] | None = prop(
        "The one who made it."
    )
    probability_before: Probability | None = prop("Probability by the consensus before it; null without any forecast.")
    probability_after: Probability | None = prop("Probability by the consensus after it; null without any forecast.")


@object_type
class ForecastRecorded(Written):
    """A forecast added, or its retraction."""

    recorded: RecordedForecast = prop("The forecast and its effect.")


@object_type
class ForecastBatchRecorded(Written):
    """Several forecasts added."""

    recorded: list[RecordedForecast] = prop("The forecasts and their effects, in the order of the request.")


def _batch_extent(arguments: Arguments) -> Extent:
    given = arguments.get("input")
    items = length(given if isinstance(given, dict) else {}, "items", MAX_BATCH_ITEMS)
    return Extent(items, items)


@object_type
class ForecastMutations:
    """Mutations that add forecasts and retract them."""

    @write(ForecastRecorded, refused_by=REFUSALS, answer="The recorded forecast, or the reason for the refusal.")
    async def submit_forecast(
        self,
        info: Info[Context, Any],
        input: Annotated[ForecastInput, strawberry.argument(description="The forecast.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Record a predictor's probability of an open claim, which stands until the predictor's next one. Prices of a
        market are the forecasts of a predictor of kind MARKET.
        """
        answered = await submit_forecasts(info.context.database, [_read(input, "input")], **options)
        (recorded,) = await _shown(info, answered)
        return answered, {"recorded": recorded}

    @write(
        ForecastBatchRecorded,
        refused_by=REFUSALS,
        answer="The recorded forecasts, or the reason for the refusal.",
        metadata=extent(_batch_extent),
    )
    async def submit_forecast_batch(
        self,
        info: Info[Context, Any],
        input: Annotated[ForecastBatchInput, strawberry.argument(description="The forecasts.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Record up to 1,000 forecasts in order and in one transaction: all of them, or none if one is refused."""
        items = [_read(item, f"input.items[{index}]") for index, item in enumerate(input.items)]
        answered = await submit_forecasts(info.context.database, items, mutation="submitForecastBatch", **options)
        return answered, {"recorded": await _shown(info, answered)}

    @write(ForecastRecorded, refused_by=REFUSALS, answer="The retraction, or the reason for the refusal.")
    async def retract_forecast(
        self,
        info: Info[Context, Any],
        input: Annotated[RetractForecastInput, strawberry.argument(description="The forecast and the reason.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Record that a forecast counts no longer; it stays as it is, with the retraction beside it."""
        answered = await retract_forecast(
            info.context.database, str(input.forecast), note=input.note, submitted_by=input.by, **options
        )
        (recorded,) = await _shown(info, answered)
        return answered, {"recorded": recorded}


def _read(given: ForecastInput, path: str) -> NewForecast:
    return NewForecast(
        predictor_id=parse_key(given.predictor, "Predictor", path=f"{path}.predictor"),
        claim_id=parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim"),
        probability=given.probability,
        stated_at=given.stated_at,
        source=given.source,
        cluster=given.cluster,
        submitted_by=given.by,
        note=given.note,
        path=path,
    )


async def _shown(info: Info[Context, Any], answered: Answered) -> Sequence[Shown]:
    items = answered.payload["items"]
    rows = [shown_forecast(item["forecast"]) for item in items]
    claims = await read_written(info, answered, [("Claim", row.claim_id) for row in rows], "recorded", "claim")
    predictors = await read_written(
        info, answered, [("Predictor", row.predictor_id) for row in rows], "recorded", "predictor"
    )
    return [
        {
            "forecast": dict(row),
            "claim": claim,
            "predictor": predictor,
            "probability_before": figure(item["before"]),
            "probability_after": figure(item["after"]),
        }
        for item, row, claim, predictor in zip(items, rows, claims, predictors, strict=True)
    ]
