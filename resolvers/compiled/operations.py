"""
Operations answered by composed statements and generated code.

A query that reads from an anchor becomes one statement, which is planned before it is taken; one with a resolver
of its own calls it. An operation gives no answer where it has none: for a variable or an argument that is wrong, or for
a value that was not expected. The executor answers then, and reports what is wrong.
"""

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
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
    is_non_null_type,
    visit,
)
from graphql.error import located_error
from graphql.execution.values import VariableValues
from strawberry.schema.base import BaseSchema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from graph.errors import InvalidError
from graph.reading.anchors import Anchor, ListAnchor, OneNode
from graph.reading.composing import Composed, NotComposableError
from graph.reading.gathering import MOST_SHARED_ROWS, Found
from graph.reading.tree import NodePlan
from resolvers.base.anchored import Anchored
from resolvers.base.context import Context
from resolvers.base.defaults import fill_defaults
from resolvers.base.selection import Document, Selected
from resolvers.compiled.completion import Completer, Completion, Deferred, NotCompilableError
from resolvers.compiled.programs import Programs

_TYPENAME: Final = "__typename"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to an operation.

    Attributes:
        data: By the response's keys; None if a query that may not be null could not be read.
        errors: Of the queries that could not be read, whose data is null.
    """

    data: dict[str, Any] | None
    errors: list[GraphQLError]


class Operation:
    """
    An operation of a document that has been validated.

    Args:
        schema: The schema.
        document: The document.
        operation: The operation.
        programs: Where it keeps what has been worked out for it.

    Raises:
        NotCompilableError: It is no query, or depends on a directive as a whole.
    """

    def __init__(
        self, schema: BaseSchema, document: DocumentNode, operation: OperationDefinitionNode, programs: Programs
    ) -> None:
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
        self._queries = [_query(schema, fragments, key, entry, programs) for key, entry in selected.items()]

    async def answer(self, context: Context, variables: dict[str, Any]) -> Answer | None:
        """
        Answer the operation; None where the executor has to.

        Args:
            context: The document's share of the service.
            variables: The variables as sent.
        """
        values = get_variable_values(self._graphql, self._definitions, variables)
        if isinstance(values, list):
            return None
        try:
            readings = [query.reading(values, context) for query in self._queries]  # each counts a use
        except (InvalidError, GraphQLError, NotCompilableError):
            return None
        return await _answer(readings, context)

    async def prepare(self, context: Context, variables: dict[str, Any]) -> None:
        """Have the statements planned that the operation takes for some variables; these have to be right."""
        values = cast("VariableValues", get_variable_values(self._graphql, self._definitions, variables))
        for query in self._queries:
            await query.prepare(values, context)


@dataclass(frozen=True, slots=True)
class _Reading(ABC):
    """
    A query with its arguments: what it reads, and how that becomes its answer.

    Attributes:
        query: The query.
        completion: The code that makes the answer.
    """

    query: "_Query"
    completion: Completion

    @property
    def may_be_alone(self) -> bool:
        """Whether it runs one statement and no other, if the document has no other query."""
        return not self.completion.reads_more

    @abstractmethod
    async def read(self, context: Context, *, is_alone: bool) -> Any:
        """Read; `is_alone` says that nothing else of the document does."""

    @abstractmethod
    def complete(self, read: Any, later: list[Deferred]) -> Any:
        """Make the answer; adds the fields that are left to `later`."""


class _Query(ABC):
    """
    A query of an operation, under one key of the response.

    Programs are kept by what shapes them: the values of the variables used below the query, and its anchor.
    """

    def __init__(
        self,
        schema: BaseSchema,
        fragments: dict[str, FragmentDefinitionNode],
        key: str,
        selected: Selected,
        field: StrawberryField,
        programs: Programs,
    ) -> None:
        self.programs, self.number = programs, programs.number()
        self.key, self.selected = key, selected
        self.schema, self.fragments, self.field = cast("Any", schema), fragments, field
        self.definition = self.schema._schema.query_type.fields[selected.name]
        self._shaping = sorted(_variables_below(selected.nodes, fragments))

    @abstractmethod
    def reading(self, values: VariableValues, context: Context) -> _Reading:
        """
        Return what is read for the variables.

        Raises:
            InvalidError: An argument is wrong.
            GraphQLError: An argument has a value of another type.
            NotCompilableError: The selection has a field that generated code has no answer for.
        """

    @abstractmethod
    async def prepare(self, values: VariableValues, context: Context) -> None:
        """Have its statement planned now."""

    def arguments(self, values: VariableValues) -> dict[str, Any]:
        """The query's arguments by their Python names."""
        given = get_argument_values(self.definition, self.selected.nodes[0], values)
        given = fill_defaults(self.definition.args, given)
        registry = self.schema.schema_converter.scalar_registry
        return convert_arguments(given, self.field.arguments, scalar_registry=registry, config=self.schema.config)

    def shape(self, values: VariableValues) -> tuple[str, ...]:
        """The values of the variables that shape the answer."""
        return tuple(repr(values.coerced.get(name, _TYPENAME)) for name in self._shaping)

    def completer(self, values: VariableValues) -> tuple[Document, Completer]:
        """The document and the generator of code for some values of the variables."""
        document = Document(self.schema, self.fragments, values.coerced)
        return document, Completer(self.schema, document, values)


class _Program:
    """
    Results of compiling a query that reads from an anchor: its plan, and both ways to read it.

    Attributes:
        plan: What to read of the nodes.
        wants_total: Whether the number of nodes is requested.
        composed: The one statement; None where none can answer the query.
        completion: The code that completes the statement's record.
    """

    def __init__(self, query: _Query, anchor: Anchor, values: VariableValues) -> None:
        document, completer = query.completer(values)
        self.plan, self.wants_total = document.subjects_plan([query.selected]), False
        if isinstance(anchor, ListAnchor):
            self.plan, self.wants_total = document.connection_plan([query.selected])
        self.composed = _compose(anchor, self.plan, wants_total=self.wants_total)
        self._query, self._values = query, values
        kind = query.definition.type
        if self.composed is None:
            self.completion = self.level_completion
        elif isinstance(anchor, ListAnchor):
            self.completion = completer.complete_list(kind, query.selected, self.composed.layout, anchor.order)
        else:
            self.completion = completer.complete_node(kind, query.selected, self.composed.layout)

    def num_characters(self) -> int:
        """Count the characters of the statement and of the code, twice where the other way may be generated too."""
        composed = "" if self.composed is None else self.composed.text
        return 2 * len(self.completion.source) + len(composed)

    @cached_property
    def level_completion(self) -> Completion:
        """The code that completes what has been read level by level."""
        _, completer = self._query.completer(self._values)
        return completer.complete_value(self._query.definition.type, self._query.selected)


class _AnchoredQuery(_Query):
    """A query that reads from an anchor: by one statement once the database has planned it, until then by levels."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._anchor_of: Callable[..., Anchor] = self.field.metadata["anchored"].anchor

    def reading(self, values: VariableValues, context: Context) -> _Reading:
        anchor, program = self._program(values)
        composed = program.composed
        if composed is not None and context.service.statements.is_ready(composed, anchor):
            return _StatementReading(self, program.completion, anchor, composed)
        return _LevelReading(self, program.level_completion, anchor, program.plan, program.wants_total)

    async def prepare(self, values: VariableValues, context: Context) -> None:
        anchor, program = self._program(values)
        if program.composed is not None:
            await context.service.statements.prepare(program.composed, anchor)

    def _program(self, values: VariableValues) -> tuple[Anchor, _Program]:
        anchor = self._anchor_of(**self.arguments(values))
        key = (self.number, *anchor.shape, *self.shape(values))
        return anchor, self.programs.get(key, lambda: _Program(self, anchor, values), _Program.num_characters)


@dataclass(frozen=True, slots=True)
class _StatementReading(_Reading):
    """A reading from an anchor by a composed statement."""

    anchor: Anchor
    composed: Composed

    async def read(self, context: Context, *, is_alone: bool) -> Any:
        unit, composed, anchor = context.unit, self.composed, self.anchor
        max_rows = composed.max_rows * anchor.num_nodes
        if is_alone and max_rows <= MOST_SHARED_ROWS:
            found = await context.service.gathering.fetch(composed, anchor, unit.bookmark)
            unit.count_shared(max_rows)
            return found
        parameters = composed.parameters_for([anchor.parameters()], anchor.num_nodes)
        rows = await unit.fetch(composed.text, parameters, is_alone=is_alone, max_rows=max_rows)
        return Found(rows[0][1] if rows else None)

    def complete(self, read: Any, later: list[Deferred]) -> Any:
        """Make the answer, once for all who share what was read unless a part of it is left."""
        found = cast("Found", read)
        if self.completion not in found.answers:
            answer = self._complete(found.data, later)
            if later:
                return answer
            found.answers[self.completion] = answer
        return found.answers[self.completion]

    def _complete(self, read: Any, later: list[Deferred]) -> Any:
        complete, anchor = self.completion.complete, self.anchor
        if isinstance(anchor, OneNode):
            is_found = read is not None and (anchor.code is None or read[0] == anchor.code)
            return complete(read, later) if is_found else None
        listed = cast("ListAnchor", anchor)
        rows, *total = read
        page, prefix = listed.page_of(rows), listed.num_prefix_characters
        return complete(
            page.rows, total[0] if total else None, page.has_next_page, page.has_previous_page, prefix, later
        )


@dataclass(frozen=True, slots=True)
class _LevelReading(_Reading):
    """A reading from an anchor level by level."""

    anchor: Anchor
    plan: NodePlan
    wants_total: bool

    @property
    def may_be_alone(self) -> bool:
        return False

    async def read(self, context: Context, *, is_alone: bool) -> Any:
        return await self.anchor.read(context.unit, self.plan, wants_total=self.wants_total)

    def complete(self, read: Any, later: list[Deferred]) -> Any:
        return self.completion.complete(read, later)


class _ResolvedQuery(_Query):
    """A query with a resolver of its own, whose value is completed."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.field.base_resolver is None:
            raise NotCompilableError(self.selected.name)
        self._resolver = self.field.base_resolver

    def reading(self, values: VariableValues, context: Context) -> _Reading:
        arguments = self.arguments(values)
        if self._resolver.info_parameter is not None:
            arguments["info"] = self._info(values, context)
        completion = self.programs.get(
            (self.number, *self.shape(values)), lambda: self._complete(values), lambda made: len(made.source)
        )
        return _ResolvedReading(self, completion, cast("Callable[..., Any]", self._resolver.wrapped_func), arguments)

    async def prepare(self, values: VariableValues, context: Context) -> None:
        """Nothing is composed for it."""

    def _complete(self, values: VariableValues) -> Completion:
        _, completer = self.completer(values)
        return completer.complete_value(self.definition.type, self.selected)

    def _info(self, values: VariableValues, context: Context) -> Any:
        """The part of its surroundings that the resolver may look at: document, key and context."""
        return SimpleNamespace(
            context=context,
            path=SimpleNamespace(key=self.key),
            schema=self.schema,
            variable_values=values.coerced,
            _raw_info=SimpleNamespace(fragments=self.fragments, field_nodes=self.selected.nodes),
        )


@dataclass(frozen=True, slots=True)
class _ResolvedReading(_Reading):
    """A call of a query's resolver."""

    resolve: Callable[..., Any]
    arguments: Mapping[str, Any]

    @property
    def may_be_alone(self) -> bool:
        return False

    async def read(self, context: Context, *, is_alone: bool) -> Any:
        found = self.resolve(None, **self.arguments)
        return await found if inspect.isawaitable(found) else found

    def complete(self, read: Any, later: list[Deferred]) -> Any:
        return self.completion.complete(read, later)


def _compose(anchor: Anchor, plan: NodePlan, *, wants_total: bool) -> Composed | None:
    try:
        return anchor.compose(plan, wants_total=wants_total)
    except NotComposableError:
        return None


def find_compiled(
    schema: BaseSchema, document: DocumentNode, operation: OperationDefinitionNode, programs: Programs
) -> Operation | None:
    """Compile an operation of a document that has been validated; None for one that is the executor's."""
    try:
        return Operation(schema, document, operation, programs)
    except NotCompilableError:
        return None


def _query(
    schema: BaseSchema, fragments: dict[str, FragmentDefinitionNode], key: str, selected: Selected, programs: Programs
) -> _Query:
    field = Document(schema, fragments, {}).fields_of("Query").get(selected.name)
    if field is None:  # introspection
        raise NotCompilableError(selected.name)
    kind = _AnchoredQuery if isinstance(field.metadata.get("anchored"), Anchored) else _ResolvedQuery
    return kind(schema, fragments, key, selected, field, programs)


async def _answer(readings: Sequence[_Reading], context: Context) -> Answer | None:
    is_alone = len(readings) == 1 and readings[0].may_be_alone
    data: dict[str, Any] = {}
    errors: list[GraphQLError] = []
    later: list[Deferred] = []
    for reading in readings:
        key = reading.query.key
        try:
            read = await reading.read(context, is_alone=is_alone)
        except Exception as error:  # noqa: BLE001 - it is the query's, whatever it is, and shown as the executor's are
            errors.append(located_error(error, reading.query.selected.nodes, [key]))
            if is_non_null_type(reading.query.definition.type):
                return Answer(None, errors)
            data[key] = None
            continue
        try:
            data[key] = reading.complete(read, later)
        except Exception:  # noqa: BLE001 - whatever the code did not expect, the executor answers by itself
            return None
    return Answer(data, errors) if await _resolve(later, context) else None


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
