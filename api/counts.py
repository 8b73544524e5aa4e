"""Counts what a request holds before any of it is looked at: brackets of its JSON, items of its lists."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLInputType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    type_from_ast,
)

MOST_JSON_BRACKETS: Final = 200_000
"""Arrays and objects of a request, those in texts included. Parsing so many takes 0.1 s, in which nobody is answered;
the largest bundle that fits into a body has fewer rows."""


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


def longest_variable(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], most: int) -> int:
    """
    The number of items of the longest list in the variables, where their types have lists.

    Args:
        schema: The schema of their types.
        document: Declares the variables; not necessarily valid.
        variables: As sent, not necessarily valid.
        most: A list with more items is not looked into.
    """
    operations = [entry for entry in document.definitions if isinstance(entry, OperationDefinitionNode)]
    declared = [entry for operation in operations for entry in operation.variable_definitions or ()]
    return max((_longest_in_variable(schema, entry, variables, most) for entry in declared), default=0)


def _longest_in_variable(
    schema: GraphQLSchema, declared: VariableDefinitionNode, variables: Mapping[str, Any], most: int
) -> int:
    value = variables.get(declared.variable.name.value)
    kind: Any = None if value is None else type_from_ast(schema, declared.type)
    return 0 if kind is None else _longest(kind, value, most)


def _longest(declared: GraphQLInputType, value: Any, most: int) -> int:
    kind: Any = get_nullable_type(declared)
    if is_list_type(kind):
        items = value if isinstance(value, list) else [value]  # a single value stands for a list of one
        if len(items) > most or not has_lists(kind.of_type):
            return len(items)
        return max((len(items), *(_longest(kind.of_type, item, most) for item in items)))
    if is_input_object_type(kind) and isinstance(value, dict):
        listed = ((field.type, value[name]) for name, field in kind.fields.items() if value.get(name) is not None)
        return max((_longest(inner, item, most) for inner, item in listed if has_lists(inner)), default=0)
    return 0


@lru_cache(1024)
def has_lists(kind: GraphQLInputType) -> bool:
    """Whether a value of a type may hold a list that the type declares."""
    return _has_lists(kind, frozenset())


def _has_lists(kind: GraphQLInputType, above: frozenset[Any]) -> bool:
    if is_list_type(get_nullable_type(kind)):
        return True
    named = get_named_type(kind)
    if not is_input_object_type(named) or named in above:
        return False
    return any(_has_lists(field.type, above | {named}) for field in named.fields.values())
