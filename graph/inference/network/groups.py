"""
Groups: outcomes that exclude each other, as links of the network.

Given what bears on a group, the log-odds of each outcome against all others of the group is a constant plus the weights
of the influences on it: a multinomial logit. An influence on one outcome therefore moves the others as well, and none
of them but through that one; a claim that bears on all alike moves none.

The network has claims that are true or false, so the choice is made one outcome after the other: each is a parent of
the later ones, and rules them out; the last of a group that is exhaustive is certain where no earlier one is true. With
s_j the log-score of outcome j, the log-odds of j, where no earlier one is true, is s_j - ln(sum of exp(s_l) over the
later l, and over that none comes true). It depends on the influences on later outcomes too, so that their parents are
parents of j: the weight of such a parent is the difference that it makes alone. With one parent the multinomial logit
is met exactly; with several, what they do together is approximated: with all of two or three parents known, whose
tables are drawn at random, outcomes differ by .006 in the median, and by more than .065 in one case of twenty. In any
case at most one outcome is true, and the intercepts are calibrated as ever, so that each has its prior marginal.

Source: McFadden, Frontiers in Econometrics (1974), 105-142 (the multinomial logit); Tutz, Biometrical Journal 33
(1991), 275-295 (sequential models).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from graph.inference.families import share_out
from graph.inference.log_odds import FloatArray, logits
from graph.inference.network.intercepts import CalibratedNetwork, with_other_intercepts
from graph.inference.network.limits import (
    CERTAIN_LOG_ODDS,
    EXCLUDING_WEIGHT,
    MAX_GROUP_CLAIMS,
    MAX_GROUP_PARENTS,
)
from graph.inference.network.structure import (
    NO_GROUP,
    BoolArray,
    IntArray,
    Network,
    contracted_levels,
    indices_between,
    set_weights,
)
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY

LEAST_CHOICE: Final = 2
"""Outcomes, that none comes true included, between which there is a choice."""

LEAST_REST: Final = 1e-9
"""Probability that none comes true, below which a group counts as exhaustive: rounding of a sum."""

MAX_FITS: Final = 500
"""Rounds of proportional fitting; strong influences take some hundred."""

FIT_TOLERANCE: Final = 1e-12
"""In log-odds, of the last round."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """
    Outcomes that exclude each other.

    Attributes:
        claims: Their indices, shape (k,); at most MAX_GROUP_CLAIMS.
        is_exhaustive: Whether one of them must come true.
    """

    claims: IntArray
    is_exhaustive: bool


def join_groups(network: Network, groups: Sequence[Group]) -> Network:
    """
    Make the outcomes of each group exclude each other.

    Their prior marginals are shifted until they add up, as `graph.inference.families.share_out` does, and links between
    them are added. Influences between them have no effect. They are ordered so that no cycle arises: after what bears
    on them, and by the influences between them; so no group is left out.

    Args:
        network: Claims and influences, without groups; not changed.
        groups: Without a claim in common.

    Returns:
        The network; itself if there is no group.

    Raises:
        ValueError: A claim is in two groups, or a group has too many.
    """
    if not groups:
        return network
    numbers = np.full(network.num_claims, NO_GROUP)
    prior_marginals, is_certain = network.prior_marginals.copy(), np.zeros(network.num_claims, np.bool_)
    for number, group in enumerate(groups):
        _check_group(group, numbers)
        numbers[group.claims] = number
        shares = share_out(logits(network.prior_marginals[group.claims]), is_exhaustive=group.is_exhaustive)
        prior_marginals[group.claims] = np.clip(shares, LEAST_PROBABILITY, GREATEST_PROBABILITY)
    depths = _find_depths(network, groups)
    joined = replace(network, prior_marginals=prior_marginals, groups=numbers)
    links = []
    for group in groups:
        order = np.lexsort((network.levels[group.claims], depths[group.claims]))
        chain = group.claims[order]
        is_certain[chain[-1]] = group.is_exhaustive or 1.0 - prior_marginals[chain].sum() < LEAST_REST
        links.append(_exclude(chain))
        links.append(_shift(joined, chain, depths, is_exhaustive=bool(is_certain[chain[-1]])))
    parents, children, weights = (np.concatenate(column) for column in zip(*links, strict=True))
    return replace(set_weights(joined, parents, children, weights), is_certain=is_certain)


def _check_group(group: Group, numbers: IntArray) -> None:
    if not 0 < np.unique(group.claims).size == group.claims.size <= MAX_GROUP_CLAIMS:
        message = f"expected a group of 1 to {MAX_GROUP_CLAIMS} distinct claims, got {group.claims.tolist()}"
        raise ValueError(message)
    if (numbers[group.claims] != NO_GROUP).any():
        message = f"expected groups without a claim in common, got {group.claims.tolist()} and another"
        raise ValueError(message)


def _find_depths(network: Network, groups: Sequence[Group]) -> IntArray:
    """
    Compute levels by which links of groups may point down: equal within a group, and greater than of what bears on it.

    Of groups that would close a cycle so, the claims keep levels of their own.
    """
    nodes = np.arange(network.num_claims)
    for group in groups:
        nodes[group.claims] = group.claims[0]
    depths, is_cyclic = contracted_levels(network, nodes)
    if is_cyclic.any():
        nodes = np.where(is_cyclic, np.arange(network.num_claims), nodes)
        depths, _ = contracted_levels(network, nodes)
    return depths


_Columns = tuple[IntArray, IntArray, FloatArray]
"""Parent, child and weight of each link."""


def _exclude(chain: IntArray) -> _Columns:
    """Link each outcome to the later ones, which it rules out."""
    earlier, later = np.triu_indices(chain.size, 1)
    return chain[earlier], chain[later], np.full(earlier.size, EXCLUDING_WEIGHT)


def _shift(network: Network, chain: IntArray, depths: IntArray, *, is_exhaustive: bool) -> _Columns:
    """Link what bears on a later outcome to the earlier ones."""
    parents, own = bearing_claims(network, chain)
    if not parents.size:
        return parents, parents, np.empty(0)
    marginals = network.prior_marginals
    weights = shifted_weights(own, marginals[chain], marginals[parents], is_exhaustive=is_exhaustive)
    is_above = depths[parents][:, None] < depths[chain]
    # A link of an influence stays, though its weight may be 0, and points down already.
    rows, columns = np.nonzero((own != 0.0) | ((weights != 0.0) & is_above))
    return parents[rows], chain[columns], weights[rows, columns]


def bearing_claims(network: Network, chain: IntArray) -> tuple[IntArray, FloatArray]:
    """
    Find the claims that bear on a group by influences.

    Args:
        network: Claims and links.
        chain: The claims of the group, shape (k,).

    Returns:
        The claims that bear most, at most MAX_GROUP_PARENTS of them, shape (p,), and their own weights on each outcome,
        0 without an influence, shape (p, k).
    """
    links = indices_between(network.parent_start, chain)
    links = links[(network.own_weights[links] != 0.0) & ~np.isin(network.link_parents[links], chain)]
    parents, rows = np.unique(network.link_parents[links], return_inverse=True)
    order = np.argsort(chain)
    own = np.zeros((parents.size, chain.size))
    own[rows, order[np.searchsorted(chain[order], network.link_children[links])]] = network.own_weights[links]
    if parents.size > MAX_GROUP_PARENTS:
        p = network.prior_marginals[parents]
        effects = np.abs(own).max(axis=1) * np.sqrt(p * (1.0 - p))
        most = np.sort(np.argsort(-effects, kind="stable")[:MAX_GROUP_PARENTS])
        parents, own = parents[most], own[most]
    return parents, own


def shifted_weights(own: FloatArray, shares: FloatArray, marginals: FloatArray, *, is_exhaustive: bool) -> FloatArray:
    """
    Compute the weight of each parent on each outcome, where no earlier one is true.

    Args:
        own: Weights of the parents' own influences on the outcomes, shape (p, k).
        shares: Prior marginals of the outcomes, in their order, shape (k,).
        marginals: Prior marginals of the parents, shape (p,).
        is_exhaustive: Whether one of them must come true; then the last one's weights are 0.

    Returns:
        Shape (p, k).
    """
    own, shares = _with_none(own, shares, is_exhaustive=is_exhaustive)
    weights = np.zeros_like(own)
    weights[:, :-1] = _shifted(_fit_scores(own, shares, marginals), own)
    return weights if is_exhaustive else weights[:, :-1]


def _with_none(own: FloatArray, shares: FloatArray, *, is_exhaustive: bool) -> tuple[FloatArray, FloatArray]:
    """Add, as the last outcome of a group that is not exhaustive, that none comes true."""
    if is_exhaustive:
        return own, shares
    return np.pad(own, ((0, 0), (0, 1))), np.append(shares, 1.0 - shares.sum())


def _shifted(scores: FloatArray, own: FloatArray) -> FloatArray:
    """Compute the difference that each parent makes to the log-odds of each outcome but the last."""
    weights: FloatArray = own[:, :-1] - (_left(scores + own) - _left(scores))
    return weights


def _left(scores: FloatArray) -> FloatArray:
    """Compute the log of the summed scores of the outcomes after each one but the last, shape (p, k - 1)."""
    left: FloatArray = np.logaddexp.accumulate(scores[:, ::-1], axis=1)[:, -2::-1]
    return left


def _fit_scores(own: FloatArray, shares: FloatArray, marginals: FloatArray) -> FloatArray:
    """
    Compute the outcomes' log-scores with each parent false and alone, so that on average they have their shares.

    Source: iterative proportional fitting; Deming and Stephan, Annals of Mathematical Statistics 11 (1940), 427-444.
    """
    wanted = np.log(shares)
    scores = np.tile(wanted, (marginals.size, 1))
    p = marginals[:, None]
    for _ in range(MAX_FITS):
        step = wanted - np.log((1.0 - p) * _softmax(scores) + p * _softmax(scores + own))
        scores += step
        if np.abs(step).max(initial=0.0) < FIT_TOLERANCE:
            break
    return scores


def _softmax(scores: FloatArray) -> FloatArray:
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: FloatArray = odds / odds.sum(axis=1, keepdims=True)
    return np.maximum(shares, LEAST_PROBABILITY)


def group_chain(network: Network, number: int) -> IntArray:
    """Return the claims of a group in their order: each is linked to the later ones."""
    return chain_of(network, network.groups == number)


def chain_of(network: Network, members: BoolArray) -> IntArray:
    """Return the claims of a mask in the order of their levels."""
    claims = np.flatnonzero(members)
    chain: IntArray = claims[np.argsort(network.levels[claims], kind="stable")]
    return chain


def excluded_members(network: Network, outcomes: Mapping[int, bool]) -> dict[int, list[int]]:
    """
    Find the groups in which an intervention on some outcomes leaves the choice between others.

    Args:
        network: Claims and groups.
        outcomes: The outcomes that are brought about, by index of the claim.

    Returns:
        By number of the group, those of its claims that are made false; without those that are first in a group, which
        the others are conditioned on as it is.
    """
    found: dict[int, list[int]] = {}
    true = {int(network.groups[claim]) for claim, outcome in outcomes.items() if outcome}
    for claim, outcome in outcomes.items():
        number = int(network.groups[claim])
        if number != NO_GROUP and not outcome and number not in true:
            found.setdefault(number, []).append(claim)
    return {
        number: claims
        for number, claims in found.items()
        if (network.levels[network.groups == number] < network.levels[claims].max()).any()
    }


def without_members(
    model: CalibratedNetwork, cut: CalibratedNetwork, excluded: Mapping[int, Sequence[int]]
) -> CalibratedNetwork:
    """
    Leave the choice of each group to those of its outcomes that are not made false.

    The odds of the others against each other stay as they are, whatever bears on them; without that, what an outcome
    leaves by being made false would go to later ones alone, or to none.

    Args:
        model: The joint distribution; not changed.
        cut: The same without links to the outcomes that are made false; not changed.
        excluded: These by number of the group.
    """
    network, intercepts, is_certain = cut.network, cut.intercepts.copy(), cut.network.is_certain.copy()
    weights = network.weights.copy()
    for number, claims in excluded.items():
        choice = _Choice.of(model.network, number, claims)
        is_certain[list(claims)] = False
        for column, claim in enumerate(choice.others.tolist()):
            if column == choice.shifts.size:
                is_certain[claim], intercepts[claim] = True, CERTAIN_LOG_ODDS
            else:
                intercepts[claim] = min(intercepts[claim] + choice.shifts[column], CERTAIN_LOG_ODDS)
            for link in range(network.parent_start[claim], network.parent_start[claim + 1]):
                row = choice.rows.get(int(network.link_parents[link]))
                if row is not None:
                    weights[link] = choice.weights[row, column] if column < choice.shifts.size else 0.0
    left = replace(cut, network=replace(network, weights=weights, is_certain=is_certain))
    return with_other_intercepts(left, intercepts)


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """
    The choice between the others of a group, where some are made false.

    Attributes:
        others: These others in their order, shape (k,).
        rows: Row of each claim that bears on the group.
        weights: Of these claims on the others, but for one that is certain, shape (p, k) or (p, k - 1).
        shifts: Of the others' intercepts, likewise.
    """

    others: IntArray
    rows: Mapping[int, int]
    weights: FloatArray
    shifts: FloatArray

    @classmethod
    def of(cls, network: Network, number: int, excluded: Sequence[int]) -> Self:
        chain = group_chain(network, number)
        is_out = np.isin(chain, excluded)
        parents, own = bearing_claims(network, chain)
        is_exhaustive = bool(network.is_certain[chain].any())
        own, shares = _with_none(own, network.prior_marginals[chain], is_exhaustive=is_exhaustive)
        rows = {parent: row for row, parent in enumerate(parents.tolist())}
        kept = np.flatnonzero(~np.append(is_out, np.zeros(shares.size - chain.size, np.bool_)))
        if kept.size < LEAST_CHOICE:  # none is left, or one that then comes true
            return cls(chain[~is_out], rows, np.empty((parents.size, 0)), np.empty(0))
        scores = np.concatenate([np.log(shares)[None], _fit_scores(own, shares, network.prior_marginals[parents])])
        left = _left(scores)[:, kept[:-1]] - _left(scores[:, kept])
        # Each parent alone shifts from what the shares tell; it is exact for one.
        shifts = left[0] + (left[1:] - left[0]).sum(axis=0)
        return cls(chain[~is_out], rows, _shifted(scores[1:, kept], own[:, kept]), shifts)
