"""
Claims that one event happens by several dates, as links of the network.

Such claims are thresholds of one variable, the interval in which the event happens: one that is true makes those of all
later dates true. They form a chain, in which each is the parent of the next one. With F_j the probability that the
event happens by date j, the hazard (F_j - F_{j-1}) / (1 - F_{j-1}) is that of the claim where the one before is false;
the intercepts are calibrated as ever, so that each claim has its prior marginal.

An influence on one claim bears on those of earlier dates, too, as the event does not happen by these without happening
by that: what is stated of a date holds for the log-odds of all earlier ones for which nothing is stated (proportional
odds). Later ones follow by the chain. With the parent true and false, that gives two curves; the parent's weight on
each claim is the difference of the hazards' log-odds. With one parent, each claim has its tables' probabilities
exactly; with several, what they do together is approximated, as in groups of outcomes.

Source: Singer and Willett, Journal of Educational Statistics 18 (1993), 155-195 (hazards in discrete time); McCullagh,
Journal of the Royal Statistical Society B 42 (1980), 109-142 (proportional odds).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from graph.inference.families import fit_curve
from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.elementary import fast_sigmoid
from graph.inference.network.groups import bearing_claims
from graph.inference.network.limits import EXCLUDING_WEIGHT, TIED_LOG_ODDS
from graph.inference.network.structure import (
    NO_GROUP,
    BoolArray,
    IntArray,
    Network,
    contracted_levels,
    find_cycle,
    indices_between,
    rank_claims,
    set_weights,
)
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY

ENSURING_WEIGHT: Final = -EXCLUDING_WEIGHT
"""Of a claim on the next one, which it makes true; and more by as much as others may bear on that."""

LEAST_RATIO: Final = 1e-3
"""
Of a hazard with a parent true or false to that without: where two influences of one parent contradict each other, one
would be 0, and of several such parents all would hang on the last one.
"""

LEAST_HAZARD: Final = 1e-6
"""Of a claim with less, the one before tells all: its probability is the same, as fitting leaves many."""


@dataclass(frozen=True, slots=True, eq=False)
class DatedClaims:
    """
    Claims that one event happens by several dates.

    Attributes:
        claims: Their indices by date, the earliest first, shape (k,).
        dates: The dates in any unit, shape (k,).
        denies: Mask of those that it does not happen by their date, shape (k,).
    """

    claims: IntArray
    dates: FloatArray
    denies: BoolArray


def join_dates(network: Network, events: Sequence[DatedClaims]) -> tuple[Network, list[DatedClaims]]:
    """
    Make claims of each event imply those of its later dates.

    Their prior marginals are made one curve that never falls, as `graph.inference.families.fit_curve` does, and links
    between them are added. Influences between them have no effect. What bears on a claim bears on those of earlier
    dates, too, but where that would close a cycle.

    Args:
        network: Claims and influences, with groups of outcomes; not changed.
        events: Without a claim in common, nor with a group.

    Returns:
        The network, and the events in it: without those of which a claim bears on one of an earlier date, or on another
        event that bears on it.
    """
    found = _find_acyclic(network, events)
    if not found:
        return network, found
    ranks = _rank(network, found)
    joined = _fit(network, found)
    joined = set_weights(joined, *_concatenate([_shift(joined, event.claims, ranks) for event in found]))
    return set_weights(joined, *_concatenate([_imply(joined, event) for event in found])), found


def _find_acyclic(network: Network, events: Sequence[DatedClaims]) -> list[DatedClaims]:
    """List the events that close no cycle; of several that do together, the last one is left out."""
    found = list(events)
    while found and (cycle := find_cycle(network.num_claims, *_chained(network, found))):
        ends = set(pairwise(cycle))
        closing = [event for event in found if not ends.isdisjoint(pairwise(event.claims.tolist()))]
        found.remove(closing[-1])
    return found


def _chained(network: Network, events: Sequence[DatedClaims]) -> tuple[IntArray, IntArray]:
    """Return parents and children of the network's links, and of those from each date to the next."""
    chains = [event.claims for event in events]
    parents = np.concatenate([network.link_parents, *(claims[:-1] for claims in chains)])
    children = np.concatenate([network.link_children, *(claims[1:] for claims in chains)])
    return parents, children


def _rank(network: Network, events: Sequence[DatedClaims]) -> IntArray:
    """
    Order claims topologically, with those of events as late as may be, so that what bears on them comes before.

    Each event comes at once where it may be taken for one claim, and of these the deepest last.

    Returns:
        Rank of each claim, shape (n,).
    """
    nodes = np.arange(network.num_claims)
    for event in events:
        nodes[event.claims] = event.claims[0]
    depths, is_cyclic = contracted_levels(network, nodes)
    if is_cyclic.any():
        alone, _ = contracted_levels(network, np.where(is_cyclic, np.arange(nodes.size), nodes))
        depths = np.where(is_cyclic, network.num_claims + alone, alone)
    is_dated = np.isin(np.arange(nodes.size), np.concatenate([event.claims for event in events]))
    waits = np.where(is_dated, 1 + depths, 0)
    return rank_claims(*_chained(network, events), waits, network.keys)


def _fit(network: Network, events: Sequence[DatedClaims]) -> Network:
    """Fit the prior marginals of the claims of events."""
    marginals, dated = network.prior_marginals.copy(), network.dated.copy()
    for number, event in enumerate(events, dated.numbers.max(initial=NO_GROUP) + 1):
        dated.numbers[event.claims], dated.denies[event.claims] = number, event.denies
        signs = _signs(event.denies)
        curve = fit_curve(event.dates, signs * logits(network.prior_marginals[event.claims])).probabilities
        curve, dated.is_tied[event.claims] = _tie(curve)
        bounded = np.clip(curve, LEAST_PROBABILITY, GREATEST_PROBABILITY)
        marginals[event.claims] = np.where(event.denies, 1.0 - bounded, bounded)
    return replace(network, prior_marginals=marginals, dated=dated)


def _signs(denies: BoolArray) -> FloatArray:
    return np.where(denies, -1.0, 1.0)


def _tie(curve: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Give claims of hardly any hazard that of tied ones; returns the curve, and the mask of these claims."""
    tied, is_tied = curve.copy(), np.zeros(curve.size, np.bool_)
    for place in range(1, curve.size):
        left = 1.0 - tied[place - 1]
        is_tied[place] = curve[place] - tied[place - 1] < LEAST_HAZARD * left
        if is_tied[place]:
            tied[place] = tied[place - 1] + left * float(fast_sigmoid(np.array(TIED_LOG_ODDS)))
    return tied, is_tied


_Columns = tuple[IntArray, IntArray, FloatArray]
"""Parent, child and weight of each link."""


def _imply(network: Network, event: DatedClaims) -> _Columns:
    """Link each claim to the next one; other links between them have no effect."""
    claims, signs = event.claims, _signs(event.denies)
    places = np.full(network.num_claims, -1)
    places[claims] = np.arange(claims.size)
    links = indices_between(network.parent_start, claims)
    parents, children = places[network.link_parents[links]], places[network.link_children[links]]
    jumps = links[(parents >= 0) & (parents + 1 < children)]
    others = np.bincount(children, np.where(parents < 0, np.abs(network.weights[links]), 0.0), minlength=claims.size)
    return (
        np.concatenate([claims[:-1], network.link_parents[jumps]]),
        np.concatenate([claims[1:], network.link_children[jumps]]),
        np.concatenate([(ENSURING_WEIGHT + others[1:]) * signs[:-1] * signs[1:], np.zeros(jumps.size)]),
    )


def _concatenate(columns: Sequence[_Columns]) -> _Columns:
    parents, children, weights = zip(*columns, strict=True)
    return np.concatenate(parents), np.concatenate(children), np.concatenate(weights)


def _shift(network: Network, chain: IntArray, ranks: IntArray) -> _Columns:
    """Link what bears on a claim to those of earlier dates that come after it."""
    parents, own = bearing_claims(network, chain)
    if not parents.size:
        return parents, parents, np.empty(0)
    marginals = network.prior_marginals
    event = EventClaims(marginals[chain], network.dated.denies[chain], network.dated.is_tied[chain])
    is_linked = ranks[parents][:, None] < ranks[chain]
    weights = dated_weights(own, event, marginals[parents], is_linked)
    rows, columns = np.nonzero((own != 0.0) | (weights != 0.0))
    return parents[rows], chain[columns], weights[rows, columns]


class EventClaims(NamedTuple):
    """
    Claims of one event by date.

    Attributes:
        marginals: Their prior marginals, shape (k,).
        denies: As of `Dated`, shape (k,).
        is_tied: Likewise.
    """

    marginals: FloatArray
    denies: BoolArray
    is_tied: BoolArray


def dated_weights(own: FloatArray, event: EventClaims, marginals: FloatArray, is_linked: BoolArray) -> FloatArray:
    """
    Compute the weight of each parent on each claim, where the event has not happened by the date before.

    Args:
        own: Weights of the parents' own influences on the claims, 0 without one, shape (p, k).
        event: The claims.
        marginals: Prior marginals of the parents, shape (p,).
        is_linked: Mask of the claims that each parent may bear on, shape (p, k).

    Returns:
        Shape (p, k).
    """
    signs = _signs(event.denies)
    curve = np.where(event.denies, 1.0 - event.marginals, event.marginals)
    filled, is_filled = _fill(own * signs, event.is_tied)
    if_false, if_true = _split(np.where(is_linked, filled, 0.0), curve, marginals[:, None])
    hazards = _hazards(curve)
    weights = _log_odds(_hazards(if_true), hazards) - _log_odds(_hazards(if_false), hazards)
    weights[~is_filled | ~is_linked | event.is_tied] = 0.0  # by the chain alone
    shifted: FloatArray = weights * signs
    return shifted


def _fill(own: FloatArray, is_tied: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Give tied claims the mean of their weights, and earlier ones the next later one; returns also which have one."""
    blocks = np.cumsum(~is_tied) - 1
    sums, counts = np.zeros((own.shape[0], blocks[-1] + 1)), np.zeros((own.shape[0], blocks[-1] + 1))
    for place, block in enumerate(blocks.tolist()):
        sums[:, block] += own[:, place]
        counts[:, block] += own[:, place] != 0.0
    means = sums / np.maximum(counts, 1.0)
    is_filled = counts > 0.0
    for block in range(means.shape[1] - 2, -1, -1):
        takes = ~is_filled[:, block] & is_filled[:, block + 1]
        means[takes, block] = means[takes, block + 1]
        is_filled[:, block] |= takes
    return means[:, blocks], is_filled[:, blocks]


def _split(weights: FloatArray, curve: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Compute the curves with the parent false and true whose log-odds differ by a weight and whose mean is the curve.

    With u the odds given it false, and v = exp(weight): v (1 - F) u^2 + ((1 - p) + p v - F (1 + v)) u = F.
    """
    v = np.exp(weights)
    middle = (1.0 - p) + p * v - curve * (1.0 + v)
    root = np.sqrt(middle**2 + 4.0 * v * curve * (1.0 - curve))
    odds = np.where(middle > 0.0, 2.0 * curve / (middle + root), (root - middle) / (2.0 * v * (1.0 - curve)))
    return odds / (1.0 + odds), odds * v / (1.0 + odds * v)


def _hazards(curves: FloatArray) -> FloatArray:
    """Compute the hazards of some curves, which are kept from falling, shape (..., k)."""
    rising = np.maximum.accumulate(curves, axis=-1)
    earlier = np.roll(rising, 1, axis=-1)
    earlier[..., 0] = 0.0
    hazards: FloatArray = (rising - earlier) / np.maximum(1.0 - earlier, LEAST_PROBABILITY)
    return hazards


def _log_odds(hazards: FloatArray, without: FloatArray) -> FloatArray:
    """Compute the log-odds of hazards, by LEAST_RATIO bounded by those without the parent."""
    happens = np.maximum(hazards, LEAST_RATIO * without)
    not_yet = np.maximum(1.0 - hazards, LEAST_RATIO * (1.0 - without))
    bounded = np.maximum(happens, LEAST_PROBABILITY), np.maximum(not_yet, LEAST_PROBABILITY)
    log_odds: FloatArray = np.log(bounded[0]) - np.log(bounded[1])
    return log_odds
