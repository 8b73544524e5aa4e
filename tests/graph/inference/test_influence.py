"""What one parent alone says about its child."""

import math
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph.inference.influence import implied_belief, mutual_information_bits

probabilities = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
shares = st.floats(0.0, 1.0)

# P(child), then the rows of its table: parent, P(parent), P(child | true), P(child | false), delta as shown.
TABLES = {
    0.347: [
        ("S_AGI_MID_2029", 0.35, 0.45, 0.05, "-0.157"),
        ("TK03", 0.10, 0.05, 0.45, "+0.063"),
        ("TK02", 0.12, 0.05, 0.45, "+0.055"),
        ("TK01", 0.15, 0.05, 0.45, "+0.043"),
        ("TK09", 0.35, 0.05, 0.45, "-0.037"),
    ],
    0.412: [
        ("S_ASI_SLOW_2040PLUS", 0.60, 0.50, 0.05, "-0.092"),
        ("TK09", 0.35, 0.05, 0.50, "-0.070"),
        ("TK05", 0.30, 0.05, 0.50, "-0.047"),
        ("TK03", 0.10, 0.05, 0.50, "+0.043"),
        ("TK02", 0.12, 0.05, 0.50, "+0.034"),
    ],
}
ROWS = [(child, *row) for child, rows in TABLES.items() for row in rows]


def enumerated_information(parent: float, p_if_true: float, p_if_false: float) -> float:
    """I = sum of P(s, c) log P(s, c) / P(s) P(c) over the four joint outcomes."""
    tables = {True: (parent, p_if_true), False: (1.0 - parent, p_if_false)}
    joint = {
        (s, c): tables[s][0] * (tables[s][1] if c else 1.0 - tables[s][1]) for s, c in product((True, False), repeat=2)
    }
    of_parent = {s: joint[s, True] + joint[s, False] for s in (True, False)}
    of_child = {c: joint[True, c] + joint[False, c] for c in (True, False)}
    return math.fsum(
        p * (math.log2(p) - math.log2(of_parent[s]) - math.log2(of_child[c])) for (s, c), p in joint.items() if p > 0
    )


def entropy_bits(probability: float) -> float:
    return math.fsum(-p * math.log2(p) for p in (probability, 1.0 - probability) if p > 0)


@pytest.mark.parametrize(("child", "parent_id", "parent", "p_if_true", "p_if_false", "shown"), ROWS)
def test_the_deltas_of_the_tables_come_out(
    child: float, parent_id: str, parent: float, p_if_true: float, p_if_false: float, shown: str
) -> None:
    """All ten rows that the pages show, to their three digits."""
    belief = implied_belief(parent, child, p_if_true, p_if_false)

    # Half a digit either way, and no less: one of them is -0.0695, which the page shows as -0.070.
    assert belief.delta == pytest.approx(float(shown), abs=0.0005 + 1e-12), parent_id
    assert belief.implied == pytest.approx(child + belief.delta, abs=1e-15)


@pytest.mark.parametrize("child", TABLES)
def test_the_tables_are_ordered_by_the_size_of_delta(child: float) -> None:
    """The order in which the pages list the rows is the one that the numbers give."""
    deltas = [implied_belief(p, child, if_true, if_false).delta for _, p, if_true, if_false, _ in TABLES[child]]

    assert sorted(deltas, key=abs, reverse=True) == deltas


@given(probabilities, shares, shares)
@example(0.1, 0.05, 0.45)
@example(0.5, 1.0, 0.0)
def test_information_is_that_of_the_joint_distribution(parent: float, p_if_true: float, p_if_false: float) -> None:
    """The difference of two entropies is the sum over the four joint outcomes."""
    expected = enumerated_information(parent, p_if_true, p_if_false)

    assert mutual_information_bits(parent, p_if_true, p_if_false) == pytest.approx(expected, abs=1e-12)


@given(probabilities, shares)
def test_a_parent_that_makes_no_difference_tells_nothing(parent: float, p_child: float) -> None:
    """Independent claims share no information, and the parent implies what the child has anyway."""
    belief = implied_belief(parent, p_child, p_child, p_child)

    # One last digit off the implied probability is up to 53 of them in an entropy.
    assert belief.mutual_information_bits == pytest.approx(0.0, abs=1e-14)
    assert belief.delta == pytest.approx(0.0, abs=1e-15)


@given(probabilities, shares, shares)
def test_information_is_within_both_entropies(parent: float, p_if_true: float, p_if_false: float) -> None:
    """Nobody can tell more than they know, nor more than there is to know."""
    belief = implied_belief(parent, 0.5, p_if_true, p_if_false)

    assert 0.0 <= belief.mutual_information_bits <= entropy_bits(parent) + 1e-12
    assert belief.mutual_information_bits <= entropy_bits(min(1.0, belief.implied)) + 1e-12


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_information_is_symmetric(parent: float, p_if_true: float, p_if_false: float) -> None:
    """What the parent tells about the child is what the child tells about the parent, by Bayes' theorem."""
    child = parent * p_if_true + (1.0 - parent) * p_if_false
    back_if_true = parent * p_if_true / child
    back_if_false = parent * (1.0 - p_if_true) / (1.0 - child)

    there = mutual_information_bits(parent, p_if_true, p_if_false)
    assert mutual_information_bits(child, back_if_true, back_if_false) == pytest.approx(there, abs=1e-12)


@given(probabilities, shares, shares)
def test_naming_the_parent_by_its_opposite_changes_nothing(parent: float, p_if_true: float, p_if_false: float) -> None:
    """A killer that stays away is a prerequisite."""
    belief = implied_belief(parent, 0.3, p_if_true, p_if_false)
    mirrored = implied_belief(1.0 - parent, 0.3, p_if_false, p_if_true) if parent > 1e-9 else belief

    assert mirrored.delta == pytest.approx(belief.delta, abs=1e-12)
    assert mirrored.mutual_information_bits == pytest.approx(belief.mutual_information_bits, abs=1e-12)


def test_a_parent_that_decides_tells_its_whole_entropy() -> None:
    """A fair coin that is the child tells one bit; a certain one would tell none."""
    assert mutual_information_bits(0.5, 1.0, 0.0) == 1.0
    assert mutual_information_bits(0.11, 1.0, 0.0) == pytest.approx(0.499916, abs=1e-6)
    assert mutual_information_bits(0.5, 0.0, 0.0) == 0.0


def test_delta_and_information_can_rank_the_other_way_round() -> None:
    """The least probable killer moves the sum least from where it would be without it, and tells least."""
    least, most = (implied_belief(p, 0.347, 0.05, 0.45) for p in (0.10, 0.35))

    assert abs(least.delta) > abs(most.delta)
    assert least.mutual_information_bits < most.mutual_information_bits


@pytest.mark.parametrize("parent", [math.ulp(0.0), 1e-300, math.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("p_if_true", [0.0, math.ulp(0.0), 0.5, math.nextafter(1.0, 0.0), 1.0])
def test_extremes_stay_finite(parent: float, p_if_true: float) -> None:
    """Nothing is clipped, and nothing overflows."""
    belief = implied_belief(parent, math.nextafter(1.0, 0.0), p_if_true, 1.0 - p_if_true)

    assert all(map(math.isfinite, (belief.implied, belief.delta, belief.mutual_information_bits)))
    assert 0.0 <= belief.implied <= 1.0
