"""
A process that has imported the `foregraph` command, and of which each run of a command is a fork.

Importing takes two seconds of a processor and most commands far less. Everything else is as in a process of its own:
its environment, directory, standard streams, signals and exit code.

Run as a script it is that process; its standard input is a socket on which, for each command, the descriptors of the
three streams and of another socket come. On the latter it reads what to run, and writes the process id and the exit
code.
"""

import atexit
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IMPORTED = ("api.evidence.files", "api.preparing", "api.questions", "api.shell", "api.status", "api.tables")
"""Modules that commands import when they are called."""


def run_forked(
    arguments: tuple[str, ...], environment: Mapping[str, str], directory: str, given: bytes, timeout_seconds: float
) -> tuple[int, str, str]:
    """
    Run a command; returns its exit code, output and errors.

    Raises:
        TimeoutError: It has not ended in time, and is killed.
    """
    mine, its = socket.socketpair()
    mine.settimeout(timeout_seconds)
    with mine, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        source, sink = os.pipe()
        with its:
            socket.send_fds(_forker(), [b"."], [source, output.fileno(), errors.fileno(), its.fileno()])
        os.close(source)
        feeder = threading.Thread(target=_feed, args=(sink, given))
        feeder.start()
        with mine.makefile("rw") as words:
            words.write(json.dumps([arguments, dict(environment), directory]) + "\n")
            words.flush()
            pid = int(words.readline())
            try:
                code = int(words.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
        feeder.join()
        return code, _text(output), _text(errors)


def _feed(sink: int, given: bytes) -> None:
    try:
        with os.fdopen(sink, "wb") as pipe:
            pipe.write(given)
    except BrokenPipeError:
        pass  # the command has ended without reading all


def _text(file: Any) -> str:
    file.seek(0)
    text: bytes = file.read()
    return text.decode()


@functools.cache
def _forker() -> socket.socket:
    mine, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, "-P", __file__],  # not as a module, which click would name in usage lines
            env={name: value for name, value in os.environ.items() if not name.startswith("FOREGRAPH_")},
            cwd=ROOT,
            stdin=its.fileno(),
        )
    atexit.register(_end, process, mine)
    return mine


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()  # and it ends; so it does when this process is killed
    process.wait()


def _fork_for_each() -> list[int] | None:
    """Fork whenever descriptors come; returns them in the child, and None in the parent once there will be no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(fileno=os.dup(0)) as control:
        while True:
            told, given, _, _ = socket.recv_fds(control, 1, 4)
            if not told:
                return None
            if os.fork() == 0:
                return given
            for descriptor in given:
                os.close(descriptor)


def _run(streams: list[int], words: socket.socket) -> None:
    with words.makefile("rw") as told:
        arguments, environment, directory = json.loads(told.readline())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if pid := os.fork():
            told.write(f"{pid}\n")
            told.flush()
            _, status = os.waitpid(pid, 0)
            told.write(f"{os.waitstatus_to_exitcode(status)}\n")
            told.flush()
            os._exit(0)
    words.close()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["foregraph", *arguments]
    sys.exit(importlib.import_module("api.cli").main())


if __name__ == "__main__":
    for name in (*importlib.import_module("api.cli").MODULES.values(), *IMPORTED):
        importlib.import_module(name)
    if descriptors := _fork_for_each():
        *streams, reply = descriptors
        _run(streams, socket.socket(fileno=reply))
