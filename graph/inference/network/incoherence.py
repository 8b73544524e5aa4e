"""Contradictions between a claim's conditional tables and its prior marginal."""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.structure import IntArray, Network


@dataclass(frozen=True, slots=True, eq=False)
class Incoherence:
    """
    Range of each claim's probability as its tables and its prior marginal imply it, for n claims.

    Attributes:
        num_tables: Influences on the claim, shape (n,).
        lowest: Lowest probability that one table alone implies; NaN without tables; shape (n,).
        highest: Highest probability that one table alone implies; NaN without tables; shape (n,).
        lowest_edges: Index of the influence that implies `lowest`; -1 without tables; shape (n,).
        highest_edges: Index of the influence that implies `highest`; -1 without tables; shape (n,).
        contradictions: Width of the range of all tables and the prior marginal; 0 without tables; shape (n,).
    """

    num_tables: IntArray
    lowest: FloatArray
    highest: FloatArray
    lowest_edges: IntArray
    highest_edges: IntArray
    contradictions: FloatArray

    def ranked(self, first: int | None = None) -> IntArray:
        """Claims with a contradiction, the largest first; the first few if `first` is given."""
        order = np.argsort(-self.contradictions, kind="stable")
        return order[self.contradictions[order] > 0.0][:first]


def find_incoherence(network: Network) -> Incoherence:
    """
    Measure how far each claim's tables contradict each other and its prior marginal.

    A table alone implies P(child) = P(parent) p_if_true + (1 - P(parent)) p_if_false. The model preserves the prior
    marginal and the tables' odds ratios; the implied probabilities it cannot preserve are reported here.

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
