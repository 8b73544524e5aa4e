"""
Installs locked packages with pip, and shows how far it is: `python -m api.installing LOCK`, from the Makefile.

It runs before any package is there, so it uses the standard library alone.
"""

import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TextIO

PIP: Final = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off")

LINE_SECONDS: Final = 10.0
"""The least time between two lines where output is no terminal, so that a log stays short."""

_STEP: Final = re.compile(r"^(Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")


class Progress:
    """
    Shows how many of a lock's packages pip has got: on a terminal in one line, elsewhere by a line now and then.

    Args:
        total: The number of packages.
        stream: Where to write.
        is_terminal: Whether the last line may be written over.
    """

    def __init__(self, total: int, stream: TextIO, *, is_terminal: bool) -> None:
        self._total = total
        self._stream = stream
        self._is_terminal = is_terminal
        self._num_done = 0
        self._last = time.monotonic()

    def read(self, line: str) -> None:
        """Take a line that pip has written."""
        if found := _STEP.match(line):
            self._num_done += 1
            self._show(f"  {self._num_done} of {self._total} packages: {found[2]}")
        elif line.startswith("Ignoring "):  # a package for other systems
            self._total -= 1
        elif line.startswith("Installing collected packages"):
            self._last = 0.0  # the longest step that pip says nothing about
            self._show("  Unpacking them; this takes half a minute")

    def end(self) -> None:
        """Leave nothing of the line behind."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _show(self, text: str) -> None:
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{text[:78]}")
        elif time.monotonic() - self._last >= LINE_SECONDS:
            self._last = time.monotonic()
            self._stream.write(f"{text}\n")
        self._stream.flush()


def count_packages(lock: Iterable[str]) -> int:
    """Count the packages that a lock names, those for other systems included."""
    return sum(bool(re.match(r"[A-Za-z0-9]", line)) for line in lock)


def install(lock: Path, stream: TextIO) -> int:
    """Install a lock's packages; returns pip's exit code, after all that it wrote if that is not 0."""
    with lock.open(encoding="utf-8") as lines:
        progress = Progress(count_packages(lines), stream, is_terminal=stream.isatty())
    written = []
    command = [*PIP, "--no-compile", "--require-hashes", "--requirement", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603 - ours
        assert pip.stdout is not None  # noqa: S101 - a pipe, as asked for
        for line in pip.stdout:
            written.append(line)
            progress.read(line)
    if pip.returncode:
        progress.end()
        stream.writelines(written)
        return pip.returncode
    _compile()
    progress.end()
    return 0


def _compile() -> None:
    """Compile what was installed on all processors, of which pip uses one; what does not compile is left as it is."""
    subprocess.run([sys.executable, "-m", "compileall", "-qq", "-j", "0", sysconfig.get_path("purelib")], check=False)  # noqa: S603 - ours


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), sys.stdout))
