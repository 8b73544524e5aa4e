"""Histories of many claims read at once, against those that are read claim by claim."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.inference.policies import FOREGRAPH_2
from graph.inference.time import utc_moments
from graph.ledger.claim_courses import load_courses
from graph.ledger.claim_history import load_histories
from graph.ledger.settings import set_policy
from tests.helpers.bundles import bundle, evidence, prediction
from tests.helpers.database import empty

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

IDS = ["P_1", "P_2", "P_3", "P_4", "P_5"]
RATES = (0.2, 0.6)
RESOLVED = {"status": "RESOLVED_FALSE", "resolved_at": "2026-06-01T00:00:00Z"}


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """Claims in a class whose rate changes, one restated, one closed, one without a probability; the policy changes."""
    await empty(migrated_database)
    for number, rate in enumerate(RATES):
        rows = bundle(
            reference_classes=[{"id": "c", "description": "Cases", "base_rate": rate}],
            predictions=[
                prediction("P_1", reference_class_id="c", stated_probability=0.7),
                prediction("P_2", reference_class_id="c", stated_probability=0.4, **RESOLVED),
                prediction("P_3", stated_probability=0.3 + 0.2 * number),
                prediction("P_4"),
                prediction("P_5", stated_probability=None),
            ],
            evidence=[
                evidence(
                    f"E_{claim}_{day}",
                    claim,
                    recorded_at=f"2026-0{day}-01T00:00:00.25Z",
                    observed_at=f"2026-0{day}-01T00:00:00Z",
                    total_llr=0.3,
                )
                for claim in ("P_1", "P_4")
                for day in (3, 4)
            ],
        )
        await import_bundle(migrated_database, rows)
    await migrated_database.write(lambda unit: set_policy(unit, FOREGRAPH_2.name, datetime.now(UTC)))
    yield migrated_database
    await empty(migrated_database)


@pytest.mark.parametrize("policy", [None, "foregraph-1", "foregraph-2"])
async def test_beliefs_are_those_of_the_claims_histories(graph: Database, policy: str | None) -> None:
    """To the last bit, before, at and after each moment of which something was recorded; with the rows' ids."""
    found = await graph.read(lambda unit: load_courses(unit, [*IDS, "nobody"], policy))
    histories = await graph.read(lambda unit: load_histories(unit, [*IDS, "nobody"], policy))

    assert list(found.ids) == sorted(histories) == IDS[:4]
    sinces = [piece.since for history in histories.values() for piece in history.course]
    recorded = [row["recorded_at"] for history in histories.values() for row in history.rows]
    moments = np.unique(utc_moments([*sinces, *recorded, datetime(2026, 7, 1, tzinfo=UTC), datetime.now(UTC)]))
    moments = np.concatenate([moments - np.timedelta64(1, "us"), moments])
    for number, claim_id in enumerate(found.ids):
        alone = [histories[claim_id].belief_at(at.replace(tzinfo=UTC)) for at in moments.tolist()]
        assert found.courses.beliefs(np.full(moments.size, number), moments).tolist() == alone
    assert list(found.entry_ids) == [row["id"] for history in histories.values() for row in history.rows]
    assert (found.courses.outcomes[1], np.isnan(found.courses.outcomes).sum()) == (0.0, 3)


async def test_a_policy_that_there_is_not_is_refused(graph: Database) -> None:
    with pytest.raises(InvalidError, match="foregraph-9"):
        await graph.read(lambda unit: load_courses(unit, IDS, "foregraph-9"))
