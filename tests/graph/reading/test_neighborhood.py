"""Neighbourhoods and paths over a graph in memory: each node and edge once, and truncation admitted."""

from collections.abc import Mapping
from typing import Any

import pytest

from graph.model.relations import RELATIONSHIP_TYPES
from graph.reading.neighborhood import NeighborhoodQuery, find_neighborhood, find_paths
from graph.reading.tree import Node, NodePlan
from tests.helpers.fake_unit import FakeGraph, FakeUnit

INFLUENCES = (("HUB", "A"), ("HUB", "B"), ("HUB", "C"), ("A", "B"), ("UP", "HUB"))
ID = NodePlan(properties=("id",))


def around_a_hub() -> FakeGraph:
    """One claim above a hub, three below it, two of which influence each other; a predictor made one."""
    nodes: dict[str, Any] = {key: ("Prediction", {}) for key in ("HUB", "A", "B", "C", "UP")}
    nodes["ada"] = ("Predictor", {})
    related: dict[Any, Any] = {("predictor", "A"): [("", "ada", {})]}
    for parent, child in INFLUENCES:
        link = {"kind": "PREREQUISITE_OF", "p_if_true": 0.9, "p_if_false": 0.1}
        related.setdefault(("outgoing", parent), []).append((child, child, link))
        related.setdefault(("incoming", child), []).append((parent, parent, link))
    return FakeGraph(nodes, related)


async def look(start: str = "HUB", **changes: Any) -> Node | None:
    """A neighbourhood of the hub's graph."""
    extent: dict[str, Any] = {
        "depth": 1,
        "kinds": RELATIONSHIP_TYPES,
        "goes_out": True,
        "goes_in": True,
        "limit": 10,
    }
    return await find_neighborhood(around_a_hub(), "Claim", start, NeighborhoodQuery(**extent | changes), ID)


def ids(found: Mapping[str, Any]) -> list[str]:
    """The ids of its nodes, in order."""
    return [node["id"] for node in found["nodes"]]


def ends(found: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The ends of its edges, each of which occurs once."""
    pairs = [(edge["from"][1], edge["to"][1]) for edge in found["edges"]]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


async def test_an_edge_seen_from_both_ends_occurs_once() -> None:
    """Every influence of the graph, each from parent to child, whichever end was reached first."""
    found = await look(depth=2, kinds=("PREREQUISITE_OF",))

    assert found is not None
    assert sorted(ids(found)) == ["A", "B", "C", "HUB", "UP"]
    assert ends(found) == set(INFLUENCES)
    assert not found["is_truncated"]


@pytest.mark.parametrize(
    ("goes_out", "goes_in", "reached"),
    [(True, False, {"A", "B", "C"}), (False, True, {"UP"}), (True, True, {"A", "B", "C", "UP"}), (False, False, set())],
)
async def test_only_the_ways_that_were_asked_for_are_followed(
    *, goes_out: bool, goes_in: bool, reached: set[str]
) -> None:
    """One step from the hub."""
    found = await look(goes_out=goes_out, goes_in=goes_in)

    assert found is not None
    assert set(ids(found)) == {"HUB"} | reached


async def test_other_kinds_are_left_out() -> None:
    """The predictor is one step from A by MADE, and no claim is."""
    found = await look("A", kinds=("MADE",), depth=3)

    assert found is not None
    assert ids(found) == ["A", "ada"]
    assert [edge["kind"] for edge in found["edges"]] == ["MADE"]
    assert ends(found) == {("ada", "A")}


@pytest.mark.parametrize("limit", range(1, 7))
async def test_a_limit_counts_the_start_and_is_admitted(limit: int) -> None:
    """Five claims lie within a step; with fewer the first of them are kept, and no edge leads to one left out."""
    whole = await look(kinds=("PREREQUISITE_OF",))
    found = await look(kinds=("PREREQUISITE_OF",), limit=limit)

    assert whole is not None
    assert found is not None
    assert ids(found) == ids(whole)[:limit]
    assert found["is_truncated"] is (limit < 5)
    assert {end for pair in ends(found) for end in pair} <= set(ids(found))


async def test_an_unknown_start_has_no_neighborhood() -> None:
    """None, which is not an empty neighbourhood."""
    assert await look("NOWHERE") is None


async def test_a_path_names_its_claims_and_the_edges_between_them() -> None:
    """What the statement finds, with the claims that it only gives the ids of; each is read once."""
    graph = around_a_hub()
    edges = [
        {"kind": "PREREQUISITE_OF", "parent_id": parent, "child_id": child, "p_if_true": 0.9}
        for parent, child in (("UP", "HUB"), ("HUB", "A"))
    ]
    rows = [{"ids": ["UP", "HUB", "A"], "edges": edges, "num_steps": 2}]

    class Paths(FakeUnit):
        async def run(self, name: str, /, **parameters: object) -> list[dict[str, Any]]:
            return rows if name == "reading/find_paths" else await graph.run(name, **parameters)

    (path,) = await find_paths(Paths({}), "UP", "A", max_length=4, limit=5, plan=ID)

    assert [claim["id"] for claim in path["claims"]] == ["UP", "HUB", "A"]
    assert [(edge["from"][1], edge["to"][1]) for edge in path["edges"]] == [("UP", "HUB"), ("HUB", "A")]
    assert [edge["p_if_true"] for edge in path["edges"]] == [0.9, 0.9]
    assert path["num_steps"] == 2
