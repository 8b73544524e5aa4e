"""Objects of input types: what the library finds out anew for each value is found once for each type."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from strawberry.scalars import is_scalar
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition


class _Field(NamedTuple):
    """
    A field of an input type.

    Attributes:
        name: Its name in the schema.
        key: Its name in Python.
        declared: Its type; None where values stay as they are, being scalars or of an enum.
    """

    name: str
    key: str
    declared: Any


class Builder:
    """
    Makes the objects of one input type, as the library does: what is absent and has no default is None.

    Args:
        definition: The type's definition.
    """

    def __init__(self, definition: StrawberryObjectDefinition) -> None:
        self._definition = definition
        self._fields: tuple[_Field, ...] | None = None
        self._absent: dict[str, None] = {}

    def __call__(self, kind: type, given: Mapping[str, Any], context: InputContext) -> Any:
        """
        Make an object.

        Args:
            kind: Its class.
            given: Values by the fields' names in the schema, which graphql-core has checked.
            context: Converts values that are neither scalars nor of enums.
        """
        if self._fields is None:
            self._find_fields(context)
        values: dict[str, Any] = dict(self._absent)
        for name, key, declared in self._fields or ():
            if name in given:
                values[key] = given[name] if declared is None else context.convert(given[name], declared, name)
        return kind(**values)

    def _find_fields(self, context: InputContext) -> None:
        """Find out about the fields at first use, when all types are known."""
        definition, name_of = self._definition, context.config.name_converter.from_field
        found = []
        for field in definition.fields:
            declared: Any = field.resolve_type(type_definition=definition)
            found.append(_Field(name_of(field), field.python_name, None if _is_kept(declared, context) else declared))
            if field.default_value is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                self._absent[field.python_name] = None
        self._fields = tuple(found)


def _is_kept(declared: Any, context: InputContext) -> bool:
    """Whether values of a type stay as they are."""
    inner = declared.of_type if type(declared) is StrawberryOptional else declared
    is_enum = isinstance(inner, StrawberryEnumDefinition) or has_enum_definition(inner)
    return is_enum or is_scalar(inner, context.scalar_registry)
