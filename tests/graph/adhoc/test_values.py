"""Every value of Neo4j has a JSON form, and its typed form is the value."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neo4j.exceptions import Neo4jError

from graph.adhoc.values import plain, read_parameters, typed
from graph.database.sessions import Database
from graph.errors import InvalidError
from tests.helpers.typed_json import comparable, decode

pytestmark = pytest.mark.statements

PLAIN: dict[str, Any] = {
    "null": None,
    "true": True,
    "'ä \\u0000 \"😀'": 'ä \0 "😀',
    "''": "",
    "7": 7,
    "9007199254740991": 2**53 - 1,
    "-9007199254740991": 1 - 2**53,
    "9007199254740992": "9007199254740992",
    "9223372036854775807": "9223372036854775807",
    "-9223372036854775808": "-9223372036854775808",
    "1.0": 1.0,
    "0.1": 0.1,
    "4.9e-324": 5e-324,
    "1.7976931348623157e308": 1.7976931348623157e308,
    "0.0/0.0": "NaN",
    "1.0/0.0": "Infinity",
    "-1.0/0.0": "-Infinity",
    "[1, 'a', [null, 2.5]]": [1, "a", [None, 2.5]],
    "[]": [],
    "{a: 1, b: {c: date('2026-01-02')}}": {"a": 1, "b": {"c": "2026-01-02"}},
    "date('0001-01-01')": "0001-01-01",
    "time('12:30:00.5+01:00')": "12:30:00.5+01:00",
    "time('12:30:00Z')": "12:30:00Z",
    "localtime('23:59:59.999999999')": "23:59:59.999999999",
    "localdatetime('2026-05-30T22:15:00')": "2026-05-30T22:15:00",
    "datetime('2026-05-30T22:15:00.756418Z')": "2026-05-30T22:15:00.756418Z",
    "datetime('2026-05-30T22:15:00-03:30')": "2026-05-30T22:15:00-03:30",
    "datetime('9999-12-31T23:59:59.999999999Z')": "9999-12-31T23:59:59.999999999Z",
    "duration('P1Y2M3DT4H5M6.789S')": "P1Y2M3DT4H5M6.789S",
    "duration({seconds: -1, nanoseconds: -1})": "PT-1.000000001S",
    "point({x: 1, y: 2.5})": {"srid": 7203, "x": 1.0, "y": 2.5},
    "point({x: 1, y: 2, z: 3})": {"srid": 9157, "x": 1.0, "y": 2.0, "z": 3.0},
    "point({longitude: 13.4, latitude: 52.5})": {"srid": 4326, "x": 13.4, "y": 52.5},
    "point({longitude: 13.4, latitude: 52.5, height: 34})": {"srid": 4979, "x": 13.4, "y": 52.5, "z": 34.0},
}
"""Plain forms of expressions."""

ZONED = (
    "datetime('2026-05-30T22:15:00.000000001[Europe/Berlin]')",
    "datetime('2026-10-25T02:30:00+02:00[Europe/Berlin]')",  # the same hour comes twice
    "datetime('2026-10-25T02:30:00+01:00[Europe/Berlin]')",
    "datetime('1890-01-01T00:00:00[Europe/Paris]')",  # an offset with seconds, which the driver rounds
)

TEMPORAL = (*ZONED[:-1], *(text for text in PLAIN if text.startswith(("date", "time", "local", "duration"))))

VECTORS = (
    "vector([1, -128, 127], 3, INTEGER8)",
    "vector([1, 32767], 2, INTEGER16)",
    "vector([1, 2147483647], 2, INTEGER32)",
    "vector([9223372036854775807], 1, INTEGER64)",
    "vector([0.1, 1.5], 2, FLOAT32)",
    "vector([0.1, -1.5e300], 2, FLOAT64)",
)

ANY = (*PLAIN, *ZONED)


async def evaluate(database: Database, expression: str, **parameters: Any) -> Any:
    """The value of an expression."""
    async with database.open_session() as session:
        return (await (await session.run(f"RETURN {expression} AS value", parameters)).single(strict=True))["value"]


@pytest.mark.parametrize("expression", PLAIN)
async def test_plain_forms_are_as_documented(database: Database, expression: str) -> None:
    form = plain(await evaluate(database, expression))

    assert json.dumps(form) == json.dumps(PLAIN[expression])


@pytest.mark.parametrize("expression", TEMPORAL)
async def test_plain_moments_are_what_cypher_writes(database: Database, expression: str) -> None:
    """The second route is the server's own text, but for the zone's name."""
    text = await evaluate(database, f"toString({expression})")

    assert plain(await evaluate(database, expression)) == text.partition("[")[0]


@pytest.mark.parametrize("expression", ANY)
async def test_typed_forms_are_read_back_as_the_value(database: Database, expression: str) -> None:
    value = await evaluate(database, expression)

    read = decode(json.loads(json.dumps(typed(value), allow_nan=False)))

    assert comparable(read) == comparable(value)


@pytest.mark.parametrize("expression", ANY)
async def test_a_typed_form_as_a_parameter_is_the_value(database: Database, expression: str) -> None:
    value = await evaluate(database, expression)

    parameters = read_parameters({"value": json.loads(json.dumps(typed(value)))})

    assert comparable(await evaluate(database, "$value", **parameters)) == comparable(value)


async def test_bytes_are_base64_and_read_back(database: Database) -> None:
    value = await evaluate(database, "$value", value=b"\0\xff+/")

    assert plain(value) == "AP8rLw=="
    assert decode(typed(value)) == b"\0\xff+/"
    assert read_parameters({"b": typed(value)}) == {"b": b"\0\xff+/"}


@pytest.mark.parametrize("expression", VECTORS)
async def test_vectors_are_lists_and_read_back(database: Database, expression: str) -> None:
    try:
        value = await evaluate(database, expression)
    except Neo4jError:
        pytest.skip("this release has no vectors")

    assert plain(value) == [plain(number) for number in value.to_native()]
    assert comparable(decode(typed(value))) == comparable(value)
    assert comparable(await evaluate(database, "$v", **read_parameters({"v": typed(value)}))) == comparable(value)


async def test_parts_of_the_graph_are_shown_whole(database: Database) -> None:
    async with database.open_session() as session:
        statement = (
            "CREATE (a:B:A {since: date('2026-01-02'), big: 9007199254740993})"
            "-[r:KNOWS {p: 0.5}]->(b {name: 'b'})<-[s:KNOWS]-(c) "
            "WITH * MATCH path = (a)-[r]->(b)<-[s]-(c) RETURN a, b, c, r, s, path, [a, r] AS list, {node: a} AS map"
        )
        record = await (await session.run(statement)).single(strict=True)

    a, b, r, s, path = (record[name] for name in ("a", "b", "r", "s", "path"))
    shown = {
        "elementId": a.element_id,
        "labels": ["A", "B"],
        "properties": {"since": "2026-01-02", "big": "9007199254740993"},
    }
    assert plain(a) == shown
    assert plain(r) == {
        "elementId": r.element_id,
        "startNodeElementId": a.element_id,
        "endNodeElementId": b.element_id,
        "type": "KNOWS",
        "properties": {"p": 0.5},
    }
    assert [step["elementId"] for step in plain(path)] == [
        part.element_id for part in (a, r, b, s, record["c"])
    ]  # in the order of the path, whatever the direction
    assert plain(record["map"]) == {"node": shown}
    for name in ("a", "r", "path"):
        assert decode(typed(record[name])) == comparable(record[name])
    assert decode(typed(record["list"])) == comparable(record["list"])


async def test_every_typed_form_says_another_type(database: Database) -> None:
    """Values that look the same in plain JSON do not in typed JSON."""
    alike = ["'2026-01-02'", "date('2026-01-02')", "1", "1.0", "'1'", "localdatetime('2026-01-02T00:00:00')"]
    names = [typed(await evaluate(database, expression))["$type"] for expression in alike]

    assert names == ["String", "Date", "Integer", "Float", "String", "LocalDateTime"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_typed_values_survive_json(value: Any) -> None:
    """Through standard JSON, which has neither NaN nor 64-bit integers, and back on two ways."""
    text = json.dumps(typed(value), allow_nan=False)

    assert comparable(decode(json.loads(text))) == comparable(value)
    assert comparable(read_parameters({"v": json.loads(text)})["v"]) == comparable(value)


@given(values)
def test_plain_values_are_standard_json(value: Any) -> None:
    form = json.loads(json.dumps(plain(value), allow_nan=False))

    assert form == plain(value)


def test_plain_parameters_are_taken_as_they_are() -> None:
    given_ = {"a": [1, 2.5, "x", None, True], "b": {"c": {"$type": "Date"}}}

    assert read_parameters(given_) == given_


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (2**63, "parameters.v", "64 bits"),
        ([{"x": -(2**63) - 1}], "parameters.v[0].x", "64 bits"),
        ({"$type": "Integer", "_value": "1.5"}, "parameters.v", "whole number"),
        ({"$type": "Integer", "_value": 1}, "parameters.v", "a string"),
        ({"$type": "Date", "_value": "2026-02-30"}, "parameters.v", "Date"),
        ({"$type": "Date", "_value": "30.5.2026"}, "parameters.v", "Date"),
        ({"$type": "OffsetDateTime", "_value": "2026-01-01T00:00:00"}, "parameters.v", "OffsetDateTime"),
        ({"$type": "ZonedDateTime", "_value": "2026-01-01T00:00:00+01:00[Mars/Base]"}, "parameters.v", "no time zone"),
        ({"$type": "ZonedDateTime", "_value": "2026-01-01T00:00:00+05:00[Europe/Berlin]"}, "parameters.v", "offset"),
        ({"$type": "Base64", "_value": "?"}, "parameters.v", "Base64"),
        ({"$type": "Point", "_value": "SRID=1;POINT (1 2)"}, "parameters.v", "Point"),
        ({"$type": "Point", "_value": "SRID=7203;POINT (1 2 3)"}, "parameters.v", "Point"),
        ({"$type": "Vector", "_value": {"coordinatesType": "INT8", "coordinates": ["300"]}}, "parameters.v", "Vector"),
        ({"$type": "Node", "_value": {}}, "parameters.v", "$type"),
        ({"$type": ["x"], "_value": {}}, "parameters.v", "$type"),
    ],
)
def test_wrong_parameters_are_refused_by_their_path(value: Any, path: str, message: str) -> None:
    with pytest.raises(InvalidError) as raised:
        read_parameters({"v": value})

    assert raised.value.path == path
    assert message in raised.value.message


def test_parameters_that_are_nested_too_deep_are_refused() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]

    with pytest.raises(InvalidError, match="within each other"):
        read_parameters({"v": value})


def test_a_value_of_no_known_type_is_refused() -> None:
    with pytest.raises(InvalidError, match="type object"):
        plain(object())
    with pytest.raises(InvalidError, match="type object"):
        typed([object()])


def test_a_negative_zero_stays_one() -> None:
    assert math.copysign(1, float(typed(-0.0)["_value"])) == -1
