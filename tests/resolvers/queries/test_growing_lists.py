"""Lists that are read while they grow, and lists of a graph made for the purpose."""

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from tests.helpers.asking import ask
from tests.helpers.copies import import_once
from tests.helpers.small_graph import small_graph
from tests.helpers.whole_graph import read_whole

pytestmark = pytest.mark.statements


@pytest.mark.parametrize("sort", ["EVIDENCE_COUNT", "LAST_EVIDENCE", "DEADLINE"])
async def test_rows_added_meanwhile_leave_cursors_valid(database: Database, sort: str) -> None:
    """Pages go on where they ended: all that was there comes once, whatever comes before and behind."""
    await import_once(database, small_graph())
    asked = """query ($sort: [ClaimSortInput!], $first: Int, $after: String) {
      claims(sort: $sort, first: $first, after: $after) {
        nodes { key } pageInfo { hasNextPage endCursor } } }"""
    found, position, number = list[str](), None, 0
    before = set((await read_whole(database)).of("Claim"))
    while True:
        given = {"sort": [{"by": sort}], "first": 2, "after": position}
        page = (await ask(database, asked, **given)).data["claims"]
        found += [node["key"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        position, number = page["pageInfo"]["endCursor"], number + 1
        new = [{"id": f"{letter}_{number}", "title": "New", "stated_probability": 0.5} for letter in ("A", "Z")]
        await import_bundle(database, Bundle.model_validate({"format": BUNDLE_FORMAT, "scenarios": new}))

    assert len(found) == len(set(found))
    assert set(found) >= before


async def test_a_leaderboard_is_a_list_of_predictors(database: Database) -> None:
    """By Brier score, of those with enough resolved predictions."""
    rows = [
        {
            "id": f"P_{number}",
            "title": "t",
            "predictor_id": ("ada", "bob", "eve")[number % 3],
            "stated_probability": (0.9, 0.6, 0.2)[number % 3],
            "status": "RESOLVED_TRUE",
            "resolved_at": "2026-01-01T00:00:00Z",
        }
        for number in range(8)
    ]
    predictors = [{"id": key, "name": key.capitalize()} for key in ("ada", "bob", "eve", "zoe")]
    await import_bundle(
        database,
        Bundle.model_validate({"format": BUNDLE_FORMAT, "predictors": predictors, "predictions": rows}),
    )
    asked = """{ predictors(sort: {by: BRIER}, filter: {resolvedCountFrom: 3}) {
      nodes { key name record { brier } } totalCount } }"""

    board = (await ask(database, asked)).data["predictors"]

    assert [node["key"] for node in board["nodes"]] == ["ada", "bob"]
    assert [node["record"]["brier"] for node in board["nodes"]] == pytest.approx([0.01, 0.16])
    assert board["totalCount"] == 2
