"""Expected prices against the enumerated joint distribution."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.compounding import Exposures, PriceChanges, Question, compound, needs_samples
from graph.inference.network.evidence import Evidence, intervene, no_evidence, observe
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.shifts import shifts_by_samples, shifts_exactly
from graph.inference.network.structure import Network
from tests.helpers.networks import joint_distribution, network_of, random_evidence, random_network, states_of

NUM_PRICES = 6


def exposures_of(generator: np.random.Generator, claims: list[int], *, most: float = 0.8) -> Exposures:
    """Effects of each claim on about half of the prices, the last of which none has an effect on."""
    pairs = [(claim, price) for claim in claims for price in range(NUM_PRICES - 1) if generator.random() < 0.5]
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    return Exposures(ends[:, 0], ends[:, 1], generator.uniform(-most, most, len(pairs)), NUM_PRICES)


def enumerated(question: Question, exposures: Exposures) -> FloatArray:
    """E(price | outcomes) / E(price) - 1 by summing over all joint outcomes, price by price."""
    model, evidence, outcomes = question.model, question.evidence, question.outcomes
    supposed = (
        intervene(model, evidence, outcomes) if question.is_intervention else (model, observe(evidence, outcomes))
    )
    before, after = joint_distribution(model, evidence), joint_distribution(*supposed)
    states = states_of(model.network.num_claims)
    changes = []
    for price in range(exposures.num_prices):
        chosen = np.flatnonzero(exposures.prices == price)
        product = np.ones(states.shape[0])
        for effect in chosen.tolist():
            product *= 1.0 + exposures.impacts[effect] * states[:, exposures.claims[effect]]
        changes.append(float(after @ product / (before @ product)) - 1.0)
    return np.array(changes)


def ask(network: Network, evidence: Evidence, outcomes: dict[int, bool], *, is_intervention: bool = False) -> Question:
    """Suppose outcomes, with exact shifts."""
    model = calibrate(network)
    shifts = shifts_exactly(model, evidence, outcomes, is_intervention=is_intervention)
    return Question(model, evidence, outcomes, shifts, is_intervention)


@pytest.mark.parametrize("is_intervention", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_small_parts_are_exact(seed: int, *, is_intervention: bool) -> None:
    """Whatever the evidence and the claims supposed; a price without exposures does not change."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 9)
    evidence = random_evidence(generator, 9)
    free = np.flatnonzero(~evidence.is_observed)
    supposed = {int(claim): bool(generator.integers(2)) for claim in generator.choice(free, 2, replace=False)}
    question = ask(network, evidence, supposed, is_intervention=is_intervention)
    exposures = exposures_of(generator, free.tolist())

    found = compound(question, exposures, seed=1)

    np.testing.assert_allclose(found.changes, enumerated(question, exposures), atol=1e-12)
    assert not found.standard_errors.any()
    assert found.changes[-1] == 0.0


def bank_of(question: Question) -> Bank:
    """Samples as the engine keeps them."""
    return draw_bank(question.model, question.evidence, seed=1)


def sampled(question: Question, exposures: Exposures, min_matching: int = 2_500) -> PriceChanges:
    """The same where nothing is small enough to enumerate."""
    return compound(question, exposures, bank_of(question), seed=1, max_enumerated=1, min_matching=min_matching)


@pytest.mark.parametrize("is_intervention", [False, True])
@pytest.mark.parametrize("min_matching", [1, 1 << 20])
@pytest.mark.parametrize("seed", range(8))
def test_samples_are_within_their_errors(seed: int, min_matching: int, *, is_intervention: bool) -> None:
    """From the bank's samples that match, and from fresh ones of the parts concerned."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 10)
    evidence = random_evidence(generator, 10, num_observed=1)
    free = np.flatnonzero(~evidence.is_observed)
    question = ask(network, evidence, {int(free[seed % free.size]): True}, is_intervention=is_intervention)
    exposures = exposures_of(generator, free.tolist(), most=0.4)

    found = sampled(question, exposures, min_matching=min_matching)

    errors = np.abs(found.changes - enumerated(question, exposures))
    assert (errors <= 5.0 * found.standard_errors + 0.002).all()
    assert errors.max() < 0.02


def test_a_single_claim_needs_no_samples() -> None:
    """Its marginal before and after are all that its price depends on."""
    network = network_of([0.5, 0.4, 0.3], [(0, 1, 0.8, 0.3), (1, 2, 0.9, 0.1)])
    question = ask(network, no_evidence(3), {0: True})
    exposures = Exposures(np.array([1, 2]), np.array([0, 1]), np.array([0.5, -0.2]), 2)
    before, after = question.shifts.before, question.shifts.after

    assert not needs_samples(question, exposures, max_enumerated=1)
    found = compound(question, exposures, seed=1, max_enumerated=1)
    expected = [(1 + 0.5 * after[1]) / (1 + 0.5 * before[1]) - 1, (1 - 0.2 * after[2]) / (1 - 0.2 * before[2]) - 1]
    np.testing.assert_allclose(found.changes, expected, rtol=1e-12)


def test_independent_claims_need_no_samples() -> None:
    """However many: their expectations multiply."""
    network = network_of([0.5] * 41, [(0, 1, 0.8, 0.3)])
    question = ask(network, no_evidence(41), {0: True})
    claims = np.arange(1, 41)
    exposures = Exposures(claims, np.zeros(40, np.int64), np.full(40, 0.1), 1)

    assert not needs_samples(question, exposures, max_enumerated=2)
    found = compound(question, exposures, seed=1, max_enumerated=2)
    after = question.shifts.after[1]
    assert found.changes[0] == pytest.approx((1 + 0.1 * after) / 1.05 - 1, rel=1e-12)


def test_samples_that_are_needed_must_be_there() -> None:
    """A part too large to enumerate without a bank is an error, not a guess."""
    network = network_of([0.5] * 3, [(0, 1, 0.8, 0.3), (1, 2, 0.9, 0.1)])
    question = ask(network, no_evidence(3), {0: True})
    exposures = Exposures(np.array([1, 2]), np.array([0, 0]), np.array([0.5, -0.2]), 1)

    assert needs_samples(question, exposures, max_enumerated=1)
    with pytest.raises(ValueError, match="expected a bank"):
        compound(question, exposures, seed=1, max_enumerated=1)


def test_a_price_that_is_lost_falls_by_all_of_it() -> None:
    """An impact of -1 that is supposed to happen leaves nothing, and no more than all can be lost."""
    network = network_of([0.5, 0.5], [(0, 1, 0.9, 0.1)])
    question = ask(network, no_evidence(2), {0: True})
    exposures = Exposures(np.array([0, 1]), np.array([0, 0]), np.array([-1.0, 3.0]), 1)

    assert compound(question, exposures, seed=1).changes.tolist() == [-1.0]


def test_what_is_known_already_changes_nothing() -> None:
    """A claim observed before has its factor on both sides, even one of 0."""
    network = network_of([0.5, 0.5, 0.5], [(0, 1, 0.9, 0.1)])
    evidence = observe(no_evidence(3), {2: True})
    question = ask(network, evidence, {0: True})
    alone = Exposures(np.array([1]), np.array([0]), np.array([0.3]), 1)
    beside = Exposures(np.array([1, 2]), np.array([0, 0]), np.array([0.3, -1.0]), 1)

    assert compound(question, beside, seed=1).changes == compound(question, alone, seed=1).changes


@given(
    impacts=st.lists(st.floats(-1.0, 20.0), min_size=4, max_size=4),
    outcome=st.booleans(),
    is_sampled=st.booleans(),
)
def test_nothing_falls_by_more_than_all(impacts: list[float], outcome: bool, is_sampled: bool) -> None:
    """Whatever the impacts, and however rough the estimate."""
    claims = np.arange(4)
    exposures = Exposures(claims, np.zeros(4, np.int64), np.array(impacts), 1)
    question = CHAIN[outcome]

    found = sampled(question, exposures) if is_sampled else compound(question, exposures, seed=1)

    assert found.changes[0] >= -1.0
    assert np.isfinite(found.changes).all()
    assert np.isfinite(found.standard_errors).all()


def chain(outcome: bool) -> Question:
    """A chain of five claims whose first one is supposed."""
    edges = [(number, number + 1, 0.8, 0.2) for number in range(4)]
    return ask(network_of([0.5] * 5, edges), no_evidence(5), {0: outcome})


CHAIN = {outcome: chain(outcome) for outcome in (False, True)}


def test_small_impacts_add_up() -> None:
    """To first order the change is the sum of impact times shift, whatever depends on what."""
    question = CHAIN[True]
    claims = np.arange(1, 5)
    exposures = Exposures(claims, np.zeros(4, np.int64), np.full(4, 1e-5), 1)

    assert compound(question, exposures, seed=1).changes[0] == pytest.approx(
        1e-5 * question.shifts.deltas[1:].sum(), rel=1e-3
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_impacts_of_one_sign_move_a_price_that_way(sign: float) -> None:
    """Where every claim rises, benefits raise the price and harms lower it."""
    exposures = Exposures(np.arange(5), np.zeros(5, np.int64), np.full(5, 0.3 * sign), 1)

    assert compound(CHAIN[True], exposures, seed=1).changes[0] * sign > 0.0


@pytest.mark.parametrize("impact", [-0.9, 50.0])
@pytest.mark.parametrize("is_sampled", [False, True])
def test_prices_of_thousands_of_claims_are_numbers(impact: float, *, is_sampled: bool) -> None:
    """Whose product is too small or too large for one; the change is that of the few that move."""
    edges = [(0, 1, 0.8, 0.3), (1, 2, 0.6, 0.2)]
    question = ask(network_of([0.5] * 2_000, edges), no_evidence(2_000), {0: True})
    claims = np.arange(1, 2_000)
    all_of_them = Exposures(claims, np.zeros(claims.size, np.int64), np.full(claims.size, impact), 1)
    few = Exposures(claims[:2], np.zeros(2, np.int64), np.full(2, impact), 1)
    bank = bank_of(question) if is_sampled else None

    found, expected = (
        compound(question, exposures, bank, seed=1, max_enumerated=1 if is_sampled else 16).changes
        for exposures in (all_of_them, few)
    )

    assert found == pytest.approx(expected, rel=1e-6)


def test_a_change_beyond_all_numbers_is_an_error() -> None:
    """And no infinity: 400 claims that turn from almost impossible to almost certain, each a hundredfold gain."""
    count = 400
    question = ask(network_of([0.5] * count, []), no_evidence(count), {0: True})
    shifts = replace(question.shifts, before=np.full(count, 1e-9), after=np.full(count, 0.999))
    exposures = Exposures(np.arange(1, count), np.zeros(count - 1, np.int64), np.full(count - 1, 100.0), 1)

    with pytest.raises(ArithmeticError, match="expected a price to rise by a factor of up to"):
        compound(replace(question, shifts=shifts), exposures, seed=1)


def test_errors_of_sampled_shifts_are_carried() -> None:
    """A price of one claim is no better known than the claim."""
    model: CalibratedNetwork = CHAIN[True].model
    bank = draw_bank(model, no_evidence(5), seed=1)
    shifts = shifts_by_samples(bank, {0: True}, seed=1)
    exposures = Exposures(np.array([4]), np.array([0]), np.array([0.5]), 1)
    assert shifts.standard_errors is not None

    found = compound(Question(model, no_evidence(5), {0: True}, shifts), exposures, seed=1)

    before, after = shifts.before[4], shifts.after[4]
    assert found.standard_errors[0] == pytest.approx(0.5 * shifts.standard_errors[4] / (1.0 + 0.5 * before))
    assert found.changes[0] == pytest.approx((1.0 + 0.5 * after) / (1.0 + 0.5 * before) - 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_dependences_that_are_borrowed_count_as_errors(seed: int) -> None:
    """Where too few samples have the outcomes, and none may be drawn, claims depend on each other as before."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 10)
    evidence = random_evidence(generator, 10, num_observed=1)
    free = np.flatnonzero(~evidence.is_observed)
    question = ask(network, evidence, {int(free[seed % free.size]): True})
    exposures = exposures_of(generator, free.tolist(), most=0.4)

    found = compound(question, exposures, bank_of(question), seed=1, max_enumerated=1, min_matching=1 << 20, max_work=0)

    errors = np.abs(found.changes - enumerated(question, exposures))
    assert (errors <= 5.0 * found.standard_errors + 0.002).all()
    assert (found.standard_errors < 0.5).all()
