"""Evidence: the rows of the append-only ledger."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.scalars import JSON

from graph.ledger.claim_state import OWN_STEP_PROPERTIES as OURS_READS
from graph.ledger.claim_state import as_mapping, own_step
from graph.model.properties import json_value
from graph.model.relations import EVIDENCE_CLAIM, EVIDENCE_DOCUMENT, EVIDENCE_MILESTONE, EVIDENCE_PREDICTOR
from graph.model.rows import Contribution as ContributionRow
from resolvers.base.fields import one, prop
from resolvers.base.relay import Node
from resolvers.base.scalars import Day, Moment, Url
from resolvers.types.beliefs import LedgerStep

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.documents import Document
    from resolvers.types.milestones import Milestone
    from resolvers.types.predictors import Predictor


@strawberry.type(
    description="A row of the append-only ledger: evidence on a claim, and every figure that it was weighed with."
)
class Evidence(Node):
    """A row of the append-only ledger: evidence on a claim, and every figure that it was weighed with."""

    policy: str = prop(
        "The rules it was weighed by; `imported` for rows of another system, whose figures stand as they came."
    )
    evidence_kind: str | None = prop("What kind of evidence it is.")
    observed_at: Moment = prop("When it was observed.")
    recorded_at: Moment = prop("When it went into the ledger.")
    submitted_by: str | None = prop("Who submitted it.")
    idempotency_key: str | None = prop("The key under which a retry counts once.")
    cluster_id: str | None = prop("The source event that it shares with other items.")
    url: Url | None = prop("Where it stands.")
    note: str | None = prop("What there is to say about it.")
    trf: float | None = prop(
        "The time-remaining fraction of the claim's window then: 1 when just made, 0 at the deadline."
    )
    kappa: float | None = prop("The weight of the predictor's evidence then.")
    kappa_source: str | None = prop("Where that weight came from.")
    predictor_brier: float | None = prop("The predictor's Brier score then.")
    predictor_n_resolved: int | None = prop("How many resolved predictions the predictor had then.")
    base_rate: float | None = prop("The reference class's base rate then.")
    reference_class_id: str | None = prop("The key of the reference class blended with.")
    prior_logit: float | None = prop("The inside prior in natural log-odds.")
    inside_prior: float | None = prop("The inside view before.")
    inside_source: str | None = prop("Where the inside prior came from.")
    total_llr: float = prop("The summed natural log of P(evidence | true) / P(evidence | false).")
    total_adjusted_llr: float | None = prop("The same, times kappa.")
    bayes_factor: str | None = prop("The adjusted weight in words, such as `1.3:1 against`.")
    inside_posterior: float | None = prop("The inside view after.")
    posterior_logit: float | None = prop("The inside posterior in natural log-odds.")
    inside_weight: float | None = prop("The inside view's share in the blend.")
    outside_weight: float | None = prop("The outside view's share in the blend.")
    blended_posterior: float | None = prop("Inside and outside view blended.")
    posterior_prob: float | None = prop("The belief after, as it was shown.")
    blend_applied: bool | None = prop("Whether there was an outside view to blend with.")
    blend_reason: str | None = prop("The blend in words.")
    grace_days: int | None = prop("How many days of grace a missed milestone had.")
    n_milestones: int | None = prop("How many milestones contributed.")
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

    @strawberry.field(
        description="What our policy makes of the same evidence: this very row for one of ours; for an imported one "
        "what the belief here goes by. Null where the claim has no stated probability.",
        metadata={"reads": OURS_READS},
    )
    def ours(self: Any) -> LedgerStep | None:
        """What our policy makes of the same evidence."""
        step = own_step(self)
        shown: Any = None if step is None else as_mapping(step)
        return shown

    @strawberry.field(description="The items that it sums up.", metadata={"reads": ("contributions",)})
    def contributions(self: Any) -> list["Contribution"]:
        """The items that it sums up."""
        rows = json_value(self["contributions"]) or []
        shown: Any = [{name: row.get(name) for name in CONTRIBUTION_FIELDS} | _with_day(row) for row in rows]
        return shown

    @strawberry.field(description="The row as it came, where it was imported.", metadata={"reads": ("raw_metadata",)})
    def raw_metadata(self: Any) -> JSON | None:
        """The row as it came."""
        found: JSON | None = json_value(self["raw_metadata"])
        return found


CONTRIBUTION_FIELDS = tuple(ContributionRow.model_fields)


@strawberry.type(description="One item of a ledger row: what was seen and what it weighed.")
class Contribution:
    """One item of a ledger row."""

    llr: float = prop("The natural log of its likelihood ratio.")
    kind: str | None = prop("What kind of item it is.")
    kappa: float | None = prop("The weight of the predictor's evidence that applied.")
    label: str | None = prop("What it is called.")
    weight: float | None = prop("Its weight among its kind, as its source gave it.")
    strength: str | None = prop("Its strength in words.")
    confidence: float | None = prop("How sure it is that the item is real, 0 to 1.")
    source_url: Url | None = prop("Where it stands.")
    adjusted_llr: float | None = prop("The log likelihood ratio times kappa.")
    expected_date: Day | None = prop("When it had been expected.")
    criterion: str | None = prop("How to tell that it has come.")


def _with_day(row: dict[str, Any]) -> dict[str, Any]:
    found = row.get("expected_date")
    return {"expected_date": None if found is None else date.fromisoformat(found)}
