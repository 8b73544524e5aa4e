"""Computing time of a portfolio's figures over a large network, against NumPy on samples that are unpacked first."""

import statistics
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.evidence import no_evidence
from graph.inference.network.intercepts import calibrate
from graph.inference.network.portfolio import (
    LEVELS,
    TAIL,
    Edges,
    describe,
    find_drivers,
    regress,
    sum_samples,
    tail_probabilities,
    value_samples,
)
from graph.inference.network.structure import build_network
from graph.inference.network.warming import warm_up

NUM_CLAIMS, NUM_LINKS, NUM_TICKERS, NUM_EDGES = 10_000, 20_000, 500, 60_000
NUM_ROUNDS: Final = 7
IMPACT_SHARE: Final = 0.1
SEED: Final = 20260101


def benchmark_portfolio() -> None:
    """Draw samples of a network once, and measure a portfolio over them in both ways."""
    warm_up()
    bank, edges = _draw(), _edges()
    coefficients = edges.coefficients(NUM_CLAIMS)
    claims = np.flatnonzero(coefficients)
    print(f"{NUM_CLAIMS} claims, {NUM_LINKS} links, {NUM_EDGES} exposures of {NUM_TICKERS} tickers")

    def figures() -> FloatArray:
        totals = sum_samples(bank, coefficients)
        describe(totals)
        regress(bank, totals, coefficients)
        tail_probabilities(bank, totals, claims)
        return totals

    totals = figures()
    _compare("distribution, shares of risk, worst outcomes", figures, lambda: _plain_figures(bank, coefficients), 50.0)
    _compare(
        "drivers among all claims",
        lambda: find_drivers(bank, totals, claims),
        lambda: _plain_drivers(bank, totals),
        100.0,
    )
    money = _cost(lambda: value_samples(bank, edges, edges.weights))
    print(f"  change of value by {np.count_nonzero(~np.isnan(edges.impacts))} impacts: {money:.1f} ms")
    print(f"  memory: samples {bank.bits.nbytes / 1e6:.1f} MB, unpacked {bank.bits.nbytes * 8 / 1e6:.0f} MB")


def _draw() -> Bank:
    generator = np.random.default_rng(SEED)
    marginals = generator.uniform(0.05, 0.95, NUM_CLAIMS)
    ends = np.sort(generator.integers(0, NUM_CLAIMS, (NUM_LINKS * 2, 2)), axis=1)
    ends = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0)
    ends = generator.permutation(ends)[:NUM_LINKS]
    tables = generator.uniform(0.2, 0.8, (2, ends.shape[0]))
    network = build_network(
        stated=marginals,
        prior_marginals=marginals,
        keys=np.arange(1, NUM_CLAIMS + 1, dtype=np.uint64),
        parents=ends[:, 0],
        children=ends[:, 1],
        p_if_true=tables[0],
        p_if_false=tables[1],
    )
    return draw_bank(calibrate(network), no_evidence(NUM_CLAIMS), seed=1)


def _edges() -> Edges:
    generator = np.random.default_rng(SEED)
    relevances = generator.uniform(-1.0, 1.0, NUM_EDGES)
    impacts = 0.3 * relevances
    impacts[generator.random(NUM_EDGES) > IMPACT_SHARE] = np.nan
    return Edges(
        claims=generator.integers(0, NUM_CLAIMS, NUM_EDGES),
        tickers=generator.integers(0, NUM_TICKERS, NUM_EDGES),
        relevances=relevances,
        impacts=impacts,
        weights=generator.normal(1.0, 0.5, NUM_TICKERS),
    )


def _unpack(bank: Bank) -> FloatArray:
    words = bank.bits.reshape(bank.bits.shape[0], -1)
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little").astype(np.float32)


def _plain_figures(bank: Bank, coefficients: FloatArray) -> None:
    states = _unpack(bank)
    totals = coefficients.astype(np.float32) @ states
    np.quantile(totals, LEVELS)
    centred = totals - totals.mean()
    coefficients * (states @ centred) / totals.size / totals.var()
    states[:, totals <= np.quantile(totals, TAIL)].mean(axis=1)


def _plain_drivers(bank: Bank, totals: FloatArray) -> None:
    states = _unpack(bank)
    centred = (totals.ravel() - totals.mean()).astype(np.float32)
    shares = states.mean(axis=1)
    (states @ centred / centred.size) ** 2 / (shares * (1.0 - shares))


def _compare(name: str, ours: Callable[[], object], plain: Callable[[], object], target: float) -> None:
    own, other = _cost(ours), _cost(plain)
    met = "met" if own <= target else "MISSED"
    print(f"  {name}: {own:.1f} ms, by NumPy {other:.0f} ms, ratio {other / own:.0f}; target {target:g}: {met}")


def _cost(work: Callable[[], object]) -> float:
    """Milliseconds of processor time of this thread, the median of some rounds after a first one."""
    work()
    costs = []
    for _ in range(NUM_ROUNDS):
        started = time.thread_time()
        work()
        costs.append(time.thread_time() - started)
    return 1e3 * statistics.median(costs)
