"""Addresses of sources, as links that clients follow."""

import re
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from graph.model.shown import shown_value

MAX_ADDRESS_CHARACTERS: Final = 2_000
AN_ADDRESS: Final = f"an http or https address of at most {MAX_ADDRESS_CHARACTERS} characters"

_PORTS: Final = {"http": 80, "https": 443}
_KEPT: Final = "%/:?#[]@!$&'()*+,;="
"""Characters that mean something in an address, so that they are not the same when they are percent-encoded."""
_ENCODED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

_UNWRITABLE: Final = re.compile(r"[\s\x00-\x1f\x7f]")


def check_address(text: str) -> str:
    """
    Check an address; returns it as it came, so that it can be compared with its source.

    Raises:
        ValueError: It is no http or https address; the message says what is wrong with it.
    """
    fault = _find_fault(text)
    if fault is not None:
        raise ValueError(f"expected {AN_ADDRESS}, got {shown_value(text)}: {fault}")
    return text


def _find_fault(text: str) -> str | None:
    if len(text) > MAX_ADDRESS_CHARACTERS:
        return f"it has {len(text)} characters"
    if found := _UNWRITABLE.search(text):
        return f"{found.group()!r} at {found.start()} may not be in it"
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in {"http", "https"}:
        return "it begins with neither http:// nor https://"
    if not rest.startswith("//"):
        return "two slashes must follow its scheme"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:  # brackets that do not close, or a port that is no number
        return str(error)
    return None if host else "it has no host"


def normal_spelling(address: str) -> str:
    """
    Return the one spelling of all addresses that are equivalent by syntax and scheme, so that they name one source.

    Scheme and host are in lower case, the host in ASCII; the scheme's own port and the fragment are left out; the path
    is absolute and without dot segments; characters are percent-encoded, in capitals, exactly where they have to be.
    A text that is no address is returned as it is.

    Source: RFC 3986, sections 6.2.2 and 6.2.3; the fragment is no part of what is fetched (section 3.5).
    """
    if _find_fault(address) is not None:
        return address
    parts = urlsplit(address)
    path = _without_dot_segments(_encode(parts.path)) or "/"
    return urlunsplit((parts.scheme.lower(), _authority(parts), path, _encode(parts.query), ""))


def _authority(parts: SplitResult) -> str:
    user, at, _ = parts.netloc.rpartition("@")
    host = _ascii_host(unquote(parts.hostname or "").lower())
    port = "" if parts.port in {None, _PORTS[parts.scheme.lower()]} else f":{parts.port}"
    return f"{_encode(user)}{at}{f'[{host}]' if ':' in host else host}{port}"


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _encode(text: str) -> str:
    """Percent-encode what an address may not hold, and decode what needs no encoding."""
    return _ENCODED.sub(lambda found: _respell(found[0]), quote(text, safe=_KEPT, errors="surrogatepass"))


def _respell(encoded: str) -> str:
    triplets = [encoded[start : start + 3] for start in range(0, len(encoded), 3)]
    characters = [(triplet, chr(int(triplet[1:], 16))) for triplet in triplets]
    return "".join(character if character in _UNRESERVED else triplet.upper() for triplet, character in characters)


def _without_dot_segments(path: str) -> str:
    """Resolve `.` and `..` in an absolute path (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            del kept[max(1, len(kept) - 1) :]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/".join(kept)
