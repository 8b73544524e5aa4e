"""Tables as responses: in parts, at the client's speed, and never half a table for a whole one."""

import asyncio
import json
from contextlib import closing
from typing import Any

import pytest

from api import streams
from api.deadlines import Deadlines
from api.formats import FORMATS
from api.formats.encoders import Ending
from api.streams import TableResponse
from graph.errors import (
    BusyError,
    ConfigurationError,
    ForegraphError,
    InvalidError,
    StatementTimedOutError,
    TimedOutError,
    UnavailableError,
)
from tests.helpers.tables import FakeClient, FakeTable

BATCHES = [[[1, "a"], [2, "b"]], [[3, "c"]], [[4, "d"]]]
STREAMED = ("json", "ndjson", "csv")
COLUMNAR = ("arrow", "parquet")


def respond(
    table: FakeTable, name: str = "ndjson", *, seconds: float = 30, deadlines: Deadlines | None = None
) -> TableResponse:
    """A response that sends a table."""
    return TableResponse(
        table.open, FORMATS[name], deadlines=deadlines or Deadlines(30), seconds=seconds, filename="table"
    )


def expected(name: str, table: FakeTable) -> bytes:
    """The encoder's own bytes."""
    with closing(FORMATS[name].open(table.columns)) as encoder:
        parts = [encoder.add(rows) for rows in BATCHES]
        return b"".join((*parts, *encoder.finish(Ending(table.revision, table.is_truncated, table.elapsed_seconds))))


@pytest.mark.parametrize("name", FORMATS)
async def test_a_table_is_sent_as_it_is_encoded(name: str) -> None:
    if not FORMATS[name].is_available:
        pytest.skip("pyarrow is not installed")
    table, client = FakeTable(["n", "text"], BATCHES), FakeClient()

    await client.ask(respond(table, name))

    assert client.body == expected(name, table)
    assert client.is_whole
    assert not table.is_open
    content_type = client.header("content-type") or ""
    assert content_type.startswith(FORMATS[name].media_type)
    assert client.header("content-disposition") == f'inline; filename="table.{name}"'
    assert client.header("foregraph-revision") == "7"
    assert client.header("cache-control") == "no-store"


@pytest.mark.parametrize("is_truncated", [True, False])
@pytest.mark.parametrize(("batches", "is_known"), [([], True), (BATCHES[:1], True), (BATCHES, False)])
async def test_a_short_table_says_whether_it_is_whole(batches: list[Any], is_truncated: bool, is_known: bool) -> None:
    """In a header, where that is known before the first byte."""
    client = FakeClient()

    await client.ask(respond(FakeTable(["n", "text"], batches, is_truncated=is_truncated), "csv"))

    assert client.header("foregraph-truncated") == (str(is_truncated).lower() if is_known else None)


@pytest.mark.parametrize("name", STREAMED)
async def test_a_client_that_takes_nothing_stops_the_reading(name: str) -> None:
    """Two batches behind what it has taken are in memory at most: one that is held back and one that waits."""
    table = FakeTable(["n", "text"], BATCHES * 1000)
    client = FakeClient(most_parts=3)
    asking = asyncio.create_task(client.ask(respond(table, name)))

    await asyncio.wait_for(client.stalled.wait(), 60)
    await asyncio.sleep(0.05)

    assert table.num_read <= 3 + 2
    client.leave()
    await asyncio.wait_for(asking, 60)
    assert not table.is_open


@pytest.mark.parametrize("batches", [[asyncio.Event().wait], [*BATCHES, asyncio.Event().wait]])
async def test_a_client_that_leaves_ends_the_table(batches: list[Any]) -> None:
    """Before the first byte and behind it."""
    table, client = FakeTable(["n", "text"], batches), FakeClient()
    asking = asyncio.create_task(client.ask(respond(table)))
    await asyncio.wait_for(table.last_asked.wait(), 60)
    assert table.is_open

    client.leave()
    await asyncio.wait_for(asking, 60)

    assert not table.is_open
    assert not client.is_whole


ERRORS = [
    (InvalidError("no", path="statement"), 400, "INVALID"),
    (TimedOutError("late"), 504, "TIMED_OUT"),
    (StatementTimedOutError("late"), 504, "CYPHER_STOPPED"),
    (BusyError("full"), 503, "BUSY"),
    (UnavailableError("away"), 503, "UNAVAILABLE"),
    (ConfigurationError("the secret word is xyzzy"), 500, "INTERNAL"),
]


@pytest.mark.parametrize(("error", "status", "code"), ERRORS)
@pytest.mark.parametrize("name", [*STREAMED, *COLUMNAR])
@pytest.mark.parametrize("is_opening", [True, False])
async def test_an_error_before_the_first_byte_is_a_response(
    error: ForegraphError, status: int, code: str, name: str, is_opening: bool
) -> None:
    if not FORMATS[name].is_available:
        pytest.skip("pyarrow is not installed")
    table = FakeTable(["a"], [error], opening=error if is_opening else None)
    client = FakeClient()

    await client.ask(respond(table, name))

    assert client.status == status
    assert client.header("content-type") == "application/json"
    assert json.loads(client.body)["errors"][0]["extensions"]["code"] == code
    assert b"xyzzy" not in client.body
    assert client.header("retry-after") is not None if status == 503 else True


@pytest.mark.parametrize(("error", "_status", "code"), ERRORS)
async def test_an_error_behind_the_first_byte_is_the_last_line_of_ndjson(
    error: ForegraphError, _status: int, code: str
) -> None:
    client = FakeClient()

    await client.ask(respond(FakeTable(["n", "text"], [*BATCHES, error])))

    *lines, last = map(json.loads, client.body.splitlines())
    assert client.is_whole
    assert lines == [
        {"n": 1, "text": "a"},
        {"n": 2, "text": "b"},
        {"n": 3, "text": "c"},
    ]  # what was held back is not sent
    assert last["error"]["code"] == code
    assert "xyzzy" not in last["error"]["message"]


@pytest.mark.parametrize("name", ["json", "csv"])
async def test_an_error_behind_the_first_byte_leaves_the_rest_unfinished(name: str) -> None:
    """The server breaks the connection of a response that has no end."""
    client = FakeClient()

    await client.ask(respond(FakeTable(["n", "text"], [*BATCHES, TimedOutError("late")]), name))

    assert client.status == 200
    assert not client.is_whole


@pytest.mark.parametrize("name", COLUMNAR)
async def test_a_columnar_table_has_no_first_byte_before_its_last_row(name: str) -> None:
    if not FORMATS[name].is_available:
        pytest.skip("pyarrow is not installed")
    client = FakeClient()

    await client.ask(respond(FakeTable(["n", "text"], [*BATCHES, TimedOutError("late")]), name))

    assert client.status == 504


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables have no time beyond that of their statements."""
    monkeypatch.setattr(streams, "GRACE_SECONDS", 0.0)


@pytest.mark.usefixtures("no_grace")
async def test_a_table_that_takes_too_long_is_ended() -> None:
    never = asyncio.Event().wait
    early, late = FakeClient(), FakeClient()

    await early.ask(respond(FakeTable(["a"], [never]), seconds=0.05))
    await late.ask(respond(FakeTable(["n", "text"], [*BATCHES, never]), seconds=0.05))

    assert early.status == 504
    assert json.loads(early.body)["errors"][0]["extensions"]["code"] == "TIMED_OUT"
    assert json.loads(late.body.splitlines()[-1])["error"]["code"] == "TIMED_OUT"


@pytest.mark.usefixtures("no_grace")
async def test_a_client_that_takes_nothing_for_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FAREWELL_SECONDS", 0.05)
    table, client = FakeTable(["n", "text"], BATCHES * 1000), FakeClient(most_parts=2)

    await asyncio.wait_for(client.ask(respond(table, seconds=0.05)), 60)

    assert not table.is_open
    assert not client.is_whole


async def test_a_stopping_service_ends_tables() -> None:
    """Those that have begun are told so in band, where there is a place for it."""
    deadlines, never = Deadlines(30, 0.05), asyncio.Event().wait
    early, late, csv_client = FakeClient(), FakeClient(), FakeClient()
    asking = [
        asyncio.create_task(early.ask(respond(FakeTable(["a"], [never]), deadlines=deadlines))),
        asyncio.create_task(late.ask(respond(FakeTable(["n", "text"], [*BATCHES, never]), deadlines=deadlines))),
        asyncio.create_task(
            csv_client.ask(respond(FakeTable(["n", "text"], [*BATCHES, never]), "csv", deadlines=deadlines))
        ),
    ]
    await asyncio.sleep(0.05)

    deadlines.stop()
    await asyncio.wait_for(asyncio.gather(*asking), 60)

    assert early.status == 503
    assert json.loads(late.body.splitlines()[-1])["error"]["code"] == "BUSY"
    assert not csv_client.is_whole


async def test_a_fault_of_ours_is_not_hidden() -> None:
    """The access log reports it, and the connection breaks."""
    with pytest.raises(ZeroDivisionError):
        await FakeClient().ask(respond(FakeTable(["n", "text"], [*BATCHES, ZeroDivisionError()])))


async def test_others_have_their_turn_while_a_table_is_sent() -> None:
    """Though its rows have all arrived, and its client takes whatever comes."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await FakeClient().ask(respond(FakeTable(["n", "text"], BATCHES * 100), "csv"))
    counting.cancel()

    assert turns > 100
