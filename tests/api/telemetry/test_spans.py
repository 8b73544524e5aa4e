"""Jobs, deliveries, tables and subscriptions have spans, below those of whoever asked for them."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from api.app import create_app
from api.metrics.instruments import DELIVERIES, JOBS
from api.scheduling import Job, Scheduler
from api.settings import Settings
from api.telemetry import phase, tracing
from api.telemetry.otlp import Telemetry
from api.webhooks.delivering import deliver_due
from api.webhooks.sending import Receivers
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.jobs import RunReason
from graph.database.sessions import Database
from graph.saved.queries import Draft
from graph.saved.running import SavedQueries
from graph.saved.schedules import DeliveryFormat, Schedule, set_schedule
from graph.saved.sealing import Seals
from graph.saved.store import save_query
from resolvers.base.context import Service
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle, prediction
from tests.helpers.copies import import_once
from tests.helpers.receiving import receiving
from tests.helpers.service_fakes import open_client
from tests.helpers.serving_app import serving_app
from tests.helpers.subscribing import APPENDED, connecting, read_events
from tests.helpers.writes import submitted

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
SECRET = "xyzzy-of-a-caller"
TWO = bundle(predictions=[prediction("P_1"), prediction("P_2")])


class Spans:
    """
    Spans that have ended.

    Attributes:
        telemetry: Makes them.
    """

    def __init__(self) -> None:
        self._exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.telemetry = Telemetry(SimpleSpanProcessor(self._exporter), reader)

    def all(self) -> tuple[ReadableSpan, ...]:
        """All of them, those that ended first at first."""
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of a name."""
        return [span for span in self.all() if span.name == name]

    def ways(self) -> set[tuple[str, ...]]:
        """The names of each span and of those above it, from the outermost."""
        return {self._way(span) for span in self.all()}

    def _way(self, span: ReadableSpan) -> tuple[str, ...]:
        above = None if span.parent is None else self._find(span.parent.span_id)
        return (*(() if above is None else self._way(above)), span.name)

    def _find(self, span_id: int) -> ReadableSpan | None:
        return next((span for span in self.all() if span.context.span_id == span_id), None)


@pytest.fixture
def spans() -> Iterator[Spans]:
    """Spans of one test."""
    made = Spans()
    yield made
    texts = [span.to_json() for span in made.all()]
    made.telemetry.close()
    assert not [text for text in texts if SECRET in text]


def count(job: str, outcome: str) -> float:
    """How many runs of a job have been counted."""
    return float(JOBS.labels(job, outcome)._value.get())


def parent_of(span: ReadableSpan) -> tuple[str, str] | None:
    """The trace and the span that a span is below."""
    above = span.parent
    return None if above is None else (format_trace_id(above.trace_id), format_span_id(above.span_id))


async def test_a_job_has_a_span_whether_it_ends_or_fails(database: Database, spans: Spans) -> None:
    """An error's text is in none, and a slot that is taken makes none."""

    async def succeed(service: Service) -> Mapping[str, object]:
        await service.database.read(lambda unit: unit.run("network/get_held"))
        return {}

    async def fail(_: Service) -> Mapping[str, object]:
        raise RuntimeError(SECRET)

    before = [count(job, outcome) for job, outcome in (("good", "done"), ("bad", "failed"))]
    now = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
    jobs = [Job("good", "0 3 * * *", succeed), Job("bad", "0 3 * * *", fail)]
    scheduler = Scheduler(service_of(database), jobs, spans.telemetry)
    ran = [await scheduler.run(job, RunReason.ON_TIME, now=now) for job in (*jobs, jobs[0])]

    assert ran == [True, False, False]
    assert [count("good", "done"), count("bad", "failed")] == [number + 1 for number in before]
    told = [(span.name, span.parent, span.status.status_code, dict(span.attributes or {})) for span in spans.all()]
    assert told == [
        ("job good", None, StatusCode.UNSET, {"foregraph.job": "good", "foregraph.outcome": "done"}),
        ("job bad", None, StatusCode.ERROR, {"foregraph.job": "bad", "foregraph.outcome": "failed"}),
    ]


async def test_a_delivery_has_a_span_within_its_job(
    database: Database, database_address: DatabaseAddress, spans: Spans
) -> None:
    """With the attempt and what became of it, and nothing of the receiver or of the rows."""
    async with Adhoc(database_address) as adhoc, receiving() as receiver:
        await save_query(database, adhoc, Draft("echo", f"RETURN '{SECRET}' AS text", "", ()), caller="test")
        seals = Seals(b"secret of the tests")
        saved, due = SavedQueries(database, adhoc), datetime(2026, 9, 1, 12, 10, tzinfo=UTC)
        schedule = Schedule(
            name="each",
            query="echo",
            parameters={},
            sealed_url=seals.close(f"http://127.0.0.1:{receiver.port}/{SECRET}"),
            format=DeliveryFormat.JSON,
            every_minutes=10,
        )
        await set_schedule(database, schedule, now=datetime(2026, 9, 1, 12, 3, tzinfo=UTC))
        receivers = Receivers(frozenset({f"127.0.0.1:{receiver.port}"}), seals, allows_loopback=True)
        before = DELIVERIES.labels("delivered")._value.get()
        with tracing(spans.telemetry), phase("job deliver_queries"):
            counts = await deliver_due(saved, receivers, due)

    assert counts["num_delivered"] == DELIVERIES.labels("delivered")._value.get() - before == 1
    (delivery,) = spans.named("delivery")
    assert dict(delivery.attributes or {}) == {"foregraph.attempt": 1, "foregraph.outcome": "delivered"}
    assert ("job deliver_queries", "delivery") in spans.ways()


async def test_tables_have_spans_below_their_requests(
    database: Database, database_address: DatabaseAddress, spans: Spans
) -> None:
    """A statement of an analyst, one that is refused, and the table of all beliefs."""
    await import_once(database, TWO)
    async with Adhoc(database_address) as adhoc:
        app = create_app(Settings(), database, adhoc=adhoc, telemetry=spans.telemetry)
        async with open_client(app) as client:
            for statement in (f"RETURN '{SECRET}' AS text", f"CREATE (n {{name: '{SECRET}'}})"):
                await client.post("/cypher", json={"statement": statement}, headers=TRACED)
            assert (await client.get("/beliefs.csv", headers=TRACED)).status_code == 200

    outcomes = [(dict(span.attributes or {}), parent_of(span)) for span in spans.named("table")]
    above = [(TRACE, format_span_id(span.context.span_id)) for span in spans.all() if span.name.startswith(("P", "G"))]
    assert outcomes == [
        ({"foregraph.format": "json", "foregraph.outcome": "data"}, above[0]),
        ({"foregraph.format": "json", "foregraph.outcome": "CYPHER_REFUSED"}, above[1]),
        ({"foregraph.format": "csv", "foregraph.outcome": "data"}, above[2]),
    ]
    assert {("POST /cypher", "table", "open"), ("GET /beliefs", "table", "open")} <= spans.ways()
    assert {parent_of(span) for span in spans.all() if span.name in {"POST /cypher", "GET /beliefs"}} == {
        (TRACE, PARENT)
    }


@pytest.mark.parametrize("is_socket", [False, True])
async def test_a_subscription_has_spans_of_its_start_and_of_each_message(
    database: Database, spans: Spans, *, is_socket: bool
) -> None:
    """The start ends once the feed is followed, long before the subscription does; it is below its caller's span."""
    await import_once(database, TWO)
    settings = Settings(warm_up=False, scheduler=False)
    app = create_app(settings, database, telemetry=spans.telemetry)
    async with serving_app(app) as url:
        if is_socket:
            async with connecting(url, additional_headers=TRACED) as socket:
                await socket.subscribe(APPENDED)
                await until_started(spans)
                for claim in ("P_1", "P_2"):
                    await submitted(claim)(database)
                    assert (await socket.receive())["type"] == "next"
        else:
            async with (
                httpx.AsyncClient(base_url=url, timeout=20) as client,
                client.stream("POST", "/graphql", json={"query": APPENDED}, headers={**STREAM, **TRACED}) as response,
            ):
                await until_started(spans)
                events = read_events(response)
                for claim in ("P_1", "P_2"):
                    await submitted(claim)(database)
                    assert "errors" not in json.loads((await anext(events))["data"])

    (start,) = spans.named("subscribe")
    messages = spans.named("message")
    assert start.context.trace_id == int(TRACE, 16)
    assert (parent_of(start) == (TRACE, PARENT)) is is_socket
    assert {parent_of(span) for span in messages} == {(TRACE, format_span_id(start.context.span_id))}
    assert [(span.attributes or {})["foregraph.outcome"] for span in messages] == ["data", "data"]
    assert all(at(start.end_time) <= at(span.start_time) <= at(span.end_time) for span in messages)


STREAM = {"accept": "text/event-stream"}


async def until_started(spans: Spans) -> None:
    """Wait until a subscription has begun."""
    async with asyncio.timeout(20):
        while not spans.named("subscribe"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def at(nanoseconds: Any) -> int:
    """A moment that is known."""
    assert nanoseconds is not None
    return int(nanoseconds)
