"""Belief over time, and curves that lose no extreme."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graph.inference.evidence import POLICY
from graph.inference.history import (
    LEAST_MAX_POINTS,
    MOST_MAX_POINTS,
    Ledger,
    belief_curve,
    beliefs_at,
    downsample,
    inside_log_odds_after,
    inside_log_odds_at,
)
from graph.inference.log_odds import FloatArray, logit
from graph.inference.posterior import posterior
from graph.inference.time import MomentArray, time_remaining_fraction, utc_moments, year_window

FIRST_SWEEP = datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC)
SECOND_SWEEP = datetime(2026, 5, 30, 22, 15, 0, 756418, tzinfo=UTC)
TICK = timedelta(microseconds=1)

HUMANOIDS = Ledger(
    stated=0.82,
    moments=utc_moments([FIRST_SWEEP, SECOND_SWEEP]),
    adjusted_llrs=np.array([-0.2606735180027389, -0.278757261824363]),
    window=year_window(2026),
    base_rate=0.1,
)

probabilities = st.floats(0.01, 0.99)
year_moments = st.datetimes(datetime(2025, 10, 1), datetime(2027, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds it
rows = st.lists(st.tuples(year_moments, st.floats(-3.0, 3.0)), max_size=12).map(
    lambda items: sorted(items, key=lambda item: item[0])
)
# Few values and clumped times, so that ties, flat stretches and empty ones come up.
points = st.lists(
    st.tuples(st.integers(0, 40) | st.integers(0, 10**15), st.integers(-3, 3).map(float) | st.floats(-1e9, 1e9)),
    min_size=1,
    max_size=80,
).map(lambda items: sorted(items, key=lambda item: item[0]))


def ledger_of(items: list[tuple[datetime, float]], stated: float, base_rate: float | None) -> Ledger:
    return Ledger(
        stated=stated,
        moments=utc_moments([moment for moment, _ in items]),
        adjusted_llrs=np.array([llr for _, llr in items], dtype=np.float64),
        window=year_window(2026),
        base_rate=base_rate,
    )


def belief_by_hand(ledger: Ledger, items: list[tuple[datetime, float]], moment: datetime) -> float:
    """One row after the other, then one blend."""
    state = logit(ledger.stated)
    for recorded, llr in items:
        if recorded <= moment:
            state += llr
    trf = None if ledger.window is None else time_remaining_fraction(*ledger.window, moment)
    return posterior(state, base_rate=ledger.base_rate, trf=trf)


def curve_arrays(items: list[tuple[int, float]]) -> tuple[MomentArray, FloatArray]:
    moments = np.array([moment for moment, _ in items], dtype=np.int64).astype("datetime64[us]")
    return moments, np.array([value for _, value in items])


def test_the_known_ledger_ends_where_blending_once_ends() -> None:
    """0.82 before the first miss, blended; 0.4183 after the second; the first step's 0.4130 in between."""
    asked = utc_moments([FIRST_SWEEP - TICK, FIRST_SWEEP, SECOND_SWEEP, datetime(2026, 12, 31, tzinfo=UTC)])
    found = beliefs_at(HUMANOIDS, asked)

    assert found[1] == pytest.approx(0.4129529469303463, rel=1e-12)
    assert found[2] == pytest.approx(0.4183, abs=5e-5)
    # At the deadline the inside view stands alone: 0.82 after both misses.
    assert found[3] == pytest.approx(0.7265, abs=5e-5)
    assert found[0] > found[1]


@given(rows, probabilities, st.none() | probabilities, st.lists(year_moments, max_size=10))
def test_belief_at_a_moment_is_the_evidence_until_then_blended_then(
    items: list[tuple[datetime, float]], stated: float, base_rate: float | None, asked: list[datetime]
) -> None:
    """Row by row with a running sum, to the last bit; moments before all rows and of a row itself included."""
    ledger = ledger_of(items, stated, base_rate)
    every = [*asked, *(moment for moment, _ in items), *(moment - TICK for moment, _ in items)]

    assert beliefs_at(ledger, utc_moments(every)).tolist() == [
        belief_by_hand(ledger, items, moment) for moment in every
    ]


@given(rows, probabilities, year_moments, st.floats(-3.0, 3.0))
def test_what_comes_later_does_not_change_what_was_believed(
    items: list[tuple[datetime, float]], stated: float, moment: datetime, llr: float
) -> None:
    """A row is added after the moment asked for: the answer stays."""
    before = ledger_of(items, stated, 0.3)
    last = max([moment, *(recorded for recorded, _ in items)])
    after = ledger_of([*items, (last + TICK, llr)], stated, 0.3)

    asked = utc_moments([moment])
    assert_array_equal(beliefs_at(after, asked), beliefs_at(before, asked))


def test_time_alone_moves_a_belief() -> None:
    """Without a row, belief drifts from near the base rate to what was stated."""
    quiet = ledger_of([], 0.9, 0.1)
    start, deadline = year_window(2026)
    drift = beliefs_at(quiet, utc_moments([start + k / 10 * (deadline - start) for k in range(11)]))

    assert (np.diff(drift) > 0.0).all()
    assert drift[0] == posterior(logit(0.9), base_rate=0.1, trf=1.0)
    assert drift[-1] == pytest.approx(0.9, rel=1e-15)


@pytest.mark.parametrize(("window", "base_rate"), [(None, 0.1), (year_window(2026), None), (None, None)])
def test_without_window_or_base_rate_time_alone_moves_nothing(
    window: tuple[datetime, datetime] | None, base_rate: float | None
) -> None:
    """Only rows do."""
    ledger = Ledger(0.9, utc_moments([FIRST_SWEEP]), np.array([-1.0]), window, base_rate)
    days = utc_moments([datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13)])

    assert len(set(beliefs_at(ledger, days).tolist())) == 2


def test_rows_of_one_moment_all_count_at_it() -> None:
    """A batch is recorded at once."""
    ledger = ledger_of([(FIRST_SWEEP, 1.0), (FIRST_SWEEP, -0.25), (SECOND_SWEEP, 4.0)], 0.5, None)

    assert inside_log_odds_at(ledger, utc_moments([FIRST_SWEEP - TICK, FIRST_SWEEP])).tolist() == [0.0, 0.75]
    assert inside_log_odds_after(ledger).tolist() == [0.0, 1.0, 0.75, 4.75]


def test_a_ledger_out_of_order_is_refused() -> None:
    """Sorting it quietly would hide a fault of the caller's."""
    with pytest.raises(ValueError, match="ascending"):
        Ledger(0.5, utc_moments([SECOND_SWEEP, FIRST_SWEEP]), np.array([1.0, 1.0]))


def test_a_ledger_that_does_not_hold_together_is_refused() -> None:
    """A row without a moment, a moment without a row, evidence without a number."""
    with pytest.raises(ValueError, match="NaT"):
        Ledger(0.5, utc_moments([None]), np.array([1.0]))
    with pytest.raises(ValueError, match="as many moments"):
        Ledger(0.5, utc_moments([FIRST_SWEEP]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="finite"):
        Ledger(0.5, utc_moments([FIRST_SWEEP]), np.array([np.nan]))


def test_belief_at_no_moment_is_refused() -> None:
    """NaT sorts after every moment, and would answer with the whole ledger."""
    with pytest.raises(ValueError, match="NaT"):
        beliefs_at(HUMANOIDS, utc_moments([None]))


@pytest.mark.parametrize("stated", [0.0, 1.0])
def test_a_certain_claim_has_no_history(stated: float) -> None:
    """Its log-odds are infinite."""
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        beliefs_at(ledger_of([], stated, None), utc_moments([FIRST_SWEEP]))


@given(rows, probabilities, st.none() | probabilities, year_moments, year_moments, st.integers(4, 60))
def test_a_curve_holds_every_extreme_of_the_belief(
    items: list[tuple[datetime, float]],
    stated: float,
    base_rate: float | None,
    one: datetime,
    other: datetime,
    max_points: int,
) -> None:
    """No moment in between is more or less believed than what the curve shows; a thousand are tried."""
    ledger, (start, end) = ledger_of(items, stated, base_rate), sorted([one, other])
    curve = belief_curve(ledger, start, end, max_points=max_points)
    tried = beliefs_at(ledger, utc_moments([start + k / 1000 * (end - start) for k in range(1001)]))

    assert curve.moments.size <= max_points
    assert (curve.moments[0], curve.moments[-1]) == tuple(utc_moments([start, end]))
    assert (curve.moments[1:] > curve.moments[:-1]).all()
    assert curve.values.min() <= tried.min() + 1e-15
    assert curve.values.max() >= tried.max() - 1e-15
    assert_array_equal(curve.values, beliefs_at(ledger, curve.moments))


def test_a_curve_shows_a_step_as_a_step() -> None:
    """The microsecond before a row and the row itself are both there, so that nothing slopes that jumped."""
    curve = belief_curve(HUMANOIDS, *year_window(2026), max_points=200)
    shown = set(curve.moments.tolist())

    for moment in (FIRST_SWEEP, SECOND_SWEEP):
        assert {moment.replace(tzinfo=None), (moment - TICK).replace(tzinfo=None)} <= shown
    assert 100 < curve.moments.size <= 200


def test_a_curve_of_one_moment_is_one_point() -> None:
    """From now to now."""
    curve = belief_curve(HUMANOIDS, FIRST_SWEEP, FIRST_SWEEP, max_points=10)

    assert curve.values.tolist() == beliefs_at(HUMANOIDS, utc_moments([FIRST_SWEEP])).tolist()


def test_a_curve_follows_the_policy() -> None:
    """Where the outside view has no weight, time alone moves nothing."""
    inward = replace(POLICY, name="inward", outside_weight=0.0)
    curve = belief_curve(HUMANOIDS, *year_window(2026), max_points=50, policy=inward)

    assert len(set(curve.values.tolist())) == 3


def test_a_curve_that_ends_before_it_starts_is_refused() -> None:
    """The two are likely swapped."""
    with pytest.raises(ValueError, match="not before the start"):
        belief_curve(HUMANOIDS, SECOND_SWEEP, FIRST_SWEEP, max_points=10)


@given(points, st.integers(LEAST_MAX_POINTS, 40))
@example([(k, 0.0) for k in range(50)], 5)
@example([(0, float(k)) for k in range(50)], 5)
@example([(k, float(k == 25)) for k in range(50)], 4)
@example([(0, 0.0), *((10**15 - k, float(k)) for k in range(50, 0, -1))], 6)
def test_downsampling_keeps_both_ends_and_both_extremes_in_order(
    items: list[tuple[int, float]], max_points: int
) -> None:
    """And makes up no point; nothing exceeds the number asked for."""
    moments, values = curve_arrays(items)
    curve = downsample(moments, values, max_points)
    kept = list(zip(curve.moments.tolist(), curve.values.tolist(), strict=True))
    every = list(zip(moments.tolist(), values.tolist(), strict=True))

    assert len(kept) <= max_points
    assert (kept[0], kept[-1]) == (every[0], every[-1])
    assert (curve.values.min(), curve.values.max()) == (values.min(), values.max())
    remaining = iter(every)
    assert all(point in remaining for point in kept), "a subsequence"


@given(points, st.integers(LEAST_MAX_POINTS, 40))
def test_downsampling_keeps_the_extremes_of_each_stretch_of_time(
    items: list[tuple[int, float]], max_points: int
) -> None:
    """A spike stays where it is: stretches of equal time between the ends, cut one by one."""
    moments, values = curve_arrays(items)
    if moments.size <= max_points:
        return
    curve = downsample(moments, values, max_points)
    kept = set(zip(curve.moments.astype(np.int64).tolist(), curve.values.tolist(), strict=True))
    inner, num_stretches = items[1:-1], (max_points - 2) // 2
    low, span = inner[0][0], max(1, inner[-1][0] - inner[0][0])
    stretches: dict[int, list[tuple[int, float]]] = {}
    for moment, value in inner:
        stretches.setdefault(min(num_stretches - 1, math.floor((moment - low) / span * num_stretches)), []).append(
            (moment, value)
        )
    for stretch in stretches.values():
        # The first of equals, as min and max give it.
        assert {min(stretch, key=itemgetter(1)), max(stretch, key=itemgetter(1))} <= kept


@given(points, st.integers(LEAST_MAX_POINTS, 40))
def test_downsampling_again_changes_nothing(items: list[tuple[int, float]], max_points: int) -> None:
    """What is short enough comes back whole, as a copy."""
    once = downsample(*curve_arrays(items), max_points)
    twice = downsample(once.moments, once.values, max_points)

    assert_array_equal(twice.moments, once.moments)
    assert_array_equal(twice.values, once.values)
    assert not np.shares_memory(twice.values, once.values)


@pytest.mark.parametrize("max_points", [LEAST_MAX_POINTS - 1, 0, -1, MOST_MAX_POINTS + 1])
def test_a_number_of_points_that_cannot_hold_the_extremes_is_refused(max_points: int) -> None:
    """Two ends and two extremes are four points; and there is a bound on what one may ask for."""
    with pytest.raises(ValueError, match="points"):
        downsample(*curve_arrays([(1, 0.0)]), max_points)
    with pytest.raises(ValueError, match="points"):
        belief_curve(HUMANOIDS, FIRST_SWEEP, SECOND_SWEEP, max_points=max_points)


def test_curves_that_do_not_hold_together_are_refused() -> None:
    """Out of order, of two lengths, or with values that have no order."""
    moments, values = curve_arrays([(1, 0.0), (2, 1.0)])

    for bad_moments, bad_values, message in [
        (moments[::-1], values, "ascending"),
        (moments, values[:1], "as many values"),
        (moments, np.array([0.0, np.nan]), "finite"),
        (np.array(["NaT", "NaT"], dtype="datetime64[us]"), values, "NaT"),
    ]:
        with pytest.raises(ValueError, match=message):
            downsample(bad_moments, bad_values, 10)
