"""Responses kept for as long as the data does not change, and how clients keep theirs."""

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from api.execution import Answer

OVERHEAD_BYTES: Final = 500
"""What a kept response takes beside its key and its body."""
LARGEST_SHARE: Final = 8
"""No response may take more than one part in so many of all room."""

_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Kept(Answer):
    """
    An answer that was kept.

    Attributes:
        version: A version of the data of which it includes everything.
    """

    version: str


class Responses:
    """
    Keeps responses; the longest unused go first.

    Args:
        max_bytes: Most bytes to keep; 0 keeps none.

    Attributes:
        num_hits: Requests answered by a response that was kept.
        num_stale: Requests whose response was kept, but of an older version.
        num_missed: Requests whose response was not kept.
        num_bytes: Bytes kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.num_hits = self.num_stale = self.num_missed = self.num_bytes = 0
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_on(self) -> bool:
        """Whether responses are kept at all."""
        return self._max_bytes > 0

    def find(self, key: bytes) -> Kept | None:
        """The response of a key, of whatever version."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, version: str, answer: Answer) -> None:
        """Keep an answer in place of an older one."""
        self.drop(key)
        kept = Kept(answer.body, answer.has_errors, answer.status, version)
        num_bytes = _num_bytes(key, kept)
        if num_bytes * LARGEST_SHARE > self._max_bytes:
            return
        self._kept[key] = kept
        self.num_bytes += num_bytes
        while self.num_bytes > self._max_bytes:
            self.drop(next(iter(self._kept)))

    def drop(self, key: bytes) -> None:
        """Drop the response of a key, if there is one."""
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self.num_bytes -= _num_bytes(key, dropped)


def compute_etag(body: bytes, media_type: str) -> str:
    """The strong entity tag of a response: equal bodies of one media type have equal ones."""
    digest = hashlib.sha256(media_type.encode())
    digest.update(body)
    return f'"{digest.hexdigest()[:32]}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the header If-None-Match names an entity tag, by the weak comparison that RFC 9110 asks for."""
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def describe_get(etag: str) -> dict[str, str]:
    """
    The headers by which clients keep the answer to a GET: for themselves, asking each time whether it still holds.

    The media type and whether GraphiQL is sent depend on Accept.
    """
    return {"etag": etag, "cache-control": "private, no-cache", "vary": "Accept, Foregraph-Bookmark"}


def _num_bytes(key: bytes, kept: Kept) -> int:
    return OVERHEAD_BYTES + len(key) + len(kept.body)
