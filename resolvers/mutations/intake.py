"""Evidence intake: submitted items, and their effect as recorded in the ledger."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered, Payload
from graph.errors import (
    ClosedClaimError,
    DuplicateError,
    FutureObservationError,
    InvalidError,
    NotFoundError,
    OutsideKeyError,
    RefusedError,
    RefusedItemsError,
    UnlinkedPredictorError,
)
from graph.ledger.intake import MAX_BATCH_ITEMS
from graph.ledger.items import EvidenceItem
from graph.ledger.refusal_payloads import read_refusal
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import EvidenceBatchMode, EvidenceDirection, EvidenceItemStatus, EvidenceStrength
from resolvers.base.extents import Arguments, Extent, extent, length
from resolvers.base.fields import prop
from resolvers.base.refusals import UserError, refused
from resolvers.base.relay import parse_key, parse_some_key
from resolvers.base.scalars import Moment, Url
from resolvers.mutations.answers import WriteOptions, Written, Wrote, read_written, write
from resolvers.types.beliefs import LedgerStep, Posterior, shown_payload, shown_step

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.evidence import Evidence

T = TypeVar("T")


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
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A unique name for the item, up to 200 characters. However often and in whatever way it is sent "
        "under this key, alone, in a batch or by POST /evidence, it counts once and gets the same answer.",
    )


@input_type
class EvidenceBatchInput:
    """Several items of evidence."""

    items: list[EvidenceInput] = strawberry.field(description=f"The items, at most {MAX_BATCH_ITEMS:,}.")
    mode: EvidenceBatchMode = strawberry.field(
        default=EvidenceBatchMode.ALL_OR_NONE, description="What becomes of the batch if some items are refused."
    )


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
class EvidenceItemAnswer:
    """Answer to one item of a batch."""

    index: int = prop("Place of the item in the request, from 0.")
    idempotency_key: str | None = prop("The item's own key.")
    status: EvidenceItemStatus = prop("Whether it is recorded now, was recorded before, or is refused.")
    recorded: RecordedEvidence | None = prop("The item and its effect; null if it is refused.")
    refusals: list[UserError] = prop("All that is wrong with it; empty unless it is refused.")


@object_type
class EvidenceBatchRecorded(Written):
    """Evidence added to the ledger in one transaction: all items, or by the mode EACH those that are not refused."""

    items: list[EvidenceItemAnswer] = prop("The answer to each item, in order.")
    recorded: list[RecordedEvidence] = prop("The items that are recorded, in order, each with its effect.")
    recorded_count: int = prop("Number of items recorded now.")
    replayed_count: int = prop("Number of items that were recorded before, under their own keys.")
    refused_count: int = prop("Number of items refused.")


def _batch_extent(arguments: Arguments) -> Extent:
    """A row of the ledger and a claim for each item, in each of two lists."""
    given = arguments.get("input")
    num_items = length(given if isinstance(given, Mapping) else {}, "items", MAX_BATCH_ITEMS)
    return Extent(items=num_items, rows=4 * num_items)


ITEM_REFUSALS = (
    NotFoundError,
    DuplicateError,
    ClosedClaimError,
    FutureObservationError,
    UnlinkedPredictorError,
    OutsideKeyError,
    RefusedItemsError,
)


@object_type
class IntakeMutations:
    """Mutations that add evidence."""

    @write(
        EvidenceRecorded,
        refused_by=ITEM_REFUSALS,
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
        item, key = read_item(input, "input"), options["idempotency_key"]
        if item.idempotency_key not in {None, key} and key is not None:
            message = f"expected one idempotency key, got {item.idempotency_key!r} here and {key!r} for the request"
            raise InvalidError(message, path="input.idempotency_key")
        options["idempotency_key"] = item.idempotency_key or key
        answered = await info.context.service.intake.submit([replace(item, idempotency_key=None)], **options)
        (recorded,) = await shown_entries(info, answered, answered.payload["items"], "recorded")
        return answered, {"recorded": recorded}

    @write(
        EvidenceBatchRecorded,
        refused_by=ITEM_REFUSALS,
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
        """
        Append up to 1,000 items of evidence in order and in one transaction. An item with a key of its own that is
        recorded already counts once; two equal items without keys are taken for one, of which the second is refused.
        """
        answered = await info.context.service.intake.submit(
            [read_item(item, f"input.items[{index}]") for index, item in enumerate(input.items)],
            mutation="submitEvidenceBatch",
            mode=input.mode,
            **options,
        )
        keys = [item.idempotency_key for item in input.items]
        return answered, await _shown_batch(info, answered, keys)


async def _shown_batch(info: Info[Context, Any], answered: Answered, keys: Sequence[str | None]) -> Shown:
    payloads = answered.payload["items"]
    recorded = [payload for payload in payloads if "refusals" not in payload]
    entries = iter(await shown_entries(info, answered, recorded, "items", "recorded"))
    statuses = [status_of(payload) for payload in payloads]
    items = [
        {
            "index": index,
            "idempotency_key": key,
            "status": status,
            "recorded": None if status is EvidenceItemStatus.REFUSED else next(entries),
            "refusals": [refused(read_refusal(refusal), NAMES) for refusal in payload.get("refusals", ())],
        }
        for index, (payload, key, status) in enumerate(zip(payloads, keys, statuses, strict=True))
    ]
    counts = {f"{status.value.lower()}_count": statuses.count(status) for status in EvidenceItemStatus}
    return {"items": items, "recorded": await shown_entries(info, answered, recorded, "recorded"), **counts}


def status_of(payload: Payload) -> EvidenceItemStatus:
    """Outcome of an item, by its part of the answer."""
    if "refusals" in payload:
        return EvidenceItemStatus.REFUSED
    return EvidenceItemStatus.REPLAYED if payload.get("is_replayed") else EvidenceItemStatus.RECORDED


def read_item(given: EvidenceInput, path: str, faults: Sequence[RefusedError] = ()) -> EvidenceItem:
    """
    The item of an input, with all that is wrong with it.

    Args:
        given: The input.
        path: Its path in the request.
        faults: What was found wrong with it before.
    """
    found = list(faults)

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except RefusedError as fault:
            found.append(fault)
            return None

    return EvidenceItem(
        claim_id=attempt(lambda: parse_key(given.claim, *CLAIM_SUBJECTS, path=f"{path}.claim")) or "",
        direction=given.direction,
        strength=attempt(lambda: _strength(given, path)) or EvidenceStrength.WEAK,
        confidence=given.confidence,
        predictor_id=attempt(lambda: parse_some_key(given.predictor, "Predictor", path=f"{path}.predictor")),
        document_id=attempt(lambda: parse_some_key(given.document, "Document", path=f"{path}.document")),
        url=given.url,
        cluster_id=given.cluster,
        observed_at=given.observed_at,
        note=given.note,
        submitted_by=given.by,
        label=given.label,
        accepts_unlinked_predictor=given.accept_unlinked_predictor,
        idempotency_key=given.idempotency_key,
        path=path,
        faults=tuple(found),
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
            "step": shown_step(item["step"]),
            "before": shown_payload(item["before"]),
            "after": shown_payload(item["after"]),
        }
        for item, row, claim in zip(items, rows, claims, strict=True)
    ]
