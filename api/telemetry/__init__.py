"""Traces and figures for a collector of OpenTelemetry, whose packages are imported only where a setting names one."""

from typing import TYPE_CHECKING

from structlog.typing import Processor

from api.settings import Settings
from graph.errors import ConfigurationError

if TYPE_CHECKING:
    from api.telemetry.otlp import Telemetry


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
