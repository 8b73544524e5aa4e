"""Structured logs: one line per event, with the id of its request."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, NamedTuple, TextIO

import structlog
from structlog.typing import Processor

LIBRARY_LEVELS = {
    "uvicorn": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "mcp": logging.WARNING,
    "opentelemetry": logging.ERROR,  # each try of an export that fails is a warning
    "neo4j": logging.ERROR,  # the outcome of its retries is reported as ours
    "apscheduler": logging.WARNING,
    "strawberry.execution": logging.CRITICAL,  # logs every client's mistake as an error
}
"""Least severe level that is logged of each library, unless ours is debug."""


class Cost(NamedTuple):
    """
    Cost of an operation; a row or a point is one cost point.

    Attributes:
        rows: Rows to read, or read.
        points: Points to compute, or computed.
    """

    rows: int = 0
    points: int = 0


@dataclass(slots=True)
class RequestRecord:
    """
    Data of one request for the access log and the figures, filled in while it is answered.

    Attributes:
        request_id: Its id.
        operation_name: Name of the operation, if it has one.
        operation_type: Query or mutation; None for what is no GraphQL, or no operation.
        document_id: First digits of its document's id, where that has been answered before.
        outcome: `data`, `partial` with errors beside the data, or `refused` without any.
        num_statements: Statements run for it; None where none are counted.
        priced: What its operation was priced at; None unless it was let run.
        actual: What its operation has read and computed; None unless it was let run.
        caller: The name of the key or token; empty without either.
        refused: The code of its refusal, where the caller may not ask.
        writes: What it writes, as the names of mutations or of the route.
    """

    request_id: str
    operation_name: str | None = None
    operation_type: str | None = None
    document_id: str = ""
    outcome: str = "refused"
    num_statements: int | None = None
    priced: Cost | None = None
    actual: Cost | None = None
    caller: str = ""
    refused: str | None = None
    writes: tuple[str, ...] = ()


def outcome_of(*, has_errors: bool, is_refused: bool) -> str:
    """Name the outcome of a document in one word."""
    return "refused" if is_refused else "partial" if has_errors else "data"


current_request: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)


is_own_request: ContextVar[bool] = ContextVar("is_own_request", default=False)
"""Whether the service sends itself a request, which the access log leaves out."""


Logger = structlog.typing.FilteringBoundLogger


def get_logger() -> Logger:
    """The service's logger; bound once for each configuration, as that takes longer than a line."""
    processors = structlog.get_config()["processors"]
    if not _bound or _bound[0][0] is not processors:
        _bound[:] = [(processors, structlog.get_logger().bind())]
    return _bound[0][1]


_bound: list[tuple[Any, Logger]] = []
"""The logger of the present configuration, with its processors."""


def configure_logging(
    *,
    log_format: Literal["console", "json"],
    log_level: str,
    stream: TextIO | None = None,
    worker: int | None = None,
    more: Sequence[Processor] = (),
) -> None:
    """
    Send the service's and its libraries' logs through structlog.

    Args:
        log_format: `console` for people, `json` for log collectors.
        log_level: Least severe level that is logged.
        stream: Standard error by default.
        worker: Number of this process, shown in each line, where several serve.
        more: Add further fields to each line.
    """
    output = sys.stderr if stream is None else stream
    common: list[Processor] = [
        _add_request_id,
        *(() if worker is None else (partial(_add_worker, worker),)),
        *more,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shared = [structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, *common]
    own = [structlog.processors.add_log_level, _add_own_name, *common]
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format, colors=output.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(log_level.upper())
    for name, level in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(logging.NOTSET if log_level == "debug" else level)
    # The service's own lines do not pass the standard library's loggers, which would take three times as long.
    structlog.configure(
        processors=[*own, *_renderers(log_format, colors=output.isatty())],
        logger_factory=structlog.WriteLoggerFactory(output),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[log_level.upper()]),
        cache_logger_on_first_use=False,
    )


def _renderers(log_format: str, *, colors: bool) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(default=str)]
    renderer = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    if not colors:
        renderer.columns = _PLAIN_COLUMNS
    return [renderer]


def _show_field(key: str, value: object) -> str:
    """Write a field, with quotes around a text that has blanks or signs of its own."""
    return f"{key}={value}" if isinstance(value, str) and not _QUOTED(value) else f"{key}={value!r}"


_QUOTED: Final = re.compile("[ \\t\\r\\n=\"']").search

_PLAIN_COLUMNS: Final = [
    structlog.dev.Column("timestamp", lambda _, value: str(value)),
    structlog.dev.Column("level", lambda _, value: f"[{value:<9}]"),
    structlog.dev.Column("event", lambda _, value: f"{value!s:<30}"),
    structlog.dev.Column("logger", lambda _, value: f"[{value}]"),
    structlog.dev.Column("", _show_field),
]
"""The library's columns without colours, written in half of the time; each request has a line."""


def _add_own_name(logger: object, method_name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["logger"] = "foregraph"
    return event


def _add_worker(
    worker: int, logger: object, method_name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event.setdefault("worker", worker)
    return event


def _add_request_id(logger: object, method_name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    record = current_request.get()
    if record is not None:
        event.setdefault("request_id", record.request_id)
    return event
