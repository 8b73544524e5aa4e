"""Docstrings as descriptions; types and fields are tested with `test_row_types`."""

from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLNamedType

from resolvers.base.described import (
    description_of,
    enum_type,
    field,
    input_type,
    interface_type,
    object_type,
    summary_of,
)


class Long:
    """
    The first paragraph, which
    goes over two lines.

    The second.

    Attributes:
        x: A letter.
    """


class Short:
    """One line."""


class Silent(Short):
    """"""  # noqa: D419 - says nothing on purpose


def unnamed() -> None:
    pass


@pytest.mark.parametrize(
    ("documented", "summary"),
    [(Long, "The first paragraph, which goes over two lines."), (Short, "One line."), (unnamed, "")],
)
def test_a_summary_is_the_first_paragraph(documented: type | Callable[[], None], summary: str) -> None:
    """On one line, however it was broken."""
    assert summary_of(documented) == summary


def test_a_description_is_the_whole_docstring_on_one_line() -> None:
    """It begins with the summary."""
    assert description_of(Short) == summary_of(Short)
    assert description_of(Long) == f"{summary_of(Long)} The second. Attributes: x: A letter."


@pytest.mark.parametrize("documented", [unnamed, Silent, type("Bare", (Short,), {})])
def test_a_description_is_never_empty_nor_anothers(documented: type | Callable[[], None]) -> None:
    """The refusal names what lacks its docstring."""
    with pytest.raises(TypeError, match=f"{documented.__qualname__} needs a docstring"):
        description_of(documented)


def _area(root: strawberry.Parent[Any]) -> float:
    """Its content."""
    return float(root.area)


@interface_type
class Shape:
    """A closed curve."""

    area: float = field(deprecation_reason="Measure it.")(_area)


@object_type
class Circle(Shape):
    """All points at one distance from a centre."""


@enum_type
class Color(Enum):
    """How it is painted."""

    RED = 1


@input_type
class Wish:
    """How it should be painted."""

    color: Color


class Tone(Enum):
    """How light it is."""

    DARK = 1


enum_type(Tone, name="Lightness")


@object_type
class Query:
    """Asks."""

    @field
    def painted(self, wish: Wish, tone: Tone = Tone.DARK) -> Circle:
        """One as wished for."""
        return Circle()


TYPES = strawberry.Schema(Query)._schema.type_map


@pytest.mark.parametrize(
    ("name", "kind", "description"),
    [
        ("Shape", GraphQLInterfaceType, "A closed curve."),
        ("Circle", GraphQLNamedType, "All points at one distance from a centre."),
        ("Color", GraphQLEnumType, "How it is painted."),
        ("Lightness", GraphQLEnumType, "How light it is."),
        ("Wish", GraphQLInputObjectType, "How it should be painted."),
    ],
)
def test_each_kind_of_type_is_described_by_its_class(name: str, kind: type[GraphQLNamedType], description: str) -> None:
    """Under the class's name, or the one given."""
    assert isinstance(TYPES[name], kind)
    assert TYPES[name].description == description


def test_a_field_with_options_is_described_like_one_without() -> None:
    """Both ways to decorate take the docstring."""
    shape, query = TYPES["Shape"], TYPES["Query"]
    assert isinstance(shape, GraphQLInterfaceType)

    assert shape.fields["area"].description == "Its content."
    assert shape.fields["area"].deprecation_reason == "Measure it."
    assert query.fields["painted"].description == "One as wished for."  # type: ignore[attr-defined] # an object type
