"""Evidence intake: what clients submit, and what the ledger made of it."""

import math
from collections.abc import Sequence
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
from graph.inference.evidence import Direction, Strength
from graph.ledger.intake import EvidenceItem
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import EvidenceDirection, EvidenceStrength
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
    """Evidence on a claim: which way it points, how strong it is, and where it comes from."""

    claim: strawberry.ID = strawberry.field(description="The id or key of the claim that it bears on.")
    direction: EvidenceDirection = strawberry.field(description="Whether it speaks for the claim or against it.")
    strength: EvidenceStrength | None = strawberry.field(
        default=None, description="How strong it is, in a word; either this or likelihoodRatio."
    )
    likelihood_ratio: float | None = strawberry.field(
        default=None,
        description="How strong it is, as a number: P(evidence | true) / P(evidence | false) in its direction, from 1.",
    )
    confidence: float | None = strawberry.field(
        default=None, description="The probability that it is real, 0 to 1, which softens it; 1 when absent."
    )
    predictor: strawberry.ID | None = strawberry.field(
        default=None, description="The id or key of the predictor whose record it is weighed by; full weight without."
    )
    accept_unlinked_predictor: bool = strawberry.field(
        default=False, description="Whether the predictor may be another than the one who made the claim."
    )
    document: strawberry.ID | None = strawberry.field(
        default=None, description="The id or key of the document that it stands in."
    )
    url: Url | None = strawberry.field(default=None, description="Where it stands, as an address.")
    cluster: str | None = strawberry.field(
        default=None, description="A name for the source event: items of one cluster share the weight of one."
    )
    observed_at: Moment | None = strawberry.field(
        default=None,
        description="When it was observed; now when absent. The same source at the same moment counts once.",
    )
    note: str | None = strawberry.field(default=None, description="What there is to say about it.")
    submitted_by: str | None = strawberry.field(default=None, description="Who submits it.")
    label: str | None = strawberry.field(default=None, description="What it is called, in a line.")


# Inputs that are not simply named after the property.
NAMES = {"accepts_unlinked_predictor": "acceptUnlinkedPredictor"}


@object_type
class RecordedEvidence:
    """An item of evidence as it went into the ledger, and what it did."""

    evidence: Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")] | None = prop(
        "The ledger's row; null in a dry run."
    )
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim that it bears on, as it is now."
    )
    step: LedgerStep = prop("What it did to the belief, figure by figure.")
    before: Posterior = prop("The belief before, at the moment of recording.")
    after: Posterior = prop("The belief after, at the same moment.")


@object_type
class EvidenceRecorded(Written):
    """Evidence that went into the ledger."""

    recorded: RecordedEvidence = prop("The item, and what it did.")


@object_type
class EvidenceBatchRecorded(Written):
    """Evidence that went into the ledger, all of it in one transaction."""

    recorded: list[RecordedEvidence] = prop("The items in their order, and what each did.")


@object_type
class IntakeMutations:
    """Evidence intake."""

    @write(
        EvidenceRecorded,
        refused_by=(NotFoundError, DuplicateError, ClosedClaimError, FutureObservationError, UnlinkedPredictorError),
        answer="What evidence did, or why it was refused.",
        names=NAMES,
    )
    async def submit_evidence(
        self,
        info: Info[Context, Any],
        input: Annotated[EvidenceInput, strawberry.argument(description="The evidence.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Append evidence to a claim's ledger. It is weighed by its predictor's record and added to the claim's inside
        view; the answer says what it did, figure by figure.
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
        answer="What evidence did, or why it was refused.",
        names=NAMES,
    )
    async def submit_evidence_batch(
        self,
        info: Info[Context, Any],
        items: Annotated[list[EvidenceInput], strawberry.argument(description="The evidence.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Append up to 1,000 items of evidence in one transaction, in their order: all of them or none."""
        answered = await info.context.service.intake.submit(
            [_item(item, f"items[{index}]") for index, item in enumerate(items)],
            mutation="submitEvidenceBatch",
            **options,
        )
        recorded = await shown_entries(info, answered, answered.payload["items"], "recorded")
        return answered, {"recorded": recorded}


def _item(given: EvidenceInput, path: str) -> EvidenceItem:
    return EvidenceItem(
        claim_id=parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim"),
        direction=Direction(given.direction.value),
        strength=_strength(given, path),
        confidence=given.confidence,
        predictor_id=parse_some_key(given.predictor, "Predictor", path=f"{path}.predictor"),
        document_id=parse_some_key(given.document, "Document", path=f"{path}.document"),
        url=given.url,
        cluster_id=given.cluster,
        observed_at=given.observed_at,
        note=given.note,
        submitted_by=given.submitted_by,
        label=given.label,
        accepts_unlinked_predictor=given.accept_unlinked_predictor,
        path=path,
    )


def _strength(given: EvidenceInput, path: str) -> Strength | float:
    if (given.strength is None) == (given.likelihood_ratio is None):
        came = "neither" if given.strength is None else "both"
        message = f"expected either strength or likelihoodRatio, got {came}"
        raise InvalidError(message, path=f"{path}.strength")
    if given.strength is not None:
        return Strength(given.strength.value)
    ratio = given.likelihood_ratio
    if ratio is None or not 1.0 <= ratio < math.inf:
        message = f"expected a likelihood ratio of 1 or more, with AGAINST to turn it round, got {ratio}"
        raise InvalidError(message, path=f"{path}.likelihood_ratio")
    return ratio


async def shown_entries(
    info: Info[Context, Any], answered: Answered, items: Sequence[Payload], *path: str
) -> list[dict[str, Any]]:
    """Ledger rows of an answer as the response holds them, read as far as they are selected under a path."""
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
