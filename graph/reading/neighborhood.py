"""What lies around a node and between two claims, flat: nodes once, edges once, and said when it is not all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.database.sessions import Unit
from graph.model.relations import (
    DOCUMENT_CLAIMS,
    DOCUMENTS,
    DOMAIN,
    DOMAIN_PREDICTIONS,
    EPISODE,
    EPISODE_PREDICTIONS,
    EVIDENCE,
    EVIDENCE_CLAIM,
    EVIDENCE_DOCUMENT,
    EVIDENCE_MILESTONE,
    EVIDENCE_PREDICTOR,
    EXPOSURE_SIGNS,
    EXPOSURES,
    INCOMING,
    INFLUENCE_KINDS,
    MILESTONE_PREDICTION,
    MILESTONES,
    OUTGOING,
    PREDICTOR,
    PREDICTOR_PREDICTIONS,
    REFERENCE_CLASS,
    REFERENCE_CLASS_PREDICTIONS,
    TICKER_EXPOSURES,
    VALIDATION_PREDICTION,
    VALIDATIONS,
    Relation,
)
from graph.model.subjects import CLAIM_SUBJECTS
from graph.reading.following import Found, Request, follow, get
from graph.reading.tree import TYPE, Node, NodePlan, fill, node_dict, source_id

MAX_DEPTH = 4
MAX_NODES = 500
MAX_PATH_LENGTH = 8
MAX_PATHS = 20


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way out of a node: a relation, which edges it stands for and whether they lead away from the node.

    Attributes:
        subjects: From which nodes.
        relation: What to follow.
        kinds: The types of relationships it stands for.
        is_outgoing: Whether the relationships start at the node.
        argument: The relation's argument that takes the kinds, where it has one.
    """

    subjects: tuple[str, ...]
    relation: Relation
    kinds: tuple[str, ...]
    is_outgoing: bool
    argument: str | None = None


_PREDICTION = ("Prediction",)
WAYS = (
    Way(CLAIM_SUBJECTS, INCOMING, INFLUENCE_KINDS, is_outgoing=False, argument="kinds"),
    Way(CLAIM_SUBJECTS, OUTGOING, INFLUENCE_KINDS, is_outgoing=True, argument="kinds"),
    Way(_PREDICTION, EXPOSURES, EXPOSURE_SIGNS, is_outgoing=True, argument="signs"),
    Way(("Ticker",), TICKER_EXPOSURES, EXPOSURE_SIGNS, is_outgoing=False, argument="signs"),
    Way(CLAIM_SUBJECTS, DOCUMENTS, ("ABOUT",), is_outgoing=False),
    Way(("Document",), DOCUMENT_CLAIMS, ("ABOUT",), is_outgoing=True),
    Way(_PREDICTION, PREDICTOR, ("MADE",), is_outgoing=False),
    Way(("Predictor",), PREDICTOR_PREDICTIONS, ("MADE",), is_outgoing=True),
    Way(_PREDICTION, EPISODE, ("STATED_IN",), is_outgoing=True),
    Way(("Episode",), EPISODE_PREDICTIONS, ("STATED_IN",), is_outgoing=False),
    Way(_PREDICTION, REFERENCE_CLASS, ("IN_CLASS",), is_outgoing=True),
    Way(("ReferenceClass",), REFERENCE_CLASS_PREDICTIONS, ("IN_CLASS",), is_outgoing=False),
    Way(CLAIM_SUBJECTS, DOMAIN, ("IN_DOMAIN",), is_outgoing=True),
    Way(("Domain",), DOMAIN_PREDICTIONS, ("IN_DOMAIN",), is_outgoing=False),
    Way(_PREDICTION, MILESTONES, ("HAS_MILESTONE",), is_outgoing=True),
    Way(("Milestone",), MILESTONE_PREDICTION, ("HAS_MILESTONE",), is_outgoing=False),
    Way(CLAIM_SUBJECTS, EVIDENCE, ("UPDATES",), is_outgoing=False),
    Way(("Evidence",), EVIDENCE_CLAIM, ("UPDATES",), is_outgoing=True),
    Way(("Evidence",), EVIDENCE_PREDICTOR, ("FROM",), is_outgoing=True),
    Way(("Evidence",), EVIDENCE_DOCUMENT, ("FROM",), is_outgoing=True),
    Way(("Evidence",), EVIDENCE_MILESTONE, ("FROM",), is_outgoing=True),
    Way(_PREDICTION, VALIDATIONS, ("CHECKS",), is_outgoing=False),
    Way(("Validation",), VALIDATION_PREDICTION, ("CHECKS",), is_outgoing=True),
)
EDGE_KINDS = tuple(dict.fromkeys(kind for way in WAYS for kind in way.kinds))


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
        requests = [(node, way, request) for node in frontier for way, request in _requests(node, asked, properties)]
        if not requests:
            break
        pages = await follow(unit, [request for _, _, request in requests])
        frontier = []
        for (node, way, _), page in zip(requests, pages, strict=True):
            frontier += around.take(node, way, page)
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

    def take(self, node: Node, way: Way, page: Sequence[Found]) -> list[Node]:
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
            edge = _edge(node, other, way, found)
            self.edges[edge["kind"], _text(edge["from"]), _text(edge["to"])] = edge
        return fresh


def _requests(node: Node, asked: Neighborhood, properties: tuple[str, ...]) -> Iterable[tuple[Way, Request]]:
    for way in WAYS:
        kinds = [kind for kind in way.kinds if kind in asked.kinds]
        goes = asked.goes_out if way.is_outgoing else asked.goes_in
        if node[TYPE] not in way.subjects or not kinds or not goes:
            continue
        arguments: dict[str, Any] = {way.argument: kinds} if way.argument else {}
        if way.relation is MILESTONES:
            arguments = {"hides_event": False}
        limit = asked.limit + 1 if way.relation.is_many else 1
        link = way.relation.link
        yield way, Request(way.relation, source_id(node), limit, None, properties, link, arguments)


def _edge(node: Node, other: Node, way: Way, found: Found) -> Node:
    start, end = (node, other) if way.is_outgoing else (other, node)
    kind = found.link.get("kind") or found.link.get("sign") or way.kinds[0]
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
