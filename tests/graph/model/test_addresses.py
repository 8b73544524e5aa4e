"""Addresses: equivalent spellings are one, all others stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.model.addresses import check_address, normal_spelling

# Each line's spellings name one source; no two lines do. The first is the normal one.
SOURCES = [
    # RFC 3986, 6.2.2 (the example of that section) and 6.2.3
    ["http://a/b/c/%7Bfoo%7D", "hTTP://a/./b/../b/%63/%7bfoo%7d"],
    [
        "http://example.com/",
        "http://example.com",
        "http://example.com:80/",
        "http://example.com:/",
        "HTTP://EXAMPLE.com",
    ],
    ["https://example.com/", "https://example.com:443", "https://example.com#top", "https://example.com/#"],
    ["http://example.com:443/", "http://example.com:443"],
    ["https://example.org/a", "https://EXAMPLE.org/a", "https://example.org/a#part", "https://example.org/b/../a"],
    ["https://example.org/A"],
    ["https://example.org/a/", "https://example.org/a/.", "https://example.org/a/b/.."],
    ["https://example.org/a?x=1", "https://example.org:443/a?x=1#y?z"],
    ["https://example.org/a?x=2"],
    ["https://example.org/~ada/b-c", "https://example.org/%7Eada/b%2dc", "https://example.org/%7eada/b%2Dc"],
    ["https://example.org/a%2Fb", "https://example.org/a%2fb"],  # an encoded slash is no slash
    ["https://example.org/a/b"],
    ["https://example.org/caf%C3%A9", "https://example.org/café", "https://example.org/caf%c3%a9"],
    ["https://xn--bcher-kva.example/", "https://bücher.example", "https://BÜCHER.example/"],
    ["https://ada@example.org/", "https://ada@EXAMPLE.org"],
    ["https://Ada@example.org/"],
    ["https://[2001:db8::1]/", "https://[2001:DB8::1]:443"],
    ["https://[2001:db8::1]:8443/"],
]


@pytest.mark.parametrize("spellings", SOURCES)
def test_equivalent_spellings_are_one(spellings: list[str]) -> None:
    """By syntax and by scheme, as RFC 3986 has it."""
    assert {normal_spelling(check_address(spelling)) for spelling in spellings} == {spellings[0]}


def test_different_sources_stay_apart() -> None:
    """Case, slashes and what a query says make a difference."""
    assert len({normal_spelling(spellings[0]) for spellings in SOURCES}) == len(SOURCES)


@given(st.text(st.sampled_from("aZ0é%2f7E./?#&=:@!~ "), max_size=30), st.sampled_from(["http://h", "HTTPS://Ü.x:443"]))
def test_the_normal_spelling_is_its_own(path: str, origin: str) -> None:
    """Once is enough, and nothing that is stored makes it fail."""
    once = normal_spelling(f"{origin}/{path}")

    assert normal_spelling(once) == once


@pytest.mark.parametrize("text", ["", "doc", "ftp://x/", "http://[::1", "https://", "http://x:99999/"])
def test_what_is_no_address_stays_as_it_is(text: str) -> None:
    """An older graph may hold anything."""
    assert normal_spelling(text) == text
