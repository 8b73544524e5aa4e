"""The schema as clients see it: committed, described, and of one mind with the graph."""

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLNamedType, is_input_object_type, is_interface_type, is_object_type

import resolvers
from graph.model.relations import RELATIONS, RELATIONSHIP_TYPES
from graph.model.subjects import SUBJECTS
from resolvers.base.enums import EdgeKind, Subject
from resolvers.base.selection import Follows
from resolvers.schema import build_schema, print_sdl

GRAPHQL = build_schema()._schema
OWN_TYPES = sorted(name for name in GRAPHQL.type_map if not name.startswith("__"))
BUILT_IN = {"Boolean", "Float", "ID", "Int", "String"}


def test_the_committed_sdl_is_the_schema() -> None:
    """A change of the schema shows in review; `make schema` writes the file anew."""
    committed = Path(resolvers.__file__).with_name("schema.graphql").read_text(encoding="utf-8")

    assert committed == print_sdl()


@pytest.mark.parametrize("name", sorted(set(OWN_TYPES) - BUILT_IN))
def test_every_type_field_and_argument_is_described(name: str) -> None:
    """GraphiQL is the reference that analysts read."""
    named: GraphQLNamedType = GRAPHQL.type_map[name]
    missing = [] if named.description else [name]
    if is_object_type(named) or is_interface_type(named):
        for field_name, field in named.fields.items():
            missing += [] if field.description else [f"{name}.{field_name}"]
            missing += [f"{name}.{field_name}({a}:)" for a, found in field.args.items() if not found.description]
    if is_input_object_type(named):
        missing += [f"{name}.{field_name}" for field_name, field in named.fields.items() if not field.description]

    assert missing == []


def test_enums_are_the_graphs_own_lists() -> None:
    """One idea keeps one word in Cypher, Python and GraphQL."""
    assert tuple(kind.value for kind in EdgeKind) == RELATIONSHIP_TYPES
    assert tuple(subject.value for subject in Subject) == SUBJECTS
    assert isinstance(GRAPHQL.type_map["EdgeKind"], GraphQLEnumType)


def test_every_relation_can_be_followed() -> None:
    """A relation that no field follows would be dead."""
    followed = set()
    for subject in SUBJECTS:
        definition = build_schema().get_type_by_name(subject)
        assert definition is not None
        for field in getattr(definition, "fields", ()):
            follows = field.metadata.get("follows")
            followed |= {follows.relation} if isinstance(follows, Follows) else set()
            followed |= {gather.relation for gather in field.metadata.get("gathers", ())}

    assert followed == set(RELATIONS)
