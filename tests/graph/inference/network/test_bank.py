"""The sample bank: what it promises of itself. Its answers are in test_laws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.network.bank import (
    MAX_EVIDENCE_DEVIATION,
    MAX_REPLICATES,
    _BankSetup,
    _disagreement,
    _evidence_deviation,
    bank_bytes,
    draw_bank,
)
from graph.inference.network.diagnostics import Method
from graph.inference.network.errors import Cancelled, TooLargeError
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence, no_evidence, observe
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate, relevant_claims
from graph.inference.network.streams import salt
from tests.helpers.networks import (
    Asked,
    enumerate_marginals,
    four_claims,
    joint_distribution,
    network_of,
    random_evidence,
    random_network,
    states_of,
    two_hubs,
)


def case(seed: int = 0) -> tuple[CalibratedNetwork, Evidence]:
    generator = np.random.default_rng(seed)
    return calibrate(random_network(generator, 10)), random_evidence(generator, 10)


def test_the_same_seed_draws_the_same_bank() -> None:
    """Another seed another one, and each replicate another."""
    model, evidence = case()
    one, again, other = (draw_bank(model, evidence, seed=seed, num_replicates=2) for seed in (1, 1, 2))

    assert_array_equal(one.bits, again.bits)
    assert_array_equal(one.beliefs.marginals, again.beliefs.marginals)
    assert (one.bits != other.bits).any()
    assert (one.bits[:, 0] != one.bits[:, 1]).any()


def test_more_replicates_leave_the_first_ones_alone() -> None:
    """Each is drawn by its own number."""
    model, evidence = case()
    two, four = (draw_bank(model, evidence, seed=1, num_replicates=number) for number in (2, 4))

    assert_array_equal(four.bits[:, :2], two.bits)


def test_a_claim_without_evidence_leaves_the_other_samples_alone() -> None:
    """One that nothing follows from, added to a bank with evidence."""
    generator = np.random.default_rng(7)
    network = random_network(generator, 10)
    evidence = random_evidence(generator, 10)
    tables = zip(network.p_if_true.tolist(), network.p_if_false.tolist(), network.edge_links.tolist(), strict=True)
    edges = [(int(network.link_parents[e]), int(network.link_children[e]), t, f) for t, f, e in tables]
    larger = network_of([*network.prior_marginals, 0.3], [*edges, (2, 10, 0.8, 0.3)])
    more = make_evidence(np.append(evidence.llr, 0.0), np.append(evidence.observed, -1).astype(np.int8))
    before, after = draw_bank(calibrate(network), evidence, seed=3), draw_bank(calibrate(larger), more, seed=3)

    assert_array_equal(after.bits[:10], before.bits)


def test_bits_and_marginals_tell_the_same() -> None:
    """Marginals are averaged over what decides each bit, so they differ by less than the bits' own noise."""
    model, evidence = case(1)
    bank = draw_bank(model, evidence, seed=1)
    frequencies = np.bitwise_count(bank.bits).sum(axis=2) / 4096

    assert_allclose(frequencies.mean(axis=1), bank.beliefs.marginals, atol=0.015)
    assert_allclose(bank.replicate_marginals.mean(axis=0), bank.beliefs.marginals, atol=1e-12)
    observed = evidence.is_observed
    assert_array_equal(bank.beliefs.marginals[observed], evidence.observed[observed])


@pytest.mark.parametrize("seed", range(3))
def test_the_answer_does_not_depend_on_the_proposal(seed: int) -> None:
    """A proposal that points the other way costs ancestors, not the truth."""
    model, evidence = case(seed)
    expected = enumerate_marginals(model, evidence)
    wrong = np.random.default_rng(seed).normal(0.0, 3.0, 10)
    bank = draw_bank(model, evidence, seed=1, proposal=wrong, num_replicates=8)
    default = draw_bank(model, evidence, seed=1, num_replicates=8)

    for drawn in (bank, default):
        assert drawn.beliefs.diagnostics.standard_error is not None
        assert_allclose(drawn.beliefs.marginals, expected, atol=4.0 * drawn.beliefs.diagnostics.standard_error)
    fewer, more = (drawn.beliefs.diagnostics.surviving_ancestors for drawn in (bank, default))
    assert fewer is not None
    assert more is not None
    assert fewer < more


def test_standard_errors_are_those_of_the_mean() -> None:
    """Over a hundred banks, marginals spread by what each bank says, of claims with evidence and of others."""
    generator = np.random.default_rng(2)
    model = calibrate(random_network(generator, 10))
    evidence = make_evidence(np.where(np.arange(10) < 6, 1.5, 0.0), np.full(10, -1, np.int8))
    relevant = relevant_claims(model, evidence)
    banks = [draw_bank(model, evidence, seed=seed, num_samples=512) for seed in range(100)]
    means = np.array([bank.beliefs.marginals for bank in banks])
    stated = np.array([bank.beliefs.standard_errors for bank in banks], np.float64)
    scores = (means - means.mean(axis=0)) / stated

    assert 0 < relevant.sum() < 10
    for part in (relevant, ~relevant):
        spread, said = np.square(means[:, part].std(axis=0)).mean(), np.square(stated[:, part]).mean()
        assert np.sqrt(said) == pytest.approx(np.sqrt(spread), rel=0.25)
    assert np.mean(np.abs(scores[:, relevant]) > 2.0) < 0.075
    own = [bank.replicate_marginals.std(axis=0, ddof=1)[relevant] / 2.0 for bank in banks]
    assert np.mean(np.abs(scores * stated)[:, relevant] > 2.0 * np.array(own)) > 0.1


def test_it_says_how_it_was_drawn() -> None:
    """Method, numbers, errors, seed."""
    model, evidence = case(3)
    bank = draw_bank(model, evidence, seed=11, num_replicates=3, num_samples=1024)
    said = bank.beliefs.diagnostics

    assert (said.method, said.seed, said.num_replicates) == (Method.SAMPLE, 11, 3)
    assert said.num_samples == said.num_matching == bank.num_samples == 3072
    assert said.converged
    assert not said.reason
    assert said.standard_error == bank.beliefs.standard_errors.max() > 0.0  # type: ignore[union-attr]
    assert said.largest_difference == np.ptp(bank.replicate_marginals, axis=0).max()
    assert said.num_temperatures is not None
    assert said.num_temperatures >= 1
    assert said.seconds > 0.0


def test_few_surviving_ancestors_are_said_not_to_converge() -> None:
    """Of 256 samples there cannot be 400."""
    model, evidence = case(3)
    said = draw_bank(model, evidence, seed=1, num_samples=256).beliefs.diagnostics

    assert not said.converged
    assert said.reason.startswith("not converged: ")
    assert "surviving ancestors, expected 400 or more" in said.reason


def test_replicates_that_differ_by_chance_have_converged() -> None:
    """Of two thousand claims with 448 samples each, one may differ by more than 0.05 between two replicates."""
    edges = [(claim, claim + 1, 0.8, 0.2) for claim in range(0, 1999, 2)]
    model = calibrate(network_of([0.5] * 2000, edges), num_samples=64)
    evidence = make_evidence(np.resize([0.0, 0.01], 2000), no_evidence(2000).observed)
    banks = [draw_bank(model, evidence, seed=seed, num_samples=448, num_replicates=2) for seed in range(4)]
    said = [bank.beliefs.diagnostics for bank in banks]

    assert [one.converged for one in said] == [True] * 4
    assert max(one.largest_difference or 0.0 for one in said) > 0.05


@pytest.mark.parametrize("seed", range(3))
def test_replicates_that_miss_different_modes_are_not_converged(seed: int) -> None:
    """Each has half of the evidence, so that only the marginals tell."""
    network, evidence = two_hubs(np.random.default_rng(seed))
    model = calibrate(network)
    setups = [
        _BankSetup(model, evidence, np.array([limit, limit] + [0.0] * 60), 4096, lambda: False, None)
        for limit in (8.0, -8.0)
    ]
    outcomes = [setups[number % 2].draw(salt(seed, number)) for number in range(4)]
    reason = _disagreement(np.array([one.marginals for one in outcomes]), outcomes, evidence.is_observed)

    assert reason.startswith("not converged: replicates of a claim range over ")
    assert "expected 4.7 or less" in reason


def test_without_evidence_every_sample_is_its_own_ancestor() -> None:
    """Nothing is resampled away, nothing weighed."""
    model, _ = case(4)
    said = draw_bank(model, no_evidence(10), seed=1).beliefs.diagnostics

    assert said.surviving_ancestors == 4096
    assert said.weight_variance == 0.0


def test_replicates_are_added_until_they_are_precise(monkeypatch: pytest.MonkeyPatch) -> None:
    """In as many as before, so that the first ones stay; at some point it is enough, and the answer says so."""
    model, evidence = case(5)
    rough = draw_bank(model, evidence, seed=1, num_samples=256)
    fine = draw_bank(model, evidence, seed=1, num_samples=256, target_error=0.005)
    never = draw_bank(model, evidence, seed=1, num_samples=256, target_error=1e-9)
    monkeypatch.setattr("graph.inference.network.bank.MAX_SWEPT", 1)
    long = draw_bank(model, evidence, seed=1, num_samples=256, target_error=1e-9)
    said = fine.beliefs.diagnostics
    assert rough.beliefs.diagnostics.standard_error is not None
    assert said.standard_error is not None

    assert rough.beliefs.diagnostics.standard_error > 0.005 >= said.standard_error
    assert 4 < fine.num_replicates < MAX_REPLICATES
    assert_array_equal(fine.bits[:, :4], rough.bits)
    assert (said.precision_reached, rough.beliefs.diagnostics.precision_reached) == (True, True)
    assert (never.num_replicates, never.beliefs.diagnostics.precision_reached) == (MAX_REPLICATES, False)
    assert (long.num_replicates, long.beliefs.diagnostics.precision_reached) == (4, False)


@pytest.mark.parametrize("seed", range(10))
def test_leaves_with_evidence_are_summed_out(seed: int) -> None:
    """Children with evidence, of few and of many parents, against enumeration; none of them weighs on its own."""
    generator = np.random.default_rng(seed)
    edges = [(parent, 9, *generator.uniform(0.1, 0.9, 2).tolist()) for parent in range(9)]
    edges += [(parent, 10, *generator.uniform(0.1, 0.9, 2).tolist()) for parent in range(2)]
    model = calibrate(network_of(generator.uniform(0.1, 0.9, 11), edges))
    evidence = make_evidence(np.where(np.arange(11) >= 9, 2.0, 0.0), np.full(11, UNKNOWN, np.int8))
    bank = draw_bank(model, evidence, seed=seed)
    assert bank.beliefs.diagnostics.standard_error is not None
    frequencies = np.bitwise_count(bank.bits).sum(axis=(1, 2)) / bank.num_samples

    expected = enumerate_marginals(model, evidence)
    assert_allclose(bank.beliefs.marginals, expected, atol=5.0 * bank.beliefs.diagnostics.standard_error)
    assert_allclose(frequencies, expected, atol=0.02)


def test_memory_is_stated_and_bounded() -> None:
    """A byte for each sample of each relevant claim, a bit for all."""
    model, evidence = case(5)
    needed = bank_bytes(model, evidence, num_replicates=1, num_samples=1024)

    assert 10 * 2 * 128 < needed <= 10 * 2 * 128 + 10 * 1024
    with pytest.raises(TooLargeError, match=f"at most {needed - 1} bytes, got {needed}"):
        draw_bank(model, evidence, seed=1, num_replicates=1, num_samples=1024, max_memory_bytes=needed - 1)
    draw_bank(model, evidence, seed=1, num_replicates=1, num_samples=1024, max_memory_bytes=needed)


def test_it_can_be_stopped_anywhere() -> None:
    """Whichever question is answered so: no bank comes of it, and the next question is not asked."""
    model, evidence = case(6)
    never = Asked(-1)
    draw_bank(model, evidence, seed=1, num_replicates=1, should_stop=never)
    num_questions = never.count

    assert num_questions > 10
    for last in range(num_questions):
        asked = Asked(last)
        with pytest.raises(Cancelled):
            draw_bank(model, evidence, seed=1, num_replicates=1, should_stop=asked)
        assert asked.count == last + 1


def test_numbers_that_make_no_bank_are_refused() -> None:
    """No replicate, samples that fill no word, evidence of another network."""
    model, evidence = case(6)
    with pytest.raises(ValueError, match="one replicate or more, got 0"):
        draw_bank(model, evidence, seed=1, num_replicates=0)
    with pytest.raises(ValueError, match="a multiple of 64 samples"):
        draw_bank(model, evidence, seed=1, num_samples=100)
    with pytest.raises(ValueError, match="evidence on 10 claims, got 3"):
        draw_bank(model, no_evidence(3), seed=1)


def test_an_impossible_looking_outcome_is_no_error() -> None:
    """Observed against all evidence: weights tell, and the parents follow."""
    model = calibrate(network_of([0.02, 0.03], [(0, 1, 0.9, 0.0121)]))
    bank = draw_bank(model, observe(no_evidence(2), {1: True}), seed=1)

    assert bank.beliefs.marginals[0] == pytest.approx(0.02 * 0.9 / (0.02 * 0.9 + 0.98 * 0.0121), abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_two_hubs_that_nothing_tells_apart_stay_in_doubt(seed: int) -> None:
    """LBP decides for one of two equal modes; the truth is a half, by symmetry and by the sum over the hubs."""
    network, evidence = two_hubs(np.random.default_rng(seed))
    model = calibrate(network)
    beliefs = draw_bank(model, evidence, seed=seed).beliefs
    assert beliefs.standard_errors is not None

    assert infer_exactly(model, evidence).marginals[:2] == pytest.approx([0.5, 0.5], abs=0.005)
    assert propagate(model, evidence).beliefs.marginals[:2] != pytest.approx([0.5, 0.5], abs=0.4)
    assert_allclose(beliefs.marginals[:2], 0.5, atol=0.02)
    assert (np.abs(beliefs.marginals[:2] - 0.5) < 5.0 * beliefs.standard_errors[:2]).all()


@pytest.mark.parametrize("seed", range(3))
def test_four_nearly_determined_claims_are_not_taken_for_certain(seed: int) -> None:
    """Where LBP is sure of the wrong, against enumeration."""
    network, evidence = four_claims()
    model = calibrate(network)
    expected = enumerate_marginals(model, evidence)
    beliefs = draw_bank(model, evidence, seed=seed).beliefs

    assert expected[0] == pytest.approx(0.976, abs=0.002)
    assert propagate(model, evidence).beliefs.marginals[0] > 0.999
    assert_allclose(beliefs.marginals, expected, atol=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_replicates_that_all_miss_a_mode_are_not_converged(seed: int) -> None:
    """The last of four has another proposal, so that it finds the mode, and more evidence than the others."""
    network, evidence = two_hubs(np.random.default_rng(seed))
    model = calibrate(network)
    setups = [
        _BankSetup(model, evidence, np.array([-limit, -limit] + [0.0] * 60), 4096, lambda: False, None)
        for limit in (8.0, 1.5)
    ]
    outcomes = [setups[number == 3].draw(salt(seed, number)) for number in range(4)]
    agreeing = [setups[1].draw(salt(seed, number)) for number in range(4)]

    assert _evidence_deviation(outcomes) > MAX_EVIDENCE_DEVIATION
    assert _evidence_deviation(agreeing) < MAX_EVIDENCE_DEVIATION
    reason = _disagreement(np.array([one.marginals for one in outcomes]), outcomes, evidence.is_observed)
    assert "standard errors from that of the others" in reason


@pytest.mark.parametrize("seed", range(10))
def test_replicates_estimate_the_evidence(seed: int) -> None:
    """The log of its probability, against enumeration, whichever proposal they are drawn from."""
    model, evidence = case(seed)
    n = model.network.num_claims
    observed = evidence.is_observed
    states, prior = states_of(n), joint_distribution(model, no_evidence(n))
    likelihood = np.exp(states @ evidence.llr) * (states[:, observed] == evidence.observed[observed]).all(axis=1)
    for proposal in (np.zeros(n), np.clip(propagate(model, evidence).proposal, -2.0, 2.0)):
        drawn = _BankSetup(model, evidence, proposal, 4096, lambda: False, None).draw(salt(seed, 1))
        assert drawn.log_evidence == pytest.approx(
            np.log(prior @ likelihood), abs=5.0 * np.sqrt(drawn.evidence_variance) + 1e-3
        )


def test_the_last_of_four_replicates_has_a_weaker_proposal() -> None:
    """And the others the one that LBP gives."""
    network, evidence = two_hubs(np.random.default_rng(0))
    model = calibrate(network)
    proposal = propagate(model, evidence).proposal
    bank = draw_bank(model, evidence, seed=1, num_replicates=8, num_samples=256)
    strong, weak = (
        _BankSetup(model, evidence, np.clip(proposal, -limit, limit), 256, lambda: False, None) for limit in (2.0, 1.5)
    )

    assert np.abs(proposal[:2]).min() > 2.0
    assert (weak.draw(1).bits != strong.draw(1).bits).any()
    for number in range(8):
        drawn = (weak if number in {3, 7} else strong).draw(salt(1, number))
        assert_array_equal(bank.bits[:, number], drawn.bits)


def test_an_unobserved_claim_has_an_error_though_it_rounds_to_certainty() -> None:
    """Half a sample at least, even where all replicates give the same."""
    model = calibrate(network_of([1e-17, 0.5], []), num_samples=64)
    beliefs = draw_bank(model, make_evidence(np.array([-20.0, 0.0]), np.full(2, -1, np.int8)), seed=1).beliefs

    assert beliefs.standard_errors is not None
    assert (beliefs.standard_errors >= 0.5 / (4 * 4096)).all()
