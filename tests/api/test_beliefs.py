"""GET /beliefs.csv and its like, on a real Neo4j and a real socket."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from api.settings import Settings
from graph.database.sessions import Database
from graph.ledger.beliefs import COLUMNS, open_beliefs
from tests.helpers.copies import import_once
from tests.helpers.serving_app import asking_app
from tests.helpers.small_graph import small_graph

AS_OF = datetime(2026, 2, 2, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service over a small graph."""
    await import_once(database, small_graph())
    settings = Settings(warm_up=False, scheduler=False, response_cache_bytes=0)
    async with asking_app(create_app(settings, database)) as client:
        yield client


async def read_rows(database: Database) -> list[list[object]]:
    """The table's rows, without HTTP."""
    async with open_beliefs(database, AS_OF) as table:
        return [list(row) async for batch in table.batches() for row in batch]


def cell(value: object) -> str:
    """A value as spreadsheets read it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


async def test_csv_and_ndjson_have_a_row_for_each_claim(client: httpx.AsyncClient, database: Database) -> None:
    table, lines, document = [
        await client.get(f"/beliefs.{name}", params={"asOf": AS_OF.isoformat()}) for name in ("csv", "ndjson", "json")
    ]

    rows = await read_rows(database)
    header, *cells = csv.reader(io.StringIO(table.text, newline=""))
    assert tuple(header) == COLUMNS
    assert cells == [list(map(cell, row)) for row in rows]
    assert [list(json.loads(line).values()) for line in lines.text.splitlines()] == rows
    assert document.json()["rows"] == rows
    assert table.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert table.headers["content-disposition"] == 'inline; filename="beliefs.csv"'


@pytest.mark.parametrize("name", ["arrow", "parquet"])
async def test_columnar_formats_have_them_too(client: httpx.AsyncClient, database: Database, name: str) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    data = (await client.get(f"/beliefs.{name}", params={"asOf": AS_OF.isoformat()})).content

    table = pa.ipc.open_stream(data).read_all() if name == "arrow" else pq.read_table(io.BytesIO(data))
    assert [list(row.values()) for row in table.to_pylist()] == await read_rows(database)


async def test_without_a_moment_it_is_as_of_now(client: httpx.AsyncClient) -> None:
    before = datetime.now(UTC)
    one, two = [(await client.get("/beliefs.csv", params={"policy": "foregraph-1"})).text for _ in range(2)]

    async def at(moment: datetime) -> str:
        return (await client.get("/beliefs.csv", params={"asOf": moment.isoformat()})).text

    keys = [line.split(",")[0] for line in one.splitlines()]
    assert keys == [line.split(",")[0] for line in two.splitlines()]
    assert await at(before - timedelta(days=3650)) != one


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ("asOf=yesterday", "asOf"),
        ("asOf=2026-05-30", "asOf"),
        ("asOf=2026-05-30T00:00:00+00:00", "asOf"),  # the plus is a blank
        ("policy=other", "policy"),
        ("asof=2026-05-30T00:00:00Z", "asof"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_its_name(client: httpx.AsyncClient, query: str, argument: str) -> None:
    response = await client.get(f"/beliefs.csv?{query}")

    (error,) = response.json()["errors"]
    assert response.status_code == 400
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID", argument)


async def test_other_extensions_and_methods_are_not_there(client: httpx.AsyncClient) -> None:
    assert (await client.get("/beliefs.xlsx")).status_code == 404
    assert (await client.post("/beliefs.csv")).status_code == 405


async def test_without_pyarrow_its_formats_say_so(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.formats.is_available", lambda: False)

    response = await client.get("/beliefs.parquet")

    assert response.status_code == 501
    assert "foregraph[arrow]" in response.text
