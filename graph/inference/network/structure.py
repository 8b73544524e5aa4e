"""Claims and influences as arrays: topological order, parents and children as slices."""

from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray, logits

IntArray = NDArray[np.int64]
KeyArray = NDArray[np.uint64]
BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]

NO_GROUP: Final = -1
"""Of a claim that no group of outcomes includes."""


@dataclass(frozen=True, slots=True, eq=False)
class Dated:
    """
    Claims, among n, that one event happens by several dates.

    Attributes:
        numbers: Number of the event that a claim is of, NO_GROUP for none, shape (n,).
        denies: Mask of the claims that the event does not happen by their date, shape (n,).
        is_tied: Mask of the claims that are as probable as the one of the date before, which tells all, shape (n,).
    """

    numbers: IntArray
    denies: BoolArray
    is_tied: BoolArray

    @classmethod
    def none(cls, num_claims: int) -> Self:
        """No such claim among so many."""
        return cls(np.full(num_claims, NO_GROUP), np.zeros(num_claims, np.bool_), np.zeros(num_claims, np.bool_))

    def copy(self) -> "Dated":
        """Return a copy that may be changed."""
        return Dated(self.numbers.copy(), self.denies.copy(), self.is_tied.copy())

    def take(self, claims: IntArray | BoolArray) -> "Dated":
        """Return that of some claims."""
        return Dated(self.numbers[claims], self.denies[claims], self.is_tied[claims])


class Links(NamedTuple):
    """The links of a network as kernels take them; shapes as of `Network`."""

    parent_start: IntArray
    link_parents: IntArray
    link_children: IntArray
    weights: FloatArray
    child_start: IntArray
    child_links: IntArray
    levels: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """
    A directed acyclic graph of n claims and m links, each link a pair of claims joined by one or more influences.

    Links are sorted by child, and for one child by the parents' keys, so that results do not depend on the claims'
    indices.

    Attributes:
        stated: Probability of each claim as stated, shape (n,).
        prior_marginals: P(claim) without any evidence, shape (n,).
        keys: 64-bit hashes that seed each claim's random streams, shape (n,).
        order: Claims in topological order, shape (n,).
        levels: Length of the longest path that leads to a claim, shape (n,).
        parent_start: Links of claim c are parent_start[c] to parent_start[c + 1], shape (n + 1,).
        link_parents: Parent of each link, shape (m,).
        link_children: Child of each link, shape (m,).
        weights: In log-odds, of the influences that join the pair, as `pool_tables` combines them; shape (m,).
        child_start: child_links[child_start[s]:child_start[s + 1]] are the links to the children of claim s.
        child_links: Links sorted by parent, shape (m,).
        edge_links: The link of each influence, in the order given, shape (number of influences,).
        p_if_true: P(child | parent true) of each influence, shape as `edge_links`.
        p_if_false: P(child | parent false), likewise.
        groups: Number of the group of outcomes that exclude each other that a claim is in, -1 for none, shape (n,).
        is_certain: Mask of the claims that are true where no other of their group is, shape (n,).
        own_weights: Weights that come from influences alone, shape (m,); those of a group's links differ, and of dates.
        dated: Claims that events happen by several dates.
    """

    stated: FloatArray
    prior_marginals: FloatArray
    keys: KeyArray
    order: IntArray
    levels: IntArray
    parent_start: IntArray
    link_parents: IntArray
    link_children: IntArray
    weights: FloatArray
    child_start: IntArray
    child_links: IntArray
    edge_links: IntArray
    p_if_true: FloatArray
    p_if_false: FloatArray
    groups: IntArray
    is_certain: BoolArray
    own_weights: FloatArray
    dated: Dated

    @property
    def num_claims(self) -> int:
        """Number of claims."""
        return self.prior_marginals.size

    @property
    def num_links(self) -> int:
        """Number of pairs of claims that influences join."""
        return self.link_parents.size

    @property
    def is_joined(self) -> BoolArray:
        """Mask of the claims that are in a group of outcomes or of an event by several dates, shape (n,)."""
        joined: BoolArray = (self.groups != NO_GROUP) | (self.dated.numbers != NO_GROUP)
        return joined

    @property
    def is_frozen(self) -> BoolArray:
        """Mask of the claims of events of which some are equal, which no sweep over single claims moves, shape (n,)."""
        tied = np.unique(self.dated.numbers[self.dated.is_tied])
        frozen: BoolArray = np.isin(self.dated.numbers, tied) if tied.size else np.zeros(self.num_claims, np.bool_)
        return frozen

    @property
    def num_parents(self) -> IntArray:
        """Number of each claim's parents, shape (n,)."""
        return np.diff(self.parent_start)

    @property
    def links(self) -> Links:
        """The arrays that kernels take, not copied."""
        return Links(
            self.parent_start,
            self.link_parents,
            self.link_children,
            self.weights,
            self.child_start,
            self.child_links,
            self.levels,
        )


def build_network(
    *,
    stated: FloatArray,
    prior_marginals: FloatArray,
    keys: KeyArray,
    parents: IntArray,
    children: IntArray,
    p_if_true: FloatArray,
    p_if_false: FloatArray,
) -> Network:
    """
    Build the arrays that inference works on from claims and influences.

    Args:
        stated: Probability of each claim as stated, strictly between 0 and 1, shape (n,).
        prior_marginals: P(claim) without any evidence, strictly between 0 and 1, shape (n,).
        keys: Distinct 64-bit hashes of the claims' ids, shape (n,).
        parents: Index of each influence's parent, shape (m,).
        children: Index of each influence's child, shape (m,).
        p_if_true: P(child | parent true), strictly between 0 and 1, shape (m,).
        p_if_false: P(child | parent false), strictly between 0 and 1, shape (m,).

    Raises:
        ValueError: Shapes differ, a probability is not strictly between 0 and 1, an index is out of range, two keys are
            equal, or influences form a cycle.
    """
    num_claims = prior_marginals.size
    _check_shapes("claim", (num_claims,), stated=stated, prior_marginals=prior_marginals, keys=keys)
    _check_shapes(
        "influence", (parents.size,), parents=parents, children=children, p_if_true=p_if_true, p_if_false=p_if_false
    )
    _check_claims(num_claims, parents, children)
    keys = keys.astype(np.uint64)
    if np.unique(keys).size != num_claims:
        message = "expected distinct keys, got the same key for two claims"
        raise ValueError(message)
    for probabilities in (stated, prior_marginals):
        logits(probabilities)
    # Ranks instead of the 64-bit keys, so that child and parent fit into one integer.
    ranks = np.empty(num_claims, np.int64)
    ranks[np.argsort(keys)] = np.arange(num_claims)
    pairs, edge_links = np.unique(children.astype(np.int64) * num_claims + ranks[parents], return_inverse=True)
    link_children = pairs // max(num_claims, 1)
    link_parents = np.argsort(ranks)[pairs % max(num_claims, 1)]
    if_true, if_false = pool_tables(p_if_true, p_if_false, edge_links, pairs.size)
    weights = if_true - if_false
    return Network(
        stated=stated.astype(np.float64),
        prior_marginals=prior_marginals.astype(np.float64),
        keys=keys,
        **_arrange(ranks, link_parents, link_children),
        weights=weights,
        edge_links=edge_links.astype(np.int64),
        p_if_true=p_if_true.astype(np.float64),
        p_if_false=p_if_false.astype(np.float64),
        groups=np.full(num_claims, NO_GROUP),
        is_certain=np.zeros(num_claims, np.bool_),
        own_weights=weights,
        dated=Dated.none(num_claims),
    )


def set_weights(network: Network, parents: IntArray, children: IntArray, weights: FloatArray) -> Network:
    """
    Set the weights of some links, and add those that there are not; influences and their own weights stay.

    Args:
        network: Not changed.
        parents: Parent of each link, shape (k,).
        children: Child of each, likewise; no pair is given twice.
        weights: In log-odds, shape (k,).

    Raises:
        ValueError: The links form a cycle with the others.
    """
    num_claims = network.num_claims
    by_key = np.argsort(network.keys)
    ranks = np.empty(num_claims, np.int64)
    ranks[by_key] = np.arange(num_claims)
    old = network.link_children * num_claims + ranks[network.link_parents]
    chosen = children * num_claims + ranks[parents]
    pairs = np.union1d(old, chosen)
    link_children, link_parents = pairs // num_claims, by_key[pairs % num_claims]
    places = np.searchsorted(pairs, old)
    own_weights, new_weights = np.zeros(pairs.size), np.zeros(pairs.size)
    own_weights[places], new_weights[places] = network.own_weights, network.weights
    new_weights[np.searchsorted(pairs, chosen)] = weights
    return replace(
        network,
        **_arrange(ranks, link_parents, link_children),
        weights=new_weights,
        edge_links=places[network.edge_links],
        own_weights=own_weights,
    )


class _Arranged(TypedDict):
    """Arrays that follow from the links of a network; shapes as of `Network`."""

    order: IntArray
    levels: IntArray
    parent_start: IntArray
    link_parents: IntArray
    link_children: IntArray
    child_start: IntArray
    child_links: IntArray


def _arrange(ranks: IntArray, link_parents: IntArray, link_children: IntArray) -> _Arranged:
    """Put claims into topological order, ties by rank, and links into slices; these are sorted by child and parent."""
    parent_start, child_start, child_links = _slices(ranks.size, link_parents, link_children)
    levels = _levels(ranks.size, link_parents, link_children, child_start, child_links)
    return {
        "order": np.lexsort((ranks, levels)),
        "levels": levels,
        "parent_start": parent_start,
        "link_parents": link_parents,
        "link_children": link_children,
        "child_start": child_start,
        "child_links": child_links,
    }


def pool_tables(
    p_if_true: FloatArray, p_if_false: FloatArray, pairs: IntArray, num_pairs: int
) -> tuple[FloatArray, FloatArray]:
    """
    Combine the tables of each pair of claims into one: the logarithmic opinion pool with equal weights.

    Several influences of one parent on one child are several statements of the same two probabilities, so their
    log-odds are averaged. Accumulating them, as noisy-or does, would count one influence that is stated twice as two
    causes. The pool of equal tables is that table, it rises with each of its probabilities, lies between them, does not
    depend on their order, and commutes with evidence on the child that all of them take account of.

    Args:
        p_if_true: P(child | parent true) of each influence, strictly between 0 and 1, shape (m,).
        p_if_false: P(child | parent false), likewise.
        pairs: Index of each influence's pair, shape (m,).
        num_pairs: Number of pairs, each with one influence or more.

    Returns:
        Log-odds of the child given the parent true and given it false, each of shape (pairs,).

    Raises:
        ValueError: A probability is not strictly between 0 and 1.

    Source: Genest and Zidek, Statistical Science 1 (1986), 114-135 (sections 3.2 and 3.3).
    """
    counts = np.bincount(pairs, minlength=num_pairs)
    if_true, if_false = (
        np.bincount(pairs, logits(probabilities), minlength=num_pairs) / counts
        for probabilities in (p_if_true, p_if_false)
    )
    return if_true, if_false


def with_probabilities(network: Network, stated: FloatArray, prior_marginals: FloatArray) -> Network:
    """
    Return the network with other probabilities; the network itself if they are the same.

    Args:
        network: Not changed.
        stated: Probability of each claim as stated, strictly between 0 and 1, shape (n,).
        prior_marginals: P(claim) without any evidence, strictly between 0 and 1, shape (n,).

    Raises:
        ValueError: Shapes differ, or a probability is not strictly between 0 and 1.
    """
    if np.array_equal(stated, network.stated) and np.array_equal(prior_marginals, network.prior_marginals):
        return network
    _check_shapes("claim", (network.num_claims,), stated=stated, prior_marginals=prior_marginals)
    for probabilities in (stated, prior_marginals):
        logits(probabilities)
    return replace(network, stated=stated.astype(np.float64), prior_marginals=prior_marginals.astype(np.float64))


def ancestors(network: Network, claims: BoolArray) -> BoolArray:
    """Mask of these claims and all their ancestors, shape (n,)."""
    reached = claims.copy()
    frontier = np.flatnonzero(claims)
    while frontier.size:
        frontier = mark_new(reached, network.link_parents[indices_between(network.parent_start, frontier)])
    return reached


def descendants(network: Network, claims: BoolArray) -> BoolArray:
    """Mask of these claims and all their descendants, shape (n,)."""
    reached = claims.copy()
    frontier = np.flatnonzero(claims)
    while frontier.size:
        links = network.child_links[indices_between(network.child_start, frontier)]
        frontier = mark_new(reached, network.link_children[links])
    return reached


def mark_new(reached: BoolArray, claims: IntArray) -> IntArray:
    """
    Mark claims as reached.

    Args:
        reached: Mask of the claims reached so far, changed in place, shape (n,).
        claims: Indices of claims, some of them repeatedly.

    Returns:
        Those that had not been reached, each once.
    """
    new = claims[~reached[claims]]
    reached[new] = True
    numbers = np.arange(new.size)
    # Of equal claims the last one's number stays; much faster than sorting them.
    last = np.empty(reached.size, np.int64)
    last[new] = numbers
    once: IntArray = new[last[new] == numbers]
    return once


def keep_links(network: Network, kept: BoolArray) -> Network:
    """
    Remove links and their influences; the claims stay.

    Args:
        network: Not changed.
        kept: Mask of the links that stay, shape (m,).
    """
    number = np.cumsum(kept) - 1
    edges = kept[network.edge_links]
    link_parents, link_children = network.link_parents[kept], network.link_children[kept]
    parent_start, child_start, child_links = _slices(network.num_claims, link_parents, link_children)
    return Network(
        stated=network.stated,
        prior_marginals=network.prior_marginals,
        keys=network.keys,
        order=network.order,
        levels=network.levels,
        parent_start=parent_start,
        link_parents=link_parents,
        link_children=link_children,
        weights=network.weights[kept],
        child_start=child_start,
        child_links=child_links,
        edge_links=number[network.edge_links[edges]],
        p_if_true=network.p_if_true[edges],
        p_if_false=network.p_if_false[edges],
        groups=network.groups,
        is_certain=network.is_certain,
        own_weights=network.own_weights[kept],
        dated=network.dated,
    )


def keep_claims(network: Network, kept: BoolArray) -> tuple[Network, BoolArray]:
    """
    Extract the subnetwork of some claims.

    Args:
        network: Not changed.
        kept: Mask of the claims, shape (n,); closed under parents.

    Returns:
        The subnetwork, and the mask of its links in `network`, shape (m,).

    Raises:
        ValueError: A claim is kept without one of its parents.
    """
    links = kept[network.link_children]
    if not kept[network.link_parents[links]].all():
        message = "expected claims together with their parents, got a claim without one of its parents"
        raise ValueError(message)
    number = np.cumsum(kept) - 1
    edges = links[network.edge_links]
    link_number = np.cumsum(links) - 1
    link_parents, link_children = number[network.link_parents[links]], number[network.link_children[links]]
    parent_start, child_start, child_links = _slices(int(kept.sum()), link_parents, link_children)
    part = Network(
        stated=network.stated[kept],
        prior_marginals=network.prior_marginals[kept],
        keys=network.keys[kept],
        order=number[network.order[kept[network.order]]],
        levels=network.levels[kept],
        parent_start=parent_start,
        link_parents=link_parents,
        link_children=link_children,
        weights=network.weights[links],
        child_start=child_start,
        child_links=child_links,
        edge_links=link_number[network.edge_links[edges]],
        p_if_true=network.p_if_true[edges],
        p_if_false=network.p_if_false[edges],
        groups=network.groups[kept],
        is_certain=network.is_certain[kept],
        own_weights=network.own_weights[links],
        dated=network.dated.take(kept),
    )
    return part, links


def matching_claims(old: Network, new: Network) -> IntArray:
    """Find the index that each claim of a network has in an earlier one, -1 for new claims; shape (n,)."""
    if np.array_equal(old.keys, new.keys):
        return np.arange(new.num_claims)
    if not old.num_claims:
        return np.full(new.num_claims, -1)
    by_key = np.argsort(old.keys)
    found = by_key[np.minimum(np.searchsorted(old.keys, new.keys, sorter=by_key), old.num_claims - 1)]
    return np.where(old.keys[found] == new.keys, found, -1)


def small_network(network: Network, claims: IntArray, links: IntArray) -> Network:
    """
    Extract a few claims and some of the links between them, in time that depends on these alone.

    Args:
        network: Not changed.
        claims: Indices of the claims, ascending.
        links: Indices of the links, ascending; both ends are among the claims.

    Returns:
        The network, without the influences that its links come from; of a group that loses a link to its last outcome,
        which may be an outcome that is left out, nothing is certain.
    """
    parents = np.searchsorted(claims, network.link_parents[links])
    children = np.searchsorted(claims, network.link_children[links])
    parent_start, child_start, child_links = _slices(claims.size, parents, children)
    levels = network.levels[claims]
    is_certain = network.is_certain[claims]
    last = np.flatnonzero(is_certain)
    is_certain[last] = np.bincount(children, minlength=claims.size)[last] == network.num_parents[claims[last]]
    none = np.empty(0)
    return Network(
        stated=network.stated[claims],
        prior_marginals=network.prior_marginals[claims],
        keys=network.keys[claims],
        order=np.argsort(levels, kind="stable"),
        levels=levels,
        parent_start=parent_start,
        link_parents=parents,
        link_children=children,
        weights=network.weights[links],
        child_start=child_start,
        child_links=child_links,
        edge_links=np.empty(0, np.int64),
        p_if_true=none,
        p_if_false=none,
        groups=network.groups[claims],
        is_certain=is_certain,
        own_weights=network.own_weights[links],
        dated=network.dated.take(claims),
    )


def _slices(num_claims: int, link_parents: IntArray, link_children: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return `parent_start`, `child_start` and `child_links` of `Network`."""
    parent_start = np.zeros(num_claims + 1, np.int64)
    np.cumsum(np.bincount(link_children, minlength=num_claims), out=parent_start[1:])
    child_start = np.zeros(num_claims + 1, np.int64)
    np.cumsum(np.bincount(link_parents, minlength=num_claims), out=child_start[1:])
    return parent_start, child_start, np.argsort(link_parents, kind="stable")


def indices_between(start: IntArray, claims: IntArray) -> IntArray:
    """Concatenate the ranges from start[c] to start[c + 1] of these claims."""
    counts = start[claims + 1] - start[claims]
    ends = np.cumsum(counts)
    indices: IntArray = np.arange(counts.sum()) + np.repeat(start[claims] - ends + counts, counts)
    return indices


def _levels(
    num_claims: int, link_parents: IntArray, link_children: IntArray, child_start: IntArray, child_links: IntArray
) -> IntArray:
    """Compute topological levels."""
    levels, is_open = _order_levels(num_claims, link_children, child_start, child_links)
    if is_open.any():
        cycle = _find_cycle(link_parents, link_children, is_open)
        message = f"expected no cycle of influences, got one through the claims {' -> '.join(map(str, cycle))}"
        raise ValueError(message)
    return levels


def contracted_levels(network: Network, nodes: IntArray) -> tuple[IntArray, BoolArray]:
    """
    Compute topological levels of a network in which some claims are one.

    Args:
        network: Claims and links; those between claims that are one are left out.
        nodes: The claim that stands for each, shape (n,).

    Returns:
        Level of each claim, and the mask of those that are in a cycle or below one, whose level means nothing; both of
        shape (n,).
    """
    parents, children = nodes[network.link_parents], nodes[network.link_children]
    outer = parents != children
    parents, children = parents[outer], children[outer]
    _, child_start, child_links = _slices(network.num_claims, parents, children)
    levels, is_open = _order_levels(network.num_claims, children, child_start, child_links)
    return levels[nodes], is_open[nodes]


def find_cycle(num_claims: int, parents: IntArray, children: IntArray) -> list[int]:
    """
    Find a cycle of links.

    Args:
        num_claims: Number of claims.
        parents: Parent of each link, shape (m,).
        children: Child of each, likewise.

    Returns:
        The claims in the cycle, the first one again at the end; empty if there is none.
    """
    _, child_start, child_links = _slices(num_claims, parents, children)
    _, is_open = _order_levels(num_claims, children, child_start, child_links)
    return _find_cycle(parents, children, is_open) if is_open.any() else []


def rank_claims(parents: IntArray, children: IntArray, waits: IntArray, keys: KeyArray) -> IntArray:
    """
    Order claims topologically: of those whose parents have all come, the one that waits least is next, ties by key.

    Args:
        parents: Parent of each link, shape (m,); the links form no cycle.
        children: Child of each, likewise.
        waits: Shape (n,).
        keys: Distinct numbers, shape (n,).

    Returns:
        Rank of each claim, shape (n,).
    """
    _, child_start, child_links = _slices(waits.size, parents, children)
    num_open = np.bincount(children, minlength=waits.size).tolist()
    order, following = list(zip(waits.tolist(), keys.tolist(), strict=True)), children[child_links].tolist()
    starts = child_start.tolist()
    ready = [(*order[claim], claim) for claim, number in enumerate(num_open) if not number]
    heapify(ready)
    ranks = np.empty(waits.size, np.int64)
    for rank in range(waits.size):
        *_, claim = heappop(ready)
        ranks[claim] = rank
        for child in following[starts[claim] : starts[claim + 1]]:
            num_open[child] -= 1
            if not num_open[child]:
                heappush(ready, (*order[child], child))
    return ranks


def _order_levels(
    num_claims: int, link_children: IntArray, child_start: IntArray, child_links: IntArray
) -> tuple[IntArray, BoolArray]:
    """Compute levels by Kahn's algorithm, and the mask of the claims in cycles or below them."""
    num_open = np.bincount(link_children, minlength=num_claims)
    levels = np.zeros(num_claims, np.int64)
    frontier = np.flatnonzero(num_open == 0)
    level = 0
    while frontier.size:
        levels[frontier] = level
        found, counts = np.unique(
            link_children[child_links[indices_between(child_start, frontier)]], return_counts=True
        )
        num_open[found] -= counts
        frontier = found[num_open[found] == 0]
        level += 1
    return levels, num_open > 0


def _find_cycle(link_parents: IntArray, link_children: IntArray, is_open: BoolArray) -> list[int]:
    """Find a cycle among claims that each have a parent among them, by walking from parent to parent."""
    among = is_open[link_parents] & is_open[link_children]
    a_parent = dict(zip(link_children[among].tolist(), link_parents[among].tolist(), strict=True))
    claim = next(iter(a_parent))
    walked = [claim]
    while (claim := a_parent[claim]) not in walked:
        walked.append(claim)
    return [*walked[walked.index(claim) :], claim][::-1]


def _check_shapes(what: str, shape: tuple[int, ...], **arrays: NDArray[np.generic]) -> None:
    for name, array in arrays.items():
        if array.shape != shape:
            message = f"expected one {name} for each {what}, shape {shape}, got shape {array.shape}"
            raise ValueError(message)


def _check_claims(num_claims: int, parents: IntArray, children: IntArray) -> None:
    for claims in (parents, children):
        outside = claims[(claims < 0) | (claims >= num_claims)]
        if outside.size:
            message = f"expected claims from 0 to {num_claims - 1}, got {outside[0]}"
            raise ValueError(message)
