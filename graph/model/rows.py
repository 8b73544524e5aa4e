"""
What a bundle holds: one frozen model for each label and relationship of the graph, checked on the way in.

Field names are the graph's property names. A field that names another row's id (`predictor_id`, `claim_id`, …)
stands for a relationship. Probabilities lie strictly between 0 and 1; moments carry their offset and are kept in UTC.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from graph.model.kinds import ClaimStatus, ExposureSign, InfluenceKind, MilestoneKind, MilestoneStatus, PredictionMode
from graph.model.problems import RuleError
from graph.model.values import (
    Count,
    Day,
    Days,
    Id,
    Line,
    LogRatio,
    Metadata,
    MilestoneId,
    Moment,
    Number,
    Probability,
    Share,
    Text,
    Url,
    Year,
)


class Row(BaseModel):
    """Anything that a bundle lists."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_enum_values=False)


class Domain(Row):
    """What field a claim is in."""

    id: Id
    name: Line | None = None


class Episode(Row):
    """Where a prediction was said."""

    id: Id
    title: Line
    number: Count | None = None
    url: Url | None = None
    published_at: Moment | None = None


class Predictor(Row):
    """Who predicts. The record fields hold a record kept elsewhere, as it came."""

    id: Id
    name: Line
    record_n_resolved: Count | None = None
    record_brier: Share | None = None
    record_kappa: Annotated[float, Field(ge=0.1, le=1)] | None = None
    record_source: Line | None = None


class ReferenceClass(Row):
    """How often such things come true: the outside view."""

    id: Id
    description: Text
    base_rate: Probability
    successes: Count | None = None
    trials: Count | None = None

    @model_validator(mode="after")
    def _successes_within_trials(self) -> Self:
        if self.successes is not None and self.trials is not None and self.successes > self.trials:
            message = f"expected at most as many successes as trials, got {self.successes} of {self.trials}"
            raise RuleError("successes", message)
        return self


class Ticker(Row):
    """What is traded under a symbol."""

    symbol: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.\-]{0,19}$")]
    name: Line | None = None
    exchange: Line | None = None
    sector: Line | None = None


class Document(Row):
    """Something written that bears on claims."""

    id: Id
    title: Line
    url: Url | None = None
    published_at: Moment | None = None
    kind: Line | None = None


class Claim(Row):
    """
    Anything with a probability.

    A claim without a stated probability is shown as such and takes no part in anything computed.
    """

    id: Id
    title: Line
    text: Text | None = None
    stated_probability: Probability | None = None
    probability_basis: Text | None = None
    status: ClaimStatus = ClaimStatus.OPEN
    resolved_at: Moment | None = None
    from_year: Year | None = None
    to_year: Year | None = None
    window_start: Moment | None = None
    window_end: Moment | None = None
    deadline: Moment | None = None
    domain_id: Id | None = None

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
    """A course that the world may take."""


class Killer(Claim):
    """What would make the predictions that it bears on fail."""


class Prediction(Claim):
    """What a predictor said would happen, with everything that was noted about it."""

    predictor_id: Id | None = None
    episode_id: Id | None = None
    reference_class_id: Id | None = None
    imported_on: Day | None = None
    verbatim_quote: Text | None = None
    context: Text | None = None
    mode: PredictionMode | None = None
    direction: Line | None = None
    conviction_level: Line | None = None
    conviction_cues: Line | None = None
    quantity: Line | None = None
    timeframe: Line | None = None
    role: Line | None = None
    cited_by: Line | None = None
    key_catalyst: Text | None = None
    watch_events: Text | None = None
    resolution_evidence: Text | None = None
    source_url: Url | None = None
    raw_metadata: Metadata = None
    raw_metadata_is_complete: bool | None = None


class Milestone(Row):
    """
    A dated sign on the way to a prediction.

    `expected_date` of a range is its midpoint; `ordinal` is the rank by expected date minus the event's rank.
    Both are made when absent and checked when present.
    """

    id: MilestoneId
    prediction_id: Id
    kind: MilestoneKind
    label: Line
    criterion: Text | None = None
    source: Line | None = None
    source_url: Url | None = None
    weight: Share | None = None
    ordinal: Annotated[int, Field(ge=-10_000, le=10_000)] | None = None
    expected_date: Day | None = None
    range_from: Day | None = None
    range_to: Day | None = None
    observed_date: Day | None = None
    status: MilestoneStatus = MilestoneStatus.PENDING
    confidence: Share | None = None
    notes: Text | None = None
    research_origin: Line | None = None
    miss_emitted_at: Moment | None = None
    miss_emitted_by: Line | None = None
    basis: Text | None = None

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
    """One item of a ledger row: what was seen and what it weighed."""

    llr: LogRatio
    kind: Line | None = None
    kappa: Share | None = None
    label: Line | None = None
    weight: Share | None = None
    strength: Line | None = None
    confidence: Share | None = None
    source_url: Url | None = None
    adjusted_llr: LogRatio | None = None
    expected_date: Day | None = None
    criterion: Text | None = None


class Evidence(Row):
    """One row of the append-only ledger; rows imported from another system keep its figures verbatim."""

    id: Id
    claim_id: Id
    policy: Line
    evidence_kind: Line | None = None
    observed_at: Moment
    recorded_at: Moment
    submitted_by: Line | None = None
    idempotency_key: Line | None = None
    cluster_id: Line | None = None
    url: Url | None = None
    note: Text | None = None
    predictor_id: Id | None = None
    document_id: Id | None = None
    milestone_id: MilestoneId | None = None
    trf: Share | None = None
    kappa: Share | None = None
    kappa_source: Line | None = None
    predictor_brier: Share | None = None
    predictor_n_resolved: Count | None = None
    base_rate: Probability | None = None
    reference_class_id: Id | None = None
    prior_logit: Number | None = None
    inside_prior: Probability | None = None
    inside_source: Line | None = None
    total_llr: LogRatio
    total_adjusted_llr: LogRatio | None = None
    bayes_factor: Line | None = None
    inside_posterior: Probability | None = None
    posterior_logit: Number | None = None
    inside_weight: Share | None = None
    outside_weight: Share | None = None
    blended_posterior: Probability | None = None
    posterior_prob: Probability | None = None
    blend_applied: bool | None = None
    blend_reason: Line | None = None
    grace_days: Days | None = None
    n_milestones: Count | None = None
    contributions: tuple[Contribution, ...] = ()
    raw_metadata: Metadata = None


class Validation(Row):
    """A look at how a prediction is doing."""

    id: Id
    prediction_id: Id
    observed_at: Day
    status: Line
    by: Line | None = None
    notes: Text | None = None


class Influence(Row):
    """
    How a parent bears on its child: P(child | parent true) and P(child | parent false).

    An influence without the two probabilities is shown as such and takes no part in anything computed.
    """

    kind: InfluenceKind
    parent_id: Id
    child_id: Id
    p_if_true: Probability | None = None
    p_if_false: Probability | None = None
    lag_days: Days | None = None
    basis: Text | None = None

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
    """What a prediction that comes true does to a ticker; `impact` is the price's fractional change."""

    sign: ExposureSign
    prediction_id: Id
    symbol: str
    relevance: Share | None = None
    impact: Annotated[float, Field(ge=-1, le=100)] | None = None
    basis: Text | None = None
    source: Line | None = None
    lag_days: Days | None = None


class DocumentLink(Row):
    """That a document is about a claim."""

    document_id: Id
    claim_id: Id


class QueryParameter(Row):
    """One parameter of a saved query."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9_]{0,63}$")]
    type: Literal["STRING", "INTEGER", "FLOAT", "BOOLEAN", "DATE", "DATETIME", "STRING_LIST"]
    description: Line | None = None


class SavedQuery(Row):
    """A named, versioned, read-only statement with typed parameters."""

    name: Id
    version: Annotated[int, Field(ge=1, le=2**31)]
    description: Text | None = None
    statement: Text
    parameters: tuple[QueryParameter, ...] = ()


class PropagationRun(Row):
    """One run of network propagation, with its diagnostics."""

    id: Id
    method: Line
    started_at: Moment
    revision: Count
    iterations: Count | None = None
    residual: Number | None = None
    converged: bool
    duration_seconds: Annotated[float, Field(ge=0)] | None = None
    as_of: Moment | None = None
    reason: Text | None = None
    num_claims: Count | None = None
    num_samples: Count | None = None
    standard_error: Number | None = None
    seed: Count | None = None
