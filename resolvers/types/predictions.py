"""Predictions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.model import rows
from graph.model.kinds import MilestoneKind
from graph.model.relations import EPISODE, EXPOSURES, MILESTONES, PREDICTOR, REFERENCE_CLASS, VALIDATIONS
from resolvers.base.fields import Signs, one, signs_argument
from resolvers.base.relay import Connection
from resolvers.base.row_types import row_type
from resolvers.base.selection import Follows
from resolvers.types.claims import Claim
from resolvers.types.lists import nested, nested_links

if TYPE_CHECKING:
    from resolvers.types.episodes import Episode
    from resolvers.types.milestones import Milestone
    from resolvers.types.predictors import Predictor
    from resolvers.types.reference_classes import ReferenceClass
    from resolvers.types.tickers import PredictionExposure
    from resolvers.types.validations import Validation


def _hides_event(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"hides_event": not arguments.get("include_event")}


def _hide_event(values: dict[str, Any], arguments: Mapping[str, Any]) -> None:
    if not arguments.get("include_event"):
        values.setdefault("kind", [kind.value for kind in MilestoneKind if kind is not MilestoneKind.EVENT])


_IncludeEvent = Annotated[
    bool | None,
    strawberry.argument(
        description="Whether to include the predicted event itself; no if omitted, unless a filter asks for its kind."
    ),
]


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
    validations: Connection[Annotated["Validation", strawberry.lazy("resolvers.types.validations")]] = nested(
        Follows(VALIDATIONS),
        "Assessments of how it is doing, newest first.",
        Connection[Annotated["Validation", strawberry.lazy("resolvers.types.validations")]],
        listed="validations",
        condition="prediction",
        sort="observed",
        is_descending=True,
    )
    exposures: Connection[Annotated["PredictionExposure", strawberry.lazy("resolvers.types.tickers")]] = nested_links(
        Follows(EXPOSURES, signs_argument, wrap="ticker"),
        "Its effects on tickers, most relevant first.",
        Connection[Annotated["PredictionExposure", strawberry.lazy("resolvers.types.tickers")]],
        listed="tickers",
        order="by relevance, the highest first,",
        more={"signs": Signs},
    )

    milestones: Connection[Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")]] = nested(
        Follows(MILESTONES, _hides_event),
        "Its milestones, by ordinal.",
        Connection[Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")]],
        listed="milestones",
        condition="prediction",
        sort="chain",
        more={"include_event": _IncludeEvent},
        narrow=_hide_event,
    )
