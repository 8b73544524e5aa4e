"""Neighbourhoods and paths: nodes and edges, flat."""

from typing import Any

import strawberry

from resolvers.base.described import field, object_type
from resolvers.base.enums import EdgeKind
from resolvers.base.fields import prop
from resolvers.base.relay import Node, global_id
from resolvers.base.scalars import Probability
from resolvers.types.claims import Claim


@object_type
class GraphEdge:
    """An edge of the graph, with the global ids of both ends."""

    kind: EdgeKind = prop("The relationship type, named as in Cypher.")
    p_if_true: Probability | None = prop("For an influence: P(child | parent true).")
    p_if_false: Probability | None = prop("For an influence: P(child | parent false).")
    lag_days: int | None = prop("For an influence or an exposure: the lag in days, if known.")
    relevance: float | None = prop("For an exposure: how much the prediction matters to the ticker, 0 to 1.")
    impact: float | None = prop("For an exposure: fractional change of the price if the prediction comes true.")

    @field
    def from_id(self: Any) -> strawberry.ID:
        """Global id of the node that it starts from."""
        return strawberry.ID(global_id(*self["from"]))

    @field
    def to_id(self: Any) -> strawberry.ID:
        """Global id of the node that it leads to."""
        return strawberry.ID(global_id(*self["to"]))


@object_type
class Neighborhood:
    """The nodes around a node, and the edges by which they were reached."""

    nodes: list[Node] = prop(
        "The node itself, then the others, nearest first. Nodes that lie equally near take turns, each showing the "
        "neighbour of its most relevant edge first."
    )
    edges: list[GraphEdge] = prop(
        "The edges followed between these nodes, each once: all of the nodes nearer than `depth`, unless truncated."
    )
    is_truncated: bool = prop(
        "Whether nodes or edges within `depth` steps were left out because of `first`: the walk ends where a node more "
        "would be shown, or more edges than half as many again as nodes, at least 100."
    )


@object_type
class InfluencePath:
    """A path from one claim to another along influences."""

    claims: list[Claim] = prop("The claims along the path, including both ends.")
    edges: list[GraphEdge] = prop("The influences along the path, in order.")
    num_steps: int = prop("Number of influences along it.")
