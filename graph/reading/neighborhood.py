"""Neighbourhoods of a node and paths between two claims, as flat lists in which each node and edge occurs once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from math import ceil
from typing import Any, Final

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.model.subjects import CLAIM, NODE_LISTS
from graph.reading.following import get
from graph.reading.tree import TYPE, Node, NodePlan, fill, node_dict, source_id

MAX_DEPTH = 4
MAX_NODES = 500
MAX_PATH_LENGTH = 8
MAX_PATHS = 20
MIN_EDGES: Final = 100
"""The least bound on edges, so that a small neighbourhood is whole however many edges it has."""

MIN_ROWS: Final = 16
"""The fewest rows to ask for at once, where only a few are missing."""

SURPLUS: Final = 1.25
"""How many times as many rows as are missing are asked of a level's nodes."""

_FIGURES: Final = ("p_if_true", "p_if_false", "lag_days", "relevance", "impact")
_NO_FIGURES: Final = (None,) * len(_FIGURES)
_SPACE_OF: Final = {CLAIM: CLAIM} | {listed.label: listed.space for listed in NODE_LISTS if listed.is_subject}
"""The label within which a subject's ids are unique."""

_STATEMENT_OF: Final = {
    CLAIM: "reading/list_neighbors_of_claims",
    "Ticker": "reading/list_neighbors_of_tickers",
}
"""The statements that read neighbours of many nodes of a subject; one reads those of all others."""

_Row = tuple[str, bool, str, str, Sequence[float | None] | None, Sequence[Any]]
"""
A row of a neighbourhood's statements: an edge's kind, whether it starts at the node that was asked, the subject and id
of the node at its other end, the edge's figures, and that node's properties.
"""


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

    @property
    def max_edges(self) -> int:
        """The most edges: half as many again as nodes."""
        return max(MIN_EDGES, self.limit + self.limit // 2)


async def find_neighborhood(
    unit: Unit, subject: str, node_id: str, query: NeighborhoodQuery, plan: NodePlan
) -> Node | None:
    """
    Find the nodes within some steps of a node, breadth first, and the edges that lead to them or join them.

    The nodes that lie equally far take turns, each giving its most relevant edge first, so that the best edges of a hub
    come first and leave room for those of the others. The walk ends at the first edge that leads to a node for which
    there is no room, or that is one too many; until then every edge is included.

    Returns:
        `nodes`, `edges`, and `is_truncated` where the walk ended early; None where no node of the subject has the id.
    """
    walk = _Walk(unit, query, tuple(dict.fromkeys(("id", "symbol", *plan.properties))))
    frontier = [_Source(0, subject, node_id)]
    for _ in range(query.depth):
        frontier = await walk.step(frontier)
    if not walk.nodes or subject not in {CLAIM, walk.nodes[0][TYPE]}:
        return None
    await fill(unit, walk.nodes, plan)
    return {"nodes": walk.nodes, "edges": list(walk.edges.values()), "is_truncated": walk.is_truncated}


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


@dataclass(frozen=True, slots=True)
class _Source:
    """
    A node whose edges are followed.

    Attributes:
        place: Its place among the nodes.
        subject: Its subject; `Claim` for a start that may be any claim.
        node_id: Its id or symbol.
    """

    place: int
    subject: str
    node_id: str


class _Walk:
    """
    A walk from a node, breadth first.

    Attributes:
        nodes: The nodes found, the start first.
        edges: The edges followed, by kind and the places of both ends.
        is_truncated: Whether the walk ended before all edges were followed.
    """

    def __init__(self, unit: Unit, query: NeighborhoodQuery, properties: tuple[str, ...]) -> None:
        self._unit = unit
        self._query = query
        self._properties = properties
        self._places: dict[str, dict[str, int]] = {space: {} for space in _SPACE_OF.values()}
        self._identities: list[tuple[str, str]] = []
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, int, int], Node] = {}
        self.is_truncated = False

    async def step(self, sources: Sequence[_Source]) -> list[_Source]:
        """Follow the edges of equally distant nodes, which take turns; returns the nodes that are new."""
        num_before = max(1, len(self.nodes))
        turn = 0
        while sources and not self.is_truncated:
            num_rows = self._num_missing_rows()
            share = _share(num_rows, len(sources))
            unfinished: list[_Source] = []
            for part in slices(sources, num_rows):
                pages = await self._read(part, skip=turn, share=share)
                self._add_in_turns(part, pages)
                unfinished += [source for source, page in zip(part, pages, strict=True) if len(page) == share]
                if self.is_truncated:
                    break
            sources = unfinished
            turn += share
        found = enumerate(self._identities[num_before:], num_before)
        return [_Source(place, subject, node_id) for place, (subject, node_id) in found]

    def _num_missing_rows(self) -> int:
        """Count the rows to read at once; one more than there is room for shows that the walk ends early."""
        room = self._query.limit - max(1, len(self.nodes))
        wanted = max(room + 1, min(MIN_ROWS, self._query.limit // 2))
        return min(wanted, self._query.max_edges - len(self.edges) + 1)

    def _add_in_turns(self, sources: Sequence[_Source], pages: Sequence[Sequence[_Row]]) -> None:
        for rows in zip_longest(*pages):
            for source, row in zip(sources, rows, strict=True):
                if row is not None and not self.is_truncated:
                    self._add(source.place, row)

    def _add(self, place: int, row: _Row) -> None:
        """Add an edge and the node that it leads to."""
        kind, is_outgoing, subject, node_id, figures, properties = row
        other = self._places[_SPACE_OF[subject]].get(node_id, len(self.nodes))
        start, end = (place, other) if is_outgoing else (other, place)
        if (kind, start, end) in self.edges:
            return
        if other == self._query.limit or len(self.edges) == self._query.max_edges:
            self.is_truncated = True
            return
        if other == len(self.nodes):
            self._add_node(subject, node_id, properties)
        ends = {"kind": kind, "from": self._identities[start], "to": self._identities[end]}
        self.edges[kind, start, end] = ends | dict(zip(_FIGURES, figures or _NO_FIGURES, strict=True))

    def _add_node(self, subject: str, node_id: str, properties: Sequence[Any]) -> None:
        self._places[_SPACE_OF[subject]][node_id] = len(self.nodes)
        self._identities.append((subject, node_id))
        self.nodes.append(node_dict(subject, dict(zip(self._properties, properties, strict=True))))

    async def _read(self, sources: Sequence[_Source], *, skip: int, share: int) -> list[Sequence[_Row]]:
        """Read a share of each node's neighbours in their order, after those to skip; the start itself too."""
        pages: dict[int, Sequence[_Row]] = {}
        is_start = not self.nodes
        query = self._query
        for statement, asked in _by_statement(sources):
            requests = {
                "sources": [{"id": s.node_id, "subject": s.subject, "place": s.place} for s in asked],
                "outgoing": list(query.kinds) if query.goes_out else [],
                "incoming": list(query.kinds) if query.goes_in else [],
                # An edge is seen from both ends only where both directions are followed.
                "places": self._places if query.goes_out and query.goes_in else {space: {} for space in self._places},
                "skip": skip,
                "share": share,
                "reach": skip + share,
                "properties": list(self._properties),
                "own": list(self._properties) if is_start else [],
            }
            rows = await self._unit.run(statement, requests=requests)
            for place, subject, own, neighbors in chain.from_iterable(row["pages"] for row in rows):
                if is_start:
                    self._add_node(subject, sources[0].node_id, own)
                pages[place] = neighbors
        return [pages.get(source.place, []) for source in sources]


def _share(num_rows: int, num_sources: int) -> int:
    """Return how many rows to ask each node for; some have fewer, so that all together are asked for more."""
    if num_sources == 1:
        return num_rows
    return 1 if num_sources > num_rows else ceil(SURPLUS * num_rows / num_sources)


def _by_statement(sources: Sequence[_Source]) -> Iterator[tuple[str, list[_Source]]]:
    """Group nodes by the statement that reads their neighbours."""
    groups: dict[str, list[_Source]] = {}
    for source in sources:
        statement = _STATEMENT_OF.get(_SPACE_OF[source.subject], "reading/list_neighbors_of_nodes")
        groups.setdefault(statement, []).append(source)
    yield from groups.items()


def _influence_edge(edge: dict[str, Any], nodes: dict[str, Node]) -> Node:
    ends = {"from": _identity(nodes[edge["parent_id"]]), "to": _identity(nodes[edge["child_id"]])}
    return {"kind": edge["kind"], **ends, **_edge_figures(edge)}


def _edge_figures(link: Any) -> dict[str, Any]:
    return {name: link.get(name) for name in _FIGURES}


def _identity(node: Node) -> tuple[str, str]:
    return node[TYPE], source_id(node)
