"""Expectations over time against claims' beliefs as of moments, and changes split into parts that add up."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import InvalidError, NotFoundError, NotOwnedError, RefusedError
from graph.exposure.history import Cause, Record, read_record
from graph.exposure.positions import Position, Positions
from graph.exposure.store import Holder
from graph.ledger.pasts import PastKey, list_pasts
from graph.ledger.settings import rules_under
from tests.helpers.asking import ask
from tests.helpers.bundles import bundle, evidence, portfolio, prediction
from tests.helpers.database import empty

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

ROOT, EVE = Holder("root", sees_all=True), Holder("eve", sees_all=False)
START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
RESOLVED_AT = datetime(2026, 6, 1, tzinfo=UTC)
FIRST_AT, SECOND_AT = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 15, tzinfo=UTC)
FIRST, SECOND = {"A": 2.0, "B": -1.0}, {"A": 0.5, "C": 3.0}
EFFECTS = {"A": {"P_1": 0.5, "P_2": -0.25}, "B": {"P_2": 1.0, "P_3": 0.75}, "C": {"P_4": 0.125, "P_1": 0.5}}
LEDGER = {
    "E_1": ("P_1", "2026-03-01"),
    "E_2": ("P_1", "2026-04-01"),
    "E_3": ("P_3", "2026-05-15"),
    "E_4": ("P_4", "2026-10-01"),
}
RESOLVED = {"status": "RESOLVED_TRUE", "resolved_at": RESOLVED_AT.isoformat()}


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """Four predictions, of which two drift and one comes true, and a portfolio that changes once."""
    await empty(migrated_database)
    rows = bundle(
        reference_classes=[{"id": "c", "description": "Cases", "base_rate": 0.2}],
        tickers=[{"symbol": symbol} for symbol in EFFECTS],
        predictions=[
            prediction("P_1", reference_class_id="c", stated_probability=0.7),
            prediction("P_2", reference_class_id="c", stated_probability=0.4, **RESOLVED),
            prediction("P_3"),
            prediction("P_4", stated_probability=0.3),
        ],
        evidence=[
            evidence(key, owner, recorded_at=f"{day}T00:00:00Z", observed_at=f"{day}T00:00:00Z", total_llr=0.3 + n)
            for n, (key, (owner, day)) in enumerate(LEDGER.items())
        ],
        exposures=[
            {
                "sign": "BENEFITS" if effect > 0 else "HARMS",
                "prediction_id": claim_id,
                "symbol": symbol,
                "relevance": abs(effect),
            }
            for symbol, own in EFFECTS.items()
            for claim_id, effect in own.items()
        ],
        portfolios=[portfolio("book", FIRST_AT, FIRST, owner="ada"), portfolio("book", SECOND_AT, SECOND, owner="ada")],
    )
    await import_bundle(migrated_database, rows)
    yield migrated_database
    await empty(migrated_database)


async def belief(graph: Database, claim_id: str, moment: datetime, policy: str | None = None) -> float:
    """The belief in a claim as of a moment, as `posterior(asOf:, policy:)` answers it; 1 once P_2 has come true."""
    if claim_id == "P_2" and moment >= RESOLVED_AT:
        return 1.0
    (past,) = await graph.read(lambda unit: list_pasts(unit, [PastKey(claim_id, moment, moment)]))
    assert past is not None
    found = past.belief(rules_under(policy, past.terms.rules, past.terms.window))
    assert found is not None
    return found.probability


async def expect(
    graph: Database, moment: datetime, weights: dict[str, float] | None = None, policy: str | None = None
) -> float:
    """The expectation at a moment, the slow way."""
    held = weights or (SECOND if moment >= SECOND_AT else FIRST)
    parts = [
        weight * effect * await belief(graph, claim_id, moment, policy)
        for symbol, weight in held.items()
        for claim_id, effect in EFFECTS[symbol].items()
    ]
    return math.fsum(parts)


async def read(graph: Database, asked: Positions | str = "book", **options: Any) -> Record:
    """The record of a portfolio."""
    given = {"start": START, "end": END, "holder": ROOT, **options}
    return await graph.read(lambda unit: read_record(unit, asked, **given))


@pytest.mark.every_release
async def test_the_history_is_that_of_the_claims_beliefs(graph: Database) -> None:
    """Before and after each event, and between them; a fixed book goes on with its own weights. Under a policy too."""
    moments = [START, *(START + n * timedelta(days=13) for n in range(1, 16)), SECOND_AT, RESOLVED_AT, END]
    record = await read(graph)
    fixed = await read(graph, Positions.of([Position("A", 2.0), Position("B", -1.0)]))

    for moment, value, own in zip(moments, record.expectations(moments), fixed.expectations(moments), strict=True):
        assert value == pytest.approx(await expect(graph, moment), abs=1e-12)
        assert own == pytest.approx(await expect(graph, moment, FIRST), abs=1e-12)
    few, found = [START, SECOND_AT, END], list[list[float]]()
    for policy in ("foregraph-1", "foregraph-2"):
        values = (await read(graph, policy=policy)).expectations(few)
        assert values == pytest.approx([await expect(graph, moment, policy=policy) for moment in few], abs=1e-12)
        found.append(values)
    assert found[0] != found[1]


async def test_a_change_is_split_into_parts_that_add_up(graph: Database) -> None:
    """Each jump by the beliefs before and after it, as they are asked one by one; the rest is time."""
    moved = (await read(graph)).split()
    tick = timedelta(microseconds=1)
    parts = {(part.cause, part.claim_id or part.symbol, part.entry_ids): part.delta for part in moved.parts}

    assert moved.before == pytest.approx(await expect(graph, START), abs=1e-12)
    assert moved.after == pytest.approx(await expect(graph, END), abs=1e-12)
    assert math.fsum(part.delta for part in moved.parts) == pytest.approx(moved.after - moved.before, abs=1e-12)
    assert math.fsum(moved.totals().values()) == pytest.approx(moved.after - moved.before, abs=1e-12)

    jumps = (
        (Cause.EVIDENCE, "P_1", ("E_1",), datetime(2026, 3, 1, tzinfo=UTC), 2.0 * 0.5),
        (Cause.EVIDENCE, "P_1", ("E_2",), datetime(2026, 4, 1, tzinfo=UTC), 2.0 * 0.5),
        (Cause.RESOLUTION, "P_2", (), RESOLVED_AT, 0.5 * -0.25),
    )
    for cause, claim_id, keys, at, coefficient in jumps:
        step = await belief(graph, claim_id, at) - await belief(graph, claim_id, at - tick)
        assert parts[cause, claim_id, keys] == pytest.approx(coefficient * step, abs=1e-12)
    for symbol in ("A", "B", "C"):
        step = SECOND.get(symbol, 0.0) - FIRST.get(symbol, 0.0)
        held = [effect * await belief(graph, key, SECOND_AT - tick) for key, effect in EFFECTS[symbol].items()]
        assert parts[Cause.POSITIONS, symbol, ()] == pytest.approx(step * math.fsum(held), abs=1e-12)
    # P_3 is in the book until the moment at which its evidence comes, so the evidence moves nothing.
    assert (Cause.EVIDENCE, "P_3", ("E_3",)) not in parts
    assert {key[1] for key in parts if key[0] is Cause.TIME} == {"P_1", "P_2"}


async def test_the_split_is_the_same_over_any_stretches(graph: Database) -> None:
    """Parts of two halves add up to those of the whole, by cause, wherever it is divided."""
    whole = (await read(graph)).split().totals()
    for middle in (datetime(2026, 3, 1, tzinfo=UTC), SECOND_AT, RESOLVED_AT, datetime(2026, 7, 7, tzinfo=UTC)):
        bounded: tuple[dict[str, Any], ...] = ({"end": middle}, {"start": middle})
        halves = [(await read(graph, **bounds)).split().totals() for bounds in bounded]
        for cause in set(Cause) - {Cause.PROPAGATION}:
            assert math.fsum(half[cause] for half in halves) == pytest.approx(whole[cause], abs=1e-12)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"end": datetime(2999, 1, 1, tzinfo=UTC)}, InvalidError, "to: expected a moment that has come"),
        ({"start": END}, InvalidError, "from: expected a moment before"),
        ({"start": datetime(2025, 1, 1, tzinfo=UTC)}, NotFoundError, "its first are of 2026-01-01"),
        ({"asked": "nope"}, NotFoundError, "no portfolio has the name 'nope'"),
        ({"holder": EVE}, NotOwnedError, "belongs to another caller"),
    ],
)
async def test_a_history_that_there_is_not_is_refused(
    graph: Database, options: dict[str, Any], error: type[RefusedError], message: str
) -> None:
    with pytest.raises(error) as refusal:
        await read(graph, **options)
    assert message in str(refusal.value)


ASKED = """query ($from: DateTime!, $to: DateTime!) {
  exposureHistory(portfolio: "book", from: $from, to: $to, maxPoints: 8) { ... on ExposureHistory {
    points { at expectedRelevance } } }
  exposureChange(portfolio: "book", from: $from, to: $to, first: 3) { ... on ExposureChange {
    expectedBefore expectedAfter delta partCount restDelta totals { cause delta }
    parts { cause delta claimKey title symbol at evidenceKeys } } }
}"""


async def test_the_schema_has_the_same_figures(graph: Database) -> None:
    """Both ends are points, and what is listed and the rest add up to the change."""
    found = (await ask(graph, ASKED, **{"from": START.isoformat(), "to": END.isoformat()})).data
    record = await read(graph)
    moved = record.split()
    points, change = found["exposureHistory"]["points"], found["exposureChange"]

    assert [datetime.fromisoformat(points[place]["at"]) for place in (0, -1)] == [START, END]
    moments = [datetime.fromisoformat(point["at"]) for point in points]
    assert [point["expectedRelevance"] for point in points] == pytest.approx(record.expectations(moments), abs=1e-11)
    assert (change["partCount"], len(change["parts"])) == (len(moved.parts), 3)
    listed = math.fsum(part["delta"] for part in change["parts"])
    assert listed + change["restDelta"] == pytest.approx(change["delta"], abs=1e-11)
    assert {total["cause"]: total["delta"] for total in change["totals"]} == pytest.approx(
        {cause.value: delta for cause, delta in moved.totals().items()}, abs=1e-11
    )
    for part, own in zip(change["parts"], moved.parts, strict=False):
        assert (part["claimKey"], part["symbol"], part["title"]) == (own.claim_id, own.symbol, own.claim_id)


BASIS = "basisBefore { ...basis } basisAfter { ...basis }"
BASES = (
    """query ($from: DateTime!, $to: DateTime!, $positions: [PositionInput!], $portfolio: String) {
  exposureHistory(positions: $positions, portfolio: $portfolio, from: $from, to: $to, maxPoints: 2) {
    ... on ExposureHistory { """
    + BASIS
    + """ } }
  exposureChange(positions: $positions, portfolio: $portfolio, from: $from, to: $to) {
    ... on ExposureChange { """
    + BASIS
    + """ } }
  propagated: exposureChange(positions: $positions, portfolio: $portfolio, from: $from, to: $to, propagated: true) {
    ... on ExposureChange { """
    + BASIS
    + """ } }
  portfolioExposure(positions: $positions, portfolio: $portfolio, asOf: $from) {
    ... on PortfolioExposureResult { basis { ...basis } } }
}
fragment basis on ExposureBasis {
  positionsAsOf beliefsAsOf exposuresAsOf influencesAsOf isReconstructed reconstructedCount reconstructedExposureCount
}"""
)


async def find_bases(graph: Database, start: datetime, end: datetime, **asked: Any) -> dict[str, Any]:
    """The bases of all answers about a portfolio from one moment to another."""
    found: dict[str, Any] = (
        await ask(graph, BASES, **{"from": start.isoformat(), "to": end.isoformat(), **asked})
    ).data
    return found


async def test_what_was_recorded_later_is_counted(graph: Database) -> None:
    """All was imported after both moments, with the tickers of each; a measurement as of the first says the same."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    found = await find_bases(graph, start, END, portfolio="book")
    own = {key: found["exposureHistory"][key] for key in ("basisBefore", "basisAfter")}

    for moment, basis in zip((start, END), own.values(), strict=True):
        moments = [basis[key] for key in ("positionsAsOf", "beliefsAsOf", "exposuresAsOf")]
        assert [datetime.fromisoformat(at) for at in moments] == [moment] * 3
        assert basis["influencesAsOf"] is None
        assert (basis["isReconstructed"], basis["reconstructedCount"]) == (True, 4)
    # A and B are held at first, A and C at last.
    assert [basis["reconstructedExposureCount"] for basis in own.values()] == [4, 4]
    assert found["exposureChange"] == own
    assert found["propagated"]["basisBefore"] == found["portfolioExposure"]["basis"]
    assert found["propagated"]["basisBefore"]["influencesAsOf"] is not None
    one = await find_bases(graph, start, END, positions=[{"ticker": "C", "weight": 1.0}])
    assert one["exposureHistory"]["basisBefore"]["reconstructedExposureCount"] == 2
    assert one["exposureHistory"]["basisBefore"]["reconstructedCount"] == 2


async def test_what_was_recorded_by_then_is_not_counted(graph: Database) -> None:
    """From after the import on nothing is reconstructed."""
    start = datetime.now(UTC)
    found = await find_bases(graph, start, datetime.now(UTC), positions=[{"ticker": "A", "weight": 1.0}])

    for basis in (
        *found["exposureHistory"].values(),
        *found["propagated"].values(),
        found["portfolioExposure"]["basis"],
    ):
        assert basis["isReconstructed"] is False
        assert (basis["reconstructedCount"], basis["reconstructedExposureCount"]) == (0, 0)
