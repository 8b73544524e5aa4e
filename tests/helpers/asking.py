"""Asks the schema as the endpoint does: one context for each document, its statements counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from api.settings import Settings
from api.tariffs import DocumentTariff, limits_of, list_limits
from api.trusted import EVERY_DOCUMENT
from graph.database.sessions import Database
from resolvers.base.context import Context, Service
from resolvers.schema import build_schema

SCHEMA = build_schema()
TARIFF = DocumentTariff(SCHEMA, limits_of(Settings()), EVERY_DOCUMENT, list_limits(Settings()))


@dataclass(frozen=True)
class Asked:
    """What a document brought."""

    data: Any
    errors: list[Any]
    num_statements: int


@cache
def service_of(database: Database) -> Service:
    """The one service that the tests have over a database."""
    return Service.make(database, tariff=TARIFF)


async def ask(asked: Database | Service, document: str, **variables: Any) -> Asked:
    """Run a document that must succeed."""
    answer = await try_ask(asked, document, **variables)
    assert answer.errors == [], answer.errors
    return answer


async def try_ask(asked: Database | Service, document: str, **variables: Any) -> Asked:
    """Run a document."""
    return await try_ask_at(None, asked, document, **variables)


async def try_ask_at(moment: datetime | None, asked: Database | Service, document: str, **variables: Any) -> Asked:
    """Run a document as of a moment, so that no hour turns between two of them."""
    context = Context(asked if isinstance(asked, Service) else service_of(asked), request_id="test")
    context.moment = moment or context.moment
    try:
        result = await SCHEMA.execute(document, variable_values=variables, context_value=context)
    finally:
        await context.close()
    return Asked(result.data, [error.formatted for error in result.errors or []], context.num_statements)


def place_of(refusal: Mapping[str, Any]) -> str | None:
    """The path of a refusal as one text, such as `input.items.3.observedAt`."""
    return None if refusal["path"] is None else ".".join(refusal["path"])


async def ask_wrong(asked: Database | Service, document: str, **variables: Any) -> dict[str, Any]:
    """Run a document that must fail with one error; returns it as a client sees it."""
    return error_of(await try_ask(asked, document, **variables))


def error_of(answer: Asked) -> dict[str, Any]:
    """The one error of an answer."""
    assert len(answer.errors) == 1, answer
    error: dict[str, Any] = answer.errors[0]
    return error
