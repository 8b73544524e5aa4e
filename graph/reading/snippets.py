"""Parts of texts in which words that were found are marked."""

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from graph.model.search_texts import fold, raw_terms

MOST_LOOKED_AT: Final = 5_000
"""Characters of each text that are looked at, which bounds the time that a snippet takes."""

CHARACTERS_BEFORE: Final = 60
MOST_CHARACTERS: Final = 200
MARK_FROM, MARK_TO = "<mark>", "</mark>"
CUT: Final = "…"

IsMatch = Callable[[str], bool]
_Span = tuple[int, int]


def snippet(texts: Sequence[str], is_match: IsMatch) -> str | None:
    """
    Return the part of a text that has matches, as HTML in which they stand between `<mark>` and `</mark>`.

    Args:
        texts: A node's texts, the most telling first; the first with a match is taken, else the first.
        is_match: Whether a word, folded, is to be marked.
    """
    for text in texts:
        first = next(_matches(text, is_match, 0, len(text)), None)
        if first is not None:
            return _marked(text, first[0], is_match)
    return _marked(texts[0], 0, is_match) if texts else None


def _matches(text: str, is_match: IsMatch, start: int, end: int) -> Iterator[_Span]:
    """Yield where matches are: pieces, or a whole term that matches as one word."""
    for term, pieces in raw_terms(text, start, end):
        found = [span for span in pieces if is_match(fold(text[slice(*span)]))]
        if not found and len(pieces) > 1 and is_match("".join(fold(text[slice(*span)]) for span in pieces)):
            found = [term]
        yield from found


def _marked(text: str, place: int, is_match: IsMatch) -> str:
    start = 0 if place <= CHARACTERS_BEFORE else _after_blank(text, place - CHARACTERS_BEFORE, place)
    end = len(text) if len(text) - start <= MOST_CHARACTERS else _last_blank(text, start + MOST_CHARACTERS, place)
    parts = [CUT] if start else []
    last = start
    for begin, stop in _joined(_matches(text, is_match, start, end)):
        parts += [escape(text[last:begin]), MARK_FROM, escape(text[begin:stop]), MARK_TO]
        last = stop
    parts.append(escape(text[last:end]))
    return "".join([*parts, CUT] if end < len(text) else parts)


def _joined(spans: Iterator[_Span]) -> Iterator[_Span]:
    """Join spans that touch."""
    current: _Span | None = None
    for begin, stop in spans:
        if current is not None and current[1] == begin:
            current = current[0], stop
            continue
        if current is not None:
            yield current
        current = begin, stop
    if current is not None:
        yield current


def _after_blank(text: str, start: int, end: int) -> int:
    """Return the place after the first blank between two places; the first of them where there is none."""
    return next((at + 1 for at in range(start, end) if text[at].isspace()), start)


def _last_blank(text: str, end: int, start: int) -> int:
    """Return the last blank between two places, from the end; the end where there is none."""
    return next((at for at in range(end, start, -1) if text[at].isspace()), end)
