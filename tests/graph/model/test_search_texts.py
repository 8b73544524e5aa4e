"""Text as search sees it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.model.rows import Evidence, Influence, Milestone, Prediction, Ticker
from graph.model.search_texts import (
    GROUP,
    MAX_PIECE_CHARACTERS,
    NUM_LEVELS,
    TEXT,
    TITLE,
    exact_mark,
    fold,
    group_mark,
    raw_terms,
    search_keys,
    terms_of,
    words_of,
)

LETTERS = st.characters(categories=["Ll", "Lu", "Lo", "Nd"], max_codepoint=0x2FFF)
SYNTAX = set('+-&|!(){}[]^"~*?:\\/ \t\n<>=')


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Moore's law", [("moore", "s"), ("law",)]),
        ("Moore\u2019s law", [("moore", "s"), ("law",)]),
        ("GPT-3.5", [("gpt", "3", "5")]),
        ("U.S.", [("u", "s")]),
        ("at 1.5 °C, 10,000,000", [("at",), ("1", "5"), ("c",), ("10", "000", "000")]),
        ("São Paulo", [("sao",), ("paulo",)]),
        ("हिन्दी में", [("हिन्दी",), ("में",)]),
        ("東京都", [("東", "京", "都")]),
        ("한국어", [("한", "국", "어")]),
        ("ไทย", [("ไ", "ท", "ย")]),
        ("Fusion 🚀", [("fusion",), ("🚀",)]),
        ("Straße Łódź İstanbul", [("strasse",), ("lodz",), ("istanbul",)]),
        ("full \uff37\uff29\uff24\uff34\uff28 ﬁt", [("full",), ("width",), ("fit",)]),
        ("-- ,.; →", []),
    ],
)
def test_texts_are_cut_as_readers_would(text: str, terms: list[tuple[str, ...]]) -> None:
    """By hand, for scripts and signs of many kinds."""
    assert [term.pieces for term in terms_of(text)] == terms


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("U.S.", "us"),
        ("Node.js", "nodejs"),
        ("BRK.B", "brkb"),
        ("10,000,000", "10000000"),
        ("O'Reilly", "oreilly"),
        ("1.5", None),  # or 15 would find it
        ("2026-10-05", None),
        ("東京", None),
        ("word", None),
    ],
)
def test_a_term_of_several_pieces_is_a_word_too_where_people_write_it_so(text: str, joined: str | None) -> None:
    """What people leave out differs."""
    assert [term.joined for term in terms_of(text)] == [joined]


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    """A word of a query is folded once, and one that comes from the index is not folded again."""
    once = words_of([text])

    assert words_of([once or ""]) == once


@given(st.text(LETTERS))
def test_encodings_and_case_make_no_difference(text: str) -> None:
    """A file name of a Mac, a shout, and the plain text are the same words."""
    plain = words_of([text])

    assert words_of([unicodedata.normalize("NFD", text)]) == plain
    assert words_of([unicodedata.normalize("NFC", text)]) == plain


@given(st.text())
def test_no_piece_has_a_character_of_the_query_language(text: str) -> None:
    """So no text can act as a query."""
    pieces = [piece for term in terms_of(text) for piece in (*term.pieces, *([term.joined] if term.joined else []))]

    assert [piece for piece in pieces if SYNTAX & set(piece) or not piece or piece != piece.strip()] == []
    assert all(len(piece) <= MAX_PIECE_CHARACTERS for piece in pieces)


@given(st.lists(st.text(max_size=30), max_size=4))
def test_stored_words_are_the_pieces_of_the_terms(texts: list[str]) -> None:
    """Stored texts are cut in one go, queries term by term; the two must not differ."""
    found = [term for text in texts for term in terms_of(text)]
    expected = [piece for term in found for piece in term.pieces]
    expected += dict.fromkeys(term.joined for term in found if term.joined)

    assert (words_of(texts) or "").split(" ") == (expected or [""])


@given(st.text(max_size=60))
def test_terms_of_a_raw_text_lie_where_its_words_are(text: str) -> None:
    """Marks in a snippet are set by them."""
    for (start, end), pieces in raw_terms(text, 0, len(text)):
        assert start == pieces[0][0]
        assert pieces[-1][1] == end
        assert all(begin < stop for begin, stop in pieces)


def test_a_title_and_other_texts_are_kept_apart() -> None:
    """Search looks for titles first; a key is a text too."""
    row = Prediction(id="P_1", title="Fusion by 2035", text="Net energy", key_catalyst="A reactor")

    keys = search_keys(row)

    assert keys[TITLE] == "fusion by 2035"
    assert keys[TEXT] == "net energy a reactor p 1 p1"


def test_marks_tell_kind_names_and_groups() -> None:
    """Two names of one ticker; one group at each level, each within that of the level before."""
    marks = (search_keys(Ticker(symbol="BRK.B", name="Berkshire"))[GROUP] or "").split(" ")

    assert {"kindticker", exact_mark("brk b"), exact_mark("BERKSHIRE")} <= set(marks)
    numbers = [int(mark.partition("x")[2]) for mark in marks[-NUM_LEVELS:]]
    assert marks[-NUM_LEVELS:] == [group_mark(level, number) for level, number in enumerate(numbers, start=1)]
    for level, (outer, inner) in enumerate(zip([0, *numbers], numbers, strict=False), start=1):
        assert inner // 4 == outer
        assert inner < 4**level


def test_groups_are_alike_in_size() -> None:
    """A search takes the number of matches in one group for that in the others."""
    marks = [search_keys(Ticker(symbol=f"A{number}"))[GROUP] or "" for number in range(6_400)]
    sizes = [sum(group_mark(3, group) in mark.split(" ") for mark in marks) for group in range(64)]

    assert sum(sizes) == len(marks)
    assert max(abs(size - 100) for size in sizes) < 50  # five standard deviations


def test_rows_without_words_are_not_found() -> None:
    """Most ledger rows have no note, and a relationship is no node."""
    row = {"id": "E", "claim_id": "P", "policy": "x", "observed_at": "2026-01-01T00:00:00Z", "total_llr": 0.1}
    evidence = Evidence.model_validate({**row, "recorded_at": "2026-01-01T00:00:00Z"})
    milestone = {"id": "M", "prediction_id": "P", "kind": "EVENT", "label": "→", "expected_date": "2026-01-01"}
    influence = {"kind": "KILLS", "parent_id": "a", "child_id": "b"}

    assert set(search_keys(evidence).values()) == {None}
    assert set(search_keys(Milestone.model_validate(milestone)).values()) == {None}
    assert search_keys(Influence.model_validate(influence)) == {}
    assert (search_keys(evidence.model_copy(update={"note": "Heard it"}))[TEXT]) == "heard it"


@given(st.text())
def test_a_folded_text_has_no_capitals(text: str) -> None:
    """Words that differ in case alone are the same."""
    assert fold(text) == fold(text).lower()
