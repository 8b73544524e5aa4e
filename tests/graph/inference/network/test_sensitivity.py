"""Which stated numbers a belief depends on."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from graph.inference.log_odds import FloatArray, logit, sigmoid, sigmoids
from graph.inference.network.bank import draw_bank
from graph.inference.network.dates import DatedClaims, join_dates
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence, no_evidence, observe
from graph.inference.network.groups import Group, join_groups
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.limits import CERTAIN_LOG_ODDS
from graph.inference.network.sensitivity import Effect, Parameter, find_sensitivity
from graph.inference.network.structure import Network, build_network
from tests.helpers.networks import (
    enumerate_marginals,
    joint_distribution,
    keys_of,
    network_of,
    random_evidence,
    random_network,
    states_of,
)

STEP = 1e-4


def calibrated_by_enumeration(network: Network) -> CalibratedNetwork:
    """Intercepts by bisection on the exact joint distribution of the parents, claim by claim."""
    model = calibrate(network, num_samples=64)
    n, states = network.num_claims, states_of(network.num_claims)
    intercepts = np.zeros(n)
    for claim in network.order.tolist():
        prior = joint_distribution(replace(model, intercepts=intercepts), no_evidence(n))
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        sums = states[:, network.link_parents[links]] @ network.weights[links]
        low, high = -120.0, 120.0
        for _ in range(54):
            middle = 0.5 * (low + high)
            below = prior @ sigmoids(middle + sums) < network.prior_marginals[claim]
            low, high = (middle, high) if below else (low, middle)
        intercepts[claim] = CERTAIN_LOG_ODDS if network.is_certain[claim] else 0.5 * (low + high)
        if network.dated.is_tied[claim]:
            intercepts[claim] = model.intercepts[claim]
    return replace(model, intercepts=intercepts)


def changed(
    network: Network,
    parameter: Parameter,
    index: int,
    step: float,
    inside_weights: FloatArray,
    groups: Sequence[Group] = (),
    events: Sequence[DatedClaims] = (),
) -> Network:
    """The same claims and influences with one stated number moved."""
    stated, prior_marginals = network.stated.copy(), network.prior_marginals.copy()
    tables = {Parameter.P_IF_TRUE: network.p_if_true.copy(), Parameter.P_IF_FALSE: network.p_if_false.copy()}
    if parameter is Parameter.STATED:
        stated[index] += step
        moved = logit(stated[index]) - logit(network.stated[index])
        prior_marginals[index] = sigmoid(logit(prior_marginals[index]) + inside_weights[index] * moved)
    else:
        tables[parameter][index] += step
    moved_network = build_network(
        stated=stated,
        prior_marginals=prior_marginals,
        keys=network.keys,
        parents=network.link_parents[network.edge_links],
        children=network.link_children[network.edge_links],
        p_if_true=tables[Parameter.P_IF_TRUE],
        p_if_false=tables[Parameter.P_IF_FALSE],
    )
    return join_dates(join_groups(moved_network, groups), events)[0]


def finite_difference(
    network: Network,
    evidence: Evidence,
    target: int,
    effect: Effect,
    inside_weights: FloatArray,
    groups: Sequence[Group] = (),
    events: Sequence[DatedClaims] = (),
) -> float:
    given = inside_weights, groups, events
    up, down = (
        enumerate_marginals(
            calibrated_by_enumeration(changed(network, effect.parameter, effect.index, step, *given)), evidence
        )[target]
        for step in (STEP, -STEP)
    )
    return float(up - down) / (2.0 * STEP)


@pytest.mark.parametrize("is_exhaustive", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_derivatives_follow_what_groups_make_of_numbers(seed: int, *, is_exhaustive: bool) -> None:
    """An influence on one outcome moves the others, and a stated probability that of all of them."""
    generator = np.random.default_rng(seed)
    edges = [(3, 0, 0.8, 0.3), (3, 2, 0.3, 0.5), (4, 1, 0.2, 0.6), (0, 5, 0.7, 0.2)]
    network = network_of([0.5, 0.2, 0.4, 0.4, 0.3, 0.5], edges)
    groups = [Group(generator.permutation(3), is_exhaustive)]
    evidence = make_evidence(generator.normal(0.0, 1.0, 6), np.full(6, UNKNOWN, np.int8))
    target = int(generator.integers(6))
    bank = draw_bank(calibrate(join_groups(network, groups)), evidence, seed=seed, num_replicates=16)
    inside_weights = generator.uniform(0.3, 1.0, 6)
    found = find_sensitivity(bank, target, seed=seed + 100, inside_weights=inside_weights)

    assert len(found.effects) == 2 * len(edges) + 6
    for effect in found.effects:
        exact = finite_difference(network, evidence, target, effect, inside_weights, groups)
        assert effect.standard_error is not None
        assert effect.derivative == pytest.approx(exact, abs=5.0 * effect.standard_error + 0.01)
        assert effect.standard_error < 0.1


@pytest.mark.parametrize("beliefs", [(0.2, 0.4, 0.7), (0.5, 0.4, 0.7), (0.2, 0.6, 0.5)])
@pytest.mark.parametrize("denied", [(), (1,), (0, 1, 2)])
def test_derivatives_follow_what_dates_make_of_numbers(beliefs: tuple[float, ...], denied: tuple[int, ...]) -> None:
    """An influence on one date moves earlier ones, and a stated probability those that are as probable."""
    generator = np.random.default_rng(len(denied))
    event = DatedClaims(np.arange(3), np.arange(3.0), np.isin(np.arange(3), denied))
    edges = [(3, 0, 0.8, 0.3), (3, 2, 0.6, 0.5), (4, 2, 0.2, 0.6), (0, 5, 0.7, 0.2)]
    stated = np.where(event.denies, 1.0 - np.array(beliefs), beliefs)
    network = network_of([*stated, 0.4, 0.3, 0.5], edges)
    evidence = make_evidence(generator.normal(0.0, 1.0, 6), np.full(6, UNKNOWN, np.int8))
    bank = draw_bank(calibrate(join_dates(network, [event])[0]), evidence, seed=1, num_replicates=16)
    inside_weights = generator.uniform(0.3, 1.0, 6)

    for target in (1, 5):
        found = find_sensitivity(bank, target, seed=100, inside_weights=inside_weights)
        assert len(found.effects) == 2 * len(edges) + 6
        for effect in found.effects:
            exact = finite_difference(network, evidence, target, effect, inside_weights, events=[event])
            assert effect.standard_error is not None
            assert effect.derivative == pytest.approx(exact, abs=5.0 * effect.standard_error + 0.01)
            assert effect.standard_error < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_derivatives_are_those_of_the_recalibrated_network(seed: int) -> None:
    """Against finite differences of enumeration, every intercept found anew."""
    generator = np.random.default_rng(seed)
    network = random_network(generator, 6, mean_parents=2.0, max_parents=3)
    evidence = random_evidence(generator, 6)
    inside_weights = generator.uniform(0.3, 1.0, 6)
    target = int(np.flatnonzero(~evidence.is_observed)[-2])
    bank = draw_bank(calibrate(network), evidence, seed=seed, num_replicates=16)
    found = find_sensitivity(bank, target, seed=seed + 100, inside_weights=inside_weights)
    expected = [finite_difference(network, evidence, target, effect, inside_weights) for effect in found.effects]

    for effect, exact in zip(found.effects, expected, strict=True):
        assert effect.standard_error is not None
        assert effect.derivative == pytest.approx(exact, abs=5.0 * effect.standard_error + 0.01)
    assert max(map(abs, expected)) > 0.03
    sizes = [abs(effect.derivative) for effect in found.effects]
    assert sizes == sorted(sizes, reverse=True)


def test_a_consistent_table_is_felt_as_it_reads() -> None:
    """P(child | parent) depends on p_if_true one to one, once the parent has happened; on p_if_false not at all."""
    model = calibrate(network_of([0.4, 0.4 * 0.8 + 0.6 * 0.3], [(0, 1, 0.8, 0.3)]))
    bank = draw_bank(model, observe(no_evidence(2), {0: True}), seed=1, num_replicates=8)
    effects = {(e.parameter, e.index): e.derivative for e in find_sensitivity(bank, 1, seed=2).effects}

    # The child keeps its own belief r: P(c | s) = r + (1 - p_s) times what the table spreads it by.
    spread = 0.4 * 0.8 * 0.2 + 0.6 * 0.3 * 0.7
    expected = 0.8 * 0.2 * (1.0 - 0.4 * 0.8 * 0.2 / spread) / (0.8 * 0.2)
    assert effects[Parameter.P_IF_TRUE, 0] == pytest.approx(expected, abs=0.02)
    assert effects[Parameter.P_IF_FALSE, 0] < 0.0
    assert effects[Parameter.STATED, 1] > 0.0


def test_two_influences_of_one_pair_share_its_weight() -> None:
    """Each moves the mean of both by half."""
    parallel = build_network(
        stated=np.array([0.4, 0.5]),
        prior_marginals=np.array([0.4, 0.5]),
        keys=keys_of(2),
        parents=np.array([0, 0]),
        children=np.array([1, 1]),
        p_if_true=np.array([0.8, 0.8]),
        p_if_false=np.array([0.3, 0.3]),
    )
    single = network_of([0.4, 0.5], [(0, 1, 0.8, 0.3)])
    effects = []
    for network in (parallel, single):
        bank = draw_bank(calibrate(network), observe(no_evidence(2), {0: True}), seed=1)
        found = find_sensitivity(bank, 1, seed=2).effects
        effects.append([effect.derivative for effect in found if effect.parameter is Parameter.P_IF_TRUE])

    assert effects[0] == pytest.approx([effects[1][0] / 2.0] * 2, abs=1e-12)


def test_only_what_is_near_is_asked_about() -> None:
    """A chain of a hundred: the nearest ten, and nothing below the target that says nothing."""
    model = calibrate(network_of([0.5] * 100, [(c, c + 1, 0.7, 0.4) for c in range(99)]), num_samples=1024)
    bank = draw_bank(model, no_evidence(100), seed=1, num_samples=1024)
    found = find_sensitivity(bank, 50, seed=1, num_near=10)

    assert found.num_near == 10
    assert {effect.index for effect in found.effects if effect.parameter is Parameter.STATED} == set(range(41, 51))


def test_a_single_replicate_has_no_error() -> None:
    """And says so."""
    bank = draw_bank(calibrate(network_of([0.5], []), num_samples=64), no_evidence(1), seed=1, num_replicates=1)
    (effect,) = find_sensitivity(bank, 0, seed=1).effects

    assert effect.standard_error is None
    assert math.isclose(effect.derivative, 1.0, abs_tol=0.02)


@pytest.mark.parametrize("target", [-1, 2, 1])
def test_the_target_must_be_open(target: int) -> None:
    """There is nothing to move an observed claim by."""
    model = calibrate(network_of([0.5, 0.5], []), num_samples=64)
    bank = draw_bank(model, observe(no_evidence(2), {1: True}), seed=1, num_samples=64)
    with pytest.raises(ValueError, match="an unobserved claim from 0 to 1"):
        find_sensitivity(bank, target, seed=1)
