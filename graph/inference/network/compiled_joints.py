"""
The joint distribution of a claim's parents without evidence, compiled; `graph.inference.network.joints` is the same in
NumPy, and tells how.
"""

import math
from typing import NamedTuple

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.jit import jit
from graph.inference.network.limits import (
    LATTICE_STEP,
    MAX_JOINT_ANCESTORS,
    MAX_JOINT_ENTRIES,
    MAX_JOINT_WIDTH,
    MAX_LATTICE_POINTS,
)
from graph.inference.network.structure import BoolArray, IntArray, Links

_MAX_FACTORS = 2 * MAX_JOINT_ANCESTORS


class JointWorkspace(NamedTuple):
    """
    Memory that the computation for each claim reuses.

    Attributes:
        numbers: Number of each claim among the collected ones, -1 for the others, shape (n,).
        claims: The collected claims, in topological order once they are sorted.
        is_alive: Mask of those that are needed.
        is_root: Mask of those that stand without their parents, by their prior marginals.
        is_target: Mask of those whose joint distribution is wanted.
        num_children: Links from each to collected claims.
        is_joined: Pairs of claims that a factor has in common.
        sizes: Claims of each factor; -1 for a factor that is used up.
        starts: Where each factor's table begins in `pool`.
        scopes: The claims of each factor, the lowest bit of its table's indices first.
        pool: All tables.
        offsets: Indices into one table for each entry of another.
        products: Products of tables, with the eliminated claim false and true.
    """

    numbers: IntArray
    claims: IntArray
    is_alive: BoolArray
    is_root: BoolArray
    is_target: BoolArray
    num_children: IntArray
    is_joined: BoolArray
    sizes: IntArray
    starts: IntArray
    scopes: IntArray
    pool: FloatArray
    offsets: IntArray
    products: FloatArray


@jit
def make_workspace(num_claims: int) -> JointWorkspace:
    """Allocate the memory."""
    most = MAX_JOINT_ANCESTORS
    return JointWorkspace(
        np.full(num_claims, -1, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.bool_),
        np.empty(most, np.bool_),
        np.empty(most, np.bool_),
        np.empty(most, np.int64),
        np.empty((most, most), np.bool_),
        np.empty(_MAX_FACTORS, np.int64),
        np.empty(_MAX_FACTORS, np.int64),
        np.empty((_MAX_FACTORS, MAX_JOINT_WIDTH + 1), np.int64),
        np.empty(MAX_JOINT_ENTRIES, np.float64),
        np.empty(1 << MAX_JOINT_WIDTH, np.int64),
        np.empty((2, 1 << MAX_JOINT_WIDTH), np.float64),
    )


@jit
def parents_joint(
    claim: int,
    links: Links,
    intercepts: FloatArray,
    prior_marginals: FloatArray,
    work: JointWorkspace,
    shares: FloatArray,
) -> bool:
    """Write the probability of each configuration of a claim's parents; return whether it fits the limits."""
    parents = links.link_parents[links.parent_start[claim] : links.parent_start[claim + 1]]
    num_claims = _collect(parents, links, work)
    fits = num_claims >= 0
    if fits:
        _drop_trees(num_claims, links, work)
        num_factors = _make_factors(num_claims, links, intercepts, prior_marginals, work)
        fits = num_factors >= 0 and _eliminate(num_claims, num_factors, work)
    if fits:
        scope = np.empty(parents.size, np.int64)
        for j in range(parents.size):
            scope[j] = work.numbers[parents[j]]
        _multiply(scope, -1, work)
        shares[:] = work.products[0, : shares.size]
    for number in range(abs(num_claims)):
        work.numbers[work.claims[number]] = -1
    return fits


@jit
def _collect(parents: IntArray, links: Links, work: JointWorkspace) -> int:
    """Collect these claims and their ancestors, parents first; return their number, negative if it is too large."""
    claims, numbers = work.claims, work.numbers
    count = 0
    for parent in parents:
        if count == claims.size:
            return -count
        claims[count] = parent
        numbers[parent] = count
        count += 1
    done = 0
    while done < count:
        claim = claims[done]
        done += 1
        for link in range(links.parent_start[claim], links.parent_start[claim + 1]):
            parent = links.link_parents[link]
            if numbers[parent] < 0:
                if count == claims.size:
                    return -count
                claims[count] = parent
                numbers[parent] = count
                count += 1
    for number in range(1, count):
        claim = claims[number]
        place = number
        while place > 0 and links.levels[claims[place - 1]] > links.levels[claim]:
            claims[place] = claims[place - 1]
            place -= 1
        claims[place] = claim
    for number in range(count):
        numbers[claims[number]] = number
        work.is_target[number] = False
    for parent in parents:
        work.is_target[numbers[parent]] = True
    return count


@jit
def _drop_trees(num_claims: int, links: Links, work: JointWorkspace) -> None:
    """Drop claims that bear on the targets through one claim only: its prior marginal says all about them."""
    for number in range(num_claims):
        work.is_alive[number] = True
        work.num_children[number] = 0
    for number in range(num_claims):
        claim = work.claims[number]
        for link in range(links.parent_start[claim], links.parent_start[claim + 1]):
            work.num_children[work.numbers[links.link_parents[link]]] += 1
    for number in range(num_claims):
        claim = work.claims[number]
        is_root = True
        for link in range(links.parent_start[claim], links.parent_start[claim + 1]):
            parent = work.numbers[links.link_parents[link]]
            is_root &= work.is_root[parent] and work.num_children[parent] == 1 and not work.is_target[parent]
        work.is_root[number] = is_root
        if is_root:
            for link in range(links.parent_start[claim], links.parent_start[claim + 1]):
                work.is_alive[work.numbers[links.link_parents[link]]] = False


@jit
def _make_factors(
    num_claims: int, links: Links, intercepts: FloatArray, prior_marginals: FloatArray, work: JointWorkspace
) -> int:
    """Write the factor of each claim that is needed; return their number, -1 if one is too large."""
    work.is_joined[:num_claims, :num_claims] = False
    count = used = 0
    for number in range(num_claims):
        if not work.is_alive[number]:
            continue
        claim = work.claims[number]
        begin = links.parent_start[claim]
        num_parents = 0 if work.is_root[number] else links.parent_start[claim + 1] - begin
        half = 1 << num_parents
        if num_parents > MAX_JOINT_WIDTH or used + 2 * half > work.pool.size:
            return -1
        table = work.pool[used : used + 2 * half]
        if work.is_root[number]:
            table[0], table[1] = 1.0 - prior_marginals[claim], prior_marginals[claim]
        else:
            table[half] = intercepts[claim]
            for j in range(num_parents):
                for c in range(1 << j):
                    table[half + c + (1 << j)] = table[half + c] + links.weights[begin + j]
            for c in range(half):
                log_odds = table[half + c]
                table[half + c] = 1.0 / (1.0 + math.exp(-log_odds))
                table[c] = 1.0 / (1.0 + math.exp(log_odds))
        for j in range(num_parents):
            work.scopes[count, j] = work.numbers[links.link_parents[begin + j]]
        work.scopes[count, num_parents] = number
        work.sizes[count], work.starts[count] = num_parents + 1, used
        _join(work.scopes[count, : num_parents + 1], work)
        used += 2 * half
        count += 1
    for rest in range(count, work.sizes.size):
        work.sizes[rest] = -1
    work.starts[count] = used
    return count


@jit
def _join(scope: IntArray, work: JointWorkspace) -> None:
    for one in scope:
        for other in scope:
            work.is_joined[one, other] = one != other


@jit
def _eliminate(num_claims: int, num_factors: int, work: JointWorkspace) -> bool:
    """Sum out all claims but the targets, those with the fewest neighbours first; return whether tables fit."""
    used = work.starts[num_factors]
    scope = np.empty(MAX_JOINT_WIDTH, np.int64)
    while True:
        best, fewest = -1, num_claims + 1
        for number in range(num_claims):
            if work.is_alive[number] and not work.is_target[number]:
                size = 0
                for other in range(num_claims):
                    size += work.is_joined[number, other]
                if size < fewest:
                    best, fewest = number, size
        if best < 0:
            return True
        if fewest > MAX_JOINT_WIDTH or used + (1 << fewest) > work.pool.size:
            return False
        size = 0
        for other in range(num_claims):
            if work.is_joined[best, other]:
                scope[size] = other
                size += 1
        _multiply(scope[:size], best, work)
        for c in range(1 << size):
            work.pool[used + c] = work.products[0, c] + work.products[1, c]
        work.is_alive[best] = False
        for j in range(size):
            work.is_joined[best, scope[j]] = work.is_joined[scope[j], best] = False
        _join(scope[:size], work)
        work.scopes[num_factors, :size] = scope[:size]
        work.sizes[num_factors], work.starts[num_factors] = size, used
        used += 1 << size
        num_factors += 1


@jit
def _multiply(scope: IntArray, claim: int, work: JointWorkspace) -> None:
    """Multiply the factors of a claim over it and this scope, and use them up; all factors if there is no claim."""
    size = 1 << scope.size
    work.products[:, :size] = 1.0
    offsets = work.offsets
    for factor in range(work.sizes.size):
        if work.sizes[factor] < 0:
            continue
        step = 0
        for place in range(work.sizes[factor]):
            if work.scopes[factor, place] == claim:
                step = 1 << place
        if claim >= 0 and not step:
            continue
        offsets[0] = work.starts[factor]
        for j in range(scope.size):
            stride = 0
            for place in range(work.sizes[factor]):
                if work.scopes[factor, place] == scope[j]:
                    stride = 1 << place
            for c in range(1 << j):
                offsets[c + (1 << j)] = offsets[c] + stride
        for c in range(size):
            work.products[0, c] *= work.pool[offsets[c]]
            work.products[1, c] *= work.pool[offsets[c] + step]
        work.sizes[factor] = -1


@jit
def are_independent(parents: IntArray, links: Links, work: JointWorkspace) -> bool:
    """Whether trees that have no claim in common lead to these claims, as far as the limits let one see."""
    has_parents = False
    for parent in parents:
        has_parents |= links.parent_start[parent] < links.parent_start[parent + 1]
    if not has_parents:
        return True
    num_claims = _collect(parents, links, work)
    found = num_claims > 0
    if found:
        _drop_trees(num_claims, links, work)
        for parent in parents:
            found &= work.is_root[work.numbers[parent]]
    for number in range(abs(num_claims)):
        work.numbers[work.claims[number]] = -1
    return found


@jit
def sum_distribution(weights: FloatArray, probabilities: FloatArray) -> tuple[int, float, FloatArray]:
    """
    Compute the distribution of the sum of independent parents' weights, rounded to steps.

    Returns:
        The lowest sum in steps, what rounding takes from the mean, and the shares; no shares if they are too many.
    """
    steps = np.empty(weights.size, np.int64)
    lowest = highest = 0
    rounded = 0.0
    for j in range(weights.size):
        steps[j] = round(weights[j] / LATTICE_STEP)
        rounded += (weights[j] - steps[j] * LATTICE_STEP) * probabilities[j]
        lowest += min(steps[j], 0)
        highest += max(steps[j], 0)
    if highest - lowest >= MAX_LATTICE_POINTS:
        return 0, 0.0, np.empty(0)
    shares, moved = np.zeros(highest - lowest + 1), np.empty(highest - lowest + 1)
    shares[-lowest] = 1.0
    for j in range(weights.size):
        moved[:] = 0.0
        if steps[j] >= 0:
            moved[steps[j] :] = shares[: shares.size - steps[j]]
        else:
            moved[: steps[j]] = shares[-steps[j] :]
        for c in range(shares.size):
            shares[c] = (1.0 - probabilities[j]) * shares[c] + probabilities[j] * moved[c]
    return lowest, rounded, shares
