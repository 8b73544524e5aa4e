"""What if these claims resolved? Every claim's belief before and after, by any of the three methods."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank, standard_errors
from graph.inference.network.diagnostics import Beliefs, Diagnostics, Method, check_marginals
from graph.inference.network.errors import ShouldStop, never
from graph.inference.network.evidence import Evidence, intervene, observe
from graph.inference.network.exact import MAX_CLIQUE_CLAIMS, infer_exactly
from graph.inference.network.intercepts import MAX_MEMORY_BYTES, CalibratedNetwork
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, propagate
from graph.inference.network.structure import BoolArray, IntArray, KeyArray

MIN_MATCHING: Final = 2_500
"""Samples of a stored bank that have to agree with a question for it to answer; the error of a half is then 0.01."""

ROWS_PER_BATCH: Final = 256
"""Claims whose bits are counted together, so that what is written in between stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """
    What a question does to n claims.

    Attributes:
        before: P(claim) given the evidence, shape (n,).
        after: P(claim) given the evidence and the outcomes asked about, shape (n,).
        standard_errors: Of the difference, between replicates, shape (n,); None for methods that draw no samples, and
            for a single replicate.
        diagnostics: How `after` was made, and which bank it came from.
    """

    before: FloatArray
    after: FloatArray
    standard_errors: FloatArray | None
    diagnostics: Diagnostics

    @property
    def deltas(self) -> FloatArray:
        """After minus before, shape (n,)."""
        return np.subtract(self.after, self.before)

    def ranked(self, first: int | None = None) -> IntArray:
        """Claims from the largest |delta| down, ties in their own order; all of them unless told how many."""
        return np.argsort(-np.abs(self.deltas), kind="stable")[:first]


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
    Shifts by loopy belief propagation, beginning with what is said without the outcomes.

    Args:
        model: The joint distribution.
        evidence: What is known.
        outcomes: What is supposed, by claim.
        base: LBP on the evidence alone; made here if it is not given.
        is_intervention: Whether the claims are cut from their parents first.
        should_stop: Asked before each sweep.
        backend: Where the loops run.

    Raises:
        ValueError: A claim does not exist, there is none, or `base` is of another network.
        Cancelled: `should_stop` said so.
    """
    started = time.perf_counter()
    base = base or propagate(model, evidence, should_stop=should_stop, backend=backend)
    supposed, known, kept = _suppose(model, evidence, outcomes, is_intervention=is_intervention)
    if base.messages.shape != kept.shape:
        message = f"expected a base with messages of {kept.size} links, got {base.messages.size}"
        raise ValueError(message)
    after = propagate(supposed, known, start=base.messages[kept], should_stop=should_stop, backend=backend).beliefs
    return _compare(base.beliefs, after, started)


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
    Shifts by exact inference.

    Args:
        model: The joint distribution.
        evidence: What is known.
        outcomes: What is supposed, by claim.
        asked: Whose shifts are wanted, shape (n,); all by default. Others come out as NaN.
        is_intervention: Whether the claims are cut from their parents first.
        max_clique_claims: As in `infer_exactly`.
        should_stop: Asked before each claim's turn.

    Raises:
        ValueError: A claim does not exist, or there is none.
        TooLargeError: As in `infer_exactly`.
        Cancelled: `should_stop` said so.
    """
    started = time.perf_counter()
    supposed, known, _ = _suppose(model, evidence, outcomes, is_intervention=is_intervention)
    before, after = (
        infer_exactly(one, what, asked=asked, max_clique_claims=max_clique_claims, should_stop=should_stop)
        for one, what in ((model, evidence), (supposed, known))
    )
    return _compare(before, after, started)


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
    Shifts by samples: of the bank's, those that agree with the outcomes; where they are too few, of a fresh bank.

    `diagnostics.is_fresh` says which. An intervention on a claim that has parents always takes a fresh one, as the
    bank's samples carry what an observation would say of the parents. The stored bank's answer gives the weight of one
    sample to the belief before, so that none comes out certain because it was not seen to fail.

    Args:
        bank: Given the evidence alone.
        outcomes: What is supposed, by claim.
        seed: Of a fresh bank.
        is_intervention: Whether the claims are cut from their parents first.
        min_matching: How many samples have to agree.
        max_memory_bytes: Limit of a fresh bank.
        should_stop: Asked some ten times a second while a fresh bank is drawn.
        backend: Where the loops run.

    Raises:
        ValueError: A claim does not exist, or there is none.
        TooLargeError: A fresh bank needs more memory than allowed.
        Cancelled: `should_stop` said so.
    """
    started = time.perf_counter()
    supposed, known, _ = _suppose(bank.model, bank.evidence, outcomes, is_intervention=is_intervention)
    has_parents = bank.model.network.num_parents[list(outcomes)].any()
    if not (is_intervention and has_parents):
        matching = matching_samples(bank, outcomes)
        if int(np.bitwise_count(matching).sum()) >= min_matching:
            return _from_stored(bank, known, matching, started)
    fresh = draw_bank(
        supposed,
        known,
        seed=seed,
        num_replicates=bank.num_replicates,
        num_samples=bank.num_samples // bank.num_replicates,
        max_memory_bytes=max_memory_bytes,
        should_stop=should_stop,
        backend=backend,
    )
    return _compare(bank.beliefs, fresh.beliefs, started)


def matching_samples(bank: Bank, outcomes: Mapping[int, bool]) -> KeyArray:
    """Which of a bank's samples have these outcomes, a bit each, shape (replicates, words)."""
    matching = np.full(bank.bits.shape[1:], ~np.uint64(0))
    for claim, outcome in outcomes.items():
        matching &= bank.bits[claim] if outcome else ~bank.bits[claim]
    return matching


def count_true(bits: KeyArray, matching: KeyArray) -> IntArray:
    """
    In how many of some samples each claim is true.

    Args:
        bits: Shape (n, replicates, words).
        matching: Which samples, shape (replicates, words).

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
    """The model and what is known in it once the outcomes hold, and which of the links are left."""
    if not outcomes:
        message = "expected one outcome or more to suppose, got none"
        raise ValueError(message)
    kept = np.ones(model.network.num_links, np.bool_)
    if not is_intervention:
        return model, observe(evidence, outcomes), kept
    kept[np.isin(model.network.link_children, list(outcomes))] = False
    return *intervene(model, evidence, outcomes), kept


def _compare(before: Beliefs, after: Beliefs, started: float) -> Shifts:
    errors = None
    if before.standard_errors is not None and after.standard_errors is not None:
        errors = np.hypot(before.standard_errors, after.standard_errors)
    error = None if errors is None else float(errors.max(initial=0.0))
    diagnostics = replace(after.diagnostics, seconds=time.perf_counter() - started, standard_error=error)
    if not before.diagnostics.converged:
        reason = diagnostics.reason or f"before: {before.diagnostics.reason}"
        diagnostics = replace(diagnostics, converged=False, reason=reason)
    return Shifts(before.marginals, after.marginals, errors, diagnostics)


def _from_stored(bank: Bank, known: Evidence, matching: KeyArray, started: float) -> Shifts:
    before = bank.beliefs.marginals
    num_matching = np.bitwise_count(matching).sum(axis=1, dtype=np.int64)
    counts = count_true(bank.bits, matching)
    after = (counts.sum(axis=1) + before) / (num_matching.sum() + 1)
    after = np.where(known.is_observed, known.observed, after)
    errors = None
    if num_matching.all():
        deltas = counts.T / num_matching[:, None] - bank.replicate_marginals
        errors = standard_errors(deltas)
    if errors is not None and bank.beliefs.standard_errors is not None:
        # The outcomes themselves are supposed, not estimated.
        errors = np.where(known.is_observed, bank.beliefs.standard_errors, errors)
    own = bank.beliefs.diagnostics
    diagnostics = Diagnostics(
        method=Method.SAMPLE,
        converged=own.converged,
        reason=own.reason,
        seconds=time.perf_counter() - started,
        num_samples=bank.num_samples,
        num_matching=int(num_matching.sum()),
        num_replicates=bank.num_replicates,
        standard_error=None if errors is None else float(errors.max(initial=0.0)),
        surviving_ancestors=own.surviving_ancestors,
        weight_variance=own.weight_variance,
        num_temperatures=own.num_temperatures,
        largest_difference=own.largest_difference,
        seed=bank.seed,
        is_fresh=False,
    )
    return Shifts(before, check_marginals(after, is_observed=known.is_observed), errors, diagnostics)
