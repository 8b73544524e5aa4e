"""What was seen of milestones, and the sweep for what should have been."""

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
from resolvers.base.described import enum_type, object_type
from resolvers.base.fields import prop
from resolvers.base.relay import parse_key
from resolvers.base.scalars import Day, Moment
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.mutations.intake import RecordedEvidence, shown_entries
from resolvers.mutations.resolution import By, LedgerEntry, Note, RecordChange, shown_record

if TYPE_CHECKING:
    from resolvers.types.milestones import Milestone


@enum_type
class MilestoneOutcome(StrEnum):
    """What was seen of a milestone."""

    HIT = "HIT"
    MISSED = "MISSED"


@object_type
class MilestoneRecorded(Written):
    """What was seen of a milestone, and what that says of its prediction."""

    milestone: Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")] = prop(
        "The milestone, as it is now."
    )
    recorded: LedgerEntry | None = prop(
        "The ledger's row; null where the milestone says nothing: a check-in that was hit, or whose miss is in the "
        "ledger already, and a milestone of a prediction without a stated probability."
    )
    record: RecordChange | None = prop(
        "What it did to the predictor's record, where the milestone was the event, which resolves the prediction."
    )


@object_type
class MissedCheckIn(RecordedEvidence):
    """A check-in that passed without a sign, as it went into the ledger."""

    milestone: Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")] = prop(
        "The check-in, as it is now."
    )


@object_type
class MilestonesSwept(Written):
    """What a sweep has found."""

    as_of: Moment = prop("What was due before it, with the days of grace, is overdue.")
    num_predictions: int = prop("On how many predictions something was found.")
    num_overdue: int = prop("How many milestones were pending and are overdue.")
    num_missed: int = prop("How many missed check-ins went into the ledger.")
    misses: list[MissedCheckIn] = prop(f"Those, the first {MAX_REPORTED} of them.")
    failures: list[str] = prop("Predictions whose milestones could not be seen to, and why.")


# Arguments that are not simply named after the property.
NAMES = {
    "submitted_by": "by",
    "notes": "note",
    "observed_at": "observedOn",
    "observed_date": "observedOn",
    "resolved_at": "observedOn",
}


@object_type
class ObservationMutations:
    """What was seen of milestones."""

    @write(
        MilestoneRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError, FutureObservationError),
        answer="What a milestone says, or why it was refused.",
        names=NAMES,
    )
    async def record_milestone(
        self,
        info: Info[Context, Any],
        milestone: Annotated[strawberry.ID, strawberry.argument(description="The id or key of the milestone.")],
        outcome: Annotated[MilestoneOutcome, strawberry.argument(description="What was seen of it.")],
        observed_on: Annotated[
            Day | None, strawberry.argument(description="The day on which that was so, in UTC; now when absent.")
        ] = None,
        note: Note = None,
        by: By = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Record what was seen of a milestone, once. A researched one is MODERATE evidence for or against its prediction,
        softened by its confidence; a missed check-in is WEAK evidence against it, which counts once whether it is
        recorded here or by a sweep; a check-in that was hit weighs nothing; the event resolves it.
        """
        seen = Observation(
            is_hit=outcome is MilestoneOutcome.HIT,
            observed_on=observed_on,
            by=by,
            note=note,
            idempotency_key=options["idempotency_key"],
        )
        milestone_id = parse_key(milestone, "Milestone", path="milestone")
        answered = await record_milestone(info.context.database, milestone_id, seen, is_dry_run=options["is_dry_run"])
        return await _shown_milestone(info, answered)

    @write(
        MilestonesSwept,
        refused_by=(FutureObservationError,),
        answer="What a sweep has found, or why it was refused.",
    )
    async def sweep_milestones(
        self,
        info: Info[Context, Any],
        as_of: Annotated[
            Moment | None, strawberry.argument(description="The moment; now when absent, never later.")
        ] = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Mark what is overdue (due, with seven days of grace, before a moment), and put the miss of each overdue check-in
        into the ledger: once and ever, whatever is swept twice or at the same time. Each prediction is a write
        transaction of its own; the service does all this by itself once a week.
        """
        answered = await sweep_once(info.context.database, as_of, **options)
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
