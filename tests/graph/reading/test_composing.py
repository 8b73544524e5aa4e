"""Composed statements: what shapes their texts, which words they have, and what their plans cost."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.model.lists import BY_NAME
from graph.model.relations import EVIDENCE, OUTGOING, RELATIONS, RELATIONSHIP_TYPES, Relation
from graph.model.subjects import CLAIM, CLAIM_SUBJECTS, NODE_LISTS
from graph.reading.anchors import Anchor, OneNode
from graph.reading.composing import Composed, NotComposableError
from graph.reading.lists import ListFilter, ListPage
from graph.reading.tree import Follow, NodePlan
from tests.helpers.database import empty
from tests.helpers.profiling import hub_bundle

UNINDEXED = {
    "AllNodesScan",
    "CartesianProduct",
    "DirectedRelationshipTypeScan",
    "Eager",
    "NodeByLabelScan",
    "NodeIndexScan",
    "Sort",
    "UndirectedRelationshipTypeScan",
}
MOMENT = datetime(2026, 5, 30, tzinfo=UTC)
KILLERS = ListPage(BY_NAME["killers"], ListFilter({}), BY_NAME["killers"].sort("key"), 5)


def following(relation: Relation, *, first: int = 2, node: NodePlan | None = None, **more: Any) -> NodePlan:
    """A plan that follows one relation from whatever it can start from."""
    arguments = {} if relation.types_argument is None else {relation.types_argument: list(relation.types)}
    follow = Follow(
        key="/key",
        relation=relation,
        node=node or NodePlan(properties=("id", "title")),
        subjects=frozenset(relation.starts),
        first=first,
        arguments=arguments | more.pop("arguments", {}),
        link=relation.properties,
        wants_total=relation.is_many,
        wants_cursor=True,
        **more,
    )
    return NodePlan(properties=("id", "title", "deadline"), follows=(follow,))


def compose(plan: NodePlan, subject: str, *, node_id: str = "a") -> Composed:
    """The statement that reads a plan from one node."""
    return OneNode(subject, node_id).compose(plan, wants_total=False)


async def operators_of(database: Database, composed: Composed, anchor: Anchor, *, profile: bool = False) -> Any:
    """The operators of a statement's plan; with their store accesses if it is run."""
    async with database.open_session() as session:
        text: Any = f"{'PROFILE' if profile else 'EXPLAIN'} {composed.text}"
        parameters = composed.parameters_for([anchor.parameters()], anchor.num_nodes)
        summary = await (await session.run(text, p=parameters)).consume()
    assert [status for status in summary.gql_status_objects if status.is_notification] == []
    plan: Any = summary.profile if profile else summary.plan
    return list(_operators(plan))


def _operators(plan: Any) -> Iterator[tuple[str, int]]:
    yield plan["operatorType"].split("@")[0], plan.get("dbHits", 0)
    for child in plan.get("children", []):
        yield from _operators(child)


names = st.lists(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), max_size=8)


@given(one=names, other=names, firsts=st.tuples(st.integers(1, 100), st.integers(1, 100)))
def test_no_text_depends_on_names_and_sizes(one: list[str], other: list[str], firsts: tuple[int, int]) -> None:
    """They are parameters, so that clients' selections of fields and pages share one plan of the database's."""
    texts = {
        compose(following(OUTGOING, first=first, node=NodePlan(properties=("id", *asked))), "Killer").text
        for asked, first in zip((one, other), firsts, strict=True)
    }

    assert len(texts) == 1


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_depends_on_cursors_and_moments(one: str, other: str) -> None:
    """Nothing that a client sends is in it."""
    texts = {
        compose(following(EVIDENCE, after=f"evidence:{key}", arguments={"until": MOMENT}), "Killer", node_id=key).text
        for key in (one, other)
    }

    assert len(texts) == 1


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)
def test_all_words_are_declared(relation: Relation) -> None:
    """Labels, types and properties are those of the closed tables; the rest are the composer's own."""
    text = compose(following(relation), relation.starts[0]).text

    labels = {listed.label for listed in NODE_LISTS} | {CLAIM}
    keys = {found.page_key for found in RELATIONS} | {"id", "symbol", "kind"}
    assert set(re.findall(r"\w:(\w+)", text)) <= labels | set(RELATIONSHIP_TYPES)
    assert set(re.findall(r"\[:(\w+)", text)) <= set(RELATIONSHIP_TYPES)
    assert set(re.findall(r"\b[nr]\d*\.(\w+)", text)) <= keys


def test_equal_rows_are_read_once() -> None:
    """Whatever keys select them, for as many as the largest page has and with the properties of both."""
    one, other = following(OUTGOING, first=2), following(OUTGOING, first=5, node=NodePlan(properties=("id", "text")))
    renamed = Follow(**{name: getattr(other.follows[0], name) for name in Follow.__slots__} | {"key": "/other"})
    composed = compose(NodePlan(follows=(*one.follows, renamed)), "Killer")

    assert composed.text.count("COLLECT") == 1
    assert [value for name, value in composed.parameters.items() if name.startswith("l")] == [6]
    assert ["id", "title", "text"] in composed.parameters.values()


def test_the_rows_of_a_record_are_bounded() -> None:
    """By the sizes of its pages, multiplied along each path; each reads a row more to tell whether there is a next."""
    below = following(OUTGOING, first=3)
    assert compose(following(OUTGOING, first=2), "Killer").max_rows == 1 + 3
    assert compose(following(OUTGOING, first=2, node=below), "Killer").max_rows == 1 + 3 + 3 * 4
    assert KILLERS.compose(below, wants_total=False).max_rows == 1 + 4
    assert KILLERS.num_nodes == 6


def test_what_is_too_large_is_not_composed() -> None:
    """Planning takes time with each operator, so very broad and deep selections are read level by level."""
    plan = NodePlan()
    for _ in range(8):
        plan = following(OUTGOING, node=plan)
    with pytest.raises(NotComposableError):
        compose(NodePlan(follows=plan.follows), "Killer")
    with pytest.raises(NotComposableError):
        compose(following(OUTGOING, num_steps=3), "Killer")
    with pytest.raises(NotComposableError):
        compose(following(OUTGOING, num_steps=2, first=100), "Killer")


@pytest.mark.statements
@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)
async def test_each_relation_is_followed_through_an_index(migrated_database: Database, relation: Relation) -> None:
    """Nothing is scanned, sorted or multiplied, from a node and from a node found below it."""
    composed = compose(following(relation), relation.starts[0])
    found = await operators_of(migrated_database, composed, OneNode(relation.starts[0], "a"))

    assert UNINDEXED.isdisjoint(name for name, _ in found)


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """A graph with a killer of very many, and one of few."""
    await empty(migrated_database)
    few = {"id": "TK_FEW", "title": "A shortage", "stated_probability": 0.1}
    kills = {"kind": "KILLS", "parent_id": "TK_FEW", "p_if_true": 0.05, "p_if_false": 0.45}
    children = [{**kills, "child_id": f"P_{number:05d}"} for number in range(30)]
    await import_bundle(migrated_database, hub_bundle(killers=[few], influences=children))
    yield migrated_database
    await empty(migrated_database)


@pytest.mark.statements
@pytest.mark.parametrize("num_steps", [0, 2], ids=["page", "walk"])
async def test_a_hub_costs_no_more(hub: Database, num_steps: int) -> None:
    """A page of a hub's 1,500 children and their number take as many store accesses as those of 30."""
    hits = {}
    for node_id in ("TK_HUB", "TK_FEW"):
        plan = following(OUTGOING, first=10, num_steps=num_steps)
        found = await operators_of(hub, compose(plan, "Killer"), OneNode("Killer", node_id), profile=True)
        hits[node_id] = sum(num for _, num in found)

    assert hits["TK_HUB"] <= hits["TK_FEW"] + 5
    assert hits["TK_FEW"] > 20


def test_subjects_have_codes_in_the_order_of_their_declaration() -> None:
    """The row of a claim says which of them it is."""
    layout = compose(NodePlan(), "Prediction").layout

    assert layout.subjects == CLAIM_SUBJECTS
    assert OneNode("Killer", "a").code == CLAIM_SUBJECTS.index("Killer")
    assert OneNode("Ticker", "a").code is None
