"""
Sends a signed POST to an address that is allowed, over a connection to the very address that was checked.

Names are resolved here, once, and every address that a name has must be public; the connection is made to one of them,
so that no second answer of the name server counts. Redirects are not followed, and nothing of the answer but its status
is read.

Source of the signature: the scheme is that of Stripe, https://docs.stripe.com/webhooks#verify-manually.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.errors import InvalidError
from graph.saved.sealing import Seals
from graph.saved.webhooks import Address, Webhook, check_webhook, is_public

TIMESTAMP_HEADER: Final = "foregraph-timestamp"
SIGNATURE_HEADER: Final = "foregraph-signature"

SEND_SECONDS: Final = 15.0
"""Time for one request, from the name's resolution to the answer's status."""
MOST_HEAD_BYTES: Final = 16 << 10
MOST_INTERIM: Final = 5
"""Interim answers (100 to 199) before the one that counts."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Resolves a host's name, for a port, to the texts of its addresses; raises OSError where it has none."""

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?\r?\n")
_VALUE: Final = re.compile(r"[ -~]*", re.ASCII)
_FIRST_SUCCESS, _FIRST_REDIRECT, _FIRST_ERROR = 200, 300, 400


class SendingError(Exception):
    """
    A request was not taken.

    The message says why, without the receiver's address, since it is stored, and nothing of what the receiver sent.
    """


async def resolve_name(host: str, port: int) -> list[str]:
    """Resolve a name by the system; returns all of its addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Receivers:
    """
    Receivers that the operator allows.

    Attributes:
        hosts: Names of hosts, with a port where that is not 443; nothing is sent elsewhere.
        seals: Opens addresses, and has the keys of signatures.
        allows_loopback: Whether http and addresses of this machine are allowed too, for tests.
        trust: Certificates that are trusted; None for those of the system.
        resolve: Resolves a host's name.
        seconds: Time for one request.
    """

    hosts: frozenset[str]
    seals: Seals
    allows_loopback: bool = False
    trust: ssl.SSLContext | None = None
    resolve: Resolve = resolve_name
    seconds: float = SEND_SECONDS

    async def send(self, url: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """
        Send a POST; returns once the receiver has answered that it was successful.

        Args:
            url: The address.
            headers: Headers, besides those of the signature.
            body: The body.
            now: The moment of the signature.

        Raises:
            SendingError: It was not taken.
        """
        try:
            webhook = check_webhook(url, self.hosts, allows_loopback=self.allows_loopback)
            async with asyncio.timeout(self.seconds):
                status = await self._post(webhook, self._signed(url, headers, body, now), body)
        except InvalidError as error:
            message = "the operator does not allow webhooks to this receiver any more"
            raise SendingError(message) from error
        except TimeoutError:
            message = f"the receiver did not answer within {self.seconds:g} seconds"
            raise SendingError(message) from None
        if _FIRST_REDIRECT <= status < _FIRST_ERROR:
            message = f"the receiver answered {status}, and redirects are not followed"
            raise SendingError(message)
        if not _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
            message = f"the receiver answered {status}"
            raise SendingError(message)

    def _signed(self, url: str, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, str]:
        timestamp, key = str(int(now.timestamp())), self.seals.signing_key(url).encode()
        return {**headers, TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: f"v1={sign(key, timestamp, body)}"}

    async def _post(self, webhook: Webhook, headers: Mapping[str, str], body: bytes) -> int:
        reader, writer = await self._connect(webhook)
        try:
            writer.write(_make_head(webhook, headers, len(body)) + body)
            await writer.drain()
            return await _read_status(reader)
        except (OSError, ssl.SSLError) as error:
            message = "the connection to the receiver broke off"
            raise SendingError(message) from error
        finally:
            writer.transport.abort()  # what else the receiver sends is not waited for

    async def _connect(self, webhook: Webhook) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        addresses = await self._resolve(webhook)
        name = webhook.host.strip("[]")
        secure = (self.trust or ssl.create_default_context()) if webhook.scheme == "https" else None
        failure: Exception | None = None
        for address in addresses:
            try:
                return await asyncio.open_connection(
                    str(address),
                    webhook.port,
                    ssl=secure,
                    server_hostname=None if secure is None else name,
                    limit=MOST_HEAD_BYTES,
                )
            except ssl.SSLCertVerificationError as error:
                message = "the receiver's certificate is not valid for its name"
                raise SendingError(message) from error
            except OSError as error:
                failure = error
        message = "nobody answers at the receiver's address"
        raise SendingError(message) from failure

    async def _resolve(self, webhook: Webhook) -> list[Address]:
        """Resolve a host's name; all of its addresses must be public."""
        try:
            found = await self.resolve(webhook.host.strip("[]"), webhook.port)
        except (OSError, UnicodeError) as error:
            message = "the receiver's name is not known"
            raise SendingError(message) from error
        addresses = list(dict.fromkeys(ipaddress.ip_address(text.partition("%")[0]) for text in found))
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            message = "the receiver's name leads to an address that is not public"
            raise SendingError(message)
        return addresses

    def _is_allowed(self, address: Address) -> bool:
        return is_public(address) or (self.allows_loopback and address.is_loopback)


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a body: HMAC-SHA256 in hexadecimal over the timestamp, a full stop, and the body."""
    return hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _make_head(webhook: Webhook, headers: Mapping[str, str], length: int) -> bytes:
    """
    Make a request's first lines.

    Raises:
        SendingError: A header has a character that could end its line.
    """
    lines = [f"POST {webhook.target} HTTP/1.1", f"host: {webhook.authority}", "connection: close"]
    for name, value in {**headers, "content-length": str(length)}.items():
        if not _VALUE.fullmatch(value):
            message = f"the header {name} has characters that are not allowed there"
            raise SendingError(message)
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _read_status(reader: asyncio.StreamReader) -> int:
    """Read the status of the answer that counts."""
    for _ in range(MOST_INTERIM):
        status = await _read_head(reader)
        if status >= _FIRST_SUCCESS:
            return status
    message = "the receiver's answer is not HTTP"
    raise SendingError(message)


async def _read_head(reader: asyncio.StreamReader) -> int:
    with suppress(asyncio.LimitOverrunError, asyncio.IncompleteReadError, ValueError):
        found = _STATUS.fullmatch(await reader.readuntil(b"\n"))
        if found is not None:
            status = int(found[1])
            while status < _FIRST_SUCCESS and await reader.readuntil(b"\n") not in (b"\r\n", b"\n"):
                pass
            return status
    message = "the receiver's answer is not HTTP"
    raise SendingError(message)
