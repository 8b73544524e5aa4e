"""A collector of OpenTelemetry gets spans and durations of a running service, and nothing that a caller has written."""

import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from tests.helpers.bundles import bundle, prediction
from tests.helpers.processes import Finished, Service, run, serving_fork, variables

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "xyzzy-of-a-caller"
PAGE = f'query Page($id: ID!) {{ prediction(id: $id) {{ title }} absent: prediction(id: "{SECRET}") {{ title }} }}'
WHAT_IF = 'query Asked { whatIf(observations: [{claim: "P_1", outcome: TRUE}]) { __typename } }'


class Collector:
    """
    What a collector was sent.

    Attributes:
        url: Its address.
        bodies: Bodies by path.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}

    def spans(self) -> list[Span]:
        """All spans."""
        return [
            span
            for body in self.bodies["/v1/traces"]
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def figures(self) -> set[str]:
        """The names of all figures."""
        return {
            figure.name
            for body in self.bodies["/v1/metrics"]
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for figure in scope.metrics
        }


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies[self.path].append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def about(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return {
        entry.key: getattr(entry.value, entry.value.WhichOneof("value") or "string_value") for entry in span.attributes
    }


async def ask(service: Service) -> str:
    """Ask one document twice as part of a trace, and another; returns the figures for Prometheus."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": SECRET}
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        for _ in range(2):
            body = {"query": PAGE, "variables": {"id": "P_1"}}
            answer = await client.post("/graphql", json=body, headers=headers)
            assert answer.json() == {"data": {"prediction": {"title": "Title of P_1"}, "absent": None}}, answer.text
        assert "errors" not in (await client.post("/graphql", json={"query": WHAT_IF}, headers=headers)).json()
        await client.get(f"/{SECRET}")
        return (await client.get("/metrics")).text


async def serve_and_ask(address: DatabaseAddress, endpoint: str) -> tuple[str, Finished]:
    """Serve with a collector's address, ask, and stop."""
    given = {"FOREGRAPH_OTLP_ENDPOINT": endpoint, "FOREGRAPH_LOG_FORMAT": "json", "FOREGRAPH_SCHEDULER": "false"}
    given["FOREGRAPH_RESPONSE_CACHE_BYTES"] = "0"
    async with serving_fork("serve", "--port", "0", environment=variables(address, **given)) as service:
        figures = await ask(service)
        return figures, await service.stop(signal.SIGTERM)


async def test_a_collector_gets_a_trace_of_each_request(database: Database, database_address: DatabaseAddress) -> None:
    """Below the caller's own span; statements and inference have theirs, log lines and figures name the same."""
    await import_bundle(database, bundle(predictions=[prediction("P_1", title="Title of P_1"), prediction("P_2")]))
    with collecting() as collector:
        figures, finished = await serve_and_ask(database_address, collector.url)

    assert finished.code == 0, finished.errors
    spans = collector.spans()
    traced = [span for span in spans if span.trace_id.hex() == TRACE]
    requests = [span for span in traced if span.parent_span_id.hex() == PARENT]
    names = {span.span_id: span.name for span in traced}
    below = {(names.get(span.parent_span_id), span.name) for span in traced}
    assert [span.name for span in requests] == ["POST /graphql"] * 3
    told = [(about(span)["graphql.operation.name"], about(span)["http.response.status_code"]) for span in requests]
    assert sorted(told) == [("Asked", 200), ("Page", 200), ("Page", 200)]
    assert {("POST /graphql", phase) for phase in ("parse", "validate", "execute")} <= below
    assert ("execute", "inference") in below
    statements = [span for span in traced if "db.operation.name" in about(span)]
    assert {names[span.parent_span_id] for span in statements} == {"execute"}
    assert "network/list_claims" in {span.name for span in statements}
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    assert [about(span)["http.route"] for span in spans if about(span).get("http.response.status_code") == 404] == [
        "other"
    ]
    assert collector.figures() == {
        "http.server.request.duration",
        "db.client.operation.duration",
        "foregraph.inference.duration",
    }
    assert not any(SECRET.encode() in body for bodies in collector.bodies.values() for body in bodies)
    assert 'foregraph_statements_total{statement="network/list_claims"}' in figures
    lines = [json.loads(line) for line in finished.errors.splitlines() if line.startswith("{")]
    logged = {line["span_id"] for line in lines if line["event"] == "request" and line.get("trace_id") == TRACE}
    assert logged == {span.span_id.hex() for span in requests}


async def test_a_collector_that_is_away_holds_nobody_up(
    migrated_database: Database, database_address: DatabaseAddress
) -> None:
    """Neither requests nor the end; and its address is checked."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system takes connections, and nobody answers
        port = silent.getsockname()[1]
        given = {"FOREGRAPH_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "FOREGRAPH_SCHEDULER": "false"}
        async with serving_fork("serve", "--port", "0", environment=variables(database_address, **given)) as service:
            async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
                assert (await client.get("/readyz")).status_code == 200
            finished = await service.stop(signal.SIGTERM)
    refused = await run("serve", environment={"FOREGRAPH_OTLP_ENDPOINT": "localhost:4318"})

    assert finished.code == 0, finished.errors
    assert finished.seconds < 20
    assert "Traceback" not in finished.errors
    assert refused.code != 0
    assert "FOREGRAPH_OTLP_ENDPOINT" in refused.errors
