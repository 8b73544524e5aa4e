"""Domains: what field a claim is in."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.model.relations import DOMAIN_PREDICTIONS
from resolvers.base.fields import many, prop
from resolvers.base.relay import Connection, Node

if TYPE_CHECKING:
    from resolvers.types.predictions import Prediction


@strawberry.type(description="What field a claim is in.")
class Domain(Node):
    """What field a claim is in."""

    name: str | None = prop("The name as it is shown, where it differs from the key.")
    predictions: Connection[Annotated["Prediction", strawberry.lazy("resolvers.types.predictions")]] = many(
        DOMAIN_PREDICTIONS, "The predictions of the domain, the nearest deadline first."
    )
