"""Calibration of policies as a picture: what each believed against how often it came true."""

from typing import Final

from api.drawing.svg import Picture, path
from graph.inference.backtest import Backtest, PolicyScores

SIDE: Final = 360
LEFT: Final = 62
TOP: Final = 74
WIDTH: Final = 640
LEGEND: Final = LEFT + SIDE + 24
ROW: Final = 24
COLOURS: Final = ("soft", "amber", "blue", "green", "teal", "red")
SMALLEST: Final = 2.0
LARGEST: Final = 8.0


def draw_calibration(found: Backtest) -> str:
    """
    Draw the reliability curves of a backtest's policies, as SVG.

    A point is a tenth of probabilities, its size the share of the forecasts in it; on the diagonal, what was believed
    came true as often.
    """
    picture = Picture(WIDTH, TOP + SIDE + 50, "Calibration of policies")
    picture.text(LEFT, 32, "Calibration", size=15, bold=True)
    summary = f"{found.num_forecasts:,} forecasts on {found.num_questions:,} questions; believed, and came true"
    picture.text(LEFT, 54, summary, size=12, fill="soft")
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        picture.line(path([(LEFT, _y(share)), (LEFT + SIDE, _y(share))]), stroke="line", width=1)
        picture.text(LEFT - 8, _y(share) + 4, f"{share:.0%}", size=11, fill="soft", anchor="end")
        picture.text(_x(share), _y(0.0) + 20, f"{share:.0%}", size=11, fill="soft", anchor="middle")
    picture.line(path([(_x(0.0), _y(0.0)), (_x(1.0), _y(1.0))]), stroke="soft", width=1, dashes="4 4")
    for at, scores in enumerate(found.policies):
        _draw_policy(picture, scores, at, found.num_forecasts)
    return picture.render()


def _draw_policy(picture: Picture, scores: PolicyScores, at: int, num_forecasts: int) -> None:
    colour = COLOURS[at % len(COLOURS)]
    points = [(_x(part.mean_stated), _y(part.frequency)) for part in scores.curve]
    picture.line(path(points), stroke=colour, width=1.5)
    for (x, y), part in zip(points, scores.curve, strict=True):
        radius = SMALLEST + (LARGEST - SMALLEST) * (part.count / num_forecasts) ** 0.5
        picture.circle(x, y, radius, fill=colour)
    y = TOP + 12 + 2 * ROW * at
    picture.circle(LEGEND, y - 4, 5, fill=colour)
    picture.text(LEGEND + 12, y, scores.policy, size=12, bold=True)
    brier = scores.moments[0].brier
    figures = "" if brier is None else f"Brier {brier:.4f}, miscalibration {scores.corp.miscalibration:.4f}"
    picture.text(LEGEND + 12, y + 16, figures, size=11, fill="soft")


def _x(probability: float) -> float:
    return LEFT + probability * SIDE


def _y(probability: float) -> float:
    return TOP + (1.0 - probability) * SIDE
