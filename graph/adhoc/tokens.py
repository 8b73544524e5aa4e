"""Cuts the details of a plan's operator, which are canonical Cypher, into names, numbers and groups in brackets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<parameter>\$(?:`(?:[^`]|``)*`|\w+))
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<sign>\.\.|=~|<>|<=|>=|\|\||::|->|<-|[-+*/%^=<>|&!.,:;@])
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}

MOST_NESTING: Final = 100
"""Levels of brackets; more are not written by hand, and would exhaust Python's stack."""


class UnreadableError(ValueError):
    """The details are abbreviated, or are not in a form that is known."""


@dataclass(frozen=True, slots=True)
class Token:
    """
    A name, a number or a sign.

    Attributes:
        kind: `name`, `quoted`, `string`, `parameter`, `number` or `sign`.
        text: Its text; that of a quoted name and of a parameter without quotes and `$`.
        is_joined: Whether no space stands before it.
    """

    kind: str
    text: str
    is_joined: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Text in brackets: the opening one, the content, and whether no space stands before it."""

    bracket: str
    content: tuple["Node", ...]
    is_joined: bool = False


Node = Token | Group


def parse(details: str) -> tuple[Node, ...]:
    """
    Cut details into tokens and groups.

    Raises:
        UnreadableError: A character is not expected, brackets do not match, or the text is abbreviated.
    """
    content: list[Node] = []
    open_groups: list[tuple[str, bool, list[Node]]] = []
    is_joined = False
    for kind, text in _cut(details):
        if kind == "open":
            open_groups.append((text, is_joined, content))
            content = []
            if len(open_groups) > MOST_NESTING:
                raise UnreadableError(f"more than {MOST_NESTING} levels of brackets")
        elif kind == "close":
            if not open_groups or _BRACKETS[open_groups[-1][0]] != text:
                raise UnreadableError("brackets do not match")
            bracket, was_joined, outer = open_groups.pop()
            outer.append(Group(bracket, tuple(content), was_joined))
            content = outer
        elif kind != "space":
            content.append(Token(kind, text, is_joined))
        is_joined = kind != "space"
    if open_groups:
        raise UnreadableError("brackets do not match")
    return tuple(content)


def _cut(details: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(details):
        found = _TOKEN.match(details, position)
        if found is None or details.startswith("...", position):
            raise UnreadableError(f"unexpected {details[position : position + 20]!r}")
        position = found.end()
        kind = found.lastgroup or ""
        text = found[0]
        if kind == "parameter":
            text = text[1:]
        if kind in ("quoted", "parameter") and text.startswith("`"):
            text = text[1:-1].replace("``", "`")
        yield kind, text


def split(nodes: tuple[Node, ...], *signs: str) -> list[tuple[Node, ...]]:
    """Split a sequence at some signs or words; its groups stay whole."""
    parts: list[tuple[Node, ...]] = []
    start = 0
    for index, node in enumerate(nodes):
        if is_word(node, *signs):
            parts.append(nodes[start:index])
            start = index + 1
    return [*parts, nodes[start:]]


def is_word(node: Node, *words: str) -> bool:
    """Whether a node is one of some signs or unquoted words."""
    return isinstance(node, Token) and node.kind in ("name", "sign") and node.text in words
