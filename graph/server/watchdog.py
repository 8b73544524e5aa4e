"""
Runs a command as its child and ends it when nobody needs it any more, however they ended.

Run as a file, by a bare Python: `python -I -S watchdog.py GRACE_SECONDS NICENESS LOCK NOTE COMMAND…`. With LOCK empty,
the process that starts it is its holder: it keeps the other end of the watchdog's standard input open and writes
nothing. End of file means that the holder is gone, even by `kill -9`, and so does a change of parent.

Else LOCK is the path of a file on which each process that uses the command holds a shared lock, which ends with it in
whatever way. Once the last is gone, the watchdog locks the file for a moment, removes the file NOTE, by which newcomers
find the command, and ends the command.

The command's process id goes to standard output, the command's own output to standard error. Inherited descriptors,
such as a lock's, are passed on. Its exit code is the command's, as in a shell: 128 plus the signal's number where a
signal ended it.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

_POLL_SECONDS = 1.0  # how often to check for a new parent; all else wakes the watchdog at once
_PR_SET_PDEATHSIG = 1  # prctl(2)
_LAST_STANDARD = 2  # the last descriptor of standard input, output and error


def _end_with_parent() -> Callable[[], None] | None:
    """Make a function for the child to call, by which Linux kills it when its parent ends; None on other systems."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes  # noqa: PLC0415 - some builds of Python lack it

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(1)

    return ask


def _inherited() -> tuple[int, ...]:
    """List the inherited descriptors beyond the standard ones, to pass on."""
    names = os.listdir("/dev/fd")  # noqa: PTH208 - spares the import of pathlib, as a watchdog must start at once
    return tuple(int(name) for name in names if int(name) > _LAST_STANDARD and _is_open(int(name)))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False  # the descriptor that listed the directory
    return True


def _heed_signals() -> None:
    """
    Resets inherited signals that are ignored, which the child would ignore in turn.

    A shell has its background jobs ignore SIGINT and SIGQUIT. Python ignores the two that are left out here itself,
    and does not hand that on.
    """
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class Watchdog:
    """Runs one child, and ends it when the holder or the last user ends, or on a signal."""

    def __init__(self, command: list[str], grace_seconds: float, lock: str, note: str) -> None:
        self._grace_seconds = grace_seconds
        self._holder = None if lock else os.getppid()
        self._must_stop = False
        inherited = _inherited()
        _heed_signals()
        self._wake, self._wake_end = os.pipe()
        for end in (self._wake, self._wake_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._child = subprocess.Popen(  # noqa: S603 - the holder's command
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=inherited,
            preexec_fn=_end_with_parent(),  # noqa: PLW1509 - there is one thread
            process_group=0,
        )
        if lock:
            threading.Thread(target=self._wait_for_last_user, args=[lock, note], daemon=True).start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def run(self) -> int:
        """Wait for the child, end it when it is time, and return its exit code."""
        while self._child.poll() is None:
            if self._must_stop or self._is_left():
                self._stop()
        return self._child.returncode if self._child.returncode >= 0 else 128 - self._child.returncode

    def _on_stop(self, *_: object) -> None:
        self._must_stop = True

    def _wait_for_last_user(self, lock: str, note: str) -> None:
        with open(lock, "rb") as file:  # noqa: PTH123 - spares the import of pathlib
            fcntl.flock(file, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(note)  # noqa: PTH108 - spares the import of pathlib
        self._must_stop = True
        os.write(self._wake_end, b"1")

    def _is_left(self) -> bool:
        """Wait a moment; returns whether the holder is gone. That the last user is gone shows in `_must_stop`."""
        ends = [self._wake] if self._holder is None else [0, self._wake]
        ready, _, _ = select.select(ends, [], [], _POLL_SECONDS)
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
        if self._holder is None:
            return False
        return (0 in ready and not os.read(0, 4096)) or os.getppid() != self._holder

    def _stop(self) -> None:
        if self._grace_seconds > 0:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(self._grace_seconds)
                return
        os.killpg(self._child.pid, signal.SIGKILL)  # including the helper process by which Java writes its AOT cache
        self._child.wait()


def main(arguments: list[str]) -> int:
    """Run the command in the arguments; see the module's docstring."""
    os.nice(int(arguments[1]))
    watchdog = Watchdog(arguments[4:], float(arguments[0]), *arguments[2:4])
    sys.stdout.write(f"{watchdog.pid}\n")
    sys.stdout.close()
    return watchdog.run()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
