"""Saved queries: listed, found by name, and run."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.errors import InvalidError, NotFoundError, RefusedItemsError
from graph.reading.tree import connection, cursor_text, page_key
from graph.saved.queries import DEFAULT_SECONDS, SavedQuery
from graph.saved.store import find_query, list_queries, list_versions
from resolvers.base.answers import Shown, question
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.drift import drifts
from resolvers.base.extents import Arguments, Extent, extent
from resolvers.base.fields import shown
from resolvers.base.parameters import check_parameters
from resolvers.base.relay import DEFAULT_PAGE_SIZE, After, Connection, First, decode_cursor, page_size
from resolvers.queries.cypher import (
    MOST_MILLISECONDS,
    STATEMENT_REFUSALS,
    MaxRows,
    read_answer,
    read_wanted,
    rows_extent,
)
from resolvers.types.cypher import CypherResult
from resolvers.types.saved import SavedQuery as SavedQueryType
from resolvers.types.saved import shown_query

QueryName = Annotated[str, strawberry.argument(description="The query's name, such as `overdue-check-ins`.")]
Version = Annotated[int | None, strawberry.argument(description="One of the query's versions; the latest if omitted.")]


_NEWEST: Final = 2**31
"""Above all versions, so that the difference sorts newest first."""


def _one_extent(_arguments: Arguments) -> Extent:
    return Extent(rows=1)


@object_type
class SavedQueryQueries:
    """Saved queries."""

    @field
    async def saved_queries(
        self, info: Info[Context, Any], first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[SavedQueryType]:
        """The latest version of each saved query by name, those that come with the project included."""
        queries = await list_queries(info.context.unit)
        return _page([(query.name, query) for query in queries], "saved_queries", first, after)

    @field(metadata=extent(_one_extent))
    async def saved_query(
        self, info: Info[Context, Any], name: QueryName, version: Version = None
    ) -> SavedQueryType | None:
        """The saved query with this name. An unknown name or version returns null, and so does a deleted query."""
        found = await find_query(info.context.unit, name, version)
        return shown(None if found is None else shown_query(found))

    @field
    async def saved_query_versions(
        self, info: Info[Context, Any], name: QueryName, first: First = DEFAULT_PAGE_SIZE, after: After = None
    ) -> Connection[SavedQueryType]:
        """The versions of a saved query, newest first, with those that mark a deletion."""
        versions = await list_versions(info.context.unit, name)
        return _page(
            [(f"{_NEWEST - query.version:010d}", query) for query in versions], "saved_query_versions", first, after
        )

    @question(
        CypherResult,
        refused_by=(NotFoundError, RefusedItemsError, *STATEMENT_REFUSALS),
        answer="The rows, or the reason for the refusal.",
        metadata={**extent(rows_extent), **drifts()},
    )
    async def run_saved_query(
        self,
        info: Info[Context, Any],
        name: QueryName,
        *,
        parameters: Annotated[
            JSON | None,
            strawberry.argument(
                description="Values of its parameters by name; days and moments as texts. Null stands for the default."
            ),
        ] = None,
        version: Version = None,
        max_rows: MaxRows = None,
        timeout_ms: Annotated[
            int | None,
            strawberry.argument(
                description=f"Time of the statement in milliseconds, 1 to {MOST_MILLISECONDS}; by default "
                f"{DEFAULT_SECONDS * 1000:.0f}."
            ),
        ] = None,
    ) -> Shown:
        """
        Rows of a saved query, as `cypher` answers them. The statement is judged again before it runs, and the values of
        its parameters are checked and converted.
        """
        saved, given = info.context.service.saved, check_parameters(parameters)
        wanted = read_wanted(saved.get_adhoc(), max_rows, timeout_ms)
        caller = info.context.caller
        async with saved.run(name, given, caller=caller, wanted=wanted, version=version) as answer:
            return await read_answer(answer)


def _page(queries: Sequence[tuple[str, SavedQuery]], order: str, first: int, after: str | None) -> Any:
    """A page of queries, which are in the order of their keys."""
    size = page_size(first)
    key = "" if after is None else page_key(order, decode_cursor(after, path="after"))
    if after is not None and not key:
        raise InvalidError("expected a cursor that this API returned, got an empty one", path="after")
    ahead = [(cursor_text(order, name), shown_query(query)) for name, query in queries if name > key]
    page = connection(ahead[: size + 1], size, has_previous=len(ahead) < len(queries))
    return shown({**page, "total_count": len(queries)})
