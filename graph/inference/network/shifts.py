"""Shifts: every claim's marginal before and after some claims resolve, by any of the three methods."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self, TypedDict

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.auto import (
    AUTO_BUDGET,
    ExactParts,
    complete,
    extract_parts,
    infer_exact_parts,
    lbp_error,
    sample_claims,
)
from graph.inference.network.bank import NUM_REPLICATES, NUM_SAMPLES, Bank, draw_bank, num_swept
from graph.inference.network.coherence import coherent_rows, reconcile
from graph.inference.network.diagnostics import Beliefs, Diagnostics, MethodArray, check_marginals
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid
from graph.inference.network.errors import ShouldStop, never
from graph.inference.network.evidence import Evidence, suppose
from graph.inference.network.exact import MAX_CLIQUE_CLAIMS, Budget, infer_exactly
from graph.inference.network.groups import excluded_members
from graph.inference.network.intercepts import MAX_MEMORY_BYTES, CalibratedNetwork, unpack_bits
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, propagate
from graph.inference.network.moving import add_weights, move_marginals, weigh_bank
from graph.inference.network.replicates import at_least_frozen, noise_limit, pooled_errors
from graph.inference.network.separation import connected_claims
from graph.inference.network.structure import BoolArray, IntArray, KeyArray
from graph.inference.network.uncertainty import ERROR_TOLERANCE, Perturbed, perturb
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY

MIN_MATCHING: Final = 2_500
"""Samples of a stored bank that must match the outcomes; the standard error of a half is then 0.01."""

ENOUGH_MATCHING: Final = 625
"""Likewise where time is bounded, with an error of 0.02: rather than LBP's, or that of a fresh bank a second later."""

NUM_CHECKED: Final = 10
"""Neighborhoods of the claims that shift most on which LBP's error is estimated, before and after."""

FEW_MATCHING: Final = 256
"""Samples of a stored bank below which their spread does not tell their error."""

LARGEST_MISSED: Final = 0.02
"""Share of a distribution that weighted samples may miss without a sign."""

NUM_SEEN: Final = 5.0
"""Expected samples of a part that is hardly ever missed."""

MAX_COUNTED_PARENTS: Final = 6
"""Parents of which the samples of each configuration are counted; with 64 of them, some 5 ms."""

NUM_ERRORS: Final = 4.0
"""Standard errors that compare with an estimate of LBP's largest error."""

ROWS_PER_BATCH: Final = 256
"""Claims whose bits are counted together, so that intermediates stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """
    LBP given the evidence alone.

    Attributes:
        found: Marginals and messages.
        error: The largest error of the marginals, an estimate; None to make one.
    """

    found: Propagation
    error: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AtHand:
    """
    Results of LBP on the evidence alone.

    Attributes:
        find_base: Makes what LBP starts from, if LBP has to answer; None to compute it.
        perturbed: As in `shifts_by_lbp`; without, an answer from the stored bank states the error of the bank's
            calibration.
    """

    find_base: Callable[[], Base] | None = None
    perturbed: Perturbed | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """
    Conditions under which samples are drawn anew instead of taken from a stored bank, and their number.

    Attributes:
        seed: Seed of all draws.
        num_replicates: Independent replicates; as many as the stored bank has, if these are more.
        num_samples: Samples in each; as many as the stored bank has, if there is one.
        min_matching: Samples of the stored bank that must have the supposed outcomes for it to serve.
        max_work: Claims times samples that may be swept; None for any.
        max_memory_bytes: Limit of a bank's memory.
    """

    seed: int
    num_replicates: int = NUM_REPLICATES
    num_samples: int = NUM_SAMPLES
    min_matching: int = MIN_MATCHING
    max_work: int | None = None
    max_memory_bytes: int = MAX_MEMORY_BYTES

    def like(self, bank: Bank | None) -> "Drawing":
        """Return the same with as many samples as a bank has."""
        if bank is None:
            return self
        num_samples = bank.num_samples // bank.num_replicates
        return replace(self, num_replicates=max(self.num_replicates, bank.num_replicates), num_samples=num_samples)


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
    base: Base | None = None,
    perturbed: Perturbed | None = None,
    parts: ExactParts | None = None,
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
        perturbed: LBP on models whose intercepts differ, from which the error of the calibration is estimated;
            computed if None.
        parts: What is known exactly under the outcomes, with which LBP is compared; computed if None.
        is_intervention: Whether the claims are cut from their parents first.
        should_stop: Polled before each sweep.
        backend: Implementation of the loops.

    Raises:
        ValueError: There is no outcome, an index is out of range, or `base` is of another network.
        Cancelled: `should_stop` returned true.
    """
    started = time.perf_counter()
    options: _Polled = {"should_stop": should_stop, "backend": backend}
    found = propagate(model, evidence, **options) if base is None else base.found
    question = _Question.suppose(model, evidence, outcomes, is_intervention=is_intervention)
    supposed, known, kept = question.model, question.evidence, question.kept
    if found.messages.shape != kept.shape:
        message = f"expected a base with messages of {kept.size} links, got {found.messages.size}"
        raise ValueError(message)
    after = propagate(supposed, known, start=found.messages[kept], **options)
    shifts = _compare(found.beliefs, after.beliefs, question)
    base_error = lbp_error(model, evidence, found, **options) if base is None or base.error is None else base.error
    if perturbed is None:
        perturbed = perturb(model, evidence, found, **options)
    nearest = shifts.ranked(NUM_CHECKED)
    error = lbp_error(supposed, known, after, parts=parts, first=nearest, num_neighborhoods=NUM_CHECKED, **options)
    told = replace(
        shifts.diagnostics,
        error_estimate=base_error + error,
        calibration_error=perturbed.question_error(
            evidence, outcomes, after, is_intervention=is_intervention, **options
        ),
        seconds=time.perf_counter() - started,
    )
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
    question = _Question.suppose(model, evidence, outcomes, is_intervention=is_intervention)
    before, after = (
        infer_exactly(one, what, asked=asked, max_clique_claims=max_clique_claims, should_stop=should_stop)
        for one, what in ((model, evidence), (question.model, question.evidence))
    )
    return _compare(before, after, question)


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

    `diagnostics.is_fresh` says which. From the stored bank, shifts are between frequencies in the same samples, so that
    what these have by chance cancels; each counts `before` as one more sample, so that no marginal is 0 or 1 for want
    of samples. An intervention on a claim with parents always takes a fresh bank, because conditioning the stored
    samples would also inform on the parents.

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
    question = _Question.suppose(bank.model, bank.evidence, outcomes, is_intervention=is_intervention)
    supposed, known = question.model, question.evidence
    matching = None if question.is_cut else _find_matching(bank, question, min_matching)
    if matching is not None:
        return _from_matching(bank, question, matching)
    part = extract_parts(supposed, known, question.is_connected)
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
    return _compare(bank.beliefs, part.spread(fresh.beliefs, supposed, known), question)


def shifts_by_auto(
    model: CalibratedNetwork,
    evidence: Evidence,
    outcomes: Mapping[int, bool],
    *,
    before: Beliefs,
    drawing: Drawing,
    bank: Bank | None = None,
    at_hand: AtHand | None = None,
    is_intervention: bool = False,
    budget: Budget = AUTO_BUDGET,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Shifts:
    """
    Compute shifts of each part of the network by the best method that fits.

    Where the stored bank has too few samples with the outcomes, and a fresh one is too much work, the answer is LBP's
    with an estimate of its error, or that of the few samples if their error is smaller.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        outcomes: Supposed outcomes by index of the claim.
        before: Beliefs given the evidence alone, by `graph.inference.network.auto.infer`.
        drawing: When samples are drawn anew, and how; what may not be drawn is left to LBP.
        bank: Samples given the evidence alone, of all claims; without, what does not fit is sampled anew. For an
            intervention, of equal weights.
        at_hand: What is known from LBP; nothing by default.
        is_intervention: Whether the claims are cut from their parents first.
        budget: Limits of exact inference on one part.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Raises:
        ValueError: There is no outcome, or an index is out of range.
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].
    """
    question = _Question.suppose(model, evidence, outcomes, is_intervention=is_intervention)
    supposed, known, kept = question.model, question.evidence, question.kept
    parts = infer_exact_parts(
        supposed, known, asked=question.is_connected, budget=budget, should_stop=should_stop
    ).beside(before.marginals)
    if not parts.is_left.any():
        return _compare(before, complete(parts, known, None), question)
    polled: _Polled = {"should_stop": should_stop, "backend": backend}
    at_hand = at_hand or AtHand()
    sampled = None if bank is None else _from_bank(bank, question, drawing.min_matching, should_stop)
    if sampled is not None:
        perturbed = at_hand.perturbed
        if perturbed is not None and perturbed.models:
            after = propagate(supposed, known, start=perturbed.messages[kept], tolerance=ERROR_TOLERANCE, **polled)
            error = perturbed.question_error(evidence, outcomes, after, is_intervention=is_intervention, **polled)
            sampled = replace(sampled, diagnostics=replace(sampled.diagnostics, calibration_error=error))
        return _complete(sampled, parts, before, question)
    fresh = _draw_anew(question, parts, drawing.like(bank), polled)
    if fresh is not None:
        return _compare(before, complete(parts, known, fresh), question)
    base = None if at_hand.find_base is None else at_hand.find_base()
    by_lbp = shifts_by_lbp(
        model,
        evidence,
        outcomes,
        base=base,
        perturbed=at_hand.perturbed,
        parts=parts,
        is_intervention=is_intervention,
        **polled,
    )
    return _complete(by_lbp if bank is None else _better(by_lbp, bank, question, should_stop), parts, before, question)


def _draw_anew(question: "_Question", parts: ExactParts, drawing: Drawing, polled: "_Polled") -> Beliefs | None:
    """Sample what exact inference has left under the supposed outcomes; None if that is too much work."""
    if drawing.max_work is not None:
        part = extract_parts(question.model, question.evidence, parts.is_left)
        num_drawn = drawing.num_samples * drawing.num_replicates
        if num_swept(part.model, part.evidence) * num_drawn > drawing.max_work:
            return None
    return sample_claims(
        question.model,
        question.evidence,
        parts.is_left,
        seed=drawing.seed,
        num_replicates=drawing.num_replicates,
        num_samples=drawing.num_samples,
        max_memory_bytes=drawing.max_memory_bytes,
        **polled,
    )


def _complete(shifts: Shifts, parts: ExactParts, before: Beliefs, question: "_Question") -> Shifts:
    """Move the marginals that are left by shifts within one method, and take the others from the exact parts."""
    after = Beliefs(_apply(shifts, before.marginals), shifts.standard_errors, shifts.diagnostics)
    found = _compare(before, complete(parts, question.evidence, after), question)
    if found.standard_errors is None:
        return found
    # Before and after share what they have by chance: within one bank, and by LBP all.
    own = np.zeros(parts.is_left.size) if shifts.standard_errors is None else shifts.standard_errors
    errors = np.where(parts.is_left, own, found.standard_errors)
    told = replace(found.diagnostics, standard_error=float(errors.max(initial=0.0)))
    return replace(found, standard_errors=errors, diagnostics=told)


def _better(by_lbp: Shifts, bank: Bank, question: "_Question", should_stop: ShouldStop) -> Shifts:
    """
    Return the shifts by LBP, or those of the few samples that have the outcomes if these state a smaller error.

    Where LBP differs from samples by more than their noise, its error is at least that.
    """
    own = bank.beliefs
    excess = _beyond_noise(by_lbp.before, own.marginals, own.standard_errors)
    few = _from_bank(bank, question, FEW_MATCHING, should_stop)
    if few is not None:
        excess += _beyond_noise(by_lbp.deltas, few.deltas, few.standard_errors)
    error = max(by_lbp.diagnostics.error_estimate or 0.0, excess)
    by_lbp = replace(by_lbp, diagnostics=replace(by_lbp.diagnostics, error_estimate=error))
    if few is None or few.diagnostics.standard_error is None:
        return by_lbp
    if by_lbp.diagnostics.converged and error <= NUM_ERRORS * few.diagnostics.standard_error:
        return by_lbp
    told = replace(few.diagnostics, calibration_error=by_lbp.diagnostics.calibration_error)
    return replace(few, diagnostics=told)


def _beyond_noise(found: FloatArray, sampled: FloatArray, errors: FloatArray | None) -> float:
    """Compute by how much numbers differ from sampled ones, less their noise, at most."""
    noise = np.zeros(found.size) if errors is None else noise_limit(found.size) * errors
    return float((np.abs(found - sampled) - noise).max(initial=0.0))


def _apply(shifts: Shifts, marginals: FloatArray) -> FloatArray:
    """
    Move marginals by shifts within one bank, in log-odds, or by LBP's, as they are.

    Errors of a bank before and after cancel in log-odds; of LBP's, only the sum is known to bound that of a difference.
    """
    if shifts.standard_errors is None:
        return np.clip(marginals + shifts.deltas, 0.0, 1.0)
    start, before, after = (
        np.clip(p, LEAST_PROBABILITY, GREATEST_PROBABILITY) for p in (marginals, shifts.before, shifts.after)
    )
    added = np.log(after) - np.log1p(-after) - np.log(before) + np.log1p(-before)
    moved: FloatArray = fast_sigmoid(np.log(start) - np.log1p(-start) + added)
    return moved


class _Polled(TypedDict):
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


def _connected(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool
) -> BoolArray:
    """Mask of the claims that the outcomes may move, shape (n,)."""
    network, claims = model.network, np.array(list(outcomes), np.int64)
    found = connected_claims(network, evidence, claims, is_intervention=is_intervention)
    if is_intervention and (excluded := excluded_members(network, outcomes)):
        # The others of the group are then chosen differently, which moves all that observing one could move.
        others = np.flatnonzero(np.isin(network.groups, list(excluded)) & ~evidence.is_observed)
        found |= connected_claims(network, evidence, others)
    return found


def _compare(before: Beliefs, after: Beliefs, question: "_Question") -> Shifts:
    is_connected = question.is_connected
    errors = _errors_of_difference(before, after, is_connected)
    error = None if errors is None else float(errors.max(initial=0.0))
    diagnostics = replace(after.diagnostics, seconds=time.perf_counter() - question.started, standard_error=error)
    if not before.diagnostics.converged:
        reason = diagnostics.reason or f"before: {before.diagnostics.reason}"
        diagnostics = replace(diagnostics, converged=False, reason=reason)
    marginals = reconcile(
        question.model.network,
        np.where(is_connected, after.marginals, before.marginals),
        is_observed=question.evidence.is_observed,
        is_estimated=is_connected,
    )
    return Shifts(before.marginals, marginals, errors, diagnostics, after.methods)


def _errors_of_difference(before: Beliefs, after: Beliefs, is_connected: BoolArray) -> FloatArray | None:
    """Combine the errors of two independent estimates; None unless one of them was sampled."""
    if before.standard_errors is None and after.standard_errors is None:
        return None
    none = np.zeros(is_connected.size)
    ends = (none if beliefs.standard_errors is None else beliefs.standard_errors for beliefs in (before, after))
    return np.where(is_connected, np.hypot(*ends), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """
    Supposed outcomes, and what holds under them.

    Attributes:
        model: The joint distribution.
        evidence: Evidence, the outcomes included.
        outcomes: Supposed outcomes by index of the claim.
        kept: Mask of the links that remain where supposed claims are cut from their parents, shape (links,).
        is_connected: Mask of the claims that they may move, shape (n,).
        started: When the computation began.
    """

    model: CalibratedNetwork
    evidence: Evidence
    outcomes: Mapping[int, bool]
    kept: BoolArray
    is_connected: BoolArray
    started: float

    @classmethod
    def suppose(
        cls, model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool
    ) -> Self:
        """Suppose outcomes; arguments as of `graph.inference.network.evidence.suppose`."""
        started = time.perf_counter()
        supposed, known, kept = suppose(model, evidence, outcomes, is_intervention=is_intervention)
        is_connected = _connected(model, evidence, outcomes, is_intervention=is_intervention)
        return cls(supposed, known, outcomes, kept, is_connected, started)

    @property
    def is_cut(self) -> bool:
        """Whether one of the supposed claims was cut from parents."""
        return not self.kept.all()


def _from_bank(bank: Bank, question: _Question, least: int, should_stop: ShouldStop) -> Shifts | None:
    """Compute shifts from a bank's samples that have the outcomes; None if they are fewer than the least."""
    if question.is_cut:
        return _from_weighted(bank, question, least, should_stop)
    matching = _find_matching(bank, question, least)
    return None if matching is None else _from_matching(bank, question, matching)


def _find_matching(bank: Bank, question: _Question, least: int) -> KeyArray | None:
    """Return the mask of the samples that have the outcomes; None if they are fewer than the least."""
    matching = matching_samples(bank, question.outcomes)
    num_matching = _count_effective(bank, matching)
    return matching if num_matching.sum() >= least and num_matching.all() else None


def _from_matching(bank: Bank, question: _Question, matching: KeyArray) -> Shifts:
    before = bank.beliefs.marginals
    counts, totals = _add_up(bank, matching)
    counts_of_all, totals_of_all = _add_up(bank, np.full_like(matching, ~np.uint64(0)))
    after = _moved(before, before, counts_of_all.sum(axis=1), totals_of_all.sum(), counts.sum(axis=1), totals.sum())
    by_replicate = np.array(
        [
            _moved(own, before, counts_of_all[:, number], totals_of_all[number], counts[:, number], totals[number])
            for number, own in enumerate(bank.replicate_marginals)
        ]
    )
    num_matching = int(_count_effective(bank, matching).sum())
    return _within_bank(bank, question, after, by_replicate, num_matching)


def _add_up(bank: Bank, matching: KeyArray) -> tuple[FloatArray, FloatArray]:
    """Add up the weights of matching samples: where each claim is true, shape (n, replicates), and of all of them."""
    if bank.weights is None:
        counts = count_true(bank.bits, matching).astype(np.float64)
        return counts, np.bitwise_count(matching).sum(axis=1, dtype=np.float64)
    totals = np.empty((bank.bits.shape[0], bank.num_replicates))
    weights = bank.weights * unpack_bits(matching)
    for replicate, own in enumerate(weights):
        totals[:, replicate] = add_weights(bank.bits[:, replicate], own)
    return totals, weights.sum(axis=1)


def _count_effective(bank: Bank, matching: KeyArray) -> FloatArray:
    """Count matching samples, by their weights as many as of equal ones tell as much, shape (replicates,)."""
    if bank.weights is None:
        counts: FloatArray = np.bitwise_count(matching).sum(axis=1, dtype=np.float64)
        return counts
    weights = bank.weights * unpack_bits(matching)
    effective: FloatArray = weights.sum(axis=1) ** 2 / np.maximum((weights**2).sum(axis=1), LEAST_PROBABILITY)
    return effective


def _from_weighted(bank: Bank, question: _Question, least: int, should_stop: ShouldStop) -> Shifts | None:
    """Weigh samples to an intervention: they count by 1 / P(outcome | parents)."""
    if bank.weights is not None:
        message = "expected a bank of equal weights for an intervention, got weighted samples; resample them first"
        raise ValueError(message)
    if excluded_members(bank.model.network, question.outcomes):
        return None  # samples of what others of a group leave do not tell how they share what one leaves
    if _missed_share(bank, question) > LARGEST_MISSED:
        return None
    weighted = weigh_bank(
        bank,
        question.model,
        question.evidence,
        least_share=least / bank.num_samples,
        is_moved=question.is_connected,
    )
    if weighted is None:
        return None
    found = move_marginals(weighted, should_stop=should_stop)
    num_effective = int(weighted.share * bank.num_samples)
    return _within_bank(bank, question, found.beliefs.marginals, found.replicates, num_effective)


def _missed_share(bank: Bank, question: _Question) -> float:
    """
    Bound the share of an intervention's distribution that the matching samples may miss without a sign.

    A part of it, in which the outcome has a probability of p or more given its parents, is expected in p times its
    share of the matching samples or more. Only parts that at least some samples are in show in the spread of weights.
    """
    matching = matching_samples(bank, question.outcomes)
    num_matching = int(np.bitwise_count(matching).sum())
    parents = bank.model.network.num_parents
    cut = [claim for claim in question.outcomes if parents[claim]]
    if len(cut) > 1 or parents[cut[0]] > MAX_COUNTED_PARENTS:
        return NUM_SEEN / max(_least_likely(bank.model, question.outcomes) * num_matching, NUM_SEEN)
    likely, counts = _configurations(bank, cut[0], matching)
    if not question.outcomes[cut[0]]:
        likely = 1.0 - likely
    is_rare = counts < NUM_SEEN
    if not is_rare.any():
        return 0.0
    total = float((counts / likely).sum())
    return float((counts[is_rare].sum() + NUM_SEEN) / max(likely[is_rare].min() * total, NUM_SEEN))


def _configurations(bank: Bank, claim: int, matching: KeyArray) -> tuple[FloatArray, IntArray]:
    """Return P(claim) given each configuration of its parents, and the number of matching samples that have it."""
    network = bank.model.network
    links = slice(network.parent_start[claim], network.parent_start[claim + 1])
    log_odds = bank.model.intercepts[claim] + configuration_log_odds(network.weights[links])
    parents = network.link_parents[links]
    counts = np.empty(log_odds.size, np.int64)
    for configuration in range(counts.size):
        states = {parent: bool(configuration >> j & 1) for j, parent in enumerate(parents.tolist())}
        counts[configuration] = np.bitwise_count(matching & matching_samples(bank, states)).sum()
    return fast_sigmoid(log_odds), counts


def _least_likely(model: CalibratedNetwork, outcomes: Mapping[int, bool]) -> float:
    """Compute a lower bound of P(outcomes | parents) over all states of the parents."""
    network, bound = model.network, 1.0
    for claim, outcome in outcomes.items():
        sign = 1.0 if outcome else -1.0
        weights = sign * network.weights[network.parent_start[claim] : network.parent_start[claim + 1]]
        log_odds = sign * model.intercepts[claim] + np.minimum(weights, 0.0).sum()
        bound *= float(fast_sigmoid(np.array(log_odds)))
    return bound


def _within_bank(
    bank: Bank, question: _Question, after: FloatArray, replicates: FloatArray, num_matching: int
) -> Shifts:
    """Make the shifts of so many samples of a bank, with the marginals of each replicate, shape (replicates, n)."""
    before, known, is_connected = bank.beliefs.marginals, question.evidence, question.is_connected
    is_free = is_connected & ~known.is_observed
    rows = np.vstack([after, replicates])
    unmoved = np.vstack([before, bank.replicate_marginals])
    rows = np.where(is_free, rows, np.where(known.is_observed, known.observed, unmoved))
    after, *moved = coherent_rows(
        question.model.network, rows, is_observed=known.is_observed, is_estimated=is_connected
    )
    deltas = np.array(moved) - bank.replicate_marginals
    variances = np.where(is_free, after * (1.0 - after), 0.0)
    errors = pooled_errors(deltas, variances, num_matching)
    if errors is not None:
        is_frozen = is_free & question.model.network.is_frozen
        num_ancestors = (bank.beliefs.diagnostics.surviving_ancestors or 0) * bank.num_replicates
        evener = np.where(np.abs(after - 0.5) < np.abs(before - 0.5), after, before)
        errors = at_least_frozen(errors, evener, is_frozen, num_ancestors * num_matching / bank.num_samples)
    if errors is not None and bank.beliefs.standard_errors is not None:
        # Supposed outcomes have no sampling error of their own.
        errors = np.where(is_connected & known.is_observed, bank.beliefs.standard_errors, errors)
    diagnostics = replace(
        bank.beliefs.diagnostics,
        seconds=time.perf_counter() - question.started,
        num_matching=num_matching,
        standard_error=None if errors is None else float(errors.max(initial=0.0)),
        is_fresh=False,
    )
    return Shifts(before, check_marginals(after, is_observed=known.is_observed), errors, diagnostics)


def _moved(
    marginals: FloatArray,
    smoothing: FloatArray,
    counts: FloatArray,
    num_samples: float,
    counts_matching: FloatArray,
    num_matching: float,
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
