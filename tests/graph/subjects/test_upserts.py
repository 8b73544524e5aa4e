"""Upserts that are refused before anything is written, over a graph in memory."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.errors import (
    ConflictError,
    CycleError,
    DuplicateError,
    FutureObservationError,
    HistoryError,
    InvalidError,
    NotFoundError,
    RefusedError,
    RefusedItemsError,
)
from graph.model.properties import to_properties
from graph.model.rows import Validation
from graph.model.subjects import CLAIM_LISTS, ROW_LISTS, references_of
from graph.subjects.upserts import LATEST_DAY_OFFSET, Change, add_validation, observations_of, upsert
from tests.helpers.bundles import bundle, claim, event, killing, prediction
from tests.helpers.fake_database import FakeDatabase
from tests.helpers.fake_unit import Answer, FakeGraph

Nodes = Mapping[str, tuple[str, Mapping[str, Any]]]
READS = {
    "database/open_receipts",
    "database/lock_graph",
    "ledger/lock_claims",
    "outcomes/list_milestone_owners",
    "reading/get_nodes",
    "subjects/count_claim_dependents",
    "subjects/count_milestone_dependents",
    "subjects/find_influence_path",
    "subjects/list_validations_of_day",
}


def stored(**lists: Any) -> Nodes:
    """The nodes of a bundle's rows."""
    rows = [row for name in lists for row in bundle(**lists).rows()[name]]
    return {row.id: (type(row).__name__, to_properties(row)) for row in rows}  # type: ignore[attr-defined] # claims and milestones have ids


def graph(nodes: Nodes | None = None, answers: Mapping[str, Answer] | None = None) -> FakeGraph:
    """A graph of some nodes, in which nobody waits for a lock."""
    reading: dict[str, Answer] = {
        "database/open_receipts": lambda **_: [{"known": []}],
        "database/lock_graph": list,
        "ledger/lock_claims": lambda ids: [],
        "network/list_influences_between": lambda pairs: [{"rows": []}],
        "network/list_exposures_between": lambda pairs: [{"rows": []}],
        "outcomes/list_milestone_owners": lambda ids: [{"prediction_ids": []}],
    }
    return FakeGraph(nodes or {}, {}, {**reading, **(answers or {})})


async def refused(unit: FakeGraph, name: str, values: Mapping[str, Any]) -> list[RefusedError]:
    """The refusals of an upsert, before which nothing was written."""
    with pytest.raises(RefusedError) as caught:
        await upsert(FakeDatabase(unit).database, Change(name, values))
    assert set(unit.names) <= READS
    return list(caught.value.refusals) if isinstance(caught.value, RefusedItemsError) else [caught.value]


def paths(refusals: Iterable[RefusedError]) -> list[str | None]:
    """Where each refusal points."""
    return [refusal.path for refusal in refusals]


REFERENCES = [(name, reference.property) for name, listed in ROW_LISTS.items() for reference in references_of(listed)]


@pytest.mark.parametrize(("name", "property_name"), REFERENCES)
async def test_a_node_that_is_named_must_be_there(name: str, property_name: str) -> None:
    """Each reference that a row declares is checked, and pointed at."""
    listed = ROW_LISTS[name]
    keys = dict.fromkeys(listed.key, "x")
    (refusal,) = [
        refusal
        for refusal in await refused(graph(), name, {**keys, property_name: "nobody"})
        if refusal.path == f"input.{property_name}"
    ]

    assert isinstance(refusal, NotFoundError)
    assert "has the id 'nobody'; add it first" in refusal.message


async def test_all_nodes_that_are_not_there_are_told_at_once() -> None:
    """A client need not ask as often as it is wrong."""
    values = prediction(predictor_id="ada", domain_id="chips", episode_id=None)

    refusals = await refused(graph(), "predictions", values)

    assert {refusal.path: type(refusal) for refusal in refusals} == {
        "input.domain_id": NotFoundError,
        "input.predictor_id": NotFoundError,
    }


@pytest.mark.parametrize("name", CLAIM_LISTS)
@pytest.mark.parametrize("other", CLAIM_LISTS)
async def test_an_id_belongs_to_one_kind_of_claim(name: str, other: str) -> None:
    """All kinds share one space of ids."""
    if name == other:
        return
    (refusal,) = await refused(graph(stored(**{other: [claim("X")]})), name, claim("X"))

    assert isinstance(refusal, ConflictError)
    assert (refusal.path, refusal.message) == ("input.id", f"'X' is a {ROW_LISTS[other].label}; choose another id")  # type: ignore[union-attr] # claims are nodes


async def test_a_row_is_checked_as_it_would_be_stored() -> None:
    """Together with what is stored already: each part alone would be right."""
    first, second, third = (f"2026-0{month}-01T00:00:00Z" for month in (5, 6, 7))
    bundle(scenarios=[claim("S", window_start=first, window_end=second)])  # the end is right after another start
    nodes = stored(scenarios=[claim("S", window_start=second, window_end=third)])

    (refusal,) = await refused(graph(nodes), "scenarios", {"id": "S", "window_end": second})

    assert isinstance(refusal, InvalidError)
    assert "window_start" in refusal.message


async def test_all_rules_that_a_row_breaks_are_told_at_once() -> None:
    """Each at its property."""
    refusals = await refused(graph(), "scenarios", claim("S", 1.5, title=""))

    assert sorted(map(str, paths(refusals))) == ["input.stated_probability", "input.title"]
    assert {type(refusal) for refusal in refusals} == {InvalidError}


RESOLVED = {"status": "RESOLVED_TRUE", "resolved_at": "2026-05-01T00:00:00Z"}
ANNULLED = {"status": "ANNULLED", "resolved_at": "2026-05-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("state", "num_evidence", "change", "expected"),
    [
        ({}, 1, {"stated_probability": 0.6}, {"input.stated_probability": "has 1 ledger row; submit evidence"}),
        ({}, 3, {"stated_probability": None}, {"input.stated_probability": "has 3 ledger rows"}),
        (RESOLVED, 0, {"stated_probability": 0.6}, {"input.stated_probability": "is resolved; reopen it first"}),
        (RESOLVED, 2, {"stated_probability": 0.6}, {"input.stated_probability": "has 2 ledger rows; submit evidence"}),
        (RESOLVED, 0, {"predictor_id": "bob"}, {"input.predictor_id": "from 'ada' to 'bob'"}),
        (ANNULLED, 0, {"predictor_id": None}, {"input.predictor_id": "from 'ada' to None"}),
        (
            RESOLVED,
            0,
            {"predictor_id": "bob", "stated_probability": 0.6},
            {"input.stated_probability": "is resolved", "input.predictor_id": "is RESOLVED_TRUE; reopen it first"},
        ),
    ],
)
async def test_a_claim_keeps_what_its_history_was_made_from(
    state: dict[str, Any], num_evidence: int, change: dict[str, Any], expected: dict[str, str]
) -> None:
    """Ledgers begin at the stated probability, records count by predictor; the refusal says what to do instead."""
    nodes = stored(
        predictors=[{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}],
        predictions=[prediction(predictor_id="ada", **state)],
    )
    unit = graph(nodes, {"subjects/count_claim_dependents": lambda **_: [{"evidence": num_evidence}]})

    refusals = await refused(unit, "predictions", {"id": "P_1", **change})

    assert {type(refusal) for refusal in refusals} == {HistoryError}
    assert paths(refusals) == list(expected)
    for refusal, words in zip(refusals, expected.values(), strict=True):
        assert words in refusal.message


UNTOUCHED: dict[str, Any] = {"observed_date": None, "status": "PENDING", "miss_emitted_at": None}


@pytest.mark.parametrize(
    ("changes", "num_evidence", "words"),
    [
        ({}, 0, ""),
        ({"status": "HIT", "observed_date": "2026-06-01"}, 0, "was observed (HIT)"),
        ({"status": "MISSED"}, 0, "was observed (MISSED)"),
        ({"miss_emitted_at": "2026-06-01T00:00:00Z"}, 0, "has a ledger row for its miss"),
        ({"miss_emitted_at": "2026-06-01T00:00:00Z"}, 1, "has 1 ledger row"),
        ({"status": "MISSED"}, 2, "was observed (MISSED) and has 2 ledger rows"),
    ],
)
@pytest.mark.parametrize("changed", [{"prediction_id": "P_2"}, {"kind": "RESEARCHED"}])
async def test_a_milestone_stays_where_and_what_it_was_observed_as(
    changes: dict[str, Any], num_evidence: int, words: str, changed: dict[str, str]
) -> None:
    """Its observation counted for one prediction, as one kind."""
    found = {"milestone": {**UNTOUCHED, **changes}, "evidence": num_evidence}
    assert observations_of(found) == words
    if not words:
        return
    nodes = stored(predictions=[prediction(), prediction("P_2")], milestones=[event()])
    unit = graph(nodes, {"subjects/count_milestone_dependents": lambda ids: [found]})

    (refusal,) = await refused(unit, "milestones", {"id": "P_1:event", **changed})

    assert isinstance(refusal, HistoryError)
    assert refusal.path == f"input.{next(iter(changed))}"
    assert f"since it {words}; add another milestone instead" in refusal.message


async def test_a_cycle_is_told_with_all_its_claims() -> None:
    """From the parent and back to it, as the influences point."""
    nodes = stored(predictions=[prediction(), prediction("P_2"), prediction("P_3")])
    asked: list[tuple[str, str]] = []

    def find(from_id: str, to_id: str) -> list[dict[str, Any]]:
        asked.append((from_id, to_id))
        return [{"ids": ["P_2", "P_3", "P_1"]}]

    unit = graph(nodes, {"subjects/find_influence_path": find, "get/influences": lambda **_: []})
    with pytest.raises(CycleError, match="P_1 → P_2 → P_3 → P_1; remove one of them") as caught:
        await upsert(FakeDatabase(unit).database, Change("influences", killing("P_1", "P_2")))

    assert caught.value.cycle == ["P_1", "P_2", "P_3", "P_1"]
    assert asked == [("P_2", "P_1")]
    assert set(unit.names) <= {*READS, "get/influences"}


async def test_locks_are_taken_before_anything_is_read() -> None:
    """The graph's, then the claims', as imports take them, so that two writers do not wait for each other."""
    owners = {"prediction_ids": ["P_9", "P_2"]}
    unit = graph(answers={"outcomes/list_milestone_owners": lambda ids: [owners]})
    await refused(unit, "milestones", event("P_5"))

    assert unit.names == [
        "database/open_receipts",
        "database/lock_graph",
        "outcomes/list_milestone_owners",
        "ledger/lock_claims",
        "reading/get_nodes",
    ]
    assert dict(unit.calls)["ledger/lock_claims"] == {"ids": ["P_2", "P_5", "P_9"]}


LOOK = {"prediction_id": "P_1", "observed_at": "2026-03-01", "status": "partial", "by": "Ada"}


async def test_an_assessment_counts_once() -> None:
    """Whatever its id; another word of it is another assessment."""
    nodes = stored(predictions=[prediction()])
    same, other = (
        {"properties": to_properties(Validation.model_validate({"id": row_id, **LOOK, "status": status}))}
        for row_id, status in (("V_same", "partial"), ("V_other", "on track"))
    )
    unit = graph(nodes, {"subjects/list_validations_of_day": lambda low, high: [other, same]})

    with pytest.raises(DuplicateError) as caught:
        await add_validation(FakeDatabase(unit).database, LOOK)

    assert (caught.value.existing_key, caught.value.path) == ("V_same", "input")
    assert set(unit.names) <= READS


async def test_a_day_that_has_come_nowhere_is_refused() -> None:
    """A local day may be ahead of the UTC day, by fourteen hours at most; a day more is the future everywhere."""
    ahead = (datetime.now(UTC) + LATEST_DAY_OFFSET).date() + timedelta(days=1)
    unit = graph(stored(predictions=[prediction()]))

    with pytest.raises(FutureObservationError, match=f"the day {ahead} lies in the future") as caught:
        await add_validation(FakeDatabase(unit).database, {**LOOK, "observed_at": ahead.isoformat()}, path="input[2]")

    assert caught.value.path == "input[2].observed_at"
    assert unit.names == ["database/open_receipts", "database/lock_graph"]


async def test_a_malformed_key_is_refused_before_the_database_is_asked() -> None:
    """A client that retries with it could not be recognised."""
    unit = graph()

    with pytest.raises(InvalidError) as caught:
        await upsert(FakeDatabase(unit).database, Change("domains", {"id": "chips"}), idempotency_key="")

    assert caught.value.path == "idempotency_key"
    assert unit.calls == []
