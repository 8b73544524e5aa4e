"""Pages of lists that are held as a whole, by one key and by several."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import InvalidError
from resolvers.base.enums import SortOrder
from resolvers.base.keyed import KeyedPage, check_range, conditions_in, read_orders
from resolvers.base.relay import encode_cursor


class Key(StrEnum):
    """Keys of an order; no two items share a name."""

    NAME = "NAME"
    SHELF = "SHELF"
    YEAR = "YEAR"


@dataclass(frozen=True)
class Sort:
    """A key of an order, as an input gives it."""

    by: Key
    order: SortOrder = SortOrder.ASCENDING


NO_PAGE = {"first": None, "after": None, "last": None, "before": None}
UP, DOWN = SortOrder.ASCENDING, SortOrder.DESCENDING
SHELVES = st.sampled_from(["", "a", "ab", "b"])
BOOKS = st.dictionaries(st.text("ab!~", min_size=1, max_size=3), st.tuples(SHELVES, SHELVES), max_size=9)
ORDERS = st.tuples(
    st.permutations([Key.SHELF, Key.YEAR]), st.lists(st.sampled_from([UP, DOWN]), min_size=3, max_size=3)
)


def texts_of(name: str, book: tuple[str, str]) -> dict[StrEnum, str]:
    """An item's text by each key."""
    return {Key.NAME: name, Key.SHELF: book[0], Key.YEAR: book[1]}


@given(books=BOOKS, chosen=ORDERS, size=st.integers(1, 4), is_from_end=st.booleans())
def test_pages_in_turn_are_what_sorting_gives(
    books: dict[str, tuple[str, str]], chosen: tuple[list[Key], list[SortOrder]], size: int, is_from_end: bool
) -> None:
    """From either end, whatever the directions: Python's stable sort by each key, the last one first, is the order."""
    orders = list(zip([*chosen[0], Key.NAME], chosen[1], strict=True))
    expected = list(books)
    for key, direction in reversed(orders):
        expected.sort(key=lambda name: texts_of(name, books[name])[key], reverse=direction is DOWN)
    size_name, way, cursor, more = (
        ("last", "before", "start_cursor", "has_previous_page")
        if is_from_end
        else ("first", "after", "end_cursor", "has_next_page")
    )

    seen: list[str] = []
    place = None
    while True:
        page = KeyedPage.read("books", orders, {**NO_PAGE, size_name: size, way: place})
        rows = [(page.key_of(texts_of(name, book)), {"name": name}) for name, book in books.items()]
        shown = page.connection(page.cut(rows), len(rows))
        names = [edge["node"]["name"] for edge in shown["edges"]]
        seen = names + seen if is_from_end else seen + names
        if not shown["page_info"][more]:
            break
        place = encode_cursor(shown["page_info"][cursor])

    assert seen == expected


@pytest.mark.parametrize(
    ("sort", "message", "path"),
    [
        ([], "expected at least one key, got 0", "sort"),
        ([Sort(Key.NAME), Sort(Key.YEAR), Sort(Key.NAME, DOWN)], "got NAME again", "sort[2].by"),
    ],
)
def test_an_order_has_each_key_once(sort: list[Sort], message: str, path: str) -> None:
    """A second time it would decide nothing, so that something else was meant."""
    with pytest.raises(InvalidError, match=message) as refused:
        read_orders(sort)

    assert refused.value.path == path


def test_an_order_by_one_key_refuses_more() -> None:
    """As a statement reads lists by one key."""
    with pytest.raises(InvalidError, match="expected one key, got 2"):
        read_orders([Sort(Key.NAME), Sort(Key.YEAR)], most=1)


@pytest.mark.parametrize("cursor", ["books by SHELF, NAME:only", "books by SHELF, NAME:"])
def test_a_cursor_has_a_text_for_each_key(cursor: str) -> None:
    """One with fewer was made up."""
    asked: dict[str, Any] = {**NO_PAGE, "after": encode_cursor(cursor)}

    with pytest.raises(InvalidError, match="expected a cursor that this API returned"):
        KeyedPage.read("books", [(Key.SHELF, UP), (Key.NAME, UP)], asked)


@dataclass(frozen=True)
class Bounds:
    """Conditions with a range, as a filter's input has them."""

    year_from: int | None = None
    year_to: int | None = None
    shelf: str | None = None


def test_conditions_are_those_that_are_given() -> None:
    """A range of one value is none that ends before it begins."""
    assert conditions_in(Bounds(year_from=3, year_to=3)) == {"year_from": 3, "year_to": 3}
    assert conditions_in(Bounds(shelf="a")) == {"shelf": "a"}
    assert conditions_in(None) == {}


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    """It would find nothing in silence."""
    with pytest.raises(InvalidError, match="expected a value not above yearTo, which is 3, got 4") as refused:
        conditions_in(Bounds(year_from=4, year_to=3))

    assert refused.value.path == "filter.year_from"


def test_a_moment_is_told_as_the_api_shows_it() -> None:
    """So that it can be compared with what was sent."""
    later = datetime(2026, 3, 1, tzinfo=UTC)

    with pytest.raises(InvalidError, match="which is 2026-02-01T00:00:00Z, got 2026-03-01T00:00:00Z"):
        check_range("due_from", {"due_from": later, "due_to": datetime(2026, 2, 1, tzinfo=UTC)}, "filter")
