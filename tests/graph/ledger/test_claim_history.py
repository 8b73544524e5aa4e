"""Beliefs over time from whole ledgers are those that the API gives."""

from datetime import UTC, datetime

import pytest

from graph.database.sessions import Database
from graph.ledger.claim_history import load_histories
from graph.sample import Sample
from graph.sample.loading import load_samples
from tests.helpers.asking import ask
from tests.helpers.copies import import_once

MOMENTS = ("2025-09-01T00:00:00Z", "2026-02-10T15:00:00Z", "2026-05-30T22:15:00.756418Z", "2026-09-01T00:00:00Z")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_beliefs_are_those_that_the_api_gives(database: Database, moment: str) -> None:
    """Of every prediction, resolved ones included; the API reads the last row by then and not the ledger."""
    await import_once(database, load_samples(Sample.ALL))
    document = """
      query ($at: DateTime!) {
        predictions(first: 100) { nodes { key posterior(asOf: $at) { probability } } }
      }
    """
    found = (await ask(database, document, at=moment)).data["predictions"]["nodes"]
    expected = {node["key"]: node["posterior"]["probability"] for node in found}

    histories = await database.read(lambda unit: load_histories(unit, expected))
    beliefs = {key: history.belief_at(datetime.fromisoformat(moment)) for key, history in histories.items()}

    assert len(beliefs) == 59
    assert beliefs == pytest.approx(expected, rel=1e-12)


async def test_claims_without_a_probability_have_no_history(database: Database) -> None:
    """Nor have ids that no claim has."""
    await import_once(database, load_samples(Sample.PAGES))

    found = await database.read(lambda unit: load_histories(unit, ["S_HUMANOID_CONSUMER_2030", "nobody", "CMQ_056"]))

    assert list(found) == ["CMQ_056"]


async def test_a_curve_ends_with_the_belief_of_its_end(database: Database) -> None:
    """At the outcome, where that is earlier."""
    await import_once(database, load_samples(Sample.ALL))
    start, end = datetime(2025, 7, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)

    histories = await database.read(lambda unit: load_histories(unit, ["IL_DC_POWER", "IL_R_TWO_NANOMETRES"]))

    for claim_id, last in (("IL_DC_POWER", end), ("IL_R_TWO_NANOMETRES", datetime(2025, 12, 18, 18, tzinfo=UTC))):
        curve = histories[claim_id].curve(start, end, max_points=100)
        assert curve.moments[-1].item().replace(tzinfo=UTC) == last
        assert curve.values[-1] == pytest.approx(histories[claim_id].belief_at(end), rel=1e-12)
