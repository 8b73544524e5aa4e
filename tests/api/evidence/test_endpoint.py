"""POST /evidence, called as a server would, on a real graph: what comes is answered as it comes, and nothing twice."""

import asyncio
import json
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message

from api.admission import Admissions
from api.app import create_app
from api.deadlines import Deadlines
from api.evidence.endpoint import NDJSON, EvidenceEndpoint, StreamLimits
from api.evidence.writing import MAX_LINE_BYTES
from api.settings import Settings
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_text
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.ledger.derived import verify
from resolvers.base.context import Service
from tests.helpers.mutating import mutate
from tests.helpers.processes import Wire

LONG = 3600.0
MEGABYTE = 1024 * 1024
WEAK = math.log(1.5)
CLAIMS = [f"S_{number}" for number in range(3)]
BUNDLE = {
    "format": "foregraph-bundle/1",
    "scenarios": [{"id": claim, "title": "It comes", "stated_probability": 0.5} for claim in CLAIMS],
}
Json = dict[str, Any]


@pytest.fixture
async def graph(database: Database) -> Database:
    """A few claims."""
    await import_text(database, json.dumps(BUNDLE))
    return database


def item(number: int, **change: Any) -> Json:
    """An item under a key of its own."""
    claim = CLAIMS[number % len(CLAIMS)]
    return {"idempotencyKey": f"k{number}", "claim": claim, "direction": "FOR", "strength": "WEAK"} | change


def text_of(*items: Any) -> bytes:
    """Items as lines."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in items)


class Served:
    """An endpoint with limits of its own."""

    def __init__(self, database: Database, *, step_seconds: float = LONG, **limits: Any) -> None:
        chosen = {"num_streams": 4, "max_bytes": MEGABYTE, "max_array_bytes": MEGABYTE, "seconds": LONG} | limits
        self.deadlines = Deadlines(step_seconds, 0.05)
        self.endpoint = EvidenceEndpoint(StreamLimits(**chosen), Admissions(4, 4), self.deadlines)
        self.app = SimpleNamespace(state=SimpleNamespace(service=Service.make(database)))

    def open(self, **options: Any) -> "Exchange":
        """A request that has begun."""
        return Exchange(self.endpoint, self.app, **options)


class Exchange:
    """A request whose body is sent, and whose answer is read, part by part."""

    def __init__(
        self, endpoint: ASGIApp, app: object, *, media_type: str = NDJSON, query: str = "", is_reading: bool = True
    ) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.status: int | None = None
        self.num_received = 0
        self.reading, self.received_two = asyncio.Event(), asyncio.Event()
        if is_reading:
            self.reading.set()
        self._text = b""
        self._progress = asyncio.Condition()
        headers = [(b"content-type", media_type.encode()), (b"host", b"localhost")]
        scope: Json = {"type": "http", "method": "POST", "path": "/evidence", "query_string": query.encode()}
        self.task = asyncio.ensure_future(
            endpoint({**scope, "headers": headers, "app": app}, self._receive, self._send)
        )
        self.task.add_done_callback(lambda _: asyncio.ensure_future(self._notify()))

    async def _receive(self) -> Message:
        message = await self.messages.get()
        self.num_received += 1
        if self.num_received > 1:
            self.received_two.set()
        return message

    async def _send(self, message: Message) -> None:
        await self.reading.wait()
        self.status = message.get("status", self.status)
        self._text += message.get("body", b"")
        await self._notify()

    async def _notify(self) -> None:
        async with self._progress:
            self._progress.notify_all()

    def send(self, body: bytes, *, is_last: bool = False) -> None:
        """Send a part of the body."""
        self.messages.put_nowait({"type": "http.request", "body": body, "more_body": not is_last})

    def leave(self) -> None:
        """Disconnect."""
        self.messages.put_nowait({"type": "http.disconnect"})

    async def read(self, num_lines: int) -> list[Json]:
        """The answer's lines, as soon as there are so many."""
        async with asyncio.timeout(60), self._progress:
            await self._progress.wait_for(lambda: self._text.count(b"\n") >= num_lines or self.task.done())
        return self.lines()

    def lines(self) -> list[Json]:
        """The answer's lines so far."""
        return [json.loads(line) for line in self._text.splitlines()]

    async def finish(self) -> list[Json]:
        """All lines of the answer."""
        await asyncio.wait_for(self.task, 60)
        return self.lines()


def statuses(lines: list[Json]) -> list[str]:
    """What became of each item, and how the stream ended."""
    return [line["status"] for line in lines]


async def log_odds(database: Database, claim: str = "S_0") -> float:
    """A claim's inside log-odds, as stored."""
    async with database.open_session() as session:
        result = await session.run("MATCH (n:Claim {id: $id}) RETURN n.inside_log_odds AS x", {"id": claim})
        record = await result.single(strict=True)
        return float(record["x"])


async def test_an_item_is_answered_before_the_next_is_sent(graph: Database) -> None:
    """A bot may wait for each answer, or not; the last line says what came of all."""
    exchange = Served(graph).open()
    for number in range(3):
        exchange.send(text_of(item(number, claim="S_0")))
        lines = await exchange.read(number + 1)
        assert (lines[number]["index"], lines[number]["idempotencyKey"]) == (number, f"k{number}")
        assert not exchange.task.done()
    exchange.send(b"", is_last=True)
    lines = await exchange.finish()

    rows = {row.idempotency_key: row for row in (await export_bundle(graph)).evidence}
    assert exchange.status == 200
    assert statuses(lines) == ["RECORDED"] * 3 + ["DONE"]
    assert lines[3] | {"bookmark": ""} == {
        "status": "DONE", "isDryRun": False, "recordedCount": 3, "replayedCount": 0, "refusedCount": 0, "bookmark": "",
    }  # fmt: skip
    assert lines[3]["bookmark"]
    for number, line in enumerate(lines[:3]):
        assert line["result"]["evidence"] == rows[f"k{number}"].id
        odds = math.exp((number + 1) * WEAK)
        assert line["result"]["probabilityAfter"] == float(f"{odds / (1 + odds):.12g}")
        assert line["result"]["logLikelihoodRatio"] == float(f"{WEAK:.12g}")
    assert await log_odds(graph) == pytest.approx(3 * WEAK, rel=1e-12)
    assert [found async for found in verify(graph)] == []


@pytest.mark.parametrize("seed", range(4))
async def test_the_answer_does_not_depend_on_how_the_body_is_cut(graph: Database, seed: int) -> None:
    """Parts end anywhere, also within a character; blank lines count as places, and the last needs no newline."""
    rng = random.Random(seed)
    lines = [json.dumps(item(number, note="हिन्दी 😀"), ensure_ascii=False).encode() for number in range(30)]
    lines[7] = lines[12] = b" "
    lines[9] = b"\xff"
    lines[11] = json.dumps(item(11, claim="NOBODY")).encode()
    body = b"\r\n".join(lines)
    cuts = sorted(rng.sample(range(len(body)), rng.randrange(1, 200)))
    exchange = Served(graph).open()
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        exchange.send(body[start:end], is_last=end == len(body))
        await asyncio.sleep(0)

    *answers, last = await exchange.finish()

    assert [answer["index"] for answer in answers] == [n for n in range(30) if n not in {7, 12}]
    assert {answer["index"] for answer in answers if answer["status"] == "REFUSED"} == {9, 11}
    assert (last["recordedCount"], last["refusedCount"]) == (26, 2)


async def test_each_line_has_all_its_faults(graph: Database) -> None:
    """Of the line, of its fields by name, and of what the graph says; other lines are not touched by them."""
    exchange = Served(graph).open()
    wrong: list[Any] = [
        item(0),
        item(1, observedAt="soon", url="ftp://x", confidense=0.5, predictor="nobody"),
        item(2, claim="NOBODY", direction="UP", strength=None, likelihoodRatio=0.5, confidence=3),
        {"strength": "WEAK", "likelihoodRatio": 2},
        [],
    ]
    exchange.send(
        text_of(*wrong) + b'{"claim": "S_0", "claim": "S_1"}\n{"claim": NaN}\n{"note": "\\ud800"}\n{', is_last=True
    )

    *answers, last = await exchange.finish()

    faults = [[(".".join(error["path"]), error["code"]) for error in line.get("errors", ())] for line in answers]
    assert [sorted(found) for found in faults] == [
        [],
        [("confidense", "INVALID"), ("observedAt", "INVALID"), ("predictor", "NOT_FOUND"), ("url", "INVALID")],
        [("claim", "NOT_FOUND"), ("confidence", "INVALID"), ("direction", "INVALID"), ("likelihoodRatio", "INVALID")],
        [("claim", "INVALID"), ("direction", "INVALID"), ("strength", "INVALID")],
        *[[("", "INVALID")]] * 5,
    ]
    told = json.dumps(answers)
    assert "did you mean 'confidence'?" in told
    assert "expected an RFC 3339 moment" in told
    assert "expected an object with the fields of an item, got []" in told
    assert "got 'claim' twice" in told
    assert statuses([last]) == ["DONE"]
    assert len((await export_bundle(graph)).evidence) == 1


async def test_a_resend_counts_once_by_either_door(graph: Database) -> None:
    """A mutation under the key of a line is the same request, and the other way round."""
    served = Served(graph)
    first = served.open()
    first.send(text_of(item(0), item(1)), is_last=True)
    recorded = await first.finish()
    by_mutation = await mutate(
        graph,
        "submitEvidence",
        {"claim": "S_0", "direction": "FOR", "strength": "WEAK"},
        "... on EvidenceRecorded { isReplayed recorded { evidence { key } } }",
        idempotencyKey="k0",
    )
    second = served.open()
    second.send(text_of(item(1), item(2), item(1), item(1, strength="STRONG")), is_last=True)
    resent = await second.finish()

    assert by_mutation["isReplayed"]
    assert by_mutation["recorded"]["evidence"]["key"] == recorded[0]["result"]["evidence"]
    assert statuses(resent) == ["REPLAYED", "RECORDED", "REPLAYED", "REFUSED", "DONE"]
    assert resent[0]["result"] == recorded[1]["result"]
    assert resent[3]["errors"][0]["path"] == ["idempotencyKey"]
    assert len((await export_bundle(graph)).evidence) == 3


async def test_what_a_client_that_leaves_has_sent_counts_once(graph: Database) -> None:
    """It cannot know, so it sends all again."""
    served = Served(graph)
    exchange = served.open()
    exchange.send(text_of(item(0), item(1)) + b'{"idempotencyKey": "k2", "claim"')
    await exchange.read(2)
    exchange.leave()
    answered = await exchange.finish()
    again = served.open()
    again.send(text_of(*map(item, range(4))), is_last=True)

    assert statuses(answered) == ["RECORDED"] * 2  # not DONE
    assert statuses(await again.finish()) == ["REPLAYED"] * 2 + ["RECORDED"] * 2 + ["DONE"]
    assert len((await export_bundle(graph)).evidence) == 4


async def test_equal_lines_without_keys_are_taken_for_one(graph: Database) -> None:
    """However far apart in the stream."""
    exchange = Served(graph).open()
    plain = [item(number % 250, idempotencyKey=None, note=str(number % 250)) for number in range(300)]
    exchange.send(text_of(*plain), is_last=True)

    *answers, last = await exchange.finish()

    assert statuses(answers) == ["RECORDED"] * 250 + ["REFUSED"] * 50
    assert answers[299]["errors"][0]["code"] == "DUPLICATE"
    assert "it equals items[49] and counts once" in answers[299]["errors"][0]["message"]
    assert last["refusedCount"] == 50


async def test_an_array_is_answered_as_lines_are(graph: Database) -> None:
    """Also a single object, and nothing at all."""
    served = Served(graph)
    array, one, none = (served.open(media_type="application/json; charset=utf-8") for _ in range(3))
    array.send(json.dumps([item(number) for number in range(150)] + [5]).encode(), is_last=True)
    one.send(json.dumps(item(150)).encode(), is_last=True)
    none.send(b"[]", is_last=True)

    answers = await array.finish()

    assert [answer["index"] for answer in answers[:-1]] == list(range(151))
    assert statuses(answers) == ["RECORDED"] * 150 + ["REFUSED", "DONE"]
    assert statuses(await one.finish()) == ["RECORDED", "DONE"]
    assert statuses(await none.finish()) == ["DONE"]


async def test_a_dry_run_keeps_nothing(graph: Database) -> None:
    """Its answers are those of the real one, but for the row and its bookmark."""
    served = Served(graph)
    dry = served.open(query="dryRun=true")
    dry.send(text_of(item(0), item(1, claim="NOBODY")), is_last=True)
    told = await dry.finish()
    assert (await export_bundle(graph)).evidence == ()
    wet = served.open(query="dryRun=false")
    wet.send(text_of(item(0), item(1, claim="NOBODY")), is_last=True)
    done = await wet.finish()

    assert statuses(told) == statuses(done) == ["RECORDED", "REFUSED", "DONE"]
    assert (told[0]["result"]["evidence"], told[0]["bookmark"], told[2]["bookmark"]) == (None, None, None)
    assert told[2]["isDryRun"]
    assert told[0]["result"]["probabilityAfter"] == pytest.approx(done[0]["result"]["probabilityAfter"], rel=1e-12)
    assert told[1] == done[1]


async def test_a_dry_run_tells_repetitions_however_far_apart(graph: Database) -> None:
    """As the real one does: one observation by two spellings, of which the first that is not refused counts."""
    seen = {"url": "https://example.org/a", "observedAt": "2026-03-01T00:00:00Z"}
    items = [
        item(0, **seen, confidence=3),
        item(3, **seen),
        *(item(number, note=str(number)) for number in range(4, 204)),
        item(300, **seen | {"url": "https://EXAMPLE.org/a#b"}),
    ]
    items[-1]["claim"] = items[0]["claim"]
    told = []
    for query in ("dryRun=true", ""):
        exchange = Served(graph).open(query=query)
        exchange.send(text_of(*items), is_last=True)
        told.append(statuses(await exchange.finish()))

    assert told[0] == told[1] == ["REFUSED"] + ["RECORDED"] * 201 + ["REFUSED", "DONE"]


async def test_what_comes_before_a_line_that_is_too_long_is_recorded(graph: Database) -> None:
    """The stream says where it stopped, and that the line will not do."""
    exchange = Served(graph, max_bytes=8 * MEGABYTE).open()
    exchange.send(text_of(item(0), item(1, note="x" * MAX_LINE_BYTES), item(2)))

    answers = await exchange.finish()

    assert statuses(answers) == ["RECORDED", "STOPPED"]
    assert answers[1]["index"] == 1
    assert answers[1]["errors"][0]["code"] == "BODY_TOO_LARGE"
    assert "line 2 is longer than 1048576 bytes" in answers[1]["errors"][0]["message"]
    assert not answers[1]["errors"][0]["isRetryable"]


async def test_a_body_that_is_too_long_is_gone_on_with(graph: Database) -> None:
    """From the index that it names, by another request; without any answer it is refused as a whole."""
    served = Served(graph, max_bytes=1024)
    body = text_of(*map(item, range(20)))
    exchange, whole = served.open(), served.open()
    for start in range(0, len(body), 64):
        exchange.send(body[start : start + 64])
    whole.send(body)

    *answers, last = await exchange.finish()
    refused = await whole.finish()

    assert statuses([*answers, last]) == ["RECORDED"] * len(answers) + ["STOPPED"]
    assert 8 <= last["index"] == len(answers) < 16
    assert last["errors"][0] | {"message": ""} == {
        "code": "BODY_TOO_LARGE", "message": "", "path": [], "isRetryable": True,
    }  # fmt: skip
    assert whole.status == 413
    assert refused[0]["errors"][0]["extensions"]["code"] == "BODY_TOO_LARGE"


async def test_a_client_that_sends_nothing_is_not_waited_for(graph: Database) -> None:
    """Before the first answer it gets a status, afterwards a last line."""
    served = Served(graph, step_seconds=0.5)
    silent = served.open()
    assert (await silent.finish())[0]["errors"][0]["extensions"]["code"] == "TIMED_OUT"
    patient = Served(graph, step_seconds=3)
    exchange = patient.open()
    exchange.send(text_of(item(0)) + b"{")
    answers = await exchange.finish()

    assert silent.status == 408
    assert statuses(answers) == ["RECORDED", "STOPPED"]
    assert (answers[1]["index"], answers[1]["errors"][0]["code"]) == (1, "TIMED_OUT")


async def test_a_stream_ends_soon_once_the_service_stops(graph: Database) -> None:
    """As requests do; the client goes on with the service that follows."""
    served = Served(graph)
    begun, silent = served.open(), served.open()
    begun.send(text_of(item(0)))
    await begun.read(1)

    served.deadlines.stop()

    answers = await begun.finish()
    assert statuses(answers) == ["RECORDED", "STOPPED"]
    assert answers[1]["errors"][0] == {
        "code": "BUSY", "message": "the service is stopping; send the items from this index on again shortly",
        "path": [], "isRetryable": True,
    }  # fmt: skip
    await silent.finish()
    assert silent.status == 503


async def test_a_stream_has_its_time(graph: Database) -> None:
    """However busy it is, others wait for its place."""
    exchange = Served(graph, seconds=0.0).open()
    exchange.send(text_of(item(0)))

    (refused,) = await exchange.finish()

    assert exchange.status == 504
    assert refused["errors"][0]["extensions"]["code"] == "TIMED_OUT"


async def test_a_client_that_does_not_read_is_not_read(graph: Database) -> None:
    """The body stays where it is once some answers wait; all go on when the client reads."""
    exchange = Served(graph, max_pending_bytes=1).open(is_reading=False)
    parts = [text_of(*map(item, range(start, start + 5))) for start in range(0, 50, 5)]
    for part in parts:
        exchange.send(part)
    exchange.send(b"", is_last=True)
    async with asyncio.timeout(60):
        await exchange.received_two.wait()
    await asyncio.sleep(0.5)  # in which a reader that does not wait takes all

    assert exchange.num_received <= 3
    exchange.reading.set()
    assert statuses(await exchange.finish()) == ["RECORDED"] * 50 + ["DONE"]


async def test_a_client_that_never_reads_is_cut(graph: Database) -> None:
    """Its place is for others."""
    served = Served(graph, max_pending_bytes=1, step_seconds=3, num_streams=1)
    exchange = served.open(is_reading=False)
    exchange.send(text_of(item(0)))
    exchange.send(text_of(item(1)))
    with pytest.raises(Exception, match="the answers were not read in time"):
        await exchange.finish()
    other = served.open()
    other.send(text_of(item(0)), is_last=True)

    assert statuses(await other.finish()) == ["REPLAYED", "DONE"]


async def test_so_many_streams_at_a_time(graph: Database) -> None:
    """As many wait for a place; a further one is told to come again."""
    served = Served(graph, num_streams=1)
    first = served.open()
    first.send(text_of(item(0)))
    await first.read(1)
    second, third = served.open(), served.open()
    second.send(text_of(item(1)), is_last=True)
    (refused,) = await third.finish()

    assert third.status == 503
    assert refused["errors"][0]["extensions"] == {"code": "BUSY", "isRetryable": True}
    assert second.status is None
    first.send(b"", is_last=True)
    assert statuses(await second.finish()) == ["RECORDED", "DONE"]


async def test_a_stream_outlives_the_database_and_counts_once(
    graph: Database, database_address: DatabaseAddress
) -> None:
    """The wire is cut amid a stream: it stops and names the item to go on from; sent from there, all count once."""
    wire = Wire(database_address)
    await wire.mend()
    async with Database.open(wire.address) as database:
        served = Served(database)
        exchange = served.open()
        exchange.send(text_of(*map(item, range(5))))
        await exchange.read(5)
        await wire.cut()
        exchange.send(text_of(*map(item, range(5, 10))), is_last=True)
        answers = await exchange.finish()
        await wire.mend()
        again = served.open()
        again.send(text_of(*map(item, range(answers[-1]["index"], 10))), is_last=True)
        resent = await again.finish()
    await wire.cut()

    assert statuses(answers) == ["RECORDED"] * 5 + ["STOPPED"]
    assert answers[-1]["index"] == 5
    assert (answers[-1]["errors"][0]["code"], answers[-1]["errors"][0]["isRetryable"]) == ("UNAVAILABLE", True)
    assert statuses(resent)[-1] == "DONE"
    assert "REFUSED" not in statuses(resent)
    assert sorted(row.idempotency_key or "" for row in (await export_bundle(graph)).evidence) == [
        f"k{number}" for number in range(10)
    ]


@asynccontextmanager
async def client_of(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application."""
    app = create_app(Settings(max_stream_bytes=2048), database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


WRONG_REQUESTS: dict[str, tuple[Json, int, str]] = {
    "text, which a form can send": ({"headers": {"content-type": "text/plain"}}, 415, "must be application/x-ndjson"),
    "no type": ({"headers": {}}, 415, "it is none"),
    "compressed": ({"headers": {"content-encoding": "gzip"}}, 415, "compressed"),
    "too long": ({"content": b" " * 2049}, 413, "2049 bytes, at most 2048"),
    "a bookmark that is none": ({"headers": {"foregraph-bookmark": "a b"}}, 400, "Foregraph-Bookmark"),
    "another parameter": ({"params": {"mode": "EACH"}}, 400, "no parameter 'mode'"),
    "another value": ({"params": {"dryRun": "yes"}}, 400, "must be true or false"),
    "an array that is none": (
        {"content": b"[1,", "headers": {"content-type": "application/json"}}, 400, "not JSON: Expecting value",
    ),
    "another host": ({"headers": {"host": "example.org"}}, 421, "not 'example.org'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_REQUESTS)
async def test_a_wrong_request_is_refused_before_anything_is_read(graph: Database, name: str) -> None:
    """In the form that the service's errors have."""
    options, status, words = WRONG_REQUESTS[name]
    own = options.get("headers")
    headers = {} if own == {} else {"content-type": NDJSON} | (own or {})
    content, parameters = options.get("content", b"{}"), options.get("params")
    async with client_of(graph) as client:
        response = await client.post("/evidence", content=content, params=parameters, headers=headers)

    assert response.status_code == status
    assert words in response.json()["errors"][0]["message"]


async def test_the_application_answers_lines(graph: Database) -> None:
    """By POST alone; a whole body is larger here than elsewhere."""
    async with client_of(graph) as client:
        got = await client.get("/evidence")
        posted = await client.post("/evidence", content=text_of(item(0)), headers={"content-type": NDJSON})

    assert got.status_code == 405
    assert posted.headers["content-type"] == NDJSON
    assert posted.headers["x-request-id"]
    assert statuses([json.loads(line) for line in posted.text.splitlines()]) == ["RECORDED", "DONE"]
