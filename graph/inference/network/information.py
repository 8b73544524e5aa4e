"""Value of information: expected reduction of target claims' entropy by learning each claim."""

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank
from graph.inference.network.diagnostics import Diagnostics
from graph.inference.network.errors import ShouldStop, check_stop, never
from graph.inference.network.replicates import noise_limit, pooled_errors
from graph.inference.network.separation import connected_claims
from graph.inference.network.shifts import count_true
from graph.inference.network.structure import BoolArray, IntArray

CHI_SQUARED_95: Final = 3.841
"""Quantile with one degree of freedom, below which 95% of independent pairs lie."""


@dataclass(frozen=True, slots=True, eq=False)
class ValueOfInformation:
    """
    Value of learning each of n claims for t targets, exactly 0 where the network's structure rules it out.

    Attributes:
        targets: Indices of the targets, shape (t,).
        mean_shifts: Root mean square shift of the target's probability when the claim is learned:
            |cov(claim, target)| / sqrt(p (1 - p)) with p = P(claim); 0 for certain claims; shape (n, t).
        expected_reductions: Expected reduction of the targets' summed entropies, in bits, shape (n,).
        standard_errors: Of the reductions, between replicates, shape (n,); None for a single replicate.
        is_above_noise: Mask of the claims whose value for a target noise does not explain, allowing for the number of
            claims and targets; shape (n,).
        shift_floor: Value that noise keeps `mean_shifts` below for 19 of 20 independent claims, shape (t,).
        reduction_floor: The same for `expected_reductions`, in bits.
        diagnostics: Diagnostics of the bank, with the time of this computation.
    """

    targets: IntArray
    mean_shifts: FloatArray
    expected_reductions: FloatArray
    standard_errors: FloatArray | None
    is_above_noise: BoolArray
    shift_floor: FloatArray
    reduction_floor: float
    diagnostics: Diagnostics

    def ranked(self, first: int | None = None) -> IntArray:
        """Claims above noise but targets, by decreasing expected reduction; the first few if `first` is given."""
        order = np.argsort(-self.expected_reductions, kind="stable")
        return order[self.is_above_noise[order] & ~np.isin(order, self.targets)][:first]


def value_of_information(bank: Bank, targets: IntArray, *, should_stop: ShouldStop = never) -> ValueOfInformation:
    """
    Compute the value of learning each claim from joint samples, in one pass.

    Args:
        bank: Samples given the evidence.
        targets: Indices of one or more claims, shape (t,).
        should_stop: Polled before each target.

    Raises:
        ValueError: There is no target, or an index is out of range.
        Cancelled: `should_stop` returned true.

    Source: Lindley, Annals of Mathematical Statistics 27 (1956), 986-1005.
    """
    started = time.perf_counter()
    num_claims = bank.model.network.num_claims
    outside = targets[(targets < 0) | (targets >= num_claims)]
    if not targets.size or outside.size:
        message = (
            f"expected one target or more from 0 to {num_claims - 1}, got {outside[0] if outside.size else 'none'}"
        )
        raise ValueError(message)
    num_samples = bank.num_samples // bank.num_replicates
    everywhere = np.full(bank.bits.shape[1:], ~np.uint64(0))
    shares = count_true(bank.bits, everywhere) / num_samples
    pooled = shares.mean(axis=1)
    mean_shifts = np.zeros((num_claims, targets.size))
    by_replicate = np.zeros(shares.shape)
    of_pairs = np.zeros((num_claims, targets.size))
    # The error of an information is proportional to its root, by which it differs from 0.
    variances = np.zeros(num_claims)
    is_connected = np.zeros((num_claims, targets.size), np.bool_)
    for number, target in enumerate(targets.tolist()):
        check_stop(should_stop)
        linked = connected_claims(bank.model.network, bank.evidence, targets[number : number + 1])
        is_connected[:, number] = linked & ~bank.evidence.is_observed
        joint = count_true(bank.bits, bank.bits[target]) / num_samples
        covariance = joint.mean(axis=1) - pooled * pooled[target]
        variance = pooled * (1.0 - pooled)
        is_possible = is_connected[:, number] & (variance > 0.0)
        np.divide(np.abs(covariance), np.sqrt(variance), out=mean_shifts[:, number], where=is_possible)
        of_pairs[:, number] = _information_bits(joint.mean(axis=1), pooled, pooled[target])
        variances += np.where(is_possible, mean_shifts[:, number] ** 2, 0.0)
        by_replicate += np.where(is_connected[:, number, None], _information_bits(joint, shares, shares[target]), 0.0)
    of_pairs[~is_connected] = 0.0
    own = bank.beliefs.diagnostics
    # Samples with a common ancestor count as one.
    effective = (own.surviving_ancestors or num_samples) * bank.num_replicates
    # Without dependence, 2 ln 2 times the samples times the information is a squared standard normal number.
    noise_bits = noise_limit(int(is_connected.sum())) ** 2 / (2.0 * np.log(2.0) * effective)
    of_targets = pooled[targets]
    return ValueOfInformation(
        targets=targets,
        mean_shifts=mean_shifts,
        expected_reductions=of_pairs.sum(axis=1),
        standard_errors=pooled_errors(by_replicate.T, variances, bank.num_samples),
        is_above_noise=(of_pairs > noise_bits).any(axis=1),
        shift_floor=np.sqrt(CHI_SQUARED_95 * of_targets * (1.0 - of_targets) / effective),
        reduction_floor=targets.size * CHI_SQUARED_95 / (2.0 * np.log(2.0) * effective),
        diagnostics=replace(own, seconds=time.perf_counter() - started, is_fresh=False),
    )


def _information_bits(joint: FloatArray, claim: FloatArray, target: FloatArray | float) -> FloatArray:
    """Compute the mutual information of two claims from P(both), P(claim) and P(target); 0 or more."""
    total = np.zeros_like(joint)
    for both, one, other in (
        (joint, claim, target),
        (claim - joint, claim, 1.0 - target),
        (target - joint, 1.0 - claim, target),
        (1.0 - claim - target + joint, 1.0 - claim, 1.0 - target),
    ):
        product = one * other
        is_possible = (both > 0.0) & (product > 0.0)
        ratio = np.divide(both, product, out=np.ones_like(joint), where=is_possible)
        total += np.where(is_possible, both * np.log2(ratio), 0.0)
    return np.maximum(total, 0.0)
