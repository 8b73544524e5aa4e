"""What is told of a belief that moves, against a walk that is judged step by step."""

from itertools import pairwise

import numpy as np
import pytest

from graph.errors import InvalidError
from graph.feed.beliefs import Baseline, Belief, BeliefFilter, Measure, Reason


def belief(posterior: float | None, marginal: float | None = None, status: str = "OPEN") -> Belief:
    """A prediction's belief."""
    return Belief(posterior, marginal, status, "Prediction", "chips", "ada")


def told(measure: Measure, *walk: Belief | None) -> list[Reason | None]:
    """The reasons for which each step of a walk is told."""
    moves = [measure.move("P", before, now) for before, now in pairwise(walk)]
    return [None if moved is None else moved.reason for moved in moves]


@pytest.mark.parametrize("baseline", Baseline)
@pytest.mark.parametrize("seed", range(5))
def test_a_change_is_measured_from_its_baseline(baseline: Baseline, seed: int) -> None:
    """From what was told last, or from the first belief; a step that changes nothing tells nothing."""
    rng = np.random.default_rng(seed)
    walk = [0.5, *np.clip(0.5 + np.cumsum(rng.choice([-0.02, 0.0, 0.02], 200)), 0.01, 0.99).round(6).tolist()]
    measure, base = Measure(0.05, baseline), walk[0]

    for before, now in pairwise(walk):
        moved = measure.move("P", belief(before), belief(now))
        is_far = abs(now - base) >= 0.05
        assert (moved is not None) == (is_far and (baseline is Baseline.LAST_TOLD or before != now))
        if moved is not None:
            assert moved.before == belief(base)
            base = now if baseline is Baseline.LAST_TOLD else base


def test_small_steps_add_up() -> None:
    """A belief that creeps is told once it has moved by the threshold since it was told last."""
    walk = [belief(0.5 + 0.01 * n) for n in range(8)]

    assert told(Measure(0.0299), *walk) == [None, None, Reason.MOVED, None, None, Reason.MOVED, None]
    assert told(Measure(0.0299, Baseline.SUBSCRIPTION), *walk) == [None, None, *[Reason.MOVED] * 5]


def test_an_outcome_is_told_and_nothing_after_it_until_the_claim_is_open_again() -> None:
    """However little the belief has moved, and however far it moves while the claim is closed."""
    walk = [
        belief(0.5),
        belief(0.5, 1.0, "RESOLVED_TRUE"),
        belief(0.9, 1.0, "RESOLVED_TRUE"),
        belief(0.5),
        belief(0.5, 0.6),
        belief(0.5, 0.6, "ANNULLED"),
    ]

    for baseline in Baseline:
        assert told(Measure(0.05, baseline), *walk) == [
            Reason.RESOLVED,
            None,
            Reason.REOPENED,
            Reason.MOVED,
            Reason.ANNULLED,
        ]


def test_claims_come_and_go() -> None:
    """One that is made and one that is deleted are told."""
    assert told(Measure(), None, belief(0.4), None) == [Reason.CREATED, Reason.DELETED]


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.1, float("nan")])
def test_a_threshold_is_a_difference_of_probabilities(threshold: float) -> None:
    """Zero would tell of every write."""
    with pytest.raises(InvalidError, match="above 0 and up to 1"):
        Measure(threshold)


@pytest.mark.parametrize(
    ("wanted", "is_matched"),
    [
        (BeliefFilter(), True),
        (BeliefFilter(frozenset({"P"})), True),
        (BeliefFilter(frozenset({"Q"})), False),
        (BeliefFilter(kinds=frozenset({"Killer"})), False),
        (BeliefFilter(kinds=frozenset({"Prediction", "Killer"}), domain_ids=frozenset({"chips"})), True),
        (BeliefFilter(domain_ids=frozenset({"chips"}), predictor_ids=frozenset({"bob"})), False),
    ],
)
def test_all_conditions_of_a_filter_hold(wanted: BeliefFilter, *, is_matched: bool) -> None:
    """An absent one holds for every claim."""
    assert wanted.matches("P", belief(0.5)) == is_matched
