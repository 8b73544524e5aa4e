"""The life of a real Neo4j, from its first start to its violent end and back."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import neo4j
import platformdirs
import psutil
import pytest
from neo4j.exceptions import DriverError, Neo4jError

from graph.errors import AlreadyRunningError, ConfigurationError, StartupError
from graph.sample.training import TRAINING
from graph.server import EmbeddedServer, Endpoint, Software, end_running, find_running, start_or_attach
from graph.server.aot import AotCache, Training
from graph.server.artifacts import Artifact, JarFolder, fetch_from_maven, read_lock
from graph.server.installation import Installation
from graph.server.java import find_java
from graph.server.releases import get_release
from tests.helpers.processes import OF_SHORT_LIVED_JAVA

RELEASE = get_release("2026.08")
NUM_WRITES_BEFORE_KILL = 100
PATIENCE_SECONDS = 240  # a start on a busy machine
TRAINED = Software(training=TRAINING)
REAL_JARS = Path(platformdirs.user_cache_dir("foregraph")) / f"neo4j-{RELEASE.version}"

OWNER = """
import json, pathlib, signal, sys, time
from graph.sample.training import TRAINING
from graph.server import EmbeddedServer, Software
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell has a background job ignore it
with EmbeddedServer(pathlib.Path(sys.argv[1]), software=Software(training=TRAINING)) as server:
    print(json.dumps([server.pid, server.watchdog_pid, server.endpoint.uri]), flush=True)
    time.sleep(300)
"""

USER = """
import pathlib, signal, sys, time
from graph.sample.training import TRAINING
from graph.server import Software, start_or_attach
signal.signal(signal.SIGINT, signal.default_int_handler)
with start_or_attach(pathlib.Path(sys.argv[1]), keep_alive=True, software=Software(training=TRAINING)) as endpoint:
    print(endpoint.uri, flush=True)
    time.sleep(300)
"""

FAKE_JAVA = """#!/bin/sh
case "$*" in *set-initial-password*) exit 0;; esac
echo start >> "$(dirname "$0")/starts"
echo "{says}"
exit 3
"""


async def exercise_nothing(_: Endpoint) -> None:
    """Leave the server idle."""


UNTRAINED = Training(exercise_nothing, fingerprint="untrained")


@pytest.fixture(autouse=True)
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server here lives long enough to gain by the better of Java's two compilers."""
    for name, value in OF_SHORT_LIVED_JAVA.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def jars() -> JarFolder:
    """The real jars in this user's cache; they are read and linked to, never written."""
    folder = JarFolder(REAL_JARS, read_lock(RELEASE.lock), fetch_from_maven())
    folder.ensure()
    return folder


@contextmanager
def owned(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A server that another process owns: that process, Neo4j's process id, the watchdog's."""
    command = [sys.executable, "-c", OWNER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as owner:
        assert owner.stdout
        pid, watchdog_pid, _ = json.loads(owner.stdout.readline())
        try:
            yield owner, pid, watchdog_pid
        finally:
            owner.kill()


def run(endpoint: Endpoint, statement: str, **parameters: Any) -> list[Any]:
    with (
        neo4j.GraphDatabase.driver(endpoint.uri, auth=(endpoint.user, endpoint.password)) as driver,
        driver.session(database=endpoint.database) as session,
    ):
        return session.run(statement, parameters).value()


def is_gone(pid: int, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_life_of_a_data_directory(tmp_path: Path) -> None:
    """
    Shared, orphaned, killed, interrupted: nothing is lost, and no process is left.

    A start takes seconds, so one story of three starts holds all that needs a real one.
    """
    data_dir = tmp_path / "data of one"
    with owned(data_dir) as (owner, pid, watchdog_pid):
        _is_refused_at_once(data_dir, owner.pid)
        _can_be_attached_to(data_dir)
        _keeps_its_password(data_dir, [owner.pid, pid, watchdog_pid])
        owner.kill()
        owner.wait()
        assert find_running(data_dir) is None

    with EmbeddedServer(
        data_dir, software=TRAINED
    ) as server:  # waits for the old one, which the watchdog is just stopping
        assert is_gone(pid, 0)
        assert is_gone(watchdog_pid, 1)
        assert "Stopped." in server.console_log.with_suffix(".log.1").read_text()
        assert run(server.endpoint, "MATCH (n:Guest) RETURN n.name") == ["attached"]
        acknowledged = _write_until_killed(server)

    with owned(data_dir) as (owner, pid, watchdog_pid):
        endpoint = find_running(data_dir)
        assert endpoint
        assert set(run(endpoint, "MATCH (n:Written) RETURN n.number")) >= acknowledged
        owner.send_signal(signal.SIGINT)
        owner.wait(15)
        assert is_gone(pid, 0)
        assert is_gone(watchdog_pid, 0)
        assert "Stopped." in server.console_log.read_text()


def _is_refused_at_once(data_dir: Path, owner_pid: int) -> None:
    before = time.monotonic()
    with pytest.raises(
        AlreadyRunningError, match=rf"in use by process {owner_pid}, running Neo4j {RELEASE.version} since"
    ):
        EmbeddedServer(data_dir).start()
    assert time.monotonic() - before < 1


def _can_be_attached_to(data_dir: Path) -> None:
    with start_or_attach(data_dir) as endpoint:
        run(endpoint, "CREATE (:Guest {name: 'attached'})")
        assert find_running(data_dir) == endpoint
    assert find_running(data_dir) == endpoint


def _keeps_its_password(data_dir: Path, pids: list[int]) -> None:
    password = (data_dir / "password").read_text()
    assert len(password) >= 32
    assert mode(data_dir / "password") == mode(data_dir / "run.json") == 0o600
    assert mode(data_dir) == 0o700
    assert not any(password in argument for pid in pids for argument in psutil.Process(pid).cmdline())
    assert not any(password in path.read_text() for path in (data_dir / "neo4j-home" / "conf").iterdir())
    found = find_running(data_dir)
    assert found
    assert password not in repr(found)


def _write_until_killed(server: EmbeddedServer) -> set[int]:
    """
    Kills Neo4j amid writes and returns those that it acknowledged.

    On Linux by way of the watchdog, with which it must end; elsewhere directly.
    """
    endpoint, pid, acknowledged = server.endpoint, server.pid, set[int]()
    victim = server.watchdog_pid if sys.platform.startswith("linux") else pid

    def kill_amid_writes() -> None:
        while len(acknowledged) < NUM_WRITES_BEFORE_KILL and server.is_running():
            time.sleep(0.001)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_amid_writes)
    killer.start()
    with contextlib.suppress(DriverError, Neo4jError):
        _write(endpoint, acknowledged)
    killer.join()
    assert len(acknowledged) >= NUM_WRITES_BEFORE_KILL
    assert is_gone(pid, 5)
    while server.is_running():
        time.sleep(0.02)
    return acknowledged


def _write(endpoint: Endpoint, acknowledged: set[int]) -> None:
    driver = neo4j.GraphDatabase.driver(endpoint.uri, auth=(endpoint.user, endpoint.password))
    with driver, driver.session(database=endpoint.database) as session:
        for number in range(1_000_000):
            session.run("CREATE (:Written {number: $number})", number=number).consume()
            acknowledged.add(number)


def fake_java(folder: Path, says: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text('JAVA_VERSION="25.0.2"\n')
    (folder / "bin" / "java").write_text(FAKE_JAVA.replace("{says}", says))
    (folder / "bin" / "java").chmod(0o755)
    return folder


def num_starts(java: Path) -> int:
    return len((java / "bin" / "starts").read_text().splitlines())


def test_a_failed_start_shows_the_end_of_the_log_and_gives_the_directory_up(tmp_path: Path) -> None:
    """The user sees why; once that is mended, the same directory works."""
    java = fake_java(tmp_path / "java", "the disk is full")
    server = EmbeddedServer(tmp_path / "data", software=Software(java_home=java))

    for _ in range(2):
        with pytest.raises(StartupError, match=r"exit code 3 .*\n.*the disk is full"):
            server.start()
    assert not server.is_running()
    assert num_starts(java) == 2  # nothing was damaged, so nothing was tried again


def test_the_caller_is_told_of_a_start_before_its_process_and_of_the_process_before_it_answers(tmp_path: Path) -> None:
    """So that it does other work while Java starts, and takes no time from what comes before."""
    java, told = fake_java(tmp_path / "java", "no"), list[tuple[str, bool]]()

    def note(what: str) -> None:
        told.append((what, server.console_log.exists()))

    server = EmbeddedServer(
        tmp_path / "data",
        software=Software(java_home=java),
        on_start=lambda: note("start"),
        on_launch=lambda: note("launch"),
    )
    with pytest.raises(StartupError):
        server.start()

    assert told == [("start", False), ("launch", True)]


def test_what_was_damaged_behind_its_back_is_mended_when_a_start_fails(tmp_path: Path, jars: JarFolder) -> None:
    """A jar with wrong content but the old size and time, and an AOT cache of garbage; then one more try is made."""
    java, cache, asked = fake_java(tmp_path / "java", "ClassFormatError"), tmp_path / "cache", list[str]()
    shutil.copytree(REAL_JARS, cache / REAL_JARS.name, copy_function=os.symlink)
    victim = next((cache / REAL_JARS.name).glob("org.neo4j.neo4j-kernel-2*.jar"))
    seen = victim.stat()
    victim.unlink()  # a link to the real one, so it is not written to
    victim.write_bytes(b"x" * seen.st_size)
    os.utime(victim, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    aot_cache = AotCache(make_installation(java, jars), cache / "aot", UNTRAINED)
    aot_cache.path.parent.mkdir()
    aot_cache.path.write_bytes(b"garbage")

    def fetch(artifact: Artifact, folder: Path) -> Path:
        asked.append(artifact.name)
        return Path(shutil.copy(REAL_JARS / artifact.file_name, folder))

    software = Software(java_home=java, training=UNTRAINED, cache_dir=cache, fetch=fetch)
    with pytest.raises(StartupError, match="ClassFormatError"):
        EmbeddedServer(tmp_path / "data", software=software).start()

    assert asked == ["neo4j-kernel"]
    assert not aot_cache.path.exists()
    assert num_starts(java) == 2


def make_installation(java: Path, jars: JarFolder) -> Installation:
    return Installation(RELEASE, find_java(RELEASE, java), jars, "1g")


def test_an_aot_cache_that_java_refused_is_removed(tmp_path: Path, jars: JarFolder) -> None:
    """It is as it was written, yet does not fit; one that is right and was not spoken of stays."""
    cache = AotCache(make_installation(fake_java(tmp_path / "java", ""), jars), tmp_path, UNTRAINED)
    log = tmp_path / "console.log"
    cache.path.write_bytes(b"classes")
    cache.path.with_suffix(".sha256").write_text(hashlib.sha256(b"classes").hexdigest())

    log.write_text("Neo4j complains of something else")
    assert not cache.discard_if_damaged(log)
    log.write_text("[0.012s][error][aot] The AOT cache was created by a different version or build of HotSpot")
    assert cache.discard_if_damaged(log)
    assert cache.is_wanted


def test_a_training_run_that_fails_leaves_nothing_behind(tmp_path: Path, jars: JarFolder) -> None:
    """It is a convenience, so its failure is no error."""
    cache = AotCache(make_installation(fake_java(tmp_path / "java", "no"), jars), tmp_path / "aot", UNTRAINED)

    assert not cache.train(threading.Event())
    assert cache.is_wanted
    assert [path.suffix for path in (tmp_path / "aot").iterdir()] == [".lock"]


def test_attaching_where_nothing_runs_is_starting(tmp_path: Path) -> None:
    """And it fails as a start fails."""
    java = fake_java(tmp_path / "java", "the disk is full")

    with (
        pytest.raises(StartupError, match="the disk is full"),
        start_or_attach(tmp_path / "data", software=Software(java_home=java)),
    ):
        pass


def test_a_taken_port_leads_to_another_try(tmp_path: Path) -> None:
    """Somebody may take the port between our choice and Neo4j's use."""
    java = fake_java(tmp_path / "java", "java.net.BindException: Address already in use")

    with pytest.raises(StartupError, match="Address already in use"):
        EmbeddedServer(tmp_path / "data", software=Software(java_home=java)).start()
    assert num_starts(java) == 5


def test_data_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    """Neo4j reads older stores and no newer ones."""
    (tmp_path / "release").write_text("2027.01.0\n")

    with pytest.raises(ConfigurationError, match=r"last opened by Neo4j 2027\.01\.0"):
        EmbeddedServer(tmp_path).start()


def test_a_lost_password_is_told(tmp_path: Path) -> None:
    """A new one would not open the old data."""
    (tmp_path / "neo4j-home" / "data" / "databases" / "system").mkdir(parents=True)

    with pytest.raises(
        ConfigurationError, match=rf"expected the password of .* in {tmp_path / 'password'}, which is gone"
    ):
        EmbeddedServer(tmp_path).start()


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where the directory should be, for one."""
    (tmp_path / "data").write_text("")

    with pytest.raises(ConfigurationError, match="expected a data directory that can be written"):
        EmbeddedServer(tmp_path / "data").start()


def test_nothing_runs_before_a_start_and_a_stop_does_no_harm(tmp_path: Path) -> None:
    """Also where there is no data directory at all."""
    server = EmbeddedServer(tmp_path / "data")

    server.stop()
    assert not server.is_running()
    assert find_running(tmp_path / "data") is None
    with pytest.raises(StartupError, match="start it first"):
        _ = server.endpoint


def test_a_stale_note_of_a_server_is_not_believed(tmp_path: Path) -> None:
    """After a power cut run.json is still there, but nobody holds the locks."""
    (tmp_path / "run.json").write_text(
        json.dumps({"owner_pid": 1, "since": "then", "version": "1", "pid": 1, "port": 7687})
    )

    assert find_running(tmp_path) is None


def test_a_neo4j_that_dies_comes_back_at_the_same_place(tmp_path: Path) -> None:
    """A service whose database is killed, or ended on purpose, recovers with everything that was acknowledged."""
    with EmbeddedServer(
        tmp_path, keep_alive=True, software=TRAINED, startup_timeout_seconds=PATIENCE_SECONDS
    ) as server:
        endpoint = server.endpoint
        for number, is_asked in enumerate((False, True), start=1):
            pid = server.pid
            run(endpoint, "CREATE (:Note {text: 'kept'})")
            if is_asked:
                assert end_running(tmp_path)
            else:
                os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (server.is_running() and server.pid != pid):
                assert time.monotonic() < deadline
                time.sleep(0.2)

            assert server.endpoint == endpoint
            assert run(endpoint, "MATCH (note:Note) RETURN note.text") == ["kept"] * number


@contextmanager
def using(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server which runs on a data directory, and starts it again when it ends."""
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as user:
        assert user.stdout
        assert user.stdout.readline().startswith("bolt://")
        try:
            yield user
        finally:
            user.kill()


def test_a_server_outlives_the_process_that_started_it_while_others_use_it(tmp_path: Path) -> None:
    """When it dies, one of them starts it again where it was, with the same data; it ends with the last of them."""
    with owned(tmp_path) as (owner, pid, watchdog_pid), using(tmp_path) as first, using(tmp_path) as second:
        endpoint = find_running(tmp_path)
        assert endpoint
        run(endpoint, "CREATE (:Note {text: 'kept'})")
        owner.kill()
        owner.wait()
        assert find_running(tmp_path) == endpoint
        assert psutil.Process(pid).is_running()
        with pytest.raises(AlreadyRunningError):
            EmbeddedServer(tmp_path).start()

        os.kill(pid, signal.SIGKILL)
        assert is_gone(watchdog_pid, 10)
        restarted = _wait_for_another(tmp_path, pid)
        assert find_running(tmp_path) == endpoint
        assert run(endpoint, "MATCH (note:Note) RETURN note.text") == ["kept"]
        assert (first.poll(), second.poll()) == (None, None)

        for user in (first, second):
            assert psutil.Process(restarted).is_running()
            user.send_signal(signal.SIGINT)
            user.wait(60)
        assert is_gone(restarted, 0)
        assert find_running(tmp_path) is None
    assert not (tmp_path / "run.json").exists()


def _neo4j_of(data_dir: Path) -> int:
    pid: int = json.loads((data_dir / "run.json").read_text())["pid"]
    return pid


def _wait_for_another(data_dir: Path, pid: int) -> int:
    """Wait until a server with another process id is ready; returns its process id."""
    deadline = time.monotonic() + 120
    while find_running(data_dir) is None or _neo4j_of(data_dir) == pid:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return _neo4j_of(data_dir)
