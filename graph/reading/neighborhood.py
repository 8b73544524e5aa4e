"""Neighbourhoods of a node and paths between two claims, as flat lists in which each node and edge occurs once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.database.sessions import Unit
from graph.model.relations import RELATIONS, Relation
from graph.reading.following import RelatedNode, Request, follow, get
from graph.reading.tree import TYPE, Node, NodePlan, fill, node_dict, source_id

MAX_DEPTH = 4
MAX_NODES = 500
MAX_PATH_LENGTH = 8
MAX_PATHS = 20


_NEIGHBORLY = tuple(relation for relation in RELATIONS if relation.is_neighborly)


@dataclass(frozen=True, slots=True)
class NeighborhoodQuery:
    """
    The extent of a neighbourhood.

    Attributes:
        depth: The most steps from the start.
        kinds: The types of relationships to follow.
        goes_out: Whether to follow relationships from their start to their end.
        goes_in: Whether to follow them from their end to their start.
        limit: The most nodes, the start included.
    """

    depth: int
    kinds: tuple[str, ...]
    goes_out: bool
    goes_in: bool
    limit: int


async def find_neighborhood(
    unit: Unit, subject: str, node_id: str, query: NeighborhoodQuery, plan: NodePlan
) -> Node | None:
    """
    Find the nodes within some steps of a node, breadth first, and the edges that reached them.

    Each node's neighbours are read in the relation's order, so a limit leaves out those that rank lowest.

    Returns:
        `nodes`, `edges`, and `is_truncated` where the limit left any out; None where no node of the subject has the id.
    """
    properties = tuple(dict.fromkeys(("id", "symbol", *plan.properties)))
    start = (await get(unit, [(subject, node_id, properties)]))[0]
    if start is None:
        return None
    first = node_dict(*start)
    around = _Surroundings(query, first)
    frontier = [first]
    for _ in range(query.depth):
        requests = [(node, request) for node in frontier for request in _requests(node, query, properties)]
        if not requests:
            break
        pages = await follow(unit, [request for _, request in requests])
        frontier = []
        for (node, request), page in zip(requests, pages, strict=True):
            frontier += around.add(node, request.relation, page)
    nodes = list(around.nodes.values())
    await fill(unit, nodes, plan)
    return {"nodes": nodes, "edges": list(around.edges.values()), "is_truncated": around.is_truncated}


async def find_paths(
    unit: Unit, from_id: str, to_id: str, *, max_length: int, limit: int, plan: NodePlan
) -> list[Node]:
    """Find the shortest paths of influences from one claim to another: each as `claims`, `edges` and `num_steps`."""
    rows = await unit.run("reading/find_paths", from_id=from_id, to_id=to_id, max_length=max_length, limit=limit)
    ids = sorted({node_id for row in rows for node_id in row["ids"]})
    claims = await get(unit, [("Claim", node_id, tuple(dict.fromkeys(("id", *plan.properties)))) for node_id in ids])
    nodes = {claim[1]["id"]: node_dict(*claim) for claim in claims if claim is not None}
    await fill(unit, list(nodes.values()), plan)
    return [
        {
            "claims": [nodes[node_id] for node_id in row["ids"]],
            "edges": [_influence_edge(edge, nodes) for edge in row["edges"]],
            "num_steps": row["num_steps"],
        }
        for row in rows
    ]


class _Surroundings:
    """The nodes and edges found so far, each by its identity."""

    def __init__(self, query: NeighborhoodQuery, first: Node) -> None:
        self._limit = query.limit
        self.nodes: dict[tuple[str, str], Node] = {_identity(first): first}
        self.edges: dict[tuple[str, str, str], Node] = {}
        self.is_truncated = False

    def add(self, node: Node, relation: Relation, page: Sequence[RelatedNode]) -> list[Node]:
        """Add a page of a node's neighbours; returns the nodes that are new."""
        fresh: list[Node] = []
        if len(page) > self._limit:
            self.is_truncated = True
        for neighbor in page[: self._limit]:
            other = node_dict(neighbor.subject, neighbor.properties)
            if _identity(other) not in self.nodes:
                if len(self.nodes) >= self._limit:
                    self.is_truncated = True
                    continue
                self.nodes[_identity(other)] = other
                fresh.append(other)
            edge = _edge(node, other, relation, neighbor)
            self.edges[edge["kind"], _text(edge["from"]), _text(edge["to"])] = edge
        return fresh


def _requests(node: Node, query: NeighborhoodQuery, properties: tuple[str, ...]) -> Iterable[Request]:
    for relation in _NEIGHBORLY:
        kinds = [kind for kind in relation.types if kind in query.kinds]
        is_followed = query.goes_out if relation.is_outgoing else query.goes_in
        if node[TYPE] not in relation.starts or not kinds or not is_followed:
            continue
        arguments = {} if relation.types_argument is None else {relation.types_argument: kinds}
        limit = query.limit + 1 if relation.is_many else 1
        yield Request(relation, source_id(node), limit, None, properties, relation.properties, arguments)


def _edge(node: Node, other: Node, relation: Relation, neighbor: RelatedNode) -> Node:
    start, end = (node, other) if relation.is_outgoing else (other, node)
    kind = neighbor.link.get("kind") or neighbor.link.get("sign") or relation.types[0]
    return {"kind": kind, "from": _identity(start), "to": _identity(end), **_edge_figures(neighbor.link)}


def _influence_edge(edge: dict[str, Any], nodes: dict[str, Node]) -> Node:
    ends = {"from": _identity(nodes[edge["parent_id"]]), "to": _identity(nodes[edge["child_id"]])}
    return {"kind": edge["kind"], **ends, **_edge_figures(edge)}


def _edge_figures(link: Any) -> dict[str, Any]:
    return {name: link.get(name) for name in ("p_if_true", "p_if_false", "lag_days", "relevance", "impact")}


def _identity(node: Node) -> tuple[str, str]:
    return node[TYPE], source_id(node)


def _text(identity: tuple[str, str]) -> str:
    return f"{identity[0]}:{identity[1]}"
