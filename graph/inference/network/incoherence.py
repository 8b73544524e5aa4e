"""Claims of which the tables and the reference belief say different things."""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.structure import IntArray, Network


@dataclass(frozen=True, slots=True, eq=False)
class Incoherence:
    """
    What is said of each of n claims' probability: by its reference belief, and by each of its tables alone.

    Attributes:
        num_tables: Influences that lead to the claim, shape (n,).
        lowest: The least that a table implies; NaN without one; shape (n,).
        highest: The most that a table implies; NaN without one; shape (n,).
        lowest_edges: Which influence says so, by its place as given; -1 without one; shape (n,).
        highest_edges: Likewise.
        contradictions: From the least to the most that tables and reference belief say; 0 without a table; shape (n,).
    """

    num_tables: IntArray
    lowest: FloatArray
    highest: FloatArray
    lowest_edges: IntArray
    highest_edges: IntArray
    contradictions: FloatArray

    def ranked(self, first: int | None = None) -> IntArray:
        """Claims that contradict themselves at all, the worst first; all unless told how many."""
        order = np.argsort(-self.contradictions, kind="stable")
        return order[self.contradictions[order] > 0.0][:first]


def find_incoherence(network: Network) -> Incoherence:
    """
    By how much the tables of each claim contradict each other and its reference belief.

    A table alone implies P(child) = P(parent) p_if_true + (1 - P(parent)) p_if_false. The network's model keeps the
    reference belief and the tables' ratios of odds; what it cannot keep as well is what stands here.

    Args:
        network: Claims and influences.
    """
    parents = network.prior_marginals[network.link_parents[network.edge_links]]
    children = network.link_children[network.edge_links]
    implied = parents * network.p_if_true + (1.0 - parents) * network.p_if_false
    order = np.lexsort((implied, children))
    num_tables = np.bincount(children, minlength=network.num_claims)
    ends = np.cumsum(num_tables)
    has_table = num_tables > 0
    lowest_edges = np.full(network.num_claims, -1)
    highest_edges = np.full(network.num_claims, -1)
    lowest_edges[has_table] = order[(ends - num_tables)[has_table]]
    highest_edges[has_table] = order[ends[has_table] - 1]
    lowest, highest = np.full(network.num_claims, np.nan), np.full(network.num_claims, np.nan)
    lowest[has_table] = implied[lowest_edges[has_table]]
    highest[has_table] = implied[highest_edges[has_table]]
    span = np.fmax(highest, network.prior_marginals) - np.fmin(lowest, network.prior_marginals)
    return Incoherence(
        num_tables=num_tables.astype(np.int64),
        lowest=lowest,
        highest=highest,
        lowest_edges=lowest_edges.astype(np.int64),
        highest_edges=highest_edges.astype(np.int64),
        contradictions=span,
    )
