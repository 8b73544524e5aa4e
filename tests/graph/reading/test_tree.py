"""Trees of nodes: pages, cursors and traversals, over a graph in memory."""

from typing import Any

import pytest

from graph.errors import InvalidError
from graph.model.relations import OUTGOING, PREDICTOR, PREDICTOR_PREDICTIONS
from graph.model.subjects import CLAIM_SUBJECTS
from graph.reading.tree import (
    MAX_LEVELS,
    TYPE,
    Follow,
    NodePlan,
    Traversal,
    connection,
    cursor_text,
    fill,
    node_dict,
    page_key,
    source_id,
)
from tests.helpers.fake_unit import FakeGraph

CLAIMS = frozenset(CLAIM_SUBJECTS)
ID = NodePlan(properties=("id",))
MADE_BY_ADA = [f"P_{number}" for number in range(5)]


def authors() -> FakeGraph:
    """One predictor's predictions, and one that nobody made."""
    nodes: dict[str, Any] = {key: ("Prediction", {}) for key in [*MADE_BY_ADA, "P_ALONE"]}
    nodes["ada"] = ("Predictor", {"name": "Ada"})
    related: dict[Any, Any] = {("predictor", key): [("", "ada", {})] for key in MADE_BY_ADA}
    related["predictor_predictions", "ada"] = [(key, key, {}) for key in MADE_BY_ADA]
    return FakeGraph(nodes, related)


def diamond() -> FakeGraph:
    """A leads to D by two ways of two steps and one of three; the lags differ."""
    lags = {("A", "B"): 1, ("A", "C"): 10, ("B", "D"): 2, ("C", "D"): 20, ("D", "E"): None, ("E", "A"): 5}
    related: dict[Any, Any] = {}
    for (parent, child), lag in lags.items():
        related.setdefault(("outgoing", parent), []).append((child, child, {"lag_days": lag}))
    return FakeGraph({key: ("Prediction", {}) for key in "ABCDEF"}, related)


def prediction(key: str) -> dict[str, Any]:
    """A prediction whose own properties have been read."""
    return node_dict("Prediction", {"id": key})


async def traverse(start: str, *, first: int = 10, num_steps: int = 3) -> Traversal:
    """Follow influences downstream."""
    node = prediction(start)
    downstream = Follow("cascades", OUTGOING, ID, CLAIMS, first=first, link=("lag_days",), num_steps=num_steps)
    await fill(diamond(), [node], NodePlan(follows=(downstream,)))
    found: Traversal = node["cascades"]
    return found


@pytest.mark.parametrize("num_rows", range(5))
def test_a_row_too_many_means_a_next_page(num_rows: int) -> None:
    """It is not shown itself, and the cursors are those of what is shown."""
    rows = [(f"c{number}", prediction(f"P_{number}")) for number in range(num_rows)]

    page = connection(rows, 3, has_previous=False)

    shown = rows[:3]
    assert [edge["node"]["id"] for edge in page["edges"]] == [node["id"] for _, node in shown]
    assert page["page_info"] == {
        "has_next_page": num_rows == 4,
        "has_previous_page": False,
        "start_cursor": "c0" if shown else None,
        "end_cursor": f"c{len(shown) - 1}" if shown else None,
    }


@pytest.mark.parametrize("key", ["", "a", "a:b", "P_1!2026-01-01T00:00:00.000000Z!m:1", "é"])
def test_a_cursor_gives_its_page_key_back(key: str) -> None:
    """Whatever is in the key, the mark between order and key included."""
    assert page_key("deadline", cursor_text("deadline", key)) == key


@pytest.mark.parametrize("cursor", ["probability:x", "deadlines:x", "deadline", ""])
def test_a_cursor_of_another_order_is_refused(cursor: str) -> None:
    """It would begin anywhere; the error names the argument."""
    with pytest.raises(InvalidError, match="this very connection") as refused:
        page_key("deadline", cursor, path="before")

    assert refused.value.path == "before"


def test_a_ticker_is_known_by_its_symbol() -> None:
    """All others have an id."""
    assert source_id(node_dict("Ticker", {"symbol": "NVDA"})) == "NVDA"
    assert source_id(prediction("P_1")) == "P_1"


@pytest.mark.parametrize("num_nodes", [1, 5])
async def test_a_level_takes_one_statement_whatever_its_size(num_nodes: int) -> None:
    """From predictions to their predictor, to the predictor's predictions, and back again."""
    again = Follow("predictor", PREDICTOR, NodePlan(("id", "name")), frozenset({"Prediction"}))
    predictions = Follow(
        "predictions", PREDICTOR_PREDICTIONS, NodePlan(("id",), (again,)), frozenset({"Predictor"}), first=2
    )
    plan = NodePlan(follows=(Follow("predictor", PREDICTOR, NodePlan(("id",), (predictions,)), CLAIMS),))
    nodes, unit = [prediction(key) for key in MADE_BY_ADA[:num_nodes]], authors()

    await fill(unit, nodes, plan)

    assert unit.names == ["reading/expand_claims", "reading/expand_nodes", "reading/expand_claims"]
    for node in nodes:
        page = node["predictor"]["predictions"]
        assert [edge["node"]["id"] for edge in page["edges"]] == ["P_0", "P_1"]
        assert page["edges"][0]["node"]["predictor"] == {"id": "ada", "name": "Ada", TYPE: "Predictor"}


async def test_a_relation_to_one_that_is_not_there_is_none() -> None:
    """And nodes of subjects that the plan does not name are left as they are."""
    alone, document = prediction("P_ALONE"), node_dict("Document", {"id": "doc"})
    plan = NodePlan(follows=(Follow("predictor", PREDICTOR, ID, frozenset({"Prediction"})),))

    await fill(authors(), [alone, document], plan)

    assert alone["predictor"] is None
    assert "predictor" not in document


@pytest.mark.parametrize("first", [1, 2, 3, 5])
async def test_pages_by_cursor_are_the_whole_list(first: int) -> None:
    """Each item once and in order; the total is of all pages, and only counted when it is asked for."""
    unit, items, after, totals = authors(), list[str](), None, set[int | None]()
    while True:
        ada = node_dict("Predictor", {"id": "ada"})
        listed = Follow(
            "predictions",
            PREDICTOR_PREDICTIONS,
            ID,
            frozenset({"Predictor"}),
            first=first,
            after=after,
            wants_total=after is None,
        )
        await fill(unit, [ada], NodePlan(follows=(listed,)))
        page = ada["predictions"]
        items += [edge["node"]["id"] for edge in page["edges"]]
        totals.add(page["total_count"])
        assert page["page_info"]["has_previous_page"] is (after is not None)
        if not page["page_info"]["has_next_page"]:
            break
        after = page["page_info"]["end_cursor"]

    assert items == MADE_BY_ADA
    assert totals <= {len(MADE_BY_ADA), None}
    assert unit.names.count("reading/count_related") == 1


async def test_a_traversal_reaches_each_claim_once_by_a_shortest_way() -> None:
    """The lags add up along the way by which a claim was reached first; a cycle does not lead back to the start."""
    found = await traverse("A")

    rows = [(row["claim"]["id"], row["depth"], row["lag_days"], row["via_id"]) for row in found.reached]
    assert rows == [("B", 1, 1, "A"), ("C", 1, 10, "A"), ("D", 2, 3, "B"), ("E", 3, 3, "D")]
    assert not found.is_truncated
    assert not found.is_leaf


async def test_a_traversal_stops_at_its_depth() -> None:
    """What lies further is no truncation: it was not asked for."""
    found = await traverse("A", num_steps=2)

    assert [row["claim"]["id"] for row in found.reached] == ["B", "C", "D"]
    assert not found.is_truncated


@pytest.mark.parametrize(("first", "is_truncated"), [(3, True), (4, False), (5, False)])
async def test_a_traversal_says_that_its_limit_left_something_out(first: int, *, is_truncated: bool) -> None:
    """Four claims lie downstream; the nearest are kept."""
    found = await traverse("A", first=first)

    assert [row["claim"]["id"] for row in found.reached] == list("BCDE")[:first]
    assert found.is_truncated is is_truncated


async def test_a_traversal_that_is_full_and_cut_short_asks_no_further() -> None:
    """Nothing that it could still read would change it: a hub costs one step, whatever the depth."""
    related: dict[Any, Any] = {("outgoing", "HUB"): [(f"P_{n}", f"P_{n}", {}) for n in range(5)]}
    related |= {("outgoing", f"P_{n}"): [("D", "D", {})] for n in range(5)}
    graph = FakeGraph({key: ("Prediction", {}) for key in ("HUB", "D", *(f"P_{n}" for n in range(5)))}, related)
    node = prediction("HUB")
    for first, num_statements in ((4, 1), (5, 2), (6, 3)):
        graph.calls.clear()
        downstream = Follow("cascades", OUTGOING, ID, CLAIMS, first=first, link=("lag_days",), num_steps=4)
        await fill(graph, [node], NodePlan(follows=(downstream,)))
        found: Traversal = node["cascades"]

        assert [row["claim"]["id"] for row in found.reached] == [*(f"P_{n}" for n in range(5)), "D"][:first]
        assert found.is_truncated is (first < 6)
        assert len(graph.calls) == num_statements


async def test_a_claim_without_influences_is_a_leaf() -> None:
    """Nothing is reached, and nothing is left out."""
    assert await traverse("F") == Traversal(reached=[], is_leaf=True, seen={"F"}, is_truncated=False)


async def test_a_plan_deeper_than_any_document_is_a_programming_error() -> None:
    """Such a plan would otherwise come back half filled."""
    related: Any = {("outgoing", "A"): [("", "A", {})]}
    plan = ID
    for _ in range(MAX_LEVELS + 1):
        plan = NodePlan(("id",), (Follow("next", OUTGOING, plan, CLAIMS),))

    with pytest.raises(AssertionError, match=f"at most {MAX_LEVELS} levels"):
        await fill(FakeGraph({"A": ("Prediction", {})}, related), [prediction("A")], plan)
