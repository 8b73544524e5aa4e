"""Neighbourhoods on the real database, against a walk over the whole graph in memory, and paths."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from itertools import zip_longest
from operator import itemgetter
from typing import Any

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, Row, Unit
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.relations import EXPOSURE_SIGNS, INFLUENCE_KINDS, RELATIONS, RELATIONSHIP_TYPES, Relation
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, SUBJECTS, subject_of
from graph.reading.neighborhood import MIN_EDGES, NeighborhoodQuery, find_neighborhood, find_paths
from graph.reading.tree import TYPE, Node, NodePlan, source_id
from tests.helpers.bundles import bundle, claim, event, evidence, prediction, requiring
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.fake_unit import FakeGraph, FakeUnit
from tests.helpers.graph_dump import ask
from tests.helpers.profiling import NUM_CHILDREN, hub_bundle, profile

statements = pytest.mark.statements
INFLUENCES = (("HUB", "A"), ("HUB", "B"), ("HUB", "C"), ("A", "B"), ("UP", "HUB"))
ID = NodePlan(properties=("id", "symbol"))
Identity = tuple[str, str]
Edge = tuple[str, Identity, Identity]


def around_a_hub() -> Bundle:
    """One claim above a hub, three below it, two of which influence each other; a predictor made one."""
    predictions: list[dict[str, Any]] = [{"id": key, "title": key} for key in ("HUB", "A", "B", "C", "UP")]
    predictions[1]["predictor_id"] = "ada"
    return Bundle.model_validate(
        {
            "format": BUNDLE_FORMAT,
            "predictors": [{"id": "ada", "name": "Ada"}],
            "predictions": predictions,
            "influences": [
                {"kind": "PREREQUISITE_OF", "parent_id": parent, "child_id": child, "p_if_true": 0.9, "p_if_false": 0.1}
                for parent, child in INFLUENCES
            ],
        }
    )


def dense_bundle(num_claims: int) -> Bundle:
    """Claims of which each influences all later ones."""
    ids = [f"P_{number:02d}" for number in range(num_claims)]
    return bundle(
        predictions=[prediction(key) for key in ids],
        influences=[requiring(a, b) for number, a in enumerate(ids) for b in ids[number + 1 :]],
    )


def random_bundle(rng: np.random.Generator) -> Bundle:
    """A graph of all kinds of nodes and relationships, dense enough that ways meet again, with two hubs."""
    predictions = [f"P_{number:02d}" for number in range(24)]
    claims = ["TK_0", *predictions, "S_0", "S_1"]
    symbols = ["AMD", "NVDA", "TSM"]

    def maybe(value: Any) -> Any:
        return value if rng.random() < 0.7 else None

    def pairs(starts: list[str], ends: list[str], most: int) -> set[tuple[str, str]]:
        found = {(str(rng.choice(starts)), str(rng.choice(ends))) for _ in range(most)}
        return {pair for pair in found if pair[0] != pair[1]}

    def table(*, raises: bool) -> dict[str, float | None]:
        # They have few values, so that many edges are equally relevant.
        higher = maybe(float(rng.choice([0.3, 0.9])))
        lower = None if higher is None else 0.2
        return {"p_if_true": higher, "p_if_false": lower} if raises else {"p_if_true": lower, "p_if_false": higher}

    return bundle(
        predictors=[{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}],
        reference_classes=[{"id": "ada", "description": "It has a predictor's id", "base_rate": 0.2}],
        domains=[{"id": "ada"}, {"id": "chips"}],
        episodes=[{"id": "EP_1", "title": "The first"}],
        documents=[{"id": key, "title": "A paper"} for key in ("doc_0", "doc_1")],
        tickers=[{"symbol": symbol} for symbol in symbols],
        predictions=[
            prediction(
                key,
                predictor_id=maybe(str(rng.choice(["ada", "bob"]))),
                reference_class_id=maybe("ada"),
                domain_id=maybe(str(rng.choice(["ada", "chips"]))),
                episode_id=maybe("EP_1"),
                from_year=maybe(2026 + number % 3),
            )
            for number, key in enumerate(predictions)
        ],
        scenarios=[claim(key, domain_id="chips") for key in ("S_0", "S_1")],
        killers=[claim("TK_0")],
        influences=[
            requiring(parent, child, kind=kind, **table(raises=kind != "KILLS"))
            for parent, child in sorted(pairs(claims, claims, 60) | pairs(["P_00", "TK_0"], claims, 30))
            if claims.index(parent) < claims.index(child)
            for kind in [str(rng.choice(INFLUENCE_KINDS))]
        ],
        exposures=[
            {"sign": str(rng.choice(EXPOSURE_SIGNS)), "prediction_id": key, "symbol": symbol}
            | {"relevance": maybe(float(rng.choice([0.2, 0.8])))}
            for key, symbol in sorted(pairs(predictions, symbols, 20))
        ],
        document_links=[
            {"document_id": key, "claim_id": of} for key, of in sorted(pairs(["doc_0", "doc_1"], claims, 12))
        ],
        milestones=[event(key) for key in predictions[:3]],
        evidence=[
            evidence(f"E_{number}", of, predictor_id="ada", document_id="doc_0", milestone_id=f"{predictions[0]}:event")
            for number, of in enumerate(("P_00", "P_00", "S_0"))
        ],
        validations=[
            {"id": f"V_{day}", "prediction_id": "P_00", "observed_at": f"2026-05-{day}", "status": "partial"}
            for day in (10, 11)
        ],
    )


class WholeGraph:
    """All of a graph in memory, in which everything is found by going through all edges."""

    def __init__(self, nodes: Mapping[Identity, Mapping[str, Any]], edges: Mapping[Edge, Mapping[str, Any]]) -> None:
        self.nodes = nodes
        self.edges = edges

    @classmethod
    async def load(cls, database: Database) -> "WholeGraph":
        """The graph as a statement of our own finds it."""
        found = await ask(
            database,
            """MATCH (n) WHERE any(label IN labels(n) WHERE label IN $subjects)
            RETURN labels(n), coalesce(n.id, n.symbol), properties(n)""",
            subjects=list(SUBJECTS),
        )
        nodes = {(subject_of(labels), key): properties for labels, key, properties in found}
        found = await ask(
            database,
            """MATCH (a)-[r]->(b) RETURN type(r), labels(a), coalesce(a.id, a.symbol), labels(b),
            coalesce(b.id, b.symbol), properties(r)""",
        )
        return cls(
            nodes,
            {(kind, (subject_of(a), i), (subject_of(b), j)): values for kind, a, i, b, j, values in found},
        )

    def neighbors(self, node: Identity, query: NeighborhoodQuery) -> list[tuple[Edge, Identity]]:
        """A node's edges with their other ends, the most relevant first."""
        found = []
        for number, relation in enumerate(relation for relation in RELATIONS if relation.is_neighborly):
            if node[0] not in relation.starts or not (query.goes_out if relation.is_outgoing else query.goes_in):
                continue
            for edge in self.edges:
                kind, start, end = edge
                own, other = (start, end) if relation.is_outgoing else (end, start)
                if own == node and kind in query.kinds and kind in relation.types and self.is_end(relation, other):
                    found.append((self.rank(edge, other, relation, number), edge, other))
        return [(edge, other) for _, edge, other in sorted(found, key=itemgetter(0))]

    def is_end(self, relation: Relation, node: Identity) -> bool:
        """Whether a relation leads to a node's subject."""
        return node[0] in (CLAIM_SUBJECTS if relation.end == CLAIM else (relation.end,))

    def rank(self, edge: Edge, other: Identity, relation: Relation, number: int) -> tuple[Any, ...]:
        """The place of an edge among a node's, as a tuple to sort by."""
        kind, start, end = edge
        values = self.edges[edge]
        if kind in EXPOSURE_SIGNS:
            size = values.get("relevance")
        elif kind in INFLUENCE_KINDS:
            size = self.delta(start, end, values)
        else:
            key = {**self.nodes[other], **values}[relation.page_key] if relation.page_key else ""
            return (2, number, [-ord(letter) for letter in key] if relation.is_descending else list(map(ord, key)))
        ties = (other[1], kind, relation.is_outgoing)
        return (1, 0.0, *ties) if size is None else (0, round(-size, 12), *ties)

    def delta(self, start: Identity, end: Identity, values: Mapping[str, Any]) -> float | None:
        """How far an influence would move its child."""
        parent, child = (self.nodes[node].get("stated_probability") for node in (start, end))
        if parent is None or child is None or "p_if_true" not in values:
            return None
        implied = parent * values["p_if_true"] + (1.0 - parent) * values["p_if_false"]
        return abs(float(implied) - float(child))

    def walk(self, start: Identity, query: NeighborhoodQuery) -> tuple[list[Identity], set[Edge], bool]:
        """The nodes of a neighbourhood in order, its edges, and whether it is cut short."""
        nodes, edges = [start], set[Edge]()
        level = nodes
        for _ in range(query.depth):
            lists = [self.own_neighbors(node, nodes, query) for node in level]
            rows = [row for turn in zip_longest(*lists) for row in turn if row is not None]
            num_before = len(nodes)
            for edge, other in rows:
                if len(edges) == query.max_edges or (other not in nodes and len(nodes) == query.limit):
                    return nodes, edges, True
                if other not in nodes:
                    nodes = [*nodes, other]
                edges.add(edge)
            level = nodes[num_before:]
        return nodes, edges, False

    def own_neighbors(
        self, node: Identity, nodes: list[Identity], query: NeighborhoodQuery
    ) -> list[tuple[Edge, Identity]]:
        """A node's edges without those that a node before it has."""
        before = nodes[: nodes.index(node)]
        theirs = {edge for other in before for edge, _ in self.neighbors(other, query)}
        return [(edge, other) for edge, other in self.neighbors(node, query) if edge not in theirs]


class CountingUnit:
    """Counts the rows of neighbours that a transaction reads."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.num_rows = 0

    async def run(self, name: str, /, **parameters: object) -> list[Row]:
        """Run a statement."""
        rows = await self._unit.run(name, **parameters)
        self.num_rows += sum(len(page[-1]) for row in rows for page in row.get("pages", ()))
        return rows


def within(**changes: Any) -> NeighborhoodQuery:
    """A step in all directions, with some changes."""
    usual: dict[str, Any] = {"depth": 1, "kinds": RELATIONSHIP_TYPES, "goes_out": True, "goes_in": True, "limit": 10}
    return NeighborhoodQuery(**usual | changes)


async def look(database: Database, start: str = "HUB", **changes: Any) -> Node | None:
    """A claim's neighbourhood."""
    return await database.read(lambda unit: find_neighborhood(unit, "Claim", start, within(**changes), ID))


async def count_rows(database: Database, subject: str, start: str, query: NeighborhoodQuery) -> tuple[Node, int]:
    """A neighbourhood, and the number of rows read for it."""

    async def read(unit: Unit) -> tuple[Node, int]:
        counting = CountingUnit(unit)
        found = await find_neighborhood(counting, subject, start, query, ID)
        assert found is not None
        return found, counting.num_rows

    return await database.read(read)


def ids(found: Mapping[str, Any]) -> list[str]:
    """The ids of its nodes, in order."""
    return [node["id"] for node in found["nodes"]]


def identities(found: Mapping[str, Any]) -> list[Identity]:
    """Its nodes by subject and id, in order."""
    return [(node[TYPE], source_id(node)) for node in found["nodes"]]


def edges_of(found: Mapping[str, Any]) -> set[Edge]:
    """Its edges, each of which occurs once."""
    edges = [(edge["kind"], edge["from"], edge["to"]) for edge in found["edges"]]
    assert len(edges) == len(set(edges))
    return set(edges)


def ends(found: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The ids of the ends of its edges."""
    return {(start[1], end[1]) for _, start, end in edges_of(found)}


@pytest.fixture
async def around(database: Database) -> Database:
    """The database with a hub's graph."""
    await import_once(database, around_a_hub())
    return database


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """A killer of many, and a predictor of as many."""
    await empty(migrated_database)
    await import_once(migrated_database, hub_bundle())
    yield migrated_database
    await empty(migrated_database)


@statements
async def test_an_edge_seen_from_both_ends_occurs_once(around: Database) -> None:
    """Every influence of the graph, each from parent to child, whichever end was reached first."""
    found = await look(around, depth=2, kinds=("PREREQUISITE_OF",))

    assert found is not None
    assert sorted(ids(found)) == ["A", "B", "C", "HUB", "UP"]
    assert ends(found) == set(INFLUENCES)
    assert not found["is_truncated"]


@statements
@pytest.mark.parametrize(
    ("goes_out", "goes_in", "reached"),
    [(True, False, {"A", "B", "C"}), (False, True, {"UP"}), (True, True, {"A", "B", "C", "UP"}), (False, False, set())],
)
async def test_only_the_ways_that_were_asked_for_are_followed(
    around: Database, *, goes_out: bool, goes_in: bool, reached: set[str]
) -> None:
    """One step from the hub."""
    found = await look(around, goes_out=goes_out, goes_in=goes_in)

    assert found is not None
    assert set(ids(found)) == {"HUB"} | reached


@statements
async def test_other_kinds_are_left_out(around: Database) -> None:
    """The predictor is one step from A by MADE, and no claim is."""
    found = await look(around, "A", kinds=("MADE",), depth=3)

    assert found is not None
    assert ids(found) == ["A", "ada"]
    assert [edge["kind"] for edge in found["edges"]] == ["MADE"]
    assert ends(found) == {("ada", "A")}


@statements
@pytest.mark.parametrize("limit", range(1, 7))
async def test_a_limit_counts_the_start_and_is_admitted(around: Database, limit: int) -> None:
    """Five claims lie within a step; with fewer the first of them are kept, and no edge leads to one left out."""
    whole = await look(around, kinds=("PREREQUISITE_OF",))
    found = await look(around, kinds=("PREREQUISITE_OF",), limit=limit)

    assert whole is not None
    assert found is not None
    assert ids(found) == ids(whole)[:limit]
    assert found["is_truncated"] is (limit < 5)
    assert {end for pair in ends(found) for end in pair} <= set(ids(found))


@statements
async def test_an_unknown_start_has_no_neighborhood(around: Database) -> None:
    """None, which is not an empty neighbourhood; nor is a node of another subject the one that was asked for."""
    assert await look(around, "NOWHERE") is None
    for subject, key in (("Scenario", "HUB"), ("Ticker", "NOWHERE"), ("Domain", "ada")):
        assert (
            await around.read(partial(find_neighborhood, subject=subject, node_id=key, query=within(), plan=ID)) is None
        )


@statements
@pytest.mark.parametrize("seed", range(3))
async def test_a_neighborhood_equals_a_walk_over_the_whole_graph(database: Database, seed: int) -> None:
    """Nodes in order, edges and truncation, whatever the start, the depth, the kinds, the direction and the limit."""
    rng = np.random.default_rng(seed)
    await import_bundle(database, random_bundle(rng))
    graph = await WholeGraph.load(database)
    starts = sorted(graph.nodes)
    num_truncated = 0
    for _ in range(60):
        start = starts[rng.integers(len(starts))]
        goes_out = bool(rng.random() < 0.8)
        some = tuple(kind for kind in RELATIONSHIP_TYPES if rng.random() < 0.5)
        query = within(
            depth=int(rng.integers(1, 5)),
            limit=int(rng.choice([1, 2, 3, 5, 8, 13, 30, 100, 500])),
            kinds=some if rng.random() < 0.4 else RELATIONSHIP_TYPES,
            goes_out=goes_out,
            goes_in=not goes_out or bool(rng.random() < 0.8),
        )
        found, _ = await count_rows(database, *start, query)
        nodes, edges, is_truncated = graph.walk(start, query)

        assert (identities(found), edges_of(found), found["is_truncated"]) == (nodes, edges, is_truncated), query
        for edge in found["edges"]:
            stored = graph.edges[edge["kind"], edge["from"], edge["to"]]
            figures = ("p_if_true", "p_if_false", "lag_days", "relevance", "impact")
            assert [edge[name] for name in figures] == [stored.get(name) for name in figures]
        num_truncated += is_truncated
    assert 10 < num_truncated < 50


@statements
async def test_the_best_edges_of_a_hub_come_first(hub: Database) -> None:
    """Those that move their child the most, and as many as there is room for."""
    found = await look(hub, "TK_HUB", limit=21)
    implied = 0.1 * 0.05 + 0.9 * 0.45
    sizes = {f"P_{n:05d}": abs(implied - (0.2 + 0.6 * n / NUM_CHILDREN)) for n in range(NUM_CHILDREN)}

    assert found is not None
    assert found["is_truncated"]
    assert ids(found) == ["TK_HUB", *sorted(sizes, key=lambda key: (-sizes[key], key))[:20]]


@statements
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("start", [("Claim", "TK_HUB"), ("Claim", "P_00007"), ("Predictor", "ada")])
async def test_the_rows_read_follow_the_nodes_shown(hub: Database, start: Identity, depth: int) -> None:
    """At most one and a half for each, however many edges the nodes have."""
    for limit in (30, 100, 200, 500):
        found, num_rows = await count_rows(hub, *start, within(depth=depth, limit=limit))
        num_nodes = len(found["nodes"])

        assert num_nodes == limit or depth == 1
        assert num_rows <= 1.5 * max(num_nodes, 4)


@statements
async def test_the_database_reads_no_more_of_a_hub_than_is_shown(hub: Database) -> None:
    """The edges of each type are read from an index, in order."""
    requests = {
        "sources": [{"id": "TK_HUB", "subject": "Claim", "place": 0}],
        "outgoing": list(RELATIONSHIP_TYPES),
        "incoming": list(RELATIONSHIP_TYPES),
        "places": {"Claim": {}, "Predictor": {}, "Ticker": {}},
        "skip": 0,
        "share": 21,
        "reach": 21,
        "properties": ["id"],
        "own": ["id"],
    }
    num_rows, hits = await profile(hub, "reading/list_neighbors_of_claims", requests=requests)

    assert num_rows == 1
    assert hits < 20 * 21


@statements
async def test_a_small_neighborhood_is_whole_unless_its_edges_are_too_many(database: Database) -> None:
    """Ninety-one edges among fourteen claims are shown; of a hundred and twenty, as many as are allowed."""
    await import_bundle(database, dense_bundle(16))
    found = await look(database, "P_00", depth=2, limit=20)

    assert found is not None
    assert len(found["nodes"]) == 16
    assert len(found["edges"]) == MIN_EDGES
    assert found["is_truncated"]

    await empty(database)
    await import_bundle(database, dense_bundle(14))
    found = await look(database, "P_00", depth=2, limit=20)

    assert found is not None
    assert (len(found["nodes"]), len(found["edges"])) == (14, 91)
    assert not found["is_truncated"]


async def test_a_path_names_its_claims_and_the_edges_between_them() -> None:
    """What the statement finds, with the claims that it only gives the ids of; each is read once."""
    graph = FakeGraph({key: ("Prediction", {}) for key in ("UP", "HUB", "A")}, {})
    edges = [
        {"kind": "PREREQUISITE_OF", "parent_id": parent, "child_id": child, "p_if_true": 0.9}
        for parent, child in (("UP", "HUB"), ("HUB", "A"))
    ]
    rows = [{"ids": ["UP", "HUB", "A"], "edges": edges, "num_steps": 2}]

    class Paths(FakeUnit):
        async def run(self, name: str, /, **parameters: object) -> list[dict[str, Any]]:
            return rows if name == "reading/find_paths" else await graph.run(name, **parameters)

    (path,) = await find_paths(Paths({}), "UP", "A", max_length=4, limit=5, plan=NodePlan(properties=("id",)))

    assert [claim["id"] for claim in path["claims"]] == ["UP", "HUB", "A"]
    assert [(edge["from"][1], edge["to"][1]) for edge in path["edges"]] == [("UP", "HUB"), ("HUB", "A")]
    assert [edge["p_if_true"] for edge in path["edges"]] == [0.9, 0.9]
    assert path["num_steps"] == 2
