"""Evidence by mutation: batches with keys and modes, and refusals that name every fault."""

import json
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from tests.helpers.asking import try_ask
from tests.helpers.bundles import bundle, prediction
from tests.helpers.copies import import_once
from tests.helpers.mutating import mutate
from tests.helpers.stored import everything

Json = dict[str, Any]
ITEMS = """... on EvidenceBatchRecorded { recordedCount replayedCount refusedCount isDryRun isReplayed
    recorded { evidence { key } claim { key } after { probability } }
    items { index idempotencyKey status recorded { evidence { key note } claim { key } after { probability } }
      refusals { __typename code message path
        ... on Duplicate { existingKey } ... on ClaimClosed { status resolvedAt } } } }"""


@pytest.fixture
async def graph(database: Database) -> Database:
    """An open prediction and one that is over."""
    over = prediction("P_2", status="ANNULLED", resolved_at="2026-02-01T00:00:00Z")
    await import_once(database, bundle(predictions=[prediction(), over], predictors=[{"id": "ada", "name": "Ada"}]))
    return database


def item(**change: Any) -> Json:
    """An item that would be fine but for a change."""
    return {"claim": "P_1", "direction": "FOR", "strength": "WEAK"} | change


async def submit(database: Database, *items: Json, mode: str | None = None, **options: Any) -> Json:
    """Submit a batch."""
    given: Json = {"items": list(items)} if mode is None else {"items": list(items), "mode": mode}
    return await mutate(database, "submitEvidenceBatch", given, ITEMS, **options)


async def test_each_item_has_its_answer_in_order(graph: Database) -> None:
    """What is recorded has its effect, what is refused all its faults, each a refusal of its own type."""
    seen = {"url": "https://example.org/a", "observedAt": "2026-03-01T00:00:00Z"}
    items = [
        item(idempotencyKey="a", note="first", **seen),
        item(claim="P_2"),
        item(confidence=2, predictor="nobody", likelihoodRatio=2),
        item(idempotencyKey="a", note="first", **seen),
        item(direction="AGAINST", **seen | {"url": "https://EXAMPLE.org/a#top"}),
    ]

    answer = await submit(graph, *items, mode="EACH")

    answers = answer["items"]
    assert (answer["recordedCount"], answer["replayedCount"], answer["refusedCount"]) == (1, 1, 3)
    assert [found["index"] for found in answers] == list(range(5))
    assert [found["idempotencyKey"] for found in answers] == ["a", None, None, "a", None]
    assert [found["status"] for found in answers] == ["RECORDED", "REFUSED", "REFUSED", "REPLAYED", "REFUSED"]
    assert answers[0]["recorded"]["evidence"]["note"] == "first"
    assert answers[3]["recorded"] == answers[0]["recorded"]
    assert [found["recorded"] for found in answers[1:3]] == [None, None]
    assert [found["evidence"]["key"] for found in answer["recorded"]] == [answers[0]["recorded"]["evidence"]["key"]] * 2
    (closed,), (duplicate,) = answers[1]["refusals"], answers[4]["refusals"]
    assert (closed["__typename"], closed["status"], closed["resolvedAt"]) == (
        "ClaimClosed", "ANNULLED", "2026-02-01T00:00:00Z",
    )  # fmt: skip
    assert (duplicate["__typename"], duplicate["existingKey"]) == (
        "Duplicate",
        answers[0]["recorded"]["evidence"]["key"],
    )
    assert sorted((fault["__typename"], fault["path"]) for fault in answers[2]["refusals"]) == [
        ("Invalid", ["input", "items", "2", "confidence"]),
        ("Invalid", ["input", "items", "2", "strength"]),
        ("NotFound", ["input", "items", "2", "predictor"]),
    ]


async def test_a_batch_is_refused_with_all_faults(graph: Database) -> None:
    """By the default mode nothing is recorded; the message is short however many they are."""
    before = await everything(graph)
    claims = ["P_404", "no such claim"] * 25
    items = [item(claim=claim, confidence=3, note=f"{number} {'x' * 9_000}") for number, claim in enumerate(claims)]

    answer = await submit(graph, *items)

    assert answer["__typename"] == "BatchRefused"
    assert len(answer["refusals"]) == 100
    assert {tuple(fault["path"]) for fault in answer["refusals"]} == {
        ("input", "items", str(number), name) for number in range(50) for name in ("claim", "confidence")
    }
    assert answer["message"].startswith("50 items with 100 faults refused, nothing was written: input.items[0].")
    assert len(answer["message"]) < 1_000
    assert await everything(graph) == before


async def test_one_item_with_several_faults_names_them_all(graph: Database) -> None:
    """Also where it comes alone."""
    answer = await mutate(graph, "submitEvidence", item(claim="P_2", predictor="nobody", confidence=7, note=""))

    assert answer["__typename"] == "BatchRefused"
    assert sorted(fault["path"] for fault in answer["refusals"]) == [
        ["input", name] for name in ("claim", "confidence", "note", "predictor")
    ]


async def test_the_key_of_a_single_item_may_stand_in_either_place(graph: Database) -> None:
    """Two that differ are refused, as nobody knows which one a retry will have."""
    selected = "... on EvidenceRecorded { isReplayed }"
    first = await mutate(graph, "submitEvidence", item(idempotencyKey="a"), selected)
    second = await mutate(graph, "submitEvidence", item(), selected, idempotencyKey="a")
    third = await mutate(graph, "submitEvidence", item(idempotencyKey="a"), selected, idempotencyKey="a")
    batch = await submit(graph, item(idempotencyKey="a"))
    other = await mutate(graph, "submitEvidence", item(idempotencyKey="b"), selected, idempotencyKey="a")

    assert [answer["isReplayed"] for answer in (first, second, third)] == [False, True, True]
    assert batch["replayedCount"] == 1
    assert (other["__typename"], other["path"]) == ("Invalid", ["input", "idempotencyKey"])


async def test_a_batch_is_replayed_as_it_was_answered(graph: Database) -> None:
    """Refusals included, though its item would be recorded now."""
    items = [item(), item(claim="P_3")]
    first = await submit(graph, *items, mode="EACH", idempotencyKey="batch")
    await import_bundle(graph, bundle(predictions=[prediction("P_3")]))
    again = await submit(graph, *items, mode="EACH", idempotencyKey="batch")
    other_mode = await submit(graph, *items, idempotencyKey="batch")

    assert (first["isReplayed"], again["isReplayed"]) == (False, True)
    assert again["items"] == first["items"]
    assert other_mode["__typename"] == "KeyReused"


async def test_a_dry_run_of_each_keeps_nothing(graph: Database) -> None:
    """Its counts are those of the real one."""
    before = await everything(graph)
    items = [item(idempotencyKey="a"), item(claim="P_404")]

    dry = await submit(graph, *items, mode="EACH", dryRun=True)
    assert await everything(graph) == before
    wet = await submit(graph, *items, mode="EACH")

    assert dry["isDryRun"]
    assert [found["status"] for found in dry["items"]] == [found["status"] for found in wet["items"]]
    assert dry["items"][0]["recorded"]["evidence"] is None


async def test_a_value_of_a_wrong_type_is_told_without_the_item(graph: Database) -> None:
    """Each with the item's place; an item's other fields, which may be long, are not repeated."""
    document = "mutation ($input: EvidenceBatchInput!) { submitEvidenceBatch(input: $input) { __typename } }"
    items = [{"direction": "FOR", "note": "secret " * 500}, item(observedAt="soon", url="ftp://" + "x" * 500)]

    answer = await try_ask(graph, document, input={"items": items})

    messages = [error["message"] for error in answer.errors]
    assert len(messages) == 3
    assert all(
        any(place in message for message in messages) for place in ("items[0]", "items[1].observedAt", "items[1].url")
    )
    assert "required field 'claim'" in json.dumps(messages)
    assert all(len(message) < 400 and message.count("secret") < 12 for message in messages)
