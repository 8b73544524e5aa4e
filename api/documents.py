"""Documents answered before, by the hash of their text: parsed, validated, checked and looked up once."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableNode,
    Visitor,
    parse,
    visit,
)
from strawberry import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from api.counts import CONTAINERS, MOST_VARIABLES, find_excess
from api.limits import DocumentLimits, Limits, list_excessive_prices
from api.pricing import Pricing, list_operations
from resolvers.base.drift import find_drift
from resolvers.compiled.operations import Operation as CompiledOperation
from resolvers.compiled.operations import find_compiled
from resolvers.compiled.programs import Programs

BYTES_A_TOKEN: Final = 600
"""What a parsed document keeps for each of its tokens, with its share of the tree: 320 to 550 bytes were measured."""
MAX_SHAPES: Final = 256
"""Most combinations of variables, as far as prices depend on them, that an operation remembers to be affordable."""
MAX_WORD: Final = 100
"""Longest text of a variable that is part of such a combination."""


def identify(text: str) -> str:
    """The id of a document: the SHA-256 of its text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class Operation:
    """
    An operation of a document that has been validated and is within the limits that do not depend on variables.

    Attributes:
        document: The whole document, with its fragments.
        node: The operation within it.
        name: Its name, if it has one.
        is_query: Whether it only reads.
        compiled: What answers it without an executor; None if nothing does.
        key: What identifies it among the operations of all documents.
    """

    def __init__(
        self,
        document: DocumentNode,
        node: OperationDefinitionNode,
        *,
        schema: GraphQLSchema,
        key: bytes,
        pricing: Pricing,
        limits: Limits,
        moments: Sequence[ValueNode | None],
        compiled: CompiledOperation | None,
    ) -> None:
        self.document = document
        self.node = node
        self.name = None if node.name is None else node.name.value
        self.compiled = compiled
        self.is_query = node.operation is OperationType.QUERY
        self.key = key
        self._schema = schema
        self._pricing = pricing
        self._limits = limits
        self._affordable: set[tuple[object, ...]] = set()
        self._priced_by: tuple[str, ...] = ()
        self._moments = moments
        definitions = node.variable_definitions or ()
        self._defaults = {d.variable.name.value for d in definitions if _is_given(d.default_value)}

    def is_timeless(self, variables: Mapping[str, Any]) -> bool:
        """Whether the answer depends on the data alone, and not on when it is asked for."""
        return all(self._has_value(moment, variables) for moment in self._moments)

    def _has_value(self, moment: ValueNode | None, variables: Mapping[str, Any]) -> bool:
        if not isinstance(moment, VariableNode):
            return _is_given(moment)
        name = moment.name.value
        return variables[name] is not None if name in variables else name in self._defaults

    def is_affordable(self, variables: Mapping[str, Any]) -> bool:
        """Whether variables and price are within the limits; variables that price the same are priced once."""
        if not self._is_countable(variables):
            return False
        shape = self._shape(variables)
        if shape is not None and shape in self._affordable:
            return True
        pricing = self._pricing.with_variables(variables)
        if any(list_excessive_prices(pricing, self.node, self._limits)):
            return False
        self._remember(variables, pricing.variables_read)
        return True

    def _is_countable(self, variables: Mapping[str, Any]) -> bool:
        """Whether the lists and objects of the variables are short."""
        if len(variables) <= MOST_VARIABLES and CONTAINERS.isdisjoint(map(type, variables.values())):
            return True
        try:
            return find_excess(self._schema, self.document, variables, self._limits.max_items) is None
        except RecursionError:
            return False

    def _remember(self, variables: Mapping[str, Any], read: set[str]) -> None:
        # Which variables a price reads may depend on the values of others, so the names are those of all prices so far.
        if not read <= set(self._priced_by):
            self._priced_by = tuple(sorted({*self._priced_by, *read}))
            self._affordable.clear()
        shape = self._shape(variables)
        if shape is not None and len(self._affordable) < MAX_SHAPES:
            self._affordable.add(shape)

    def _shape(self, variables: Mapping[str, Any]) -> tuple[object, ...] | None:
        """The variables as far as a price depends on them; None if that is too long to remember."""
        shape = tuple(_shape_of(variables, name) for name in self._priced_by)
        return None if any(isinstance(part, str) and len(part) > MAX_WORD for part in shape) else shape


def _is_given(value: ValueNode | None) -> bool:
    return value is not None and not isinstance(value, NullValueNode)


def _shape_of(variables: Mapping[str, Any], name: str) -> object:
    if name not in variables:
        return ()
    value = variables[name]
    if isinstance(value, list):
        return list, len(value)
    if isinstance(value, dict):  # a price depends on the lengths of an input's lists
        return dict, tuple(sorted((key, len(part)) for key, part in value.items() if isinstance(part, list)))
    return value if isinstance(value, str) else (type(value), value)  # true is not 1


@dataclass(frozen=True, slots=True)
class Document:
    """
    A document that has been answered.

    Attributes:
        text: As it came.
        operations: Its operations in order.
        num_bytes: What it takes to keep it, roughly.
    """

    text: str
    operations: tuple[Operation, ...]
    num_bytes: int

    def find_operation(self, name: str | None) -> Operation | None:
        """The operation of a name; without a name the only one."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        return next((operation for operation in self.operations if operation.name == name), None)


class Documents:
    """
    Keeps documents that have been answered; the longest unused go first.

    Args:
        schema: The schema that they were validated against, whose extensions hold the limits.
        max_bytes: Most bytes to keep; 0 keeps none.

    Attributes:
        num_bytes: Bytes kept.
    """

    def __init__(self, schema: Schema, max_bytes: int) -> None:
        self.num_bytes = 0
        self._schema = schema
        self._max_bytes = max_bytes
        limits = [extension.limits for extension in schema.get_extensions() if isinstance(extension, DocumentLimits)]
        self._limits = limits[0] if limits else None
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._programs = Programs()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, document_id: str) -> Document | None:
        """The document of an id, if it is kept."""
        found = self._kept.get(document_id)
        if found is not None:
            self._kept.move_to_end(document_id)
        return found

    def keep(self, text: str) -> None:
        """Keep a document that has been parsed, validated and answered; without limits on its price none is kept."""
        document_id = identify(text)
        if self._limits is None or document_id in self._kept:
            return
        parsed = parse(text)
        num_bytes = BYTES_A_TOKEN * sum(1 for _ in _tokens(parsed)) + 2 * len(text)
        if num_bytes > self._max_bytes:
            return
        pricing = Pricing(self._schema._schema, parsed, {})
        moments = _list_moments(self._schema._schema, parsed)
        operations = tuple(
            Operation(
                parsed,
                node,
                schema=self._schema._schema,
                key=f"{document_id}{number}".encode(),
                pricing=pricing,
                limits=self._limits,
                moments=moments,
                compiled=find_compiled(self._schema, parsed, node, self._programs),
            )
            for number, node in enumerate(list_operations(parsed, None))
        )
        self._kept[document_id] = Document(text, operations, num_bytes)
        self.num_bytes += num_bytes
        while self.num_bytes > self._max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.num_bytes -= dropped.num_bytes


def _tokens(document: DocumentNode) -> Iterator[object]:
    token = None if document.loc is None else document.loc.start_token
    while token is not None:
        yield token
        token = token.next


class _Moments(Visitor):
    """Collects the arguments that give drifting fields their moments; None for each field without."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.found: list[ValueNode | None] = []
        self._types = types

    def enter_field(self, node: FieldNode, *_: object) -> None:
        definition = self._types.get_field_def()
        spec = None if definition is None else definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        drift = find_drift(spec.metadata) if isinstance(spec, StrawberryField) else None
        if drift is not None:
            given = {argument.name.value: argument.value for argument in node.arguments or ()}
            self.found.append(given.get(drift.unless or ""))


def _list_moments(schema: GraphQLSchema, document: DocumentNode) -> Sequence[ValueNode | None]:
    """The moments of all drifting fields in a document, whatever operation they are in, included or not."""
    types = TypeInfo(schema)
    moments = _Moments(types)
    visit(document, TypeInfoVisitor(types, moments))
    return moments.found
