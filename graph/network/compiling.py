"""Compiles the network's kernels in another process, once on each machine, so that no request waits for it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from graph.inference.network.kept_code import find_kept_code
from graph.inference.network.kernels import Backend, default_backend

NICENESS: Final = 19
"""The lowest priority, so that compiling takes no time from requests."""

_COMPILE: Final = "import os; os.nice({}); from graph.inference.network.warming import warm_up; warm_up()"


def is_compiled() -> bool:
    """Return whether compiled kernels of these sources are kept."""
    return any(find_kept_code().rglob("compiled.*.nbi"))


@contextmanager
def compiling_kernels() -> Iterator[None]:
    """
    Compile the kernels, unless they are cached, in a process of the lowest priority while the block runs.

    Compiling takes some 15 seconds and holds the interpreter's lock, so a thread would block the service.
    """
    if default_backend() is not Backend.COMPILED or is_compiled():
        yield
        return
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-c", _COMPILE.format(NICENESS)]
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as process:  # noqa: S603 - our own command
        try:
            yield
        finally:
            process.terminate()
