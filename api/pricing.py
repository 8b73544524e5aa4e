"""
Prices documents before they run: the most rows that one may read, and the most points that it may compute.

Sizes are multiplied along each path and added side by side, from the document, its variables and the schema alone.
Each fragment is priced once, so the effort is linear in the document. Wrong documents and arguments are reported
elsewhere; here an unknown field is free, and a wrong number costs as much as the largest allowed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_object_type,
    value_from_ast_untyped,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from resolvers.base.extents import Extent, find_extent
from resolvers.base.selection import snake_case

LARGEST = 10**15
"""Prices stop here: nested fragments would multiply to thousands of digits."""

_UNREADABLE = object()


@dataclass(frozen=True, slots=True)
class Price:
    """The most rows that a selection may read, and the most points that it may compute."""

    rows: int = 0
    points: int = 0

    def __add__(self, other: "Price") -> "Price":
        return Price(min(self.rows + other.rows, LARGEST), min(self.points + other.points, LARGEST))

    @property
    def total(self) -> int:
        """Rows and points together, the cost points that are counted for each caller; at least 1."""
        return max(1, min(self.rows + self.points, LARGEST))

    def times(self, number: int) -> "Price":
        """The price of a number of equal selections."""
        return Price(min(self.rows * number, LARGEST), min(self.points * number, LARGEST))


@dataclass(frozen=True, slots=True)
class _Below:
    """
    The price of selections within an object.

    Attributes:
        once: Price of what is there once.
        each: Price of an item of the object's lists, whose length a field above decides.
    """

    once: Price = Price()
    each: Price = Price()

    def __add__(self, other: "_Below") -> "_Below":
        return _Below(self.once + other.once, self.each + other.each)

    @property
    def total(self) -> Price:
        return self.once + self.each


_FREE = _Below()


class Pricing:
    """
    Prices the operations of one document.

    Args:
        schema: The schema, of which every field carries its Strawberry definition.
        document: Parsed, but not necessarily valid.
        variables: As sent, not necessarily valid.

    Attributes:
        variables_read: Names of the variables that prices so far depend on: by a number, the length of a list, a text,
            or whether there is a value.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any] | None) -> None:
        self._schema = schema
        self._document = document
        self._roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._variables = variables or {}
        self._defaults: dict[str, ValueNode] = {}
        self._known: dict[str, _Below] = {}
        self._field_prices: dict[int, Price] = {}
        self.variables_read: set[str] = set()

    def with_variables(self, variables: Mapping[str, Any]) -> "Pricing":
        """Prices the same document with other variables."""
        return Pricing(self._schema, self._document, variables)

    def price(self, operation: OperationDefinitionNode) -> Price:
        """The price of an operation."""
        self._known.clear()
        definitions = operation.variable_definitions or ()
        self._defaults = {d.variable.name.value: d.default_value for d in definitions if d.default_value is not None}
        root = self._schema.get_root_type(operation.operation)
        return self._selections(operation.selection_set, root).total

    def find_dearest(self, operation: OperationDefinitionNode, unit: str) -> list[str]:
        """
        The path, by response keys, to the field that an operation's price comes from most.

        Args:
            operation: The operation priced last.
            unit: `rows` or `points`.
        """
        path: list[str] = []
        selections: SelectionSetNode | None = operation.selection_set
        while selections is not None:
            fields = list(self._fields(selections, set()))
            found = max(fields, key=lambda field: self._price_of(field, unit), default=None)
            if found is None or not self._price_of(found, unit):
                break
            path.append(found.alias.value if found.alias else found.name.value)
            selections = found.selection_set
        return path

    def _price_of(self, field: FieldNode, unit: str) -> int:
        price: int = getattr(self._field_prices.get(id(field), Price()), unit)
        return price

    def _fields(self, selections: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self._fields(selection.selection_set, seen)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in self._fragments and name not in seen:
                    seen.add(name)
                    yield from self._fields(self._fragments[name].selection_set, seen)

    def _selections(self, selections: SelectionSetNode, parent: Any) -> _Below:
        """Add up selections; of those for one type only, the dearest type's count, as an object has one type."""
        common = _FREE
        by_type: dict[str, _Below] = {}
        for selection in selections.selections:
            if not self._is_included(selection):
                continue
            if isinstance(selection, FieldNode):
                below = self._field(selection, parent)
                common = common if below is _FREE else common + below
                continue
            kind, below = self._fragment(selection, parent)
            if is_object_type(kind) and kind is not parent:
                by_type[kind.name] = by_type.get(kind.name, _FREE) + below
            else:
                common += below
        return common + _dearest(list(by_type.values())) if by_type else common

    def _fragment(self, selection: SelectionNode, parent: Any) -> tuple[Any, _Below]:
        """The type that a fragment is for, and its price."""
        if isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            kind = parent if condition is None else self._schema.type_map.get(condition.name.value)
            return kind, self._selections(selection.selection_set, kind)
        if not isinstance(selection, FragmentSpreadNode) or selection.name.value not in self._fragments:
            return parent, _FREE
        name = selection.name.value
        kind = self._schema.type_map.get(self._fragments[name].type_condition.name.value)
        if name not in self._known:
            self._known[name] = _FREE  # within itself, which validation refuses
            self._known[name] = self._selections(self._fragments[name].selection_set, kind)
        return kind, self._known[name]

    def _field(self, node: FieldNode, parent: Any) -> _Below:
        definition: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None:  # unknown, or introspection
            return _FREE
        below = _FREE
        if node.selection_set is not None:
            below = self._selections(node.selection_set, get_named_type(definition.type))
        extent = self._extent(node, definition, parent)
        if extent is None and below is _FREE:
            return _FREE
        found = _price(below, extent, is_list=_is_list(definition))
        self._field_prices[id(node)] = found.total
        return found

    def _extent(self, node: FieldNode, definition: GraphQLField, parent: Any) -> Extent | None:
        spec = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        metadata = spec.metadata if isinstance(spec, StrawberryField) else {}
        found = find_extent(metadata, _Arguments(self._value, node, definition) if definition.args else {})
        return Extent(rows=1) if found is None and parent in self._roots else found

    def _value(self, node: ValueNode) -> Any:
        """A value as far as prices need it: a number, the length of a list, an object, or whether there is one."""
        match node:
            case VariableNode():
                name = node.name.value
                self.variables_read.add(name)
                if name not in self._variables and name in self._defaults:
                    return self._value(self._defaults[name])
                return self._variables.get(name, Undefined)
            case IntValueNode():
                return _read_int(node.value)
            case ListValueNode():
                return list(node.values)
            case ObjectValueNode():
                return {field.name.value: self._value(field.value) for field in node.fields}
            case NullValueNode():
                return None
        return _UNREADABLE

    def _is_included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            if directive.name.value in {"skip", "include"}:
                skips = directive.name.value == "skip"
                values = [a.value for a in directive.arguments or () if a.name.value == "if"]
                if values and self._flag(values[0]) is skips:
                    return False
        return True

    def _flag(self, node: ValueNode) -> Any:
        value = self._value(node)
        return value_from_ast_untyped(node) if value is _UNREADABLE else value


class _Arguments(Mapping[str, Any]):
    """A field's arguments by their Python names, each read when it is looked up."""

    def __init__(self, read: Callable[[ValueNode], Any], node: FieldNode, definition: GraphQLField) -> None:
        self._read = read
        self._given = {argument.name.value: argument.value for argument in node.arguments or ()}
        self._names = {argument.out_name or snake_case(name): name for name, argument in definition.args.items()}
        self._definition = definition

    def __getitem__(self, out_name: str) -> Any:
        name = self._names[out_name]
        value = self._read(self._given[name]) if name in self._given else Undefined
        if value is not Undefined and value is not None:
            return value
        default = self._definition.args[name].default_value
        return None if default is Undefined else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def list_operations(document: DocumentNode, name: str | None) -> list[OperationDefinitionNode]:
    """The operations that may run: the one of a name, or all without a name."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return [o for o in operations if name is None or (o.name is not None and o.name.value == name)]


def _price(below: _Below, extent: Extent | None, *, is_list: bool) -> _Below:
    """The price of a field within the object that has it."""
    if extent is None:
        return _Below(each=below.total) if is_list else below
    own = Price(extent.rows, extent.points)
    if is_list:
        return _Below(own + below.total.times(extent.items))
    return _Below(own + below.once + below.each.times(extent.items))


def _dearest(prices: Sequence[_Below]) -> _Below:
    return _Below(
        Price(max(p.once.rows for p in prices), max(p.once.points for p in prices)),
        Price(max(p.each.rows for p in prices), max(p.each.points for p in prices)),
    )


def _is_list(definition: GraphQLField) -> bool:
    return is_list_type(get_nullable_type(definition.type))


def _read_int(text: str) -> object:
    try:
        return int(text)
    except ValueError:  # thousands of digits
        return _UNREADABLE
