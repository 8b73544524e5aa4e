"""Services are noted as long as they run."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from api.running import FOLDER, Running, is_ready, list_running, noted

HOLD = """
import signal, sys, time
from pathlib import Path
from api.running import Running, noted
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with noted(Path(sys.argv[1]), Running.here("http://127.0.0.1:1", workers=2)):
    print("noted", flush=True)
    time.sleep(60)
"""


def holding(data_dir: Path) -> subprocess.Popen[str]:
    """A process whose service is noted."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(data_dir)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "noted\n"
    return process


def test_services_are_listed_while_they_run(tmp_path: Path) -> None:
    """The oldest first; afterwards nothing is left."""
    service = Running("http://127.0.0.1:8000", os.getpid(), 1, datetime(2026, 9, 1, 12, tzinfo=UTC))
    with holding(tmp_path) as other:
        with noted(tmp_path, service):
            listed = list_running(tmp_path)
        other.send_signal(signal.SIGINT)

    assert listed[0] == service
    assert [(found.url, found.pid, found.workers) for found in listed[1:]] == [("http://127.0.0.1:1", other.pid, 2)]
    assert list_running(tmp_path) == []
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_the_note_of_a_killed_service_is_removed(tmp_path: Path) -> None:
    """It would be shown forever; its lock is gone with it."""
    with holding(tmp_path) as other:
        assert len(list_running(tmp_path)) == 1
        other.kill()
        other.wait()
        left = list((tmp_path / FOLDER).iterdir())

        assert len(left) == 1
        assert json.loads(left[0].read_text())["pid"] == other.pid
        assert list_running(tmp_path) == []
        assert not left[0].exists()


def test_a_data_directory_that_is_not_there_has_no_services(tmp_path: Path) -> None:
    """Whoever asks makes nothing."""
    assert list_running(tmp_path / "absent") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [200, 503])
def test_a_service_is_ready_if_it_says_so(status: int) -> None:
    """By its own word, on the address that it listens on."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.handle_request)
        thread.start()
        found = is_ready(url)
        thread.join()

    assert found is (status == 200)
    assert not is_ready(url)  # it is closed now
