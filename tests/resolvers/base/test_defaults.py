"""What has a default is nullable, and null stands for the default."""

from typing import Any

import pytest
import strawberry
from graphql import Undefined, is_input_object_type, is_interface_type, is_non_null_type, is_object_type

from resolvers.base.defaults import settle_defaults
from resolvers.base.described import input_type
from tests.helpers.asking import SCHEMA


@input_type
class Wish:
    """A wish."""

    size: int = 3
    color: str | None = None


@strawberry.type
class Query:
    """Asks."""

    @strawberry.field
    def wished(self, wish: Wish, number: int = 2, label: str | None = None) -> str:
        """All that came."""
        return f"{wish.size} {wish.color} {number} {label}"


SMALL = strawberry.Schema(Query)
settle_defaults(SMALL._schema)


def list_defaulted() -> list[tuple[str, Any]]:
    """Every argument and input field of the schema, by place."""
    found: list[tuple[str, Any]] = []
    for name, kind in SCHEMA._schema.type_map.items():
        if name.startswith("__"):
            continue
        if is_input_object_type(kind):
            found += [(f"{name}.{key}", field) for key, field in kind.fields.items()]
        elif is_object_type(kind) or is_interface_type(kind):
            found += [
                (f"{name}.{key}({argument}:)", definition)
                for key, field in kind.fields.items()
                for argument, definition in field.args.items()
            ]
    return found


def test_arguments_with_a_default_are_nullable_and_none_is_null() -> None:
    """Code generators require what is not null."""
    found = list_defaulted()

    assert [place for place, given in found if given.default_value is None] == []
    with_defaults = [place for place, given in found if given.default_value is not Undefined]
    assert [place for place, given in found if place in with_defaults and is_non_null_type(given.type)] == []
    assert "Claim.cascades(first:)" in with_defaults
    assert "EvidenceInput.acceptUnlinkedPredictor" in with_defaults


@pytest.mark.parametrize(
    ("arguments", "came"),
    [
        ("wish: {}", "3 None 2 None"),
        ("wish: {size: null, color: null}, number: null, label: null", "3 None 2 None"),
        ('wish: {size: 7, color: "red"}, number: 9, label: "x"', "7 red 9 x"),
    ],
)
def test_null_is_the_default(arguments: str, came: str) -> None:
    """Of arguments as of an input's fields."""
    found = SMALL.execute_sync(f"{{ wished({arguments}) }}")

    assert (found.errors, found.data) == (None, {"wished": came})


def test_null_in_a_variable_is_the_default() -> None:
    """As a client sends it that has a variable for everything."""
    document = "query ($number: Int, $size: Int) { wished(number: $number, wish: {size: $size}) }"

    found = SMALL.execute_sync(document, variable_values={"number": None, "size": None})

    assert (found.errors, found.data) == (None, {"wished": "3 None 2 None"})
