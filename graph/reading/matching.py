"""
A user's words as queries of the full-text index: one for each way to match, the best way first.

Only pieces, which hold letters, digits, marks and emoji, and names of our own enter a query, so no text is ever syntax.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from graph.errors import InvalidError
from graph.model.search_texts import GROUP, SEARCHED_LISTS, TEXT, TITLE, Term, exact_mark, is_word, kind_mark, terms_of
from graph.model.subjects import SUBJECTS
from graph.model.values import MAX_LINE_CHARACTERS

MAX_QUERY_CHARACTERS: Final = MAX_LINE_CHARACTERS  # any title can be searched for
MAX_PIECES: Final = 32
"""The most pieces of a query that are looked for, since each costs; a whole title is found whatever its length."""

MIN_PREFIX_CHARACTERS: Final = 2  # one letter would begin a tenth of all words
MIN_MISSPELT_CHARACTERS: Final = 4  # among shorter words, one letter makes another word
MAX_MISSPELT_PIECES: Final = 8
"""The most pieces that may be misspelt at once; each may stand for 50 words, and a query may have 1,024 clauses."""

MAX_MISSPELT_PARTS: Final = 3
"""The most parts of a long text of which each may be misspelt, the others being as they are."""

TITLE_WEIGHT: Final = 3
TICKER_WEIGHT: Final = 4
_MAIN_KINDS: Final = " ".join(f"{GROUP}:{kind_mark(listed.label)}" for listed in SEARCHED_LISTS if listed.owner is None)
"""Raises the score of nodes that belong to no other node, the more the rarer their kind is."""

_NUMBER: Final = re.compile(r"\d")


class Way(IntEnum):
    """
    Ways to match, the best first.

    Attributes:
        EXACT: Its title or its key has these words and no others; tickers come first.
        TITLE: Its title has all words.
        TEXT: Its title and its other texts have.
        INCOMPLETE: They have the last word as the beginning of one.
        MISSPELT: They have words that are misspelt by one letter.
    """

    EXACT = 0
    TITLE = 1
    TEXT = 2
    INCOMPLETE = 3
    MISSPELT = 4


@dataclass(frozen=True, slots=True)
class Words:
    """
    The words of a query.

    Attributes:
        terms: Its terms, at most as many as have MAX_PIECES pieces.
        mark: The mark of nodes whose title or key it is.
    """

    terms: tuple[Term, ...]
    mark: str

    @classmethod
    def of(cls, text: str) -> "Words":
        """
        Take the words of a text.

        Raises:
            InvalidError: The text has no word in it, or is too long.
        """
        if len(text) > MAX_QUERY_CHARACTERS:
            message = f"expected at most {MAX_QUERY_CHARACTERS} characters, got {len(text)}"
            raise InvalidError(message, path="text")
        mark = exact_mark(text)
        if mark is None:
            message = f"expected at least one word of letters or digits, got {text!r}"
            raise InvalidError(message, path="text")
        return cls(tuple(_first_pieces(terms_of(text))), mark)

    def queries(self, subjects: Sequence[str]) -> dict[int, str]:
        """
        Return a query for each way to match by the way's number, the best first; no node matches two of them.

        Numbers from that of `MISSPELT` on are of this way: of a long text it has a query for each part.
        """
        titles, texts, incomplete = self._in_titles(), self._in_texts(), self._incomplete()
        found = {Way.TITLE: f"{titles} -{GROUP}:{self.mark}", Way.TEXT: self._without(texts, titles)}
        if incomplete is not None:
            found[Way.INCOMPLETE] = self._without(incomplete, _any(_in_any_field(self.terms[-1])))
        misspelt = enumerate(self._not_well_spelt(), start=int(Way.MISSPELT))
        kinds = _of_kinds(subjects)
        exact = f"+{GROUP}:{self.mark} {GROUP}:{kind_mark('Ticker')}^{TICKER_WEIGHT}{kinds}"
        all_others = {**{int(way): query for way, query in found.items()}, **dict(misspelt)}
        return {int(Way.EXACT): exact} | {
            number: f"{query}{kinds} ({_MAIN_KINDS})" for number, query in all_others.items()
        }

    def counting_queries(self, subjects: Sequence[str]) -> list[str]:
        """Return as few queries as there can be for all nodes that match, of which no node matches two."""
        kinds = _of_kinds(subjects)
        well_spelt = f"+({GROUP}:{self.mark} ({self._in_texts(last_may_be_incomplete=True)}))"
        return [query + kinds for query in (well_spelt, *self._not_well_spelt())]

    def query(self, subjects: Sequence[str]) -> str:
        """Return one query for nodes of some subjects that have all words, the last of them perhaps incomplete."""
        return f"{self._in_texts(last_may_be_incomplete=True)}{_of_kinds(subjects)}"

    def needles(self) -> list[list[str]]:
        """
        Return for each term the texts of which a node's words contain one if it matches `query`.

        A node's words are those of its title and of its other texts, with a blank before and after each.
        """
        whole = [[f" {' '.join(term.pieces)} ", *([f" {term.joined} "] if term.joined else [])] for term in self.terms]
        last = self._beginning()
        if last is not None:
            whole[-1].append(f" {last}")
        return whole

    def is_match(self, piece: str) -> bool:
        """Whether a folded piece of a text is one of these words, the last of them perhaps incomplete."""
        beginning = self._beginning()
        return any(piece in term.pieces or piece == term.joined for term in self.terms) or (
            beginning is not None and piece.startswith(beginning)
        )

    def is_near_match(self, piece: str) -> bool:
        """Whether a folded piece of a text is one of these words, incomplete or misspelt as it may be."""
        return self.is_match(piece) or any(
            _can_be_misspelt(own) and is_near(piece, own)
            for term in self.terms
            for own in (*term.pieces, *([term.joined] if term.joined else ()))
        )

    def _in_titles(self) -> str:
        return " ".join(f"+{_any(_in_field(TITLE, term))}" for term in self.terms)

    def _in_texts(self, *, last_may_be_incomplete: bool = False) -> str:
        clauses = [_in_any_field(term) for term in self.terms]
        if last_may_be_incomplete:
            clauses[-1] = [*clauses[-1], *self._beginnings()]
        return " ".join(f"+{_any(clause)}" for clause in clauses)

    def _incomplete(self) -> str | None:
        """Return the query for nodes that have the last word as the beginning of one; None where it can't be one."""
        beginnings = self._beginnings()
        if not beginnings:
            return None
        clauses = [*map(_in_any_field, self.terms[:-1]), beginnings]
        return " ".join(f"+{_any(clause)}" for clause in clauses)

    def _beginnings(self) -> list[str]:
        """Return the clauses of which a node matches one if it has the last word as the beginning of one."""
        beginning = self._beginning()
        return [] if beginning is None else [f"{TITLE}:{beginning}*^{TITLE_WEIGHT}", f"{TEXT}:{beginning}*"]

    def _beginning(self) -> str | None:
        """Return the last word, which may be the beginning of one; None where it is too short or no word."""
        last = self.terms[-1]
        word = last.pieces[0] if len(last.pieces) == 1 else last.joined
        return word if word is not None and len(word) >= MIN_PREFIX_CHARACTERS and is_word(word) else None

    def _misspelt(self) -> list[str]:
        """
        Return queries of which each has some of the terms perhaps misspelt, and all others as they are.

        A node that matches two of them has all terms as they are. Of a short text there is one, with all terms.
        """
        parts = list(_misspelt_parts(self.terms))[:MAX_MISSPELT_PARTS]
        fields = (TITLE, TEXT) if len(parts) == 1 else (TITLE,)
        return [
            " ".join(
                f"+{_any(_near(fields, term) if number in part else _in_any_field(term))}"
                for number, term in enumerate(self.terms)
            )
            for part in parts
        ]

    def _not_well_spelt(self) -> list[str]:
        """Return the queries for nodes in which words are misspelt and that match in no better way."""
        better = self._in_texts(last_may_be_incomplete=True)
        return [self._without(query, better) for query in self._misspelt()]

    def _without(self, query: str, better: str) -> str:
        """Return a query for the nodes that match neither a better one nor by their names."""
        return f"{query} -({better}) -{GROUP}:{self.mark}"


def _misspelt_parts(terms: Sequence[Term]) -> Iterator[range]:
    """Cut terms into parts, each with as many pieces that can be misspelt as may be at once, and with one at least."""
    start = num_pieces = 0
    for number, term in enumerate(terms):
        more = sum(map(_can_be_misspelt, term.pieces))
        if num_pieces and num_pieces + more > MAX_MISSPELT_PIECES:
            yield range(start, number)
            start, num_pieces = number, 0
        num_pieces += more
    if num_pieces:
        yield range(start, len(terms))


def is_near(piece: str, word: str) -> bool:
    """Whether two words differ by one letter: another one, one more, one less, or two neighbours exchanged."""
    if abs(len(piece) - len(word)) > 1:
        return False
    start = next((at for at, (one, other) in enumerate(zip(piece, word, strict=False)) if one != other), None)
    if start is None:
        return True
    rests = piece[start:], word[start:]
    return (
        rests[0][1:] == rests[1][1:]
        or rests[0][1:] == rests[1]
        or rests[0] == rests[1][1:]
        or (rests[0][:2] == rests[1][1::-1] and rests[0][2:] == rests[1][2:])
    )


def _of_kinds(subjects: Sequence[str]) -> str:
    """Return the clause that a node is of one of some subjects; empty for all of them."""
    if set(subjects) >= set(SUBJECTS):
        return ""
    return f" +{_any(f'{GROUP}:{kind_mark(subject)}' for subject in subjects)}^0.001"


def _first_pieces(terms: Iterable[Term]) -> Iterable[Term]:
    left = MAX_PIECES
    for term in terms:
        if left <= 0:
            return
        yield term if len(term.pieces) <= left else Term(term.pieces[:left], None)
        left -= len(term.pieces)


def _any(clauses: Iterable[str]) -> str:
    found = list(dict.fromkeys(clauses))
    return found[0] if len(found) == 1 else f"({' '.join(found)})"


def _in_any_field(term: Term) -> list[str]:
    return [*(f"{clause}^{TITLE_WEIGHT}" for clause in _in_field(TITLE, term)), *_in_field(TEXT, term)]


def _in_field(name: str, term: Term) -> list[str]:
    """Return the clauses of which a field matches one if it has a term: its pieces in a row, or as one word."""
    pieces = f"{name}:{term.pieces[0]}" if len(term.pieces) == 1 else f'{name}:"{" ".join(term.pieces)}"'
    return [pieces] if term.joined is None else [pieces, f"{name}:{term.joined}"]


def _near(fields: Sequence[str], term: Term) -> list[str]:
    """Return the clauses of which a node matches one if it has a term, perhaps misspelt."""
    each = (_any(f"{name}:{_perhaps_misspelt(piece)}" for name in fields) for piece in term.pieces)
    pieces = list(each)
    whole = pieces[0] if len(pieces) == 1 else "(" + " ".join(f"+{piece}" for piece in pieces) + ")"
    return [whole, *(f"{name}:{_perhaps_misspelt(term.joined)}" for name in fields if term.joined)]


def _perhaps_misspelt(word: str) -> str:
    return f"{word}~1" if _can_be_misspelt(word) else word


def _can_be_misspelt(word: str) -> bool:
    return len(word) >= MIN_MISSPELT_CHARACTERS and is_word(word) and not _NUMBER.search(word)
