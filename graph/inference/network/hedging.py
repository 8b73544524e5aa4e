"""
Hedges of a sum over claims: how much of each payoff to hold beside it, and how much of its variance that takes away.

With the sum X and a payoff Y, X + h Y varies least at h = -cov(X, Y) / var(Y), by cov(X, Y)^2 / var(Y) less than X:
the minimum-variance hedge (Johnson, Review of Economic Studies 27 (1960), 139-151).
"""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank
from graph.inference.network.errors import ShouldStop, check_stop, never
from graph.inference.network.portfolio import sum_samples
from graph.inference.network.replicates import standard_errors
from graph.inference.network.separation import connected_claims
from graph.inference.network.structure import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Payoffs:
    """
    Payoffs of k instruments, each a sum over claims that come true.

    Attributes:
        claims: Index of the claim of each term, shape (e,).
        instruments: Index of its instrument, shape (e,).
        amounts: Payoff of a unit if the claim comes true, of either sign, shape (e,).
        num_instruments: k.
    """

    claims: IntArray
    instruments: IntArray
    amounts: FloatArray
    num_instruments: int


@dataclass(frozen=True, slots=True, eq=False)
class Hedges:
    """
    Hedges of a sum by k instruments, each alone; exactly none where the network's structure rules an effect out.

    Attributes:
        sizes: Units to hold beside the sum so that it varies least, shape (k,).
        reductions: Variance that this takes away, shape (k,).
        standard_errors: Of the reductions, between replicates, shape (k,); None for a single one.
    """

    sizes: FloatArray
    reductions: FloatArray
    standard_errors: FloatArray | None

    @property
    def reductions_per_unit(self) -> FloatArray:
        """Variance that each unit held takes away in the mean, |cov(X, Y)|; shape (k,)."""
        sizes = np.abs(self.sizes)
        return np.divide(self.reductions, sizes, out=np.zeros_like(sizes), where=sizes > 0.0)


def find_hedges(
    bank: Bank, totals: FloatArray, sources: IntArray, payoffs: Payoffs, *, should_stop: ShouldStop = never
) -> Hedges:
    """
    Compute the hedge of a sum by each of some instruments.

    Args:
        bank: The samples, unweighted.
        totals: The sum of each, shape (replicates, samples).
        sources: Indices of the claims that the sum is over; a payoff that is d-separated from them is no hedge.
        payoffs: The instruments.
        should_stop: Polled before each instrument.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    num_claims, num_replicates, _ = bank.bits.shape
    linked = connected_claims(bank.model.network, bank.evidence, sources) & ~bank.evidence.is_observed
    centred = totals - totals.mean()
    covariances = np.zeros((num_replicates, payoffs.num_instruments))
    variances = np.zeros_like(covariances)
    order = np.argsort(payoffs.instruments, kind="stable")
    bounds = np.searchsorted(payoffs.instruments[order], np.arange(payoffs.num_instruments + 1))
    for instrument in range(payoffs.num_instruments):
        check_stop(should_stop)
        terms = order[bounds[instrument] : bounds[instrument + 1]]
        if not linked[payoffs.claims[terms]].any():
            continue
        amounts = np.bincount(payoffs.claims[terms], payoffs.amounts[terms], minlength=num_claims)
        payoff = sum_samples(bank, amounts.astype(np.float64))
        payoff -= payoff.mean()
        covariances[:, instrument] = (centred * payoff).mean(axis=1)
        variances[:, instrument] = (payoff * payoff).mean(axis=1)
    covariance, variance = covariances.mean(axis=0), variances.mean(axis=0)
    return Hedges(
        sizes=-_over(covariance, variance),
        reductions=covariance * _over(covariance, variance),
        standard_errors=standard_errors(covariances * _over(covariances, variances)),
    )


def _over(covariances: FloatArray, variances: FloatArray) -> FloatArray:
    return np.divide(covariances, variances, out=np.zeros_like(covariances), where=variances > 0.0)
