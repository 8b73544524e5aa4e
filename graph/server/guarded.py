"""A child process under the watchdog, which ends it when this process, or the last that uses it, ends in any way."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.errors import StartupError

STOP_GRACE_SECONDS: Final = 30.0
"""Time for Neo4j to stop before it is killed; it needs 2 s, and longer after heavy writing."""

_WATCHDOG: Final = Path(__file__).with_name("watchdog.py")
_MARGIN_SECONDS: Final = 5.0  # beyond the grace, for the watchdog to end
_left_to_others: Final[list["subprocess.Popen[bytes]"]] = []  # a Popen that is collected warns of what still runs


@dataclass(frozen=True, slots=True)
class Use:
    """
    Files by which several processes use one child, which ends when the last of them does.

    Attributes:
        lock: Each user holds a shared lock on it.
        note: Tells newcomers of the child; removed before the child is ended.
    """

    lock: Path
    note: Path


@dataclass(frozen=True, slots=True)
class Guard:
    """
    Conditions under which a child process is run and ended.

    Attributes:
        grace_seconds: Time to end after SIGTERM before it is killed; 0 kills it at once.
        niceness: Its niceness, 0 to 19.
        keep_open: Descriptors to inherit, such as a lock's.
        use: Its users, of whom this process must be one; by default it ends with this process.
    """

    grace_seconds: float = STOP_GRACE_SECONDS
    niceness: int = 0
    keep_open: Sequence[int] = ()
    use: Use | None = None


GUARDED: Final = Guard()
"""A child of this process alone, with the usual time to end."""


class GuardedProcess:
    """
    A command that runs under the watchdog.

    Args:
        command: The program's absolute path and its arguments.
        log: File for its output; overwritten.
        cwd: Its working directory.
        environment: Its environment; by default this process's.
        guard: How it is run and ended.

    Raises:
        StartupError: The program could not be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        guard: Guard = GUARDED,
    ) -> None:
        self._grace_seconds, use = guard.grace_seconds, guard.use
        bare_python = [sys.executable, "-I", "-S"]  # kept small, as it lives as long as Neo4j
        files = ["", ""] if use is None else [str(use.lock), str(use.note)]
        with log.open("wb") as output:
            self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, with the caller's command
                [*bare_python, str(_WATCHDOG), str(guard.grace_seconds), str(guard.niceness), *files, *command],
                stdin=subprocess.PIPE if use is None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=cwd,
                env=environment,
                pass_fds=tuple(guard.keep_open),
                start_new_session=True,  # keeps the terminal's Ctrl-C from the child
            )
        assert self._watchdog.stdout is not None  # noqa: S101 - a pipe, as asked for
        with self._watchdog.stdout as output_of_watchdog:
            line = output_of_watchdog.readline().strip()
        self.pid = int(line or 0)
        if not line:
            self.stop()
            raise StartupError(f"{command[0]} could not be started:\n{log.read_text(errors='replace')}")

    @property
    def watchdog_pid(self) -> int:
        """The watchdog's process id."""
        return self._watchdog.pid

    def poll(self) -> int | None:
        """The exit code, or None while it is running."""
        return self._watchdog.poll()

    def wait(self, timeout_seconds: float) -> int:
        """Wait for the end and return the exit code; raises TimeoutError."""
        try:
            return self._watchdog.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"process {self.pid} still runs after {timeout_seconds} s") from error

    def terminate(self) -> None:
        """Send SIGTERM to the program, without a time limit."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def leave(self) -> None:
        """Forget the program, which runs on for its other users."""
        _left_to_others.append(self._watchdog)

    def stop(self) -> int:
        """End it, by force once the grace period is over, and return the exit code; harmless to repeat."""
        if self._watchdog.poll() is None:
            self._watchdog.terminate()
            try:
                self._watchdog.wait(self._grace_seconds + _MARGIN_SECONDS)
            except subprocess.TimeoutExpired:
                self._watchdog.kill()
        if self._watchdog.stdin and not self._watchdog.stdin.closed:
            self._watchdog.stdin.close()
        exit_code = self._watchdog.wait()
        if exit_code == -signal.SIGKILL:  # on Linux the child is gone by now, elsewhere it is not
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
        return exit_code
