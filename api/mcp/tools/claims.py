"""The page of a claim, in compact form."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from api.mcp.asking import Asker, ToolRefusedError, tell
from api.mcp.fitting import Cutter, fit
from api.mcp.models import BoundedInput, BoundedOutput, Key, Part
from api.mcp.tool import Tool
from resolvers.base.roles import Role

FEW, MANY = 20, 100
"""Items of each list that are read: for an answer of usual size, and for a larger one."""

USUAL_TOKENS: Final = 4_000
TEXTS: Final = ("title", "text", "verbatimQuote", "timeframe", "keyCatalyst", "watchEvents", "probabilityBasis")
PLAIN: Final = ("kind", "key", "status", "resolvedAt", "deadline", "statedProbability", "mode", "url")


class ClaimInput(BoundedInput):
    """The claim to read."""

    claim: Key = Field(description="Key or global id of a prediction, scenario or killer.")


class Belief(Part):
    """The belief in the claim now, without what other claims say."""

    probability: float = Field(description="The posterior: inside and outside view blended.")
    inside_probability: float = Field(description="By the stated probability and the evidence alone.")
    base_rate: float | None = Field(default=None, description="By comparable cases alone.")
    blend_reason: str | None = None
    time_remaining_fraction: float | None = Field(
        default=None, description="Of its window: 1 at the start, 0 at the end."
    )
    as_of: str


class Network(Part):
    """The probability in the joint model of all claims, as last stored."""

    probability: float
    as_of: str
    is_stale: bool = Field(description="Whether beliefs or influences have changed since.")


class Author(Part):
    """Predictor of a claim, with the track record."""

    key: str
    name: str | None
    kappa: float | None = Field(default=None, description="Weight of this predictor's evidence, 0.1 to 1.")
    brier: float | None = Field(default=None, description="Brier score of the record in use; 0 is best.")
    resolved_count: int | None = Field(default=None, description="Number of resolved predictions in that record.")


class EvidenceLine(Part):
    """A row of the ledger."""

    key: str
    kind: str | None = None
    observed_at: str
    bayes_factor_text: str | None = Field(default=None, description="Its weight, such as `1.3:1 against`.")
    posterior_probability: float | None = Field(default=None, description="The belief after it.")
    predictor: str | None = None
    note: str | None = None
    url: str | None = None


class InfluenceLine(Part):
    """An influence, with the claim at its other end."""

    kind: str
    key: str
    title: str | None
    status: str
    stated_probability: float | None = None
    probability_if_true: float | None = Field(default=None, description="P(child | parent true).")
    probability_if_false: float | None = Field(default=None, description="P(child | parent false).")
    delta_implied: float | None = Field(
        default=None, description="What this parent alone implies for the child, minus the child's stated probability."
    )


class MilestoneLine(Part):
    """A dated sign of progress."""

    key: str
    label: str | None
    kind: str
    status: str
    expected_on: str
    range_starts_on: str | None = None
    range_ends_on: str | None = None


class ExposureLine(Part):
    """An effect on a ticker if the prediction comes true."""

    symbol: str
    name: str | None
    sign: str
    relevance: float | None = None
    impact: float | None = Field(default=None, description="Fractional change of the price.")
    basis: str | None = None


class DocumentLine(Part):
    """A document about the claim."""

    key: str
    name: str | None
    url: str | None = None


class ReferenceClassLine(Part):
    """The class of comparable cases."""

    key: str
    description: str | None = None
    base_rate: float | None = None


class ClaimOutput(BoundedOutput):
    """A claim with what is known of it. Lists may be shorter than their counts."""

    kind: str = Field(description="Prediction, Scenario or Killer.")
    key: str
    title: str | None
    text: str | None = None
    verbatim_quote: str | None = None
    status: str
    resolved_at: str | None = None
    deadline: str | None = None
    mode: str | None = None
    timeframe: str | None = None
    url: str | None = None
    stated_probability: float | None = None
    probability_basis: str | None = None
    belief: Belief | None = None
    network: Network | None = None
    predictor: Author | None = None
    domain: str | None = None
    reference_class: ReferenceClassLine | None = None
    key_catalyst: str | None = None
    watch_events: str | None = None
    evidence_count: int
    evidence: list[EvidenceLine] = Field(description="Newest first.")
    incoming_count: int
    incoming: list[InfluenceLine] = Field(description="What bears on it, largest |deltaImplied| first.")
    outgoing_count: int
    outgoing: list[InfluenceLine] = Field(description="What it bears on, largest |deltaImplied| first.")
    milestone_count: int | None = None
    milestones: list[MilestoneLine] | None = None
    exposure_count: int | None = None
    exposures: list[ExposureLine] | None = Field(default=None, description="Most relevant first.")
    document_count: int
    documents: list[DocumentLine]


async def get_claim(asker: Asker, asked: ClaimInput) -> ClaimOutput:
    """Read a claim's page."""
    first = FEW if asked.max_tokens <= USUAL_TOKENS else MANY
    claim = await asker.ask("claim", id=asked.claim, first=first)
    if claim is None:
        message = f"no prediction, scenario or killer has the key {asked.claim[:80]!r}; `search` finds keys"
        raise ToolRefusedError(tell("NOT_FOUND", message, ["claim"]))
    return fit(lambda cutter: _shape(claim, cutter), asked.max_tokens)


def _shape(claim: Mapping[str, Any], cutter: Cutter) -> ClaimOutput:
    lists = {
        "evidence": _lines(claim["evidence"], cutter, _evidence_line),
        "incoming": _lines(claim["incoming"], cutter, _influence_line),
        "outgoing": _lines(claim["outgoing"], cutter, _influence_line),
        "documents": _lines(claim["documents"], cutter, _document_line),
    }
    if "milestones" in claim:
        lists["milestones"] = _lines(claim["milestones"], cutter, _milestone_line)
        lists["exposures"] = _lines(claim["exposures"], cutter, _exposure_line)
    counts = {f"{name.removesuffix('s')}Count": claim[name]["totalCount"] for name in lists}
    return ClaimOutput.model_validate(
        {name: claim.get(name) for name in PLAIN}
        | {name: cutter.text(claim.get(name)) for name in TEXTS}
        | {"domain": claim["domain"] and claim["domain"]["key"], "predictor": _author(claim.get("predictor"))}
        | {"belief": _cut(claim["posterior"], cutter, "blendReason"), "network": claim["marginal"]}
        | {"referenceClass": _cut(claim.get("referenceClass"), cutter, "description")}
        | lists
        | counts
    )


def _lines(connection: Mapping[str, Any], cutter: Cutter, line: Any) -> list[dict[str, Any]]:
    cutter.has_cut |= connection["totalCount"] > len(connection["nodes"])
    return [line(node, cutter) for node in cutter.items(connection["nodes"])]


def _cut(part: Mapping[str, Any] | None, cutter: Cutter, *names: str) -> dict[str, Any] | None:
    return None if part is None else {**part, **{name: cutter.text(part[name]) for name in names}}


def _author(predictor: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if predictor is None else {**predictor, **predictor["record"]["effective"]}


def _evidence_line(row: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    return {**row, "note": cutter.text(row["note"]), "predictor": row["predictor"] and row["predictor"]["key"]}


def _influence_line(influence: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    return {**influence, **influence["claim"], "title": cutter.text(influence["claim"]["title"])}


def _milestone_line(milestone: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    return {**milestone, "label": cutter.text(milestone["label"])}


def _exposure_line(exposure: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    return {**exposure, **exposure["ticker"], "basis": cutter.text(exposure["basis"])}


def _document_line(document: Mapping[str, Any], cutter: Cutter) -> dict[str, Any]:
    return {"key": document["key"], "name": cutter.text(document["displayName"]), "url": document["url"]}


GET_CLAIM = Tool(
    name="get_claim",
    title="Page of a prediction",
    description=(
        "Read the page of a prediction, scenario or killer: what was said and by whom, the belief now and what it is "
        "made of, the newest evidence, what bears on it and what it bears on, milestones and effects on tickers. "
        "The answer is compact; ask for more by a larger maxTokens."
    ),
    input=ClaimInput,
    output=ClaimOutput,
    run=get_claim,
    needs=Role.READER,
)
