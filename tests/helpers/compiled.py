"""Answers documents by compiled operations, and by the executor, so that the two can be compared."""

import json
from datetime import datetime
from typing import Any

from graphql import OperationDefinitionNode, parse, validate

from graph.database.sessions import Database
from resolvers.base.context import Context
from resolvers.compiled.completion import NotCompilableError
from resolvers.compiled.operations import Operation
from resolvers.compiled.programs import Programs
from tests.helpers.asking import SCHEMA, service_of


def operation_of(text: str, name: str | None = None) -> Operation:
    """
    Compile an operation of a valid document: the one with a name, or the only one.

    Raises:
        NotCompilableError: It is left to the executor.
    """
    document = parse(text)
    assert validate(SCHEMA._schema, document) == []
    (operation,) = (
        found
        for found in document.definitions
        if isinstance(found, OperationDefinitionNode)
        and (name is None or (found.name is not None and found.name.value == name))
    )
    return Operation(SCHEMA, document, operation, Programs())


async def answer_compiled(
    database: Database,
    text: str,
    variables: dict[str, Any] | None = None,
    moment: datetime | None = None,
    *,
    name: str | None = None,
    is_prepared: bool = True,
) -> str | None:
    """
    Answer a document by its compiled operation, as JSON; None where it is left to the executor.

    Its statements have been planned where possible; if not `is_prepared`, it is read level by level.
    """
    service = service_of(database)
    context = Context(service, request_id="test")
    context.moment = moment or context.moment
    try:
        operation = operation_of(text, name)
        if is_prepared:
            await operation.prepare(context, variables or {})
        else:
            service.statements.forget()
        answer = await operation.answer(context, variables or {})
    finally:
        await context.close()
    if answer is None:
        return None
    assert answer.errors == []
    return json.dumps(answer.data)


async def answer_by_executor(
    database: Database,
    text: str,
    variables: dict[str, Any] | None = None,
    moment: datetime | None = None,
    *,
    name: str | None = None,
) -> tuple[str, list[Any]]:
    """Answer a document level by level: its data as JSON, and its errors."""
    context = Context(service_of(database), request_id="test")
    context.moment = moment or context.moment
    try:
        result = await SCHEMA.execute(text, variable_values=variables, context_value=context, operation_name=name)
    finally:
        await context.close()
    return json.dumps(result.data), [error.formatted for error in result.errors or []]


__all__ = ["NotCompilableError", "answer_by_executor", "answer_compiled", "operation_of"]
