"""What evidence weighs."""

import math
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.evidence import (
    ALONE,
    POLICY,
    BeliefPolicy,
    Cluster,
    Direction,
    Strength,
    adjusted_llr,
    missed_check_in,
    researched_milestone,
    shared_llrs,
    weigh,
)
from graph.inference.milestones import is_overdue

ratios = st.floats(1.0, allow_infinity=False, allow_nan=False)
shares = st.floats(0.0, 1.0)
kappas = st.floats(0.1, 1.0)
llrs = st.floats(-50.0, 50.0)


@pytest.mark.parametrize(
    ("strength", "ratio"), [(Strength.WEAK, 1.5), (Strength.MODERATE, 4.0), (Strength.STRONG, 10.0), (2.5, 2.5)]
)
def test_a_strength_is_a_likelihood_ratio(strength: Strength | float, ratio: float) -> None:
    """Its logarithm is what is added for a claim, and taken away against it."""
    assert weigh(strength, Direction.FOR).llr == pytest.approx(math.log(ratio), rel=1e-15)
    assert weigh(strength, Direction.AGAINST).llr == pytest.approx(math.log(1.0 / ratio), rel=1e-15)
    assert weigh(strength, Direction.FOR).likelihood_ratio == ratio


def test_only_a_named_strength_is_shown_by_name() -> None:
    """A number that equals a name's ratio is still a number."""
    assert weigh(Strength.WEAK, Direction.FOR).strength is Strength.WEAK
    assert weigh(1.5, Direction.FOR).strength is None


@given(ratios, shares)
@example(4.0, 0.95)
@example(1.7976931348623157e308, 1.0)
def test_confidence_mixes_the_ratio_with_one_that_tells_nothing(ratio: float, confidence: float) -> None:
    """P(seen | true) / P(seen | false) of an item that is real with probability c, and noise else."""
    found = weigh(ratio, Direction.FOR, confidence=confidence).llr

    assert found == pytest.approx(math.log(confidence * ratio + 1.0 - confidence), rel=1e-9, abs=1e-15)
    assert 0.0 <= found <= math.log(ratio)


@given(ratios, st.none() | shares)
def test_direction_turns_the_sign_and_nothing_else(ratio: float, confidence: float | None) -> None:
    """For and against the same thing cancel."""
    for_it, against_it = (weigh(ratio, direction, confidence=confidence).llr for direction in Direction)

    assert for_it == -against_it


@given(st.sampled_from(Direction), st.none() | shares)
def test_a_ratio_of_1_changes_nothing(direction: Direction, confidence: float | None) -> None:
    """Not by the last bit, whatever the confidence."""
    assert weigh(1.0, direction, confidence=confidence).llr == 0.0


@given(ratios, st.sampled_from(Direction))
def test_what_is_surely_not_real_changes_nothing(ratio: float, direction: Direction) -> None:
    """Confidence 0, however strong."""
    assert weigh(ratio, direction, confidence=0.0).llr == 0.0


@pytest.mark.parametrize("ratio", [0.0, 0.5, -2.0, math.nan, math.inf])
def test_a_ratio_that_has_its_own_direction_is_refused(ratio: float) -> None:
    """Below 1 it would say the opposite of its direction; softened, the two readings differ."""
    with pytest.raises(ValueError, match="likelihood ratio of 1 or more"):
        weigh(ratio, Direction.FOR)


@pytest.mark.parametrize("confidence", [-0.01, 1.01, math.nan])
def test_a_confidence_that_is_no_probability_is_refused(confidence: float) -> None:
    """It would make the ratio negative or more than itself."""
    with pytest.raises(ValueError, match="confidence from 0 to 1"):
        weigh(Strength.WEAK, Direction.FOR, confidence=confidence)


def test_a_missed_check_in_is_weak_evidence_against() -> None:
    """ln(2/3), the figure of both rows of the humanoid prediction's ledger."""
    evidence = missed_check_in()

    assert evidence.llr == pytest.approx(math.log(2.0 / 3.0), rel=1e-15)
    assert evidence.llr == -0.4054651081081644
    assert (evidence.strength, evidence.direction, evidence.confidence) == (Strength.WEAK, Direction.AGAINST, None)


@pytest.mark.parametrize(
    ("is_hit", "confidence", "expected"),
    [
        (True, None, math.log(4.0)),
        (False, None, -math.log(4.0)),
        (True, 0.95, math.log(3.85)),
        (False, 0.75, -math.log(3.25)),
        (True, 0.0, 0.0),
    ],
)
def test_a_researched_milestone_is_moderate_evidence(is_hit: bool, confidence: float | None, expected: float) -> None:
    """For where hit, against where missed, as far as it is the sign it was taken for: 0.95 * 4 + 0.05 = 3.85."""
    assert researched_milestone(is_hit=is_hit, confidence=confidence).llr == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("llr", "kappa", "adjusted"),
    [
        (-0.4054651081081644, 0.6429, -0.2606735180027389),
        (-0.4054651081081644, 0.6875, -0.278757261824363),
        (2.0, POLICY.kappa_without_predictor, 2.0),
    ],
)
def test_kappa_multiplies(llr: float, kappa: float, adjusted: float) -> None:
    """The figures of both rows of the humanoid prediction's ledger, bit for bit; no predictor, nothing lost."""
    assert adjusted_llr(llr, kappa) == adjusted


@pytest.mark.parametrize(
    ("llr", "kappa"), [(math.nan, 0.5), (math.inf, 0.5), (1.0, 0.0), (1.0, -0.5), (1.0, math.nan), (1.0, math.inf)]
)
def test_a_weight_that_is_none_is_refused(llr: float, kappa: float) -> None:
    """Infinite evidence, or a record that silences or turns round."""
    with pytest.raises(ValueError, match="expected a finite"):
        adjusted_llr(llr, kappa)


@given(st.lists(st.tuples(llrs, kappas), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_cluster_weighs_the_mean_of_its_items_in_any_order(items: list[tuple[float, float]], random: Random) -> None:
    """Rows add differences; whatever the order, they end at the summed evidence over its number."""
    shuffled = list(items)
    random.shuffle(shuffled)
    cluster, added = Cluster(), []
    for llr, kappa in shuffled:
        after = cluster.joined_by(llr, adjusted_llr(llr, kappa))
        added.append(after.adjusted_llr - cluster.adjusted_llr)
        cluster = after

    assert cluster.num_items == len(items)
    assert cluster.llr == pytest.approx(math.fsum(llr for llr, _ in items) / len(items), abs=1e-12)
    assert math.fsum(added) == pytest.approx(math.fsum(k * llr for llr, k in items) / len(items), abs=1e-12)


def test_a_cluster_of_one_weighs_what_its_item_weighs() -> None:
    """To the last bit; and one of none weighs nothing."""
    assert Cluster().joined_by(0.1, 0.07).adjusted_llr - Cluster().adjusted_llr == 0.07
    assert Cluster().llr == Cluster().adjusted_llr == 0.0


@given(llrs, st.integers(1, 20))
def test_the_same_report_told_again_adds_nothing(llr: float, num_told: int) -> None:
    """One source event, however many tell of it."""
    cluster = Cluster()
    for _ in range(num_told):
        cluster = cluster.joined_by(llr, 0.5 * llr)

    assert cluster.llr == pytest.approx(llr, rel=1e-12)
    assert cluster.adjusted_llr == pytest.approx(0.5 * llr, rel=1e-12)


@given(st.lists(st.tuples(llrs, st.integers(ALONE, 3)), max_size=30))
def test_shares_sum_to_what_the_clusters_weigh(items: list[tuple[float, int]]) -> None:
    """The array at once, against one cluster after the other."""
    weights = np.array([llr for llr, _ in items], dtype=np.float64)
    numbers = np.array([number for _, number in items], dtype=np.int64)
    shares_found = shared_llrs(weights, numbers)

    assert_array_equal(shares_found[numbers == ALONE], weights[numbers == ALONE])
    for number in {number for _, number in items} - {ALONE}:
        cluster = Cluster()
        for llr, of in items:
            cluster = cluster.joined_by(llr, llr) if of == number else cluster
        assert_allclose(math.fsum(shares_found[numbers == number]), cluster.llr, atol=1e-12)


def test_shares_of_what_does_not_fit_together_are_refused() -> None:
    """Another number of clusters, or a number that no cluster has."""
    with pytest.raises(ValueError, match="as many clusters"):
        shared_llrs(np.array([1.0, 2.0]), np.array([0]))
    with pytest.raises(ValueError, match="cluster numbers"):
        shared_llrs(np.array([1.0]), np.array([-2]))


def test_the_policy_in_force_has_the_stated_numbers() -> None:
    """Stored rows name it, so its numbers may not change under that name."""
    assert {field.name: getattr(POLICY, field.name) for field in fields(POLICY)} == {
        "name": "foregraph-1",
        "weak_likelihood_ratio": 1.5,
        "moderate_likelihood_ratio": 4.0,
        "strong_likelihood_ratio": 10.0,
        "check_in_missed": Strength.WEAK,
        "researched_hit": Strength.MODERATE,
        "researched_missed": Strength.MODERATE,
        "grace_days": 7,
        "outside_weight": 0.7,
        "kappa_prior": 0.5,
        "kappa_prior_strength": 5.0,
        "kappa_floor": 0.10,
        "kappa_cap": 1.00,
        "kappa_digits": 4,
        "kappa_without_predictor": 1.0,
    }


def test_a_policy_is_frozen() -> None:
    """Rows that name it must mean the same for ever."""
    with pytest.raises(FrozenInstanceError):
        POLICY.outside_weight = 0.5  # type: ignore[misc]


def test_another_policy_weighs_otherwise() -> None:
    """Every function that uses a policy's number takes the policy."""
    bold = replace(POLICY, name="bold", strong_likelihood_ratio=30.0, check_in_missed=Strength.STRONG)
    bolder = replace(bold, name="bolder", researched_hit=Strength.STRONG, researched_missed=Strength.WEAK)

    assert weigh(Strength.STRONG, Direction.FOR, policy=bold).llr == pytest.approx(math.log(30.0))
    assert missed_check_in(bold).llr == pytest.approx(-math.log(30.0))
    assert researched_milestone(is_hit=True, policy=bolder).llr == pytest.approx(math.log(30.0))
    assert researched_milestone(is_hit=False, policy=bolder).llr == pytest.approx(-math.log(1.5))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"weak_likelihood_ratio": 0.9},
        {"weak_likelihood_ratio": 5.0},
        {"strong_likelihood_ratio": math.inf},
        {"moderate_likelihood_ratio": math.nan},
        {"grace_days": -1},
        {"outside_weight": 1.1},
        {"kappa_floor": 0.0},
        {"kappa_prior": 0.05},
        {"kappa_cap": math.inf},
        {"kappa_prior_strength": 0.0},
        {"kappa_digits": -1},
        {"kappa_without_predictor": 0.0},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    """When it is made, not when the first evidence meets it."""
    values = {field.name: getattr(POLICY, field.name) for field in fields(POLICY)}

    with pytest.raises(ValueError, match="expected"):
        BeliefPolicy(**{**values, **change})


@pytest.mark.parametrize(
    ("due", "moment", "overdue"),
    [
        (date(2026, 3, 11), datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC), True),
        (date(2026, 5, 19), datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC), False),
        (date(2026, 5, 19), datetime(2026, 5, 30, 22, 15, 0, 756418, tzinfo=UTC), True),
        (date(2026, 7, 27), datetime(2026, 5, 30, 22, 15, 0, 756418, tzinfo=UTC), False),
    ],
)
def test_the_known_sweeps_find_the_known_check_ins_overdue(due: date, moment: datetime, overdue: bool) -> None:
    """The humanoid prediction's: the first sweep found the first, the second the second, the third is to come."""
    assert is_overdue(due, moment, grace_days=POLICY.grace_days) == overdue


def test_grace_ends_with_the_moment_it_is_up() -> None:
    """At that very moment nothing is overdue yet, a microsecond later it is."""
    up = datetime(2026, 5, 26, tzinfo=UTC)

    assert not is_overdue(date(2026, 5, 19), up, grace_days=7)
    assert is_overdue(date(2026, 5, 19), up + timedelta(microseconds=1), grace_days=7)
