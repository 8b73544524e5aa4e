"""Separation: which claims supposed outcomes can move at all, by the structure of the network alone."""

import numpy as np

from graph.inference.network.evidence import Evidence
from graph.inference.network.structure import BoolArray, IntArray, Network, ancestors, indices_between, mark_new


def connected_claims(
    network: Network, evidence: Evidence, claims: IntArray, *, is_intervention: bool = False
) -> BoolArray:
    """
    Find the claims that are not d-separated from these given the evidence.

    All others are independent of these given the evidence, whatever the probabilities.

    Args:
        network: Claims and links.
        evidence: Evidence that is conditioned on.
        claims: Indices of the claims whose outcomes are supposed.
        is_intervention: Whether they are cut from their parents: then what depends on the decision to do so.

    Returns:
        Mask of the connected claims, these included, shape (n,). Observed claims are connected only as one of these.

    Source: Shachter, UAI (1998), 480-487 (the Bayes ball).
    """
    num_claims = network.num_claims
    sources = np.zeros(num_claims, np.bool_)
    sources[claims] = True
    # An outcome that replaces an observed one blocks nothing.
    is_open = ~evidence.is_observed | sources
    # Parents of a common child depend on each other if the child or one of its descendants bears evidence.
    is_collider = ancestors(network, evidence.is_informative)
    # A claim is visited from below, or from above; the decision to intervene stands above the claim.
    from_below = np.zeros(num_claims, np.bool_) if is_intervention else sources.copy()
    from_above = sources.copy() if is_intervention else np.zeros(num_claims, np.bool_)
    below, above = np.flatnonzero(from_below), np.flatnonzero(from_above)
    while below.size or above.size:
        passing = below[is_open[below]]
        upward = np.concatenate([passing, above[is_collider[above]]])
        downward = np.concatenate([passing, above[is_open[above]]])
        below = mark_new(from_below, network.link_parents[indices_between(network.parent_start, upward)])
        links = network.child_links[indices_between(network.child_start, downward)]
        above = mark_new(from_above, network.link_children[links])
    return ((from_below | from_above) & ~evidence.is_observed) | sources


def connected_parts(network: Network, evidence: Evidence, claims: BoolArray) -> IntArray:
    """
    Divide claims into parts that are independent of each other given the observed ones.

    Args:
        network: Claims and links.
        evidence: Evidence that is conditioned on; observed claims separate their neighbours.
        claims: Mask of the claims to divide, shape (n,); closed under parents.

    Returns:
        For each claim a number that it shares with the claims of its part, shape (n,). An observed claim has that of
        its unobserved parents.
    """
    links = np.flatnonzero(claims[network.link_children] & ~evidence.is_observed[network.link_parents])
    parents, children = network.link_parents[links], network.link_children[links]
    # A claim joins its parents even if it is observed: it is only cut from its children.
    labels = np.arange(network.num_claims)
    while True:
        ends = labels[parents], labels[children]
        if np.array_equal(*ends):
            return labels
        least = np.minimum(*ends)
        for end in ends:
            np.minimum.at(labels, end, least)
        while not np.array_equal(labels, labels[labels]):
            labels = labels[labels]
