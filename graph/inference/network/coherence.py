"""
Marginals of groups of outcomes, made to add up, and of claims by several dates, made not to fall, whatever they were
estimated by.

Exact marginals add up. Estimates do not: averages of conditional probabilities, marginals moved in log-odds and those
of loopy belief propagation are made claim by claim. So the log-odds of a group's estimates are shifted by one number
until they add up. To the first order that is generalized least squares onto the constraint, with variances in
proportion to p (1 - p), which those of samples are; and no estimate leaves the range from 0 to 1.

The probability that an event happens by a date becomes the mean of the greatest of the earlier dates and the least of
the later ones. If none of them errs by more than e, neither does that.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.diagnostics import check_marginals
from graph.inference.network.elementary import fast_sigmoid
from graph.inference.network.structure import NO_GROUP, BoolArray, IntArray, Network
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY

LEAST_EXCESS: Final = 1e-12
"""Of a sum: less is rounding, and exact marginals stay as they are to the last bit."""

_MAX_STEPS: Final = 200
"""Some six are used; this many bisections alone exhaust any bracket."""


def coherent_marginals(
    network: Network, marginals: FloatArray, *, is_observed: BoolArray, is_estimated: BoolArray | None = None
) -> FloatArray:
    """
    Check marginals as `check_marginals` does, and make those of each group add up as `reconcile` does.

    Args:
        network: Claims and groups.
        marginals: P(claim), shape (n,).
        is_observed: Mask of the claims whose outcome is known, shape (n,).
        is_estimated: As of `reconcile`.

    Raises:
        ArithmeticError: The marginal of an unobserved claim is NaN or outside [0, 1].
    """
    checked = check_marginals(marginals, is_observed=is_observed)
    return reconcile(network, checked, is_observed=is_observed, is_estimated=is_estimated)


def coherent_rows(
    network: Network, rows: FloatArray, *, is_observed: BoolArray, is_estimated: BoolArray | None = None
) -> FloatArray:
    """
    Make marginals of several replicates add up, each on its own; their mean then does as well.

    Args:
        network: Claims and groups.
        rows: Marginals, shape (replicates, n).
        is_observed: As of `reconcile`.
        is_estimated: Likewise.
    """
    return np.stack([reconcile(network, row, is_observed=is_observed, is_estimated=is_estimated) for row in rows])


def reconcile(
    network: Network, marginals: FloatArray, *, is_observed: BoolArray, is_estimated: BoolArray | None = None
) -> FloatArray:
    """
    Make the marginals of each group add up, to 1 or to at most 1 where it may be that none of its outcomes comes true,
    and those of an event by several dates never fall.

    Args:
        network: Claims and groups; of a group without its certain outcome, or with a NaN, all is at most 1.
        marginals: P(claim), shape (n,); NaN for claims that nothing is known of.
        is_observed: Mask of the claims whose outcome is known, which stay as they are, shape (n,).
        is_estimated: Mask of the claims to move, shape (n,); the others of a group or of an event move only if these
            cannot make it coherent. All by default.

    Returns:
        The marginals; those of claims without a group or an event, and of what is coherent, are the same to the bit.

    Source: Predd, Osherson, Kulkarni and Poor, Decision Analysis 5 (2008), 177-189, on coherent approximations.
    """
    members = np.flatnonzero(network.groups != NO_GROUP)
    is_dated = network.dated.numbers != NO_GROUP
    if not members.size and not is_dated.any():
        return marginals
    is_free = [~is_observed] if is_estimated is None else [is_estimated & ~is_observed, ~is_observed]
    settled = marginals.copy()
    for mask in is_free:
        _make_rise(network, settled, mask)
    if not members.size:
        return settled
    sums = _Sums.of(network, members, marginals, ~is_observed)
    if is_estimated is not None:
        sums.settle(is_estimated[members])
    sums.settle(np.ones(members.size, np.bool_))
    settled[members] = sums.values
    return settled


def _make_rise(network: Network, marginals: FloatArray, is_free: BoolArray) -> None:
    """Keep the probabilities that events happen by several dates from falling, by moving those of these claims."""
    dated = network.dated
    claims = np.flatnonzero((dated.numbers != NO_GROUP) & ~np.isnan(marginals))
    claims = claims[np.lexsort((network.levels[claims], dated.numbers[claims]))]
    numbers = dated.numbers[claims]
    curves = np.where(dated.denies[claims], 1.0 - marginals[claims], marginals[claims])
    falls = (curves[1:] < curves[:-1] - LEAST_EXCESS) & (numbers[1:] == numbers[:-1])
    for number in np.unique(numbers[1:][falls]).tolist():
        of_event = numbers == number
        chosen = claims[of_event]
        curve = _rise(curves[of_event], is_free[chosen])
        found = np.where(dated.denies[chosen], 1.0 - curve, curve)
        marginals[chosen] = np.where(is_free[chosen], found, marginals[chosen])


def _rise(curve: FloatArray, is_free: BoolArray) -> FloatArray:
    """Move the free ones of some numbers between the fixed ones, then between each other, so that they never fall."""
    least = np.maximum.accumulate(np.where(is_free, 0.0, curve))
    most = np.minimum.accumulate(np.where(is_free, 1.0, curve)[::-1])[::-1]
    inside = np.where(is_free, np.clip(curve, least, np.maximum(least, most)), curve)
    above, below = np.maximum.accumulate(inside), np.minimum.accumulate(inside[::-1])[::-1]
    risen: FloatArray = 0.5 * (above + below)
    return risen


@dataclass(slots=True, eq=False)
class _Sums:
    """
    Marginals of g groups with m members in all, and what they have to add up to.

    Attributes:
        values: The marginals, changed in place, shape (m,).
        numbers: Index of each member's group, shape (m,).
        is_exhaustive: Mask of the groups that add up to 1, not to at most 1, shape (g,).
        is_open: Mask of the members that are not observed, shape (m,).
    """

    values: FloatArray
    numbers: IntArray
    is_exhaustive: BoolArray
    is_open: BoolArray

    @classmethod
    def of(cls, network: Network, members: IntArray, marginals: FloatArray, is_open: BoolArray) -> Self:
        known, numbers = np.unique(network.groups[members], return_inverse=True)
        values = marginals[members]
        is_unknown = np.isnan(values)
        is_exhaustive = np.zeros(known.size, np.bool_)
        is_exhaustive[numbers[network.is_certain[members]]] = True
        is_exhaustive[numbers[is_unknown]] = False
        return cls(values, numbers, is_exhaustive, is_open[members] & ~is_unknown)

    def settle(self, is_free: BoolArray) -> None:
        """Shift the log-odds of these members by one number in each group, where that makes it add up."""
        totals = self._add_up(np.nan_to_num(self.values))
        has_to = np.where(self.is_exhaustive, np.abs(totals - 1.0), totals - 1.0) > LEAST_EXCESS
        is_free = is_free & self.is_open & has_to[self.numbers]
        if not is_free.any():
            return
        counts = np.bincount(self.numbers[is_free], minlength=totals.size)
        targets = 1.0 - (totals - self._add_up(np.where(is_free, self.values, 0.0)))
        is_none, is_all = targets <= counts * LEAST_PROBABILITY, targets >= counts * GREATEST_PROBABILITY
        # Beside an outcome that is known to come true the others have none; the only one that is left has all.
        are_all = self._are_all(is_free)
        self.values[is_free & (is_none & are_all)[self.numbers]] = LEAST_PROBABILITY
        self.values[is_free & (is_all & are_all)[self.numbers]] = GREATEST_PROBABILITY
        is_free &= ~(is_none | is_all)[self.numbers]
        if is_free.any():
            kept, numbers = np.unique(self.numbers[is_free], return_inverse=True)
            self.values[is_free] = _shift(self.values[is_free], numbers, targets[kept])

    def _add_up(self, values: FloatArray) -> FloatArray:
        totals: FloatArray = np.bincount(self.numbers, values, minlength=self.is_exhaustive.size).astype(np.float64)
        return totals

    def _are_all(self, is_free: BoolArray) -> BoolArray:
        """Mask of the groups whose unobserved members are all free, shape (g,)."""
        are_all = np.ones(self.is_exhaustive.size, np.bool_)
        are_all[self.numbers[self.is_open & ~is_free]] = False
        return are_all


def _shift(values: FloatArray, numbers: IntArray, targets: FloatArray) -> FloatArray:
    """Shift log-odds by one number in each group so that probabilities add up, by bracketed Newton steps."""
    counts = np.bincount(numbers).astype(np.float64)
    bounded = np.clip(values, LEAST_PROBABILITY, GREATEST_PROBABILITY)
    log_odds = np.log(bounded) - np.log1p(-bounded)
    even = np.log(targets) - np.log(counts - targets)
    low, high = np.full(counts.size, np.inf), np.full(counts.size, -np.inf)
    np.minimum.at(low, numbers, -log_odds)
    np.maximum.at(high, numbers, -log_odds)
    low, high = low + even, high + even
    shifts = np.clip(0.0, low, high)
    for _ in range(_MAX_STEPS):
        p = fast_sigmoid(log_odds + shifts[numbers])
        excess = np.bincount(numbers, p) - targets
        low, high = np.where(excess < 0.0, shifts, low), np.where(excess > 0.0, shifts, high)
        slopes = np.maximum(np.bincount(numbers, p * (1.0 - p)), LEAST_PROBABILITY)
        stepped = shifts - excess / slopes
        inside = (stepped > low) & (stepped < high)
        stepped = np.where(excess == 0.0, shifts, np.where(inside, stepped, 0.5 * (low + high)))
        if np.abs(stepped - shifts).max() <= LEAST_EXCESS:
            break
        shifts = stepped
    p = fast_sigmoid(log_odds + shifts[numbers])
    shares: FloatArray = p * (targets / np.bincount(numbers, p))[numbers]
    return shares
