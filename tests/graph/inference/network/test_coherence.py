"""Marginals of groups add up in every answer, within the errors that it states, against enumeration."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.families import share_out
from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.auto import infer, with_lbp_errors
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.coherence import coherent_marginals, coherent_rows, reconcile
from graph.inference.network.evidence import Evidence, make_evidence, no_evidence, suppose
from graph.inference.network.exact import Budget
from graph.inference.network.groups import Group, join_groups
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import propagate
from graph.inference.network.moving import keep_weights, move_marginals, weigh_bank
from graph.inference.network.shifts import (
    Drawing,
    Shifts,
    shifts_by_auto,
    shifts_by_lbp,
    shifts_by_samples,
    shifts_exactly,
)
from graph.inference.network.structure import Network, keep_claims, small_network
from tests.helpers.estimates import assert_within, bound_of
from tests.helpers.networks import enumerate_marginals, network_of, only, random_evidence, random_network

TIGHT = Budget(clique_claims=4, tree_entries=64)
"""Of exact inference: some parts fit, and some do not."""

NUM_CLAIMS = 12


def groups_of(values: Sequence[float] | FloatArray, *groups: Group) -> Network:
    """A network of such groups without influences, whose prior marginals these are before they are fitted."""
    return join_groups(network_of(np.array(values), []), groups)


def group_of(*claims: int, is_exhaustive: bool = True) -> Group:
    """A group of claims."""
    return Group(np.array(claims, np.int64), is_exhaustive)


@pytest.mark.parametrize("seed", range(10))
def test_a_shift_is_that_of_a_family_of_its_own(seed: int) -> None:
    """The rule by which `outcomes` makes prior probabilities add up, of each group apart."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 9, 3)
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    groups = [group_of(*range(first, last)) for first, last in pairwise(bounds)]
    values = 10.0 ** generator.uniform(-6.0, -0.01, bounds[-1] + 1)
    values[0] = 1.0 - 1e-9
    network = groups_of(generator.uniform(0.1, 0.9, values.size), *groups)

    found = reconcile(network, values, is_observed=only(values.size))

    for group in groups:
        assert_allclose(found[group.claims], share_out(logits(values[group.claims]), is_exhaustive=True), rtol=1e-9)
        assert found[group.claims].sum() == pytest.approx(1.0, abs=1e-14)
    assert found[-1] == values[-1]


def test_what_adds_up_stays_to_the_bit() -> None:
    """And so do claims without a group, and outcomes of which none may come true below a sum of 1."""
    values = np.array([0.5, 0.3, 0.2, 0.4, 0.1, 0.7])
    network = groups_of(values, group_of(0, 1, 2), group_of(3, 4, is_exhaustive=False))

    assert_array_equal(reconcile(network, values, is_observed=only(6)), values)
    assert_array_equal(coherent_rows(network, np.stack([values, values]), is_observed=only(6))[1], values)
    plain = network_of(values, [])
    assert reconcile(plain, values, is_observed=only(6)) is values


def test_estimates_move_before_what_is_exact() -> None:
    """Which moves only where they cannot make up for it; known outcomes never do."""
    network = groups_of([0.2] * 5, group_of(0, 1, 2, 3, 4))
    values = np.array([0.5, 0.3, 0.1, 0.2, 0.0])
    observed = only(5, 4)

    found = reconcile(network, values, is_observed=observed, is_estimated=only(5, 2, 3))

    assert_array_equal(found[[0, 1, 4]], values[[0, 1, 4]])
    assert_allclose(found[[2, 3]], share_out_to(values[[2, 3]], 0.2), rtol=1e-9)
    values[:2] = 0.6, 0.5
    found = reconcile(network, values, is_observed=observed, is_estimated=only(5, 2, 3))
    assert_allclose(found[:4], share_out_to(values[:4], 1.0), rtol=1e-9)


def share_out_to(values: FloatArray, target: float) -> FloatArray:
    """Shift log-odds by the number, among a million, by which they add up best, then in proportion."""
    shifts = np.linspace(-6.0, 6.0, 1_000_001)
    sums = (1.0 / (1.0 + np.exp(-logits(values)[:, None] - shifts))).sum(axis=0)
    shift = np.interp(target, sums, shifts)
    found: FloatArray = 1.0 / (1.0 + np.exp(-logits(values) - shift))
    return found


def test_known_outcomes_leave_all_or_nothing() -> None:
    """Beside one that came true the others are as unlikely as can be; the last one that is left is certain."""
    network = groups_of([0.2] * 4, group_of(0, 1, 2, 3))
    values = np.array([1.0, 0.1, 0.2, 0.3])

    found = coherent_marginals(network, values, is_observed=only(4, 0))
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found > 0.0).all()
    found = coherent_marginals(network, np.array([0.0, 0.0, 0.0, 0.3]), is_observed=only(4, 0, 1, 2))
    assert 1.0 - 1e-12 < found[3] < 1.0
    contradictory = np.array([0.0, 0.0, 0.0, 0.0])
    assert_array_equal(reconcile(network, contradictory, is_observed=only(4, 0, 1, 2, 3)), contradictory)


def test_a_part_of_a_group_is_at_most_one() -> None:
    """Of claims that are cut out, and where nothing is known of some; a whole one adds up wherever it is."""
    network = groups_of([0.2] * 5, group_of(0, 1, 2))
    first = network.order[:1]
    part, _ = keep_claims(network, only(5, int(first[0]), 3))
    whole, _ = keep_claims(network, only(5, 0, 1, 2))
    near = small_network(network, np.array([0, 1]), np.flatnonzero(network.link_children < 2))

    assert_array_equal(reconcile(part, np.array([0.3, 0.9]), is_observed=only(2)), [0.3, 0.9])
    assert reconcile(whole, np.array([0.3, 0.1, 0.1]), is_observed=only(3)).sum() == pytest.approx(1.0)
    assert_array_equal(reconcile(near, np.array([0.3, 0.1]), is_observed=only(2)), [0.3, 0.1])
    unknown = np.array([0.3, np.nan, 0.1, 0.5, 0.5])
    assert_array_equal(reconcile(network, unknown, is_observed=only(5)), unknown)
    exceeding = reconcile(network, np.array([0.9, np.nan, 0.4, 0.5, 0.5]), is_observed=only(5))
    assert exceeding[0] + exceeding[2] == pytest.approx(1.0)


def test_a_marginal_that_is_none_is_an_error_still() -> None:
    """Nothing is made of it."""
    network = groups_of([0.2] * 3, group_of(0, 1, 2))
    for wrong in (np.nan, -0.1, 1.1):
        with pytest.raises(ArithmeticError, match="expected marginals from 0 to 1"):
            coherent_marginals(network, np.array([0.5, wrong, 0.5]), is_observed=only(3))


Case = tuple[CalibratedNetwork, Evidence, list[Group], list[int]]


def random_case(seed: int) -> Case:
    """A random network with two groups, of claims that influences may lead from, to, and between; and the others."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, NUM_CLAIMS, max_parents=3)
    chosen = generator.permutation(NUM_CLAIMS).tolist()
    groups = [group_of(*chosen[:4]), group_of(*chosen[4:8], is_exhaustive=bool(seed % 2))]
    evidence = random_evidence(generator, NUM_CLAIMS, num_observed=0)
    return calibrate(join_groups(network, groups)), evidence, groups, chosen


def assert_adds_up(case: Case, *answers: FloatArray) -> None:
    """Each group, and all are probabilities."""
    for marginals in answers:
        assert ((marginals >= 0.0) & (marginals <= 1.0)).all()
        for group in case[2]:
            total = marginals[group.claims].sum()
            assert total == pytest.approx(1.0, abs=1e-9) if group.is_exhaustive else total <= 1.0 + 1e-9


@pytest.mark.parametrize("seed", range(8))
def test_marginals_by_each_method_add_up_within_their_errors(seed: int) -> None:
    """With evidence and without, by one method or by several, and after something is written."""
    case = random_case(seed)
    model, evidence, _, chosen = case
    exact = enumerate_marginals(model, evidence)
    bank = draw_bank(model, evidence, seed=seed)
    mixed = infer(model, evidence, seed=seed, budget=TIGHT)
    by_lbp = with_lbp_errors(model, evidence, propagate(model, evidence))
    llr = evidence.llr.copy()
    llr[[chosen[-1], chosen[1]]] += 0.7, -0.5
    later = make_evidence(llr, evidence.observed)
    weighted = weigh_bank(bank, model, later)
    assert weighted is not None
    moved = move_marginals(weighted)

    assert_adds_up(case, bank.beliefs.marginals, *bank.replicate_marginals, mixed.marginals, by_lbp.marginals)
    assert_adds_up(case, draw_bank(model, no_evidence(NUM_CLAIMS), seed=seed).beliefs.marginals)
    assert_adds_up(case, moved.beliefs.marginals, *moved.replicates)
    assert_within(bank.beliefs.marginals, exact, bank.beliefs.standard_errors)
    assert_within(moved.beliefs.marginals, enumerate_marginals(model, later), moved.beliefs.standard_errors)
    if mixed.standard_errors is not None:
        assert_within(mixed.marginals, exact, mixed.standard_errors)
    assert np.abs(by_lbp.marginals - exact).max() <= bound_of(by_lbp.diagnostics)


def shifts_of(case: Case, bank: Bank, outcomes: dict[int, bool], *, is_intervention: bool) -> Iterator[Shifts]:
    """Answers to one question, by each method and where they are mixed."""
    model, evidence, *_ = case
    before = infer(model, evidence, seed=1, budget=TIGHT)
    yield shifts_exactly(model, evidence, outcomes, is_intervention=is_intervention)
    yield shifts_by_lbp(model, evidence, outcomes, is_intervention=is_intervention)
    for least in (600, bank.num_samples + 1):
        yield shifts_by_samples(bank, outcomes, seed=2, is_intervention=is_intervention, min_matching=least)
    for samples, drawing in (
        (bank, Drawing(1, min_matching=600)),
        (None, Drawing(1)),
        (None, Drawing(1, max_work=0)),
    ):
        yield shifts_by_auto(
            model,
            evidence,
            outcomes,
            before=before,
            bank=samples,
            drawing=drawing,
            budget=TIGHT,
            is_intervention=is_intervention,
        )


@pytest.mark.parametrize("is_intervention", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_shifts_by_each_method_add_up_within_their_errors(seed: int, *, is_intervention: bool) -> None:
    """Of claims outside, of an outcome that is false, and of both."""
    case = random_case(seed)
    model, evidence, _, chosen = case
    bank = draw_bank(model, evidence, seed=seed)
    start = enumerate_marginals(model, evidence)
    for outcomes in ({chosen[-2]: True}, {chosen[0]: False}, {chosen[-2]: False, chosen[5]: False}):
        supposed, known, _ = suppose(model, evidence, outcomes, is_intervention=is_intervention)
        deltas = enumerate_marginals(supposed, known) - start
        for shifts in shifts_of(case, bank, outcomes, is_intervention=is_intervention):
            assert_adds_up(case, shifts.before, shifts.after)
            if shifts.diagnostics.error_estimate is not None:
                assert np.abs(shifts.deltas - deltas).max() <= bound_of(shifts.diagnostics)
            elif shifts.standard_errors is not None:
                assert_within(shifts.deltas, deltas, shifts.standard_errors)
            else:
                assert_allclose(shifts.deltas, deltas, atol=0.005)


@pytest.mark.parametrize("seed", range(4))
def test_weighted_samples_answer_so_that_all_adds_up(seed: int) -> None:
    """A bank that was moved to later evidence."""
    case = random_case(seed)
    model, evidence, _, chosen = case
    bank = draw_bank(model, evidence, seed=seed)
    llr = evidence.llr.copy()
    llr[chosen[2]] += 0.6
    weighted = weigh_bank(bank, model, make_evidence(llr, evidence.observed))
    assert weighted is not None
    moved = keep_weights(weighted, move_marginals(weighted))

    for outcomes in ({chosen[-1]: True}, {chosen[0]: False}):
        found = shifts_by_samples(moved, outcomes, seed=3, min_matching=200)
        assert not found.diagnostics.is_fresh
        assert_adds_up(case, found.before, found.after)
