"""Bounds of what a statement's literals can be. Plans show parameters in their place, so the text itself is asked."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

_NUMBER: Final = re.compile(r"\d[\w.]*(?:[eE][+-]?\d+)?")
_ESCAPE: Final = re.compile(r"\\u+([0-9a-fA-F]{4})")
_STRING: Final = re.compile(
    r"""
    //[^\n\r]* | /\*.*?\*/ | `(?:[^`]|``)*`
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    """,
    re.VERBOSE | re.DOTALL,
)
_CHARACTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Literals:
    """
    Bounds of a statement's literals.

    Attributes:
        largest: The largest number that literals can make, also by the sums and products that Neo4j computes first.
        num_items: Most items of a literal list.
        length: Most characters of a literal text.
        has_negative: Whether a number may be negative.
        strings: The texts; None if they cannot be told for certain.
    """

    largest: float
    num_items: int
    length: int
    has_negative: bool
    strings: tuple[str, ...] | None

    @classmethod
    def of(cls, statement: str) -> Self:
        """Find the bounds; whatever looks like a number counts, wherever it stands."""
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), statement)
        numbers = sorted((_bound(found[0]) for found in _NUMBER.finditer(plain)), reverse=True)
        factors = numbers[: plain.count("*") + 1]
        terms = 1 + plain.count("+") + plain.count("-")
        return cls(
            largest=terms * math.prod(max(factor, 1.0) for factor in factors),
            num_items=plain.count(",") + 1,
            length=len(plain),
            has_negative=bool(re.search(r"-\s*[\d.(]", plain)),
            strings=None if plain != statement else tuple(_list_strings(statement)),
        )


def _bound(text: str) -> float:
    """Bound what a run of digits and letters can stand for."""
    digits = text.replace("_", "")
    try:
        whole = float(int(digits, 0))
    except (ValueError, OverflowError):
        whole = _decimal(digits)
    return whole


def _decimal(digits: str) -> float:
    found = re.match(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", digits)
    if found is None:
        return 0.0
    number = float(found[0])
    return max(number, float(int(digits, 16))) if re.fullmatch(r"[0-9a-fA-F]{1,15}", digits) else number


def _list_strings(statement: str) -> Iterator[str]:
    for found in _STRING.finditer(statement):
        if found["string"]:
            yield re.sub(
                r"\\(.)", lambda mark: _CHARACTERS.get(mark[1], mark[1]), found["string"][1:-1], flags=re.DOTALL
            )


MOST_NESTED: Final = 40
MOST_SIGNS: Final = 100
MOST_CHAINED: Final = 16
MOST_REPEATED: Final = 20_000
_MOST_WORDS: Final = {"XOR": 8, "NOT": 50, "IS": 100, "IN": 100}
_SIGN: Final = re.compile(r"[-+*/%^!]|\|\|")
_WORD: Final = re.compile(r"\b(?:XOR|NOT|IS|IN)\b", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"\b(?:WITH|LET)\b", re.IGNORECASE)
_NAME: Final = re.compile(r"[^\W\d]\w*|`[^`]*`")
_CHAIN: Final = re.compile(rf"(?:\.\s*\w+\s*){{{MOST_CHAINED},}}|(?:\[[^\[\]]*\]\s*){{{MOST_CHAINED},}}")


def find_excess(statement: str) -> str | None:
    """
    Find what a statement has too much of: Neo4j's parser and planner take for ever over it, uninterrupted.

    Their time multiplies with each level of brackets, each sign of a chain and each XOR. The limits are above what is
    written by hand, and below what was seen to take seconds.
    """
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), statement)
    text = _STRING.sub(_keep_name, text) if text == statement else text
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MOST_NESTED:
        return f"{deepest} levels of brackets, at most {MOST_NESTED} are allowed"
    if (number := len(_SIGN.findall(text))) > MOST_SIGNS:
        return f"{number} signs such as + and -, at most {MOST_SIGNS} are allowed"
    if _CHAIN.search(text):
        return f"a chain of more than {MOST_CHAINED} properties or indexes"
    if (repeated := _count_repetitions(text)) > MOST_REPEATED:
        return f"names that are repeated in one WITH after the other, {repeated:,} times in all"
    words = Counter(word.upper() for word in _WORD.findall(text))
    for word, most in _MOST_WORDS.items():
        if words[word] > most:
            return f"{words[word]} times {word}, at most {most} are allowed"
    return None


def _keep_name(found: re.Match[str]) -> str:
    """Leave quoted names in a text, and take strings and comments out."""
    return " x " if found[0].startswith("`") else " "


def _count_repetitions(text: str) -> int:
    """
    Bound how often a name stands in an expression once the planner has put in what each name stands for.

    It does so from clause to clause: `WITH a + a AS a` doubles the expression each time.
    """
    counts = (Counter(name.lower() for name in _NAME.findall(clause)) for clause in _CLAUSE.split(text)[1:])
    return math.prod(max(names.values(), default=1) for names in counts)
