"""Episodes: where predictions were said."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model.relations import EPISODE_PREDICTIONS
from resolvers.base.fields import many, prop
from resolvers.base.relay import Connection, Node
from resolvers.base.scalars import Moment, Url

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@strawberry.type(description="Where predictions were said.")
class Episode(Node):
    """Where predictions were said."""

    title: str = prop("The episode's title.")
    number: int | None = prop("The episode's number, where it has one.")
    url: Url | None = prop("Where to hear it.")
    published_at: Moment | None = prop("When it came out.")
    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = many(
        EPISODE_PREDICTIONS, "The predictions said there, the nearest deadline first."
    )
