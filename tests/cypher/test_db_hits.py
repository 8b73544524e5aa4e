"""
The cost of rendered statements: no more store accesses than that of the statements that were once written by hand.

`db_hits.json` holds the hits of the latter, by release and by the name of the statement that took their place; those of
`link/predictions` are of two statements together. Where a row has got properties since, theirs are added.
"""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.database.statements import list_rendered
from graph.model.properties import to_properties, with_moments_as_text
from graph.model.search_texts import SEARCHED_LISTS
from graph.model.subjects import EDGE_LISTS, NODE_LISTS, ROW_LISTS, NodeList, references_of
from graph.model.versions import EXPOSURE_VERSIONS, GRAPH_VERSIONS, VERSIONED, Versioned
from tests.helpers.bundles import event, evidence, family, portfolio
from tests.helpers.database import empty
from tests.helpers.profiling import hub_bundle, profile

# On the older release test_plans holds that each statement seeks; this file's graph takes a minute to be written there.
pytestmark = [pytest.mark.statements, pytest.mark.one_release]

RECORDED = Path(__file__).with_name("db_hits.json")
DAY, MOMENT, OTHER_MOMENT = "2026-05-30", "2026-05-30T22:15:00Z", "2026-06-30T22:15:00Z"
OWNER = "P_00000"
# A row of each kind beside the hub's.
ROWS: Mapping[str, list[dict[str, Any]]] = {
    "predictions": [
        {
            "id": "P_FULL",
            "title": "All that a prediction names",
            "predictor_id": "bob",
            "episode_id": "EP_1",
            "reference_class_id": "chips",
            "domain_id": "chips",
            "stated_probability": 0.5,
            "deadline": MOMENT,
        }
    ],
    "scenarios": [{"id": "S_1", "title": "A slow world", "stated_probability": 0.6, "domain_id": "chips"}],
    "killers": [{"id": "TK_1", "title": "A shortage", "domain_id": "chips"}],
    "predictors": [{"id": "bob", "name": "Bob"}, {"id": "alone", "name": "Nobody's"}],
    "reference_classes": [
        {"id": "chips", "description": "Chips that ship on time", "base_rate": 0.2},
        {"id": "alone", "description": "Of which there are none", "base_rate": 0.5},
    ],
    "milestones": [event("P_FULL", miss_emitted_at=MOMENT)],
    "evidence": [
        evidence(
            "E_1",
            "P_FULL",
            predictor_id="bob",
            document_id="doc",
            milestone_id="P_FULL:event",
            reference_class_id="chips",
        )
    ],
    "validations": [{"id": "V_1", "prediction_id": "P_FULL", "observed_at": DAY, "status": "partial"}],
    "tickers": [{"symbol": "NVDA", "name": "Nvidia"}, {"symbol": "ALONE"}],
    "documents": [{"id": "doc", "title": "A paper", "published_at": MOMENT}, {"id": "alone", "title": "Another"}],
    "episodes": [{"id": "EP_1", "title": "The first", "published_at": MOMENT}, {"id": "alone", "title": "The second"}],
    "domains": [{"id": "chips", "name": "Chips"}, {"id": "alone"}],
    "saved_queries": [{"name": "overdue", "version": 1, "statement": "RETURN 1"}],
    "portfolios": [portfolio("book", datetime.fromisoformat(MOMENT), {"NVDA": 2.0})],
    "claim_families": [family("outcomes", datetime.fromisoformat(MOMENT), "P_FULL", "S_1")],
    "propagation_runs": [
        {"id": "RUN_1", "method": "LBP", "started_at": MOMENT, "as_of": MOMENT, "revision": 1, "converged": True}
    ],
    "versions": [
        {
            "id": "REFERENCE_CLASS!gone!1777629600000000",
            "subject": "REFERENCE_CLASS",
            "subject_id": "gone",
            "number": 1,
            "valid_at": "2026-05-01T10:00:00Z",
            "recorded_at": "2026-05-01T10:00:00Z",
            "base_rate": 0.3,
        }
    ],
    "influences": [{"kind": "PREREQUISITE_OF", "parent_id": "P_FULL", "child_id": "S_1", "basis": "It says so"}],
    "exposures": [{"sign": "HARMS", "prediction_id": "P_FULL", "symbol": "NVDA", "impact": -0.2}],
    "document_links": [{"document_id": "doc", "claim_id": "P_FULL"}],
    "forecasts": [
        {
            "id": "F_1",
            "predictor_id": "bob",
            "claim_id": "P_FULL",
            "probability": 0.3,
            "stated_at": MOMENT,
            "recorded_at": MOMENT,
        }
    ],
}
_ENDS = {
    "influences": {"kind": "PREREQUISITE_OF", "parent_id": "P_FULL", "child_id": "S_1"},
    "exposures": {"sign": "HARMS", "prediction_id": "P_FULL", "symbol": "NVDA"},
    "document_links": {"document_id": "doc", "claim_id": "P_FULL"},
}
_NEW_EDGES = {
    "influences": {"kind": "CORRELATES_WITH", "parent_id": "TK_1", "child_id": "S_1", "outgoing_key": "TK_1|0|S_1"},
    "exposures": {"sign": "BENEFITS", "prediction_id": OWNER, "symbol": "NVDA", "prediction_key": f"{OWNER}|0|NVDA"},
    "document_links": {"document_id": "doc", "claim_id": "S_1", "claim_key": "S_1|0|doc", "document_key": "doc|0|S_1"},
    "forecasts": {"id": "F_2", "predictor_id": "bob", "claim_id": "S_1", "forecast_key": "S_1|0|F_2"},
}
_KEYS = {
    "predictors": "bob",
    "reference_classes": "chips",
    "tickers": "NVDA",
    "documents": "doc",
    "episodes": "EP_1",
    "domains": "chips",
}


def _node_rows(name: str) -> list[dict[str, Any]]:
    """
    A stored row as it is, then with one property after another changed, and a new one.

    A row is compared until a property differs, in whatever order a map has them; all of them together cost the same.
    """
    listed = next(listed for listed in NODE_LISTS if listed.name == name)
    properties = to_properties(listed.row.model_validate(ROWS[name][0]))
    rows = [with_moments_as_text(properties) if listed.is_bulk else properties]
    kept = {*listed.key, *(reference.property for reference in references_of(listed))}
    for field in rows[0]:
        if field not in kept:
            rows.append(rows[-1] | {field: OTHER_MOMENT if field in listed.text_moments else "other"})
    rows.append(rows[0] | {listed.key[0]: "new"})
    derived = {"num_evidence": 1, "last_recorded_at": MOMENT} if listed.is_claim else {"cluster_size": 1}
    return [{"row": row, "derived": derived} for row in rows] if listed.has_derived else rows


def _new_rows(name: str) -> list[dict[str, Any]]:
    """A new row like the stored one, and one of the key alone."""
    listed = next(listed for listed in NODE_LISTS if listed.name == name)
    properties = to_properties(listed.row.model_validate(ROWS[name][0]))
    row = {key: value for key, value in properties.items() if value is not None} | {"id": "new"}
    return [with_moments_as_text(row) if listed.is_bulk else row, {"id": "bare", "prediction_id": OWNER}]


def _edge_rows(name: str) -> list[dict[str, Any]]:
    same = to_properties(ROW_LISTS[name].row.model_validate(ROWS[name][0]))
    return [same, same | {"basis": "another"}, _NEW_EDGES[name]]


def _words(listed: NodeList) -> dict[str, Any]:
    properties = {"search_title": "other words", "search_text": None, "search_group": "kind"}
    return {"key": ROWS[listed.name][0][listed.key[0]], "properties": properties}


HITS_OF_STAMPS = 8
"""Accesses for the moments at which a row is created and updated, and the page keys by them: one more in 5.26."""

SUBJECT_LISTS = {listed.name for listed in NODE_LISTS if listed.is_subject}


def _recording(versioned: Versioned) -> dict[str, Any]:
    """What is recorded of a node that has no versions, and of one that has, unchanged."""
    ids = {"claims": ["P_FULL", "S_1"], "predictors": ["bob"], "reference_classes": ["chips"], "graph": ["graph"]}
    ids["exposures"] = ["HARMS|P_FULL|NVDA"]
    further = {"is_reconstructed": False} if versioned is EXPOSURE_VERSIONS else {}
    return further | {
        "ids": ids.get(versioned.name, ["P_FULL:event"]),
        "names": list(versioned.properties),
        "subject": versioned.subject.value,
        "at": 1777629600000000,
    }


NEW_PROPERTIES = (
    *("search_title", "search_text", "search_group", "created_at", "updated_at", "created_key", "updated_key"),
    *("posterior_7_days_ago", "posterior_30_days_ago", "change_7_key", "change_30_key", "marginal_key"),
    *("disagreement_key", "evidence_count_key", "last_evidence_key", "stated_key", "calendar_key", "recorded_key"),
    *("observed_key", "published_key", "brier_key", "kappa_key", "resolved_count_key", "versioned_at", "num_versions"),
    *("record_at", "status_key", "kind_key"),
)
"""What nodes have got since the hits were recorded."""

STATEMENTS: Mapping[str, Mapping[str, Any]] = {
    **{f"upsert/{listed.name}": {"rows": _node_rows(listed.name)} for listed in NODE_LISTS},
    **{f"upsert/{listed.name}": {"rows": _edge_rows(listed.name)} for listed in EDGE_LISTS},
    **{f"create/{listed.name}": {"rows": _new_rows(listed.name)} for listed in NODE_LISTS if listed.is_created},
    **{f"create/{listed.name}": {"rows": [_NEW_EDGES[listed.name]]} for listed in EDGE_LISTS},
    **{f"export/{name}": {"after": "", "limit": 1_000} for name in ROW_LISTS},
    **{f"count_dependents/{name}": {"id": key} for name, key in _KEYS.items()},
    **{f"delete/{name}": {"id": "ALONE" if name == "tickers" else "alone"} for name in _KEYS},
    **{f"get/{name}": _ENDS[name] for name in ("influences", "exposures")},
    **{f"remove/{name}": ends for name, ends in _ENDS.items()},
    **{f"set_search_words/{listed.name}": {"rows": [_words(listed)]} for listed in SEARCHED_LISTS},
    **{f"record_versions/{versioned.name}": _recording(versioned) for versioned in (*VERSIONED, GRAPH_VERSIONS)},
    "link/predictions": {"ids": ["P_FULL", OWNER]},
    "link/scenarios": {"ids": ["S_1"]},
    "link/killers": {"ids": ["TK_1", "TK_HUB"]},
    "link/evidence": {"ids": ["E_1"]},
    "bundles/list_known": {
        "claims": ["P_FULL", "S_1", "TK_HUB"],
        "predictors": ["ada"],
        "milestones": ["P_FULL:event"],
        "evidence": ["E_1"],
        **{name: [key] for name, key in _KEYS.items() if name != "predictors"},
    },
}


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """The cost tests' graph, and a row of each list beside it."""
    await empty(migrated_database)
    await import_bundle(migrated_database, hub_bundle(**ROWS))
    async with migrated_database.open_session() as session:  # plans go by what the database knows of its indexes
        # The hits were recorded when nodes had none of these, all of which an export reads.
        removed = ", ".join(f"n.{name}" for name in NEW_PROPERTIES)
        await (await session.run(f"MATCH (n) REMOVE {removed}")).consume()
        await (await session.run("MATCH (n:Killer|Scenario) REMOVE n.deadline_key, n.probability_key")).consume()
        await (await session.run("CALL db.prepareForReplanning(60)")).consume()
    yield migrated_database
    await empty(migrated_database)


@pytest.fixture(scope="module")
async def recorded(migrated_database: Database) -> Mapping[str, int]:
    """The hits of the statements as they were written by hand, on the release that runs."""
    async with migrated_database.open_session() as session:
        result = await session.run(
            "CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions"
        )
        (version,) = (await result.single(strict=True))["versions"]
    by_release = json.loads(RECORDED.read_text(encoding="utf-8"))
    release = next((release for release in by_release if version.startswith(f"{release}.")), None)
    if release is None:
        pytest.skip(f"nothing is recorded for {version}")
    found: Mapping[str, int] = by_release[release]
    return found


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_rendered_statement_costs_no_more_than_one_written_by_hand(
    hub: Database, recorded: Mapping[str, int], name: str
) -> None:
    """A template saves lines, not the database's work."""
    # The first run may have to make the names of properties that no node has yet.
    hits = min([(await profile(hub, name, **STATEMENTS[name]))[1] for _ in range(2)])

    verb, _, listed = name.partition("/")
    is_stamped = verb in {"create", "upsert"} and listed in SUBJECT_LISTS
    assert hits <= recorded[name] + is_stamped * HITS_OF_STAMPS * len(STATEMENTS[name].get("rows", ()))


def test_every_rendered_statement_is_compared() -> None:
    """One that is missing here could cost anything."""
    assert set(list_rendered()) <= set(STATEMENTS)
