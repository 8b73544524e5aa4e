"""Documents answered before, by the hash of their text: parsed, validated, checked and looked up once."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLType,
    NullValueNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    parse,
    type_from_ast,
    visit,
)
from strawberry import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from api.counts import CONTAINERS, MOST_VARIABLES, find_excess
from api.limits import DocumentLimits, Limits, list_excessive_prices
from api.pricing import Price, Pricing, list_operations
from resolvers.base.drift import find_drift
from resolvers.base.roles import Role
from resolvers.compiled.operations import Operation as CompiledOperation
from resolvers.compiled.operations import find_compiled
from resolvers.compiled.programs import Programs
from resolvers.doors import RoleCheck, list_needs

BYTES_A_TOKEN: Final = 600
"""What a parsed document keeps for each of its tokens, with its share of the tree: 320 to 550 bytes were measured."""
MAX_SHAPES: Final = 256
"""Most combinations of variables, as far as prices depend on them, that an operation remembers to be affordable."""
SHOWN_DIGITS: Final = 12
"""Digits of a document's id that figures show."""
MAX_WORD: Final = 100
"""Longest text of a variable that is part of such a combination."""


def identify(text: str) -> str:
    """The id of a document: the SHA-256 of its text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Validated:
    """
    A document that has been validated, and what all its operations are judged by.

    Attributes:
        tree: The whole document, with its fragments.
        schema: The schema that it was validated against.
        pricing: Prices its operations.
        limits: Those on a price, and on variables.
        moments: The arguments that give its drifting fields their moments.
    """

    tree: DocumentNode
    schema: GraphQLSchema
    pricing: Pricing
    limits: Limits
    moments: "_Moments"


class Operation:
    """
    An operation of a document that has been validated and is within the limits that do not depend on variables.

    Attributes:
        document: The whole document, with its fragments.
        node: The operation within it.
        name: Its name, if it has one.
        is_query: Whether it only reads.
        compiled: What answers it without an executor; None if nothing does.
        needs: The role that each of its root fields needs; None for one that opens for nobody.
        roles: All of these roles.
        key: What identifies it among the operations of all documents.
        is_daily: Whether the answer changes with the day (UTC), just after its first moment.
        document_id: The first digits of its document's id.
    """

    def __init__(
        self,
        document: Validated,
        node: OperationDefinitionNode,
        *,
        key: bytes,
        compiled: CompiledOperation | None,
        needs: Mapping[str, Role | None],
    ) -> None:
        self.document = document.tree
        self.node = node
        self.name = None if node.name is None else node.name.value
        self.compiled = compiled
        self.needs, self.roles = needs, frozenset(needs.values())
        self.is_query = node.operation is OperationType.QUERY
        self.key = key
        self.document_id = key[:SHOWN_DIGITS].decode()
        self._schema, self._pricing, self._limits = document.schema, document.pricing, document.limits
        self._affordable: dict[tuple[object, ...], Price] = {}
        self._priced_by: tuple[str, ...] = ()
        self._moments, self.is_daily = document.moments.found, document.moments.is_daily
        definitions = node.variable_definitions or ()
        kinds = ((d.variable.name.value, type_from_ast(document.schema, d.type)) for d in definitions)
        self._drifting = {name: kind for name, kind in kinds if _may_drift(document.schema, kind)}
        self._defaults = {d.variable.name.value for d in definitions if _is_given(d.default_value)}

    def is_timeless(self, variables: Mapping[str, Any]) -> bool:
        """Whether the answer depends on the data alone, and not on when it is asked for."""
        return all(self._has_value(moment, variables) for moment in self._moments) and not any(
            _drifts(self._schema, kind, variables.get(name)) for name, kind in self._drifting.items()
        )

    def _has_value(self, moment: ValueNode | None, variables: Mapping[str, Any]) -> bool:
        if not isinstance(moment, VariableNode):
            return _is_given(moment)
        name = moment.name.value
        return variables[name] is not None if name in variables else name in self._defaults

    def is_affordable(self, variables: Mapping[str, Any]) -> bool:
        """Whether variables and price are within the limits."""
        return self.find_price(variables) is not None

    def find_price(self, variables: Mapping[str, Any]) -> Price | None:
        """The price, if it and the variables are within the limits; variables that price the same are priced once."""
        if not self._is_countable(variables):
            return None
        shape = self._shape(variables)
        known = None if shape is None else self._affordable.get(shape)
        if known is not None:
            return known
        pricing = self._pricing.with_variables(variables)
        if any(list_excessive_prices(pricing, self.node, self._limits)):
            return None
        price = pricing.price(self.node)
        self._remember(variables, pricing.variables_read, price)
        return price

    def _is_countable(self, variables: Mapping[str, Any]) -> bool:
        """Whether the lists and objects of the variables are short."""
        if len(variables) <= MOST_VARIABLES and CONTAINERS.isdisjoint(map(type, variables.values())):
            return True
        try:
            return find_excess(self._schema, self.document, variables, self._limits.max_items) is None
        except RecursionError:
            return False

    def _remember(self, variables: Mapping[str, Any], read: set[str], price: Price) -> None:
        # Which variables a price reads may depend on the values of others, so the names are those of all prices so far.
        if not read <= set(self._priced_by):
            self._priced_by = tuple(sorted({*self._priced_by, *read}))
            self._affordable.clear()
        shape = self._shape(variables)
        if shape is not None and len(self._affordable) < MAX_SHAPES:
            self._affordable[shape] = price

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
        extensions = schema.get_extensions()
        self._limits = next((e.limits for e in extensions if isinstance(e, DocumentLimits)), None)
        self._roles = next((e for e in extensions if isinstance(e, RoleCheck)), None)
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
        """
        Keep a document that has been parsed, validated and answered; without limits on its price none is kept, nor one
        with a subscription.
        """
        document_id = identify(text)
        if self._limits is None or document_id in self._kept:
            return
        parsed = parse(text)
        if any(node.operation is OperationType.SUBSCRIPTION for node in list_operations(parsed, None)):
            return
        num_bytes = BYTES_A_TOKEN * sum(1 for _ in _tokens(parsed)) + 2 * len(text)
        if num_bytes > self._max_bytes:
            return
        schema = self._schema._schema
        moments = _find_moments(schema, parsed)
        validated = Validated(parsed, schema, Pricing(schema, parsed, {}), self._limits, moments)
        operations = tuple(
            Operation(
                validated,
                node,
                key=f"{document_id}{number}".encode(),
                compiled=find_compiled(self._schema, parsed, node, self._programs),
                needs=self._list_needs(parsed, node),
            )
            for number, node in enumerate(list_operations(parsed, None))
        )
        self._kept[document_id] = Document(text, operations, num_bytes)
        self.num_bytes += num_bytes
        while self.num_bytes > self._max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.num_bytes -= dropped.num_bytes

    def _list_needs(self, document: DocumentNode, node: OperationDefinitionNode) -> dict[str, Role | None]:
        """The roles that an operation needs; none by a schema without roles."""
        if self._roles is None:
            return {}
        return list_needs(self._schema._schema, document, node, self._roles.introspection)


def _tokens(document: DocumentNode) -> Iterator[object]:
    token = None if document.loc is None else document.loc.start_token
    while token is not None:
        yield token
        token = token.next


class _Moments(Visitor):
    """
    Collects the arguments that give drifting fields their moments.

    Attributes:
        found: The arguments; None for each field without.
        is_daily: Whether there is a field that drifts by the day.
    """

    def __init__(self, types: TypeInfo, drifting: Set[tuple[str, str]]) -> None:
        super().__init__()
        self.found: list[ValueNode | None] = []
        self.is_daily = False
        self._types = types
        self._drifting = drifting

    def enter_field(self, node: FieldNode, *_: object) -> None:
        definition = self._types.get_field_def()
        spec = None if definition is None else definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        drift = find_drift(spec.metadata) if isinstance(spec, StrawberryField) else None
        if drift is not None and drift.is_daily:
            self.is_daily = True
        elif drift is not None:
            given = {argument.name.value: argument.value for argument in node.arguments or ()}
            self.found.append(given.get(drift.unless or ""))

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        kind = get_named_type(self._types.get_parent_input_type())
        if kind is not None and (kind.name, node.name.value) in self._drifting:
            self.found.append(None)


@cache
def list_drifting_inputs(schema: GraphQLSchema) -> frozenset[tuple[str, str]]:
    """The input fields by which an answer depends on when it is asked for: the name of each one's type, and its own."""
    return frozenset(
        (kind.name, name)
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLInputObjectType)
        for name, definition in kind.fields.items()
        if isinstance(spec := definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF), StrawberryField)
        and find_drift(spec.metadata) is not None
    )


@cache
def _may_drift(schema: GraphQLSchema, kind: GraphQLType | None) -> bool:
    """Whether a value of a type may have an input field by which an answer depends on when it is asked for."""
    waiting, seen = [get_named_type(kind)], set[str]()
    while waiting:
        named = waiting.pop()
        if not isinstance(named, GraphQLInputObjectType) or named.name in seen:
            continue
        seen.add(named.name)
        waiting += [get_named_type(definition.type) for definition in named.fields.values()]
    return any(name in seen for name, _ in list_drifting_inputs(schema))


def _drifts(schema: GraphQLSchema, kind: GraphQLType | None, value: object) -> bool:
    """Whether a value of a type has such an input field."""
    if isinstance(value, list):
        return any(_drifts(schema, kind, item) for item in value)
    named = get_named_type(kind)
    if not isinstance(value, Mapping) or not isinstance(named, GraphQLInputObjectType):
        return False
    drifting = list_drifting_inputs(schema)
    return any(
        (named.name, name) in drifting or _drifts(schema, named.fields[name].type, item)
        for name, item in value.items()
        if name in named.fields
    )


def _find_moments(schema: GraphQLSchema, document: DocumentNode) -> _Moments:
    """The moments of all drifting fields in a document, whatever operation they are in, included or not."""
    types = TypeInfo(schema)
    moments = _Moments(types, list_drifting_inputs(schema))
    visit(document, TypeInfoVisitor(types, moments))
    return moments
