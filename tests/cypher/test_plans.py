"""Every statement's plan, as the live server makes it: cost follows the answer's size, not the graph's."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.database.statements import list_statements, statement
from graph.model.page_keys import bounds
from graph.model.relations import RELATIONS
from graph.model.subjects import NODE_LISTS
from graph.reading.following import GET_PARAMETERS, Request
from tests.helpers.shapes import first_of_each, without_names

pytestmark = pytest.mark.statements

# What a plan may begin with: rows handed in, an index, or a count that the store keeps.
INDEXED_LEAVES = {
    "Argument",
    "DirectedRelationshipIndexSeekByRange",
    "DirectedRelationshipUniqueIndexSeek",
    "DirectedRelationshipUniqueIndexSeek(Locking)",
    "MergeUniqueNode",
    "NodeCountFromCountStore",
    "NodeIndexSeek",
    "NodeIndexSeekByRange",
    "NodeUniqueIndexSeek",
    "RelationshipCountFromCountStore",
    "ShowTransactions",
    "NodeUniqueIndexSeek(Locking)",
    "NodeUniqueIndexSeekByRange",
    "ProcedureCall",
    "Projection",
    "Unwind",
}
FORBIDDEN = {
    "AllNodesScan",
    "CartesianProduct",
    "DirectedAllRelationshipsScan",
    "DirectedRelationshipIndexScan",
    "DirectedRelationshipTypeScan",
    "NodeByLabelScan",
    "NodeIndexScan",
    "UndirectedAllRelationshipsScan",
    "UndirectedRelationshipTypeScan",
    "UnionNodeByLabelsScan",
}
MOMENT = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)


def _requests() -> dict[str, list[dict[str, Any]]]:
    arguments = {"kinds": ["KILLS"], "signs": ["HARMS"], "hides_event": True}
    requests = (Request(relation, "a", 2, None, ("id",), (), arguments) for relation in RELATIONS)
    return {request.relation.name: [request.parameters(0)] for request in requests}


_LOW, _HIGH = bounds("a")
_TEXT = {"query": "word", "queries": ["word"], "many": 9, "text_characters": 9, "texts": ["title"]}
_ROW = {
    "id": "a",
    "index": 0,
    "row": {"id": "a", "claim_id": "a"},
    "derived": {"num_evidence": 1},
    "properties": {"num_evidence": 1},
    "predictor_id": "a",
    "milestone_id": "a",
    "idempotency_key": "a",
    "observation_key": "a!b",
    "cluster_low": "a!",
    "cluster_high": 'a"',
    "low": "a!",
    "anchor": "CLAIM!a",
    "high": 'a"',
    "as_of": MOMENT,
    "symbol": "A",
    "symbols": ["A"],
    "name": "a",
    "version": 1,
    "title": "a",
    "kind": "KILLS",
    "sign": "HARMS",
    "parent_id": "a",
    "child_id": "b",
    "prediction_id": "a",
    "claim_id": "a",
    "document_id": "a",
    "expected_date": date(2026, 5, 30),
    "recorded_at": MOMENT,
    "outgoing_key": "a|0|b",
    "incoming_key": "b|0|a",
}
# Any parameter that a statement may take; a name means the same everywhere.
PARAMETERS: Mapping[str, Any] = {
    "after": "",
    "owner": "a",
    "sees_all": False,
    "at": 1,
    "mark": "!",
    "until": '!2026"',
    "anchor": "none",
    "entry": "a:b",
    "from_id": "a",
    "id": "a",
    "by": "1",
    "grace_days": 7,
    "ids": ["a"],
    "keys": ["a"],
    "timeout_seconds": 60,
    "labels": ["Killer"],
    "limit": 2,
    "limits": {relation.name: 2 for relation in RELATIONS},
    "max_length": 2,
    "requests": _requests()
    | {name: [{"index": 0, "source": "a", "properties": []}] for name in GET_PARAMETERS.values()},
    "rows": [_ROW],
    "subject": "Killer",
    "to_id": "b",
    **{
        name: ["a"]
        for name in (
            "documents",
            "domains",
            "episodes",
            "milestones",
            "tickers",
            "predictions",
            "scenarios",
            "killers",
            "evidence",
            "validations",
            "portfolios",
            "claim_families",
            "propagation_runs",
            "exposures",
            "document_links",
            "forecasts",
        )
    },
    "parts": [{"claim_ids": ["a"]}],
    "events": [{"kind": "DUE", "due_ids": ["a"]}],
    "entry_ids": ["a"],
    "position": 1,
    "num_positions": 1,
    "floor": 1,
    "claims": [_ROW],
    "predictors": [_ROW],
    "items": [_ROW],
    "key": "a",
    "name": "a",
    "job": {"slot": "a"},
    "claim_ids": ["a"],
    "child_ids": ["a"],
    "rises": True,
    "moment": MOMENT,
    "as_of": MOMENT,
    "receipts": [{"key": "a", "properties": {"answer": "a"}}],
    "refused": ["b"],
    "kind": "KILLS",
    "sign": "HARMS",
    "symbol": "A",
    "symbols": ["A"],
    **dict.fromkeys(("parent_id", "child_id", "prediction_id", "document_id", "claim_id"), "a"),
    "ways": [{"number": 0, "query": "word", "level": None, "group": 0, "after": None}],
    "version": 1,
    "before": MOMENT,
    "statuses": ["DEAD"],
    "methods": ["LBP"],
    "converged": True,
    "schedules": ["a"],
    "from": MOMENT,
    "to": MOMENT,
    "reads_down": True,
    **dict.fromkeys(("low_at", "high_at"), MOMENT),
    **dict.fromkeys(("low_id", "high_id"), "a"),
    **dict.fromkeys(("held_from", "held_to", "recorded_from", "recorded_to"), MOMENT),
    "by_recording": True,
    "is_deleted": False,
    "held_at": MOMENT,
    "known_at": MOMENT,
    "status": "DEAD",
    "revision": 1,
    "revised_at": 1,
    "seconds": 0.1,
    "run_id": "a",
    "pairs": [["a", "b"]],
    "raising": ["BENEFITS"],
    "lowering": ["HARMS"],
    "marginals": [0.5],
    "kept": 2,
    "reference_classes": ["a"],
    "owners": ["a"],
    "children": ["a"],
    "ledgers": [_ROW],
    "row_ids": ["tickers:A"],
    "digest": "a",
    "is_restore": True,
    "rows_done": 1,
    "rows_in_all": 2,
    "low": _LOW,
    "high": _HIGH,
    "properties": ["id"],
    "pasts": [{"moment": MOMENT, "high": 'a"'}],
    "names": ["status"],
    "class_names": ["base_rate"],
    "setting": {"policy": "foregraph-2", "timing_short": 0.23, "timing_long": 0.44},
    "moments": ["1"],
    "row_names": ["id"],
    "row_moments": ["recorded_at"],
    "versions": ["a"],
    "asked": [{**_ROW, "by": "1", "known": "1"}],
    "nodes": [_ROW],
    "start": MOMENT,
    "end": MOMENT,
    "is_reconstructed": False,
    **_TEXT,
}
OWN_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "exposure/list_edge_versions": {
        "tickers": [{**_ROW, "symbol": "A"}],
        "start": MOMENT,
        "end": MOMENT,
        "names": ["relevances"],
    },
    "ledger/list_current": {"moments": ["resolved_at"]},
    "ledger/list_versions": {"moments": ["recorded_at"]},
    "ledger/list_derived": {"moments": ["resolved_at"]},
    "ledger/set_claim_moments": {"claims": [{"id": "a", "last_recorded_at": "2026-05-30", "setting_at": None}]},
    "record_versions/exposures": {"ids": ["BENEFITS|P|A"], "is_reconstructed": False},
    "network/list_changed": {"ids": {"claim_ids": ["a"], "child_ids": ["a"]}},
    "bundles/list_changed_rows": {
        "predictors": ["a"],
        "pasts": [_ROW],
        **{name: [_ROW] for name in ("exposures", "document_links", "forecasts")},
    },
    **{
        f"saved/{name}": {"properties": {"sealed_url": "a"}}
        for name in ("add_delivery", "set_delivery", "set_hook", "set_schedule")
    },
    **{f"saved/{name}": {"until": MOMENT} for name in ("claim_delivery",)},
    "saved/seal_addresses": {"rows": [{"kind": "QuerySchedule", "key": "a", "sealed_url": "a"}]},
    "bundles/set_moments": {
        listed.name: [{"key": "a", "created_at": None, "updated_at": None, "created_key": "a", "updated_key": "a"}]
        for listed in NODE_LISTS
        if listed.is_subject
    },
    "bundles/list_known": {"claims": ["a"], "predictors": ["a"]},
}

READ_ON: Mapping[str, str] = {
    "reading/search": statement("reading/search").partition("WITH way, level, group, score")[2]
}
"""The ends of statements that take rows in the order of an UNWIND, which is checked where they are read."""

OF_EACH_SHAPE = first_of_each({name: without_names(statement(name)) for name in list_statements()})
"""Statements that differ from each other in more than names, which are planned on every release."""

every_statement = pytest.mark.parametrize("name", list_statements())


def parameters_of(name: str) -> dict[str, Any]:
    """Plausible values for what a statement takes; one without is a failure, so that none goes unexplained."""
    names = set(re.findall(r"\$(\w+)", statement(name)))
    assert names <= set(PARAMETERS), f"say in this test what {sorted(names - set(PARAMETERS))} may be"
    return {parameter: PARAMETERS[parameter] for parameter in names} | dict(OWN_PARAMETERS.get(name, {}))


async def plan_of(database: Database, name: str) -> list[dict[str, Any]]:
    """The operators of a statement's plan."""
    async with database.open_session() as session:
        result = await session.run("EXPLAIN " + statement(name), parameters_of(name))
        summary = await result.consume()
    assert [status for status in summary.gql_status_objects if status.is_notification] == []
    assert summary.plan is not None
    return list(_operators(summary.plan))


def _operators(plan: Any) -> Iterator[dict[str, Any]]:
    children = plan.get("children", [])
    details = plan.get("args", {}).get("Details", "")
    yield {"name": plan["operatorType"].split("@")[0], "is_leaf": not children, "details": details}
    for child in children:
        yield from _operators(child)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in OF_EACH_SHAPE else [pytest.mark.one_release])
        for name in list_statements()
    ],
)
async def test_no_statement_scans_the_graph(migrated_database: Database, name: str) -> None:
    """Every anchor is indexed; a scan or a product of two would cost with the graph's size."""
    operators = await plan_of(migrated_database, name)

    assert [found for found in operators if found["name"] in FORBIDDEN] == []
    assert {found["name"] for found in operators if found["is_leaf"]} <= INDEXED_LEAVES


@every_statement
def test_every_statement_says_what_it_is_for(name: str) -> None:
    """A statement's file begins with a comment, which names its parameters."""
    comment = re.match(r"(?://[^\n]*\n)+", statement(name))

    assert comment, "expected a comment"
    taken = set(re.findall(r"\$(\w+)", statement(name)[comment.end() :]))
    if "Parameters as in" not in comment.group():
        told = set(re.findall(r"\$(\w+)", comment.group()))
        if "Each parameter is" not in comment.group():
            assert taken <= told, f"the comment says nothing of {sorted(taken - told)}"


@every_statement
def test_every_limit_has_an_order(name: str) -> None:
    """A page without an order is any page; one that reads on until it is full has the order of what it reads."""
    text = statement(name).removesuffix(READ_ON.get(name, ""))

    for before, _ in re.findall(r"((?:.*\n){1,3})\s*LIMIT (\S+)", text):
        assert "ORDER BY" in before


def test_who_raises_the_revision_notes_when() -> None:
    """What is kept by revision is told apart by the moment, where a graph begins anew or comes from a backup."""
    raising = [name for name in list_statements() if "SET graph.revision = " in statement(name)]

    assert raising
    assert [name for name in raising if "graph.revised_at = datetime.realtime()" not in statement(name)] == []


def test_who_raises_the_revision_notes_what_it_changed() -> None:
    """In the same words, so that no revision goes without a note, and as many notes stay wherever they come from."""
    raised = [statement(name).partition("SET graph.revision = ") for name in list_statements()]
    notes = [" ".join(rest.split()).partition("RETURN")[0] for _, found, rest in raised if found]

    assert len(notes) == 2
    assert len(set(notes)) == 1
    assert "change.claim_ids = $claim_ids, change.child_ids = $child_ids, change.row_ids = $row_ids" in notes[0]
