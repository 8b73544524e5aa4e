"""
The service's counters, histograms and gauges.

No label takes what a client has written but names of operations, of which the first ones are shown and the rest have
one name together, so that nobody can make the number of series grow.
"""

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from api.logging import RequestRecord, get_logger
from graph.database.sessions import Observer

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which all workers of a service count; prometheus-client reads it
when it is imported."""

MOST_OPERATIONS: Final = 200
"""Operations with a name of their own in the figures."""
OTHER: Final = "other"
_PATHS: Final = frozenset(
    {"", "graphql", "evidence", "cypher", "beliefs", "queries", "mcp", "metrics", "healthz", "readyz"}
)

_REGISTRY: Final = CollectorRegistry()
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

REQUESTS: Final = Histogram(
    "foregraph_request_seconds",
    "Requests by path and status, with the time from arrival to the last byte.",
    ["path", "status"],
    registry=_REGISTRY,
    buckets=_SECONDS,
)
OPERATIONS: Final = Counter(
    "foregraph_operations",
    "GraphQL operations by type, outcome (data, partial, refused), name, and the first digits of the document's id.",
    ["type", "outcome", "operation", "document"],
    registry=_REGISTRY,
)
ERRORS: Final = Counter(
    "foregraph_errors",
    "Errors that clients were told, by code; those of limits tell which one.",
    ["code"],
    registry=_REGISTRY,
)
STATEMENTS: Final = Counter(
    "foregraph_statements", "Statements run by requests and jobs, by name.", ["statement"], registry=_REGISTRY
)
STATEMENT_SECONDS: Final = Counter(
    "foregraph_statement_seconds",
    "Time of statements until their last row, by name.",
    ["statement"],
    registry=_REGISTRY,
)
STATEMENT_ROWS: Final = Counter(
    "foregraph_statement_rows", "Rows that statements returned, by name.", ["statement"], registry=_REGISTRY
)


def _gauge(name: str, text: str, *labels: str, mode: str = "livesum") -> Gauge:
    """Make a gauge; `mode` says how those of several workers become one."""
    return Gauge(f"foregraph_{name}", text, labels, registry=_REGISTRY, multiprocess_mode=mode)  # type: ignore[arg-type]  # one of its words


PLACES: Final = _gauge("places", "Documents under way and waiting, and places for them.", "kind", "state")
INFERENCE: Final = _gauge("inference_threads", "Threads of inference that compute, and all of them.", "state")
KEPT_BYTES: Final = _gauge("kept_bytes", "Memory of what is kept: responses, documents, joint samples.", "kind")
RESPONSES: Final = _gauge("kept_responses", "Requests by what became of their kept response since the start.", "found")
ANALYSTS: Final = _gauge("analyst_statements", "Statements of analysts under way, and those that did not end.", "state")
REVISION: Final = _gauge("revision", "The graph's revision.", mode="livemax")
MARGINAL_LAG: Final = _gauge("marginal_lag_revisions", "Revisions that stored marginals are behind.", mode="livemin")
MARGINAL_AGE: Final = _gauge(
    "marginal_age_seconds", "Age of the moment that stored marginals hold for.", mode="livemin"
)
IS_READY: Final = _gauge("is_ready", "1 where the service answers at full speed, else 0.", mode="livemin")
DATABASE_IS_UP: Final = _gauge("database_is_up", "1 where the database answered the last look, else 0.", mode="livemin")

_operations: set[tuple[str, str]] = set()


def note_request(path: str, status: int, seconds: float, record: RequestRecord | None) -> None:
    """
    Count a request.

    Args:
        path: Its path; only the first part counts.
        status: Of its response.
        seconds: From its arrival to the last byte.
        record: What is known of its document.
    """
    REQUESTS.labels(shown_path(path), str(status)).observe(seconds)
    if record is not None and record.operation_type is not None:
        name, document = _shown(record.operation_name or "", record.document_id)
        OPERATIONS.labels(record.operation_type, record.outcome, name, document).inc()


def shown_path(path: str) -> str:
    """The first part of a path of this service; all others have one name together."""
    first = path.split("/", 2)[1].partition(".")[0] if path.startswith("/") else OTHER
    return f"/{first}" if first in _PATHS else OTHER


def _shown(name: str, document: str) -> tuple[str, str]:
    shown = name, document
    if shown not in _operations:
        if len(_operations) >= MOST_OPERATIONS:
            return OTHER, OTHER
        _operations.add(shown)
    return shown


def note_error(code: object) -> None:
    """Count an error that a client is told; codes are a closed set."""
    ERRORS.labels(str(code)).inc()


class StatementObserver:
    """
    Counts statements, and logs those that take long.

    Args:
        slow_seconds: From which duration on a statement is logged.
        also: Told of each statement as well.
    """

    def __init__(self, slow_seconds: float, also: Observer | None = None) -> None:
        self._slow_seconds, self._also = slow_seconds, also

    def __call__(self, name: str, seconds: float, num_rows: int) -> None:
        """Note a statement's name, its duration in seconds and its number of rows."""
        STATEMENTS.labels(name).inc()
        STATEMENT_SECONDS.labels(name).inc(seconds)
        STATEMENT_ROWS.labels(name).inc(num_rows)
        if self._also is not None:
            self._also(name, seconds, num_rows)
        if seconds >= self._slow_seconds:
            get_logger().warning("a slow statement", statement=name, seconds=round(seconds, 3), rows=num_rows)


def forget_process(folder: str, pid: int) -> None:
    """Drop the gauges of a worker that has ended; what it counted stays."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # prometheus-client has no types there


def list_families() -> list[Metric]:
    """List all figures with their kinds."""
    return list(_REGISTRY.collect())


def show() -> tuple[bytes, str]:
    """Write all figures, of all workers where there are several, and their media type."""
    registry = _REGISTRY
    if os.environ.get(SHARED_FOLDER):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus-client has no types there
    return generate_latest(registry), CONTENT_TYPE_LATEST
