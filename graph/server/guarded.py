"""A child process under the watchdog: it ends with us, however we end."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from graph.errors import StartupError

_WATCHDOG: Final = Path(__file__).with_name("watchdog.py")
_MARGIN_SECONDS: Final = 5.0  # beyond the grace, for the watchdog to end


class GuardedProcess:
    """
    A command that runs under the watchdog.

    Args:
        command: The program's absolute path and its arguments.
        log: Where its output goes; written anew.
        cwd: Its working directory.
        grace_seconds: How long it may take to end when told to; 0 kills it at once.
        niceness: How much it gives way to other processes, 0 to 19.
        keep_open: Descriptors it inherits, such as a lock's.

    Raises:
        StartupError: It could not be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        grace_seconds: float,
        niceness: int = 0,
        keep_open: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._grace_seconds = grace_seconds
        bare_python = [sys.executable, "-I", "-S"]  # it lives as long as Neo4j, so it had better be small
        with log.open("wb") as output:
            self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, with the command of our caller
                [*bare_python, str(_WATCHDOG), str(grace_seconds), str(niceness), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=cwd,
                env=environment,
                pass_fds=tuple(keep_open),
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone
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
        """The exit code, or None while it runs."""
        return self._watchdog.poll()

    def wait(self, timeout_seconds: float) -> int:
        """Waits for the end and returns the exit code; raises TimeoutError."""
        try:
            return self._watchdog.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"process {self.pid} still runs after {timeout_seconds} s") from error

    def terminate(self) -> None:
        """Asks the program itself to end, with all the time it wants."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> int:
        """Ends it, kindly as long as the grace lasts, and returns the exit code. Harmless to repeat."""
        if self._watchdog.poll() is None:
            self._watchdog.terminate()
            try:
                self._watchdog.wait(self._grace_seconds + _MARGIN_SECONDS)
            except subprocess.TimeoutExpired:
                self._watchdog.kill()
        if self._watchdog.stdin and not self._watchdog.stdin.closed:
            self._watchdog.stdin.close()
        exit_code = self._watchdog.wait()
        if exit_code == -signal.SIGKILL:  # Linux has ended its child by now, others have not
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
        return exit_code
