"""
Seals addresses of receivers in the graph, and derives for each the key that signs what it is sent.

Addresses often carry a token, and whoever may run Cypher reads every property. So the graph has them encrypted under
the operator's secret: by AES-SIV, which is deterministic, so that a request repeated is the same request; whoever reads
the graph learns which schedules have the same receiver, and no more. A receiver's own key lets it check what it is
sent, and forge nothing to others.

Source: RFC 5297 (AES-SIV); HMAC as a key derivation, NIST SP 800-108r1, 4.1.
"""

import base64
import hashlib
import hmac
from typing import Any, Final

from graph.database.sessions import Database, Unit

_ENCRYPTION: Final = b"foregraph webhook address\n"
_SIGNATURE: Final = b"foregraph webhook signature\n"
"""What each derived key is for, before what it is derived for."""

AT_ONCE: Final = 1_000


class Seals:
    """Addresses under a secret of the operator's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, url: str) -> str:
        """Seal an address; equal ones have equal seals."""
        return base64.urlsafe_b64encode(self._cipher().encrypt(url.encode(), None)).decode()

    def open(self, sealed: str | None) -> str | None:
        """Return a sealed address; None if it was sealed under another secret, or there is none."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - takes 0.1 s, where nothing is sent for nothing

        try:
            return None if sealed is None else self._cipher().decrypt(base64.urlsafe_b64decode(sealed), None).decode()
        except (InvalidTag, ValueError):
            return None

    def signing_key(self, url: str) -> str:
        """Return the key of an address's signatures, in hexadecimal, as its receiver is given it."""
        return hmac.new(self._secret, _SIGNATURE + url.encode(), hashlib.sha256).hexdigest()

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 - takes 0.1 s

        return AESSIV(hmac.new(self._secret, _ENCRYPTION, hashlib.sha512).digest())


async def seal_stored(database: Database, seals: Seals) -> int:
    """Seal the addresses that older versions stored as they are; returns how many."""
    num_sealed = 0
    while found := await database.write(lambda unit: _seal_some(unit, seals)):
        num_sealed += found
    return num_sealed


async def _seal_some(unit: Unit, seals: Seals) -> int:
    rows = await unit.run("saved/list_plain_addresses", limit=AT_ONCE)
    sealed = [{"kind": row["kind"], "key": row["key"], "sealed_url": seals.close(row["url"])} for row in rows]
    if sealed:
        await unit.run("saved/seal_addresses", rows=sealed)
    return len(sealed)
