"""Relay's global ids, cursors and connections."""

import base64
import binascii
import re
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from graph.errors import InvalidError
from graph.model.subjects import SUBJECTS
from graph.model.values import ID_PATTERN
from resolvers.base.described import field, interface_type, object_type

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

NodeT = TypeVar("NodeT")

_KEY = re.compile(ID_PATTERN)


def global_id(subject: str, key: str) -> str:
    """The id of a node that is unique over all subjects."""
    return _encode(f"{subject}:{key}")


def parse_global_id(text: str, *, path: str = "id") -> tuple[str, str]:
    """
    The subject and the key that a global id stands for.

    Raises:
        InvalidError: It is none of ours.
    """
    found = _find_global_id(text)
    if found is None:
        message = f"expected a global id, such as the `id` of any node that this API returns, got {text[:80]!r}"
        raise InvalidError(message, path=path)
    return found


def parse_key(text: str, *subjects: str, path: str = "id") -> str:
    """The key alone; otherwise as `parse_id`."""
    return parse_id(text, *subjects, path=path)[1]


def parse_some_key(text: str | None, *subjects: str, path: str) -> str | None:
    """The key of what may be absent; otherwise as `parse_id`."""
    return None if text is None else parse_key(text, *subjects, path=path)


def parse_id(text: str, *subjects: str, path: str = "id") -> tuple[str, str]:
    """
    The subject and the key that an id of some subjects stands for, given as a global id or as the bare key.

    Args:
        text: What the client sent.
        *subjects: What it may stand for; a bare key stands for the first.
        path: The argument's name, for the error.
    Raises:
        InvalidError: It is neither, or a global id of another subject.
    """
    found = _find_global_id(text)
    if found is None:
        if not _KEY.fullmatch(text):
            message = f"expected a global id or a key of letters, digits and _.:@#/+-, got {text[:80]!r}"
            raise InvalidError(message, path=path)
        return subjects[0], text
    if found[0] not in subjects:
        message = f"expected the id of a {' or '.join(subjects)}, got one of a {found[0]}"
        raise InvalidError(message, path=path)
    return found


def encode_cursor(text: str) -> str:
    """A cursor as a client sees it: opaque."""
    return _encode(text)


def decode_cursor(text: str, *, path: str) -> str:
    """
    What a client's cursor says.

    Raises:
        InvalidError: It is none of ours.
    """
    decoded = _decode(text)
    if decoded is None or ":" not in decoded:
        message = f"expected a cursor that this API returned, got {text[:80]!r}"
        raise InvalidError(message, path=path)
    return decoded


def page_size(first: int | None, *, path: str = "first") -> int:
    """
    The size of a page.

    Raises:
        InvalidError: It is negative, zero or above the most that a page may have.
    """
    size = DEFAULT_PAGE_SIZE if first is None else first
    if not 1 <= size <= MAX_PAGE_SIZE:
        message = f"expected a page size from 1 to {MAX_PAGE_SIZE}, got {size}"
        raise InvalidError(message, path=path)
    return size


def _find_global_id(text: str) -> tuple[str, str] | None:
    subject, _, key = (_decode(text) or "").partition(":")
    return (subject, key) if subject in SUBJECTS and _KEY.fullmatch(key) else None


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> str | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


@object_type
class PageInfo:
    """The position of a page in its connection."""

    has_next_page: bool = strawberry.field(description="Whether there are rows behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are rows before this page.")

    @field
    def start_cursor(self: Any) -> str | None:
        """The cursor of the first row, null on an empty page."""
        return None if self["start_cursor"] is None else encode_cursor(self["start_cursor"])

    @field
    def end_cursor(self: Any) -> str | None:
        """The cursor of the last row, to be given as `after` for the next page."""
        return None if self["end_cursor"] is None else encode_cursor(self["end_cursor"])


@object_type
class Edge(Generic[NodeT]):
    """A row of a connection and its place."""

    node: NodeT = strawberry.field(description="What stands here.")

    @field
    def cursor(self: Any) -> str:
        """This row's place, to be given as `after` or `before`; it stays valid when rows change."""
        return encode_cursor(self["cursor"])


@object_type
class Connection(Generic[NodeT]):
    """A page of a list, and where it stands."""

    edges: list[Edge[NodeT]] = strawberry.field(description="The rows with their places.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int | None = strawberry.field(
        description="How many rows there are in all. Counted only when asked for; null where counting makes no sense."
    )

    @field
    def nodes(self: Any) -> list[NodeT]:
        """The rows without their places."""
        return [edge["node"] for edge in self["edges"]]


First = Annotated[int, strawberry.argument(description=f"The size of the page, 1 to {MAX_PAGE_SIZE}.")]
After = Annotated[str | None, strawberry.argument(description="A cursor: the page begins behind it.")]


@interface_type
class Node:
    """Anything with an identity of its own."""

    @field(metadata={"reads": ("id",)})
    def id(self: Any) -> strawberry.ID:
        """The global id, unique over all subjects; `node(id:)` finds it again."""
        return strawberry.ID(global_id(self["__typename"], self["id"]))

    @field(metadata={"reads": ("id",)})
    def key(self: Any) -> str:
        """The id in the graph, as analysts see it in Cypher; arguments that name a subject take it too."""
        return self["id"]

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a node of this subject."""
        return bool(obj["__typename"] == cls.__name__)
