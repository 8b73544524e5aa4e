"""Every claim's belief as of a moment: the same figures as those of each claim alone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.inference.evidence import POLICY
from graph.inference.log_odds import logit
from graph.ledger import beliefs
from graph.ledger.beliefs import COLUMNS, open_beliefs
from graph.model.kinds import ClaimStatus
from graph.outcomes.resolution import Outcome, resolve
from graph.sample.loading import load_sample
from tests.helpers.asking import ask
from tests.helpers.copies import import_once
from tests.helpers.small_graph import small_graph
from tests.helpers.stored import read

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

MOMENTS = [
    datetime(2025, 1, 1, tzinfo=UTC),
    datetime(2026, 2, 2, tzinfo=UTC),  # the very moment of a row
    datetime(2026, 2, 2, tzinfo=UTC) - timedelta(microseconds=1),
    datetime(2026, 5, 30, 22, 15, 0, 756418, UTC),
    datetime(2026, 10, 1, tzinfo=UTC),
    datetime(2035, 1, 1, tzinfo=UTC),
]
RESOLVED_AT = datetime(2026, 9, 1, tzinfo=UTC)
CLAIM = "{ title statedProbability posterior(asOf: $asOf) { probability insideProbability } }"
QUESTIONS = {
    kind: f"query ($id: ID!, $asOf: DateTime) {{ claim: {kind.lower()}(id: $id) {CLAIM} }}"
    for kind in ("Prediction", "Scenario", "Killer")
}


@pytest.fixture
async def stored(database: Database) -> Database:
    """Claims with and without windows, classes, evidence and stated probabilities; one of them resolved."""
    await import_once(database, load_sample())
    await import_bundle(database, small_graph())
    await resolve(database, "P_00", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=RESOLVED_AT))
    return database


async def read_table(database: Database, moment: datetime, known_at: datetime | None = None) -> list[Mapping[str, Any]]:
    """All rows, by column."""
    async with open_beliefs(database, moment, known_at) as table:
        assert table.columns == COLUMNS
        return [dict(zip(COLUMNS, row, strict=True)) async for batch in table.batches() for row in batch]


def in_twelve_digits(figure: float | None) -> float | None:
    """A figure as the API shows it."""
    return None if figure is None else float(f"{figure:.12g}")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_each_belief_is_what_its_claim_alone_answers(stored: Database, moment: datetime) -> None:
    """Bit for bit: in arrays here, claim by claim there."""
    rows = await read_table(stored, moment)

    (count,) = await read(stored, "MATCH (c:Claim) RETURN count(c) AS n, count(c.inside_log_odds) AS stated")
    assert len(rows) == count["n"]
    assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
    assert sum(row["posterior"] is not None for row in rows) == count["stated"]
    for row in rows:
        answered = (await ask(stored, QUESTIONS[row["kind"]], id=row["key"], asOf=moment.isoformat())).data["claim"]
        expected = answered["posterior"] or {"probability": None, "insideProbability": None}
        assert (row["title"], row["stated"]) == (answered["title"], answered["statedProbability"])
        found = tuple(map(in_twelve_digits, (row["posterior"], row["inside"])))
        assert found == (expected["probability"], expected["insideProbability"])


@pytest.mark.every_release
async def test_what_was_recorded_later_is_not_in_it(stored: Database) -> None:
    """Neither evidence nor an outcome: a back-test may see neither, nor what an outcome entered today says of then."""
    first, now = datetime(2026, 2, 1, tzinfo=UTC), datetime.now(UTC)
    before, on_first, unknown, resolved = [
        {row["key"]: row for row in await read_table(stored, moment, known_at)}["P_00"]
        for moment, known_at in (
            (first - timedelta(seconds=1), None),
            (first, None),
            (RESOLVED_AT, None),
            (RESOLVED_AT, now),
        )
    ]

    assert before["inside"] == pytest.approx(before["stated"], rel=1e-12)
    assert logit(on_first["inside"]) - logit(on_first["stated"]) == pytest.approx(0.1 * POLICY.kappa_prior, abs=1e-9)
    assert (before["status"], on_first["status"], unknown["status"]) == ("OPEN", "OPEN", "OPEN")
    assert resolved["status"] == "RESOLVED_TRUE"
    assert unknown["is_reconstructed"]
    assert not resolved["is_reconstructed"]


async def test_a_marginal_is_there_from_the_moment_it_was_stored_for(stored: Database) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    await read(
        stored,
        "MATCH (c:Claim {id: 'P_01'}) SET c.marginal = 0.25, c.marginal_as_of = datetime($at) RETURN c",
        at=at.isoformat(),
    )

    after, before = [
        {row["key"]: row["marginal"] for row in await read_table(stored, moment)}["P_01"]
        for moment in (at, at - timedelta(microseconds=1))
    ]

    assert (after, before) == (0.25, None)


async def test_pages_join_without_a_gap(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await read_table(stored, MOMENTS[4])
    monkeypatch.setattr(beliefs, "PAGE_CLAIMS", 4)

    assert await read_table(stored, MOMENTS[4]) == whole


async def test_an_empty_graph_has_an_empty_table(database: Database) -> None:
    assert await read_table(database, MOMENTS[0]) == []
