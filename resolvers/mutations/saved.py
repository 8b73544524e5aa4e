"""Mutations of saved queries."""

from typing import Annotated, Any, Unpack

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.errors import (
    CypherFailedError,
    CypherSyntaxError,
    NotFoundError,
    RefusedCypherError,
    RefusedItemsError,
    StatementTimedOutError,
)
from graph.saved.queries import A_NAME, MOST_DESCRIPTION, MOST_PARAMETERS, Draft, Parameter
from graph.saved.store import delete_query, query_of, save_query
from resolvers.base.context import Context
from resolvers.base.described import input_type, object_type
from resolvers.base.enums import QueryParameterType
from resolvers.base.fields import prop
from resolvers.mutations.answers import WriteOptions, Written, Wrote, write
from resolvers.types.saved import SavedQuery, shown_query

EXPECTED_VERSION = (
    "The version that the latest one must be, 0 for none, so that nothing is written over unseen; any if omitted."
)


@input_type
class QueryParameterInput:
    """A parameter of a query to be saved."""

    name: str = strawberry.field(
        description="Its name in the statement, without `$`: a letter a-z, then up to 63 letters, digits and _."
    )
    type: QueryParameterType = strawberry.field(description="Type of its values.")
    description: str | None = strawberry.field(default=None, description="Its meaning, in a line.")
    default: JSON | None = strawberry.field(
        default=None, description="The value where none is given; days and moments as texts."
    )
    is_required: bool = strawberry.field(
        default=True, description="Whether a value must be given where there is no default; otherwise it is null."
    )


@input_type
class SaveQueryInput:
    """A query to be saved."""

    name: str = strawberry.field(description=f"The query's name: {A_NAME}.")
    statement: str = strawberry.field(description="One Cypher statement that reads.")
    description: str | None = strawberry.field(
        default=None, description=f"The purpose of the query, up to {MOST_DESCRIPTION:,} characters."
    )
    parameters: list[QueryParameterInput] | None = strawberry.field(
        default=None, description=f"All parameters that the statement uses, up to {MOST_PARAMETERS}."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED_VERSION)


@input_type
class DeleteSavedQueryInput:
    """A saved query to be deleted."""

    name: str = strawberry.field(description="The query's name, exactly.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED_VERSION)


@object_type
class QuerySaved(Written):
    """Result of saving a query; in a dry run, the result that it would have."""

    query: SavedQuery = prop("The latest version after the write.")
    created: bool = prop("Whether there was no query of this name.")
    changed: bool = prop("Whether a version was written; false if the latest one said the same already.")


@object_type
class SavedQueryDeleted(Written):
    """Result of deleting a saved query."""

    query: SavedQuery = prop("The query as it was.")


@object_type
class SavedQueryMutations:
    """Mutations of saved queries."""

    @write(
        QuerySaved,
        refused_by=(
            RefusedCypherError,
            CypherSyntaxError,
            CypherFailedError,
            StatementTimedOutError,
            RefusedItemsError,
        ),
        answer="The query after the write, or the reason for the refusal.",
    )
    async def save_query(
        self,
        info: Info[Context, Any],
        input: Annotated[SaveQueryInput, strawberry.argument(description="The query.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Save a query under a name. The statement is judged as by `cypher`; a text that differs from the latest version
        is a new version, and the same text writes nothing. One that comes with the project is replaced in this graph.
        """
        service = info.context.service
        parameters = tuple(
            Parameter(given.name, given.type, given.description or "", given.default, given.is_required)
            for given in input.parameters or ()
        )
        draft = Draft(input.name, input.statement, input.description or "", parameters, input.expected_version)
        adhoc = service.saved.get_adhoc()
        answered = await save_query(service.database, adhoc, draft, caller=info.context.caller.place, **options)
        payload = answered.payload
        return answered, {
            "query": shown_query(query_of(payload)),
            "created": payload["created"],
            "changed": payload["changed"],
        }

    @write(
        SavedQueryDeleted,
        refused_by=(NotFoundError,),
        answer="The query as it was, or the reason for the refusal.",
    )
    async def delete_saved_query(
        self,
        info: Info[Context, Any],
        input: Annotated[DeleteSavedQueryInput, strawberry.argument(description="The query's name.")],
        **options: Unpack[WriteOptions],
    ) -> Wrote:
        """
        Delete a saved query. Its versions stay, and `saveQuery` under its name goes on from them. One that comes with
        the project is hidden in this graph.
        """
        answered = await delete_query(
            info.context.database, input.name, expected_version=input.expected_version, **options
        )
        return answered, {"query": shown_query(query_of(answered.payload))}
