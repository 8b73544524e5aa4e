"""EXACT: a junction tree over the relevant part of the network, where it is small enough."""

import sys
import time
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.diagnostics import Beliefs, Diagnostics, Method, check_marginals
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid, softplus
from graph.inference.network.errors import ShouldStop, TooLargeError, check_stop, never
from graph.inference.network.evidence import UNKNOWN, Evidence
from graph.inference.network.intercepts import CalibratedNetwork, perturbed_intercepts
from graph.inference.network.lbp import check_fits
from graph.inference.network.structure import BoolArray, ancestors

MAX_CLIQUE_CLAIMS: Final = 20
"""Unobserved claims in one table of the tree: a million entries."""

NUM_TRIED: Final = 16
"""Candidates compared before one is eliminated; comparing all would cost more than it saves."""

MAX_TREE_ENTRIES: Final = 1 << 26
"""In all tables together: 512 MiB, and at worst as much again for messages."""


@dataclass(frozen=True, slots=True)
class Budget:
    """
    Limits of exact inference.

    Attributes:
        clique_claims: Unobserved claims in the largest table of the junction tree.
        tree_entries: Entries in all tables together.
        claims: Unobserved claims in the tree; more are not even planned for.
    """

    clique_claims: int = MAX_CLIQUE_CLAIMS
    tree_entries: int = MAX_TREE_ENTRIES
    claims: int = sys.maxsize


def infer_exactly(
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    asked: BoolArray | None = None,
    max_clique_claims: int = MAX_CLIQUE_CLAIMS,
    should_stop: ShouldStop = never,
) -> Beliefs:
    """
    Compute marginals by exact inference.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        asked: Mask of the query claims, shape (n,); all by default. Marginals of the others are NaN.
        max_clique_claims: Claims in the largest table of the junction tree.
        should_stop: Polled before each elimination and message.

    Raises:
        ValueError: The evidence does not fit the network.
        TooLargeError: The junction tree over the ancestors of query claims and evidence needs too large a table.
        Cancelled: `should_stop` returned true.
        ArithmeticError: A marginal is NaN or outside [0, 1].

    Source: Lauritzen and Spiegelhalter, Journal of the Royal Statistical Society B 50 (1988), 157-224; Shenoy and
    Shafer, UAI (1990), 169-198.
    """
    started = time.perf_counter()
    check_fits(model, evidence)
    network = model.network
    asked = np.ones(network.num_claims, np.bool_) if asked is None else asked
    relevant = ancestors(network, asked | evidence.is_informative)
    marginals = np.where(evidence.is_observed, evidence.observed, np.nan)
    budget = Budget(max_clique_claims)
    found = tree_marginals(model, evidence, relevant, budget=budget, should_stop=should_stop)
    marginals[list(found)] = list(found.values())
    error = calibration_error_of(found, model, evidence, relevant, budget=budget, should_stop=should_stop)
    marginals[~asked & ~evidence.is_observed] = np.nan
    marginals = check_marginals(marginals, is_observed=evidence.is_observed | ~asked)
    diagnostics = Diagnostics(
        method=Method.EXACT,
        converged=True,
        reason="",
        seconds=time.perf_counter() - started,
        calibration_error=error,
    )
    return Beliefs(marginals, None, diagnostics)


def tree_marginals(
    model: CalibratedNetwork,
    evidence: Evidence,
    claims: BoolArray,
    *,
    budget: Budget,
    should_stop: ShouldStop = never,
) -> dict[int, float]:
    """
    Compute P(claim) of the unobserved claims among these by a junction tree over them.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        claims: Mask of the claims, shape (n,); with each claim its unobserved parents.
        budget: Limits of the tree.
        should_stop: Polled before each elimination and message.

    Raises:
        TooLargeError: The tree exceeds the budget.
        Cancelled: `should_stop` returned true.
    """
    order, num_claims = model.network.order, int(claims.sum())
    num_free = int((claims & ~evidence.is_observed).sum())
    if num_free > budget.claims:
        message = f"expected at most {budget.claims} unobserved claims, got {num_free}"
        raise TooLargeError(message, size=num_free, limit=budget.claims)
    chosen = order[claims[order]].tolist()
    families = [_family(model, evidence, claim) for claim in chosen]
    cliques = _eliminate(families, budget, num_claims, should_stop)
    factors = [_factor(model, evidence, claim) for claim in chosen]
    return _JunctionTree(cliques, factors, should_stop).marginals()


def calibration_error_of(
    found: dict[int, float],
    model: CalibratedNetwork,
    evidence: Evidence,
    claims: BoolArray,
    *,
    budget: Budget,
    should_stop: ShouldStop = never,
) -> float:
    """
    Estimate the largest error of some exact marginals that comes from the errors of the intercepts.

    Args:
        found: Marginals by `tree_marginals`.
        model: The joint distribution.
        evidence: Evidence that was conditioned on.
        claims: Mask of the claims that `found` is of, shape (n,).
        budget: Limits of the tree.
        should_stop: Polled before each elimination and message.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    if not model.intercept_errors[claims].any():
        return 0.0
    largest = 0.0
    for intercepts in perturbed_intercepts(model):
        # Without the tables that follow from the intercepts, which a junction tree does not read.
        other = replace(model, intercepts=intercepts)
        moved = tree_marginals(other, evidence, claims, budget=budget, should_stop=should_stop)
        largest = max(largest, *(abs(moved[claim] - p) for claim, p in found.items()))
    return largest


class _Factor:
    """
    A factor over some claims: natural logs, one axis of length two for each claim.

    In logs, as the product over a claim with a thousand observed children is smaller than the least double.
    """

    def __init__(self, claims: tuple[int, ...], table: FloatArray) -> None:
        self.claims = claims
        self.table = table

    def over(self, claims: tuple[int, ...]) -> FloatArray:
        """Broadcast the table to a superset of its claims, with axes of length one for the others."""
        order = sorted(range(len(self.claims)), key=lambda axis: claims.index(self.claims[axis]))
        table = self.table.transpose(order)
        return table.reshape([2 if claim in self.claims else 1 for claim in claims])

    def summed_to(self, claims: tuple[int, ...]) -> "_Factor":
        """Sum out all other claims, scaled to a maximum of 1 so that logs keep their precision."""
        axes = tuple(axis for axis, claim in enumerate(self.claims) if claim not in claims)
        # Each sum is relative to its own largest term, which is therefore not lost beside a far larger sum.
        largest = self.table.max(axis=axes, keepdims=True)
        table = np.log(np.exp(self.table - largest).sum(axis=axes)) + largest.squeeze(axes)
        return _Factor(tuple(claim for claim in self.claims if claim in claims), table - table.max())


def _family(model: CalibratedNetwork, evidence: Evidence, claim: int) -> tuple[int, ...]:
    """List the unobserved ones of a claim and its parents."""
    network = model.network
    parents = network.link_parents[network.parent_start[claim] : network.parent_start[claim + 1]]
    free = parents[evidence.observed[parents] == UNKNOWN].tolist()
    if evidence.observed[claim] == UNKNOWN:
        free.append(claim)
    return tuple(free)


def _factor(model: CalibratedNetwork, evidence: Evidence, claim: int) -> _Factor:
    """Compute log P(claim | parents) plus the claim's evidence, with observed claims fixed."""
    network = model.network
    links = slice(network.parent_start[claim], network.parent_start[claim + 1])
    parents, weights = network.link_parents[links], network.weights[links]
    known = evidence.observed[parents] != UNKNOWN
    base = model.intercepts[claim] + weights[known] @ evidence.observed[parents[known]]
    free = parents[~known].tolist()
    # The first axis belongs to the last parent, whose bit is the highest.
    log_odds = (base + configuration_log_odds(weights[~known])).reshape((2,) * len(free))
    true, false = -softplus(-log_odds), -softplus(log_odds)
    if evidence.observed[claim] >= 0:
        return _Factor(tuple(free[::-1]), true if evidence.observed[claim] == 1 else false)
    llr = evidence.llr[claim]
    table = np.stack([false + min(-llr, 0.0), true + min(llr, 0.0)], axis=-1)
    return _Factor((*free[::-1], claim), table)


class _JunctionTree:
    """A junction tree with one clique for each eliminated claim."""

    def __init__(self, cliques: dict[int, tuple[int, ...]], factors: list[_Factor], should_stop: ShouldStop) -> None:
        self.should_stop = should_stop
        self.cliques = cliques
        rank = {claim: number for number, claim in enumerate(self.cliques)}
        self.inside: dict[int, list[_Factor]] = {claim: [] for claim in self.cliques}
        for factor in factors:
            if factor.claims:
                self.inside[min(factor.claims, key=rank.__getitem__)].append(factor)
        self.parent = {
            claim: min(clique[1:], key=rank.__getitem__) for claim, clique in self.cliques.items() if len(clique) > 1
        }
        self.children: dict[int, list[int]] = {claim: [] for claim in self.cliques}
        for claim, parent in self.parent.items():
            self.children[parent].append(claim)

    def marginals(self) -> dict[int, float]:
        """Compute P(claim) of each by messages up and down the tree."""
        upward: dict[int, _Factor] = {}
        for claim, clique in self.cliques.items():
            check_stop(self.should_stop)
            table = self._sum(clique, [*self.inside[claim], *(upward[child] for child in self.children[claim])])
            if claim in self.parent:
                upward[claim] = _Factor(clique, table).summed_to(clique[1:])
        downward: dict[int, _Factor] = {}
        marginals: dict[int, float] = {}
        for claim, clique in reversed(self.cliques.items()):
            check_stop(self.should_stop)
            above = [downward[claim]] if claim in downward else []
            incoming = [*self.inside[claim], *above, *(upward[child] for child in self.children[claim])]
            belief = _Factor(clique, self._sum(clique, incoming))
            false, true = belief.summed_to((claim,)).table
            marginals[claim] = float(fast_sigmoid(true - false))
            for child in self.children[claim]:
                separator = self.cliques[child][1:]
                message = belief.summed_to(separator)
                share = message.table - upward[child].over(message.claims)
                downward[child] = _Factor(message.claims, share - share.max())
        return marginals

    @staticmethod
    def _sum(clique: tuple[int, ...], factors: list[_Factor]) -> FloatArray:
        table = np.zeros((2,) * len(clique))
        for factor in factors:
            table += factor.over(clique)
        return table


def _eliminate(
    families: list[tuple[int, ...]], budget: Budget, num_relevant: int, should_stop: ShouldStop
) -> dict[int, tuple[int, ...]]:
    """Eliminate claims with the fewest neighbours first; return each with its clique, itself first."""
    neighbours: dict[int, set[int]] = {}
    for family in families:
        if len(family) > budget.clique_claims:
            raise _too_large(num_relevant, len(family), budget.clique_claims)
        for claim in family:
            neighbours.setdefault(claim, set()).update(family)
    for claim, others in neighbours.items():
        others.discard(claim)
    waiting = [(len(others), claim) for claim, others in neighbours.items()]
    heapify(waiting)
    cliques: dict[int, tuple[int, ...]] = {}
    num_entries = 0
    while neighbours:
        check_stop(should_stop)
        claim = _next_claim(waiting, neighbours)
        others = neighbours.pop(claim)
        num_entries += 2 << len(others)
        if len(others) >= budget.clique_claims or num_entries > budget.tree_entries:
            raise _too_large(num_relevant, len(others) + 1, budget.clique_claims)
        cliques[claim] = (claim, *sorted(others))
        for other in others:
            neighbours[other] |= others
            neighbours[other] -= {claim, other}
            heappush(waiting, (len(neighbours[other]), other))
    return cliques


def _next_claim(waiting: list[tuple[int, int]], neighbours: dict[int, set[int]]) -> int:
    """Choose, among some claims with the fewest neighbours, the one whose elimination adds the fewest edges."""
    tried: list[tuple[int, int]] = []
    while waiting and len(tried) < NUM_TRIED and (not tried or waiting[0][0] == tried[0][0]):
        size, claim = heappop(waiting)
        # Entries whose size has changed are stale; the current ones are in the heap too.
        if claim in neighbours and len(neighbours[claim]) == size and (size, claim) not in tried:
            tried.append((size, claim))
    num_joined = [sum(len(neighbours[other] & neighbours[claim]) for other in neighbours[claim]) for _, claim in tried]
    best = num_joined.index(max(num_joined))
    for number, entry in enumerate(tried):
        if number != best:
            heappush(waiting, entry)
    return tried[best][1]


def _too_large(num_relevant: int, num_claims: int, limit: int) -> TooLargeError:
    return TooLargeError(
        f"expected tables of at most {limit} claims, got one of {num_claims} among {num_relevant} relevant claims; "
        "ask for SAMPLE or LBP",
        size=num_claims,
        limit=limit,
    )
