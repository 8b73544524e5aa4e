"""Decorators for types, enums and computed fields that take their docstring as their description in the schema."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import strawberry
from strawberry.types import get_object_definition

from resolvers.base.building import Builder
from resolvers.base.defaults import fill_fields

TypeT = TypeVar("TypeT", bound=type)
EnumT = TypeVar("EnumT", bound=type[Enum])


def description_of(documented: Any) -> str:
    """
    The docstring of a class or a function as one paragraph.

    Raises:
        TypeError: It has none of its own.
    """
    text = documented.__dict__.get("__doc__") if isinstance(documented, type) else documented.__doc__
    if not text:
        message = f"{documented.__qualname__} needs a docstring, which is its description in the schema"
        raise TypeError(message)
    return " ".join(text.split())


def summary_of(documented: Any) -> str:
    """The first paragraph of a docstring, which addresses clients; what follows addresses readers of the code."""
    return " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split())


def object_type(kind: TypeT) -> TypeT:
    """Decorates the class of a GraphQL type."""
    return strawberry.type(kind, description=description_of(kind))


def interface_type(kind: TypeT) -> TypeT:
    """Decorates the class of a GraphQL interface."""
    return strawberry.interface(kind, description=description_of(kind))


def input_type(kind: TypeT) -> TypeT:
    """Decorates the class of a GraphQL input, in which null stands for a field's default."""
    kind.__post_init__ = fill_fields  # type: ignore[attr-defined] # called by the dataclass that it becomes
    made = strawberry.input(kind, description=description_of(kind))
    definition = get_object_definition(made, strict=True)
    definition.from_input = Builder(definition)
    return made


def enum_type(kind: EnumT, *, name: str | None = None) -> EnumT:
    """
    Decorates the class of an enum.

    Args:
        kind: The class, which may be the graph's own.
        name: Its name in the schema, if not the class's.
    """
    return strawberry.enum(kind, name=name, description=description_of(kind))


def field(resolver: Callable[..., Any] | None = None, **options: Any) -> Any:
    """
    Decorates the resolver of a field, with or without options.

    Args:
        resolver: Its docstring is the field's description.
        **options: As `strawberry.field` takes them.
    """
    if resolver is None:
        return partial(field, **options)
    return strawberry.field(resolver, description=description_of(resolver), **options)
