"""The value of information."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graph.inference.influence import mutual_information_bits
from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import draw_bank
from graph.inference.network.errors import Cancelled
from graph.inference.network.evidence import no_evidence
from graph.inference.network.information import value_of_information
from graph.inference.network.intercepts import calibrate
from tests.helpers.networks import joint_distribution, network_of, random_evidence, random_network, states_of


def entropy_bits(p: FloatArray) -> FloatArray:
    q = np.clip(p, 1e-300, 1.0)
    r = np.clip(1.0 - p, 1e-300, 1.0)
    bits: FloatArray = -(p * np.log2(q) + (1.0 - p) * np.log2(r))
    return bits


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_enumeration_expects_of_learning_a_claim(seed: int) -> None:
    """The targets' entropy now, less the mean of what it is after either outcome."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 8, mean_parents=2.0))
    evidence = random_evidence(generator, 8)
    targets = np.array([2, 6])
    value = value_of_information(draw_bank(model, evidence, seed=seed), targets)
    states, joint = states_of(8), joint_distribution(model, evidence)
    p = joint @ states

    for claim in np.flatnonzero(~evidence.is_observed):
        true = states[:, claim] == 1
        after = [joint[part] @ states[part] / joint[part].sum() for part in (true, ~true)]
        remaining = p[claim] * entropy_bits(after[0]) + (1.0 - p[claim]) * entropy_bits(after[1])
        expected = (entropy_bits(p) - remaining)[targets].sum()
        moved = np.sqrt(p[claim] * (after[0] - p) ** 2 + (1.0 - p[claim]) * (after[1] - p) ** 2)
        assert value.standard_errors is not None
        error = 5.0 * value.standard_errors[claim] + value.reduction_floor
        assert value.expected_reductions[claim] == pytest.approx(expected, abs=error)
        assert_allclose(value.mean_shifts[claim], moved[targets], atol=0.02)
    assert (value.expected_reductions[evidence.is_observed] == 0.0).all()


def test_of_one_table_it_is_its_mutual_information() -> None:
    """The same as the row of an influence table says."""
    model = calibrate(network_of([0.3, 0.48], [(0, 1, 0.9, 0.3)]))
    bank = draw_bank(model, no_evidence(2), seed=1)
    value = value_of_information(bank, np.array([1]))
    expected = mutual_information_bits(0.3, 0.9, 0.3)

    assert value.expected_reductions[0] == pytest.approx(expected, abs=0.01)
    assert expected > 0.2


def test_noise_stays_below_the_floor_that_is_stated() -> None:
    """Of two hundred claims that a common parent joins in name only, some nineteen in twenty; and none is ranked."""
    generator = np.random.default_rng(0)
    edges = [(0, child, 0.5 + 1e-9, 0.5) for child in range(1, 202)]
    model = calibrate(network_of([0.5, *generator.uniform(0.1, 0.9, 201)], edges), num_samples=64)
    value = value_of_information(draw_bank(model, no_evidence(202), seed=1), np.array([201]))
    below = value.expected_reductions[1:201] < value.reduction_floor
    shifts_below = value.mean_shifts[1:201, 0] < value.shift_floor[0]

    assert 0.9 < below.mean() < 1.0
    assert 0.9 < shifts_below.mean() < 1.0
    assert value.ranked().size == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_claim_that_nothing_joins_to_a_target_is_worth_nothing(seed: int) -> None:
    """Not next to nothing; two hundred such claims, and one that matters a little."""
    generator = np.random.default_rng(seed)
    model = calibrate(network_of(generator.uniform(0.1, 0.9, 202), [(200, 201, 0.6, 0.4)]))
    value = value_of_information(draw_bank(model, no_evidence(202), seed=seed), np.array([201]))

    assert (value.expected_reductions[:200] == 0.0).all()
    assert (value.mean_shifts[:200] == 0.0).all()
    assert value.ranked().tolist() == [200]
    assert value.standard_errors is not None
    assert (value.standard_errors[:200] == 0.0).all()


def test_the_nearer_claim_is_worth_more() -> None:
    """Along a chain; the target itself is not in the ranking."""
    model = calibrate(network_of([0.5] * 5, [(claim, claim + 1, 0.85, 0.15) for claim in range(4)]))
    value = value_of_information(draw_bank(model, no_evidence(5), seed=1), np.array([4]))

    assert value.ranked().tolist() == [3, 2, 1, 0]
    assert value.ranked(2).tolist() == [3, 2]


@pytest.mark.parametrize("targets", [[], [-1], [2]])
def test_targets_must_be_there(targets: list[int]) -> None:
    """One or more, and claims."""
    bank = draw_bank(calibrate(network_of([0.5, 0.5], []), num_samples=64), no_evidence(2), seed=1, num_samples=64)
    with pytest.raises(ValueError, match="one target or more from 0 to 1, got"):
        value_of_information(bank, np.array(targets, np.int64))


@pytest.mark.parametrize("num_polls", [0, 1, 2])
def test_it_stops_between_two_targets(num_polls: int) -> None:
    """Each takes a while on a large network, and nobody may be waiting any more."""
    bank = draw_bank(calibrate(network_of([0.3, 0.48, 0.2], [(0, 1, 0.9, 0.3)])), no_evidence(3), seed=1)
    answers = iter([False] * num_polls + [True])

    with pytest.raises(Cancelled):
        value_of_information(bank, np.array([0, 1, 2]), should_stop=lambda: next(answers))
    assert next(answers, None) is None
