"""Upserts, links and deletions."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.model.subjects import ROW_LISTS
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import add_validation, upsert
from resolvers.base.context import Context
from resolvers.base.enums import ExposureSign, InfluenceKind, Subject
from resolvers.base.refusals import answer_or_refusal
from resolvers.base.relay import global_id, parse_global_id, parse_id
from resolvers.mutations.answers import DryRun, IdempotencyKey, envelope, read_written
from resolvers.mutations.subject_inputs import (
    DocumentInput,
    DocumentLinkInput,
    DomainInput,
    EpisodeInput,
    ExposureEndsInput,
    ExposureInput,
    InfluenceEndsInput,
    InfluenceInput,
    KillerInput,
    MilestoneInput,
    PredictionInput,
    PredictorInput,
    ReferenceClassInput,
    ScenarioInput,
    TickerInput,
    ValidationInput,
    change_of,
)
from resolvers.mutations.subject_results import (
    AddValidationAnswer,
    DeleteSubjectAnswer,
    LinkDocumentAnswer,
    RemoveExposureAnswer,
    RemoveInfluenceAnswer,
    UnlinkDocumentAnswer,
    UpsertDocumentAnswer,
    UpsertDomainAnswer,
    UpsertEpisodeAnswer,
    UpsertExposureAnswer,
    UpsertInfluenceAnswer,
    UpsertKillerAnswer,
    UpsertMilestoneAnswer,
    UpsertPredictionAnswer,
    UpsertPredictorAnswer,
    UpsertReferenceClassAnswer,
    UpsertScenarioAnswer,
    UpsertTickerAnswer,
)
from resolvers.types.beliefs import shown_payload

# The result type of each upsert of a relationship, the mutation and the result type of each removal.
UPSERTED = {"influences": "InfluenceUpserted", "exposures": "ExposureUpserted", "document_links": "DocumentLinked"}
REMOVED = {
    "influences": ("removeInfluence", "InfluenceRemoved"),
    "exposures": ("removeExposure", "ExposureRemoved"),
    "document_links": ("unlinkDocument", "DocumentUnlinked"),
}
# The field, the subject and the property of each end.
ENDS = {
    "influences": (("parent", "Claim", "parent_id"), ("child", "Claim", "child_id")),
    "exposures": (("prediction", "Prediction", "prediction_id"), ("ticker", "Ticker", "symbol")),
    "document_links": (("document", "Document", "document_id"), ("claim", "Claim", "claim_id")),
}
THE_ROW = strawberry.argument(description="What it is to be.")
WHICH = strawberry.argument(description="Which.")


@strawberry.type
class SubjectMutations:
    """Upserts of every subject."""

    @strawberry.mutation(
        description="Create or change a prediction. `resolve` and `annul` settle its outcome, and `submitEvidence` "
        "moves the belief in it."
    )
    async def upsert_prediction(
        self,
        info: Info[Context, Any],
        input: Annotated[PredictionInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertPredictionAnswer:
        """Create or change a prediction."""
        return await _upsert_node(info, input, "predictions", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a scenario.")
    async def upsert_scenario(
        self,
        info: Info[Context, Any],
        input: Annotated[ScenarioInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertScenarioAnswer:
        """Create or change a scenario."""
        return await _upsert_node(info, input, "scenarios", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a killer.")
    async def upsert_killer(
        self,
        info: Info[Context, Any],
        input: Annotated[KillerInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertKillerAnswer:
        """Create or change a killer."""
        return await _upsert_node(info, input, "killers", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a predictor.")
    async def upsert_predictor(
        self,
        info: Info[Context, Any],
        input: Annotated[PredictorInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertPredictorAnswer:
        """Create or change a predictor."""
        return await _upsert_node(info, input, "predictors", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a reference class.")
    async def upsert_reference_class(
        self,
        info: Info[Context, Any],
        input: Annotated[ReferenceClassInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertReferenceClassAnswer:
        """Create or change a reference class."""
        return await _upsert_node(info, input, "reference_classes", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(
        description="Create or change a milestone. What became of it is recorded by `recordMilestone`."
    )
    async def upsert_milestone(
        self,
        info: Info[Context, Any],
        input: Annotated[MilestoneInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertMilestoneAnswer:
        """Create or change a milestone."""
        return await _upsert_node(info, input, "milestones", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a ticker.")
    async def upsert_ticker(
        self,
        info: Info[Context, Any],
        input: Annotated[TickerInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertTickerAnswer:
        """Create or change a ticker."""
        return await _upsert_node(info, input, "tickers", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a document.")
    async def upsert_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertDocumentAnswer:
        """Create or change a document."""
        return await _upsert_node(info, input, "documents", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change an episode.")
    async def upsert_episode(
        self,
        info: Info[Context, Any],
        input: Annotated[EpisodeInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertEpisodeAnswer:
        """Create or change an episode."""
        return await _upsert_node(info, input, "episodes", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change a domain.")
    async def upsert_domain(
        self,
        info: Info[Context, Any],
        input: Annotated[DomainInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertDomainAnswer:
        """Create or change a domain."""
        return await _upsert_node(info, input, "domains", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change an influence.")
    async def upsert_influence(
        self,
        info: Info[Context, Any],
        input: Annotated[InfluenceInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertInfluenceAnswer:
        """Create or change an influence."""
        return await _upsert_edge(info, input, "influences", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Create or change an exposure.")
    async def upsert_exposure(
        self,
        info: Info[Context, Any],
        input: Annotated[ExposureInput, THE_ROW],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UpsertExposureAnswer:
        """Create or change an exposure."""
        return await _upsert_edge(info, input, "exposures", idempotency_key, dry_run=dry_run)


@strawberry.type
class LinkMutations:
    """Validations, links and removals."""

    @strawberry.mutation(
        description="Record a look at how a prediction is doing. The same look counts once; looks stay for good."
    )
    async def add_validation(
        self,
        info: Info[Context, Any],
        input: Annotated[ValidationInput, strawberry.argument(description="The look.")],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> AddValidationAnswer:
        """Record a look at how a prediction is doing."""

        async def work() -> dict[str, Any]:
            values = change_of(input, "validations").values
            answered = await add_validation(
                info.context.database, values, idempotency_key=idempotency_key, is_dry_run=dry_run
            )
            (row,) = await read_written(info, answered, [("Validation", answered.payload["id"])], "validation")
            return {"__typename": "ValidationAdded", "validation": row, **envelope(answered)}

        answer: Any = await answer_or_refusal(work)
        return answer

    @strawberry.mutation(description="Say that a document is about a claim. Saying it again changes nothing.")
    async def link_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentLinkInput, strawberry.argument(description="Which document, and which claim.")],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> LinkDocumentAnswer:
        """Say that a document is about a claim."""
        return await _upsert_edge(info, input, "document_links", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Say that a document is about a claim no longer.")
    async def unlink_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentLinkInput, strawberry.argument(description="Which document, and which claim.")],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> UnlinkDocumentAnswer:
        """Say that a document is about a claim no longer."""
        return await _remove(info, input, "document_links", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Remove an influence. Its claims stay, and so do their ledgers.")
    async def remove_influence(
        self,
        info: Info[Context, Any],
        input: Annotated[InfluenceEndsInput, WHICH],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> RemoveInfluenceAnswer:
        """Remove an influence."""
        return await _remove(info, input, "influences", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(description="Remove an exposure. Its prediction and its ticker stay.")
    async def remove_exposure(
        self,
        info: Info[Context, Any],
        input: Annotated[ExposureEndsInput, WHICH],
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> RemoveExposureAnswer:
        """Remove an exposure."""
        return await _remove(info, input, "exposures", idempotency_key, dry_run=dry_run)

    @strawberry.mutation(
        description="Delete any subject to which nothing refers and with which no history would be lost. A claim takes "
        "its influences, exposures, document links and pending milestones with it, an event the pending check-ins on "
        "the way to it. The ledger and the validations only grow."
    )
    async def delete_subject(
        self,
        info: Info[Context, Any],
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id; with `subject` its key will do.")],
        subject: Annotated[Subject | None, strawberry.argument(description="What kind of node it is.")] = None,
        idempotency_key: IdempotencyKey = None,
        *,
        dry_run: DryRun = False,
    ) -> DeleteSubjectAnswer:
        """Delete a subject."""

        async def work() -> dict[str, Any]:
            kind, key = parse_global_id(id) if subject is None else parse_id(id, subject.value)
            answered = await delete_subject(
                info.context.database, kind, key, idempotency_key=idempotency_key, is_dry_run=dry_run
            )
            named = {"subject": Subject(kind), "id": global_id(kind, key), "key": key}
            return {"__typename": "SubjectDeleted", **answered.payload, **named, **envelope(answered)}

        answer: Any = await answer_or_refusal(work)
        return answer


async def _upsert_node(
    info: Info[Context, Any], given: Any, name: str, idempotency_key: str | None, *, dry_run: bool
) -> Any:
    subject = ROW_LISTS[name].row.__name__

    async def work() -> dict[str, Any]:
        change = change_of(given, name, subject)
        answered = await upsert(info.context.database, change, idempotency_key=idempotency_key, is_dry_run=dry_run)
        payload = answered.payload
        field = f"{subject[0].lower()}{subject[1:]}"
        (node,) = await read_written(info, answered, [(subject, payload["id"])], field)
        return {
            "__typename": f"{subject}Upserted",
            _property(field): node,
            **{key: payload[key] for key in ("created", "changed")},
            **{key: shown_payload(payload[key]) for key in ("before", "after")},
            **envelope(answered),
        }

    return await answer_or_refusal(work)


async def _upsert_edge(
    info: Info[Context, Any], given: Any, name: str, idempotency_key: str | None, *, dry_run: bool
) -> Any:
    async def work() -> dict[str, Any]:
        change = change_of(given, name)
        answered = await upsert(info.context.database, change, idempotency_key=idempotency_key, is_dry_run=dry_run)
        payload = answered.payload
        return {
            **payload["row"],
            "__typename": UPSERTED[name],
            **{key: payload[key] for key in ("created", "changed")},
            **await _ends(info, answered, name, payload["row"]),
            **envelope(answered),
        }

    return await answer_or_refusal(work)


async def _remove(
    info: Info[Context, Any], given: Any, name: str, idempotency_key: str | None, *, dry_run: bool
) -> Any:
    async def work() -> dict[str, Any]:
        mutation, typename = REMOVED[name]
        change = change_of(given, name)
        answered = await remove_edge(
            info.context.database, change, mutation, idempotency_key=idempotency_key, is_dry_run=dry_run
        )
        row = answered.payload["removed"]
        return {
            **row,
            "__typename": typename,
            **await _ends(info, answered, name, row),
            **envelope(answered),
        }

    return await answer_or_refusal(work)


async def _ends(info: Info[Context, Any], answered: Answered, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Both ends of a relationship, as far as they are selected, and its kind as the schema shows it."""
    ends: dict[str, Any] = {}
    for field, subject, attribute in ENDS[name]:
        (ends[field],) = await read_written(info, answered, [(subject, row[attribute])], field)
    if name == "influences":
        ends["kind"] = InfluenceKind(row["kind"])
    if name == "exposures":
        ends["sign"] = ExposureSign(row["sign"])
    return ends


def _property(field: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)
