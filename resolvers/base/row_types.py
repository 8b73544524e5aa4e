"""Derives the plain fields of GraphQL types from the rows of the graph: names, types and descriptions."""

import math
from collections.abc import Callable, Collection
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import strawberry
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from graph.model import values
from graph.model.properties import json_properties, json_value, parallel_lists
from graph.model.rows import Row
from graph.model.subjects import plain_properties
from resolvers.base.described import interface_type, object_type, summary_of
from resolvers.base.names import names_of
from resolvers.base.scalars import Day, Moment, Probability, Url

ClassT = TypeVar("ClassT", bound=type)

_SCALARS: Final = (
    (values.Moment, Moment),
    (values.Day, Day),
    (values.Probability, Probability),
    (values.Url, Url),
)


def row_type(row: type[Row], *, without: Collection[str] = ()) -> Callable[[ClassT], ClassT]:
    """
    Decorates a class that shows a row: it gets each plain property of the row as a field.

    Annotations in the class prevail, such as `ordinal: int` for an optional property; a field that is declared without
    a description takes the row's, and so does a class without a docstring.

    Args:
        row: The row's class.
        without: Properties that are not shown, or shown under another name.
    """
    return lambda kind: object_type(_with_properties(kind, row, without))


def row_interface(row: type[Row], *, without: Collection[str] = ()) -> Callable[[ClassT], ClassT]:
    """Decorates an interface that shows a row; see `row_type`."""
    return lambda kind: interface_type(_with_properties(kind, row, without))


def described_by(row: type[Row]) -> Callable[[ClassT], ClassT]:
    """Decorates a class that shares fields with a row: those without a description take the row's."""

    def decorate(kind: ClassT) -> ClassT:
        for name in kind.__annotations__.keys() & row.model_fields.keys():
            declared = kind.__dict__.get(name)
            if declared is None:
                setattr(kind, name, _plain_field(row, name))
            elif isinstance(declared, StrawberryField) and declared.description is None:
                declared.description = row.model_fields[name].description
        return kind

    return decorate


def summarized_by(row: type[Row]) -> Callable[[ClassT], ClassT]:
    """Decorates a class: without a docstring of its own, it takes the first paragraph of the row's."""

    def decorate(kind: ClassT) -> ClassT:
        if not kind.__dict__.get("__doc__"):
            kind.__doc__ = summary_of(row)
        return kind

    return decorate


def shown_types(row: type[Row]) -> dict[str, Any]:
    """The GraphQL type of each property of a row, as an annotation."""
    hints = get_type_hints(row, include_extras=True)
    in_json = json_properties(row) | parallel_lists(row).keys()
    return {name: JSON | None if name in in_json else _shown_type(hints[name]) for name in row.model_fields}


def _with_properties(kind: ClassT, row: type[Row], without: Collection[str]) -> ClassT:
    described_by(row)(summarized_by(row)(kind))
    types = shown_types(row)
    in_json = json_properties(row)
    present = {*without, *kind.__dict__, *_inherited(kind)}
    for name in plain_properties(row):
        if name not in present:
            kind.__annotations__[name] = types[name]
            setattr(kind, name, _json_field(row, name) if name in in_json else _plain_field(row, name))
    return kind


def _plain_field(row: type[Row], name: str) -> Any:
    return strawberry.field(description=row.model_fields[name].description, name=names_of(row).get(name))


def _json_field(row: type[Row], name: str) -> Any:
    def read(root: strawberry.Parent[Any]) -> JSON | None:
        return finite(json_value(root[name]))

    return strawberry.field(
        read,
        description=row.model_fields[name].description,
        name=names_of(row).get(name),
        metadata={"reads": (name,)},
    )


def finite(value: Any) -> Any:
    """
    Give a value of JSON back; JSON itself has no other numbers than finite ones, but Python reads and writes them.

    Raises:
        ValueError: A number in it is infinite or not a number.
    """
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, float) and not math.isfinite(part):
            message = f"expected JSON with finite numbers, got {part!r}"
            raise ValueError(message)
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
    return value


def _inherited(kind: type) -> set[str]:
    definitions = [getattr(base, "__strawberry_definition__", None) for base in kind.__mro__[1:]]
    return {field.python_name for definition in definitions if definition for field in definition.fields}


def _shown_type(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, UnionType}:
        (inner,) = (part for part in get_args(annotation) if part is not type(None))
        return _shown_type(inner) | None
    for value, scalar in _SCALARS:
        if annotation == value:
            return scalar
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
