"""
Refuses documents that cost too much, before parsing, validation or execution.

Strawberry's own limiters walk a fragment again at each of its uses, so forty lines of fragments that each use the next
one twice take minutes; here each fragment is measured once.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from strawberry.extensions import DisableIntrospection, SchemaExtension

from api.access.rates import RateLimitedError, Rates
from api.counts import find_excess, longest_literal
from api.logging import Cost as RecordedCost
from api.logging import current_request
from api.pricing import Price, Pricing, list_operations
from resolvers.base.errors import BAD_REQUEST

COST: Final = "cost"
"""The extension that asks for a document's cost, with true, and the one that tells it."""

MAX_BRACKETS = 64
"""Most open brackets; the parser and the validation rules recurse, and Python's stack holds some 1,000 frames."""
MAX_FRAGMENTS = 100
"""Most fragment definitions in a document; the rule against fragment cycles recurses along them."""

MAX_CHARACTERS = 250_000
"""Longest document: room for a field's longest text. Each character is visited, if only to skip a comment."""
MAX_OPERATIONS = 50
"""Most operations in a document; each is validated, though one runs."""
MAX_INTROSPECTED_LISTS = 15
"""Most lists of introspection in a document; a browser asks for nine, and each may show the whole schema."""

MAX_ERRORS: Final = 5
"""The most errors that a document is told to have; whoever mends those asks again."""

LARGEST_SHOWN = 10**9

_INTROSPECTED = frozenset(
    {"types", "directives", "fields", "inputFields", "args", "enumValues", "interfaces", "possibleTypes"}
)

# Strings and comments are skipped whole; possessive repeats prevent backtracking on hostile text.
_BRACKETS = re.compile(
    r'"""(?:\\"""|[^"]|"(?!""))*+"""'
    r'|"(?:\\.|[^"\\\n\r])*+"'
    r"|\#[^\n\r]*+"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Upper bounds on a document; fields and aliases of a fragment count at each use.

    Rows to read and points of curves to compute are those of `api.pricing`; items are those of one list, in the
    document or its variables.
    """

    max_depth: int
    max_aliases: int
    max_fields: int
    max_tokens: int
    max_rows: int
    max_points: int
    max_items: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of a selection: levels below it, fields, aliases, items of the longest list, lists of introspection."""

    depth: int = 0
    num_fields: int = 0
    num_aliases: int = 0
    num_items: int = 0
    num_introspected: int = 0


def list_extensions(limits: Limits, *, introspection: bool, rates: Rates | None = None) -> list[type[SchemaExtension]]:
    """List the schema extensions that enforce the limits; Strawberry instantiates them per document."""

    class WithinLimits(DocumentLimits):
        def __init__(self) -> None:
            super().__init__(limits, rates)

    return [WithinLimits] if introspection else [WithinLimits, DisableIntrospection]


class DocumentLimits(SchemaExtension):
    """
    Checks a document's text before it is parsed, and its fields and its price before it is validated.

    Args:
        limits: The limits of each document.
        rates: The limits of each caller, which are counted before a document runs.
    """

    def __init__(self, limits: Limits, rates: Rates | None = None) -> None:
        self.limits = limits
        self._rates = rates
        self._price: Price | None = None

    async def on_execute(self) -> AsyncIterator[None]:
        """Count what the caller asks; a result that is there already takes the place of execution."""
        context: Any = self.execution_context
        for operation in list_operations(context.graphql_document, context.operation_name):
            price = Pricing(context.schema._schema, context.graphql_document, context.variables).price(operation)
            self._price = price
            try:
                await self._spend(price, is_mutation=operation.operation is OperationType.MUTATION)
            except RateLimitedError as error:
                refusal = GraphQLError(str(error), extensions=error.extensions())
                self.execution_context.result = ExecutionResult(None, [refusal])
            else:
                _note_price(price)
        yield

    async def _spend(self, price: Price, *, is_mutation: bool) -> None:
        if self._rates is not None:
            await self._rates.spend(self.execution_context.context.caller, price.total, is_mutation=is_mutation)

    def get_results(self) -> dict[str, Any]:
        """The cost of the document for whoever asks for it: what was priced, and what was read and computed."""
        context: Any = self.execution_context
        if self._price is None or not asks_for_cost(context.operation_extensions):
            return {}
        return {COST: {"requested": self._price.total, "actual": context.context.cost}}

    def on_operation(self) -> Iterator[None]:
        """Check nesting and tokens before parsing."""
        self.execution_context.parse_options["max_tokens"] = self.limits.max_tokens
        num_characters = len(self.execution_context.query or "")
        if num_characters > MAX_CHARACTERS:
            raise _excess(num_characters, MAX_CHARACTERS, "characters; long texts belong in variables", "TOO_LARGE")
        if count_brackets(self.execution_context.query or "") > MAX_BRACKETS:
            message = f"The document has more than {MAX_BRACKETS} brackets open at once."
            raise GraphQLError(message, extensions={"code": "TOO_DEEP"})
        yield

    def on_validate(self) -> Iterator[None]:
        """Check fragments, depth, aliases, fields and price before validation."""
        context = self.execution_context
        record = current_request.get()
        if record is not None:
            record.operation_name = context.operation_name
        if context.graphql_document is not None:
            try:
                errors = (
                    list_excesses(context.graphql_document, self.limits)
                    or self._list_unnamed()
                    or self._list_long_variables()
                    or self._list_excessive_prices()
                )
            except RecursionError:  # inline fragments in a chain of fragments
                errors = [
                    GraphQLError("The document's fragments are nested too deep.", extensions={"code": "TOO_DEEP"})
                ]
            if errors:
                context.pre_execution_errors = errors
        yield
        if context.pre_execution_errors:
            del context.pre_execution_errors[MAX_ERRORS:]  # in place, since the list has been returned already

    def _list_unnamed(self) -> list[GraphQLError]:
        """Refuse to choose one of several operations; the name that Strawberry shows is the first's without one."""
        context = self.execution_context
        operations = list_operations(cast("DocumentNode", context.graphql_document), None)
        if context._provided_operation_name is not None or len(operations) <= 1:
            return []
        names = [operation.name.value for operation in operations if operation.name is not None]
        message = (
            f"The document has {len(operations)} operations, so `operationName` must name one of them: {names[:5]!r}."
        )
        return [GraphQLError(message, extensions={"code": BAD_REQUEST})]

    def _list_long_variables(self) -> list[GraphQLError]:
        context: Any = self.execution_context
        schema, document, variables = context.schema._schema, context.graphql_document, context.variables or {}
        try:
            excess = find_excess(schema, document, variables, self.limits.max_items)
        except RecursionError:
            return [GraphQLError("The request's variables are nested too deep.", extensions={"code": "TOO_DEEP"})]
        return [] if excess is None else [_excess(*excess, "TOO_LARGE", subject="request's variables have")]

    def _list_excessive_prices(self) -> list[GraphQLError]:
        context = self.execution_context
        document: Any = context.graphql_document
        pricing = Pricing(context.schema._schema, document, context.variables)
        operations = list_operations(document, context.operation_name)
        return [error for operation in operations for error in list_excessive_prices(pricing, operation, self.limits)]


def _note_price(price: Price) -> None:
    record = current_request.get()
    if record is not None:
        record.priced = RecordedCost(price.rows, price.points)


def asks_for_cost(extensions: Mapping[str, Any] | None) -> bool:
    """Whether a request's extensions ask for what it costs."""
    return (extensions or {}).get(COST) is True


def count_brackets(text: str) -> int:
    """Count the most brackets of any kind open at once, outside of strings and comments."""
    now = most = 0
    for match in _BRACKETS.finditer(text):
        if match.lastgroup is not None:
            now += 1 if match.lastgroup == "open" else -1
            most = max(most, now)
    return most


def list_excesses(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """List the limits that a document exceeds, as errors for the client."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    if len(fragments) > MAX_FRAGMENTS:
        return [_excess(len(fragments), MAX_FRAGMENTS, "fragments", "TOO_LARGE")]
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) > MAX_OPERATIONS:
        return [_excess(len(operations), MAX_OPERATIONS, "operations", "TOO_LARGE")]
    costs = _Costs(fragments)
    total = _side_by_side([costs.measure(operation.selection_set) for operation in operations])
    excesses = (
        (total.depth, limits.max_depth, "levels of fields", "TOO_DEEP"),
        (total.num_aliases, limits.max_aliases, "aliases", "TOO_MANY_ALIASES"),
        (total.num_fields, limits.max_fields, "fields", "TOO_LARGE"),
        (max(total.num_items, _longest_default(operations)), limits.max_items, "items in one list", "TOO_LARGE"),
        (total.num_introspected, MAX_INTROSPECTED_LISTS, "lists of introspection", "TOO_LARGE"),
    )
    return [_excess(came, limit, what, code) for came, limit, what, code in excesses if came > limit]


def _longest_default(operations: Sequence[OperationDefinitionNode]) -> int:
    defaults = [entry.default_value for operation in operations for entry in operation.variable_definitions or ()]
    return max((longest_literal(default) for default in defaults if default is not None), default=0)


def list_excessive_prices(
    pricing: Pricing, operation: OperationDefinitionNode, limits: Limits
) -> Iterator[GraphQLError]:
    """List the limits that an operation's price exceeds, each with what it comes from most."""
    price = pricing.price(operation)
    bounds = ((price.rows, limits.max_rows, "read", "rows"), (price.points, limits.max_points, "compute", "points"))
    for came, limit, verb, unit in bounds:
        if came > limit:
            path = ".".join(pricing.find_dearest(operation, unit))
            advice = "Ask there, or above it, for fewer items or points at once"
            message = (
                f"The document may {verb} {_count(came)} {unit}, at most {limit} are allowed. "
                f"Most of them come from {path}. {advice}."
            )
            yield GraphQLError(message, extensions={"code": "TOO_EXPENSIVE", "size": came, "limit": limit})


class _Costs:
    """Measures selections, each fragment once; one within itself costs nothing, as validation refuses the cycle."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Cost] = {}

    def measure(self, selections: SelectionSetNode) -> Cost:
        return _side_by_side([self._measure_one(selection) for selection in selections.selections])

    def _measure_one(self, selection: object) -> Cost:
        match selection:
            case FieldNode():
                return self._measure_field(selection)
            case InlineFragmentNode():
                return self.measure(selection.selection_set)
            case FragmentSpreadNode():
                return self._measure_fragment(selection.name.value)
        raise TypeError(f"a field, a fragment or a spread was expected, not {type(selection).__name__}")

    def _measure_field(self, field: FieldNode) -> Cost:
        below = self.measure(field.selection_set) if field.selection_set else Cost()
        # Introspection nests deep by nature (`ofType`), and graphql-core has its own rule for it.
        is_introspection = field.name.value.startswith("__")
        return Cost(
            depth=0 if is_introspection else below.depth + 1,
            num_fields=below.num_fields + 1,
            num_aliases=below.num_aliases + (field.alias is not None),
            num_items=max((below.num_items, *(longest_literal(argument.value) for argument in field.arguments or ()))),
            num_introspected=below.num_introspected + (field.name.value in _INTROSPECTED),
        )

    def _measure_fragment(self, name: str) -> Cost:
        if name not in self._known and name in self._fragments:
            self._known[name] = Cost()
            self._known[name] = self.measure(self._fragments[name].selection_set)
        return self._known.get(name, Cost())


def _side_by_side(costs: Sequence[Cost]) -> Cost:
    return Cost(
        depth=max((c.depth for c in costs), default=0),
        num_fields=sum(c.num_fields for c in costs),
        num_aliases=sum(c.num_aliases for c in costs),
        num_items=max((c.num_items for c in costs), default=0),
        num_introspected=sum(c.num_introspected for c in costs),
    )


def _excess(came: int, limit: int, what: str, code: str, *, subject: str = "document has") -> GraphQLError:
    message = f"The {subject} {_count(came)} {what}, at most {limit} are allowed."
    return GraphQLError(message, extensions={"code": code, "size": min(came, LARGEST_SHOWN), "limit": limit})


def _count(came: int) -> str:
    return str(came) if came < LARGEST_SHOWN else "billions of"  # nested fragments can multiply to thousands of digits
