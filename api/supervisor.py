"""
Serves with several worker processes, since one runs Python on one processor only.

The supervisor opens the listening sockets and Neo4j and prepares the database. Each worker is a service of its own on
one of the sockets, as several replicas would be; the first one also runs the scheduled jobs. A worker that ends is
started again, and connections to its socket wait for it. Over its standard input a worker is told to begin, and later
whether all are ready; the end of the input, as when the supervisor is killed, has it stop. Over its standard output it
tells whether it is ready.
"""

import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Final

from api.logging import get_logger
from api.metrics.instruments import SHARED_FOLDER, forget_process

BEGIN: Final = "begin"
READY, NOT_READY = "ready", "not ready"

MAX_FAILURES: Final = 5
"""Starts in a row that may fail before the supervisor gives up."""
PAUSE_SECONDS: Final = 1.0  # before a worker that failed to start is started again; longer each time
MARGIN_SECONDS: Final = 5.0  # beyond the grace for open requests, for a worker to close what it has opened

Event = tuple["Worker", str | None]
"""A line that a worker tells, or None once it has ended."""


class Worker:
    """
    One worker process.

    Args:
        number: Its number, from 1.
        num_workers: How many there are.
        listener: Its listening socket.
        events: Is put what it tells.
        figures: Folder in which all workers count for `/metrics`.
    """

    def __init__(
        self, number: int, num_workers: int, listener: socket.socket, events: "queue.Queue[Event]", *, figures: str
    ) -> None:
        self.number = number
        self.is_ready = False
        self.has_been_ready = False
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "api.worker", str(number), str(num_workers), str(listener.fileno())],
            env={**os.environ, SHARED_FOLDER: figures},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[listener.fileno()],
            start_new_session=True,  # keeps the terminal's Ctrl-C from it, which the supervisor passes on as SIGTERM
        )
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as asked for
        assert self._process.stdout is not None  # noqa: S101 - a pipe, as asked for
        self._input: IO[str] = self._process.stdin
        self._output: IO[str] = self._process.stdout
        threading.Thread(target=self._listen, args=[events], name=f"worker-{number}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, line: str) -> None:
        """Send it a line; one that has ended hears nothing."""
        with suppress(OSError):
            self._input.write(f"{line}\n")
            self._input.flush()

    def stop(self) -> None:
        """Have it finish its open requests and end."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_seconds: float) -> int:
        """Wait for its end, kill it if that takes too long, and return its exit code."""
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        code = self._process.wait()
        with suppress(OSError):
            self._input.close()
        return code

    def _listen(self, events: "queue.Queue[Event]") -> None:
        with self._output:
            for line in self._output:
                events.put((self, line.strip()))
        events.put((self, None))


class Supervisor:
    """
    Keeps one worker for each listening socket.

    Args:
        listeners: The sockets.
        on_ready: Called once, when all workers are ready for the first time.
    """

    def __init__(self, listeners: Sequence[socket.socket], on_ready: Callable[[], None]) -> None:
        self._listeners = listeners
        self._figures = tempfile.TemporaryDirectory(prefix="foregraph-figures-")
        self._on_ready = on_ready
        self._events: queue.Queue[Event] = queue.Queue()
        self._workers = {number: self._start(number) for number in range(1, len(listeners) + 1)}
        self._num_failures = dict.fromkeys(self._workers, 0)
        self._was_ready = False

    def run(self) -> int:
        """
        Tell the workers to begin, and keep them until one cannot be started; returns that one's exit code.

        The first begins alone: Neo4j plans its statements once, and the others find them planned.
        """
        self._workers[1].tell(BEGIN)
        while True:
            worker, line = self._events.get()
            worker.is_ready = line == READY
            if worker.is_ready and not worker.has_been_ready and not self._was_ready and worker.number == 1:
                self._begin_others()
            worker.has_been_ready |= worker.is_ready
            self._tell_all()
            if line is None and (code := self._replace(worker)) is not None:
                return code

    def stop(self, grace_seconds: float) -> None:
        """Have all workers finish their open requests and end."""
        for listener in self._listeners:
            listener.close()
        for worker in self._workers.values():
            worker.stop()
        deadline = time.monotonic() + grace_seconds + MARGIN_SECONDS
        for worker in self._workers.values():
            worker.wait(max(0.0, deadline - time.monotonic()))
        self._figures.cleanup()

    def _begin_others(self) -> None:
        for number, worker in self._workers.items():
            if number > 1:
                worker.tell(BEGIN)

    def _start(self, number: int) -> Worker:
        listener = self._listeners[number - 1]
        return Worker(number, len(self._listeners), listener, self._events, figures=self._figures.name)

    def _replace(self, ended: Worker) -> int | None:
        """Start a worker again; returns its exit code instead where that has failed too often."""
        code = ended.wait(MARGIN_SECONDS)
        forget_process(self._figures.name, ended.pid)
        number = ended.number
        self._num_failures[number] = 0 if ended.has_been_ready else self._num_failures[number] + 1
        if not self._was_ready or self._num_failures[number] > MAX_FAILURES:
            return code
        get_logger().warning("a worker ended; starting it again", worker=number, exit_code=code)
        time.sleep(PAUSE_SECONDS * self._num_failures[number])
        self._workers[number] = self._start(number)
        self._workers[number].tell(BEGIN)
        return None

    def _tell_all(self) -> None:
        """Tell the workers whether all are ready, so that each can answer for all."""
        is_ready = all(worker.is_ready for worker in self._workers.values())
        for worker in self._workers.values():
            worker.tell(READY if is_ready else NOT_READY)
        if is_ready and not self._was_ready:
            self._was_ready = True
            self._on_ready()
