"""What lies around a node and between two claims, flat: nodes once, edges once, and said when it is not all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.database.sessions import Unit
from graph.model.relations import RELATIONS, Relation
from graph.reading.following import Found, Request, follow, get
from graph.reading.tree import TYPE, Node, NodePlan, fill, node_dict, source_id

MAX_DEPTH = 4
MAX_NODES = 500
MAX_PATH_LENGTH = 8
MAX_PATHS = 20


_NEIGHBORLY = tuple(relation for relation in RELATIONS if relation.is_neighborly)


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """What to look for around a node: how far, along which kinds of edges, which way, and at most how many nodes."""

    depth: int
    kinds: tuple[str, ...]
    goes_out: bool
    goes_in: bool
    limit: int


async def find_neighborhood(unit: Unit, subject: str, node_id: str, asked: Neighborhood, plan: NodePlan) -> Node | None:
    """
    The nodes within some steps of one, and the edges that reached them; None where there is no such node.

    Each node's neighbours come in the relation's own order, so what a limit leaves out is the least of them.
    """
    properties = tuple(dict.fromkeys(("id", "symbol", *plan.properties)))
    start = (await get(unit, [(subject, node_id, properties)]))[0]
    if start is None:
        return None
    first = node_dict(*start)
    around = _Around(asked, first)
    frontier = [first]
    for _ in range(asked.depth):
        requests = [(node, request) for node in frontier for request in _requests(node, asked, properties)]
        if not requests:
            break
        pages = await follow(unit, [request for _, request in requests])
        frontier = []
        for (node, request), page in zip(requests, pages, strict=True):
            frontier += around.take(node, request.relation, page)
    nodes = list(around.nodes.values())
    await fill(unit, nodes, plan)
    return {"nodes": nodes, "edges": list(around.edges.values()), "is_truncated": around.is_truncated}


async def find_paths(
    unit: Unit, from_id: str, to_id: str, *, max_length: int, limit: int, plan: NodePlan
) -> list[Node]:
    """The shortest paths of influences from one claim to another, each as its nodes and the edges between them."""
    rows = await unit.run("reading/find_paths", from_id=from_id, to_id=to_id, max_length=max_length, limit=limit)
    ids = sorted({node_id for row in rows for node_id in row["ids"]})
    found = await get(unit, [("Claim", node_id, tuple(dict.fromkeys(("id", *plan.properties)))) for node_id in ids])
    nodes = {entry[1]["id"]: node_dict(*entry) for entry in found if entry is not None}
    await fill(unit, list(nodes.values()), plan)
    return [
        {
            "claims": [nodes[node_id] for node_id in row["ids"]],
            "edges": [_influence_edge(edge, nodes) for edge in row["edges"]],
            "num_steps": row["num_steps"],
        }
        for row in rows
    ]


class _Around:
    """What has been found so far."""

    def __init__(self, asked: Neighborhood, first: Node) -> None:
        self._asked = asked
        self.nodes: dict[tuple[str, str], Node] = {_identity(first): first}
        self.edges: dict[tuple[str, str, str], Node] = {}
        self.is_truncated = False

    def take(self, node: Node, relation: Relation, page: Sequence[Found]) -> list[Node]:
        """Note a page of neighbours; returns the nodes that are new."""
        fresh: list[Node] = []
        if len(page) > self._asked.limit:
            self.is_truncated = True
        for found in page[: self._asked.limit]:
            other = node_dict(found.subject, found.properties)
            if _identity(other) not in self.nodes:
                if len(self.nodes) >= self._asked.limit:
                    self.is_truncated = True
                    continue
                self.nodes[_identity(other)] = other
                fresh.append(other)
            edge = _edge(node, other, relation, found)
            self.edges[edge["kind"], _text(edge["from"]), _text(edge["to"])] = edge
        return fresh


def _requests(node: Node, asked: Neighborhood, properties: tuple[str, ...]) -> Iterable[Request]:
    for relation in _NEIGHBORLY:
        kinds = [kind for kind in relation.types if kind in asked.kinds]
        goes = asked.goes_out if relation.is_outgoing else asked.goes_in
        if node[TYPE] not in relation.starts or not kinds or not goes:
            continue
        arguments = {} if relation.types_argument is None else {relation.types_argument: kinds}
        limit = asked.limit + 1 if relation.is_many else 1
        yield Request(relation, source_id(node), limit, None, properties, relation.properties, arguments)


def _edge(node: Node, other: Node, relation: Relation, found: Found) -> Node:
    start, end = (node, other) if relation.is_outgoing else (other, node)
    kind = found.link.get("kind") or found.link.get("sign") or relation.types[0]
    return {"kind": kind, "from": _identity(start), "to": _identity(end), **_edge_figures(found.link)}


def _influence_edge(edge: dict[str, Any], nodes: dict[str, Node]) -> Node:
    ends = {"from": _identity(nodes[edge["parent_id"]]), "to": _identity(nodes[edge["child_id"]])}
    return {"kind": edge["kind"], **ends, **_edge_figures(edge)}


def _edge_figures(link: Any) -> dict[str, Any]:
    return {name: link.get(name) for name in ("p_if_true", "p_if_false", "lag_days", "relevance", "impact")}


def _identity(node: Node) -> tuple[str, str]:
    return node[TYPE], source_id(node)


def _text(identity: tuple[str, str]) -> str:
    return f"{identity[0]}:{identity[1]}"
