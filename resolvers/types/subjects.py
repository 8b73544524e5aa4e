"""The GraphQL types of nodes, by label."""

from collections.abc import Mapping
from typing import Final

from resolvers.types.claims import Killer, Scenario
from resolvers.types.documents import Document
from resolvers.types.domains import Domain
from resolvers.types.episodes import Episode
from resolvers.types.evidence import Evidence
from resolvers.types.milestones import Milestone
from resolvers.types.predictions import Prediction
from resolvers.types.predictors import Predictor
from resolvers.types.reference_classes import ReferenceClass
from resolvers.types.tickers import Ticker
from resolvers.types.validations import Validation

SUBJECT_TYPES: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        Prediction,
        Scenario,
        Killer,
        Predictor,
        ReferenceClass,
        Milestone,
        Evidence,
        Validation,
        Ticker,
        Document,
        Episode,
        Domain,
    )
}
