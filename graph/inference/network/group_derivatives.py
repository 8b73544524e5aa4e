"""
Derivatives of what groups of outcomes, and events by several dates, make of stated numbers: their links' weights, and
their prior marginals.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.dates import EventClaims, dated_weights
from graph.inference.network.groups import bearing_claims, chain_of, group_chain, shifted_weights
from graph.inference.network.structure import NO_GROUP, BoolArray, IntArray, Network

STEP: Final = 1e-4
"""In log-odds, of central differences; their error is some 1e-8."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupDerivatives:
    """
    Derivatives at some links and claims; without groups, those of the identity.

    Attributes:
        weights_by_own: d weight of link a / d own weight of link b, shape (links, links).
        weights_by_log_odds: d weight of link a / d log-odds of the prior marginal of claim b, before its group or event
            is fitted, shape (links, claims).
        marginals_by_log_odds: d prior marginal of claim a / d log-odds of that of claim b, shape (claims, claims).
    """

    weights_by_own: FloatArray
    weights_by_log_odds: FloatArray
    marginals_by_log_odds: FloatArray


def group_derivatives(network: Network, claims: IntArray, links: IntArray) -> GroupDerivatives:
    """
    Compute derivatives at some claims and the links that lead to them.

    Args:
        network: Claims, links and groups.
        claims: Indices of the claims.
        links: Indices of the links; those of claims and parents that are not among these are left out.
    """
    p = network.prior_marginals[claims]
    found = GroupDerivatives(np.eye(links.size), np.zeros((links.size, claims.size)), np.diag(p * (1.0 - p)))
    rows = {claim: row for row, claim in enumerate(claims.tolist())}
    ends = zip(network.link_parents[links].tolist(), network.link_children[links].tolist(), strict=True)
    places = {pair: place for place, pair in enumerate(ends)}
    for number in np.unique(network.groups[claims]).tolist():
        if number != NO_GROUP:
            _Joined(found, network, _Group(network, number), rows, places).put()
    for number in np.unique(network.dated.numbers[claims]).tolist():
        if number != NO_GROUP:
            _Joined(found, network, _Event(network, number), rows, places).put()
    return found


class _Group:
    """A group of outcomes: how its links' weights and prior marginals follow from what is stated."""

    def __init__(self, network: Network, number: int) -> None:
        self.chain = group_chain(network, number)
        self.shares = network.prior_marginals[self.chain]
        self.is_exhaustive = bool(network.is_certain[self.chain].any())

    def weights(self, own: FloatArray, shares: FloatArray, marginals: FloatArray) -> FloatArray:
        """Compute the weights of links, as `shifted_weights` does."""
        return shifted_weights(own, shares, marginals, is_exhaustive=self.is_exhaustive)

    def slopes(self, column: int) -> FloatArray:
        """Compute the derivatives of the shares by the log-odds of one, before all are shifted until they add up."""
        slopes = self.shares * (1.0 - self.shares)
        moved = np.zeros(self.shares.size)
        moved[column] = slopes[column]
        if self.is_exhaustive and slopes.any():
            moved -= slopes * (slopes[column] / slopes.sum())
        return moved


class _Event:
    """An event by several dates, likewise."""

    def __init__(self, network: Network, number: int) -> None:
        self.chain = chain_of(network, network.dated.numbers == number)
        self.shares = network.prior_marginals[self.chain]
        self.denies, self.is_tied = network.dated.denies[self.chain], network.dated.is_tied[self.chain]
        parents, _ = bearing_claims(network, self.chain)
        self.is_linked: BoolArray = np.zeros((parents.size, self.chain.size), np.bool_)
        for column, claim in enumerate(self.chain.tolist()):
            own = network.link_parents[network.parent_start[claim] : network.parent_start[claim + 1]]
            self.is_linked[:, column] = np.isin(parents, own)

    def weights(self, own: FloatArray, shares: FloatArray, marginals: FloatArray) -> FloatArray:
        """Compute the weights of links, as `dated_weights` does."""
        return dated_weights(own, EventClaims(shares, self.denies, self.is_tied), marginals, self.is_linked)

    def slopes(self, column: int) -> FloatArray:
        """Compute the derivatives of the shares by the log-odds of one, which claims of equal ones have in common."""
        blocks = np.cumsum(~self.is_tied)
        is_equal = blocks == blocks[column]
        signs = np.where(self.denies == self.denies[column], 1.0, -1.0)
        slopes: FloatArray = self.shares * (1.0 - self.shares) * signs * is_equal / np.count_nonzero(is_equal)
        return slopes


class _Joined:
    """A group or an event, whose derivatives are put where its links and claims are among those asked for."""

    def __init__(
        self,
        found: GroupDerivatives,
        network: Network,
        joined: _Group | _Event,
        rows: Mapping[int, int],
        places: Mapping[tuple[int, int], int],
    ) -> None:
        self.found, self.rows, self.places = found, rows, places
        parents, self.own = bearing_claims(network, joined.chain)
        self.shares, self.marginals = joined.shares, network.prior_marginals[parents]
        self.chain, self.parents = joined.chain.tolist(), parents.tolist()
        self.weights: Callable[[FloatArray, FloatArray, FloatArray], FloatArray] = joined.weights
        self.slopes: Callable[[int], FloatArray] = joined.slopes

    def put(self) -> None:
        """Put all derivatives."""
        for place in self._places_of(product(self.chain, self.chain)):
            self.found.weights_by_own[place, place] = 0.0  # they exclude or imply each other, whatever their influences
        for column, claim in enumerate(self.chain):
            self._put_own(column, claim)
            if claim in self.rows:
                self._put_share(column, claim)
        by_marginal = self._differences(marginals=self.marginals * (1.0 - self.marginals))
        for parent, values in zip(self.parents, by_marginal, strict=True):
            if parent in self.rows:
                self._put_weights(self.found.weights_by_log_odds, self.rows[parent], parent, values)

    def _put_own(self, column: int, claim: int) -> None:
        """Put the derivatives by the own weights on one claim."""
        step = np.zeros(len(self.chain))
        step[column] = 1.0
        for parent, values in zip(self.parents, self._differences(own=step), strict=True):
            for place in self._places_of([(parent, claim)]):
                self._put_weights(self.found.weights_by_own, place, parent, values)

    def _put_share(self, column: int, claim: int) -> None:
        """Put the derivatives by the log-odds of one claim."""
        slopes, row = self.slopes(column), self.rows[claim]
        for other, slope in zip(self.chain, slopes.tolist(), strict=True):
            if other in self.rows:
                self.found.marginals_by_log_odds[self.rows[other], row] = slope
        for parent, values in zip(self.parents, self._differences(shares=slopes), strict=True):
            self._put_weights(self.found.weights_by_log_odds, row, parent, values)

    def _places_of(self, ends: Iterable[tuple[int, int]]) -> list[int]:
        return [self.places[pair] for pair in ends if pair in self.places]

    def _put_weights(self, target: FloatArray, column: int, parent: int, values: FloatArray) -> None:
        for claim, value in zip(self.chain, values.tolist(), strict=True):
            for place in self._places_of([(parent, claim)]):
                target[place, column] = value

    def _differences(
        self, *, own: FloatArray | float = 0.0, shares: FloatArray | float = 0.0, marginals: FloatArray | float = 0.0
    ) -> FloatArray:
        """Compute the derivatives of the parents' weights in a direction, shape (p, k)."""
        up, down = (
            self.weights(self.own + step * own, self.shares + step * shares, self.marginals + step * marginals)
            for step in (0.5 * STEP, -0.5 * STEP)
        )
        differences: FloatArray = (up - down) / STEP
        return differences
