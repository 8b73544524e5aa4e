"""
Text as search sees it: folded, cut into pieces, and stored beside the texts it is made of.

One function cuts stored texts and queries alike, so nothing depends on how an analyzer of the database cuts: the index
splits at blanks only. Folding removes case, accents, and the difference between composed and decomposed characters. A
*piece* is a run of letters, digits and their marks; of scripts written without blanks, and of emoji, one character. A
*term* is the pieces between two blanks, such as `moore` and `s` of `Moore's`; if it has several, it is stored as one
word too (`moores`, `10000000`, `us` for `U.S.`).
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graph.model.rows import Row, Ticker
from graph.model.subjects import NODE_LISTS, NodeList

MAX_PIECE_CHARACTERS: Final = 64  # longer runs are no words; the database's index takes at most 255
MAX_JOINED_CHARACTERS: Final = 40
NUM_LEVELS: Final = 8
"""Levels of groups; a level has four times as many as the one before, 65,536 at the last."""

TITLE: Final = "search_title"
TEXT: Final = "search_text"
GROUP: Final = "search_group"
"""The properties that the full-text index covers: words of titles, words of other texts, and marks of our own."""

Keys = dict[str, str | None]

_DIACRITICS: Final = (range(0x300, 0x370), range(0x591, 0x5C8), range(0x64B, 0x660), (0x640, 0x670))
"""Latin, Greek, Cyrillic, Hebrew and Arabic marks that search ignores; marks of Indic scripts are vowels."""

_INVISIBLE: Final = (0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400))
"""Soft hyphens, joiners, variation selectors and skin tones."""

_LETTERS: Final = dict(
    zip(
        "\u0131\u0142\u00f8\u0111\u0127\u0167\u00e6\u0153\u00f0\u00fe",
        ("i", "l", "o", "d", "h", "t", "ae", "oe", "d", "th"),
        strict=True,
    )
)
"""Dotless i, l and o with stroke, and the like, which no decomposition takes apart."""

_FOLDS: Final[dict[int, str | None]] = {
    **dict.fromkeys((code for codes in (*_DIACRITICS, _INVISIBLE) for code in codes), None),
    **{ord(letter): plain for letter, plain in _LETTERS.items()},
}
_FIRST_MARK, _FIRST_SYMBOL, _LAST_SYMBOL = 0x300, 0x2190, 0x1FB00  # in between lie all marks and symbols of interest


def _ranges(codes: Iterable[int]) -> str:
    """Return ascending code points as ranges of a pattern's character class."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)


def _of_category(first: int, *categories: str) -> str:
    return _ranges(code for code in range(first, _LAST_SYMBOL) if unicodedata.category(chr(code)) in categories)


_MARK: Final = f"[{_of_category(_FIRST_MARK, 'Mn', 'Mc')}]"
_SYMBOL: Final = f"[{_of_category(_FIRST_SYMBOL, 'So')}]"
_ALONE: Final = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts without blanks between words, or with endings attached: Thai to Khmer, kana, Han, Hangul."""

_LETTER: Final = rf"(?!_|{_ALONE})\w"
_PIECE: Final = rf"(?:{_LETTER}(?:{_LETTER}|{_MARK})*+|(?=\w){_ALONE}{_MARK}*+|{_SYMBOL})"
_CONNECTOR: Final = "['\u2019\u2018\u02bc.,\u00b7\\-\u2010\u2011\u2013_/&:@#+]"


class _Cut(NamedTuple):
    """Patterns of pieces, of terms, and of terms with several pieces."""

    piece: re.Pattern[str]
    term: re.Pattern[str]
    compound: re.Pattern[str]

    @classmethod
    def of(cls, piece: str, connector: str) -> "_Cut":
        # Possessive: a run of letters is taken whole or not at all.
        parts = [piece, f"{piece}(?:{connector}{piece})*+", f"(?<!\\w){piece}(?:{connector}{piece})++"]
        return cls(*map(re.compile, parts))


_PLAIN: Final = _Cut.of("[a-z0-9]++", r"['.,\-_/&:@#+]")
_ANY: Final = _Cut.of(_PIECE, f"{_CONNECTOR}?")
_ALONE_PIECE: Final = re.compile(rf"{_ALONE}|(?!{_MARK})\W")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+")


@dataclass(frozen=True, slots=True)
class Term:
    """
    A term of a folded text.

    Attributes:
        pieces: Its pieces.
        joined: Its pieces as one word; None if it has one piece, or is no word, such as a decimal.
    """

    pieces: tuple[str, ...]
    joined: str | None


def fold(text: str) -> str:
    """Return a text without case, accents, and differences of encoding."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", decomposed.translate(_FOLDS)).lower()


def terms_of(text: str) -> Iterator[Term]:
    """Yield the terms of a text."""
    folded = fold(text)
    cut = _cut_of(folded)
    for term in cut.term.findall(folded):
        pieces = cut.piece.findall(term)
        yield Term(tuple(piece[:MAX_PIECE_CHARACTERS] for piece in pieces), _joined(term, pieces))


def words_of(texts: Iterable[str]) -> str | None:
    """Return the pieces of texts in order, and then their terms as one word each; None where there is none."""
    pieces: list[str] = []
    joined: dict[str, None] = {}
    for text in texts:
        folded = fold(text)
        cut = _cut_of(folded)
        pieces += cut.piece.findall(folded)
        for term in cut.compound.findall(folded):
            if (word := _joined(term, cut.piece.findall(term))) is not None:
                joined[word] = None
    return " ".join((*(piece[:MAX_PIECE_CHARACTERS] for piece in pieces), *joined)) or None


def raw_terms(text: str, start: int, end: int) -> Iterator[tuple[tuple[int, int], list[tuple[int, int]]]]:
    """Yield where terms lie in a part of a text that has not been folded, each with where its pieces lie."""
    for term in _ANY.term.finditer(text, start, end):
        yield term.span(), [piece.span() for piece in _ANY.piece.finditer(text, *term.span())]


def is_word(piece: str) -> bool:
    """Whether a piece is a word or a number, and not one character of a script without blanks, or an emoji."""
    return piece.isascii() or not _ALONE_PIECE.match(piece)


def _cut_of(folded: str) -> _Cut:
    return _PLAIN if folded.isascii() else _ANY


def _joined(term: str, pieces: Sequence[str]) -> str | None:
    """Return the pieces of a term as one word."""
    word = "".join(pieces)
    if len(pieces) == 1 or len(word) > MAX_JOINED_CHARACTERS or not all(map(is_word, pieces)):
        return None
    return word if not word.isdigit() or _THOUSANDS.fullmatch(term) else None


def search_keys(row: Row) -> Keys:
    """Return the properties by which search finds a row's node; empty for rows that it does not cover."""
    listed = _SEARCHED.get(type(row))
    if listed is None:
        return {}
    return search_keys_of(listed, {name: getattr(row, name) for name in searched_properties(listed)})


def searched_properties(listed: NodeList) -> tuple[str, ...]:
    """Return the names of the key, the titles and the texts of a label."""
    return tuple(dict.fromkeys((*listed.key, *listed.titles, *listed.texts)))


def search_keys_of(listed: NodeList, properties: Mapping[str, Any]) -> Keys:
    """
    Return the properties by which search finds a node; all None for one without any word.

    Args:
        listed: The declaration of its label.
        properties: Its key, titles and texts by name.
    """
    titles = [text for name in listed.titles if (text := properties[name]) is not None]
    texts = [text for name in listed.texts if (text := properties[name]) is not None]
    key = properties[listed.key[0]]
    if listed.owner is None:
        texts.append(key)
    title, text = words_of(titles), words_of(texts)
    if title is None and text is None:
        return dict.fromkeys((TITLE, TEXT, GROUP))
    # A symbol names a ticker without its exchange too.
    named = (key, *titles, *([key.partition(":")[0]] if listed.row is Ticker else ()))
    names = dict.fromkeys(mark for name in named if (mark := exact_mark(name)) is not None)
    return {TITLE: title, TEXT: text, GROUP: " ".join((kind_mark(listed.label), *names, *_group_marks(key)))}


def kind_mark(label: str) -> str:
    """Return the mark of all nodes of a label."""
    return f"kind{label.lower()}"


def exact_mark(name: str) -> str | None:
    """Return the mark of all nodes with a key or a title of these words; None for a name without any."""
    folded = fold(name)
    pieces = " ".join(_cut_of(folded).piece.findall(folded))
    return f"is{hashlib.sha256(pieces.encode()).hexdigest()[:16]}" if pieces else None


def group_mark(level: int, number: int) -> str:
    """Return the mark of one of the groups that the nodes of a graph fall into at a level."""
    return f"g{level}x{number}"


def _group_marks(key: str) -> Iterator[str]:
    """Yield the marks of the group at each level; the groups of a level lie within those of the level before."""
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest())
    for level in range(1, NUM_LEVELS + 1):
        yield group_mark(level, number >> (32 - 2 * level))


SEARCHED_LISTS: Final = tuple(listed for listed in NODE_LISTS if listed.titles or listed.texts)
"""The declarations of the labels that search covers."""

_SEARCHED: Final[Mapping[type[Row], NodeList]] = {listed.row: listed for listed in SEARCHED_LISTS}
