"""What is told of a sum that moves, against a walk that is judged step by step."""

import math
from itertools import pairwise

import numpy as np
import pytest

from graph.errors import InvalidError
from graph.feed.beliefs import Baseline, Belief
from graph.feed.events import EventId
from graph.feed.sums import MOST_STEPS, FollowedSum, Step, SumMeasure, SumMoved, WeightedSum, probability_of


async def no_weights(_: object) -> None:
    """The weights of a sum that is not there."""


def started(value: float | None) -> FollowedSum:
    """A sum with a value."""
    return FollowedSum(WeightedSum("book", no_weights, lambda _: False), {}, value)


def walk_on(followed: FollowedSum, value: float | None) -> None:
    """An event that moves the sum to a value."""
    delta = 0.0 if value is None or followed.value is None else value - followed.value
    followed.take(Step(EventId(1, followed.num_steps), delta, (), has_new_weights=False), value)


def belief(status: str, posterior: float | None, marginal: float | None) -> Belief:
    """A prediction's belief."""
    return Belief(posterior, marginal, status, "Prediction", None, None)


@pytest.mark.parametrize("baseline", Baseline)
@pytest.mark.parametrize("seed", range(5))
def test_a_change_is_measured_from_its_baseline(baseline: Baseline, seed: int) -> None:
    """From what was told last, or from the first value; parts are of the events since, and add up to the change."""
    rng = np.random.default_rng(seed)
    walk = [3.0, *(3.0 + np.cumsum(rng.choice([-0.7, 0.4], 400))).tolist()]
    followed, measure = started(walk[0]), SumMeasure(1.5, baseline)
    measure.begin(followed)
    base, first, num_told = walk[0], 0, 0

    for number, now in enumerate(walk[1:], 1):
        walk_on(followed, now)
        moved = measure.move(followed)
        assert (moved is not None) == (abs(now - base) >= 1.5)
        if moved is not None:
            deltas = [after - before for before, after in pairwise(walk[first : number + 1])]
            assert (moved.before, moved.after) == (base, now)
            assert [step.delta for step in moved.steps] == deltas[-MOST_STEPS:]
            assert moved.rest == pytest.approx(math.fsum(deltas[:-MOST_STEPS]), abs=1e-12)
            assert moved.rest + math.fsum(step.delta for step in moved.steps) == pytest.approx(now - base, abs=1e-12)
            base, first = (now, number) if baseline is Baseline.LAST_TOLD else (base, first)
            num_told += 1
    assert num_told > 10


def test_a_sum_comes_and_goes() -> None:
    """That is told, however high the threshold; a value is measured from that with which it came."""
    followed, measure = started(2.0), SumMeasure(100.0, Baseline.SUBSCRIPTION)
    measure.begin(followed)
    told: list[SumMoved | None] = []
    for value in (3.0, None, None, 5.0, 6.0, 105.0):
        walk_on(followed, value)
        told.append(measure.move(followed))

    assert [None if moved is None else (moved.before, moved.after) for moved in told] == [
        None,
        (2.0, None),
        None,
        (None, 5.0),
        None,
        (5.0, 105.0),
    ]


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_a_threshold_is_a_finite_number_above_zero(threshold: float) -> None:
    with pytest.raises(InvalidError, match="above 0"):
        SumMeasure(threshold)


@pytest.mark.parametrize(
    ("given", "probability"),
    [
        (None, 0.0),
        (belief("OPEN", None, None), 0.0),
        (belief("OPEN", 0.25, None), 0.25),
        (belief("OPEN", 0.25, 0.5), 0.5),
        (belief("RESOLVED_TRUE", 0.25, 0.5), 1.0),
        (belief("RESOLVED_FALSE", 0.25, 0.5), 0.0),
        (belief("ANNULLED", 0.25, 0.5), 0.0),
    ],
)
def test_an_outcome_comes_before_the_marginal_and_that_before_the_posterior(
    given: Belief | None, probability: float
) -> None:
    assert probability_of(given) == probability
