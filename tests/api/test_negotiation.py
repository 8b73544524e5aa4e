"""The media type of a response, by the header Accept."""

import pytest

from api.negotiation import GRAPHQL_JSON, HTML, JSON, choose_media_type, wants_page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (GRAPHQL_JSON.upper(), GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};charset=utf-8", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; q=0.5, {JSON}", JSON),
        (f"{GRAPHQL_JSON};q=0.9, {JSON};q=0.5", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};Q=0.9 , {JSON};q=0.5", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, {JSON};q=0.1", JSON),
        (f"{GRAPHQL_JSON};q=0, */*", JSON),
        (f"application/*, {JSON};q=0", GRAPHQL_JSON),
        (f"{JSON};q=0, */*;q=0.1", GRAPHQL_JSON),
        ("text/plain", JSON),
        (f"x{GRAPHQL_JSON}x", JSON),
        (BROWSER, JSON),
        ("," * 5_000 + GRAPHQL_JSON, JSON),
        (f"{GRAPHQL_JSON};q=much", GRAPHQL_JSON),
    ],
)
def test_the_media_type_is_the_one_that_weighs_most(accept: str, expected: str) -> None:
    """By the most specific range of each; of two that weigh the same, the draft's own if it is named."""
    assert choose_media_type(accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (BROWSER, True),
        (BROWSER.upper(), True),
        (f"{HTML};q=0.5, {JSON}", False),
        (f"{HTML};q=0", False),
        ("*/*", False),
        ("text/*", False),
        ("", False),
    ],
)
def test_a_page_is_for_those_who_name_it(accept: str, expected: bool) -> None:
    """Other clients expect JSON, and many say that anything is fine."""
    assert wants_page(accept) == expected
