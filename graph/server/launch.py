"""Starts a Neo4j on a data directory and waits until it answers."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from graph.errors import StartupError
from graph.server.guarded import GUARDED, Guard, GuardedProcess
from graph.server.home import Home
from graph.server.installation import Installation

_POLL_SECONDS: Final = 0.1
_NUM_NEXT_PORTS: Final = 100
_MAX_PORT: Final = 65_535
_NUM_TAIL_LINES: Final = 30  # one Java stack trace and the lines before it
_PORT_TAKEN: Final = ("Address already in use", "BindException")
_FOR_EVER: Final = threading.Event()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address and credentials of a Neo4j."""

    uri: str
    user: str
    password: str = field(repr=False)
    database: str = "neo4j"


class PortTakenError(StartupError):
    """Another process took the port between our choice and Neo4j's use."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A Neo4j that is ready."""

    process: GuardedProcess
    endpoint: Endpoint
    port: int


def launch(
    installation: Installation,
    home: Home,
    *,
    timeout_seconds: float,
    port: int,
    extra_flags: Sequence[str] = (),
    cancelled: threading.Event = _FOR_EVER,
    guard: Guard = GUARDED,
    on_launch: Callable[[], None] | None = None,
) -> Launch:
    """
    Start Neo4j, set its password before the first start, and wait until it answers.

    Args:
        installation: Jars and Java to run.
        home: The data directory.
        timeout_seconds: How long Neo4j may take to answer.
        port: Port to listen on.
        extra_flags: Additional flags for Java.
        cancelled: Set by another thread to give up waiting.
        guard: How its process is run and ended.
        on_launch: Called once its process runs, which then takes seconds to answer.

    Raises:
        PortTakenError: The port was taken meanwhile; another try gets another port.
        StartupError: Neo4j ended or was not ready in time; the message ends with its output.
        ConfigurationError: Neo4j rejects the password of the data directory.
    """
    endpoint = Endpoint(f"bolt://127.0.0.1:{port}", "neo4j", home.password())
    command = installation.server_command(home, port, extra_flags)
    if home.needs_password:
        installation.set_initial_password(home)
    home.keep_last_log()
    process = GuardedProcess(command, log=home.console_log, cwd=home.neo4j_home, guard=guard)
    try:
        if on_launch is not None:
            on_launch()
        _wait_until_ready(process, endpoint, home, timeout_seconds, cancelled)
    except BaseException:
        process.stop()
        raise
    return Launch(process, endpoint, port)


def free_port(first: int = 0) -> int:
    """
    A free port of the loopback interface.

    Args:
        first: The first to try, after which the next ones are tried, and then any; 0 for any.
    """
    for port in range(first, min(first + _NUM_NEXT_PORTS, _MAX_PORT + 1)) if first else ():
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as Java does, after an earlier server's connections
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def log_tail(path: Path) -> str:
    """The last lines of a log."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_NUM_TAIL_LINES:]) or "  (no output)"


def _wait_until_ready(
    process: GuardedProcess, endpoint: Endpoint, home: Home, timeout_seconds: float, cancelled: threading.Event
) -> None:
    from graph.server.answering import asking  # noqa: PLC0415 - the driver takes half a second, and Java has begun

    deadline = time.monotonic() + timeout_seconds
    with asking(endpoint) as answers:
        while not answers():
            if (exit_code := process.poll()) is not None:
                raise _ended(exit_code, home)
            if cancelled.is_set() or time.monotonic() > deadline:
                raise StartupError(
                    f"Neo4j was not ready after {timeout_seconds:g} s. The end of {home.console_log}:\n"
                    + log_tail(home.console_log)
                )
            time.sleep(_POLL_SECONDS)


def _ended(exit_code: int, home: Home) -> StartupError:
    tail = log_tail(home.console_log)
    kind = PortTakenError if any(sign in tail for sign in _PORT_TAKEN) else StartupError
    return kind(f"Neo4j ended with exit code {exit_code} instead of starting. The end of {home.console_log}:\n{tail}")
