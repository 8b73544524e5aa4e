"""Keys are kept as hashes in a file that only its owner writes, and end when they are to."""

import json
import os
import stat
import threading
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.access.keyring import LOOK_SECONDS, Keyring
from api.access.keys import DIGITS, PATTERN, KeyFile, digest, is_well_formed, make_secret, read_keys
from graph.errors import ConfigurationError, ConflictError, InvalidError, NotFoundError
from resolvers.base.roles import Role


def test_a_key_has_the_form_that_scanners_know() -> None:
    """The checksum by a second route: the digits read back as a number."""
    secret = make_secret()

    assert PATTERN.fullmatch(secret)
    number = 0
    for digit in secret[-6:]:
        number = number * 62 + DIGITS.index(digit)
    assert number == zlib.crc32(secret[:-6].encode())
    assert is_well_formed(secret)


@pytest.mark.parametrize("index", range(50))
def test_a_key_with_another_character_has_a_wrong_checksum(index: int) -> None:
    secret = make_secret()
    other = secret[:index] + ("A" if secret[index] != "A" else "B") + secret[index + 1 :]

    assert not is_well_formed(other)


def test_keys_differ() -> None:
    assert len({make_secret() for _ in range(200)}) == 200


def test_the_file_keeps_no_key_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "keys.json"
    secret = KeyFile(file).create("news", [Role.INTAKE])

    assert secret not in file.read_text()
    assert secret[4:20] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (key,) = read_keys(file)
    assert (key.name, key.roles, key.hash) == ("news", (Role.INTAKE,), digest(secret.encode()))


def test_a_name_is_given_once(tmp_path: Path) -> None:
    """What was written under a name must not be taken for another's."""
    keys = KeyFile(tmp_path / "keys.json")
    keys.create("news", [Role.INTAKE])
    keys.revoke("news")

    with pytest.raises(ConflictError, match="'news'"):
        keys.create("news", [Role.READER])


@pytest.mark.parametrize("name", ["", "News", "a b", "-a", "x" * 65, "a:b", "ä"])
def test_a_name_that_is_not_well_formed_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidError, match="lower-case letters"):
        KeyFile(tmp_path / "keys.json").create(name, [Role.READER])


def test_a_key_that_would_have_expired_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="in the future"):
        KeyFile(tmp_path / "keys.json").create("news", [Role.READER], datetime.now(UTC) - timedelta(seconds=1))


def test_a_rotated_key_ends_at_once_and_the_new_one_has_its_roles(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    expires_at = datetime.now(UTC) + timedelta(days=9)
    old = keys.create("news", [Role.INTAKE, Role.ANALYST], expires_at)
    new = keys.rotate("news")

    ring = Keyring(tmp_path / "keys.json")
    first, second = ring.find(old.encode()), ring.find(new.encode())
    assert first is not None
    assert second is not None
    assert first.find_end(datetime.now(UTC)) == "was revoked"
    assert second.find_end(datetime.now(UTC)) is None
    assert (second.roles, second.expires_at) == ((Role.INTAKE, Role.ANALYST), expires_at)


def test_a_key_rotated_with_overlap_is_accepted_until_then(tmp_path: Path) -> None:
    keys, now = KeyFile(tmp_path / "keys.json"), datetime.now(UTC)
    old = keys.create("news", [Role.INTAKE], now + timedelta(days=9))
    keys.rotate("news", old_expires_at=now + timedelta(hours=1))

    first = Keyring(tmp_path / "keys.json").find(old.encode())
    assert first is not None
    assert first.find_end(now + timedelta(minutes=59)) is None
    assert first.find_end(now + timedelta(hours=1)) == "has expired"


def test_revoking_ends_all_keys_of_a_name(tmp_path: Path) -> None:
    keys, now = KeyFile(tmp_path / "keys.json"), datetime.now(UTC)
    keys.create("news", [Role.INTAKE])
    keys.rotate("news", old_expires_at=now + timedelta(hours=1))
    keys.revoke("news")

    assert all(key.find_end(datetime.now(UTC)) == "was revoked" for key in keys.list_all())
    with pytest.raises(NotFoundError, match="no valid key"):
        keys.revoke("news")
    with pytest.raises(NotFoundError, match="no valid key"):
        keys.rotate("news")


def test_keys_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    threads = [threading.Thread(target=KeyFile(file).create, args=[f"k{n}", [Role.READER]]) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {key.name for key in read_keys(file)} == {f"k{n}" for n in range(12)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "does not hold keys"),
        ("[]", "version 1"),
        ('{"version": 3, "keys": []}', "version 1"),
        ('{"version": 1, "keys": [{"name": "a"}]}', "lacks a field"),
        ('{"version": 1, "keys": [7]}', "lacks a field"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused_with_the_reason(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    file.chmod(0o600)

    with pytest.raises(ConfigurationError, match=problem):
        read_keys(file)


@pytest.mark.parametrize("change", [{"roles": []}, {"roles": ["public"]}, {"roles": ["king"]}, {"sha256": "00"}])
def test_a_key_with_a_wrong_field_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "keys.json"
    KeyFile(file).create("news", [Role.READER])
    content = json.loads(file.read_text())
    content["keys"][0] |= change
    file.write_text(json.dumps(content))

    with pytest.raises(ConfigurationError, match="does not hold keys"):
        read_keys(file)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "keys.json"
    KeyFile(file).create("news", [Role.READER])
    file.chmod(mode)

    with pytest.raises(ConfigurationError, match="written by other users"):
        read_keys(file)


class Waiting(Keyring):
    """A keyring that looks at its file at each question, as if time had passed."""

    def _refresh(self) -> None:
        self._looked_at -= 2 * LOOK_SECONDS
        super()._refresh()


def test_changes_are_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    ring, keys = Waiting(file), KeyFile(file)

    assert ring.find(make_secret().encode()) is None
    secret = keys.create("news", [Role.READER])
    found = ring.find(secret.encode())
    assert found is not None
    keys.revoke("news")
    found = ring.find(secret.encode())
    assert found is not None
    assert found.revoked_at is not None
    file.unlink()
    assert ring.find(secret.encode()) is None


@pytest.mark.parametrize("damage", ["text", "mode"])
def test_no_key_is_accepted_while_the_file_is_damaged(tmp_path: Path, damage: str) -> None:
    """A key that has been revoked since must not be accepted, so none is."""
    file = tmp_path / "keys.json"
    secret = KeyFile(file).create("news", [Role.READER])
    ring, text = Waiting(file), file.read_text()
    assert ring.find(secret.encode()) is not None

    if damage == "text":
        file.write_text(text[:-10])
    else:
        file.chmod(0o666)
    assert ring.find(secret.encode()) is None

    file.write_text(text)
    file.chmod(0o600)
    os.utime(file, ns=(1, 1))
    assert ring.find(secret.encode()) is not None


def test_a_change_is_seen_after_a_pause_only(tmp_path: Path) -> None:
    """The file is not looked at for each request."""
    file = tmp_path / "keys.json"
    ring = Keyring(file)
    assert len(ring) == 0
    KeyFile(file).create("news", [Role.READER])

    ring._looked_at += 1_000
    assert len(ring) == 0
    ring._looked_at -= 1_000 + LOOK_SECONDS
    assert len(ring) == 1
