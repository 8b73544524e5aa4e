"""Versions go with the graph: through an upgrade, and through a backup."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.exporting import export_bundle, export_stream
from graph.bundles.importing import import_bundle
from graph.bundles.restoring import restore
from graph.database.sessions import Database
from graph.ledger import derived
from graph.ledger.derived import ensure_rebuilt, verify
from graph.ledger.pasts import Past, PastKey, list_pasts
from graph.model.bundle import Bundle
from graph.model.kinds import ClaimStatus
from graph.outcomes.resolution import Outcome, resolve, unresolve
from graph.subjects.upserts import Change, upsert
from tests.helpers.database import empty
from tests.helpers.stored import read

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

BUNDLE = {
    "format": "foregraph-bundle/1",
    "reference_classes": [{"id": "r", "description": "Such cases", "base_rate": 0.1}],
    "predictors": [{"id": "ada", "name": "Ada"}],
    "predictions": [
        {
            "id": claim,
            "title": "It holds",
            "stated_probability": 0.8,
            "reference_class_id": "r",
            "predictor_id": "ada",
            "window_start": "2026-01-01T00:00:00Z",
            "window_end": "2028-01-01T00:00:00Z",
        }
        for claim in ("P", "Q")
    ],
}
KEYS = """MATCH (v:Version)
RETURN v.id AS id, v.subject_id AS subject, v.class_record_key AS by_class, v.record_key AS by_predictor ORDER BY id"""
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


async def rate(database: Database, base_rate: float) -> datetime:
    """Edit the class's base rate; returns a moment after it."""
    await upsert(database, Change("reference_classes", {"id": "r", "base_rate": base_rate}))
    return datetime.now(UTC)


async def pasts(database: Database, moments: list[datetime]) -> list[Past | None]:
    """Both predictions as they were at each moment."""
    keys = [PastKey(claim, moment, moment) for claim in ("P", "Q") for moment in moments]
    return await database.read(lambda unit: list_pasts(unit, keys))


async def test_a_backup_carries_what_was_recorded_when(database: Database) -> None:
    """Restored, the past is answered as before, and nothing counts as recorded anew; an import merges no other past."""
    await import_bundle(database, Bundle.model_validate(BUNDLE))
    moments = [MARCH, datetime.now(UTC), await rate(database, 0.3)]
    await resolve(database, "P", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=MARCH))
    moments += [datetime.now(UTC), await rate(database, 0.6)]
    await unresolve(database, "P", Outcome(status=ClaimStatus.OPEN))
    await resolve(database, "P", Outcome(status=ClaimStatus.RESOLVED_FALSE, at=moments[1]))
    moments.append(datetime.now(UTC))
    expected, keys = await pasts(database, moments), await read(database, KEYS)
    bundle, lines = await export_bundle(database), io.BytesIO()
    await export_stream(database, lines.write)

    again = await import_bundle(database, bundle)
    await empty(database)
    lines.seek(0)
    await restore(database, lines)

    assert again.num_changed() == 0
    assert [row.number for row in bundle.versions if row.subject_id == "P"] == [1, 2, 3, 4]
    assert (await export_bundle(database)).versions == bundle.versions
    assert await pasts(database, moments) == expected
    assert await read(database, KEYS) == keys
    beliefs = [past.belief() for past in expected if past is not None]
    assert len({belief.probability for belief in beliefs if belief is not None}) > 5
    assert [str(difference) async for difference in verify(database)] == []


async def test_versions_of_before_get_keys_by_class(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that claims with outcomes would have had; at the first start, page by page."""
    monkeypatch.setattr(derived, "PAGE_VERSIONS", 2)
    await import_bundle(database, Bundle.model_validate(BUNDLE))
    await resolve(database, "P", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=MARCH))
    await resolve(database, "Q", Outcome(status=ClaimStatus.RESOLVED_FALSE, at=MARCH))
    await unresolve(database, "P", Outcome(status=ClaimStatus.OPEN))
    keys = await read(database, KEYS)
    assert [row["subject"] for row in keys if row["by_class"]] == ["P", "Q"]
    await read(database, "MATCH (v:Version) REMOVE v.class_record_key WITH count(*) AS n RETURN n")
    await read(database, "MERGE (g:Graph {id: 'graph'}) SET g.derived_version = 6 RETURN 1 AS n")

    assert await ensure_rebuilt(database) is False

    assert await read(database, KEYS) == keys


async def test_a_graph_of_an_older_version_is_reconstructed(database: Database) -> None:
    """From its present values; the ledger tells when an outcome was recorded."""
    await import_bundle(database, Bundle.model_validate(BUNDLE))
    before = datetime.now(UTC)
    await resolve(database, "P", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=MARCH))
    after = datetime.now(UTC)
    await _forget_versions(database)

    await ensure_rebuilt(database)

    answered = [past for past in await pasts(database, [before, after, datetime.now(UTC)]) if past is not None]
    found = [(past.status, past.is_reconstructed) for past in answered]
    opened, resolved = ClaimStatus.OPEN, ClaimStatus.RESOLVED_TRUE
    assert found == [
        (opened, True),
        (resolved, True),
        (resolved, False),
        (opened, True),
        (opened, True),
        (opened, False),
    ]
    assert [past.moment for past in answered[:2]] == [before, MARCH]
    assert [str(difference) async for difference in verify(database)] == []
    (count,) = await read(database, "MATCH (v:Version) RETURN count(v) AS n")
    await ensure_rebuilt(database)
    assert await read(database, "MATCH (v:Version) RETURN count(v) AS n") == [count]


async def _forget_versions(database: Database) -> None:
    """Make the graph one of an older version."""
    await read(database, "MATCH (v:Version) DELETE v")
    await read(
        database,
        "MATCH (n) REMOVE n.versioned_at, n.num_versions, n.final_log_odds, n.final_base_rate, n.final_class_id, "
        "n.final_trf, n.derived_version",
    )


async def test_each_version_says_since_when_and_when_it_was_recorded(database: Database) -> None:
    """An outcome holds from when it became known; a write that changes nothing of it records nothing."""
    began = datetime.now(UTC)
    await import_bundle(database, Bundle.model_validate(BUNDLE))
    await resolve(database, "P", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=MARCH))
    await upsert(database, Change("predictions", {"id": "P", "title": "It holds after all"}))

    rows: list[dict[str, Any]] = [
        row.model_dump() for row in (await export_bundle(database)).versions if row.subject_id == "P"
    ]

    assert [(row["number"], row["status"]) for row in rows] == [(1, "OPEN"), (2, "RESOLVED_TRUE")]
    assert rows[0]["valid_at"] == rows[0]["recorded_at"]
    assert rows[1]["valid_at"] == MARCH
    assert began - timedelta(seconds=1) < rows[0]["recorded_at"] < rows[1]["recorded_at"] <= datetime.now(UTC)
