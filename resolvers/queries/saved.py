"""Saved queries: listed, found by name, and run."""

from enum import StrEnum
from typing import Annotated, Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.errors import NotFoundError, RefusedItemsError
from graph.model.page_keys import count_text, moment_or_first
from graph.saved.queries import DEFAULT_SECONDS, MOST_QUERIES, MOST_VERSIONS, SavedQuery
from graph.saved.store import find_query, list_queries, list_versions
from resolvers.base.answers import Shown, question
from resolvers.base.context import Context
from resolvers.base.described import enum_type, field, input_type, object_type
from resolvers.base.drift import drifts
from resolvers.base.enums import QueryOrigin, SortOrder
from resolvers.base.extents import extent, one_row, whole_list
from resolvers.base.fields import shown
from resolvers.base.keyed import KeyedList, KeyedPage, Row
from resolvers.base.parameters import check_parameters
from resolvers.queries.cypher import (
    STATEMENT_REFUSALS,
    TIME_TEXT,
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


@enum_type
class SavedQuerySortKey(StrEnum):
    """Orders of saved queries: by name, or by when they were saved, those that come with the project first."""

    NAME = "NAME"
    SAVED = "SAVED"


@enum_type
class SavedQueryVersionSortKey(StrEnum):
    """Orders of versions of a saved query."""

    VERSION = "VERSION"


@input_type
class SavedQueryFilterInput:
    """Conditions on saved queries; all that are given must hold."""

    origin: QueryOrigin | None = strawberry.field(
        default=None, description="Whether it was saved here or comes with the project."
    )


@input_type
class SavedQueryVersionFilterInput:
    """Conditions on versions of a saved query; all that are given must hold."""

    origin: QueryOrigin | None = strawberry.field(
        default=None, description="Whether it was saved here or comes with the project."
    )
    is_deleted: bool | None = strawberry.field(default=None, description="Whether it marks that the query was deleted.")


_QUERIES: Final = KeyedList(
    SavedQueryType, "queries", SavedQueryFilterInput, (SavedQuerySortKey.NAME, SortOrder.ASCENDING)
)
_VERSIONS: Final = KeyedList(
    SavedQueryType,
    "versions",
    SavedQueryVersionFilterInput,
    (SavedQueryVersionSortKey.VERSION, SortOrder.DESCENDING),
)


def _sort_texts(query: SavedQuery) -> dict[StrEnum, str]:
    return {SavedQuerySortKey.NAME: query.name, SavedQuerySortKey.SAVED: moment_or_first(query.saved_at)}


@object_type
class SavedQueryQueries:
    """Saved queries."""

    @_QUERIES.field(extent(whole_list(MOST_QUERIES)))
    async def saved_queries(
        self,
        info: Info[Context, Any],
        page: KeyedPage,
        wanted: SavedQueryFilterInput | None,
    ) -> Any:
        """The latest version of each saved query, those that come with the project included."""
        rows: list[Row] = [
            (page.key_of(_sort_texts(query)), shown_query(query))
            for query in await list_queries(info.context.unit)
            if wanted is None or wanted.origin in {None, query.origin}
        ]
        return page.connection(page.cut(rows), len(rows))

    @field(metadata=extent(one_row))
    async def saved_query(
        self, info: Info[Context, Any], name: QueryName, version: Version = None
    ) -> SavedQueryType | None:
        """The saved query with this name. An unknown name or version returns null, and so does a deleted query."""
        found = await find_query(info.context.unit, name, version)
        return shown(None if found is None else shown_query(found))

    @_VERSIONS.field(extent(whole_list(MOST_VERSIONS)))
    async def saved_query_versions(
        self,
        info: Info[Context, Any],
        page: KeyedPage,
        wanted: SavedQueryVersionFilterInput | None,
        name: QueryName,
    ) -> Any:
        """The versions of a saved query, with those that mark a deletion."""
        rows: list[Row] = [
            (count_text(query.version), shown_query(query))
            for query in await list_versions(info.context.unit, name)
            if wanted is None
            or (wanted.origin in {None, query.origin} and wanted.is_deleted in {None, query.is_deleted})
        ]
        return page.connection(page.cut(rows), len(rows))

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
            strawberry.argument(description=f"{TIME_TEXT}; by default {DEFAULT_SECONDS * 1000:.0f}."),
        ] = None,
    ) -> Shown:
        """
        Rows of a saved query, as `cypher` answers them. The statement is judged again before it runs, and the values of
        its parameters are checked and converted.
        """
        service, given = info.context.service, check_parameters(parameters)
        wanted, saved = read_wanted(service, max_rows, timeout_ms), service.saved
        caller = info.context.caller.place
        async with saved.run(name, given, caller=caller, wanted=wanted, version=version) as answer:
            return await read_answer(answer)
