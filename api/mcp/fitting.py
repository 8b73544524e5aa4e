"""
Answers that fit into an agent's context: lists and texts are shortened until an answer has few enough tokens.

Tokenizers differ, so a token is taken to be three bytes of the answer's JSON in UTF-8. Common ones make a token of
three to four bytes of English or JSON, so that an answer hardly has more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from api.mcp.asking import ToolRefusedError
from api.mcp.models import BoundedOutput

BYTES_A_TOKEN: Final = 3

T = TypeVar("T")
OutputT = TypeVar("OutputT", bound=BoundedOutput)


@dataclass(frozen=True, slots=True)
class Size:
    """
    The size of an answer.

    Attributes:
        num_items: Most items of a list.
        num_characters: Most characters of a text.
    """

    num_items: int
    num_characters: int


SIZES: Final = tuple(
    Size(*size)
    for size in (
        (500, 100_000),
        (100, 4_000),
        (70, 2_500),
        (50, 1_600),
        (35, 1_200),
        (25, 800),
        (18, 600),
        (13, 480),
        (9, 400),
        (7, 320),
        (5, 260),
        (4, 200),
        (3, 160),
        (2, 120),
        (1, 80),
        (0, 40),
    )
)
"""Sizes to try, the largest first; each is about two thirds of that before it."""


class Cutter:
    """
    Cuts lists and texts to a size.

    Args:
        size: The size.

    Attributes:
        has_cut: Whether anything was longer.
    """

    def __init__(self, size: Size) -> None:
        self.has_cut = False
        self._size = size

    def items(self, items: Sequence[T]) -> list[T]:
        """Return the first items of a list."""
        self.has_cut |= len(items) > self._size.num_items
        return list(items[: self._size.num_items])

    def text(self, text: str | None) -> str | None:
        """Return the beginning of a text, with an ellipsis if that is not all."""
        if text is None or len(text) <= self._size.num_characters:
            return text
        self.has_cut = True
        return text[: self._size.num_characters - 1].rstrip() + "…"


def count_tokens(text: str) -> int:
    """Count the tokens of a text, by the rule above."""
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def fit(shape: Callable[[Cutter], OutputT], max_tokens: int) -> OutputT:
    """
    Make the largest answer that fits.

    Args:
        shape: Makes the answer, with its lists and texts cut.
        max_tokens: Most tokens.

    Raises:
        ToolRefusedError: Not even the smallest fits.
    """
    for size in SIZES:
        cutter = Cutter(size)
        answer = shape(cutter)
        answer = answer.model_copy(update={"is_cut": answer.is_cut or cutter.has_cut})
        if count_tokens(answer.dump()) <= max_tokens:
            return answer
    message = f"TOO_LARGE at maxTokens: the shortest answer has {count_tokens(answer.dump())} tokens, allow as many"
    raise ToolRefusedError(message)
