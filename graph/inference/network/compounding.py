"""
Compounding: the expected price of what many claims multiply, before and after some claims' outcomes are supposed.

A price is the product of 1 + impact over the claims that come true. Its expectation needs the claims' joint
distribution. Given what is known, claims fall into independent groups, whose expectations multiply. That of a single
claim follows from its marginal; that of several from all outcomes of the part of the network that they depend on where
this is small, else from joint samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank, num_swept
from graph.inference.network.diagnostics import LBP
from graph.inference.network.errors import ShouldStop, check_stop, never
from graph.inference.network.evidence import Evidence, intervene, observe
from graph.inference.network.intercepts import MAX_MEMORY_BYTES, CalibratedNetwork, part_of_model, unpack_bits
from graph.inference.network.replicates import standard_errors
from graph.inference.network.separation import connected_parts
from graph.inference.network.shifts import MIN_MATCHING, Shifts, matching_samples
from graph.inference.network.structure import BoolArray, IntArray, KeyArray, ancestors

MAX_ENUMERATED: Final = 16
"""Unobserved claims of a part whose outcomes are all summed: 65,536, some 10 ms."""

ROWS_PER_BATCH: Final = 64
"""Claims whose samples are unpacked together: 4 MB."""

LEAST_FACTOR: Final = 1e-300
"""In place of a factor of 0, whose logarithm is infinite."""

LARGEST_LOG_RATIO: Final = 700.0
"""A larger change is not a number; with impacts of at most 100 it takes a hundred claims that all come true."""

LEAST_CORRECTION: Final = 1e-12
"""In place of an estimate below 0, which few samples may give where an expectation is close to 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Exposures:
    """
    Effects of claims on prices, of which none has two of one claim.

    Attributes:
        claims: Index of each effect's claim, shape (m,).
        prices: Index of the price, shape (m,).
        impacts: Fractional change of the price if the claim comes true, -1 or more, shape (m,).
        num_prices: Number of prices.
    """

    claims: IntArray
    prices: IntArray
    impacts: FloatArray
    num_prices: int


@dataclass(frozen=True, slots=True, eq=False)
class PriceChanges:
    """
    Changes of expected prices.

    Attributes:
        changes: E(price | outcomes) / E(price) - 1, -1 or more, shape (prices,).
        standard_errors: Of the changes, the estimated error of LBP included; 0 where they are exact, shape (prices,).
    """

    changes: FloatArray
    standard_errors: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """
    Supposed outcomes and the shifts that they cause.

    Attributes:
        model: The joint distribution.
        evidence: Evidence that was conditioned on.
        outcomes: Supposed outcomes by index of the claim.
        shifts: Marginals before and after.
        is_intervention: Whether the supposed claims were cut from their parents first.
    """

    model: CalibratedNetwork
    evidence: Evidence
    outcomes: Mapping[int, bool]
    shifts: Shifts
    is_intervention: bool = False


class _Samples(NamedTuple):
    """Joint samples: the row of each claim, bits of shape (rows, replicates, words), and the mask of those to count."""

    rows: IntArray
    bits: KeyArray
    matching: KeyArray


def compound(
    question: Question,
    exposures: Exposures,
    bank: Bank | None = None,
    *,
    seed: int,
    max_enumerated: int = MAX_ENUMERATED,
    min_matching: int = MIN_MATCHING,
    max_work: int | None = None,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
) -> PriceChanges:
    """
    Compute by what factor outcomes change expected prices, each compounded over its exposures.

    Claims that were observed before keep their factor, which cancels. Where too few samples have the outcomes, and a
    fresh bank is too much work, claims are taken to depend on each other as before, and the error counts all of that.

    Args:
        question: What is supposed, and the marginals that single claims are taken from.
        exposures: Effects of claims on prices.
        bank: Samples given the evidence alone, needed where a part is too large to enumerate.
        seed: Seed of a fresh bank, drawn where too few samples have the outcomes.
        max_enumerated: Unobserved claims of a part whose outcomes are all summed.
        min_matching: Samples of the bank that must have the outcomes.
        max_work: Claims times samples that a fresh bank may sweep; None for any.
        max_memory_bytes: Memory limit of a fresh bank.
        should_stop: Polled at each price, and some ten times a second while a fresh bank is drawn.

    Raises:
        ValueError: Samples are needed, and there is no bank.
        TooLargeError: A fresh bank needs more memory than allowed.
        ArithmeticError: A price rises beyond all numbers.
        Cancelled: `should_stop` returned true.
    """
    exposures = _of_open_claims(exposures, question.evidence)
    before, after = _worlds(question, exposures, max_enumerated)
    if before.needs_samples.any() or after.needs_samples.any():
        if bank is None:
            message = "expected a bank, as a part of the network is too large to enumerate"
            raise ValueError(message)
        all_rows = np.arange(question.evidence.llr.size)
        before.samples = _Samples(all_rows, bank.bits, np.full(bank.bits.shape[1:], ~np.uint64(0)))
        if after.needs_samples.any():
            after.samples = _samples_after(
                question, bank, after, seed, min_matching, max_work, max_memory_bytes, should_stop
            )
            if after.samples is None:
                after.borrow(before)
    order = np.argsort(exposures.prices, kind="stable")
    stops = np.cumsum(np.bincount(exposures.prices, minlength=exposures.num_prices))
    changes, errors = np.zeros(exposures.num_prices), np.zeros(exposures.num_prices)
    for price, chosen in enumerate(np.split(order, stops[:-1]) if exposures.num_prices else []):
        check_stop(should_stop)
        ends = after.expect(exposures, chosen), before.expect(exposures, chosen)
        log_ratio = _log_mean(ends[0]) - _log_mean(ends[1])
        if log_ratio > LARGEST_LOG_RATIO:
            message = f"expected a price to rise by a factor of up to e^{LARGEST_LOG_RATIO}, got e^{log_ratio}"
            raise ArithmeticError(message)
        by_replicate = np.exp(np.subtract(*ends) - log_ratio) if np.isfinite(log_ratio) else np.ones(1)
        sampled = 0.0 if by_replicate.size == 1 else float(np.asarray(standard_errors(by_replicate)))
        changes[price] = np.expm1(log_ratio)
        relative = np.hypot(sampled, _marginal_error(question.shifts, exposures, chosen)) + after.take_borrowed()
        errors[price] = relative * np.exp(log_ratio)
    return PriceChanges(changes, errors)


def needs_samples(question: Question, exposures: Exposures, *, max_enumerated: int = MAX_ENUMERATED) -> bool:
    """Whether a part that exposures of one price depend on is too large to enumerate."""
    worlds = _worlds(question, _of_open_claims(exposures, question.evidence), max_enumerated)
    return any(world.needs_samples.any() for world in worlds)


def _log_mean(logs: FloatArray) -> float:
    """Compute the log of the mean of numbers by their logs, which may be too large or too small for the numbers."""
    largest = logs.max()
    return float(largest + np.log(np.exp(logs - largest).mean())) if np.isfinite(largest) else float(largest)


def _of_open_claims(exposures: Exposures, evidence: Evidence) -> Exposures:
    is_open = ~evidence.is_observed[exposures.claims]
    columns = (exposures.claims[is_open], exposures.prices[is_open], exposures.impacts[is_open])
    return Exposures(*columns, exposures.num_prices)


def _worlds(question: Question, exposures: Exposures, max_enumerated: int) -> tuple["_World", "_World"]:
    supposed = intervene if question.is_intervention else _observe
    model, evidence = supposed(question.model, question.evidence, question.outcomes)
    shifts = question.shifts
    return (
        _World(question.model, question.evidence, shifts.before, exposures, max_enumerated),
        _World(model, evidence, shifts.after, exposures, max_enumerated),
    )


def _observe(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool]
) -> tuple[CalibratedNetwork, Evidence]:
    return model, observe(evidence, outcomes)


def _marginal_error(shifts: Shifts, exposures: Exposures, chosen: IntArray) -> float:
    """
    Bound the relative error of a price by those of its claims' shifts: sampled ones may all err in one direction, those
    of LBP hardly do.
    """
    claims, impacts = exposures.claims[chosen], exposures.impacts[chosen]
    relative = np.abs(impacts / np.maximum(1.0 + impacts * shifts.after[claims], LEAST_FACTOR))
    sampled = 0.0 if shifts.standard_errors is None else float(relative @ shifts.standard_errors[claims])
    by_lbp = np.ones(claims.size, np.bool_) if shifts.methods is None else shifts.methods[claims] == LBP
    return sampled + (shifts.diagnostics.error_estimate or 0.0) * float(np.hypot.reduce(relative[by_lbp], initial=0.0))


class _World:
    """Knowledge at one time: the parts of the network that exposures depend on, and expectations over them."""

    def __init__(
        self,
        model: CalibratedNetwork,
        evidence: Evidence,
        marginals: FloatArray,
        exposures: Exposures,
        max_enumerated: int,
    ) -> None:
        self.model, self.evidence, self.marginals = model, evidence, marginals
        self.samples: _Samples | None = None
        self.sampled_marginals, self.is_borrowed, self._borrowed = marginals, False, 0.0
        is_exposed = np.zeros(evidence.llr.size, np.bool_)
        is_exposed[exposures.claims] = True
        self.needed = ancestors(model.network, is_exposed | evidence.is_informative)
        self.labels = connected_parts(model.network, evidence, self.needed)
        self.is_free = ~evidence.is_observed
        self.sizes = np.bincount(self.labels[self.needed & self.is_free], minlength=evidence.llr.size)
        self.needs_samples = self._find_sampled(exposures, max_enumerated)
        self._outcomes: dict[int, _Outcomes] = {}

    def _find_sampled(self, exposures: Exposures, max_enumerated: int) -> BoolArray:
        """Mask of the parts too large to enumerate on which two exposures of one price depend, by label."""
        free = self.is_free[exposures.claims]
        groups = np.stack([exposures.prices[free], self.labels[exposures.claims[free]]])
        pairs, counts = np.unique(groups, axis=1, return_counts=True)
        sampled = np.zeros(self.labels.size, np.bool_)
        sampled[pairs[1, counts > 1]] = True
        is_sampled: BoolArray = sampled & (self.sizes > max_enumerated)
        return is_sampled

    def borrow(self, other: "_World") -> None:
        """Take how claims depend on each other from the samples of another time."""
        self.samples, self.sampled_marginals, self.is_borrowed = other.samples, other.marginals, True

    def take_borrowed(self) -> float:
        """Return a bound of the relative error of dependences that were borrowed since the last call."""
        borrowed, self._borrowed = self._borrowed, 0.0
        return borrowed

    def expect(self, exposures: Exposures, chosen: IntArray) -> FloatArray:
        """
        Compute the log of the expected price over some exposures; -infinity where it is lost for certain.

        In logs, as the product over thousands of claims may be too large or too small for a number.

        Returns:
            Shape (replicates,), or (1,) where nothing is sampled.
        """
        claims, impacts = exposures.claims[chosen], exposures.impacts[chosen]
        known = ~self.is_free[claims]
        factors = 1.0 + impacts[known] * self.evidence.observed[claims[known]]
        if not factors.all():
            return np.array([-np.inf])
        expected: FloatArray = np.log(factors).sum(keepdims=True)
        free_claims, free_impacts = claims[~known], impacts[~known]
        labels = self.labels[free_claims]
        for label in np.unique(labels).tolist():
            of_part = labels == label
            expected = expected + self._expect_group(label, free_claims[of_part], free_impacts[of_part])
        return expected

    def _expect_group(self, label: int, claims: IntArray, impacts: FloatArray) -> FloatArray:
        """Compute the log of the expected product over the claims of one part."""
        if claims.size == 1:
            return _logs(1.0 + impacts * self.marginals[claims])
        if self.needs_samples[label]:
            return self._estimate(claims, impacts)
        if label not in self._outcomes:
            self._outcomes[label] = _enumerate(self.model, self.evidence, self.needed & (self.labels == label))
        return _logs(self._outcomes[label].expect(claims, impacts))

    def _estimate(self, claims: IntArray, impacts: FloatArray) -> FloatArray:
        """
        Estimate the log of the expected product from samples, by replicate.

        It is the product of the claims' own expectations, which are known better, times E(Π (1 + g)) with
        g = impact (x - p) / (1 + impact p). As E(g) = 0, Σ g is taken off as a control variate.
        """
        if self.samples is None:
            message = "expected samples, got none"
            raise ValueError(message)
        rows, bits, matching = self.samples
        own = np.maximum(1.0 + impacts * self.sampled_marginals[claims], LEAST_FACTOR)
        log_own, logs = np.log(own).sum(), _logs(1.0 + impacts)
        exponents = np.zeros(matching.shape[0] * matching.shape[1] * 64)
        counts = np.zeros((claims.size, matching.shape[0]))
        for start in range(0, claims.size, ROWS_PER_BATCH):
            part = slice(start, start + ROWS_PER_BATCH)
            chosen = bits[rows[claims[part]]]
            counts[part] = np.bitwise_count(chosen & matching).sum(axis=2)
            exponents += logs[part] @ unpack_bits(chosen).reshape(chosen.shape[0], -1)
        exponents -= log_own
        scale = max(float(exponents.max()), 0.0)
        products = np.exp(exponents - scale).reshape(matching.shape[0], -1)
        totals = np.bitwise_count(matching).sum(axis=1)
        means = (products * unpack_bits(matching)).sum(axis=1) / totals
        controls = (impacts / own) @ (counts / totals - self.sampled_marginals[claims][:, None])
        corrections = np.log(np.maximum(means - controls * np.exp(-scale), LEAST_CORRECTION)) + scale
        if self.is_borrowed:
            after, p = np.maximum(1.0 + impacts * self.marginals[claims], LEAST_FACTOR), self.marginals[claims]
            # No covariance exceeds the product of standard deviations; to the second order, that bounds E(Π (1 + g)).
            self._borrowed += 0.5 * float((np.abs(impacts / after) @ np.sqrt(p * (1.0 - p))) ** 2)
            log_own = np.log(after).sum()
        return np.asarray(corrections + log_own)


def _logs(factors: FloatArray) -> FloatArray:
    return np.log(np.maximum(factors, LEAST_FACTOR))


class _Outcomes(NamedTuple):
    """All outcomes of a part: the column of each claim, states of shape (outcomes, columns), and probabilities."""

    columns: Mapping[int, int]
    states: BoolArray
    probabilities: FloatArray

    def expect(self, claims: IntArray, impacts: FloatArray) -> FloatArray:
        """Compute the expected product over some of its claims, shape (1,)."""
        chosen = self.states[:, [self.columns[claim] for claim in claims.tolist()]]
        return np.atleast_1d(self.probabilities @ np.where(chosen, 1.0 + impacts, 1.0).prod(axis=1))


def _enumerate(model: CalibratedNetwork, evidence: Evidence, part: BoolArray) -> _Outcomes:
    """Compute the probability of each outcome of a part's unobserved claims, given what is known."""
    network = model.network
    free = np.flatnonzero(part & ~evidence.is_observed)
    columns = {claim: number for number, claim in enumerate(free.tolist())}
    states = ((np.arange(1 << free.size)[:, None] >> np.arange(free.size)) & 1).astype(np.bool_)

    def outcome(claim: int) -> BoolArray:
        return states[:, columns[claim]] if claim in columns else np.array(evidence.observed[claim] == 1)

    logs = np.zeros(states.shape[0])
    for claim in np.flatnonzero(part).tolist():
        log_odds = np.full(states.shape[0], model.intercepts[claim])
        for link in range(network.parent_start[claim], network.parent_start[claim + 1]):
            log_odds += network.weights[link] * outcome(int(network.link_parents[link]))
        is_true = outcome(claim)
        logs -= np.logaddexp(0.0, np.where(is_true, -log_odds, log_odds))
        logs += np.where(is_true, evidence.llr[claim], 0.0)
    probabilities = np.exp(logs - logs.max())
    return _Outcomes(columns, states, probabilities / probabilities.sum())


def _samples_after(
    question: Question,
    bank: Bank,
    after: _World,
    seed: int,
    min_matching: int,
    max_work: int | None,
    max_memory_bytes: int,
    should_stop: ShouldStop,
) -> _Samples | None:
    """
    Choose the bank's samples that have the outcomes, or draw the parts concerned anew if they are too few; None if that
    is too much work.
    """
    network, outcomes = question.model.network, question.outcomes
    if not (question.is_intervention and network.num_parents[list(outcomes)].any()):
        matching = matching_samples(bank, outcomes)
        counts = np.bitwise_count(matching).sum(axis=1)
        if counts.sum() >= min_matching and counts.all():
            return _Samples(np.arange(network.num_claims), bank.bits, matching)
    kept = ancestors(after.model.network, after.needed & after.needs_samples[after.labels])
    model, evidence = (
        part_of_model(after.model, kept),
        Evidence(after.evidence.llr[kept], after.evidence.observed[kept]),
    )
    if max_work is not None and num_swept(model, evidence) * bank.num_samples > max_work:
        return None
    fresh = draw_bank(
        model,
        evidence,
        seed=seed,
        num_replicates=bank.num_replicates,
        num_samples=bank.num_samples // bank.num_replicates,
        max_memory_bytes=max_memory_bytes,
        should_stop=should_stop,
    )
    return _Samples(np.cumsum(kept) - 1, fresh.bits, np.full(fresh.bits.shape[1:], ~np.uint64(0)))
