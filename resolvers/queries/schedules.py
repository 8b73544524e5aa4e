"""Queries of schedules and deliveries."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.saved.schedules import DeliveryStatus as Status
from graph.saved.schedules import list_deliveries, list_schedules
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.enums import DeliveryStatus
from resolvers.base.extents import Arguments, Extent, extent
from resolvers.base.fields import shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size
from resolvers.base.scalars import Moment, bound_argument
from resolvers.types.schedules import QueryDelivery, QuerySchedule, shown_delivery, shown_schedule


def _schedules_extent(_arguments: Arguments) -> Extent:
    return Extent(items=100, rows=100)


@object_type
class ScheduleQueries:
    """Schedules of saved queries, and deliveries of their rows."""

    @field(metadata=extent(_schedules_extent))
    async def query_schedules(self, info: Info[Context, Any]) -> list[QuerySchedule]:
        """All schedules of saved queries by name, of which there are at most 100."""
        return shown([shown_schedule(found) for found in await list_schedules(info.context.unit)])

    @field
    async def query_deliveries(
        self,
        info: Info[Context, Any],
        status: Annotated[
            DeliveryStatus,
            strawberry.argument(description="Only deliveries that stand so; DEAD ones wait for `retryDelivery`."),
        ] = Status.DEAD,
        first: First = DEFAULT_PAGE_SIZE,
        before: Annotated[
            Moment | None, strawberry.argument(description="Only those that were due before this moment.", name="dueTo")
        ] = None,
    ) -> list[QueryDelivery]:
        """Deliveries of scheduled queries, the latest first. Those that were taken are kept for 30 days."""
        limit = page_size(first)
        found = await list_deliveries(info.context.unit, Status(status), limit, bound_argument(before))
        return shown([shown_delivery(delivery) for delivery in found])
