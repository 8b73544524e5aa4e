"""Upserts, links and deletions."""

from typing import Annotated, Any, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.errors import (
    CycleError,
    DuplicateError,
    FutureObservationError,
    HistoryError,
    NotFoundError,
    RefusedItemsError,
)
from graph.model.subjects import ROW_LISTS
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import add_validation, upsert
from resolvers.base.context import Context
from resolvers.base.enums import ExposureSign, InfluenceKind, Subject
from resolvers.base.relay import global_id, parse_global_id, parse_id
from resolvers.mutations.answers import WriteOptions, Wrote, read_written, write
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
    DocumentLinked,
    DocumentUnlinked,
    DocumentUpserted,
    DomainUpserted,
    EpisodeUpserted,
    ExposureRemoved,
    ExposureUpserted,
    InfluenceRemoved,
    InfluenceUpserted,
    KillerUpserted,
    MilestoneUpserted,
    PredictionUpserted,
    PredictorUpserted,
    ReferenceClassUpserted,
    ScenarioUpserted,
    SubjectDeleted,
    TickerUpserted,
    ValidationAdded,
)
from resolvers.types.beliefs import shown_payload

# The mutation of each removal.
REMOVALS = {"influences": "removeInfluence", "exposures": "removeExposure", "document_links": "unlinkDocument"}
# The field, the subject and the property of each end.
ENDS = {
    "influences": (("parent", "Claim", "parent_id"), ("child", "Claim", "child_id")),
    "exposures": (("prediction", "Prediction", "prediction_id"), ("ticker", "Ticker", "symbol")),
    "document_links": (("document", "Document", "document_id"), ("claim", "Claim", "claim_id")),
}
# The refusals of a row: it, or something that it names, is not there; several things are wrong with it.
ROW_REFUSALS = (NotFoundError, RefusedItemsError)
# Those of a row from which something recorded may have been made.
HISTORY_REFUSALS = (*ROW_REFUSALS, HistoryError)
# Inputs of an exposure that are not simply named after the property.
EXPOSURE_NAMES = {"symbol": "ticker"}
THE_ROW = strawberry.argument(description="What it is to be.")
WHICH = strawberry.argument(description="Which.")


@strawberry.type
class SubjectMutations:
    """Upserts of every subject."""

    @write(
        PredictionUpserted,
        refused_by=HISTORY_REFUSALS,
        description="Create or change a prediction. `resolve` and `annul` settle its outcome, and `submitEvidence` "
        "moves the belief in it.",
        answer="The prediction as it is now, or why it stays.",
    )
    async def upsert_prediction(
        self,
        info: Info[Context, Any],
        input: Annotated[PredictionInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a prediction."""
        return await _upsert_node(info, input, "predictions", options)

    @write(
        ScenarioUpserted,
        refused_by=HISTORY_REFUSALS,
        description="Create or change a scenario.",
        answer="The scenario as it is now, or why it stays.",
    )
    async def upsert_scenario(
        self,
        info: Info[Context, Any],
        input: Annotated[ScenarioInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a scenario."""
        return await _upsert_node(info, input, "scenarios", options)

    @write(
        KillerUpserted,
        refused_by=HISTORY_REFUSALS,
        description="Create or change a killer.",
        answer="The killer as it is now, or why it stays.",
    )
    async def upsert_killer(
        self,
        info: Info[Context, Any],
        input: Annotated[KillerInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a killer."""
        return await _upsert_node(info, input, "killers", options)

    @write(
        PredictorUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change a predictor.",
        answer="The predictor as it is now, or why it stays.",
    )
    async def upsert_predictor(
        self,
        info: Info[Context, Any],
        input: Annotated[PredictorInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a predictor."""
        return await _upsert_node(info, input, "predictors", options)

    @write(
        ReferenceClassUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change a reference class.",
        answer="The class as it is now, or why it stays.",
    )
    async def upsert_reference_class(
        self,
        info: Info[Context, Any],
        input: Annotated[ReferenceClassInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a reference class."""
        return await _upsert_node(info, input, "reference_classes", options)

    @write(
        MilestoneUpserted,
        refused_by=HISTORY_REFUSALS,
        description="Create or change a milestone. What became of it is recorded by `recordMilestone`.",
        answer="The milestone as it is now, or why it stays.",
    )
    async def upsert_milestone(
        self,
        info: Info[Context, Any],
        input: Annotated[MilestoneInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a milestone."""
        return await _upsert_node(info, input, "milestones", options)

    @write(
        TickerUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change a ticker.",
        answer="The ticker as it is now, or why it stays.",
    )
    async def upsert_ticker(
        self,
        info: Info[Context, Any],
        input: Annotated[TickerInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a ticker."""
        return await _upsert_node(info, input, "tickers", options)

    @write(
        DocumentUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change a document.",
        answer="The document as it is now, or why it stays.",
    )
    async def upsert_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a document."""
        return await _upsert_node(info, input, "documents", options)

    @write(
        EpisodeUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change an episode.",
        answer="The episode as it is now, or why it stays.",
    )
    async def upsert_episode(
        self,
        info: Info[Context, Any],
        input: Annotated[EpisodeInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change an episode."""
        return await _upsert_node(info, input, "episodes", options)

    @write(
        DomainUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change a domain.",
        answer="The domain as it is now, or why it stays.",
    )
    async def upsert_domain(
        self,
        info: Info[Context, Any],
        input: Annotated[DomainInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change a domain."""
        return await _upsert_node(info, input, "domains", options)

    @write(
        InfluenceUpserted,
        refused_by=(*ROW_REFUSALS, CycleError),
        description="Create or change an influence.",
        answer="The influence as it is now, or why it stays.",
    )
    async def upsert_influence(
        self,
        info: Info[Context, Any],
        input: Annotated[InfluenceInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change an influence."""
        return await _upsert_edge(info, input, "influences", options)

    @write(
        ExposureUpserted,
        refused_by=ROW_REFUSALS,
        description="Create or change an exposure.",
        answer="The exposure as it is now, or why it stays.",
        names=EXPOSURE_NAMES,
    )
    async def upsert_exposure(
        self,
        info: Info[Context, Any],
        input: Annotated[ExposureInput, THE_ROW],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Create or change an exposure."""
        return await _upsert_edge(info, input, "exposures", options)


@strawberry.type
class LinkMutations:
    """Validations, links and removals."""

    @write(
        ValidationAdded,
        refused_by=(*ROW_REFUSALS, DuplicateError, FutureObservationError),
        description="Record a look at how a prediction is doing. The same look counts once; looks stay for good.",
        answer="The validation, or why it was refused.",
    )
    async def add_validation(
        self,
        info: Info[Context, Any],
        input: Annotated[ValidationInput, strawberry.argument(description="The look.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Record a look at how a prediction is doing."""
        values = change_of(input, "validations").values
        answered = await add_validation(info.context.database, values, **options)
        (row,) = await read_written(info, answered, [("Validation", answered.payload["id"])], "validation")
        return answered, {"validation": row}

    @write(
        DocumentLinked,
        refused_by=ROW_REFUSALS,
        description="Say that a document is about a claim. Saying it again changes nothing.",
        answer="What is linked now, or why it is not.",
    )
    async def link_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentLinkInput, strawberry.argument(description="Which document, and which claim.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Say that a document is about a claim."""
        return await _upsert_edge(info, input, "document_links", options)

    @write(
        DocumentUnlinked,
        refused_by=ROW_REFUSALS,
        description="Say that a document is about a claim no longer.",
        answer="What is linked no longer, or why it stays.",
    )
    async def unlink_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentLinkInput, strawberry.argument(description="Which document, and which claim.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Say that a document is about a claim no longer."""
        return await _remove(info, input, "document_links", options)

    @write(
        InfluenceRemoved,
        refused_by=ROW_REFUSALS,
        description="Remove an influence. Its claims stay, and so do their ledgers.",
        answer="What was removed, or why it stays.",
    )
    async def remove_influence(
        self,
        info: Info[Context, Any],
        input: Annotated[InfluenceEndsInput, WHICH],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Remove an influence."""
        return await _remove(info, input, "influences", options)

    @write(
        ExposureRemoved,
        refused_by=ROW_REFUSALS,
        description="Remove an exposure. Its prediction and its ticker stay.",
        answer="What was removed, or why it stays.",
        names=EXPOSURE_NAMES,
    )
    async def remove_exposure(
        self,
        info: Info[Context, Any],
        input: Annotated[ExposureEndsInput, WHICH],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Remove an exposure."""
        return await _remove(info, input, "exposures", options)

    @write(
        SubjectDeleted,
        refused_by=HISTORY_REFUSALS,
        description="Delete any subject to which nothing refers and with which no history would be lost. A claim takes "
        "its influences, exposures, document links and pending milestones with it, an event the pending check-ins on "
        "the way to it. The ledger and the validations only grow.",
        answer="What was deleted, or why it stays.",
    )
    async def delete_subject(
        self,
        info: Info[Context, Any],
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id; with `subject` its key will do.")],
        subject: Annotated[Subject | None, strawberry.argument(description="What kind of node it is.")] = None,
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Delete a subject."""
        kind, key = parse_global_id(id) if subject is None else parse_id(id, subject.value)
        answered = await delete_subject(info.context.database, kind, key, **options)
        named = {"subject": Subject(kind), "id": global_id(kind, key), "key": key}
        return answered, {**answered.payload, **named}


async def _upsert_node(info: Info[Context, Any], given: Any, name: str, options: WriteOptions) -> Wrote:
    subject = ROW_LISTS[name].row.__name__
    answered = await upsert(info.context.database, change_of(given, name, subject), **options)
    payload = answered.payload
    field = f"{subject[0].lower()}{subject[1:]}"
    (node,) = await read_written(info, answered, [(subject, payload["id"])], field)
    return answered, {
        _property(field): node,
        **{key: payload[key] for key in ("created", "changed")},
        **{key: shown_payload(payload[key]) for key in ("before", "after")},
    }


async def _upsert_edge(info: Info[Context, Any], given: Any, name: str, options: WriteOptions) -> Wrote:
    answered = await upsert(info.context.database, change_of(given, name), **options)
    payload = answered.payload
    return answered, {
        **payload["row"],
        **{key: payload[key] for key in ("created", "changed")},
        **await _ends(info, answered, name, payload["row"]),
    }


async def _remove(info: Info[Context, Any], given: Any, name: str, options: WriteOptions) -> Wrote:
    answered = await remove_edge(info.context.database, change_of(given, name), REMOVALS[name], **options)
    row = answered.payload["removed"]
    return answered, {**row, **await _ends(info, answered, name, row)}


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
