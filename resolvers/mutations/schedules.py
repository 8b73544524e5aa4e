"""Mutations of schedules, and of deliveries that have failed."""

import json
from dataclasses import replace
from typing import Annotated, Any, Final, Unpack

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.database.revisions import EventKind
from graph.errors import InvalidError, NotFoundError, RefusedItemsError
from graph.feed.events import EventId
from graph.model.subjects import CLAIM_SUBJECTS
from graph.saved.hooks import ChangeHook, delete_hook, set_hook
from graph.saved.queries import A_NAME
from graph.saved.schedules import (
    LEAST_MINUTES,
    MOST_MINUTES,
    Schedule,
    delete_schedule,
    retry_delivery,
    set_schedule,
)
from graph.saved.schedules import DeliveryFormat as Format
from graph.saved.sealing import Seals
from graph.saved.webhooks import check_webhook
from resolvers.base.context import Context, Service
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import ChangeKind, DeliveryFormat
from resolvers.base.fields import prop
from resolvers.base.parameters import check_parameters
from resolvers.base.relay import parse_key
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.schedules import ChangeWebhook, QuerySchedule, shown_hook, shown_payload

NAMES: Final = {"every_minutes": "intervalMinutes", "daily_at_hour": "utcHour"}
"""Names of inputs that are other words than the property's."""


@input_type
class ScheduleQueryInput:
    """A schedule of a saved query."""

    name: str = strawberry.field(description=f"The schedule's own name: {A_NAME}.")
    query: str = strawberry.field(description="The saved query's name; its latest version runs each time.")
    url: str = strawberry.field(description="The address to send rows to: https, of a host that the operator allows.")
    interval_minutes: int | None = strawberry.field(
        default=None, description=f"The interval in minutes, {LEAST_MINUTES} to {MOST_MINUTES}; or else `utcHour`."
    )
    utc_hour: int | None = strawberry.field(
        default=None, description="The hour of the day in UTC, 0 to 23; or else `intervalMinutes`."
    )
    parameters: JSON | None = strawberry.field(default=None, description="Values of the query's parameters by name.")
    format: DeliveryFormat = strawberry.field(default=Format.JSON, description="Format in which the rows are sent.")
    is_paused: bool = strawberry.field(default=False, description="Whether it is not due until it is set again.")


@input_type
class UnscheduleQueryInput:
    """A schedule to be deleted."""

    name: str = strawberry.field(description="The schedule's name.")


@input_type
class FollowChangesInput:
    """A webhook of changes."""

    name: str = strawberry.field(description=f"The webhook's own name: {A_NAME}.")
    url: str = strawberry.field(description="The address to send events to: https, of a host that the operator allows.")
    kinds: list[ChangeKind] | None = strawberry.field(default=None, description="Kinds of events; all if omitted.")
    claims: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Ids or keys of claims of which an event has to name one; all events if omitted."
    )


@input_type
class UnfollowChangesInput:
    """A webhook of changes to be deleted."""

    name: str = strawberry.field(description="The webhook's name.")


@input_type
class RetryDeliveryInput:
    """A delivery to be tried anew."""

    id: strawberry.ID = strawberry.field(description="The key of a DEAD delivery.")


@object_type
class QueryScheduled(Written):
    """Result of setting a schedule; in a dry run, the result that it would have."""

    schedule: QuerySchedule = prop("The schedule after the write.")
    created: bool = prop("Whether there was no schedule of this name.")


@object_type
class QueryUnscheduled(Written):
    """Result of deleting a schedule, with what waited to be delivered for it."""

    name: str = prop("The deleted schedule's name.")


@object_type
class ChangesFollowed(Written):
    """Result of setting a webhook of changes; in a dry run, the result that it would have."""

    webhook: ChangeWebhook = prop("The webhook after the write.")
    is_new: bool = prop("Whether there was none of this name.")


@object_type
class ChangesUnfollowed(Written):
    """Result of deleting a webhook of changes, with what waited to be delivered to it."""

    name: str = prop("The deleted webhook's name.")


@object_type
class DeliveryRetried(Written):
    """Result of having a delivery tried anew."""

    id: strawberry.ID = prop("The key of the delivery.")


def _check_receiver(service: Service, url: str) -> Seals:
    """
    Check an address; returns what seals it.

    Raises:
        InvalidError: Nothing may be sent to it.
    """
    check_webhook(url, service.webhooks.hosts)
    if service.webhooks.seals is None:
        raise InvalidError("the operator has set no secret for webhooks", path="url")
    return service.webhooks.seals


@object_type
class ScheduleMutations:
    """Mutations of schedules, and of deliveries that have failed."""

    @write(
        QueryScheduled,
        refused_by=(NotFoundError, RefusedItemsError),
        answer="The schedule after the write, or the reason for the refusal.",
        names=NAMES,
    )
    async def schedule_query(
        self,
        info: Info[Context, Any],
        input: Annotated[ScheduleQueryInput, strawberry.argument(description="The schedule, as a whole.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Send the rows of a saved query to a webhook on a schedule, signed; a schedule of the same name is replaced.
        Nothing is sent to hosts that the operator does not allow, and none are by default.
        """
        seals = _check_receiver(info.context.service, input.url)
        parameters = check_parameters(input.parameters)
        schedule = Schedule(
            input.name,
            input.query,
            parameters,
            seals.close(input.url),
            Format(input.format),
            input.interval_minutes,
            input.utc_hour,
        )
        answered = await set_schedule(info.context.database, schedule, is_paused=input.is_paused, **options)
        payload = answered.payload
        found = payload["schedule"]
        shown = shown_payload(found, json.loads(found["parameters"]), input.url)
        return answered, {"schedule": shown, "created": payload["created"]}

    @write(QueryUnscheduled, refused_by=(NotFoundError,), answer="The schedule's name, or the reason for the refusal.")
    async def unschedule_query(
        self,
        info: Info[Context, Any],
        input: Annotated[UnscheduleQueryInput, strawberry.argument(description="The schedule's name.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Delete a schedule, and what waits to be delivered for it."""
        answered = await delete_schedule(info.context.database, input.name, **options)
        return answered, {"name": answered.payload["name"]}

    @write(ChangesFollowed, answer="The webhook after the write, or the reason for the refusal.")
    async def follow_changes(
        self,
        info: Info[Context, Any],
        input: Annotated[FollowChangesInput, strawberry.argument(description="The webhook, as a whole.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Send events of the feed to a webhook, signed, from the next one on; a webhook of the same name is replaced, and
        goes on where it stands. Nothing is sent to hosts that the operator does not allow, and none are by default.
        """
        seals = _check_receiver(info.context.service, input.url)
        keys = [
            parse_key(key, *CLAIM_SUBJECTS, path=f"claims[{index}]") for index, key in enumerate(input.claims or ())
        ]
        kinds = tuple(map(EventKind, input.kinds or ()))
        hook = ChangeHook(input.name, seals.close(input.url), kinds, tuple(keys))
        answered = await set_hook(info.context.database, hook, **options)
        shown = shown_hook(replace(hook, since=EventId.parse(answered.payload["since"])), seals)
        return answered, {"webhook": shown, "is_new": answered.payload["created"]}

    @write(ChangesUnfollowed, refused_by=(NotFoundError,), answer="The webhook's name, or the reason for the refusal.")
    async def unfollow_changes(
        self,
        info: Info[Context, Any],
        input: Annotated[UnfollowChangesInput, strawberry.argument(description="The webhook's name.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Delete a webhook of changes, and what waits to be delivered to it."""
        answered = await delete_hook(info.context.database, input.name, **options)
        return answered, {"name": answered.payload["name"]}

    @write(DeliveryRetried, refused_by=(NotFoundError,), answer="The delivery's key, or the reason for the refusal.")
    async def retry_delivery(
        self,
        info: Info[Context, Any],
        input: Annotated[RetryDeliveryInput, strawberry.argument(description="The delivery.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """Have a DEAD delivery tried anew, with all attempts: it runs the query again, or sends the same changes."""
        answered = await retry_delivery(info.context.database, str(input.id), **options)
        return answered, {"id": answered.payload["id"]}
