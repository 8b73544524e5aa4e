"""
Operations whose queries all read from anchors, answered by composed statements and generated code.

An operation gives no answer where it has none of its own: a variable or an argument that is wrong, a statement that has
not been planned, a value that was not expected. The executor answers then, and reports what is wrong.
"""

import asyncio
import inspect
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_argument_values,
    get_variable_values,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.schema.base import BaseSchema
from strawberry.types.arguments import convert_arguments

from graph.errors import ForegraphError, InvalidError
from graph.reading.anchors import Anchor, ListAnchor, OneNode
from graph.reading.composing import Composed, NotComposableError
from resolvers.base.anchored import Anchored
from resolvers.base.context import Context
from resolvers.base.selection import Document, Selected
from resolvers.compiled.completion import Completer, Completion, Deferred, NotCompilableError

MOST_PROGRAMS: Final = 16
"""Programs that a query keeps: one for each combination of its anchor's shape and of the variables below it."""

Answer = dict[str, Any]
_TYPENAME: Final = "__typename"


@dataclass(frozen=True, slots=True)
class Program:
    """What is worked out once for a query: its statement, and the code that completes the record."""

    composed: Composed
    completion: Completion

    def complete(self, anchor: Anchor, read: Any, later: list[Deferred]) -> Any:
        """Make the answer of what the statement has read; adds the fields that are left to `later`."""
        if isinstance(anchor, OneNode):
            is_found = read is not None and (anchor.code is None or read[0] == anchor.code)
            return self.completion.complete(read, later) if is_found else None
        listed = cast("ListAnchor", anchor)
        rows, *total = read
        page = listed.page_of(rows)
        prefix = listed.num_prefix_characters
        return self.completion.complete(
            page.rows, total[0] if total else None, page.has_next_page, page.has_previous_page, prefix, later
        )


class Operation:
    """
    An operation of a document that has been validated.

    Args:
        schema: The schema.
        document: The document.
        operation: The operation.

    Raises:
        NotCompilableError: A query of it does not read from an anchor, or depends on a directive.
    """

    def __init__(self, schema: BaseSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        if operation.operation is not OperationType.QUERY:
            raise NotCompilableError(operation.operation.value)
        self._graphql = cast("Any", schema)._schema
        self._definitions = operation.variable_definitions or ()
        fragments = {
            found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)
        }
        selected: dict[str, Selected] = {}
        for node in _queries(operation.selection_set, fragments):
            entry = selected.setdefault(node.alias.value if node.alias else node.name.value, Selected())
            entry.nodes.append(node)
            entry.subjects.append(frozenset())
        self._queries = [_Query(schema, fragments, key, entry) for key, entry in selected.items()]

    async def answer(self, context: Context, variables: dict[str, Any]) -> Answer | None:
        """
        Answer the operation; returns the data, or None where the executor has to.

        Args:
            context: The document's share of the service.
            variables: The variables as sent.
        """
        values = get_variable_values(self._graphql, self._definitions, variables)
        if isinstance(values, list):
            return None
        try:
            asked = [(query, *query.program(values)) for query in self._queries]
        except (InvalidError, GraphQLError, NotComposableError, NotCompilableError):
            return None
        planned = context.service.statements
        are_ready = [planned.is_ready(program.composed, anchor) for _, anchor, program in asked]  # each counts a use
        if not all(are_ready):
            return None
        is_alone = len(asked) == 1 and not asked[0][2].completion.reads_more
        data: Answer = {}
        later: list[Deferred] = []
        for query, anchor, program in asked:
            parameters = {**program.composed.parameters, **anchor.parameters()}
            try:
                read = await context.unit.fetch(program.composed.text, parameters, is_alone=is_alone)
            except ForegraphError as error:
                context.failures[query.key] = error  # it need not be met again
                return None
            try:
                data[query.key] = program.complete(anchor, read, later)
            except Exception:  # noqa: BLE001 - whatever the code did not expect, the executor answers by itself
                return None
        return data if await _resolve(later, context) else None

    async def prepare(self, context: Context, variables: dict[str, Any]) -> None:
        """Have the statements planned that the operation takes for some variables; these have to be right."""
        values = cast("VariableValues", get_variable_values(self._graphql, self._definitions, variables))
        for query in self._queries:
            anchor, program = query.program(values)
            await context.service.statements.prepare(program.composed, anchor)


def find_compiled(schema: BaseSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Operation | None:
    """Compile an operation of a document that has been validated; None for one that is the executor's."""
    try:
        return Operation(schema, document, operation)
    except NotCompilableError:
        return None


class _Query:
    """A query of an operation, under one key of the response."""

    def __init__(
        self, schema: BaseSchema, fragments: dict[str, FragmentDefinitionNode], key: str, selected: Selected
    ) -> None:
        self.key = key
        self._schema = cast("Any", schema)
        self._fragments = fragments
        self._selected = selected
        self._definition = self._schema._schema.query_type.fields[selected.name]
        field = Document(schema, fragments, {}).fields_of("Query")[selected.name]
        if not isinstance(anchored := field.metadata.get("anchored"), Anchored):
            raise NotCompilableError(selected.name)
        self._anchor_of, self._arguments = anchored.anchor, field.arguments
        self._shaping = sorted(_variables_below(selected.nodes, fragments))
        self._programs: OrderedDict[tuple[Any, ...], Program] = OrderedDict()

    def program(self, values: VariableValues) -> tuple[Anchor, Program]:
        """
        Return the anchor that the query reads from, and the program for it.

        Raises:
            InvalidError: An argument is wrong.
            GraphQLError: An argument has a value of another type.
            NotComposableError: No one statement can answer the query.
            NotCompilableError: The selection has a field that generated code has no answer for.
        """
        given = get_argument_values(self._definition, self._selected.nodes[0], values)
        registry = self._schema.schema_converter.scalar_registry
        anchor = self._anchor_of(
            **convert_arguments(given, self._arguments, scalar_registry=registry, config=self._schema.config)
        )
        shape = (*anchor.shape, *(repr(values.coerced.get(name, _TYPENAME)) for name in self._shaping))
        program = self._programs.get(shape)
        if program is None:
            program = self._programs[shape] = self._compile(anchor, values)
            if len(self._programs) > MOST_PROGRAMS:
                self._programs.popitem(last=False)
        return anchor, program

    def _compile(self, anchor: Anchor, values: VariableValues) -> Program:
        document = Document(self._schema, self._fragments, values.coerced)
        completer = Completer(self._schema, document, values)
        kind = self._definition.type
        if isinstance(anchor, ListAnchor):
            plan, wants_total = document.connection_plan([self._selected])
            composed = anchor.compose(plan, wants_total=wants_total)
            return Program(composed, completer.complete_list(kind, self._selected, composed.layout, anchor.order))
        composed = anchor.compose(document.subjects_plan([self._selected]), wants_total=False)
        return Program(composed, completer.complete_node(kind, self._selected, composed.layout))


async def _resolve(later: list[Deferred], context: Context) -> bool:
    """Resolve fields that may have to wait, and those below them; returns whether all have been answered."""
    while later:
        deferred, later = later, []
        started: list[Any] = []
        try:
            for field in deferred:
                started.append(field.call(context))  # noqa: PERF401 - those started before an error are closed
            values = await _awaited(started)
            for field, value in zip(deferred, values, strict=True):
                field.answer[field.key] = field.complete(value, later)
        except Exception:  # noqa: BLE001 - the executor resolves the field again, and reports its error
            for value in started:
                if inspect.iscoroutine(value):
                    value.close()
            return False
    return True


async def _awaited(started: Sequence[Any]) -> list[Any]:
    """The values of what may have to be awaited; loaders batch what waits at the same time."""
    waiting = [place for place, value in enumerate(started) if inspect.isawaitable(value)]
    values = list(started)
    for place, value in zip(waiting, await asyncio.gather(*(started[place] for place in waiting)), strict=True):
        values[place] = value
    return values


def _queries(selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """The queries that an operation selects, those in fragments too."""
    for selection in selections.selections:
        if selection.directives:
            raise NotCompilableError(selection.directives[0].name.value)
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _queries(selection.selection_set, fragments)
        elif isinstance(selection, FragmentSpreadNode):
            yield from _queries(fragments[selection.name.value].selection_set, fragments)


def _variables_below(nodes: Sequence[FieldNode], fragments: dict[str, FragmentDefinitionNode]) -> set[str]:
    """The names of the variables that the selections below some fields use."""
    found: set[str] = set()
    visited: set[str] = set()

    class Looking(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found.add(node.name.value)

        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
            if node.name.value not in visited:
                visited.add(node.name.value)
                visit(fragments[node.name.value], Looking())

    for node in nodes:
        if node.selection_set is not None:
            visit(node.selection_set, Looking())
    return found
