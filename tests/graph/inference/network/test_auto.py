"""Each part of the network by the best method that fits."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import FloatArray
from graph.inference.network.auto import AUTO_BUDGET, complete, infer, infer_exact_parts
from graph.inference.network.bank import draw_bank
from graph.inference.network.diagnostics import EXACT, LBP, SAMPLE, Diagnostics, Method
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence, no_evidence, observe
from graph.inference.network.exact import Budget, infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.shifts import Drawing, shifts_by_auto
from graph.inference.network.structure import Network
from tests.helpers.networks import four_claims, network_of, only, random_evidence, random_network, two_hubs
from tests.helpers.stress import KINDS, Truth, stress_case

NOTHING_FITS = Budget(clique_claims=1, tree_entries=1, claims=0)
SMALL = Budget(clique_claims=7)
SEEDS = range(3)


def home_draw_away() -> tuple[Network, Evidence]:
    """Three outcomes that exclude each other, joined by what each leaves of the others."""
    edges = [(0, 1, 0.01, 0.6), (0, 2, 0.01, 0.4), (1, 2, 0.01, 0.3)]
    return network_of([0.5, 0.3, 0.2], edges), no_evidence(3)


def two_killers() -> tuple[Network, Evidence]:
    """Two killers over sixty children with evidence, which tells them apart hardly."""
    edges = [(killer, child, 0.1, 0.55) for child in range(2, 62) for killer in (0, 1)]
    llr = np.concatenate([[0.0, 0.0], np.resize([0.5, -0.62], 60)])
    return network_of([0.3, 0.3] + [0.4] * 60, edges), make_evidence(llr, np.full(62, UNKNOWN, np.int8))


def resolved_hub() -> tuple[Network, Evidence]:
    """A hub of 1,200 children, all resolved, more of them true than the hub's absence explains."""
    edges = [(0, child, 0.6, 0.4) for child in range(1, 1_201)]
    observed = np.append([UNKNOWN], np.arange(1_200) % 2).astype(np.int8)
    return network_of([0.3] + [0.46] * 1_200, edges), make_evidence(np.zeros(1_201), observed)


def named(name: str, seed: int) -> tuple[Network, Evidence]:
    if name == "two hubs":
        return two_hubs(np.random.default_rng(seed))
    cases = {
        "four claims": four_claims,
        "home, draw, away": home_draw_away,
        "two killers": two_killers,
        "resolved hub": resolved_hub,
    }
    return cases[name]()


NAMES = ("two hubs", "four claims", "home, draw, away", "two killers", "resolved hub")


def stated_error(said: Diagnostics) -> float:
    """Four standard errors, and what else the answer owns to."""
    return 4.0 * (said.standard_error or 0.0) + said.calibration_error + (said.error_estimate or 0.0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_networks_that_other_methods_fail_on(name: str, seed: int) -> None:
    """Exactly where it fits, which is always, and within what is stated if only samples are allowed."""
    network, evidence = named(name, seed)
    model, expected = calibrate(network), Truth(network).marginals(evidence)
    beliefs = infer(model, evidence, seed=seed)
    sampled = infer(model, evidence, seed=seed, budget=NOTHING_FITS)

    assert_allclose(beliefs.marginals, expected, atol=1e-6)
    assert beliefs.diagnostics.method is Method.AUTO
    assert beliefs.methods is not None
    assert (beliefs.methods == EXACT).all()
    assert_allclose(sampled.marginals, expected, atol=0.02)
    assert_allclose(sampled.marginals, expected, atol=max(0.005, stated_error(sampled.diagnostics)))


@pytest.mark.parametrize("seed", range(50))
def test_stress_networks_by_each_route(seed: int) -> None:
    """Exact parts are exact, and sampled ones are off by no more than they say, or say that they do not converge."""
    case = stress_case(1_000 + seed, KINDS[seed % len(KINDS)])
    truth, model = Truth(case.network), calibrate(case.network)
    expected = truth.marginals(case.evidence)
    before = infer(model, case.evidence, seed=seed)
    shifts = shifts_by_auto(
        model, case.evidence, case.outcomes, before=before, drawing=Drawing(seed), is_intervention=case.is_intervention
    )
    forced: Mapping[int, bool] = case.outcomes if case.is_intervention else {}
    known = case.evidence if case.is_intervention else observe(case.evidence, case.outcomes)

    assert_allclose(before.marginals, expected, atol=1e-6)
    assert_allclose(shifts.after, truth.marginals(known, forced), atol=1e-6)
    sampled = infer(model, case.evidence, seed=seed, budget=NOTHING_FITS)
    error = np.abs(sampled.marginals - expected).max()
    assert error <= max(0.005, stated_error(sampled.diagnostics)) or not sampled.diagnostics.converged


def tangle(generator: np.random.Generator, num_claims: int) -> Network:
    return random_network(generator, num_claims, mean_parents=4.0, max_parents=6)


def side_by_side(seed: int) -> tuple[Network, Evidence, int]:
    """A tangle that no small tree holds, and beside it a small network; the number of claims in the tangle."""
    generator = np.random.default_rng(seed)
    large, small = tangle(generator, 24), random_network(generator, 10)
    columns = [
        [
            *zip(
                *(column.tolist() for column in (one.link_parents, one.link_children, one.p_if_true, one.p_if_false)),
                strict=True,
            )
        ]
        for one in (large, small)
    ]
    edges = columns[0] + [(parent + 24, child + 24, *table) for parent, child, *table in columns[1]]
    network = network_of(np.concatenate([large.prior_marginals, small.prior_marginals]), edges)
    return network, random_evidence(generator, 34, num_observed=3), 24


@pytest.mark.parametrize("seed", range(5))
def test_each_part_by_what_fits(seed: int) -> None:
    """The small network exactly, the tangle by samples; both as with a larger budget."""
    network, evidence, num_large = side_by_side(seed)
    model = calibrate(network)
    beliefs, exact = infer(model, evidence, seed=1, budget=SMALL), infer_exactly(model, evidence)
    assert beliefs.methods is not None
    assert beliefs.standard_errors is not None

    assert (beliefs.methods[num_large:] == EXACT).all()
    assert (beliefs.methods[:num_large] == SAMPLE).sum() > 10
    is_exact = beliefs.methods == EXACT
    assert_allclose(beliefs.marginals[is_exact], exact.marginals[is_exact], atol=1e-3)
    assert (beliefs.standard_errors[is_exact] == 0.0).all()
    assert_allclose(beliefs.marginals, exact.marginals, atol=stated_error(beliefs.diagnostics) + 1e-3)


def test_claims_without_evidence_below_are_solved_in_groups() -> None:
    """Forty leaves over twenty parents: together they join all parents, but each joins two alone."""
    generator = np.random.default_rng(3)
    edges = [(int(p), c, *generator.uniform(0.1, 0.9, 2).tolist()) for c in range(20, 60) for p in _pair(generator)]
    network = network_of(generator.uniform(0.1, 0.9, 60), edges)
    llr = np.where(np.arange(60) < 20, generator.normal(0.0, 1.0, 60), 0.0)
    evidence = make_evidence(llr, np.full(60, UNKNOWN, np.int8))
    model = calibrate(network)
    parts = infer_exact_parts(model, evidence, budget=Budget(clique_claims=6))
    beliefs = complete(parts, evidence, None)

    assert not parts.is_left.any()
    assert_allclose(beliefs.marginals, infer_exactly(model, evidence, max_clique_claims=25).marginals, atol=1e-9)


def _pair(generator: np.random.Generator) -> list[int]:
    first, second = generator.choice(20, 2, replace=False)
    return [int(first), int(second)]


def test_what_no_evidence_reaches_keeps_its_prior_marginal() -> None:
    """To the last bit, even in a network that is too large to be computed exactly."""
    network, evidence, num_large = side_by_side(0)
    quiet = Evidence(
        np.where(np.arange(34) < num_large, evidence.llr, 0.0),
        np.where(np.arange(34) < num_large, evidence.observed, UNKNOWN).astype(np.int8),
    )
    beliefs = infer(calibrate(network), quiet, seed=1, budget=NOTHING_FITS)

    assert_array_equal(beliefs.marginals[num_large:], network.prior_marginals[num_large:])
    assert (beliefs.marginals[:num_large] != network.prior_marginals[:num_large]).sum() > 10


def test_only_the_claims_asked_for_are_computed() -> None:
    """And the answer on them is the same."""
    network, evidence, num_large = side_by_side(1)
    model = calibrate(network)
    asked = infer(model, evidence, seed=1, asked=np.arange(34) >= num_large, budget=SMALL)
    all_of_them = infer(model, evidence, seed=1, budget=SMALL)

    assert asked.diagnostics.num_samples == 0
    assert_array_equal(asked.marginals[num_large:], all_of_them.marginals[num_large:])


@pytest.mark.parametrize("seed", range(10))
def test_beyond_the_memory_of_a_bank_it_is_lbp_with_an_error_that_holds(seed: int) -> None:
    """The estimate comes from neighborhoods; the truth from a tree over all of it."""
    generator = np.random.default_rng(seed)
    model = calibrate(random_network(generator, 80, mean_parents=2.2, window=8))
    evidence = random_evidence(generator, 80, num_observed=8)
    beliefs = infer(model, evidence, seed=1, budget=NOTHING_FITS, max_memory_bytes=1)
    assert beliefs.methods is not None
    said = beliefs.diagnostics

    assert set(beliefs.methods.tolist()) == {EXACT, LBP}
    assert said.error_estimate is not None
    error = np.abs(beliefs.marginals - infer_exactly(model, evidence).marginals).max()
    assert 0.0 < error <= said.error_estimate + 1e-9


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("is_intervention", [False, True])
def test_shifts_of_parts_by_both_routes(seed: int, is_intervention: bool) -> None:
    """With a stored bank and with a fresh one, near what a tree over all of it says."""
    network, evidence, num_large = side_by_side(seed)
    model, budget = calibrate(network), SMALL
    bank = draw_bank(model, evidence, seed=1)
    before = infer(model, evidence, seed=1, budget=budget, sample=lambda _: bank.beliefs)
    free = np.flatnonzero(~evidence.is_observed)
    outcomes = {int(free[0]): True, int(free[free >= num_large][0]): False}
    truth = shifts_of(model, evidence, outcomes, is_intervention=is_intervention)
    for given in (bank, None):
        shifts = shifts_by_auto(
            model,
            evidence,
            outcomes,
            before=before,
            drawing=Drawing(2),
            bank=given,
            is_intervention=is_intervention,
            budget=budget,
        )
        assert shifts.methods is not None
        assert {EXACT, SAMPLE} == set(shifts.methods.tolist())
        assert_allclose(shifts.deltas, truth, atol=stated_error(shifts.diagnostics) + 2e-3)
        assert shifts.standard_errors is not None
        assert (shifts.standard_errors[num_large:] == 0.0).all()


def shifts_of(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool
) -> FloatArray:
    before = infer(model, evidence, seed=1, budget=Budget())
    found = shifts_by_auto(
        model,
        evidence,
        outcomes,
        before=before,
        drawing=Drawing(1),
        is_intervention=is_intervention,
        budget=Budget(),
    )
    assert found.diagnostics.num_samples == 0
    return found.deltas


def test_the_budget_is_kept() -> None:
    """A tangle of two hundred claims is not even planned for long; all of it is left."""
    generator = np.random.default_rng(5)
    model = calibrate(tangle(generator, 200))
    evidence = make_evidence(np.where(only(200, 199, 150), 2.0, 0.0), np.full(200, UNKNOWN, np.int8))
    parts = infer_exact_parts(model, evidence)

    assert AUTO_BUDGET.clique_claims < 20
    assert parts.is_left.sum() > 150
