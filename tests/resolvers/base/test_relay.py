"""Global ids, cursors and pages, as clients send them and get them back."""

import base64
import string
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig

from graph.errors import InvalidError
from graph.model.subjects import SUBJECTS
from graph.reading.tree import connection
from resolvers.base.relay import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    Connection,
    decode_cursor,
    encode_cursor,
    global_id,
    page_size,
    parse_global_id,
    parse_id,
    parse_key,
    parse_some_key,
)

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
# All that ID_PATTERN allows, which takes hypothesis a second to read.
KEYS = st.builds(
    str.__add__,
    st.sampled_from(LETTERS_AND_DIGITS),
    st.text(st.sampled_from(LETTERS_AND_DIGITS + "_.:@#/+-"), max_size=199),
)
TEXTS = st.text(st.sampled_from("aZ0:=/ \n\0\x7fßé—√漢😀"))


def encoded(text: str) -> str:
    """A text as RFC 4648 writes it for addresses, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(st.sampled_from(list(SUBJECTS)), KEYS)
def test_an_id_gives_its_subject_and_key_back(subject: str, key: str) -> None:
    """A key may hold colons too; only the first separates."""
    text = global_id(subject, key)

    assert parse_global_id(text) == (subject, key)
    assert parse_id(text, "Prediction", subject) == (subject, key)
    assert parse_key(text, subject) == parse_some_key(text, subject, path="x") == key


@given(st.sampled_from(list(SUBJECTS)), KEYS)
def test_an_id_stands_in_an_address_as_it_is(subject: str, key: str) -> None:
    """Neither + nor / nor padding, which a query string would need escaped."""
    assert set(global_id(subject, key)).isdisjoint("+/=")


@given(KEYS)
def test_a_bare_key_is_of_the_first_subject(key: str) -> None:
    """One that begins with P_ is never taken for an id, whose first character would decode to a question mark."""
    assert parse_id(f"P_{key[:190]}", "Ticker", "Prediction") == ("Ticker", f"P_{key[:190]}")


@pytest.mark.parametrize("symbol", ["^GSPC", "ES=F", "EURUSD=X", "M&M.NS", "BF/B", "BHP:XASX", "^GSPC:XNYS", "nvda"])
def test_a_symbol_is_a_key_of_tickers_alone(symbol: str) -> None:
    """In a global id and by itself, whatever markets write in it."""
    assert parse_id(global_id("Ticker", symbol), "Claim", "Ticker") == ("Ticker", symbol)
    assert parse_id(symbol, "Ticker") == ("Ticker", symbol)
    if symbol not in {"BF/B", "BHP:XASX", "nvda"}:
        with pytest.raises(InvalidError, match="expected a global id or a key of letters"):
            parse_id(symbol, "Claim")


def test_a_milestone_has_a_longer_key_than_its_prediction() -> None:
    """As the check-ins that an import adds to a prediction with the longest key."""
    key = "x" * 200 + ":check-in-1"

    assert parse_id(key, "Milestone") == ("Milestone", key)
    assert parse_id(global_id("Milestone", key), "Milestone") == ("Milestone", key)


def test_no_key_is_no_error() -> None:
    """An optional argument may be left out."""
    assert parse_some_key(None, "Predictor", path="predictor") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P_00",  # a bare key names no subject
        encoded("Prediction"),
        encoded("Prediction:"),
        encoded("Person:P_00"),
        encoded("Prediction:a b"),
        encoded("prediction:P_00"),
        "UHJlZGljdGlvbjpQXz\n",
        "_____w",  # bytes that are no UTF-8
        "é",
    ],
)
def test_another_text_is_no_global_id(text: str) -> None:
    """The refusal names the argument."""
    with pytest.raises(InvalidError, match="expected a global id") as caught:
        parse_global_id(text, path="ids[3]")

    assert caught.value.path == "ids[3]"


@pytest.mark.parametrize("text", ["", "a b", "-x", "ü", "x" * 201, encoded("Person:a b") + "="])
def test_what_is_neither_id_nor_key_is_refused(text: str) -> None:
    """With the start of what came; the rest of a long text helps nobody."""
    with pytest.raises(InvalidError, match="expected a global id or a key") as caught:
        parse_id(text, "Predictor", path="predictor")

    assert caught.value.path == "predictor"
    assert str(caught.value).endswith(f"got {text[:80]!r}")


@given(st.permutations(list(SUBJECTS)), KEYS)
def test_an_id_of_another_subject_is_refused(subjects: list[str], key: str) -> None:
    """By the names of those that the argument takes, and of the one that came."""
    foreign, first, second, *_ = subjects

    with pytest.raises(InvalidError, match=f"of a {first} or {second}, got one of a {foreign}$") as caught:
        parse_key(global_id(foreign, key), first, second, path="claim")

    assert caught.value.path == "claim"


@given(TEXTS, TEXTS)
def test_a_cursor_gives_its_position_back(order: str, key: str) -> None:
    """Whatever page key it holds."""
    position = f"{order}:{key}"

    assert decode_cursor(encode_cursor(position), path="after") == position


@pytest.mark.parametrize("text", ["", "5", encoded("incoming"), "_____w", "a" * 5, "a b="])
def test_another_text_is_no_cursor(text: str) -> None:
    """Such as an offset, or a cursor of another service."""
    with pytest.raises(InvalidError, match="expected a cursor that this API returned") as caught:
        decode_cursor(text, path="before")

    assert caught.value.path == "before"


@pytest.mark.parametrize(("first", "size"), [(None, DEFAULT_PAGE_SIZE), (1, 1), (MAX_PAGE_SIZE, MAX_PAGE_SIZE)])
def test_a_page_has_the_size_asked_for(first: int | None, size: int) -> None:
    """Null is no number, and so gives the default."""
    assert page_size(first) == size


@pytest.mark.parametrize("first", [-1, 0, MAX_PAGE_SIZE + 1])
def test_a_page_of_another_size_is_refused(first: int) -> None:
    """Rather than cut, which a client would take for the end of the list."""
    with pytest.raises(InvalidError, match=f"from 1 to {MAX_PAGE_SIZE}, got {first}$") as caught:
        page_size(first, path="last")

    assert caught.value.path == "last"


def shown_page(rows: list[str]) -> Any:
    """A page of two words at most, as a client sees it."""
    page = connection([(f"words:{word}", word) for word in rows], 2, has_previous=False)  # type: ignore[misc] # words for nodes

    @strawberry.type
    class Query:
        @strawberry.field
        def words(self) -> Connection[str]:
            """Words."""
            return {**page, "total_count": None}  # type: ignore[return-value] # the response's shape

    config = StrawberryConfig(default_resolver=lambda source, name: source[name])
    document = "{ words { nodes edges { cursor node } pageInfo { hasNextPage startCursor endCursor } totalCount } }"
    found = strawberry.Schema(Query, config=config).execute_sync(document)
    assert found.errors is None
    return SimpleNamespace(**found.data["words"])  # type: ignore[index] # without errors there are data


def test_a_page_is_shown_with_the_cursors_of_its_items() -> None:
    """`nodes` are the nodes of `edges`; the page's ends are those of its first and last item."""
    page = shown_page(["ape", "bee", "cat"])

    assert page.nodes == [edge["node"] for edge in page.edges] == ["ape", "bee"]
    cursors = [edge["cursor"] for edge in page.edges]
    assert [decode_cursor(cursor, path="after") for cursor in cursors] == ["words:ape", "words:bee"]
    assert page.pageInfo == {"hasNextPage": True, "startCursor": cursors[0], "endCursor": cursors[-1]}


def test_an_empty_page_has_no_cursors() -> None:
    """There is nothing to go on from."""
    page = shown_page([])

    assert page.pageInfo == {"hasNextPage": False, "startCursor": None, "endCursor": None}
    assert page.nodes == page.edges == []
