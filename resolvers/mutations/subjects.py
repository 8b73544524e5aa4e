"""Mutations of single nodes and relationships: upserts, links and deletions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, Unpack

import strawberry
from strawberry.types import Info

from graph.database.receipts import Answered
from graph.errors import (
    CycleError,
    DuplicateError,
    FutureObservationError,
    HistoryError,
    NotFoundError,
    RefusedError,
    RefusedItemsError,
)
from graph.model.subjects import EDGE_LISTS, ROW_LISTS, EdgeList, NodeList, with_article
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import add_validation, upsert
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.enums import Subject
from resolvers.base.input_names import input_name
from resolvers.base.relay import global_id, parse_global_id, parse_id
from resolvers.base.row_inputs import reference_fields, row_input, row_names
from resolvers.base.row_types import shown_types
from resolvers.mutations.answers import WriteOptions, Wrote, read_written, write
from resolvers.mutations.subject_inputs import (
    DeleteSubjectInput,
    DocumentLinkInput,
    ExposureEndsInput,
    InfluenceEndsInput,
    ValidationInput,
    change_of,
)
from resolvers.mutations.subject_results import (
    DocumentLinked,
    DocumentUnlinked,
    ExposureRemoved,
    InfluenceRemoved,
    SubjectDeleted,
    ValidationAdded,
    upserted_type,
)
from resolvers.types.beliefs import shown_payload
from resolvers.types.influences import shown_combination

ClassT = TypeVar("ClassT", bound=type)

# The mutation that removes rows of a list, which receipts name.
REMOVALS = {"influences": "removeInfluence", "exposures": "removeExposure", "document_links": "unlinkDocument"}
# The refusals of any row: it or a node that it names does not exist, or several of its fields are at fault.
ROW_REFUSALS = (NotFoundError, RefusedItemsError)
# The same for a row whose change could lose recorded history.
HISTORY_REFUSALS = (*ROW_REFUSALS, HistoryError)
INFLUENCES, EXPOSURES, DOCUMENT_LINKS, _ = EDGE_LISTS


@dataclass(frozen=True, slots=True)
class Upsert:
    """
    The particulars of the upsert of a list's rows; all else follows from the list and its row.

    Attributes:
        without: Properties that it does not set, since other mutations do, or since they are computed.
        refused_by: The refusals of its own.
        note: Added to its description.
    """

    without: tuple[str, ...] = ()
    refused_by: tuple[type[RefusedError], ...] = ()
    note: str = ""


_SETTLED: Final = ("status", "resolved_at", "is_early")
_OBSERVED: Final = ("status", "observed_date", "miss_emitted_at", "miss_emitted_by")

UPSERTS: Final[Mapping[str, Upsert]] = {
    "predictions": Upsert(
        without=(*_SETTLED, "imported_on"),
        refused_by=(HistoryError,),
        note="`resolveClaim` and `annulClaim` settle its outcome, and `submitEvidence` updates the belief in it.",
    ),
    "scenarios": Upsert(without=_SETTLED, refused_by=(HistoryError,)),
    "killers": Upsert(without=_SETTLED, refused_by=(HistoryError,)),
    "predictors": Upsert(),
    "reference_classes": Upsert(),
    "milestones": Upsert(
        without=(*_OBSERVED, "ordinal"),
        refused_by=(HistoryError,),
        note="`recordMilestone` records its outcome; its ordinal and the check-ins of its chain are recomputed.",
    ),
    "tickers": Upsert(),
    "documents": Upsert(),
    "episodes": Upsert(),
    "domains": Upsert(),
    "influences": Upsert(
        refused_by=(CycleError,),
        note="One that contradicts its kind, or another between the same two claims, is refused.",
    ),
    "exposures": Upsert(note="One whose impact contradicts its sign, or one of each sign, is refused."),
}
"""The lists whose rows are written one at a time."""


def upserts(kind: ClassT) -> ClassT:
    """Adds one mutation to a class for each list of `UPSERTS`."""
    for name, own in UPSERTS.items():
        listed = ROW_LISTS[name]
        setattr(kind, f"upsert_{listed.noun.replace(' ', '_')}", _make_upsert(listed, own))
    return object_type(kind)


def _make_upsert(listed: NodeList | EdgeList, own: Upsert) -> Any:
    async def upsert_row(self: Any, info: Info[Context, Any], input: Any, **options: Unpack[WriteOptions]) -> Wrote:
        if isinstance(listed, NodeList):
            return await _upsert_node(info, input, listed, options)
        return await _upsert_edge(info, input, listed, options)

    upsert_row.__name__ = f"upsert_{listed.noun.replace(' ', '_')}"
    upsert_row.__doc__ = f"Create or change {with_article(listed.noun)}. {own.note}".rstrip()
    the_row = strawberry.argument(description="The row. Fields left out stay as they are; null removes a value.")
    upsert_row.__annotations__["input"] = Annotated[_make_input(listed, own), the_row]
    return write(
        upserted_type(listed),
        refused_by=(*ROW_REFUSALS, *own.refused_by),
        answer=f"The {listed.noun} after the write, or the reason for the refusal.",
        names=row_names(listed),
    )(upsert_row)


def _make_input(listed: NodeList | EdgeList, own: Upsert) -> type:
    text = f"{with_article(listed.noun).capitalize()} to create or change."
    if isinstance(listed, EdgeList):
        text += f" Its {listed.type_property} and both ends identify it."
    text += " Fields left out stay as they are; null removes a value."
    kind = type(f"{listed.row.__name__}Input", (), {"__doc__": text, "__annotations__": {}})
    return row_input(listed, without=own.without)(kind)


@upserts
class SubjectMutations:
    """Upserts of every subject."""


@object_type
class LinkMutations:
    """Validations, links and removals."""

    @write(
        ValidationAdded,
        refused_by=(*ROW_REFUSALS, DuplicateError, FutureObservationError),
        answer="The validation, or the reason for the refusal.",
        names=row_names(ROW_LISTS["validations"]),
    )
    async def add_validation(
        self,
        info: Info[Context, Any],
        input: Annotated[ValidationInput, strawberry.argument(description="The assessment.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Record an assessment of how a prediction is doing. The same assessment counts once and cannot be deleted."""
        values = change_of(input, "validations").values
        answered = await add_validation(info.context.database, values, **options)
        (row,) = await read_written(info, answered, [("Validation", answered.payload["id"])], "validation")
        return answered, {"validation": row}

    @write(
        DocumentLinked,
        refused_by=ROW_REFUSALS,
        answer="The linked document and claim, or the reason for the refusal.",
    )
    async def link_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentLinkInput, strawberry.argument(description="The document and the claim.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Link a document to a claim that it is about. Linking them again changes nothing."""
        return await _upsert_edge(info, input, DOCUMENT_LINKS, options)

    @write(
        DocumentUnlinked,
        refused_by=ROW_REFUSALS,
        answer="The unlinked document and claim, or the reason for the refusal.",
    )
    async def unlink_document(
        self,
        info: Info[Context, Any],
        input: Annotated[DocumentLinkInput, strawberry.argument(description="The document and the claim.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Remove the link from a document to a claim."""
        return await _remove(info, input, DOCUMENT_LINKS, options)

    @write(
        InfluenceRemoved,
        refused_by=ROW_REFUSALS,
        answer="The removed relationship, or the reason for the refusal.",
    )
    async def remove_influence(
        self,
        info: Info[Context, Any],
        input: Annotated[InfluenceEndsInput, strawberry.argument(description="The influence to remove.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Remove an influence. Both claims and their ledgers stay."""
        return await _remove(info, input, INFLUENCES, options)

    @write(
        ExposureRemoved,
        refused_by=ROW_REFUSALS,
        answer="The removed relationship, or the reason for the refusal.",
        names=row_names(EXPOSURES),
    )
    async def remove_exposure(
        self,
        info: Info[Context, Any],
        input: Annotated[ExposureEndsInput, strawberry.argument(description="The exposure to remove.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Remove an exposure. The prediction and the ticker stay."""
        return await _remove(info, input, EXPOSURES, options)

    @write(
        SubjectDeleted,
        refused_by=HISTORY_REFUSALS,
        answer="The deleted node, or the reason for the refusal.",
    )
    async def delete_subject(
        self,
        info: Info[Context, Any],
        input: Annotated[DeleteSubjectInput, strawberry.argument(description="The node.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Delete a node to which nothing refers and whose deletion loses no history. A claim's influences, exposures,
        document links and pending milestones are deleted with it, and an event milestone's pending check-ins with the
        event. Ledger rows and validations cannot be deleted.
        """
        kind, key = parse_global_id(input.id) if input.subject is None else parse_id(input.id, input.subject.value)
        answered = await delete_subject(info.context.database, kind, key, **options)
        named = {"subject": Subject(kind), "id": global_id(kind, key), "key": key}
        return answered, {**answered.payload, **named}


async def _upsert_node(info: Info[Context, Any], given: Any, listed: NodeList, options: WriteOptions) -> Wrote:
    answered = await upsert(info.context.database, change_of(given, listed.name), **options)
    payload = answered.payload
    name = listed.noun.replace(" ", "_")
    (node,) = await read_written(info, answered, [(listed.label, payload["id"])], input_name(name))
    return answered, {
        name: node,
        **{key: payload[key] for key in ("created", "changed")},
        **{key: shown_payload(payload[key]) for key in ("before", "after")},
    }


async def _upsert_edge(info: Info[Context, Any], given: Any, listed: EdgeList, options: WriteOptions) -> Wrote:
    answered = await upsert(info.context.database, change_of(given, listed.name), **options)
    payload = answered.payload
    combined = payload.get("combined")  # of influences alone; answers of an older version have none
    return answered, {
        **await _shown_edge(info, answered, listed, payload["row"]),
        **{key: payload[key] for key in ("created", "changed")},
        "combined": None if combined is None else shown_combination(combined),
    }


async def _remove(info: Info[Context, Any], given: Any, listed: EdgeList, options: WriteOptions) -> Wrote:
    change = change_of(given, listed.name)
    answered = await remove_edge(info.context.database, change, REMOVALS[listed.name], **options)
    return answered, await _shown_edge(info, answered, listed, answered.payload["removed"])


async def _shown_edge(info: Info[Context, Any], answered: Answered, listed: EdgeList, row: Mapping[str, Any]) -> Shown:
    """A relationship in the response's shape, with both ends as far as they are selected."""
    shown = dict(row)
    for name, reference in reference_fields(listed).items():
        asked = [(reference.target, row[reference.property])]
        (shown[name],) = await read_written(info, answered, asked, input_name(name))
    if listed.type_property is not None:
        shown[listed.type_property] = shown_types(listed.row)[listed.type_property](row[listed.type_property])
    return shown
