"""Consensus of a claim's forecasters as of a moment, against its formula in longhand."""

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from graph.forecasts.consensus import ClaimForecasts, consensus_of
from graph.inference.log_odds import sigmoid
from graph.inference.time import year_window
from graph.model.rows import Forecast

START, DEADLINE = YEAR = year_window(2026)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def row(number: int, predictor: str, probability: float | None, days: float, **values: Any) -> Forecast:
    moment = MARCH + days * DAY
    ends = {"predictor_id": predictor, "claim_id": "P"}
    given = {"probability": probability, "stated_at": moment, "recorded_at": moment, **values}
    return Forecast.model_validate({"id": f"F{number}", **ends, **given})


def of(*rows: Forecast, stated: float | None = 0.82, maker: str | None = "maker") -> ClaimForecasts:
    return ClaimForecasts("P", stated, maker, YEAR, rows, frozenset({"market"}))


def bent(probability: float) -> float:
    return 3.0 * math.tanh(max(-4.595, min(4.595, math.log(probability / (1.0 - probability)))) / 3.0)


def by_hand(probabilities: list[float], newest: datetime) -> float:
    """The formula, voice by voice, the oldest first."""
    n = len(probabilities)
    weights = [math.exp(math.sqrt(rank) - math.sqrt(n)) for rank in range(1, n + 1)]
    m = sum(w * bent(p) for w, p in zip(weights, probabilities, strict=True)) / sum(weights)
    trf, days = (DEADLINE - newest) / (DEADLINE - START), (DEADLINE - newest) / DAY
    slope = 1.725 - 0.914 * trf + 0.178 * math.log(min(n, 20))
    return sigmoid(-0.229 + slope * m - 0.037 * math.log(1.0 + days))


def test_the_stated_probability_is_the_first_forecast() -> None:
    """By the claim's maker, at the start of the window where nobody else has spoken."""
    found = consensus_of(of(), MARCH)

    assert found is not None
    assert found.probability == pytest.approx(by_hand([0.82], START), abs=1e-12)
    (member,) = found.members
    assert (member.predictor_id, member.probability, member.share, member.stated_at) == ("maker", 0.82, 1.0, None)
    assert (found.num_voices, found.spread) == (1, 0.0)


def test_later_forecasts_weigh_more_and_replace_those_before() -> None:
    """Each one's latest counts; shares add up exactly."""
    rows = (row(1, "ann", 0.9, 0), row(2, "bob", 0.4, 3), row(3, "ann", 0.3, 7))
    found = consensus_of(of(*rows), MARCH + 10 * DAY)

    assert found is not None
    assert found.probability == pytest.approx(by_hand([0.82, 0.4, 0.3], MARCH + 7 * DAY), abs=1e-12)
    assert [member.predictor_id for member in found.members] == ["maker", "bob", "ann"]
    assert [member.weight for member in found.members] == sorted(member.weight for member in found.members)
    assert sum(Fraction(member.share) for member in found.members) == 1
    mean = sum(member.share * member.probability for member in found.members)
    variance = sum(member.share * (member.probability - mean) ** 2 for member in found.members)
    assert found.spread == pytest.approx(math.sqrt(variance), abs=1e-9)


def test_a_maker_who_forecasts_again_is_counted_once() -> None:
    """The newer forecast stands for the stated probability."""
    found = consensus_of(of(row(1, "maker", 0.2, 5), row(2, "ann", 0.5, 1)), MARCH + 9 * DAY)

    assert found is not None
    assert [(member.predictor_id, member.probability) for member in found.members] == [("ann", 0.5), ("maker", 0.2)]


def test_what_was_retracted_or_stated_later_does_not_count() -> None:
    """Before its retraction was recorded, a forecast is not read as retracted."""
    rows = (row(1, "ann", 0.9, 0), row(2, "ann", 0.4, 2), row(3, "ann", None, 4, retracts="F2"))
    found = [consensus_of(of(*kept), MARCH + days * DAY) for kept, days in [(rows[:2], 3), (rows, 5), (rows, 1)]]

    assert [each and each.members[-1].probability for each in found] == [0.4, 0.9, 0.9]


def test_a_cluster_counts_once() -> None:
    """Ten who follow one poll are one voice, however many they are."""
    alone = consensus_of(of(row(1, "a0", 0.3, 0, cluster="poll"), row(2, "bob", 0.6, 1)), MARCH + 2 * DAY)
    copies = [row(10 + k, f"a{k}", 0.3, 0, cluster="poll") for k in range(10)]
    copied = consensus_of(of(*copies, row(2, "bob", 0.6, 1)), MARCH + 2 * DAY)

    assert alone is not None
    assert copied is not None
    assert copied.probability == pytest.approx(alone.probability, abs=1e-12)
    assert (copied.num_voices, len(copied.members)) == (3, 12)


def test_certain_forecasts_count_as_nearly_certain() -> None:
    """As .01 and .99, and are shown as they came."""
    certain = consensus_of(of(row(1, "ann", 1.0, 0), row(2, "bob", 0.0, 1)), MARCH + 2 * DAY)

    assert certain is not None
    assert certain.probability == pytest.approx(by_hand([0.82, 0.99, 0.01], MARCH + DAY), abs=1e-12)
    assert [member.probability for member in certain.members[1:]] == [1.0, 0.0]


def test_nobody_has_no_consensus_and_no_market_no_price() -> None:
    """The newest price of a market is its price."""
    assert consensus_of(of(stated=None), MARCH) is None
    assert of().market_price(MARCH) is None
    traded = of(row(1, "market", 0.6, 0), row(2, "ann", 0.1, 1), row(3, "market", 0.7, 2))
    assert [traded.market_price(MARCH + days * DAY) for days in (1, 3)] == [0.6, 0.7]
    found = consensus_of(of(row(1, "ann", 0.5, 0), stated=0.3, maker=None), MARCH)
    assert found is not None
    assert [member.predictor_id for member in found.members] == [None, "ann"]
