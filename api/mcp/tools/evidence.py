"""Evidence for the ledger: a dry run at first."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, model_validator

from api.mcp.asking import Asker
from api.mcp.models import Input, Key, OneOf, Output
from api.mcp.tool import Tool
from resolvers.base.enums import EvidenceDirection, EvidenceStrength
from resolvers.base.roles import Role

NEXT: Final = "Nothing was recorded. To record it, call again with dryRun false and an idempotencyKey."


class EvidenceInput(Input):
    """The item, and whether to record it."""

    claim: Key = Field(description="Key of the claim that it bears on.")
    direction: Annotated[str, OneOf(EvidenceDirection)] = Field(description="Whether it speaks for or against it.")
    strength: Annotated[str, OneOf(EvidenceStrength)] | None = Field(
        default=None,
        description="A likelihood ratio of 1.5, 4 or 10; give this or likelihoodRatio.",
    )
    likelihood_ratio: float | None = Field(
        default=None, description="P(evidence | true) / P(evidence | false), or the inverse for AGAINST; 1 or more."
    )
    confidence: float | None = Field(default=None, description="Probability that it is real, 0 to 1; 1 if omitted.")
    note: str | None = Field(default=None, description="The reason, in one or two sentences.")
    url: str | None = Field(default=None, description="Address of the source.")
    label: str | None = Field(default=None, description="The item in one line.")
    predictor: Key | None = Field(
        default=None, description="Key of the predictor whose track record sets its weight; full weight if omitted."
    )
    document: Key | None = Field(default=None, description="Key of the document that it comes from.")
    cluster: str | None = Field(
        default=None, description="Name of the source event; items of one cluster share the weight of one item."
    )
    observed_at: datetime | None = Field(default=None, description="When it was observed, with offset; now if omitted.")
    by: str | None = Field(default=None, description="Name of the submitter.")
    accept_unlinked_predictor: bool | None = Field(
        default=None, description="Whether to accept a predictor who did not make the claim."
    )
    dry_run: bool = Field(default=True, description="Whether to compute the effect and record nothing.")
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="A unique name, needed to record. However often the item is sent under it, it counts once.",
    )

    @model_validator(mode="after")
    def require_key(self) -> "EvidenceInput":
        """Require a key of what is to be recorded, so that a repeated call counts once."""
        if not self.dry_run and self.idempotency_key is None:
            raise ValueError("give an idempotencyKey to record it, so that a repeated call counts once")
        return self


class EvidenceOutput(Output):
    """The effect of the item, and whether it was recorded."""

    is_dry_run: bool
    is_replayed: bool = Field(description="Whether it had been recorded under the same key before.")
    claim: str = Field(description="Key of the claim.")
    title: str
    probability_before: float
    probability_after: float
    bayes_factor_text: str = Field(description="Its weight as counted, such as `1.3:1 against`.")
    kappa: float = Field(description="The weight of its predictor's evidence.")
    log_likelihood_ratio: float = Field(description="Natural log of its likelihood ratio as submitted.")
    adjusted_log_likelihood_ratio: float = Field(description="The same times kappa: the amount added in log-odds.")
    evidence: str | None = Field(default=None, description="Key of the row of the ledger; absent in a dry run.")
    recorded_at: str | None = None
    next: str | None = Field(default=None, description="What to do to record it.")


async def submit_evidence(asker: Asker, asked: EvidenceInput) -> EvidenceOutput:
    """Submit an item of evidence."""
    item = asked.variables()
    is_dry_run, key = item.pop("dryRun"), item.pop("idempotencyKey", None)
    answer = await asker.ask("submit_evidence", input=item, dryRun=is_dry_run, idempotencyKey=key)
    recorded = answer["recorded"]
    step, row = recorded["step"], recorded["evidence"] or {}
    return EvidenceOutput(
        is_dry_run=answer["isDryRun"],
        is_replayed=answer["isReplayed"],
        claim=recorded["claim"]["key"],
        title=recorded["claim"]["title"],
        probability_before=recorded["before"]["probability"],
        probability_after=recorded["after"]["probability"],
        bayes_factor_text=step["bayesFactorText"],
        kappa=step["kappa"],
        log_likelihood_ratio=step["totalLogLikelihoodRatio"],
        adjusted_log_likelihood_ratio=step["totalAdjustedLogLikelihoodRatio"],
        evidence=row.get("key"),
        recorded_at=row.get("recordedAt"),
        next=NEXT if answer["isDryRun"] else None,
    )


SUBMIT_EVIDENCE = Tool(
    name="submit_evidence",
    title="Submit evidence",
    description=(
        "Submit evidence for or against a claim. By default a dry run, which tells its effect on the belief and "
        "records nothing. With dryRun false and an idempotencyKey it is added to the ledger for good; a repeated call "
        "under the same key counts once."
    ),
    input=EvidenceInput,
    output=EvidenceOutput,
    run=submit_evidence,
    needs=Role.INTAKE,
    is_read_only=False,
)
