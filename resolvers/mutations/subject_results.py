"""Results of writing a subject or a relationship."""

import strawberry

from graph.model import rows
from graph.model.subjects import CLAIM, EdgeList, NodeList, with_article
from resolvers.base.described import interface_type, object_type
from resolvers.base.enums import ExposureSign, InfluenceKind, Subject
from resolvers.base.fields import prop
from resolvers.base.row_inputs import reference_fields
from resolvers.base.row_types import described_by, row_type
from resolvers.mutations.answers import Written
from resolvers.types.beliefs import Posterior
from resolvers.types.claims import Claim
from resolvers.types.documents import Document
from resolvers.types.influences import CombinedTable
from resolvers.types.predictions import Prediction
from resolvers.types.subjects import SUBJECT_TYPES
from resolvers.types.tickers import Ticker
from resolvers.types.validations import Validation

AFTER = "The node after the write; in a dry run as it is stored, or null if it is not stored yet."
COMBINED = (
    "The table that the network makes of this influence and the others that join the same two claims; null if it is "
    "the only one with a table."
)
DELETED = "The {}; null if it has been deleted since."


@interface_type
class Upserted(Written):
    """Result of an upsert; in a dry run, the result that it would have."""

    created: bool = prop("Whether it is new.")
    changed: bool = prop("Whether anything was written; false if every value was the same already.")


@interface_type
class ClaimUpserted(Upserted):
    """Result of an upsert of a claim."""

    before: Posterior | None = prop(
        "The belief before the write, as of the moment of the write; null without a stated probability."
    )
    after: Posterior | None = prop("The belief after the write, as of the same moment as `before`.")


def upserted_type(listed: NodeList | EdgeList) -> type:
    """The result of an upsert: the node, or the relationship's properties and both of its ends."""
    name = listed.row.__name__
    if isinstance(listed, NodeList):
        shown = {listed.noun.replace(" ", "_"): (SUBJECT_TYPES[name], AFTER)}
    else:
        shown = {
            end: (Claim if reference.target == CLAIM else SUBJECT_TYPES[reference.target], DELETED.format(end))
            for end, reference in reference_fields(listed).items()
        }
    if listed.row is rows.Influence:
        shown["combined"] = (CombinedTable, COMBINED)
    is_claim = isinstance(listed, NodeList) and listed.is_claim
    members = {
        "__doc__": f"Result of an upsert of {with_article(listed.noun)}.",
        "__annotations__": {field: kind | None for field, (kind, _) in shown.items()},
        **{field: prop(description) for field, (_, description) in shown.items()},
    }
    made = type(f"{name}Upserted", (ClaimUpserted if is_claim else Upserted,), members)
    return object_type(made) if isinstance(listed, NodeList) else row_type(listed.row)(made)


@object_type
class ValidationAdded(Written):
    """Result of adding a validation."""

    validation: Validation | None = prop("The validation; null in a dry run.")


@object_type
class DocumentLinked(Written):
    """Result of linking a document to a claim."""

    created: bool = prop("Whether the link is new.")
    document: Document | None = prop(DELETED.format("document"))
    claim: Claim | None = prop(DELETED.format("claim"))


@object_type
class DocumentUnlinked(Written):
    """Result of unlinking a document from a claim."""

    document: Document | None = prop(DELETED.format("document"))
    claim: Claim | None = prop(DELETED.format("claim"))


@object_type
@described_by(rows.Influence)
class InfluenceRemoved(Written):
    """The influence that was removed."""

    kind: InfluenceKind
    parent: Claim | None = prop(DELETED.format("parent"))
    child: Claim | None = prop(DELETED.format("child"))


@object_type
@described_by(rows.Exposure)
class ExposureRemoved(Written):
    """The exposure that was removed."""

    sign: ExposureSign
    prediction: Prediction | None = prop(DELETED.format("prediction"))
    ticker: Ticker | None = prop(DELETED.format("ticker"))


@object_type
class SubjectDeleted(Written):
    """The node that was deleted, and counts of all that was deleted with it."""

    subject: Subject = prop("Kind of node.")
    id: strawberry.ID = prop("Global id of the deleted node.")
    key: str = prop("Key of the deleted node.")
    influences: int = prop("Number of influences deleted with it.", name="influenceCount")
    exposures: int = prop("Number of exposures deleted with it.", name="exposureCount")
    document_links: int = prop("Number of document links deleted with it.", name="documentLinkCount")
    milestones: int = prop("Number of milestones deleted with it.", name="milestoneCount")
