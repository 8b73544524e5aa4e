"""Inputs that follow from rows: what identifies a row is required, all else may be left out."""

import strawberry
from graphql import GraphQLInputObjectType
from pydantic import Field

from graph.model import rows
from graph.model.subjects import ROW_LISTS, NodeList
from graph.model.values import Text
from resolvers.base.described import object_type
from resolvers.base.names import named
from resolvers.base.row_inputs import reference_fields, row_input, row_names
from resolvers.base.row_types import row_type
from resolvers.base.scalars import SCALARS


def fields_of(kind: type) -> dict[str, str]:
    """The type of each field of an input as a schema has it."""
    return {name: str(field.type) for name, field in input_of(kind).fields.items()}


def input_of(kind: type) -> GraphQLInputObjectType:
    """An input as a schema has it."""

    def ask(given: None = None) -> int:
        """Ask."""
        return given or 0

    ask.__annotations__["given"] = kind | None
    query = object_type(type("Query", (), {"__doc__": "Asks.", "asked": strawberry.field(ask)}))
    schema = strawberry.Schema(query=query, config=named(scalar_map=SCALARS))
    found = schema._schema.type_map[kind.__name__]
    assert isinstance(found, GraphQLInputObjectType)
    return found


def test_what_identifies_a_row_is_required_and_all_else_may_be_left_out() -> None:
    """What is left out stays as it is."""

    @row_input(ROW_LISTS["milestones"], without=("status", "ordinal"))
    class ChangedInput:
        """A milestone."""

    found = fields_of(ChangedInput)
    changed = ChangedInput(id="m")  # type: ignore[call-arg] # mypy does not see the fields that the decorator adds

    assert (found["id"], found["prediction"], found["label"]) == ("ID!", "ID", "String")
    assert not {"status", "ordinal", "predictionId"} & found.keys()
    assert vars(changed)["label"] is strawberry.UNSET


def test_a_row_that_is_always_new_requires_what_it_must_have() -> None:
    """Nothing is stored that could stay."""

    @row_input(ROW_LISTS["validations"], without=("id",), is_new=True)
    class AddedInput:
        """A validation."""

    assert fields_of(AddedInput) == {
        "prediction": "ID!",
        "observedOn": "Date!",
        "finding": "String!",
        "by": "String",
        "note": "String",
    }


def test_a_relationship_is_identified_by_its_type_and_its_ends() -> None:
    """An exposure's symbol names a ticker."""
    listed = ROW_LISTS["exposures"]

    @row_input(listed, only=listed.key)
    class EndsInput:
        """Which exposure."""

    assert fields_of(EndsInput) == {"sign": "ExposureSign!", "prediction": "ID!", "ticker": "ID!"}
    assert {name: found.property for name, found in reference_fields(listed).items()} == {
        "prediction": "prediction_id",
        "ticker": "symbol",
    }
    assert row_names(ROW_LISTS["predictions"])["reference_class_id"] == "referenceClass"


def test_an_input_says_what_a_row_says_and_what_an_id_may_be() -> None:
    """A description stands once, in the row."""

    @row_input(ROW_LISTS["milestones"])
    class ChangedInput:
        """A milestone."""

    fields = input_of(ChangedInput).fields

    assert fields["criterion"].description == rows.Milestone.model_fields["criterion"].description
    assert fields["prediction"].description == (
        f"{rows.Milestone.model_fields['prediction_id'].description} Takes a key or a global id. "
        "Required for a new one."
    )


def test_a_property_that_is_added_to_a_row_is_everywhere_at_once() -> None:
    """Adding a text property touches its row alone."""

    class Document(rows.Document):
        """A document with a property more."""

        abstract: Text | None = Field(default=None, description="The abstract.")

    listed = NodeList("documents", Document)

    @row_type(Document, without=("id",))
    class Shown:
        """A document."""

    @row_input(listed)
    class ShownInput:
        """A document."""

    shown = {field.python_name: field for field in Shown.__dict__["__strawberry_definition__"].fields}

    assert shown["abstract"].description == "The abstract."
    assert input_of(ShownInput).fields["abstract"].description == "The abstract."
    assert fields_of(ShownInput)["abstract"] == "String"
    assert Document.model_json_schema()["properties"]["abstract"]["description"] == "The abstract."
