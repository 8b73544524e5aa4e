"""
The joint distribution of a claim's parents without evidence, by variable elimination, where that is affordable.

Only ancestors matter, and of these only such as bear on more than one parent: of a claim above which the ancestors
form a tree of their own, the prior marginal says all.
"""

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid
from graph.inference.network.limits import (
    LATTICE_STEP,
    MAX_JOINT_ANCESTORS,
    MAX_JOINT_ENTRIES,
    MAX_JOINT_WIDTH,
)
from graph.inference.network.structure import Links

_Factor = tuple[tuple[int, ...], FloatArray]
"""Claims, and a table with an axis of length two for each."""


def parents_joint(claim: int, links: Links, intercepts: FloatArray, prior_marginals: FloatArray) -> FloatArray | None:
    """
    Compute the joint distribution of a claim's parents from the intercepts of their ancestors.

    Args:
        claim: Index of the claim.
        links: Links of the network.
        intercepts: In log-odds, of the parents and their ancestors, shape (n,).
        prior_marginals: P(claim) without evidence, shape (n,).

    Returns:
        Probability of each configuration, bit j for the j-th parent, shape (2^parents,); None if the computation
        exceeds MAX_JOINT_ANCESTORS, MAX_JOINT_WIDTH or MAX_JOINT_ENTRIES.
    """
    targets = _parents(claim, links)
    collected = _collect(targets, links)
    if len(collected) > MAX_JOINT_ANCESTORS:
        return None
    collected.sort(key=links.levels.__getitem__)
    roots, dropped = _find_trees(collected, targets, links)
    factors: list[_Factor] = []
    for one in collected:
        if one in dropped:
            continue
        if one in roots:
            factors.append(((one,), np.array([1.0 - prior_marginals[one], prior_marginals[one]])))
            continue
        parents = _parents(one, links)
        if len(parents) > MAX_JOINT_WIDTH:
            return None
        own = slice(links.parent_start[one], links.parent_start[one + 1])
        # The first axis belongs to the last parent, whose bit is the highest.
        log_odds = intercepts[one] + configuration_log_odds(links.weights[own]).reshape((2,) * len(parents))
        table = np.stack([fast_sigmoid(-log_odds), fast_sigmoid(log_odds)])
        factors.append(((one, *parents[::-1]), table))
    waiting = [one for one in collected if one not in dropped and one not in targets]
    left = _eliminate(factors, waiting)
    return None if left is None else _product(left, tuple(targets[::-1])).ravel()


def are_independent(parents: list[int], links: Links) -> bool:
    """Whether trees that have no claim in common lead to these claims, as far as the limits let one see."""
    if not any(_parents(parent, links) for parent in parents):
        return True
    collected = _collect(parents, links)
    if len(collected) > MAX_JOINT_ANCESTORS:
        return False
    collected.sort(key=links.levels.__getitem__)
    return _find_trees(collected, parents, links)[0].issuperset(parents)


def sum_distribution(
    weights: FloatArray, probabilities: FloatArray, step: float = LATTICE_STEP
) -> tuple[FloatArray, FloatArray]:
    """
    Compute the distribution of the sum of independent parents' weights, rounded to steps whose mean is then restored.

    Args:
        weights: In log-odds, shape (k,).
        probabilities: Of the parents, shape (k,).
        step: In log-odds.

    Returns:
        The sums and their shares.
    """
    steps = np.rint(weights / step).astype(np.int64)
    lowest = int(np.minimum(steps, 0).sum())
    shares: FloatArray = np.zeros(int(np.maximum(steps, 0).sum()) - lowest + 1)
    shares[-lowest] = 1.0
    for moved, p in zip(steps.tolist(), probabilities.tolist(), strict=True):
        shares = (1.0 - p) * shares + p * np.roll(shares, moved)
    rounded = float((weights - steps * step) @ probabilities)
    sums = np.arange(lowest, lowest + shares.size).astype(np.float64) * step
    return sums + rounded, shares


def _parents(claim: int, links: Links) -> list[int]:
    parents: list[int] = links.link_parents[links.parent_start[claim] : links.parent_start[claim + 1]].tolist()
    return parents


def _collect(claims: list[int], links: Links) -> list[int]:
    """Collect these claims and their ancestors, at least until there are too many."""
    collected, known = list(claims), set(claims)
    for claim in collected:
        found = [parent for parent in _parents(claim, links) if parent not in known]
        known.update(found)
        collected += found
        if len(collected) > MAX_JOINT_ANCESTORS:
            break
    return collected


def _find_trees(collected: list[int], targets: list[int], links: Links) -> tuple[set[int], set[int]]:
    """Find the claims that stand by their prior marginals, and the ones above them that are then dropped."""
    num_children = dict.fromkeys(collected, 0)
    for claim in collected:
        for parent in _parents(claim, links):
            num_children[parent] += 1
    roots: set[int] = set()
    dropped: set[int] = set()
    for claim in collected:
        parents = _parents(claim, links)
        if all(parent in roots and num_children[parent] == 1 and parent not in targets for parent in parents):
            roots.add(claim)
            dropped.update(parents)
    return roots, dropped


def _eliminate(factors: list[_Factor], waiting: list[int]) -> list[_Factor] | None:
    """Sum out these claims, those with the fewest neighbours first; None if a table is too large."""
    joined: dict[int, set[int]] = {}
    for claims, _ in factors:
        for claim in claims:
            joined.setdefault(claim, set()).update(claims)
    num_entries = sum(table.size for _, table in factors)
    while waiting:
        claim = min(waiting, key=lambda one: len(joined[one]))
        others = joined.pop(claim) - {claim}
        num_entries += 1 << len(others)
        if len(others) > MAX_JOINT_WIDTH or num_entries > MAX_JOINT_ENTRIES:
            return None
        scope = tuple(others)
        own = [factor for factor in factors if claim in factor[0]]
        factors = [factor for factor in factors if claim not in factor[0]]
        factors.append((scope, _product(own, (claim, *scope)).sum(axis=0)))
        for other in others:
            joined[other] = (joined[other] | others) - {claim}
        waiting.remove(claim)
    return factors


def _product(factors: list[_Factor], claims: tuple[int, ...]) -> FloatArray:
    """Multiply factors over some claims, an axis for each in their order."""
    total = np.ones((2,) * len(claims))
    for scope, table in factors:
        ordered = table.transpose([scope.index(claim) for claim in claims if claim in scope])
        total = total * ordered.reshape([2 if claim in scope else 1 for claim in claims])
    return total
