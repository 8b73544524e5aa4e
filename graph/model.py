"""
What a bundle holds: one frozen model for each label and relationship of the graph, checked on the way in.

Field names are the graph's property names. A field that names another row's id (`predictor_id`, `claim_id`, …)
stands for a relationship. Probabilities lie strictly between 0 and 1; moments carry their offset and are kept in UTC.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, from_json

from graph.errors import BundleError, Problem

BUNDLE_FORMAT = "foregraph-bundle/1"
MAX_TEXT_CHARACTERS = 100_000
MAX_LINE_CHARACTERS = 2_000
MAX_SHOWN_CHARACTERS = 80  # of a wrong value, in an error
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+-]{0,199}$"
# Longer, since the id of a check-in that an import makes begins with its prediction's.
MILESTONE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@#/+-]{0,219}$"
FIRST_YEAR, LAST_YEAR = 1000, 9000  # what four digits, Neo4j and Python all agree on

_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CALENDAR_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CALENDAR_MOMENT = re.compile(_CALENDAR_DAY.pattern + r"[Tt ][0-9]{2}:")


class ClaimStatus(StrEnum):
    """Whether a claim's outcome is known."""

    OPEN = "OPEN"
    RESOLVED_TRUE = "RESOLVED_TRUE"
    RESOLVED_FALSE = "RESOLVED_FALSE"
    ANNULLED = "ANNULLED"


class PredictionMode(StrEnum):
    """How firmly a prediction was put."""

    PREDICTION = "PREDICTION"
    SPECULATION = "SPECULATION"
    FORECAST = "FORECAST"


class MilestoneKind(StrEnum):
    """The event itself, a sign that was researched, or a date by which something should have shown."""

    EVENT = "EVENT"
    RESEARCHED = "RESEARCHED"
    CHECK_IN = "CHECK_IN"


class MilestoneStatus(StrEnum):
    """What became of a milestone."""

    PENDING = "PENDING"
    OVERDUE = "OVERDUE"
    HIT = "HIT"
    MISSED = "MISSED"


class InfluenceKind(StrEnum):
    """How a parent claim bears on its child."""

    PREREQUISITE_OF = "PREREQUISITE_OF"
    KILLS = "KILLS"
    CORRELATES_WITH = "CORRELATES_WITH"


class ExposureSign(StrEnum):
    """Whether a prediction that comes true helps or harms a ticker."""

    BENEFITS = "BENEFITS"
    HARMS = "HARMS"


def _without_control_characters(text: str) -> str:
    if found := _CONTROL_CHARACTER.search(text):
        message = f"expected text without control characters, got {found.group()!r} at {found.start()}"
        raise ValueError(message)
    return text


# Dates are not left to pydantic, to which text of digits alone means seconds since 1970.
def _read_day(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            if _CALENDAR_DAY.fullmatch(value):
                return date.fromisoformat(value)
        message = f"expected a day such as 2026-05-30, got {_shown(value)}"
        raise ValueError(message)
    return value


def _read_moment(value: Any) -> Any:
    if isinstance(value, str):
        with suppress(ValueError):
            if _CALENDAR_MOMENT.match(value):
                return datetime.fromisoformat(value)
        message = f"expected a moment such as 2026-05-30T22:15:00Z, got {_shown(value)}"
        raise ValueError(message)
    return value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _finite_throughout(value: JsonValue) -> JsonValue:
    """A number such as 1e999 is JSON and no float; written out again it would be no JSON."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        message = "expected numbers within the range of a float, got one outside it"
        raise ValueError(message) from error
    return value


def _year_in_range(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        message = f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, got {day.year}"
        raise ValueError(message)
    return day


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
MilestoneId = Annotated[str, StringConstraints(pattern=MILESTONE_ID_PATTERN)]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_LINE_CHARACTERS),
    AfterValidator(_without_control_characters),
]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TEXT_CHARACTERS),
    AfterValidator(_without_control_characters),
]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]+$", max_length=MAX_LINE_CHARACTERS)]
Day = Annotated[date, AfterValidator(_year_in_range), BeforeValidator(_read_day)]
# The year is looked at on both sides of the change to UTC, which neither may nor can leave the calendar.
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_year_in_range),
    AfterValidator(_in_utc),
    AfterValidator(_year_in_range),
    BeforeValidator(_read_moment),
]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Probability = Annotated[float, Field(gt=0, lt=1, description="Strictly between 0 and 1.")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Days = Annotated[int, Field(ge=0, le=36_525)]
Number = float
# Far beyond any evidence, and far from where sums of many leave the range of a float.
LogRatio = Annotated[float, Field(ge=-1e6, le=1e6)]
Metadata = Annotated[JsonValue, AfterValidator(_finite_throughout)]


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
            raise ValueError(message)
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
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _window_in_order(self) -> Self:
        if (self.window_start is None) != (self.window_end is None):
            message = "expected window_start and window_end together, got only one of them"
            raise ValueError(message)
        if self.window_start and self.window_end and self.window_start >= self.window_end:
            message = f"expected window_end after window_start, got {self.window_start} to {self.window_end}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _resolved_when_moment_given(self) -> Self:
        if (self.resolved_at is not None) != (self.status is not ClaimStatus.OPEN):
            message = f"expected resolved_at exactly when the status is not OPEN, got {self.resolved_at}, {self.status}"
            raise ValueError(message)
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
            raise ValueError(message)
        if self.range_from and self.range_to and self.range_from > self.range_to:
            message = f"expected range_to not before range_from, got {self.range_from} to {self.range_to}"
            raise ValueError(message)
        if self.range_from is None and self.expected_date is None:
            message = "expected expected_date, or range_from and range_to, got none"
            raise ValueError(message)
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
            raise ValueError(message)
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


class Bundle(BaseModel):
    """A graph, or a part of one, as rows in which ids stand for relationships."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Foregraph bundle")

    format: Literal["foregraph-bundle/1"]
    domains: tuple[Domain, ...] = ()
    episodes: tuple[Episode, ...] = ()
    predictors: tuple[Predictor, ...] = ()
    reference_classes: tuple[ReferenceClass, ...] = ()
    tickers: tuple[Ticker, ...] = ()
    documents: tuple[Document, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    killers: tuple[Killer, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    validations: tuple[Validation, ...] = ()
    influences: tuple[Influence, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    document_links: tuple[DocumentLink, ...] = ()
    saved_queries: tuple[SavedQuery, ...] = ()
    propagation_runs: tuple[PropagationRun, ...] = ()

    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """Every list of the bundle by its name, in the order in which they can be written."""
        return {name: getattr(self, name) for name in LISTS}

    def num_rows(self) -> int:
        """How many rows the bundle has in all."""
        return sum(len(rows) for rows in self.rows().values())

    def to_json(self) -> str:
        """The bundle as text, absent values left out, one row a line so that a diff reads well."""
        parts = [f'  "format": {json.dumps(self.format)}']
        for name, rows in self.rows().items():
            if rows:
                lines = ",\n".join("    " + _row_json(row) for row in rows)
                parts.append(f'  "{name}": [\n{lines}\n  ]')
        return "{\n" + ",\n".join(parts) + "\n}\n"


CLAIM_LISTS = ("predictions", "scenarios", "killers")
LISTS: tuple[str, ...] = tuple(name for name in Bundle.model_fields if name != "format")


def _row_json(row: Row) -> str:
    return json.dumps(row.model_dump(mode="json", exclude_none=True), ensure_ascii=False)


def row_id(row: Row) -> str:
    """What tells a row from the others of its list."""
    match row:
        case Ticker():
            return row.symbol
        case Influence():
            return f"{row.kind}|{row.parent_id}|{row.child_id}"
        case Exposure():
            return f"{row.sign}|{row.prediction_id}|{row.symbol}"
        case DocumentLink():
            return f"{row.document_id}|{row.claim_id}"
        case SavedQuery():
            return f"{row.name}@{row.version}"
        case _:
            return str(row.id)  # type: ignore[attr-defined]  # every other row has one


def bundle_json_schema() -> dict[str, Any]:
    """The JSON Schema of a bundle."""
    schema = Bundle.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@dataclass(frozen=True, slots=True)
class Draft:
    """
    What could be read of a bundle's text.

    Attributes:
        rows: The rows that are right, list by list, each with its index in the text.
        named: The ids that each list names, those of wrong rows included, so that a reference to one is not
            reported a second time.
        problems: Everything wrong with the rows taken one by one.
    """

    rows: Mapping[str, Sequence[tuple[int, Row]]]
    named: Mapping[str, frozenset[str]]
    problems: tuple[Problem, ...]


def parse_bundle(text: str | bytes) -> Bundle:
    """
    A bundle from its text, each row right in itself; that rows fit together and fit the graph is the import's to see.

    Raises:
        BundleError: With all problems there are.
    """
    draft = read_draft(text)
    if draft.problems:
        raise BundleError(draft.problems)
    return Bundle(format=BUNDLE_FORMAT, **{name: tuple(row for _, row in rows) for name, rows in draft.rows.items()})


def read_draft(text: str | bytes) -> Draft:
    """
    What can be read of a bundle's text, with the problems of what can't.

    Raises:
        BundleError: The text is no JSON object, so that nothing can be read.
    """
    data = _read_object(text)
    try:
        bundle = Bundle.model_validate_json(text, strict=True)
    except ValidationError as error:
        problems = [describe_problem(detail) for detail in error.errors(include_url=False)]
        wrong = {_place(detail["loc"]) for detail in error.errors(include_url=False)}
        kept = _without(data, wrong)
        bundle = Bundle.model_validate_json(json.dumps({"format": BUNDLE_FORMAT, **kept}), strict=True)
    else:
        problems, wrong = [], set()
    rows = {
        name: tuple(zip(_right_places(name, data, wrong), rows, strict=True)) for name, rows in bundle.rows().items()
    }
    problems.extend(_duplicates(rows))
    return Draft(rows=rows, named=_named_ids(data, rows), problems=tuple(problems))


def _read_object(text: str | bytes) -> dict[str, Any]:
    try:
        data = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise BundleError([Problem("bundle", f"expected JSON, got text that is none: {error}")]) from error
    if not isinstance(data, dict):
        raise BundleError([Problem("bundle", f"expected a JSON object, got {type(data).__name__}")])
    return data


def _place(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The part of an error's location that names a list or one of its rows."""
    return location[:2] if len(location) > 1 and isinstance(location[1], int) else location[:1]


def _without(data: Mapping[str, Any], wrong: set[tuple[int | str, ...]]) -> dict[str, Any]:
    return {
        name: [row for index, row in enumerate(data[name]) if (name, index) not in wrong]
        for name in LISTS
        if (name,) not in wrong and isinstance(data.get(name), list)
    }


def _right_places(name: str, data: Mapping[str, Any], wrong: set[tuple[int | str, ...]]) -> Iterator[int]:
    rows = data.get(name)
    if (name,) in wrong or not isinstance(rows, list):
        return iter(())
    return (index for index in range(len(rows)) if (name, index) not in wrong)


def describe_problem(detail: ErrorDetails) -> Problem:
    """A validation error of pydantic's as one of ours: where it is, what was expected and what came."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return Problem(path or "bundle", message if "got" in message else f"{message}, got {_shortened(detail)}")


def _shortened(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "nothing"
    return _shown(detail["input"])


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"


def _duplicates(rows: Mapping[str, Sequence[tuple[int, Row]]]) -> Iterator[Problem]:
    """Rows of one list with one id; predictions, scenarios and killers share theirs."""
    seen: dict[tuple[str, str], str] = {}
    for name, listed in rows.items():
        space = "claims" if name in CLAIM_LISTS else name
        for index, row in listed:
            place, key = f"{name}[{index}]", (space, row_id(row))
            if key in seen:
                yield Problem(place, f"expected an id of its own, got {key[1]!r}, which {seen[key]} has too")
            seen.setdefault(key, place)


def _named_ids(data: Mapping[str, Any], rows: Mapping[str, Sequence[tuple[int, Row]]]) -> Mapping[str, frozenset[str]]:
    named: dict[str, frozenset[str]] = {}
    for name, listed in rows.items():
        ids = {row_id(row) for _, row in listed}
        if isinstance(data.get(name), list) and len(data[name]) != len(listed):
            ids |= {str(raw.get("id", raw.get("symbol"))) for raw in data[name] if isinstance(raw, dict)}
        named[name] = frozenset(ids)
    return named
