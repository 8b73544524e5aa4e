"""Documents are kept by the hash of their text, within their bytes, and priced once for all that costs the same."""

import hashlib

import pytest

from api.documents import BYTES_A_TOKEN, Documents, Operation, identify
from api.limits import list_extensions
from resolvers.schema import build_schema as build_whole_schema
from tests.helpers.service_fakes import LIMITS, build_schema

TEXTS = [f'{{ hello(name: "{number}") }}' for number in range(4)]
PAGES = """query ($first: Int!, $id: ID!, $nested: Boolean = true) { prediction(id: $id) {
    incoming(first: $first) { nodes { kind claim { outgoing(first: $first) @include(if: $nested)
        { nodes { kind } } } } } } }"""
WHOLE = build_whole_schema(extensions=list_extensions(LIMITS, introspection=True))


def operation_of(text: str) -> Operation:
    """The first operation of a document."""
    documents = Documents(WHOLE, 1 << 20)
    documents.keep(text)
    document = documents.find(identify(text))
    assert document is not None
    return document.operations[0]


def test_an_id_is_the_hash_of_the_text() -> None:
    """Clients compute it themselves."""
    assert identify("{ hello }") == hashlib.sha256(b"{ hello }").hexdigest()


def test_those_unused_longest_go_first() -> None:
    documents = Documents(build_schema(), 1 << 20)
    documents.keep(TEXTS[0])
    room = documents.num_bytes * 3
    documents = Documents(build_schema(), room)
    for text in TEXTS[:3]:
        documents.keep(text)
    assert documents.find(identify(TEXTS[0])) is not None
    documents.keep(TEXTS[3])

    assert [documents.find(identify(text)) is not None for text in TEXTS[:4]] == [True, False, True, True]
    assert len(documents) == 3
    assert 0 < documents.num_bytes <= room


def test_a_document_above_all_room_is_not_kept_and_drops_none() -> None:
    documents = Documents(build_schema(), 10_000)
    documents.keep(TEXTS[0])
    documents.keep("{" + " hello" * 100 + "}")

    assert len(documents) == 1
    assert documents.num_bytes > 5 * BYTES_A_TOKEN


def test_operations_are_found_by_name_and_the_only_one_without() -> None:
    documents = Documents(build_schema(), 1 << 20)
    text = "query A { hello } mutation B { add(number: 1) }"
    documents.keep(text)
    document = documents.find(identify(text))

    assert document is not None
    found = [document.find_operation(name) for name in (None, "A", "B", "C")]
    assert [None if operation is None else operation.name for operation in found] == [None, "A", "B", None]
    assert [operation.is_query for operation in document.operations] == [True, False]
    documents.keep("query A { hello }")
    alone = documents.find(identify("query A { hello }"))
    assert alone is not None
    assert alone.find_operation(None) is alone.operations[0]


@pytest.mark.parametrize("key", ["P1", "x" * 500])
@pytest.mark.parametrize(
    ("first", "nested", "expected"), [(5, True, True), (60, True, False), (60, False, True), (True, True, False)]
)
def test_a_price_is_remembered_only_for_what_prices_the_same(
    key: str, first: object, nested: bool, *, expected: bool
) -> None:
    """In any order of variables before it: a boolean is no number, and what is not included costs nothing."""
    operation = operation_of(PAGES)
    others = [{"first": f, "nested": n, "id": "Q"} for f in (1, 5, 60) for n in (True, False)]
    asked = {"first": first, "nested": nested, "id": key}

    assert operation.is_affordable(asked) is expected
    for other in others:
        operation.is_affordable(other)
    assert operation.is_affordable(asked) is expected
    assert operation_of(PAGES).is_affordable(asked) is expected


def test_what_is_not_priced_does_not_shape_the_price() -> None:
    """Else every id would be priced anew."""
    operation = operation_of(PAGES)
    for number in range(50):
        assert operation.is_affordable({"first": 5, "id": f"P{number}"})

    assert len(operation._affordable) == 1


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("{ predictions(filter: {status: [OPEN]}) { totalCount } }", {}, True),
        ("{ milestones(filter: {status: [PENDING]}) { totalCount } }", {}, False),
        ("{ milestones(filter: {kind: [EVENT]}) { totalCount } }", {}, True),
        ("{ predictions(filter: {isPastDeadline: true}) { totalCount } }", {}, False),
        ("query ($f: PredictionFilterInput) { predictions(filter: $f) { totalCount } }", {"status": ["OPEN"]}, True),
        ("query ($f: PredictionFilterInput) { predictions(filter: $f) { totalCount } }", {"isPastDeadline": 1}, False),
        ("query ($f: MilestoneFilterInput) { milestones(filter: $f) { totalCount } }", {"status": ["HIT"]}, False),
        ("query ($f: MilestoneFilterInput) { milestones(filter: $f) { totalCount } }", {"kind": ["EVENT"]}, True),
        (
            'query ($f: MilestoneFilterInput) { prediction(id: "P") { milestones(filter: $f) { totalCount } } }',
            {"status": ["HIT"]},
            False,
        ),
    ],
)
def test_a_status_drifts_where_the_day_decides_it_and_nowhere_else(
    text: str, variables: dict[str, object], *, expected: bool
) -> None:
    """Fields of one name in the filters of two lists are two."""
    assert operation_of(text).is_timeless({"f": variables} if variables else {}) is expected
