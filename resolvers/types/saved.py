"""Saved queries and their parameters."""

from typing import Any

from strawberry.scalars import JSON

from graph.saved.queries import SavedQuery as Found
from resolvers.base.described import object_type
from resolvers.base.enums import QueryOrigin, QueryParameterType
from resolvers.base.fields import prop
from resolvers.base.scalars import Moment


@object_type
class QueryParameter:
    """A parameter of a saved query."""

    name: str = prop("Its name in the statement, without `$`.")
    type: QueryParameterType = prop("Type of its values.")
    description: str = prop("Its meaning; empty if it has none.")
    default: JSON | None = prop("The value where none is given; null if there is none.")
    is_required: bool = prop("Whether a value must be given; otherwise it is the default, or null.")


@object_type
class SavedQuery:
    """A version of a saved query: a Cypher statement that reads, with a name and typed parameters."""

    name: str = prop("The query's name, by which it is run.")
    description: str = prop("The purpose of the query; empty if it has none.")
    statement: str = prop("The Cypher statement.")
    parameters: list[QueryParameter] = prop("Parameters that the statement uses.")
    version: int = prop("The version, from 1; the latest runs unless another is asked for.")
    origin: QueryOrigin = prop("Whether the version was saved here or comes with the project.")
    saved_at: Moment | None = prop("When the version was saved; null if it comes with the project.")
    is_deleted: bool = prop("Whether the version marks that the query was deleted.")


def shown_query(query: Found) -> dict[str, Any]:
    """A query in the response's shape."""
    parameters = [
        {
            "name": parameter.name,
            "type": parameter.type,
            "description": parameter.description,
            "default": parameter.default,
            "is_required": parameter.is_required,
        }
        for parameter in query.parameters
    ]
    return {
        "name": query.name,
        "description": query.description,
        "statement": query.statement,
        "parameters": parameters,
        "version": query.version,
        "origin": query.origin,
        "saved_at": query.saved_at,
        "is_deleted": query.is_deleted,
    }
