"""Asks the schema as the endpoint does: one context for each document, its statements counted."""

from dataclasses import dataclass
from typing import Any

from graph.database.sessions import Database
from resolvers.base.context import Context
from resolvers.schema import build_schema

SCHEMA = build_schema()


@dataclass(frozen=True)
class Asked:
    """What a document brought."""

    data: Any
    errors: list[Any]
    num_statements: int


async def ask(database: Database, document: str, **variables: Any) -> Asked:
    """Run a document that must succeed."""
    asked = await try_ask(database, document, **variables)
    assert asked.errors == []
    return asked


async def try_ask(database: Database, document: str, **variables: Any) -> Asked:
    """Run a document."""
    context = Context(database, request_id="test")
    try:
        result = await SCHEMA.execute(document, variable_values=variables, context_value=context)
    finally:
        await context.close()
    return Asked(result.data, [error.formatted for error in result.errors or []], context.num_statements)


async def ask_wrong(database: Database, document: str, **variables: Any) -> dict[str, Any]:
    """Run a document that must fail with one error; returns it as a client sees it."""
    asked = await try_ask(database, document, **variables)
    assert len(asked.errors) == 1, asked
    error: dict[str, Any] = asked.errors[0]
    return error
