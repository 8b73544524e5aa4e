"""Drift against worked examples, and against the recursion by which it is defined."""

import numpy as np
import pytest

from graph.inference.drift import NO_DRIFT, drift_of


def test_errors_of_one_side_add_up_to_an_alert() -> None:
    """At even odds an outcome is one deviation off: half of it counts, so that ten of one kind reach 5."""
    for num, alerted_at in ((9, None), (10, 9), (12, 9)):
        found = drift_of(np.full(num, 0.5), np.ones(num, np.bool_))
        assert (found.above, found.below, found.alerted_at) == (0.5 * num, 0.0, alerted_at)
    sure = drift_of(np.full(2, 0.9), np.zeros(2, np.bool_))  # each three deviations off
    assert sure.below == pytest.approx(5.0)
    assert (sure.above, sure.alerted_at) == (0.0, 1)


def test_an_alert_ends_once_outcomes_fit_again() -> None:
    """Three misses of what was said to be sure, and as many hits as take the sum below 5."""
    stated, outcomes = np.array([0.9] * 3 + [0.5] * 2), np.array([False] * 3 + [True] * 2)

    assert drift_of(stated[:4], outcomes[:4]).alerted_at == 1
    assert drift_of(stated, outcomes).alerted_at is None
    assert drift_of(stated, outcomes).below == pytest.approx(7.5 - 3.0)


@pytest.mark.parametrize("seed", range(20))
def test_sums_are_those_of_the_recursion(seed: int) -> None:
    """Step by step, and from the other side with complements; a forecaster without outcomes has none."""
    random = np.random.default_rng(seed)
    stated = random.uniform(0.02, 0.98, 200)
    outcomes = random.uniform(size=200) < stated ** random.uniform(0.7, 1.4)
    above = below = 0.0
    since: int | None = None
    for place, (p, came_true) in enumerate(zip(stated.tolist(), outcomes.tolist(), strict=True)):
        error = (came_true - p) / (p * (1.0 - p)) ** 0.5
        above, below = max(0.0, above + error - 0.5), max(0.0, below - error - 0.5)
        since = None if max(above, below) < 5.0 else since if since is not None else place

    found, mirrored = drift_of(stated, outcomes), drift_of(1.0 - stated, ~outcomes)

    assert (found.above, found.below) == pytest.approx((above, below), abs=1e-9)
    assert found.alerted_at == since
    assert (mirrored.above, mirrored.below) == pytest.approx((below, above), abs=1e-9)
    assert drift_of(stated[:0], outcomes[:0]) == NO_DRIFT


@pytest.mark.parametrize(("stated", "outcomes"), [([0.5, 1.0], [True, True]), ([0.5], [True, False])])
def test_wrong_forecasts_are_refused(stated: list[float], outcomes: list[bool]) -> None:
    """A certain forecast has no deviation to measure errors by."""
    with pytest.raises(ValueError, match="expected"):
        drift_of(np.array(stated), np.array(outcomes))
