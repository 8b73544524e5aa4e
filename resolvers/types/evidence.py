"""Evidence: the rows of the append-only ledger."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry

from graph.ledger.claim_state import OWN_STEP_PROPERTIES as OURS_READS
from graph.ledger.claim_state import as_mapping, own_step
from graph.model import rows
from graph.model.properties import items_of, parallel_lists
from graph.model.relations import EVIDENCE_CLAIM, EVIDENCE_DOCUMENT, EVIDENCE_MILESTONE, EVIDENCE_PREDICTOR
from resolvers.base.answers import Shown
from resolvers.base.described import field
from resolvers.base.fields import Source, one, shown
from resolvers.base.relay import Node
from resolvers.base.row_types import row_type
from resolvers.types.beliefs import LedgerStep, bayes_factor, shown_step

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.documents import Document
    from resolvers.types.milestones import Milestone
    from resolvers.types.predictors import Predictor


_LISTS: Final = parallel_lists(rows.Evidence)["contributions"]


def _contributions(root: Source) -> Any:
    return [_shown_contribution(item) for item in items_of(_LISTS, root)]


def _shown_contribution(item: Mapping[str, Any]) -> Shown:
    day = item.get("expected_date")
    shown = {name: item.get(name) for name in rows.Contribution.model_fields}
    return shown | {"expected_date": None if day is None else date.fromisoformat(day)}


@row_type(rows.Evidence)
class Evidence(Node):
    """A row of the append-only ledger: evidence on a claim, and the figures by which it was weighed."""

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = one(
        EVIDENCE_CLAIM, "The claim that it bears on."
    )
    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] | None = one(
        EVIDENCE_PREDICTOR, "The predictor whose evidence it is."
    )
    document: Annotated["Document", strawberry.lazy("resolvers.types.documents")] | None = one(
        EVIDENCE_DOCUMENT, "The document that it comes from."
    )
    milestone: Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")] | None = one(
        EVIDENCE_MILESTONE, "The milestone that it comes from."
    )

    contributions: list["Contribution"] = strawberry.field(
        resolver=_contributions, metadata={"reads": tuple(found.property for found in _LISTS)}
    )

    @field(name="bayesFactor", metadata={"reads": ("total_adjusted_llr",)})
    def factor(self: Any) -> float | None:
        """
        The factor by which it multiplies the odds: above 1 for the claim, below 1 against it; null where it is unknown
        or too large for a number.
        """
        return bayes_factor(self["total_adjusted_llr"])

    @field(metadata={"reads": OURS_READS})
    def ours(self: Any) -> LedgerStep | None:
        """
        The figures of the same evidence under this service's policy, which its beliefs use; the row's own figures
        unless it was imported.

        Null if the claim has no stated probability.
        """
        step = own_step(self)
        return shown(None if step is None else shown_step(as_mapping(step)))


@row_type(rows.Contribution)
class Contribution:
    pass
