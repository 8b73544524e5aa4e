"""What if these claims resolved?"""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import FloatArray, logits, sigmoids
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.diagnostics import Method
from graph.inference.network.evidence import Evidence, intervene, make_evidence, no_evidence, observe
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate
from graph.inference.network.shifts import (
    Base,
    Shifts,
    count_true,
    matching_samples,
    shifts_by_lbp,
    shifts_by_samples,
    shifts_exactly,
)
from tests.helpers.networks import (
    enumerate_marginals,
    joint_distribution,
    network_of,
    only,
    random_evidence,
    random_network,
    states_of,
)

SEEDS = range(20)


def case(seed: int) -> tuple[CalibratedNetwork, Evidence, dict[int, bool]]:
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 10))
    evidence = random_evidence(generator, 10)
    free = np.flatnonzero(~evidence.is_observed)
    claims = generator.choice(free, 2, replace=False).tolist()
    return model, evidence, {int(claim): bool(generator.random() < 0.5) for claim in claims}


def conditioned(model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool]) -> FloatArray:
    """By the definition of conditional probability."""
    states, joint = states_of(10), joint_distribution(model, evidence)
    agrees = np.all([states[:, claim] == outcome for claim, outcome in outcomes.items()], axis=0)
    marginals: FloatArray = (joint * agrees) @ states / joint[agrees].sum()
    return marginals


def forced(model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool]) -> FloatArray:
    """By the truncated product: P(claim | parents) of the forced claims is left out."""
    states, joint = states_of(10), joint_distribution(model, evidence)
    network = model.network
    for claim, outcome in outcomes.items():
        log_odds = np.full(states.shape[0], model.intercepts[claim])
        for link in range(network.parent_start[claim], network.parent_start[claim + 1]):
            log_odds += network.weights[link] * states[:, network.link_parents[link]]
        joint = joint * (1.0 + np.exp(-log_odds if outcome else log_odds)) * (states[:, claim] == outcome)
    marginals: FloatArray = joint @ states / joint.sum()
    return marginals


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_intervention", [False, True])
def test_exact_shifts_follow_the_definitions(seed: int, is_intervention: bool) -> None:
    """Observing conditions; intervening leaves the forced claims' own factors out."""
    model, evidence, outcomes = case(seed)
    shifts = shifts_exactly(model, evidence, outcomes, is_intervention=is_intervention)
    expected = forced if is_intervention else conditioned

    assert_allclose(shifts.before, enumerate_marginals(model, evidence), atol=1e-9)
    assert_allclose(shifts.after, expected(model, evidence, outcomes), atol=1e-9)
    assert shifts.diagnostics.method is Method.EXACT


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_intervention", [False, True])
def test_lbp_from_the_base_is_lbp_from_nothing(seed: int, is_intervention: bool) -> None:
    """Where to begin does not decide where to arrive; the base saves sweeps."""
    model, evidence, outcomes = case(seed)
    warm = shifts_by_lbp(
        model, evidence, outcomes, base=Base(propagate(model, evidence)), is_intervention=is_intervention
    )
    cold = propagate(*intervene(model, evidence, outcomes) if is_intervention else (model, observe(evidence, outcomes)))

    assert_allclose(warm.after, cold.beliefs.marginals, atol=1e-5)
    assert_allclose(warm.before, propagate(model, evidence).beliefs.marginals, atol=0.0)
    assert [warm.after[claim] for claim in outcomes] == [float(outcome) for outcome in outcomes.values()]


def agrees(shifts: Shifts, expected: FloatArray, before: FloatArray) -> None:
    assert shifts.diagnostics.standard_error is not None
    error = 4.0 * shifts.diagnostics.standard_error + 1e-3
    assert_allclose(shifts.after, expected, atol=error)
    assert_allclose(shifts.deltas, expected - before, atol=error)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stored_bank_answers_where_enough_samples_agree(seed: int) -> None:
    """By counting, and within four standard errors of enumeration."""
    model, evidence, outcomes = case(seed)
    bank = draw_bank(model, evidence, seed=seed, num_replicates=8)
    likely = {claim: bool(bank.beliefs.marginals[claim] > 0.5) for claim in outcomes}
    shifts = shifts_by_samples(bank, likely, seed=seed)

    assert not shifts.diagnostics.is_fresh
    assert 2_500 <= shifts.diagnostics.num_matching < shifts.diagnostics.num_samples == 8 * 4096
    agrees(shifts, conditioned(model, evidence, likely), enumerate_marginals(model, evidence))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_intervention", [False, True])
def test_a_fresh_bank_answers_where_they_are_too_few(seed: int, is_intervention: bool) -> None:
    """And says so; an intervention below something always takes one."""
    model, evidence, outcomes = case(seed)
    bank = draw_bank(model, evidence, seed=seed, num_replicates=8)
    limit = 0 if is_intervention and model.network.num_parents[list(outcomes)].any() else bank.num_samples + 1
    shifts = shifts_by_samples(bank, outcomes, seed=seed, is_intervention=is_intervention, min_matching=limit)
    expected = (forced if is_intervention else conditioned)(model, evidence, outcomes)

    assert shifts.diagnostics.is_fresh
    assert shifts.diagnostics.num_matching == shifts.diagnostics.num_samples
    agrees(shifts, expected, enumerate_marginals(model, evidence))


def coin_bank(seed: int = 1) -> Bank:
    """A rare cause of a likely effect, and a claim that has nothing to do with it."""
    model = calibrate(network_of([0.02, 0.5, 0.3], [(0, 1, 0.9, 0.492)]))
    return draw_bank(model, no_evidence(3), seed=seed)


def test_intervening_on_a_root_is_observing_it() -> None:
    """There is nothing to cut, so the stored bank answers."""
    bank = coin_bank()
    observed, forced_ = (
        shifts_by_samples(bank, {2: True}, seed=1, is_intervention=is_intervention) for is_intervention in (False, True)
    )

    assert not forced_.diagnostics.is_fresh
    assert_array_equal(observed.after, forced_.after)


def test_the_rule_of_which_bank_answers() -> None:
    """2,500 of 16,384 samples: a claim of 0.3 has them, one of 0.02 has not."""
    bank = coin_bank()
    likely, rare = (shifts_by_samples(bank, {claim: True}, seed=1) for claim in (2, 0))

    assert (likely.diagnostics.is_fresh, rare.diagnostics.is_fresh) == (False, True)
    assert rare.after[1] == pytest.approx(0.9, abs=0.005)
    assert likely.after[1] == pytest.approx(0.5, abs=0.03)
    assert likely.deltas[2] == 1.0 - likely.before[2]


def test_shifts_are_ranked_by_their_size() -> None:
    """The largest first, whichever way it goes."""
    shifts = shifts_exactly(coin_bank().model, no_evidence(3), {0: True})

    assert shifts.ranked().tolist() == [0, 1, 2]
    assert shifts.ranked(1).tolist() == [0]
    assert shifts.deltas[[1, 2]] == pytest.approx([0.4, 0.0], abs=1e-3)


def test_an_outcome_replaces_what_was_known() -> None:
    """Supposing the opposite of what happened is a question too, and takes a fresh bank."""
    model, _, _ = case(0)
    evidence = observe(no_evidence(10), {4: True})
    bank = draw_bank(model, evidence, seed=1)
    shifts = shifts_by_samples(bank, {4: False}, seed=2)

    assert shifts.diagnostics.is_fresh
    assert (shifts.before[4], shifts.after[4]) == (1.0, 0.0)
    assert_allclose(shifts.after, enumerate_marginals(model, observe(no_evidence(10), {4: False})), atol=0.03)


def test_only_what_is_asked_is_computed_exactly() -> None:
    """Others are not there, rather than wrong."""
    model, evidence, outcomes = case(1)
    asked = only(10, 3)
    shifts = shifts_exactly(model, evidence, outcomes, asked=asked)

    assert shifts.after[3] == pytest.approx(conditioned(model, evidence, outcomes)[3], abs=1e-9)
    others = ~asked & ~observe(evidence, outcomes).is_observed
    assert np.isnan(shifts.after[others]).all()


def test_bits_are_counted_as_they_stand() -> None:
    """Against a count in plain integers."""
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2**63, (600, 2, 3), dtype=np.uint64)
    matching = generator.integers(0, 2**63, (2, 3), dtype=np.uint64)
    expected = [
        [sum(int(a & b).bit_count() for a, b in zip(row[r], matching[r], strict=True)) for r in range(2)]
        for row in bits
    ]

    assert count_true(bits, matching).tolist() == expected


def test_matching_samples_have_all_outcomes() -> None:
    """Several observations narrow the samples to those that have all of them."""
    bank = coin_bank()
    both = matching_samples(bank, {1: True, 2: False})

    assert_array_equal(both, bank.bits[1] & ~bank.bits[2])


def test_questions_that_make_no_sense_are_refused() -> None:
    """Nothing supposed, nobody there, or another network's base."""
    bank = coin_bank()
    with pytest.raises(ValueError, match="one outcome or more"):
        shifts_by_samples(bank, {}, seed=1)
    with pytest.raises(ValueError, match="claims from 0 to 2, got 3"):
        shifts_exactly(bank.model, no_evidence(3), {3: True})
    other = calibrate(network_of([0.5, 0.5, 0.5], [(0, 1, 0.4, 0.6), (1, 2, 0.4, 0.6)]), num_samples=64)
    with pytest.raises(ValueError, match="messages of 1 links, got 2"):
        shifts_by_lbp(bank.model, no_evidence(3), {0: True}, base=Base(propagate(other, no_evidence(3))))


def scattered_case(seed: int, num_others: int = 200) -> tuple[CalibratedNetwork, Evidence]:
    """A cause of an effect, and two hundred claims with evidence that have nothing to do with either."""
    generator = np.random.default_rng(seed)
    n = num_others + 2
    edges = [(0, 1, 0.7, 0.3)] + [(claim, claim + 1, 0.8, 0.3) for claim in range(2, n - 1, 2)]
    llr = np.where(np.arange(n) >= 2, generator.normal(0.0, 0.5, n), 0.0)
    model = calibrate(network_of(generator.uniform(0.2, 0.8, n), edges), num_samples=4096)
    return model, make_evidence(llr, no_evidence(n).observed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_intervention", [False, True])
@pytest.mark.parametrize("min_matching", [2_500, 10**6])
def test_what_nothing_joins_to_an_outcome_does_not_move(seed: int, *, is_intervention: bool, min_matching: int) -> None:
    """Not by noise either: from the stored bank, from a fresh one, and by the other methods."""
    model, evidence = scattered_case(seed)
    bank = draw_bank(model, evidence, seed=seed)
    sampled = shifts_by_samples(
        bank, {0: True}, seed=seed + 9, is_intervention=is_intervention, min_matching=min_matching
    )
    assert sampled.diagnostics.is_fresh == (min_matching > 2_500)

    for shifts in (
        sampled,
        shifts_exactly(model, evidence, {0: True}, is_intervention=is_intervention),
        shifts_by_lbp(model, evidence, {0: True}, is_intervention=is_intervention),
    ):
        assert (shifts.deltas[2:] == 0.0).all()
        assert shifts.above_noise(1e-6).tolist() == shifts.ranked(2).tolist()
    assert sampled.standard_errors is not None
    assert (sampled.standard_errors[2:] == 0.0).all()


@pytest.mark.parametrize("seed", range(3))
def test_of_what_hardly_moves_noise_is_not_counted(seed: int) -> None:
    """Two hundred effects that a cause moves by 1e-9, and one that it moves by 0.02."""
    generator = np.random.default_rng(seed)
    edges = [(0, child, 0.5 + 1e-9, 0.5) for child in range(1, 201)] + [(0, 201, 0.56, 0.5)]
    model = calibrate(network_of([0.5, *generator.uniform(0.2, 0.8, 201)], edges), num_samples=64)
    bank = draw_bank(model, no_evidence(202), seed=seed)
    stored, fresh = (shifts_by_samples(bank, {0: True}, seed=seed + 9, min_matching=least) for least in (1, 10**6))

    assert stored.above_noise(1e-6).tolist() in ([0, 201], [0])
    assert fresh.above_noise(1e-6).tolist() == [0, 201]


@pytest.mark.parametrize("seed", range(3))
def test_the_stored_bank_compares_like_with_like(seed: int) -> None:
    """Shifts are in log-odds between frequencies of the same bits, here counted sample by sample."""
    model, evidence, _ = case(seed)
    bank = draw_bank(model, evidence, seed=seed)
    claim = int(np.flatnonzero(~evidence.is_observed)[0])
    outcome = bool(bank.beliefs.marginals[claim] > 0.5)
    shifts = shifts_by_samples(bank, {claim: outcome}, seed=seed)
    samples = np.unpackbits(bank.bits.view(np.uint8), axis=-1, bitorder="little").reshape(10, -1)
    chosen = samples[:, samples[claim] == outcome]
    moved = np.flatnonzero(shifts.deltas)
    before, after = (
        logits((some[moved].sum(axis=1) + shifts.before[moved]) / (some.shape[1] + 1)) for some in (samples, chosen)
    )

    moved_only = moved != claim
    expected = sigmoids(logits(shifts.before[moved]) + after - before)
    assert not shifts.diagnostics.is_fresh
    assert moved_only.sum() >= 3
    assert_allclose(shifts.after[moved][moved_only], expected[moved_only], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_standard_errors_of_shifts_hold(seed: int) -> None:
    """Over thirty banks and all claims, |z| > 2 in some one of twenty, for stored and fresh samples alike."""
    model, evidence, _ = case(seed)
    exact = enumerate_marginals(model, evidence)
    claim = int(np.flatnonzero(~evidence.is_observed)[0])
    outcomes = {claim: bool(exact[claim] > 0.5)}
    expected = conditioned(model, evidence, outcomes) - exact
    for least in (1, 10**6):
        scores = []
        for number in range(30):
            bank = draw_bank(model, evidence, seed=number, num_samples=1024)
            shifts = shifts_by_samples(bank, outcomes, seed=number + 100, min_matching=least)
            assert shifts.standard_errors is not None
            moved = (shifts.deltas != 0.0) & (np.arange(10) != claim)
            scores += ((shifts.deltas - expected)[moved] / shifts.standard_errors[moved]).tolist()
        assert np.mean(np.abs(scores) > 2.0) < 0.12
        assert 0.5 < np.std(scores) < 1.4
