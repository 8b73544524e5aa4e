"""Claims of one event by several dates, against enumeration and hazards written down directly."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.families import fit_curve
from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.auto import infer, with_lbp_errors
from graph.inference.network.bank import draw_bank
from graph.inference.network.dates import DatedClaims, join_dates
from graph.inference.network.evidence import Evidence, make_evidence, no_evidence, observe, suppose
from graph.inference.network.exact import Budget, infer_exactly
from graph.inference.network.groups import Group, join_groups
from graph.inference.network.intercepts import CalibratedNetwork, calibrate, recalibrate
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import propagate
from graph.inference.network.moving import move_marginals, weigh_bank
from graph.inference.network.shifts import (
    Drawing,
    shifts_by_auto,
    shifts_by_lbp,
    shifts_by_samples,
    shifts_exactly,
)
from graph.inference.network.structure import NO_GROUP
from graph.inference.network.uncertainty import UNKNOWN_ERROR, loop_error
from tests.helpers.estimates import assert_within, bound_of
from tests.helpers.networks import (
    enumerate_marginals,
    joint_distribution,
    network_of,
    only,
    random_evidence,
    random_network,
    states_of,
)

NUM_CLAIMS = 12

TIGHT = Budget(clique_claims=4, tree_entries=64)
"""Of exact inference: some parts fit, and some do not."""


def event_of(*claims: int, denies: tuple[int, ...] = (), dates: list[float] | None = None) -> DatedClaims:
    """Claims by date; some of them deny that it happens."""
    chosen = np.array(claims, np.int64)
    moments = np.arange(chosen.size, dtype=np.float64) if dates is None else np.array(dates)
    return DatedClaims(chosen, moments, np.isin(chosen, denies))


def of_event(event: DatedClaims, marginals: FloatArray) -> FloatArray:
    """The probabilities that it happens by the dates."""
    found: FloatArray = np.where(event.denies, 1.0 - marginals[..., event.claims], marginals[..., event.claims])
    return found


@pytest.mark.parametrize("denies", [(), (1,), (0, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("seed", range(4))
def test_an_event_of_its_own_is_a_variable_over_intervals(seed: int, denies: tuple[int, ...]) -> None:
    """Whatever evidence there is on its claims: intervals are weighed by Bayes' rule, and never is one of them."""
    generator = np.random.default_rng(seed)
    event = event_of(0, 1, 2, 3, denies=denies)
    marginals, llr = generator.uniform(0.02, 0.98, 4), generator.normal(0.0, 2.0, 4)
    network, (joined,) = join_dates(network_of(marginals, []), [event])
    model = calibrate(network)
    evidence = make_evidence(llr, no_evidence(4).observed)
    signs = np.where(event.denies, -1.0, 1.0)
    curve = fit_curve(event.dates, signs * logits(marginals)).probabilities
    shares = np.diff(curve, prepend=0.0, append=1.0)
    # In interval j the event has happened by date j and all later ones.
    happened = np.arange(5)[:, None] <= np.arange(4)
    states = np.where(event.denies, ~happened, happened)
    weights = shares * np.exp(states @ llr)

    assert joined is event
    assert_allclose(of_event(event, network.prior_marginals), curve, atol=1e-6)
    assert_allclose(infer_exactly(model, no_evidence(4)).marginals, network.prior_marginals, atol=1e-9)
    assert_allclose(infer_exactly(model, evidence).marginals, weights @ states / weights.sum(), atol=2e-6)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("denies", [(), (0,), (0, 1, 2)])
def test_one_parent_and_a_consistent_table_move_a_claim_to_what_the_table_says(
    place: int, denies: tuple[int, ...]
) -> None:
    """Law 3 of single claims, of any date; earlier ones move by the same log-odds, as nothing is stated of them."""
    event = event_of(0, 1, 2, denies=denies)
    curve, p, happens = np.array([0.2, 0.35, 0.6]), 0.3, 0.05
    table = np.array([happens, (curve[place] - p * happens) / (1.0 - p)])
    stated = np.where(event.denies, 1.0 - curve, curve)
    table = 1.0 - table if event.denies[place] else table
    network = network_of([*stated, p], [(3, place, *table.tolist())])
    model = calibrate(join_dates(network, [event])[0])

    for is_true, expected in zip((True, False), table, strict=True):
        found = infer_exactly(model, observe(no_evidence(4), {3: is_true})).marginals
        assert found[place] == pytest.approx(expected, abs=1e-9)
        assert (np.diff(of_event(event, found[:3])) > -1e-12).all()
        if place:
            moved = logits(of_event(event, found[:3]))
            other = infer_exactly(model, observe(no_evidence(4), {3: not is_true})).marginals
            differences = moved - logits(of_event(event, other[:3]))
            assert_allclose(differences[:place], differences[place], atol=1e-6)


def test_an_influence_on_an_early_date_passes_on_to_later_ones() -> None:
    """By the chain: given that it has not happened by then, nothing is learned of what comes."""
    network = network_of([0.3, 0.6, 0.5], [(2, 0, 0.5, 0.1)])
    model = calibrate(join_dates(network, [event_of(0, 1)])[0])
    hazard = 0.3 / 0.7

    found = infer_exactly(model, observe(no_evidence(3), {2: True})).marginals

    assert found[0] == pytest.approx(0.5, abs=1e-9)
    assert found[1] == pytest.approx(0.5 + 0.5 * hazard, abs=1e-9)


Case = tuple[CalibratedNetwork, Evidence, DatedClaims, list[int]]


def random_case(seed: int) -> Case:
    """A random network with four claims of an event, three outcomes that exclude each other, and others."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, NUM_CLAIMS, max_parents=3)
    chosen = generator.permutation(NUM_CLAIMS).tolist()
    claims = sorted(chosen[:4])  # influences lead from lower numbers to higher ones
    event = event_of(*claims, denies=tuple(claims[1:2] if seed % 2 else ()))
    joined = join_groups(network, [Group(np.array(chosen[4:7]), is_exhaustive=True)] if seed % 3 == 0 else [])
    dated, found = join_dates(joined, [event])
    evidence = random_evidence(generator, NUM_CLAIMS, num_observed=0)
    return calibrate(dated), evidence, event if found else event_of(), chosen


CASES = [seed for seed in range(14) if random_case(seed)[2].claims.size]


@pytest.mark.parametrize("seed", CASES)
def test_claims_of_random_networks_imply_those_of_later_dates(seed: int) -> None:
    """In every state that counts; each has its prior marginal; and exact inference is that."""
    model, evidence, event, _ = random_case(seed)
    states = states_of(NUM_CLAIMS)
    happened = np.where(event.denies, 1 - states[:, event.claims], states[:, event.claims])
    falls = (np.diff(happened, axis=1) < 0).any(axis=1)
    before = joint_distribution(model, no_evidence(NUM_CLAIMS))

    for joint in (before, joint_distribution(model, evidence)):
        assert joint[falls].sum() < 1e-9
    assert_allclose(before @ states, model.network.prior_marginals, atol=0.005)
    assert_allclose(infer_exactly(model, evidence).marginals, enumerate_marginals(model, evidence), atol=1e-9)


def assert_rises(case: Case, *answers: FloatArray) -> None:
    """The event's curve never falls, and all are probabilities."""
    for marginals in answers:
        assert ((marginals >= 0.0) & (marginals <= 1.0)).all()
        assert (np.diff(of_event(case[2], marginals)) >= -1e-9).all()


@pytest.mark.parametrize("seed", CASES)
def test_marginals_by_each_method_rise_within_their_errors(seed: int) -> None:
    """With evidence and without, by one method or by several, and after something is written."""
    case = random_case(seed)
    model, evidence, event, chosen = case
    exact = enumerate_marginals(model, evidence)
    bank = draw_bank(model, evidence, seed=seed)
    mixed = infer(model, evidence, seed=seed, budget=TIGHT)
    by_lbp = with_lbp_errors(model, evidence, propagate(model, evidence))
    llr = evidence.llr.copy()
    llr[[chosen[-1], int(event.claims[1])]] += 0.7, -0.5
    later = make_evidence(llr, evidence.observed)
    weighted = weigh_bank(bank, model, later)
    assert weighted is not None
    moved = move_marginals(weighted)

    assert_rises(case, exact, bank.beliefs.marginals, *bank.replicate_marginals, mixed.marginals, by_lbp.marginals)
    assert_rises(case, draw_bank(model, no_evidence(NUM_CLAIMS), seed=seed).beliefs.marginals)
    assert_rises(case, moved.beliefs.marginals, *moved.replicates)
    assert_within(bank.beliefs.marginals, exact, bank.beliefs.standard_errors)
    assert_within(moved.beliefs.marginals, enumerate_marginals(model, later), moved.beliefs.standard_errors)
    if mixed.standard_errors is not None:
        assert_within(mixed.marginals, exact, mixed.standard_errors)
    assert np.abs(by_lbp.marginals - exact).max() <= bound_of(by_lbp.diagnostics)


@pytest.mark.parametrize("is_intervention", [True, False])
@pytest.mark.parametrize("seed", CASES[:6])
def test_shifts_by_each_method_rise_within_their_errors(seed: int, *, is_intervention: bool) -> None:
    """Of a claim outside, of an event that has happened by a date, and of one that has not, with what follows."""
    case = random_case(seed)
    model, evidence, event, chosen = case
    bank = draw_bank(model, evidence, seed=seed)
    start = enumerate_marginals(model, evidence)
    before = infer(model, evidence, seed=1, budget=TIGHT)
    happened = {int(claim): not denies for claim, denies in zip(event.claims[1:], event.denies[1:], strict=True)}
    absent = {int(claim): bool(denies) for claim, denies in zip(event.claims[:2], event.denies[:2], strict=True)}
    for outcomes in ({chosen[-1]: True}, happened, absent):
        supposed, known, _ = suppose(model, evidence, outcomes, is_intervention=is_intervention)
        deltas = enumerate_marginals(supposed, known) - start
        given = model, evidence, outcomes
        for shifts in (
            shifts_exactly(*given, is_intervention=is_intervention),
            shifts_by_lbp(*given, is_intervention=is_intervention),
            shifts_by_samples(bank, outcomes, seed=2, min_matching=600, is_intervention=is_intervention),
            shifts_by_auto(*given, before=before, drawing=Drawing(1), budget=TIGHT, is_intervention=is_intervention),
        ):
            assert_rises(case, shifts.before, shifts.after)
            if shifts.diagnostics.error_estimate is not None:
                assert np.abs(shifts.deltas - deltas).max() <= bound_of(shifts.diagnostics)
            elif shifts.standard_errors is not None:
                assert_within(shifts.deltas, deltas, shifts.standard_errors)
            else:
                assert_allclose(shifts.deltas, deltas, atol=0.005)


def test_to_bring_about_a_date_says_nothing_of_earlier_ones() -> None:
    """A later date that is made true leaves earlier ones as they are; observed, it makes them likelier."""
    network = network_of([0.2, 0.5, 0.8], [])
    model = calibrate(join_dates(network, [event_of(0, 1, 2)])[0])
    none = no_evidence(3)

    brought = shifts_exactly(model, none, {1: True}, is_intervention=True).after
    observed = shifts_exactly(model, none, {1: True}).after
    absent = shifts_exactly(model, none, {0: False}).after

    assert_allclose(brought, [0.2, 1.0, 1.0], atol=1e-9)
    assert_allclose(observed, [0.4, 1.0, 1.0], atol=1e-9)
    assert_allclose(absent, [0.0, 0.375, 0.75], atol=1e-9)


def test_claims_of_one_probability_are_one() -> None:
    """Beliefs that fall are pooled; evidence on one of them then is evidence on the other, and so are influences."""
    network = network_of([0.6, 0.4, 0.7, 0.5], [(3, 1, 0.8, 0.3)])
    joined, _ = join_dates(network, [event_of(0, 1, 2)])
    model = calibrate(joined)
    llr = np.array([0.0, 1.0, 0.0, 0.0])

    assert joined.dated.is_tied.tolist() == [False, True, False, False]
    assert joined.prior_marginals[0] == pytest.approx(0.5, abs=1e-12)
    for is_true in (True, False):
        known = observe(make_evidence(llr, no_evidence(4).observed), {3: is_true})
        found = infer_exactly(model, known).marginals
        assert_allclose(found, enumerate_marginals(model, known), atol=1e-12)
        assert found[0] == pytest.approx(found[1], abs=1e-7)
    weights = logits(np.array([0.8]))[0] - logits(np.array([0.3]))[0]
    given = [infer_exactly(model, observe(no_evidence(4), {3: is_true})).marginals[0] for is_true in (False, True)]
    assert np.diff(logits(np.array(given)))[0] == pytest.approx(weights, abs=1e-6)


def test_what_would_close_a_cycle_is_left_out() -> None:
    """A later claim that bears on an earlier one, also by another claim, or two events that bear on each other."""
    event = event_of(0, 1)
    for edges, num_joined in (
        ([(1, 0, 0.6, 0.3)], 0),
        ([(1, 2, 0.6, 0.3), (2, 0, 0.6, 0.3)], 0),
        ([(0, 2, 0.6, 0.3), (2, 3, 0.6, 0.3)], 1),
        ([(0, 2, 0.6, 0.3), (2, 1, 0.6, 0.3), (3, 1, 0.2, 0.6)], 1),
        ([(0, 1, 0.6, 0.3)], 1),
    ):
        network = network_of([0.3, 0.5, 0.4, 0.4], edges)
        joined, found = join_dates(network, [event])
        assert len(found) == num_joined
        assert (joined is network) == (not num_joined)
    crossing = network_of([0.3, 0.5, 0.4, 0.6], [(1, 2, 0.6, 0.3), (3, 0, 0.6, 0.3)])
    joined, found = join_dates(crossing, [event, event_of(2, 3)])
    assert found == [event]
    assert joined.dated.numbers.tolist() == [0, 0, NO_GROUP, NO_GROUP]
    assert join_dates(crossing, []) == (crossing, [])


@pytest.mark.parametrize("seed", CASES[:4])
def test_influences_stay_what_they_are_and_kernels_agree(seed: int) -> None:
    """Links of dates belong to no influence; a network that is calibrated from a similar one is the same to the bit."""
    model, *_ = random_case(seed)
    network = model.network
    plain = random_network(np.random.default_rng(seed), NUM_CLAIMS, max_parents=3)
    for one in (network, plain):
        ends = one.link_parents[one.edge_links].tolist(), one.link_children[one.edge_links].tolist()
        assert ends == (
            plain.link_parents[plain.edge_links].tolist(),
            plain.link_children[plain.edge_links].tolist(),
        )
    assert_array_equal(network.own_weights[network.edge_links], plain.weights[plain.edge_links])
    other = calibrate(network, backend=Backend.NUMPY)
    assert_allclose(other.intercepts, model.intercepts, atol=1e-9)
    again = recalibrate(network, [recalibrate(plain, ())]).model
    assert_array_equal(again.intercepts, model.intercepts)


def test_a_claim_without_an_event_is_where_it_was() -> None:
    """To the bit, of samples too."""
    network = network_of([0.2, 0.5, 0.8, 0.3, 0.6], [(3, 4, 0.8, 0.4)])
    joined, _ = join_dates(network, [event_of(0, 1, 2)])
    banks = [draw_bank(calibrate(one), no_evidence(5), seed=1) for one in (network, joined)]

    assert_array_equal(banks[0].bits[3:], banks[1].bits[3:])
    assert only(5, 0, 1, 2).tolist() == (joined.dated.numbers != NO_GROUP).tolist()


def test_lbp_does_not_tell_its_error_where_much_bears_on_an_event() -> None:
    """It takes the sum of many parents for normal, though one makes all others void; without evidence it is right."""
    generator = np.random.default_rng(18)
    edges = [(4 + number, int(generator.integers(4)), *generator.uniform(0.2, 0.8, 2).tolist()) for number in range(18)]
    network = network_of([0.2, 0.35, 0.5, 0.7, *generator.uniform(0.2, 0.8, 18)], edges)
    model = calibrate(join_dates(network, [event_of(0, 1, 2, 3)])[0])
    llr = np.zeros(22)
    llr[[1, 3, 5]] = 1.5, -1.0, 1.0
    evidence = make_evidence(llr, no_evidence(22).observed)
    by_lbp = propagate(model, evidence)
    exact = infer_exactly(model, evidence, max_clique_claims=24).marginals
    bank = draw_bank(model, evidence, seed=1).beliefs

    assert np.abs(by_lbp.beliefs.marginals - exact).max() > 0.1
    assert loop_error(model, evidence, by_lbp) == UNKNOWN_ERROR
    assert loop_error(model, no_evidence(22), propagate(model, no_evidence(22))) < UNKNOWN_ERROR
    assert bank.standard_errors is not None
    assert (np.abs(bank.marginals - exact) <= 6.0 * bank.standard_errors + 1e-3).all()


def test_errors_of_equal_claims_count_ancestors() -> None:
    """No sweep over single claims moves one of them, so that only samples with different ancestors differ."""
    network = network_of([0.6, 0.5, 0.4, 0.5], [(3, 2, 0.8, 0.3)])
    model = calibrate(join_dates(network, [event_of(0, 1, 2)])[0])
    evidence = make_evidence(np.array([1.5, -1.0, 2.0, 1.0]), no_evidence(4).observed)
    bank = draw_bank(model, evidence, seed=1)
    found, told = bank.beliefs, bank.beliefs.diagnostics

    assert model.network.is_frozen.tolist() == [True, True, True, False]
    assert found.standard_errors is not None
    assert told.surviving_ancestors is not None
    variances = found.marginals[:3] * (1.0 - found.marginals[:3])
    least = np.sqrt(variances / (told.surviving_ancestors * told.num_replicates))
    assert (found.standard_errors[:3] >= least - 1e-12).all()
    assert_within(found.marginals, enumerate_marginals(model, evidence), found.standard_errors)
