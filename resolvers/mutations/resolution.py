"""Mutations of outcomes: claims are resolved, annulled or reopened, and track records recomputed."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered, Payload
from graph.errors import BeforeWindowError, ClosedClaimError, DuplicateError, FutureObservationError, NotFoundError
from graph.model.kinds import ClaimStatus
from graph.model.subjects import CLAIM_SUBJECTS
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from graph.outcomes.retractions import Retraction, retract
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import ClaimOutcome
from resolvers.base.fields import prop
from resolvers.base.figures import figures
from resolvers.base.relay import parse_key
from resolvers.base.scalars import Moment
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.mutations.intake import shown_entries
from resolvers.types.beliefs import LedgerStep, Posterior
from resolvers.types.predictor_records import PredictorWeight

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.evidence import Evidence
    from resolvers.types.predictors import Predictor

# Inputs whose names do not follow from the property.
NAMES = {"observed_at": "resolvedAt", "accepts_before_window": "acceptBeforeWindow"}


@input_type
class ReportInput:
    """Remarks of those who report an outcome, and their name."""

    note: str | None = strawberry.field(default=None, description="Reason or remarks.")
    by: str | None = strawberry.field(default=None, description="Name of the person or source that reports it.")


@input_type
class AnnulClaimInput(ReportInput):
    """A claim to close without an outcome."""

    claim: strawberry.ID = strawberry.field(description="Id or key of the claim.")


@input_type
class ReopenClaimInput(ReportInput):
    """A claim to reopen."""

    claim: strawberry.ID = strawberry.field(description="Id or key of the claim.")


@input_type
class ResolveClaimInput(ReportInput):
    """The outcome of a claim."""

    claim: strawberry.ID = strawberry.field(description="Id or key of the claim.")
    outcome: ClaimOutcome = strawberry.field(description="Whether it came true.")
    resolved_at: Moment | None = strawberry.field(
        default=None, description="When the outcome became known; now if omitted."
    )
    accept_before_window: bool = strawberry.field(
        default=False, description="Whether to accept an outcome before the claim's window opens."
    )


@object_type
class LedgerEntry:
    """A row of the ledger and its effect on the claim's belief."""

    evidence: Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")] | None = prop(
        "The row of the ledger; null in a dry run."
    )
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim that it bears on, after the write."
    )
    step: LedgerStep | None = prop("Its effect on the belief, figure by figure; null without a stated probability.")
    before: Posterior | None = prop("The belief before it; null without a stated probability.")
    after: Posterior | None = prop(
        "The belief after it; for a closed claim, as of the moment when the outcome became known."
    )


@object_type
class RecordChange:
    """Change of a predictor's track record by an outcome. Evidence already in the ledger keeps its weight."""

    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] = prop(
        "The predictor whose record changed."
    )
    before: PredictorWeight = prop("The weight before the outcome.")
    after: PredictorWeight = prop("The weight of evidence from now on.")


@object_type
class OutcomeRecorded(Written):
    """The outcome of a claim as added to the ledger, and its effect."""

    recorded: LedgerEntry = prop(
        "The row of the ledger, which records who reported the outcome, when and why; it has no weight."
    )
    record: RecordChange | None = prop("Change of the predictor's track record; null if no predictor made the claim.")


@input_type
class RetractEvidenceInput:
    """Evidence to take back."""

    evidence: strawberry.ID = strawberry.field(description="Id or key of the ledger row.")
    reason: str = strawberry.field(description="Reason, which the ledger shows.")
    by: str | None = strawberry.field(default=None, description="Name of the person or source that asks for it.")


@object_type
class EvidenceRetracted(Written):
    """A retraction as added to the ledger, and its effect."""

    recorded: LedgerEntry = prop("The row of the ledger that takes the other back; both stay.")


@object_type
class ResolutionMutations:
    """Mutations of outcomes."""

    @write(
        OutcomeRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError, FutureObservationError, BeforeWindowError),
        answer="The recorded outcome, or the reason for the refusal.",
        names=NAMES,
    )
    async def resolve_claim(
        self,
        info: Info[Context, Any],
        input: Annotated[ResolveClaimInput, strawberry.argument(description="The claim and its outcome.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Record that a claim came true or did not. Its belief is fixed from then on, its event milestone is marked, and
        its predictor's track record is recomputed for later evidence.
        """
        given = Outcome(
            status=ClaimStatus.RESOLVED_TRUE if input.outcome is ClaimOutcome.TRUE else ClaimStatus.RESOLVED_FALSE,
            at=input.resolved_at,
            by=input.by,
            note=input.note,
            idempotency_key=options["idempotency_key"],
            accepts_before_window=input.accept_before_window,
        )
        return await _settle(info, resolve, input.claim, given, options)

    @write(
        OutcomeRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError),
        answer="The recorded annulment, or the reason for the refusal.",
        names=NAMES,
    )
    async def annul_claim(
        self,
        info: Info[Context, Any],
        input: Annotated[AnnulClaimInput, strawberry.argument(description="The claim and the reason.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Close a claim without an outcome, for whatever reason; it counts in no track record."""
        given = _without_outcome(ClaimStatus.ANNULLED, input, options)
        return await _settle(info, annul, input.claim, given, options)

    @write(
        OutcomeRecorded,
        refused_by=(NotFoundError, DuplicateError),
        answer="The recorded reopening, or the reason for the refusal.",
        names=NAMES,
    )
    async def reopen_claim(
        self,
        info: Info[Context, Any],
        input: Annotated[ReopenClaimInput, strawberry.argument(description="The claim and the reason.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Reopen a claim that was resolved or annulled by mistake. The ledger keeps both entries; its predictor's track
        record is recomputed, and its event milestone is pending again.
        """
        given = _without_outcome(ClaimStatus.OPEN, input, options)
        return await _settle(info, unresolve, input.claim, given, options)

    @write(
        EvidenceRetracted,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError),
        answer="The recorded retraction, or the reason for the refusal.",
    )
    async def retract_evidence(
        self,
        info: Info[Context, Any],
        input: Annotated[RetractEvidenceInput, strawberry.argument(description="The ledger row and the reason.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Take back evidence that was a mistake: a row of the ledger that adds the opposite of what the other adds. The
        history shows both, and answers as of before the retraction stay as they were.
        """
        retraction = Retraction(reason=input.reason, by=input.by, idempotency_key=options["idempotency_key"])
        evidence_id = parse_key(input.evidence, "Evidence", path="evidence")
        answered = await retract(info.context.database, evidence_id, retraction, is_dry_run=options["is_dry_run"])
        (recorded,) = await shown_entries(info, answered, [answered.payload], "recorded")
        return answered, {"recorded": recorded}


def _without_outcome(status: ClaimStatus, given: ReportInput, options: WriteOptions) -> Outcome:
    return Outcome(status=status, by=given.by, note=given.note, idempotency_key=options["idempotency_key"])


async def _settle(
    info: Info[Context, Any],
    settle: Callable[..., Awaitable[Answered]],
    claim: str,
    outcome: Outcome,
    options: WriteOptions,
) -> Wrote:
    claim_id = parse_key(claim, *CLAIM_SUBJECTS, path="claim")
    answered = await settle(info.context.database, claim_id, outcome, is_dry_run=options["is_dry_run"])
    (recorded,) = await shown_entries(info, answered, [answered.payload], "recorded")
    record = await shown_record(info, answered, answered.payload["record"])
    return answered, {"recorded": recorded, "record": record}


async def shown_record(info: Info[Context, Any], answered: Answered, record: Payload | None) -> Shown | None:
    """The change of a predictor's record in the response's shape."""
    if record is None:
        return None
    (predictor,) = await read_written(info, answered, [("Predictor", record["predictor_id"])], "record", "predictor")
    return {"predictor": predictor, "before": figures(record["before"]), "after": figures(record["after"])}
