"""Types that follow from rows: a property is declared and described in its row alone."""

import json
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType
from pydantic import Field

from graph.model import rows
from graph.model.kinds import ClaimStatus
from graph.model.rows import Row
from graph.model.values import Count, Day, Id, Metadata, Moment, Probability, Share, Text, Url
from resolvers.base.described import field, object_type
from resolvers.base.names import named
from resolvers.base.row_types import described_by, finite, row_type
from resolvers.base.scalars import SCALARS


class Parcel(Row):
    """A row with a property of each kind."""

    id: Id = Field(description="The key.")
    text: Text | None = Field(default=None, description="The text.")
    number: Count | None = Field(default=None, description="The number.")
    share: Share = Field(description="The share.")
    chance: Probability | None = Field(default=None, description="The chance.")
    url: Url | None = Field(default=None, description="The address.")
    day: Day = Field(description="The day.")
    at: Moment | None = Field(default=None, description="The moment.")
    status: ClaimStatus = Field(default=ClaimStatus.OPEN, description="The status.")
    is_whole: bool | None = Field(default=None, description="Whether it is whole.")
    extras: Metadata = Field(default=None, description="The extras.")


def _length(root: strawberry.Parent[Any]) -> int:
    """Length of the text."""
    return len(root["text"])


def graphql_type(kind: type) -> GraphQLObjectType:
    """A type as a schema has it."""
    query = object_type(type("Query", (), {"__doc__": "Asks.", "__annotations__": {"shown": kind}}))
    schema = strawberry.Schema(query=query, config=named(scalar_map=SCALARS))
    found = schema._schema.type_map[kind.__name__]
    assert isinstance(found, GraphQLObjectType)
    return found


def fields_of(kind: type) -> dict[str, tuple[str, str | None]]:
    """The type and the description of each field."""
    return {name: (str(found.type), found.description) for name, found in graphql_type(kind).fields.items()}


def test_a_type_shows_what_its_row_declares() -> None:
    """A property that is added to a row is shown without another line."""

    @row_type(Parcel, without=("id",))
    class ParcelType:
        """A parcel."""

    assert fields_of(ParcelType) == {
        "text": ("String", "The text."),
        "number": ("Int", "The number."),
        "share": ("Float!", "The share."),
        "chance": ("Probability", "The chance."),
        "url": ("URL", "The address."),
        "day": ("Date!", "The day."),
        "at": ("DateTime", "The moment."),
        "status": ("ClaimStatus!", "The status."),
        "isWhole": ("Boolean", "Whether it is whole."),
        "extras": ("JSON", "The extras."),
    }
    assert graphql_type(ParcelType).description == "A parcel."


def test_annotations_of_a_type_prevail_over_its_row() -> None:
    """What a row may lack may always be there in an answer; the description stays the row's."""

    @row_type(Parcel, without=("share", "extras"))
    class ParcelType:
        """A parcel."""

        id: strawberry.ID
        number: float

    shown = fields_of(ParcelType)

    assert shown["id"] == ("ID!", "The key.")
    assert shown["number"] == ("Float!", "The number.")
    assert not {"share", "extras"} & shown.keys()


def test_a_type_may_take_descriptions_alone() -> None:
    """A type that is no row's but shares some of its words says what it shows."""

    @object_type
    @described_by(Parcel)
    class ParcelType:
        """A part of a parcel."""

        share: float | None
        own: int = strawberry.field(description="Its own.")

    assert fields_of(ParcelType) == {"share": ("Float", "The share."), "own": ("Int!", "Its own.")}


def test_a_type_without_a_docstring_takes_its_rows() -> None:
    """The first paragraph; what follows is about bundles."""

    @row_type(rows.Milestone)
    class Shown:
        pass

    assert (
        graphql_type(Shown).description
        == "A dated sign that a prediction is coming true, or the predicted event itself."
    )


def test_references_and_keys_are_not_shown_as_properties() -> None:
    """Relations show what a reference names."""

    @row_type(rows.Validation)
    class Shown:
        """A validation."""

    assert set(fields_of(Shown)) == {"observedOn", "finding", "by", "note"}


def test_a_docstring_is_the_description_of_a_computed_field() -> None:
    """A description of two paragraphs is one in the schema."""

    @object_type
    class Shown:
        """
        A thing.

        In two paragraphs.
        """

        length: int = field(_length, metadata={"reads": ("text",)})

    assert fields_of(Shown) == {"length": ("Int!", "Length of the text.")}
    assert graphql_type(Shown).description == "A thing. In two paragraphs."


def test_a_type_without_a_docstring_is_refused() -> None:
    """Inherited docstrings describe another type."""

    class Base:
        """A base."""

    with pytest.raises(TypeError, match="Bare needs a docstring"):
        object_type(type("Bare", (Base,), {}))


@pytest.mark.parametrize("text", ["NaN", '[1, {"a": [-Infinity]}]', '{"a": 1e400}'])
def test_json_with_numbers_that_json_does_not_have_is_not_shown(text: str) -> None:
    """Python reads and writes them; a client would fail at them."""
    with pytest.raises(ValueError, match="expected JSON with finite numbers"):
        finite(json.loads(text))


def test_other_json_is_shown_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, {"b": "NaN"}], "c": 2**70}

    assert finite(value) is value
