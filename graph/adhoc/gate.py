"""
Judges a statement by its plan, before it runs: operators and procedures by lists, expressions by their weight.

The plan says in canonical words what a statement does, whatever disguise its text wears. What a plan does not show in a
known form is refused. Read-only access and the database's own settings stand behind this.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graph.adhoc.allowed import OPERATORS, PROCEDURES
from graph.adhoc.literals import Literals, find_excess
from graph.adhoc.tokens import Group, Node, Token, UnreadableError, is_word, parse, split
from graph.adhoc.weighing import SMALL, HeavyError, Scale, Value, collected
from graph.errors import RefusedCypherError

MOST_OPERATORS: Final = 400
"""Operators of a plan; more are not written by hand."""

READS: Final = "r"
"""The type of statements that read the graph."""

_PREFIX: Final = re.compile(r"(?:\s|//[^\n]*(?:\n|$)|/\*.*?\*/)*(explain|profile|cypher)\b", re.IGNORECASE | re.DOTALL)
_NAMING: Final = ("Projection", "EagerAggregation", "OrderedAggregation", "Distinct", "OrderedDistinct", "Unwind")
_BRANCHING: Final = 2
_INSTEAD: Final[Mapping[str, str]] = {
    "LoadCSV": "a bundle, imported by the operator",
    "TransactionApply": "CALL { … } without IN TRANSACTIONS",
    "TransactionForeach": "CALL { … } without IN TRANSACTIONS",
}

Names = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    An operator of a plan and those below it.

    Attributes:
        operator: Its name, such as `Expand(All)`, spaces left out.
        database: The database that it reads.
        details: What it does, in canonical Cypher.
        estimated_rows: Number of rows that the database expects of it.
        children: The operators whose rows it takes.
    """

    operator: str
    database: str
    details: str
    estimated_rows: float
    children: tuple["Plan", ...]

    def walk(self) -> Iterator["Plan"]:
        """Give the operator and all below it."""
        waiting = [self]
        while waiting:
            plan = waiting.pop()
            yield plan
            waiting.extend(plan.children)


def read_plan(plan: Mapping[str, Any]) -> Plan:
    """Read a plan in the driver's form."""
    operator, _, database = plan["operatorType"].partition("@")
    arguments = plan.get("args", {})
    return Plan(
        operator=re.sub(r"\s", "", operator),
        database=database,
        details=str(arguments.get("Details", "")),
        estimated_rows=float(arguments.get("EstimatedRows", 0.0)),
        children=tuple(read_plan(child) for child in plan.get("children", ())),
    )


def check_text(statement: str, parameters: Mapping[str, Any], max_length: int) -> None:
    """
    Check what can be told without the database.

    Raises:
        RefusedCypherError: The statement is empty or too long, has a prefix, or a parameter's name is reserved.
    """
    if not statement.strip():
        raise _refused("the statement is empty", "STATEMENT", "", "a statement that reads, such as MATCH (n) RETURN n")
    if len(statement) > max_length:
        message = f"the statement has {len(statement):,} characters, at most {max_length:,} are allowed"
        raise _refused(message, "STATEMENT", "", "values as parameters")
    if excess := find_excess(statement):
        message = f"the statement has {excess}: more may take the database for ever to read"
        raise _refused(message, "STATEMENT", "", "a shorter statement, with lists and texts as parameters")
    if found := _PREFIX.match(statement):
        word = found[1].upper()
        raise _refused(
            f"a statement must not begin with {word}", "STATEMENT", word, "the statement alone, and select its plan"
        )
    for name in parameters:
        if name.strip().lower().startswith("auto"):
            raise _refused(
                f"names of parameters that begin with 'auto' are the database's own, got {name!r}",
                "STATEMENT",
                name,
                "another name",
            )


def judge(
    plan: Mapping[str, Any], query_type: str | None, statement: str, parameters: Mapping[str, Any], database: str
) -> Plan:
    """
    Judge a statement by its plan.

    Args:
        plan: The plan, in the driver's form.
        query_type: The statement's type, as the database tells it.
        statement: Its text, for the sizes of its literals.
        parameters: Its parameters.
        database: The database that it must stay in.

    Raises:
        RefusedCypherError: It uses what is not allowed.
    """
    try:
        found = read_plan(plan)
        _check_operators(found, query_type, database)
        _Judge(Scale(Literals.of(statement), parameters)).follow(found, {})
    except RecursionError:
        raise _refused("the statement is nested too deeply", "STATEMENT", "", "a shorter statement") from None
    return found


def _check_operators(plan: Plan, query_type: str | None, database: str) -> None:
    operators = list(plan.walk())
    for each in operators:
        if each.operator not in OPERATORS:
            message = f"the operator {each.operator} is not allowed: it is not known to read the graph only"
            hint = _INSTEAD.get(each.operator, "a statement of MATCH, WITH, UNWIND, CALL { … } and RETURN")
            raise _refused(message, "OPERATOR", each.operator, hint)
        if each.database.lower() != database.lower():
            message = f"the statement must stay in the database {database}, and reads {each.database or 'another'}"
            raise _refused(message, "STATEMENT", "USE", "the statement without USE")
    if len(operators) > MOST_OPERATORS:
        message = f"the statement's plan has {len(operators)} operators, at most {MOST_OPERATORS} are allowed"
        raise _refused(message, "STATEMENT", "", "several statements")
    for each in operators:
        if each.operator == "ProcedureCall":
            _check_procedure(each.details)
    if query_type != READS:
        message = f"only statements that read the graph are allowed, and this one has the type {query_type!r}"
        raise _refused(message, "STATEMENT", query_type or "", "a statement of MATCH, WITH, UNWIND and RETURN")


def _check_procedure(details: str) -> None:
    name = details.partition("(")[0].replace("`", "").strip()
    if name not in PROCEDURES:
        message = f"the procedure {name} is not allowed: it is not known to read the graph only"
        raise _refused(message, "PROCEDURE", name, f"one of {', '.join(sorted(PROCEDURES))}")


class _Judge:
    """Follows a plan from its leaves up, and keeps the sizes of what its names stand for."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale

    def follow(self, plan: Plan, names: Names) -> Names:
        """Weigh an operator's expressions after those below it; returns the names that it gives on."""
        below = self._follow_children(plan, names)
        try:
            return {**below, **self._weigh(plan, below)}
        except UnreadableError as error:
            message = f"the operator {plan.operator} cannot be judged: {error}"
            raise _refused(message, "OPERATOR", plan.operator, "a simpler statement") from None
        except HeavyError as error:
            raise _refused(str(error), error.kind, error.name, error.hint) from None

    def _follow_children(self, plan: Plan, names: Names) -> Names:
        if not plan.children:
            return names
        first = self.follow(plan.children[0], names)
        if len(plan.children) < _BRANCHING:
            return first
        second = self.follow(plan.children[1], names if plan.operator in ("Union", "OrderedUnion") else first)
        return {name: first.get(name, SMALL).join(second.get(name, SMALL)) for name in {*first, *second}}

    def _weigh(self, plan: Plan, names: Names) -> Names:
        nodes = parse(plan.details)
        if plan.operator == "RollUpApply":
            return self._roll_up(nodes, names)
        if plan.operator == "ProcedureCall":
            nodes = _find_arguments(nodes)
        if plan.operator == "Unwind" and (bounds := _find_bounds(nodes)):
            self._scale.weigh(bounds, names)
            return {}  # its items are made one by one
        if plan.operator not in _NAMING:
            self._scale.weigh(nodes, names)
            return {}
        named = self._scale.list_named(nodes, names)
        if plan.operator == "Unwind":
            return {name: Value(value.element, 1.0, value.depth) for name, value in named.items()}
        return named

    def _roll_up(self, nodes: Sequence[Node], names: Names) -> Names:
        """A list that is collected from the rows of a subquery, as `list, item`."""
        words = [part[0].text for part in split(tuple(nodes), ",") if part and isinstance(part[0], Token)]
        item = names.get(words[-1], SMALL) if len(words) == _BRANCHING else SMALL
        return {words[0]: collected(item)} if words else {}


def _find_arguments(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The arguments of a procedure, whose results stand after them."""
    return next((node.content for node in nodes if isinstance(node, Group)), ())


def _find_bounds(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The bounds of a list to unwind that is made by range alone, as in `range($a, $b) AS i`; else nothing."""
    group = nodes[1] if len(nodes) == 4 and is_word(nodes[0], "range") else None  # noqa: PLR2004 - range (…) AS name
    return group.content if isinstance(group, Group) else ()


def _refused(message: str, kind: str, name: str, hint: str) -> RefusedCypherError:
    return RefusedCypherError(f"{message}; write {hint} instead" if hint else message, kind=kind, name=name, hint=hint)
