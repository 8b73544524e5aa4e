"""The illustrative graph is marked as such, shows what it is there to show, and keeps a true ledger."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import verify
from graph.model.bundle import LISTS, Bundle
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.rows import Claim
from graph.model.subjects import row_id
from graph.reading.nodes import get_nodes
from graph.reading.tree import NodePlan
from graph.sample import Sample
from graph.sample.loading import load_illustration, load_sample, load_samples

MADE_ON = date(2026, 9, 1)
"""The day that the illustration's past lies before and its future after."""


@pytest.fixture(scope="module")
def illustration() -> Bundle:
    return load_illustration()


def claims_of(bundle: Bundle) -> list[Claim]:
    """All claims of a bundle."""
    return [*bundle.predictions, *bundle.scenarios, *bundle.killers]


def test_nobody_can_take_it_for_real(illustration: Bundle) -> None:
    """Whatever stands beside a claim says so, and one document is about each of them."""
    names = [
        *(domain.name for domain in illustration.domains),
        *(episode.title for episode in illustration.episodes),
        *(predictor.name for predictor in illustration.predictors),
        *(found.description for found in illustration.reference_classes),
        *(ticker.name for ticker in illustration.tickers),
        *(document.title for document in illustration.documents),
        *(claim.probability_basis for claim in claims_of(illustration)),
        *(row.submitted_by for row in illustration.evidence),
        *(row.source for row in illustration.exposures),
    ]
    told = {link.claim_id for link in illustration.document_links if link.document_id == "illustrative_about"}

    assert [name for name in names if "illustrative" not in (name or "").lower()] == []
    assert told == {claim.id for claim in claims_of(illustration)}
    assert all(claim.id.startswith("IL_") and claim.domain_id for claim in claims_of(illustration))
    assert all(prediction.episode_id and prediction.predictor_id for prediction in illustration.predictions)
    assert all(prediction.verbatim_quote is None for prediction in illustration.predictions)


def test_the_two_samples_share_no_row(illustration: Bundle) -> None:
    """So the real pages are the same with the illustration and without it."""
    pages = load_sample()

    for name in LISTS:
        assert {row_id(row) for row in pages.rows()[name]} & {row_id(row) for row in illustration.rows()[name]} == set()
    assert load_samples(Sample.PAGES) == pages
    assert load_samples(Sample.ALL).num_rows() == pages.num_rows() + illustration.num_rows()
    assert load_samples(Sample.NONE).num_rows() == 0


def test_it_has_enough_to_look_at(illustration: Bundle) -> None:
    """Five domains, 25 tickers with stated impacts, and influences three levels deep and more."""
    claims = claims_of(illustration)
    parents: dict[str, list[str]] = {}
    for influence in illustration.influences:
        parents.setdefault(influence.child_id, []).append(influence.parent_id)

    def depth(claim_id: str) -> int:
        return max((1 + depth(parent) for parent in parents.get(claim_id, [])), default=0)

    assert 60 <= len(claims) <= 70
    assert Counter(claim.domain_id for claim in claims).keys() == {domain.id for domain in illustration.domains}
    assert len(illustration.domains) == 5
    assert len(illustration.tickers) == 25
    assert {exposure.symbol for exposure in illustration.exposures} == {row.symbol for row in illustration.tickers}
    assert all(exposure.impact and exposure.relevance for exposure in illustration.exposures)
    assert max(depth(claim.id) for claim in claims) >= 3
    observed = [row.observed_at.date() for row in illustration.evidence]
    assert (max(observed) - min(observed)).days >= 365
    assert max(observed) < MADE_ON


def test_milestones_lie_before_and_after_the_day_it_was_made(illustration: Bundle) -> None:
    """What should have been seen by then is settled, and so the first sweep finds nothing that was left out."""
    for milestone in illustration.milestones:
        due = milestone.due_date()
        assert due is not None
        is_past = due < MADE_ON
        assert not (is_past and milestone.status is MilestoneStatus.PENDING), milestone.id
        assert (milestone.observed_date is not None) == (milestone.status is MilestoneStatus.HIT), milestone.id
        assert milestone.observed_date is None or milestone.observed_date < MADE_ON
    statuses = Counter(milestone.status for milestone in illustration.milestones)
    assert statuses[MilestoneStatus.PENDING] >= 20
    assert statuses[MilestoneStatus.HIT] >= 20
    assert {milestone.kind for milestone in illustration.milestones} == set(MilestoneKind)


def test_outcomes_fall_into_their_windows(illustration: Bundle) -> None:
    """A claim is resolved within its window and by the last row of its ledger."""
    last = {row.claim_id: row for row in sorted(illustration.evidence, key=lambda row: row.recorded_at)}

    settled = [claim for claim in claims_of(illustration) if claim.status is not ClaimStatus.OPEN]

    assert len(settled) == 26
    for claim in settled:
        assert claim.window_start is not None
        assert claim.window_end is not None
        assert claim.resolved_at is not None
        assert claim.window_start <= claim.resolved_at <= claim.window_end
        assert last[claim.id].observed_at == claim.resolved_at
        assert last[claim.id].total_llr == 0
    for claim in claims_of(illustration):
        assert claim.deadline == claim.window_end
        if claim.status is ClaimStatus.OPEN:
            assert claim.deadline is not None
            assert claim.deadline > datetime(2027, 1, 1, tzinfo=UTC)


async def test_its_ledger_is_what_the_service_would_have_written(database: Database, illustration: Bundle) -> None:
    """Every figure of every row is computed anew, bit for bit."""
    await import_bundle(database, illustration)

    assert [str(difference) async for difference in verify(database)] == []
    assert {row.policy for row in illustration.evidence} == {"foregraph-1"}


async def test_its_predictors_have_records_that_differ(database: Database, illustration: Bundle) -> None:
    """A leaderboard has somebody good, somebody bad, and somebody new on it; the Brier scores are computed by hand."""
    await import_bundle(database, illustration)
    stated: dict[str, list[tuple[float, float]]] = {}
    for row in illustration.predictions:
        if row.status in {ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE}:
            assert row.predictor_id is not None
            assert row.stated_probability is not None
            outcome = 1.0 if row.status is ClaimStatus.RESOLVED_TRUE else 0.0
            stated.setdefault(row.predictor_id, []).append((row.stated_probability, outcome))
    expected = {key: sum((p - outcome) ** 2 for p, outcome in rows) / len(rows) for key, rows in stated.items()}

    plan = NodePlan(properties=("id", "brier", "n_resolved", "kappa"))
    async with database.reading() as reading:
        found = await get_nodes(reading, [("Predictor", key) for key in sorted(expected)], plan)

    nodes = [node for node in found if node is not None]
    assert {node["id"]: node["brier"] for node in nodes} == pytest.approx(expected)
    assert {node["id"]: node["n_resolved"] for node in nodes} == {key: len(rows) for key, rows in stated.items()}
    assert len({node["kappa"] for node in nodes}) == 5
    assert min(expected.values()) < 0.1
    assert max(expected.values()) > 0.4
