"""
A process that has imported the `foregraph` command, and of which each run of a command is a fork.

Importing takes two seconds of a processor and most commands far less. Everything else is as in a process of its own:
its environment, directory, standard streams, signals and exit code.

Run as a script it is that process; its standard input is a socket on which, for each command, the descriptors of the
three streams and of another socket come. On the latter it reads what to run, and writes the process id and the exit
code.
"""

import asyncio
import atexit
import functools
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "api.evidence.files",
    "api.preparing",
    "api.process",
    "api.questions",
    "api.shell",
    "api.status",
    "api.tables",
)
"""Modules that commands import when they are called."""
MOST_HELD_BYTES = 1 << 30  # one that nobody reads the output of any more would stand still


class Forked:
    """
    A command that runs, with the methods of `asyncio.subprocess.Process`; its standard input is open until it has read
    what it is given.
    """

    def __init__(self, pid: int, told: asyncio.StreamReader, sink: int, outputs: list["_Output"]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout, self.stderr = (output.reader for output in outputs)
        self._outputs = outputs
        self._sink: int | None = sink
        self._ended = asyncio.create_task(self._wait(told))

    @classmethod
    async def start(cls, arguments: tuple[str, ...], environment: Mapping[str, str], directory: str) -> "Forked":
        """Run a command."""
        mine, its = socket.socketpair()
        (source, sink), *pipes = (os.pipe() for _ in range(3))
        ends = [source, *(pipe[1] for pipe in pipes)]
        with its:
            socket.send_fds(_forker(), [b"."], [*ends, its.fileno()])
        for end in ends:
            os.close(end)
        told, teller = await asyncio.open_connection(sock=mine)
        teller.write(json.dumps([arguments, dict(environment), directory]).encode() + b"\n")
        pid = int(await told.readline())
        outputs = [await _Output.open(pipe[0]) for pipe in pipes]
        forked = cls(pid, told, sink, outputs)
        forked._ended.add_done_callback(lambda _: teller.close())
        return forked

    async def _wait(self, told: asyncio.StreamReader) -> None:
        self.returncode = int(await told.readline())

    async def wait(self) -> int:
        """Wait for its end; returns its exit code."""
        await asyncio.shield(self._ended)
        assert self.returncode is not None
        return self.returncode

    async def communicate(self, given: bytes = b"") -> tuple[bytes, bytes]:
        """Hand it its input, and wait for its end; returns what it has written."""
        _, output, errors, _ = await asyncio.gather(
            asyncio.to_thread(self._feed, given), self.stdout.read(), self.stderr.read(), self.wait()
        )
        return output, errors

    def _feed(self, given: bytes) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            with suppress(BrokenPipeError), os.fdopen(sink, "wb") as pipe:  # it may end without reading all
                pipe.write(given)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Read no more of it."""
        self._feed(b"")
        for output in self._outputs:
            output.transport.close()


class _Output:
    """What a command writes to one stream."""

    def __init__(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        self.reader = reader
        self.transport = transport

    @classmethod
    async def open(cls, descriptor: int) -> "_Output":
        reader = asyncio.StreamReader(limit=MOST_HELD_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
        )
        return cls(reader, transport)


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
