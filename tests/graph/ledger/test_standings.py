"""Standings of milestones in a graph of an older version, and in one that is rebuilt."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import LAST_WITHOUT_STANDINGS, ensure_rebuilt, rebuild
from tests.helpers.bundles import bundle, prediction
from tests.helpers.stored import read

pytestmark = pytest.mark.statements

NOW = datetime.now(UTC)
OUTCOMES = {"P_1": None, "P_2": 20, "P_3": 3}
"""Predictions, and how many days ago they came true; None for an open one."""
KEYS = "MATCH (m:Milestone) RETURN m.id AS id, m.status_key AS key ORDER BY id"


async def made(database: Database) -> dict[str, str]:
    """A graph with milestones of all standings; its standings by id."""
    predictions = [
        prediction(name, from_year=2025)
        if days is None
        else prediction(
            name, from_year=2025, status="RESOLVED_TRUE", resolved_at=(NOW - timedelta(days=days)).isoformat()
        )
        for name, days in OUTCOMES.items()
    ]
    missed = {"miss_emitted_at": NOW.isoformat(), "miss_emitted_by": "sweep"}
    signs = [
        {
            "id": f"{owner}:{status}:{days}:{bool(miss)}",
            "prediction_id": owner,
            "kind": "RESEARCHED",
            "label": "A sign",
            "status": status,
            "expected_date": (NOW + timedelta(days=days)).date().isoformat(),
            **miss,
        }
        for owner, status, days, miss in product(
            OUTCOMES, ("PENDING", "OVERDUE", "HIT", "MISSED"), (-16, 40), ({}, missed)
        )
    ]
    await import_bundle(database, bundle(predictions=predictions, milestones=signs))
    return {row["id"]: row["key"] for row in await read(database, KEYS)}


async def test_a_rebuild_keeps_what_imports_made(database: Database) -> None:
    """One comes from a statement, the other from Python."""
    before = await made(database)
    assert set(before.values()) == {"WAITING", "PENDING", "OVERDUE", "HIT", "MISSED"}

    await rebuild(database)

    assert {row["id"]: row["key"] for row in await read(database, KEYS)} == before


async def test_a_graph_of_a_version_before_gets_them(database: Database) -> None:
    """At the first start, without a rebuild of beliefs."""
    before = await made(database)
    await read(database, "MATCH (m:Milestone) REMOVE m.status_key WITH count(*) AS n RETURN n")
    await read(
        database, f"MERGE (g:Graph {{id: 'graph'}}) SET g.derived_version = {LAST_WITHOUT_STANDINGS} RETURN 1 AS n"
    )

    assert await ensure_rebuilt(database) is False

    assert {row["id"]: row["key"] for row in await read(database, KEYS)} == before
    assert await ensure_rebuilt(database) is False
