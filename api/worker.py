"""One worker process of a service with several; see `api/supervisor.py`."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from api.collector import freeze_survivors, pace_collector
from api.logging import configure_logging, get_logger
from api.readiness import Readiness
from api.service import find_database, stopping_on_signals
from api.settings import Settings, load_settings
from api.supervisor import BEGIN, NOT_READY, READY
from api.telemetry import list_log_processors
from graph.errors import ForegraphError

CHUNK_BYTES: Final = 4096
WAITING: Final = "other workers are not ready yet"


def share(settings: Settings, *, number: int, num_workers: int) -> Settings:
    """Divide what is set for the whole service: a worker's part of the documents, and the jobs for the first one."""
    return settings.model_copy(
        update={
            "workers": 1,
            "max_concurrent_documents": -(-settings.max_concurrent_documents // num_workers),
            "scheduler": settings.scheduler and number == 1,
        }
    )


def main() -> int:
    """Serve on the inherited socket until SIGTERM, or until the supervisor is gone; returns the exit code."""
    number, num_workers, descriptor = map(int, sys.argv[1:])
    settings = load_settings()
    more = list_log_processors(settings)
    configure_logging(log_format=settings.log_format, log_level=settings.log_level, worker=number, more=more)
    pace_collector()
    import api.process  # noqa: F401, PLC0415 - takes a second, which overlaps with Neo4j's start

    try:
        with stopping_on_signals():
            lines = _lines()
            if BEGIN in lines:
                _serve(settings, share(settings, number=number, num_workers=num_workers), descriptor, lines)
            return 0
    except KeyboardInterrupt:
        return 0
    except ForegraphError as error:
        get_logger().error("a worker could not start", reason=str(error))
        return error.exit_code


def _serve(whole: Settings, part: Settings, descriptor: int, lines: Iterator[str]) -> None:
    from api.process import run_application  # noqa: PLC0415 - as above

    readiness = Readiness(on_change=_tell)
    readiness.reason_of_others = WAITING
    threading.Thread(target=_listen, args=[readiness, lines], name="supervisor", daemon=True).start()
    listener = socket.socket(fileno=descriptor)
    with listener, find_database(whole) as address:
        run_application(part, address, listener, on_ready=freeze_survivors, readiness=readiness)


def _lines() -> Iterator[str]:
    """Yield what the supervisor tells, until it is gone."""
    rest = b""
    while chunk := os.read(0, CHUNK_BYTES):  # a thread that waited in sys.stdin would break Python's own end
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in lines)


def _tell(is_ready: bool) -> None:  # noqa: FBT001 - a callback with one argument
    with suppress(BrokenPipeError):  # it is gone, and this process is about to end as well
        print(READY if is_ready else NOT_READY, flush=True)  # noqa: T201 - to the supervisor


def _listen(readiness: Readiness, lines: Iterator[str]) -> None:
    for line in lines:
        readiness.reason_of_others = None if line == READY else WAITING
    os.kill(os.getpid(), signal.SIGTERM)  # the supervisor is gone


if __name__ == "__main__":
    raise SystemExit(main())
