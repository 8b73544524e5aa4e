"""Mutations of milestones: recording outcomes, and the sweep for overdue ones."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.errors import ClosedClaimError, DuplicateError, FutureObservationError, NotFoundError
from graph.outcomes.milestones import Observation, record_milestone
from graph.outcomes.sweep import MAX_REPORTED, sweep_once
from resolvers.base.context import Context
from resolvers.base.described import enum_type, input_type, object_type
from resolvers.base.extents import Extent, extent
from resolvers.base.fields import prop
from resolvers.base.relay import parse_key
from resolvers.base.scalars import Day, Moment
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.mutations.intake import RecordedEvidence, shown_entries
from resolvers.mutations.resolution import LedgerEntry, RecordChange, ReportInput, shown_record

if TYPE_CHECKING:
    from resolvers.types.milestones import Milestone


@enum_type
class MilestoneOutcome(StrEnum):
    """Whether a milestone was reached."""

    HIT = "HIT"
    MISSED = "MISSED"


@input_type
class RecordMilestoneInput(ReportInput):
    """The outcome of a milestone."""

    milestone: strawberry.ID = strawberry.field(description="Id or key of the milestone.")
    outcome: MilestoneOutcome = strawberry.field(description="Whether it was reached.")
    observed_on: Day | None = strawberry.field(
        default=None, description="Day of the observation, in UTC; now if omitted."
    )


@input_type
class SweepMilestonesInput:
    """The moment of a sweep."""

    as_of: Moment | None = strawberry.field(
        default=None, description="The moment to sweep for, not in the future; now if omitted."
    )


@object_type
class MilestoneRecorded(Written):
    """The outcome of a milestone and its effect on the prediction."""

    milestone: Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")] = prop(
        "The milestone after the write."
    )
    recorded: LedgerEntry | None = prop(
        "The row of the ledger; null if nothing was added: for a check-in that was hit or whose "
        "miss is in the ledger already, and for a prediction without a stated probability."
    )
    record: RecordChange | None = prop(
        "Change of the predictor's track record, if the milestone was the predicted event, which "
        "resolves the prediction."
    )


@object_type
class MissedCheckIn(RecordedEvidence):
    """A missed check-in as added to the ledger, and its effect."""

    milestone: Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")] = prop(
        "The check-in after the write."
    )


@object_type
class MilestonesSwept(Written):
    """Result of a sweep."""

    as_of: Moment = prop("The moment swept for: milestones whose date and days of grace ended before it are overdue.")
    num_predictions: int = prop("Number of predictions with newly overdue milestones or missed check-ins.")
    num_overdue: int = prop("Number of pending milestones that became overdue.")
    num_missed: int = prop("Number of missed check-ins added to the ledger.")
    misses: list[MissedCheckIn] = prop(f"Missed check-ins added to the ledger, at most {MAX_REPORTED}.")
    failures: list[str] = prop("Predictions whose milestones could not be processed, with the reason.")


# Inputs whose names do not follow from the property.
NAMES = {"observed_at": "observedOn", "resolved_at": "observedOn"}


@object_type
class ObservationMutations:
    """Mutations of milestones."""

    @write(
        MilestoneRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError, FutureObservationError),
        answer="The recorded outcome, or the reason for the refusal.",
        names=NAMES,
    )
    async def record_milestone(
        self,
        info: Info[Context, Any],
        input: Annotated[RecordMilestoneInput, strawberry.argument(description="The milestone and its outcome.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Record the outcome of a milestone, once. A researched milestone is MODERATE evidence for or against its
        prediction, softened by its confidence. A missed check-in is WEAK evidence against it and counts once, whether
        recorded here or by a sweep; a check-in that was hit has no weight. The event itself resolves the prediction.
        """
        seen = Observation(
            is_hit=input.outcome is MilestoneOutcome.HIT,
            observed_on=input.observed_on,
            by=input.by,
            note=input.note,
            idempotency_key=options["idempotency_key"],
        )
        milestone_id = parse_key(input.milestone, "Milestone", path="milestone")
        answered = await record_milestone(info.context.database, milestone_id, seen, is_dry_run=options["is_dry_run"])
        return await _shown_milestone(info, answered)

    @write(
        MilestonesSwept,
        refused_by=(FutureObservationError,),
        answer="Result of the sweep, or the reason for the refusal.",
        metadata=extent(lambda _: Extent(items=MAX_REPORTED, rows=3 * MAX_REPORTED)),
    )
    async def sweep_milestones(
        self,
        info: Info[Context, Any],
        input: Annotated[
            SweepMilestonesInput | None, strawberry.argument(description="The moment to sweep for; now if omitted.")
        ] = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Mark milestones whose date and seven days of grace have passed as overdue, and add the miss of each overdue
        check-in to the ledger, once, however often it is swept. Each prediction is a write transaction of its own. The
        service also does this by itself, once a week.
        """
        answered = await sweep_once(info.context.database, None if input is None else input.as_of, **options)
        return await _shown_sweep(info, answered)


async def _shown_milestone(info: Info[Context, Any], answered: Answered) -> Wrote:
    payload = answered.payload
    (milestone,) = await read_written(info, answered, [("Milestone", payload["milestone_id"])], "milestone")
    found = [] if payload["recorded"] is None else [payload["recorded"]]
    entries = await shown_entries(info, answered, found, "recorded") if found else [None]
    return answered, {
        "milestone": milestone,
        "recorded": entries[0],
        "record": await shown_record(info, answered, payload["record"]),
    }


async def _shown_sweep(info: Info[Context, Any], answered: Answered) -> Wrote:
    payload = answered.payload
    misses = payload["misses"]
    asked = [("Milestone", miss["milestone_id"]) for miss in misses]
    milestones = await read_written(info, answered, asked, "misses", "milestone")
    entries = await shown_entries(info, answered, misses, "misses")
    shown = {name: payload[name] for name in ("num_predictions", "num_overdue", "num_missed", "failures")}
    return answered, {
        **shown,
        "as_of": datetime.fromisoformat(payload["moment"]),
        "misses": [{**entry, "milestone": found} for entry, found in zip(entries, milestones, strict=True)],
    }
