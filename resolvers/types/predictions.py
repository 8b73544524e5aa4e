"""Predictions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.types import Info

from graph.model import rows
from graph.model.relations import EPISODE, EXPOSURES, MILESTONES, PREDICTOR, REFERENCE_CLASS, VALIDATIONS
from resolvers.base.described import field
from resolvers.base.fields import many, one, page_of_signs, signs_argument
from resolvers.base.relay import DEFAULT_PAGE_SIZE, After, Connection, First
from resolvers.base.row_types import row_type
from resolvers.base.selection import Follows, answer
from resolvers.types.claims import Claim

if TYPE_CHECKING:
    from resolvers.types.episodes import Episode
    from resolvers.types.milestones import Milestone
    from resolvers.types.predictors import Predictor
    from resolvers.types.reference_classes import ReferenceClass
    from resolvers.types.tickers import PredictionExposure
    from resolvers.types.validations import Validation


def _hides_event(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"hides_event": not arguments.get("include_event", False)}


@row_type(rows.Prediction)
class Prediction(Claim):
    predictor: Annotated["Predictor", strawberry.lazy("resolvers.types.predictors")] | None = one(
        PREDICTOR, "The predictor who made it."
    )
    episode: Annotated["Episode", strawberry.lazy("resolvers.types.episodes")] | None = one(
        EPISODE, "The episode in which it was made."
    )
    reference_class: Annotated["ReferenceClass", strawberry.lazy("resolvers.types.reference_classes")] | None = one(
        REFERENCE_CLASS, "The class of comparable cases."
    )
    validations: Connection[Annotated["Validation", strawberry.lazy("resolvers.types.validations")]] = many(
        VALIDATIONS, "Assessments of how it is doing, newest first."
    )
    exposures: Connection[Annotated["PredictionExposure", strawberry.lazy("resolvers.types.tickers")]] = many(
        Follows(EXPOSURES, signs_argument, wrap="ticker"),
        "Its effects on tickers, most relevant first.",
        page_of_signs,
    )

    @field(metadata={"follows": Follows(MILESTONES, _hides_event)})
    def milestones(
        self: Any,
        info: Info[Any, Any],
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        *,
        include_event: Annotated[
            bool, strawberry.argument(description="Whether to include the predicted event itself.")
        ] = False,
    ) -> Connection[Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")]]:
        """Its milestones, by ordinal."""
        return answer(self, info)
