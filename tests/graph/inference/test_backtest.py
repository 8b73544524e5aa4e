"""Backtests: a record by hand, a world whose truth is known, and one without any."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graph.inference.backtest import MOMENTS, backtest
from graph.inference.log_odds import sigmoid
from graph.inference.policies import FOREGRAPH_1, FOREGRAPH_2
from graph.inference.records import ForecastRecord, Forecasts, LedgerRows, ResolvedQuestions
from graph.inference.replaying import POOLED, REPLAYS, STATED, CalibratedReplay, StatedReplay, is_open, stated_claims
from graph.inference.scoring import brier_score
from graph.inference.statements import stated_claim
from tests.helpers.forecasting import no_rows, world

NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


def moment(text: str) -> np.datetime64:
    return np.datetime64(text, "us")


START, DEADLINE = moment("2021-01-01"), moment("2021-12-31")
QUARTER = (DEADLINE - START) // 4


def by_hand() -> ForecastRecord:
    """Three claims of one year: one lapses, one comes true after half of it, one has evidence on the way."""
    questions = ResolvedQuestions(
        starts=np.array([START] * 3),
        deadlines=np.array([DEADLINE] * 3),
        base_rates=np.array([0.2, np.nan, 0.3]),
        outcomes=np.array([False, True, False]),
        resolved_at=np.array([DEADLINE, START + 2 * QUARTER, DEADLINE + 9]),
        known_at=np.array([DEADLINE, START + 2 * QUARTER, DEADLINE + 9]),
    )
    forecasts = Forecasts(
        questions=np.array([0, 1, 2]),
        predictors=np.array([0, 1, 2]),
        clusters=np.array([0, 1, 2]),
        probabilities=np.array([0.82, 0.6, 0.3]),
        moments=np.array([START, START, START + QUARTER]),
    )
    rows = LedgerRows(
        questions=np.array([2, 2]),
        moments=np.array([START + QUARTER // 2, START + 2 * QUARTER]),
        llrs=np.array([1.0, 1.4]),
        adjusted_llrs=np.array([0.5, 0.7]),
        predictors=np.array([-1, -1]),
    )
    return ForecastRecord(questions, forecasts, rows)


def error_over_time(policy_name: str, at: int) -> float:
    """The mean squared error by quadrature over each stretch, straight from the policy's belief at each moment."""
    record, policy = by_hand(), {p.name: p for p in (FOREGRAPH_1, FOREGRAPH_2)}[policy_name]
    questions, forecasts = record.questions, record.forecasts
    first = forecasts.moments[at]
    last = min(questions.resolved_at[at], questions.deadlines[at])
    claim = replace(
        stated_claim(float(forecasts.probabilities[at])),
        stated_at=forecasts.moments[at : at + 1],
        starts=questions.starts[at : at + 1],
        deadlines=questions.deadlines[at : at + 1],
        base_rates=questions.base_rates[at : at + 1],
    )
    weight = 0.7 if policy is FOREGRAPH_1 else 0.5 * 1.4
    edges = [(first, last, 0.0)]
    if at == 2:  # the row before the statement is part of it
        edges = [(first, START + 2 * QUARTER, 0.0), (START + 2 * QUARTER, last, weight)]
    total = 0.0
    for low, high, evidence in edges:
        span = high - low
        moments = low + (span.astype(np.float64) * 0.5 * (NODES + 1.0)).astype(np.int64)
        inside = policy.prior_log_odds(claim) + evidence
        errors = (policy.beliefs(claim, inside, moments) - questions.outcomes[at]) ** 2
        total += float(errors @ WEIGHTS / 2.0) * float(span / (last - first))
    return total


@pytest.mark.parametrize("policy", [FOREGRAPH_1.name, FOREGRAPH_2.name])
def test_a_ledger_by_hand_is_integrated_exactly(policy: str) -> None:
    """Time-weighted Brier scores of three claims, by numerical integration of each policy's own beliefs."""
    (scores,) = backtest(by_hand(), [policy]).policies

    assert scores.time_weighted_brier == pytest.approx(
        sum(error_over_time(policy, at) for at in range(3)) / 3, abs=1e-8
    )


def test_scores_at_each_moment_by_hand() -> None:
    """What is resolved is scored no more, and the stated probability never moves."""
    (stated,) = backtest(by_hand(), [STATED]).policies
    errors = [0.82**2, 0.4**2, 0.3**2]
    at_half = [0.82**2, 0.3**2]

    assert [score.moment for score in stated.moments] == list(MOMENTS)
    assert [score.num_forecasts for score in stated.moments] == [3, 3, 2, 2, 2]
    assert [score.brier for score in stated.moments] == pytest.approx(
        [sum(errors) / 3, sum(errors) / 3, *[sum(at_half) / 2] * 3]
    )
    assert stated.time_weighted_brier == pytest.approx(sum(errors) / 3)
    logs = [math.log(0.18), math.log(0.6), math.log(0.7)]
    assert stated.moments[0].log_score == pytest.approx(-sum(logs) / 3)
    assert stated.baseline_score == pytest.approx(sum(100.0 * (1.0 + log / math.log(2.0)) for log in logs) / 3)
    assert (stated.peer_score, stated.skill, stated.difference) == (None, 0.0, None)


def test_silence_counts_from_the_statement_to_the_moment_asked() -> None:
    """A claim of a class of .2, stated at .82 for the year; nothing has come true yet, so shares are the prior ones."""
    replay = REPLAYS[FOREGRAPH_2.name](by_hand())
    moments = np.array([START + 2 * QUARTER])
    prior = FOREGRAPH_2.prior_log_odds(stated_claim(0.82, base_rate=0.2)).item()

    assert replay.beliefs(np.array([0]), moments, moments).item() == pytest.approx(
        sigmoid(prior + math.log(1.0 - 0.44 * 0.5)), abs=1e-12
    )


def test_evidence_before_a_statement_is_part_of_it() -> None:
    """Only what was recorded afterwards moves the belief."""
    record = by_hand()
    moments = np.array([START + QUARTER, START + 3 * QUARTER])
    replay = REPLAYS[FOREGRAPH_1.name](record)
    beliefs = replay.beliefs(np.array([2, 2]), moments, np.array([DEADLINE, DEADLINE]))

    assert beliefs.tolist() == pytest.approx([0.3, sigmoid(math.log(0.3 / 0.7) + 0.7)])


def test_what_was_recorded_after_the_outcome_is_no_forecast() -> None:
    """Nor can anything be scored without forecasts, or by a policy that nobody knows."""
    record = by_hand()
    late = replace(record.forecasts, moments=np.array([START, START + 3 * QUARTER, START]))

    assert is_open(record.questions, late).tolist() == [True, False, True]
    assert backtest(replace(record, forecasts=late), [STATED]).num_forecasts == 2
    with pytest.raises(ValueError, match="got none"):
        backtest(replace(record, forecasts=replace(late, moments=np.array([DEADLINE + 99] * 3))))
    with pytest.raises(ValueError, match=r"among stated, foregraph-1, .*, got 'best'"):
        backtest(record, ["best"])


def test_beliefs_never_use_what_came_later() -> None:
    """Bit-equal with all outcomes, forecasts and rows after a moment changed."""
    record = world(5, 120)
    then = moment("2018-01-01")
    questions, forecasts = record.questions, record.forecasts
    later = forecasts.moments > then
    generator = np.random.default_rng(0)
    changed = ForecastRecord(
        replace(
            questions,
            outcomes=np.where(questions.resolved_at > then, ~questions.outcomes, questions.outcomes),
        ),
        replace(
            forecasts,
            probabilities=np.where(later, generator.random(later.size), forecasts.probabilities),
        ),
        no_rows(),
    )
    asked = np.flatnonzero(~later & (questions.resolved_at[forecasts.questions] > then))
    moments = np.full(asked.shape, then)
    for name, make in REPLAYS.items():
        found = [
            replay.beliefs(replay.entries(asked, moments), moments, moments).tolist()
            for replay in (make(record), make(changed))
        ]
        assert found[0] == found[1], name
        assert asked.size > 20


def test_the_right_order_of_policies_is_found() -> None:
    """In a world of bold forecasters who see with noise, calibration helps and pooling helps more."""
    result = backtest(world(1, 600), against=STATED)
    scores = {each.policy: each for each in result.policies}
    briers = {name: each.moments[0].brier or 1.0 for name, each in scores.items()}

    assert list(scores) == list(REPLAYS)
    assert briers[POOLED] < briers[FOREGRAPH_2.name] - 0.005 < briers[STATED] - 0.01
    assert scores[POOLED].time_weighted_brier < scores[STATED].time_weighted_brier
    assert [scores[name].is_recommended for name in REPLAYS] == [False, False, True, True]
    assert scores[FOREGRAPH_2.name].skill == pytest.approx(1.0 - briers[FOREGRAPH_2.name] / briers[STATED])
    against_second = backtest(world(1, 600), [POOLED, STATED], against=FOREGRAPH_2.name).policies
    assert [each.is_recommended for each in against_second] == [True, False]


def test_permuted_outcomes_show_no_skill() -> None:
    """Where forecasts have nothing to do with outcomes, no policy discriminates, or beats the base rate."""
    record = world(2, 600)
    outcomes = np.random.default_rng(9).permutation(record.questions.outcomes)
    permuted = replace(record, questions=replace(record.questions, outcomes=outcomes))
    base_rate = outcomes[record.forecasts.questions].mean()
    for each in backtest(permuted).policies:
        assert each.moments[0].brier is not None
        assert each.moments[0].brier > base_rate * (1.0 - base_rate) - 0.005
        assert each.corp.discrimination < 0.02


def test_peers_are_the_standing_forecasts_of_others() -> None:
    """Of three on one question, the first has no peer, and a new forecast replaces its predictor's."""
    record = by_hand()
    forecasts = Forecasts(
        questions=np.array([1, 1, 1, 1]),
        predictors=np.array([0, 1, 0, 2]),
        clusters=np.arange(4),
        probabilities=np.array([0.5, 0.8, 0.9, 0.7]),
        moments=START + np.arange(4) * np.timedelta64(1, "D"),
    )
    (scores,) = backtest(ForecastRecord(record.questions, forecasts, no_rows()), [STATED]).policies
    expected = [
        math.log(0.8) - math.log(0.5),
        math.log(0.9) - math.log(0.8),
        math.log(0.7) - (math.log(0.8) + math.log(0.9)) / 2,
    ]

    assert scores.peer_score == pytest.approx(100.0 * sum(expected) / 3)


def test_certain_forecasts_are_scored_as_they_are() -> None:
    """Their Brier score is exact; logarithms limit them to .001 and .999."""
    record = by_hand()
    certain = replace(record.forecasts, probabilities=np.array([0.0, 1.0, 1.0]))
    (scores,) = backtest(replace(record, forecasts=certain), [STATED]).policies

    assert scores.moments[0].brier == brier_score(certain.probabilities, record.questions.outcomes) == 1.0 / 3.0
    assert scores.moments[0].log_score == pytest.approx(-(2.0 * math.log(0.999) + math.log(0.001)) / 3.0)
    assert StatedReplay(replace(record, forecasts=certain)).breaks[0].size == 0


def test_outcomes_are_learned_from_when_they_are_recorded() -> None:
    """Entered years later, the outcomes of a question teach nobody's later forecasts anything."""
    known = world(3, 200)
    never = np.full(known.questions.outcomes.shape, moment("2099-01-01"))
    unknown = replace(known, questions=replace(known.questions, known_at=never))
    everyone = np.arange(known.forecasts.probabilities.size)
    until = known.questions.deadlines[known.forecasts.questions]

    found = [CalibratedReplay(record).beliefs(everyone, until, until) for record in (known, unknown)]

    forecasts = known.forecasts
    claims = stated_claims(known.questions, forecasts)
    expected = FOREGRAPH_2.beliefs(claims, FOREGRAPH_2.prior_log_odds(claims), until)
    assert_allclose(found[1], expected, rtol=1e-12)
    assert np.abs(found[0] - found[1]).max() > 0.01
