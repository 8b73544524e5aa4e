"""Deletions that are refused before anything is deleted, over a graph in memory."""

from collections.abc import Mapping
from typing import Any

import pytest

from graph.errors import ConflictError, HistoryError, NotFoundError, RefusedError, RefusedItemsError
from graph.model.kinds import ClaimStatus
from graph.model.properties import to_properties
from graph.model.subjects import CLAIM_SUBJECTS, SUBJECTS, list_of, noun_of
from graph.subjects.deletions import MAX_RELATIONSHIPS, delete_subject, remove_edge
from graph.subjects.upserts import Change
from tests.helpers.bundles import bundle, event, prediction
from tests.helpers.fake_database import FakeDatabase
from tests.helpers.fake_unit import Answer, FakeGraph

KEPT_FOR_EVER = ("Evidence", "Validation")
OTHERS = [name for name in SUBJECTS if name not in {*CLAIM_SUBJECTS, *KEPT_FOR_EVER, "Milestone"}]
UNTOUCHED: dict[str, Any] = {
    "status": "OPEN",
    **dict.fromkeys(("evidence", "validations", "observed_milestones", "influences", "exposures"), 0),
    **dict.fromkeys(("document_links", "forecasts"), 0),
}


def graph(answers: Mapping[str, Answer], *keys: str) -> FakeGraph:
    """A graph with predictions of these keys."""
    opened: dict[str, Answer] = {
        "database/open_receipts": lambda **_: [{"known": []}],
        "database/lock_graph": list,
        "database/close_receipts": lambda **_: [],
        "database/raise_revision": lambda **_: [],
        "ledger/lock_claims": lambda ids: [],
        "families/list_families": lambda **_: [],
    }
    return FakeGraph({key: ("Prediction", {}) for key in keys}, {}, {**opened, **answers})


async def delete(unit: FakeGraph, subject: str, key: str) -> Mapping[str, Any]:
    """The answer to a deletion."""
    return (await delete_subject(FakeDatabase(unit).database, subject, key, path="input.id")).payload


async def refused(unit: FakeGraph, subject: str, key: str) -> RefusedError:
    """The refusal of a deletion, before which nothing was deleted."""
    with pytest.raises(RefusedError) as caught:
        await delete(unit, subject, key)
    assert not [name for name in unit.names if "delete" in name or name == "database/close_receipts"]
    assert caught.value.path == "input.id"
    return caught.value


@pytest.mark.parametrize("subject", KEPT_FOR_EVER)
async def test_what_is_append_only_is_never_deleted(subject: str) -> None:
    """The database is not even asked."""
    unit = graph({})
    refusal = await refused(unit, subject, "x")

    assert isinstance(refusal, HistoryError)
    assert "append-only" in refusal.message
    assert unit.calls == []


@pytest.mark.parametrize("subject", CLAIM_SUBJECTS)
async def test_a_claim_that_is_not_there_is_told_by_kind(subject: str) -> None:
    """A claim of another kind under the same key is not what was meant."""
    unit = graph({}, *(["X"] if subject != "Prediction" else []))
    refusal = await refused(unit, subject, "X")

    assert isinstance(refusal, NotFoundError)
    assert refusal.message == f"no {noun_of(subject)} has the id 'X'"


@pytest.mark.parametrize("subject", OTHERS)
async def test_another_node_that_is_not_there_is_told_by_kind(subject: str) -> None:
    """Each kind is counted by a statement of its own."""
    unit = graph({f"count_dependents/{list_of(subject).name}": lambda **_: []})
    refusal = await refused(unit, subject, "X")

    assert isinstance(refusal, NotFoundError)
    assert refusal.message == f"no {noun_of(subject)} has the id 'X'"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"evidence": 1}, "it has 1 ledger row; annul it instead"),
        ({"evidence": 2}, "it has 2 ledger rows; annul it instead"),
        ({"validations": 1}, "it has 1 validation; annul it instead"),
        ({"observed_milestones": 3}, "it has 3 observed milestones; annul it instead"),
        ({"evidence": 1, "validations": 2}, "it has 1 ledger row and 2 validations; annul it instead"),
        ({"status": "RESOLVED_FALSE"}, "it has the status RESOLVED_FALSE; annul it instead"),
        ({"status": "ANNULLED"}, "it has the status ANNULLED"),
    ],
)
async def test_a_claim_with_history_is_kept(found: dict[str, Any], words: str) -> None:
    """All of its history is named; annulling is no advice for what is annulled already."""
    unit = graph({"subjects/count_claim_dependents": lambda **_: [{**UNTOUCHED, **found}]}, "P_1")
    refusal = await refused(unit, "Prediction", "P_1")

    assert isinstance(refusal, HistoryError)
    assert refusal.message == f"claim 'P_1' cannot be deleted, since {words}"


@pytest.mark.parametrize("status", set(ClaimStatus) - {ClaimStatus.OPEN})
async def test_only_open_claims_are_deleted(status: ClaimStatus) -> None:
    """Any other status is history."""
    unit = graph({"subjects/count_claim_dependents": lambda **_: [{**UNTOUCHED, "status": status.value}]}, "P_1")

    assert isinstance(await refused(unit, "Prediction", "P_1"), HistoryError)


async def test_a_claim_with_more_relationships_than_one_request_deletes_is_kept() -> None:
    """All kinds count together; one fewer is deleted, and told."""
    most = {"influences": MAX_RELATIONSHIPS - 7, "exposures": 4, "document_links": 3}
    deleted: list[str] = []

    def unit(counts: dict[str, int]) -> FakeGraph:
        answers: dict[str, Answer] = {
            "subjects/count_claim_dependents": lambda **_: [{**UNTOUCHED, "milestones": 2, **counts}],
            "outcomes/list_milestones": lambda **_: [{"rows": []}],
            "ledger/record_deletions": lambda **_: [],
            "subjects/delete_claim": lambda **given: [
                {"child_ids": deleted.append(given["id"]) or [], "exposure_ids": []}  # type: ignore[func-returns-value] # None
            ],
        }
        return graph(answers, "P_1")

    refusal = await refused(unit({**most, "exposures": 5}), "Prediction", "P_1")
    answer = await delete(unit(most), "Prediction", "P_1")

    assert isinstance(refusal, ConflictError)
    assert f"has {MAX_RELATIONSHIPS + 1} influences" in refusal.message
    assert deleted == ["P_1"]
    assert answer == {"subject": "Prediction", "id": "P_1", "milestones": 2, **most}


def chain(*rows: Mapping[str, Any], found: Mapping[str, Any] | None = None) -> FakeGraph:
    """A prediction's milestones, of which one has been found to be as told."""
    stored = [
        {name: value for name, value in to_properties(row).items() if value is not None}
        for row in bundle(predictions=[prediction()], milestones=rows).milestones
    ]
    untouched = {"observed_date": None, "status": "PENDING", "miss_emitted_at": None}
    counts = {"milestone": untouched, "evidence": 0, **(found or {})}
    return graph(
        {
            "outcomes/list_milestone_owners": lambda ids: [{"prediction_ids": ["P_1"] if stored else []}],
            "outcomes/list_milestones": lambda ids: [{"rows": stored}],
            "subjects/count_milestone_dependents": lambda ids: [counts],
        }
    )


CHECK_IN = {**event(day="2026-02-01"), "id": "P_1:c", "kind": "CHECK_IN"}


async def test_a_milestone_that_is_not_there_is_told() -> None:
    """Nobody owns it, so no claim is locked."""
    unit = chain()

    assert isinstance(await refused(unit, "Milestone", "P_1:c"), NotFoundError)
    assert "ledger/lock_claims" not in unit.names


async def test_a_check_in_goes_only_with_its_event() -> None:
    """An import would compute it again."""
    refusal = await refused(chain(event(), CHECK_IN), "Milestone", "P_1:c")

    assert isinstance(refusal, ConflictError)
    assert "delete the event, and its check-ins are deleted with it" in refusal.message


async def test_a_milestone_with_history_is_kept() -> None:
    """Its ledger rows would refer to nothing."""
    refusal = await refused(chain(event(), found={"evidence": 2}), "Milestone", "P_1:event")

    assert isinstance(refusal, HistoryError)
    assert refusal.message == "milestone 'P_1:event' cannot be deleted, since it has 2 ledger rows"


@pytest.mark.parametrize(
    ("subject", "counts", "words"),
    [
        ("Predictor", {"predictions": 2}, "by 2 predictions; let them name another, or none, first"),
        ("Predictor", {"predictions": 1, "evidence": 1}, "by 1 prediction and 1 ledger row; the ledger is append-only"),
        ("Domain", {"claims": 3}, "by 3 claims; let them name another, or none, first"),
        ("Document", {"document_links": 1}, "by 1 claim; unlink it from them first"),
        ("Ticker", {"exposures": 2}, "by 2 exposures; remove them first"),
    ],
)
async def test_a_node_that_is_referred_to_is_kept(subject: str, counts: dict[str, int], words: str) -> None:
    """By what, how often, and what to do first; what does not refer to it is not mentioned."""
    unit = graph({f"count_dependents/{list_of(subject).name}": lambda **_: [{**counts, "saved_queries": 0}]})
    refusal = await refused(unit, subject, "x")

    assert isinstance(refusal, HistoryError)
    assert f"{noun_of(subject)} 'x' is referred to {words}" in refusal.message


@pytest.mark.parametrize(
    ("nodes", "missing"),
    [
        (["P_1", "P_2"], []),
        (["P_1"], ["input.child_id"]),
        (["P_2"], ["input.parent_id"]),
        ([], ["input.parent_id", "input.child_id"]),
    ],
)
async def test_an_influence_that_is_not_there_is_told_with_the_ends_that_are_not(
    nodes: list[str], missing: list[str]
) -> None:
    """Without either end the mistake is in the id, else in the kind or the direction."""
    unit = graph({"remove/influences": lambda **_: [{"num_removed": 0}]}, *nodes)
    change = Change("influences", {"kind": "KILLS", "parent_id": "P_1", "child_id": "P_2"})

    with pytest.raises(RefusedError) as caught:
        await remove_edge(FakeDatabase(unit).database, change, "removeInfluence")

    refusals = caught.value.refusals if isinstance(caught.value, RefusedItemsError) else [caught.value]
    assert {type(refusal) for refusal in refusals} == {NotFoundError}
    assert [refusal.path for refusal in refusals] == (missing or ["input"])
    if not missing:
        assert refusals[0].message == "no influence has kind 'KILLS', parent_id 'P_1', child_id 'P_2'"
