"""Evidence intake: submitted items, and their effect as recorded in the ledger."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered, Payload
from graph.errors import (
    ClosedClaimError,
    DuplicateError,
    FutureObservationError,
    InvalidError,
    NotFoundError,
    RefusedItemsError,
    UnlinkedPredictorError,
)
from graph.ledger.intake import MAX_BATCH_ITEMS, EvidenceItem
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import EvidenceDirection, EvidenceStrength
from resolvers.base.extents import Arguments, Extent, extent, length
from resolvers.base.fields import prop
from resolvers.base.relay import parse_key, parse_some_key
from resolvers.base.scalars import Moment, Url
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.types.beliefs import LedgerStep, Posterior, shown_payload

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.evidence import Evidence


@input_type
class EvidenceInput:
    """Evidence on a claim: its direction, strength and source."""

    claim: strawberry.ID = strawberry.field(description="Id or key of the claim that it bears on.")
    direction: EvidenceDirection = strawberry.field(description="Whether it speaks for or against the claim.")
    strength: EvidenceStrength | None = strawberry.field(
        default=None, description="Strength by name; give either this or `likelihoodRatio`."
    )
    likelihood_ratio: float | None = strawberry.field(
        default=None,
        description="Strength as a number, 1 or more: P(evidence | true) / P(evidence | false), or the "
        "inverse for AGAINST.",
    )
    confidence: float | None = strawberry.field(
        default=None, description="Probability that it is real, 0 to 1; softens its weight. 1 if omitted."
    )
    predictor: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id or key of the predictor whose track record sets its weight; full weight if omitted.",
    )
    accept_unlinked_predictor: bool = strawberry.field(
        default=False, description="Whether to accept a predictor who did not make the claim."
    )
    document: strawberry.ID | None = strawberry.field(
        default=None, description="Id or key of the document that it comes from."
    )
    url: Url | None = strawberry.field(default=None, description="Address of the source.")
    cluster: str | None = strawberry.field(
        default=None, description="Name of the source event; items of one cluster share the weight of one item."
    )
    observed_at: Moment | None = strawberry.field(
        default=None,
        description="When it was observed; now if omitted. The same source at the same moment counts once.",
    )
    note: str | None = strawberry.field(default=None, description="Remarks about it.")
    by: str | None = strawberry.field(default=None, description="Name of the submitter.")
    label: str | None = strawberry.field(default=None, description="The item in one line.")


@input_type
class EvidenceBatchInput:
    """Several items of evidence."""

    items: list[EvidenceInput] = strawberry.field(description=f"The items, at most {MAX_BATCH_ITEMS:,}.")


# Inputs whose names do not follow from the property.
NAMES = {"accepts_unlinked_predictor": "acceptUnlinkedPredictor"}


@object_type
class RecordedEvidence:
    """An item of evidence as added to the ledger, and its effect."""

    evidence: Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")] | None = prop(
        "The row of the ledger; null in a dry run."
    )
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim that it bears on, after the write."
    )
    step: LedgerStep = prop("Its effect on the belief, figure by figure.")
    before: Posterior = prop("The belief before it, as of the moment of recording.")
    after: Posterior = prop("The belief after it, as of the same moment as `before`.")


@object_type
class EvidenceRecorded(Written):
    """Evidence added to the ledger."""

    recorded: RecordedEvidence = prop("The item and its effect.")


@object_type
class EvidenceBatchRecorded(Written):
    """Evidence added to the ledger, all of it in one transaction."""

    recorded: list[RecordedEvidence] = prop("The items in order, each with its effect.")


def _batch_extent(arguments: Arguments) -> Extent:
    """A row of the ledger and a claim for each item."""
    given = arguments.get("input")
    num_items = length(given if isinstance(given, Mapping) else {}, "items", MAX_BATCH_ITEMS)
    return Extent(items=num_items, rows=2 * num_items)


@object_type
class IntakeMutations:
    """Mutations that add evidence."""

    @write(
        EvidenceRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError, FutureObservationError, UnlinkedPredictorError),
        answer="The recorded evidence, or the reason for the refusal.",
        names=NAMES,
    )
    async def submit_evidence(
        self,
        info: Info[Context, Any],
        input: Annotated[EvidenceInput, strawberry.argument(description="The evidence.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Append evidence to a claim's ledger. It is weighed by its predictor's track record and added to the claim's
        inside view; the answer shows its effect, figure by figure.
        """
        answered = await info.context.service.intake.submit(
            [_item(input, "input")],
            **options,
        )
        (recorded,) = await shown_entries(info, answered, answered.payload["items"], "recorded")
        return answered, {"recorded": recorded}

    @write(
        EvidenceBatchRecorded,
        refused_by=(
            NotFoundError,
            DuplicateError,
            ClosedClaimError,
            FutureObservationError,
            UnlinkedPredictorError,
            RefusedItemsError,
        ),
        answer="The recorded evidence, or the reason for the refusal.",
        names=NAMES,
        metadata=extent(_batch_extent),
    )
    async def submit_evidence_batch(
        self,
        info: Info[Context, Any],
        input: Annotated[EvidenceBatchInput, strawberry.argument(description="The evidence.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Append up to 1,000 items of evidence in order and in one transaction, all of them or none."""
        answered = await info.context.service.intake.submit(
            [_item(item, f"items[{index}]") for index, item in enumerate(input.items)],
            mutation="submitEvidenceBatch",
            **options,
        )
        recorded = await shown_entries(info, answered, answered.payload["items"], "recorded")
        return answered, {"recorded": recorded}


def _item(given: EvidenceInput, path: str) -> EvidenceItem:
    return EvidenceItem(
        claim_id=parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim"),
        direction=given.direction,
        strength=_strength(given, path),
        confidence=given.confidence,
        predictor_id=parse_some_key(given.predictor, "Predictor", path=f"{path}.predictor"),
        document_id=parse_some_key(given.document, "Document", path=f"{path}.document"),
        url=given.url,
        cluster_id=given.cluster,
        observed_at=given.observed_at,
        note=given.note,
        submitted_by=given.by,
        label=given.label,
        accepts_unlinked_predictor=given.accept_unlinked_predictor,
        path=path,
    )


def _strength(given: EvidenceInput, path: str) -> EvidenceStrength | float:
    if (given.strength is None) == (given.likelihood_ratio is None):
        came = "neither" if given.strength is None else "both"
        message = f"expected either strength or likelihoodRatio, got {came}"
        raise InvalidError(message, path=f"{path}.strength")
    if given.strength is not None:
        return given.strength
    ratio = given.likelihood_ratio
    if ratio is None or not 1.0 <= ratio < math.inf:
        message = f"expected a likelihood ratio of 1 or more (use AGAINST for its inverse), got {ratio}"
        raise InvalidError(message, path=f"{path}.likelihood_ratio")
    return ratio


async def shown_entries(
    info: Info[Context, Any], answered: Answered, items: Sequence[Payload], *path: str
) -> list[Shown]:
    """Ledger rows of an answer in the response's shape, read as far as they are selected under a path."""
    rows = await read_written(info, answered, [("Evidence", item["evidence_id"]) for item in items], *path, "evidence")
    claims = await read_written(info, answered, [("Claim", item["claim_id"]) for item in items], *path, "claim")
    return [
        {
            "evidence": row,
            "claim": claim,
            "step": item["step"],
            "before": shown_payload(item["before"]),
            "after": shown_payload(item["after"]),
        }
        for item, row, claim in zip(items, rows, claims, strict=True)
    ]
