"""
API keys, and the file that keeps them: outside the graph, where no Cypher reads them, and only as hashes.

A key is `fgk_`, 40 random characters and a checksum of 6, all of them letters and digits: `fgk_[0-9A-Za-z]{46}`. The
checksum is the CRC-32 of what stands before it, in base 62. It tells scanners of secrets a key from other text; the
service does not look at it. A key's 238 random bits cannot be guessed, so that one SHA-256 keeps it safe.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import string
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from api.files import replacing
from graph.database.bounds import UNBOUND, Bounds
from graph.errors import ConfigurationError, ConflictError, InvalidError, NotFoundError
from resolvers.base.roles import GIVEN, Role

PREFIX: Final = "fgk_"
DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
NUM_RANDOM, NUM_CHECK = 40, 6
PATTERN: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{NUM_RANDOM + NUM_CHECK}}}")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
LEAST_KAPPA: Final = 0.01
VERSION: Final = 1
BOUND_VERSION: Final = 2
"""Of a file in which keys have bounds, so that no service that does not know them takes those keys for free ones."""
WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def make_secret() -> str:
    """Make a new key."""
    text = PREFIX + "".join(secrets.choice(DIGITS) for _ in range(NUM_RANDOM))
    return text + compute_checksum(text)


def compute_checksum(text: str) -> str:
    """The CRC-32 of a text in base 62, in 6 digits."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(NUM_CHECK):
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def is_well_formed(text: str) -> bool:
    """Whether a text is a key with the right checksum, given out or not."""
    return PATTERN.fullmatch(text) is not None and compute_checksum(text[:-NUM_CHECK]) == text[-NUM_CHECK:]


def digest(secret: bytes) -> bytes:
    """The hash under which a key is kept."""
    return hashlib.sha256(secret).digest()


@dataclass(frozen=True, slots=True)
class Key:
    """
    A key as it is kept.

    Attributes:
        name: Its name, which what is written under it names; never given to another key.
        roles: Its roles.
        hash: The SHA-256 of the key.
        created_at: When it was made.
        expires_at: When it ends; None for never.
        revoked_at: When it was revoked; None if it was not.
        bounds: What it may add to the graph.
    """

    name: str
    roles: tuple[Role, ...]
    hash: bytes
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    bounds: Bounds = UNBOUND

    def find_end(self, moment: datetime) -> str | None:
        """The reason why a key is no longer valid at a moment; None if it is."""
        if self.revoked_at is not None and self.revoked_at <= moment:
            return "was revoked"
        if self.expires_at is not None and self.expires_at <= moment:
            return "has expired"
        return None

    def as_json(self) -> dict[str, Any]:
        """Return the key as JSON."""
        return {
            "name": self.name,
            "roles": list(self.roles),
            "sha256": self.hash.hex(),
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at and self.expires_at.isoformat(),
            "revoked_at": self.revoked_at and self.revoked_at.isoformat(),
            **_write_bounds(self.bounds),
        }

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """
        Read a key from JSON.

        Raises:
            ValueError: A field is missing or wrong.
        """
        try:
            roles = tuple(Role(role) for role in values["roles"])
            found, hashed = str(values["name"]), bytes.fromhex(values["sha256"])
            moments = [_read_moment(values.get(name)) for name in ("created_at", "expires_at", "revoked_at")]
            bounds = _read_bounds(values)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a key lacks a field or has a wrong one ({error})") from error
        created_at, expires_at, revoked_at = moments
        if created_at is None or not roles or not set(roles) <= set(GIVEN) or len(hashed) != len(digest(b"")):
            raise ValueError(f"the key {found!r} has no creation, no role of its own, or no SHA-256")
        _check_bounds(bounds, roles, found)
        return cls(found, roles, hashed, created_at, expires_at, revoked_at, bounds)


def _write_bounds(bounds: Bounds) -> dict[str, Any]:
    lists = {"predictors": sorted(bounds.predictors), "sources": sorted(bounds.sources)}
    return {name: names for name, names in lists.items() if names} | (
        {} if bounds.kappa == UNBOUND.kappa else {"kappa": bounds.kappa}
    )


def _read_bounds(values: dict[str, Any]) -> Bounds:
    names = []
    for name in ("predictors", "sources"):
        given = values.get(name, [])
        if not isinstance(given, list) or not all(isinstance(text, str) and text for text in given):
            raise ValueError(f"expected a list of names as {name}, got {given!r:.80}")
        names.append(frozenset(given))
    kappa = values.get("kappa", UNBOUND.kappa)
    if isinstance(kappa, bool) or not isinstance(kappa, int | float):
        raise TypeError(f"expected a number as kappa, got {kappa!r:.80}")
    return Bounds(names[0], names[1], float(kappa))


def _check_bounds(bounds: Bounds, roles: Sequence[Role], name: str) -> None:
    """
    Check that bounds hold: no other role of the key may write past them.

    Raises:
        InvalidError: They do not.
    """
    if not LEAST_KAPPA <= bounds.kappa <= 1.0:
        raise InvalidError(f"expected a kappa from {LEAST_KAPPA} to 1, got {bounds.kappa} of {name!r}", path="kappa")
    wrong = [source for source in bounds.sources if not HOST.fullmatch(source)]
    if wrong:
        raise InvalidError(f"expected hosts, such as example.org, got {wrong[0][:80]!r} of {name!r}", path="sources")
    if bounds != UNBOUND and (Role.INTAKE not in roles or Role.OPERATOR in roles):
        message = f"a key with bounds has the role intake and not operator, got {' and '.join(roles)} of {name!r}"
        raise InvalidError(message, path="roles")


def _read_moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return moment


def read_keys(file: Path) -> list[Key]:
    """
    Read the keys that a file keeps; none where there is no file.

    Raises:
        ConfigurationError: The file cannot be read, is not of this form, or may be written by other users.
    """
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            text = opened.read()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"cannot read the keys in {file}: {error.strerror}") from error
    if mode & WRITABLE_BY_OTHERS:
        message = f"{file} may be written by other users, who could give themselves keys; run `chmod 600 {file}`"
        raise ConfigurationError(message)
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("version") not in (VERSION, BOUND_VERSION):
            raise ValueError(f"expected an object of version {VERSION} or {BOUND_VERSION}")
        return [Key.read(values) for values in content["keys"]]
    except (ValueError, KeyError, TypeError, InvalidError) as error:
        raise ConfigurationError(f"{file} does not hold keys: {error}") from error


class KeyFile:
    """
    Changes the keys in a file; changes made at the same time follow one another.

    Args:
        file: The file, which need not exist.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def list_all(self) -> list[Key]:
        """List all keys, those that are over too, in the order in which they were made."""
        return read_keys(self._file)

    def create(
        self, name: str, roles: Sequence[Role], expires_at: datetime | None = None, bounds: Bounds = UNBOUND
    ) -> str:
        """
        Create a key; returns it, which nothing can do again.

        Raises:
            InvalidError: The name is not well-formed, the key would have expired already, or its bounds do not hold.
            ConflictError: A key has or had the name.
            ConfigurationError: The file cannot be read or written.
        """
        if not NAME.fullmatch(name):
            message = f"expected 1 to 64 lower-case letters, digits, dots, dashes and underscores, got {name[:80]!r}"
            raise InvalidError(message, path="name")
        _check_bounds(bounds, roles, name)
        now = _now()
        if expires_at is not None and expires_at <= now:
            raise InvalidError(f"expected a moment in the future, got {expires_at.isoformat()}", path="expires")
        with self._changing() as keys:
            if any(key.name == name for key in keys):
                message = (
                    f"there is or was a key {name!r}, and what it wrote names it; choose another name, or rotate it"
                )
                raise ConflictError(message, path="name")
            secret = make_secret()
            hashed = digest(secret.encode())
            keys.append(Key(name, tuple(dict.fromkeys(roles)), hashed, now, expires_at, bounds=bounds))
        return secret

    def revoke(self, name: str) -> None:
        """
        Revoke the keys of a name.

        Raises:
            NotFoundError: No valid key has the name.
            ConfigurationError: The file cannot be read or written.
        """
        with self._changing() as keys:
            for index in _valid(keys, name):
                keys[index] = replace(keys[index], revoked_at=_now())

    def rotate(self, name: str, *, old_expires_at: datetime | None = None) -> str:
        """
        Put a new key in the place of the one of a name, with its roles and its end; returns the new one.

        Args:
            name: The name.
            old_expires_at: When the old key ends; at once by default.

        Raises:
            NotFoundError: No valid key has the name.
            ConfigurationError: The file cannot be read or written.
        """
        with self._changing() as keys:
            valid = _valid(keys, name)
            latest, now, secret = keys[valid[-1]], _now(), make_secret()
            for index in valid:
                old = keys[index]
                ends = now if old_expires_at is None else min(old_expires_at, old.expires_at or old_expires_at)
                is_now = old_expires_at is None
                keys[index] = replace(old, revoked_at=now) if is_now else replace(old, expires_at=ends)
            keys.append(replace(latest, hash=digest(secret.encode()), created_at=now))
        return secret

    @contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """Give the keys to be changed; they are written at the end of the block, unless it fails."""
        with _locked(self._file.with_name(f".{self._file.name}.lock")):
            keys = read_keys(self._file)
            yield keys
            is_bound = any(key.bounds != UNBOUND for key in keys)
            content = {"version": BOUND_VERSION if is_bound else VERSION, "keys": [key.as_json() for key in keys]}
            with replacing(self._file) as written:  # made with mode 0600
                written.write(json.dumps(content, indent=2).encode() + b"\n")


def _valid(keys: Sequence[Key], name: str) -> list[int]:
    """The places of a name's valid keys."""
    now = _now()
    found = [index for index, key in enumerate(keys) if key.name == name and key.find_end(now) is None]
    if not found:
        raise NotFoundError(f"no valid key has the name {name[:80]!r}; `foregraph keys list` shows all", path="name")
    return found


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _now() -> datetime:
    return datetime.now(UTC)
