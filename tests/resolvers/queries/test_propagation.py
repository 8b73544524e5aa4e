"""The list of propagation runs: by conditions, in its order, from both ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from tests.helpers.asking import ask, ask_wrong
from tests.helpers.copies import import_once

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
METHODS = ("LBP", "SAMPLE", "EXACT")
RUNS: list[dict[str, Any]] = [
    {
        "id": f"run_{number}",
        "method": METHODS[number % 3],
        "started_at": (START + timedelta(minutes=number // 2)).isoformat(),  # two of them at each moment
        "revision": number,
        "converged": number % 4 != 0,
    }
    for number in range(12)
]
LIST = """
query ($filter: PropagationRunFilterInput, $sort: [PropagationRunSortInput!], $first: Int, $after: String, $last: Int,
       $before: String) {
  propagationRuns(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { key } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
}
"""


@pytest.fixture
async def stored(database: Database) -> Database:
    """The runs, in the database."""
    await import_once(database, Bundle.model_validate({"format": BUNDLE_FORMAT, "propagation_runs": RUNS}))
    return database


async def runs(database: Database, **variables: Any) -> Any:
    """The list as a client gets it."""
    return (await ask(database, LIST, **variables)).data["propagationRuns"]


def keys(page: Any) -> list[str]:
    """The keys of a page's runs."""
    return [run["key"] for run in page["nodes"]]


NEWEST_FIRST = [run["id"] for run in sorted(RUNS, key=lambda run: (run["started_at"], run["id"]), reverse=True)]


@pytest.mark.statements
async def test_the_latest_come_first_or_last(stored: Database) -> None:
    """Of two that began at one moment the order is that of their keys."""
    page = await runs(stored)
    upwards = await runs(stored, sort=[{"by": "STARTED"}])

    assert keys(page) == NEWEST_FIRST
    assert keys(upwards) == NEWEST_FIRST[::-1]
    assert page["totalCount"] == len(RUNS)


@pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
async def test_pages_from_either_end_join_to_the_whole(stored: Database, order: str) -> None:
    """Five at a time: forwards by `after`, backwards by `before`."""
    sort = [{"by": "STARTED", "order": order}]
    whole = NEWEST_FIRST if order == "DESCENDING" else NEWEST_FIRST[::-1]
    forwards: list[str] = []
    page = await runs(stored, sort=sort, first=5)
    forwards += keys(page)
    while page["pageInfo"]["hasNextPage"]:
        page = await runs(stored, sort=sort, first=5, after=page["pageInfo"]["endCursor"])
        forwards += keys(page)
    backwards: list[str] = []
    page = await runs(stored, sort=sort, last=5)
    backwards = keys(page)
    while page["pageInfo"]["hasPreviousPage"]:
        page = await runs(stored, sort=sort, last=5, before=page["pageInfo"]["startCursor"])
        backwards = keys(page) + backwards

    assert forwards == whole
    assert backwards == whole


async def test_conditions_select_and_count(stored: Database) -> None:
    """Each against the rows themselves; all that are given must hold."""
    moments = {
        "startedFrom": (START + timedelta(minutes=1)).isoformat(),
        "startedTo": (START + timedelta(minutes=4)).isoformat(),
    }
    cases: list[tuple[dict[str, Any], Callable[[dict[str, Any], int], bool]]] = [
        ({"isConverged": False}, lambda run, _: not run["converged"]),
        ({"method": ["LBP", "EXACT"]}, lambda run, _: run["method"] != "SAMPLE"),
        (moments, lambda _, number: 2 <= number <= 9),
        (
            {**moments, "isConverged": True, "method": ["SAMPLE"]},
            lambda run, number: run["converged"] and run["method"] == "SAMPLE" and 2 <= number <= 9,
        ),
    ]
    for given, holds in cases:
        page = await runs(stored, filter=given)
        expected = {run["id"] for number, run in enumerate(RUNS) if holds(run, number)}
        assert set(keys(page)) == expected
        assert page["totalCount"] == len(expected) > 0


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"filter": {"method": []}}, "filter.method"),
        ({"sort": []}, "sort"),
        ({"first": 0}, "first"),
        ({"after": "bm9uZTpub25l"}, "after"),
        ({"first": 1, "last": 1}, "last"),
    ],
)
async def test_bad_input_is_told_with_its_place(stored: Database, variables: dict[str, Any], path: str) -> None:
    """As in any other list."""
    error = await ask_wrong(stored, LIST, **variables)

    assert error["extensions"]["code"] == "INVALID"
    assert error["message"].startswith(f"{path}: ")
