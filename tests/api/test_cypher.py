"""POST /cypher on a real Neo4j and a real socket: formats, refusals, failures, and clients that leave."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.app import create_app
from api.cypher import Asked
from api.formats import FORMATS
from api.settings import Settings
from graph.adhoc.running import Adhoc
from graph.adhoc.values import plain
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import InvalidError
from tests.helpers.serving_app import asking_app
from tests.helpers.typed_json import comparable, decode

STATEMENT = (
    "UNWIND range(1, $n) AS i "
    "RETURN i, i / 4.0 AS quarter, CASE WHEN i % 3 = 0 THEN null ELSE 'row ' + i END AS text, date('2026-01-01') AS day"
)
ALL: dict[str, Any] = {"maxRows": 1_000_000, "timeoutMs": 60_000}


@pytest_asyncio.fixture
async def client(database: Database, database_address: DatabaseAddress) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service over the tests' Neo4j."""
    settings = Settings(warm_up=False, scheduler=False, response_cache_bytes=0)
    async with Adhoc(database_address) as adhoc, asking_app(create_app(settings, database, adhoc=adhoc)) as client:
        yield client


async def ask(
    client: httpx.AsyncClient, statement: str, accept: str = "application/json", **more: Any
) -> httpx.Response:
    """The response to a statement."""
    return await client.post("/cypher", json={"statement": statement, **more}, headers={"accept": accept})


async def run_bare(database: Database, statement: str, **parameters: Any) -> list[list[Any]]:
    """A statement's rows by the bare driver."""
    async with database.open_session() as session:
        return [record.values() async for record in await session.run(statement, parameters)]


def code_of(response: httpx.Response) -> str:
    """The code of a response's one error."""
    (error,) = response.json()["errors"]
    code: str = error["extensions"]["code"]
    return code


@pytest.mark.parametrize("num_rows", [0, 1, 2_345])
async def test_json_holds_what_the_driver_reads(client: httpx.AsyncClient, database: Database, num_rows: int) -> None:
    response = await ask(client, STATEMENT, parameters={"n": num_rows}, **ALL)

    document = response.json()
    rows = await run_bare(database, STATEMENT, n=num_rows)
    assert response.status_code == 200
    assert document["columns"] == ["i", "quarter", "text", "day"]
    assert document["rows"] == [[plain(value) for value in row] for row in rows]
    assert document["isTruncated"] is False
    assert document["revision"] == response.headers["foregraph-revision"]
    assert document["elapsedSeconds"] > 0


async def test_ndjson_and_csv_hold_the_same_rows(client: httpx.AsyncClient, database: Database) -> None:
    rows = await run_bare(database, STATEMENT, n=2_345)

    lines = (await ask(client, STATEMENT, "application/x-ndjson", parameters={"n": 2_345}, **ALL)).text.splitlines()
    table = (await ask(client, STATEMENT, "text/csv", parameters={"n": 2_345}, **ALL)).text

    assert [list(json.loads(line).values()) for line in lines] == [[plain(value) for value in row] for row in rows]
    header, *cells = csv.reader(io.StringIO(table, newline=""))
    assert header == ["i", "quarter", "text", "day"]
    assert cells == [[str(i), repr(quarter), text or "", "2026-01-01"] for i, quarter, text, _ in rows]


@pytest.mark.parametrize("name", ["arrow", "parquet"])
async def test_columnar_formats_hold_the_same_rows(client: httpx.AsyncClient, database: Database, name: str) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    response = await ask(client, STATEMENT, FORMATS[name].media_type, parameters={"n": 2_345}, **ALL)

    data = response.content
    table = pa.ipc.open_stream(data).read_all() if name == "arrow" else pq.read_table(io.BytesIO(data))
    rows = await run_bare(database, STATEMENT, n=2_345)
    assert list(map(str, table.schema.types)) == ["int64", "double", "string", "date32[day]"]
    assert [list(row.values()) for row in table.to_pylist()] == [[*row[:3], row[3].to_native()] for row in rows]


async def test_typed_values_are_those_of_the_driver(client: httpx.AsyncClient, database: Database) -> None:
    moment = "datetime('2026-10-25T02:30+01:00[Europe/Berlin]')"
    statement = f"RETURN 9007199254740993 AS a, 0.0/0.0 AS b, {moment} AS c, [1, {{x: null}}] AS d"

    document = (await ask(client, statement, typed=True)).json()
    (line,) = (await ask(client, statement, "application/x-ndjson", typed=True)).text.splitlines()

    (row,) = await run_bare(database, statement)
    assert [comparable(decode(form)) for form in document["rows"][0]] == [comparable(value) for value in row]
    assert list(json.loads(line).values()) == document["rows"][0]


async def test_parameters_may_be_typed(client: httpx.AsyncClient) -> None:
    parameters = {"day": {"$type": "Date", "_value": "2026-05-30"}, "big": {"$type": "Integer", "_value": str(2**62)}}

    document = (
        await ask(client, "RETURN $day + duration('P1D') AS day, $big + 1 AS big", parameters=parameters)
    ).json()

    assert document["rows"] == [["2026-05-31", str(2**62 + 1)]]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("text/*", "text/csv; charset=utf-8; header=present"),
        ("application/jsonl", "application/x-ndjson"),
        ("text/csv;q=0.5, application/x-ndjson;q=0.9, */*;q=0.1", "application/x-ndjson"),
        ("application/json;q=0, */*", "application/x-ndjson"),
        ("text/html, text/csv;q=0.1", "text/csv; charset=utf-8; header=present"),
        ("TEXT/CSV", "text/csv; charset=utf-8; header=present"),
    ],
)
async def test_the_format_is_what_the_client_likes_best(
    client: httpx.AsyncClient, accept: str, content_type: str
) -> None:
    response = await ask(client, "RETURN 1 AS one", accept)

    assert response.headers["content-type"] == content_type
    assert response.headers["vary"] == "Accept, Accept-Encoding"


async def test_a_client_that_takes_nothing_of_this_is_told_what_there_is(client: httpx.AsyncClient) -> None:
    response = await ask(client, "RETURN 1 AS one", "image/png")

    assert response.status_code == 406
    assert code_of(response) == "NOT_ACCEPTABLE"
    assert "text/csv" in response.text


async def test_without_pyarrow_its_formats_are_not_acceptable(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.formats.is_available", lambda: False)

    response = await ask(client, "RETURN 1 AS one", FORMATS["parquet"].media_type)
    either = await ask(client, "RETURN 1 AS one", f"{FORMATS['parquet'].media_type}, text/csv;q=0.1")

    assert response.status_code == 406
    assert "foregraph[arrow]" in response.text
    assert either.headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    ("body", "argument"),
    [
        ([], None),
        ({}, "statement"),
        ({"statement": "  "}, "statement"),
        ({"statement": 1}, "statement"),
        ({"statement": "RETURN 1", "parameters": []}, "parameters"),
        ({"statement": "RETURN 1", "parameters": {"a": 2**64}}, "parameters.a"),
        ({"statement": "RETURN 1", "maxRows": 0}, "maxRows"),
        ({"statement": "RETURN 1", "maxRows": "5"}, "maxRows"),
        ({"statement": "RETURN 1", "maxRows": True}, "maxRows"),
        ({"statement": "RETURN 1", "timeoutMs": -1}, "timeoutMs"),
        ({"statement": "RETURN 1", "timeoutMs": 1.5}, "timeoutMs"),
        ({"statement": "RETURN 1", "typed": "yes"}, "typed"),
        ({"statement": "RETURN 1", "maxrows": 5}, "maxrows"),
        ({"query": "RETURN 1"}, "query"),
    ],
)
async def test_a_wrong_body_is_refused_by_its_field(client: httpx.AsyncClient, body: Any, argument: str | None) -> None:
    response = await client.post("/cypher", json=body)

    (error,) = response.json()["errors"]
    assert response.status_code == 400
    assert error["extensions"]["code"] == "INVALID"
    assert error["extensions"]["argument"] == argument
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]


async def test_typed_csv_is_refused(client: httpx.AsyncClient) -> None:
    response = await ask(client, "RETURN 1", "text/csv", typed=True)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["argument"] == "typed"


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ('{"statement": "RETURN 1"}', "text/plain", 415),
        ("statement=RETURN+1", "application/x-www-form-urlencoded", 415),
        ('{"statement": "RETURN 1", "parameters": {"a": NaN}}', "application/json", 400),
    ],
)
async def test_another_origins_form_or_no_json_is_refused(
    client: httpx.AsyncClient, content: str, content_type: str, status: int
) -> None:
    response = await client.post("/cypher", content=content, headers={"content-type": content_type})

    assert response.status_code == status


async def test_a_get_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/cypher", params={"statement": "RETURN 1"})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("accept", [found.media_type for found in FORMATS.values()])
async def test_a_statement_that_is_no_cypher_is_told_in_json(client: httpx.AsyncClient, accept: str) -> None:
    response = await ask(client, "RETRUN 1", accept)

    assert response.status_code in {400, 406}
    assert response.headers["content-type"] == "application/json"
    if response.status_code == 400:
        assert code_of(response) == "CYPHER_SYNTAX"


FAILS_LATE = "UNWIND range(1, 9000) AS i RETURN 1 / (8000 - i) AS x"


async def test_what_fails_behind_the_first_rows_is_the_last_line_of_ndjson(client: httpx.AsyncClient) -> None:
    response = await ask(client, FAILS_LATE, "application/x-ndjson", **ALL)

    *lines, last = map(json.loads, response.text.splitlines())
    assert response.status_code == 200
    assert lines[0] == {"x": 0}
    assert last["error"]["code"] == "CYPHER_FAILED"
    assert last["error"]["requestId"] == response.headers["x-request-id"]


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_what_fails_behind_the_first_rows_breaks_the_connection_elsewhere(
    client: httpx.AsyncClient, accept: str
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(client, FAILS_LATE, accept, **ALL)


@pytest.mark.parametrize("name", ["arrow", "parquet"])
async def test_columnar_formats_know_all_failures_before_the_first_byte(client: httpx.AsyncClient, name: str) -> None:
    pytest.importorskip("pyarrow")

    response = await ask(client, FAILS_LATE, FORMATS[name].media_type, **ALL)

    assert response.status_code == 400
    assert code_of(response) == "CYPHER_FAILED"


async def test_rows_are_as_many_as_are_asked_for(client: httpx.AsyncClient) -> None:
    statement = "UNWIND range(1, 3000) AS i RETURN i"

    usual = await ask(client, statement)
    few = await ask(client, statement, maxRows=3)
    table = await ask(client, statement, "text/csv", maxRows=3)
    many = await ask(client, statement, "text/csv", **ALL)

    assert (len(usual.json()["rows"]), usual.json()["isTruncated"]) == (1_000, True)
    assert (few.json()["rows"], few.json()["isTruncated"]) == ([[1], [2], [3]], True)
    assert (table.text, table.headers["foregraph-truncated"]) == ("i\r\n1\r\n2\r\n3\r\n", "true")
    assert len(many.text.splitlines()) == 3_001


async def test_a_statement_takes_no_longer_than_its_time(client: httpx.AsyncClient) -> None:
    endless = "UNWIND range(1, 10000000000) AS i WITH i WHERE i < 0 RETURN i"

    response = await asyncio.wait_for(ask(client, endless, "text/csv", timeoutMs=300), 10)

    assert response.status_code == 504


async def list_running(database: Database) -> list[str]:
    """Statements under way on the server that go on for long."""
    rows = await run_bare(database, "SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery")
    return [text for (text,) in rows if "100000000" in (text or "") and "SHOW" not in text]


async def until_running(database: Database, num: int) -> None:
    """Wait until so many of them are under way."""
    async with asyncio.timeout(10):
        while len(await list_running(database)) != num:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "statement",
    [
        "UNWIND range(1, 100000000) AS i WITH i WHERE i < 0 RETURN i",  # no row at all
        "UNWIND range(1, 100000000) AS i RETURN i, 'some text to fill the buffers' AS text",
    ],
)
async def test_a_client_that_leaves_ends_its_statement_on_the_server(
    client: httpx.AsyncClient, database: Database, statement: str
) -> None:
    async def read() -> None:
        request = {"statement": statement, **ALL}
        async with client.stream("POST", "/cypher", json=request, headers={"accept": "text/csv"}) as response:
            async for _ in response.aiter_raw():
                await asyncio.sleep(3600)  # takes one part and no more

    reading = asyncio.create_task(read())
    await until_running(database, 1)

    reading.cancel()

    await until_running(database, 0)


@pytest.mark.parametrize("header", ["nonsense with spaces", ""])
async def test_a_header_that_is_no_bookmark_is_refused(client: httpx.AsyncClient, header: str) -> None:
    response = await client.post(
        "/cypher", json={"statement": "RETURN 1"}, headers={"foregraph-bookmark": header or "?" * 3000}
    )

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["argument"] == "bookmark"


def test_a_request_is_read_whole() -> None:
    asked = Asked.read({"statement": "RETURN $a", "parameters": {"a": 1}, "maxRows": 5, "timeoutMs": 250}, None)

    assert (asked.statement, asked.parameters) == ("RETURN $a", {"a": 1})
    assert (asked.wanted.max_rows, asked.wanted.timeout_seconds) == (5, 0.25)
    with pytest.raises(InvalidError, match="JSON object"):
        Asked.read("RETURN 1", None)


async def test_values_that_python_cannot_hold_are_refused_in_words(client: httpx.AsyncClient) -> None:
    """Years of the driver go from 1 to 9999, Neo4j's beyond."""
    response = await ask(client, "RETURN date({year: 12000}) AS far")
    as_text = await ask(client, "RETURN toString(date({year: 12000})) AS far")

    assert response.status_code == 400
    assert code_of(response) == "CYPHER_FAILED"
    assert "toString" in response.text
    assert as_text.json()["rows"] == [["+12000-01-01"]]


@pytest.mark.parametrize("depth", [20, 200, 1_000])
async def test_deep_values_are_written_or_refused(client: httpx.AsyncClient, depth: int) -> None:
    response = await ask(client, f"RETURN {'[' * depth}1{']' * depth} AS deep", timeoutMs=10_000)

    assert response.status_code in {200, 400}
    if response.status_code == 200:
        assert response.text.count("[") == depth + 3


async def test_a_bookmark_is_waited_for(client: httpx.AsyncClient, database: Database) -> None:
    """A write on another server of a cluster is seen by whoever shows its bookmark."""

    async def write(unit: Any) -> None:
        await unit.run("database/lock_graph")

    _, bookmark = await database.write_marked(write)
    request = {"statement": "RETURN 1 AS one"}

    known = await client.post("/cypher", json=request, headers={"foregraph-bookmark": bookmark})
    unknown = await client.post("/cypher", json=request, headers={"foregraph-bookmark": "FB:unknown"})

    assert known.json()["rows"] == [[1]]
    assert unknown.status_code == 400
