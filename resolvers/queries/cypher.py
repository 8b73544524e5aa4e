"""Ad-hoc Cypher: statements that read, judged before they run, and run within limits."""

from typing import Annotated, Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.adhoc.limits import Wanted
from graph.adhoc.running import Answer
from graph.adhoc.values import plain, read_parameters
from graph.errors import (
    CypherFailedError,
    CypherSyntaxError,
    InvalidError,
    OversizeError,
    RefusedCypherError,
    StatementTimedOutError,
)
from resolvers.base.answers import Shown, question
from resolvers.base.context import Context, Service
from resolvers.base.described import object_type
from resolvers.base.drift import drifts
from resolvers.base.extents import Arguments, Extent, extent, number
from resolvers.base.parameters import check_parameters
from resolvers.types.cypher import CypherResult, shown_plan

MOST_ROWS: Final = 10_000
"""Rows in a response, which is made as a whole; more are streamed by POST /cypher."""

DEFAULT_ROWS: Final = 1_000
MOST_MILLISECONDS: Final = 60_000

TIME_TEXT: Final = (
    f"Time of the statement in milliseconds, 1 to {MOST_MILLISECONDS}, at most that of the request, which is 30 "
    "seconds unless the operator has changed it"
)

STATEMENT_REFUSALS: Final = (
    RefusedCypherError,
    CypherSyntaxError,
    CypherFailedError,
    StatementTimedOutError,
    OversizeError,
    InvalidError,
)
"""Refusals of a statement and of its parameters."""

MaxRows = Annotated[
    int | None, strawberry.argument(description=f"Most rows, 1 to {MOST_ROWS}; by default {DEFAULT_ROWS}.")
]


def rows_extent(arguments: Arguments) -> Extent:
    """The extent of a statement's rows."""
    given = DEFAULT_ROWS if arguments.get("max_rows") is None else number(arguments, "max_rows", MOST_ROWS)
    return Extent(rows=given)


@object_type
class CypherQueries:
    """Ad-hoc Cypher."""

    @question(
        CypherResult,
        refused_by=STATEMENT_REFUSALS,
        answer="The rows, or the reason for the refusal.",
        metadata={**extent(rows_extent), **drifts()},
    )
    async def cypher(
        self,
        info: Info[Context, Any],
        statement: Annotated[str, strawberry.argument(description="One statement that reads.")],
        *,
        parameters: Annotated[
            JSON | None,
            strawberry.argument(
                description="Values of its parameters by name, plain or as `{$type, _value}` for those that JSON lacks."
            ),
        ] = None,
        max_rows: MaxRows = None,
        timeout_ms: Annotated[
            int | None,
            strawberry.argument(description=f"{TIME_TEXT}; by default 1000."),
        ] = None,
    ) -> Shown:
        """
        Rows of an ad-hoc Cypher statement. It is judged by its plan before it runs: it may read the graph with the
        listed operators, procedures and functions, and nothing else.
        """
        adhoc = info.context.service.saved.get_adhoc()
        given = read_parameters(check_parameters(parameters))
        wanted = read_wanted(info.context.service, max_rows, timeout_ms)
        async with adhoc.run(statement, given, caller=info.context.caller.place, limits=wanted) as answer:
            return await read_answer(answer)


def read_wanted(service: Service, max_rows: int | None, timeout_ms: int | None) -> Wanted:
    """
    Read the limits that a client wants.

    Raises:
        InvalidError: One is out of range, or the time is longer than that of the request.
    """
    adhoc, seconds = service.saved.get_adhoc(), service.request_seconds
    if seconds is not None and timeout_ms is not None and 1_000 * seconds < timeout_ms <= MOST_MILLISECONDS:
        message = (
            f"expected 1 to {int(1_000 * seconds)}, the time of a request here, got {timeout_ms}; POST /cypher and "
            f"/queries take up to {MOST_MILLISECONDS}"
        )
        raise InvalidError(message, path="timeout_ms")
    rows_wanted = min(adhoc.limits.default_rows, MOST_ROWS) if max_rows is None else max_rows
    milliseconds = None if timeout_ms is None else _checked(timeout_ms, MOST_MILLISECONDS, "timeout_ms")
    return Wanted(
        max_rows=_checked(rows_wanted, MOST_ROWS, "max_rows"),
        timeout_seconds=None if milliseconds is None else milliseconds / 1000,
    )


async def read_answer(answer: Answer) -> Shown:
    """Read all rows of a statement, in the response's shape."""
    rows: list[list[Any]] = []
    async for batch in answer.batches():
        rows += [[plain(value) for value in row] for row in batch]
    return {
        "columns": list(answer.columns),
        "rows": rows,
        "is_truncated": answer.is_truncated,
        "elapsed_seconds": answer.elapsed_seconds,
        "revision": answer.revision,
        "plan": shown_plan(answer.plan),
    }


def _checked(given: int, most: int, name: str) -> int:
    if not 1 <= given <= most:
        raise InvalidError(f"expected 1 to {most}, got {given}", path=name)
    return given
