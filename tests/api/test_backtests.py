"""Backtests as tables, as JSON and as a picture."""

import json
from functools import cache
from io import StringIO
from xml.etree import ElementTree as ET

from rich.console import Console

from api.backtests import print_backtest, to_json
from api.drawing.calibration import COLOURS, draw_calibration
from api.tables import PLAIN_WIDTH
from graph.inference.backtest import Backtest, backtest
from graph.inference.replaying import REPLAYS
from tests.helpers.forecasting import world


@cache
def found() -> Backtest:
    return backtest(world(3, 150))


def printed(result: Backtest) -> list[str]:
    output = StringIO()
    print_backtest(result, Console(file=output, width=PLAIN_WIDTH))
    return [line.rstrip() for line in output.getvalue().splitlines() if line.strip()]


def test_a_table_has_every_figure_whole() -> None:
    """A row for each policy, and a line for each that is compared with another."""
    lines = printed(found())
    (pooled,) = [line.split() for line in lines if line.split()[0] == "foregraph-2-pooled"]
    scores = found().policies[-1]

    assert lines[0].startswith(f"{found().num_forecasts:,} forecasts by 60 predictors on ")
    assert pooled[1:6] == [f"{moment.brier:.4f}" for moment in scores.moments]
    assert pooled[6] == f"{scores.time_weighted_brier:.4f}"
    assert not any("…" in line for line in lines)
    advice = [line for line in lines if "against stated" in line]
    assert [line.split(":")[0] for line in advice] == list(REPLAYS)[1:]
    assert [line.endswith(": recommended") for line in advice] == [
        scores.is_recommended for scores in found().policies[1:]
    ]


def test_json_has_what_the_table_has() -> None:
    """And can be written as such."""
    written = json.loads(json.dumps(to_json(found())))

    assert [scores["policy"] for scores in written["policies"]] == list(REPLAYS)
    assert written["policies"][0]["moments"][0]["brier"] == found().policies[0].moments[0].brier
    assert written["policies"][0]["difference"] is None


def test_the_picture_draws_each_curve_within_its_plot() -> None:
    """A point for each tenth with forecasts, a name and figures for each policy, a colour of its own each."""
    picture = ET.fromstring(draw_calibration(found()))  # noqa: S314  # drawn here
    circles = [element for element in picture.iter() if element.tag.endswith("circle")]
    texts = [element.text or "" for element in picture.iter() if element.tag.endswith("text")]

    assert len(circles) == sum(len(scores.curve) + 1 for scores in found().policies)
    assert {circle.get("class") for circle in circles} == {f"fill-{colour}" for colour in COLOURS[:4]}
    assert set(REPLAYS) <= set(texts)
    for circle in circles[: len(found().policies[0].curve)]:
        assert 62 <= float(circle.get("cx", "")) <= 422
        assert 74 <= float(circle.get("cy", "")) <= 434
