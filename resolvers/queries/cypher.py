"""Ad-hoc Cypher: statements that read, judged before they run, and run within limits."""

from typing import Annotated, Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from graph.adhoc.limits import Wanted
from graph.adhoc.running import Adhoc
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
from resolvers.base.context import Context
from resolvers.base.described import object_type
from resolvers.base.drift import drifts
from resolvers.base.extents import Arguments, Extent, extent, number
from resolvers.types.cypher import CypherResult, shown_plan

MOST_ROWS: Final = 10_000
"""Rows in a response, which is made as a whole; more are streamed by POST /cypher."""

DEFAULT_ROWS: Final = 1_000
MOST_MILLISECONDS: Final = 60_000


def _rows_extent(arguments: Arguments) -> Extent:
    given = DEFAULT_ROWS if arguments.get("max_rows") is None else number(arguments, "max_rows", MOST_ROWS)
    return Extent(rows=given)


@object_type
class CypherQueries:
    """Ad-hoc Cypher."""

    @question(
        CypherResult,
        refused_by=(
            RefusedCypherError,
            CypherSyntaxError,
            CypherFailedError,
            StatementTimedOutError,
            OversizeError,
            InvalidError,
        ),
        answer="The rows, or the reason for the refusal.",
        metadata={**extent(_rows_extent), **drifts()},
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
        max_rows: Annotated[
            int | None, strawberry.argument(description=f"Most rows, 1 to {MOST_ROWS}; by default {DEFAULT_ROWS}.")
        ] = None,
        timeout_ms: Annotated[
            int | None,
            strawberry.argument(
                description=f"Time of the statement in milliseconds, 1 to {MOST_MILLISECONDS}; by default 1000."
            ),
        ] = None,
    ) -> Shown:
        """
        Rows of an ad-hoc Cypher statement. It is judged by its plan before it runs: it may read the graph with the
        listed operators, procedures and functions, and nothing else.
        """
        adhoc, given = _find_adhoc(info.context), _read_parameters(parameters)
        rows_wanted = min(adhoc.limits.default_rows, MOST_ROWS) if max_rows is None else max_rows
        wanted = Wanted(
            max_rows=_checked(rows_wanted, MOST_ROWS, "max_rows"),
            timeout_seconds=None
            if timeout_ms is None
            else _checked(timeout_ms, MOST_MILLISECONDS, "timeout_ms") / 1000,
        )
        rows: list[list[Any]] = []
        async with adhoc.run(statement, given, caller=info.context.caller, limits=wanted) as answer:
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


def _find_adhoc(context: Context) -> Adhoc:
    if context.service.adhoc is None:
        raise RefusedCypherError(
            "the operator has turned ad-hoc Cypher off",
            kind="STATEMENT",
            name="cypher",
            hint="the fields of the schema",
        )
    return context.service.adhoc


def _read_parameters(parameters: Any) -> dict[str, Any]:
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidError(f"expected an object of values by their names, got {parameters!r:.80}", path="parameters")
    return read_parameters(parameters or {})


def _checked(given: int, most: int, name: str) -> int:
    if not 1 <= given <= most:
        raise InvalidError(f"expected 1 to {most}, got {given}", path=name)
    return given
