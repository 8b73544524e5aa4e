"""Groups of outcomes that exclude each other, against enumeration and a multinomial logit written down directly."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.families import settle_outcomes, share_out
from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.auto import infer
from graph.inference.network.bank import draw_bank
from graph.inference.network.evidence import UNKNOWN, Evidence, intervene, make_evidence, no_evidence, observe, suppose
from graph.inference.network.exact import Budget, infer_exactly
from graph.inference.network.groups import Group, join_groups
from graph.inference.network.intercepts import CalibratedNetwork, calibrate, recalibrate, unpack_bits
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import propagate
from graph.inference.network.shifts import Drawing, shifts_by_auto, shifts_by_samples, shifts_exactly
from graph.inference.network.uncertainty import UNKNOWN_ERROR, loop_error
from tests.helpers.networks import (
    enumerate_marginals,
    joint_distribution,
    network_of,
    random_evidence,
    random_network,
    states_of,
)


def group_of(*claims: int, is_exhaustive: bool = True) -> Group:
    """A group of claims."""
    return Group(np.array(claims, np.int64), is_exhaustive)


def evidence_of(num_claims: int, **llr: float) -> Evidence:
    """Evidence on claims by `c` and their index."""
    ratios = np.zeros(num_claims)
    for name, value in llr.items():
        ratios[int(name[1:])] = value
    return make_evidence(ratios, np.full(num_claims, UNKNOWN, np.int8))


@pytest.mark.parametrize("is_exhaustive", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_group_of_its_own_is_that_of_bayes_rule(seed: int, *, is_exhaustive: bool) -> None:
    """Whatever evidence there is on its members, and whatever their number."""
    generator = np.random.default_rng(seed)
    num_claims = int(generator.integers(2, 9))
    marginals = generator.uniform(0.01, 0.9, num_claims)
    llr = generator.normal(0.0, 3.0, num_claims)
    network = join_groups(network_of(marginals, []), [group_of(*range(num_claims), is_exhaustive=is_exhaustive)])
    model = calibrate(network)
    none = np.zeros(num_claims, np.bool_)

    found = infer_exactly(model, make_evidence(llr, np.full(num_claims, UNKNOWN, np.int8))).marginals
    expected = settle_outcomes(logits(marginals), llr, came_true=none, came_false=none, is_exhaustive=is_exhaustive)

    assert_allclose(found, expected, atol=1e-9)
    assert_allclose(infer_exactly(model, no_evidence(num_claims)).marginals, network.prior_marginals, atol=1e-9)


def softmax_marginals(
    shares: FloatArray, table: tuple[int, float, float], p_parent: float, *, is_true: bool
) -> FloatArray:
    """P(outcome | parent) where one outcome has an influence: its own table, and the others in proportion."""
    outcome, p_if_true, p_if_false = table
    found = shares.copy()
    # The table's log-odds difference holds; its level is that of the prior marginal.
    weight = logits(np.array([p_if_true]))[0] - logits(np.array([p_if_false]))[0]
    low, high = 1e-12, 1.0 - 1e-12
    for _ in range(200):
        middle = 0.5 * (low + high)
        raised = middle * np.exp(weight) / (1.0 - middle + middle * np.exp(weight))
        low, high = (middle, high) if p_parent * raised + (1 - p_parent) * middle < shares[outcome] else (low, middle)
    own = low * np.exp(weight) / (1.0 - low + low * np.exp(weight)) if is_true else low
    found *= (1.0 - own) / (1.0 - shares[outcome])
    found[outcome] = own
    return found


@pytest.mark.parametrize("outcome", range(3))
@pytest.mark.parametrize("is_exhaustive", [True, False])
@pytest.mark.parametrize("table", [(0.05, 0.5), (0.9, 0.2), (0.001, 0.4)])
def test_an_influence_on_one_outcome_moves_the_others_in_proportion(
    outcome: int, table: tuple[float, float], *, is_exhaustive: bool
) -> None:
    """Whichever place in the group it has: the last one's killer counts as that of the first."""
    shares = np.array([0.5, 0.3, 0.2]) * (1.0 if is_exhaustive else 0.8)
    network = network_of([*shares, 0.3], [(3, outcome, *table)])
    model = calibrate(join_groups(network, [group_of(0, 1, 2, is_exhaustive=is_exhaustive)]))

    assert_allclose(enumerate_marginals(model, no_evidence(4)), [*shares, 0.3], atol=1e-9)
    for is_true in (True, False):
        found = infer_exactly(model, observe(no_evidence(4), {3: is_true})).marginals
        assert_allclose(found[:3], softmax_marginals(shares, (outcome, *table), 0.3, is_true=is_true), atol=1e-7)


def test_one_parent_and_a_consistent_table_move_an_outcome_to_what_the_table_says() -> None:
    """Law 3 of single claims."""
    table = (0.1, 0.4)
    outcome = 0.3 * table[0] + 0.7 * table[1]
    network = network_of([0.35, 1.0 - 0.35 - outcome, outcome, 0.3], [(3, 2, *table)])
    model = calibrate(join_groups(network, [group_of(0, 1, 2)]))

    for is_true, expected in zip((True, False), table, strict=True):
        found = infer_exactly(model, observe(no_evidence(4), {3: is_true})).marginals
        assert found[2] == pytest.approx(expected, abs=1e-9)


def test_what_bears_on_all_outcomes_alike_moves_none() -> None:
    """One of them comes true in any case."""
    network = network_of([0.5, 0.3, 0.2, 0.3], [(3, 0, 0.2, 0.6), (3, 1, 0.2, 0.6), (3, 2, 0.2, 0.6)])
    model = calibrate(join_groups(network, [group_of(0, 1, 2)]))

    found = infer_exactly(model, observe(no_evidence(4), {3: True})).marginals

    assert_allclose(found[:3], [0.5, 0.3, 0.2], atol=1e-9)


def random_case(seed: int, num_claims: int = 10) -> tuple[CalibratedNetwork, Evidence, list[Group]]:
    """A random network with two groups, of claims that influences may lead from, to, and between."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, num_claims, max_parents=3)
    chosen = generator.permutation(num_claims)[:6]
    groups = [Group(chosen[:3], is_exhaustive=True), Group(chosen[3:], is_exhaustive=bool(seed % 2))]
    joined = join_groups(network, groups)
    evidence = random_evidence(generator, num_claims, num_observed=0)
    return calibrate(joined), evidence, groups


@pytest.mark.parametrize("seed", range(20))
def test_members_of_random_networks_exclude_each_other(seed: int) -> None:
    """At most one is true in any state that counts; one of an exhaustive group is; and each has its prior marginal."""
    model, evidence, groups = random_case(seed)
    states = states_of(model.network.num_claims)
    before = joint_distribution(model, no_evidence(states.shape[1]))

    for group in groups:
        numbers = states[:, group.claims].sum(axis=1)
        for joint in (before, joint_distribution(model, evidence)):
            assert joint[numbers > 1].sum() < 1e-9
            assert not group.is_exhaustive or joint[numbers == 0].sum() < 1e-9
    assert_allclose(before @ states, model.network.prior_marginals, atol=0.005)
    assert_allclose(infer_exactly(model, evidence).marginals, enumerate_marginals(model, evidence), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_samples_keep_the_laws_within_their_error(seed: int) -> None:
    """Each sample has one outcome of a group; and over some banks, errors are as large as they are stated."""
    model, evidence, groups = random_case(seed)
    exact = enumerate_marginals(model, evidence)
    ratios = []
    for number in range(4):
        bank = draw_bank(model, evidence, seed=number)
        states = unpack_bits(bank.bits).reshape(model.network.num_claims, -1)
        for group in groups:
            numbers = states[group.claims].sum(axis=0)
            assert numbers.max() <= 1
            assert not group.is_exhaustive or numbers.min() == 1
        assert bank.beliefs.diagnostics.converged
        assert bank.beliefs.standard_errors is not None
        ratios.append((bank.beliefs.marginals - exact) / np.maximum(bank.beliefs.standard_errors, 1e-6))
    assert np.sqrt((np.array(ratios) ** 2).mean()) < 1.6


@pytest.mark.parametrize(("num_claims", "deviation"), [(14, 2.0), (32, 2.0), (100, 1.0)])
def test_a_large_group_is_drawn_within_its_error(num_claims: int, deviation: float) -> None:
    """Too large for tables, and for exact inference from some size on."""
    generator = np.random.default_rng(num_claims)
    shares = generator.dirichlet(np.full(num_claims, 0.5))
    shares = np.maximum(shares, 1e-4) / np.maximum(shares, 1e-4).sum()
    llr = generator.normal(0.0, deviation, num_claims)
    model = calibrate(join_groups(network_of(shares, []), [group_of(*range(num_claims))]))
    expected = shares * np.exp(llr) / (shares @ np.exp(llr))

    found = draw_bank(model, make_evidence(llr, np.full(num_claims, UNKNOWN, np.int8)), seed=1).beliefs

    assert not model.intercept_errors.any()
    assert found.diagnostics.converged
    assert found.standard_errors is not None
    assert (np.abs(found.marginals - expected) <= 6.0 * found.standard_errors + 1e-3).all()


@pytest.mark.parametrize("seed", range(10))
def test_auto_is_exact_where_a_group_is_small(seed: int) -> None:
    """Sums included."""
    model, evidence, groups = random_case(seed)

    found = infer(model, evidence, seed=1)

    assert_allclose(found.marginals, enumerate_marginals(model, evidence), atol=1e-9)
    for group in groups:
        total = found.marginals[group.claims].sum()
        assert total == pytest.approx(1.0, abs=1e-9) if group.is_exhaustive else total < 1.0 + 1e-9


@pytest.mark.parametrize("excluded", range(4))
@pytest.mark.parametrize("is_exhaustive", [True, False])
def test_an_outcome_that_is_made_false_leaves_the_others_in_proportion(excluded: int, *, is_exhaustive: bool) -> None:
    """Whichever place it has; nothing is learned of what bears on it, and its evidence no longer counts."""
    shares = np.array([0.4, 0.3, 0.2, 0.1]) * (1.0 if is_exhaustive else 0.7)
    network = network_of([*shares, 0.3], [(4, excluded, 0.1, 0.5)])
    model = calibrate(join_groups(network, [group_of(0, 1, 2, 3, is_exhaustive=is_exhaustive)]))
    others = np.delete(np.arange(4), excluded)
    llr = np.array([0.5, -1.0, 2.0, 0.3])
    odds = shares[others] * np.exp(llr[others])
    rest = 0.0 if is_exhaustive else 1.0 - shares.sum()

    cut, known = intervene(model, evidence_of(5, c0=0.5, c1=-1.0, c2=2.0, c3=0.3), {excluded: False})
    found = infer_exactly(cut, known).marginals

    assert_allclose(found[others], odds / (odds.sum() + rest), atol=1e-9)
    assert found[4] == pytest.approx(0.3, abs=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_interventions_on_members_of_random_networks_keep_the_sums(seed: int) -> None:
    """One false, two false, or one of each group; by EXACT, and by SAMPLE within its error."""
    model, evidence, groups = random_case(seed)
    generator = np.random.default_rng(seed)
    first, second = (generator.permutation(group.claims).tolist() for group in groups)
    for outcomes in ({first[0]: False}, {first[0]: False, first[1]: False}, {first[2]: False, second[0]: False}):
        shifts = shifts_exactly(model, evidence, outcomes, is_intervention=True)
        cut, known = intervene(model, evidence, outcomes)

        assert_allclose(shifts.after, enumerate_marginals(cut, known), atol=1e-9)
        assert shifts.after[groups[0].claims].sum() == pytest.approx(1.0, abs=1e-9)
        assert shifts.after[groups[1].claims].sum() < 1.0 + 1e-9
    if seed < 3:
        bank = draw_bank(model, evidence, seed=5)
        sampled = shifts_by_samples(bank, outcomes, seed=6, is_intervention=True)
        assert sampled.standard_errors is not None
        assert (np.abs(sampled.deltas - shifts.deltas) <= 6.0 * sampled.standard_errors + 1e-3).all()


@pytest.mark.parametrize("seed", range(5))
def test_observing_an_outcome_moves_the_others_by_bayes_rule(seed: int) -> None:
    """In a group of its own: those that remain keep their odds."""
    generator = np.random.default_rng(seed)
    shares = generator.dirichlet(np.ones(5))
    model = calibrate(join_groups(network_of(shares, []), [group_of(0, 1, 2, 3, 4)]))
    place = int(generator.integers(5))
    others = np.delete(np.arange(5), place)

    for outcome in (True, False):
        found = infer_exactly(model, observe(no_evidence(5), {place: outcome})).marginals
        expected = np.zeros(4) if outcome else shares[others] / shares[others].sum()
        assert_allclose(found[others], expected, atol=1e-9)


def test_prior_marginals_are_shifted_until_they_fit() -> None:
    """As those of `outcomes`: all of an exhaustive group, and of another only where they exceed 1."""
    beliefs = np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.6, 0.6])
    groups = [group_of(0, 1, 2), group_of(3, 4, is_exhaustive=False), group_of(5, 6, is_exhaustive=False)]

    found = join_groups(network_of(beliefs, []), groups).prior_marginals

    assert_allclose(found[:3], share_out(logits(beliefs[:3]), is_exhaustive=True))
    assert_allclose(found[3:5], beliefs[3:5], atol=1e-15)
    assert_allclose(found[5:], [0.5, 0.5])


def test_influences_stay_what_they_are() -> None:
    """Links of groups belong to no influence, and the network without groups is the same object."""
    network = network_of([0.5, 0.3, 0.2, 0.3], [(3, 2, 0.1, 0.4), (0, 1, 0.9, 0.2)])
    joined = join_groups(network, [group_of(0, 1, 2)])

    assert join_groups(network, []) is network
    assert joined.num_links == 6  # 3 within the group, and from what bears on its last outcome to each of it
    for one in (network, joined):
        assert one.link_parents[one.edge_links].tolist() == [3, 0]
        assert one.link_children[one.edge_links].tolist() == [2, 1]
        assert_array_equal(one.own_weights[one.edge_links], network.weights[network.edge_links])


@pytest.mark.parametrize("seed", range(30))
def test_no_group_closes_a_cycle(seed: int) -> None:
    """Whatever influences lead from one member to another, also by way of other groups."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 24, max_parents=4)
    chosen = generator.permutation(24)
    groups = [Group(chosen[start : start + 4], is_exhaustive=True) for start in range(0, 20, 4)]

    joined = join_groups(network, groups)

    assert (joined.levels[joined.link_parents] < joined.levels[joined.link_children]).all()
    for group in groups:
        assert np.unique(joined.levels[group.claims]).size == 4
        assert joined.is_certain[group.claims].sum() == 1


def test_the_order_of_claims_and_influences_does_not_matter() -> None:
    """Of the same keys: a network that is read anew is the same."""
    edges = [(0, 2, 0.8, 0.4), (1, 3, 0.2, 0.6), (0, 4, 0.3, 0.7)]
    network = network_of([0.3, 0.6, 0.5, 0.3, 0.2], edges)
    again = network_of([0.3, 0.6, 0.5, 0.3, 0.2], edges[::-1])
    groups = [group_of(2, 3, 4)]

    one, other = join_groups(network, groups), join_groups(again, groups)

    for name in ("weights", "link_parents", "link_children", "prior_marginals", "is_certain", "own_weights"):
        assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_calibration_is_taken_over_but_for_what_a_group_changes() -> None:
    """Bit for bit that which is made anew."""
    network = random_network(np.random.default_rng(4), 12)
    before = recalibrate(network, ())
    joined = join_groups(network, [group_of(3, 7, 9)])

    assert_array_equal(recalibrate(joined, (before,)).model.intercepts, calibrate(joined).intercepts)
    assert_array_equal(recalibrate(network, (recalibrate(joined, ()),)).model.intercepts, before.model.intercepts)


@pytest.mark.parametrize(
    "groups", [[group_of()], [group_of(0, 0)], [group_of(0, 1), group_of(1, 2)], [group_of(*range(101))]]
)
def test_groups_must_be_distinct_and_small(groups: list[Group]) -> None:
    """Each claim in at most one."""
    with pytest.raises(ValueError, match="expected"):
        join_groups(network_of(np.full(110, 0.1), []), groups)


@pytest.mark.parametrize("seed", range(20))
def test_several_influences_move_outcomes_as_the_multinomial_logit_does(seed: int) -> None:
    """Up to what they do together; an influence never moves its own outcome the wrong way."""
    generator = np.random.default_rng(seed)
    shares, marginals = generator.dirichlet(np.full(4, 3.0)), generator.uniform(0.1, 0.6, 2)
    tables = [(4 + number, int(generator.integers(4)), *generator.uniform(0.2, 0.8, 2)) for number in range(2)]
    network = network_of([*shares, *marginals], tables)
    model = calibrate(join_groups(network, [Group(generator.permutation(4), is_exhaustive=True)]))
    own = np.zeros((2, 4))
    for number, (_, outcome, p_if_true, p_if_false) in enumerate(tables):
        own[number, outcome] = np.subtract(*logits(np.array([p_if_true, p_if_false])))
    states = states_of(2)
    weights = np.where(states == 1, marginals, 1.0 - marginals).prod(axis=1)
    scores = np.log(shares)
    for _ in range(1_000):
        odds = np.exp(scores + states @ own)
        expected = odds / odds.sum(axis=1, keepdims=True)
        scores += np.log(shares) - np.log(weights @ expected)

    for state, given in zip(states, expected, strict=True):
        known = observe(no_evidence(6), {4: bool(state[0]), 5: bool(state[1])})
        assert_allclose(infer_exactly(model, known).marginals[:4], given, atol=0.05)
    for number, (_, outcome, p_if_true, p_if_false) in enumerate(tables):
        moved = infer_exactly(model, observe(no_evidence(6), {4 + number: True})).marginals[outcome] - shares[outcome]
        assert moved * (p_if_true - p_if_false) > -1e-9


@pytest.mark.parametrize("is_intervention", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_shifts_of_what_is_sampled_stay_within_their_error(seed: int, *, is_intervention: bool) -> None:
    """AUTO where no table fits: from the bank, from its weighted samples or from new ones."""
    model, evidence, groups = random_case(seed)
    budget = Budget(clique_claims=2, tree_entries=64, claims=3)
    bank = draw_bank(model, evidence, seed=1)
    before = infer(model, evidence, seed=1, budget=budget, sample=lambda _: bank.beliefs)
    exact_before = enumerate_marginals(model, evidence)
    outside = int(np.setdiff1d(np.arange(10), np.concatenate([group.claims for group in groups]))[0])
    chosen = groups[0].claims.tolist()

    for outcomes in ({outside: True}, {chosen[0]: False}, {claim: claim == chosen[1] for claim in chosen}):
        found = shifts_by_auto(
            model,
            evidence,
            outcomes,
            before=before,
            drawing=Drawing(7),
            bank=bank,
            is_intervention=is_intervention,
            budget=budget,
        )
        supposed, known, _ = suppose(model, evidence, outcomes, is_intervention=is_intervention)
        exact = enumerate_marginals(supposed, known) - exact_before
        assert found.standard_errors is not None
        assert (np.abs(found.deltas - exact) <= 6.0 * found.standard_errors + 2e-3).all()


def test_what_bears_on_no_outcome_does_not_move() -> None:
    """Law 7: an outcome that is made false moves neither what bears on the others nor what lies elsewhere."""
    edges = [(3, 0, 0.8, 0.3), (4, 1, 0.2, 0.6), (1, 5, 0.7, 0.2), (6, 7, 0.7, 0.2)]
    network = network_of([0.5, 0.3, 0.2, 0.4, 0.3, 0.5, 0.4, 0.4], edges)
    model = calibrate(join_groups(network, [group_of(0, 1, 2)]))

    for excluded in range(3):
        shifts = shifts_exactly(model, no_evidence(8), {excluded: False}, is_intervention=True)
        assert_allclose(shifts.deltas[[3, 4, 6, 7]], 0.0, atol=1e-12)
        assert_array_equal(shifts.deltas[[6, 7]], 0.0)
        assert abs(shifts.deltas[5]) > 0.01


def test_both_backends_draw_the_same_groups() -> None:
    """To rounding."""
    model, evidence, _ = random_case(1)
    ours, theirs = (draw_bank(model, evidence, seed=1, backend=backend).beliefs for backend in Backend)

    assert_allclose(ours.marginals, theirs.marginals, atol=1e-12)
    assert_allclose(calibrate(model.network, backend=Backend.NUMPY).intercepts, model.intercepts, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_lbp_says_how_poor_it_is_on_groups(seed: int) -> None:
    """Also by the groups alone, however few other neighborhoods are looked at."""
    model, evidence, _ = random_case(seed, num_claims=14)
    found = propagate(model, evidence)
    error = np.abs(found.beliefs.marginals - infer_exactly(model, evidence).marginals).max()

    assert error <= loop_error(model, evidence, found, num_neighborhoods=2)
    assert loop_error(model, no_evidence(14), propagate(model, no_evidence(14))) < 1.0


@pytest.mark.parametrize(("num_claims", "is_known"), [(8, True), (13, True), (14, False), (32, False)])
def test_lbp_does_not_tell_its_error_on_a_large_group(num_claims: int, *, is_known: bool) -> None:
    """
    Nothing affordable does, if the group and the claim that bears on it exceed a neighborhood; without evidence that
    moves the group, it does not matter.
    """
    network = network_of(np.full(num_claims + 1, 1.0 / num_claims), [(num_claims, 0, 0.8, 0.2)])
    model = calibrate(join_groups(network, [group_of(*range(num_claims))]))
    for evidence, is_moved in ((evidence_of(num_claims + 1, c1=1.0), True), (no_evidence(num_claims + 1), False)):
        error = loop_error(model, evidence, propagate(model, evidence))
        assert (error == UNKNOWN_ERROR) == (is_moved and not is_known)
