"""What clients say of a subject: what is left out stays as it is, null removes."""

from dataclasses import fields
from typing import Any

import strawberry
from strawberry.scalars import JSON

from graph.model.subjects import CLAIM_SUBJECTS
from graph.subjects.upserts import Change
from resolvers.base.enums import ExposureSign, InfluenceKind, MilestoneKind, PredictionMode
from resolvers.base.relay import parse_key, parse_some_key
from resolvers.base.scalars import Day, Moment, Probability, Url

# The property and the subjects of each field that names another node.
REFERENCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "predictor": ("predictor_id", ("Predictor",)),
    "episode": ("episode_id", ("Episode",)),
    "reference_class": ("reference_class_id", ("ReferenceClass",)),
    "domain": ("domain_id", ("Domain",)),
    "document": ("document_id", ("Document",)),
    "prediction": ("prediction_id", ("Prediction",)),
    "claim": ("claim_id", CLAIM_SUBJECTS),
    "parent": ("parent_id", CLAIM_SUBJECTS),
    "child": ("child_id", CLAIM_SUBJECTS),
    "ticker": ("symbol", ("Ticker",)),
}


def said(description: str) -> Any:
    """A field that may be left out."""
    return strawberry.field(default=strawberry.UNSET, description=description)


def needed(description: str) -> Any:
    """A field without which nobody knows what is meant."""
    return strawberry.field(description=description)


def change_of(given: Any, name: str, subject: str = "", *, path: str = "input") -> Change:
    """
    What an input says, by property.

    Args:
        given: The input.
        name: The bundle's list that its row belongs to.
        subject: The subject of its own id, where it is a node.
        path: Where it is, for errors.
    Raises:
        InvalidError: An id in it is none, or is one of another subject.
    """
    values: dict[str, Any] = {}
    for field in fields(given):
        value = getattr(given, field.name)
        if value is strawberry.UNSET:
            continue
        said_at = f"{path}.{field.name}"
        if field.name in {"id", "symbol"}:
            values[field.name] = parse_key(value, subject, path=said_at)
        elif field.name in REFERENCES:
            attribute, subjects = REFERENCES[field.name]
            values[attribute] = parse_some_key(value, *subjects, path=said_at)
        else:
            values[field.name] = value
    return Change(name, values, path)


@strawberry.input(description="What every claim has.")
class ClaimInput:
    """What every claim has."""

    id: strawberry.ID = needed("The key that it has or is to have, letters, digits and _.:@#/+-; or its global id.")
    title: str | None = said("What it is called, in a line; a new one needs it.")
    text: str | None = said("What it says.")
    stated_probability: Probability | None = said(
        "The probability it starts from. It stays once evidence has been added to it, or the outcome is known."
    )
    probability_basis: str | None = said("Where that probability comes from.")
    from_year: int | None = said("The first year of its window; it then ends with that year.")
    to_year: int | None = said("The last year that it speaks of.")
    window_start: Moment | None = said("The start of its explicit window, with windowEnd.")
    window_end: Moment | None = said("The end of its explicit window, with windowStart.")
    deadline: Moment | None = said("When it must have come; follows from the window or the year where it has one.")
    domain: strawberry.ID | None = said("The id or key of the domain that it is in.")


@strawberry.input(description="A prediction as it is to be. What is left out stays as it is; null removes.")
class PredictionInput(ClaimInput):
    """A prediction as it is to be."""

    predictor: strawberry.ID | None = said("The id or key of who made it; stays once the outcome is settled.")
    episode: strawberry.ID | None = said("The id or key of the episode in which it was said.")
    reference_class: strawberry.ID | None = said("The id or key of the class of such things, its outside view.")
    verbatim_quote: str | None = said("The words as they were said.")
    context: str | None = said("What it was said in answer to, or around it.")
    mode: PredictionMode | None = said("How firmly it was put.")
    direction: str | None = said("Whether the thing is to happen or not, in its source's words.")
    conviction_level: str | None = said("How convinced the predictor sounded, in its source's words.")
    conviction_cues: str | None = said("The words that show it.")
    quantity: str | None = said("How much, where the prediction says.")
    timeframe: str | None = said("When, in the predictor's words.")
    role: str | None = said("Whose mouth it came from.")
    cited_by: str | None = said("Who cites it.")
    key_catalyst: str | None = said("What would set it going.")
    watch_events: str | None = said("What to watch for.")
    resolution_evidence: str | None = said("What is known that bears on its resolution.")
    source_url: Url | None = said("Where it was said or written.")
    raw_metadata: JSON | None = said("Everything else that came with it, any JSON; it replaces what was there.")
    raw_metadata_is_complete: bool | None = said("Whether the raw metadata is all that there was.")


@strawberry.input(description="A scenario as it is to be. What is left out stays as it is; null removes.")
class ScenarioInput(ClaimInput):
    """A scenario as it is to be."""


@strawberry.input(description="A killer as it is to be. What is left out stays as it is; null removes.")
class KillerInput(ClaimInput):
    """A killer as it is to be."""


@strawberry.input(description="A predictor as it is to be. What is left out stays as it is; null removes.")
class PredictorInput:
    """A predictor as it is to be."""

    id: strawberry.ID = needed("The key that it has or is to have, or its global id.")
    name: str | None = said("What it is called; a new one needs it.")
    record_n_resolved: int | None = said("Of a record kept elsewhere: how many resolved predictions it counts.")
    record_brier: float | None = said("Of a record kept elsewhere: the Brier score, 0 to 1.")
    record_kappa: float | None = said("Of a record kept elsewhere: kappa, 0.1 to 1.")
    record_source: str | None = said("Where that record is kept.")


@strawberry.input(description="A reference class as it is to be. What is left out stays as it is; null removes.")
class ReferenceClassInput:
    """A reference class as it is to be."""

    id: strawberry.ID = needed("The key that it has or is to have, or its global id.")
    description: str | None = said("What such things are; a new one needs it.")
    base_rate: Probability | None = said(
        "How often they come true; a new one needs it. Beliefs in its predictions follow; ledger rows keep the old one."
    )
    successes: int | None = said("How many of them came true.")
    trials: int | None = said("Of how many.")


@strawberry.input(
    description="A milestone as it is to be. What is left out stays as it is; null removes. What became of it is "
    "recorded by recordMilestone; its rank and the check-ins of its chain are made anew."
)
class MilestoneInput:
    """A milestone as it is to be."""

    id: strawberry.ID = needed("The key that it has or is to have, or its global id.")
    prediction: strawberry.ID | None = said("The id or key of its prediction; a new one needs it.")
    kind: MilestoneKind | None = said("The event itself, a researched sign, or a check-in; a new one needs it.")
    label: str | None = said("What it is called, in a line; a new one needs it.")
    criterion: str | None = said("How to tell that it has come.")
    source: str | None = said("Where it was found, in words.")
    source_url: Url | None = said("Where it was found, as an address.")
    weight: float | None = said("Its weight among the prediction's milestones, 0 to 1.")
    expected_date: Day | None = said("When it is expected; the midpoint of its range where it has one.")
    range_from: Day | None = said("The first day on which it is expected, with rangeTo.")
    range_to: Day | None = said("The last day on which it is expected, with rangeFrom.")
    confidence: float | None = said("How sure it is that it bears on the prediction, 0 to 1.")
    notes: str | None = said("What there is to say about it.")
    research_origin: str | None = said("How it was found.")
    basis: str | None = said("Where its figures come from.")


@strawberry.input(description="A ticker as it is to be. What is left out stays as it is; null removes.")
class TickerInput:
    """A ticker as it is to be."""

    symbol: strawberry.ID = needed("Its symbol, capitals, digits, dots and dashes, which is its key; or its global id.")
    name: str | None = said("The company's or fund's name.")
    exchange: str | None = said("Where it is traded.")
    sector: str | None = said("What it does.")


@strawberry.input(description="A document as it is to be. What is left out stays as it is; null removes.")
class DocumentInput:
    """A document as it is to be."""

    id: strawberry.ID = needed("The key that it has or is to have, or its global id.")
    title: str | None = said("What it is called, in a line; a new one needs it.")
    url: Url | None = said("Where it stands.")
    published_at: Moment | None = said("When it came out.")
    kind: str | None = said("What kind of document it is.")


@strawberry.input(description="An episode as it is to be. What is left out stays as it is; null removes.")
class EpisodeInput:
    """An episode as it is to be."""

    id: strawberry.ID = needed("The key that it has or is to have, or its global id.")
    title: str | None = said("What it is called, in a line; a new one needs it.")
    number: int | None = said("Its number.")
    url: Url | None = said("Where it can be heard or read.")
    published_at: Moment | None = said("When it came out.")


@strawberry.input(description="A domain as it is to be. What is left out stays as it is; null removes.")
class DomainInput:
    """A domain as it is to be."""

    id: strawberry.ID = needed("The key that it has or is to have, or its global id.")
    name: str | None = said("What it is called.")


@strawberry.input(
    description="An influence as it is to be; its kind and its two ends say which. What is left out stays as it is; "
    "null removes."
)
class InfluenceInput:
    """An influence as it is to be."""

    kind: InfluenceKind = needed("How the parent bears on the child.")
    parent: strawberry.ID = needed("The id or key of the claim that bears on the other.")
    child: strawberry.ID = needed("The id or key of the claim that it bears on.")
    p_if_true: Probability | None = said("P(child | parent true), with pIfFalse.")
    p_if_false: Probability | None = said("P(child | parent false), with pIfTrue.")
    lag_days: int | None = said("How many days after the parent the child follows.")
    basis: str | None = said("Where the figures come from.")


@strawberry.input(
    description="An exposure as it is to be; its sign and its two ends say which. What is left out stays as it is; "
    "null removes."
)
class ExposureInput:
    """An exposure as it is to be."""

    sign: ExposureSign = needed("Whether the prediction benefits or harms the ticker.")
    prediction: strawberry.ID = needed("The id or key of the prediction.")
    ticker: strawberry.ID = needed("The id or symbol of the ticker.")
    relevance: float | None = said("How much the prediction matters to the ticker, 0 to 1.")
    impact: float | None = said("The price's fractional change if the prediction comes true.")
    basis: str | None = said("Why.")
    source: str | None = said("Who says so.")
    lag_days: int | None = said("How many days after the prediction the effect shows.")


@strawberry.input(description="A look at how a prediction is doing.")
class ValidationInput:
    """A look at how a prediction is doing."""

    prediction: strawberry.ID = needed("The id or key of the prediction looked at.")
    observed_at: Day = needed("The day of the look.")
    status: str = needed("What it found, in the words of whoever looked.")
    by: str | None = said("Who looked.")
    notes: str | None = said("What there was to see.")


@strawberry.input(description="That a document is about a claim.")
class DocumentLinkInput:
    """That a document is about a claim."""

    document: strawberry.ID = needed("The id or key of the document.")
    claim: strawberry.ID = needed("The id or key of the claim.")


@strawberry.input(description="Which influence.")
class InfluenceEndsInput:
    """Which influence."""

    kind: InfluenceKind = needed("How the parent bears on the child.")
    parent: strawberry.ID = needed("The id or key of the claim that bears on the other.")
    child: strawberry.ID = needed("The id or key of the claim that it bears on.")


@strawberry.input(description="Which exposure.")
class ExposureEndsInput:
    """Which exposure."""

    sign: ExposureSign = needed("Whether the prediction benefits or harms the ticker.")
    prediction: strawberry.ID = needed("The id or key of the prediction.")
    ticker: strawberry.ID = needed("The id or symbol of the ticker.")
