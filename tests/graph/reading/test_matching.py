"""What a user types, as queries of the full-text index."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import InvalidError
from graph.model.search_texts import words_of
from graph.model.subjects import SUBJECTS
from graph.reading.matching import MAX_PIECES, MAX_QUERY_CHARACTERS, Way, Words, is_near

OPERATORS = '+-&|!(){}[]^"~*?:\\/<>= \t\n'
CLAUSE = re.compile(r'(?:search_(?:title|text|group)):(?:"([^"]*)"|([^\s"~*^():]+))(?:~1|\*)?(?:\^[\d.]+)?')
texts = st.text(max_size=40) | st.text(OPERATORS + "abAND", max_size=40) | st.sampled_from(["AND", "a OR b", "NOT x"])


def words(text: str) -> Words:
    return Words.of(text)


@given(texts)
def test_a_text_becomes_clauses_of_words_or_is_refused(text: str) -> None:
    """What remains without the clauses is signs of ours, so no text is a wrong query or one of another meaning."""
    pieces = words_of([text])
    if pieces is None:
        with pytest.raises(InvalidError, match="at least one word"):
            words(text)
        return
    for query in [*words(text).queries(SUBJECTS).values(), words(text).query("Prediction")]:
        assert set(CLAUSE.sub("", query)) <= set("+-() ^.0123456789")
        for phrase, word in CLAUSE.findall(query):
            assert not set(OPERATORS.replace(" ", "")) & set(phrase or word)


@given(st.lists(st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), min_size=1, max_size=9), st.data())
def test_every_word_of_the_text_is_required(given_words: list[str], data: st.DataObject) -> None:
    """Whatever stands between them."""
    between = st.text(OPERATORS.replace("-", "").replace("+", "") + ";", min_size=1, max_size=3)
    text = "".join(word.upper() + data.draw(between) + " " for word in given_words)
    title_query = words(text).queries(SUBJECTS)[Way.TITLE]

    for word in given_words:
        assert f"+search_title:{word} " in title_query


def test_a_text_may_be_as_long_as_a_title_and_no_longer() -> None:
    """A title is found by itself; a longer text is refused by its length."""
    assert words("a" * MAX_QUERY_CHARACTERS).terms
    with pytest.raises(InvalidError, match=f"at most {MAX_QUERY_CHARACTERS:d} characters, got") as refused:
        words("a" * (MAX_QUERY_CHARACTERS + 1))

    assert refused.value.path == "text"


@pytest.mark.parametrize("text", ["", " ", "!?", "***", '""', "\x00", "→"])
def test_a_text_without_a_word_is_refused(text: str) -> None:
    """There is nothing to look for; the error names the argument and what came."""
    with pytest.raises(InvalidError, match="at least one word") as refused:
        words(text)

    assert refused.value.path == "text"
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["a b " * 500, "a'b " * 500, "東" * 2000, "abcd " * 400])
def test_the_clauses_of_a_query_are_bounded(text: str) -> None:
    """The index refuses queries of more than 1,024 clauses."""
    found = words(text)

    assert sum(len(term.pieces) for term in found.terms) == MAX_PIECES
    for query in (*found.queries(SUBJECTS).values(), *found.counting_queries(SUBJECTS), found.query("Prediction")):
        assert len(CLAUSE.findall(query)) + 49 * query.count("~1") < 1_024


@pytest.mark.parametrize(
    ("text", "whole", "others"),
    [
        ("quantum chi", "quantum chips", ["quantum", "chips quantu", "quant chip"]),
        ("Moore's law", "the end of moore s law moores", ["moore law", "s law"]),
        ("node.j", "node js nodejs", ["node", "js"]),
    ],
)
def test_needles_are_in_the_words_of_a_match_alone(text: str, whole: str, others: list[str]) -> None:
    """A list that is walked takes what the index would find."""

    def is_match(stored: str) -> bool:
        return all(any(part in f" {stored} " for part in needle) for needle in words(text).needles())

    assert is_match(whole)
    assert [stored for stored in others if is_match(stored)] == []


def edited(word: str) -> set[str]:
    """All words that one letter makes of a word."""
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    letters = string.ascii_lowercase[:4]
    return (
        {word}
        | {left + right[1:] for left, right in splits if right}
        | {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
        | {left + letter + right[1:] for left, right in splits if right for letter in letters}
        | {left + letter + right for left, right in splits for letter in letters}
    )


@given(st.text("abcd", min_size=1, max_size=6), st.text("abcd", min_size=1, max_size=6))
def test_near_words_are_those_that_one_letter_makes(one: str, other: str) -> None:
    """Against all words that can be made (Norvig's enumeration)."""
    assert is_near(one, other) == (other in edited(one))
    assert all(is_near(one, made) for made in edited(one))
