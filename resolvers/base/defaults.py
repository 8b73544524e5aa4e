"""
Defaults of arguments and of input fields: null stands for the default, and none is null.

An argument with a default is nullable in the schema, so that code generators do not require it, and in Python it has a
value all the same. GraphQL passes an explicit null on as it is, so whoever reads arguments fills the defaults in.
"""

import dataclasses
from collections.abc import Mapping
from functools import cache, wraps
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLSchema,
    Undefined,
    get_nullable_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)
from strawberry import UNSET

_NONE: Final = (None, UNSET, dataclasses.MISSING)
"""Values of a dataclass's field that has no default to fill in."""


def settle_defaults(schema: GraphQLSchema) -> None:
    """Make what has a default nullable, with null for the default, and remove defaults of null."""
    for kind in schema.type_map.values():
        if is_input_object_type(kind):
            _settle(kind.fields)
        elif is_object_type(kind) or is_interface_type(kind):
            for field in kind.fields.values():
                _settle(field.args)
                _fill_in_calls(field)


def fill_defaults(definitions: Mapping[str, GraphQLArgument], given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Fill in the defaults of arguments that are null.

    Args:
        definitions: The definitions of a field's arguments by name.
        given: The arguments' values, by name or by the names that resolvers know them by.
    """
    filled = dict(given)
    for name, definition in definitions.items():
        key = definition.out_name or name
        if definition.default_value is not Undefined and filled.get(key, Undefined) is None:
            filled[key] = definition.default_value
    return filled


def fill_fields(given: Any) -> None:
    """Fill in the defaults of an input's fields that are null; its `__post_init__`."""
    kind: Any = type(given)
    for name, default in _defaults(kind):
        if getattr(given, name) is None:
            setattr(given, name, default)


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """List the fields of an input with a default that is filled in."""
    fields = dataclasses.fields(kind)
    return tuple((field.name, field.default) for field in fields if field.default not in _NONE)


def _settle(definitions: Mapping[str, Any]) -> None:
    for definition in definitions.values():
        if definition.default_value is None:
            definition.default_value = Undefined
        elif definition.default_value is not Undefined:
            definition.type = get_nullable_type(definition.type)


def _fill_in_calls(field: GraphQLField) -> None:
    resolve = field.resolve
    if resolve is None or all(definition.default_value is Undefined for definition in field.args.values()):
        return

    @wraps(resolve)
    def filled(source: Any, info: Any, **arguments: Any) -> Any:
        return resolve(source, info, **fill_defaults(field.args, arguments))

    field.resolve = filled
