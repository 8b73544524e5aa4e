"""A claim's belief over time as a picture, with the evidence that moved it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from api.drawing.svg import Picture, path, percent, wrapped
from graph.database.sessions import Unit
from graph.errors import NotFoundError
from graph.ledger.claim_history import ClaimHistory, load_histories
from graph.reading.nodes import get_nodes
from graph.reading.tree import NodePlan

WIDTH: Final = 830
MARGIN: Final = 20
LEFT: Final = 62
PLOT_HEIGHT: Final = 220
TOP: Final = 74
ROW: Final = 21
MAX_POINTS: Final = 400
MOST_ITEMS: Final = 12
DEFAULT_SPAN: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The plot: the moments at its left and right edge."""

    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        """The place of a moment."""
        share = (moment - self.start) / (self.end - self.start)
        return LEFT + share * (WIDTH - LEFT - MARGIN)

    def y(self, probability: float) -> float:
        """The place of a probability."""
        return TOP + (1 - probability) * PLOT_HEIGHT


async def draw_history(unit: Unit, claim_id: str, *, moment: datetime) -> str:
    """
    Draw a claim's belief from the start of its window, or for a year, until a moment, as SVG.

    The latest items of evidence are numbered in the plot and listed below it.

    Args:
        unit: The transaction to read in.
        claim_id: The id of the claim.
        moment: The end of the curve.

    Raises:
        NotFoundError: No claim with a stated probability has the id.
    """
    history = (await load_histories(unit, [claim_id])).get(claim_id)
    (node,) = await get_nodes(unit, [("Claim", claim_id)], NodePlan(properties=("id", "title")))
    if history is None or node is None:
        message = f"no claim with a stated probability has the id {claim_id!r}"
        raise NotFoundError(message)
    start = history.state.window[0] if history.state.window else moment - DEFAULT_SPAN
    frame = _Frame(min(start, moment - timedelta(days=1)), moment)
    shown = [row for row in history.rows if frame.start <= row["recorded_at"] <= moment and row["total_llr"]]
    return _draw(node["title"], history, frame, shown[-MOST_ITEMS:])


def _draw(title: str, history: ClaimHistory, frame: _Frame, rows: Sequence[Mapping[str, Any]]) -> str:
    height = TOP + PLOT_HEIGHT + 46 + ROW * len(rows) + (8 if rows else 0)
    picture = Picture(WIDTH, height, f"The belief in “{title}” over time")
    (heading,) = wrapped(title, WIDTH - 2 * MARGIN, 15, max_lines=1)
    picture.text(MARGIN, 32, heading, size=15, bold=True)
    belief = history.belief_at(frame.end)
    picture.text(MARGIN, 54, _summary(history, belief, frame.end), size=12, fill="soft")
    _draw_axes(picture, frame)
    if history.base_rate is not None:
        _draw_level(picture, frame, history.base_rate, "amber")
    curve = history.curve(frame.start, frame.end, max_points=MAX_POINTS)
    moments = [moment.replace(tzinfo=UTC) for moment in curve.moments.tolist()]
    points = [(frame.x(at), frame.y(p)) for at, p in zip(moments, curve.values.tolist(), strict=True)]
    picture.line(path(points), stroke="blue", width=2)
    for number, row in enumerate(rows, start=1):
        at = row["recorded_at"]
        _draw_mark(picture, frame.x(at), frame.y(history.belief_at(at)), number, row)
        _draw_row(picture, TOP + PLOT_HEIGHT + 46 + ROW * (number - 1), number, row)
    return picture.render()


def _summary(history: ClaimHistory, belief: float, moment: datetime) -> str:
    stated = history.state.stated_probability
    assert stated is not None  # noqa: S101 - such claims have no history
    parts = [f"{percent(belief)} on {moment:%Y-%m-%d}", f"{percent(stated)} as stated"]
    if history.base_rate is not None:
        parts.append(f"{percent(history.base_rate)} of its reference class come true")
    return "; ".join(parts)


def _draw_axes(picture: Picture, frame: _Frame) -> None:
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = frame.y(share)
        picture.line(path([(LEFT, y), (WIDTH - MARGIN, y)]), stroke="line", width=1)
        picture.text(LEFT - 8, y + 4, f"{share:.0%}", size=11, fill="soft", anchor="end")
    for moment in _months(frame):
        x = frame.x(moment)
        picture.line(path([(x, frame.y(0)), (x, frame.y(0) + 5)]), stroke="line", width=1)
        picture.text(x, frame.y(0) + 20, f"{moment:%b %Y}", size=11, fill="soft", anchor="middle")


def _months(frame: _Frame) -> list[datetime]:
    """First days of months within the plot, at most some eight of them."""
    first = frame.start.year * 12 + frame.start.month - 1
    last = frame.end.year * 12 + frame.end.month - 1
    step = max(1, -(-(last - first) // 8))
    months = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(first, last + 1, step)]
    room = (frame.end - frame.start) / 30  # a label needs some at either end
    return [month for month in months if frame.start <= month <= frame.end - room]


def _draw_level(picture: Picture, frame: _Frame, probability: float, colour: str) -> None:
    y = frame.y(probability)
    picture.line(path([(LEFT, y), (WIDTH - MARGIN, y)]), stroke=colour, width=1.5, dashes="6 4")
    picture.text(WIDTH - MARGIN, y - 5, "base rate", size=11, fill=colour, anchor="end")


def _draw_mark(picture: Picture, x: float, y: float, number: int, row: Mapping[str, Any]) -> None:
    picture.circle(x, y, 8, fill=_colour_of(row))
    picture.text(x, y + 4, str(number), size=11, fill="page", anchor="middle", bold=True)


def _draw_row(picture: Picture, y: float, number: int, row: Mapping[str, Any]) -> None:
    colour = _colour_of(row)
    picture.circle(MARGIN + 8, y - 4, 8, fill=colour)
    picture.text(MARGIN + 8, y, str(number), size=11, fill="page", anchor="middle", bold=True)
    picture.text(MARGIN + 26, y, f"{row['observed_at']:%Y-%m-%d}", size=12, fill="soft")
    picture.text(MARGIN + 110, y, row.get("bayes_factor") or "", size=12, fill=colour, bold=True)
    note = row.get("note") or row.get("evidence_kind") or ""
    for line in wrapped(note, WIDTH - 2 * MARGIN - 210, 12, max_lines=1):
        picture.text(MARGIN + 210, y, line, size=12)


def _colour_of(row: Mapping[str, Any]) -> str:
    return "green" if row["total_llr"] > 0 else "red"
