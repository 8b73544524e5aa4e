"""Chooses what a response is sent as, by the header Accept."""

import re
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
GRAPHQL_JSON: Final = "application/graphql-response+json"
HTML: Final = "text/html"

MAX_ACCEPT_CHARACTERS: Final = 1_000
_WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)")


def accepts_events(accept: str) -> bool:
    """Whether an Accept header names streams of events."""
    return any(part.partition(";")[0].strip().lower() == EVENT_STREAM for part in accept.split(","))


@lru_cache(1_000)
def choose_media_type(accept: str) -> str:
    """
    Choose between the two media types of a GraphQL response, as RFC 9110, section 12.5.1, weighs them.

    The GraphQL over HTTP draft's own type is for those who name it, or who want no other.
    """
    own, own_is_named = _weigh(accept, GRAPHQL_JSON)
    plain, _ = _weigh(accept, JSON)
    return GRAPHQL_JSON if own > plain or (own_is_named and own == plain > 0) else JSON


@lru_cache(1_000)
def choose_offer(accept: str, offers: tuple[str, ...]) -> str | None:
    """
    Choose the media type that a client likes best, the first among equals; None where it takes none of them.

    Args:
        accept: The header; empty for any.
        offers: Media types, the best first.
    """
    weights = {offer: _weigh(accept, offer)[0] for offer in offers}
    best = max(offers, key=lambda offer: weights[offer])
    return best if weights[best] > 0 else None


@lru_cache(1_000)
def wants_page(accept: str) -> bool:
    """Whether a client names HTML, as browsers do, and likes it no less than JSON; others send `*/*` or nothing."""
    page, is_named = _weigh(accept, HTML)
    return is_named and page > 0 and page >= _weigh(accept, JSON)[0]


def _weigh(accept: str, media_type: str) -> tuple[float, bool]:
    """The weight of a media type, by the most specific range that it is in; and whether that names it."""
    kind = media_type.partition("/")[0]
    ranges = ("*/*", f"{kind}/*", media_type)
    weight, specificity = (1.0, 0) if not accept.strip() else (0.0, -1)
    for part in accept[:MAX_ACCEPT_CHARACTERS].lower().split(","):
        name = part.partition(";")[0].strip()
        if name in ranges and ranges.index(name) >= specificity:
            found = _WEIGHT.search(part)
            weight, specificity = float(found[1]) if found else 1.0, ranges.index(name)
    return weight, specificity == len(ranges) - 1
