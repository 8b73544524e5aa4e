"""
Exposure of a portfolio: the distribution of a sum over claims that come true, and the claims that it hangs on.

With outcomes x_p of 0 or 1, signs s, relevances in [0, 1] and weights w, the signed relevance of a ticker is
X_t = sum_p s relevance x_p, and that of a portfolio X = sum_t w_t X_t = sum_p a_p x_p, where a_p adds up over the
tickers that p bears on.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank
from graph.inference.network.errors import ShouldStop, check_stop, never
from graph.inference.network.kernels import Backend, get_kernels
from graph.inference.network.moving import add_weights
from graph.inference.network.replicates import noise_limit, pooled_errors, standard_errors
from graph.inference.network.separation import connected_claims
from graph.inference.network.structure import BoolArray, IntArray

LEVELS: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Levels of the quantiles."""

TAIL: Final = 0.05
"""Probability of the worst outcomes, of which the shortfall is the mean."""

_SEED: Final = 20_260_301
"""Of the draws of impacts, so that the same question has the same answer."""

NUM_STRATA: Final = 256
"""Strata of the distribution of an impact; a byte of random numbers names one."""

MOST_COMPONENTS: Final = 256
"""Claims among which the number of independent drivers is looked for: those that vary the sum most."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """
    Exposures of a portfolio's tickers to claims.

    Attributes:
        claims: Index of each edge's claim, shape (e,).
        tickers: Index of its ticker, shape (e,).
        relevances: Signed relevance, in [-1, 1], shape (e,).
        impacts: Fractional change of the price if the claim comes true, -1 or more, NaN where nobody has stated one,
            shape (e,).
        weights: Weight of each ticker, of either sign, shape (t,).
        ranges: The least and the most that each impact may be, NaN where nobody has stated them, shape (e, 2); None
            where all are so.
    """

    claims: IntArray
    tickers: IntArray
    relevances: FloatArray
    impacts: FloatArray
    weights: FloatArray
    ranges: FloatArray | None = None

    def coefficients(self, num_claims: int) -> FloatArray:
        """Add up a_p, what each claim adds to the portfolio's signed relevance if it comes true; shape (n,)."""
        own = self.weights[self.tickers] * self.relevances
        totals: FloatArray = np.bincount(self.claims, own, minlength=num_claims).astype(np.float64)
        return totals


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """
    A distribution estimated from joint samples.

    Attributes:
        mean: Of the samples.
        standard_deviation: Of the samples, as of a whole population.
        quantiles: For each of `LEVELS` the least value with at least that probability at or below it, shape (7,).
        shortfall: Mean of the worst 5%, of which a value on the border counts in part (Acerbi and Tasche, Journal of
            Banking and Finance 26 (2002), 1487-1503).
        negative_probability: Probability of a value below 0.
        mean_error: Standard error of the mean, between replicates; None for a single one.
        deviation_error: That of the standard deviation.
        shortfall_error: That of the shortfall.
        quantile_errors: Those of the quantiles, shape (7,).
    """

    mean: float
    standard_deviation: float
    quantiles: FloatArray
    shortfall: float
    negative_probability: float
    mean_error: float | None
    deviation_error: float | None
    shortfall_error: float | None
    quantile_errors: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class Drivers:
    """
    Effects on a sum of learning each of n claims; exactly none where the network's structure rules it out.

    Attributes:
        if_true: Mean of the sum where the claim comes true, NaN for one that never does; shape (n,).
        if_false: Mean where it does not, NaN for one that always does; shape (n,).
        if_true_errors: Standard errors of `if_true`, between replicates, shape (n,); None for a single one.
        if_false_errors: Likewise of `if_false`.
        reductions: Variance that learning the claim takes away in expectation, cov(x, X)^2 / var(x); shape (n,).
        standard_errors: Of the reductions, between replicates, shape (n,); None for a single one.
        is_above_noise: Mask of the claims whose reduction noise does not explain, shape (n,).
    """

    if_true: FloatArray
    if_false: FloatArray
    if_true_errors: FloatArray | None
    if_false_errors: FloatArray | None
    reductions: FloatArray
    standard_errors: FloatArray | None
    is_above_noise: BoolArray

    def ranked(self, first: int | None = None) -> IntArray:
        """List claims above noise by decreasing reduction; the first few if `first` is given."""
        order = np.argsort(-self.reductions, kind="stable")
        return order[self.is_above_noise[order]][:first]


def sum_samples(bank: Bank, coefficients: FloatArray, *, backend: Backend | None = None) -> FloatArray:
    """
    Compute the sum of coefficients over the claims that come true, for each sample.

    Args:
        bank: Joint samples, unweighted.
        coefficients: Of each claim, shape (n,); claims of 0 are passed over.
        backend: Implementation of the loop.

    Returns:
        Shape (replicates, samples).
    """
    _, num_replicates, num_words = bank.bits.shape
    claims = np.flatnonzero(coefficients)
    totals = np.zeros((num_replicates, 64 * num_words))
    for replicate in range(num_replicates):
        get_kernels(backend).add_coefficients(
            claims, bank.bits[:, replicate], np.ascontiguousarray(coefficients[claims]), totals[replicate]
        )
    return totals


def value_samples(bank: Bank, edges: Edges, values: FloatArray, *, should_stop: ShouldStop = never) -> FloatArray:
    """
    Compute the change of a portfolio's value for each sample: sum_t value_t (prod_p (1 + impact)^x_p - 1).

    An impact with a range is drawn anew for each sample, of the triangular distribution over its range with its mode at
    the impact, independent of all others: each of NUM_STRATA strata of the same probability is as likely as any other,
    and stands for the change at its middle, which alters the mean by a hundred-thousandth of the range or less.

    Args:
        bank: Joint samples, unweighted.
        edges: Those without an impact are left out.
        values: Value of each ticker's position, of either sign, in any unit; shape (t,).
        should_stop: Polled before each ticker.

    Returns:
        In the unit of the values, shape (replicates, samples).

    Raises:
        Cancelled: `should_stop` returned true.
    """
    _, num_replicates, num_words = bank.bits.shape
    totals = np.zeros((num_replicates, 64 * num_words))
    stated = np.flatnonzero(~np.isnan(edges.impacts))
    order = stated[np.argsort(edges.tickers[stated], kind="stable")]
    starts = np.flatnonzero(np.diff(edges.tickers[order], prepend=-1))
    is_drawn = _list_drawn(edges)
    generator = np.random.default_rng(_SEED)
    for rows in np.split(order, starts[1:]) if order.size else []:
        check_stop(should_stop)
        fixed, logs = rows[~is_drawn[rows]], np.zeros_like(totals)
        with np.errstate(divide="ignore"):  # a price that goes to 0
            changes = np.log1p(edges.impacts[fixed])
            for replicate in range(num_replicates):
                get_kernels().add_coefficients(edges.claims[fixed], bank.bits[:, replicate], changes, logs[replicate])
            for row in rows[is_drawn[rows]]:
                check_stop(should_stop)
                _draw_changes(bank, edges, int(row), generator, logs)
        totals += values[edges.tickers[rows[0]]] * np.expm1(logs)
    return totals


def _list_drawn(edges: Edges) -> BoolArray:
    """Return a mask of the edges whose impact has a range, shape (e,)."""
    if edges.ranges is None:
        return np.zeros(edges.claims.size, np.bool_)
    is_drawn: BoolArray = edges.ranges[:, 0] < edges.ranges[:, 1]
    return is_drawn


def _draw_changes(bank: Bank, edges: Edges, row: int, generator: np.random.Generator, logs: FloatArray) -> None:
    """Add a draw of the logarithm of 1 + impact for each sample in which an edge's claim comes true."""
    assert edges.ranges is not None  # noqa: S101 - the edge has a range
    low, high = edges.ranges[row].tolist()
    strata = generator.integers(0, NUM_STRATA, logs.shape, np.uint8)
    changes = np.log1p(_triangular_quantiles(low, float(edges.impacts[row]), high))
    for replicate, own in enumerate(logs):
        get_kernels().add_changes(bank.bits[edges.claims[row], replicate], strata[replicate], changes, own)


def _triangular_quantiles(low: float, mode: float, high: float) -> FloatArray:
    """Compute the quantiles of a triangular distribution in the middle of its strata, shape (NUM_STRATA,)."""
    below = (mode - low) / (high - low)
    levels = (np.arange(NUM_STRATA) + 0.5) / NUM_STRATA
    quantiles: FloatArray = np.where(
        levels < below,
        low + (high - low) * np.sqrt(levels * below),
        high - (high - low) * np.sqrt((1.0 - levels) * (1.0 - below)),
    )
    return quantiles


def describe(totals: FloatArray) -> Distribution:
    """
    Estimate a distribution and its errors.

    Args:
        totals: Samples, shape (replicates, samples).
    """
    whole = _figures(totals.ravel())
    each = np.array([_figures(replicate) for replicate in totals])
    errors = standard_errors(each)
    told = [None] * 3 if errors is None else errors[:3].tolist()
    return Distribution(
        mean=float(whole[0]),
        standard_deviation=float(whole[1]),
        shortfall=float(whole[2]),
        negative_probability=float((totals < 0.0).mean()),
        quantiles=whole[3:],
        mean_error=told[0],
        deviation_error=told[1],
        shortfall_error=told[2],
        quantile_errors=None if errors is None else errors[3:],
    )


def _figures(samples: FloatArray) -> FloatArray:
    """Return mean, standard deviation, shortfall and quantiles of samples."""
    ordered = np.sort(samples)
    places = np.maximum(np.ceil(np.array(LEVELS) * ordered.size - 1e-9).astype(np.int64) - 1, 0)
    weights = _tail_weights(ordered)
    return np.array([samples.mean(), samples.std(), weights @ ordered / weights.sum(), *ordered[places]])


def _tail_weights(samples: FloatArray) -> FloatArray:
    """Weigh samples by their part in the worst 5%: 1 below the border, less than 1 for those on it, 0 above."""
    wanted = TAIL * samples.size
    border = np.partition(samples, place := max(math.ceil(wanted - 1e-9) - 1, 0))[place]
    below, on_it = samples < border, samples == border
    weights: FloatArray = below + on_it * ((wanted - below.sum()) / on_it.sum())
    return weights


def tail_probabilities(bank: Bank, totals: FloatArray, claims: IntArray) -> FloatArray:
    """
    Compute how often claims are true in the worst 5% of a sum.

    Args:
        bank: The samples.
        totals: The sum of each, shape (replicates, samples).
        claims: Indices, shape (k,).

    Returns:
        Shape (k,).
    """
    weights = _tail_weights(totals.ravel()).reshape(totals.shape)
    counts = np.array([add_weights(bank.bits[:, r], weights[r], claims) for r in range(bank.num_replicates)])
    shares: FloatArray = counts.sum(axis=0) / weights.sum()
    return shares


def regress(bank: Bank, totals: FloatArray, coefficients: FloatArray) -> FloatArray:
    """
    Compute cov(x_p, X) / var X of the claims that a sum is over; times a_p it is the claim's share of the variance.

    Args:
        bank: The samples.
        totals: The sum of each, shape (replicates, samples).
        coefficients: Of each claim, shape (n,).

    Returns:
        Shape (n,), 0 for claims without a coefficient; all 0 where the sum does not vary.
    """
    claims = np.flatnonzero(coefficients)
    slopes = np.zeros_like(coefficients)
    if not claims.size or np.ptp(totals) == 0.0:
        return slopes
    centred = totals - totals.mean()
    joint = np.array([add_weights(bank.bits[:, r], centred[r], claims) for r in range(bank.num_replicates)])
    covariances = joint.sum(axis=0) / totals.size
    # The variance as the sum of its parts, so that shares add up exactly.
    slopes[claims] = covariances / math.fsum((coefficients[claims] * covariances).tolist())
    return slopes


def count_drivers(bank: Bank, coefficients: FloatArray) -> float:
    """
    Count the independent drivers of a sum: 1 / sum share^2 over the principal components of its terms.

    Args:
        bank: The samples.
        coefficients: Of each claim, shape (n,); of more than MOST_COMPONENTS claims those that vary the sum most.

    Returns:
        1 or more; 0 where nothing varies among the samples.
    """
    marginals = bank.replicate_marginals.mean(axis=0)
    variances = coefficients**2 * marginals * (1.0 - marginals)
    claims = np.argsort(-variances, kind="stable")[:MOST_COMPONENTS]
    claims = claims[variances[claims] > 0.0]
    if not claims.size:
        return 0.0
    words = bank.bits[claims].reshape(claims.size, -1)
    states = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little").astype(np.float32)
    terms = (states - states.mean(axis=1, keepdims=True)) * coefficients[claims, None].astype(np.float32)
    covariance = (terms @ terms.T).astype(np.float64) / terms.shape[1]
    # The eigenvalues' sum is the trace, and the sum of their squares that of all entries' squares.
    squares = float((covariance**2).sum())
    # A claim may be so rare that none of the samples has it.
    return float(np.trace(covariance) ** 2 / squares) if squares else 0.0


def find_drivers(bank: Bank, totals: FloatArray, sources: IntArray, *, should_stop: ShouldStop = never) -> Drivers:
    """
    Compute what learning each claim of the network would tell about a sum, in one pass.

    Args:
        bank: The samples, unweighted.
        totals: The sum of each, shape (replicates, samples).
        sources: Indices of the claims that the sum is over; what is d-separated from them tells nothing.
        should_stop: Polled before each replicate.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    num_claims, num_replicates, _ = bank.bits.shape
    num_samples = totals.shape[1]
    centred = totals - totals.mean()
    counts, joint = np.empty((num_replicates, num_claims)), np.empty((num_replicates, num_claims))
    for replicate in range(num_replicates):
        check_stop(should_stop)
        bits = bank.bits[:, replicate]
        counts[replicate] = np.bitwise_count(bits).sum(axis=1)
        joint[replicate] = add_weights(bits, centred[replicate])
    linked = connected_claims(bank.model.network, bank.evidence, sources) & ~bank.evidence.is_observed
    by_replicate = np.where(linked, _reduction(counts / num_samples, joint / num_samples), 0.0)
    shares = counts.sum(axis=0) / totals.size
    covariances = joint.sum(axis=0) / totals.size
    reductions = np.where(linked, _reduction(shares, covariances), 0.0)
    own = bank.beliefs.diagnostics
    effective = (own.surviving_ancestors or num_samples) * num_replicates
    variance = float(centred.var())
    # The root of a reduction, in standard deviations of the sum, is a correlation.
    limit = noise_limit(int(linked.sum())) ** 2 / effective * variance
    covariances, joint = np.where(linked, covariances, 0.0), np.where(linked, joint / num_samples, 0.0)
    counts /= num_samples
    if_true, if_true_errors = _expect(totals, (shares, covariances), (counts, joint))
    if_false, if_false_errors = _expect(totals, (1.0 - shares, -covariances), (1.0 - counts, -joint))
    return Drivers(
        if_true=np.where(linked, if_true, totals.mean()),
        if_false=np.where(linked, if_false, totals.mean()),
        if_true_errors=if_true_errors,
        if_false_errors=if_false_errors,
        reductions=reductions,
        standard_errors=pooled_errors(by_replicate, reductions, totals.size),
        is_above_noise=linked & (reductions > limit) & (variance > 0.0),
    )


def _expect(
    totals: FloatArray, whole: tuple[FloatArray, FloatArray], each: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray | None]:
    """
    Compute the means of a sum given each of n events, NaN given one without a sample, and their standard errors.

    Args:
        totals: The sum of each sample, shape (replicates, samples).
        whole: Share of the samples with each event, and the event's covariance with the sum, each of shape (n,).
        each: The same by replicate, each of shape (replicates, n).
    """
    shares, covariances = whole
    above = np.divide(covariances, shares, out=np.full_like(shares, np.nan), where=shares > 0.0)
    # A replicate without the event says nothing of its own.
    by_replicate = np.divide(each[1], each[0], out=np.broadcast_to(above, each[0].shape).copy(), where=each[0] > 0.0)
    # In standard deviations of the sum; the mean over a share of the samples varies as its inverse.
    spread = float(totals.std()) or 1.0
    variances = np.divide(1.0, shares, out=np.zeros_like(shares), where=(shares > 0.0) & each[1].any(axis=0))
    errors = pooled_errors(np.nan_to_num(by_replicate / spread), variances, totals.size)
    return totals.mean() + above, None if errors is None else spread * errors


def _reduction(shares: FloatArray, covariances: FloatArray) -> FloatArray:
    variances = shares * (1.0 - shares)
    return np.divide(covariances**2, variances, out=np.zeros_like(shares), where=variances > 0.0)
