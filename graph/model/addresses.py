"""Addresses of sources, as links that clients follow."""

import re
from typing import Final
from urllib.parse import urlsplit

from graph.model.shown import shown_value

MAX_ADDRESS_CHARACTERS: Final = 2_000
AN_ADDRESS: Final = f"an http or https address of at most {MAX_ADDRESS_CHARACTERS} characters"

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
