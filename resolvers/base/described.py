"""Types and computed fields whose description is their docstring, so that it stands once."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import strawberry

TypeT = TypeVar("TypeT", bound=type)


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


def object_type(kind: TypeT) -> TypeT:
    """Decorates the class of a GraphQL type."""
    return strawberry.type(kind, description=description_of(kind))


def interface_type(kind: TypeT) -> TypeT:
    """Decorates the class of a GraphQL interface."""
    return strawberry.interface(kind, description=description_of(kind))


def input_type(kind: TypeT) -> TypeT:
    """Decorates the class of a GraphQL input."""
    return strawberry.input(kind, description=description_of(kind))


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
