"""A picture as SVG: shapes and texts with classes, whose colours follow the reader's light or dark page."""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"

_LIGHT: Final = {
    "page": "#ffffff",
    "line": "#d0d7de",
    "card": "#f6f8fa",
    "text": "#1f2328",
    "soft": "#59636e",
    "blue": "#0969da",
    "teal": "#1b7c83",
    "red": "#cf222e",
    "green": "#1a7f37",
    "amber": "#9a6700",
}
_DARK: Final = {
    "page": "#0d1117",
    "line": "#3d444d",
    "card": "#151b23",
    "text": "#f0f6fc",
    "soft": "#9198a1",
    "blue": "#4493f8",
    "teal": "#39c5cf",
    "red": "#f85149",
    "green": "#3fb950",
    "amber": "#d29922",
}

_WIDTHS: Final = {"narrow": 0.42, "wide": 1.0, "capital": 0.78, "other": 0.68}
"""Widths of bold characters in ems: somewhat above those of most fonts, so that no text leaves its box."""


NEAR_END: Final = 0.01
"""Probabilities nearer to 0 or 1 are shown with a decimal, so that they do not look certain."""


class Picture:
    """
    A picture that shapes are added to, each with the name of its colour.

    Args:
        width: In pixels.
        height: In pixels.
        title: What the picture shows, for those who do not see it.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self._width = width
        self._height = height
        self._title = title
        self._parts: list[str] = []

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str, stroke: str = "", radius: int = 0
    ) -> None:
        """Add a rectangle, its corners rounded by a radius."""
        outline = f" stroke-{stroke}" if stroke else ""
        at = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
        self._parts.append(f'<rect class="fill-{fill}{outline}" {at} rx="{radius}"/>')

    def circle(self, x: float, y: float, radius: float, *, fill: str) -> None:
        """Add a filled circle."""
        self._parts.append(f'<circle class="fill-{fill}" cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"/>')

    def line(self, commands: str, *, stroke: str, width: float = 1.5, dashes: str = "") -> None:
        """Add a line by the commands of a path, such as `M 0 0 L 9 9`."""
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._parts.append(f'<path class="line stroke-{stroke}" stroke-width="{width}"{dashed} d="{commands}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        fill: str = "text",
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Add a line of text; `y` is its baseline."""
        weight = ' font-weight="600"' if bold else ""
        at = f'x="{_number(x)}" y="{_number(y)}" font-size="{size}" text-anchor="{anchor}"{weight}'
        self._parts.append(f'<text class="fill-{fill}" {at}>{escape(text)}</text>')

    def render(self) -> str:
        """Return the picture as the text of an SVG file."""
        size = f'width="{self._width}" height="{self._height}" viewBox="0 0 {self._width} {self._height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(self._title)}>'
        page = f'<rect class="fill-page" width="{self._width}" height="{self._height}" rx="8"/>'
        lines = (head, f"<title>{escape(self._title)}</title>", "<style>", *_styles(), "</style>", page, *self._parts)
        return "\n".join((*lines, "</svg>", ""))


def path(points: list[tuple[float, float]]) -> str:
    """Return the commands of a line through points."""
    return " ".join(f"{'L' if at else 'M'} {_number(x)} {_number(y)}" for at, (x, y) in enumerate(points))


def curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return the commands of a line that leaves its start and reaches its end horizontally."""
    (x, y), (to_x, to_y) = start, end
    middle = (x + to_x) / 2
    numbers = [_number(value) for value in (x, y, middle, y, middle, to_y, to_x, to_y)]
    return "M {} {} C {} {} {} {} {} {}".format(*numbers)


def width_of(text: str, size: int) -> float:
    """Estimate the width of a text in pixels, in most fonts somewhat too wide."""
    return size * sum(_WIDTHS[_kind_of(character)] for character in text)


def wrapped(text: str, width: float, size: int, *, max_lines: int) -> list[str]:
    """Break a text into lines that fit a width; what does not fit into the last one is cut off with an ellipsis."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    kept = lines[:max_lines]
    if len(lines) > max_lines:
        kept[-1] += "…"
    return [_cut(line, width, size) for line in kept]


def percent(probability: float) -> str:
    """Format a probability as a percentage, such as 45% or, near the ends, 0.4%."""
    is_near_end = min(probability, 1 - probability) < NEAR_END
    return f"{probability:.1%}" if is_near_end else f"{probability:.0%}"


def _cut(line: str, width: float, size: int) -> str:
    while width_of(line, size) > width and len(line) > 1:
        line = line.rstrip("…")[:-1] + "…"
    return line


def _kind_of(character: str) -> str:
    if character in "iljtfrI.,:;'!|()[] ":
        return "narrow"
    if character in "mwMW%…":
        return "wide"
    return "capital" if character.isupper() else "other"


def _styles() -> Iterator[str]:
    yield f"text {{ font-family: {FONT}; }}"
    yield ".line { fill: none; stroke-linecap: round; stroke-linejoin: round; }"
    yield from _colours(_LIGHT)
    yield "@media (prefers-color-scheme: dark) {"
    yield from _colours(_DARK)
    yield "}"


def _colours(theme: dict[str, str]) -> Iterator[str]:
    for name, colour in theme.items():
        yield f".fill-{name} {{ fill: {colour}; }} .stroke-{name} {{ stroke: {colour}; }}"


def _number(value: float) -> str:
    """Write a coordinate with one decimal at most: finer ones are not seen, and differ between machines."""
    return f"{round(value, 1) + 0.0:g}"  # + 0.0 turns -0.0 into 0.0
