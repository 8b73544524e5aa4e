"""
Spans of requests, phases, statements and inference, and their durations, sent by OTLP over HTTP.

Attributes are names, numbers and codes: no value, no text of a document or statement, and no key is among them. Headers
for the collector, sampling and the names of resources are set by OpenTelemetry's own environment variables.
"""

import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final, Self
from uuid import uuid4

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry import Schema
from strawberry.extensions import SchemaExtension

from api.documents import Operation
from api.execution import Answer, Executor
from api.logging import is_own_request
from api.metrics.instruments import shown_path
from api.middleware import CLIENT_CLOSED_STATUS, RECORD
from api.telemetry import tracing
from resolvers.base.context import Context

NAME: Final = "foregraph"
EXPORT_SECONDS: Final = 3.0
"""Longest time for one export, so that a collector that does not answer holds up no stop."""
FIGURES_MILLISECONDS: Final = 60_000
SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
METHODS: Final = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
OUTCOME: Final = f"{NAME}.outcome"
Headers = Iterable[tuple[bytes, bytes]]
_W3C: Final = TraceContextTextMapPropagator()
_CARRIED: Final = frozenset({b"traceparent", b"tracestate"})


class Telemetry:
    """
    Makes spans and counts durations.

    Args:
        processor: Takes spans that have ended.
        reader: Reads figures.
    """

    def __init__(self, processor: SpanProcessor, reader: MetricReader) -> None:
        about = {"service.name": NAME, "service.version": version(NAME), "service.instance.id": str(uuid4())}
        resource = Resource(about).merge(Resource.create())
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(processor)
        self._meters = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._tracer, meter = self._tracers.get_tracer(NAME), self._meters.get_meter(NAME)
        self._requests, self._statements, self._inferences = (
            meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=SECONDS)
            for name, text in (
                ("http.server.request.duration", "Time of requests from arrival to the last byte."),
                ("db.client.operation.duration", "Time of statements until their last row."),
                ("foregraph.inference.duration", "Time of inference in a thread."),
            )
        )

    @classmethod
    def sending_to(cls, endpoint: str) -> Self:
        """Send spans and figures to a collector, by its address without a path."""
        base = endpoint.rstrip("/")
        spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=EXPORT_SECONDS)
        figures = OTLPMetricExporter(f"{base}/v1/metrics", timeout=EXPORT_SECONDS)
        return cls(
            BatchSpanProcessor(spans, export_timeout_millis=EXPORT_SECONDS * 1000),
            PeriodicExportingMetricReader(figures, FIGURES_MILLISECONDS, EXPORT_SECONDS * 1000),
        )

    def close(self) -> None:
        """Send what is left, for some seconds at most."""
        self._tracers.shutdown()
        self._meters.shutdown(EXPORT_SECONDS * 1000)

    def phase(self, name: str, attributes: Mapping[str, str | int] | None = None) -> AbstractContextManager[Span]:
        """Make a span of a part of a request, current within the block; exceptions have values, so none is recorded."""
        about = {f"{NAME}.{key}": value for key, value in (attributes or {}).items()}
        return self._tracer.start_as_current_span(
            name, attributes=about, record_exception=False, set_status_on_exception=False
        )

    def note_outcome(self, outcome: str, *, is_failed: bool) -> None:
        """Note the outcome of the current span."""
        span = trace.get_current_span()
        span.set_attribute(OUTCOME, outcome)
        if is_failed:
            span.set_status(StatusCode.ERROR)

    def begin_request(self, scope: Scope) -> Span:
        """Begin the span of a request, below the span that its headers name, or the current one."""
        parent, named = _find_parent(scope["headers"]), _name_request(scope)
        name = f"{named['http.request.method']} {named['http.route']}"
        return self._tracer.start_span(name, parent, SpanKind.SERVER, named)

    def end_request(self, span: Span, scope: Scope, status: int, seconds: float) -> None:
        """End the span of a request."""
        span.set_attribute("http.response.status_code", status)
        record = scope.get(RECORD)
        if record is not None and record.operation_type is not None:
            span.set_attribute("graphql.operation.type", record.operation_type)
            span.set_attribute("graphql.operation.name", record.operation_name or "")
            span.set_attribute("graphql.document.id", record.document_id)
            span.set_attribute(OUTCOME, record.outcome)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            span.set_status(StatusCode.ERROR)
        span.end()
        self._requests.record(seconds, {**_name_request(scope), "http.response.status_code": status})

    def begin_subscription(self, name: str, headers: Headers) -> "SubscriptionSpan":
        """
        Begin the span of a subscription's start.

        It is below the current span, or else the one that headers name.

        Args:
            name: The operation's name.
            headers: The headers with which its connection was opened.
        """
        is_within = trace.get_current_span().get_span_context().is_valid
        return SubscriptionSpan(self._tracer, contexts.get_current() if is_within else _find_parent(headers), name)

    def observe_statement(self, name: str, seconds: float, num_rows: int) -> None:
        """Note a statement that has just ended; it has a span within a request."""
        about: dict[str, str | int] = {"db.system.name": "neo4j", "db.operation.name": name}
        self._statements.record(seconds, about)
        self._add_span(name, seconds, SpanKind.CLIENT, {**about, "db.response.returned_rows": num_rows})

    def observe_inference(self, kind: str, waited_seconds: float, seconds: float) -> None:
        """Note work in a thread of inference that has just ended; it has a span within a request."""
        self._inferences.record(seconds, {"foregraph.thread": kind})
        self._add_span(kind, seconds, SpanKind.INTERNAL, {"foregraph.waited_seconds": waited_seconds})

    def _add_span(self, name: str, seconds: float, kind: SpanKind, about: Mapping[str, str | int | float]) -> None:
        if trace.get_current_span().is_recording():
            end = time.time_ns()
            start = end - int(seconds * 1e9)
            self._tracer.start_span(name, kind=kind, attributes=about, start_time=start).end(end)

    def list_extensions(self) -> list[type[SchemaExtension]]:
        """List extensions of the schema that make spans of the phases of documents not answered before."""
        phase = self.phase

        class Phases(SchemaExtension):
            def on_parse(self) -> Iterator[None]:
                with phase("parse"):
                    yield

            def on_validate(self) -> Iterator[None]:
                with phase("validate"):
                    yield

            def on_execute(self) -> Iterator[None]:
                with phase("execute"):
                    yield

        return [Phases]


class SubscriptionSpan:
    """
    The span of a subscription's start, from its request until the feed is followed, and one for each message below it.

    A message's span begins when its event has come, and has the number of its statements, which are no spans.

    Args:
        tracer: Makes spans.
        parent: The context of the span that it is below.
        name: The operation's name.
    """

    def __init__(self, tracer: trace.Tracer, parent: contexts.Context, name: str) -> None:
        about = {"graphql.operation.type": "subscription", "graphql.operation.name": name}
        self._tracer = tracer
        self._span = tracer.start_span("subscribe", parent, attributes=about)

    def within(self) -> AbstractContextManager[Span]:
        """Make the span the current one of a block."""
        return trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def end(self, outcome: str = "data") -> None:
        """End the start, unless it has ended."""
        if self._span.is_recording():
            self._span.set_attribute(OUTCOME, outcome)
            self._span.end()

    def add_message(self, began_at: datetime, num_statements: int, outcome: str) -> None:
        """Add the span of a message that has just been made, from the moment at which its event came."""
        about: dict[str, str | int] = {OUTCOME: outcome, f"{NAME}.statements": num_statements}
        below = trace.set_span_in_context(self._span)
        start = int(began_at.timestamp() * 1e9)
        self._tracer.start_span("message", below, attributes=about, start_time=start).end()


class TracingMiddleware:
    """
    Makes a span of each request over HTTP.

    Args:
        app: Answers.
        telemetry: Makes spans.
    """

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry) -> None:
        self.app = app
        self._telemetry = telemetry

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer."""
        is_traced = scope["type"] == "http" and not is_own_request.get()
        return self._answer(scope, receive, send) if is_traced else self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = CLIENT_CLOSED_STATUS

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started, span = time.perf_counter(), self._telemetry.begin_request(scope)
        try:
            with tracing(self._telemetry), trace.use_span(span, record_exception=False, set_status_on_exception=False):
                await self.app(scope, receive, send_and_note)
        finally:
            self._telemetry.end_request(span, scope, status, time.perf_counter() - started)


class TracedExecutor(Executor):
    """
    Makes a span of each execution of a kept document.

    Args:
        schema: The schema.
        telemetry: Makes spans.
    """

    def __init__(self, schema: Schema, telemetry: Telemetry) -> None:
        super().__init__(schema)
        self._telemetry = telemetry

    async def run(self, operation: Operation, variables: Mapping[str, Any] | None, context: Context) -> Answer:
        """Execute an operation."""
        with self._telemetry.phase("execute"):
            return await super().run(operation, variables, context)


def _find_parent(headers: Headers) -> contexts.Context:
    """The context of the span that headers name, or else the current one."""
    carrier = {key.decode(): text.decode("latin-1") for key, text in headers if key in _CARRIED}
    return _W3C.extract(carrier, contexts.get_current())


def add_trace(logger: object, method_name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the ids of the current trace and span to a line of the log."""
    current = trace.get_current_span().get_span_context()
    if current.is_valid:
        event["trace_id"], event["span_id"] = format_trace_id(current.trace_id), format_span_id(current.span_id)
    return event


def _name_request(scope: Scope) -> dict[str, str | int]:
    method = scope["method"]
    return {
        "http.request.method": method if method in METHODS else "_OTHER",
        "http.route": shown_path(scope["path"]),
    }
