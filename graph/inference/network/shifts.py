"""Shifts: every claim's marginal before and after some claims resolve, by any of the three methods."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypedDict

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.auto import (
    AUTO_BUDGET,
    complete,
    extract_parts,
    infer_exact_parts,
    lbp_error,
    sample_claims,
)
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.diagnostics import Beliefs, Diagnostics, MethodArray, check_marginals
from graph.inference.network.elementary import fast_sigmoid
from graph.inference.network.errors import ShouldStop, never
from graph.inference.network.evidence import Evidence, intervene, observe
from graph.inference.network.exact import MAX_CLIQUE_CLAIMS, Budget, infer_exactly
from graph.inference.network.intercepts import MAX_MEMORY_BYTES, CalibratedNetwork
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, propagate
from graph.inference.network.replicates import noise_limit, pooled_errors
from graph.inference.network.separation import connected_claims
from graph.inference.network.structure import BoolArray, IntArray, KeyArray
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY

MIN_MATCHING: Final = 2_500
"""Samples of a stored bank that must match the outcomes; the standard error of a half is then 0.01."""

NUM_CHECKED: Final = 16
"""Neighborhoods of the claims that shift most on which LBP's error is estimated, before and after."""

ROWS_PER_BATCH: Final = 256
"""Claims whose bits are counted together, so that intermediates stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """
    Shifts of n claims' marginals, exactly 0 where the network's structure rules a shift out.

    Attributes:
        before: P(claim) given the evidence, shape (n,).
        after: P(claim) given the evidence and the supposed outcomes, shape (n,).
        standard_errors: Of the difference, between replicates, shape (n,); None for methods that draw no samples, and
            for a single replicate.
        diagnostics: Diagnostics of `after`.
        methods: Code of the method that gave `after`, an index of METHODS, shape (n,); None if one gave all.
    """

    before: FloatArray
    after: FloatArray
    standard_errors: FloatArray | None
    diagnostics: Diagnostics
    methods: MethodArray | None = None

    @property
    def deltas(self) -> FloatArray:
        """After minus before, shape (n,)."""
        return np.subtract(self.after, self.before)

    def ranked(self, first: int | None = None) -> IntArray:
        """Claims by decreasing |delta|, ties by index; the first few if `first` is given."""
        return np.argsort(-np.abs(self.deltas), kind="stable")[:first]

    def above_noise(self, least: float = 0.0) -> IntArray:
        """
        List the claims that shift by more than noise, by decreasing |delta|, ties by index.

        Of many claims, sampling errors take some far, so the limit in standard errors rises with their number.

        Args:
            least: Smallest |delta| that counts as a shift.
        """
        sizes = np.abs(self.deltas)
        limits = np.full(sizes.shape, least)
        if self.standard_errors is not None:
            limits = np.maximum(limits, noise_limit(int(np.count_nonzero(sizes))) * self.standard_errors)
        ranked = self.ranked()
        return ranked[(sizes[ranked] > 0.0) & (sizes[ranked] >= limits[ranked])]


def shifts_by_lbp(
    model: CalibratedNetwork,
    evidence: Evidence,
    outcomes: Mapping[int, bool],
    *,
    base: Propagation | None = None,
    is_intervention: bool = False,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Shifts:
    """
    Compute shifts by loopy belief propagation, starting from the messages without the outcomes.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        outcomes: Supposed outcomes by index of the claim.
        base: LBP on the evidence alone; computed if None.
        is_intervention: Whether the claims are cut from their parents first.
        should_stop: Polled before each sweep.
        backend: Implementation of the loops.

    Raises:
        ValueError: There is no outcome, an index is out of range, or `base` is of another network.
        Cancelled: `should_stop` returned true.
    """
    started = time.perf_counter()
    base = base or propagate(model, evidence, should_stop=should_stop, backend=backend)
    supposed, known, kept = _suppose(model, evidence, outcomes, is_intervention=is_intervention)
    if base.messages.shape != kept.shape:
        message = f"expected a base with messages of {kept.size} links, got {base.messages.size}"
        raise ValueError(message)
    after = propagate(supposed, known, start=base.messages[kept], should_stop=should_stop, backend=backend)
    is_connected = _connected(model, evidence, outcomes, is_intervention=is_intervention)
    shifts = _compare(base.beliefs, after.beliefs, is_connected, started)
    error = sum(
        lbp_error(
            *given,
            found,
            first=shifts.ranked(NUM_CHECKED),
            num_neighborhoods=NUM_CHECKED,
            should_stop=should_stop,
            backend=backend,
        )
        for given, found in (((model, evidence), base), ((supposed, known), after))
    )
    told = replace(shifts.diagnostics, error_estimate=error, seconds=time.perf_counter() - started)
    return replace(shifts, diagnostics=told)


def shifts_exactly(
    model: CalibratedNetwork,
    evidence: Evidence,
    outcomes: Mapping[int, bool],
    *,
    asked: BoolArray | None = None,
    is_intervention: bool = False,
    max_clique_claims: int = MAX_CLIQUE_CLAIMS,
    should_stop: ShouldStop = never,
) -> Shifts:
    """
    Compute shifts by exact inference.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        outcomes: Supposed outcomes by index of the claim.
        asked: Mask of the query claims, shape (n,); all by default. Shifts of the others are NaN.
        is_intervention: Whether the claims are cut from their parents first.
        max_clique_claims: As in `infer_exactly`.
        should_stop: Polled before each elimination and message.

    Raises:
        ValueError: There is no outcome, or an index is out of range.
        TooLargeError: As in `infer_exactly`.
        Cancelled: `should_stop` returned true.
    """
    started = time.perf_counter()
    supposed, known, _ = _suppose(model, evidence, outcomes, is_intervention=is_intervention)
    before, after = (
        infer_exactly(one, what, asked=asked, max_clique_claims=max_clique_claims, should_stop=should_stop)
        for one, what in ((model, evidence), (supposed, known))
    )
    is_connected = _connected(model, evidence, outcomes, is_intervention=is_intervention)
    return _compare(before, after, is_connected, started)


def shifts_by_samples(
    bank: Bank,
    outcomes: Mapping[int, bool],
    *,
    seed: int,
    is_intervention: bool = False,
    min_matching: int = MIN_MATCHING,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Shifts:
    """
    Compute shifts from the bank's samples that match the outcomes, or from a fresh bank if they are too few.

    `diagnostics.is_fresh` says which. An intervention on a claim with parents always takes a fresh bank, because
    conditioning the stored samples would also inform on the parents. From the stored bank, shifts are between
    frequencies in the same samples, so that what these have by chance cancels; each counts `before` as one more sample,
    so that no marginal is 0 or 1 for want of samples.

    Args:
        bank: Samples given the evidence alone.
        outcomes: Supposed outcomes by index of the claim.
        seed: Seed of a fresh bank.
        is_intervention: Whether the claims are cut from their parents first.
        min_matching: Matching samples that the stored bank must have.
        max_memory_bytes: Memory limit of a fresh bank.
        should_stop: Polled some ten times a second while a fresh bank is drawn.
        backend: Implementation of the loops.

    Raises:
        ValueError: There is no outcome, or an index is out of range.
        TooLargeError: A fresh bank needs more memory than allowed.
        Cancelled: `should_stop` returned true.
    """
    started = time.perf_counter()
    supposed, known, _ = _suppose(bank.model, bank.evidence, outcomes, is_intervention=is_intervention)
    is_connected = _connected(bank.model, bank.evidence, outcomes, is_intervention=is_intervention)
    has_parents = bank.model.network.num_parents[list(outcomes)].any()
    if not (is_intervention and has_parents):
        matching = matching_samples(bank, outcomes)
        num_matching = np.bitwise_count(matching).sum(axis=1, dtype=np.int64)
        if num_matching.sum() >= min_matching and num_matching.all():
            return _from_stored(bank, known, matching, is_connected, started)
    part = extract_parts(supposed, known, is_connected)
    fresh = draw_bank(
        part.model,
        part.evidence,
        seed=seed,
        num_replicates=bank.num_replicates,
        num_samples=bank.num_samples // bank.num_replicates,
        max_memory_bytes=max_memory_bytes,
        should_stop=should_stop,
        backend=backend,
    )
    return _compare(bank.beliefs, part.spread(fresh.beliefs, supposed, known), is_connected, started)


def shifts_by_auto(
    model: CalibratedNetwork,
    evidence: Evidence,
    outcomes: Mapping[int, bool],
    *,
    before: Beliefs,
    seed: int,
    bank: Bank | None = None,
    is_intervention: bool = False,
    budget: Budget = AUTO_BUDGET,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Shifts:
    """
    Compute shifts of each part of the network by the best method that fits.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        outcomes: Supposed outcomes by index of the claim.
        before: Beliefs given the evidence alone, by `graph.inference.network.auto.infer`.
        seed: Seed of a fresh bank.
        bank: Samples given the evidence alone, of all claims; without, what does not fit is sampled anew.
        is_intervention: Whether the claims are cut from their parents first.
        budget: Limits of exact inference on one part.
        max_memory_bytes: Memory limit of a fresh bank; beyond, LBP.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Raises:
        ValueError: There is no outcome, or an index is out of range.
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].
    """
    started = time.perf_counter()
    supposed, known, _ = _suppose(model, evidence, outcomes, is_intervention=is_intervention)
    is_connected = _connected(model, evidence, outcomes, is_intervention=is_intervention)
    parts = infer_exact_parts(supposed, known, asked=is_connected, budget=budget, should_stop=should_stop)
    options: _Options = {"max_memory_bytes": max_memory_bytes, "should_stop": should_stop, "backend": backend}
    if not parts.is_left.any():
        return _compare(before, complete(parts, known, None), is_connected, started)
    if bank is None:
        others = sample_claims(supposed, known, parts.is_left, seed=seed, **options)
        return _compare(before, complete(parts, known, others), is_connected, started)
    sampled = shifts_by_samples(bank, outcomes, seed=seed, is_intervention=is_intervention, **options)
    after = Beliefs(_apply(sampled, before.marginals), sampled.standard_errors, sampled.diagnostics)
    shifts = _compare(before, complete(parts, known, after), is_connected, started)
    if sampled.standard_errors is None or shifts.standard_errors is None:
        return shifts
    # From one bank, before and after share what they have by chance.
    errors = np.where(parts.is_left, sampled.standard_errors, shifts.standard_errors)
    told = replace(shifts.diagnostics, standard_error=float(errors.max(initial=0.0)))
    return replace(shifts, standard_errors=errors, diagnostics=told)


def _apply(shifts: Shifts, marginals: FloatArray) -> FloatArray:
    """Move marginals by the shifts in log-odds, if these compare within one bank, so that its errors cancel."""
    if shifts.diagnostics.is_fresh:
        return shifts.after
    start, before, after = (
        np.clip(p, LEAST_PROBABILITY, GREATEST_PROBABILITY) for p in (marginals, shifts.before, shifts.after)
    )
    added = np.log(after) - np.log1p(-after) - np.log(before) + np.log1p(-before)
    moved: FloatArray = fast_sigmoid(np.log(start) - np.log1p(-start) + added)
    return moved


class _Options(TypedDict):
    max_memory_bytes: int
    should_stop: ShouldStop
    backend: Backend | None


def matching_samples(bank: Bank, outcomes: Mapping[int, bool]) -> KeyArray:
    """Bit mask of a bank's samples that have these outcomes, shape (replicates, words)."""
    matching = np.full(bank.bits.shape[1:], ~np.uint64(0))
    for claim, outcome in outcomes.items():
        matching &= bank.bits[claim] if outcome else ~bank.bits[claim]
    return matching


def count_true(bits: KeyArray, matching: KeyArray) -> IntArray:
    """
    Count the samples in which each claim is true.

    Args:
        bits: Samples of n claims, shape (n, replicates, words).
        matching: Bit mask of the samples to count, shape (replicates, words).

    Returns:
        Shape (n, replicates).
    """
    counts = np.empty(bits.shape[:2], np.int64)
    for start in range(0, bits.shape[0], ROWS_PER_BATCH):
        rows = slice(start, start + ROWS_PER_BATCH)
        counts[rows] = np.bitwise_count(bits[rows] & matching).sum(axis=2, dtype=np.int64)
    return counts


def _suppose(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool
) -> tuple[CalibratedNetwork, Evidence, BoolArray]:
    """Return the model and the evidence given the outcomes, and the mask of links that remain."""
    if not outcomes:
        message = "expected one outcome or more to suppose, got none"
        raise ValueError(message)
    kept = np.ones(model.network.num_links, np.bool_)
    if not is_intervention:
        return model, observe(evidence, outcomes), kept
    kept[np.isin(model.network.link_children, list(outcomes))] = False
    return *intervene(model, evidence, outcomes), kept


def _connected(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool
) -> BoolArray:
    """Mask of the claims that the outcomes may move, shape (n,)."""
    claims = np.array(list(outcomes), np.int64)
    return connected_claims(model.network, evidence, claims, is_intervention=is_intervention)


def _compare(before: Beliefs, after: Beliefs, is_connected: BoolArray, started: float) -> Shifts:
    errors = _errors_of_difference(before, after, is_connected)
    error = None if errors is None else float(errors.max(initial=0.0))
    diagnostics = replace(after.diagnostics, seconds=time.perf_counter() - started, standard_error=error)
    if not before.diagnostics.converged:
        reason = diagnostics.reason or f"before: {before.diagnostics.reason}"
        diagnostics = replace(diagnostics, converged=False, reason=reason)
    marginals = np.where(is_connected, after.marginals, before.marginals)
    return Shifts(before.marginals, marginals, errors, diagnostics, after.methods)


def _errors_of_difference(before: Beliefs, after: Beliefs, is_connected: BoolArray) -> FloatArray | None:
    """Combine the errors of two independent estimates; None unless one of them was sampled."""
    if before.standard_errors is None and after.standard_errors is None:
        return None
    none = np.zeros(is_connected.size)
    ends = (none if beliefs.standard_errors is None else beliefs.standard_errors for beliefs in (before, after))
    return np.where(is_connected, np.hypot(*ends), 0.0)


def _from_stored(bank: Bank, known: Evidence, matching: KeyArray, is_connected: BoolArray, started: float) -> Shifts:
    before = bank.beliefs.marginals
    num_matching = np.bitwise_count(matching).sum(axis=1, dtype=np.int64)
    counts, counts_of_all = (
        count_true(bank.bits, matching),
        count_true(bank.bits, np.full_like(matching, ~np.uint64(0))),
    )
    after = _moved(before, before, counts_of_all.sum(axis=1), bank.num_samples, counts.sum(axis=1), num_matching.sum())
    is_free = is_connected & ~known.is_observed
    after = np.where(is_free, after, np.where(known.is_observed, known.observed, before))
    num_each = bank.num_samples // bank.num_replicates
    by_replicate = np.array(
        [
            _moved(own, before, counts_of_all[:, number], num_each, counts[:, number], num_matching[number])
            for number, own in enumerate(bank.replicate_marginals)
        ]
    )
    deltas = by_replicate - bank.replicate_marginals
    errors = pooled_errors(deltas, np.where(is_free, after * (1.0 - after), 0.0), int(num_matching.sum()))
    if errors is not None and bank.beliefs.standard_errors is not None:
        # Supposed outcomes have no sampling error of their own.
        errors = np.where(is_connected & known.is_observed, bank.beliefs.standard_errors, errors)
    own = bank.beliefs.diagnostics
    diagnostics = replace(
        own,
        seconds=time.perf_counter() - started,
        num_matching=int(num_matching.sum()),
        standard_error=None if errors is None else float(errors.max(initial=0.0)),
        is_fresh=False,
    )
    return Shifts(before, check_marginals(after, is_observed=known.is_observed), errors, diagnostics)


def _moved(
    marginals: FloatArray,
    smoothing: FloatArray,
    counts: IntArray,
    num_samples: int,
    counts_matching: IntArray,
    num_matching: int,
) -> FloatArray:
    """Move marginals by the log-odds between frequencies in all samples and in those that match."""
    frequencies, matching, start = (
        np.clip(p, LEAST_PROBABILITY, GREATEST_PROBABILITY)
        for p in (
            (counts + smoothing) / (num_samples + 1),
            (counts_matching + smoothing) / (num_matching + 1),
            marginals,
        )
    )
    added = np.log(matching) - np.log1p(-matching) - np.log(frequencies) + np.log1p(-frequencies)
    moved: FloatArray = fast_sigmoid(np.log(start) - np.log1p(-start) + added)
    return moved
