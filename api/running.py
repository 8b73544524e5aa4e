"""
The services that run on a data directory, each noted in a file of its own.

A service holds the lock of its note, which the system releases however the service ends; a note without one is left
over, and whoever finds it removes it.
"""

import fcntl
import json
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from graph.server.files import is_locked

FOLDER: Final = "services"
PROBE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """
    A service that runs, or starts.

    Attributes:
        url: Its address, such as http://127.0.0.1:8000.
        pid: The id of its process; of the supervisor, where there are several; None where it is not noted here.
        workers: The number of processes that serve.
        since: When it was started; None where that is not noted.
    """

    url: str
    pid: int | None = None
    workers: int = 1
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the service as JSON."""
        return asdict(self) | {"since": self.since and self.since.isoformat()}

    @classmethod
    def here(cls, url: str, *, workers: int) -> Self:
        """This process's service, started now."""
        return cls(url, os.getpid(), workers, datetime.now(UTC).replace(microsecond=0))


@contextmanager
def noted(data_dir: Path, service: Running) -> Iterator[None]:
    """Note a service on a data directory until the block ends."""
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    note = folder / f"{service.pid}.json"
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # before it is seen, so that nobody takes it for left over
        os.write(descriptor, json.dumps(service.as_json()).encode())
        Path(name).replace(note)
        yield
    finally:
        note.unlink(missing_ok=True)
        os.close(descriptor)


def list_running(data_dir: Path) -> list[Running]:
    """List the services that run on a data directory, the oldest first; notes that are left over are removed."""
    found = []
    for note in (data_dir / FOLDER).glob("*.json"):
        if not is_locked(note):
            note.unlink(missing_ok=True)
            continue
        with suppress(OSError, ValueError, TypeError):  # it may just be written, or removed
            values = json.loads(note.read_text(encoding="utf-8"))
            found.append(Running(**{**values, "since": datetime.fromisoformat(values["since"])}))
    return sorted(found, key=lambda service: (str(service.since), service.url))


def _connect(scheme: str, host: str, port: int | None) -> HTTPConnection:
    """Make a connection; the certificate is of a public name, which is not the address that is asked."""
    if scheme == "http":
        return HTTPConnection(host, port, timeout=PROBE_SECONDS)
    context = ssl._create_unverified_context()  # noqa: S323 - nothing is sent but a question whether it is ready
    return HTTPSConnection(host, port, timeout=PROBE_SECONDS, context=context)


def is_ready(url: str) -> bool:
    """Whether a service answers that it is ready."""
    parts = urlsplit(url)
    connection = _connect(parts.scheme, parts.hostname or "", parts.port)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
