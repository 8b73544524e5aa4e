"""Backtests in the API, against those of the graph."""

import math

import pytest

from graph.database.sessions import Database
from graph.forecasts.backtesting import run_backtest
from graph.forecasts.importing import import_forecasts
from graph.inference.replaying import REPLAYS
from tests.graph.forecasts.test_importing import table
from tests.helpers.asking import ask
from tests.helpers.forecasting import world

DOCUMENT = """query ($policies: [String!], $against: String) { backtest(policies: $policies, against: $against) {
    __typename ... on Backtest { forecastCount claimCount predictorCount against policies { policy timeWeightedBrier
      baselineScore peerScore skill isRecommended moments { moment forecastCount brier logScore }
      corp { miscalibration discrimination uncertainty } curve { predictionCount }
      difference { mean byPredictor { low high } byQuestion { low high } } } }
    ... on UserError { code message path } } }"""


async def test_a_backtest_is_that_of_the_graph(database: Database) -> None:
    """Figure by figure, to twelve digits; without forecasts it says so, and a wrong name is told the right ones."""
    nothing = (await ask(database, DOCUMENT)).data["backtest"]
    await import_forecasts(database, table(world(6, 40)))
    expected = await run_backtest(database)
    found = (await ask(database, DOCUMENT)).data["backtest"]
    wrong = (await ask(database, DOCUMENT, policies=["best"])).data["backtest"]
    none = (await ask(database, DOCUMENT, policies=[])).data["backtest"]

    assert (nothing["code"], wrong["code"], wrong["path"], none["path"]) == (
        "NOT_FOUND", "INVALID", ["policies"], ["policies"],
    )  # fmt: skip
    assert (found["forecastCount"], found["claimCount"]) == (expected.num_forecasts, expected.num_questions)
    assert [scores["policy"] for scores in found["policies"]] == list(REPLAYS)
    for shown, scores in zip(found["policies"], expected.policies, strict=True):
        assert [moment["brier"] for moment in shown["moments"]] == pytest.approx([m.brier for m in scores.moments])
        assert shown["timeWeightedBrier"] == pytest.approx(scores.time_weighted_brier)
        assert shown["corp"]["uncertainty"] == pytest.approx(scores.corp.uncertainty)
        assert shown["difference"] == (
            scores.difference
            and {
                "mean": scores.difference.mean,
                "byPredictor": {
                    "low": scores.difference.by_predictor.low,
                    "high": scores.difference.by_predictor.high,
                },
                "byQuestion": {"low": scores.difference.by_question.low, "high": scores.difference.by_question.high},
            }
        )


async def test_policies_show_their_numbers(database: Database) -> None:
    """Those of the published formulas; a golden of foregraph-2 follows from what is shown alone."""
    asked = await ask(database, "{ policies { name formulas { name text } parameters { name value } } }")
    first, second = asked.data["policies"]
    numbers = {parameter["name"]: parameter["value"] for parameter in second["parameters"]}
    x = math.log(0.82 / 0.18)
    h = numbers["bend"] * math.tanh(x / numbers["bend"])
    prior = (
        numbers["intercept"]
        + numbers["slope"] * h * (1.0 - numbers["slope_loss"] * 1.0)
        + numbers["horizon"] * math.log1p(364.0)
    )

    assert (first["name"], second["name"]) == ("foregraph-1", "foregraph-2")
    assert {"prior", "posterior"} <= {formula["name"] for formula in second["formulas"]}
    assert 1.0 / (1.0 + math.exp(-prior)) == pytest.approx(0.685957, abs=5e-7)
