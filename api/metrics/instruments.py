"""
The service's counters, histograms and gauges.

No label takes what a client has written but names of operations, of which the first ones are shown and the rest have
one name together, so that nobody can make the number of series grow.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from api.logging import Cost, RequestRecord, get_logger

if TYPE_CHECKING:
    from graph.database.sessions import Observer

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which all workers of a service count; prometheus-client reads it
when it is imported."""

MOST_OPERATIONS: Final = 200
"""Operations with a name of their own in the figures."""
OTHER: Final = "other"
MOST_CHARACTERS: Final = 100
"""The longest name of an operation in the figures."""
_PATHS: Final = frozenset(
    {"", "graphql", "evidence", "cypher", "beliefs", "queries", "mcp", "metrics", "healthz", "readyz"}
)

_REGISTRY: Final = CollectorRegistry()
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_POINTS: Final = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000)


def _counter(name: str, text: str, *labels: str) -> Counter:
    """Make a counter of this service."""
    return Counter(f"foregraph_{name}", text, labels, registry=_REGISTRY)


def _histogram(name: str, text: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    """Make a histogram of this service, with the upper bounds of its buckets."""
    return Histogram(f"foregraph_{name}", text, labels, registry=_REGISTRY, buckets=buckets)


def _gauge(name: str, text: str, *labels: str, mode: str = "livesum") -> Gauge:
    """Make a gauge; `mode` says how those of several workers become one."""
    return Gauge(f"foregraph_{name}", text, labels, registry=_REGISTRY, multiprocess_mode=mode)  # type: ignore[arg-type]  # one of its words


REQUESTS: Final = _histogram(
    "request_seconds",
    "Requests by path and status, with the time from arrival to the last byte.",
    "path",
    "status",
    buckets=_SECONDS,
)
OPERATIONS: Final = _counter(
    "operations",
    "GraphQL operations by type, outcome (data, partial, refused), name, and the first digits of the document's id.",
    "type",
    "outcome",
    "operation",
    "document",
)
_OPERATION: Final = ("type", "operation", "document")
OPERATION_SECONDS: Final = _counter(
    "operation_seconds",
    "Time of operations from arrival to the last byte, by type, name and document.",
    *_OPERATION,
)
OPERATION_STATEMENTS: Final = _counter(
    "operation_statements",
    "Statements run by operations, by type, name and document.",
    *_OPERATION,
)
OPERATION_COST: Final = _counter(
    "operation_cost",
    "Rows and points of operations, as priced before they run, and as read and computed (actual).",
    *_OPERATION,
    "unit",
    "stage",
)
DOCUMENT_COST: Final = _histogram(
    "document_cost",
    "Cost points of documents: the price before they run, and what was read and computed (actual).",
    "stage",
    buckets=_POINTS,
)
REFUSALS: Final = _counter(
    "refusals",
    "Requests that were turned away by a limit on what each caller, or all together, may ask.",
    "limit",
)
MESSAGES: Final = _counter("subscription_messages", "Messages sent to subscribers, by outcome.", "outcome")
JOBS: Final = _counter("jobs", "Runs of scheduled jobs by outcome.", "job", "outcome")
JOB_SECONDS: Final = _counter("job_seconds", "Time of scheduled jobs.", "job")
DELIVERIES: Final = _counter(
    "deliveries",
    "Attempts to deliver to a webhook, by what they left: delivered, pending (tried again) or dead.",
    "outcome",
)
FEED_LAG: Final = _histogram(
    "feed_lag_seconds",
    "Time from when an event of the feed was written until this process had given it to its subscribers.",
    buckets=_SECONDS,
)
ERRORS: Final = _counter("errors", "Errors that clients were told, by code; those of limits tell which one.", "code")
STATEMENTS: Final = _counter("statements", "Statements run by requests and jobs, by name.", "statement")
STATEMENT_SECONDS: Final = _counter(
    "statement_seconds",
    "Time of statements until their last row, by name.",
    "statement",
)
STATEMENT_ROWS: Final = _counter("statement_rows", "Rows that statements returned, by name.", "statement")
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
SAMPLE_AGE: Final = _gauge(
    "sample_age_seconds", "Age of the moment that kept joint samples were drawn for.", mode="livemax"
)
SUBSCRIBERS: Final = _gauge("subscribers", "Subscribers that follow the feed.")
FEED_POSITION: Final = _gauge(
    "feed_position", "Position of the feed's newest event: its revision times a million, and its place.", mode="livemax"
)
FEED_EVENT_AGE: Final = _gauge("feed_event_age_seconds", "Age of the feed's newest event.", mode="livemin")
FEED_WAIT: Final = _gauge(
    "feed_wait_seconds",
    "Age of the oldest event that subscribers are to be given; 0 without any.",
    mode="livemax",
)
CONNECTIONS: Final = _gauge(
    "database_connections", "Connections to the database: open, used of these, and places for them.", "state"
)
DATABASE_LOAD: Final = {
    name: _gauge(f"database_{name.removeprefix('num_')}", text, mode="livemax")
    for name, text in (
        ("heap_used_bytes", "Heap of Neo4j that is used."),
        ("heap_max_bytes", "The most that Neo4j's heap may take."),
        ("processor_seconds", "Processor time of Neo4j since its start."),
        ("collection_seconds", "Time of Neo4j's garbage collection since its start."),
        ("num_files", "Files and connections that Neo4j has open."),
        ("num_nodes", "Nodes that are stored."),
        ("num_transactions", "Transactions that are open, the one that asks included."),
        ("oldest_transaction_seconds", "Age of the oldest open transaction."),
    )
}
IS_READY: Final = _gauge("is_ready", "1 where the service answers at full speed, else 0.", mode="livemin")
DATABASE_IS_UP: Final = _gauge("database_is_up", "1 where the database answered the last look, else 0.", mode="livemin")


class _Operation:
    """
    The series of one operation, found once.

    Args:
        about: Its type, its name and the first digits of its document's id.
    """

    def __init__(self, *about: str) -> None:
        kind, name, document = about
        self._outcomes = {
            outcome: OPERATIONS.labels(kind, outcome, name, document) for outcome in ("data", "partial", "refused")
        }
        self._seconds, self._statements = OPERATION_SECONDS.labels(*about), OPERATION_STATEMENTS.labels(*about)
        self._costs = {
            stage: tuple(OPERATION_COST.labels(*about, unit, stage) for unit in Cost._fields) for stage in STAGES
        }

    def note(self, outcome: str, seconds: float, num_statements: int) -> None:
        self._outcomes[outcome].inc()
        self._seconds.inc(seconds)
        self._statements.inc(num_statements)

    def note_cost(self, stage: str, cost: Cost) -> None:
        rows, points = self._costs[stage]
        rows.inc(cost.rows)
        points.inc(cost.points)
        _document_costs[stage].observe(cost.rows + cost.points)


PRICED, ACTUAL = STAGES = ("priced", "actual")
for _outcome in ("delivered", "pending", "dead"):
    DELIVERIES.labels(_outcome)  # a rise from nothing is none to Prometheus, and the first that is given up matters
_document_costs: Final = {stage: DOCUMENT_COST.labels(stage) for stage in STAGES}
_operations: dict[tuple[str, str, str], _Operation] = {}


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
        operation = _find_operation(record.operation_type, record.operation_name or "", record.document_id)
        operation.note(record.outcome, seconds, record.num_statements or 0)
        if record.priced is not None and record.actual is not None:
            operation.note_cost(PRICED, record.priced)
            operation.note_cost(ACTUAL, record.actual)


def shown_path(path: str) -> str:
    """The first part of a path of this service; all others have one name together."""
    first = path.split("/", 2)[1].partition(".")[0] if path.startswith("/") else OTHER
    return f"/{first}" if first in _PATHS else OTHER


def _find_operation(kind: str, name: str, document: str) -> _Operation:
    """The series of an operation; those of one type that come later than the first ones share theirs."""
    about = (kind, name, document) if len(name) <= MOST_CHARACTERS else (kind, OTHER, OTHER)
    found = _operations.get(about)
    if found is None:
        if len(_operations) >= MOST_OPERATIONS:
            about = kind, OTHER, OTHER
        found = _operations[about] = _operations.get(about) or _Operation(*about)
    return found


def note_subscription(name: str, outcome: str, seconds: float) -> None:
    """Count a subscription that has ended, by its operation's name; `outcome` as of a document."""
    _find_operation("subscription", name, "").note(outcome, seconds, 0)


def note_message(outcome: str) -> None:
    """Count a message that a subscriber was sent; `outcome` is `data`, `partial` or `refused`."""
    MESSAGES.labels(outcome).inc()


def note_refusal(limit: str) -> None:
    """Count a request that a limit has turned away; names of limits are a closed set."""
    REFUSALS.labels(limit.replace(" ", "_")).inc()


def note_error(code: object) -> None:
    """Count an error that a client is told; codes are a closed set."""
    ERRORS.labels(str(code)).inc()


def note_job(name: str, outcome: str, seconds: float) -> None:
    """Count a run of a scheduled job, `done` or `failed`, that took so many seconds."""
    JOBS.labels(name, outcome).inc()
    JOB_SECONDS.labels(name).inc(seconds)


def note_delivery(outcome: str) -> None:
    """Count an attempt to deliver to a webhook, by the status that it left."""
    DELIVERIES.labels(outcome).inc()


class StatementObserver:
    """
    Counts statements, and logs those that take long.

    Args:
        slow_seconds: From which duration on a statement is logged.
        also: Told of each statement as well.
    """

    def __init__(self, slow_seconds: float, also: "Observer | None" = None) -> None:
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
