"""Traces and figures for a collector of OpenTelemetry, whose packages are imported only where a setting names one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING

from structlog.typing import Processor

from api.settings import Settings
from graph.errors import ConfigurationError

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry


_current: ContextVar["Telemetry | None"] = ContextVar("telemetry", default=None)
"""What traces the request or the job that is under way."""


@contextmanager
def tracing(telemetry: "Telemetry | None") -> Iterator[None]:
    """Have the phases of a block traced; None traces nothing."""
    token = _current.set(telemetry)
    try:
        yield
    finally:
        _current.reset(token)


def phase(name: str, **attributes: str | int) -> AbstractContextManager[object]:
    """
    Make a span of a part of what is under way, current within the block, if that is traced.

    Args:
        name: Its name.
        attributes: Names, numbers and codes, never values; their keys get the service's prefix.
    """
    telemetry = _current.get()
    return nullcontext() if telemetry is None else telemetry.phase(name, attributes)


def note_outcome(outcome: str, *, is_failed: bool = False) -> None:
    """Note the outcome of the phase that is under way, in one word."""
    telemetry = _current.get()
    if telemetry is not None:
        telemetry.note_outcome(outcome, is_failed=is_failed)


def open_telemetry(settings: Settings) -> "Telemetry | None":
    """
    Open what sends to the collector of the settings; None without one.

    Raises:
        ConfigurationError: The packages of the extra are not installed.
    """
    if settings.otlp_endpoint is None:
        return None
    try:
        from api.telemetry.otlp import Telemetry  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f"FOREGRAPH_OTLP_ENDPOINT needs the extra foregraph[telemetry]: {error}"
        raise ConfigurationError(message) from error
    return Telemetry.sending_to(settings.otlp_endpoint)


def list_log_processors(settings: Settings) -> list[Processor]:
    """List what adds the trace to lines of the log; empty without a collector."""
    if settings.otlp_endpoint is None:
        return []
    try:
        from api.telemetry.otlp import add_trace  # noqa: PLC0415 - an extra
    except ImportError:
        return []  # the service tells what is missing
    return [add_trace]
