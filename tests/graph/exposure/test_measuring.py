"""Figures of a portfolio over the diamond: sums that are laws, and comparisons with a benchmark."""

import math
from datetime import date

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.exposure.measuring import Exposure, Grouping, Scope, list_contributions, measure
from graph.exposure.positions import Position, Positions
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle
from tests.helpers.database import empty
from tests.helpers.diamond import diamond

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

BOOK = Positions.of([Position("A", 2.0, benchmark_weight=0.5), Position("B", -1.0, benchmark_weight=1.0)])
EXPOSURES = [("BENEFITS", "P_B", "A", 0.5), ("HARMS", "P_D", "A", 0.25), ("BENEFITS", "P_D", "B", 0.75)]
STATED = {"P_B": 0.5, "P_D": 0.35}


async def find(database: Database, scope: Scope | None = None) -> Exposure:
    """The book over the diamond, whose claims have the marginals that were stated."""
    await empty(database)
    await import_bundle(database, diamond())
    rows = [
        {"sign": sign, "prediction_id": key, "symbol": symbol, "relevance": relevance}
        for sign, key, symbol, relevance in EXPOSURES
    ]
    tickers = [{"symbol": "A", "sector": "Energy"}, {"symbol": "B"}]
    await import_bundle(database, bundle(tickers=tickers, exposures=rows))
    async with database.reading() as reading:
        return await measure(reading, service_of(database).engine, BOOK, scope=scope or Scope())


async def test_contributions_groups_and_risk_shares_add_up(migrated_database: Database) -> None:
    """To the expectation and to 1, however they are grouped; without evidence a marginal is what was stated."""
    found = await find(migrated_database)
    contributions = await list_contributions(service_of(migrated_database).engine, found)
    by_claim = {part.claim_id: part.expected for part in contributions}

    assert by_claim == pytest.approx({"P_B": 2.0 * 0.5 * 0.5, "P_D": (-2.0 * 0.25 - 0.75) * 0.35}, abs=1e-3)
    assert math.fsum(by_claim.values()) == pytest.approx(found.expected, abs=1e-12)
    assert math.fsum(map(abs, by_claim.values())) == pytest.approx(found.gross, abs=1e-12)
    assert math.fsum(part.risk_share for part in contributions) == pytest.approx(1.0, abs=1e-12)
    for by in Grouping:
        groups = found.groups(by)
        assert math.fsum(group.expected for group in groups) == pytest.approx(found.expected, abs=1e-12)
        assert math.fsum(group.risk_share for group in groups) == pytest.approx(1.0, abs=1e-12)
    sectors = {group.key: group.expected for group in found.groups(Grouping.SECTOR)}
    assert sectors == pytest.approx({"Energy": 2.0 * (0.5 * 0.5 - 0.25 * 0.35), None: -0.75 * 0.35}, abs=1e-3)


async def test_a_benchmark_and_active_weights_are_measured_by_the_same_marginals(migrated_database: Database) -> None:
    """What is active is the portfolio less its benchmark, and a measurement of active weights alone says the same."""
    found = await find(migrated_database)
    active = await find(migrated_database, Scope(is_active=True))

    assert found.benchmark is not None
    assert found.active == pytest.approx(found.expected - found.benchmark, abs=1e-12)
    assert active.expected == pytest.approx(found.active, abs=1e-12)


async def test_a_horizon_before_all_effects_leaves_those_without_a_day(migrated_database: Database) -> None:
    found = await find(migrated_database, Scope(horizon=date(2020, 1, 1)))

    # P_D has no window, so its effects have no day.
    counted = {found.joint.view.ids[claim] for claim in np.unique(found.book.edges.claims).tolist()}
    assert counted == {"P_D"}
    assert found.book.num_beyond == 1
