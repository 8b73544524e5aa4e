"""Counts what a request holds before any of it is read: brackets of its JSON, items of lists, fields of objects."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_scalar_type,
    type_from_ast,
)

from graph.exposure.positions import MOST_POSITIONS

MOST_JSON_BRACKETS: Final = 200_000
"""Arrays and objects of a request, those in texts included. Parsing so many takes 0.1 s, in which nobody is answered;
the largest bundle that fits into a body has fewer rows."""


MOST_VARIABLES: Final = 1_000
"""No document within the limit of tokens declares more."""

MOST_OBJECT_FIELDS: Final = 64
"""Fields of an object; the largest input has some 30. Each error in an object is reported with all of its fields."""

CONTAINERS: Final = frozenset({list, dict})
JSON: Final = "JSON"


def count_json_brackets(body: bytes) -> int:
    """Count the brackets that open an array or an object in a JSON text, those within strings included."""
    return body.count(b"[") + body.count(b"{")


def longest_literal(value: ValueNode) -> int:
    """The number of items of the longest list in a value of a document."""
    if isinstance(value, ListValueNode):
        return max((len(value.values), *map(longest_literal, value.values)))
    if isinstance(value, ObjectValueNode):
        return max((longest_literal(field.value) for field in value.fields), default=0)
    return 0


class Excess(NamedTuple):
    """More than allowed of a kind: the number, the most allowed, and the kind in words."""

    came: int
    limit: int
    kind: str


LONG_LISTS: Final[Mapping[str, int]] = {"PositionInput": MOST_POSITIONS + 1}
"""Input types of which a list may be longer than others; one item more than its field takes, which then says so."""


def find_excess(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], most_items: int
) -> Excess | None:
    """
    Find a list or an object of the variables that is too long; it is not looked into. Values of JSON may be any.

    Args:
        schema: The schema of the variables' types.
        document: Declares the variables; not necessarily valid.
        variables: As sent, not necessarily valid.
        most_items: The most items of a list.
    """
    if len(variables) > MOST_VARIABLES:
        return Excess(len(variables), MOST_VARIABLES, "names")
    operations = [entry for entry in document.definitions if isinstance(entry, OperationDefinitionNode)]
    declared = [entry for operation in operations for entry in operation.variable_definitions or ()]
    for entry in declared:
        value = variables.get(entry.variable.name.value)
        if type(value) in CONTAINERS:
            found = _find_excess(type_from_ast(schema, entry.type), value, most_items)
            if found is not None:
                return found
    return None


def _find_excess(declared: Any, value: Any, most_items: int) -> Excess | None:
    """Find an excess in a list or an object; `declared` is None for a value that nothing declares."""
    kind: Any = None if declared is None else get_nullable_type(declared)
    if is_scalar_type(kind) and kind.name == JSON:
        return None
    if isinstance(value, list):
        named = get_named_type(kind) if kind is not None else None
        most = max(most_items, LONG_LISTS.get(getattr(named, "name", ""), 0))
        if len(value) > most:
            return Excess(len(value), most, "items in one list")
        below = [(kind.of_type if is_list_type(kind) else kind, item) for item in value if type(item) in CONTAINERS]
    else:
        if len(value) > MOST_OBJECT_FIELDS:
            return Excess(len(value), MOST_OBJECT_FIELDS, "fields in one object")
        named = get_named_type(kind) if kind is not None else None  # a single value stands for a list of one
        fields = named.fields if is_input_object_type(named) else {}
        below = [
            (fields[name].type if name in fields else None, item)
            for name, item in value.items()
            if type(item) in CONTAINERS
        ]
    found = (_find_excess(inner, item, most_items) for inner, item in below)
    return next((excess for excess in found if excess is not None), None)
