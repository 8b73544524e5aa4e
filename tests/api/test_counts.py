"""The length of every list that a client can send is checked before anything in the list is read."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from graphql import get_named_type, is_input_object_type, is_interface_type, is_object_type, parse

from api.counts import (
    MOST_JSON_BRACKETS,
    MOST_OBJECT_FIELDS,
    MOST_VARIABLES,
    Excess,
    count_json_brackets,
    find_excess,
    longest_literal,
)
from api.settings import Settings
from tests.helpers.asking import SCHEMA
from tests.helpers.service_fakes import build_app, codes, messages, open_client

GRAPHQL: Any = SCHEMA._schema
MOST = Settings().max_items


class Listed(NamedTuple):
    """An argument that holds a list, itself or within its input: where it is, its type, and the list's place in it."""

    parent: str
    field: str
    argument: str
    kind: str
    inner: tuple[str, ...]


def list_listed() -> Iterator[Listed]:
    """All of them, found by walking the whole schema."""
    for name, kind in GRAPHQL.type_map.items():
        if not name.startswith("__") and (is_object_type(kind) or is_interface_type(kind)):
            for field_name, field in kind.fields.items():
                for argument_name, argument in field.args.items():
                    for inner in places(argument.type):
                        yield Listed(name, field_name, argument_name, str(argument.type), inner)


def places(kind: Any, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """The places of lists in a type's value."""
    if "[" in str(kind):
        yield ()
    named = get_named_type(kind)
    if is_input_object_type(named) and depth < 5:
        for name, field in named.fields.items():
            yield from ((name, *inner) for inner in places(field.type, depth + 1))


LISTED = list(list_listed())


def put(place: tuple[str, ...], items: list[Any]) -> Any:
    """A value with a list at a place."""
    return {place[0]: put(place[1:], items)} if place else items


def name_of(listed: Listed) -> str:
    """Its name in a report."""
    return f"{listed.parent}.{listed.field}({'.'.join((listed.argument, *listed.inner))})"


def test_the_schema_has_such_lists() -> None:
    found = {(listed.argument, *listed.inner) for listed in LISTED}

    assert found >= {
        ("input", "items"),
        ("targets",),
        ("observations",),
        ("ids",),
        ("kinds",),
        ("signs",),
        ("filter", "status"),
    }


@pytest.mark.parametrize("listed", LISTED, ids=name_of)
def test_every_list_in_a_variable_is_counted(listed: Listed) -> None:
    """Whatever its items are; wrong ones are none the cheaper. Positions may be more than other items."""
    document = parse(f"query ($v: {listed.kind}) {{ __typename }}")
    most = 10_001 if {"positions", "change"} & {listed.argument, *listed.inner} else MOST
    value = put(listed.inner, [{"x": []}] * (most + 1))

    assert find_excess(GRAPHQL, document, {"v": value}, MOST) == (most + 1, most, "items in one list")


@pytest.mark.parametrize("listed", LISTED, ids=name_of)
def test_every_list_in_a_document_is_counted(listed: Listed) -> None:
    literal = "[" + "1 " * (MOST + 1) + "]"
    for name in reversed(listed.inner):
        literal = f"{{ {name}: {literal} }}"
    (definition,) = parse(f"{{ {listed.field}({listed.argument}: {literal}) {{ __typename }} }}").definitions
    field: Any = definition.selection_set.selections[0]  # type: ignore[attr-defined]  # an operation

    assert longest_literal(field.arguments[0].value) == MOST + 1


MANY_FIELDS = {f"x{n}": 1 for n in range(MOST_OBJECT_FIELDS + 1)}
MANY_ITEMS = [1] * (MOST + 1)
FIELDS = Excess(MOST_OBJECT_FIELDS + 1, MOST_OBJECT_FIELDS, "fields in one object")
ITEMS = Excess(MOST + 1, MOST, "items in one list")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("PredictionFilterInput", MANY_FIELDS, FIELDS),
        ("[EvidenceInput!]", [{"note": "x"}, MANY_FIELDS], FIELDS),
        ("[EvidenceInput!]", MANY_FIELDS, FIELDS),
        ("[ID!]", [[], [{"a": MANY_FIELDS}]], FIELDS),
        ("ID", MANY_FIELDS, FIELDS),
        ("ID", {"a": [MANY_ITEMS]}, ITEMS),
        ("Nothing", MANY_ITEMS, ITEMS),
        ("PredictionInput", {"unknown": {"a": MANY_ITEMS}}, ITEMS),
        ("PredictionInput", {"rawMetadata": {"a": MANY_FIELDS, "b": MANY_ITEMS}}, None),
        ("JSON", {"a": MANY_FIELDS, "b": [MANY_ITEMS]}, None),
        ("[JSON!]", [MANY_FIELDS], None),
        ("[EvidenceInput!]", [dict.fromkeys("abc", 1)] * MOST, None),
        ("ID", "x" * 10_000, None),
    ],
)
def test_wrong_values_are_counted_too_and_only_json_may_be_long(kind: str, value: Any, expected: Excess | None) -> None:
    """Each error in a value is reported with the value, so that wrong ones cost most."""
    document = parse(f"query ($v: {kind}) {{ __typename }}")

    assert find_excess(GRAPHQL, document, {"v": value}, MOST) == expected


def test_variables_are_counted_whether_or_not_they_are_declared() -> None:
    variables = {f"x{n}": n for n in range(MOST_VARIABLES + 1)}

    assert find_excess(GRAPHQL, parse("{ __typename }"), variables, MOST) == (1_001, 1_000, "names")


def test_every_input_has_fewer_fields_than_an_object_may() -> None:
    inputs = [kind for kind in GRAPHQL.type_map.values() if is_input_object_type(kind)]

    assert max(len(kind.fields) for kind in inputs) < MOST_OBJECT_FIELDS


async def ask(query: str, **variables: Any) -> httpx.Response:
    async with open_client(build_app(max_items=1_000)) as client:
        return await client.post("/graphql", json={"query": query, "variables": variables})


async def test_a_long_list_in_the_variables_is_told_with_its_length_and_the_limit() -> None:
    """The tests' schema allows 50; its field is not asked, nor are the items read."""
    response = await ask("query ($n: [Int!]) { hello @include(if: true) }", n=["x"] * 51)

    assert messages(response) == ["The request's variables have 51 items in one list, at most 50 are allowed."]
    assert response.json()["errors"][0]["extensions"] == {"code": "TOO_LARGE", "size": 51, "limit": 50}
    assert "data" not in response.json()


@pytest.mark.parametrize(
    "query",
    [
        "{ hello(name: [%s]) }",
        "{ hello(name: {x: [1, {y: [%s]}]}) }",
        "query ($n: [Int!] = [%s]) { hello }",
        "{ ...F } fragment F on Query { hello(name: [%s]) }",
    ],
)
async def test_a_long_list_in_the_document_is_told_with_its_length_and_the_limit(query: str) -> None:
    response = await ask(query % ("1 " * 51))

    assert messages(response) == ["The document has 51 items in one list, at most 50 are allowed."]
    assert response.json()["errors"][0]["extensions"] == {"code": "TOO_LARGE", "size": 51, "limit": 50}


async def test_variables_nested_too_deep_are_told_so() -> None:
    """JSON may nest as deep as Python's parser allows, which is deeper than a walk by types gets."""
    body = json.dumps({"query": "query ($n: [Int!]) { hello }", "variables": {"n": 1}})
    nested = body.replace('"n": 1', '"n": ' + "[" * 800 + "]" * 800)
    async with open_client(build_app()) as client:
        response = await client.post("/graphql", content=nested, headers={"content-type": "application/json"})

    assert codes(response) == ["TOO_DEEP"]
    assert messages(response) == ["The request's variables are nested too deep."]


async def test_lists_up_to_the_limit_are_read() -> None:
    """Here to be refused for what they hold."""
    response = await ask("query ($n: [Int!]) { hello(name: $n) }", n=["x"] * 50)

    assert messages(response) == ["Variable '$n' of type '[Int!]' used in position expecting type 'String!'."]


async def test_many_arrays_are_refused_before_they_are_parsed() -> None:
    body = b'{"query": "{ hello }", "variables": {"x": [%b[]]}}' % (b"[]," * MOST_JSON_BRACKETS)
    async with open_client(build_app()) as client:
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        after = await client.post("/graphql", json={"query": "{ hello }"})

    assert response.status_code == 413
    assert codes(response) == ["BODY_TOO_LARGE"]
    assert messages(response) == [
        f"The request's JSON has {MOST_JSON_BRACKETS + 5} brackets, at most 200000 are allowed."
    ]
    assert after.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize("value", [1, [], [[]], {}, {"a": [1, {"b": []}]}, "no"])
def test_brackets_are_the_arrays_and_objects(value: Any) -> None:
    def count(part: Any) -> int:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return isinstance(part, list | dict) + sum(map(count, inner))

    assert count_json_brackets(json.dumps(value).encode()) == count(value)
