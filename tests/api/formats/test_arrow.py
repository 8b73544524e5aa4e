"""Tables as Arrow and Parquet, read back by pyarrow."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neo4j.spatial import WGS84Point
from neo4j.time import Date, DateTime, Duration, Time
from neo4j.vector import Vector

from api.formats import FORMATS
from api.formats.encoders import Ending
from graph.adhoc.values import plain

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

BERLIN = timezone(timedelta(hours=2))
FORMAT_NAMES = ("arrow", "parquet")


def read(name: str, columns: Sequence[str], batches: Sequence[Sequence[Sequence[Any]]]) -> Any:
    """A table encoded, and read back."""
    encoder = FORMATS[name].open(columns)
    assert [encoder.add(rows) for rows in batches] == [b""] * len(batches)  # nothing before the last row is known
    data = b"".join(encoder.finish(Ending()))
    encoder.close()
    return pa.ipc.open_stream(data).read_all() if name == "arrow" else pq.read_table(io.BytesIO(data))


def read_column(name: str, *batches: Sequence[Any]) -> Any:
    """One column, encoded in batches and read back."""
    return read(name, ["c"], [[[value] for value in batch] for batch in batches]).column("c")


@pytest.mark.parametrize("name", FORMAT_NAMES)
@pytest.mark.parametrize(
    ("batches", "kind", "expected"),
    [
        ([[1], [None, 2**63 - 1]], pa.int64(), [1, None, 2**63 - 1]),
        ([[None], [1.5], [2]], pa.float64(), [None, 1.5, 2.0]),
        ([[1, 2.5]], pa.float64(), [1.0, 2.5]),
        ([["a"], ["ä😀", ""]], pa.string(), ["a", "ä😀", ""]),
        ([[True], [None]], pa.bool_(), [True, None]),
        ([[b"\0\xff"]], pa.binary(), [b"\0\xff"]),
        ([[Date(1, 1, 1)], [Date(2026, 5, 30)]], pa.date32(), [date(1, 1, 1), date(2026, 5, 30)]),
        (
            [[DateTime(2026, 5, 30, 22, 15, 0, 756418000, tzinfo=BERLIN)]],
            pa.timestamp("us", tz="UTC"),
            [datetime(2026, 5, 30, 20, 15, 0, 756418, UTC)],
        ),
        ([[DateTime(1, 1, 1)], [DateTime(9999, 1, 1)]], pa.timestamp("us"), [datetime(1, 1, 1), datetime(9999, 1, 1)]),  # noqa: DTZ001 - local ones
        ([[[1, None], []], [[2]]], pa.list_(pa.int64()), [[1, None], [], [2]]),
        ([[[]], [["a"]], [None]], pa.list_(pa.string()), [[], ["a"], None]),
        ([[[1]], [[0.5]]], pa.list_(pa.float64()), [[1.0], [0.5]]),
        ([[[[1], []]]], pa.list_(pa.list_(pa.int64())), [[[1], []]]),
        ([[Duration(days=1)], [None]], pa.string(), ["P1D", None]),
        ([[Time(12, 0, 0, 0, BERLIN)]], pa.string(), ["12:00:00+02:00"]),
        ([[Vector([1.5, 2.5], "f32")]], pa.list_(pa.float64()), [[1.5, 2.5]]),
        ([[None], [None]], pa.null(), [None, None]),
    ],
)
def test_a_column_has_the_type_of_all_its_values(name: str, batches: list[list[Any]], kind: Any, expected: Any) -> None:
    column = read_column(name, *batches)

    assert column.type.equals(kind) or column.type == kind
    assert column.to_pylist() == expected


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_nanoseconds_are_kept(name: str) -> None:
    moments = [DateTime(2026, 5, 30, 0, 0, 0, 1), DateTime(2026, 5, 30)]

    column = read_column(name, moments[:1], moments[1:])

    assert column.type == pa.timestamp("ns")
    start = (datetime(2026, 5, 30, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert column.cast(pa.int64()).to_pylist() == [start + 1, start]
    clock = read_column(name, [Time(23, 59, 59, 999999999)])
    assert clock.type == pa.time64("ns")
    assert clock.cast(pa.int64()).to_pylist() == [86_400 * 10**9 - 1]


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_moments_that_no_type_holds_are_texts(name: str) -> None:
    moments = [DateTime(9999, 1, 1), DateTime(2026, 1, 1, 0, 0, 0, 1)]

    column = read_column(name, moments[:1], moments[1:])

    assert column.type == pa.string()
    assert column.to_pylist() == [plain(moment) for moment in moments]


MIXED = [
    [1, "a"],
    [1, True],
    [2**53 + 1, 0.5],
    [{"a": 1}, None],
    [[1, "a"]],
    [Date(2026, 1, 1), "2026-01-01"],
    [DateTime(2026, 1, 1), DateTime(2026, 1, 1, tzinfo=BERLIN)],
    [[Date(2026, 1, 1)], "x"],
    [Time(1, 0, 0), 5],
    [WGS84Point((1, 2))],
    [1.5, "x", None],
]


@pytest.mark.parametrize("name", FORMAT_NAMES)
@pytest.mark.parametrize("values", MIXED)
@pytest.mark.parametrize("is_split", [True, False])
def test_a_column_of_several_types_is_json(name: str, values: list[Any], is_split: bool) -> None:
    """Whether they meet in one batch or in two, and marked as such."""
    table = read(name, ["c"], [[[value]] for value in values] if is_split else [[[value] for value in values]])

    assert table.schema.field("c").metadata[b"foregraph.form"] == b"json"
    found = [None if text is None else json.loads(text) for text in table.column("c").to_pylist()]
    assert found == [plain(value) for value in values]


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_a_table_without_rows_has_its_columns(name: str) -> None:
    table = read(name, ["a", "b"], [])

    assert table.column_names == ["a", "b"]
    assert table.num_rows == 0


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_many_rows_come_in_several_parts(name: str) -> None:
    """None of which holds the whole table."""
    encoder = FORMATS[name].open(["n", "text"])
    for start in range(0, 200_000, 1_000):
        encoder.add([[number, f"row {number}"] for number in range(start, start + 1_000)])
    parts = list(encoder.finish(Ending()))
    encoder.close()

    data = b"".join(parts)
    table = pa.ipc.open_stream(data).read_all() if name == "arrow" else pq.read_table(io.BytesIO(data))
    assert max(map(len, parts)) < len(data) / 2
    assert table.column("n").to_pylist() == list(range(200_000))
    assert table.column("text")[123_456].as_py() == "row 123456"


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
)


@given(st.lists(st.lists(scalars | st.lists(scalars, max_size=3), min_size=1, max_size=4), max_size=4))
def test_no_value_is_changed_in_silence(batches: list[list[Any]]) -> None:
    """Whatever types come in whatever order: each value is there, as itself or as JSON."""
    table = read("arrow", ["c"], [[[value] for value in batch] for batch in batches])

    found = table.column("c").to_pylist()
    if (table.schema.field("c").metadata or {}).get(b"foregraph.form") == b"json":
        found = [None if text is None else json.loads(text) for text in found]
        assert found == [plain(value) for batch in batches for value in batch]
    else:
        assert found == [value for batch in batches for value in batch]
