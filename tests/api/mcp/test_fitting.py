"""Answers are cut until they fit, and say so."""

import pytest

from api.mcp.asking import ToolRefusedError
from api.mcp.fitting import SIZES, Cutter, Size, count_tokens, fit
from api.mcp.models import BoundedOutput


class Words(BoundedOutput):
    """Words and a text."""

    words: list[str]
    text: str | None


def shape(cutter: Cutter) -> Words:
    """An answer of two hundred words and a long text."""
    return Words(words=cutter.items([str(number) for number in range(200)]), text=cutter.text("é" * 5_000))


@pytest.mark.parametrize("max_tokens", [60, 100, 200, 500, 1_000, 2_000, 5_000, 20_000])
def test_the_largest_answer_that_fits_is_given(max_tokens: int) -> None:
    """By trying all sizes."""
    answers = [shape(Cutter(size)) for size in SIZES]
    fitting = [len(answer.words) for answer in answers if len(answer.dump().encode()) <= 3 * max_tokens]

    answer = fit(shape, max_tokens)

    assert count_tokens(answer.dump()) <= max_tokens
    assert len(answer.words) == max(fitting)
    assert answer.is_cut is (len(answer.words) < 200 or answer.text != "é" * 5_000)


def test_what_cannot_be_made_to_fit_is_told_with_its_size() -> None:
    with pytest.raises(ToolRefusedError, match="TOO_LARGE at maxTokens: the shortest answer has"):
        fit(shape, 10)


@pytest.mark.parametrize(
    ("text", "cut"), [(None, None), ("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("ab  e", "ab…")]
)
def test_a_text_keeps_its_beginning(text: str | None, cut: str | None) -> None:
    cutter = Cutter(Size(3, 4))

    assert cutter.text(text) == cut
    assert cutter.has_cut is (text != cut)


@pytest.mark.parametrize(("text", "num_tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("éé", 2)])
def test_a_token_is_three_bytes(text: str, num_tokens: int) -> None:
    assert count_tokens(text) == num_tokens
