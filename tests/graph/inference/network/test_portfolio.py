"""Exposure of a portfolio: against enumeration of the joint distribution, laws, and cases worked by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.errors import Cancelled
from graph.inference.network.evidence import no_evidence
from graph.inference.network.hedging import Payoffs, find_hedges
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.kernels import Backend, get_kernels
from graph.inference.network.portfolio import (
    LEVELS,
    TAIL,
    Edges,
    count_drivers,
    describe,
    find_drivers,
    regress,
    sum_samples,
    tail_probabilities,
    value_samples,
)
from tests.helpers.networks import joint_distribution, network_of, random_evidence, random_network, states_of

NUM_CLAIMS = 8
SEEDS = range(50)


def edges_of(
    claims: list[int],
    tickers: list[int],
    relevances: list[float],
    weights: list[float],
    impacts: list[float] | None = None,
) -> Edges:
    """Edges from lists; without impacts nobody has stated any."""
    stated = [float("nan")] * len(claims) if impacts is None else impacts
    return Edges(np.array(claims), np.array(tickers), np.array(relevances), np.array(stated), np.array(weights))


def random_edges(generator: np.random.Generator) -> Edges:
    """Four tickers, one of them short, over five of the claims; some edges have an impact."""
    claims, tickers = np.nonzero(generator.random((NUM_CLAIMS, 4)) < 0.5)
    signs = generator.choice([-1.0, 1.0], claims.size)
    impacts = signs * generator.uniform(0.0, 0.6, claims.size)
    impacts[generator.random(claims.size) < 0.3] = np.nan
    weights = np.array([0.5, 0.3, -0.2, 0.4])
    return Edges(claims, tickers, signs * generator.random(claims.size), impacts, weights)


def risk_shares(bank: Bank, totals: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Each claim's share of the variance."""
    return coefficients * regress(bank, totals, coefficients)


class Case:
    """A random network with evidence, its enumerated joint, and samples of it."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.model: CalibratedNetwork = calibrate(random_network(generator, NUM_CLAIMS, mean_parents=2.0))
        self.evidence = random_evidence(generator, NUM_CLAIMS)
        self.edges = random_edges(generator)
        self.states, self.joint = states_of(NUM_CLAIMS), joint_distribution(self.model, self.evidence)
        self.bank = draw_bank(self.model, self.evidence, seed=seed)
        self.coefficients = self.edges.coefficients(NUM_CLAIMS)
        self.totals = sum_samples(self.bank, self.coefficients)
        self.exact: FloatArray = self.states @ self.coefficients

    def mean(self, values: FloatArray) -> float:
        """The expectation over the joint."""
        return float(self.joint @ values)


def enumerated_tail(joint: FloatArray, values: FloatArray) -> FloatArray:
    """The probability that each outcome has in the worst 5%, by filling them from the worst on."""
    weights, left = np.zeros_like(joint), TAIL
    for index in np.argsort(values, kind="stable"):
        weights[index] = min(left, joint[index])
        left -= weights[index]
    return weights


@cache
def case_of(seed: int) -> Case:
    """A case, made once."""
    return Case(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_distribution_is_that_of_enumeration(seed: int) -> None:
    """Mean, deviation and shortfall within five standard errors; quantiles by what lies below them."""
    case = case_of(seed)
    found = describe(case.totals)
    mean = case.mean(case.exact)
    deviation = np.sqrt(case.mean((case.exact - mean) ** 2))
    tail = enumerated_tail(case.joint, case.exact)

    assert found.mean_error is not None
    assert found.deviation_error is not None
    assert found.shortfall_error is not None
    assert found.mean == pytest.approx(mean, abs=5 * found.mean_error + 0.004)
    assert found.standard_deviation == pytest.approx(deviation, abs=5 * found.deviation_error + 0.004)
    assert found.shortfall == pytest.approx(tail @ case.exact / TAIL, abs=5 * found.shortfall_error + 0.02)
    assert found.negative_probability == pytest.approx(case.joint[case.exact < -1e-12].sum(), abs=0.03)
    for level, quantile in zip(LEVELS, found.quantiles, strict=True):
        assert case.joint[case.exact < quantile - 1e-9].sum() <= level + 0.03
        assert case.joint[case.exact <= quantile + 1e-9].sum() >= level - 0.03


def test_the_errors_of_a_drivers_means_are_no_smaller_than_they_are() -> None:
    """As rarely beyond two and three of them as a normal error, over all claims of all networks."""
    scores = []
    for seed in SEEDS:
        case = case_of(seed)
        found = find_drivers(case.bank, case.totals, np.flatnonzero(case.coefficients))
        assert found.if_true_errors is not None
        for claim in np.flatnonzero(found.if_true_errors > 0.0):
            part = case.states[:, claim] == 1
            given = case.joint[part] @ case.exact[part] / case.joint[part].sum()
            scores.append(abs(found.if_true[claim] - given) / found.if_true_errors[claim])

    assert np.mean(np.array(scores) > 2.0) < 0.08
    assert np.mean(np.array(scores) > 3.0) < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drivers_means_and_reduction_are_those_of_enumeration(seed: int) -> None:
    """E[X] given either outcome, and the variance of that expectation."""
    case = case_of(seed)
    found = find_drivers(case.bank, case.totals, np.flatnonzero(case.coefficients))
    mean = case.mean(case.exact)

    for claim in np.flatnonzero(~case.evidence.is_observed):
        p = case.joint[case.states[:, claim] == 1].sum()
        given = [
            case.joint[part] @ case.exact[part] / case.joint[part].sum()
            for part in (case.states[:, claim] == 1, case.states[:, claim] == 0)
        ]
        expected = p * (given[0] - mean) ** 2 + (1 - p) * (given[1] - mean) ** 2
        assert found.standard_errors is not None
        assert found.reductions[claim] == pytest.approx(expected, abs=5 * found.standard_errors[claim] + 0.003)
        assert found.if_true_errors is not None
        assert found.if_false_errors is not None
        assert found.if_true[claim] == pytest.approx(given[0], abs=5 * found.if_true_errors[claim] + 0.004)
        assert found.if_false[claim] == pytest.approx(given[1], abs=5 * found.if_false_errors[claim] + 0.004)
    assert (found.reductions[case.evidence.is_observed] == 0.0).all()
    assert not found.is_above_noise[case.evidence.is_observed].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_of_risk_add_up_to_one_and_are_those_of_enumeration(seed: int) -> None:
    case = case_of(seed)
    shares = risk_shares(case.bank, case.totals, case.coefficients)
    mean = case.mean(case.exact)
    variance = case.mean((case.exact - mean) ** 2)
    terms = case.states * case.coefficients
    expected = case.joint @ ((terms - case.joint @ terms) * (case.exact - mean)[:, None]) / variance

    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert_allclose(shares, expected, atol=0.05)
    assert (shares[case.coefficients == 0.0] == 0.0).all()


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_what_is_true_in_the_worst_outcomes_is_that_of_enumeration(seed: int) -> None:
    case = case_of(seed)
    tail = enumerated_tail(case.joint, case.exact) / TAIL

    found = tail_probabilities(case.bank, case.totals, np.arange(NUM_CLAIMS))

    assert_allclose(found, tail @ case.states, atol=0.12)


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_money_is_compounded_over_each_tickers_claims(seed: int) -> None:
    """Against the product of 1 + impact over each outcome that enumeration lists."""
    case = case_of(seed)
    edges, values = case.edges, np.array([100.0, -50.0, 20.0, 10.0])
    expected = np.zeros(case.joint.size)
    for ticker, value in enumerate(values):
        own = (edges.tickers == ticker) & ~np.isnan(edges.impacts)
        factors = (1.0 + edges.impacts[own]) ** case.states[:, edges.claims[own]]
        expected += value * (factors.prod(axis=1) - 1.0)

    found = describe(value_samples(case.bank, edges, values))

    assert found.mean_error is not None
    assert found.mean == pytest.approx(case.mean(expected), abs=5 * found.mean_error + 0.4)


def bank_of(*stated: float, links: list[tuple[int, int, float, float]] | None = None) -> Bank:
    """Samples of a few claims without evidence."""
    model = calibrate(network_of(list(stated), links or []))
    return draw_bank(model, no_evidence(len(stated)), seed=3)


def test_independent_claims_share_the_risk_by_their_variances() -> None:
    """Two claims of a half with coefficients 1 and 2: a fifth and four fifths; 25/17 drivers by shares 1/5 and 4/5."""
    bank = bank_of(0.5, 0.5)
    coefficients = np.array([1.0, 2.0])
    totals = sum_samples(bank, coefficients)

    assert_allclose(risk_shares(bank, totals, coefficients), [0.2, 0.8], atol=0.02)
    assert count_drivers(bank, coefficients) == pytest.approx(25 / 17, abs=0.03)
    assert describe(totals).standard_deviation == pytest.approx(np.sqrt(1.25), abs=0.02)


def test_claims_that_come_true_together_are_one_driver() -> None:
    """A child that nearly follows its parent: the sum is 0 or 2, and hardly ever 1."""
    bank = bank_of(0.5, 0.5, links=[(0, 1, 0.999, 0.001)])
    coefficients = np.ones(2)
    totals = sum_samples(bank, coefficients)

    assert count_drivers(bank, coefficients) == pytest.approx(1.0, abs=0.01)
    assert_allclose(risk_shares(bank, totals, coefficients), [0.5, 0.5], atol=0.01)
    assert describe(totals).quantiles.tolist() == [0.0, 0.0, 0.0, pytest.approx(1.0, abs=1.0), 2.0, 2.0, 2.0]


def test_a_claim_that_no_sample_has_is_no_driver() -> None:
    """Its marginal is above 0 all the same, as it is averaged over its parent."""
    bank = bank_of(1e-9, 0.5, links=[(0, 1, 0.5, 0.5)])

    assert 0.0 < bank.replicate_marginals[:, 0].mean() < 1e-6
    assert count_drivers(bank, np.array([1.0, 0.0])) == 0.0


def test_a_short_position_hedges_what_it_shares_with_a_long_one() -> None:
    """One claim on two tickers, long and short alike: nothing is left to lose, and nobody has a share of it."""
    bank = bank_of(0.4, 0.5)
    edges = edges_of([0, 0], [0, 1], [0.5, 0.5], [1.0, -1.0])
    coefficients = edges.coefficients(2)
    totals = sum_samples(bank, coefficients)
    found = describe(totals)

    assert coefficients.tolist() == [0.0, 0.0]
    assert (found.mean, found.standard_deviation, found.shortfall, found.negative_probability) == (0.0, 0.0, 0.0, 0.0)
    assert risk_shares(bank, totals, coefficients).tolist() == [0.0, 0.0]
    assert count_drivers(bank, coefficients) == 0.0
    assert not find_drivers(bank, totals, np.array([0])).is_above_noise.any()


def test_one_prediction_on_many_tickers_adds_up() -> None:
    edges = edges_of([0, 0, 0], [0, 1, 2], [0.5, -0.25, 1.0], [2.0, 4.0, -1.0])

    assert edges.coefficients(2).tolist() == [0.5 * 2 - 0.25 * 4 - 1.0, 0.0]


@pytest.mark.parametrize("seed", range(5))
def test_impacts_with_ranges_have_the_moments_of_triangles(seed: int) -> None:
    """Of two compounded impacts on one claim, one of them with a range; a range without width is none."""
    case = Case(seed)
    claim, (low, mode, high), other = 3, (-0.3, 0.1, 0.9), 0.2
    edges = Edges(
        np.array([claim, claim]),
        np.array([0, 0]),
        np.array([1.0, 1.0]),
        np.array([mode, other]),
        np.array([2.0]),
        np.array([[low, high], [np.nan, np.nan]]),
    )
    samples = value_samples(case.bank, edges, edges.weights)
    probability = float(case.bank.replicate_marginals[:, claim].mean())
    mean, variance = (low + mode + high) / 3, (low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18
    change = (1 + mean) * (1 + other) - 1
    square = (variance + (1 + mean) ** 2) * (1 + other) ** 2 - 2 * (1 + mean) * (1 + other) + 1
    error = np.sqrt(square / samples.size)

    assert_allclose(samples.mean(), 2 * probability * change, atol=2 * 6 * error)
    assert_allclose((samples**2).mean(), 4 * probability * square, rtol=0.1, atol=1e-9)
    assert_array_equal(value_samples(case.bank, edges, edges.weights), samples)
    narrow = replace(edges, ranges=np.array([[mode, mode], [np.nan, np.nan]]))
    none = replace(edges, ranges=None)
    assert_array_equal(value_samples(case.bank, narrow, edges.weights), value_samples(case.bank, none, edges.weights))


def test_a_price_may_go_to_nothing_and_no_further() -> None:
    """With -100 % and another +50 % on the ticker, its value is lost wherever the first comes true."""
    bank = bank_of(0.5, 0.5)
    edges = edges_of([0, 1], [0, 0], [-1.0, 0.5], [1.0], impacts=[-1.0, 0.5])

    values = value_samples(bank, edges, np.array([200.0]))

    assert set(np.unique(values.round(9))) == {-200.0, 0.0, 100.0}
    assert (values == -200.0).mean() == pytest.approx(0.5, abs=0.01)


def test_upstream_claims_drive_what_they_cause() -> None:
    """The parent of the one exposed claim tells more than a claim that nothing joins to it, which tells nothing."""
    bank = bank_of(0.5, 0.5, 0.5, links=[(0, 1, 0.9, 0.1)])
    totals = sum_samples(bank, np.array([0.0, 1.0, 0.0]))
    found = find_drivers(bank, totals, np.array([1]))

    assert found.ranked().tolist() == [1, 0]
    assert found.reductions[2] == 0.0
    assert found.if_true[0] == pytest.approx(0.9, abs=0.01)
    assert found.if_false[0] == pytest.approx(0.1, abs=0.01)
    assert found.if_true[2] == found.if_false[2] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("seed", range(10))
def test_a_hedge_is_that_of_enumeration(seed: int) -> None:
    """A claim's contract, a sum of claims, and a payoff that the evidence settles: -cov / var, and cov^2 / var."""
    case = Case(seed)
    settled = int(np.flatnonzero(case.evidence.is_observed)[0]) if case.evidence.is_observed.any() else None
    terms = [(0, 0, 1.0), (1, 1, 0.7), (2, 1, -0.4), *([] if settled is None else [(settled, 2, 1.0)])]
    claims, instruments, amounts = (np.array(column) for column in zip(*terms, strict=True))
    sources = np.flatnonzero(case.coefficients)
    found = find_hedges(case.bank, case.totals, sources, Payoffs(claims, instruments, amounts, 3))
    expected = case.mean(case.exact)
    spread = case.mean((case.exact - expected) ** 2)

    for instrument in range(2):
        weights = np.bincount(claims, amounts * (instruments == instrument), minlength=NUM_CLAIMS)
        payoff: FloatArray = (case.states @ weights).astype(np.float64)
        centred = payoff - case.mean(payoff)
        covariance, variance = case.mean((case.exact - expected) * centred), case.mean(centred**2)
        assert found.standard_errors is not None
        if variance == 0.0:
            assert (found.sizes[instrument], found.reductions[instrument]) == (0.0, 0.0)
            continue
        assert_allclose(found.reductions[instrument], covariance**2 / variance, atol=0.04 * spread + 1e-12)
        assert_allclose(found.sizes[instrument], -covariance / variance, atol=0.1 * np.sqrt(spread / variance) + 1e-12)
        assert_allclose(found.reductions_per_unit[instrument], abs(covariance), atol=0.1 * np.sqrt(spread * variance))
    assert (found.sizes[2], found.reductions[2], found.reductions_per_unit[2]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("backend", list(Backend))
def test_coefficients_are_added_up(backend: Backend) -> None:
    """Of some claims, more than NumPy looks at together, against a product of matrices; on top of what is there."""
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 1 << 64, (700, 3, 5), np.uint64)
    claims, coefficients = generator.permutation(700)[:600], generator.normal(size=600)
    states = np.unpackbits(bits[claims, 1].view(np.uint8), axis=1, bitorder="little")
    totals = np.ones(320)

    get_kernels(backend).add_coefficients(claims, bits[:, 1], coefficients, totals)

    assert_allclose(totals, 1.0 + coefficients @ states, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("backend", list(Backend))
def test_changes_are_added_by_stratum(backend: Backend) -> None:
    """Sample by sample; on top of what is there."""
    generator = np.random.default_rng(0)
    words = generator.integers(0, 1 << 64, 5, np.uint64)
    strata, changes = generator.integers(0, 256, 320, np.uint8), generator.normal(size=256)
    totals = np.ones(320)

    get_kernels(backend).add_changes(words, strata, changes, totals)

    is_true = [bool(int(words[sample // 64]) >> (sample % 64) & 1) for sample in range(320)]
    expected = [1.0 + (changes[stratum] if true else 0.0) for stratum, true in zip(strata, is_true, strict=True)]
    assert_allclose(totals, expected, rtol=1e-12)


def test_it_stops_when_nobody_waits() -> None:
    bank = bank_of(0.5, 0.5)

    with pytest.raises(Cancelled):
        find_drivers(bank, sum_samples(bank, np.ones(2)), np.array([0]), should_stop=lambda: True)
