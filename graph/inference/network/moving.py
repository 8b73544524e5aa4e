"""
Moves a bank to other evidence, or to a model that differs in few claims, by weighing its samples.

A write changes the evidence on a claim or two. The samples that were drawn before it hold for what is known after it,
weighted by the ratio of the two distributions, as long as enough of them count. It takes a tenth of a second where a
new bank takes many, and the spread of the weighted replicates estimates the error as before.
"""

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import MIN_ANCESTORS, Bank
from graph.inference.network.coherence import coherent_rows
from graph.inference.network.diagnostics import Beliefs, check_marginals
from graph.inference.network.elementary import fast_sigmoid, softplus
from graph.inference.network.errors import ShouldStop, check_stop, never
from graph.inference.network.evidence import Evidence
from graph.inference.network.intercepts import CalibratedNetwork
from graph.inference.network.kernels import Backend, get_kernels
from graph.inference.network.lbp import check_fits, relevant_claims
from graph.inference.network.replicates import at_least_frozen, largest_standardized_range, pooled_errors, range_limit
from graph.inference.network.separation import connected_claims
from graph.inference.network.streams import salt
from graph.inference.network.structure import (
    BoolArray,
    IntArray,
    KeyArray,
    Network,
    indices_between,
    matching_claims,
)
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY

LEAST_SHARE: Final = 0.2
"""Share of effective samples below which a bank is not moved: errors more than double."""

LEAST_ANCESTORS: Final = MIN_ANCESTORS // 2
"""
Effective ancestors of weighted replicates. They represented the distribution as they were drawn; with half of the
weight left they still do, and their spread shows what that costs.
"""

MOST_CHANGED: Final = 300
"""Claims whose conditional distribution may differ; each takes some operations on all samples."""

BLOCK_CLAIMS: Final = 512
"""Claims whose samples are looked at together; some megabytes."""

_MOVE: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class WeightedBank:
    """
    Samples of a bank, weighted to another distribution.

    Attributes:
        bank: The samples as drawn.
        model: The distribution that they are weighted to.
        evidence: Evidence that it is conditioned on.
        weights: Of mean 1 in each replicate, shape (replicates, samples).
        is_moved: Mask of the claims whose marginals may differ from the bank's, shape (n,).
        share: Effective samples, as a share, of the replicate that has the fewest.
    """

    bank: Bank
    model: CalibratedNetwork
    evidence: Evidence
    weights: FloatArray
    is_moved: BoolArray
    share: float


def changed_claims(old: CalibratedNetwork, new: CalibratedNetwork) -> IntArray:
    """Find the claims whose distribution given their parents differs from that in an earlier model, or is new."""
    before, after = old.network, new.network
    sources = matching_claims(before, after)
    differs = sources < 0
    same = np.flatnonzero(~differs)
    own = sources[same]
    differs[same] = (old.intercepts[own] != new.intercepts[same]) | (before.num_parents[own] != after.num_parents[same])
    # The links of a claim are sorted by the parents' keys, so that equal parents come in the same order.
    same = np.flatnonzero(~differs)
    was = indices_between(before.parent_start, sources[same])
    now = indices_between(after.parent_start, same)
    links = before.keys[before.link_parents[was]] != after.keys[after.link_parents[now]]
    links |= before.weights[was] != after.weights[now]
    differs[after.link_children[now][links]] = True
    return np.flatnonzero(differs)


def weigh_bank(
    bank: Bank,
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    least_share: float = LEAST_SHARE,
    is_moved: BoolArray | None = None,
) -> WeightedBank | None:
    """
    Weigh the samples of a bank to other evidence and another model.

    Args:
        bank: Samples of the same claims.
        model: The joint distribution.
        evidence: Evidence to condition on.
        least_share: Share of effective samples that there must be.
        is_moved: Mask of the claims whose marginals may differ, shape (n,); found by default.

    Returns:
        The weighted samples; None if they do not serve: the claims are others, an outcome was withdrawn, too many
        conditional distributions differ, or too few samples count.

    Raises:
        ValueError: The evidence does not fit the network.

    Source: Kish, Survey Sampling (1965), 425-430 (effective samples).
    """
    check_fits(model, evidence)
    if not np.array_equal(bank.model.network.keys, model.network.keys):
        return None
    known = bank.evidence
    if (known.is_observed & (known.observed != evidence.observed)).any():
        return None
    changed = changed_claims(bank.model, model)
    if changed.size > MOST_CHANGED:
        return None
    resolved = np.flatnonzero(evidence.is_observed & ~known.is_observed)
    told = np.flatnonzero(~evidence.is_observed & (evidence.llr != known.llr))
    log_weights = np.zeros((bank.num_replicates, bank.num_samples // bank.num_replicates))
    for claim in told.tolist():
        log_weights += (evidence.llr[claim] - known.llr[claim]) * _samples(bank, claim)
    for claim in changed.tolist():
        log_weights += _log_ratio(bank, model, claim)
    for claim in resolved.tolist():
        # Other evidence on it weighs all samples that agree alike.
        log_weights[_samples(bank, claim) != evidence.observed[claim]] = -np.inf
    highest = log_weights.max(axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        return None
    weights = np.exp(log_weights - highest)
    weights /= weights.mean(axis=1, keepdims=True)
    share = float((1.0 / (weights**2).mean(axis=1)).min())
    if share < least_share:
        return None
    if is_moved is None:
        sources = np.unique(np.concatenate([resolved, told, changed, _parents(model.network, changed)]))
        is_moved = connected_claims(model.network, known, sources)
    return WeightedBank(bank, model, evidence, weights, is_moved & ~evidence.is_observed, share)


@dataclass(frozen=True, slots=True, eq=False)
class MovedMarginals:
    """
    Marginals that weighted samples give.

    Attributes:
        replicates: Shape (replicates, n).
        beliefs: Their mean, standard errors and diagnostics.
    """

    replicates: FloatArray
    beliefs: Beliefs


def move_marginals(
    weighted: WeightedBank, *, should_stop: ShouldStop = never, backend: Backend | None = None
) -> MovedMarginals:
    """
    Compute marginals from weighted samples.

    The drawn marginals are averages of conditional probabilities, more precise than frequencies. So those are moved, in
    log-odds, by as much as the weights move the frequencies; what is independent of the changes stays as it is.

    Args:
        weighted: The samples.
        should_stop: Polled every few milliseconds.
        backend: Implementation of the loop.

    Raises:
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].
    """
    started = time.perf_counter()
    bank, evidence = weighted.bank, weighted.evidence
    replicates = np.where(evidence.is_observed, evidence.observed, bank.replicate_marginals)
    moved = np.flatnonzero(weighted.is_moved)
    for replicate, weights in enumerate(weighted.weights):
        check_stop(should_stop)
        bits = bank.bits[:, replicate]
        # With half a sample more of either outcome.
        after = (add_weights(bits, weights, moved, backend) + 0.5) / (weights.size + 1.0)
        move = _log_odds_of(after) - _log_odds_of(_frequencies(bits, moved))
        replicates[replicate, moved] = fast_sigmoid(_log_odds_of(bank.replicate_marginals[replicate, moved]) + move)
    replicates = coherent_rows(
        weighted.model.network, replicates, is_observed=evidence.is_observed, is_estimated=weighted.is_moved
    )
    told = bank.beliefs.diagnostics
    num_ancestors = int((told.surviving_ancestors or 0) * weighted.share)
    errors = _errors(weighted, replicates)
    if errors is not None:
        is_frozen = weighted.is_moved & weighted.model.network.is_frozen
        errors = at_least_frozen(errors, replicates.mean(axis=0), is_frozen, num_ancestors * bank.num_replicates)
    reason = _disagreement(weighted, replicates, num_ancestors)
    diagnostics = replace(
        told,
        converged=not reason,
        reason=reason,
        seconds=time.perf_counter() - started,
        num_matching=int(bank.num_samples * weighted.share),
        standard_error=None if errors is None else float(errors.max(initial=0.0)),
        largest_difference=None if errors is None else float(np.ptp(replicates, axis=0).max(initial=0.0)),
        surviving_ancestors=num_ancestors,
        is_fresh=False,
    )
    mean = check_marginals(replicates.mean(axis=0), is_observed=evidence.is_observed)
    return MovedMarginals(replicates, Beliefs(mean, errors, diagnostics))


def keep_weights(weighted: WeightedBank, moved: MovedMarginals) -> Bank:
    """
    Return weighted samples as a bank, which shares their bits.

    Args:
        weighted: The samples.
        moved: Their marginals.
    """
    return replace(
        weighted.bank,
        model=weighted.model,
        evidence=weighted.evidence,
        replicate_marginals=moved.replicates,
        beliefs=moved.beliefs,
        weights=weighted.weights,
    )


def resample_bank(weighted: WeightedBank, moved: MovedMarginals, *, should_stop: ShouldStop = never) -> Bank:
    """
    Draw a bank of equal weights from weighted samples.

    Args:
        weighted: The samples.
        moved: Their marginals.
        should_stop: Polled every few milliseconds.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    bank = weighted.bank
    bits = np.empty_like(bank.bits)
    for replicate, weights in enumerate(weighted.weights):
        generator = np.random.default_rng(salt(salt(bank.seed, replicate), _MOVE))
        points = (generator.random() + np.arange(weights.size)) / weights.size
        chosen = np.minimum(np.searchsorted(np.cumsum(weights) / weights.sum(), points), weights.size - 1)
        for start in range(0, bits.shape[0], BLOCK_CLAIMS):
            check_stop(should_stop)
            block = slice(start, start + BLOCK_CLAIMS)
            taken = np.take(_unpack(bank.bits[block, replicate]), chosen, axis=1)
            bits[block, replicate] = np.packbits(taken, axis=1, bitorder="little").view(np.uint64)
    return Bank(
        model=weighted.model,
        evidence=weighted.evidence,
        bits=bits,
        replicate_marginals=moved.replicates,
        beliefs=moved.beliefs,
        seed=bank.seed,
    )


def _parents(network: Network, claims: IntArray) -> IntArray:
    return network.link_parents[indices_between(network.parent_start, claims)]


def _log_ratio(bank: Bank, model: CalibratedNetwork, claim: int) -> FloatArray:
    """Log of P(claim | parents) by a model over that by the bank's, for each sample, shape (replicates, samples)."""
    is_true = _samples(bank, claim)
    before, after = _log_odds(bank, bank.model, claim), _log_odds(bank, model, claim)
    ratio: FloatArray = is_true * (after - before) - softplus(after) + softplus(before)
    return ratio


def _log_odds(bank: Bank, model: CalibratedNetwork, claim: int) -> FloatArray:
    network = model.network
    total = np.full((bank.num_replicates, bank.num_samples // bank.num_replicates), model.intercepts[claim])
    for link in range(network.parent_start[claim], network.parent_start[claim + 1]):
        total += network.weights[link] * _samples(bank, int(network.link_parents[link]))
    return total


def _samples(bank: Bank, claim: int) -> NDArray[np.uint8]:
    """A claim's samples, 0 or 1, shape (replicates, samples)."""
    return _unpack(bank.bits[claim])


def _unpack(words: KeyArray) -> NDArray[np.uint8]:
    bits: NDArray[np.uint8] = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
    return bits


def add_weights(
    bits: KeyArray, weights: FloatArray, claims: IntArray | None = None, backend: Backend | None = None
) -> FloatArray:
    """
    Add up the weights of the samples in which each claim is true.

    Args:
        bits: A replicate's samples, shape (n, words).
        weights: Of the samples, shape (samples,).
        claims: Indices of the claims; all by default.
        backend: Implementation of the loop.

    Returns:
        Shape as `claims`.
    """
    claims = np.arange(bits.shape[0]) if claims is None else claims
    totals = np.empty(claims.size)
    get_kernels(backend).add_weights(claims, bits, np.ascontiguousarray(weights), totals)
    return totals


def _frequencies(bits: KeyArray, claims: IntArray) -> FloatArray:
    """Compute frequencies of claims in a replicate's samples, with half a sample more of either outcome."""
    counts = np.empty(claims.size)
    for start in range(0, claims.size, BLOCK_CLAIMS):
        block = slice(start, start + BLOCK_CLAIMS)
        counts[block] = np.bitwise_count(bits[claims[block]]).sum(axis=1)
    frequencies: FloatArray = (counts + 0.5) / (64 * bits.shape[1] + 1.0)
    return frequencies


def _log_odds_of(probabilities: FloatArray) -> FloatArray:
    bounded = np.clip(probabilities, LEAST_PROBABILITY, GREATEST_PROBABILITY)
    log_odds: FloatArray = np.log(bounded) - np.log1p(-bounded)
    return log_odds


def _errors(weighted: WeightedBank, replicates: FloatArray) -> FloatArray | None:
    """Pool errors apart for claims that moved, and that evidence weighs on, as their samples differ in number."""
    mean = replicates.mean(axis=0)
    is_observed = weighted.evidence.is_observed
    variances = np.where(is_observed, 0.0, np.maximum(mean * (1.0 - mean), np.finfo(np.float64).eps))
    is_relevant = relevant_claims(weighted.model, weighted.evidence)
    errors = np.zeros(mean.size)
    for is_moved in (weighted.is_moved, ~weighted.is_moved):
        for part in (is_moved & is_relevant, is_moved & ~is_relevant):
            pooled = pooled_errors(replicates[:, part], variances[part], weighted.bank.num_samples)
            if pooled is None:
                return None
            errors[part] = pooled
    return errors


def _disagreement(weighted: WeightedBank, replicates: FloatArray, num_ancestors: int) -> str:
    """Say why the replicates do not agree; empty if they do."""
    if reason := weighted.bank.beliefs.diagnostics.reason:
        return reason
    if num_ancestors < LEAST_ANCESTORS:
        return f"not converged: {num_ancestors} effective ancestors, expected {LEAST_ANCESTORS} or more"
    is_observed = weighted.evidence.is_observed
    found = largest_standardized_range(replicates, num_ancestors, is_observed)
    limit = range_limit(weighted.bank.num_replicates, int((~is_observed).sum()))
    if weighted.bank.num_replicates > 1 and found > limit:
        message = f"replicates of a claim range over {found:.1f} standard deviations"
        return f"not converged: {message}, expected {limit:.1f} or less; more samples bring them closer"
    return ""
