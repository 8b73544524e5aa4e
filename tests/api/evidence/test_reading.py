"""Items from lines of JSON and from tables: what is read, and what is told of what cannot be."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.evidence.reading import list_csv_rows, list_json_lines
from api.evidence.writing import MAX_LINE_BYTES, Line
from graph.errors import InvalidError
from graph.inference.evidence import Direction, Strength
from resolvers.mutations.evidence_lines import list_fields, read_line
from tests.helpers.asking import SCHEMA

HEADER = "claim,direction,strength,likelihoodRatio,confidence,acceptUnlinkedPredictor,observedAt,note\n"


def rows_of(text: str) -> list[Line]:
    """The rows of a table."""
    return list(list_csv_rows(io.BytesIO(text.encode())))


def test_the_fields_are_those_of_the_mutation() -> None:
    """A field that is added there may be a column here."""
    assert set(list_fields()) == set(SCHEMA._schema.type_map["EvidenceInput"].fields)  # type: ignore[attr-defined]


def test_cells_have_the_types_of_their_columns() -> None:
    """Empty ones are left out; a text stays a text, also one of digits."""
    (row,) = rows_of(HEADER + "P_1, FOR ,,2.5,1e-1,TRUE,2026-03-01T00:00:00Z,007\n")

    assert row.index == 1
    assert row.value == {
        "claim": "P_1", "direction": "FOR", "likelihoodRatio": 2.5, "confidence": 0.1, "acceptUnlinkedPredictor": True,
        "observedAt": "2026-03-01T00:00:00Z", "note": "007",
    }  # fmt: skip


def test_a_table_is_read_as_spreadsheets_write_it() -> None:
    """With a byte order mark, carriage returns, quoted line breaks, blank rows and the columns in any order."""
    text = '\ufeffdirection,claim,note\r\nFOR,P_1,"a, ""b""\r\nc"\r\n,,\r\n\r\nAGAINST,P_2,\r\n'

    first, second = rows_of(text)

    assert first.value == {"claim": "P_1", "direction": "FOR", "note": 'a, "b"\r\nc'}
    assert (second.index, second.value) == (4, {"claim": "P_2", "direction": "AGAINST"})


VALUES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20)


@given(st.lists(st.fixed_dictionaries({"claim": VALUES, "direction": VALUES, "note": VALUES}), max_size=10))
def test_what_another_program_writes_comes_back(items: list[dict[str, str]]) -> None:
    """Python's own writer of tables and of JSON, by lines."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, ["note", "claim", "direction"])
    writer.writeheader()
    writer.writerows(items)
    lines = b"".join(json.dumps(item).encode() + b"\n" for item in items)

    assert [row.value for row in rows_of(table.getvalue())] == items
    assert [line.value for line in list_json_lines(io.BytesIO(lines))] == items


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["there is no column 'claim'", "there is no column 'direction'"]),
        ("claim\n", ["there is no column 'direction'"]),
        ("claim;direction\n", ["column 1 has the name 'claim;direction'", "there is no column 'claim'"]),
        ("claim,direction,observed_at,claim\n", ["column 3 has the name 'observed_at'; did you mean 'observedAt'?",
                                                 "column 4 is the second one of the name 'claim'"]),
        ("claim,direction,qqq\n", ["column 3 has the name 'qqq'; there are claim, direction"]),
    ],
)  # fmt: skip
def test_wrong_columns_are_all_told(text: str, words: list[str]) -> None:
    """Before any row is read."""
    with pytest.raises(InvalidError) as caught:
        list_csv_rows(io.BytesIO(text.encode()))

    assert all(word in caught.value.message for word in words)


def test_a_row_of_another_length_is_told() -> None:
    """Its cells belong to no column; the rows around it are read."""
    rows = rows_of("claim,direction\nP_1,FOR\nP_2\nP_3,FOR,WEAK\nP_4,FOR\n")

    assert [(row.index, None if row.fault is None else row.fault.message) for row in rows] == [
        (1, None),
        (2, "expected 2 cells, as the first row has, got 1"),
        (3, "expected 2 cells, as the first row has, got 3"),
        (4, None),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'claim,direction\nP_1,"FOR\n', "row 2 is not comma-separated values"),
        (b'claim,direction\nP_1,"F"OR\n', "row 2 is not comma-separated values"),
        (b"claim,direction\nP_1,\xff\n", "not UTF-8 text"),
        (b"claim,direction\nP_1," + b"x" * (MAX_LINE_BYTES + 1), "field larger than field limit"),
    ],
)
def test_a_file_that_is_no_table_is_told(body: bytes, words: str) -> None:
    """With the row where it ends."""
    with pytest.raises(InvalidError, match=words):
        list(list_csv_rows(io.BytesIO(body)))


def test_a_line_that_is_too_long_is_told() -> None:
    """It is not taken into memory."""
    lines = list_json_lines(io.BytesIO(b"{}\n" + b" " * (MAX_LINE_BYTES + 1)))

    assert next(lines).value == {}
    with pytest.raises(InvalidError, match="line 2 is longer than 1048576 bytes"):
        next(lines)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\xef\xbb\xbf{}", "Unexpected UTF-8 BOM"),
        (b"{", "expected a JSON object: expecting property name enclosed in double quotes at column 2"),
        (b"\xff", "expected UTF-8 text: byte 0 is wrong"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"note": "\\udfff"}', "half of a surrogate pair"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a": ' + b"1" * 5000 + b"}", "usual numbers"),
        (b'{"a": 1, "a": 2}', "expected each field once, got 'a' twice"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_json_is_a_fault_of_its_own(line: bytes, words: str) -> None:
    """The lines around it are read."""
    before, wrong, after = list_json_lines(io.BytesIO(b"{}\n" + line + b"\n{}\n"))

    assert (before.value, after.value, wrong.index) == ({}, {}, 1)
    assert wrong.fault is not None
    assert words.lower() in wrong.fault.message.lower()


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, []),
        ({"strength": None, "likelihoodRatio": 4}, []),
        ({"direction": None}, ["direction"]),
        ({"claim": 7.5}, ["claim"]),
        ({"strength": "HUGE"}, ["strength"]),
        ({"likelihoodRatio": "x"}, ["likelihoodRatio"]),
        ({"likelihoodRatio": 2}, ["strength"]),  # both
        ({"strength": None}, ["strength"]),  # neither
        ({"strength": None, "likelihoodRatio": float("inf")}, ["likelihoodRatio"]),
        ({"confidence": float("nan")}, ["confidence"]),
        ({"confidence": True}, ["confidence"]),
        ({"acceptUnlinkedPredictor": "yes"}, ["acceptUnlinkedPredictor"]),
        ({"predictor": "a b", "document": "", "note": 5}, ["document", "note", "predictor"]),
        ({"observedAt": "2026-03"}, ["observedAt"]),
        ({"Claim": "P_1", "a b": 1}, ["", "Claim"]),
    ],
)
def test_each_wrong_field_is_one_fault(change: dict[str, Any], faults: list[str]) -> None:
    """Named as it came; the fields beside it are read."""
    item = read_line({"claim": "P_1", "direction": "AGAINST", "strength": "STRONG"} | change, "items[3]")

    assert sorted(fault.path.removeprefix("items[3]").lstrip(".") for fault in item.faults) == faults
    assert item.direction is (Direction.FOR if "direction" in change else Direction.AGAINST)
    if not faults:
        assert item.strength == (4.0 if "likelihoodRatio" in change else Strength.STRONG)
