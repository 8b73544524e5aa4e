"""Relay's global ids, cursors and connections."""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, TypeVar

import strawberry

from graph.errors import InvalidError
from graph.model.subjects import SUBJECTS
from graph.model.values import ID_PATTERN, MILESTONE_ID_PATTERN, SYMBOL_PATTERN
from resolvers.base.described import field, interface_type, object_type
from resolvers.base.scalars import Moment

MOST_KEPT_IDS = 10_000  # a neighbourhood names each of its nodes several times
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

NodeT = TypeVar("NodeT")

NAMING_PROPERTIES = ("title", "name", "label", "description", "symbol", "note", "status", "id")
"""The properties of which the first that a node has names it; claims and milestones have others before their status."""

_KEY = re.compile(ID_PATTERN)
_OTHER_KEYS = {"Ticker": re.compile(SYMBOL_PATTERN), "Milestone": re.compile(MILESTONE_ID_PATTERN)}
"""Further keys that a subject may have."""


@lru_cache(MOST_KEPT_IDS)
def global_id(subject: str, key: str) -> str:
    """The id of a node, unique among all nodes."""
    return _encode(f"{subject}:{key}")


def parse_global_id(text: str, *, path: str = "id") -> tuple[str, str]:
    """
    The subject and the key in a global id.

    Raises:
        InvalidError: The text is not one that this API returns.
    """
    found = _find_global_id(text)
    if found is None:
        message = f"expected a global id, such as the `id` of any node that this API returns, got {text[:80]!r}"
        raise InvalidError(message, path=path)
    return found


def parse_key(text: str, *subjects: str, path: str = "id") -> str:
    """The key alone; see `parse_id`."""
    return parse_id(text, *subjects, path=path)[1]


def parse_some_key(text: str | None, *subjects: str, path: str) -> str | None:
    """The key alone, or None for None; see `parse_id`."""
    return None if text is None else parse_key(text, *subjects, path=path)


def parse_id(text: str, *subjects: str, path: str = "id") -> tuple[str, str]:
    """
    The subject and the key of a node, given as a global id or as the bare key.

    Args:
        text: The id as sent by the client.
        *subjects: The subjects that it may be of; a bare key is taken to be of the first.
        path: Path of the argument, for error messages.
    Raises:
        InvalidError: The text is neither, or a global id of another subject.
    """
    found = _find_global_id(text)
    if found is None:
        if not _is_key(subjects[0], text):
            kind = (
                "a symbol such as BRK.B or ^GSPC"
                if subjects[0] == "Ticker"
                else "a key of letters, digits and _.:@#/+-"
            )
            message = f"expected a global id or {kind}, got {text[:80]!r}"
            raise InvalidError(message, path=path)
        return subjects[0], text
    if found[0] not in subjects:
        message = f"expected the id of a {' or '.join(subjects)}, got one of a {found[0]}"
        raise InvalidError(message, path=path)
    return found


def encode_cursor(text: str) -> str:
    """Make an opaque cursor of a position in a list."""
    return _encode(text)


def decode_cursor(text: str, *, path: str) -> str:
    """
    The position in a list that a cursor holds.

    Raises:
        InvalidError: The text is not one that this API returns.
    """
    decoded = _decode(text)
    if decoded is None or ":" not in decoded:
        message = f"expected a cursor that this API returned, got {text[:80]!r}"
        raise InvalidError(message, path=path)
    return decoded


def read_size(first: int | None, last: int | None) -> tuple[int, bool]:
    """
    The size of a page of a list, and whether it is counted from the end.

    Raises:
        InvalidError: Both are given, or one is not within the allowed sizes.
    """
    if first is not None and last is not None:
        message = f"expected either first or last, got both ({first} and {last})"
        raise InvalidError(message, path="last")
    return (page_size(first), False) if last is None else (page_size(last, path="last"), True)


def page_size(first: int | None, *, path: str = "first") -> int:
    """
    The size of a page, checked.

    Raises:
        InvalidError: It is below 1 or above `MAX_PAGE_SIZE`.
    """
    size = DEFAULT_PAGE_SIZE if first is None else first
    if not 1 <= size <= MAX_PAGE_SIZE:
        message = f"expected a page size from 1 to {MAX_PAGE_SIZE}, got {size}"
        raise InvalidError(message, path=path)
    return size


def _find_global_id(text: str) -> tuple[str, str] | None:
    subject, _, key = (_decode(text) or "").partition(":")
    return (subject, key) if subject in SUBJECTS and _is_key(subject, key) else None


def _is_key(subject: str, text: str) -> bool:
    other = _OTHER_KEYS.get(subject)
    return _KEY.fullmatch(text) is not None or (other is not None and other.fullmatch(text) is not None)


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> str | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


@object_type
class PageInfo:
    """Position of a page in its list."""

    has_next_page: bool = strawberry.field(description="Whether there are items after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are items before this page.")

    @field
    def start_cursor(self: Any) -> str | None:
        """Cursor of the first item; null on an empty page."""
        return None if self["start_cursor"] is None else encode_cursor(self["start_cursor"])

    @field
    def end_cursor(self: Any) -> str | None:
        """Cursor of the last item; give it as `after` to get the next page. Null on an empty page."""
        return None if self["end_cursor"] is None else encode_cursor(self["end_cursor"])


@object_type
class Edge(Generic[NodeT]):
    """An item of a list with its cursor."""

    node: NodeT = strawberry.field(description="The item.")

    @field
    def cursor(self: Any) -> str:
        """
        Position of the item, for use as `after` or `before`. It stays valid when items are added or removed; in lists
        that are computed over the network, until the graph's revision or the hour changes.
        """
        return encode_cursor(self["cursor"])


@object_type
class Connection(Generic[NodeT]):
    """A page of a list."""

    edges: list[Edge[NodeT]] = strawberry.field(description="The items with their cursors.")
    page_info: PageInfo = strawberry.field(description="Position of the page in the list.")
    total_count: int | None = strawberry.field(
        description="Number of items in the whole list, counted only when selected; null where more than "
        "1,000 match a text, or where more than 200,000 would have to be looked at for the filter."
    )

    @field
    def nodes(self: Any) -> list[NodeT]:
        """The items without their cursors."""
        return [edge["node"] for edge in self["edges"]]


First = Annotated[int, strawberry.argument(description=f"Number of items to return, 1 to {MAX_PAGE_SIZE}.")]
After = Annotated[str | None, strawberry.argument(description="Return items after this cursor.")]

PAGE_ARGUMENTS: Final[Mapping[str, Any]] = {
    "first": Annotated[
        int | None,
        strawberry.argument(
            description=f"Number of items to return, counted from the start, 1 to {MAX_PAGE_SIZE}; "
            f"{DEFAULT_PAGE_SIZE} if `last` is omitted too."
        ),
    ],
    "after": After,
    "last": Annotated[
        int | None,
        strawberry.argument(description=f"Number of items to return, counted from the end, 1 to {MAX_PAGE_SIZE}."),
    ],
    "before": Annotated[str | None, strawberry.argument(description="Return items before this cursor.")],
}
"""The arguments of a page that may be counted from either end, by name."""


@interface_type
class Node:
    """An object with a global id."""

    @field(metadata={"reads": ("id",)})
    def id(self: Any) -> strawberry.ID:
        """The global id, unique among all nodes; `node(id:)` takes it."""
        return strawberry.ID(global_id(self["__typename"], self["id"]))

    @field(metadata={"reads": ("id",)})
    def key(self: Any) -> str:
        """The id as stored in Neo4j, unique among nodes of its kind; arguments that name a kind of node take it too."""
        return self["id"]

    @field(metadata={"reads": NAMING_PROPERTIES})
    def display_name(self: Any) -> str:
        """A line to show it by: its title, name, label, description, symbol, note or finding, else its key."""
        named = (self.get(name) for name in NAMING_PROPERTIES)
        return next(value for value in named if value is not None)

    created_at: Moment | None = strawberry.field(
        description="When it was added to this graph; null if an earlier version added it and did not note when."
    )
    updated_at: Moment | None = strawberry.field(
        description="When it last changed: its own properties, its outcome, or the evidence on it; null as `createdAt`."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a node of this subject."""
        return bool(obj["__typename"] == cls.__name__)
