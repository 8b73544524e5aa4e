"""
AUTO: each part of the network by the best method that fits a budget.

Given what is known, the network falls apart: into parts that observed claims separate, and into claims on which no
evidence bears, which keep their prior marginals. Each part is computed exactly where its junction tree fits. The rest
is computed from a bank of samples, or by LBP if it is too large for that.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import NUM_REPLICATES, NUM_SAMPLES, draw_bank
from graph.inference.network.coherence import reconcile
from graph.inference.network.diagnostics import (
    EXACT,
    METHODS,
    Beliefs,
    Diagnostics,
    Method,
    check_marginals,
)
from graph.inference.network.errors import ShouldStop, TooLargeError, never
from graph.inference.network.evidence import Evidence
from graph.inference.network.exact import Budget, calibration_error_of, tree_marginals
from graph.inference.network.intercepts import MAX_MEMORY_BYTES, CalibratedNetwork, part_of_model
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, check_fits, propagate, relevant_claims
from graph.inference.network.separation import connected_claims, connected_parts
from graph.inference.network.structure import BoolArray, IntArray, Network, ancestors
from graph.inference.network.uncertainty import NUM_NEIGHBORHOODS, calibration_error, loop_error

AUTO_BUDGET: Final = Budget(clique_claims=16, tree_entries=1 << 19, claims=1_000)
"""Some 50 ms for one part at most; a sparse network of hundreds of claims fits."""

MAX_TRIES: Final = 32
"""Trees that are planned for the claims without evidence below them, which need not be in one tree."""

Sampler = Callable[[BoolArray], Beliefs]
"""Gives the marginals of the claims of a mask, by samples or LBP; those of the others are ignored."""


@dataclass(frozen=True, slots=True, eq=False)
class ExactParts:
    """
    Marginals of the parts of a network that fit the budget of exact inference.

    Attributes:
        network: Claims and links.
        marginals: Of the claims in such parts; prior marginals of the others, shape (n,).
        is_known: Mask of the claims of which marginals tell something: query claims and known outcomes, shape (n,).
        is_left: Mask of the query claims that are not in such a part, shape (n,).
        is_solved: Mask of the query claims with exact marginals, shape (n,).
        calibration_error: Largest error of these marginals that comes from that of the intercepts, an estimate.
        seconds: Wall time.
    """

    network: Network
    marginals: FloatArray
    is_known: BoolArray
    is_left: BoolArray
    is_solved: BoolArray
    calibration_error: float
    seconds: float

    def beside(self, marginals: FloatArray) -> "ExactParts":
        """Return the same with marginals of the other claims, of which these count, shape (n,)."""
        known = np.where(self.is_known, self.marginals, marginals)
        return replace(self, marginals=known, is_known=np.ones(known.size, np.bool_))


def infer(
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    seed: int,
    asked: BoolArray | None = None,
    budget: Budget = AUTO_BUDGET,
    sample: Sampler | None = None,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Beliefs:
    """
    Compute marginals of each part of the network by the best method that fits.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        seed: Seed of all random numbers.
        asked: Mask of the query claims, shape (n,); all by default. The others have their prior marginals.
        budget: Limits of exact inference on one part.
        sample: Gives the marginals of what exceeds the budget; a bank of the parts concerned by default.
        max_memory_bytes: Limit of that bank; beyond, LBP.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Raises:
        ValueError: The evidence does not fit the network.
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].
    """
    parts = infer_exact_parts(model, evidence, asked=asked, budget=budget, should_stop=should_stop)
    if not parts.is_left.any():
        return complete(parts, evidence, None)

    def draw(claims: BoolArray) -> Beliefs:
        return sample_claims(
            model,
            evidence,
            claims,
            seed=seed,
            max_memory_bytes=max_memory_bytes,
            should_stop=should_stop,
            backend=backend,
        )

    return complete(parts, evidence, (sample or draw)(parts.is_left))


def infer_exact_parts(
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    asked: BoolArray | None = None,
    budget: Budget = AUTO_BUDGET,
    should_stop: ShouldStop = never,
) -> ExactParts:
    """
    Compute marginals of the parts that fit the budget of exact inference.

    Without query claims, those that evidence does not bear on have their prior marginals. An intervention may change
    what these are, so whoever asks about one has to say which claims it moves.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        asked: Mask of the query claims, shape (n,); all by default.
        budget: Limits of exact inference on one part.
        should_stop: Polled before each elimination and message.

    Raises:
        ValueError: The evidence does not fit the network.
        Cancelled: `should_stop` returned true.
    """
    started = time.perf_counter()
    check_fits(model, evidence)
    network, is_observed = model.network, evidence.is_observed
    marginals = np.where(is_observed, evidence.observed, network.prior_marginals)
    is_left = connected_claims(network, evidence, np.flatnonzero(evidence.is_informative)) if asked is None else asked
    is_left = is_left & ~is_observed
    solver = _Solver(model, evidence, budget, should_stop, marginals, is_left)
    solver.solve()
    is_asked = np.ones(is_left.size, np.bool_) if asked is None else asked
    return ExactParts(
        network=network,
        marginals=marginals,
        is_known=is_asked | is_observed,
        is_left=is_left,
        is_solved=is_asked & ~is_left,
        calibration_error=solver.calibration_error,
        seconds=time.perf_counter() - started,
    )


def complete(parts: ExactParts, evidence: Evidence, others: Beliefs | None) -> Beliefs:
    """
    Put the marginals by several methods together.

    Args:
        parts: What was computed exactly.
        evidence: Evidence that was conditioned on.
        others: Marginals of the claims that are left; None if there are none.
    """
    own = Diagnostics(
        method=Method.AUTO,
        converged=True,
        reason="",
        seconds=parts.seconds,
        calibration_error=parts.calibration_error,
    )
    methods = np.full(parts.marginals.size, EXACT, np.int8)
    left = parts.is_left
    mixed = parts.marginals if others is None else np.where(left, others.marginals, parts.marginals)
    marginals = _make_coherent(parts, evidence, mixed)
    if others is None:
        return Beliefs(marginals, None, own, methods)
    methods[left] = METHODS.index(others.diagnostics.method)
    errors, largest = None, None
    if others.standard_errors is not None:
        errors = np.where(left, others.standard_errors, 0.0)
        largest = float(errors.max(initial=0.0))
    error_estimate = others.diagnostics.error_estimate
    if error_estimate is not None:
        error_estimate += float(np.abs(marginals - mixed).max(initial=0.0))
    told = replace(
        others.diagnostics,
        method=Method.AUTO,
        seconds=parts.seconds + others.diagnostics.seconds,
        standard_error=largest,
        calibration_error=max(parts.calibration_error, others.diagnostics.calibration_error),
        error_estimate=error_estimate,
    )
    return Beliefs(marginals, errors, told, methods)


def _make_coherent(parts: ExactParts, evidence: Evidence, mixed: FloatArray) -> FloatArray:
    """Make groups add up by what was estimated, else by what is exact; claims that are not known do not count."""
    is_observed = evidence.is_observed
    checked = check_marginals(mixed, is_observed=is_observed)
    summed = np.where(parts.is_known, checked, np.nan)
    settled = reconcile(parts.network, summed, is_observed=is_observed, is_estimated=parts.is_left)
    return np.where(parts.is_known, settled, checked)


def sample_claims(
    model: CalibratedNetwork,
    evidence: Evidence,
    claims: BoolArray,
    *,
    seed: int,
    num_replicates: int = NUM_REPLICATES,
    num_samples: int = NUM_SAMPLES,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Beliefs:
    """
    Compute the marginals of some claims from a bank of the parts that they are in, or by LBP if that is too large.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        claims: Mask of the claims, shape (n,).
        seed: Seed of the bank.
        num_replicates: Independent replicates.
        num_samples: Samples in each replicate.
        max_memory_bytes: Limit of the bank.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Returns:
        Marginals of all claims, of which only those of these claims count.

    Raises:
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].
    """
    part = extract_parts(model, evidence, claims)
    try:
        found = draw_bank(
            part.model,
            part.evidence,
            seed=seed,
            num_replicates=num_replicates,
            num_samples=num_samples,
            max_memory_bytes=max_memory_bytes,
            should_stop=should_stop,
            backend=backend,
        ).beliefs
    except TooLargeError:
        by_lbp = propagate(part.model, part.evidence, should_stop=should_stop, backend=backend)
        found = with_lbp_errors(part.model, part.evidence, by_lbp, should_stop=should_stop, backend=backend)
    return part.spread(found, model, evidence)


def lbp_error(
    model: CalibratedNetwork,
    evidence: Evidence,
    found: Propagation,
    *,
    parts: ExactParts | None = None,
    first: IntArray | None = None,
    num_neighborhoods: int = NUM_NEIGHBORHOODS,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> float:
    """
    Compute the largest error of LBP's marginals: itself where exact inference fits, else from neighborhoods.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        found: LBP given the evidence.
        parts: What is known exactly; computed if None.
        first: Claims around which to look first, such as those that matter to the question.
        num_neighborhoods: Neighborhoods to compare on.
        should_stop: Polled before each elimination, message and neighborhood.
        backend: Implementation of the loops.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    parts = parts or infer_exact_parts(model, evidence, should_stop=should_stop)
    differences = np.abs(parts.marginals - found.beliefs.marginals)
    error = float(differences[parts.is_solved].max(initial=0.0))
    if not parts.is_left.any():
        return error
    estimate = loop_error(
        model,
        evidence,
        found,
        first=first,
        num_neighborhoods=num_neighborhoods,
        should_stop=should_stop,
        backend=backend,
    )
    return max(error, estimate)


def with_lbp_errors(
    model: CalibratedNetwork,
    evidence: Evidence,
    found: Propagation,
    *,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Beliefs:
    """
    Complete LBP's beliefs by estimates of their errors.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        found: LBP given the evidence.
        should_stop: Polled before each sweep and neighborhood.
        backend: Implementation of the loops.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    told = replace(
        found.beliefs.diagnostics,
        calibration_error=calibration_error(model, evidence, should_stop=should_stop, backend=backend),
        error_estimate=lbp_error(model, evidence, found, should_stop=should_stop, backend=backend),
    )
    return replace(found.beliefs, diagnostics=told)


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedParts:
    """
    The parts of a network that some claims depend on.

    Attributes:
        model: Their joint distribution.
        evidence: Evidence on them.
        claims: Mask of their claims in the network, shape (n,).
    """

    model: CalibratedNetwork
    evidence: Evidence
    claims: BoolArray

    def spread(self, beliefs: Beliefs, model: CalibratedNetwork, evidence: Evidence) -> Beliefs:
        """Return beliefs about all claims of the network: outside the parts, prior marginals."""
        marginals, errors = np.where(evidence.is_observed, evidence.observed, model.network.prior_marginals), None
        marginals[self.claims] = beliefs.marginals
        if beliefs.standard_errors is not None:
            errors = np.zeros(marginals.size)
            errors[self.claims] = beliefs.standard_errors
        return Beliefs(marginals, errors, beliefs.diagnostics)


def extract_parts(model: CalibratedNetwork, evidence: Evidence, claims: BoolArray) -> ExtractedParts:
    """
    Extract the parts that some claims depend on: evidence elsewhere is independent of them.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        claims: Mask of the claims, shape (n,).
    """
    network = model.network
    candidates = relevant_claims(model, evidence) | ancestors(network, claims)
    labels = connected_parts(network, evidence, candidates)
    is_near = np.zeros(network.num_claims, np.bool_)
    is_near[labels[claims]] = True
    kept = ancestors(network, candidates & is_near[labels])
    known = Evidence(evidence.llr[kept], evidence.observed[kept])
    return ExtractedParts(part_of_model(model, kept), known, kept)


class _Solver:
    """Exact inference on one part after the other, as far as the budget goes."""

    def __init__(
        self,
        model: CalibratedNetwork,
        evidence: Evidence,
        budget: Budget,
        should_stop: ShouldStop,
        marginals: FloatArray,
        is_left: BoolArray,
    ) -> None:
        self.model, self.evidence, self.budget, self.should_stop = model, evidence, budget, should_stop
        self.marginals, self.is_left = marginals, is_left
        self.relevant = relevant_claims(model, evidence)
        self.num_tries = 0
        self.calibration_error = 0.0

    def solve(self) -> None:
        """Solve what fits: whole parts, else their claims that evidence weighs on, then the others in groups."""
        needed = ancestors(self.model.network, self.is_left) | self.relevant
        for whole in self._parts(needed):
            if self._fits(whole):
                continue
            core_fits = [self._fits(core) for core in self._parts(whole & self.relevant)]
            if any(core_fits) or not core_fits:
                self._solve_groups(whole)

    def _solve_groups(self, whole: BoolArray) -> None:
        """Solve the claims of a part without evidence below them in groups, each halved until it fits."""
        order = self.model.network.order
        waiting = [order[(whole & self.is_left & ~self.relevant)[order]]]
        self.num_tries = 0
        while waiting and self.num_tries < MAX_TRIES:
            group = waiting.pop()
            group = group[self.is_left[group]]
            if not group.size:
                continue
            self.num_tries += 1
            chosen = np.zeros(self.is_left.size, np.bool_)
            chosen[group] = True
            closed = (ancestors(self.model.network, chosen) | self.relevant) & whole
            fits = [self._fits(part) for part in self._parts(closed)]
            if not all(fits) and group.size > 1:
                waiting += [group[group.size // 2 :], group[: group.size // 2]]

    def _parts(self, claims: BoolArray) -> list[BoolArray]:
        """Divide claims into parts; list those in which a claim is left to solve."""
        labels = connected_parts(self.model.network, self.evidence, claims)
        return [claims & (labels == label) for label in np.unique(labels[claims & self.is_left]).tolist()]

    def _fits(self, part: BoolArray) -> bool:
        """Solve a part if it fits the budget."""
        try:
            found = tree_marginals(self.model, self.evidence, part, budget=self.budget, should_stop=self.should_stop)
        except TooLargeError:
            return False
        claims = np.array(list(found), np.int64)
        values = np.array(list(found.values()))
        error = calibration_error_of(
            found, self.model, self.evidence, part, budget=self.budget, should_stop=self.should_stop
        )
        self.calibration_error = max(self.calibration_error, error)
        is_new = self.is_left[claims]
        self.marginals[claims[is_new]] = values[is_new]
        self.is_left[claims] = False
        return True
