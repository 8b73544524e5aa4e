"""Families in bundles: their claims are looked for, and each claim has one family of a kind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles import checks
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import BundleError
from graph.families.store import FamilyDraft, save_family
from graph.model.kinds import FamilyKind, FamilyRole
from graph.subjects.upserts import Change, upsert
from tests.helpers.bundles import bundle, claim, family, prediction
from tests.helpers.database import empty

MOMENT = datetime(2026, 5, 30, tzinfo=UTC)


async def problems_of(database: Database, **lists: Any) -> dict[str, str]:
    """What is wrong with a bundle, by path."""
    try:
        await import_bundle(database, bundle(**lists), dry_run=True)
    except BundleError as error:
        return {problem.path: problem.message for problem in error.problems}
    return {}


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
        return await problems_of(database, scenarios=[claim("S_1"), claim("S_2")], claim_families=families)

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


async def test_claims_by_several_dates_have_deadlines(database: Database) -> None:
    """Those of the bundle as it leaves them, and those of the graph; a family keeps its claims' deadlines."""
    dates = {"kind": "BY_WHEN"}
    await import_bundle(
        database,
        bundle(
            predictions=[prediction("P_1"), prediction("P_2", from_year=2027)],
            killers=[claim("TK_1")],
            claim_families=[family("stored", MOMENT, "P_1", "P_2", **dates)],
        ),
    )
    without = "expected a claim with a deadline, got {!r} without one"
    new = [prediction("P_3"), prediction("P_4", from_year=None)]

    assert await problems_of(
        database, predictions=new, claim_families=[family("new", MOMENT, "P_3", "P_4", "TK_1", **dates)]
    ) == {
        "claim_families[0].members[1].claim_id": without.format("P_4"),
        "claim_families[0].members[2].claim_id": without.format("TK_1"),
    }
    # One date for two claims, and dates in any order, are a curve all the same.
    assert not await problems_of(
        database,
        predictions=[prediction("P_3", from_year=2028), prediction("P_4"), prediction("P_5")],
        claim_families=[family("new", MOMENT, "P_3", "P_4", "P_5", **dates)],
    )
    undated = prediction("P_1", from_year=None)
    lost = {"predictions[0].deadline": "expected a deadline, as the family 'stored' has claim 'P_1'"}
    assert await problems_of(database, predictions=[undated]) == lost
    later = family("stored", MOMENT + timedelta(days=1), "P_2", "TK_1")
    assert not await problems_of(database, predictions=[undated], claim_families=[later])
    with pytest.raises(Exception, match="as the family 'stored' has claim 'P_1'"):
        await upsert(database, Change("predictions", {"id": "P_1", "from_year": None}))


async def test_rows_of_families_are_never_changed(database: Database) -> None:
    """One with the id of a recorded row and other values is refused; the same one is no change."""
    killers = [claim("TK_1"), claim("TK_2"), claim("TK_3")]
    await import_bundle(database, bundle(killers=killers, claim_families=[family("a", MOMENT, "TK_1", "TK_2")]))

    assert not await problems_of(database, claim_families=[family("a", MOMENT, "TK_1", "TK_2")])
    changed = family("a", MOMENT, "TK_1", "TK_3")
    assert await problems_of(database, claim_families=[changed]) == {
        "claim_families[0]": f"family {changed['id']!r} is recorded with other values; add a row with an id of its own "
        "instead"
    }


async def test_there_are_as_many_families_and_rows_as_a_mutation_allows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the graph and of the bundle together; rows that the graph has count once."""
    await import_bundle(
        database,
        bundle(killers=[claim(f"TK_{n}") for n in range(6)], claim_families=[family("a", MOMENT, "TK_0", "TK_1")]),
    )
    monkeypatch.setattr(checks, "MOST_ROWS", 2)
    monkeypatch.setattr(checks, "MOST_FAMILIES", 2)
    of_a = [family("a", MOMENT + timedelta(days=day), "TK_0", "TK_1") for day in range(3)]
    others = [family("b", MOMENT, "TK_2", "TK_3"), family("c", MOMENT, "TK_4", "TK_5")]

    assert not await problems_of(database, claim_families=[*of_a[:2], others[0]])
    assert await problems_of(database, claim_families=of_a) == {
        "claim_families[2].name": "expected at most 2 rows of a family, got 3 of 'a'"
    }
    assert await problems_of(database, claim_families=others) == {
        "claim_families[1].name": "expected at most 2 families, got 3"
    }


async def test_what_a_mutation_saved_is_imported(database: Database) -> None:
    """Whatever the order of the dates, and twice."""
    await import_bundle(
        database,
        bundle(predictions=[prediction("P_1", from_year=2030), prediction("P_2"), prediction("P_3")]),
    )
    members = [("P_1", FamilyRole.BY), ("P_2", FamilyRole.NOT_BEFORE), ("P_3", FamilyRole.BY)]
    await save_family(database, FamilyDraft("when", FamilyKind.BY_WHEN, members))
    exported = await export_bundle(database)

    await import_bundle(database, exported)
    await empty(database)
    await import_bundle(database, exported)

    assert await export_bundle(database) == exported
