"""The query of the feed of changes, for those who poll."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.feed.events import EventId, read_page
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.fields import shown
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size
from resolvers.types.changes import ChangePage, shown_page

Since = Annotated[
    str | None,
    strawberry.argument(
        description="Id of the last event that is known; what came after it follows. The error EVENT_GONE says that "
        "later events are not kept any more."
    ),
]


@object_type
class ChangeQueries:
    """The feed of changes."""

    @field
    async def changes(
        self, info: Info[Context, Any], since: Since = None, first: First = DEFAULT_PAGE_SIZE
    ) -> ChangePage:
        """
        Changes by all writes, in the order in which they were committed: from the earliest event that is kept, or
        after an event. Each is told at least once, by an id.
        """
        after = None if since is None else EventId.parse(since)
        return shown(shown_page(await read_page(info.context.unit, after, page_size(first))))
