"""
The rows of a bundle: one frozen model for each label and relationship of the graph, checked on the way in.

Field names are the graph's property names. A field that names another row's id (`predictor_id`, `claim_id`, …)
stands for a relationship. Probabilities lie strictly between 0 and 1; moments carry their offset and are kept in UTC.

A property's description stands here alone: the bundle's JSON Schema, the types and the inputs of the GraphQL schema
take it over, so it must read well in all three.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, ClassVar, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from graph.model.kinds import (
    ClaimStatus,
    ExposureSign,
    FamilyKind,
    FamilyRole,
    InfluenceKind,
    MilestoneKind,
    MilestoneStatus,
    ParameterType,
    PredictionMode,
    PredictorKind,
    VersionSubject,
)
from graph.model.problems import RuleError
from graph.model.values import (
    Count,
    CurrencyCode,
    Day,
    Days,
    Id,
    Impact,
    Line,
    LogRatio,
    LongCount,
    Metadata,
    MilestoneId,
    Moment,
    Name,
    Number,
    Probability,
    Share,
    Symbol,
    Text,
    Url,
    VersionSubjectId,
    Weight,
    Year,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

LEAST_MEMBERS: Final = 2
"""Members of a family: one claim alone is tied to nothing."""

MOST_MEMBERS: Final = 100
"""Members of a family: as many as a page of a list shows."""


def dated_key(name: str, recorded_at: datetime) -> str:
    """Return the key of a row that never changes; those of one name sort by the moment of recording."""
    return f"{name}@{(recorded_at - _EPOCH) // timedelta(microseconds=1):016d}"


def dated_bounds(name: str) -> dict[str, str]:
    """Return `low` and `high`, between which the keys of the rows of one name lie."""
    return {"low": f"{name}@", "high": f"{name}A"}  # A is the character after @, which no name has


class Row(BaseModel):
    """A row of one of a bundle's lists."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_enum_values=False)


class Domain(Row):
    """A field of knowledge that claims belong to."""

    id: Id = Field(description="The domain's key.")
    name: Line | None = Field(default=None, description="The display name, where it differs from the key.")


class Episode(Row):
    """An episode of a show in which predictions were made."""

    id: Id = Field(description="The episode's key.")
    title: Line = Field(description="The episode's title.")
    number: Count | None = Field(default=None, description="The episode's number.")
    url: Url | None = Field(default=None, description="The address where it can be heard or read.")
    published_at: Moment | None = Field(default=None, description="When it was published.")


class Predictor(Row):
    """
    A person or source that makes predictions.

    The `record` properties hold a track record kept elsewhere, as imported.
    """

    id: Id = Field(description="The predictor's key.")
    name: Line = Field(description="The predictor's name.")
    kind: PredictorKind | None = Field(default=None, description="The kind of predictor, where it is known.")
    source: Line | None = Field(
        default=None, description="Where its forecasts come from, such as the exchange of a market."
    )
    record_n_resolved: Count | None = Field(
        default=None, description="Number of resolved predictions in the record kept elsewhere."
    )
    record_brier: Share | None = Field(
        default=None, description="Brier score of the record kept elsewhere: mean squared error, 0 is best."
    )
    record_kappa: Annotated[float, Field(ge=0.1, le=1)] | None = Field(
        default=None, description="Weight of the predictor's evidence by the record kept elsewhere, 0.1 to 1."
    )
    record_source: Line | None = Field(default=None, description="Source of the record kept elsewhere.")


class ReferenceClass(Row):
    """A class of comparable cases and how often they come true: the outside view."""

    id: Id = Field(description="The reference class's key.")
    description: Text = Field(description="The cases that belong to the class.")
    base_rate: Probability = Field(
        description="How often such cases come true. A change affects beliefs; ledger rows keep the rate they used."
    )
    successes: Count | None = Field(default=None, description="Number of known cases that came true.")
    trials: Count | None = Field(default=None, description="Number of known cases.")

    @model_validator(mode="after")
    def _successes_within_trials(self) -> Self:
        if self.successes is not None and self.trials is not None and self.successes > self.trials:
            message = f"expected at most as many successes as trials, got {self.successes} of {self.trials}"
            raise RuleError("successes", message)
        return self


class Ticker(Row):
    """A security, by the symbol under which it is traded."""

    symbol: Symbol = Field(
        description="The symbol as markets write it, such as `BRK.B`, `^GSPC` or `EURUSD=X`, which is also the key. "
        "Where one symbol is traded on several exchanges, the exchange's code (MIC) follows, as in `BHP:XASX`."
    )
    name: Line | None = Field(default=None, description="The name of the company or fund.")
    exchange: Line | None = Field(default=None, description="The exchange on which it is traded.")
    sector: Line | None = Field(default=None, description="The sector that it operates in.")
    country: Line | None = Field(default=None, description="The country that it is based in.")
    currency: CurrencyCode | None = Field(
        default=None, description="The currency in which it is quoted, by its code in ISO 4217, such as `USD`."
    )


class Document(Row):
    """A written source that bears on claims."""

    id: Id = Field(description="The document's key.")
    title: Line = Field(description="The document's title.")
    url: Url | None = Field(default=None, description="The document's address.")
    published_at: Moment | None = Field(default=None, description="When it was published.")
    kind: Line | None = Field(default=None, description="The kind of document.")


class Claim(Row):
    """A statement that has a probability: a prediction, a scenario or a killer."""

    id: Id = Field(description="The claim's key, unique among predictions, scenarios and killers.")
    title: Line = Field(description="The claim in one line.")
    text: Text | None = Field(default=None, description="The claim in full.")
    stated_probability: Probability | None = Field(
        default=None,
        description="The probability that it starts from; without one the claim is not included in anything computed. "
        "Fixed once evidence has been added or the outcome is known.",
    )
    probability_basis: Text | None = Field(default=None, description="Where the stated probability comes from.")
    status: ClaimStatus = Field(default=ClaimStatus.OPEN, description="Whether the outcome is known.")
    resolved_at: Moment | None = Field(default=None, description="When the outcome became known.")
    is_early: bool | None = Field(
        default=None,
        description="Whether its outcome became known before its window opened; such an outcome is refused without it.",
    )
    from_year: Year | None = Field(default=None, description="The year of its window.")
    to_year: Year | None = Field(
        default=None, description="The last year that its source names; windows do not use it."
    )
    window_start: Moment | None = Field(
        default=None, description="The start of its explicit window; start and end are given together."
    )
    window_end: Moment | None = Field(
        default=None, description="The end of its explicit window; start and end are given together."
    )
    deadline: Moment | None = Field(
        default=None,
        description="When its window closes; for a claim with an explicit window or a year it is computed from these.",
    )
    domain_id: Id | None = Field(default=None, description="The domain that it belongs to.")

    @model_validator(mode="after")
    def _years_in_order(self) -> Self:
        if self.from_year and self.to_year and self.from_year > self.to_year:
            message = f"expected to_year not before from_year, got {self.from_year} to {self.to_year}"
            raise RuleError("to_year", message)
        return self

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if (self.window_start is None) != (self.window_end is None):
            message = "expected window_start and window_end together, got only one of them"
            raise RuleError("window_start", message)
        if self.window_start and self.window_end and self.window_start >= self.window_end:
            message = f"expected window_end after window_start, got {self.window_start} to {self.window_end}"
            raise RuleError("window_end", message)
        return self

    @model_validator(mode="after")
    def _resolved_when_moment_given(self) -> Self:
        if (self.resolved_at is not None) != (self.status is not ClaimStatus.OPEN):
            message = f"expected resolved_at exactly when the status is not OPEN, got {self.resolved_at}, {self.status}"
            raise RuleError("resolved_at", message)
        return self


class Scenario(Claim):
    """A possible course of events."""


class Killer(Claim):
    """An event that would make the predictions it bears on fail."""


class Prediction(Claim):
    """A predictor's statement about the future, with everything recorded about it."""

    predictor_id: Id | None = Field(
        default=None, description="The predictor who made it; fixed once the outcome is settled."
    )
    episode_id: Id | None = Field(default=None, description="The episode in which it was made.")
    reference_class_id: Id | None = Field(default=None, description="The class of comparable cases, its outside view.")
    imported_on: Day | None = Field(
        default=None, description="The day of its first import; windows without a year count from the day after."
    )
    verbatim_quote: Text | None = Field(default=None, description="The predictor's exact words.")
    context: Text | None = Field(
        default=None, description="The conversation around it, such as the question that it answered."
    )
    mode: PredictionMode | None = Field(
        default=None, description="How firmly it was stated, as classified by its source."
    )
    direction: Line | None = Field(
        default=None, description="Whether the event is predicted to happen or not, in the source's words."
    )
    conviction_level: Line | None = Field(
        default=None, description="How convinced the predictor sounded, in the source's words."
    )
    conviction_cues: Line | None = Field(default=None, description="The words that show the conviction.")
    quantity: Line | None = Field(default=None, description="The predicted amount, where the prediction names one.")
    timeframe: Line | None = Field(default=None, description="The predicted time, in the predictor's words.")
    role: Line | None = Field(default=None, description="The speaker's role, such as Host or Guest.")
    cited_by: Line | None = Field(default=None, description="The person or source that cites it.")
    key_catalyst: Text | None = Field(default=None, description="The event that would set it off.")
    watch_events: Text | None = Field(default=None, description="Events to watch for.")
    resolution_evidence: Text | None = Field(default=None, description="Known facts that bear on its resolution.")
    source_url: Url | None = Field(default=None, description="The address where it was said or written.")
    raw_metadata: Metadata = Field(
        default=None, description="Everything else recorded about it, as JSON; replaced as a whole."
    )
    raw_metadata_is_complete: bool | None = Field(
        default=None, description="Whether the raw metadata is complete; null where unknown."
    )


class Milestone(Row):
    """
    A dated sign that a prediction is coming true, or the predicted event itself.

    `expected_date` of a range and `ordinal` are computed when absent and checked when present.
    """

    id: MilestoneId = Field(description="The milestone's key.")
    prediction_id: Id = Field(description="The prediction that it belongs to.")
    kind: MilestoneKind = Field(description="Whether it is the event itself, a researched sign or a check-in.")
    label: Line = Field(description="The milestone in one line.")
    criterion: Text | None = Field(default=None, description="How to tell that it has been reached.")
    source: Line | None = Field(default=None, description="Where it was found, in words or as an address.")
    source_url: Url | None = Field(default=None, description="The address where it was found.")
    weight: Share | None = Field(
        default=None, description="Its weight among the prediction's milestones, 0 to 1, as given by its source."
    )
    ordinal: Annotated[int, Field(ge=-10_000, le=10_000)] | None = Field(
        default=None,
        description="Rank by expected date minus the predicted event's rank: 0 for the event, negative before it.",
    )
    expected_date: Day | None = Field(
        default=None, description="When it is expected; the midpoint of its range where it has one."
    )
    range_from: Day | None = Field(
        default=None, description="The first day on which it is expected; both days of a range are given together."
    )
    range_to: Day | None = Field(
        default=None, description="The last day on which it is expected; both days of a range are given together."
    )
    observed_date: Day | None = Field(default=None, description="The day on which it was reached.")
    status: MilestoneStatus = Field(default=MilestoneStatus.PENDING, description="Whether it was reached.")
    confidence: Share | None = Field(
        default=None, description="Its source's confidence that it bears on the prediction, 0 to 1."
    )
    notes: Text | None = Field(default=None, description="Remarks about it.")
    research_origin: Line | None = Field(default=None, description="How it was found.")
    miss_emitted_at: Moment | None = Field(
        default=None, description="When its miss was added to the ledger, which happens once."
    )
    miss_emitted_by: Line | None = Field(default=None, description="Who or what added its miss to the ledger.")
    basis: Text | None = Field(default=None, description="Where its figures come from.")

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if (self.range_from is None) != (self.range_to is None):
            message = "expected range_from and range_to together, got only one of them"
            raise RuleError("range_from", message)
        if self.range_from and self.range_to and self.range_from > self.range_to:
            message = f"expected range_to not before range_from, got {self.range_from} to {self.range_to}"
            raise RuleError("range_to", message)
        if self.range_from is None and self.expected_date is None:
            message = "expected expected_date, or range_from and range_to, got none"
            raise RuleError("expected_date", message)
        return self

    def due_date(self) -> date | None:
        """The last day on which it is expected."""
        return self.range_to or self.expected_date


class Contribution(Row):
    """One item of a ledger row: an observation and its weight."""

    LIST_PREFIX: ClassVar[str] = "contribution"
    """Begins the names of the parallel lists in which the items of a row are stored."""

    llr: LogRatio = Field(description="Natural log of its likelihood ratio.")
    kind: Line | None = Field(default=None, description="The kind of item.")
    kappa: Share | None = Field(default=None, description="The weight of the predictor's evidence that applied.")
    label: Line | None = Field(default=None, description="The item in one line.")
    weight: Share | None = Field(
        default=None, description="Its weight among items of its kind, as given by its source."
    )
    strength: Line | None = Field(default=None, description="Its strength in words.")
    confidence: Share | None = Field(default=None, description="Confidence that the item is real, 0 to 1.")
    source_url: Url | None = Field(default=None, description="The address where it was found.")
    adjusted_llr: LogRatio | None = Field(default=None, description="The log likelihood ratio times kappa.")
    expected_date: Day | None = Field(default=None, description="When it was expected.")
    criterion: Text | None = Field(default=None, description="How to tell that it has been reached.")


class Evidence(Row):
    """One row of the append-only ledger; rows imported from another system keep its figures verbatim."""

    id: Id = Field(description="The ledger row's key.")
    claim_id: Id = Field(description="The claim that it bears on.")
    policy: Line = Field(
        description="The rules by which it was weighed; `imported` for rows of another system, whose figures are kept."
    )
    evidence_kind: Line | None = Field(default=None, description="The kind of evidence.")
    observed_at: Moment = Field(description="When it was observed.")
    recorded_at: Moment = Field(description="When it was added to the ledger.")
    submitted_by: Line | None = Field(default=None, description="Who submitted it.")
    caller: Line | None = Field(
        default=None, description="Name of the key or token with which it was added; absent where there was none."
    )
    idempotency_key: Line | None = Field(default=None, description="The key under which retries count once.")
    cluster_id: Line | None = Field(default=None, description="The source event that it shares with other items.")
    url: Url | None = Field(default=None, description="The address of the source.")
    note: Text | None = Field(default=None, description="Remarks about it.")
    predictor_id: Id | None = Field(default=None, description="The predictor whose evidence it is.")
    document_id: Id | None = Field(default=None, description="The document that it comes from.")
    milestone_id: MilestoneId | None = Field(default=None, description="The milestone that it comes from.")
    retracts_id: Id | None = Field(
        default=None, description="The ledger row that it takes back, as that was a mistake."
    )
    trf: Share | None = Field(
        default=None,
        description="Fraction of the claim's window that remained at that time: 1 at the start, 0 at the deadline.",
    )
    kappa: Share | None = Field(default=None, description="The weight of the predictor's evidence at that time.")
    kappa_source: Line | None = Field(default=None, description="The record that the weight comes from.")
    predictor_brier: Share | None = Field(default=None, description="The predictor's Brier score at that time.")
    predictor_n_resolved: Count | None = Field(
        default=None, description="The predictor's number of resolved predictions at that time."
    )
    base_rate: Probability | None = Field(default=None, description="The reference class's base rate at that time.")
    reference_class_id: Id | None = Field(default=None, description="Key of the reference class used in the blend.")
    prior_logit: Number | None = Field(default=None, description="The inside view before it, in natural log-odds.")
    inside_prior: Probability | None = Field(default=None, description="The inside view before it, as a probability.")
    inside_source: Line | None = Field(default=None, description="Source of the inside view before it.")
    total_llr: LogRatio = Field(description="Sum of the natural logs of P(evidence | true) / P(evidence | false).")
    total_adjusted_llr: LogRatio | None = Field(
        default=None, description="The sum times kappa: the amount added in log-odds."
    )
    bayes_factor: Line | None = Field(
        default=None, description="The adjusted weight in words, such as `1.3:1 against`."
    )
    inside_posterior: Probability | None = Field(
        default=None, description="The inside view after it, as a probability."
    )
    posterior_logit: Number | None = Field(default=None, description="The inside view after it, in natural log-odds.")
    inside_weight: Share | None = Field(default=None, description="Weight of the inside view in the blend, 0 to 1.")
    outside_weight: Share | None = Field(default=None, description="Weight of the outside view in the blend, 0 to 1.")
    blended_posterior: Probability | None = Field(
        default=None, description="Blend of the inside and outside views after it; null if nothing is blended."
    )
    posterior_prob: Probability | None = Field(default=None, description="The belief after it.")
    blend_applied: bool | None = Field(default=None, description="Whether there was an outside view to blend with.")
    blend_reason: Line | None = Field(default=None, description="Explanation of the blend, in words.")
    grace_days: Days | None = Field(default=None, description="Days of grace given to a missed milestone.")
    n_milestones: Count | None = Field(default=None, description="Number of milestones that contributed.")
    contributions: tuple[Contribution, ...] = Field(default=(), description="The items that it sums up.")
    raw_metadata: Metadata = Field(default=None, description="The row as imported, as JSON.")


class Validation(Row):
    """An assessment of how a prediction is doing."""

    id: Id = Field(description="The validation's key.")
    prediction_id: Id = Field(description="The prediction assessed.")
    observed_at: Day = Field(description="The day of the assessment.")
    status: Line = Field(description="The finding, in the assessor's words.")
    by: Line | None = Field(default=None, description="Who made the assessment.")
    notes: Text | None = Field(default=None, description="Remarks about the finding.")


class Influence(Row):
    """
    The bearing of a parent claim on its child: P(child | parent true) and P(child | parent false).

    An influence without the two probabilities is shown as such and is not included in anything computed.
    """

    kind: InfluenceKind = Field(
        description="How the parent bears on the child: a prerequisite raises it, a killer lowers it, a correlate does "
        "what its table says. All influences between the same two claims go the same way."
    )
    parent_id: Id = Field(description="The claim that bears on the child.")
    child_id: Id = Field(description="The claim that the parent bears on.")
    p_if_true: Probability | None = Field(
        default=None, description="P(child | parent true); both probabilities are given together."
    )
    p_if_false: Probability | None = Field(
        default=None, description="P(child | parent false); both probabilities are given together."
    )
    lag_days: Days | None = Field(default=None, description="Days by which the child follows the parent.")
    basis: Text | None = Field(default=None, description="Where the figures come from, or why there are none.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.p_if_true is None) != (self.p_if_false is None):
            message = "expected p_if_true and p_if_false together, got only one of them"
            raise RuleError("p_if_true", message)
        if self.parent_id == self.child_id:
            message = f"expected two different claims, got {self.parent_id!r} twice"
            raise ValueError(message)
        return self


class Exposure(Row):
    """The effect on a ticker of a prediction that comes true."""

    sign: ExposureSign = Field(
        description="Whether the prediction benefits or harms the ticker; there are not both of one prediction."
    )
    prediction_id: Id = Field(description="The prediction.")
    symbol: str = Field(description="The ticker.")
    relevance: Share | None = Field(default=None, description="How much the prediction matters to the ticker, 0 to 1.")
    impact: Impact | None = Field(
        default=None,
        description="Fractional change of the price if the prediction comes true, from -1; 0.1 is a rise of 10%. "
        "At least 0 for BENEFITS, at most 0 for HARMS.",
    )
    impact_low: Impact | None = Field(
        default=None, description="The least that the impact may be; given with the impact and its most."
    )
    impact_high: Impact | None = Field(
        default=None, description="The most that the impact may be; given with the impact and its least."
    )
    basis: Text | None = Field(default=None, description="The reason for the effect.")
    source: Line | None = Field(default=None, description="The person or source that states it.")
    lag_days: Days | None = Field(default=None, description="Days by which the effect follows the prediction.")

    @model_validator(mode="after")
    def _impact_within_its_range(self) -> Self:
        low, high = self.impact_low, self.impact_high
        if low is None and high is None:
            return self
        if low is None or high is None or self.impact is None or not low <= self.impact <= high:
            message = f"expected impact_low, impact and impact_high in this order, got {low}, {self.impact} and {high}"
            raise RuleError("impact_low", message)
        return self


class DocumentLink(Row):
    """A link from a document to a claim that it is about."""

    document_id: Id = Field(description="The document.")
    claim_id: Id = Field(description="The claim that it is about.")


class Forecast(Row):
    """
    A predictor's probability of a claim at a moment, or the retraction of one. Forecasts are append-only.

    A predictor's forecast of a claim stands until its next one.
    """

    id: Id = Field(description="The forecast's key.")
    predictor_id: Id = Field(description="The predictor.")
    claim_id: Id = Field(description="The claim.")
    probability: Share | None = Field(
        default=None,
        description="The probability, 0 and 1 included, which beliefs take for .01 and .99; absent in a retraction.",
    )
    stated_at: Moment = Field(description="When it was stated.")
    recorded_at: Moment = Field(description="When it was recorded.")
    source: Line | None = Field(default=None, description="Where it was stated.")
    cluster: Line | None = Field(
        default=None, description="Name of what it follows, such as a poll; a cluster's forecasts count as one."
    )
    submitted_by: Line | None = Field(default=None, description="Name of the submitter.")
    note: Text | None = Field(default=None, description="Remarks, or the reason of a retraction.")
    retracts: Id | None = Field(
        default=None, description="The key of an earlier forecast that counts no longer; then there is no probability."
    )

    @model_validator(mode="after")
    def _states_or_retracts(self) -> Self:
        if (self.probability is None) == (self.retracts is None):
            came = "neither" if self.probability is None else "both"
            raise RuleError("probability", f"expected a probability or a forecast to retract, got {came}")
        return self


class Version(Row):
    """
    A node, an exposure, or the graph as a whole, as far as answers depend on it, as recorded at one moment.

    Rows are appended by whatever changes a value, and never change.
    """

    id: Line = Field(description="The row's key: the kind and key of its node, and the moment of recording.")
    subject: VersionSubject = Field(description="The kind of node that it is of, or EXPOSURE.")
    subject_id: VersionSubjectId = Field(
        description="Key of that node; of an exposure its sign, prediction and symbol, such as `BENEFITS|P_1|NVDA`."
    )
    owner_id: Line | None = Field(
        default=None, description="The prediction that a milestone belongs to, or the symbol of an exposure."
    )
    number: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        description="Its number among the versions of the node or exposure, from 1."
    )
    valid_at: Moment = Field(
        description="Since when the values hold: of a claim's outcome, when it became known; otherwise when recorded."
    )
    recorded_at: Moment = Field(description="When they were recorded.")
    is_reconstructed: bool | None = Field(
        default=None,
        description="Whether an upgrade made it, from values that may have been others at that time; of an exposure's "
        "first, whether it stands for the time before it as well, as the exposure came with its prediction or from an "
        "older version.",
    )
    is_deleted: bool | None = Field(default=None, description="Whether the node or exposure was deleted.")
    stated_probability: Probability | None = Field(default=None, description="A claim's stated probability.")
    status: Line | None = Field(default=None, description="A claim's or a milestone's status.")
    resolved_at: Moment | None = Field(default=None, description="When a claim's outcome became known.")
    from_year: Year | None = Field(default=None, description="The year of a claim's window.")
    window_start: Moment | None = Field(default=None, description="The start of a claim's explicit window.")
    window_end: Moment | None = Field(default=None, description="The end of a claim's explicit window.")
    deadline: Moment | None = Field(default=None, description="When a claim's window closes.")
    reference_class_id: Id | None = Field(default=None, description="A prediction's reference class.")
    predictor_id: Id | None = Field(default=None, description="The predictor who made a prediction.")
    intercept_effect: float | None = Field(
        default=None, description="The predictor's effect on a claim's prior, in log-odds, as known when it was stated."
    )
    slope_effect: float | None = Field(
        default=None, description="The predictor's effect on the slope of that prior, as known when it was stated."
    )
    base_rate: Probability | None = Field(default=None, description="A reference class's base rate.")
    record_n_resolved: Count | None = Field(
        default=None, description="Number of resolved predictions in a predictor's record kept elsewhere."
    )
    record_brier: Share | None = Field(default=None, description="Brier score of a predictor's record kept elsewhere.")
    record_kappa: Annotated[float, Field(ge=0.1, le=1)] | None = Field(
        default=None, description="Weight of a predictor's evidence by the record kept elsewhere."
    )
    record_source: Line | None = Field(default=None, description="Source of a predictor's record kept elsewhere.")
    kind: MilestoneKind | None = Field(default=None, description="A milestone's kind.")
    expected_date: Day | None = Field(default=None, description="When a milestone is expected.")
    range_from: Day | None = Field(default=None, description="The first day on which a milestone is expected.")
    range_to: Day | None = Field(default=None, description="The last day on which a milestone is expected.")
    observed_date: Day | None = Field(default=None, description="The day on which a milestone was reached.")
    policy: Line | None = Field(default=None, description="The policy of the graph; `foregraph-1` if absent.")
    timing_short: Share | None = Field(
        default=None, description="Share of what comes true in a window under a year that does so before its deadline."
    )
    timing_long: Share | None = Field(default=None, description="The same for windows of a year or more.")
    relevance: Share | None = Field(default=None, description="An exposure's relevance.")
    impact: Impact | None = Field(default=None, description="An exposure's impact.")
    impact_low: Impact | None = Field(default=None, description="The least that an exposure's impact may be.")
    impact_high: Impact | None = Field(default=None, description="The most that an exposure's impact may be.")
    lag_days: Days | None = Field(
        default=None, description="Days by which an exposure's effect follows its prediction."
    )

    @model_validator(mode="after")
    def _names_its_exposure(self) -> Self:
        if self.subject is VersionSubject.EXPOSURE:
            sign, *ends = self.subject_id.split("|")
            if sign not in set(ExposureSign) or len(ends) != 2 or ends[1] != self.owner_id:  # noqa: PLR2004 - both ends
                message = f"expected a sign, a prediction and the symbol that owner_id has, got {self.subject_id!r}"
                raise RuleError("subject_id", message)
        return self


class QueryParameter(Row):
    """One parameter of a saved query."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_]{0,63}$")] = Field(
        description="The parameter's name."
    )
    type: ParameterType = Field(description="The parameter's type.")
    description: Line | None = Field(default=None, description="The parameter's meaning.")
    default: bool | int | float | str | tuple[str, ...] | None = Field(
        default=None, description="The value where none is given; a day or a moment as text."
    )
    is_required: bool = Field(
        default=True, description="Whether a value must be given where there is no default; otherwise it is null."
    )


class SavedQuery(Row):
    """A named, versioned, read-only statement with typed parameters."""

    name: Id = Field(description="The query's name.")
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(description="The query's version.")
    description: Text | None = Field(default=None, description="The query's purpose.")
    statement: Text = Field(description="The Cypher statement.")
    parameters: tuple[QueryParameter, ...] = Field(default=(), description="The statement's parameters.")
    saved_at: Moment | None = Field(default=None, description="When the version was saved.")
    is_deleted: bool | None = Field(
        default=None, description="Whether the version marks that the query was deleted; absent if it does not."
    )


class PortfolioPosition(Row):
    """One position of a portfolio."""

    LIST_PREFIX: ClassVar[str] = "position"
    """Begins the names of the parallel lists in which the positions are stored."""

    symbol: Symbol = Field(description="The ticker's symbol, whether the graph has the ticker or not.")
    weight: Weight = Field(description="The weight, negative for a short position, in the portfolio's own unit.")
    benchmark_weight: Weight | None = Field(
        default=None, description="The weight that the benchmark has, in the same unit."
    )


class Portfolio(Row):
    """
    A portfolio's positions since a moment, as recorded at one.

    Rows are appended and never change: the positions at a moment are those of the row that holds since then, the one
    recorded last if several do.
    """

    id: Id = Field(description="The row's key: the portfolio's name, @ and the moment of recording in microseconds.")
    name: Name = Field(description="The portfolio's name.")
    owner: Line | None = Field(
        default=None,
        description="The name of the key or token that saved it first; absent if nobody in particular did.",
    )
    held_at: Moment = Field(description="Since when the positions are held.")
    recorded_at: Moment = Field(description="When they were recorded.")
    positions: tuple[PortfolioPosition, ...] = Field(default=(), description="The positions, each symbol once.")
    note: Text | None = Field(default=None, description="Remarks.")
    is_deleted: bool | None = Field(
        default=None, description="Whether the row marks that the portfolio was deleted; absent if it does not."
    )

    @model_validator(mode="after")
    def _key_follows(self) -> Self:
        _check_dated_key(self.id, self.name, self.recorded_at)
        return self

    @model_validator(mode="after")
    def _symbols_are_unique(self) -> Self:
        seen: set[str] = set()
        for index, position in enumerate(self.positions):
            if position.symbol in seen:
                message = f"expected each symbol once, got {position.symbol} again"
                raise RuleError(f"positions[{index}].symbol", message)
            seen.add(position.symbol)
        return self


class FamilyMember(Row):
    """A claim of a family."""

    LIST_PREFIX: ClassVar[str] = "member"
    """Begins the names of the parallel lists in which the members are stored."""

    claim_id: Id = Field(description="The claim.")
    role: FamilyRole = Field(default=FamilyRole.BY, description="The role of the claim in the family.")


class ClaimFamily(Row):
    """
    Claims that one event or one question ties together, as recorded at a moment.

    Rows are appended and never change: a family at a moment is its row that was recorded last by then.
    """

    id: Id = Field(description="The row's key: the family's name, @ and the moment of recording in microseconds.")
    name: Name = Field(description="The family's name.")
    kind: FamilyKind = Field(description="The tie between the members.")
    title: Line | None = Field(default=None, description="The event or the question, in words.")
    is_exhaustive: bool | None = Field(
        default=None,
        description="Of outcomes that exclude each other, whether exactly one comes true; otherwise at most one does.",
    )
    recorded_at: Moment = Field(description="When it was recorded.")
    members: tuple[FamilyMember, ...] = Field(default=(), description="The members, each claim once.")
    is_deleted: bool | None = Field(
        default=None, description="Whether the row marks that the family was deleted; absent if it does not."
    )

    @model_validator(mode="after")
    def _key_follows(self) -> Self:
        _check_dated_key(self.id, self.name, self.recorded_at)
        return self

    @model_validator(mode="after")
    def _members_fit(self) -> Self:
        if not self.is_deleted and not LEAST_MEMBERS <= len(self.members) <= MOST_MEMBERS:
            message = f"expected {LEAST_MEMBERS} to {MOST_MEMBERS} members, got {len(self.members)}"
            raise RuleError("members", message)
        seen: set[str] = set()
        for index, member in enumerate(self.members):
            if member.claim_id in seen:
                message = f"expected each claim once, got {member.claim_id!r} again"
                raise RuleError(f"members[{index}].claim_id", message)
            seen.add(member.claim_id)
        return self

    @model_validator(mode="after")
    def _kind_fits(self) -> Self:
        is_exclusive = self.kind is FamilyKind.EXCLUSIVE
        if self.is_exhaustive is not None and not is_exclusive:
            message = f"expected none but of a family of kind EXCLUSIVE, got {self.is_exhaustive}"
            raise RuleError("is_exhaustive", message)
        for index, member in enumerate(self.members):
            if is_exclusive and member.role is not FamilyRole.BY:
                message = f"expected NOT_BEFORE only in a family of kind BY_WHEN, got it in one of kind {self.kind}"
                raise RuleError(f"members[{index}].role", message)
        return self


def _check_dated_key(row_id: str, name: str, recorded_at: datetime) -> None:
    expected = dated_key(name, recorded_at)
    if row_id != expected:
        message = f"expected {expected}, by name and moment of recording, got {row_id}"
        raise RuleError("id", message)


class PropagationRun(Row):
    """One run of propagation over the whole network, with its diagnostics."""

    id: Id = Field(description="The run's key.")
    method: Line = Field(description="The method: LBP, SAMPLE or EXACT.")
    started_at: Moment = Field(description="When the run began.")
    revision: LongCount = Field(description="Revision of the graph that was read.")
    iterations: Count | None = Field(default=None, description="For LBP: number of sweeps.")
    residual: Number | None = Field(
        default=None,
        description="For LBP: the largest change of a message, in log-odds, that the last sweep would have made.",
    )
    converged: bool = Field(description="Whether it converged; only then are its marginals stored.")
    duration_seconds: Annotated[float, Field(ge=0)] | None = Field(default=None, description="Duration in seconds.")
    as_of: Moment | None = Field(default=None, description="The moment that the marginals hold for.")
    reason: Text | None = Field(default=None, description="Why it did not converge.")
    num_claims: Count | None = Field(default=None, description="Number of claims included.")
    num_moved: Count | None = Field(
        default=None,
        description="Number of marginals written: those that had moved by more than the tolerance, and those of claims "
        "that had changed.",
    )
    tolerance: Number | None = Field(
        default=None, description="The most by which a stored marginal differs from the one that the run computed."
    )
    num_samples: Count | None = Field(default=None, description="For SAMPLE: number of joint samples.")
    standard_error: Number | None = Field(
        default=None, description="For SAMPLE: the largest standard error of any claim, between replicates."
    )
    num_by_lbp: Count | None = Field(
        default=None, description="Number of marginals that are approximations by LBP, as there were no samples yet."
    )
    error_estimate: Number | None = Field(
        default=None, description="Estimate of the largest error of a marginal by LBP; null if none is by LBP."
    )
    calibration_error: Number | None = Field(
        default=None, description="Estimate of the largest error of a marginal that comes from the calibration."
    )
    seed: LongCount | None = Field(default=None, description="For SAMPLE: the random seed.")
