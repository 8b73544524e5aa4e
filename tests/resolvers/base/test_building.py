"""Objects of input types are those that the library makes."""

import dataclasses
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
)
from strawberry.types.arguments import convert_argument

from resolvers.base.building import Builder
from tests.helpers.asking import SCHEMA

CASES = 20
ODDS_OF_ABSENCE = 0.3
INPUTS = sorted(name for name, kind in SCHEMA._schema.type_map.items() if is_input_object_type(kind))


def _draw(kind: Any, source: random.Random, depth: int = 0) -> Any:
    """Draw a value of a type as graphql-core passes it on; scalars stand for themselves, as nothing converts them."""
    if not is_non_null_type(kind) and source.random() < ODDS_OF_ABSENCE:
        return None
    inner: Any = get_nullable_type(kind)
    if is_list_type(inner):
        return [_draw(inner.of_type, source, depth + 1) for _ in range(source.randrange(3))]
    if is_input_object_type(inner):
        return _draw_object(inner, source, depth + 1)
    if is_enum_type(inner):
        return source.choice([value.value for value in inner.values.values()])
    return source.random()


def _draw_object(kind: GraphQLInputObjectType, source: random.Random, depth: int = 0) -> dict[str, Any]:
    found = {}
    for name, field in kind.fields.items():
        is_left_out = not is_non_null_type(field.type) and (depth > 2 or source.random() < ODDS_OF_ABSENCE)
        if not is_left_out:
            found[name] = _draw(field.type, source, depth)
    return found


@contextmanager
def _as_the_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing but the library's own way."""
    with monkeypatch.context() as patch:
        for name in INPUTS:
            patch.setattr(SCHEMA._schema.type_map[name].extensions["strawberry-definition"], "from_input", None)
        yield


@pytest.mark.parametrize("name", INPUTS)
def test_each_input_is_what_the_library_makes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random values, with fields that are absent, null, lists and objects in objects."""
    kind: Any = SCHEMA._schema.type_map[name]
    definition, registry = kind.extensions["strawberry-definition"], SCHEMA.schema_converter.scalar_registry
    assert isinstance(definition.from_input, Builder)
    source = random.Random(name)
    for _ in range(CASES):
        value = _draw_object(kind, source)
        made: Any = convert_argument(value, definition.origin, registry, SCHEMA.config)
        with _as_the_library(monkeypatch):
            expected: Any = convert_argument(value, definition.origin, registry, SCHEMA.config)
        assert type(made) is type(expected)
        assert dataclasses.asdict(made) == dataclasses.asdict(expected)
