"""Pairs of claims that several influences join, and the tables that the network combines of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graph.inference.log_odds import sigmoids
from graph.inference.network.structure import pool_tables
from graph.model.kinds import InfluenceKind
from graph.model.rows import Influence
from graph.model.signs import KIND_SIGNS, find_faults
from graph.network.contradictions import make_influence
from graph.network.view import KINDS, View


@dataclass(frozen=True, slots=True)
class Combination:
    """
    Influences with a table that join the same two claims, and the one table that stands for all of them.

    Attributes:
        influences: The influences by kind, with their kinds and tables only.
        p_if_true: Combined P(child | parent true).
        p_if_false: Combined P(child | parent false).
    """

    influences: tuple[Influence, ...]
    p_if_true: float
    p_if_false: float

    @property
    def ends(self) -> tuple[str, str]:
        """Ids of the parent and the child."""
        return self.influences[0].parent_id, self.influences[0].child_id

    @property
    def is_contradictory(self) -> bool:
        """Whether one of the influences contradicts its kind, or another one."""
        return any(find_faults(self.influences))

    def payload(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        tables = [row.model_dump(mode="json", include={"kind", "p_if_true", "p_if_false"}) for row in self.influences]
        return {
            "p_if_true": self.p_if_true,
            "p_if_false": self.p_if_false,
            "influences": tables,
            "is_contradictory": self.is_contradictory,
        }


def combine(influences: Sequence[Influence]) -> Combination | None:
    """Combine the tables of influences that join the same two claims; None if there are not several."""
    tables = [
        (row.p_if_true, row.p_if_false)
        for row in influences
        if row.p_if_true is not None and row.p_if_false is not None
    ]
    if len(tables) <= 1:
        return None
    if_true, if_false = np.array(tables).T
    pooled = pool_tables(if_true, if_false, np.zeros(len(tables), np.int64), 1)
    found = sorted((row for row in influences if row.p_if_true is not None), key=lambda row: row.kind)
    return Combination(tuple(found), *(float(sigmoids(log_odds)[0]) for log_odds in pooled))


def list_combinations(view: View) -> list[Combination]:
    """List the pairs of the network's claims that several influences join, by the ids of parent and child."""
    network = view.network
    is_shared = np.bincount(network.edge_links, minlength=network.num_links) > 1
    groups: dict[int, list[Influence]] = {}
    for edge in np.flatnonzero(is_shared[network.edge_links]).tolist():
        key = view.influence_key(edge)
        table = (float(network.p_if_true[edge]), float(network.p_if_false[edge]))
        row = make_influence(key.kind, key.parent_id, key.child_id, *table)
        groups.setdefault(int(network.edge_links[edge]), []).append(row)
    found = (combine(rows) for rows in groups.values())
    return sorted((combination for combination in found if combination is not None), key=lambda one: one.ends)


def count_contradictory(view: View) -> int:
    """Count the network's influences that contradict their kind, or another one between the same two claims."""
    network = view.network
    of_kinds = np.array([KIND_SIGNS[InfluenceKind(kind)] for kind in KINDS])
    expected = of_kinds[view.snapshot.influences.kinds[view.edges]]
    found = np.sign(network.p_if_true - network.p_if_false).astype(np.int64)
    signs = np.where(expected == 0, found, expected)
    raises, lowers = np.zeros(network.num_links, np.bool_), np.zeros(network.num_links, np.bool_)
    raises[network.edge_links[signs > 0]] = True
    lowers[network.edge_links[signs < 0]] = True
    is_opposed = (raises & lowers)[network.edge_links] & (signs != 0)
    return int(np.count_nonzero((expected * found < 0) | is_opposed))
