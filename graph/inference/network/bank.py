"""
SAMPLE: a bank of joint samples, drawn from a proposal that LBP gives and tempered into the model.

Replicates are independent, so their spread estimates the sampling error.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.arrays import (
    EvidenceArrays,
    InterceptArrays,
    RandomStreams,
    SampleArrays,
    SamplingTables,
    Tempering,
)
from graph.inference.network.coherence import reconcile
from graph.inference.network.diagnostics import Beliefs, Diagnostics, Method, check_marginals
from graph.inference.network.elementary import fast_sigmoid, softplus
from graph.inference.network.errors import ShouldStop, TooLargeError, check_stop, never
from graph.inference.network.evidence import Evidence
from graph.inference.network.intercepts import (
    MAX_MEMORY_BYTES,
    CalibratedNetwork,
    check_num_samples,
    configuration_tables,
    part_of_model,
    split_work,
)
from graph.inference.network.kernels import Backend, Kernels, get_kernels
from graph.inference.network.lbp import check_fits, propagate, relevant_claims
from graph.inference.network.limits import GRID_LIMIT, GRID_STEPS, MAX_NARROW_PARENTS
from graph.inference.network.replicates import at_least_frozen, largest_standardized_range, pooled_errors, range_limit
from graph.inference.network.streams import OrderArray, salt, sample_orders, streams
from graph.inference.network.structure import BoolArray, IntArray, KeyArray
from graph.inference.network.uncertainty import calibration_error

NUM_REPLICATES: Final = 4
"""Fewer replicates hardly estimate their own error."""

NUM_SAMPLES: Final = 4_096
"""Samples in each replicate."""

MAX_REPLICATES: Final = 32
"""More than eight times the usual number is hardly worth the wait: errors fall as the root."""

MAX_SWEPT: Final = 1 << 26
"""Relevant claims times samples for the sake of precision, some 7 s: a limit that is the same on every machine."""

MAX_PROPOSAL: Final = 2.0
"""
In log-odds, of what a proposal adds, or of the claim's log-odds with it. Where LBP is wrong, enough samples must be
left on the other side: with 4 or more, all replicates missed one of two equal modes.
"""

UNLIKE_EVERY: Final = 4
"""One replicate in so many is drawn from another proposal, so that not all share what a proposal misses."""

MAX_UNLIKE_PROPOSAL: Final = 1.5
"""Likewise, of these replicates; with 1, too few ancestors survive over 10,000 claims."""

MAX_EVIDENCE_DEVIATION: Final = 5.0
"""
In standard errors, of one replicate's log evidence from that of the others. A replicate that misses a mode estimates
too little.
"""

LEAST_EVIDENCE_ERROR: Final = 0.01
"""In log evidence: a mode of one percent, which a difference by this would reveal, hardly moves a marginal."""

MIN_EFFECTIVE_SHARE: Final = 0.75
"""
Effective sample size that a step in temperature must keep, as a share. Over 10,000 claims, replicates differed by at
most 0.08 with 0.6 and by some 0.06 with 0.75 or more; smaller steps only cost more sweeps.
"""

NUM_LAST_SWEEPS: Final = 3
"""Gibbs sweeps at the model itself."""

MAX_TEMPERATURES: Final = 150
"""Beyond, hardly an ancestor survives: the rest is done in one step, and diagnostics report no convergence."""

MIN_ANCESTORS: Final = 400
"""Fewer surviving ancestors in a replicate do not represent the distribution."""

_PROPOSAL, _SWEEP, _REST, _RESAMPLE = 2, 3, 4, 5


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """
    Joint samples of all claims given the evidence, one bit per claim and sample.

    Attributes:
        model: The joint distribution that they were drawn from.
        evidence: Evidence that they were conditioned on.
        bits: Sample 64 w + b of replicate r of claim i is bit b of bits[i, r, w], shape (n, replicates, words).
        replicate_marginals: Shape (replicates, n).
        beliefs: Marginals, their standard errors and diagnostics.
        seed: Seed of the samples.
        weights: Weights of the samples, of mean 1 in each replicate, shape (replicates, samples); None if all are 1.
    """

    model: CalibratedNetwork
    evidence: Evidence
    bits: KeyArray
    replicate_marginals: FloatArray
    beliefs: Beliefs
    seed: int
    weights: FloatArray | None = None

    @property
    def num_replicates(self) -> int:
        """Number of independent replicates."""
        return int(self.bits.shape[1])

    @property
    def num_samples(self) -> int:
        """Number of samples in all replicates together."""
        return int(self.bits.shape[1] * self.bits.shape[2]) * 64


def bank_bytes(
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    num_replicates: int = NUM_REPLICATES,
    num_samples: int = NUM_SAMPLES,
) -> int:
    """
    Estimate the memory for drawing a bank: a bit per claim and sample, and for the current replicate a byte, or nine
    for a claim with many parents.
    """
    relevant = relevant_claims(model, evidence)
    num_wide = int((relevant & (model.network.num_parents > MAX_NARROW_PARENTS)).sum())
    num_points = int(2 * GRID_LIMIT * GRID_STEPS) + 1
    bits = model.network.num_claims * (num_replicates + 1) * num_samples // 8
    return bits + int(relevant.sum()) * num_samples + num_wide * (8 * num_samples + 64 * num_points)


def draw_bank(
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    seed: int,
    num_replicates: int = NUM_REPLICATES,
    num_samples: int = NUM_SAMPLES,
    target_error: float | None = None,
    least_replicates: int = 0,
    proposal: FloatArray | None = None,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Bank:
    """
    Draw joint samples of all claims given the evidence.

    Claims with evidence below them are drawn forward from sigmoid(log-odds + proposal) and then tempered into the model
    in steps, each with a resampling and a Gibbs sweep. The others are drawn from the model itself, given these and
    their own evidence, and their marginals are averaged over their parents' states.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        seed: Seed of all draws; equal seeds give equal banks, however fast the machine is.
        num_replicates: Independent replicates; one alone has no standard error.
        num_samples: Samples in each replicate, a multiple of 64.
        target_error: Largest standard error that any claim may have: as many replicates are drawn again and again until
            it is reached, or more would be drawn than MAX_SWEPT claims times samples: `precision_reached` in the
            diagnostics is then false. None draws replicates once.
        least_replicates: Replicates that are drawn for the sake of precision even where that error is reached before.
        proposal: Log-odds that evidence and children add to each claim, shape (n,); LBP's by default. A better proposal
            saves steps; the distribution does not depend on it.
        max_memory_bytes: Limit of `bank_bytes`.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Raises:
        ValueError: A number is out of range, or a shape does not fit the network.
        TooLargeError: The bank needs more memory than allowed.
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].

    Source: Yuan and Druzdzel, UAI (2003), 624-631 (proposals by LBP); Del Moral, Doucet and Jasra, Journal of the Royal
    Statistical Society B 68 (2006), 411-436 (tempering).
    """
    started = time.perf_counter()
    check_fits(model, evidence)
    check_num_samples(num_samples)
    if num_replicates < 1:
        message = f"expected one replicate or more, got {num_replicates}"
        raise ValueError(message)
    needed = bank_bytes(model, evidence, num_replicates=num_replicates, num_samples=num_samples)
    if needed > max_memory_bytes:
        message = f"expected a bank of at most {max_memory_bytes} bytes, got {needed}: too many relevant claims"
        raise TooLargeError(message, size=needed, limit=max_memory_bytes)
    if proposal is None:
        proposal = propagate(model, evidence, should_stop=should_stop, backend=backend).proposal
    limits = (MAX_PROPOSAL, MAX_UNLIKE_PROPOSAL) if num_replicates >= UNLIKE_EVERY else (MAX_PROPOSAL,)
    setups = [
        _BankSetup(model, evidence, limit_proposal(model, proposal, limit), num_samples, should_stop, backend)
        for limit in limits
    ]
    max_replicates = MAX_REPLICATES if target_error is not None else num_replicates
    num_swept = int(relevant_claims(model, evidence).sum()) * num_samples
    outcomes: list[_ReplicateResult] = []
    while True:
        outcomes += [
            setups[_is_unlike(replicate) if len(setups) > 1 else 0].draw(salt(seed, replicate))
            for replicate in range(len(outcomes), len(outcomes) + num_replicates)
        ]
        marginals = np.array([outcome.marginals for outcome in outcomes])
        beliefs = _beliefs(model, evidence, marginals, outcomes, seed=seed, num_samples=num_samples, started=started)
        is_precise = _is_precise(beliefs, target_error)
        num_next = len(outcomes) + num_replicates
        needed = bank_bytes(model, evidence, num_replicates=num_next, num_samples=num_samples)
        is_long = num_next * num_swept > MAX_SWEPT
        is_enough = is_precise and len(outcomes) >= least_replicates
        if is_enough or is_long or num_next > max_replicates or needed > max_memory_bytes:
            break
    told = replace(
        beliefs.diagnostics,
        precision_reached=is_precise,
        calibration_error=calibration_error(model, evidence, should_stop=should_stop, backend=backend),
    )
    return Bank(
        model=model,
        evidence=evidence,
        bits=np.stack([outcome.bits for outcome in outcomes], axis=1),
        replicate_marginals=marginals,
        beliefs=replace(beliefs, diagnostics=told),
        seed=seed,
    )


def num_swept(model: CalibratedNetwork, evidence: Evidence) -> int:
    """Count the claims that Gibbs sweeps draw again and again: what drawing a bank costs by far the most time for."""
    is_relevant = relevant_claims(model, evidence)
    return int((is_relevant & ~evidence.is_observed & ~_leaves(model, evidence, is_relevant)).sum())


def limit_proposal(model: CalibratedNetwork, proposal: FloatArray, limit: float) -> FloatArray:
    """
    Limit what a proposal adds to each claim's log-odds, so that it leaves samples with either outcome.

    A rare claim may be moved further than an even one: until it is as likely as an even one that is moved by the limit.
    More samples survive so where evidence below overturns prior marginals.

    Args:
        model: The joint distribution.
        proposal: In log-odds, shape (n,).
        limit: In log-odds.
    """
    prior = logits(model.network.prior_marginals)
    return np.clip(proposal, np.minimum(-limit, -limit - prior), np.maximum(limit, limit - prior))


def _is_precise(beliefs: Beliefs, target_error: float | None) -> bool:
    error = beliefs.diagnostics.standard_error
    return target_error is None or error is None or error <= target_error


@dataclass(frozen=True, slots=True, eq=False)
class _ReplicateResult:
    bits: KeyArray
    marginals: FloatArray
    num_ancestors: int
    weight_variance: float
    num_temperatures: int
    log_evidence: float
    evidence_variance: float


def _is_unlike(replicate: int) -> bool:
    """Whether a replicate has the other proposal; the last of each group has."""
    return replicate % UNLIKE_EVERY == UNLIKE_EVERY - 1


def _evidence_deviation(outcomes: list[_ReplicateResult]) -> float:
    """Compute the largest deviation of a replicate's log evidence from the others' mean, in standard errors."""
    if len(outcomes) == 1:
        return 0.0
    values = np.array([outcome.log_evidence for outcome in outcomes])
    variances = np.array([outcome.evidence_variance for outcome in outcomes])
    num_others = len(outcomes) - 1
    differences = values - (values.sum() - values) / num_others
    errors = np.sqrt(variances + (variances.sum() - variances) / num_others**2 + LEAST_EVIDENCE_ERROR**2)
    return float((np.abs(differences) / errors).max())


def _beliefs(
    model: CalibratedNetwork,
    evidence: Evidence,
    marginals: FloatArray,
    outcomes: list[_ReplicateResult],
    *,
    seed: int,
    num_samples: int,
    started: float,
) -> Beliefs:
    is_relevant = relevant_claims(model, evidence)
    is_swept = is_relevant & ~_leaves(model, evidence, is_relevant)
    num_ancestors = min(outcome.num_ancestors for outcome in outcomes)
    errors = _pooled_errors(marginals, evidence.is_observed, is_swept, num_samples)
    if errors is not None:
        is_frozen = is_relevant & model.network.is_frozen & ~evidence.is_observed
        errors = at_least_frozen(errors, marginals.mean(axis=0), is_frozen, num_ancestors * len(outcomes))
    reason = _disagreement(marginals, outcomes, evidence.is_observed)
    diagnostics = Diagnostics(
        method=Method.SAMPLE,
        converged=not reason,
        reason=reason,
        seconds=time.perf_counter() - started,
        num_samples=num_samples * len(outcomes),
        num_matching=num_samples * len(outcomes),
        num_replicates=len(outcomes),
        standard_error=None if errors is None else float(errors.max(initial=0.0)),
        largest_difference=None if errors is None else float(np.ptp(marginals, axis=0).max(initial=0.0)),
        surviving_ancestors=num_ancestors,
        weight_variance=max(outcome.weight_variance for outcome in outcomes),
        num_temperatures=max(outcome.num_temperatures for outcome in outcomes),
        seed=seed,
    )
    mean = marginals.mean(axis=0)
    return Beliefs(check_marginals(mean, is_observed=evidence.is_observed), errors, diagnostics)


def _pooled_errors(
    marginals: FloatArray, is_observed: BoolArray, is_swept: BoolArray, num_samples: int
) -> FloatArray | None:
    """Pool errors of swept claims, and of the others, whose averages over the parents vary less."""
    num_replicates, num_claims = marginals.shape
    if num_replicates == 1:
        return None
    mean = marginals.mean(axis=0)
    # Only observed claims are certain, though the marginals of others may round to 0 or 1.
    variances = np.where(is_observed, 0.0, np.maximum(mean * (1.0 - mean), np.finfo(np.float64).eps))
    errors = np.zeros(num_claims)
    for part in (is_swept, ~is_swept):
        pooled = pooled_errors(marginals[:, part], variances[part], num_replicates * num_samples)
        if pooled is not None:
            errors[part] = pooled
    return errors


def _disagreement(marginals: FloatArray, outcomes: list[_ReplicateResult], is_observed: BoolArray) -> str:
    """Say why replicates have not converged; empty if they have."""
    num_ancestors = min(outcome.num_ancestors for outcome in outcomes)
    if num_ancestors < MIN_ANCESTORS:
        return f"not converged: {num_ancestors} surviving ancestors, expected {MIN_ANCESTORS} or more"
    if len(outcomes) == 1:
        return ""
    deviation = _evidence_deviation(outcomes)
    if deviation > MAX_EVIDENCE_DEVIATION:
        message = f"a replicate's log evidence is {deviation:.1f} standard errors from that of the others"
        return f"not converged: {message}, expected {MAX_EVIDENCE_DEVIATION:g} or less"
    found = largest_standardized_range(marginals, num_ancestors, is_observed)
    limit = range_limit(len(outcomes), int((~is_observed).sum()))
    if found > limit:
        message = f"replicates of a claim range over {found:.1f} standard deviations"
        return f"not converged: {message}, expected {limit:.1f} or less; more samples bring them closer"
    return ""


def _leaves(model: CalibratedNetwork, evidence: Evidence, is_relevant: BoolArray) -> BoolArray:
    """Mask of unobserved claims with evidence of their own and none below: they can be summed out, shape (n,)."""
    network = model.network
    has_child = np.zeros(network.num_claims, np.bool_)
    has_child[network.link_parents[is_relevant[network.link_children]]] = True
    return is_relevant & ~has_child & ~evidence.is_observed


class _BankSetup:
    """Tables and arrays that all replicates of a bank share."""

    def __init__(
        self,
        model: CalibratedNetwork,
        evidence: Evidence,
        proposal: FloatArray,
        num_samples: int,
        should_stop: ShouldStop,
        backend: Backend | None,
    ) -> None:
        self.model, self.evidence = model, evidence
        self.num_samples, self.should_stop = num_samples, should_stop
        self.kernels: Kernels = get_kernels(backend)
        self.is_relevant: BoolArray = relevant_claims(model, evidence)
        network = model.network
        self.is_summed = _leaves(model, evidence, self.is_relevant)
        self.rest = network.order[(~self.is_relevant | self.is_summed)[network.order]]
        self.part = part_of_model(model, self.is_relevant)
        part = self.part.network
        self.chunks = split_work(part.order, num_samples)
        llr, is_summed = evidence.llr[self.is_relevant], self.is_summed[self.is_relevant]
        self.observed = np.where(is_summed, 0, evidence.observed[self.is_relevant]).astype(np.int64)
        self.known = EvidenceArrays(llr, self.observed)
        self.summed_llr = np.where(is_summed, llr, -np.inf)
        self.proposal = np.where(self.observed >= 0, 0.0, proposal[self.is_relevant])
        start, log_odds = configuration_tables(part, self.part.intercepts, MAX_NARROW_PARENTS)
        num_parents = part.num_parents
        is_wide = num_parents > MAX_NARROW_PARENTS
        self.wide = np.flatnonzero(is_wide)
        wide_rows = np.full(part.num_claims, -1)
        wide_rows[self.wide] = np.arange(self.wide.size)
        owners = np.repeat(np.arange(part.num_claims), np.where(is_wide, 0, 1 << np.minimum(num_parents, 10)))
        proposed = log_odds + self.proposal[owners]
        # The log normalizer at temperature b is (1 - b) times the proposal's plus b times the model's.
        self.proposal_normalizers = np.where(self.observed[owners] >= 0, 0.0, softplus(proposed))
        self.model_normalizers = softplus(log_odds) - softplus(log_odds + self.summed_llr[owners])
        self.tables = SamplingTables(
            intercepts=self.part.intercepts,
            proposal=self.proposal,
            start=start,
            log_odds=log_odds,
            thresholds=(fast_sigmoid(proposed) * 2.0**32).astype(np.uint64),
            log_weights=self._log_weights(log_odds, owners),
            wide_rows=wide_rows,
        )

    def draw(self, replicate_salt: int) -> _ReplicateResult:
        """Draw one replicate."""
        orders = sample_orders(self.num_samples, replicate_salt)
        replicate = _Replicate(self, replicate_salt, orders)
        replicate.temper()
        bits = np.zeros((self.model.network.num_claims, self.num_samples // 64), np.uint64)
        marginals = np.zeros(self.model.network.num_claims)
        bits[self.is_relevant] = np.packbits(replicate.samples.states & 1, axis=1, bitorder="little").view(np.uint64)
        means = replicate.means / NUM_LAST_SWEEPS
        marginals[self.is_relevant] = np.where(self.observed >= 0, self.observed, means)
        self._draw_rest(replicate_salt, orders, bits, marginals)
        return _ReplicateResult(
            bits,
            reconcile(self.model.network, marginals, is_observed=self.evidence.is_observed),
            replicate.num_ancestors(),
            replicate.weight_variance,
            replicate.num_temperatures,
            replicate.log_evidence,
            replicate.evidence_variance(),
        )

    def _log_weights(self, log_odds: FloatArray, owners: IntArray) -> FloatArray:
        """Log weight of each configuration of a claim's parents, the claim itself in the lowest bit."""
        observed = self.observed[owners]
        is_fixed = observed >= 0
        gain = np.where(is_fixed, 0.0, (self.proposal - self.known.llr)[owners])
        base = np.where(is_fixed, -softplus(np.where(observed == 1, -log_odds, log_odds)), 0.0)
        base += softplus(log_odds + self.summed_llr[owners])
        base += np.where(is_fixed, 0.0, self.proposal_normalizers - self.model_normalizers)
        return np.stack([base, base - gain], axis=1).ravel()

    def tempering(self, beta: float) -> Tempering:
        """Log normalizers of all claims at a temperature."""
        return Tempering(
            beta, (1.0 - beta) * self.proposal_normalizers + beta * self.model_normalizers, self._grids(beta)
        )

    def _grids(self, beta: float) -> FloatArray:
        """Log normalizers of claims with many parents on a grid of log-odds, as values and slopes times the step."""
        points = np.linspace(-GRID_LIMIT, GRID_LIMIT, int(2 * GRID_LIMIT * GRID_STEPS) + 1)
        proposal = self.proposal[self.wide][:, None]
        share = np.where(self.observed[self.wide] >= 0, 0.0, 1.0 - beta)[:, None]
        summed = points + self.summed_llr[self.wide][:, None]
        values = share * softplus(points + proposal) + beta * (softplus(points) - softplus(summed))
        slopes = share * fast_sigmoid(points + proposal) + beta * (fast_sigmoid(points) - fast_sigmoid(summed))
        return np.stack([values, slopes / GRID_STEPS], axis=2)

    def _draw_rest(
        self, replicate_salt: int, orders: tuple[OrderArray, OrderArray], bits: KeyArray, marginals: FloatArray
    ) -> None:
        network = self.model.network
        draws = RandomStreams(streams(network.keys, _REST, replicate_salt), *orders)
        slopes, pulls = np.empty(network.num_claims), np.empty(network.num_links)
        # Given its parents, a claim that was summed out depends on its own evidence alone.
        intercepts = self.model.intercepts + np.where(self.is_summed, self.evidence.llr, 0.0)
        results = InterceptArrays(intercepts, slopes, pulls, marginals, np.empty(0))
        for claims in split_work(self.rest, self.num_samples):
            check_stop(self.should_stop)
            self.kernels.draw_prior(claims, 0, np.inf, network.links, network.prior_marginals, draws, bits, results)


class _Replicate:
    """Samples of the relevant claims on their way from the proposal to the model."""

    def __init__(self, setup: _BankSetup, replicate_salt: int, orders: tuple[OrderArray, OrderArray]) -> None:
        self.setup = setup
        self.salt = replicate_salt
        self.generator = np.random.default_rng(salt(replicate_salt, _RESAMPLE))
        network = setup.part.network
        self.samples = SampleArrays(
            states=np.zeros((network.num_claims, setup.num_samples), np.uint8),
            log_odds=np.zeros((setup.wide.size, setup.num_samples)),
        )
        self.ancestors: IntArray = np.arange(setup.num_samples)
        self.means = np.zeros(network.num_claims)
        self.keys = streams(network.keys, _SWEEP, replicate_salt)
        self.num_sweeps = self.num_temperatures = 0
        self.log_evidence = self.relative_variance = 0.0
        self._draw_proposal(orders)
        self.log_weights = self._weigh()
        self.weight_variance = float(self.log_weights.var())

    def temper(self) -> None:
        """Move the samples to the model in steps that each keep the effective sample size."""
        beta = 0.0
        while beta < 1.0:
            step = _step(self.log_weights, 1.0 - beta)
            if self.num_temperatures >= MAX_TEMPERATURES:
                step = 1.0 - beta
            beta = 1.0 if step >= 1.0 - beta else beta + step
            highest = self.log_weights.max()
            weights = np.exp(step * (self.log_weights - highest))
            self.log_evidence += step * highest + math.log(weights.mean())
            self.relative_variance += float(weights.var() / weights.mean() ** 2)
            self._resample(weights)
            for _ in range(NUM_LAST_SWEEPS if beta == 1.0 else 1):
                self._sweep(beta)
            self.num_temperatures += 1
            if beta < 1.0:
                self.log_weights = self._weigh()

    def num_ancestors(self) -> int:
        """Number of initial samples that have descendants."""
        return np.unique(self.ancestors).size

    def evidence_variance(self) -> float:
        """Variance of the log evidence, if each surviving ancestor stands for one independent sample."""
        return self.relative_variance / self.num_ancestors()

    def _draw_proposal(self, orders: tuple[OrderArray, OrderArray]) -> None:
        setup, network = self.setup, self.setup.part.network
        draws = RandomStreams(streams(network.keys, _PROPOSAL, self.salt), *orders)
        for claims in setup.chunks:
            check_stop(setup.should_stop)
            setup.kernels.draw_proposal(claims, network.links, setup.known, setup.tables, draws, self.samples)

    def _weigh(self) -> FloatArray:
        setup = self.setup
        log_weights = np.zeros(setup.num_samples)
        for claims in setup.chunks:
            check_stop(setup.should_stop)
            setup.kernels.weigh(claims, setup.known, setup.tables, self.samples, log_weights)
        return log_weights

    def _resample(self, weights: FloatArray) -> None:
        """Resample systematically: the copies of a sample differ from its expected number by less than one."""
        num_samples = weights.size
        points = (self.generator.random() + np.arange(num_samples)) / num_samples
        chosen = np.searchsorted(np.cumsum(weights) / weights.sum(), points)
        chosen = np.minimum(chosen, num_samples - 1)  # rounding may leave the last sum below the last point
        self.ancestors = self.ancestors[chosen]
        for row in self.samples.states:
            row[:] = row[chosen]
        for wide in self.samples.log_odds:
            wide[:] = wide[chosen]

    def _sweep(self, beta: float) -> None:
        setup, network = self.setup, self.setup.part.network
        tempering = setup.tempering(beta)
        means = self.means if beta == 1.0 else np.zeros_like(self.means)
        keys = self.keys ^ np.uint64(salt(self.salt, self.num_sweeps))
        self.num_sweeps += 1
        for claims in setup.chunks:
            check_stop(setup.should_stop)
            setup.kernels.sweep_gibbs(
                claims, network.links, setup.known, setup.tables, tempering, keys, self.samples, means
            )


def _step(log_weights: FloatArray, most: float) -> float:
    """Find the largest step in temperature, up to `most`, that keeps enough effective samples."""
    if _effective_share(log_weights, most) >= MIN_EFFECTIVE_SHARE:
        return most
    low, high = 0.0, most
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _effective_share(log_weights, middle) >= MIN_EFFECTIVE_SHARE else (low, middle)
    return low


def _effective_share(log_weights: FloatArray, step: float) -> float:
    """Kish's effective sample size as a share of the samples."""
    weights = np.exp(step * (log_weights - log_weights.max()))
    return float(weights.sum() ** 2 / (weights**2).sum() / weights.size)
