"""The status of a milestone is that of the moment when it is read, whether a sweep has passed it or not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.model.kinds import ClaimStatus
from graph.outcomes.resolution import Outcome, resolve, unresolve
from graph.outcomes.sweep import sweep
from tests.helpers.asking import ask
from tests.helpers.bundles import bundle, prediction
from tests.helpers.database import empty

pytestmark = pytest.mark.statements

NOW = datetime.now(UTC)
# Days from today, and the status by now: seven days of grace, of which some may be over while the test runs.
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "late": ({"expected_date": -9}, "OVERDUE"),
    "in-grace": ({"expected_date": -5}, "PENDING"),
    "ahead": ({"expected_date": 40}, "PENDING"),
    "late-range": ({"range_from": -90, "range_to": -9}, "OVERDUE"),
    "open-range": ({"range_from": -90, "range_to": 40}, "PENDING"),
    "hit": ({"expected_date": -9, "status": "HIT"}, "HIT"),
    "missed": ({"expected_date": -9, "status": "MISSED"}, "MISSED"),
    "weighed": ({"expected_date": 40, "miss_emitted_at": NOW.isoformat(), "miss_emitted_by": "sweep"}, "OVERDUE"),
}
CLOSED = {"closed-before": -20, "closed-after": -3}
"""Predictions by the day of their outcome, each with a sign that became overdue on the ninth day before today."""
ASK = """query ($filter: MilestoneFilterInput, $sort: [MilestoneSortInput!]) {
  milestones(filter: $filter, sort: $sort, first: 100) { nodes { key milestoneStatus } totalCount } }"""


def day(distance: int) -> str:
    """A day by its distance from today."""
    return (NOW + timedelta(days=distance)).date().isoformat()


def sign(owner: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A researched milestone, its days given by their distances."""
    values = {field: day(value) if isinstance(value, int) else value for field, value in given.items()}
    return {"id": f"{owner}:{name}", "prediction_id": owner, "kind": "RESEARCHED", "label": name, **values}


def closed(name: str, distance: int) -> dict[str, Any]:
    """A prediction with an outcome of some day."""
    at = (NOW + timedelta(days=distance)).isoformat()
    return prediction(name, from_year=NOW.year - 1, status="RESOLVED_FALSE", resolved_at=at)


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """One open prediction with all cases, and closed ones."""
    await empty(migrated_database)
    signs = [sign("P_1", name, given) for name, (given, _) in CASES.items()]
    signs += [sign(name, "sign", {"expected_date": -16}) for name in CLOSED]
    predictions = [prediction("P_1", from_year=NOW.year), *(closed(name, at) for name, at in CLOSED.items())]
    await import_bundle(migrated_database, bundle(predictions=predictions, milestones=signs))
    yield migrated_database
    await empty(migrated_database)


async def statuses(database: Database, **variables: Any) -> dict[str, str]:
    """The statuses of the milestones of a page by their keys."""
    page = (await ask(database, ASK, **variables)).data["milestones"]
    assert page["totalCount"] == len(page["nodes"])
    return {node["key"]: node["milestoneStatus"] for node in page["nodes"]}


EXPECTED = {f"P_1:{name}": status for name, (_, status) in CASES.items()} | {
    "closed-before:sign": "PENDING",
    "closed-after:sign": "OVERDUE",
}


@pytest.mark.parametrize("is_swept", [False, True])
async def test_a_status_is_that_of_the_moment(graph: Database, *, is_swept: bool) -> None:
    """A sweep weighs; it changes no status, nor what is found by status, in any order."""
    if is_swept:
        await sweep(graph)
    assert await statuses(graph) == EXPECTED
    for asked in (["PENDING"], ["OVERDUE"], ["OVERDUE", "HIT"], ["PENDING", "OVERDUE"], ["MISSED"]):
        for order in ("DUE", "KEY", "UPDATED"):
            found = await statuses(graph, filter={"status": asked}, sort=[{"by": order}])
            assert found == {key: status for key, status in EXPECTED.items() if status in asked}, (asked, order)


async def test_an_outcome_in_the_past_settles_what_was_overdue_since(graph: Database) -> None:
    """Of an open prediction: what was overdue by the outcome stays so, and until it is reopened nothing else is."""
    later = {"missed", "hit", "weighed"}
    await resolve(graph, "P_1", Outcome(status=ClaimStatus.RESOLVED_FALSE, at=NOW - timedelta(days=1)))
    assert await statuses(graph) == EXPECTED  # due nine days ago, with seven of grace
    await unresolve(graph, "P_1", Outcome(status=ClaimStatus.OPEN))
    await resolve(graph, "P_1", Outcome(status=ClaimStatus.RESOLVED_FALSE, at=NOW - timedelta(days=3)))
    settled = {key: status for key, status in EXPECTED.items() if not key.startswith("P_1:")} | {
        f"P_1:{name}": status if name in later else "PENDING" for name, (_, status) in CASES.items()
    }
    assert await statuses(graph) == settled
    for asked in ("PENDING", "OVERDUE"):
        found = await statuses(graph, filter={"status": [asked]})
        assert found == {key: status for key, status in settled.items() if status == asked}
    await unresolve(graph, "P_1", Outcome(status=ClaimStatus.OPEN))
    assert await statuses(graph) == EXPECTED


async def test_within_a_prediction_too(graph: Database) -> None:
    """A page of its milestones, and one of those that are overdue."""
    document = """{ prediction(id: "P_1") { all: milestones(first: 100) { nodes { key milestoneStatus } }
      some: milestones(filter: {status: [OVERDUE]}) { nodes { key } totalCount } } }"""

    found = (await ask(graph, document)).data["prediction"]

    own = {key: status for key, status in EXPECTED.items() if key.startswith("P_1:")}
    overdue = {key for key, status in own.items() if status == "OVERDUE"}
    assert {node["key"]: node["milestoneStatus"] for node in found["all"]["nodes"]} == own
    assert {node["key"] for node in found["some"]["nodes"]} == overdue
    assert found["some"]["totalCount"] == len(overdue)
