"""Neighbourhoods and paths: nodes and edges, flat."""

from typing import Any

import strawberry

from resolvers.base.described import field, object_type
from resolvers.base.enums import EdgeKind
from resolvers.base.fields import prop
from resolvers.base.relay import Node, global_id
from resolvers.types.claims import Claim


@object_type
class GraphEdge:
    """An edge of the graph, its ends by their global ids."""

    kind: EdgeKind = prop("The relationship, as it is called in Cypher.")
    p_if_true: float | None = prop("Of an influence: P(child | parent true).")
    p_if_false: float | None = prop("Of an influence: P(child | parent false).")
    lag_days: int | None = prop("Of an influence or an exposure: the lag in days, where known.")
    relevance: float | None = prop("Of an exposure: how much the prediction matters to the ticker, 0 to 1.")
    impact: float | None = prop("Of an exposure: the price's fractional change if the prediction comes true.")

    @field
    def source_id(self: Any) -> strawberry.ID:
        """The global id of the node that it starts from."""
        return strawberry.ID(global_id(*self["from"]))

    @field
    def target_id(self: Any) -> strawberry.ID:
        """The global id of the node that it leads to."""
        return strawberry.ID(global_id(*self["to"]))


@object_type
class Neighborhood:
    """The nodes around one and the edges that reach them, each once."""

    nodes: list[Node] = prop("The node itself first, then the others, the nearest first.")
    edges: list[GraphEdge] = prop("The edges between these nodes that were walked.")
    is_truncated: bool = prop("Whether there is more within the depth than `limit` let through.")


@object_type
class InfluencePath:
    """A way from one claim to another along influences."""

    claims: list[Claim] = prop("The claims on the way, both ends included.")
    edges: list[GraphEdge] = prop("The influences between them, in order.")
    num_steps: int = prop("Number of influences along it.")
