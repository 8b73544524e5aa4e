"""Values of an answer: how the database's become the response's, and what is not expected among them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from graph.reading.composing import MAX_PAGE_ROWS
from graph.reading.layouts import FollowLayout
from resolvers.base.scalars import show_moment

_MOST_KEPT: Final = 10_000
_PLAIN_MOMENT_CHARACTERS: Final = 20
_DAY_CHARACTERS: Final = 10


class UnexpectedError(Exception):
    """A value that the generated code has no answer for; the executor decides what to answer."""


def unexpected() -> Any:
    """Raise `UnexpectedError`, in an expression."""
    raise UnexpectedError


def moment(text: str | None) -> datetime | date | None:
    """A moment or a day, from the database's text."""
    if text is None:
        return None
    if len(text) == _DAY_CHARACTERS:
        return date.fromisoformat(text)
    return _parsed(text).astimezone(UTC)


def _parsed(text: str) -> datetime:
    """Parse a moment, whose offset the name of a zone may follow in brackets."""
    found = datetime.fromisoformat(text.partition("[")[0])
    if found.tzinfo is None:
        raise UnexpectedError
    return found


def whole(rows: list[Any], first: int) -> list[Any]:
    """The first rows of a list, if the statement has read all of them that there are."""
    if first > MAX_PAGE_ROWS and len(rows) > MAX_PAGE_ROWS:
        raise UnexpectedError
    return rows[:first]


class ShownMoments(dict[str, str]):
    """Moments as answers show them, by the database's text; kept, as the same ones come again and again."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _MOST_KEPT:
            self.clear()
        is_shown_so = len(text) == _PLAIN_MOMENT_CHARACTERS and text.endswith("Z")
        shown = self[text] = text if is_shown_so else show_moment(_parsed(text))
        return shown


class ShownEnums(dict[Any, Any]):
    """Members of an enum as answers show them, by their values."""

    def __init__(self, show: Callable[[Any], Any]) -> None:
        super().__init__({None: None})
        self._show = show

    def __missing__(self, value: Any) -> Any:
        shown = self._show(value)
        if isinstance(value, str):
            self[value] = shown
        return shown


def walk(
    rows: list[Any], first: int, source_id: str, num_steps: int, page: FollowLayout
) -> tuple[list[tuple[int, int, str, Any]], bool, bool]:
    """
    Go through the nested rows of a walk breadth first: each claim once, `first` at most.

    Returns:
        Depth, sum of lags, id of the claim before and row of each claim reached; whether there are no rows at all;
        whether any claim was left out.
    """
    properties_at, lag_at, below_at = page.node.properties_at, page.link["lag_days"], page.below_at
    link_at = page.link_at
    seen, reached, is_truncated = {source_id}, list[tuple[int, int, str, Any]](), False
    pending = [(rows, source_id, 1, 0)]
    for level, via_id, step, lag_days in pending:  # which grows meanwhile
        is_truncated |= len(level) > first
        for row in level[:first]:
            claim_id = row[properties_at][0]
            if claim_id in seen:
                continue
            seen.add(claim_id)
            if len(reached) >= first:
                is_truncated = True
                break
            days = lag_days + (row[link_at][lag_at] or 0)
            reached.append((step, days, via_id, row))
            if step < num_steps:
                pending.append((row[below_at], claim_id, step + 1, days))
    return reached, not rows, is_truncated
