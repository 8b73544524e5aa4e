"""What writing a subject brought."""

import strawberry

from resolvers.base.enums import ExposureSign, InfluenceKind, Subject
from resolvers.base.fields import prop
from resolvers.base.scalars import Probability
from resolvers.mutations.answers import Written
from resolvers.types.beliefs import Posterior
from resolvers.types.claims import Claim, Killer, Scenario
from resolvers.types.documents import Document
from resolvers.types.domains import Domain
from resolvers.types.episodes import Episode
from resolvers.types.milestones import Milestone
from resolvers.types.predictions import Prediction
from resolvers.types.predictors import Predictor
from resolvers.types.reference_classes import ReferenceClass
from resolvers.types.tickers import Ticker
from resolvers.types.validations import Validation

AFTER = "As it is after the write; in a dry run as it is still, null where it is not there yet."


@strawberry.interface(description="What an upsert did, or in a dry run would have done.")
class Upserted(Written):
    """What an upsert did."""

    created: bool = prop("Whether it is new.")
    changed: bool = prop("Whether anything was written; false where everything was so already.")


@strawberry.interface(description="What an upsert did to a claim.")
class ClaimUpserted(Upserted):
    """What an upsert did to a claim."""

    before: Posterior | None = prop("The belief before, as of the write; null without a probability.")
    after: Posterior | None = prop("The belief after, as of the same moment.")


@strawberry.type(description="A prediction that was written.")
class PredictionUpserted(ClaimUpserted):
    """A prediction that was written."""

    prediction: Prediction | None = prop(AFTER)


@strawberry.type(description="A scenario that was written.")
class ScenarioUpserted(ClaimUpserted):
    """A scenario that was written."""

    scenario: Scenario | None = prop(AFTER)


@strawberry.type(description="A killer that was written.")
class KillerUpserted(ClaimUpserted):
    """A killer that was written."""

    killer: Killer | None = prop(AFTER)


@strawberry.type(description="A predictor that was written.")
class PredictorUpserted(Upserted):
    """A predictor that was written."""

    predictor: Predictor | None = prop(AFTER)


@strawberry.type(description="A reference class that was written.")
class ReferenceClassUpserted(Upserted):
    """A reference class that was written."""

    reference_class: ReferenceClass | None = prop(AFTER)


@strawberry.type(description="A milestone that was written.")
class MilestoneUpserted(Upserted):
    """A milestone that was written."""

    milestone: Milestone | None = prop(AFTER)


@strawberry.type(description="A ticker that was written.")
class TickerUpserted(Upserted):
    """A ticker that was written."""

    ticker: Ticker | None = prop(AFTER)


@strawberry.type(description="A document that was written.")
class DocumentUpserted(Upserted):
    """A document that was written."""

    document: Document | None = prop(AFTER)


@strawberry.type(description="An episode that was written.")
class EpisodeUpserted(Upserted):
    """An episode that was written."""

    episode: Episode | None = prop(AFTER)


@strawberry.type(description="A domain that was written.")
class DomainUpserted(Upserted):
    """A domain that was written."""

    domain: Domain | None = prop(AFTER)


@strawberry.type(description="An influence that was written, as it is now.")
class InfluenceUpserted(Upserted):
    """An influence that was written."""

    kind: InfluenceKind = prop("How the parent bears on the child.")
    p_if_true: Probability | None = prop("P(child | parent true).")
    p_if_false: Probability | None = prop("P(child | parent false).")
    lag_days: int | None = prop("How many days after the parent the child follows, where known.")
    basis: str | None = prop("Where the figures come from.")
    parent: Claim | None = prop("The claim that bears on the other; null if it has been deleted since.")
    child: Claim | None = prop("The claim that it bears on; null if it has been deleted since.")


@strawberry.type(description="An exposure that was written, as it is now.")
class ExposureUpserted(Upserted):
    """An exposure that was written."""

    sign: ExposureSign = prop("Whether the prediction benefits or harms the ticker.")
    relevance: float | None = prop("How much the prediction matters to the ticker, 0 to 1.")
    impact: float | None = prop("The price's fractional change if the prediction comes true, where known.")
    basis: str | None = prop("Why.")
    source: str | None = prop("Who says so.")
    lag_days: int | None = prop("How many days after the prediction the effect shows, where known.")
    prediction: Prediction | None = prop("The prediction; null if it has been deleted since.")
    ticker: Ticker | None = prop("The ticker; null if it has been deleted since.")


@strawberry.type(description="A validation that was added.")
class ValidationAdded(Written):
    """A validation that was added."""

    validation: Validation | None = prop("The validation; null in a dry run.")


@strawberry.type(description="A document that is about a claim now.")
class DocumentLinked(Written):
    """A document that is about a claim now."""

    created: bool = prop("Whether the link is new.")
    document: Document | None = prop("The document; null if it has been deleted since.")
    claim: Claim | None = prop("The claim; null if it has been deleted since.")


@strawberry.type(description="A document that is about a claim no longer.")
class DocumentUnlinked(Written):
    """A document that is about a claim no longer."""

    document: Document | None = prop("The document; null if it has been deleted since.")
    claim: Claim | None = prop("The claim; null if it has been deleted since.")


@strawberry.type(description="An influence that is no more.")
class InfluenceRemoved(Written):
    """An influence that is no more."""

    kind: InfluenceKind = prop("How the parent bore on the child.")
    parent: Claim | None = prop("The claim that bore on the other; null if it has been deleted since.")
    child: Claim | None = prop("The claim that it bore on; null if it has been deleted since.")


@strawberry.type(description="An exposure that is no more.")
class ExposureRemoved(Written):
    """An exposure that is no more."""

    sign: ExposureSign = prop("Whether the prediction benefited or harmed the ticker.")
    prediction: Prediction | None = prop("The prediction; null if it has been deleted since.")
    ticker: Ticker | None = prop("The ticker; null if it has been deleted since.")


@strawberry.type(description="A subject that is no more, and what went with it.")
class SubjectDeleted(Written):
    """A subject that is no more."""

    subject: Subject = prop("What kind of node it was.")
    id: strawberry.ID = prop("Its global id.")
    key: str = prop("Its key.")
    influences: int = prop("How many influences went with it.")
    exposures: int = prop("How many exposures went with it.")
    document_links: int = prop("From how many documents it was unlinked.")
    milestones: int = prop("How many milestones went with it.")
