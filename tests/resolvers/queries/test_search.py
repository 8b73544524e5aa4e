"""Search through the schema: its fields, and that every door that writes texts makes them found."""

import pytest

from graph.database.sessions import Database
from graph.model.subjects import SUBJECTS
from tests.helpers.asking import ask, ask_wrong
from tests.helpers.copies import import_once
from tests.helpers.mutating import Json, mutate
from tests.helpers.small_graph import small_graph

pytestmark = pytest.mark.statements

FOUND = """query ($text: String!, $subjects: [Subject!], $first: Int! = 20, $after: String) {
    search(text: $text, subjects: $subjects, first: $first, after: $after) {
        totalCount edges { cursor score snippet node { __typename key } } nodes { key }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture
async def graph(database: Database) -> Database:
    """The small graph, to write to."""
    await import_once(database, small_graph())
    return database


async def kinds_found(database: Database, text: str) -> list[str]:
    found = (await ask(database, FOUND, text=text)).data["search"]
    return [edge["node"]["__typename"] for edge in found["edges"]]


async def test_matches_have_scores_and_snippets(graph: Database) -> None:
    """Beside what every connection has."""
    found = (await ask(graph, FOUND, text="slow world")).data["search"]

    (edge,) = found["edges"]
    assert edge["node"] == {"__typename": "Scenario", "key": "S_1"}
    assert edge["snippet"] == "A <mark>slow</mark> <mark>world</mark>"
    assert 3 < edge["score"] < 4
    assert found["nodes"] == [{"key": "S_1"}]
    assert found["totalCount"] == 1
    assert found["pageInfo"]["startCursor"] == found["pageInfo"]["endCursor"] == edge["cursor"]


@pytest.mark.parametrize(
    "selection", ["totalCount", "totalCount nodes { __typename }", "edges { snippet }", "edges { score }"]
)
async def test_any_part_of_the_answer_can_be_selected_alone(graph: Database, selection: str) -> None:
    """Nothing else has to be read for it."""
    found = (await ask(graph, f'{{ search(text: "quantum") {{ {selection} }} }}')).data["search"]

    assert found.get("totalCount", 4) == len(found.get("edges", range(4))) == 4


async def test_pages_join_to_the_whole(graph: Database) -> None:
    """By cursors, across ways to match."""
    whole = (await ask(graph, FOUND, text="quantum")).data["search"]
    keys, after = [], None
    for _ in range(9):
        page = (await ask(graph, FOUND, text="quantum", first=1, after=after)).data["search"]
        keys += [node["key"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert keys == [node["key"] for node in whole["nodes"]]
    assert len(keys) == whole["totalCount"] == 4


TEXTS = {
    "Prediction": "quantum",
    "Scenario": "slow",
    "Killer": "lights",
    "Predictor": "ada",
    "ReferenceClass": "ship time",
    "Milestone": "milestone",
    "Evidence": "heard",
    "Validation": "partial",
    "Ticker": "nvda",
    "Document": "paper",
    "Episode": "first",
    "Domain": "space",
}


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_every_subject_can_be_searched(graph: Database, subject: str) -> None:
    """By a text of one of its nodes, and found alone where only its kind is asked."""
    await mutate(graph, "submitEvidence", {"claim": "P_01", "direction": "FOR", "strength": "WEAK", "note": "Heard it"})
    name = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in subject).lstrip("_").upper()

    found = (await ask(graph, FOUND, text=TEXTS[subject], subjects=[name])).data["search"]

    assert found["edges"]
    assert {edge["node"]["__typename"] for edge in found["edges"]} == {subject}


async def test_a_long_text_is_refused(graph: Database) -> None:
    """By name of the argument."""
    error = await ask_wrong(graph, FOUND, text="a" * 2_001)

    assert "at most 2000 characters, got 2001" in str(error)


WRITES: list[tuple[str, Json | None, Json, str]] = [
    ("submitEvidence", {"claim": "P_00", "direction": "FOR", "strength": "WEAK", "note": "Xylo heard"}, {}, "Evidence"),
    (
        "addValidation",
        {"prediction": "P_00", "observedOn": "2026-05-01", "finding": "on track", "note": "Xylo seen"},
        {},
        "Validation",
    ),
    ("recordMilestone", None, {"milestone": "P_00:m0", "outcome": "HIT", "note": "Xylo rang"}, "Milestone"),
    ("resolveClaim", None, {"claim": "P_05", "outcome": "TRUE", "note": "Xylo won"}, "Evidence"),
    ("annulClaim", None, {"claim": "P_04", "note": "Xylo void"}, "Evidence"),
    ("upsertPrediction", {"id": "P_03", "title": "Xylo rises"}, {}, "Prediction"),
    ("upsertScenario", {"id": "S_2", "title": "The fall of Xylo"}, {}, "Scenario"),
    ("upsertTicker", {"symbol": "XYLO"}, {}, "Ticker"),
    ("upsertDomain", {"id": "chips", "name": "Xylo"}, {}, "Domain"),
    ("upsertMilestone", {"id": "P_00:m1", "criterion": "Until Xylo says"}, {}, "Milestone"),
]


@pytest.mark.parametrize(
    ("name", "given", "options", "kind"), WRITES, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_what_a_mutation_writes_is_found(
    graph: Database, name: str, given: Json | None, options: Json, kind: str
) -> None:
    """At once, and no longer by what it has replaced."""
    if name == "resolveClaim":
        await mutate(graph, "reopenClaim", claim="P_05")
    assert await kinds_found(graph, "xylo") == []

    answer = await mutate(graph, name, given, **options)

    assert "code" not in answer, answer
    assert kind in await kinds_found(graph, "xylo")
    if name == "upsertPrediction":
        assert "P_03" not in [
            e["node"]["key"] for e in (await ask(graph, FOUND, text="number3")).data["search"]["edges"]
        ]


async def test_what_is_deleted_is_not_found(graph: Database) -> None:
    """Its words go with the node."""
    await mutate(graph, "deleteSubject", id="S_1", subject="SCENARIO")

    assert await kinds_found(graph, "slow world") == []
