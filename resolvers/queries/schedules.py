"""Queries of schedules, webhooks of changes and deliveries: lists with the pattern of all others."""

from enum import StrEnum
from typing import Any, Final

import strawberry
from strawberry.types import Info

from graph.model.page_keys import deadline_text, join, moment_text
from graph.saved.hooks import list_hooks
from graph.saved.schedules import (
    Deliveries,
    count_deliveries,
    list_deliveries,
    list_schedules,
    place_of,
)
from resolvers.base.context import Context
from resolvers.base.described import enum_type, input_type, object_type
from resolvers.base.enums import ChangeKind, DeliveryStatus, SortOrder
from resolvers.base.extents import extent, whole_list
from resolvers.base.extents import page as page_extent
from resolvers.base.keyed import KeyedList, KeyedPage, Row, read_values
from resolvers.base.scalars import Moment
from resolvers.base.selection import wants_total
from resolvers.types.schedules import (
    ChangeWebhook,
    QueryDelivery,
    QuerySchedule,
    shown_delivery,
    shown_hook,
    shown_schedule,
)

_FEW: Final = 100
"""Schedules, or webhooks of changes, that there are at most, all of which are read for a page."""


@enum_type
class QueryScheduleSortKey(StrEnum):
    """Orders of schedules: by name, or by when they are due next, paused ones last."""

    NAME = "NAME"
    NEXT = "NEXT"


@enum_type
class ChangeWebhookSortKey(StrEnum):
    """Orders of webhooks of changes."""

    NAME = "NAME"


@enum_type
class QueryDeliverySortKey(StrEnum):
    """Orders of deliveries: by the moment when they were due."""

    DUE = "DUE"


@input_type
class QueryScheduleFilterInput:
    """Conditions on schedules; all that are given must hold."""

    query: list[str] | None = strawberry.field(default=None, description="Of any of these queries, by name.")
    is_paused: bool | None = strawberry.field(default=None, description="Whether it is paused.")


@input_type
class ChangeWebhookFilterInput:
    """Conditions on webhooks of changes; all that are given must hold."""

    kind: list[ChangeKind] | None = strawberry.field(
        default=None, description="Sent events of any of these kinds, as one that names no kinds is of all."
    )


@input_type
class QueryDeliveryFilterInput:
    """Conditions on deliveries; all that are given must hold."""

    status: list[DeliveryStatus] | None = strawberry.field(
        default=None, description="Any of these statuses; DEAD ones wait for `retryDelivery`."
    )
    schedule: list[str] | None = strawberry.field(
        default=None, description="Of any of these schedules or webhooks of changes, by name."
    )
    query: list[str] | None = strawberry.field(
        default=None, description="Of any of these queries, by name; `changes` for changes."
    )
    due_from: Moment | None = strawberry.field(default=None, description="Due at this moment or later.")
    due_to: Moment | None = strawberry.field(default=None, description="Due at this moment or earlier.")


_SCHEDULES: Final = KeyedList(
    QuerySchedule,
    "schedules",
    QueryScheduleFilterInput,
    (QueryScheduleSortKey.NAME, SortOrder.ASCENDING),
)
_WEBHOOKS: Final = KeyedList(
    ChangeWebhook,
    "webhooks",
    ChangeWebhookFilterInput,
    (ChangeWebhookSortKey.NAME, SortOrder.ASCENDING),
)
_DELIVERIES: Final = KeyedList(
    QueryDelivery,
    "deliveries",
    QueryDeliveryFilterInput,
    (QueryDeliverySortKey.DUE, SortOrder.DESCENDING),
    is_whole=False,
)


@object_type
class ScheduleQueries:
    """Schedules of saved queries, and deliveries of their rows."""

    @_SCHEDULES.field(extent(whole_list(_FEW)))
    async def query_schedules(
        self,
        info: Info[Context, Any],
        page: KeyedPage,
        wanted: QueryScheduleFilterInput | None,
    ) -> Any:
        """Schedules of saved queries, of which there are at most 100."""
        asked = wanted or QueryScheduleFilterInput()
        queries = read_values(asked.query, "filter.query")
        rows: list[Row] = []
        for found in await list_schedules(info.context.unit):
            is_paused = found.next_at is None
            if (queries is None or found.query in queries) and asked.is_paused in {None, is_paused}:
                texts: dict[StrEnum, str] = {
                    QueryScheduleSortKey.NAME: found.name,
                    QueryScheduleSortKey.NEXT: deadline_text(found.next_at),
                }
                rows.append((page.key_of(texts), shown_schedule(found, info.context.service.webhooks.seals)))
        return page.connection(page.cut(rows), len(rows))

    @_WEBHOOKS.field(extent(whole_list(_FEW)))
    async def change_webhooks(
        self,
        info: Info[Context, Any],
        page: KeyedPage,
        wanted: ChangeWebhookFilterInput | None,
    ) -> Any:
        """Webhooks of changes, of which there are at most 100."""
        kinds = read_values(None if wanted is None else wanted.kind, "filter.kind")
        rows: list[Row] = [
            (found.name, shown_hook(found, info.context.service.webhooks.seals))
            for found in await list_hooks(info.context.unit)
            if kinds is None or not found.kinds or not set(kinds).isdisjoint(found.kinds)
        ]
        return page.connection(page.cut(rows), len(rows))

    @_DELIVERIES.field(extent(page_extent))
    async def query_deliveries(
        self,
        info: Info[Context, Any],
        page: KeyedPage,
        wanted: QueryDeliveryFilterInput | None,
    ) -> Any:
        """Deliveries of scheduled queries and changes. Those that were taken are kept for 30 days, dead ones for 90."""
        unit, asked = info.context.unit, _read_deliveries(wanted)
        found = await list_deliveries(unit, asked, page.size + 1, between=page.places, reads_down=page.reads_down)
        total = await count_deliveries(unit, asked) if wants_total(info) else None
        rows = [
            (join(moment_text(at), own_id), shown_delivery(delivery, info.context.service.webhooks.seals))
            for delivery in found
            for at, own_id in [place_of(delivery)]
        ]
        return page.connection(rows, total)


def _read_deliveries(given: QueryDeliveryFilterInput | None) -> Deliveries:
    wanted, every = given or QueryDeliveryFilterInput(), Deliveries()
    return Deliveries(
        tuple(dict.fromkeys(read_values(wanted.status, "filter.status") or every.statuses)),
        read_values(wanted.schedule, "filter.schedule"),
        read_values(wanted.query, "filter.query"),
        wanted.due_from or every.due_from,
        wanted.due_to or every.due_to,
    )
