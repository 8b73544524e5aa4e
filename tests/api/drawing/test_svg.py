"""A picture is well-formed, keeps its texts as texts, and looks the same everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.drawing.svg import Picture, curve, path, percent, width_of, wrapped
from tests.helpers.pictures import SVG, parsed


def test_texts_are_texts_whatever_is_in_them() -> None:
    """Markup in a title is not markup of the picture."""
    picture = Picture(100, 50, 'A "title" & <more>')
    picture.text(1, 2, "<script>alert('x')</script> & more")

    root = parsed(picture.render())

    assert root.attrib["aria-label"] == 'A "title" & <more>'
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<script>alert('x')</script> & more"]
    assert list(root.iter(f"{SVG}script")) == []


def test_every_colour_has_one_on_a_dark_page() -> None:
    """A colour of the light page alone would be lost on the other."""
    picture = Picture(100, 50, "x").render()
    light, dark = picture.partition("</style>")[0].split("@media (prefers-color-scheme: dark)")

    named = [{line.split(" ")[0] for line in part.splitlines() if line.startswith(".fill")} for part in (light, dark)]

    assert named[0] == named[1] != set()


def test_coordinates_are_short() -> None:
    """The last digits of a float differ between machines."""
    assert path([(0, 1 / 3), (-0.01, 10)]) == "M 0 0.3 L 0 10"
    assert curve((0, 0), (10, 5)) == "M 0 0 C 5 0 5 5 10 5"


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.5, "50%"), (0.345, "34%"), (0.01, "1%"), (0.004, "0.4%"), (0.99, "99%"), (0.996, "99.6%")],
)
def test_no_open_claim_looks_certain(probability: float, text: str) -> None:
    """0% and 100% would say that the outcome is known."""
    assert percent(probability) == text


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=200), st.integers(1, 4))
def test_lines_fit_and_lose_no_word_before_the_last(text: str, max_lines: int) -> None:
    """Words stay in order; where they are cut, an ellipsis says so."""
    lines = wrapped(text, 200, 13, max_lines=max_lines)

    assert len(lines) <= max_lines
    assert all(width_of(line, 13) <= 200 for line in lines)
    whole = " ".join(lines)
    assert "…" in whole or whole.split() == text.split()
