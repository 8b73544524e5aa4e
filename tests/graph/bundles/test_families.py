"""Families in bundles: their claims are looked for, and each claim has one family of a kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import BundleError
from tests.helpers.bundles import bundle, claim, family

MOMENT = datetime(2026, 5, 30, tzinfo=UTC)


async def test_claims_of_families_are_looked_for(database: Database) -> None:
    """In the bundle and in the graph, of each family's last row; a claim has one family of a kind."""
    await import_bundle(
        database,
        bundle(
            killers=[claim("TK_1"), claim("TK_2")],
            claim_families=[family("stored", MOMENT, "TK_1", "TK_2")],
        ),
    )
    later = MOMENT + timedelta(days=1)

    async def problems(*families: dict[str, Any]) -> dict[str, str]:
        given = bundle(scenarios=[claim("S_1"), claim("S_2")], claim_families=list(families))
        try:
            await import_bundle(database, given, dry_run=True)
        except BundleError as error:
            return {problem.path: problem.message for problem in error.problems}
        return {}

    assert await problems(family("new", MOMENT, "S_1", "S_2")) == {}
    assert await problems(family("new", MOMENT, "GONE", "S_2"), family("new", later, "S_1", "S_2")) == {}
    assert await problems(family("new", later, "S_1", "GONE")) == {
        "claim_families[0].members[1].claim_id": "no claim in the bundle or the graph has the id 'GONE'; add it first"
    }
    assert await problems(family("new", MOMENT, "TK_1", "S_2")) == {
        "claim_families[0].members[0].claim_id": "expected a claim of no other family of kind EXCLUSIVE, got one of "
        "'stored'"
    }
    assert set(await problems(family("a", MOMENT, "S_1", "S_2"), family("b", MOMENT, "S_2", "TK_1"))) == {
        "claim_families[1].members[0].claim_id",
        "claim_families[1].members[1].claim_id",
    }
    assert await problems(family("stored", later, "TK_2", "S_1"), family("new", MOMENT, "TK_1", "S_2")) == {}
