"""Locks and files that processes share; locks that outlive a process are tested with `test_watchdog`."""

import os
from pathlib import Path

import pytest

from graph.server.files import is_locked, locked, try_lock, wait_for_lock, write_atomically


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A file that may be locked."""
    return tmp_path / "some.lock"


def test_a_lock_has_one_holder_until_it_is_closed(lock: Path) -> None:
    """Each opening of the file counts by itself, so this process competes with itself."""
    held = try_lock(lock)
    assert held is not None

    assert try_lock(lock) is None
    assert is_locked(lock)
    os.close(held)
    assert not is_locked(lock)
    again = try_lock(lock)
    assert again is not None
    os.close(again)


def test_a_lock_lasts_as_long_as_any_copy_of_its_descriptor(lock: Path) -> None:
    """As a child inherits it."""
    held = try_lock(lock)
    assert held is not None
    copy = os.dup(held)
    os.close(held)

    assert is_locked(lock)
    os.close(copy)
    assert not is_locked(lock)


def test_those_who_only_look_do_not_see_each_other(lock: Path) -> None:
    """Two probes at once would otherwise both find it taken."""
    probe = try_lock(lock, shared=True)
    assert probe is not None

    assert not is_locked(lock)
    assert try_lock(lock) is None
    os.close(probe)


def test_looking_makes_no_file(lock: Path) -> None:
    """Where there is none, nobody holds it."""
    assert not is_locked(lock)
    assert not lock.exists()


def test_a_lock_is_for_its_user_only(lock: Path) -> None:
    """Another user could hold it for ever."""
    held = try_lock(lock)
    assert held is not None
    os.close(held)

    assert lock.stat().st_mode & 0o777 == 0o600


def test_waiting_ends_with_the_lock_or_without(lock: Path) -> None:
    """At once if it is free, and after the time given if it is not."""
    held = wait_for_lock(lock, 0)
    assert held is not None

    assert wait_for_lock(lock, 0.01) is None
    os.close(held)


def test_a_block_holds_its_lock_and_gives_it_up_whatever_happens(tmp_path: Path) -> None:
    """In a folder that need not exist; a second block is told that it came too late."""
    lock = tmp_path / "a" / "b" / "some.lock"

    def hold_and_fail() -> None:
        with locked(lock, 0) as is_held, locked(lock, 0) as is_held_twice:
            assert (is_held, is_held_twice, is_locked(lock)) == (True, False, True)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        hold_and_fail()

    assert not is_locked(lock)


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_replaced_whole(tmp_path: Path, mode: int) -> None:
    """A reader that has opened the old one reads it to its end."""
    path = tmp_path / "note"
    write_atomically(path, "the old text, which is longer\n")
    with path.open(encoding="utf-8") as reader:
        write_atomically(path, "née\n", mode=mode)
        assert reader.read() == "the old text, which is longer\n"

    assert path.read_bytes() == b"n\xc3\xa9e\n"
    assert path.stat().st_mode & 0o777 == mode
    assert [each.name for each in tmp_path.iterdir()] == ["note"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """And nothing beside it."""
    path = tmp_path / "note"
    write_atomically(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "x" * 100_000 + "\ud800")

    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["note"]
