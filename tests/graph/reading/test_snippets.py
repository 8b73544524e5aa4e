"""Parts of texts in which words that were found are marked."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import InvalidError
from graph.reading.matching import Words
from graph.reading.snippets import MOST_CHARACTERS, snippet


def marked(query: str, *texts: str) -> str | None:
    return snippet(texts, Words.of(query).is_match)


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("law", "Moore's law", "Moore&#x27;s <mark>law</mark>"),
        ("sao", "In São Paulo", "In <mark>São</mark> Paulo"),
        ("Moores", "Moore\u2019s law", "<mark>Moore\u2019s</mark> law"),
        ("東京", "東京都の物価", "<mark>東京</mark>都の物価"),
        ("fus", "Fusion <b>", "<mark>Fusion</mark> &lt;b&gt;"),
        ("fusoin", "Fusion", "Fusion"),
        ("other", "Nothing of it", "Nothing of it"),
    ],
)
def test_words_are_marked_as_they_were_found(query: str, text: str, expected: str) -> None:
    """However they are written; what else the text holds is no HTML."""
    assert marked(query, text) == expected


def test_misspelt_words_are_marked_where_they_were_found_so() -> None:
    """Where words are found as they are, others like them are none."""
    assert snippet(["Fusion"], Words.of("fusoin").is_near_match) == "<mark>Fusion</mark>"
    assert snippet(["Of laws"], Words.of("law s").is_near_match) == "Of laws"


def test_the_first_text_with_a_match_is_shown() -> None:
    """A title without any comes only where no text has one."""
    assert marked("law", "A title", "The law") == "The <mark>law</mark>"
    assert marked("law", "A title", "A text") == "A title"
    assert snippet([], lambda _: True) is None


def test_a_long_text_is_cut_around_its_first_match() -> None:
    """At blanks, and said so."""
    text = f"{'before ' * 40}needle {'after ' * 80}"

    found = marked("needle", text) or ""

    assert re.fullmatch(r"…(?:before )+<mark>needle</mark>(?: after)+…", found)
    assert len(unescape(re.sub(r"</?mark>", "", found))) <= MOST_CHARACTERS + 2


@given(st.text(max_size=300), st.text(min_size=1, max_size=10))
def test_a_snippet_is_a_part_of_the_text(text: str, query: str) -> None:
    """Nothing is added, lost or doubled by marks."""
    try:
        words = Words.of(query)
    except InvalidError:
        return
    found = snippet([text], words.is_match) or ""

    plain = unescape(re.sub(r"</?mark>", "", found))
    assert (
        plain.removeprefix("…" if not text.startswith("…") else "").removesuffix("…" if not text.endswith("…") else "")
        in text
    )
