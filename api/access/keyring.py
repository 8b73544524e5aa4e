"""The keys as the service looks them up: read again when their file has changed."""

import hmac
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from api.access.keys import Key, digest, read_keys
from api.logging import get_logger
from graph.errors import ConfigurationError

LOOK_SECONDS: Final = 0.25
"""How long a change of the file goes unseen at most."""

_NOBODYS: Final = Key("", (), digest(b""), datetime.max.replace(tzinfo=UTC))
"""Compared with where nothing is found, so that this takes as long."""

_Signature = tuple[int, int, int] | None


class Keyring:
    """
    Looks keys up by their hashes.

    Looking up by the hash of what is presented tells its sender nothing by its time: whoever does not know a key cannot
    choose a hash that shares a part with its hash. All of a key is looked up at once, and nothing is refused earlier.

    Args:
        file: The file that keeps them; without one, or while it cannot be read, there are none.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys: dict[bytes, Key] = {}
        self._signature: _Signature = None
        self._looked_at = -LOOK_SECONDS

    def __len__(self) -> int:
        self._refresh()
        return len(self._keys)

    def find(self, secret: bytes) -> Key | None:
        """Find a key, valid or over; None if it was never given out."""
        self._refresh()
        hashed = digest(secret)
        key = self._keys.get(hashed, _NOBODYS)
        return key if hmac.compare_digest(key.hash, hashed) else None

    def find_hash(self, hashed: bytes) -> Key | None:
        """Find the key of a hash that was found before; None once it is not in the file any more."""
        self._refresh()
        return self._keys.get(hashed)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        signature = self._sign()
        if signature == self._signature:
            return
        self._signature = signature
        try:
            self._keys = {key.hash: key for key in read_keys(self._file)}
        except ConfigurationError as error:  # a key that was revoked must not live on
            self._keys = {}
            get_logger().error("no key is accepted until their file is right", reason=str(error))

    def _sign(self) -> _Signature:
        """Identify the file's content: it is replaced as a whole, or edited by hand."""
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size ^ found.st_mode << 40
