"""Sensitivity of a marginal: its derivatives by the tables and stated probabilities near it."""

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.diagnostics import Diagnostics
from graph.inference.network.elementary import fast_sigmoid
from graph.inference.network.errors import ShouldStop, check_stop, never
from graph.inference.network.evidence import no_evidence
from graph.inference.network.group_derivatives import GroupDerivatives, group_derivatives
from graph.inference.network.intercepts import CalibratedNetwork, part_of_model, unpack_bits
from graph.inference.network.kernels import Backend
from graph.inference.network.replicates import pooled_errors
from graph.inference.network.structure import (
    BoolArray,
    IntArray,
    KeyArray,
    Network,
    ancestors,
    indices_between,
)

NUM_NEAR: Final = 128
"""Claims around the target that are included; those further away hardly move it."""


class Parameter(StrEnum):
    """Kinds of stated numbers: the two conditional probabilities of an influence, and the STATED one of a claim."""

    P_IF_TRUE = "P_IF_TRUE"
    P_IF_FALSE = "P_IF_FALSE"
    STATED = "STATED"


@dataclass(frozen=True, slots=True)
class Effect:
    """
    Effect of one stated number on the target.

    Attributes:
        parameter: Kind of the number.
        index: Index of the influence, or of the claim for a stated probability.
        derivative: d P(target) / d number, with all claims recalibrated to their prior marginals.
        standard_error: Between replicates; None for a single replicate.
    """

    parameter: Parameter
    index: int
    derivative: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """
    Effects of the stated numbers near a target.

    Attributes:
        target: Index of the claim.
        effects: Effects by decreasing |derivative|.
        num_near: Number of claims included.
        diagnostics: Diagnostics of the bank, with the time of this computation.
    """

    target: int
    effects: tuple[Effect, ...]
    num_near: int
    diagnostics: Diagnostics


def find_sensitivity(
    bank: Bank,
    target: int,
    *,
    seed: int,
    inside_weights: FloatArray | None = None,
    num_near: int = NUM_NEAR,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Sensitivity:
    """
    Compute the derivatives of a claim's marginal by the stated numbers of the claims near it.

    Changing a number moves the intercept of its own claim and, through the joint distribution, those of its
    descendants, so that all keep their prior marginals. Both effects follow from covariances with the scores
    x - P(x | parents): the target's in the bank, the intercepts' in samples without evidence, which are drawn here.
    Numbers of claims further away count as fixed.

    Args:
        bank: Samples given the evidence.
        target: Index of an unobserved claim.
        seed: Seed of the samples without evidence.
        inside_weights: Weight of each claim's inside view, in (0, 1], with which its stated probability enters its
            prior marginal; 1 by default; shape (n,).
        num_near: Number of claims to include, the nearest first.
        should_stop: Polled between parts of the computation.
        backend: Implementation of the loops.

    Raises:
        ValueError: The target is out of range or observed.
        Cancelled: `should_stop` returned true.

    Source: Darwiche, Journal of the ACM 50 (2003), 280-305 (derivatives of a network); Rubinstein, Operations Research
    37 (1989), 72-81 (by scores).
    """
    started = time.perf_counter()
    network = bank.model.network
    if not 0 <= target < network.num_claims or bank.evidence.is_observed[target]:
        message = f"expected an unobserved claim from 0 to {network.num_claims - 1}, got {target}"
        raise ValueError(message)
    near = _claims_near(bank, target, num_near)
    links = indices_between(network.parent_start, near)
    derivatives = _derivatives(bank, target, near, links, seed, should_stop, backend)
    weights = np.ones(network.num_claims) if inside_weights is None else inside_weights
    groups = group_derivatives(network, near, links)
    estimates = [
        *_edge_estimates(bank.model, links, derivatives, groups),
        *_stated_estimates(bank.model, near, derivatives, groups, weights),
    ]
    effects = _effects(estimates, bank.num_samples)
    diagnostics = replace(bank.beliefs.diagnostics, seconds=time.perf_counter() - started, is_fresh=False)
    return Sensitivity(target=target, effects=tuple(effects), num_near=near.size, diagnostics=diagnostics)


@dataclass(frozen=True, slots=True, eq=False)
class _Derivatives:
    """Derivatives of the target's marginal by near links' weights and near claims' prior marginals, by replicate."""

    by_weight: FloatArray
    by_prior_marginal: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """P(claim | parents), the claim's score and its product with each parent, in each sample."""

    probabilities: NDArray[np.float32]
    claims: NDArray[np.float32]
    links: NDArray[np.float32]


def _claims_near(bank: Bank, target: int, num_near: int) -> IntArray:
    """Find the relevant claims nearest to the target, along links in either direction; in topological order."""
    network = bank.model.network
    chosen = np.zeros(network.num_claims, np.bool_)
    chosen[target] = True
    relevant = ancestors(network, chosen | bank.evidence.is_informative)
    frontier = np.array([target])
    while frontier.size and chosen.sum() < num_near:
        above = network.link_parents[indices_between(network.parent_start, frontier)]
        below = network.link_children[network.child_links[indices_between(network.child_start, frontier)]]
        found = np.unique(np.concatenate([above, below]))
        # An observed claim blocks paths, but its own numbers still count.
        frontier = found[relevant[found] & ~chosen[found]][: num_near - int(chosen.sum())]
        chosen[frontier] = True
    return network.order[chosen[network.order]]


def _derivatives(
    bank: Bank,
    target: int,
    near: IntArray,
    links: IntArray,
    seed: int,
    should_stop: ShouldStop,
    backend: Backend | None,
) -> _Derivatives:
    network = bank.model.network
    is_near = np.zeros(network.num_claims, np.bool_)
    is_near[near] = True
    needed = ancestors(network, is_near)
    part = part_of_model(bank.model, needed)
    prior = draw_bank(
        part,
        no_evidence(part.network.num_claims),
        seed=seed,
        num_replicates=bank.num_replicates,
        num_samples=bank.num_samples // bank.num_replicates,
        should_stop=should_stop,
        backend=backend,
    )
    prior_bits = np.zeros((network.num_claims, *prior.bits.shape[1:]), np.uint64)
    prior_bits[needed] = prior.bits
    below = _reachable(network, near)
    by_weight, by_prior_marginal = [], []
    for replicate in range(bank.num_replicates):
        check_stop(should_stop)
        before = _scores(bank.model, near, links, prior_bits[:, replicate])
        moves = _intercept_moves(bank.model, near, links, before, below)
        after = _scores(bank.model, near, links, bank.bits[:, replicate])
        is_true = unpack_bits(bank.bits[target, replicate]).astype(np.float32)
        centered = is_true - is_true.mean()
        of_claims = (after.claims @ centered).astype(np.float64) / is_true.size
        of_links = (after.links @ centered).astype(np.float64) / is_true.size
        by_weight.append(of_links + of_claims @ moves[:, : links.size])
        by_prior_marginal.append(of_claims @ moves[:, links.size :])
    return _Derivatives(np.array(by_weight), np.array(by_prior_marginal))


def _scores(model: CalibratedNetwork, near: IntArray, links: IntArray, bits: KeyArray) -> _Scores:
    network = model.network
    states = {claim: unpack_bits(bits[claim]) for claim in np.union1d(near, network.link_parents[links]).tolist()}
    num_samples = bits.shape[1] * 64
    probabilities = np.empty((near.size, num_samples), np.float32)
    claims = np.empty_like(probabilities)
    of_links = np.empty((links.size, num_samples), np.float32)
    row = 0
    for number, claim in enumerate(near.tolist()):
        own = range(network.parent_start[claim], network.parent_start[claim + 1])
        log_odds = np.full(num_samples, model.intercepts[claim])
        for link in own:
            log_odds += network.weights[link] * states[int(network.link_parents[link])]
        probabilities[number] = fast_sigmoid(log_odds)
        claims[number] = states[claim] - probabilities[number]
        for link in own:
            of_links[row] = claims[number] * states[int(network.link_parents[link])]
            row += 1
    return _Scores(probabilities, claims, of_links)


def _intercept_moves(
    model: CalibratedNetwork, near: IntArray, links: IntArray, prior: _Scores, below: BoolArray
) -> FloatArray:
    """
    Derivatives of near claims' intercepts by each near link's weight and each near claim's prior marginal.

    As each claim keeps its prior marginal r, to first order slope_d da_d + sum over ancestors a of d of
    E[P_d score_a] da_a + E[P_d score_link] dw = dr_d, a linear system for da.

    Returns:
        Shape (claims, links + claims).
    """
    network = model.network
    num_samples = prior.claims.shape[1]
    system = (prior.probabilities @ prior.claims.T).astype(np.float64) / num_samples
    system[~below] = 0.0
    np.fill_diagonal(system, model.slopes[near])
    of_links = -(prior.probabilities @ prior.links.T).astype(np.float64) / num_samples
    owner = np.searchsorted(np.cumsum(network.num_parents[near]), np.arange(links.size), side="right")
    of_links[~below[:, owner]] = 0.0
    of_links[owner, np.arange(links.size)] = model.pulls[links] * model.slopes[near][owner]
    wanted = np.concatenate([of_links, np.eye(near.size)], axis=1)
    # The last of an exhaustive group is true where no other is, a tied claim where the one before is: intercepts stay.
    is_fixed = network.is_certain[near] | network.dated.is_tied[near]
    system[is_fixed], wanted[is_fixed] = np.eye(near.size)[is_fixed], 0.0
    moves: FloatArray = np.linalg.solve(system, wanted)
    return moves


def _reachable(network: Network, near: IntArray) -> BoolArray:
    """Mask of pairs (descendant, ancestor) connected through near claims only, shape (near, near)."""
    row_of = {claim: number for number, claim in enumerate(near.tolist())}
    reachable = np.zeros((near.size, near.size), np.bool_)
    for number, claim in enumerate(near.tolist()):
        for parent in network.link_parents[network.parent_start[claim] : network.parent_start[claim + 1]].tolist():
            if parent in row_of:
                reachable[number] |= reachable[row_of[parent]]
                reachable[number, row_of[parent]] = True
    return reachable


@dataclass(frozen=True, slots=True, eq=False)
class _Estimate:
    """An effect by replicate, and the variance of a single sample of it, up to a factor that all have in common."""

    parameter: Parameter
    index: int
    replicates: FloatArray
    variance: float


def _edge_estimates(
    model: CalibratedNetwork, links: IntArray, derivatives: _Derivatives, groups: GroupDerivatives
) -> list[_Estimate]:
    network = model.network
    row_of = {link: number for number, link in enumerate(links.tolist())}
    shared = np.bincount(network.edge_links, minlength=network.num_links)
    by_own = derivatives.by_weight @ groups.weights_by_own
    # The variance of a score is the slope of its claim.
    variances = model.slopes[network.link_children[links]] @ groups.weights_by_own**2
    estimates = []
    for edge in np.flatnonzero(np.isin(network.edge_links, links)).tolist():
        link = int(network.edge_links[edge])
        own = by_own[:, row_of[link]] / shared[link]
        variance = float(variances[row_of[link]]) / shared[link] ** 2
        for parameter, p, sign in (
            (Parameter.P_IF_TRUE, float(network.p_if_true[edge]), 1.0),
            (Parameter.P_IF_FALSE, float(network.p_if_false[edge]), -1.0),
        ):
            rate = sign / (p * (1.0 - p))
            estimates.append(_Estimate(parameter, edge, rate * own, rate**2 * variance))
    return estimates


def _stated_estimates(
    model: CalibratedNetwork,
    near: IntArray,
    derivatives: _Derivatives,
    groups: GroupDerivatives,
    inside_weights: FloatArray,
) -> list[_Estimate]:
    network = model.network
    by_log_odds = derivatives.by_prior_marginal @ groups.marginals_by_log_odds
    by_log_odds += derivatives.by_weight @ groups.weights_by_log_odds
    # The last of an exhaustive group follows from the others, and a tied claim; their scores are those that vary.
    is_fixed = network.is_certain[near] | network.dated.is_tied[near]
    inverse = np.where(is_fixed, 0.0, 1.0 / np.where(is_fixed, 1.0, model.slopes[near]))
    variances = inverse @ groups.marginals_by_log_odds**2
    estimates = []
    for number, claim in enumerate(near.tolist()):
        stated = network.stated[claim]
        rate = inside_weights[claim] / (stated * (1.0 - stated))
        own = rate * by_log_odds[:, number]
        estimates.append(_Estimate(Parameter.STATED, claim, own, float(rate**2 * variances[number])))
    return estimates


def _effects(estimates: list[_Estimate], num_samples: int) -> list[Effect]:
    """Average estimates over replicates, the largest effects first; their errors are pooled."""
    replicates = np.array([estimate.replicates for estimate in estimates]).T
    variances = np.array([estimate.variance for estimate in estimates])
    errors = pooled_errors(replicates, variances, num_samples)
    effects = [
        Effect(
            estimate.parameter,
            estimate.index,
            float(estimate.replicates.mean()),
            None if errors is None else float(errors[number]),
        )
        for number, estimate in enumerate(estimates)
    ]
    return sorted(effects, key=lambda effect: -abs(effect.derivative))
