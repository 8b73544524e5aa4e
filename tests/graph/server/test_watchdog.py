"""Children that end with us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from graph.errors import StartupError
from graph.server.files import is_locked, try_lock
from graph.server.guarded import Guard, GuardedProcess, Use

TELLS_IGNORED = """
import signal
print([number.name for number in (signal.SIGINT, signal.SIGQUIT) if signal.getsignal(number) is signal.SIG_IGN])
"""
GUARDS = """
import sys, pathlib
from graph.server.guarded import Guard, GuardedProcess
folder = pathlib.Path(sys.argv[1])
GuardedProcess(sys.argv[2:], log=folder / "log", cwd=folder, guard=Guard(grace_seconds=5)).wait(30)
"""
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)

HOLDER = """
import signal, sys, time, pathlib
from graph.server.guarded import Guard, GuardedProcess
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell has a background job ignore it
log, guard = pathlib.Path(sys.argv[1]), Guard(grace_seconds=5)
child = GuardedProcess(["/bin/sleep", "60"], log=log, cwd=pathlib.Path("/"), guard=guard)
print(child.pid, child.watchdog_pid, flush=True)
time.sleep(60)
"""


def is_gone(pid: int, within_seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def guard(tmp_path: Path, *command: str, grace_seconds: float = 5, keep_open: tuple[int, ...] = ()) -> GuardedProcess:
    how = Guard(grace_seconds, keep_open=keep_open)
    return GuardedProcess(command, log=tmp_path / "log", cwd=tmp_path, guard=how)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A process that holds a child, with the child's and the watchdog's ids."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "log"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        child, watchdog = map(int, process.stdout.readline().split())
        try:
            yield process, child, watchdog
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_when_its_holder_does(
    holder: tuple[subprocess.Popen[str], int, int], number: signal.Signals
) -> None:
    """However that ends: nobody can catch a SIGKILL, but its pipe closes."""
    process, child, watchdog = holder

    process.send_signal(number)
    process.wait()

    assert is_gone(child)
    assert is_gone(watchdog)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a child with its parent")
def test_the_child_ends_when_the_watchdog_is_killed(holder: tuple[subprocess.Popen[str], int, int]) -> None:
    """Somebody may kill the wrong process."""
    _, child, watchdog = holder

    os.kill(watchdog, signal.SIGKILL)

    assert is_gone(child)


def test_the_terminal_s_ctrl_c_does_not_reach_the_child(tmp_path: Path) -> None:
    """It goes to all of the terminal's session; we end the child in our own time."""
    process = guard(tmp_path, "/bin/sleep", "60")

    assert os.getsid(process.pid) != os.getsid(0)
    process.stop()


def test_the_child_heeds_signals_that_its_holder_was_started_with_ignored(tmp_path: Path) -> None:
    """A shell has its background jobs ignore SIGINT and SIGQUIT, and what is ignored stays so across exec."""
    script = """trap '' INT QUIT; exec "$@" """
    command = [sys.executable, "-c", GUARDS, str(tmp_path), sys.executable, "-c", TELLS_IGNORED]

    subprocess.run(["/bin/sh", "-c", script, "sh", *command], check=True)

    assert (tmp_path / "log").read_text() == "[]\n"


def test_the_exit_code_is_the_child_s(tmp_path: Path) -> None:
    """And its output is in the log."""
    process = guard(tmp_path, "/bin/sh", "-c", "echo out; echo err >&2; exit 7")

    assert process.wait(5) == 7
    assert (tmp_path / "log").read_text() == "out\nerr\n"
    assert process.stop() == 7


def test_a_stop_is_kind_and_harmless_to_repeat(tmp_path: Path) -> None:
    """The child is asked to end; a shell would tell 128 + 15."""
    process = guard(tmp_path, "/bin/sleep", "60")

    assert process.poll() is None
    assert process.stop() == process.stop() == 128 + signal.SIGTERM
    assert is_gone(process.pid)


def test_a_child_that_will_not_end_is_killed_after_the_grace(tmp_path: Path) -> None:
    """Kindness has a limit."""
    process = guard(tmp_path, sys.executable, "-c", IGNORES_SIGTERM, grace_seconds=0.3)
    while "up" not in (tmp_path / "log").read_text():
        time.sleep(0.02)

    assert process.stop() == 128 + signal.SIGKILL
    assert is_gone(process.pid)


def test_a_lock_stands_as_long_as_the_child_lives(tmp_path: Path) -> None:
    """It is inherited, so it does not end with whoever took it."""
    descriptor = try_lock(tmp_path / "lock")
    assert descriptor is not None
    process = guard(tmp_path, "/bin/sleep", "60", keep_open=(descriptor,))
    os.close(descriptor)

    assert is_locked(tmp_path / "lock")
    process.stop()
    assert not is_locked(tmp_path / "lock")


def test_a_child_with_users_ends_with_the_last_of_them(tmp_path: Path) -> None:
    """Its note goes first, so that nobody comes to use it any more."""
    use = Use(tmp_path / "users.lock", tmp_path / "note")
    use.note.touch()
    users = [try_lock(use.lock, shared=True) for _ in range(2)]
    command = [sys.executable, "-c", IGNORES_SIGTERM]
    process = GuardedProcess(command, log=tmp_path / "log", cwd=tmp_path, guard=Guard(grace_seconds=1, use=use))
    while "up" not in (tmp_path / "log").read_text():
        time.sleep(0.02)

    assert users[0] is not None
    os.close(users[0])
    with pytest.raises(TimeoutError):
        process.wait(0.5)
    assert use.note.exists()

    assert users[1] is not None
    os.close(users[1])
    while use.note.exists():
        time.sleep(0.01)
    assert process.poll() is None
    assert process.wait(10) == 128 + signal.SIGKILL


def test_a_command_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """With what the system said."""
    with pytest.raises(StartupError, match="/no/such/java could not be started"):
        guard(tmp_path, "/no/such/java")
