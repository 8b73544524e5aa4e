"""What becomes of claims: resolved, annulled or opened again, and what that does to their predictors' records."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered, Payload
from graph.errors import ClosedClaimError, DuplicateError, FutureObservationError, NotFoundError
from graph.model.kinds import ClaimStatus
from graph.model.subjects import CLAIM_SUBJECTS
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.relay import parse_key
from resolvers.base.scalars import Moment
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.mutations.intake import shown_entries
from resolvers.types.beliefs import LedgerStep, Posterior

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.evidence import Evidence
    from resolvers.types.predictors import Predictor
from resolvers.base.enums import ClaimOutcome

ClaimArgument = Annotated[strawberry.ID, strawberry.argument(description="The id or key of the claim.")]
Note = Annotated[str | None, strawberry.argument(description="Why: what there is to say about it.")]
By = Annotated[str | None, strawberry.argument(description="Who says so.")]


# Arguments that are not simply named after the property.
NAMES = {"submitted_by": "by", "observed_at": "resolvedAt"}


@object_type
class LedgerEntry:
    """A row of the ledger, and what it did to the claim's belief."""

    evidence: Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")] | None = prop(
        "The ledger's row; null in a dry run."
    )
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim that it bears on, as it is now."
    )
    step: LedgerStep | None = prop(
        "What it did to the belief, figure by figure; null where no probability was stated, so that there is none."
    )
    before: Posterior | None = prop("The belief before; null where there is none.")
    after: Posterior | None = prop(
        "The belief after; of a claim whose outcome is known, as it stood when that became known."
    )


@object_type
class PredictorWeight:
    """What a predictor's next evidence is weighed by."""

    kappa: float = prop("The weight, 0.10 to 1.00.")
    kappa_source: str = prop("Which record it comes from.")
    brier: float | None = prop("The Brier score of that record, where known: mean squared error, 0 is best.")
    n_resolved: int = prop("How many resolved predictions that record counts.")


@object_type
class RecordChange:
    """What an outcome did to a predictor's record. Evidence in the ledger keeps its weight."""

    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] = prop("Whose record it is.")
    before: PredictorWeight = prop("As it was.")
    after: PredictorWeight = prop("As it is, for evidence that comes from now on.")


@object_type
class OutcomeRecorded(Written):
    """What became of a claim, as it went into the ledger."""

    recorded: LedgerEntry = prop("The ledger's row, which says who found so, when and why, and weighs nothing.")
    record: RecordChange | None = prop("What it did to the record of the predictor, where one made the claim.")


@object_type
class ResolutionMutations:
    """What becomes of claims."""

    @write(
        OutcomeRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError, FutureObservationError),
        answer="What an outcome did, or why it was refused.",
        names=NAMES,
    )
    async def resolve(
        self,
        info: Info[Context, Any],
        claim: ClaimArgument,
        outcome: Annotated[ClaimOutcome, strawberry.argument(description="Whether it came true.")],
        resolved_at: Annotated[
            Moment | None, strawberry.argument(description="When that became known; now when absent.")
        ] = None,
        note: Note = None,
        by: By = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Say that a claim came true or did not. Its belief stands still from then on, its event milestone is marked, and
        the record of the predictor who made it is made anew, for evidence that comes later.
        """
        given = Outcome(
            status=ClaimStatus.RESOLVED_TRUE if outcome is ClaimOutcome.TRUE else ClaimStatus.RESOLVED_FALSE,
            at=resolved_at,
            by=by,
            note=note,
            idempotency_key=options["idempotency_key"],
        )
        return await _settle(info, resolve, claim, given, options)

    @write(
        OutcomeRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError),
        answer="What an annulment did, or why it was refused.",
        names=NAMES,
    )
    async def annul(
        self,
        info: Info[Context, Any],
        claim: ClaimArgument,
        note: Note = None,
        by: By = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Say that a claim has no outcome, for whatever reason: it is closed, and counts in no record."""
        given = Outcome(status=ClaimStatus.ANNULLED, by=by, note=note, idempotency_key=options["idempotency_key"])
        return await _settle(info, annul, claim, given, options)

    @write(
        OutcomeRecorded,
        refused_by=(NotFoundError, DuplicateError),
        answer="What opening a claim again did, or why it was refused.",
        names=NAMES,
    )
    async def unresolve(
        self,
        info: Info[Context, Any],
        claim: ClaimArgument,
        note: Note = None,
        by: By = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Open a claim again that was resolved or annulled by mistake. The ledger keeps both; the record of its predictor
        is made anew, and its event milestone is pending again.
        """
        given = Outcome(status=ClaimStatus.OPEN, by=by, note=note, idempotency_key=options["idempotency_key"])
        return await _settle(info, unresolve, claim, given, options)


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


async def shown_record(info: Info[Context, Any], answered: Answered, record: Payload | None) -> dict[str, Any] | None:
    """What became of a predictor's record, as the response holds it."""
    if record is None:
        return None
    (predictor,) = await read_written(info, answered, [("Predictor", record["predictor_id"])], "record", "predictor")
    return {"predictor": predictor, "before": record["before"], "after": record["after"]}
