"""A moved bank: its marginals are those of the new evidence, to within the errors that it states."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.evidence import Evidence, no_evidence
from graph.inference.network.exact import Budget
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.moving import (
    LEAST_SHARE,
    MovedMarginals,
    keep_weights,
    move_marginals,
    resample_bank,
    weigh_bank,
)
from graph.inference.network.separation import connected_claims
from graph.inference.network.shifts import Drawing, shifts_by_auto, shifts_by_samples
from tests.helpers.networks import enumerate_marginals, network_of, random_evidence, random_network

NUM_CLAIMS = 10
SEEDS = range(12)


def case(seed: int) -> tuple[CalibratedNetwork, Evidence, Bank]:
    """A small network, which enumeration answers, and a bank given some evidence."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, NUM_CLAIMS))
    evidence = random_evidence(generator, NUM_CLAIMS)
    return model, evidence, draw_bank(model, evidence, seed=seed)


def with_llr(evidence: Evidence, claim: int, llr: float) -> Evidence:
    """The evidence with an item more on a claim."""
    ratios = evidence.llr.copy()
    ratios[claim] += llr
    return replace(evidence, llr=ratios)


def with_outcome(evidence: Evidence, claim: int, outcome: int) -> Evidence:
    """The evidence with a claim resolved."""
    observed = evidence.observed.copy()
    observed[claim] = outcome
    return Evidence(np.where(observed >= 0, 0.0, evidence.llr), observed)


def open_claims(evidence: Evidence) -> list[int]:
    """The claims that are not observed."""
    return np.flatnonzero(~evidence.is_observed).tolist()


def move(bank: Bank, model: CalibratedNetwork, evidence: Evidence) -> MovedMarginals:
    """The marginals of a bank that can be moved."""
    weighted = weigh_bank(bank, model, evidence)
    assert weighted is not None
    return move_marginals(weighted)


def assert_within_errors(moved: MovedMarginals, expected: FloatArray) -> None:
    """Five of the stated standard errors, which one claim of a hundred thousand or so exceeds."""
    errors = moved.beliefs.standard_errors
    assert errors is not None
    assert (np.abs(moved.beliefs.marginals - expected) <= 5.0 * errors + 1e-9).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_marginals_after_evidence_are_those_of_enumeration(seed: int) -> None:
    """Items on two claims, one for and one against."""
    model, evidence, bank = case(seed)
    one, other = open_claims(evidence)[:2]
    after = with_llr(with_llr(evidence, one, 1.2), other, -0.7)

    moved = move(bank, model, after)

    assert_within_errors(moved, enumerate_marginals(model, after))
    assert not moved.beliefs.diagnostics.is_fresh


@pytest.mark.parametrize("seed", SEEDS)
def test_marginals_after_an_outcome_are_those_of_enumeration(seed: int) -> None:
    """The outcome that is more likely, so that enough samples agree; the claim itself is certain."""
    model, evidence, bank = case(seed)
    claim = open_claims(evidence)[seed % 5]
    outcome = int(bank.beliefs.marginals[claim] > 0.5)
    after = with_outcome(evidence, claim, outcome)

    moved = move(bank, model, after)

    assert_within_errors(moved, enumerate_marginals(model, after))
    assert moved.beliefs.marginals[claim] == outcome


@pytest.mark.parametrize("seed", SEEDS)
def test_marginals_after_an_influence_are_those_of_enumeration(seed: int) -> None:
    """A table with other numbers, and the intercepts that follow from it."""
    model, evidence, bank = case(seed)
    network = model.network
    link = int(np.random.default_rng(seed).integers(network.num_links))
    weights = network.weights.copy()
    weights[link] += 0.4
    other = calibrate(replace(network, weights=weights))

    moved = move(bank, other, evidence)

    assert_within_errors(moved, enumerate_marginals(other, evidence))


@pytest.mark.parametrize("seed", SEEDS)
def test_shifts_from_weighted_samples_are_those_of_enumeration(seed: int) -> None:
    """A supposed outcome after an item of evidence, without new samples; a matching sample counts by its weight."""
    model, evidence, bank = case(seed)
    free = open_claims(evidence)
    after = with_llr(evidence, free[0], 1.2)
    weighted = weigh_bank(bank, model, after)
    assert weighted is not None
    before = enumerate_marginals(model, after)
    supposed = free[1 + seed % 4]
    outcome = int(before[supposed] > 0.5)

    shifts = shifts_by_samples(keep_weights(weighted, move_marginals(weighted)), {supposed: bool(outcome)}, seed=seed)

    expected = enumerate_marginals(model, with_outcome(after, supposed, outcome)) - before
    others = np.arange(NUM_CLAIMS) != supposed
    assert shifts.standard_errors is not None
    assert (np.abs(shifts.deltas - expected) <= 5.0 * shifts.standard_errors + 1e-9)[others].all()
    assert not shifts.diagnostics.is_fresh
    assert shifts.diagnostics.num_matching < bank.num_samples * weighted.share


def test_an_intervention_takes_samples_of_equal_weights() -> None:
    """Its own weights would replace the others."""
    network = network_of([0.5, 0.5, 0.5], [(0, 1, 0.8, 0.3), (1, 2, 0.7, 0.2)])
    model, evidence = calibrate(network), no_evidence(3)
    weighted = weigh_bank(draw_bank(model, evidence, seed=1), model, with_llr(evidence, 2, 0.5))
    assert weighted is not None
    bank = keep_weights(weighted, move_marginals(weighted))
    question = (model, weighted.evidence, {1: True})

    with pytest.raises(ValueError, match="equal weights for an intervention, got weighted samples"):
        shifts_by_auto(
            *question,
            before=bank.beliefs,
            drawing=Drawing(1),
            bank=bank,
            is_intervention=True,
            budget=Budget(clique_claims=1, tree_entries=1, claims=0),
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_resampled_bank_has_the_joint_distribution(seed: int) -> None:
    """Pairs of claims occur together as often as in a bank that is drawn given the evidence."""
    model, evidence, bank = case(seed)
    after = with_llr(evidence, open_claims(evidence)[0], 1.0)
    weighted = weigh_bank(bank, model, after)
    assert weighted is not None

    resampled = resample_bank(weighted, move_marginals(weighted))

    def together(samples: Bank) -> FloatArray:
        states = np.unpackbits(samples.bits.view(np.uint8).reshape(NUM_CLAIMS, -1), axis=1, bitorder="little")
        frequencies: FloatArray = states @ states.T.astype(np.float64) / states.shape[1]
        return frequencies

    assert_allclose(together(resampled), together(draw_bank(model, after, seed=seed + 100)), atol=0.04)


def test_what_is_independent_of_the_change_stays_as_it_is() -> None:
    """To the last bit: its rows need not be written."""
    for seed in SEEDS:
        model, evidence, bank = case(seed)
        for claim in open_claims(evidence):
            moved = move(bank, model, with_llr(evidence, claim, 0.5))
            apart = ~connected_claims(model.network, evidence, np.array([claim]))
            assert_array_equal(moved.beliefs.marginals[apart], bank.beliefs.marginals[apart])


def test_nothing_changed_moves_nothing() -> None:
    """The weights are equal, and all samples count."""
    model, evidence, bank = case(0)
    weighted = weigh_bank(bank, model, evidence)

    assert weighted is not None
    assert weighted.share == 1.0
    assert_array_equal(move_marginals(weighted).beliefs.marginals, bank.beliefs.marginals)


def test_what_samples_cannot_tell_is_not_moved() -> None:
    """An outcome that none or few have, one that is withdrawn, other claims."""
    model, evidence, bank = case(0)
    free = open_claims(evidence)
    claim = free[int(bank.beliefs.marginals[free].argmin())]
    observed = int(np.flatnonzero(evidence.is_observed)[0])
    withdrawn = evidence.observed.copy()
    withdrawn[observed] = -1
    fewer = random_network(np.random.default_rng(1), NUM_CLAIMS - 1)

    assert bank.beliefs.marginals[claim] < LEAST_SHARE
    assert weigh_bank(bank, model, with_outcome(evidence, claim, 1)) is None
    assert weigh_bank(bank, model, with_llr(evidence, claim, 25.0)) is None
    assert weigh_bank(bank, model, Evidence(evidence.llr, withdrawn)) is None
    assert weigh_bank(bank, calibrate(fewer), random_evidence(np.random.default_rng(1), NUM_CLAIMS - 1)) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_errors_grow_as_samples_count_less(seed: int) -> None:
    """Strong evidence on a claim leaves fewer effective samples, and says so."""
    model, evidence, bank = case(seed)
    claim = open_claims(evidence)[0]
    weak, strong = (weigh_bank(bank, model, with_llr(evidence, claim, llr)) for llr in (0.3, -0.3))

    assert weak is not None
    assert strong is not None
    for weighted in (weak, strong):
        told = move_marginals(weighted).beliefs.diagnostics
        assert told.num_matching == int(bank.num_samples * weighted.share)
        assert 0.9 < weighted.share < 1.0
