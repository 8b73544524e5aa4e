"""Answers of ad-hoc Cypher."""

from typing import Any

from strawberry.scalars import JSON

from graph.adhoc.gate import Plan
from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.scalars import Int64
from resolvers.types.network import Answer


@object_type
class PlanOperator:
    """An operator of a statement's plan."""

    depth: int = prop("Its level: 0 for the one that gives the rows, 1 for those whose rows that one takes.")
    operator: str = prop("Its name, such as `Expand(All)`.")
    details: str = prop("What it does, in the database's words.")
    estimated_row_count: float = prop("Number of rows that the database expects of it.")


@object_type
class CypherResult(Answer):
    """The rows of a statement."""

    columns: list[str] = prop("Names of the columns.")
    rows: list[JSON] = prop(
        "The rows, each a list of values in the order of the columns. Integers beyond 2^53 are strings, as are moments "
        "and durations in ISO 8601, and NaN and infinities; nodes are `{elementId, labels, properties}`."
    )
    is_truncated: bool = prop("Whether there are more rows than `maxRows`.")
    elapsed_seconds: float = prop("Time from the start of the statement to its last row, in seconds.")
    revision: Int64 = prop("Revision of the graph when the statement began.")
    plan: list[PlanOperator] = prop("The statement's plan: each operator before those whose rows it takes.")


def shown_plan(plan: Plan, depth: int = 0) -> list[dict[str, Any]]:
    """A plan as a flat list."""
    operator = {
        "depth": depth,
        "operator": plan.operator,
        "details": plan.details,
        "estimated_row_count": plan.estimated_rows,
    }
    return [operator, *(below for child in plan.children for below in shown_plan(child, depth + 1))]
