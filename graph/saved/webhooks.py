"""Addresses to which rows of saved queries may be sent: by an allow-list of hosts, and never to private networks."""

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from graph.errors import InvalidError

MOST_URL: Final = 2_000
"""Characters of an address."""

_URL: Final = re.compile(r"[!-~]+", re.ASCII)
"""Printable ASCII without blanks: nothing that could end a line of a request."""
_HOST: Final = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", re.ASCII)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL: Final = tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24")))
"""Networks of special use that some versions of Python take for public ones."""
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    An address to which rows are sent.

    Attributes:
        scheme: https; http where loopback addresses are allowed.
        host: The host's name, in small letters; an IPv6 address in brackets.
        port: The port.
        target: The path and the query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The host, with its port where that is not the scheme's own."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"


def check_webhook(url: str, hosts: Collection[str], *, allows_loopback: bool = False, path: str = "url") -> Webhook:
    """
    Check an address against the hosts that the operator allows.

    Args:
        url: The address.
        hosts: Names of hosts, with a port where that is not 443.
        allows_loopback: Whether http is taken as well, for a receiver on this machine.
        path: Path of the address, for errors.

    Raises:
        InvalidError: It is no such address, or its host is not allowed.
    """
    schemes = ("https", "http") if allows_loopback else ("https",)
    try:
        parts = urlsplit(url) if _URL.fullmatch(url) and len(url) <= MOST_URL and "\\" not in url else None
        port = None if parts is None else parts.port
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        message = f"expected an address that begins with {schemes[0]}:// and has no blanks, got {url[:80]!r}"
        raise InvalidError(message, path=path)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidError("expected an address without user, password and #fragment", path=path)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if not _HOST.fullmatch(host):
        raise InvalidError(f"expected a host of letters, digits, - and ., got {host[:80]!r}", path=path)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    webhook = Webhook(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], target)
    if webhook.authority not in hosts:
        told = ", ".join(sorted(hosts)) or "none"
        message = f"the operator does not allow webhooks to {webhook.authority[:80]}; allowed hosts: {told}"
        raise InvalidError(message, path=path)
    return webhook


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and so are those that it stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded: Iterable[Address | None] = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
        inner = [found for found in embedded if found is not None]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if inner:
            return all(is_public(found) for found in inner)
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or any(address in network for network in _SPECIAL)
    )
