"""Enums of the schema name what the graph has, and all of it."""

from enum import Enum

import pytest
import strawberry
from graphql import GraphQLEnumType
from strawberry.types.enum import StrawberryEnumDefinition

from graph.model.relations import RELATIONS
from graph.model.rows import Exposure, Influence
from graph.model.subjects import SUBJECTS
from resolvers.base import enums
from resolvers.base.enums import EdgeKind, Subject

DECLARED = [getattr(enums, name) for name in enums.__all__]


def definition(kind: type[Enum]) -> StrawberryEnumDefinition:
    """What the schema is told of an enum."""
    found = kind.__dict__["__strawberry_definition__"]
    assert isinstance(found, StrawberryEnumDefinition)
    return found


def test_every_subject_can_be_named() -> None:
    """A client writes it as a constant; the graph gets its label."""
    assert [subject.value for subject in Subject] == list(SUBJECTS)
    assert Subject["REFERENCE_CLASS"].value == "ReferenceClass"
    assert all(subject.name.replace("_", "").lower() == subject.value.lower() for subject in Subject)


def test_every_relationship_that_a_relation_follows_can_be_named_once() -> None:
    """Under the name that it has in Cypher."""
    assert {kind.value for kind in EdgeKind} == {name for relation in RELATIONS for name in relation.types}
    assert all(kind.name == kind.value for kind in EdgeKind)
    assert {*Influence.model_fields["kind"].annotation, *Exposure.model_fields["sign"].annotation} <= set(EdgeKind)  # type: ignore[misc] # both are enums


@pytest.mark.parametrize("kind", DECLARED, ids=enums.__all__)
def test_an_enum_is_shown_under_the_name_that_resolvers_use(kind: type[Enum]) -> None:
    """Whatever the graph calls it; its description is its docstring, and its names are constants."""
    shown = definition(kind)

    assert getattr(enums, shown.name) is kind
    assert shown.description == " ".join((kind.__doc__ or "").split()) != ""
    assert all(value.name == value.name.upper() for value in shown.values)


@pytest.mark.parametrize("kind", DECLARED, ids=enums.__all__)
def test_an_enums_names_are_those_of_its_class(kind: type[Enum]) -> None:
    """A schema that has it gives each back as the graph's own member."""
    query = strawberry.type(type("Query", (), {"__annotations__": {"shown": kind}}))
    found = strawberry.Schema(query)._schema.type_map[definition(kind).name]

    assert isinstance(found, GraphQLEnumType)
    assert {name: found.parse_value(name) for name in found.values} == dict(kind.__members__)
