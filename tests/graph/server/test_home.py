"""A data directory: its owner, its password and its release, without a server."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from graph.errors import AlreadyRunningError, ConfigurationError
from graph.server.files import try_lock
from graph.server.home import Home
from graph.server.releases import RELEASES, get_release, version_key

OLD, NEW = sorted(RELEASES.values(), key=lambda release: version_key(release.version))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A fresh directory."""
    home = Home(tmp_path / "data")
    home.make()
    return home


def started(home: Home) -> None:
    """Leave what a Neo4j leaves that has run here."""
    (home.data / "databases" / "system").mkdir(parents=True)


def test_folders_are_for_their_user_only(home: Home) -> None:
    """They hold the password and the data; making them again harms nothing."""
    home.make()

    for folder in (home.data_dir, home.conf, home.data, home.logs):
        assert folder.is_dir()
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_place_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """By its path."""
    place = tmp_path / "data"
    place.write_text("")

    with pytest.raises(ConfigurationError, match=f"a data directory that can be written; got .*{place}"):
        Home(place).make()


def test_a_directory_has_one_owner(home: Home) -> None:
    """Who is named to the next one, until the directory is given up."""
    locks = home.claim("5.26.30")
    assert home.is_claimed()

    with pytest.raises(
        AlreadyRunningError, match=f"{home.data_dir} is in use by process {os.getpid()}, running Neo4j 5"
    ):
        Home(home.data_dir).claim("5.26.30")

    home.release(locks)
    assert not home.is_claimed()
    home.release(home.claim("5.26.30"))


def test_a_server_is_found_once_it_is_ready(home: Home) -> None:
    """And no longer once its owner has gone; its process is named to whoever wants the directory."""
    assert home.find_running() is None
    locks = home.claim("5.26.30")
    assert home.find_running() is None

    home.mark_ready(pid=4711, port=7687)
    running = Home(home.data_dir).find_running()
    assert running is not None
    assert (running.pid, running.port, running.owner_pid, running.version) == (4711, 7687, os.getpid(), "5.26.30")
    with pytest.raises(AlreadyRunningError, match="its Neo4j is process 4711"):
        home.claim("5.26.30")

    home.release(locks)
    assert home.find_running() is None


def test_a_damaged_note_is_no_server(home: Home) -> None:
    """Even while somebody holds the directory, who is then not named."""
    locks = home.claim("5.26.30")
    for text in ("", "{", "[]", "{}", '{"owner_pid": 1}', '{"unknown": 1}', "\x00"):
        (home.data_dir / "run.json").write_text(text)
        assert home.find_running() is None

    with pytest.raises(AlreadyRunningError, match="in use by another process; end it first"):
        home.claim("5.26.30")
    home.release(locks)


def test_an_owner_without_a_server_is_no_server(home: Home) -> None:
    """Its Neo4j has ended, and it has not noticed yet."""
    owner, server = home.claim("5.26.30")
    home.mark_ready(pid=4711, port=7687)
    os.close(server)

    assert home.is_claimed()
    assert home.find_running() is None
    os.close(owner)


def test_a_directory_has_further_users_once_its_server_is_ready(home: Home) -> None:
    """It is in use until the last of them has left, whoever that is."""
    assert home.join() is None
    owner, server = home.claim("5.26.30")
    assert home.join() is None

    home.mark_ready(pid=4711, port=7687)
    guest = home.join()
    assert guest is not None
    os.close(owner)
    assert home.find_running() is not None
    with pytest.raises(AlreadyRunningError, match="its Neo4j is process 4711"):
        home.claim("5.26.30")

    os.close(server)
    home.leave(guest)
    assert not home.is_claimed()


def test_who_leaves_does_not_wait_while_others_stay(home: Home) -> None:
    """Their server goes on."""
    owner, server = home.claim("5.26.30")
    home.mark_ready(pid=4711, port=7687)
    guest = home.join()
    assert guest is not None

    home.leave(owner)
    assert home.find_running() is not None
    os.close(server)
    home.leave(guest)


def test_another_lock_does_not_claim_a_directory(home: Home) -> None:
    """Only its owner's does."""
    other = try_lock(home.data_dir / "server.lock")
    assert other is not None

    assert not home.is_claimed()
    os.close(other)


def test_a_password_is_made_once_and_kept(home: Home, tmp_path: Path) -> None:
    """Random, for its user only, and of letters and digits, which need no quoting."""
    password = home.password()
    other = Home(tmp_path / "other")
    other.make()

    assert home.password() == Home(home.data_dir).password() == password
    assert other.password() != password
    assert len(password) == 48
    assert password.isalnum()
    assert home.password_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("place", ["databases/system", "dbms/auth.ini"])
def test_a_password_that_is_gone_is_not_made_anew(home: Home, place: str) -> None:
    """Neo4j has the old one already, even if its first start was broken off."""
    assert home.needs_password
    path = home.data / place
    path.parent.mkdir(parents=True)
    path.touch()

    assert not home.needs_password
    assert home.has_data == (place == "databases/system")
    with pytest.raises(ConfigurationError, match=f"{home.password_file}, which is gone"):
        home.password()


def test_data_of_a_newer_release_is_refused(home: Home) -> None:
    """Stores are upgraded as they are opened, and never downgraded."""
    for release in (OLD, NEW):
        home.require_not_newer(release)  # nothing has been opened yet
    home.stamp(OLD)
    for release in (OLD, NEW):
        home.require_not_newer(release)
    home.stamp(NEW)
    home.require_not_newer(NEW)

    with pytest.raises(ConfigurationError, match=f"opened by Neo4j {NEW.version}, and {OLD.version} is older"):
        home.require_not_newer(OLD)


def test_the_last_starts_log_is_kept_beside_the_new_one(home: Home) -> None:
    """One, and not more."""
    home.keep_last_log()
    for text in ("first", "second"):
        home.console_log.write_text(text)
        home.keep_last_log()

    assert {path.name: path.read_text() for path in home.logs.iterdir()} == {"console.log.1": "second"}


def test_versions_are_ordered_by_number() -> None:
    """Not by digit: 5.26.9 comes before 5.26.30, and that before 2026."""
    versions = ["4.4", "5.26", "5.26.9", "5.26.30", "2025.12.3", "2026.08.1", "2026.10"]

    assert all(version_key(earlier) < version_key(later) for earlier, later in pairwise(versions))


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_is_of_its_series_and_has_a_lock(name: str) -> None:
    """A release is found by the start of its version."""
    release = get_release(name)

    assert release.version.startswith(f"{name}.")
    assert release.lock.is_file()
    assert release.java_versions == tuple(sorted(release.java_versions)) != ()
