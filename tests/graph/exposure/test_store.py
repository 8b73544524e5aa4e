"""Stored portfolios on a real Neo4j: positions as of two times, owners, retries, and what cannot be stored."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from graph.database.sessions import Database
from graph.errors import (
    FutureObservationError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    NotOwnedError,
    RefusedError,
)
from graph.exposure.positions import MOST_POSITIONS, Position, Positions
from graph.exposure.store import (
    Draft,
    Holder,
    Versions,
    check_holder,
    count_versions,
    delete_portfolio,
    find_portfolio,
    get_portfolio,
    list_portfolios,
    list_versions,
    save_portfolio,
)
from graph.model.page_keys import FIRST_PLACE, LAST_PLACE, Place
from graph.model.rows import Portfolio
from tests.helpers.database import empty

pytestmark = [pytest.mark.statements]

ADA, BOB, OPERATOR = Holder("ada", sees_all=False), Holder("bob", sees_all=False), Holder("root", sees_all=True)
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """An empty graph; each test has portfolios of its own names."""
    await empty(migrated_database)
    yield migrated_database
    await empty(migrated_database)


def positions(**weights: float) -> list[Position]:
    """Positions by symbol."""
    return [Position(symbol, weight, f"positions[{n}]") for n, (symbol, weight) in enumerate(weights.items())]


async def save(graph: Database, name: str, holder: Holder = ADA, **options: Any) -> dict[str, Any]:
    """Save a portfolio; returns the payload."""
    given = {"positions": positions(NVDA=1.0), **options}
    draft = Draft(name, **{key: given[key] for key in given.keys() & {"positions", "held_at", "note"}})
    rest = {key: given[key] for key in given.keys() - {"positions", "held_at", "note"}}
    return (await save_portfolio(graph, draft, holder, **rest)).payload


async def held(graph: Database, name: str, **moments: Any) -> dict[str, float] | None:
    """The weights of a portfolio as of a moment."""
    found = await graph.read(partial(find_portfolio, name=name, holder=ADA, **moments))
    return None if found is None else {position.symbol: position.weight for position in found.positions}


async def test_positions_at_two_times_are_those_of_the_obvious_way(graph: Database) -> None:
    """Twenty rows since moments at random; each question is answered by going through all of them."""
    rng = np.random.default_rng(7)
    rows: list[Portfolio] = []
    for number in range(20):
        since = START + int(rng.integers(8)) * DAY
        payload = await save(graph, "two", positions=positions(NVDA=number + 1.0), held_at=since)
        rows.append(Portfolio.model_validate(payload["portfolio"]))

    def expected(held_at: datetime, known_at: datetime) -> dict[str, float] | None:
        fitting = [row for row in rows if row.held_at <= held_at and row.recorded_at <= known_at]
        if not fitting:
            return None
        last = max(fitting, key=lambda row: (row.held_at, row.recorded_at))
        return {position.symbol: position.weight for position in last.positions}

    recorded = [row.recorded_at for row in rows]
    assert all(before < after for before, after in pairwise(recorded))
    for since in (START - DAY, START + DAY, START + 3.5 * DAY, START + 9 * DAY):
        for known_at in (recorded[0] - DAY, recorded[0], recorded[9], recorded[-1] + DAY):
            assert await held(graph, "two", held_at=since, known_at=known_at) == expected(since, known_at)
    assert await held(graph, "two") == expected(recorded[-1], recorded[-1])
    assert await held(graph, "two", held_at=START + 9 * DAY) is None  # nothing was recorded by then


@pytest.mark.parametrize("by_recording", [False, True])
@pytest.mark.parametrize("reads_down", [False, True])
async def test_rows_are_paged_in_either_order_from_either_end(
    graph: Database, *, by_recording: bool, reads_down: bool
) -> None:
    """Pages of three, put together, are all rows in the order of Python's sort, also those since one moment."""
    name = f"paged-{by_recording}-{reads_down}"
    for number in range(7):
        await save(graph, name, positions=positions(NVDA=number + 1.0), held_at=START + (number % 2) * DAY)
    every = await graph.read(partial(list_versions, name=name, wanted=Versions(), limit=9))

    def place(row: Portfolio) -> Place:
        return (row.recorded_at if by_recording else row.held_at), row.id

    found: list[Portfolio] = []
    between = FIRST_PLACE, LAST_PLACE
    while True:
        page = await graph.read(
            partial(
                list_versions,
                name=name,
                wanted=Versions(),
                limit=3,
                by_recording=by_recording,
                between=between,
                reads_down=reads_down,
            )
        )
        found += page
        if len(page) < 3:
            break
        between = (FIRST_PLACE, place(found[-1])) if reads_down else (place(found[-1]), LAST_PLACE)

    assert len(every) == 7
    assert found == sorted(every, key=place, reverse=reads_down)
    by_hand = {(False, True): [6.0, 4.0, 2.0, 7.0, 5.0, 3.0, 1.0], (True, False): [float(n) for n in range(1, 8)]}
    if (by_recording, reads_down) in by_hand:
        assert [row.positions[0].weight for row in found] == by_hand[by_recording, reads_down]


async def test_rows_are_listed_and_counted_by_conditions(graph: Database) -> None:
    """Bounds are included; deletions are rows of their own."""
    for number in range(4):
        await save(graph, "sieved", positions=positions(NVDA=number + 1.0), held_at=START + (number % 2) * DAY)
    all_four = [4.0, 2.0, 3.0, 1.0]
    expected = {
        Versions(): all_four,
        Versions(held_from=START + DAY): [4.0, 2.0],
        Versions(held_to=START): [3.0, 1.0],
        Versions(held_from=START, held_to=START + DAY, is_deleted=False): all_four,
        Versions(is_deleted=True): [],
        Versions(recorded_to=START): [],
        Versions(recorded_from=START): all_four,
    }

    for wanted, weights in expected.items():
        found = await graph.read(partial(list_versions, name="sieved", wanted=wanted, limit=9))
        assert [row.positions[0].weight for row in found] == weights, wanted
        assert await graph.read(partial(count_versions, name="sieved", wanted=wanted)) == len(weights), wanted


async def test_rows_from_long_ago_are_listed(graph: Database) -> None:
    """Positions may be held since before 1970."""
    await save(graph, "old", held_at=datetime(1950, 1, 1, tzinfo=UTC))

    (row,) = await graph.read(partial(list_versions, name="old", wanted=Versions(), limit=9))

    assert row.held_at.year == 1950


async def test_only_the_owner_and_operators_have_access(graph: Database) -> None:
    """Reading, listing, saving and deleting; what belongs to nobody in particular is nobody else's either."""
    await save(graph, "adas")
    await save(graph, "nobodys", Holder("", sees_all=False))
    for name, stranger in (("adas", BOB), ("nobodys", BOB), ("adas", Holder("", sees_all=False))):
        attempts = (
            graph.read(partial(find_portfolio, name=name, holder=stranger)),
            graph.read(partial(check_holder, name=name, holder=stranger)),
            save(graph, name, stranger),
            delete_portfolio(graph, name, stranger),
        )
        for attempt in attempts:
            with pytest.raises(NotOwnedError, match="belongs to another caller"):
                await attempt

    await save(graph, "adas", OPERATOR, positions=positions(NVDA=2.0))
    assert (await graph.read(lambda unit: get_portfolio(unit, "adas", ADA))).owner == "ada"
    listed = {holder: await graph.read(partial(list_portfolios, holder=holder)) for holder in (ADA, BOB, OPERATOR)}
    assert {found.name for found in listed[OPERATOR]} >= {"adas", "nobodys"}
    assert {found.owner for found in listed[ADA]} == {"ada"}
    assert listed[BOB] == []


async def test_a_retry_and_the_same_positions_write_nothing(graph: Database) -> None:
    first = await save(graph, "once", idempotency_key="k1")
    again = await save(graph, "once", idempotency_key="k1")
    same = await save(graph, "once", positions=positions(NVDA=1.0))
    dry = await save(graph, "once", positions=positions(NVDA=9.0), is_dry_run=True)

    assert again == first
    assert (first["new"], first["changed"], first["unknown"]) == (True, True, ["NVDA"])
    assert (same["new"], same["changed"], same["portfolio"]) == (False, False, first["portfolio"])
    assert dry["changed"]
    assert await held(graph, "once") == {"NVDA": 1.0}
    with pytest.raises(KeyReusedError):
        await save(graph, "once", positions=positions(NVDA=2.0), idempotency_key="k1")


async def test_a_deletion_ends_what_is_held_and_keeps_what_was(graph: Database) -> None:
    """Saved again under the name, it goes on from its rows and is its owner's still."""
    payload = await save(graph, "gone")
    moment = datetime.fromisoformat(payload["portfolio"]["recorded_at"])
    await delete_portfolio(graph, "gone", ADA)

    assert await held(graph, "gone") is None
    assert await held(graph, "gone", held_at=moment) == {"NVDA": 1.0}
    assert "gone" not in {found.name for found in await graph.read(lambda unit: list_portfolios(unit, ADA))}
    with pytest.raises(NotFoundError):
        await delete_portfolio(graph, "gone", ADA)
    with pytest.raises(NotOwnedError):
        await save(graph, "gone", BOB)
    assert (await save(graph, "gone"))["new"]
    assert await held(graph, "gone") == {"NVDA": 1.0}


async def test_sums_and_benchmarks_are_stored(graph: Database) -> None:
    """Weights of a symbol add up, and so do the benchmark's; the order given is kept."""
    given = [Position("B", 1.0, "", 0.5), Position("A", -2.0), Position("B", 0.25, "", 0.25)]
    payload = await save(graph, "summed", positions=given)
    found = await graph.read(lambda unit: get_portfolio(unit, "summed", ADA))

    assert payload["duplicates"] == ["B"]
    assert [(row.symbol, row.weight, row.benchmark_weight) for row in found.positions] == [
        ("B", 1.25, 0.75),
        ("A", -2.0, None),
    ]
    assert Positions.stored(found).active().weights == {"B": 0.5, "A": -2.0}


@pytest.mark.one_release
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"positions": []}, InvalidError, "expected 1 to 10000 positions, got 0"),
        ({"positions": [Position("A", 1.0)] * (MOST_POSITIONS + 1)}, InvalidError, "got 10001"),
        ({"positions": positions(A=float("nan"))}, InvalidError, "positions[0].weight: expected a finite weight"),
        ({"positions": positions(A=float("-inf"))}, InvalidError, "got -inf"),
        ({"positions": [Position("A", 1.0, "p", 1e16)]}, InvalidError, "p.benchmark_weight"),
        ({"positions": positions(nvda=1.0)}, InvalidError, "positions[0].ticker: expected a symbol in capitals"),
        ({"held_at": datetime(2999, 1, 1, tzinfo=UTC)}, FutureObservationError, "a moment that has come"),
        ({"note": " "}, InvalidError, "note: expected text"),
        ({"name": "a@b"}, InvalidError, "name: expected a letter or digit"),
    ],
)
async def test_what_cannot_be_stored_is_told(
    graph: Database, options: dict[str, Any], error: type[RefusedError], message: str
) -> None:
    """The field at fault, what was expected and what came."""
    with pytest.raises(error) as refusal:
        await save(graph, options.pop("name", "wrong"), **options)
    assert message in str(refusal.value)


async def test_before_the_first_record_the_error_says_since_when_there_is_one(graph: Database) -> None:
    await save(graph, "late", held_at=START)

    with pytest.raises(NotFoundError, match=r"its first are of 2026-03-01T00:00:00\+00:00, recorded from"):
        await graph.read(lambda unit: get_portfolio(unit, "late", ADA, held_at=START - DAY))
    with pytest.raises(NotFoundError, match="no portfolio has the name 'nope'"):
        await graph.read(lambda unit: get_portfolio(unit, "nope", ADA, held_at=START))
