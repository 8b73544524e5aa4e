"""Exposures of the past: they do not change with later writes, and their changes are a cause of their own."""

import math
import random
from datetime import UTC, datetime

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.exposure.history import Cause, read_record
from graph.exposure.positions import Position, Positions
from graph.exposure.store import Holder
from graph.exposure.tickers import Ticker, read_tickers, read_tickers_at
from graph.ledger.derived import ensure_rebuilt
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import Change, upsert
from tests.helpers.bundles import bundle, prediction
from tests.helpers.database import empty

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

CLAIMS, SYMBOLS = ("P_1", "P_2", "P_3"), ("A", "B")
WEIGHTS = {"A": 2.0, "B": -1.0}
EDGE = ("sign", "prediction_id", "symbol")


def shown(tickers: dict[str, Ticker]) -> dict[str, list[tuple[object, ...]]]:
    """What tickers' exposures say, as text, so that NaN equals itself."""
    return {
        symbol: [
            (claim, *map(repr, values))
            for claim, *values in zip(
                found.edges.claim_ids,
                found.edges.relevances.tolist(),
                found.edges.impacts.tolist(),
                found.edges.ranges.tolist(),
                found.edges.dues.astype(str).tolist(),
                strict=True,
            )
        ]
        for symbol, found in sorted(tickers.items())
    }


async def test_later_writes_of_exposures_leave_the_past_alone(migrated_database: Database) -> None:
    """As of each moment the exposures are those that were read then; changes add up between any two moments."""
    database, rng = migrated_database, random.Random(7)
    await empty(database)
    rows = bundle(
        tickers=[{"symbol": symbol} for symbol in SYMBOLS],
        predictions=[prediction(claim_id, stated_probability=0.3) for claim_id in (*CLAIMS, "P_GONE")],
        exposures=[{"sign": "BENEFITS", "prediction_id": "P_1", "symbol": "A", "relevance": 0.5}],
    )
    await import_bundle(database, rows)
    now, notes, signs = datetime.now(UTC), [], {("P_1", "A"): "BENEFITS"}
    early = await database.read(lambda unit: read_tickers_at(unit, SYMBOLS, datetime(2020, 1, 1, tzinfo=UTC)))
    assert (len(early["A"].edges.claim_ids), early["A"].num_reconstructed) == (1, 1)
    for number in range(14):
        held = await database.read(lambda unit: read_tickers(unit, SYMBOLS))
        now = datetime.now(UTC)
        notes.append((now, shown(held)))
        pair = rng.choice(CLAIMS), rng.choice(SYMBOLS)
        ends = {"prediction_id": pair[0], "symbol": pair[1]}
        if pair in signs and rng.random() < 0.4:
            await remove_edge(database, Change("exposures", {"sign": signs.pop(pair), **ends}), "removeExposure")
        else:
            sign = signs.setdefault(pair, rng.choice(["BENEFITS", "HARMS"]))
            row = {"sign": sign, **ends, "relevance": rng.random(), "lag_days": number}
            if number % 2:
                await upsert(database, Change("exposures", row))
            else:
                await import_bundle(database, bundle(exposures=[row]))
    for moment, expected in notes:
        found = await database.read(lambda unit, at=moment: read_tickers_at(unit, SYMBOLS, at))  # type: ignore[misc]
        assert shown(found) == expected

    book = Positions.of([Position(symbol, weight) for symbol, weight in WEIGHTS.items()])
    start, end = notes[0][0], datetime.now(UTC)
    holder = Holder("", sees_all=True)
    moved = (await database.read(lambda unit: read_record(unit, book, holder, start, end))).split()
    assert math.fsum(part.delta for part in moved.parts) == pytest.approx(moved.after - moved.before, abs=1e-12)
    assert any(part.cause is Cause.EXPOSURES and part.claim_id and part.symbol for part in moved.parts)
    present = await database.read(lambda unit: read_tickers(unit, SYMBOLS))
    assert shown(await database.read(lambda unit: read_tickers_at(unit, SYMBOLS, end))) == shown(present)


async def test_an_exposure_deleted_with_its_prediction_ends(migrated_database: Database) -> None:
    """Its last version says so."""
    database = migrated_database
    await empty(database)
    exposure = {"sign": "HARMS", "prediction_id": "P_1", "symbol": "A", "relevance": 0.5}
    await import_bundle(
        database, bundle(tickers=[{"symbol": "A"}], predictions=[prediction("P_1")], exposures=[exposure])
    )
    before = datetime.now(UTC)
    await delete_subject(database, "Prediction", "P_1")
    then = await database.read(lambda unit: read_tickers_at(unit, ["A"], before))
    after = await database.read(lambda unit: read_tickers_at(unit, ["A"], datetime.now(UTC)))

    assert then["A"].edges.relevances.tolist() == [-0.5]
    assert after["A"].edges.claim_ids == ()


async def test_changed_exposures_by_hand(migrated_database: Database) -> None:
    """A changed relevance, a removed exposure and a new one, each by the ticker's weight and the belief of 0.6."""
    database = migrated_database
    await empty(database)
    ends = {"P_1": ("P_1", "A"), "P_2": ("P_2", "A"), "P_3": ("P_3", "B")}
    rows = {
        key: {"sign": "BENEFITS", "prediction_id": claim_id, "symbol": symbol, "relevance": 0.5}
        for key, (claim_id, symbol) in ends.items()
    }
    # Without a window or a class, a belief is what was stated, whatever the moment.
    stated = [prediction(key, stated_probability=0.6, from_year=None) for key in CLAIMS]
    await import_bundle(
        database,
        bundle(tickers=[{"symbol": symbol} for symbol in SYMBOLS], predictions=stated, exposures=list(rows.values())),
    )
    start = datetime.now(UTC)
    await upsert(database, Change("exposures", {**rows["P_1"], "relevance": 0.75}))
    await remove_edge(database, Change("exposures", {key: rows["P_2"][key] for key in EDGE}), "removeExposure")
    await upsert(database, Change("exposures", {**rows["P_3"], "impact": 0.2, "lag_days": 3}))
    new = {"sign": "HARMS", "prediction_id": "P_2", "symbol": "B", "relevance": 0.25, "impact": -0.1}
    await upsert(database, Change("exposures", new))
    end = datetime.now(UTC)

    book = Positions.of([Position(symbol, weight) for symbol, weight in WEIGHTS.items()])
    record = await database.read(lambda unit: read_record(unit, book, Holder("", sees_all=True), start, end))
    moved = record.split()
    found = {(part.cause, part.claim_id, part.symbol): part.delta for part in moved.parts}

    # A weighs 2 and B -1. What an impact or a lag says is no relevance, and so no part.
    expected = {
        (Cause.EXPOSURES, "P_1", "A"): 2.0 * (0.75 - 0.5) * 0.6,
        (Cause.EXPOSURES, "P_2", "A"): 2.0 * (0.0 - 0.5) * 0.6,
        (Cause.EXPOSURES, "P_2", "B"): -1.0 * (-0.25 - 0.0) * 0.6,
    }
    assert found == pytest.approx(expected, abs=1e-12)
    assert moved.before == pytest.approx(2.0 * 0.5 * 0.6 * 2 - 1.0 * 0.5 * 0.6, abs=1e-12)
    assert moved.after == pytest.approx(2.0 * 0.75 * 0.6 - 1.0 * (0.5 - 0.25) * 0.6, abs=1e-12)
    assert moved.totals()[Cause.EXPOSURES] == pytest.approx(moved.after - moved.before, abs=1e-12)
    moments = {part.symbol: part.at for part in moved.parts if part.claim_id == "P_2"}
    assert all(at is not None and start < at <= end for at in moments.values())


async def test_exposures_of_an_older_graph_are_reconstructed(migrated_database: Database) -> None:
    """First versions are made of those that it has, and stand for the time before; once, and with no change at all."""
    database = migrated_database
    await empty(database)
    ends = [("BENEFITS", "P_1", "A"), ("HARMS", "P_2", "A"), ("BENEFITS", "P_3", "B")]
    rows = [dict(zip(EDGE, own, strict=True)) | {"relevance": 0.5} for own in ends]
    stated = [prediction(key, stated_probability=0.6) for key in CLAIMS]
    tickers = [{"symbol": symbol} for symbol in SYMBOLS]
    await import_bundle(database, bundle(tickers=tickers, predictions=stated, exposures=rows))
    await upsert(database, Change("exposures", rows[0] | {"relevance": 0.75}))
    before = datetime.now(UTC)
    async with database.open_session() as session:
        for text in (
            "MATCH (v:Version) DELETE v",
            "MATCH (n) REMOVE n.versioned_at, n.num_versions, n.derived_version",
            "MATCH ()-[r:BENEFITS|HARMS]->() REMOVE r.versioned_at, r.num_versions",
        ):
            await (await session.run(text)).consume()
    absent = await database.read(lambda unit: read_tickers_at(unit, SYMBOLS, before))
    assert [found.edges.claim_ids for found in absent.values()] == [(), ()]

    await ensure_rebuilt(database)
    after = datetime.now(UTC)

    present = shown(await database.read(lambda unit: read_tickers(unit, SYMBOLS)))
    for moment, num_early in ((datetime(2020, 1, 1, tzinfo=UTC), [2, 1]), (before, [2, 1]), (after, [0, 0])):
        found = await database.read(lambda unit, at=moment: read_tickers_at(unit, SYMBOLS, at))  # type: ignore[misc]
        assert shown(found) == present
        assert [found[symbol].num_reconstructed for symbol in SYMBOLS] == num_early
    book = Positions.of([Position(symbol, weight) for symbol, weight in WEIGHTS.items()])
    record = await database.read(lambda unit: read_record(unit, book, Holder("", sees_all=True), before, after))
    assert record.split().totals()[Cause.EXPOSURES] == 0.0
    await upsert(database, Change("exposures", rows[1] | {"relevance": 0.25}))
    await ensure_rebuilt(database)
    kept = await database.read(lambda unit: read_tickers_at(unit, SYMBOLS, before))
    assert shown(kept) == present
