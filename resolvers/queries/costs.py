"""Queries of prices and limits."""

from dataclasses import asdict
from typing import Annotated, Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.errors import InvalidError, UnavailableError
from resolvers.base.answers import Shown
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.extents import Arguments, Extent, extent
from resolvers.base.fields import shown
from resolvers.base.tariffs import Tariff
from resolvers.types.costs import CostEstimate, ServiceConfig

ESTIMATE_POINTS: Final = 10_000
"""Price of an estimate, in points: a document as large as the limits allow takes some 100 ms to validate."""


def _estimate_extent(_arguments: Arguments) -> Extent:
    return Extent(points=ESTIMATE_POINTS)


@object_type
class CostQueries:
    """Queries of prices and limits."""

    @field(metadata=extent(_estimate_extent))
    async def estimate(
        self,
        info: Info[Context, Any],
        document: Annotated[str, strawberry.argument(description="The document's text; it is not run.")],
        variables: Annotated[
            JSON | None,
            strawberry.argument(description="Values of its variables, as an object; none if omitted."),
        ] = None,
    ) -> CostEstimate:
        """
        The price of a document, and why it would be refused. Neither roles nor what the caller has asked before are
        considered; the price does not depend on the graph.
        """
        given: Any = {} if variables is None else variables
        if not isinstance(given, dict):
            raise InvalidError(f"expected an object, got {type(given).__name__}", path="variables")
        info.context.count_points(ESTIMATE_POINTS)
        found = _tariff_of(info.context).estimate(document, given)
        listed: list[Shown] = [asdict(operation) for operation in found.operations]
        return shown({"document_id": found.document_id, "operations": listed, "faults": list(found.faults)})

    @field
    async def service_config(self, info: Info[Context, Any]) -> ServiceConfig:
        """The service's limits."""
        return shown(asdict(_tariff_of(info.context).limits))


def _tariff_of(context: Context) -> Tariff:
    if context.service.tariff is None:
        raise UnavailableError("no documents are priced here")
    return context.service.tariff
